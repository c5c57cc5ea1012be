package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"magpie/server/chat"
)

// freeMembership refuses to change by hand who is in a group that follows a department.
func freeMembership(g chat.Group) error {
	if g.Follows == 0 {
		return nil
	}
	return chat.Errorf(chat.Conflict, "This group follows a department: who is in the department is in the group.").Named(chat.ProblemFollows)
}

// AllGroups returns a page of an organisation's groups by name, whoever is in them; of those that were dissolved and can be restored, if
// dissolved. text is a part of the name.
func (s *Store) AllGroups(ctx context.Context, eid, text string, dissolved bool, cursor string, limit int) ([]chat.Group, string, error) {
	var after [2]string
	if err := decodeCursor(cursor, &after); err != nil {
		return nil, "", err
	}
	limit = clamp(limit, 50, 200)
	since := int64(0)
	if dissolved {
		since = now() - restorable.Milliseconds()
	}
	pattern := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.TrimSpace(text)) + "%"
	list, err := collect(ctx, s.read, scanGroup, `SELECT `+groupColumns+` FROM chat_groups g WHERE g.eid = $1 AND (g.name, g.gid) > ($2, $3)
		AND ($4 = 0 AND g.dissolved = 0 OR $4 > 0 AND g.dissolved > $4) AND g.name LIKE $5 ESCAPE '!' ORDER BY g.name, g.gid LIMIT $6`, eid, after[0], after[1], since, pattern, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read groups: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], encodeCursor([2]string{list[limit-1].Name, list[limit-1].GID}), nil
}

// AnyGroup returns a group, whoever is in it; also one that was dissolved and can be restored.
func (s *Store) AnyGroup(ctx context.Context, eid, gid string) (chat.Group, error) {
	return anyGroup(ctx, s.read, eid, gid)
}

func anyGroup(ctx context.Context, q querier, eid, gid string) (chat.Group, error) {
	g, err := scanGroup(q.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM chat_groups g WHERE g.eid = $1 AND g.gid = $2 AND (g.dissolved = 0 OR g.dissolved > $3)`, eid, gid, now()-restorable.Milliseconds()).Scan)
	return g, found(err, "group")
}

// AnyMembers returns a page of a group's members, whoever asks.
func (s *Store) AnyMembers(ctx context.Context, eid, gid, cursor string, limit int) ([]chat.MemberProfile, string, error) {
	if _, err := readGroup(ctx, s.read, eid, gid); err != nil {
		return nil, "", err
	}
	return s.members(ctx, eid, gid, cursor, limit)
}

func groupRecord(g chat.Group) map[string]any {
	return map[string]any{"name": g.Name, "announcement": g.Announcement, "join": string(g.Join), "muted_all": g.MutedAll, "owner": g.Owner, "follows": g.Follows}
}

// auditGroup is audit for a change of a group: what it is called at the time stands there too.
func (t *tx) auditGroup(by chat.Actor, action string, g chat.Group, before, after map[string]any) error {
	var records [2]any
	for i, record := range []map[string]any{before, after} {
		if record == nil {
			continue
		}
		if _, ok := record["name"]; !ok {
			record["name"] = g.Name
		}
		records[i] = record
	}
	return t.audit(by, action, g.GID, records[0], records[1])
}

// name is the uid that the members of a group see for an actor: the shell acts in the name of the group's owner.
func name(by chat.Actor, g chat.Group) string {
	if by.UID == "" {
		return g.Owner
	}
	return by.UID
}

// CreateGroupFor makes a group for its owner and others, or for the people of the department that it follows. A repeat with the same key by the
// same actor returns the first group.
func (s *Store) CreateGroupFor(ctx context.Context, by chat.Actor, g chat.Group, members []string, key string) (chat.Group, error) {
	made := g
	var left []steps
	err := s.administer(ctx, by, chat.ManageGroups, func(t *tx) (err error) {
		left = nil
		if gid, err := t.madeBefore(by.EID, by.UID, key); err != nil {
			return err
		} else if gid != "" {
			made, err = anyGroup(background, t, by.EID, gid)
			return err
		}
		if err := t.people(by.EID, []string{g.Owner}, "owner"); err != nil {
			return err
		}
		others := slices.DeleteFunc(unique(members), func(uid string) bool { return uid == g.Owner })
		if g.Follows != 0 {
			others = nil
		}
		if err := t.people(by.EID, others, "members"); err != nil {
			return err
		}
		if made, err = t.makeGroup(by.EID, g.Owner, g, others, by.UID, key); err != nil {
			return err
		}
		if g.Follows != 0 {
			if made, left, err = t.follow(made, g.Follows, name(by, made)); err != nil {
				return err
			}
		}
		return t.audit(by, "group.create", made.GID, nil, groupRecord(made))
	})
	return s.completeGroup(ctx, made, left, err)
}

// completeGroup makes what is left of a group's change and returns the group as it is then.
func (s *Store) completeGroup(ctx context.Context, g chat.Group, left []steps, err error) (chat.Group, error) {
	if err != nil || len(left) == 0 {
		return g, err
	}
	s.complete(ctx, left...)
	if now, err := readGroup(ctx, s.read, g.EID, g.GID); err == nil {
		g = now
	}
	return g, nil // what was decided is stored, whatever else may have happened meanwhile
}

// follow makes a group follow a department, or none for 0. Its members then come and go in steps.
func (t *tx) follow(g chat.Group, department int64, by string) (chat.Group, []steps, error) {
	if department != 0 {
		if _, err := readDepartment(background, t, g.EID, department); chat.CodeOf(err) == chat.NotFound {
			return g, nil, chat.FieldError("follows", chat.FieldNobody, "is not a department of your organisation")
		} else if err != nil {
			return g, nil, err
		}
	}
	if err := t.exec(`UPDATE chat_groups SET follows = $1, version = version + 1 WHERE eid = $2 AND gid = $3`, department, g.EID, g.GID); err != nil {
		return g, nil, err
	}
	if err := t.event(chat.Event{EID: g.EID, Type: chat.EventGroupData, GID: g.GID, By: by, Changed: []string{"by_department"}}); err != nil {
		return g, nil, err
	}
	g, err := readGroup(background, t, g.EID, g.GID)
	if err != nil || department == 0 {
		return g, nil, err
	}
	p, err := t.plan(steps{eid: g.EID, kind: stepMembers, target: g.GID, actor: by})
	return g, []steps{p}, err
}

// syncFollowers begins to bring the groups of an organisation that follow departments up to date, after the tree has changed.
func (t *tx) syncFollowers(eid string) ([]steps, error) {
	return collect(background, t, scanSteps, `INSERT INTO steps (eid, kind, target, actor) SELECT eid, $1, gid, owner FROM chat_groups WHERE eid = $2 AND follows > 0 AND dissolved = 0
		RETURNING `+stepsColumns, stepMembers, eid)
}

// syncPerson brings somebody's place in groups that follow departments up to date, after its departments have changed.
func (t *tx) syncPerson(eid, uid string) error {
	groups, err := collect(background, t, func(scan func(...any) error) (g chat.Group, err error) {
		err = scan(&g.GID, &g.Owner, &g.MutedAll, &g.Follows)
		return g, err
	}, `SELECT gid, owner, muted_all, follows FROM chat_groups WHERE eid = $1 AND follows > 0 AND dissolved = 0`, eid)
	if err != nil || len(groups) == 0 {
		return err
	}
	in, err := collect(background, t, scanInt, `WITH RECURSIVE up (id) AS (SELECT m.department FROM department_members m WHERE m.eid = $1 AND m.uid = $2 AND m.hidden = 0
		UNION SELECT d.parent FROM departments d JOIN up ON d.id = up.id) SELECT id FROM up`, eid, uid)
	if err != nil {
		return err
	}
	have, err := collect(background, t, scanString, `SELECT gid FROM members WHERE eid = $1 AND uid = $2`, eid, uid)
	if err != nil {
		return err
	}
	for _, g := range groups {
		belongs, is := slices.Contains(in, g.Follows), slices.Contains(have, g.GID)
		switch {
		case belongs && !is:
			_, err = t.enter(eid, g.GID, uid, g.Owner, chat.GroupMember, g.MutedAll, "")
		case !belongs && is && uid != g.Owner:
			err = t.removeMember(eid, g.GID, uid, g.Owner)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// changeGroup runs a change of a group by an administrator.
func (s *Store) changeGroup(ctx context.Context, by chat.Actor, gid string, f func(*tx, chat.Group) error) error {
	return s.administer(ctx, by, chat.ManageGroups, func(t *tx) error {
		g, err := readGroup(background, t, by.EID, gid)
		if err != nil {
			return err
		}
		return f(t, g)
	})
}

// UpdateAnyGroup changes a group's data, of which the caller knows version; follows, if not nil, makes it follow a department, or none for 0.
func (s *Store) UpdateAnyGroup(ctx context.Context, by chat.Actor, gid string, version int64, c chat.GroupChange, follows *int64) (chat.Group, error) {
	var g chat.Group
	var left []steps
	err := s.changeGroup(ctx, by, gid, func(t *tx, old chat.Group) (err error) {
		left = nil
		if old.Version != version {
			return changedMeanwhile(old)
		}
		if g, err = t.updateGroup(old, name(by, old), c); err != nil {
			return err
		}
		if follows != nil && *follows != old.Follows {
			if g, left, err = t.follow(g, *follows, name(by, old)); err != nil {
				return err
			}
		}
		from, to := difference(groupRecord(old), groupRecord(g))
		if to == nil {
			return nil
		}
		return t.auditGroup(by, "group.change", g, from, to)
	})
	return s.completeGroup(ctx, g, left, err)
}

// DissolveAnyGroup ends a group. It can be restored for 30 days.
func (s *Store) DissolveAnyGroup(ctx context.Context, by chat.Actor, gid string) error {
	return s.changeGroup(ctx, by, gid, func(t *tx, g chat.Group) error {
		if err := t.dissolve(g.EID, g.GID, name(by, g)); err != nil {
			return err
		}
		return t.audit(by, "group.dissolve", gid, groupRecord(g), nil)
	})
}

// RestoreGroup brings a dissolved group back, with its messages and members. Who is disabled comes back as one who is; deleted bots stay away.
func (s *Store) RestoreGroup(ctx context.Context, by chat.Actor, gid string) (chat.Group, error) {
	var g chat.Group
	var left []steps
	err := s.administer(ctx, by, chat.ManageGroups, func(t *tx) error {
		old, err := anyGroup(background, t, by.EID, gid)
		if err == nil && old.Dissolved.IsZero() {
			err = chat.Errorf(chat.Conflict, "This group is not dissolved.")
		}
		if err != nil {
			return err
		}
		if left, err = t.restore(old, name(by, old)); err != nil {
			return err
		}
		if g, err = readGroup(background, t, by.EID, gid); err != nil {
			return err
		}
		return t.audit(by, "group.restore", gid, nil, groupRecord(g))
	})
	return s.completeGroup(ctx, g, left, err)
}

// restore brings a dissolved group back in the name of by: its owner at once, as no group is without, and the others in steps.
func (t *tx) restore(old chat.Group, by string) (left []steps, err error) {
	if err := t.countGroups(old.EID, 1); err != nil {
		return nil, err
	}
	if err := t.exec(`UPDATE chat_groups SET dissolved = 0, version = version + 1 WHERE eid = $1 AND gid = $2`, old.EID, old.GID); err != nil {
		return nil, err
	}
	muted, err := collect(background, t, scanInt, `DELETE FROM dissolved_members WHERE eid = $1 AND gid = $2 AND uid = $3 RETURNING muted_until`, old.EID, old.GID, old.Owner)
	if err != nil {
		return nil, err
	}
	if _, err := t.enter(old.EID, old.GID, old.Owner, by, chat.GroupOwner, old.MutedAll, "create"); err != nil {
		return nil, err
	}
	if len(muted) > 0 && muted[0] > now() {
		if err := t.setMember(old.EID, old.GID, old.Owner, by, chat.GroupOwner, fromMS(muted[0])); err != nil {
			return nil, err
		}
	}
	for _, kind := range []string{stepRestore, stepMembers} {
		p, err := t.plan(steps{eid: old.EID, kind: kind, target: old.GID, actor: by})
		if err != nil {
			return nil, err
		}
		left = append(left, p)
	}
	return left, nil
}

// DissolvedGroups returns the groups that somebody owned when they were dissolved and that can be restored, by name.
func (s *Store) DissolvedGroups(ctx context.Context, eid, owner string) ([]chat.Group, error) {
	list, err := collect(ctx, s.read, scanGroup, `SELECT `+groupColumns+` FROM chat_groups g WHERE g.eid = $1 AND g.owner = $2 AND g.dissolved > $3 ORDER BY g.name, g.gid`,
		eid, owner, now()-restorable.Milliseconds())
	if err != nil {
		return nil, fmt.Errorf("read dissolved groups: %w", err)
	}
	return list, nil
}

// RestoreOwnGroup is RestoreGroup by who owned the group.
func (s *Store) RestoreOwnGroup(ctx context.Context, eid, gid, by string) (chat.Group, error) {
	var g chat.Group
	var left []steps
	err := s.change(ctx, func(t *tx) error {
		old, err := anyGroup(background, t, eid, gid)
		if err == nil && old.Owner != by {
			err = found(sql.ErrNoRows, "group")
		}
		if err == nil && old.Dissolved.IsZero() {
			err = chat.Errorf(chat.Conflict, "This group is not dissolved.")
		}
		if err != nil {
			return err
		}
		if left, err = t.restore(old, by); err != nil {
			return err
		}
		g, err = readGroup(background, t, eid, gid)
		return err
	})
	return s.completeGroup(ctx, g, left, err)
}

// AddAnyMembers adds people to a group, and returns those who were not in it before.
func (s *Store) AddAnyMembers(ctx context.Context, by chat.Actor, gid string, uids []string) (added []string, err error) {
	err = s.changeGroup(ctx, by, gid, func(t *tx, g chat.Group) error {
		added = []string{}
		if err := freeMembership(g); err != nil {
			return err
		}
		if err := t.people(by.EID, unique(uids), "uids"); err != nil {
			return err
		}
		for _, uid := range unique(uids) {
			fresh, err := t.enter(by.EID, gid, uid, name(by, g), chat.GroupMember, g.MutedAll, "")
			if err != nil {
				return err
			}
			if fresh {
				added = append(added, uid)
			}
		}
		if len(added) == 0 {
			return nil
		}
		return t.auditGroup(by, "group.add", g, nil, map[string]any{"uids": added})
	})
	return added, err
}

// SetAnyMember changes a member's role or mute. A new owner takes the group over: the old one becomes an administrator.
func (s *Store) SetAnyMember(ctx context.Context, by chat.Actor, gid, uid string, role *chat.GroupRole, mutedUntil *time.Time) error {
	return s.changeGroup(ctx, by, gid, func(t *tx, g chat.Group) error {
		m, err := readMembership(background, t, by.EID, gid, uid)
		if chat.CodeOf(err) == chat.NotFound {
			return chat.Errorf(chat.NotFound, "%s is not a member of this group.", uid).Named(chat.ProblemNotMember)
		}
		if err != nil {
			return err
		}
		before := map[string]any{"uid": uid, "role": string(m.Role), "muted_until": m.MutedUntil}
		if role != nil && *role != m.Role {
			if m.Role == chat.GroupOwner {
				return chat.Errorf(chat.Conflict, "A group has an owner: make somebody else the owner instead.").Named(chat.ProblemOwnerLeaves)
			}
			if *role == chat.GroupOwner {
				if err := t.mayOwn(by.EID, uid, "role"); err != nil {
					return err
				}
				if err := t.resign(g, name(by, g), uid); err != nil {
					return err
				}
			}
			m.Role = *role
		}
		if mutedUntil != nil {
			m.MutedUntil = *mutedUntil
		}
		if err := t.setMember(by.EID, gid, uid, name(by, g), m.Role, m.MutedUntil); err != nil {
			return err
		}
		return t.auditGroup(by, "group.member", g, before, map[string]any{"uid": uid, "role": string(m.Role), "muted_until": m.MutedUntil})
	})
}

// RemoveAnyMember takes somebody out of a group. The owner must be another first.
func (s *Store) RemoveAnyMember(ctx context.Context, by chat.Actor, gid, uid string) error {
	return s.changeGroup(ctx, by, gid, func(t *tx, g chat.Group) error {
		if err := freeMembership(g); err != nil {
			return err
		}
		if _, err := readMembership(background, t, by.EID, gid, uid); chat.CodeOf(err) == chat.NotFound {
			return chat.Errorf(chat.NotFound, "%s is not a member of this group.", uid).Named(chat.ProblemNotMember)
		} else if err != nil {
			return err
		}
		if g.Owner == uid {
			return chat.Errorf(chat.Conflict, "This is the group's owner: make somebody else the owner first.").Named(chat.ProblemOwnerLeaves)
		}
		if err := t.removeMember(by.EID, gid, uid, name(by, g)); err != nil {
			return err
		}
		return t.auditGroup(by, "group.remove", g, map[string]any{"uid": uid}, nil)
	})
}
