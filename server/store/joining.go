package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"magpie/server/chat"
)

// JoinRequests returns who asks to join a group, for those who decide it.
func (s *Store) JoinRequests(ctx context.Context, eid, gid, viewer string) ([]chat.ContactRequest, error) {
	if err := s.managesGroup(ctx, eid, gid, viewer); err != nil {
		return nil, err
	}
	return s.joinRequests(ctx, eid, gid)
}

// AnyJoinRequests returns who asks to join a group, whoever reads it.
func (s *Store) AnyJoinRequests(ctx context.Context, eid, gid string) ([]chat.ContactRequest, error) {
	if _, err := readGroup(ctx, s.read, eid, gid); err != nil {
		return nil, err
	}
	return s.joinRequests(ctx, eid, gid)
}

func (s *Store) joinRequests(ctx context.Context, eid, gid string) ([]chat.ContactRequest, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (r chat.ContactRequest, err error) {
		var created int64
		err = scan(&r.UID, &r.Message, &created)
		r.Created = fromMS(created)
		return r, err
	}, `SELECT uid, message, created FROM join_requests WHERE eid = $1 AND gid = $2 ORDER BY created, uid`, eid, gid)
}

// countJoinRequests says how many ask to join each of the groups that a user decides about.
func countJoinRequests(ctx context.Context, q querier, eid, uid string) (map[string]int, error) {
	type row struct {
		gid string
		n   int
	}
	list, err := collect(ctx, q, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.gid, &r.n)
		return r, err
	}, `SELECT m.gid, COUNT(*) FROM members m JOIN join_requests r ON r.eid = m.eid AND r.gid = m.gid
		WHERE m.eid = $1 AND m.uid = $2 AND m.role <> 'member' GROUP BY m.gid`, eid, uid)
	counts := make(map[string]int, len(list))
	for _, r := range list {
		counts[r.gid] = r.n
	}
	return counts, err
}

// AnswerJoin accepts or declines somebody who asks to join. Who was disabled meanwhile can only be declined, as can everybody where the
// group has come to follow a department.
func (s *Store) AnswerJoin(ctx context.Context, eid, gid, by, uid string, accept bool) error {
	return s.manageGroup(ctx, eid, gid, by, func(t *tx, g chat.Group) error { return t.answerJoin(g, by, uid, accept) })
}

// AnswerAnyJoin does so for an administrator of the organisation.
func (s *Store) AnswerAnyJoin(ctx context.Context, by chat.Actor, gid, uid string, accept bool) error {
	return s.changeGroup(ctx, by, gid, func(t *tx, g chat.Group) error {
		if err := t.answerJoin(g, name(by, g), uid, accept); err != nil {
			return err
		}
		action := "group.decline"
		if accept {
			action = "group.accept"
		}
		return t.auditGroup(by, action, g, nil, map[string]any{"uid": uid})
	})
}

func (t *tx) answerJoin(g chat.Group, by, uid string, accept bool) error {
	n, err := t.affect(`DELETE FROM join_requests WHERE eid = $1 AND gid = $2 AND uid = $3`, g.EID, g.GID, uid)
	if err == nil && n == 0 {
		err = found(sql.ErrNoRows, "request")
	}
	if err != nil {
		return err
	}
	if !accept {
		return t.event(chat.Event{EID: g.EID, Type: chat.EventGroupRequest, GID: g.GID, UID: uid, By: by})
	}
	if err := freeMembership(g); err != nil {
		return err
	}
	if err := t.people(g.EID, []string{uid}, "uid"); err != nil {
		return err
	}
	_, err = t.enter(g.EID, g.GID, uid, by, chat.GroupMember, g.MutedAll, "")
	return err
}

// CreateGroupLink makes a link by which people of the organisation enter a group, until expires; hash is the digest of its token.
func (s *Store) CreateGroupLink(ctx context.Context, eid, gid, by, id string, hash []byte, expires time.Time) error {
	return s.manageGroup(ctx, eid, gid, by, func(t *tx, g chat.Group) error { return t.createGroupLink(g, by, id, hash, expires) })
}

// CreateAnyGroupLink does so for an administrator of the organisation.
func (s *Store) CreateAnyGroupLink(ctx context.Context, by chat.Actor, gid, id string, hash []byte, expires time.Time) error {
	return s.changeGroup(ctx, by, gid, func(t *tx, g chat.Group) error {
		if err := t.createGroupLink(g, name(by, g), id, hash, expires); err != nil {
			return err
		}
		return t.auditGroup(by, "group.link", g, nil, map[string]any{"link": id, "expires": expires})
	})
}

func (t *tx) createGroupLink(g chat.Group, maker, id string, hash []byte, expires time.Time) error {
	if err := freeMembership(g); err != nil {
		return err
	}
	return t.exec(`INSERT INTO group_links (id, hash, eid, gid, maker, created, expires, uses) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		id, hash, g.EID, g.GID, maker, now(), ms(expires))
}

func (s *Store) manageGroup(ctx context.Context, eid, gid, by string, f func(*tx, chat.Group) error) error {
	return s.change(ctx, func(t *tx) error {
		g, err := readGroup(background, t, eid, gid)
		if err != nil {
			return err
		}
		m, err := readMembership(background, t, eid, gid, by)
		if err != nil {
			return err
		}
		if err := chat.MayManageGroup(m.Role); err != nil {
			return err
		}
		return f(t, g)
	})
}

// managesGroup reports why a user may not see what those see who manage a group.
func (s *Store) managesGroup(ctx context.Context, eid, gid, viewer string) error {
	m, err := readMembership(ctx, s.read, eid, gid, viewer)
	if err != nil {
		return err
	}
	return chat.MayManageGroup(m.Role)
}

// GroupLinks returns the links into a group that are good, for those who manage it.
func (s *Store) GroupLinks(ctx context.Context, eid, gid, viewer string) ([]chat.GroupLink, error) {
	if err := s.managesGroup(ctx, eid, gid, viewer); err != nil {
		return nil, err
	}
	return s.groupLinks(ctx, eid, gid)
}

// AnyGroupLinks returns the links into a group that are good, whoever reads it.
func (s *Store) AnyGroupLinks(ctx context.Context, eid, gid string) ([]chat.GroupLink, error) {
	if _, err := readGroup(ctx, s.read, eid, gid); err != nil {
		return nil, err
	}
	return s.groupLinks(ctx, eid, gid)
}

func (s *Store) groupLinks(ctx context.Context, eid, gid string) ([]chat.GroupLink, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (l chat.GroupLink, err error) {
		var created, expires int64
		err = scan(&l.ID, &l.Maker, &l.Uses, &created, &expires)
		l.Created, l.Expires = fromMS(created), fromMS(expires)
		return l, err
	}, `SELECT id, maker, uses, created, expires FROM group_links WHERE eid = $1 AND gid = $2 AND expires > $3 ORDER BY created DESC, id DESC`, eid, gid, now())
}

// DeleteGroupLink withdraws a link.
func (s *Store) DeleteGroupLink(ctx context.Context, eid, gid, by, id string) error {
	return s.manageGroup(ctx, eid, gid, by, func(t *tx, g chat.Group) error { return t.deleteGroupLink(g, id) })
}

// DeleteAnyGroupLink does so for an administrator of the organisation.
func (s *Store) DeleteAnyGroupLink(ctx context.Context, by chat.Actor, gid, id string) error {
	return s.changeGroup(ctx, by, gid, func(t *tx, g chat.Group) error {
		if err := t.deleteGroupLink(g, id); err != nil {
			return err
		}
		return t.auditGroup(by, "group.unlink", g, map[string]any{"link": id}, nil)
	})
}

func (t *tx) deleteGroupLink(g chat.Group, id string) error {
	n, err := t.affect(`DELETE FROM group_links WHERE eid = $1 AND gid = $2 AND id = $3`, g.EID, g.GID, id)
	if err == nil && n == 0 {
		err = found(sql.ErrNoRows, "link")
	}
	return err
}

// GroupOfLink returns the group that a link leads into, for somebody of its organisation.
func (s *Store) GroupOfLink(ctx context.Context, eid string, hash []byte) (chat.Group, error) {
	return groupOfLink(ctx, s.read, eid, hash)
}

func groupOfLink(ctx context.Context, q querier, eid string, hash []byte) (chat.Group, error) {
	var gid string
	err := q.QueryRowContext(ctx, `SELECT gid FROM group_links WHERE hash = $1 AND eid = $2 AND expires > $3`, hash, eid, now()).Scan(&gid)
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Group{}, chat.Errorf(chat.NotFound, "This link has expired or was withdrawn. Ask for a new one.").Named(chat.ProblemInviteLink)
	}
	if err != nil {
		return chat.Group{}, err
	}
	return readGroup(ctx, q, eid, gid)
}

// JoinByLink makes somebody a member of the group that a link leads into.
func (s *Store) JoinByLink(ctx context.Context, eid, uid string, hash []byte) (chat.Group, error) {
	var g chat.Group
	err := s.change(ctx, func(t *tx) (err error) {
		if g, err = groupOfLink(background, t, eid, hash); err != nil {
			return err
		}
		if err := freeMembership(g); err != nil {
			return err
		}
		fresh, err := t.enter(eid, g.GID, uid, uid, chat.GroupMember, g.MutedAll, "")
		if err != nil || !fresh {
			return err
		}
		return t.exec(`UPDATE group_links SET uses = uses + 1 WHERE hash = $1`, hash)
	})
	return g, err
}
