package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"magpie/server/chat"
)

// loginAge is how long a login may go unseen: then it is refused, and ended when its token or its user comes again.
const loginAge = 90 * 24 * time.Hour

const loginColumns = `id, eid, uid, terminal, client_id, agent, addr, created, seen, app, expires`

func errSignedOut() error {
	return chat.Errorf(chat.Unauthenticated, "You are signed out. Please sign in again.")
}

func scanLogin(scan func(...any) error) (l chat.Login, err error) {
	var created, seen, expires int64
	err = scan(&l.ID, &l.EID, &l.UID, &l.Terminal, &l.ClientID, &l.Agent, &l.Addr, &created, &seen, &l.App, &expires)
	l.Created, l.Seen, l.Expires = fromMS(created), fromMS(seen), fromMS(expires)
	return l, err
}

func findLogin(ctx context.Context, q querier, id string) (chat.Login, error) {
	l, err := scanLogin(q.QueryRowContext(ctx, `SELECT `+loginColumns+` FROM logins WHERE id = $1 AND ended = 0
		AND (app = '' OR EXISTS (SELECT 1 FROM apps a WHERE a.id = logins.app AND a.disabled = 0 AND a.deleted = 0))`, id).Scan)
	if err == nil && lapsed(l) {
		err = sql.ErrNoRows
	}
	return l, found(err, "login")
}

// lapsed reports whether a login has had its time: it was not seen for long, or was made for a shorter one. That of an API key waits for its program.
func lapsed(l chat.Login) bool {
	return l.App == "" && ms(l.Seen) <= now()-loginAge.Milliseconds() || !l.Expires.IsZero() && ms(l.Expires) <= now()
}

// CreateLogin stores a sign-in and the hash of its first refresh token. passwordHash is that of the password that was verified:
// chat.Unauthenticated when the user has another by now, or is disabled.
func (s *Store) CreateLogin(ctx context.Context, l chat.Login, passwordHash string, refreshHash []byte) error {
	err := s.change(ctx, func(t *tx) error {
		var hash string
		var disabled bool
		err := t.row(`SELECT password, disabled FROM users WHERE eid = $1 AND uid = $2`, l.EID, l.UID).Scan(&hash, &disabled)
		if err := found(err, "user"); err != nil {
			return err
		}
		if disabled || hash != passwordHash {
			return errSignedOut()
		}
		old, err := collect(background, t, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE eid = $1 AND uid = $2 AND ended = 0 AND seen <= $3 AND app = ''`,
			l.EID, l.UID, now()-loginAge.Milliseconds())
		if err != nil {
			return err
		}
		for _, o := range old {
			if err := t.endLogin(o, "unseen"); err != nil {
				return err
			}
		}
		created := ms(l.Created)
		if created == 0 {
			created = now()
		}
		err = t.exec(`INSERT INTO logins (id, eid, uid, terminal, client_id, agent, addr, created, seen, ended) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)`,
			l.ID, l.EID, l.UID, int64(l.Terminal), l.ClientID, l.Agent, l.Addr, created, max(created, ms(l.Seen)))
		if err != nil {
			return err
		}
		if err := t.seen(l, max(created, ms(l.Seen))); err != nil {
			return err
		}
		return t.exec(`INSERT INTO refresh_tokens (hash, login, used) VALUES ($1, $2, 0)`, refreshHash, l.ID)
	})
	if err != nil {
		return fmt.Errorf("store a login: %w", err)
	}
	return nil
}

// seen notes on the account that a device of it was here.
func (t *tx) seen(l chat.Login, ts int64) error {
	return t.exec(`UPDATE users SET seen = $1 WHERE eid = $2 AND uid = $3 AND seen < $1`, ts, l.EID, l.UID)
}

// Login returns a login, or chat.NotFound once it has ended.
func (s *Store) Login(ctx context.Context, id string) (chat.Login, error) {
	l, err := findLogin(ctx, s.read, id)
	if err != nil {
		return l, fmt.Errorf("read a login: %w", err)
	}
	return l, nil
}

// RefreshLogin returns the login that a refresh token, used or not, belongs to, by the token's hash. chat.NotFound when there is none, or
// it has ended.
func (s *Store) RefreshLogin(ctx context.Context, hash []byte) (chat.Login, error) {
	var id string
	err := s.read.QueryRowContext(ctx, `SELECT login FROM refresh_tokens WHERE hash = $1`, hash).Scan(&id)
	if err := found(err, "login"); err != nil {
		return chat.Login{}, err
	}
	return s.Login(ctx, id)
}

// RotateRefresh uses up the refresh token with the hash old, and puts next into its place. chat.Unauthenticated when the token is not
// known, or its login has ended or was not seen for long; the second use of a token, however late, ends its login.
func (s *Store) RotateRefresh(ctx context.Context, old, next []byte) (chat.Login, error) {
	var l chat.Login
	var over bool
	err := s.change(ctx, func(t *tx) error {
		over = false
		var id string
		var used int64
		err := t.row(`SELECT login, used FROM refresh_tokens WHERE hash = $1`, old).Scan(&id, &used)
		if errors.Is(err, sql.ErrNoRows) {
			return errSignedOut()
		}
		if err != nil {
			return err
		}
		l, err = scanLogin(t.row(`SELECT `+loginColumns+` FROM logins WHERE id = $1 AND ended = 0`, id).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return errSignedOut()
		}
		if err != nil {
			return err
		}
		if used > 0 || lapsed(l) {
			over = true // and the end of the login is to be committed
			why := "reuse"
			if used == 0 {
				why = "unseen"
			}
			return t.endLogin(l, why)
		}
		ts := now()
		if err := t.exec(`UPDATE refresh_tokens SET used = $1 WHERE hash = $2`, ts, old); err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO refresh_tokens (hash, login, used) VALUES ($1, $2, 0)`, next, id); err != nil {
			return err
		}
		l.Seen = fromMS(ts)
		if err := t.exec(`UPDATE logins SET seen = $1 WHERE id = $2`, ts, id); err != nil {
			return err
		}
		return t.seen(l, ts)
	})
	if err == nil && over {
		err = errSignedOut()
	}
	if err != nil {
		return chat.Login{}, fmt.Errorf("renew a login: %w", err)
	}
	return l, nil
}

// EndLogin ends one of a user's logins. chat.NotFound when it has no such login.
func (s *Store) EndLogin(ctx context.Context, eid, uid, id, why string) error {
	err := s.change(ctx, func(t *tx) error {
		l, err := findLogin(background, t, id)
		if err == nil && (l.EID != eid || l.UID != uid) {
			err = found(sql.ErrNoRows, "login")
		}
		if err != nil {
			return err
		}
		return t.endLogin(l, why)
	})
	if err != nil {
		return fmt.Errorf("end a login: %w", err)
	}
	return nil
}

// endLogin ends a login, and with it the MQTT session that is away: a connected one the broker ends.
func (t *tx) endLogin(l chat.Login, why string) error {
	ts := now()
	if err := t.exec(`UPDATE logins SET ended = $1 WHERE id = $2`, ts, l.ID); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM refresh_tokens WHERE login = $1`, l.ID); err != nil {
		return err
	}
	if err := t.exec(`UPDATE sessions SET expires = $1 WHERE eid = $2 AND uid = $3 AND login_id = $4 AND expires > $1`, ts, l.EID, l.UID, l.ID); err != nil {
		return err
	}
	return t.event(chat.Event{EID: l.EID, Type: chat.EventLoginEnded, UID: l.UID, Login: l.ID, Text: why})
}

// endLogins ends a user's logins, but for one, and the MQTT sessions that signed in by the account's password. API keys are no logins of a device:
// they end with their app or by themselves.
func (t *tx) endLogins(eid, uid, keep, why string) error {
	if err := t.endLogin(chat.Login{EID: eid, UID: uid}, why); err != nil {
		return err
	}
	all, err := logins(background, t, eid, uid)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.ID != keep && (l.App == "" || l.Terminal != chat.Service) {
			if err := t.endLogin(l, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// Logins returns a user's signed-in devices, the last seen first.
func (s *Store) Logins(ctx context.Context, eid, uid string) ([]chat.Login, error) {
	out, err := logins(ctx, s.read, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	return slices.DeleteFunc(out, lapsed), nil
}

func logins(ctx context.Context, q querier, eid, uid string) ([]chat.Login, error) {
	return collect(ctx, q, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE eid = $1 AND uid = $2 AND ended = 0 ORDER BY seen DESC, id DESC`, eid, uid)
}
