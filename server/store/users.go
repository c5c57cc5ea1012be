package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"magpie/server/chat"
)

const userColumns = `eid, uid, name, email, avatar, COALESCE((SELECT d.name FROM departments d WHERE d.id = users.main_department AND d.leaving = 0), ''),
	title, role, service, disabled, presence, created, seen, version`

func errNoUser() error { return chat.Errorf(chat.NotFound, "There is no such user.") }

func userFields(u *chat.User, created, seen *int64) []any {
	return []any{&u.EID, &u.UID, &u.Name, &u.Email, &u.Avatar, &u.Department, &u.Title, &u.Role, &u.Service, &u.Disabled, &u.Presence, created, seen, &u.Version}
}

func scanUser(scan func(...any) error) (u chat.User, err error) {
	var created, seen int64
	err = scan(userFields(&u, &created, &seen)...)
	u.Created, u.Seen = fromMS(created), fromMS(seen)
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
	if err := t.insertUser(u, passwordHash); err != nil {
		return err
	}
	return t.event(chat.Event{EID: u.EID, Type: chat.EventUserCreated, UID: u.UID})
}

// insertUser makes a user without telling anybody.
func (t *tx) insertUser(u chat.User, passwordHash string) error {
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
	if !u.Disabled {
		if err := t.countPeople(u.EID, 1); err != nil {
			return err
		}
	}
	err := t.exec(`INSERT INTO users (eid, uid, name, email, avatar, title, role, service, disabled, presence, password, search, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '[]', $12)`,
		u.EID, u.UID, u.Name, u.Email, u.Avatar, u.Title, string(u.Role), flag(u.Service), flag(u.Disabled), null(u.Presence),
		passwordHash, now())
	if err != nil {
		return err
	}
	if err := t.index(u); err != nil {
		return err
	}
	if u.Department != "" {
		id, err := t.departmentPath(u.EID, u.Department)
		if err != nil {
			return err
		}
		return t.setDepartments(u.EID, u.UID, []int64{id})
	}
	return nil
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
	err := t.row(`SELECT CASE WHEN EXISTS (SELECT 1 FROM users WHERE eid = $1 AND email = $2 AND email <> '' AND uid <> $3) THEN 1 ELSE 0 END`, eid, email, uid).Scan(&taken)
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
	var created, seen int64
	err := s.read.QueryRowContext(ctx, `SELECT `+userColumns+`, password FROM users
		WHERE eid = $1 AND (uid = $2 OR email = $3 AND email <> '') ORDER BY CASE WHEN uid = $2 THEN 0 ELSE 1 END LIMIT 1`,
		eid, username, strings.ToLower(username)).Scan(append(userFields(&u, &created, &seen), &hash)...)
	if errors.Is(err, sql.ErrNoRows) {
		return u, "", errNoUser()
	}
	if err != nil {
		return u, "", fmt.Errorf("read credentials: %w", err)
	}
	u.Created, u.Seen = fromMS(created), fromMS(seen)
	return u, hash, nil
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
	users, err := collect(ctx, q, scanUser, `SELECT `+userColumns+` FROM users WHERE eid = $1 AND uid IN (SELECT value FROM json_each(CAST($2 AS text)))`, eid, jsonList(uids))
	sortUsers(users)
	return users, err
}

// sortUsers puts a few users in the order of their names. SQLite, if it were asked for the order, would walk through everyone by name.
func sortUsers(users []chat.User) {
	slices.SortFunc(users, func(a, b chat.User) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.UID, b.UID))
	})
}

// UpdateUser changes a user's data, as itself, and returns it as it is then.
func (s *Store) UpdateUser(ctx context.Context, eid, uid string, c chat.UserChange) (chat.User, error) {
	var u chat.User
	err := s.change(ctx, func(t *tx) (err error) {
		if u, err = readUser(background, t, eid, uid); err == nil {
			u, _, err = t.updateUser(u, c)
		}
		return err
	})
	if err != nil {
		return chat.User{}, fmt.Errorf("change a user: %w", err)
	}
	return u, nil
}

// updateUser changes a user, and returns what it is then and which fields have changed.
func (t *tx) updateUser(u chat.User, c chat.UserChange) (chat.User, []string, error) {
	avatar := u.Avatar
	var changed []string
	for _, f := range []struct {
		name string
		to   *string
		have *string
	}{
		{"name", c.Name, &u.Name}, {"avatar", c.Avatar, &u.Avatar}, {"email", c.Email, &u.Email},
		{"title", c.Title, &u.Title}, {"role", (*string)(c.Role), (*string)(&u.Role)},
	} {
		if f.to == nil {
			continue
		}
		to := *f.to
		if f.name == "email" {
			to = strings.ToLower(to)
			if err := t.freeEmail(u.EID, u.UID, to); err != nil {
				return u, nil, err
			}
		}
		if to != *f.have {
			*f.have = to
			changed = append(changed, f.name)
		}
	}
	if changed == nil {
		return u, nil, nil
	}
	if err := t.unindex(u.EID, u.UID); err != nil {
		return u, nil, err
	}
	u.Version++
	err := t.exec(`UPDATE users SET name = $1, avatar = $2, email = $3, title = $4, role = $5, version = $6 WHERE eid = $7 AND uid = $8`,
		u.Name, u.Avatar, u.Email, u.Title, string(u.Role), u.Version, u.EID, u.UID)
	if err != nil {
		return u, nil, err
	}
	if err := t.index(u); err != nil {
		return u, nil, err
	}
	if err := t.changeAvatar(u.EID, u.UID, avatar, u.Avatar); err != nil {
		return u, nil, err
	}
	if slices.Contains(changed, "role") {
		if err := t.dropPasswordLinks(u.EID, u.UID); err != nil { // whoever made one may not have been allowed to for the new role
			return u, nil, err
		}
		if err := t.event(chat.Event{EID: u.EID, Type: chat.EventUserRole, UID: u.UID, Text: string(u.Role)}); err != nil {
			return u, nil, err
		}
	}
	return u, changed, t.event(chat.Event{EID: u.EID, Type: chat.EventProfile, UID: u.UID, Changed: changed})
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
		if err := t.dropPasswordLinks(eid, uid); err != nil {
			return err
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
		_, err = t.setDisabled(u, disabled)
		return err
	})
	if err != nil {
		return fmt.Errorf("disable a user: %w", err)
	}
	return nil
}

func (t *tx) setDisabled(u chat.User, disabled bool) (chat.User, error) {
	if err := t.unindex(u.EID, u.UID); err != nil {
		return u, err
	}
	change := 1
	if disabled {
		change = -1
	}
	if err := t.countPeople(u.EID, change); err != nil {
		return u, err
	}
	u.Disabled = disabled
	u.Version++
	if err := t.exec(`UPDATE users SET disabled = $1, version = $2 WHERE eid = $3 AND uid = $4`, flag(disabled), u.Version, u.EID, u.UID); err != nil {
		return u, err
	}
	if err := t.index(u); err != nil {
		return u, err
	}
	if err := t.syncPerson(u.EID, u.UID); err != nil { // groups that follow departments have who is not disabled
		return u, err
	}
	if err := t.event(chat.Event{EID: u.EID, Type: chat.EventUserDisabled, UID: u.UID, On: disabled}); err != nil || !disabled {
		return u, err
	}
	if err := t.dropPasswordLinks(u.EID, u.UID); err != nil {
		return u, err
	}
	return u, t.endLogins(u.EID, u.UID, "", "disabled")
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
