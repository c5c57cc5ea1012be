package store

import (
	"context"
	"fmt"
	"time"

	"magpie/server/chat"
)

const sessionColumns = `id, eid, uid, client_id, terminal, login_id, expires, expiry, app, state`

func scanSession(scan func(...any) error) (x chat.Session, err error) {
	var expires int64
	err = scan(&x.ID, &x.EID, &x.UID, &x.ClientID, &x.Terminal, &x.LoginID, &expires, &x.Expiry, &x.App, &x.State)
	x.Expires = fromMS(expires)
	return x, err
}

// Session returns the kept MQTT session of a client id, or chat.NotFound.
func (s *Store) Session(ctx context.Context, eid, uid, clientID string) (chat.Session, error) {
	x, err := scanSession(s.read.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE eid = $1 AND uid = $2 AND client_id = $3`,
		eid, uid, clientID).Scan)
	return x, found(err, "session")
}

// Sessions returns all kept MQTT sessions, oldest first.
func (s *Store) Sessions(ctx context.Context) ([]chat.Session, error) {
	all, err := collect(ctx, s.read, scanSession, `SELECT `+sessionColumns+` FROM sessions ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read the sessions: %w", err)
	}
	return all, nil
}

// maxSessions is how many sessions that are away are kept of one user.
const maxSessions = 32

// boundSessions ends the sessions of a user that have been away the longest, if there are too many: client ids cost nothing.
func (t *tx) boundSessions(eid, uid string) error {
	err := t.exec(`UPDATE sessions SET expires = 1 WHERE id IN (SELECT id FROM sessions WHERE eid = $1 AND uid = $2 AND expires > 1
		ORDER BY expires DESC LIMIT 1000 OFFSET $3)`, eid, uid, maxSessions)
	if err != nil {
		return fmt.Errorf("bound the sessions of a user: %w", err)
	}
	return nil
}

// SaveSession stores a session as it is now: a new one, with ID 0, in the place of what its client id had, and sets its ID before it
// calls done. One that was deleted meanwhile is chat.NotFound. It never waits; done may be nil.
func (s *Store) SaveSession(sess *chat.Session, done func(error)) {
	x, known := *sess, sess.ID
	told := done
	if known == 0 {
		told = func(err error) {
			if err == nil {
				sess.ID = x.ID
			}
			if done != nil {
				done(err)
			}
		}
	}
	s.changeLater(func(t *tx) error {
		state := x.State
		if state == nil {
			state = []byte{}
		}
		if known == 0 {
			err := t.row(`INSERT INTO sessions (eid, uid, client_id, terminal, login_id, expires, expiry, app, state)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
				ON CONFLICT (eid, uid, client_id) DO UPDATE SET terminal = excluded.terminal, login_id = excluded.login_id,
					expires = excluded.expires, expiry = excluded.expiry, app = excluded.app, state = excluded.state RETURNING id`,
				x.EID, x.UID, x.ClientID, int64(x.Terminal), x.LoginID, ms(x.Expires), int64(x.Expiry), flag(x.App), state).Scan(&x.ID)
			if err != nil {
				return fmt.Errorf("store a session: %w", err)
			}
			return t.boundSessions(x.EID, x.UID)
		}
		n, err := t.affect(`UPDATE sessions SET terminal = $1, login_id = $2, expires = $3, expiry = $4, app = $5, state = $6 WHERE id = $7`,
			int64(x.Terminal), x.LoginID, ms(x.Expires), int64(x.Expiry), flag(x.App), state, known)
		if err != nil {
			return fmt.Errorf("store a session: %w", err)
		}
		if n == 0 {
			return chat.Errorf(chat.NotFound, "There is no such session.")
		}
		return nil
	}, told)
}

// AppSessions returns an organisation's stored sessions that have subscriptions to application channels.
func (s *Store) AppSessions(ctx context.Context, eid string) ([]chat.Session, error) {
	list, err := collect(ctx, s.read, scanSession, `SELECT `+sessionColumns+` FROM sessions WHERE eid = $1 AND app = 1`, eid)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return list, nil
}

// DeleteSession removes a session and what is known of its packets. It never waits; done may be nil.
func (s *Store) DeleteSession(id int64, done func(error)) {
	s.changeLater(func(t *tx) error {
		if err := t.exec(`DELETE FROM sessions WHERE id = $1`, id); err != nil {
			return fmt.Errorf("delete a session: %w", err)
		}
		return nil
	}, done)
}

// ExpireSessions removes the sessions whose time away has ended, and returns them.
func (s *Store) ExpireSessions(ctx context.Context, now time.Time) ([]chat.Session, error) {
	var any bool
	err := s.read.QueryRowContext(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM sessions WHERE expires > 0 AND expires <= $1) THEN 1 ELSE 0 END`, ms(now)).Scan(&any)
	if err != nil {
		return nil, fmt.Errorf("look for expired sessions: %w", err)
	}
	if !any { // the usual case costs no commit
		return nil, nil
	}
	var out []chat.Session
	err = s.change(ctx, func(t *tx) (err error) {
		out, err = collect(background, t, scanSession, `DELETE FROM sessions WHERE expires > 0 AND expires <= $1 RETURNING `+sessionColumns, ms(now))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("remove expired sessions: %w", err)
	}
	return out, nil
}

// ReleasePacket forgets an inbound QoS 2 packet: its id may name a new message (MQTT 5 §4.3.3). It never waits; done is told whether
// there was one.
func (s *Store) ReleasePacket(session int64, pid uint16, done func(known bool, err error)) {
	var n int64
	s.changeLater(func(t *tx) (err error) {
		if n, err = t.affect(`DELETE FROM packets WHERE session = $1 AND pid = $2 AND digest & 1 = 1`, session, int64(pid)); err != nil {
			return fmt.Errorf("release a packet: %w", err)
		}
		return nil
	}, func(err error) { done(n > 0, err) })
}

// Retained returns an organisation's retained application messages. Their QoS is in Props.
func (s *Store) Retained(ctx context.Context, eid string) ([]chat.Retained, error) {
	out, err := collect(ctx, s.read, func(scan func(...any) error) (x chat.Retained, err error) {
		err = scan(&x.Topic, &x.Sender, &x.Payload, &x.Props, &x.Time, &x.Expires)
		return x, err
	}, `SELECT topic, sender, payload, props, ts, expires FROM retained WHERE eid = $1 ORDER BY topic`, eid)
	if err != nil {
		return nil, fmt.Errorf("read retained messages: %w", err)
	}
	return out, nil
}

// Presubscribe reads what a session needs to come up, all of one moment. chat.NotFound when there is no such user.
func (s *Store) Presubscribe(ctx context.Context, eid, uid string) (p chat.Presubscription, err error) {
	err = s.reading(ctx, func(q querier) error {
		if p.User, err = readUser(ctx, q, eid, uid); err != nil {
			return err
		}
		if p.Org, err = readOrg(ctx, q, eid); err != nil {
			return err
		}
		if p.Contacts, err = collect(ctx, q, scanString, `SELECT other FROM contacts WHERE eid = $1 AND uid = $2 ORDER BY other`, eid, uid); err != nil {
			return err
		}
		if p.Groups, err = collect(ctx, q, scanGroupSub, `SELECT m.gid, m.uid, m.role, m.muted_until, m.joined, g.muted_all, m.joined_seq, m.joined_notice_seq
			FROM members m JOIN chat_groups g ON g.eid = m.eid AND g.gid = m.gid WHERE m.eid = $1 AND m.uid = $2 ORDER BY m.gid`, eid, uid); err != nil {
			return err
		}
		p.Streams = map[chat.StreamRef]chat.Stream{}
		for _, query := range []string{
			`participants p JOIN streams s ON s.id = p.stream WHERE p.eid = $1 AND p.uid = $2`,
			`members m CROSS JOIN streams s WHERE s.eid = m.eid AND s.kind = 4 AND s.key = m.gid AND m.eid = $1 AND m.uid = $2`,
			`contacts c CROSS JOIN streams s WHERE s.eid = c.eid AND s.kind = 5 AND s.key = c.other AND c.eid = $1 AND c.uid = $2`,
			`streams s WHERE s.eid = $1 AND (s.kind = 3 AND s.key = $2 OR s.kind = 6 AND s.key = '')`,
		} {
			streams, err := collect(ctx, q, scanStream, `SELECT s.eid, s.kind, s.key, s.id, s.head FROM `+query, eid, uid)
			if err != nil {
				return err
			}
			for _, st := range streams {
				p.Streams[st.StreamRef] = st
			}
		}
		return readCleared(ctx, q, eid, uid, &p)
	})
	if err != nil {
		return p, fmt.Errorf("read subscriptions: %w", err)
	}
	return p, nil
}

func readCleared(ctx context.Context, q querier, eid, uid string, p *chat.Presubscription) error {
	list, err := collect(ctx, q, scanStream, `SELECT s.eid, s.kind, s.key, s.id, c.seq FROM cleared c JOIN streams s ON s.id = c.stream
		WHERE c.eid = $1 AND c.uid = $2`, eid, uid)
	p.Cleared = map[chat.StreamRef]uint64{}
	for _, st := range list {
		p.Cleared[st.StreamRef] = st.Head
	}
	return err
}

func scanStream(scan func(...any) error) (st chat.Stream, err error) {
	err = scan(&st.EID, &st.Kind, &st.Key, &st.ID, &st.Head)
	return st, err
}

func scanGroupSub(scan func(...any) error) (g chat.GroupSub, err error) {
	var muted, joined int64
	err = scan(&g.GID, &g.UID, &g.Role, &muted, &joined, &g.MutedAll, &g.JoinedSeq, &g.JoinedNoticeSeq)
	g.MutedUntil, g.Joined = fromMS(muted), fromMS(joined)
	return g, err
}
