package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"magpie/server/chat"
)

// company makes a folder with the organisation "acme" of ann and 5,000 others: the first half in the department "Sales/North", the second in
// "Works" as well as in "Sales/North", a group "north" that follows Sales, and a group "all" of everybody that was dissolved.
func company(t *testing.T) string {
	s := world(t)
	for i, d := range []chat.Department{{Name: "Sales"}, {Name: "North", Parent: 1}, {Name: "Works"}} {
		d.Position = -1
		if got := must(s.CreateDepartment(t.Context(), root, d))(t); got.ID != int64(i+1) {
			t.Fatalf("the department %s has the id %d", d.Name, got.ID)
		}
	}
	check(t, s.change(t.Context(), func(t *tx) error {
		for _, q := range []string{
			`INSERT INTO users (eid, uid, name, email, avatar, title, role, service, disabled, password, search, created, main_department)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
				SELECT 'acme', 'p' || i, 'Person ' || i, '', '', '', 'member', 0, 0, '', '[]', 1, CASE WHEN i > 2500 THEN 3 ELSE 2 END FROM n`,
			`INSERT INTO department_members (department, hidden, name, uid, eid, place) SELECT main_department, 0, name, uid, eid, 0 FROM users WHERE main_department > 0`,
			`INSERT INTO department_members (department, hidden, name, uid, eid, place) SELECT 2, 0, name, uid, eid, 1 FROM users WHERE main_department = 3`,
		} {
			if err := t.exec(q); err != nil {
				return err
			}
		}
		return nil
	}))
	must(s.CreateGroupFor(t.Context(), root, chat.Group{GID: "north", Name: "North", Owner: "ann"}, nil))(t)
	must(s.CreateGroupFor(t.Context(), root, chat.Group{GID: "all", Name: "All", Owner: "ann"}, []string{"bo"}))(t)
	check(t, s.change(t.Context(), func(t *tx) error {
		if err := t.exec(`INSERT INTO members (eid, gid, uid, role, muted_until, joined, joined_seq, joined_notice_seq)
			SELECT eid, 'all', uid, CASE WHEN uid = 'p7' THEN 'admin' ELSE 'member' END, 0, 1, 0, 0 FROM users WHERE eid = 'acme' AND uid LIKE 'p%'`); err != nil {
			return err
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

// TestSteps makes changes that concern 5,000 people: a message gets in between, and after a crash in the middle all ends as it would have.
func TestSteps(t *testing.T) {
	dir := company(t)
	follow := func(s *Store, id int64) error {
		g, err := s.AnyGroup(t.Context(), "acme", "north")
		if err == nil {
			_, err = s.UpdateAnyGroup(t.Context(), root, "north", g.Version, chat.GroupChange{}, &id)
		}
		return err
	}
	for name, c := range map[string]struct {
		before, change func(*Store) error
		what           chat.EventType
		lines          map[string]int // how many lines of the state begin so
	}{
		"a group follows": {nil, func(s *Store) error { return follow(s, 1) }, chat.EventGroupJoin,
			map[string]int{"in north p": 5000, "in north ann owner": 1, "takes part": 5000, "event g_join": 5000}},
		"a department moves": {func(s *Store) error { return follow(s, 1) }, func(s *Store) error {
			_, err := s.UpdateDepartment(t.Context(), root, 2, 1, chat.DepartmentChange{Parent: ptr(int64(0))})
			return err
		}, chat.EventGroupLeave, map[string]int{"in north": 1, "in north ann owner": 1, "takes part": 0, "event g_leave": 5000}},
		"a department ends": {func(s *Store) error { return follow(s, 1) }, func(s *Store) error {
			return s.DeleteDepartment(t.Context(), root, 2, 1)
		}, chat.EventOrg, map[string]int{"in north p": 5000, "event g_join": 5000, "event g_leave": 0, "tree": 2, "department 1 0": 2500, "department 3 0": 2500, "department 1 1": 2500,
			"main 1": 2500, "main 3": 2500}},
		"a department at the top ends": {func(s *Store) error { return follow(s, 3) }, func(s *Store) error {
			return s.DeleteDepartment(t.Context(), root, 3, 1)
		}, chat.EventOrg, map[string]int{"in north p": 2500, "group north 0": 1, "tree": 2, "department 2 0": 5000, "main 2": 5000}},
		"an announcement": {nil, func(s *Store) error {
			a, err := s.Announce(t.Context(), root, chat.Announcement{Title: "News"})
			if err == nil && a.People != 5004 {
				err = fmt.Errorf("it is for %d people", a.People)
			}
			return err
		}, chat.EventAnnounce, map[string]int{"told 1": 5004, "event announce": 11}},
		"a group comes back": {nil, func(s *Store) error {
			g, err := s.RestoreGroup(t.Context(), root, "all")
			if err == nil && g.Members != 5002 {
				err = fmt.Errorf("it has %d members", g.Members)
			}
			return err
		}, chat.EventGroupJoin, map[string]int{"in all p": 5000, "in all p7 admin": 1, "in all ann owner": 1, "in all bo member": 1, "event g_join": 5002}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, copyFiles(t, dir))
			if c.before != nil {
				check(t, c.before(s))
			}
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
	s := open(t, copyFiles(t, company(t)))
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
	if len(where) != 2500+2 || where[2500] != "tree 3 0 Works 1" && where[2500] != "tree 3 0 Works 0" {
		t.Errorf("%d lines, the last ones %q", len(where), where[max(0, len(where)-3):])
	}
}
