package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"magpie/server/chat"
)

// Accounts returns a page of an organisation's people as administrators see them, the cursor of the next page, "" at the end, and on the
// first page of a list without a text how many there are.
func (s *Store) Accounts(ctx context.Context, eid string, q chat.AccountQuery) ([]chat.Account, string, *chat.Total, error) {
	users, next, err := s.people(ctx, eid, q)
	if err != nil {
		return nil, "", nil, err
	}
	list, err := accounts(ctx, s.read, eid, users)
	if err != nil {
		return nil, "", nil, fmt.Errorf("read accounts: %w", err)
	}
	if q.Cursor != "" || strings.TrimSpace(q.Text) != "" {
		return list, next, nil, nil
	}
	total, err := s.countPeople(ctx, eid, q)
	return list, next, &total, err
}

// Account returns a user as administrators see it, or chat.NotFound.
func (s *Store) Account(ctx context.Context, eid, uid string) (chat.Account, error) {
	a, err := readAccount(ctx, s.read, eid, uid)
	if err == nil {
		a.Owns, err = ownedGroups(ctx, s.read, eid, uid)
	}
	if err != nil {
		return a, fmt.Errorf("read an account: %w", err)
	}
	return a, nil
}

// ownedGroups returns the groups that somebody owns, by name.
func ownedGroups(ctx context.Context, q querier, eid, uid string) ([]chat.OwnedGroup, error) {
	return collect(ctx, q, func(scan func(...any) error) (g chat.OwnedGroup, err error) {
		err = scan(&g.GID, &g.Name)
		return g, err
	}, `SELECT g.gid, g.name FROM members m JOIN chat_groups g ON g.eid = m.eid AND g.gid = m.gid WHERE m.eid = $1 AND m.uid = $2 AND m.role = 'owner' ORDER BY g.name, g.gid`, eid, uid)
}

func readAccount(ctx context.Context, q querier, eid, uid string) (chat.Account, error) {
	u, err := readUser(ctx, q, eid, uid)
	if err != nil {
		return chat.Account{}, err
	}
	list, err := accounts(ctx, q, eid, []chat.User{u})
	if err != nil {
		return chat.Account{}, err
	}
	return list[0], nil
}

func accounts(ctx context.Context, q querier, eid string, users []chat.User) ([]chat.Account, error) {
	list := make([]chat.Account, len(users))
	at := make(map[string]*chat.Account, len(users))
	uids := make([]string, len(users))
	for i, u := range users {
		list[i] = chat.Account{User: u, Departments: []int64{}}
		at[u.UID], uids[i] = &list[i], u.UID
	}
	type row struct {
		uid               string
		department, place int64
	}
	rows, err := collect(ctx, q, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.uid, &r.department, &r.place)
		return r, err
	}, `SELECT uid, department, place FROM department_members WHERE eid = $1 AND uid IN (SELECT value FROM json_each(CAST($2 AS text)))
		AND department NOT IN (SELECT id FROM departments WHERE eid = $1 AND leaving = 1)`, eid, jsonList(uids))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.place, b.place) })
	for _, r := range rows {
		at[r.uid].Departments = append(at[r.uid].Departments, r.department)
	}
	invited, err := collect(ctx, q, scanString, `SELECT uid FROM users WHERE eid = $1 AND password = '' AND service = 0 AND uid IN (SELECT value FROM json_each(CAST($2 AS text)))`, eid, jsonList(uids))
	if err != nil {
		return nil, err
	}
	for _, uid := range invited {
		at[uid].Invited = true
	}
	return list, nil
}

// CreateAccount makes a user, without a password unless there is a hash of one.
func (s *Store) CreateAccount(ctx context.Context, by chat.Actor, u chat.User, departments []int64, passwordHash string) (chat.Account, error) {
	var a chat.Account
	u.EID = by.EID
	err := s.administer(ctx, by, chat.ManagePeople, func(t *tx) (err error) {
		if err := t.mayGive(by, u.Role); err != nil {
			return err
		}
		if err := t.createUser(u, passwordHash); err != nil {
			return err
		}
		if len(departments) > 0 {
			if err := t.setDepartments(u.EID, u.UID, departments); err != nil {
				return err
			}
		}
		if a, err = readAccount(background, t, u.EID, u.UID); err != nil {
			return err
		}
		return t.audit(by, "user.create", u.UID, nil, accountRecord(a))
	})
	if err != nil {
		return a, fmt.Errorf("make an account: %w", err)
	}
	return a, nil
}

// roleOf is the role of an actor, read in the transaction.
func (t *tx) roleOf(by chat.Actor) (chat.Role, error) {
	if by.Machine() {
		return chat.System, nil
	}
	u, err := readUser(background, t, by.EID, by.UID)
	return u.Role, err
}

// mayGive checks that an actor may give somebody a role.
func (t *tx) mayGive(by chat.Actor, role chat.Role) error {
	if role != chat.System {
		return nil
	}
	own, err := t.roleOf(by)
	if err == nil && own != chat.System {
		err = chat.FieldError("role", chat.FieldNotAllowed, "can be given by a system administrator only")
	}
	return err
}

// administrable reads an account that an actor may change.
func (t *tx) administrable(by chat.Actor, uid string) (chat.Account, error) {
	a, err := readAccount(background, t, by.EID, uid)
	if err != nil {
		return a, err
	}
	own, err := t.roleOf(by)
	if err != nil {
		return a, err
	}
	return a, chat.MayAdministerUser(own, a.Role)
}

// UpdateAccount changes a user, of which the caller knows version, and returns it as it is then. The last administrator of an organisation stays
// one.
func (s *Store) UpdateAccount(ctx context.Context, by chat.Actor, uid string, version int64, c chat.AccountChange) (chat.Account, error) {
	var a chat.Account
	err := s.administer(ctx, by, chat.ManagePeople, func(t *tx) error {
		before, err := t.administrable(by, uid)
		if err != nil {
			return err
		}
		if before.Owns, err = ownedGroups(background, t, by.EID, uid); err != nil {
			return err
		}
		if before.Version != version {
			return changedMeanwhile(before)
		}
		if a, err = t.updateAccount(by, before, c); err != nil {
			return err
		}
		if a.Owns, err = ownedGroups(background, t, by.EID, uid); err != nil {
			return err
		}
		from, to := difference(accountRecord(before), accountRecord(a))
		if to == nil {
			return nil
		}
		return t.audit(by, "user.change", uid, from, to)
	})
	if err != nil {
		return a, fmt.Errorf("change an account: %w", err)
	}
	return a, nil
}

func (t *tx) updateAccount(by chat.Actor, a chat.Account, c chat.AccountChange) (chat.Account, error) {
	if c.Role != nil && *c.Role != a.Role {
		if err := t.mayGive(by, *c.Role); err != nil {
			return a, err
		}
	}
	loses := c.Role != nil && !c.Role.Has(chat.ManagePeople) || c.Disabled != nil && *c.Disabled
	if loses && a.Role.Has(chat.ManagePeople) && !a.Disabled {
		if err := t.anotherAdministrator(a.EID, a.UID); err != nil {
			return a, err
		}
	}
	u, changed, err := t.updateUser(a.User, c.UserChange)
	if err != nil {
		return a, err
	}
	if c.Disabled != nil && *c.Disabled != u.Disabled {
		if *c.Disabled {
			if err := t.succeed(by, a, c.Successor); err != nil {
				return a, err
			}
		}
		if u, err = t.setDisabled(u, *c.Disabled); err != nil {
			return a, err
		}
	}
	if c.Departments != nil && !slices.Equal(*c.Departments, a.Departments) {
		if err := t.setDepartments(a.EID, a.UID, *c.Departments); err != nil {
			return a, err
		}
		if changed == nil {
			if err := t.exec(`UPDATE users SET version = version + 1 WHERE eid = $1 AND uid = $2`, a.EID, a.UID); err != nil {
				return a, err
			}
		}
		if err := t.event(chat.Event{EID: a.EID, Type: chat.EventProfile, UID: a.UID, Changed: []string{"department"}}); err != nil {
			return a, err
		}
	}
	return readAccount(background, t, a.EID, a.UID)
}

// succeed hands over the groups of somebody who is about to be disabled, as no group is without an owner who can act.
func (t *tx) succeed(by chat.Actor, u chat.Account, successor string) error {
	if len(u.Owns) == 0 {
		return nil
	}
	if successor == "" {
		names := make([]string, len(u.Owns))
		for i, g := range u.Owns {
			names[i] = g.Name
		}
		return chat.Errorf(chat.Conflict, "%s owns groups: %s. Name a successor, who takes them over.", u.Name, strings.Join(names, ", ")).Named(chat.ProblemOwnsGroups)
	}
	if successor == u.UID {
		return chat.FieldError("successor", chat.FieldNotAllowed, "must be somebody else")
	}
	if err := t.mayOwn(u.EID, successor, "successor"); err != nil {
		return err
	}
	for _, owned := range u.Owns {
		g, err := readGroup(background, t, u.EID, owned.GID)
		if err != nil {
			return err
		}
		if _, err := t.enter(g.EID, g.GID, successor, name(by, g), chat.GroupMember, g.MutedAll, ""); err != nil {
			return err
		}
		if err := t.handOver(g, successor, name(by, g)); err != nil {
			return err
		}
		if err := t.auditGroup(by, "group.member", g, map[string]any{"owner": u.UID}, map[string]any{"owner": successor}); err != nil {
			return err
		}
	}
	return nil
}

// anotherAdministrator checks that somebody besides uid may administer the organisation's people.
func (t *tx) anotherAdministrator(eid, uid string) error {
	var other string
	err := t.row(`SELECT uid FROM users WHERE eid = $1 AND role IN ('admin', 'system') AND role <> 'member' AND disabled = 0 AND service = 0 AND uid <> $2 LIMIT 1`, eid, uid).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Errorf(chat.Conflict, "This is the organisation's last administrator. Make somebody else an administrator first.").Named(chat.ProblemLastAdmin)
	}
	return err
}

// accountRecord is what the audit log says of an account.
func accountRecord(a chat.Account) map[string]any {
	return map[string]any{"name": a.Name, "email": a.Email, "title": a.Title, "role": string(a.Role), "departments": a.Departments,
		"disabled": a.Disabled, "service": a.Service}
}

// linkAge is how long a link by which a password is set is good for.
const linkAge = 7 * 24 * time.Hour

// CreatePasswordLinks makes links by which people who never had a password choose one: uids to the SHA-256 digests of their tokens. It returns
// when they expire.
func (s *Store) CreatePasswordLinks(ctx context.Context, by chat.Actor, hashes map[string][]byte) (time.Time, error) {
	expires := time.Now().Add(linkAge).UTC().Truncate(time.Second)
	err := s.administer(ctx, by, chat.ManagePeople, func(t *tx) error {
		for uid, hash := range hashes {
			if _, err := t.administrable(by, uid); err != nil {
				return err
			}
			if err := t.passwordLink(by.EID, uid, hash, expires); err != nil {
				return err
			}
			if err := t.audit(by, "user.reset", uid, nil, map[string]any{"expires": expires}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return expires, fmt.Errorf("make password links: %w", err)
	}
	return expires, nil
}

// CreatePasswordLink makes a link by which a user sets a password, in the place of an earlier one, and returns when it expires. hash is the
// SHA-256 digest of its token.
func (s *Store) CreatePasswordLink(ctx context.Context, by chat.Actor, uid string, hash []byte) (time.Time, error) {
	expires := time.Now().Add(linkAge).UTC().Truncate(time.Second)
	err := s.administer(ctx, by, chat.ManagePeople, func(t *tx) error {
		a, err := t.administrable(by, uid)
		if err != nil {
			return err
		}
		if a.Disabled {
			return chat.Errorf(chat.Conflict, "This account is disabled. Enable it first.")
		}
		if err := t.passwordLink(by.EID, uid, hash, expires); err != nil {
			return err
		}
		return t.audit(by, "user.reset", uid, nil, map[string]any{"expires": expires})
	})
	if err != nil {
		return expires, fmt.Errorf("make a password link: %w", err)
	}
	return expires, nil
}

func (t *tx) passwordLink(eid, uid string, hash []byte, expires time.Time) error {
	if err := t.dropPasswordLinks(eid, uid); err != nil {
		return err
	}
	return t.exec(`INSERT INTO password_links (hash, eid, uid, created, expires) VALUES ($1, $2, $3, $4, $5)`, hash, eid, uid, now(), ms(expires))
}

// SetPasswordOf sets somebody's password hash and ends its logins.
func (s *Store) SetPasswordOf(ctx context.Context, by chat.Actor, uid, hash string) error {
	err := s.administer(ctx, by, chat.ManagePeople, func(t *tx) error {
		if _, err := t.administrable(by, uid); err != nil {
			return err
		}
		if err := t.exec(`UPDATE users SET password = $1 WHERE eid = $2 AND uid = $3`, hash, by.EID, uid); err != nil {
			return err
		}
		if err := t.dropPasswordLinks(by.EID, uid); err != nil {
			return err
		}
		if err := t.audit(by, "user.password", uid, nil, nil); err != nil {
			return err
		}
		return t.endLogins(by.EID, uid, "", "password")
	})
	if err != nil {
		return fmt.Errorf("set a password: %w", err)
	}
	return nil
}

// dropPasswordLinks makes the links by which a user could set a password useless.
func (t *tx) dropPasswordLinks(eid, uid string) error {
	return t.exec(`DELETE FROM password_links WHERE eid = $1 AND uid = $2`, eid, uid)
}

func errLink() error {
	return chat.Errorf(chat.NotFound, "This link is not valid any more: it has been used, has expired, or there is a newer one. Ask your administrator for another.").Named(chat.ProblemPasswordLink)
}

// PasswordLink returns whom a link is for, or chat.NotFound.
func (s *Store) PasswordLink(ctx context.Context, hash []byte) (chat.User, error) {
	u, err := passwordLink(ctx, s.read, hash)
	if err != nil {
		return u, fmt.Errorf("read a password link: %w", err)
	}
	return u, nil
}

func passwordLink(ctx context.Context, q querier, hash []byte) (chat.User, error) {
	var eid, uid string
	err := q.QueryRowContext(ctx, `SELECT eid, uid FROM password_links WHERE hash = $1 AND expires > $2`, hash, now()).Scan(&eid, &uid)
	if errors.Is(err, sql.ErrNoRows) {
		return chat.User{}, errLink()
	}
	if err != nil {
		return chat.User{}, err
	}
	u, err := readUser(ctx, q, eid, uid)
	if err == nil && u.Disabled {
		err = errLink()
	}
	return u, err
}

// UsePasswordLink sets the password of whom a link is for, and uses the link up. The user's devices are signed out.
func (s *Store) UsePasswordLink(ctx context.Context, hash []byte, passwordHash, addr string) (chat.User, error) {
	var u chat.User
	err := s.change(ctx, func(t *tx) (err error) {
		if u, err = passwordLink(background, t, hash); err != nil {
			return err
		}
		if err := t.dropPasswordLinks(u.EID, u.UID); err != nil {
			return err
		}
		if err := t.exec(`UPDATE users SET password = $1 WHERE eid = $2 AND uid = $3`, passwordHash, u.EID, u.UID); err != nil {
			return err
		}
		if err := t.audit(chat.Actor{EID: u.EID, UID: u.UID, Addr: addr}, "user.password", u.UID, nil, nil); err != nil {
			return err
		}
		return t.endLogins(u.EID, u.UID, "", "password")
	})
	if err != nil {
		return u, fmt.Errorf("set a password by link: %w", err)
	}
	return u, nil
}

// EndAccountLogin ends a login of somebody, or all of them for "".
func (s *Store) EndAccountLogin(ctx context.Context, by chat.Actor, uid, id string) error {
	err := s.administer(ctx, by, chat.ManageSessions, func(t *tx) error {
		if _, err := t.administrable(by, uid); err != nil {
			return err
		}
		if id == "" {
			if err := t.audit(by, "user.signout", uid, nil, nil); err != nil {
				return err
			}
			return t.endLogins(by.EID, uid, "", "revoked")
		}
		l, err := findLogin(background, t, id)
		if err == nil && (l.EID != by.EID || l.UID != uid) {
			err = found(sql.ErrNoRows, "login")
		}
		if err != nil {
			return err
		}
		if err := t.audit(by, "session.end", uid, map[string]any{"login": id, "terminal": l.Terminal.String(), "agent": l.Agent}, nil); err != nil {
			return err
		}
		return t.endLogin(l, "revoked")
	})
	if err != nil {
		return fmt.Errorf("sign somebody out: %w", err)
	}
	return nil
}
