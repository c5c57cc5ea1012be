package store

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"magpie/server/chat"
)

var (
	surnames = []string{"Smith", "Jones", "Zhang", "Brown", "Garcia", "Müller", "王", "李", "张", "陈", "曾", "欧阳"}
	given    = []string{"Ann", "Bo", "Cyril", "Diana", "Emil", "伟", "芳", "娜", "秀英", "敏"}
	titles   = []string{"Engineer", "Senior Engineer", "Sales Manager", "会计", "Designer"}
)

// crowd adds n people to acme, spread over departments, and commits them as one.
func crowd(t testing.TB, s *Store, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	check(t, s.change(t.Context(), func(t *tx) error {
		for i := range n {
			u := chat.User{EID: "acme", UID: fmt.Sprintf("p%06d", i), Name: given[r.IntN(len(given))] + " " + surnames[r.IntN(len(surnames))],
				Title: titles[r.IntN(len(titles))], Department: fmt.Sprintf("Division %d/Team %d", i%7, i%280), Disabled: i%50 == 49}
			if i%2 == 0 {
				u.Name = surnames[6+r.IntN(6)] + given[5+r.IntN(5)]
			}
			if err := t.createUser(u, ""); err != nil {
				return err
			}
		}
		return t.exec(`DELETE FROM events`)
	}))
}

// TestSearchShowsEverybodyOnce compares searches, page by page, with a look at everyone.
func TestSearchShowsEverybodyOnce(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	crowd(t, s, 400)
	all, _, _, err := s.Accounts(ctx, "acme", chat.AccountQuery{Limit: 1000})
	check(t, err)
	departments := map[int64][]string{}
	for _, d := range must(s.Departments(ctx, "acme"))(t) {
		departments[d.ID] = words(d.Name, "", "")
	}
	found := map[string][]string{} // each person's words, and those of its departments
	for _, a := range all {
		found[a.UID] = words(a.Name, a.UID, a.Title)
		for _, id := range a.Departments {
			found[a.UID] = append(found[a.UID], departments[id]...)
		}
	}
	for _, q := range []string{"a", "ann", "eng", "senior engineer", "张", "z", "zh", "oyx", "team 1", "p0000", "会", "计", "wang", "王伟", "nobody", "1"} {
		for _, enabled := range []bool{true, false} {
			want := map[string]bool{}
			for _, a := range all {
				matches := slices.ContainsFunc(found[a.UID], func(w string) bool { return strings.HasPrefix(w, q) })
				if matches && !(enabled && a.Disabled) {
					want[a.UID] = true
				}
			}
			query := chat.AccountQuery{Text: q, Limit: 7}
			if enabled {
				query.Disabled = new(bool)
			}
			got := 0
			for {
				page, next, _, err := s.Accounts(ctx, "acme", query)
				check(t, err)
				for _, a := range page {
					if !want[a.UID] {
						t.Fatalf("%q shows %s twice, or wrongly", q, a.UID)
					}
					delete(want, a.UID)
					got++
				}
				if next == "" {
					break
				}
				if len(page) != 7 {
					t.Fatalf("%q: a page of %d", q, len(page))
				}
				query.Cursor = next
			}
			if len(want) > 0 || q != "nobody" && got == 0 {
				t.Errorf("%q: %d are missing, %d found", q, len(want), got)
			}
		}
	}
}

// TestIndexFollowsChanges renames, disables and moves somebody, and looks for what the index keeps.
func TestIndexFollowsChanges(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	by := chat.Actor{EID: "acme", Addr: chat.ActorShell}
	d := must(s.CreateDepartment(ctx, by, chat.Department{Name: "Sales", Position: -1}))(t)
	find := func(q string) (out string) {
		users, _, err := s.Users(ctx, "acme", chat.UserQuery{Text: q})
		check(t, err)
		for _, u := range users {
			out += u.UID + " "
		}
		return strings.TrimSpace(out)
	}
	a := must(s.UpdateAccount(ctx, by, "ann", 1, chat.AccountChange{UserChange: chat.UserChange{Name: ptr("王芳"), Title: ptr("Chief")}, Departments: &[]int64{d.ID}}))(t)
	for q, want := range map[string]string{"name of": "bo cy di", "wf": "ann", "fang": "ann", "芳": "ann", "chief": "ann", "sale": "ann", "ann": "ann"} {
		if got := find(q); got != want {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
	a = must(s.UpdateAccount(ctx, by, "ann", a.Version, chat.AccountChange{Disabled: ptr(true)}))(t)
	for _, q := range []string{"wf", "sale", "ann"} {
		if got := find(q); got != "" {
			t.Errorf("%q finds %q", q, got)
		}
	}
	if d := must(s.Departments(ctx, "acme"))(t)[0]; d.Members != 0 {
		t.Errorf("%d members", d.Members)
	}
	must(s.UpdateAccount(ctx, by, "ann", a.Version, chat.AccountChange{Disabled: ptr(false)}))(t)
	if got := find("sale"); got != "ann" {
		t.Errorf("found %q", got)
	}
	var rows int
	check(t, s.read.QueryRow(`SELECT COUNT(*) FROM user_words WHERE eid = 'acme' AND uid = 'ann'`).Scan(&rows))
	if want := len(words("王芳", "ann", "Chief")); rows != want {
		t.Errorf("%d rows of %d words", rows, want)
	}
}

// TestForeignDepartment asks for the people of another organisation's department, in which somebody has the same uid.
func TestForeignDepartment(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	theirs := chat.Actor{EID: "other", Addr: chat.ActorShell}
	d := must(s.CreateDepartment(ctx, theirs, chat.Department{Name: "Board", Position: -1}))(t)
	a := must(s.Account(ctx, "other", "ann"))(t)
	must(s.UpdateAccount(ctx, theirs, "ann", a.Version, chat.AccountChange{Departments: &[]int64{d.ID}}))(t)
	for eid, want := range map[string]int{"other": 1, "acme": 0} {
		people, _, total, err := s.Accounts(ctx, eid, chat.AccountQuery{Department: d.ID})
		if err != nil || len(people) != want || total.Count != want {
			t.Errorf("%s is shown %d of %v: %v", eid, len(people), total, err)
		}
		if found, _, err := s.Users(ctx, eid, chat.UserQuery{Department: d.ID}); err != nil || len(found) != want {
			t.Errorf("the directory of %s shows %d: %v", eid, len(found), err)
		}
	}
}

// TestDisabledLeavesFollowingGroup disables somebody who is in a group by its department, and enables it again.
func TestDisabledLeavesFollowingGroup(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	by := chat.Actor{EID: "acme", Addr: chat.ActorShell}
	d := must(s.CreateDepartment(ctx, by, chat.Department{Name: "Board", Position: -1}))(t)
	change := func(c chat.AccountChange) {
		t.Helper()
		a := must(s.Account(ctx, "acme", "bo"))(t)
		must(s.UpdateAccount(ctx, by, "bo", a.Version, c))(t)
	}
	change(chat.AccountChange{Departments: &[]int64{d.ID}})
	g := must(s.CreateGroupFor(ctx, by, chat.Group{Name: "Board", Owner: "ann", Follows: d.ID}, nil, ""))(t)
	for _, step := range []struct {
		c    chat.AccountChange
		want int
	}{{chat.AccountChange{}, 2}, {chat.AccountChange{Disabled: ptr(true)}, 1}, {chat.AccountChange{Disabled: ptr(false)}, 2}} {
		change(step.c)
		if now := must(s.AnyGroup(ctx, "acme", g.GID))(t); now.Members != step.want {
			t.Errorf("%+v: %d members", step.c, now.Members)
		}
	}
}

// TestOldFolderIsMigrated makes a database as the first release did, and opens it.
func TestOldFolderIsMigrated(t *testing.T) {
	dir := t.TempDir()
	steps := must(fsSub())(t)
	db := must(sql.Open("sqlite", "file:"+filepath.Join(dir, "magpie.db")))(t)
	p := must(goose.NewProvider(goose.DialectSQLite3, db, steps))(t)
	must(p.UpTo(t.Context(), 1))(t)
	for _, q := range []string{
		`INSERT INTO orgs (eid, name, settings, created) VALUES ('acme', 'Acme', '{}', 1)`,
		`INSERT INTO users (eid, uid, name, email, avatar, department, title, role, service, disabled, presence, password, search, created) VALUES
			('acme', 'lihua', '李华', '', '', '工程部', 'Engineer', 'admin', 0, 0, NULL, 'h', 'x', 1),
			('acme', 'bob', 'Bob', '', '', '工程部', '', 'member', 0, 0, NULL, 'h', 'x', 2),
			('acme', 'gone', 'Gone', '', '', 'Sales', '', 'member', 0, 1, NULL, 'h', 'x', 3)`,
	} {
		must(db.Exec(q))(t)
	}
	check(t, db.Close())
	s := open(t, dir)
	for q, want := range map[string]int{"lh": 1, "hua": 1, "工程": 2, "bob": 1, "gone": 0, "sales": 0} {
		if users, _, err := s.Users(t.Context(), "acme", chat.UserQuery{Text: q}); err != nil || len(users) != want {
			t.Errorf("%q: %v %v", q, users, err)
		}
	}
	if u := must(s.User(t.Context(), "acme", "bob"))(t); u.Department != "工程部" {
		t.Errorf("got %+v", u)
	}
	must(s.UpdateUser(t.Context(), "acme", "bob", chat.UserChange{Name: ptr("Rob")}))(t)
	if users, _, _ := s.Users(t.Context(), "acme", chat.UserQuery{Text: "工程"}); len(users) != 2 || users[0].Name != "Rob" {
		t.Errorf("got %+v", users)
	}
}

// BenchmarkSearch is the first page of a search among 1,000 and among 100,000 people: the one should cost as much as the other.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		s := world(b)
		crowd(b, s, n)
		for _, q := range []string{"a", "zhang", "王", "engineer", "team 3", "p0009", "nobody"} {
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(q, " ", "_"), n), func(b *testing.B) {
				for b.Loop() {
					if _, _, err := s.Users(b.Context(), "acme", chat.UserQuery{Text: q, Limit: 50}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
