package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"magpie/server/chat"
)

// account is a user as administrators see it.
type account struct {
	Person
	Email       string     `json:"email"`
	Departments []string   `json:"departments" doc:"Ids, the main department first."`
	Invited     bool       `json:"invited" doc:"A person who has never had a password: a link from reset lets it choose one."`
	Created     time.Time  `json:"created"`
	Seen        *time.Time `json:"seen" doc:"When a device of its last signed in or renewed its sign-in, or null."`
	Version     int64      `json:"version"`
	// Owns is of one account alone.
	Owns []ownedGroup `json:"owns,omitempty" doc:"The groups that it owns. Lists leave it out."`
}

type ownedGroup struct {
	GID  string `json:"gid"`
	Name string `json:"name"`
}

// AccountFilter says which people are wanted.
type AccountFilter struct {
	Q          string    `query:"q" maxLength:"64" doc:"As in the directory. The order is then that of the words."`
	Department string    `query:"department" maxLength:"20" doc:"An id: those who are in this department directly."`
	Role       chat.Role `query:"role" enum:"member,auditor,admin,system"`
	State      string    `query:"state" enum:"active,disabled"`
}

func (f AccountFilter) query() (q chat.AccountQuery, err error) {
	q.Text, q.Role = f.Q, f.Role
	if f.State != "" {
		disabled := f.State == "disabled"
		q.Disabled = &disabled
	}
	q.Department, err = parseID("department", f.Department)
	return q, err
}

type accountsInput struct {
	Paging
	AccountFilter
	Sort  string `query:"sort" enum:"name,uid,created,seen" default:"name"`
	Order string `query:"order" enum:"asc,desc" default:"asc"`
}

type accountBody struct {
	UID         string    `json:"uid" maxLength:"64"`
	Name        string    `json:"name" maxLength:"64"`
	Email       string    `json:"email,omitempty" maxLength:"254"`
	Title       string    `json:"title,omitempty" maxLength:"64"`
	Role        chat.Role `json:"role,omitempty" enum:"member,auditor,admin,system" doc:"member if left out."`
	Departments []string  `json:"departments,omitempty" maxItems:"20" doc:"Ids, the main department first."`
	Department  string    `json:"department,omitempty" maxLength:"640" doc:"Instead of departments: a path such as Engineering/Backend, of which what is missing is made."`
	Service     bool      `json:"service,omitempty" doc:"A program's account, with any number of sessions."`
	Password    string    `json:"password,omitempty" maxLength:"1024" doc:"Left out: the user chooses one by a link from reset."`
}

type accountChange struct {
	Name        *string    `json:"name,omitempty" maxLength:"64"`
	Email       *string    `json:"email,omitempty" maxLength:"254"`
	Title       *string    `json:"title,omitempty" maxLength:"64"`
	Role        *chat.Role `json:"role,omitempty" enum:"member,auditor,admin,system"`
	Departments *[]string  `json:"departments,omitempty" maxItems:"20"`
	Disabled    *bool      `json:"disabled,omitempty" doc:"A disabled user is signed out everywhere and can't sign in."`
	Successor   string     `json:"successor,omitempty" maxLength:"64" doc:"Who takes over the groups that somebody owns who is disabled: without it they are refused (owns-groups)."`
}

// passwordLink lets somebody set a password.
type passwordLink struct {
	URL     string    `json:"url" doc:"Works once. It is shown here alone: the server keeps no copy."`
	Expires time.Time `json:"expires"`
}

func (a *api) adminPeopleRoutes() {
	const tag = "Administration"
	route(a, op{method: "GET", path: "/admin/users", id: "admin-list-users", tag: tag, right: chat.ReadOrganisation, summary: "People"}, a.accounts)
	route(a, op{method: "POST", path: "/admin/users", id: "admin-create-user", tag: tag, right: chat.ManagePeople, status: http.StatusCreated, summary: "Add somebody",
		about: "A repeat with the same uid is refused (409, codes.uid taken): nobody is made twice."}, a.createAccount)
	route(a, op{method: "GET", path: "/admin/users/{uid}", id: "admin-get-user", tag: tag, right: chat.ReadOrganisation, summary: "An account"}, a.account)
	route(a, op{method: "PATCH", path: "/admin/users/{uid}", id: "admin-update-user", tag: tag, right: chat.ManagePeople, summary: "Change an account"}, a.updateAccount)
	route(a, op{method: "POST", path: "/admin/users/{uid}/reset", id: "admin-reset-password", tag: tag, right: chat.ManagePeople, status: http.StatusCreated,
		summary: "Make a link by which somebody sets a password", about: "It works once, for seven days, and replaces an earlier one. The password that is there stays until the link is used."}, a.resetPassword)
	route(a, op{method: "PUT", path: "/admin/users/{uid}/password", id: "admin-set-password", tag: tag, right: chat.ManageOrganisations,
		summary: "Give somebody a password", about: "For the shell alone: administrators make a link instead, so that they know nobody's password."}, a.setPassword)
	route(a, op{method: "GET", path: "/admin/users/{uid}/sessions", id: "admin-list-devices", tag: tag, right: chat.ReadOrganisation, summary: "Somebody's signed-in devices"}, a.accountDevices)
	route(a, op{method: "DELETE", path: "/admin/users/{uid}/sessions/{id}", id: "admin-sign-out-device", tag: tag, right: chat.ManageSessions, summary: "Sign somebody's device out"}, a.signOutAccountDevice)
	route(a, op{method: "DELETE", path: "/admin/users/{uid}/sessions", id: "admin-sign-out", tag: tag, right: chat.ManageSessions, summary: "Sign somebody out everywhere"}, a.signOutAccount)
	route(a, op{method: "POST", path: "/auth/reset/look", id: "look-at-reset", tag: "Sign-in", access: sameSite, summary: "Whom a link that sets a password is for"}, a.lookAtReset)
	route(a, op{method: "POST", path: "/auth/reset", id: "reset-password", tag: "Sign-in", access: sameSite, summary: "Set a password by a link",
		about: "Uses the link up, and signs out the user's devices. It does not sign in."}, a.useReset)
}

func (a *api) accountOf(u chat.Account) account {
	out := account{Person: a.person(u.User), Email: u.Email, Departments: make([]string, len(u.Departments)), Invited: u.Invited,
		Created: u.Created, Seen: timeOrNull(u.Seen), Version: u.Version}
	for i, id := range u.Departments {
		out.Departments[i] = idText(id)
	}
	for _, g := range u.Owns {
		out.Owns = append(out.Owns, ownedGroup(g))
	}
	return out
}

func (a *api) accounts(ctx context.Context, c *caller, in *accountsInput) (*answer[counted[account]], error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	q.Sort, q.Descending, q.Cursor, q.Limit = in.Sort, in.Order == "desc", in.Cursor, in.Limit
	found, next, total, err := a.Store.Accounts(ctx, c.EID, q)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	out := counted[account]{Items: make([]account, len(found))}
	for i, u := range found {
		out.Items[i] = a.accountOf(u)
	}
	if next != "" {
		out.Next = &next
	}
	if total != nil {
		out.Total, out.TotalExact = &total.Count, &total.Exact
	}
	return &answer[counted[account]]{out}, nil
}

func (a *api) account(ctx context.Context, c *caller, in *UserPath) (*answer[account], error) {
	u, err := a.Store.Account(ctx, c.EID, in.UID)
	if err != nil {
		return nil, fmt.Errorf("read an account: %w", err)
	}
	return &answer[account]{a.accountOf(u)}, nil
}

func (a *api) createAccount(ctx context.Context, c *caller, in *struct{ Body accountBody }) (*answer[account], error) {
	b := in.Body
	if !chat.ValidUID(b.UID) {
		return nil, chat.FieldError("uid", chat.FieldFormat, "must start with a letter or digit and have only letters, digits, dots, - and _, at most 64")
	}
	u := chat.User{UID: b.UID, Role: b.Role, Service: b.Service}
	var err error
	if u.Department, err = cleanPath(b.Department); err != nil {
		return nil, err
	}
	if u.Name, err = chat.CleanName("name", b.Name, chat.MaxName); err != nil {
		return nil, err
	}
	if u.Title, err = cleanTitle(b.Title); err != nil {
		return nil, err
	}
	if u.Email, err = cleanEmail(b.Email); err != nil {
		return nil, err
	}
	departments, err := departmentIDs(b.Departments)
	if err != nil {
		return nil, err
	}
	hash := ""
	if b.Password != "" {
		if hash, err = a.newPassword(ctx, c.EID, b.Password); err != nil {
			return nil, err
		}
	}
	made, err := a.Store.CreateAccount(ctx, c.actor(), u, departments, hash)
	if err != nil {
		return nil, fmt.Errorf("make an account: %w", err)
	}
	return &answer[account]{a.accountOf(made)}, nil
}

func (a *api) updateAccount(ctx context.Context, c *caller, in *struct {
	UserPath
	Version
	Body accountChange
}) (*answer[account], error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	b := in.Body
	change := chat.AccountChange{Disabled: b.Disabled, Successor: b.Successor}
	change.Role = b.Role
	if change.Name, err = cleanName(b.Name); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		clean    func(string) (string, error)
		from, to **string
	}{{cleanTitle, &b.Title, &change.Title}, {cleanEmail, &b.Email, &change.Email}} {
		if *f.from == nil {
			continue
		}
		s, err := f.clean(**f.from)
		if err != nil {
			return nil, err
		}
		*f.to = &s
	}
	if b.Departments != nil {
		ids, err := departmentIDs(*b.Departments)
		if err != nil {
			return nil, err
		}
		change.Departments = &ids
	}
	u, err := a.Store.UpdateAccount(ctx, c.actor(), in.UID, version, change)
	if err != nil {
		return nil, fmt.Errorf("change an account: %w", current(err, a.accountOf))
	}
	return &answer[account]{a.accountOf(u)}, nil
}

func departmentIDs(list []string) ([]int64, error) {
	ids := make([]int64, len(list))
	for i, s := range list {
		id, err := parseID("departments", s)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

// cleanPath cleans the path of a department.
func cleanPath(s string) (string, error) {
	var names []string
	for name := range strings.SplitSeq(s, "/") {
		if strings.TrimSpace(name) == "" {
			continue
		}
		name, err := chat.CleanDepartment("department", name)
		if err != nil {
			return "", err
		}
		names = append(names, name)
	}
	return strings.Join(names, "/"), nil
}

func cleanTitle(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return chat.CleanName("title", s, chat.MaxName)
}

func cleanEmail(s string) (string, error) { return chat.CleanEmail("email", s) }

func (a *api) resetPassword(ctx context.Context, c *caller, in *UserPath) (*answer[passwordLink], error) {
	token, hash := newLinkToken()
	expires, err := a.Store.CreatePasswordLink(ctx, c.actor(), in.UID, hash)
	if err != nil {
		return nil, fmt.Errorf("make a password link: %w", err)
	}
	return &answer[passwordLink]{passwordLink{URL: c.resetURL(token), Expires: expires}}, nil
}

// origin is the address of this server as the caller knows it.
func (c *caller) origin() string {
	if c.secure {
		return "https://" + c.host
	}
	return "http://" + c.host
}

func (a *api) setPassword(ctx context.Context, c *caller, in *struct {
	UserPath
	Body struct {
		Password string `json:"password" maxLength:"1024"`
	}
}) (*none, error) {
	if c.UID != "" {
		return nil, chat.Errorf(chat.NotFound, "There is nothing at this address.")
	}
	hash, err := a.newPassword(ctx, c.EID, in.Body.Password)
	if err != nil {
		return nil, err
	}
	if err := a.Store.SetPasswordOf(ctx, c.actor(), in.UID, hash); err != nil {
		return nil, fmt.Errorf("set a password: %w", err)
	}
	return nil, nil
}

// resetURL is the address of the page where a link's token sets a password. What stands behind # is in no server's and no proxy's log.
func (c *caller) resetURL(token string) string { return c.origin() + "/reset#" + token }

// newLinkToken makes the secret of a link, and the digest that the store keeps of it.
func newLinkToken() (token string, hash []byte) {
	b := make([]byte, 20)
	rand.Read(b) // never fails (crypto/rand)
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, linkHash(token)
}

func linkHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// AccountDevice is a signed-in device, and its connection if there is one.
type AccountDevice struct {
	Device
	Connected *liveSession `json:"connected" doc:"Its MQTT session, or null."`
}

func (a *api) accountDevices(ctx context.Context, c *caller, in *UserPath) (*answer[list[AccountDevice]], error) {
	if _, err := a.Store.User(ctx, c.EID, in.UID); err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	logins, err := a.Store.Logins(ctx, c.EID, in.UID)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	connected := map[string]*liveSession{}
	for _, s := range a.Live.Sessions(c.EID, in.UID) {
		shown := liveSessionOf(s)
		connected[s.LoginID] = &shown
	}
	items := make([]AccountDevice, len(logins))
	for i, l := range logins {
		items[i] = AccountDevice{deviceOf(l, c), connected[l.ID]}
	}
	return page(items, ""), nil
}

func (a *api) signOutAccountDevice(ctx context.Context, c *caller, in *struct {
	UserPath
	DevicePath
}) (*none, error) {
	if err := a.Store.EndAccountLogin(ctx, c.actor(), in.UID, in.ID); err != nil {
		return nil, fmt.Errorf("sign a device out: %w", err)
	}
	return nil, nil
}

func (a *api) signOutAccount(ctx context.Context, c *caller, in *UserPath) (*none, error) {
	if err := a.Store.EndAccountLogin(ctx, c.actor(), in.UID, ""); err != nil {
		return nil, fmt.Errorf("sign somebody out: %w", err)
	}
	return nil, nil
}

// ResetToken is the secret of a link that sets a password.
type ResetToken struct {
	Token string `json:"token" maxLength:"128" doc:"From the link."`
}

// resetOwner is whom a link is for, so that its page can say so, and sign in afterwards.
type resetOwner struct {
	Org      string `json:"org"`
	OrgName  string `json:"org_name"`
	Username string `json:"username"`
	Name     string `json:"name"`
	// What the organisation asks of passwords.
	PasswordMin   int  `json:"password_min" doc:"Characters."`
	PasswordMixed bool `json:"password_mixed" doc:"Letters, and digits or signs."`
}

func (a *api) lookAtReset(ctx context.Context, _ *caller, in *struct{ Body ResetToken }) (*answer[resetOwner], error) {
	u, err := a.Store.PasswordLink(ctx, linkHash(in.Body.Token))
	if err != nil {
		return nil, fmt.Errorf("read a password link: %w", err)
	}
	return a.resetOwner(ctx, u)
}

func (a *api) resetOwner(ctx context.Context, u chat.User) (*answer[resetOwner], error) {
	org, err := a.Store.Org(ctx, u.EID)
	if err != nil {
		return nil, fmt.Errorf("read organisation: %w", err)
	}
	rules := org.Settings.Passwords()
	return &answer[resetOwner]{resetOwner{Org: org.EID, OrgName: org.Name, Username: u.UID, Name: u.Name,
		PasswordMin: cmp.Or(rules.Min, chat.MinPassword), PasswordMixed: rules.Mixed}}, nil
}

func (a *api) useReset(ctx context.Context, c *caller, in *struct {
	Body struct {
		ResetToken
		Password string `json:"password" maxLength:"1024"`
	}
}) (*answer[resetOwner], error) {
	hash := linkHash(in.Body.Token)
	// Looked at here too, so that nobody without a link makes the server hash passwords. The store decides.
	owner, err := a.Store.PasswordLink(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("read a password link: %w", err)
	}
	password, err := a.newPassword(ctx, owner.EID, in.Body.Password)
	if err != nil {
		return nil, err
	}
	u, err := a.Store.UsePasswordLink(ctx, hash, password, c.addr)
	if err != nil {
		return nil, fmt.Errorf("set a password by link: %w", err)
	}
	return a.resetOwner(ctx, u)
}
