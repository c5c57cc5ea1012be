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
	m, err := readMembership(ctx, s.read, eid, gid, viewer)
	if err == nil {
		err = chat.MayManageGroup(m.Role)
	}
	if err != nil {
		return nil, err
	}
	return collect(ctx, s.read, func(scan func(...any) error) (r chat.ContactRequest, err error) {
		var created int64
		err = scan(&r.UID, &r.Message, &created)
		r.Created = fromMS(created)
		return r, err
	}, `SELECT uid, message, created FROM join_requests WHERE eid = $1 AND gid = $2 ORDER BY created, uid`, eid, gid)
}

// AnswerJoin accepts or declines somebody who asks to join. Who was disabled meanwhile can only be declined, as can everybody where the
// group has come to follow a department.
func (s *Store) AnswerJoin(ctx context.Context, eid, gid, by, uid string, accept bool) error {
	return s.manageGroup(ctx, eid, gid, by, func(t *tx, g chat.Group) error {
		n, err := t.affect(`DELETE FROM join_requests WHERE eid = $1 AND gid = $2 AND uid = $3`, eid, gid, uid)
		if err == nil && n == 0 {
			err = found(sql.ErrNoRows, "request")
		}
		if err != nil || !accept {
			return err
		}
		if err := freeMembership(g); err != nil {
			return err
		}
		if err := t.people(eid, []string{uid}, "uid"); err != nil {
			return err
		}
		_, err = t.enter(eid, gid, uid, by, chat.GroupMember, g.MutedAll, "")
		return err
	})
}

// CreateGroupLink makes a link by which people of the organisation enter a group, until expires; hash is the digest of its token.
func (s *Store) CreateGroupLink(ctx context.Context, eid, gid, by, id string, hash []byte, expires time.Time) error {
	return s.manageGroup(ctx, eid, gid, by, func(t *tx, g chat.Group) error {
		if err := freeMembership(g); err != nil {
			return err
		}
		return t.exec(`INSERT INTO group_links (id, hash, eid, gid, maker, created, expires, uses) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`, id, hash, eid, gid, by, now(), ms(expires))
	})
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

// GroupLinks returns the links into a group that are good, for those who manage it.
func (s *Store) GroupLinks(ctx context.Context, eid, gid, viewer string) ([]chat.GroupLink, error) {
	m, err := readMembership(ctx, s.read, eid, gid, viewer)
	if err == nil {
		err = chat.MayManageGroup(m.Role)
	}
	if err != nil {
		return nil, err
	}
	return collect(ctx, s.read, func(scan func(...any) error) (l chat.GroupLink, err error) {
		var created, expires int64
		err = scan(&l.ID, &l.Maker, &l.Uses, &created, &expires)
		l.Created, l.Expires = fromMS(created), fromMS(expires)
		return l, err
	}, `SELECT id, maker, uses, created, expires FROM group_links WHERE eid = $1 AND gid = $2 AND expires > $3 ORDER BY created DESC, id DESC`, eid, gid, now())
}

// DeleteGroupLink withdraws a link.
func (s *Store) DeleteGroupLink(ctx context.Context, eid, gid, by, id string) error {
	return s.manageGroup(ctx, eid, gid, by, func(t *tx, _ chat.Group) error {
		n, err := t.affect(`DELETE FROM group_links WHERE eid = $1 AND gid = $2 AND id = $3`, eid, gid, id)
		if err == nil && n == 0 {
			err = found(sql.ErrNoRows, "link")
		}
		return err
	})
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
