package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"magpie/server/chat"
)

const jobColumns = `id, kind, eid, actor, addr, state, done, total, result, created, changed`

func scanJob(scan func(...any) error) (j chat.Job, err error) {
	var created, changed int64
	var result string
	if err = scan(&j.ID, &j.Kind, &j.By.EID, &j.By.UID, &j.By.Addr, &j.State, &j.Done, &j.Total, &result, &created, &changed); err != nil {
		return j, err
	}
	j.Created, j.Changed = fromMS(created), fromMS(changed)
	return j, json.Unmarshal([]byte(result), &j.Result)
}

// SaveJob stores a job as it is now.
func (s *Store) SaveJob(ctx context.Context, j chat.Job) error {
	if err := s.change(ctx, func(t *tx) error { return t.saveJob(j) }); err != nil {
		return fmt.Errorf("store a job: %w", err)
	}
	return nil
}

func (t *tx) saveJob(j chat.Job) error {
	result, err := json.Marshal(j.Result)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO jobs (id, eid, kind, actor, addr, state, done, total, result, created, changed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (id) DO UPDATE SET state = excluded.state, done = excluded.done,
			total = excluded.total, result = excluded.result, changed = excluded.changed`,
		j.ID, j.By.EID, string(j.Kind), j.By.UID, j.By.Addr, string(j.State), j.Done, j.Total, string(result), now())
}

// Job returns one of an organisation's jobs, or chat.NotFound.
func (s *Store) Job(ctx context.Context, eid, id string) (chat.Job, error) {
	j, err := scanJob(s.read.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE eid = $1 AND id = $2`, eid, id).Scan)
	return j, found(err, "job")
}

// Jobs returns an organisation's newest jobs of a kind.
func (s *Store) Jobs(ctx context.Context, eid string, kind chat.JobKind, limit int) ([]chat.Job, error) {
	list, err := collect(ctx, s.read, scanJob, `SELECT `+jobColumns+` FROM jobs WHERE eid = $1 AND kind = $2 ORDER BY created DESC, id DESC LIMIT $3`, eid, string(kind), clamp(limit, 20, 200))
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return list, nil
}

// RunningJobs returns the jobs of a kind that have not ended, the oldest first.
func (s *Store) RunningJobs(ctx context.Context, kind chat.JobKind) ([]chat.Job, error) {
	list, err := collect(ctx, s.read, scanJob, `SELECT `+jobColumns+` FROM jobs WHERE kind = $1 AND state IN ('checking', 'running') ORDER BY created, id`, string(kind))
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return list, nil
}

// MayImport is nil for an actor who may import people; system says whether it may make system administrators.
func (s *Store) MayImport(ctx context.Context, by chat.Actor) (system bool, err error) {
	if by.Machine() {
		return true, nil
	}
	u, err := readUser(ctx, s.read, by.EID, by.UID)
	if err == nil && u.Disabled {
		err = errSignedOut()
	}
	if err != nil {
		return false, err
	}
	return u.Role == chat.System, u.Role.May(chat.ManagePeople)
}

// Taken says which of some user names and e-mail addresses an organisation has.
func (s *Store) Taken(ctx context.Context, eid string, uids, emails []string) (chat.Taken, error) {
	taken := chat.Taken{UIDs: map[string]chat.Role{}, Emails: map[string]string{}}
	type row struct {
		uid, email string
		role       chat.Role
	}
	list, err := collect(ctx, s.read, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.uid, &r.email, &r.role)
		return r, err
	}, `SELECT uid, email, role FROM users WHERE eid = $1 AND uid IN (SELECT value FROM json_each(CAST($2 AS text)))
		UNION SELECT uid, email, role FROM users WHERE eid = $1 AND email <> '' AND email IN (SELECT value FROM json_each(CAST($3 AS text)))`, eid, jsonList(uids), jsonList(emails))
	if err != nil {
		return taken, fmt.Errorf("look for people: %w", err)
	}
	for _, r := range list {
		taken.UIDs[r.uid] = r.role
		if r.email != "" {
			taken.Emails[r.email] = r.uid
		}
	}
	return taken, nil
}

// ImportPeople stores people who were checked before, and counts the job on, in one transaction. Who exists gets what the rows say
// anew, but for the role; who does not exist has no password yet. A row that somebody else's change has made impossible meanwhile is left out, and the
// job says so. The right of who began the job is looked at each time.
func (s *Store) ImportPeople(ctx context.Context, j *chat.Job, rows []chat.PersonRow) error {
	var next chat.Job
	err := s.administer(ctx, j.By, chat.ManagePeople, func(t *tx) error {
		next = *j
		next.Result.Errors = slices.Clone(j.Result.Errors)
		for _, row := range rows {
			done, err := t.importPerson(j.By, row)
			if failure(err) != nil {
				return err
			}
			switch {
			case err != nil:
				next.Result.Wrong(chat.JobError{Line: row.Line, Code: chat.FieldConflict, Message: err.Error()})
			case done == "user.create":
				next.Result.Created++
			case done == "user.change":
				next.Result.Updated++
			default:
				next.Result.Unchanged++
			}
			next.Done++
		}
		if next.Result.Updated > j.Result.Updated { // who may write to whom can depend on departments
			if err := t.event(chat.Event{EID: j.By.EID, Type: chat.EventOrg}); err != nil {
				return err
			}
		}
		return t.saveJob(next)
	})
	if err != nil {
		return err
	}
	*j = next
	return nil
}

// importPerson makes or changes one person, and returns the audit log's word for it. Errors of the domain come before anything is written.
func (t *tx) importPerson(by chat.Actor, row chat.PersonRow) (string, error) {
	if err := t.mayGive(by, row.Role); err != nil {
		return "", err
	}
	u, err := readUser(background, t, by.EID, row.UID)
	if chat.CodeOf(err) == chat.NotFound {
		u = chat.User{EID: by.EID, UID: row.UID, Name: row.Name, Email: row.Email, Title: row.Title, Role: row.Role}
		if err := t.insertUser(u, ""); err != nil {
			return "", err
		}
		if err := t.enterDepartments(by.EID, row); err != nil {
			return "", err
		}
		a, err := readAccount(background, t, by.EID, row.UID)
		if err != nil {
			return "", err
		}
		return "user.create", t.audit(by, "user.create", row.UID, nil, accountRecord(a))
	}
	if err != nil {
		return "", err
	}
	before, err := t.administrable(by, row.UID)
	if err != nil {
		return "", err
	}
	var c chat.UserChange
	for _, f := range []struct {
		from string
		to   **string
	}{{row.Name, &c.Name}, {row.Email, &c.Email}, {row.Title, &c.Title}} {
		if f.from != "" {
			*f.to = &f.from
		}
	}
	if _, _, err := t.updateUser(u, c); err != nil {
		return "", err
	}
	if err := t.enterDepartments(by.EID, row); err != nil {
		return "", err
	}
	after, err := readAccount(background, t, by.EID, row.UID)
	if err != nil {
		return "", err
	}
	from, to := difference(accountRecord(before), accountRecord(after))
	if to == nil {
		return "", nil
	}
	return "user.change", t.audit(by, "user.change", row.UID, from, to)
}

// enterDepartments puts somebody into the departments of a row, which are made where they are missing. A row without any leaves all as it is.
func (t *tx) enterDepartments(eid string, row chat.PersonRow) error {
	if len(row.Departments) == 0 {
		return nil
	}
	var ids []int64
	for _, path := range row.Departments {
		id, err := t.departmentPath(eid, path)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	have, err := departmentsOf(background, t, eid, row.UID)
	if err != nil || slices.Equal(have, ids) {
		return err
	}
	return t.setDepartments(eid, row.UID, ids)
}

// InvitedUsers returns a page of the people who have never had a password and are not disabled, by uid, after one of them.
func (s *Store) InvitedUsers(ctx context.Context, eid, after string, limit int) ([]chat.User, error) {
	users, err := collect(ctx, s.read, scanUser, `SELECT `+userColumns+` FROM users WHERE eid = $1 AND uid > $2 AND password = '' AND service = 0 AND disabled = 0 ORDER BY uid LIMIT $3`, eid, after, clamp(limit, 100, 1000))
	if err != nil {
		return nil, fmt.Errorf("read who was invited: %w", err)
	}
	return users, nil
}
