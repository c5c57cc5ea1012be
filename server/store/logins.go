package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"magpie/server/chat"
)

const loginColumns = `id, eid, uid, terminal, client_id, agent, addr, created, seen`

func scanLogin(scan func(...any) error) (chat.Login, error) {
	var l chat.Login
	var terminal, created, seen int64
	err := scan(&l.ID, &l.EID, &l.UID, &terminal, &l.ClientID, &l.Agent, &l.Addr, &created, &seen)
	l.Terminal, l.Created, l.Seen = chat.Terminal(terminal), fromMS(created), fromMS(seen)
	return l, err
}

// CreateLogin makes a login session with its first refresh token.
func (s *Store) CreateLogin(ctx context.Context, l chat.Login, refreshHash []byte) error {
	return s.change(ctx, func(t *tx) error {
		if err := t.exec(`INSERT INTO logins (id, eid, uid, terminal, client_id, agent, addr, created, seen, ended) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)`,
			l.ID, l.EID, l.UID, int64(l.Terminal), l.ClientID, l.Agent, l.Addr, ms(l.Created), ms(l.Seen)); err != nil {
			return fmt.Errorf("make a login: %w", err)
		}
		return t.exec(`INSERT INTO refresh_tokens (hash, login, used) VALUES ($1, $2, 0)`, refreshHash, l.ID)
	})
}

// Login returns a login session that has not ended, or chat.NotFound.
func (s *Store) Login(ctx context.Context, id string) (chat.Login, error) {
	l, err := scanLogin(s.read.QueryRowContext(ctx, `SELECT `+loginColumns+` FROM logins WHERE id = $1 AND ended = 0`, id).Scan)
	return l, found(err, "login")
}

// Logins returns a user's login sessions, the one seen last first.
func (s *Store) Logins(ctx context.Context, eid, uid string) ([]chat.Login, error) {
	list, err := collect(ctx, s.read, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE eid = $1 AND uid = $2 AND ended = 0 ORDER BY seen DESC, id`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	return list, nil
}

// RotateRefresh exchanges a refresh token for the next one and returns its login. The second use of a token means that somebody
// has a copy: it ends the login.
func (s *Store) RotateRefresh(ctx context.Context, old, next []byte) (chat.Login, error) {
	var l chat.Login
	reused := false
	err := s.change(ctx, func(t *tx) (err error) {
		l, reused = chat.Login{}, false
		var used int64
		l, err = scanLogin(func(dst ...any) error {
			return t.row(`SELECT l.id, l.eid, l.uid, l.terminal, l.client_id, l.agent, l.addr, l.created, l.seen, r.used
				FROM refresh_tokens r JOIN logins l ON l.id = r.login WHERE r.hash = $1 AND l.ended = 0`, old).Scan(append(dst, &used)...)
		})
		if errors.Is(err, sql.ErrNoRows) {
			return chat.Errorf(chat.Unauthenticated, "You are signed out. Sign in again.")
		}
		if err != nil {
			return fmt.Errorf("find a refresh token: %w", err)
		}
		if used != 0 {
			reused = true
			return t.endLogin(l.EID, l.UID, l.ID, "reuse")
		}
		now := time.Now().UnixMilli()
		if err := t.exec(`UPDATE refresh_tokens SET used = $2 WHERE hash = $1`, old, now); err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO refresh_tokens (hash, login, used) VALUES ($1, $2, 0)`, next, l.ID); err != nil {
			return err
		}
		l.Seen = fromMS(now)
		return t.exec(`UPDATE logins SET seen = $2 WHERE id = $1`, l.ID, now)
	})
	if err == nil && reused {
		err = chat.Errorf(chat.Unauthenticated, "This sign-in was used from two places and has been ended. Sign in again.")
	}
	return l, err
}

// EndLogin ends a login session and forgets its MQTT session. One of another user, or that has ended, is chat.NotFound.
func (s *Store) EndLogin(ctx context.Context, eid, uid, id, why string) error {
	return s.change(ctx, func(t *tx) error { return t.endLogin(eid, uid, id, why) })
}

func (t *tx) endLogin(eid, uid, id, why string) error {
	n, err := t.affect(`UPDATE logins SET ended = $4 WHERE id = $1 AND eid = $2 AND uid = $3 AND ended = 0`, id, eid, uid, time.Now().UnixMilli())
	if err != nil || n == 0 {
		return errors.Join(err, found(sql.ErrNoRows, "login"))
	}
	if err := t.exec(`DELETE FROM refresh_tokens WHERE login = $1`, id); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM sessions WHERE eid = $1 AND uid = $2 AND login_id = $3 AND expires > 0`, eid, uid, id); err != nil {
		return err
	}
	return t.event(chat.Event{EID: eid, Type: chat.EventLoginEnded, UID: uid, Login: id, Text: why})
}

func (t *tx) endLogins(eid, uid, keep, why string) error {
	ids, err := collect(context.Background(), t.w.conn, scanString, `SELECT id FROM logins WHERE eid = $1 AND uid = $2 AND ended = 0 AND id <> $3`, eid, uid, keep)
	if err != nil {
		return fmt.Errorf("read logins: %w", err)
	}
	for _, id := range ids {
		if err := t.endLogin(eid, uid, id, why); err != nil {
			return err
		}
	}
	return nil
}
