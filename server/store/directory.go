package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"magpie/server/chat"
)

// Users returns a page of an organisation's directory, without disabled users, and the cursor of the next page, "" at the end. Without a
// text it is by name.
func (s *Store) Users(ctx context.Context, eid string, q chat.UserQuery) ([]chat.User, string, error) {
	enabled := false
	users, next, err := s.people(ctx, eid, chat.AccountQuery{Text: q.Text, Department: q.Department, Disabled: &enabled, Cursor: q.Cursor, Limit: q.Limit})
	if err != nil {
		return nil, "", fmt.Errorf("search the directory: %w", err)
	}
	return users, next, nil
}

func (s *Store) people(ctx context.Context, eid string, q chat.AccountQuery) ([]chat.User, string, error) {
	if strings.TrimSpace(q.Text) != "" {
		return s.search(ctx, eid, q)
	}
	return s.listPeople(ctx, eid, q)
}

// end is behind every text in the order of bytes.
const end = "\U0010ffff"

// place is where a page of a search ended. A search shows first whom it finds by its own words, in the order of the words that match,
// and then the people of departments that match, in the same order; each person once.
type place struct {
	Word       string
	Department int64 // 0 in the first part
	Name, UID  string
}

// search finds people by what their words begin with. It reads about as many rows as it shows, however many people there are.
func (s *Store) search(ctx context.Context, eid string, q chat.AccountQuery) ([]chat.User, string, error) {
	text, ok := typed(q.Text)
	at := place{Word: text}
	if err := decodeCursor(q.Cursor, &at); err != nil {
		return nil, "", err
	}
	if !ok || !strings.HasPrefix(at.Word, text) {
		return nil, "", nil
	}
	f := finder{eid: eid, text: text, query: q, limit: clamp(q.Limit, 50, 1000)}
	err := s.reading(ctx, func(r querier) error {
		if at.Department == 0 {
			full, err := f.byWords(ctx, r, at)
			if err != nil || full {
				return err
			}
			at = place{Word: text}
		}
		return f.byDepartments(ctx, r, at)
	})
	if err != nil || len(f.found) <= f.limit {
		return f.found, "", err
	}
	return f.found[:f.limit], encodeCursor(f.places[f.limit-1]), nil
}

// finder collects a page of a search, and one more.
type finder struct {
	eid, text string
	query     chat.AccountQuery
	limit     int
	matching  []int64 // departments, in their order
	found     []chat.User
	places    []place // where each of found stands
}

func (f *finder) hidden() []int64 {
	if f.query.Disabled != nil {
		return []int64{flag(*f.query.Disabled)}
	}
	return []int64{0, 1}
}

// byWords adds people by their own words, and reports whether the page is full.
func (f *finder) byWords(ctx context.Context, r querier, at place) (bool, error) {
	step := f.limit + 1
	for {
		var rows []place
		for _, hidden := range f.hidden() {
			list, err := collect(ctx, r, scanPlace, `SELECT word, name, uid FROM user_words WHERE eid = $1 AND hidden = $2
				AND (word, name, uid) > ($3, $4, $5) AND word < $6 ORDER BY word, name, uid LIMIT $7`, f.eid, hidden, at.Word, at.Name, at.UID, f.text+end, step)
			if err != nil {
				return false, err
			}
			rows = append(rows, list...)
		}
		slices.SortFunc(rows, func(a, b place) int {
			return cmp.Or(strings.Compare(a.Word, b.Word), strings.Compare(a.Name, b.Name), strings.Compare(a.UID, b.UID))
		})
		last := len(rows) < step
		rows = rows[:min(len(rows), step)]
		full, err := f.take(ctx, r, rows, func(u chat.User, p place) bool { return f.firstWord(u) == p.Word })
		if err != nil || full || last {
			return full, err
		}
		at = rows[len(rows)-1]
	}
}

func scanPlace(scan func(...any) error) (p place, err error) {
	err = scan(&p.Word, &p.Name, &p.UID)
	return p, err
}

// firstWord is the first of a user's words that matches, "" when none does.
func (f *finder) firstWord(u chat.User) string {
	for _, w := range words(u.Name, u.UID, u.Title) { // they are sorted
		if strings.HasPrefix(w, f.text) {
			return w
		}
	}
	return ""
}

// maxMatching bounds the departments of one search.
const maxMatching = 200

// byDepartments adds the people of departments that match and who were not found by their own words.
func (f *finder) byDepartments(ctx context.Context, r querier, at place) error {
	ids, err := collect(ctx, r, scanInt, `SELECT department FROM department_words WHERE eid = $1 AND word >= $2 AND word < $3
		GROUP BY department ORDER BY MIN(word), department LIMIT $4`, f.eid, f.text, f.text+end, maxMatching)
	if err != nil {
		return err
	}
	f.matching = ids
	from := max(0, slices.Index(ids, at.Department))
	for _, id := range ids[from:] {
		if id != at.Department {
			at = place{Word: f.text, Department: id}
		}
		for {
			rows, err := membersAfter(ctx, r, id, f.hidden(), at, f.limit+1)
			if err != nil {
				return err
			}
			full, err := f.take(ctx, r, rows, func(u chat.User, p place) bool { return f.firstWord(u) == "" })
			if err != nil || full {
				return err
			}
			if len(rows) <= f.limit {
				break
			}
			at = rows[len(rows)-1]
		}
	}
	return nil
}

// membersAfter reads people who are in a department, by name, after a place.
func membersAfter(ctx context.Context, r querier, id int64, hidden []int64, at place, limit int) ([]place, error) {
	var rows []place
	for _, h := range hidden {
		list, err := collect(ctx, r, func(scan func(...any) error) (place, error) {
			p := place{Word: at.Word, Department: id}
			err := scan(&p.Name, &p.UID)
			return p, err
		}, `SELECT name, uid FROM department_members WHERE department = $1 AND hidden = $2 AND (name, uid) > ($3, $4) ORDER BY name, uid LIMIT $5`, id, h, at.Name, at.UID, limit)
		if err != nil {
			return nil, err
		}
		rows = append(rows, list...)
	}
	slices.SortFunc(rows, func(a, b place) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.UID, b.UID)) })
	return rows[:min(len(rows), limit)], nil
}

// take adds those of rows that the query's filters and first let through. It reports whether the page is full.
func (f *finder) take(ctx context.Context, r querier, rows []place, first func(chat.User, place) bool) (bool, error) {
	uids := make([]string, len(rows))
	for i, p := range rows {
		uids[i] = p.UID
	}
	users, err := usersByID(ctx, r, f.eid, uids)
	if err != nil {
		return false, err
	}
	by := make(map[string]chat.User, len(users))
	for _, u := range users {
		by[u.UID] = u
	}
	for _, p := range rows {
		u, ok := by[p.UID]
		if !ok || !first(u, p) || f.query.Role != "" && u.Role != f.query.Role {
			continue
		}
		if p.Department != 0 || f.query.Department != 0 {
			of, err := departmentsOf(ctx, r, f.eid, p.UID)
			if err != nil {
				return false, err
			}
			if f.query.Department != 0 && !slices.Contains(of, f.query.Department) {
				continue
			}
			if p.Department != 0 && f.shownEarlier(of, p.Department) {
				continue
			}
		}
		f.found, f.places = append(f.found, u), append(f.places, p)
		if len(f.found) > f.limit {
			return true, nil
		}
	}
	return false, nil
}

// shownEarlier reports whether somebody who is in departments was shown with one before id.
func (f *finder) shownEarlier(of []int64, id int64) bool {
	for _, x := range f.matching {
		if x == id {
			return false
		}
		if slices.Contains(of, x) {
			return true
		}
	}
	return false
}

// personOrders are the columns that a list of people may be sorted by.
var personOrders = map[string]string{"": "name", "name": "name", "uid": "uid", "created": "created", "seen": "seen"}

// personPlace is where a page of a list of people ended: the value that it is sorted by, and the uid.
type personPlace struct {
	Text string
	Time int64
	UID  string
}

// listPeople pages through people by keyset: a page costs the same wherever it is.
func (s *Store) listPeople(ctx context.Context, eid string, q chat.AccountQuery) ([]chat.User, string, error) {
	column, ok := personOrders[q.Sort]
	if !ok {
		return nil, "", chat.FieldError("sort", chat.FieldChoice, "must be name, uid, created or seen")
	}
	where, args := []string{"users.eid = $1"}, []any{eid}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	if q.Disabled != nil { // written out, so that the index of disabled people serves
		where = append(where, fmt.Sprintf("disabled = %d", flag(*q.Disabled)))
	}
	if q.Role != "" {
		where = append(where, "role = "+arg(string(q.Role)))
		if q.Role != chat.Member {
			where = append(where, "role <> 'member'")
		}
	}
	from := "users"
	if q.Department != 0 { // whose people are sorted here: SQLite would look for them among everyone by name
		from = "(SELECT uid AS who FROM department_members WHERE department = (SELECT id FROM departments WHERE eid = $1 AND id = " + arg(q.Department) + ")) CROSS JOIN users ON users.uid = who"
	}
	way, order := ">", "ASC"
	if q.Descending {
		way, order = "<", "DESC"
	}
	if q.Cursor != "" {
		var at personPlace
		if err := decodeCursor(q.Cursor, &at); err != nil {
			return nil, "", err
		}
		var v any = at.Text
		if column == "created" || column == "seen" {
			v = at.Time
		}
		where = append(where, fmt.Sprintf("(%s, uid) %s (%s, %s)", column, way, arg(v), arg(at.UID)))
	}
	limit := clamp(q.Limit, 50, 1000)
	users, err := collect(ctx, s.read, scanUser, `SELECT `+userColumns+` FROM `+from+` WHERE `+strings.Join(where, " AND ")+
		fmt.Sprintf(" ORDER BY %s %s, uid %s LIMIT %s", column, order, order, arg(limit+1)), args...)
	if err != nil {
		return nil, "", fmt.Errorf("read people: %w", err)
	}
	if len(users) <= limit {
		return users, "", nil
	}
	users = users[:limit]
	last := users[limit-1]
	return users, encodeCursor(personPlace{map[string]string{"name": last.Name, "uid": last.UID}[column], map[string]int64{"created": ms(last.Created), "seen": ms(last.Seen)}[column], last.UID}), nil
}

// maxCount bounds what is counted for a list.
const maxCount = 10_000

// countPeople counts who is on a list without a text, up to maxCount.
func (s *Store) countPeople(ctx context.Context, eid string, q chat.AccountQuery) (total chat.Total, err error) {
	where := ""
	if q.Disabled != nil {
		where = fmt.Sprintf(" AND disabled = %d", flag(*q.Disabled))
	}
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE eid = $1 AND (role = $2 OR $2 = '')
		AND ($3 = 0 OR uid IN (SELECT uid FROM department_members WHERE department = (SELECT id FROM departments WHERE eid = $1 AND id = $3)))`+where+` LIMIT $4)`,
		eid, string(q.Role), q.Department, maxCount+1).Scan(&total.Count)
	if err != nil {
		return total, fmt.Errorf("count people: %w", err)
	}
	total.Exact = total.Count <= maxCount
	total.Count = min(total.Count, maxCount)
	return total, nil
}
