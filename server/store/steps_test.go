package store

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

// company makes a folder with the organisation "acme" of ann and n others, each with a page of the apps "office" and "shop": the first half in the department "Sales/North", the second in
// "Works" as well as in "Sales/North", a group "free", a group "north" that follows Sales and has its people, and a group "all" of everybody that was dissolved.
func company(t *testing.T, n int) string {
	s := world(t)
	for i, d := range []chat.Department{{Name: "Sales"}, {Name: "North", Parent: 1}, {Name: "Works"}} {
		d.Position = -1
		if got := must(s.CreateDepartment(t.Context(), root, d))(t); got.ID != int64(i+1) {
			t.Fatalf("the department %s has the id %d", d.Name, got.ID)
		}
	}
	for _, gid := range []string{"free", "north", "all"} {
		must(s.CreateGroupFor(t.Context(), root, chat.Group{GID: gid, Name: gid, Owner: "ann"}, nil, ""))(t)
	}
	check(t, s.change(t.Context(), func(t *tx) error {
		const people = `FROM users WHERE eid = 'acme' AND uid LIKE 'p%'`
		for _, q := range []string{
			fmt.Sprintf(`INSERT INTO users (eid, uid, name, email, avatar, title, role, service, disabled, password, search, created, main_department)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
				SELECT 'acme', 'p' || i, 'Person ' || i, '', '', '', 'member', 0, 0, '', '[]', 1, CASE WHEN i > %d THEN 3 ELSE 2 END FROM n`, n, n/2),
			`INSERT INTO department_members (department, hidden, name, uid, eid, place) SELECT main_department, 0, name, uid, eid, 0 ` + people,
			`INSERT INTO department_members (department, hidden, name, uid, eid, place) SELECT 2, 0, name, uid, eid, 1 ` + people + ` AND main_department = 3`,
			`INSERT INTO members (eid, gid, uid, role, muted_until, joined, joined_seq, joined_notice_seq) SELECT eid, 'north', uid, 'member', 0, 1, 0, 0 ` + people,
			`INSERT INTO participants (eid, uid, stream, read_seq, muted, pinned, since) SELECT u.eid, u.uid, s.id, 0, 0, 0, 1 FROM users u JOIN streams s ON s.eid = u.eid AND s.kind = 2 AND s.key = 'north' WHERE u.uid LIKE 'p%'`,
			`UPDATE chat_groups SET follows = 1 WHERE gid = 'north'`,
			`INSERT INTO apps (id, eid, name, create_users, jwks_url, disabled, created) VALUES ('office', 'acme', 'Office', 0, '', 0, 1), ('shop', 'acme', 'Shop', 0, '', 0, 1)`,
			`INSERT INTO logins (id, eid, uid, terminal, client_id, agent, addr, created, seen, ended, app, expires)
				SELECT app || ' ' || uid, eid, uid, ` + fmt.Sprint(int64(chat.Widget)) + `, app || uid, '', '', 1, 1, 0, app, 0 FROM (SELECT eid, uid, a.id AS app FROM users JOIN apps a USING (eid) WHERE uid LIKE 'p%')`,
			`INSERT INTO members (eid, gid, uid, role, muted_until, joined, joined_seq, joined_notice_seq)
				SELECT eid, 'all', uid, CASE WHEN uid = 'p7' THEN 'admin' ELSE 'member' END, 0, 1, 0, 0 ` + people,
		} {
			if err := t.exec(q); err != nil {
				return err
			}
		}
		if err := t.dissolve("acme", "all", "ann"); err != nil {
			return err
		}
		return t.exec(`DELETE FROM events`)
	}))
	check(t, s.Close())
	return s.dir
}

var root = chat.Actor{EID: "acme", Addr: chat.ActorShell}

// copyFiles copies a database as it is on the disk: what a crash at this moment would leave.
func copyFiles(t *testing.T, from string) string {
	to := t.TempDir()
	for _, name := range []string{"magpie.db", "magpie.db-wal"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o600); err != nil {
			t.Error(err)
		}
	}
	return to
}

// interrupter looks at what becomes durable. After the first step that tells of a type of events it appends a message, and takes a copy of the files.
type interrupter struct {
	recorder
	t       *testing.T
	s       *Store
	what    chat.EventType
	seen    int
	crashed string
}

func (o *interrupter) Changed(events []chat.Event) {
	o.recorder.Changed(events)
	if slices.ContainsFunc(events, func(e chat.Event) bool { return e.Type == o.what }) {
		if o.seen++; o.seen == 1 {
			o.crashed = copyFiles(o.t, o.s.dir)
			o.s.Append(chat.Append{Stream: pair("bo", "cy"), Sender: "bo", Payload: []byte("0000 between")}) // the queue has room
		}
	}
}

// state is what a large change leaves: who is where and has been told what, and the events in some order.
func state(t *testing.T, s *Store) []string {
	t.Helper()
	var out []string
	for _, q := range []string{
		`SELECT 'in ' || gid || ' ' || uid || ' ' || role FROM members WHERE eid = $1`,
		`SELECT 'takes part ' || stream || ' ' || uid FROM participants WHERE eid = $1 AND uid LIKE 'p%'`,
		`SELECT 'department ' || department || ' ' || place || ' ' || uid FROM department_members WHERE eid = $1`,
		`SELECT 'main ' || main_department || ' ' || uid FROM users WHERE eid = $1`,
		`SELECT 'tree ' || id || ' ' || parent || ' ' || name || ' ' || position FROM departments WHERE eid = $1`,
		`SELECT 'told ' || announcement || ' ' || uid FROM announcement_readers WHERE eid = $1`,
		`SELECT 'group ' || gid || ' ' || follows || ' ' || version FROM chat_groups WHERE eid = $1`,
		`SELECT 'page ' || id FROM logins WHERE eid = $1 AND app <> '' AND ended = 0`,
		`SELECT 'left ' || kind || ' ' || target FROM steps WHERE eid = $1`,
		`SELECT 'left part ' || part FROM announcement_parts WHERE eid = $1`,
		`SELECT 'left member ' || uid FROM dissolved_members WHERE eid = $1`,
	} {
		list, err := collect(t.Context(), s.read, scanString, q, "acme")
		check(t, err)
		out = append(out, list...)
	}
	for _, e := range must(s.Events(t.Context(), 10_000))(t) {
		if e.Type != chat.EventOrg { // one a step
			slices.Sort(e.Members)
			out = append(out, fmt.Sprint("event ", e.Type, e.GID, e.UID, e.By, e.Role, e.Text, e.Members))
		}
	}
	slices.Sort(out)
	return out
}

// TestSteps makes changes that concern many people: a message gets in between, and after a crash in the middle all ends as it would have.
func TestSteps(t *testing.T) {
	const many, all = 600, 5000
	dirs := map[int]string{many: company(t, many), all: company(t, all)}
	follow := func(s *Store, gid string, id int64) error {
		g, err := s.AnyGroup(t.Context(), "acme", gid)
		if err == nil {
			_, err = s.UpdateAnyGroup(t.Context(), root, gid, g.Version, chat.GroupChange{}, &id)
		}
		return err
	}
	for name, c := range map[string]struct {
		people int
		change func(*Store) error
		what   chat.EventType
		lines  map[string]int // how many lines of the state begin so
	}{
		"a group of thousands follows": {all, func(s *Store) error { return follow(s, "free", 1) }, chat.EventGroupJoin, map[string]int{"in free p": all}},
		"a group follows": {many, func(s *Store) error { return follow(s, "free", 1) }, chat.EventGroupJoin,
			map[string]int{"in free p": many, "in free ann owner": 1, "takes part": 2 * many, "event g_join": many}},
		"a department moves": {many, func(s *Store) error {
			_, err := s.UpdateDepartment(t.Context(), root, 2, 1, chat.DepartmentChange{Parent: ptr(int64(0))})
			return err
		}, chat.EventGroupLeave, map[string]int{"in north": 1, "in north ann owner": 1, "takes part": 0, "event g_leave": many}},
		"a department ends": {many, func(s *Store) error {
			return s.DeleteDepartment(t.Context(), root, 2, 1)
		}, chat.EventOrg, map[string]int{"in north p": many, "event g_": 0, "tree": 2, "department 1 0": many / 2, "department 3 0": many / 2, "department 1 1": many / 2,
			"main 1": many / 2, "main 3": many / 2}},
		"a department at the top ends": {many, func(s *Store) error {
			check(t, follow(s, "free", 3))
			return s.DeleteDepartment(t.Context(), root, 3, 1)
		}, chat.EventOrg, map[string]int{"in north p": many, "in free p": many / 2, "group free 0": 1, "tree": 2, "department 2 0": many, "main 2": many}},
		"an announcement": {many, func(s *Store) error {
			a, err := s.Announce(t.Context(), root, chat.Announcement{Title: "News"}, "")
			if err == nil && a.People != many+4 {
				err = fmt.Errorf("it is for %d people", a.People)
			}
			return err
		}, chat.EventAnnounce, map[string]int{"told 1": many + 4, "event announce": 2}},
		"an app is disabled": {many, func(s *Store) error {
			_, err := s.UpdateApp(t.Context(), root, "office", 1, chat.AppChange{Disabled: ptr(true)})
			return err
		}, chat.EventLoginEnded, map[string]int{"page office": 0, "page shop": many, "event login_end": many}},
		"an app is deleted": {many, func(s *Store) error {
			return s.DeleteApp(t.Context(), root, "office", 1)
		}, chat.EventLoginEnded, map[string]int{"page office": 0, "page shop": many, "event login_end": many}},
		"a group comes back": {many, func(s *Store) error {
			g, err := s.RestoreGroup(t.Context(), root, "all")
			if err == nil && g.Members != many+1 {
				err = fmt.Errorf("it has %d members", g.Members)
			}
			return err
		}, chat.EventGroupJoin, map[string]int{"in all p": many, "in all p7 admin": 1, "in all ann owner": 1, "event g_join": many + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, copyFiles(t, dirs[c.people]))
			o := &interrupter{t: t, s: s, what: c.what}
			s.Observe(o)
			check(t, c.change(s))
			if between := slices.Index(o.lines, pair("bo", "cy").Key+" 1"); between < 0 || !slices.ContainsFunc(o.lines[between:], func(l string) bool { return strings.HasPrefix(l, string(c.what)) }) {
				t.Errorf("the message came at %d of %d, and nothing of the change after it", between, len(o.lines))
			}
			want := state(t, s)
			for prefix, n := range c.lines {
				got := 0
				for _, l := range want {
					if strings.HasPrefix(l, prefix) {
						got++
					}
				}
				if got != n {
					t.Errorf("%d lines of the state begin with %q, want %d", got, prefix, n)
				}
			}
			for _, l := range want {
				if strings.HasPrefix(l, "left ") && !strings.HasPrefix(l, "left member") {
					t.Errorf("not done: %s", l)
				}
			}

			if c.people == all {
				return // what a crash leaves is the same with fewer
			}
			again := open(t, o.crashed)
			if slices.Equal(state(t, again), want) {
				t.Error("all was done in one step")
			}
			check(t, again.Resume(t.Context()))
			again.working.Wait()
			if got := state(t, again); !slices.Equal(got, want) {
				t.Errorf("after a crash %d lines, without %d", len(got), len(want))
			}
		})
	}
}

// TestStepsMeet deletes a department while another that is below it is on its way out.
func TestStepsMeet(t *testing.T) {
	s := open(t, copyFiles(t, company(t, 600)))
	o := &interrupter{t: t, s: s, what: chat.EventOrg}
	s.Observe(o)
	check(t, s.DeleteDepartment(t.Context(), root, 2, 1))
	// As it was after the first step: a part of North is in Sales.
	s = open(t, o.crashed)
	if list := must(s.Departments(t.Context(), "acme"))(t); len(list) != 2 {
		t.Errorf("a department that is leaving is listed: %+v", list)
	}
	_, err := s.CreateAccount(t.Context(), root, chat.User{UID: "late", Name: "Late"}, []int64{2}, "")
	refused(t, err, chat.Invalid)
	must(s.CreateDepartment(t.Context(), root, chat.Department{Name: "North", Parent: 1, Position: -1}))(t) // its name is free
	check(t, s.DeleteDepartment(t.Context(), root, 1, 1))
	check(t, s.Resume(t.Context()))
	s.working.Wait()
	var where []string
	for _, l := range state(t, s) {
		if strings.HasPrefix(l, "department ") || strings.HasPrefix(l, "tree ") {
			where = append(where, l)
		}
	}
	if len(where) != 300+2 || !strings.HasPrefix(where[300], "tree 3 0 Works") {
		t.Errorf("%d lines, the last ones %q", len(where), where[max(0, len(where)-3):])
	}
}

// TestPagesThatComeAfter signs in by an app that was disabled and enabled again, while the pages that it had are still being ended.
func TestPagesThatComeAfter(t *testing.T) {
	s := open(t, copyFiles(t, company(t, 600)))
	o := &interrupter{t: t, s: s, what: chat.EventLoginEnded}
	s.Observe(o)
	must(s.UpdateApp(t.Context(), root, "office", 1, chat.AppChange{Disabled: ptr(true)}))(t)
	// As it was after the first step: pages that are not ended yet can do nothing, and what comes after the app is enabled stays.
	s = open(t, o.crashed)
	left := must(collect(t.Context(), s.read, scanString, `SELECT id FROM logins WHERE app = 'office' AND ended = 0`))(t)
	if len(left) != 600-stepSize {
		t.Fatalf("%d pages are left", len(left))
	}
	_, err := s.Login(t.Context(), left[0])
	refused(t, err, chat.NotFound)
	must(s.UpdateApp(t.Context(), root, "office", 2, chat.AppChange{Disabled: ptr(false)}))(t)
	for moment := now(); now() == moment; { // the next millisecond
		runtime.Gosched()
	}
	_, l, err := s.Exchange(t.Context(), chat.Exchange{App: chat.App{ID: "office"}, Hash: []byte("jti"), Expires: time.Now().Add(time.Minute), User: chat.HostUser{UID: "p1"},
		Login: chat.Login{ID: "new", UID: "p1", Terminal: chat.Widget}})
	check(t, err)
	check(t, s.Resume(t.Context()))
	s.working.Wait()
	if got := must(collect(t.Context(), s.read, scanString, `SELECT id FROM logins WHERE app = 'office' AND ended = 0`))(t); !slices.Equal(got, []string{l.ID}) {
		t.Errorf("the pages are %q", got)
	}
}
