package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"magpie/server/chat"
)

// Members returns a page of a group's members as one of them sees it: owner, administrators, then by name.
func (s *Store) Members(ctx context.Context, eid, gid, viewer, cursor string, limit int) ([]chat.MemberProfile, string, error) {
	if _, err := readMembership(ctx, s.read, eid, gid, viewer); err != nil {
		return nil, "", err
	}
	return s.members(ctx, eid, gid, cursor, limit)
}

func (s *Store) members(ctx context.Context, eid, gid, cursor string, limit int) ([]chat.MemberProfile, string, error) {
	after := struct {
		Rank      int64
		Name, UID string
	}{Rank: -1}
	if err := decodeCursor(cursor, &after); err != nil {
		return nil, "", err
	}
	limit = clamp(limit, 100, 1000)
	const rank = `CASE m.role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 ELSE 2 END`
	list, err := collect(ctx, s.read, func(scan func(...any) error) (chat.MemberProfile, error) {
		var m chat.MemberProfile
		var muted, joined int64
		err := scan(&m.UID, &m.Name, &m.Avatar, &m.Role, &muted, &joined)
		m.MutedUntil, m.Joined = fromMS(muted), fromMS(joined)
		return m, err
	}, `SELECT m.uid, u.name, u.avatar, m.role, m.muted_until, m.joined FROM members m JOIN users u ON u.eid = m.eid AND u.uid = m.uid
		WHERE m.eid = $1 AND m.gid = $2 AND (`+rank+`, u.name, m.uid) > ($3, $4, $5) ORDER BY `+rank+`, u.name, m.uid LIMIT $6`,
		eid, gid, after.Rank, after.Name, after.UID, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read members: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	list = list[:limit]
	last := list[limit-1]
	after.Rank, after.Name, after.UID = map[chat.GroupRole]int64{chat.GroupOwner: 0, chat.GroupAdmin: 1, chat.GroupMember: 2}[last.Role], last.Name, last.UID
	return list, encodeCursor(after), nil
}

// AddMembers adds people to a group: any member may, but in groups with approval its owner and administrators alone. It returns
// those who were not members before.
func (s *Store) AddMembers(ctx context.Context, eid, gid, by string, as chat.Role, uids []string) ([]string, error) {
	var added []string
	uids = unique(uids)
	err := s.change(ctx, func(t *tx) error {
		added = nil
		g, err := readGroup(ctx, t, eid, gid)
		if err != nil {
			return err
		}
		m, err := readMembership(ctx, t, eid, gid, by)
		if err != nil {
			return err
		}
		if err := freeMembership(g); err != nil {
			return err
		}
		if g.Join == chat.JoinApproval {
			if err := chat.MayManageGroup(m.Role); err != nil {
				return err
			}
		}
		if len(uids) == 0 {
			return chat.FieldError("uids", chat.FieldRequired, "must name at least one person")
		}
		if err := t.people(eid, uids, "uids"); err != nil {
			return err
		}
		if err := t.mayBring(eid, gid, by, as, uids); err != nil {
			return err
		}
		for _, uid := range uids {
			fresh, err := t.enter(eid, gid, uid, by, chat.GroupMember, g.MutedAll, "")
			if err != nil {
				return err
			}
			if fresh {
				added = append(added, uid)
			}
		}
		return nil
	})
	return added, err
}

// Join makes a user a member of an open group, or asks for it (pending).
func (s *Store) Join(ctx context.Context, eid, gid, uid, message string) (pending bool, err error) {
	err = s.change(ctx, func(t *tx) error {
		pending = false
		g, err := readGroup(ctx, t, eid, gid)
		if err != nil {
			return err
		}
		if _, err := readMembership(ctx, t, eid, gid, uid); chat.CodeOf(err) != chat.NotFound {
			return err // a member already, or a failure
		}
		if err := freeMembership(g); err != nil {
			return err
		}
		switch g.Join {
		case chat.JoinOpen:
			_, err = t.enter(eid, gid, uid, uid, chat.GroupMember, g.MutedAll, "")
			return err
		case chat.JoinApproval:
			pending = true
			n, err := t.affect(`INSERT INTO join_requests (eid, gid, uid, message, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				eid, gid, uid, message, time.Now().UnixMilli())
			if err != nil || n == 0 {
				return err
			}
			return t.event(chat.Event{EID: eid, Type: chat.EventGroupRequest, GID: gid, UID: uid, Text: message})
		}
		return found(sql.ErrNoRows, "group")
	})
	return pending, err
}

// SetMember changes a member's role or mute. To make somebody the owner hands the group over: the old owner becomes administrator.
func (s *Store) SetMember(ctx context.Context, eid, gid, uid, by string, role *chat.GroupRole, mutedUntil *time.Time) error {
	return s.change(ctx, func(t *tx) error {
		actor, err := readMembership(ctx, t, eid, gid, by)
		if err != nil {
			return err
		}
		m, err := readMembership(ctx, t, eid, gid, uid)
		if chat.CodeOf(err) == chat.NotFound {
			return chat.Errorf(chat.NotFound, "%s is not a member of this group.", uid).Named(chat.ProblemNotMember)
		}
		if err != nil {
			return err
		}
		if err := chat.MayManageMember(actor.Role, m.Role); err != nil {
			return err
		}
		if role != nil && *role != m.Role {
			if actor.Role != chat.GroupOwner {
				return chat.Errorf(chat.Forbidden, "Only the group's owner may change roles.").Named(chat.ProblemOwnerOnly)
			}
			if *role == chat.GroupOwner {
				if err := t.mayOwn(eid, uid, "role"); err != nil {
					return err
				}
				g, err := readGroup(background, t, eid, gid)
				if err != nil {
					return err
				}
				if err := t.resign(g, by, uid); err != nil {
					return err
				}
			}
			m.Role = *role
		}
		if mutedUntil != nil {
			m.MutedUntil = *mutedUntil
		}
		return t.setMember(eid, gid, uid, by, m.Role, m.MutedUntil)
	})
}

// mayOwn checks that somebody can act as a group's owner: it is neither disabled nor a program.
func (t *tx) mayOwn(eid, uid, field string) error {
	u, err := readUser(background, t, eid, uid)
	if chat.CodeOf(err) == chat.NotFound {
		return chat.FieldError(field, chat.FieldNobody, "there is nobody named %s in your organisation", uid)
	}
	if err == nil && (u.Disabled || u.Service) {
		err = chat.FieldError(field, chat.FieldNotAllowed, "a group's owner can't be disabled, or a program")
	}
	return err
}

// resign makes a group's owner one of its administrators: next is the owner from now on, whose role is to be set.
func (t *tx) resign(g chat.Group, by, next string) error {
	owner, err := readMembership(background, t, g.EID, g.GID, g.Owner)
	if err != nil {
		return err
	}
	if err := t.setMember(g.EID, g.GID, g.Owner, by, chat.GroupAdmin, owner.MutedUntil); err != nil {
		return err
	}
	return t.exec(`UPDATE chat_groups SET owner = $3, version = version + 1 WHERE eid = $1 AND gid = $2`, g.EID, g.GID, next)
}

// handOver makes a member the owner of a group.
func (t *tx) handOver(g chat.Group, uid, by string) error {
	m, err := readMembership(background, t, g.EID, g.GID, uid)
	if err != nil {
		return err
	}
	if err := t.resign(g, by, uid); err != nil {
		return err
	}
	return t.setMember(g.EID, g.GID, uid, by, chat.GroupOwner, m.MutedUntil)
}

func (t *tx) setMember(eid, gid, uid, by string, role chat.GroupRole, muted time.Time) error {
	if err := t.exec(`UPDATE members SET role = $4, muted_until = $5 WHERE eid = $1 AND gid = $2 AND uid = $3`, eid, gid, uid, string(role), ms(muted)); err != nil {
		return err
	}
	return t.event(chat.Event{EID: eid, Type: chat.EventGroupRole, GID: gid, UID: uid, By: by, Role: role, MutedUntil: ms(muted)})
}

// RemoveMember takes somebody out of a group; uid == by leaves it. An owner must hand the group over first.
func (s *Store) RemoveMember(ctx context.Context, eid, gid, uid, by string) error {
	return s.change(ctx, func(t *tx) error {
		actor, err := readMembership(ctx, t, eid, gid, by)
		if err != nil {
			return err
		}
		m, err := readMembership(ctx, t, eid, gid, uid)
		if chat.CodeOf(err) == chat.NotFound {
			return chat.Errorf(chat.NotFound, "%s is not a member of this group.", uid).Named(chat.ProblemNotMember)
		}
		if err != nil {
			return err
		}
		g, err := readGroup(ctx, t, eid, gid)
		if err != nil {
			return err
		}
		if err := freeMembership(g); err != nil {
			return err
		}
		if uid == by && m.Role == chat.GroupOwner {
			return chat.Errorf(chat.Conflict, "You own this group: hand it over to somebody else, or dissolve it.").Named(chat.ProblemOwnerLeaves)
		}
		if uid != by {
			if err := chat.MayManageMember(actor.Role, m.Role); err != nil {
				return err
			}
		}
		return t.removeMember(eid, gid, uid, by)
	})
}

func (t *tx) removeMember(eid, gid, uid, by string) error {
	im, err := t.head(chat.StreamRef{EID: eid, Kind: chat.StreamGroup, Key: gid})
	if err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM participants WHERE eid = $1 AND uid = $2 AND stream = $3`, eid, uid, im.id); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM members WHERE eid = $1 AND gid = $2 AND uid = $3`, eid, gid, uid); err != nil {
		return err
	}
	return t.event(chat.Event{EID: eid, Type: chat.EventGroupLeave, GID: gid, UID: uid, By: by})
}
