package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"magpie/server/chat"
)

// pageLogin is how long the login of an app's page lives after an exchange.
const pageLogin = time.Hour

// mostPages is how many pages of an app one person may have: the one that was seen least ends when there is another.
const mostPages = 50

// tokenMargin is how long a token that was exchanged is remembered after its end: longer than any request takes from the look at its times to here.
const tokenMargin = 10 * time.Minute

func errHostUser(format string, args ...any) error {
	return chat.Errorf(chat.Forbidden, format, args...).Named(chat.ProblemHostUser)
}

// Exchange uses up a host's token that was verified, and makes or prolongs the login of a page, all in one transaction. It makes the user at
// first sight where the app allows it. Errors: chat.ProblemHostToken when the token was used before or its key is gone, chat.ProblemHostUser
// when nobody may sign in so, chat.NotFound when the app is not there any more.
func (s *Store) Exchange(ctx context.Context, x chat.Exchange) (chat.User, chat.Login, error) {
	var u chat.User
	var l chat.Login
	err := s.change(ctx, func(t *tx) error {
		app, err := liveApp(background, t, x.App.ID)
		if err != nil {
			return err
		}
		if err := t.useToken(app, x); err != nil {
			return err
		}
		if u, err = t.hostUser(app, x); err != nil {
			return err
		}
		if l, err = t.runningLogin(app, x); err != nil {
			return err
		}
		ts := now()
		l.Seen, l.Expires = fromMS(ts), fromMS(ts+pageLogin.Milliseconds())
		if x.Login.ID == l.ID {
			l.Created = l.Seen
			err = t.exec(`INSERT INTO logins (id, eid, uid, terminal, client_id, agent, addr, created, seen, ended, app, expires)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0, $9, $10)`,
				l.ID, l.EID, l.UID, int64(l.Terminal), l.ClientID, l.Agent, l.Addr, ts, l.App, ms(l.Expires))
			if err == nil {
				err = t.endOldestPages(l)
			}
		} else {
			err = t.exec(`UPDATE logins SET seen = $1, expires = $2, agent = $3, addr = $4 WHERE id = $5`, ts, ms(l.Expires), x.Login.Agent, x.Login.Addr, l.ID)
		}
		if err != nil {
			return err
		}
		return t.seen(l, ts)
	})
	if err != nil {
		return chat.User{}, chat.Login{}, fmt.Errorf("exchange a token: %w", err)
	}
	return u, l, nil
}

// endOldestPages ends what pages a person has too many of, with that of a new login.
func (t *tx) endOldestPages(l chat.Login) error {
	old, err := collect(background, t, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE eid = $1 AND uid = $2 AND ended = 0 AND app = $3 AND terminal = $4
		ORDER BY seen DESC, id DESC LIMIT 100 OFFSET $5`, l.EID, l.UID, l.App, int64(l.Terminal), mostPages)
	if err != nil {
		return err
	}
	for _, o := range old {
		if err := t.endLogin(o, "logout"); err != nil {
			return err
		}
	}
	return nil
}

// useToken notes that a token was used, once, and by which key it was signed.
func (t *tx) useToken(app chat.App, x chat.Exchange) error {
	if err := t.exec(`DELETE FROM app_tokens WHERE expires < $1`, now()); err != nil {
		return err
	}
	n, err := t.affect(`INSERT INTO app_tokens (app, hash, eid, expires) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		app.ID, x.Hash, app.EID, ms(x.Expires.Add(tokenMargin)))
	if err != nil {
		return err
	}
	if n == 0 {
		return chat.HostToken(chat.TokenReplayed, "The token was used before. Sign a new one, with another jti, each time one is asked for.")
	}
	if x.Key == "" { // no secret of the app's
		return nil
	}
	n, err = t.affect(`UPDATE app_keys SET used = $1 WHERE app = $2 AND id = $3`, now(), app.ID, x.Key)
	if err == nil && n == 0 {
		err = chat.HostToken(chat.TokenSignature, "The key that signed the token was deleted. Sign with a key that the app has.")
	}
	return err
}

// hostUser finds whom a token speaks for, or makes the user.
func (t *tx) hostUser(app chat.App, x chat.Exchange) (chat.User, error) {
	u, err := readUser(background, t, app.EID, x.User.UID)
	switch {
	case err == nil && u.Disabled:
		return u, errHostUser("This account is disabled. An administrator of the chat can enable it.")
	case err == nil && u.Service:
		return u, errHostUser("This account is a program's: nobody signs in with it.")
	case err == nil || chat.CodeOf(err) != chat.NotFound:
		return u, err
	case !app.CreateUsers:
		return u, errHostUser("The chat has no user %s, and the app may not make users. An administrator can add the user, or let the app make users.", x.User.UID)
	}
	u = chat.User{EID: app.EID, UID: x.User.UID, Name: x.User.Name, Email: x.User.Email, Role: chat.Member}
	if u.Name == "" {
		u.Name = u.UID
	}
	err = t.createUser(u, "")
	var known *chat.Error
	if errors.As(err, &known) && known.Code == chat.Conflict { // the e-mail address is another account's, or there may be no more people
		return u, errHostUser("The user %s can't be made. %s", u.UID, known.Message)
	}
	if err != nil {
		return u, err
	}
	var ids []int64
	for _, path := range x.User.Departments {
		id, err := t.departmentPath(app.EID, path)
		if errors.As(err, &known) {
			return u, chat.HostToken(chat.TokenMalformed, "The departments of the token can't be made: %s.", known.Message)
		}
		if err != nil {
			return u, err
		}
		if id != 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		if err := t.setDepartments(app.EID, u.UID, ids); err != nil {
			return u, err
		}
	}
	if err := t.hostAvatar(u, x.User.Avatar); err != nil {
		return u, err
	}
	a, err := readAccount(background, t, app.EID, u.UID)
	if err != nil {
		return u, err
	}
	after := accountRecord(a)
	after["app"] = app.ID
	return a.User, t.audit(chat.Actor{EID: app.EID, Addr: x.Login.Addr}, "user.create", u.UID, nil, after)
}

// hostAvatar gives a new user the picture that its host names, where it is one of the organisation's that was uploaded for that. Nothing is fetched from
// elsewhere.
func (t *tx) hostAvatar(u chat.User, link string) error {
	id, ours := chat.FileOf(link)
	if !ours || link != chat.FilePath+id {
		return nil
	}
	var owner string
	err := t.row(`SELECT uid FROM files WHERE id = $1 AND eid = $2 AND purpose = $3`, id, u.EID, chat.ForAvatar).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.changeAvatar(u.EID, owner, "", link); err != nil {
		return err
	}
	return t.exec(`UPDATE users SET avatar = $1 WHERE eid = $2 AND uid = $3`, link, u.EID, u.UID)
}

// runningLogin returns the login that a page goes on with: the one that it had, where that is the same person's, or the new one. One that was
// somebody else's ends.
func (t *tx) runningLogin(app chat.App, x chat.Exchange) (chat.Login, error) {
	l := x.Login
	l.EID, l.App = app.EID, app.ID
	if x.Running == "" {
		return l, nil
	}
	old, err := scanLogin(t.row(`SELECT `+loginColumns+` FROM logins WHERE id = $1 AND app = $2 AND terminal = $3 AND ended = 0`, x.Running, app.ID, int64(chat.Widget)).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return l, nil
	case err != nil:
		return l, err
	case old.UID == l.UID && !lapsed(old):
		return old, nil
	}
	return l, t.endLogin(old, "logout")
}

// loginStep is how many logins one change ends or forgets: messages wait no longer than that takes.
const loginStep = 500

// EndExpiredLogins ends the logins whose time is over at a moment, as a sign-out would, and forgets those of pages that ended an hour before: each view of a
// host's page may have had one.
func (s *Store) EndExpiredLogins(ctx context.Context, at time.Time) error {
	for {
		old, err := collect(ctx, s.read, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE expires > 0 AND expires <= $1 AND ended = 0 LIMIT $2`, ms(at), loginStep)
		if err != nil {
			return fmt.Errorf("find logins that are over: %w", err)
		}
		if len(old) == 0 {
			break
		}
		if err := s.change(ctx, func(t *tx) error { return t.endExpired(old, at) }); err != nil {
			return fmt.Errorf("end logins that are over: %w", err)
		}
	}
	for forgot := int64(loginStep); forgot == loginStep; {
		err := s.change(ctx, func(t *tx) (err error) {
			forgot, err = t.affect(`DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE app <> '' AND ended > 0 AND ended < $1 AND terminal = $2 LIMIT $3)`,
				ms(at.Add(-pageLogin)), int64(chat.Widget), loginStep)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget logins: %w", err)
		}
	}
	return nil
}

func (t *tx) endExpired(old []chat.Login, at time.Time) error {
	for _, o := range old {
		l, err := scanLogin(t.row(`SELECT `+loginColumns+` FROM logins WHERE id = $1 AND ended = 0`, o.ID).Scan)
		if errors.Is(err, sql.ErrNoRows) || err == nil && l.Expires.After(at) { // prolonged meanwhile
			continue
		}
		if err == nil {
			err = t.endLogin(l, "logout")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
