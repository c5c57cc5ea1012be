package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"magpie/server/chat"
)

const groupColumns = `g.eid, g.gid, g.name, g.avatar, g.announcement, g.join_policy, g.muted_all, g.owner, g.created, g.follows, g.version, g.dissolved,
	(SELECT COUNT(*) FROM members n WHERE n.eid = g.eid AND n.gid = g.gid)`

func scanGroup(scan func(...any) error) (chat.Group, error) {
	var g chat.Group
	var created, dissolved int64
	err := scan(&g.EID, &g.GID, &g.Name, &g.Avatar, &g.Announcement, &g.Join, &g.MutedAll, &g.Owner, &created, &g.Follows, &g.Version, &dissolved, &g.Members)
	g.Created, g.Dissolved = fromMS(created), fromMS(dissolved)
	return g, err
}

func readGroup(ctx context.Context, q querier, eid, gid string) (chat.Group, error) {
	g, err := scanGroup(q.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM chat_groups g WHERE g.eid = $1 AND g.gid = $2 AND g.dissolved = 0`, eid, gid).Scan)
	return g, found(err, "group")
}

// readMembership returns a user's place in a group; not being a member is chat.NotFound.
func readMembership(ctx context.Context, q querier, eid, gid, uid string) (chat.GroupMembership, error) {
	m := chat.GroupMembership{GID: gid, UID: uid}
	var muted, joined int64
	err := q.QueryRowContext(ctx, `SELECT role, muted_until, joined FROM members WHERE eid = $1 AND gid = $2 AND uid = $3`, eid, gid, uid).Scan(&m.Role, &muted, &joined)
	m.MutedUntil, m.Joined = fromMS(muted), fromMS(joined)
	return m, found(err, "group")
}

// Groups returns the groups that a user is a member of, by name.
func (s *Store) Groups(ctx context.Context, eid, uid string) ([]chat.Group, error) {
	list, err := collect(ctx, s.read, scanGroup, `SELECT `+groupColumns+` FROM chat_groups g JOIN members m ON m.eid = g.eid AND m.gid = g.gid
		WHERE m.eid = $1 AND m.uid = $2 ORDER BY g.name, g.gid`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	asking, err := countJoinRequests(ctx, s.read, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("count who asks to join: %w", err)
	}
	for i, g := range list {
		list[i].Requests = asking[g.GID]
	}
	return list, nil
}

// Group returns a group as a user may see it: its members, and where it can be joined everyone. A viewer who is no member has a
// zero membership; one who may not see it gets chat.NotFound.
func (s *Store) Group(ctx context.Context, eid, gid, viewer string) (chat.Group, chat.GroupMembership, error) {
	g, err := readGroup(ctx, s.read, eid, gid)
	if err != nil {
		return g, chat.GroupMembership{}, err
	}
	m, err := readMembership(ctx, s.read, eid, gid, viewer)
	if chat.CodeOf(err) == chat.NotFound && g.Join != chat.JoinInvite {
		return g, chat.GroupMembership{}, nil
	}
	if err != nil {
		return g, m, err
	}
	asking, err := countJoinRequests(ctx, s.read, eid, viewer)
	g.Requests = asking[gid]
	return g, m, err
}

// GroupManagers returns a group and the uids of its owner and administrators.
func (s *Store) GroupManagers(ctx context.Context, eid, gid string) (chat.Group, []string, error) {
	g, err := readGroup(ctx, s.read, eid, gid)
	if err != nil {
		return g, nil, err
	}
	list, err := collect(ctx, s.read, scanString, `SELECT uid FROM members WHERE eid = $1 AND gid = $2 AND role <> 'member'`, eid, gid)
	if err != nil {
		return g, nil, fmt.Errorf("read a group's managers: %w", err)
	}
	return g, list, nil
}

// CreateGroup makes a group of an owner and at least one other. A gid is made where g has none. A repeat with the same key by the
// same owner returns the first group, or chat.NotFound once the maker has left it.
func (s *Store) CreateGroup(ctx context.Context, eid, owner string, as chat.Role, g chat.Group, members []string, key string) (chat.Group, error) {
	members = slices.DeleteFunc(unique(members), func(uid string) bool { return uid == owner })
	err := s.change(ctx, func(t *tx) error {
		if gid, err := t.madeBefore(eid, owner, key); err != nil {
			return err
		} else if gid != "" {
			if _, err := readMembership(ctx, t, eid, gid, owner); err != nil {
				return err // it has left: the group is not for its eyes any more
			}
			g, err = readGroup(ctx, t, eid, gid)
			return err
		}
		if err := t.mayCreateGroup(eid, owner, as); err != nil {
			return err
		}
		if len(members) == 0 {
			return chat.FieldError("members", chat.FieldRequired, "must name at least one person besides you")
		}
		if err := t.people(eid, members, "members"); err != nil {
			return err
		}
		if err := t.mayBring(eid, "", owner, as, members); err != nil {
			return err
		}
		var err error
		g, err = t.makeGroup(eid, owner, g, members, owner, key)
		return err
	})
	return g, err
}

// madeBefore returns the group that a maker has made with an idempotency key, or "".
func (t *tx) madeBefore(eid, maker, key string) (gid string, err error) {
	if key == "" {
		return "", nil
	}
	err = t.row(`SELECT gid FROM chat_groups WHERE eid = $1 AND maker = $2 AND maker_key = $3`, eid, maker, key).Scan(&gid)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return gid, err
}

// makeGroup makes a group of its owner and others.
func (t *tx) makeGroup(eid, owner string, g chat.Group, members []string, maker, key string) (chat.Group, error) {
	gid := g.GID
	if gid == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return g, fmt.Errorf("make a group's id: %w", err)
		}
		gid = strings.ReplaceAll(id.String(), "-", "")
	}
	join := g.Join
	if join == "" {
		join = chat.JoinInvite
	}
	if err := t.countGroups(eid, 1); err != nil {
		return g, err
	}
	n, err := t.affect(`INSERT INTO chat_groups (eid, gid, name, avatar, announcement, join_policy, muted_all, owner, maker, maker_key, created, dissolved)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0) ON CONFLICT DO NOTHING`,
		eid, gid, g.Name, g.Avatar, g.Announcement, string(join), flag(g.MutedAll), owner, maker, key, time.Now().UnixMilli())
	if err != nil {
		return g, err
	}
	if n == 0 {
		return g, chat.Errorf(chat.Conflict, "There has been a group with this id.").Named(chat.ProblemTaken)
	}
	if err := t.changeAvatar(eid, owner, "", g.Avatar); err != nil {
		return g, err
	}
	if err := t.event(chat.Event{EID: eid, Type: chat.EventGroupCreate, GID: gid, UID: owner, By: owner}); err != nil {
		return g, err
	}
	for i, uid := range append([]string{owner}, members...) {
		role := chat.GroupMember
		if i == 0 {
			role = chat.GroupOwner
		}
		if _, err := t.enter(eid, gid, uid, owner, role, g.MutedAll, "create"); err != nil {
			return g, err
		}
	}
	return readGroup(background, t, eid, gid)
}

// people checks that all uids are users who are not disabled; the others are named in an error about the field.
func (t *tx) people(eid string, uids []string, field string) error {
	have, err := collect(context.Background(), t, scanString, `SELECT uid FROM users WHERE eid = $1 AND disabled = 0
		AND uid IN (SELECT value FROM json_each(CAST($2 AS text)))`, eid, jsonList(uids))
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(uids), func(uid string) bool { return slices.Contains(have, uid) })
	if len(missing) > 0 {
		return chat.FieldError(field, chat.FieldNobody, "there is nobody named %s in your organisation", strings.Join(missing, ", "))
	}
	return nil
}

// enter makes a user a member, from this point of the group's streams on. It reports false for one who is a member already.
func (t *tx) enter(eid, gid, uid, by string, role chat.GroupRole, mutedAll bool, how string) (bool, error) {
	im, err := t.head(chat.StreamRef{EID: eid, Kind: chat.StreamGroup, Key: gid})
	if err != nil {
		return false, err
	}
	notice, err := t.head(chat.StreamRef{EID: eid, Kind: chat.StreamGroupNotice, Key: gid})
	if err != nil {
		return false, err
	}
	n, err := t.affect(`INSERT INTO members (eid, gid, uid, role, muted_until, joined, joined_seq, joined_notice_seq)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $7) ON CONFLICT DO NOTHING`, eid, gid, uid, string(role), time.Now().UnixMilli(), int64(im.seq), int64(notice.seq))
	if err != nil || n == 0 {
		return false, err
	}
	if err := t.participate(eid, uid, im, now()); err != nil {
		return false, err
	}
	if err := t.exec(`DELETE FROM join_requests WHERE eid = $1 AND gid = $2 AND uid = $3`, eid, gid, uid); err != nil {
		return false, err
	}
	return true, t.event(chat.Event{EID: eid, Type: chat.EventGroupJoin, GID: gid, UID: uid, By: by, Role: role, MutedAll: mutedAll,
		Head: im.seq, NoticeHead: notice.seq, Text: how})
}

// UpdateGroup changes a group's data, as its owner or an administrator.
func (s *Store) UpdateGroup(ctx context.Context, eid, gid, by string, c chat.GroupChange) (chat.Group, error) {
	var g chat.Group
	err := s.change(ctx, func(t *tx) (err error) {
		if g, err = readGroup(ctx, t, eid, gid); err != nil {
			return err
		}
		m, err := readMembership(ctx, t, eid, gid, by)
		if err != nil {
			return err
		}
		if err := chat.MayManageGroup(m.Role); err != nil {
			return err
		}
		g, err = t.updateGroup(g, by, c)
		return err
	})
	return g, err
}

// updateGroup changes a group's data in the name of by.
func (t *tx) updateGroup(g chat.Group, by string, c chat.GroupChange) (chat.Group, error) {
	avatar := g.Avatar
	var changed []string
	for _, f := range []struct {
		name     string
		to, from *string
	}{{"name", &g.Name, c.Name}, {"avatar", &g.Avatar, c.Avatar}, {"announcement", &g.Announcement, c.Announcement}, {"join", (*string)(&g.Join), (*string)(c.Join)}} {
		if f.from != nil && *f.from != *f.to {
			*f.to = *f.from
			changed = append(changed, f.name)
		}
	}
	if c.MutedAll != nil && *c.MutedAll != g.MutedAll {
		g.MutedAll = *c.MutedAll
		changed = append(changed, "muted_all")
	}
	if len(changed) == 0 {
		return g, nil
	}
	g.Version++
	if err := t.exec(`UPDATE chat_groups SET name = $3, avatar = $4, announcement = $5, join_policy = $6, muted_all = $7, version = $8 WHERE eid = $1 AND gid = $2`,
		g.EID, g.GID, g.Name, g.Avatar, g.Announcement, string(g.Join), flag(g.MutedAll), g.Version); err != nil {
		return g, err
	}
	if err := t.changeAvatar(g.EID, by, avatar, g.Avatar); err != nil {
		return g, err
	}
	return g, t.event(chat.Event{EID: g.EID, Type: chat.EventGroupData, GID: g.GID, By: by, MutedAll: g.MutedAll, Changed: changed})
}

// DissolveGroup ends a group, as its owner. Its messages can't be read afterwards, and its gid is never used again.
func (s *Store) DissolveGroup(ctx context.Context, eid, gid, by string) error {
	return s.change(ctx, func(t *tx) error {
		m, err := readMembership(ctx, t, eid, gid, by)
		if err != nil {
			return err
		}
		if m.Role != chat.GroupOwner {
			return chat.Errorf(chat.Forbidden, "Only the group's owner may dissolve it.").Named(chat.ProblemOwnerOnly)
		}
		return t.dissolve(eid, gid, by)
	})
}

// dissolve ends a group in the name of by. Who was in it is kept for as long as it can be restored.
func (t *tx) dissolve(eid, gid, by string) error {
	uids, err := collect(background, t, scanString, `SELECT uid FROM members WHERE eid = $1 AND gid = $2`, eid, gid)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO dissolved_members (eid, gid, uid, role, muted_until) SELECT eid, gid, uid, role, muted_until FROM members WHERE eid = $1 AND gid = $2 ON CONFLICT DO NOTHING`, eid, gid)
	if err != nil {
		return err
	}
	im, err := t.head(chat.StreamRef{EID: eid, Kind: chat.StreamGroup, Key: gid})
	if err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM participants WHERE stream = $1`, im.id); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM members WHERE eid = $1 AND gid = $2`, eid, gid); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM join_requests WHERE eid = $1 AND gid = $2`, eid, gid); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM group_links WHERE eid = $1 AND gid = $2`, eid, gid); err != nil {
		return err
	}
	if err := t.countGroups(eid, -1); err != nil {
		return err
	}
	if err := t.exec(`UPDATE chat_groups SET dissolved = $3, version = version + 1 WHERE eid = $1 AND gid = $2`, eid, gid, time.Now().UnixMilli()); err != nil {
		return err
	}
	return t.event(chat.Event{EID: eid, Type: chat.EventGroupDissolve, GID: gid, UID: by, By: by, Members: uids})
}

func unique(list []string) []string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// restorable is for how long a dissolved group can be restored.
const restorable = 30 * 24 * time.Hour
