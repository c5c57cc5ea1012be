package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/mozillazg/go-pinyin"

	"magpie/server/chat"
)

// Empty reports whether there is no organisation yet.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	var n int
	if err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM orgs`).Scan(&n); err != nil {
		return false, fmt.Errorf("count organisations: %w", err)
	}
	return n == 0, nil
}

// Setting returns a setting of the installation, "" when it was never set.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	var v string
	err := s.read.QueryRowContext(ctx, `SELECT value FROM settings WHERE key = $1`, key).Scan(&v)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read a setting: %w", err)
	}
	return v, nil
}

// SetSetting keeps a setting of the installation.
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	return s.change(ctx, func(t *tx) error { return t.setting(key, value) })
}

func (t *tx) setting(key, value string) error {
	return t.exec(`INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
}

// CreateOrg makes an organisation. Its eid must never have been used.
func (s *Store) CreateOrg(ctx context.Context, o chat.Org) error {
	return s.change(ctx, func(t *tx) error { return t.createOrg(o) })
}

func (t *tx) createOrg(o chat.Org) error {
	if !chat.ValidEID(o.EID) {
		return chat.FieldError("org", "must be 1 to 32 characters of a–z, 0–9, _ and -, and begin with a letter or digit")
	}
	settings, err := json.Marshal(o.Settings)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	n, err := t.affect(`INSERT INTO orgs (eid, name, settings, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		o.EID, o.Name, string(settings), time.Now().UnixMilli())
	if err == nil && n == 0 {
		err = chat.Errorf(chat.Conflict, "There is an organisation %q already.", o.EID)
	}
	return err
}

// Org returns an organisation, or chat.NotFound.
func (s *Store) Org(ctx context.Context, eid string) (chat.Org, error) {
	return readOrg(ctx, s.read, eid)
}

func readOrg(ctx context.Context, q querier, eid string) (chat.Org, error) {
	o := chat.Org{EID: eid}
	var settings string
	if err := found(q.QueryRowContext(ctx, `SELECT name, settings FROM orgs WHERE eid = $1`, eid).Scan(&o.Name, &settings), "organisation"); err != nil {
		return o, err
	}
	if err := json.Unmarshal([]byte(settings), &o.Settings); err != nil {
		return o, fmt.Errorf("decode an organisation's settings: %w", err)
	}
	return o, nil
}

// UpdateOrg changes an organisation's name and settings.
func (s *Store) UpdateOrg(ctx context.Context, o chat.Org) error {
	settings, err := json.Marshal(o.Settings)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	return s.change(ctx, func(t *tx) error {
		n, err := t.affect(`UPDATE orgs SET name = $2, settings = $3 WHERE eid = $1`, o.EID, o.Name, string(settings))
		if err != nil || n == 0 {
			return errors.Join(err, found(sql.ErrNoRows, "organisation"))
		}
		return t.event(chat.Event{EID: o.EID, Type: chat.EventOrg})
	})
}

// CreateUser makes a user. A uid is used once: chat.Conflict if it ever was, or if the e-mail address is taken.
func (s *Store) CreateUser(ctx context.Context, u chat.User, passwordHash string) error {
	return s.change(ctx, func(t *tx) error { return t.createUser(u, passwordHash) })
}

func (t *tx) createUser(u chat.User, hash string) error {
	if !chat.ValidUID(u.UID) {
		return chat.FieldError("username", "must be 1 to 64 letters, digits, dots, dashes and underscores, and begin with a letter or digit")
	}
	if err := t.emailFree(u.EID, u.UID, u.Email); err != nil {
		return err
	}
	n, err := t.affect(`INSERT INTO users (eid, uid, name, email, avatar, department, title, role, service, disabled, presence, password, search, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
		u.EID, u.UID, u.Name, strings.ToLower(u.Email), u.Avatar, u.Department, u.Title, string(u.Role), flag(u.Service), flag(u.Disabled),
		u.Presence, hash, searchText(u), time.Now().UnixMilli())
	if err != nil {
		return err
	}
	if n == 0 {
		return chat.Errorf(chat.Conflict, "The user name %q has been used before. Choose another.", u.UID)
	}
	return t.event(chat.Event{EID: u.EID, Type: chat.EventUserCreated, UID: u.UID})
}

func (t *tx) emailFree(eid, uid, email string) error {
	if email == "" {
		return nil
	}
	var n int
	if err := t.row(`SELECT COUNT(*) FROM users WHERE eid = $1 AND email = $2 AND uid <> $3`, eid, strings.ToLower(email), uid).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return &chat.Error{Code: chat.Conflict, Message: "Somebody else has this e-mail address.", Fields: map[string]string{"email": "is somebody else's"}}
	}
	return nil
}

// searchText is what the directory's search looks in, a field a line.
func searchText(u chat.User) string {
	args := pinyin.NewArgs()
	args.Style = pinyin.FirstLetter
	args.Fallback = func(r rune, _ pinyin.Args) []string {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return []string{string(r)}
		}
		return nil
	}
	var initials strings.Builder
	for _, syllable := range pinyin.Pinyin(u.Name, args) {
		if len(syllable) > 0 {
			initials.WriteString(syllable[0])
		}
	}
	args.Style = pinyin.Normal
	full := strings.Join(pinyin.LazyPinyin(u.Name, args), "")
	return strings.ToLower(strings.Join([]string{u.Name, u.UID, initials.String(), full, u.Department, u.Title}, "\n"))
}

// CreateFirst makes the first organisation and its administrator. setupHash must be the setting "setup", which is cleared.
func (s *Store) CreateFirst(ctx context.Context, setupHash string, o chat.Org, u chat.User, passwordHash string) error {
	return s.change(ctx, func(t *tx) error {
		var have string
		err := t.row(`SELECT value FROM settings WHERE key = 'setup'`).Scan(&have)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (have == "" || have != setupHash) {
			return chat.Errorf(chat.Forbidden, "This set-up link is not valid, or was used before. Start the program again to see a new one, if there is no administrator yet.")
		}
		if err != nil {
			return err
		}
		if err := t.createOrg(o); err != nil {
			return err
		}
		if err := t.createUser(u, passwordHash); err != nil {
			return err
		}
		return t.setting("setup", "")
	})
}

const userColumns = `eid, uid, name, email, avatar, department, title, role, service, disabled, presence, created`

func scanUser(scan func(...any) error) (chat.User, error) {
	var u chat.User
	var created int64
	err := scan(&u.EID, &u.UID, &u.Name, &u.Email, &u.Avatar, &u.Department, &u.Title, &u.Role, &u.Service, &u.Disabled, &u.Presence, &created)
	u.Created = fromMS(created)
	return u, err
}

// User returns a user, disabled ones too, or chat.NotFound.
func (s *Store) User(ctx context.Context, eid, uid string) (chat.User, error) {
	return readUser(ctx, s.read, eid, uid)
}

func readUser(ctx context.Context, q querier, eid, uid string) (chat.User, error) {
	u, err := scanUser(q.QueryRowContext(ctx, `SELECT `+userColumns+` FROM users WHERE eid = $1 AND uid = $2`, eid, uid).Scan)
	return u, found(err, "user")
}

// Credentials returns the user of a uid or e-mail address and its password hash, or chat.NotFound.
func (s *Store) Credentials(ctx context.Context, eid, username string) (chat.User, string, error) {
	var hash string
	u, err := scanUser(func(dst ...any) error {
		return s.read.QueryRowContext(ctx, `SELECT `+userColumns+`, password FROM users WHERE eid = $1 AND (uid = $2 OR email = $3 AND email <> '')
			ORDER BY CASE WHEN uid = $2 THEN 0 ELSE 1 END LIMIT 1`, eid, username, strings.ToLower(username)).Scan(append(dst, &hash)...)
	})
	return u, hash, found(err, "user")
}

// Users returns a page of the directory, by name, without disabled users, and the cursor of the next page, "" at the end.
func (s *Store) Users(ctx context.Context, eid string, q chat.UserQuery) ([]chat.User, string, error) {
	var after [2]string
	if err := decodeCursor(q.Cursor, &after); err != nil {
		return nil, "", err
	}
	limit := clamp(q.Limit, 50, 200)
	text := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(q.Text))) + "%"
	list, err := collect(ctx, s.read, scanUser, `SELECT `+userColumns+` FROM users WHERE eid = $1 AND disabled = 0 AND (name, uid) > ($2, $3)
		AND ($4 = '%%' OR search LIKE $4 ESCAPE '\') AND ($5 = '' OR department = $5) ORDER BY name, uid LIMIT $6`,
		eid, after[0], after[1], text, q.Department, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("search the directory: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	list = list[:limit]
	last := list[limit-1]
	return list, encodeCursor([2]string{last.Name, last.UID}), nil
}

// UsersByID returns those of the uids that are users, in no certain order.
func (s *Store) UsersByID(ctx context.Context, eid string, uids []string) ([]chat.User, error) {
	list, err := collect(ctx, s.read, scanUser, `SELECT `+userColumns+` FROM users WHERE eid = $1
		AND uid IN (SELECT value FROM json_each(CAST($2 AS text)))`, eid, jsonList(uids))
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return list, nil
}

// UpdateUser changes a user's data.
func (s *Store) UpdateUser(ctx context.Context, eid, uid string, c chat.UserChange) (chat.User, error) {
	var u chat.User
	err := s.change(ctx, func(t *tx) (err error) {
		if u, err = readUser(ctx, t.w.conn, eid, uid); err != nil {
			return err
		}
		for _, f := range []struct{ to, from *string }{{&u.Name, c.Name}, {&u.Avatar, c.Avatar}, {&u.Email, c.Email}, {&u.Department, c.Department}, {&u.Title, c.Title}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		if c.Role != nil {
			u.Role = *c.Role
		}
		if err := t.emailFree(eid, uid, u.Email); err != nil {
			return err
		}
		if err := t.exec(`UPDATE users SET name = $3, avatar = $4, email = $5, department = $6, title = $7, role = $8, search = $9 WHERE eid = $1 AND uid = $2`,
			eid, uid, u.Name, u.Avatar, strings.ToLower(u.Email), u.Department, u.Title, string(u.Role), searchText(u)); err != nil {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventProfile, UID: uid})
	})
	return u, err
}

// SetPassword changes a user's password hash and ends its logins but one.
func (s *Store) SetPassword(ctx context.Context, eid, uid, hash, keepLogin string) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.affect(`UPDATE users SET password = $3 WHERE eid = $1 AND uid = $2`, eid, uid, hash)
		if err != nil || n == 0 {
			return errors.Join(err, found(sql.ErrNoRows, "user"))
		}
		return t.endLogins(eid, uid, keepLogin, "password")
	})
}

// SetDisabled disables a user, which ends its logins, or enables it again.
func (s *Store) SetDisabled(ctx context.Context, eid, uid string, disabled bool) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.affect(`UPDATE users SET disabled = $3 WHERE eid = $1 AND uid = $2`, eid, uid, flag(disabled))
		if err != nil || n == 0 {
			return errors.Join(err, found(sql.ErrNoRows, "user"))
		}
		if err := t.event(chat.Event{EID: eid, Type: chat.EventUserDisabled, UID: uid, On: disabled}); err != nil || !disabled {
			return err
		}
		return t.endLogins(eid, uid, "", "disabled")
	})
}

// SetPresence keeps the presence that a user chose.
func (s *Store) SetPresence(ctx context.Context, eid, uid string, payload []byte) error {
	return s.change(ctx, func(t *tx) error {
		return t.exec(`UPDATE users SET presence = $3 WHERE eid = $1 AND uid = $2`, eid, uid, payload)
	})
}

func encodeCursor(v any) string {
	b, _ := json.Marshal(v) // strings and numbers always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeCursor(s string, v any) error {
	if s == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return chat.FieldError("cursor", "is not one that this server gave")
	}
	return nil
}

func jsonList(list []string) string {
	b, _ := json.Marshal(list) // strings always encode
	return string(b)
}

// clamp reads a limit: fallback when none was given, most at the most.
func clamp(n, fallback, most int) int {
	if n <= 0 {
		n = fallback
	}
	return min(n, most)
}
