package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"magpie/server/chat"
)

// stepSize is how many people one step of a large change concerns: what others write waits for no more than that.
const stepSize = 200

// Kinds of changes that are made in steps.
const (
	stepMembers      = "members"      // bring a group's members up to date with the department that it follows
	stepRestore      = "restore"      // bring the members of a group back that was dissolved
	stepDepartment   = "department"   // move the people of a department up, and delete it
	stepAnnouncement = "announcement" // tell people of an announcement
	stepPages        = "pages"        // end the logins of an app's pages
)

// steps is a change that concerns so many rows that one transaction of it would hold up everybody else. The transaction that decides it
// stores this row; what is left to do is read from the database before each step, so that it goes on after a crash.
type steps struct {
	id                int64
	eid, kind, target string
	actor             string // in whose name others are told
	moment            int64  // of stepPages: pages that came later stay
}

const stepsColumns = `id, eid, kind, target, actor, moment`

func scanSteps(scan func(...any) error) (p steps, err error) {
	err = scan(&p.id, &p.eid, &p.kind, &p.target, &p.actor, &p.moment)
	return p, err
}

// plan stores that a change is to be made in steps. Once that is durable it is for complete.
func (t *tx) plan(p steps) (steps, error) {
	err := t.row(`INSERT INTO steps (eid, kind, target, actor, moment) VALUES ($1, $2, $3, $4, $5) RETURNING id`, p.eid, p.kind, p.target, p.actor, p.moment).Scan(&p.id)
	return p, err
}

// complete makes all steps of changes, one change after the other, and waits for that as long as ctx lasts: who asked may go, and it is
// done all the same.
func (s *Store) complete(ctx context.Context, list ...steps) {
	if len(list) == 0 {
		return
	}
	done := make(chan struct{})
	s.closing.Lock()
	if s.running.Err() == nil { // otherwise the next start goes on with it
		s.working.Go(func() {
			for _, p := range list {
				s.persist(p)
			}
			close(done)
		})
	}
	s.closing.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	case <-s.running.Done():
	}
}

// persist makes the steps of one change, and waits while the disk takes nothing. What can't be done at all is tried again at the next start.
func (s *Store) persist(p steps) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Minute) {
		err := s.finish(s.running, p)
		if err == nil || s.running.Err() != nil {
			return
		}
		s.log.Error("a change in steps", "err", err, "eid", p.eid, "kind", p.kind, "target", p.target)
		if chat.CodeOf(err) != chat.Unavailable {
			return
		}
		select {
		case <-time.After(pause):
		case <-s.running.Done():
			return
		}
	}
}

// Resume goes on, in the background, with changes that a stop of the server interrupted. It comes after the observers have been added.
func (s *Store) Resume(ctx context.Context) error {
	list, err := collect(ctx, s.read, scanSteps, `SELECT `+stepsColumns+` FROM steps ORDER BY id`)
	if err != nil {
		return fmt.Errorf("look for changes to go on with: %w", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	s.complete(gone, list...)
	return nil
}

func (s *Store) finish(ctx context.Context, p steps) error {
	step := map[string]func(*tx, steps) (bool, error){stepRestore: (*tx).restoreStep, stepDepartment: (*tx).departmentStep, stepAnnouncement: (*tx).announcementStep,
		stepPages: (*tx).pagesStep}[p.kind]
	if p.kind == stepMembers {
		return s.finishMembers(ctx, p)
	}
	if step == nil {
		return fmt.Errorf("steps of an unknown kind %q", p.kind)
	}
	for more := true; more; {
		err := s.change(ctx, func(t *tx) (err error) {
			if more, err = step(t, p); err == nil && !more {
				err = t.end(p)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// end stores that a change is complete, and so are those like it that were begun before.
func (t *tx) end(p steps) error {
	return t.exec(`DELETE FROM steps WHERE eid = $1 AND kind = $2 AND target = $3 AND id <= $4`, p.eid, p.kind, p.target, p.id)
}

// finishMembers makes the members of a group that follows a department its people; the owner stays in any case. Who may have to come or go is
// read beside the writer: what changes after that looks after itself. Each step looks again.
func (s *Store) finishMembers(ctx context.Context, p steps) error {
	uids, err := collect(ctx, s.read, scanString, `WITH RECURSIVE below (id) AS (SELECT follows FROM chat_groups WHERE eid = $1 AND gid = $2 AND follows > 0 AND dissolved = 0
			UNION SELECT d.id FROM departments d JOIN below b ON d.parent = b.id),
		want (uid) AS (SELECT m.uid FROM below b JOIN department_members m ON m.department = b.id AND m.hidden = 0),
		have (uid) AS (SELECT uid FROM members WHERE eid = $1 AND gid = $2)
		SELECT uid FROM (SELECT uid, 0 AS comes FROM (SELECT uid FROM have EXCEPT SELECT uid FROM want) AS leaving
			UNION ALL SELECT uid, 1 AS comes FROM (SELECT uid FROM want EXCEPT SELECT uid FROM have) AS coming) AS both ORDER BY comes, uid`, p.eid, p.target)
	if err != nil {
		return fmt.Errorf("read who belongs to a group: %w", err)
	}
	for from := 0; from < len(uids); from += stepSize {
		some := uids[from:min(from+stepSize, len(uids))]
		if err := s.change(ctx, func(t *tx) error { return t.membersStep(p, some) }); err != nil {
			return err
		}
	}
	return s.change(ctx, func(t *tx) error { return t.end(p) })
}

func (t *tx) membersStep(p steps, uids []string) error {
	type group struct {
		gid, owner string
		muted      bool
		follows    int64
	}
	groups, err := collect(background, t, func(scan func(...any) error) (g group, err error) {
		err = scan(&g.gid, &g.owner, &g.muted, &g.follows)
		return g, err
	}, `SELECT gid, owner, muted_all, follows FROM chat_groups WHERE eid = $1 AND gid = $2 AND follows > 0 AND dissolved = 0`, p.eid, p.target)
	if err != nil || len(groups) == 0 {
		return err // it follows no department any more, and has whom it has
	}
	g, list := groups[0], jsonList(uids)
	want, err := t.among(`WITH RECURSIVE below (id) AS (SELECT CAST($1 AS bigint) UNION SELECT d.id FROM departments d JOIN below b ON d.parent = b.id)
		SELECT DISTINCT m.uid FROM department_members m WHERE m.eid = $2 AND m.hidden = 0 AND m.department IN (SELECT id FROM below)
			AND m.uid IN (SELECT value FROM json_each(CAST($3 AS text)))`, g.follows, p.eid, list)
	if err != nil {
		return err
	}
	have, err := t.among(`SELECT uid FROM members WHERE eid = $1 AND gid = $2 AND uid IN (SELECT value FROM json_each(CAST($3 AS text)))`, p.eid, g.gid, list)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		switch {
		case want[uid] && !have[uid]:
			_, err = t.enter(p.eid, g.gid, uid, p.actor, chat.GroupMember, g.muted, "")
		case have[uid] && !want[uid] && uid != g.owner:
			err = t.removeMember(p.eid, g.gid, uid, p.actor)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// among returns the uids that a query finds.
func (t *tx) among(query string, args ...any) (map[string]bool, error) {
	list, err := collect(background, t, scanString, query, args...)
	set := make(map[string]bool, len(list))
	for _, uid := range list {
		set[uid] = true
	}
	return set, err
}

// restoreStep brings some of those back who were in a group when it was dissolved.
func (t *tx) restoreStep(p steps) (more bool, err error) {
	g, err := readGroup(background, t, p.eid, p.target)
	if chat.CodeOf(err) == chat.NotFound {
		return false, nil // it has been dissolved again: the next restoring finds the others
	}
	if err != nil {
		return false, err
	}
	type row struct {
		uid   string
		role  chat.GroupRole
		muted int64
	}
	list, err := collect(background, t, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.uid, &r.role, &r.muted)
		return r, err
	}, `DELETE FROM dissolved_members WHERE eid = $1 AND gid = $2 AND uid IN (SELECT uid FROM dissolved_members WHERE eid = $1 AND gid = $2 ORDER BY uid LIMIT $3) RETURNING uid, role, muted_until`,
		p.eid, p.target, stepSize)
	if err != nil {
		return false, err
	}
	uids := make([]string, len(list))
	for i, m := range list {
		uids[i] = m.uid
	}
	// Who was disabled meanwhile comes back as one who is: nothing reaches it, and it is there when it is enabled. A bot that was deleted stays away.
	there, err := t.among(`SELECT uid FROM users u WHERE eid = $1 AND uid IN (SELECT value FROM json_each(CAST($2 AS text)))
		AND NOT (service = 1 AND disabled = 1 AND NOT EXISTS (SELECT 1 FROM app_bots b WHERE b.eid = u.eid AND b.uid = u.uid))`, p.eid, jsonList(uids))
	if err != nil {
		return false, err
	}
	for _, m := range list {
		if !there[m.uid] {
			continue
		}
		if _, err := t.enter(p.eid, p.target, m.uid, p.actor, m.role, g.MutedAll, "create"); err != nil {
			return false, err
		}
		if m.muted > now() {
			if err := t.setMember(p.eid, p.target, m.uid, p.actor, m.role, fromMS(m.muted)); err != nil {
				return false, err
			}
		}
	}
	return len(list) == stepSize, nil
}

// departmentStep moves some people of a department that is being deleted up to its parent, and at last deletes it.
func (t *tx) departmentStep(p steps) (more bool, err error) {
	id, err := strconv.ParseInt(p.target, 10, 64)
	if err != nil {
		return false, err
	}
	parents, err := collect(background, t, scanInt, `SELECT parent FROM departments WHERE eid = $1 AND id = $2 AND leaving = 1`, p.eid, id)
	if err != nil || len(parents) == 0 {
		return false, err
	}
	people, err := collect(background, t, scanString, `SELECT uid FROM department_members WHERE department = $1 LIMIT $2`, id, stepSize)
	if err != nil {
		return false, err
	}
	for _, uid := range people {
		if err := t.leaveDepartment(p.eid, uid, id, parents[0]); err != nil {
			return false, err
		}
	}
	if len(people) > 0 {
		if err := t.event(chat.Event{EID: p.eid, Type: chat.EventOrg}); err != nil {
			return false, err
		}
	}
	if len(people) == stepSize {
		return true, nil
	}
	return false, t.exec(`DELETE FROM departments WHERE id = $1`, id)
}

// announcementStep tells some people of an announcement.
func (t *tx) announcementStep(p steps) (more bool, err error) {
	id, err := strconv.ParseInt(p.target, 10, 64)
	if err != nil {
		return false, err
	}
	parts, err := collect(background, t, scanString, `DELETE FROM announcement_parts WHERE announcement = $1 AND part = (SELECT MIN(part) FROM announcement_parts WHERE announcement = $1) RETURNING uids`, id)
	if err != nil || len(parts) == 0 {
		return false, err
	}
	uids, err := collect(background, t, scanString, `INSERT INTO announcement_readers (announcement, uid, eid, read)
		SELECT CAST($1 AS bigint), value, CAST($2 AS text), 0 FROM json_each(CAST($3 AS text)) WHERE 1 = 1 ON CONFLICT DO NOTHING RETURNING uid`, id, p.eid, parts[0])
	if err != nil || len(uids) == 0 {
		return true, err
	}
	return true, t.event(chat.Event{EID: p.eid, Type: chat.EventAnnounce, UID: p.actor, Seq: uint64(id), Members: uids})
}

// pagesStep ends some of the logins that an app's pages had at a moment.
func (t *tx) pagesStep(p steps) (more bool, err error) {
	some, err := collect(background, t, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE app = $1 AND app <> '' AND ended = 0 AND terminal = $2 AND created <= $3 LIMIT $4`,
		p.target, int64(chat.Widget), p.moment, stepSize)
	if err != nil {
		return false, err
	}
	for _, l := range some {
		if err := t.endLogin(l, "revoked"); err != nil {
			return false, err
		}
	}
	return len(some) == stepSize, nil
}
