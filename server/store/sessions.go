package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"magpie/server/chat"
)

const sessionColumns = `id, eid, uid, client_id, terminal, login_id, expires, expiry, app, state`

func scanSession(scan func(...any) error) (chat.Session, error) {
	var x chat.Session
	var terminal, expires, expiry int64
	err := scan(&x.ID, &x.EID, &x.UID, &x.ClientID, &terminal, &x.LoginID, &expires, &expiry, &x.App, &x.State)
	x.Terminal, x.Expires, x.Expiry = chat.Terminal(terminal), fromMS(expires), uint32(expiry)
	return x, err
}

// Session returns the stored MQTT session of a user's client id, or chat.NotFound.
func (s *Store) Session(ctx context.Context, eid, uid, clientID string) (chat.Session, error) {
	x, err := scanSession(s.read.QueryRowContext(ctx, `SELECT `+sessionColumns+` FROM sessions WHERE eid = $1 AND uid = $2 AND client_id = $3`,
		eid, uid, clientID).Scan)
	return x, found(err, "session")
}

// Sessions returns all stored MQTT sessions.
func (s *Store) Sessions(ctx context.Context) ([]chat.Session, error) {
	list, err := collect(ctx, s.read, scanSession, `SELECT `+sessionColumns+` FROM sessions`)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return list, nil
}

// SaveSession stores a session and sets its ID. done, which may be nil, is called by the writer when it is durable.
func (s *Store) SaveSession(x *chat.Session, done func(error)) {
	s.changeLater(func(t *tx) error {
		if x.ID != 0 {
			n, err := t.affect(`UPDATE sessions SET login_id = $2, terminal = $3, expires = $4, expiry = $5, app = $6, state = $7 WHERE id = $1`,
				x.ID, x.LoginID, int64(x.Terminal), ms(x.Expires), int64(x.Expiry), flag(x.App), x.State)
			if err != nil || n > 0 {
				return err
			}
		}
		return t.row(`INSERT INTO sessions (eid, uid, client_id, login_id, terminal, expires, expiry, app, state)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (eid, uid, client_id) DO UPDATE SET login_id = excluded.login_id, terminal = excluded.terminal, expires = excluded.expires,
			expiry = excluded.expiry, app = excluded.app, state = excluded.state RETURNING id`,
			x.EID, x.UID, x.ClientID, x.LoginID, int64(x.Terminal), ms(x.Expires), int64(x.Expiry), flag(x.App), x.State).Scan(&x.ID)
	}, done)
}

// DeleteSession removes a session. done may be nil.
func (s *Store) DeleteSession(id int64, done func(error)) {
	s.changeLater(func(t *tx) error { return t.exec(`DELETE FROM sessions WHERE id = $1`, id) }, done)
}

// ExpireSessions removes the sessions whose time away is over, and returns them.
func (s *Store) ExpireSessions(ctx context.Context, now time.Time) ([]chat.Session, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM sessions WHERE expires > 0 AND expires <= $1`, ms(now)).Scan(&n)
	if err != nil || n == 0 {
		return nil, err
	}
	var list []chat.Session
	err = s.change(ctx, func(t *tx) (err error) {
		list, err = collect(ctx, t.w.conn, scanSession, `DELETE FROM sessions WHERE expires > 0 AND expires <= $1 RETURNING `+sessionColumns, ms(now))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("expire sessions: %w", err)
	}
	return list, nil
}

// ReleasePacket forgets an inbound QoS 2 packet of a session (MQTT 5 §4.3.3).
func (s *Store) ReleasePacket(session int64, pid uint16, done func(error)) {
	s.changeLater(func(t *tx) error {
		return t.exec(`DELETE FROM packets WHERE session = $1 AND pid = $2`, session, int64(pid))
	}, done)
}

// Presubscribe reads what a new MQTT session of a user needs, from one moment.
func (s *Store) Presubscribe(ctx context.Context, eid, uid string) (chat.Presubscription, error) {
	var p chat.Presubscription
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return p, fmt.Errorf("read subscriptions: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if p.User, err = readUser(ctx, tx, eid, uid); err != nil {
		return p, err
	}
	if p.Org, err = readOrg(ctx, tx, eid); err != nil {
		return p, err
	}
	if p.Contacts, err = collect(ctx, tx, scanString, `SELECT other FROM contacts WHERE eid = $1 AND uid = $2`, eid, uid); err != nil {
		return p, fmt.Errorf("read contacts: %w", err)
	}
	p.Groups, err = collect(ctx, tx, func(scan func(...any) error) (chat.GroupSub, error) {
		g := chat.GroupSub{GroupMembership: chat.GroupMembership{UID: uid}}
		var muted, joined, seq, noticeSeq int64
		err := scan(&g.GID, &g.Role, &muted, &joined, &g.MutedAll, &seq, &noticeSeq)
		g.MutedUntil, g.Joined, g.JoinedSeq, g.JoinedNoticeSeq = fromMS(muted), fromMS(joined), uint64(seq), uint64(noticeSeq)
		return g, err
	}, `SELECT m.gid, m.role, m.muted_until, m.joined, g.muted_all, m.joined_seq, m.joined_notice_seq
		FROM members m JOIN chat_groups g ON g.eid = m.eid AND g.gid = m.gid WHERE m.eid = $1 AND m.uid = $2`, eid, uid)
	if err != nil {
		return p, fmt.Errorf("read groups: %w", err)
	}
	streams, err := collect(ctx, tx, func(scan func(...any) error) (chat.Stream, error) {
		st := chat.Stream{StreamRef: chat.StreamRef{EID: eid}}
		var kind, head int64
		err := scan(&st.ID, &kind, &st.Key, &head)
		st.Kind, st.Head = chat.StreamKind(kind), uint64(head)
		return st, err
	}, `SELECT s.id, s.kind, s.key, s.head FROM participants p JOIN streams s ON s.id = p.stream WHERE p.eid = $1 AND p.uid = $2
		UNION SELECT id, kind, key, head FROM streams WHERE eid = $1 AND (kind = 3 AND key = $2 OR kind = 6 AND key = '')
		UNION SELECT s.id, s.kind, s.key, s.head FROM members m JOIN streams s ON s.eid = m.eid AND s.kind IN (2, 4) AND s.key = m.gid
			WHERE m.eid = $1 AND m.uid = $2
		UNION SELECT s.id, s.kind, s.key, s.head FROM contacts c JOIN streams s ON s.eid = c.eid AND s.kind = 5 AND s.key = c.other
			WHERE c.eid = $1 AND c.uid = $2`, eid, uid)
	if err != nil {
		return p, fmt.Errorf("read streams: %w", err)
	}
	p.Streams = make(map[chat.StreamRef]chat.Stream, len(streams))
	for _, st := range streams {
		p.Streams[st.StreamRef] = st
	}
	return p, nil
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// flag writes a boolean as both databases take it in a number's column.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// found makes chat.NotFound of an empty result.
func found(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Errorf(chat.NotFound, "There is no such %s.", what)
	}
	if err != nil {
		return fmt.Errorf("read a %s: %w", what, err)
	}
	return nil
}
