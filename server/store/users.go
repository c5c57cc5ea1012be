package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"magpie/server/chat"
)

const userColumns = `eid, uid, name, email, avatar, department, title, role, service, disabled, presence, created`

func errNoUser() error { return chat.Errorf(chat.NotFound, "There is no such user.") }

func userFields(u *chat.User, created *int64) []any {
	return []any{&u.EID, &u.UID, &u.Name, &u.Email, &u.Avatar, &u.Department, &u.Title, &u.Role, &u.Service, &u.Disabled, &u.Presence, created}
}

func scanUser(scan func(...any) error) (u chat.User, err error) {
	var created int64
	err = scan(userFields(&u, &created)...)
	u.Created = fromMS(created)
	return u, err
}

func readUser(ctx context.Context, q querier, eid, uid string) (chat.User, error) {
	u, err := scanUser(q.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE eid = $1 AND uid = $2`, eid, uid).Scan)
	return u, found(err, "user")
}

// CreateUser makes a user. chat.Conflict when the uid was ever used in the organisation, or another user has the e-mail address.
func (s *Store) CreateUser(ctx context.Context, u chat.User, passwordHash string) error {
	if err := s.change(ctx, func(t *tx) error { return t.createUser(u, passwordHash) }); err != nil {
		return fmt.Errorf("make a user: %w", err)
	}
	return nil
}

func (t *tx) createUser(u chat.User, passwordHash string) error {
	if _, err := readOrg(background, t, u.EID); err != nil {
		return err
	}
	if _, err := readUser(background, t, u.EID, u.UID); chat.CodeOf(err) != chat.NotFound {
		if err == nil {
			err = conflict("uid", "is taken. Choose another user name.")
		}
		return err
	}
	u.Email = strings.ToLower(u.Email)
	if err := t.freeEmail(u.EID, u.UID, u.Email); err != nil {
		return err
	}
	if u.Role == "" {
		u.Role = chat.Member
	}
	err := t.exec(`INSERT INTO users (eid, uid, name, email, avatar, department, title, role, service, disabled, presence, password, search, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		u.EID, u.UID, u.Name, u.Email, u.Avatar, u.Department, u.Title, string(u.Role), flag(u.Service), flag(u.Disabled), null(u.Presence),
		passwordHash, searchText(u), now())
	if err != nil {
		return err
	}
	return t.event(chat.Event{EID: u.EID, Type: chat.EventUserCreated, UID: u.UID})
}

// conflict is an error about one field that contradicts what is stored.
func conflict(field, what string) error {
	e := chat.FieldError(field, chat.FieldTaken, "%s", what).Named(chat.ProblemTaken)
	e.Code = chat.Conflict
	return e
}

func (t *tx) freeEmail(eid, uid, email string) error {
	if email == "" {
		return nil
	}
	var taken bool
	err := t.row(`SELECT CASE WHEN EXISTS (SELECT 1 FROM users WHERE eid = $1 AND email = $2 AND uid <> $3) THEN 1 ELSE 0 END`, eid, email, uid).Scan(&taken)
	if err == nil && taken {
		return conflict("email", "is the address of another account.")
	}
	return err
}

// User returns a user, or chat.NotFound.
func (s *Store) User(ctx context.Context, eid, uid string) (chat.User, error) {
	u, err := readUser(ctx, s.read, eid, uid)
	if err != nil {
		return u, fmt.Errorf("read a user: %w", err)
	}
	return u, nil
}

// Credentials finds a user by uid, or by e-mail address in any case, and returns its password hash too. chat.NotFound when there is none.
func (s *Store) Credentials(ctx context.Context, eid, username string) (chat.User, string, error) {
	var u chat.User
	var hash string
	var created int64
	err := s.read.QueryRowContext(ctx, `SELECT `+userColumns+`, password FROM users
		WHERE eid = $1 AND (uid = $2 OR email = $3 AND email <> '') ORDER BY CASE WHEN uid = $2 THEN 0 ELSE 1 END LIMIT 1`,
		eid, username, strings.ToLower(username)).Scan(append(userFields(&u, &created), &hash)...)
	if errors.Is(err, sql.ErrNoRows) {
		return u, "", errNoUser()
	}
	if err != nil {
		return u, "", fmt.Errorf("read credentials: %w", err)
	}
	u.Created = fromMS(created)
	return u, hash, nil
}

// Users returns a page of an organisation's directory by name, without disabled users, and the cursor of the next page, "" at the end.
func (s *Store) Users(ctx context.Context, eid string, q chat.UserQuery) ([]chat.User, string, error) {
	var after [2]string
	if err := decodeCursor(q.Cursor, &after); err != nil {
		return nil, "", err
	}
	limit := clamp(q.Limit, 50, 1000)
	users, err := collect(ctx, s.read, scanUser, `SELECT `+userColumns+` FROM users
		WHERE eid = $1 AND (name, uid) > ($2, $3) AND disabled = 0 AND search LIKE $4 ESCAPE '!' AND (department = $5 OR $5 = '')
		ORDER BY name, uid LIMIT $6`, eid, after[0], after[1], containing(q.Text), q.Department, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("search the directory: %w", err)
	}
	if len(users) <= limit {
		return users, "", nil
	}
	users = users[:limit]
	return users, encodeCursor([2]string{users[limit-1].Name, users[limit-1].UID}), nil
}

// UsersByID returns those of the uids that exist in the organisation, by name; disabled users too.
func (s *Store) UsersByID(ctx context.Context, eid string, uids []string) ([]chat.User, error) {
	users, err := usersByID(ctx, s.read, eid, uids)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return users, nil
}

func usersByID(ctx context.Context, q querier, eid string, uids []string) ([]chat.User, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	return collect(ctx, q, scanUser, `SELECT `+userColumns+` FROM users
		WHERE eid = $1 AND uid IN (SELECT value FROM json_each(CAST($2 AS text))) ORDER BY name, uid`, eid, jsonList(uids))
}

// UpdateUser changes a user's data and returns it as it is then.
func (s *Store) UpdateUser(ctx context.Context, eid, uid string, c chat.UserChange) (chat.User, error) {
	var u chat.User
	err := s.change(ctx, func(t *tx) (err error) {
		if u, err = readUser(background, t, eid, uid); err != nil {
			return err
		}
		var changed []string
		for _, f := range []struct {
			name string
			to   *string
			have *string
		}{
			{"name", c.Name, &u.Name}, {"avatar", c.Avatar, &u.Avatar}, {"email", c.Email, &u.Email},
			{"department", c.Department, &u.Department}, {"title", c.Title, &u.Title}, {"role", (*string)(c.Role), (*string)(&u.Role)},
		} {
			if f.to == nil {
				continue
			}
			to := *f.to
			if f.name == "email" {
				to = strings.ToLower(to)
				if err := t.freeEmail(eid, uid, to); err != nil {
					return err
				}
			}
			if to != *f.have {
				*f.have = to
				changed = append(changed, f.name)
			}
		}
		if changed == nil {
			return nil
		}
		err = t.exec(`UPDATE users SET name = $1, avatar = $2, email = $3, department = $4, title = $5, role = $6, search = $7 WHERE eid = $8 AND uid = $9`,
			u.Name, u.Avatar, u.Email, u.Department, u.Title, string(u.Role), searchText(u), eid, uid)
		if err != nil {
			return err
		}
		if slices.Contains(changed, "role") {
			if err := t.event(chat.Event{EID: eid, Type: chat.EventUserRole, UID: uid, Text: string(u.Role)}); err != nil {
				return err
			}
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventProfile, UID: uid, Changed: changed})
	})
	if err != nil {
		return chat.User{}, fmt.Errorf("change a user: %w", err)
	}
	return u, nil
}

// SetPassword sets a user's password hash and ends its logins, but for keepLogin.
func (s *Store) SetPassword(ctx context.Context, eid, uid, hash, keepLogin string) error {
	err := s.change(ctx, func(t *tx) error {
		n, err := t.affect(`UPDATE users SET password = $1 WHERE eid = $2 AND uid = $3`, hash, eid, uid)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoUser()
		}
		return t.endLogins(eid, uid, keepLogin, "password")
	})
	if err != nil {
		return fmt.Errorf("set a password: %w", err)
	}
	return nil
}

// SetDisabled disables a user, which ends its logins, or enables it again.
func (s *Store) SetDisabled(ctx context.Context, eid, uid string, disabled bool) error {
	err := s.change(ctx, func(t *tx) error {
		u, err := readUser(background, t, eid, uid)
		if err != nil || u.Disabled == disabled {
			return err
		}
		if err := t.exec(`UPDATE users SET disabled = $1 WHERE eid = $2 AND uid = $3`, flag(disabled), eid, uid); err != nil {
			return err
		}
		if err := t.event(chat.Event{EID: eid, Type: chat.EventUserDisabled, UID: uid, On: disabled}); err != nil || !disabled {
			return err
		}
		return t.endLogins(eid, uid, "", "disabled")
	})
	if err != nil {
		return fmt.Errorf("disable a user: %w", err)
	}
	return nil
}

// SetPresence keeps the presence that a user has chosen; nil is online.
func (s *Store) SetPresence(ctx context.Context, eid, uid string, payload []byte) error {
	err := s.change(ctx, func(t *tx) error {
		n, err := t.affect(`UPDATE users SET presence = $1 WHERE eid = $2 AND uid = $3`, null(payload), eid, uid)
		if err == nil && n == 0 {
			err = errNoUser()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("set presence: %w", err)
	}
	return nil
}
