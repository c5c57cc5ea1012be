package api

import (
	"context"
	"fmt"
	"time"

	"magpie/server/chat"
	"magpie/server/payload"
)

// me is the caller's own account.
type me struct {
	Person
	Email string `json:"email"`
	Org   struct {
		EID  string `json:"eid"`
		Name string `json:"name"`
	} `json:"org"`
}

type meChange struct {
	Name            *string `json:"name,omitempty" maxLength:"64"`
	Avatar          *string `json:"avatar,omitempty" maxLength:"256" doc:"A path on this server, or empty."`
	Password        *string `json:"password,omitempty" maxLength:"1024" doc:"A new password. It signs out every other device."`
	CurrentPassword string  `json:"current_password,omitempty" maxLength:"1024" doc:"Needed to change the password."`
}

// Device is one signed-in device.
type Device struct {
	ID       string    `json:"id"`
	Terminal string    `json:"terminal"`
	Agent    string    `json:"agent" doc:"The User-Agent of the sign-in."`
	Addr     string    `json:"addr" doc:"The IP address of the sign-in."`
	ClientID string    `json:"client_id"`
	Created  time.Time `json:"created"`
	Seen     time.Time `json:"seen"`
	Current  bool      `json:"current" doc:"This is the device that asks."`
}

func (a *api) meRoutes() {
	route(a, op{method: "GET", path: "/me", id: "get-me", tag: "Me", summary: "One's own account"}, a.getMe)
	route(a, op{method: "PATCH", path: "/me", id: "update-me", tag: "Me", summary: "Change one's name, avatar or password"}, a.updateMe)
	route(a, op{method: "PUT", path: "/me/presence", id: "set-presence", tag: "Me", summary: "Choose one's presence"}, a.setPresence)
	route(a, op{method: "GET", path: "/me/sessions", id: "list-devices", tag: "Me", summary: "The signed-in devices"}, a.devices)
	route(a, op{method: "DELETE", path: "/me/sessions/{id}", id: "sign-out-device", tag: "Me", summary: "Sign a device out"}, a.signOutDevice)
}

func (a *api) getMe(ctx context.Context, c *caller, _ *struct{}) (*answer[me], error) {
	user, err := a.Store.User(ctx, c.EID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	return a.me(ctx, c, user)
}

// me describes the caller; its role is the one that it acts in.
func (a *api) me(ctx context.Context, c *caller, user chat.User) (*answer[me], error) {
	org, err := a.Store.Org(ctx, user.EID)
	if err != nil {
		return nil, fmt.Errorf("read organisation: %w", err)
	}
	m := me{Person: a.person(user.Acting(c.Role)), Email: user.Email}
	m.Org.EID, m.Org.Name = org.EID, org.Name
	// One's own is what one chose, also while nobody else sees it.
	m.Presence = presence{Status: "online"}
	if user.Presence != nil {
		m.Presence = presenceOf(user.Presence)
	}
	return &answer[me]{m}, nil
}

func (a *api) updateMe(ctx context.Context, c *caller, in *struct{ Body meChange }) (*answer[me], error) {
	var change chat.UserChange
	var err error
	if change.Name, err = cleanName(in.Body.Name); err != nil {
		return nil, err
	}
	if change.Avatar, err = cleanAvatar(in.Body.Avatar); err != nil {
		return nil, err
	}
	if in.Body.Password != nil {
		if err := a.changePassword(ctx, c, in.Body.CurrentPassword, *in.Body.Password); err != nil {
			return nil, err
		}
	}
	if change.Name == nil && change.Avatar == nil {
		return a.getMe(ctx, c, nil)
	}
	user, err := a.Store.UpdateUser(ctx, c.EID, c.UID, change)
	if err != nil {
		return nil, fmt.Errorf("update user: %w", err)
	}
	return a.me(ctx, c, user)
}

func (a *api) changePassword(ctx context.Context, c *caller, current, password string) error {
	err := a.Auth.CheckPassword(ctx, c.EID, c.UID, current, c.addr)
	if chat.CodeOf(err) == chat.Unauthenticated {
		return chat.FieldError("current_password", chat.FieldWrong, "is not your password")
	}
	if err != nil {
		return err
	}
	hash, err := a.newPassword(ctx, c.EID, password)
	if err != nil {
		return err
	}
	if err := a.Store.SetPassword(ctx, c.EID, c.UID, hash, c.LoginID); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

func (a *api) setPresence(ctx context.Context, c *caller, in *struct{ Body presence }) (*none, error) {
	p := chat.Presence{Type: 1, Flag: 1}
	switch in.Body.Status {
	case "online":
		p.Status = chat.StatusOnline
	case "busy":
		p.Status = chat.StatusBusy
	case "away":
		p.Status = chat.StatusAway
	case "custom":
		p.Flag, p.Status = 2, chat.StatusCustom
	default:
		return nil, chat.FieldError("status", chat.FieldChoice, "must be online, busy, away or custom: whether you are offline shows by itself")
	}
	if in.Body.Text != "" {
		text, err := chat.CleanName("text", in.Body.Text, chat.MaxPresenceContext)
		if err != nil {
			return nil, err
		}
		if len(text) > chat.MaxPresenceContext {
			return nil, chat.FieldLimit("text", chat.FieldTooLong, "must have at most %d bytes of UTF-8", chat.MaxPresenceContext)
		}
		p.Type, p.Context = 2, text
	}
	b, err := payload.EncodePresence(p)
	if err != nil {
		return nil, err
	}
	if err := a.Presence.SetPresence(ctx, c.EID, c.UID, b); err != nil {
		return nil, fmt.Errorf("set presence: %w", err)
	}
	return nil, nil
}

func (a *api) devices(ctx context.Context, c *caller, _ *struct{}) (*answer[list[Device]], error) {
	logins, err := a.Store.Logins(ctx, c.EID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("read logins: %w", err)
	}
	var items []Device
	for _, l := range logins {
		items = append(items, deviceOf(l, c))
	}
	return page(items, ""), nil
}

func deviceOf(l chat.Login, c *caller) Device {
	return Device{
		ID: l.ID, Terminal: l.Terminal.String(), Agent: l.Agent, Addr: l.Addr, ClientID: l.ClientID,
		Created: l.Created.UTC(), Seen: l.Seen.UTC(), Current: l.ID == c.LoginID,
	}
}

// DevicePath names a signed-in device.
type DevicePath struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *api) signOutDevice(ctx context.Context, c *caller, in *DevicePath) (*none, error) {
	if err := a.Store.EndLogin(ctx, c.EID, c.UID, in.ID, "revoked"); err != nil {
		return nil, fmt.Errorf("end login: %w", err)
	}
	return nil, nil
}

// cleanName cleans the "name" of a change, if it has one.
func cleanName(name *string) (*string, error) {
	if name == nil {
		return nil, nil
	}
	clean, err := chat.CleanName("name", *name, chat.MaxName)
	return &clean, err
}

// cleanAvatar checks the "avatar" of a change, if it has one: an uploaded picture, since everyone who sees it fetches it, or none. The store
// checks whose it is.
func cleanAvatar(avatar *string) (*string, error) {
	if avatar == nil || *avatar == "" {
		return avatar, nil
	}
	if id, ours := chat.FileOf(*avatar); !ours || *avatar != chat.FilePath+id {
		return nil, chat.FieldError("avatar", chat.FieldFormat, "must be the link of an uploaded picture, such as /media/…, or empty")
	}
	return avatar, nil
}
