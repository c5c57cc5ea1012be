package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"magpie/server/chat"
)

// Programs are what acts for an app without a person.
type Programs interface {
	Bots(ctx context.Context, eid, app string) ([]chat.User, error)
	CreateBot(ctx context.Context, by chat.Actor, app string, u chat.User) (chat.User, error)
	UpdateBot(ctx context.Context, by chat.Actor, app, uid string, c chat.BotChange) (chat.User, error)
	DeleteBot(ctx context.Context, by chat.Actor, app, uid string) error
	APIKeys(ctx context.Context, eid, app string) ([]chat.APIKey, error)
	CreateAPIKey(ctx context.Context, by chat.Actor, k chat.APIKey) error
	RotateAPIKey(ctx context.Context, by chat.Actor, app, old, id string, hash []byte) (chat.APIKey, error)
	DeleteAPIKey(ctx context.Context, by chat.Actor, app, id string) error
	IncomingOf(ctx context.Context, eid, app string) ([]chat.Incoming, error)
	CreateIncoming(ctx context.Context, by chat.Actor, in chat.Incoming) error
	DeleteIncoming(ctx context.Context, by chat.Actor, app, id string) error
	// Incoming returns an incoming webhook whose app and bot may act, or chat.NotFound.
	Incoming(ctx context.Context, id string) (chat.Incoming, error)
	// NoteIncoming notes that a webhook was used. It does not wait.
	NoteIncoming(known chat.Incoming)
}

// bot is a member that an app's programs act as.
type bot struct {
	UID      string `json:"uid"`
	Name     string `json:"name"`
	Avatar   string `json:"avatar"`
	Disabled bool   `json:"disabled"`
}

// apiKey is a key without its secret.
type apiKey struct {
	ID       string     `json:"id" doc:"What the key begins with."`
	Name     string     `json:"name"`
	Bot      string     `json:"bot" doc:"The uid that it acts as."`
	Scopes   []string   `json:"scopes" enum:"read,write,groups,mqtt"`
	Created  time.Time  `json:"created"`
	LastUsed *time.Time `json:"last_used" doc:"To about a minute; null for never."`
	Expires  *time.Time `json:"expires" doc:"Of one that was rotated: until when it works on. Null for one that lives on."`
}

// newAPIKey is shown once.
type newAPIKey struct {
	ID  string `json:"id"`
	Key string `json:"key" doc:"What a program sends as Authorization: Bearer, or as the password at MQTT CONNECT. It is not shown again."`
}

// incomingHook is a URL by which a program posts, without its secret.
type incomingHook struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Bot      string     `json:"bot" doc:"The uid that it posts as."`
	Conv     string     `json:"conv" doc:"As the bot sees it."`
	Created  time.Time  `json:"created"`
	LastUsed *time.Time `json:"last_used" doc:"To about a minute; null for never."`
}

// newIncoming is shown once.
type newIncoming struct {
	ID  string `json:"id"`
	URL string `json:"url" doc:"Whoever has it can post. It is not shown again."`
}

// BotPath names a bot of an app.
type BotPath struct {
	AppPath
	UID string `path:"uid" maxLength:"64"`
}

// APIKeyPath names an API key of an app.
type APIKeyPath struct {
	AppPath
	Key string `path:"key" maxLength:"64"`
}

func (a *api) programRoutes() {
	const tag = "Apps"
	read, manage := chat.ReadOrganisation, chat.ManageApps
	route(a, op{method: "GET", path: "/admin/apps/{id}/bots", id: "admin-list-bots", tag: tag, right: read, summary: "An app's bots"}, a.bots)
	route(a, op{method: "POST", path: "/admin/apps/{id}/bots", id: "admin-create-bot", tag: tag, right: manage, status: http.StatusCreated, summary: "Make a bot",
		about: "A member without a password, that the app's keys and webhooks act as."}, a.createBot)
	route(a, op{method: "PATCH", path: "/admin/apps/{id}/bots/{uid}", id: "admin-update-bot", tag: tag, right: manage, summary: "Change a bot"}, a.updateBot)
	route(a, op{method: "DELETE", path: "/admin/apps/{id}/bots/{uid}", id: "admin-delete-bot", tag: tag, right: manage, summary: "Take a bot from the app",
		about: "Its keys and webhooks end and its account is disabled. What it has written stays."}, a.deleteBot)
	route(a, op{method: "GET", path: "/admin/apps/{id}/api-keys", id: "admin-list-api-keys", tag: tag, right: read, summary: "An app's API keys"}, a.apiKeys)
	route(a, op{method: "POST", path: "/admin/apps/{id}/api-keys", id: "admin-create-api-key", tag: tag, right: manage, status: http.StatusCreated, summary: "Make an API key",
		about: "The key is shown this once."}, a.createAPIKey)
	route(a, op{method: "DELETE", path: "/admin/apps/{id}/api-keys/{key}", id: "admin-delete-api-key", tag: tag, right: manage, summary: "End an API key at once"}, a.deleteAPIKey)
	route(a, op{method: "POST", path: "/admin/apps/{id}/api-keys/{key}/rotate", id: "admin-rotate-api-key", tag: tag, right: manage, status: http.StatusCreated,
		summary: "Make a key that takes another's place", about: "It has the same name, bot and scopes. The old one works for 24 hours on."}, a.rotateAPIKey)
	route(a, op{method: "GET", path: "/admin/apps/{id}/incoming", id: "admin-list-incoming", tag: tag, right: read, summary: "An app's incoming webhooks"}, a.incomings)
	route(a, op{method: "POST", path: "/admin/apps/{id}/incoming", id: "admin-create-incoming", tag: tag, right: manage, status: http.StatusCreated, summary: "Make an incoming webhook",
		about: "A URL that posts to one conversation, as a bot that is in it. The URL is shown this once."}, a.createIncoming)
	route(a, op{method: "DELETE", path: "/admin/apps/{id}/incoming/{hook}", id: "admin-delete-incoming", tag: tag, right: manage, summary: "End an incoming webhook"}, a.deleteIncoming)
}

func botOf(u chat.User) bot { return bot{u.UID, u.Name, u.Avatar, u.Disabled} }

func (a *api) bots(ctx context.Context, c *caller, in *AppPath) (*answer[list[bot]], error) {
	all, err := a.Store.Bots(ctx, c.EID, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read bots: %w", err)
	}
	items := make([]bot, len(all))
	for i, u := range all {
		items[i] = botOf(u)
	}
	return page(items, ""), nil
}

func (a *api) createBot(ctx context.Context, c *caller, in *struct {
	AppPath
	Body struct {
		UID  string `json:"uid" maxLength:"64"`
		Name string `json:"name" maxLength:"64"`
	}
}) (*answer[bot], error) {
	if !chat.ValidUID(in.Body.UID) {
		return nil, chat.FieldError("uid", chat.FieldFormat, "must start with a letter or digit and have only letters, digits, dots, - and _, at most 64")
	}
	name, err := chat.CleanName("name", in.Body.Name, chat.MaxName)
	if err != nil {
		return nil, err
	}
	u, err := a.Store.CreateBot(ctx, c.actor(), in.ID, chat.User{UID: in.Body.UID, Name: name})
	if err != nil {
		return nil, fmt.Errorf("make a bot: %w", err)
	}
	return &answer[bot]{botOf(u)}, nil
}

func (a *api) updateBot(ctx context.Context, c *caller, in *struct {
	BotPath
	Body struct {
		Name     *string `json:"name,omitempty" maxLength:"64"`
		Avatar   *string `json:"avatar,omitempty" maxLength:"256" doc:"The link of a picture that the caller has uploaded for this, or empty."`
		Disabled *bool   `json:"disabled,omitempty"`
	}
}) (*answer[bot], error) {
	change := chat.BotChange{Disabled: in.Body.Disabled}
	var err error
	if change.Name, err = cleanName(in.Body.Name); err != nil {
		return nil, err
	}
	if change.Avatar, err = cleanAvatar(in.Body.Avatar); err != nil {
		return nil, err
	}
	u, err := a.Store.UpdateBot(ctx, c.actor(), in.ID, in.UID, change)
	if err != nil {
		return nil, fmt.Errorf("change a bot: %w", err)
	}
	return &answer[bot]{botOf(u)}, nil
}

func (a *api) deleteBot(ctx context.Context, c *caller, in *BotPath) (*none, error) {
	if err := a.Store.DeleteBot(ctx, c.actor(), in.ID, in.UID); err != nil {
		return nil, fmt.Errorf("delete a bot: %w", err)
	}
	return nil, nil
}

func (a *api) apiKeys(ctx context.Context, c *caller, in *AppPath) (*answer[list[apiKey]], error) {
	all, err := a.Store.APIKeys(ctx, c.EID, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	items := make([]apiKey, len(all))
	for i, k := range all {
		items[i] = apiKey{ID: k.ID, Name: k.Name, Bot: k.Bot, Scopes: k.Scopes.List(), Created: k.Created, LastUsed: timeOrNull(k.Used), Expires: timeOrNull(k.Expires)}
	}
	return page(items, ""), nil
}

func (a *api) createAPIKey(ctx context.Context, c *caller, in *struct {
	AppPath
	Body struct {
		Name   string   `json:"name" maxLength:"64" doc:"What it is for."`
		Bot    string   `json:"bot" maxLength:"64" doc:"The uid of one of the app's bots."`
		Scopes []string `json:"scopes" minItems:"1" maxItems:"4" doc:"Of read, write, groups, mqtt."`
	}
}) (*answer[newAPIKey], error) {
	name, err := chat.CleanName("name", in.Body.Name, chat.MaxName)
	if err != nil {
		return nil, err
	}
	scopes, err := chat.CleanScopes("scopes", in.Body.Scopes)
	if err != nil {
		return nil, err
	}
	id, key, hash := a.Auth.NewAPIKey()
	if err := a.Store.CreateAPIKey(ctx, c.actor(), chat.APIKey{ID: id, App: in.ID, Name: name, Bot: in.Body.Bot, Scopes: scopes, Hash: hash}); err != nil {
		return nil, fmt.Errorf("make an API key: %w", err)
	}
	return &answer[newAPIKey]{newAPIKey{id, key}}, nil
}

func (a *api) rotateAPIKey(ctx context.Context, c *caller, in *APIKeyPath) (*answer[newAPIKey], error) {
	id, key, hash := a.Auth.NewAPIKey()
	if _, err := a.Store.RotateAPIKey(ctx, c.actor(), in.ID, in.Key, id, hash); err != nil {
		return nil, fmt.Errorf("rotate an API key: %w", err)
	}
	return &answer[newAPIKey]{newAPIKey{id, key}}, nil
}

func (a *api) deleteAPIKey(ctx context.Context, c *caller, in *APIKeyPath) (*none, error) {
	if err := a.Store.DeleteAPIKey(ctx, c.actor(), in.ID, in.Key); err != nil {
		return nil, fmt.Errorf("delete an API key: %w", err)
	}
	return nil, nil
}

func (a *api) incomings(ctx context.Context, c *caller, in *AppPath) (*answer[list[incomingHook]], error) {
	all, err := a.Store.IncomingOf(ctx, c.EID, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read incoming webhooks: %w", err)
	}
	items := make([]incomingHook, len(all))
	for i, h := range all {
		items[i] = incomingHook{ID: h.ID, Name: h.Name, Bot: h.Bot, Conv: h.Conv, Created: h.Created, LastUsed: timeOrNull(h.Used)}
	}
	return page(items, ""), nil
}

func (a *api) createIncoming(ctx context.Context, c *caller, in *struct {
	AppPath
	Body struct {
		Name string `json:"name" maxLength:"64" doc:"What it is for."`
		Bot  string `json:"bot" maxLength:"64" doc:"The uid of one of the app's bots."`
		Conv string `json:"conv" maxLength:"66" doc:"Where it posts: g:{gid} of a group that the bot is in, or u:{uid}."`
	}
}) (*answer[newIncoming], error) {
	name, err := chat.CleanName("name", in.Body.Name, chat.MaxName)
	if err != nil {
		return nil, err
	}
	token, hash := newLinkToken()
	id := make([]byte, 8)
	rand.Read(id) // never fails (crypto/rand)
	hook := chat.Incoming{ID: hex.EncodeToString(id), App: in.ID, EID: c.EID, Name: name, Bot: in.Body.Bot, Conv: in.Body.Conv, Hash: hash}
	// Nothing of a conversation shows before it is clear that the bot is one of the app's.
	all, err := a.Store.Bots(ctx, c.EID, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read bots: %w", err)
	}
	for _, u := range all {
		if u.UID != hook.Bot {
			continue
		}
		if _, _, err := a.mayWrite(ctx, &caller{Identity: chat.Identity{EID: c.EID, UID: u.UID}}, hook.Conv); err != nil {
			switch chat.CodeOf(err) {
			case chat.NotFound, chat.Forbidden:
				return nil, chat.FieldError("conv", chat.FieldNobody, "must be a conversation that the bot may write to: add it to the group first")
			}
			return nil, err
		}
	}
	if err := a.Store.CreateIncoming(ctx, c.actor(), hook); err != nil {
		return nil, fmt.Errorf("make an incoming webhook: %w", err)
	}
	return &answer[newIncoming]{newIncoming{hook.ID, c.origin() + incomingPath + hook.ID + "/" + token}}, nil
}

func (a *api) deleteIncoming(ctx context.Context, c *caller, in *struct {
	AppPath
	Hook string `path:"hook" maxLength:"64"`
}) (*none, error) {
	if err := a.Store.DeleteIncoming(ctx, c.actor(), in.ID, in.Hook); err != nil {
		return nil, fmt.Errorf("delete an incoming webhook: %w", err)
	}
	return nil, nil
}
