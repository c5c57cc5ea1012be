package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"magpie/server/chat"
	"magpie/server/payload"
)

// presence is a presence in words.
type presence struct {
	Status string `json:"status" enum:"online,offline,busy,away,custom"`
	Text   string `json:"text,omitempty" maxLength:"140" doc:"What the user wrote to it."`
}

// Person is a user as others of the organisation see it.
type Person struct {
	UID        string    `json:"uid"`
	Name       string    `json:"name"`
	Avatar     string    `json:"avatar"`
	Department string    `json:"department"`
	Title      string    `json:"title"`
	Role       chat.Role `json:"role" enum:"member,auditor,admin,system"`
	Service    bool      `json:"service" doc:"A program's account."`
	Disabled   bool      `json:"disabled"`
	Presence   presence  `json:"presence"`
	Terminals  []string  `json:"terminals" doc:"The kinds of terminals that are online; told of oneself and one's contacts."`
}

type directoryInput struct {
	Paging
	Q          string `query:"q" maxLength:"64" doc:"What a word of the name, uid, department or title begins with, or their pinyin in full or in initials. Then the order is that of the words."`
	Department string `query:"department" maxLength:"64" doc:"Those who are in this department directly, by its id or name."`
	UIDs       string `query:"uids" maxLength:"6600" doc:"Instead of a search: these users, by uid, at most 100, separated by commas."`
}

// UserPath names a user.
type UserPath struct {
	UID string `path:"uid" maxLength:"64"`
}

func (a *api) peopleRoutes() {
	route(a, op{method: "GET", path: "/users", id: "list-users", tag: "People", summary: "The organisation's directory"}, a.users)
	route(a, op{method: "GET", path: "/users/{uid}", id: "get-user", tag: "People", summary: "A user's profile and presence"}, a.user)
}

func (a *api) users(ctx context.Context, c *caller, in *directoryInput) (*answer[list[Person]], error) {
	if in.UIDs != "" {
		uids := strings.Split(in.UIDs, ",")
		if len(uids) > 100 {
			return nil, chat.FieldLimit("uids", chat.FieldTooMany, "must name at most %d users", 100)
		}
		found, err := a.Store.UsersByID(ctx, c.EID, uids)
		if err != nil {
			return nil, fmt.Errorf("read users: %w", err)
		}
		return a.directory(ctx, c, found, "")
	}
	q := chat.UserQuery{Text: in.Q, Cursor: in.Cursor, Limit: in.Limit}
	if in.Department != "" {
		var err error
		if q.Department, err = a.departmentID(ctx, c, in.Department); err != nil {
			return nil, err
		}
	}
	found, next, err := a.Store.Users(ctx, c.EID, q)
	if err != nil {
		return nil, fmt.Errorf("search users: %w", err)
	}
	return a.directory(ctx, c, found, next)
}

// directory answers with users as the caller may see them: the terminals of its contacts alone, like notice 0x31 (docs/protocol.md §3).
func (a *api) directory(ctx context.Context, c *caller, users []chat.User, next string) (*answer[list[Person]], error) {
	uids := make([]string, len(users))
	for i, u := range users {
		uids[i] = u.UID
	}
	contacts, err := a.Store.ContactsAmong(ctx, c.EID, c.UID, uids)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	items := a.persons(users)
	for i := range items {
		if items[i].UID != c.UID && !slices.Contains(contacts, items[i].UID) {
			items[i].Terminals = []string{}
		}
	}
	return page(items, next), nil
}

func (a *api) user(ctx context.Context, c *caller, in *UserPath) (*answer[Person], error) {
	u, err := a.Store.User(ctx, c.EID, in.UID)
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	found, err := a.directory(ctx, c, []chat.User{u}, "")
	if err != nil {
		return nil, err
	}
	return &answer[Person]{found.Body.Items[0]}, nil
}

func (a *api) persons(users []chat.User) []Person {
	items := make([]Person, len(users))
	for i, u := range users {
		items[i] = a.person(u)
	}
	return items
}

func (a *api) person(u chat.User) Person {
	p := Person{
		UID: u.UID, Name: u.Name, Avatar: u.Avatar, Department: u.Department, Title: u.Title, Role: u.Role,
		Service: u.Service, Disabled: u.Disabled, Terminals: []string{},
	}
	b, terminals := a.Presence.Presence(u.EID, u.UID)
	p.Presence = presenceOf(b)
	for _, t := range terminals {
		p.Terminals = append(p.Terminals, t.String())
	}
	return p
}

var statusNames = map[byte]string{
	chat.StatusOnline: "online", chat.StatusBusy: "busy", chat.StatusAway: "away", chat.StatusCustom: "custom",
}

func presenceOf(b []byte) presence {
	p, err := payload.DecodePresence(b)
	name := statusNames[p.Status]
	if err != nil || name == "" {
		return presence{Status: "offline"}
	}
	return presence{Status: name, Text: p.Context}
}
