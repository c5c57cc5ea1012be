package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"magpie/server/chat"
)

// Apps are the entries of other systems.
type Apps interface {
	// AllowsOrigin reports whether pages of an origin may call for an app that lives; for any, where app is empty.
	AllowsOrigin(ctx context.Context, app, origin string) (bool, error)
	Apps(ctx context.Context, eid string) ([]chat.App, error)
	App(ctx context.Context, eid, id string) (chat.App, error)
	CreateApp(ctx context.Context, by chat.Actor, a chat.App) (chat.App, error)
	UpdateApp(ctx context.Context, by chat.Actor, id string, version int64, c chat.AppChange) (chat.App, error)
	DeleteApp(ctx context.Context, by chat.Actor, id string, version int64) error
	CreateSigningKey(ctx context.Context, by chat.Actor, app string, k chat.SigningKey) error
	DeleteSigningKey(ctx context.Context, by chat.Actor, app, id string, endPages bool) error
	NoteTestToken(ctx context.Context, by chat.Actor, app, uid string) (chat.App, error)
}

// application is an app as administrators see it.
type application struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Origins     []string     `json:"origins" doc:"Of pages that may show the chat, such as https://oa.example."`
	CreateUsers bool         `json:"create_users" doc:"Who signs in for the first time becomes a user."`
	JWKSURL     string       `json:"jwks_url" doc:"Where the public keys are that its tokens are signed by (ES256, RS256); empty for none."`
	Keys        []signingKey `json:"keys" doc:"Secrets that its server signs with (HS256): two at most, so that one can take the other's place."`
	Disabled    bool         `json:"disabled"`

	OriginAudience bool `json:"origin_audience" doc:"Tokens must name this server's address, such as https://im.example, in aud: magpie alone is not enough."`

	Created time.Time `json:"created"`
	Version int64     `json:"version"`
}

type signingKey struct {
	ID       string     `json:"id" doc:"The kid of tokens."`
	Created  time.Time  `json:"created"`
	LastUsed *time.Time `json:"last_used" doc:"Null for never."`
}

// newKey is shown once.
type newKey struct {
	ID     string `json:"id" doc:"The kid of tokens."`
	Secret string `json:"secret" doc:"What the app's server signs with, as the text that it is. It is not shown again."`
}

// AppPath names an app.
type AppPath struct {
	ID string `path:"id" maxLength:"40"`
}

func (a *api) appRoutes() {
	const tag = "Apps"
	read, manage := chat.ReadOrganisation, chat.ManageApps
	route(a, op{method: "GET", path: "/admin/apps", id: "admin-list-apps", tag: tag, right: read, summary: "The organisation's apps"}, a.apps)
	route(a, op{method: "POST", path: "/admin/apps", id: "admin-create-app", tag: tag, right: manage, status: http.StatusCreated, summary: "Make an app"}, a.createApp)
	route(a, op{method: "GET", path: "/admin/apps/{id}", id: "admin-get-app", tag: tag, right: read, summary: "An app"}, a.app)
	route(a, op{method: "PATCH", path: "/admin/apps/{id}", id: "admin-update-app", tag: tag, right: manage, summary: "Change an app",
		about: "To take an origin away ends the logins of the app's pages; to disable the app ends what its programs have connected too."}, a.updateApp)
	route(a, op{method: "DELETE", path: "/admin/apps/{id}", id: "admin-delete-app", tag: tag, right: manage, summary: "Delete an app with its keys and webhooks",
		about: "Its bots are disabled; what they have written stays. The id is never used again."}, a.deleteApp)
	route(a, op{method: "POST", path: "/admin/apps/{id}/keys", id: "admin-create-app-key", tag: tag, right: manage, status: http.StatusCreated, summary: "Make a key to sign with",
		about: "Of two at most. The secret is shown this once."}, a.createAppKey)
	route(a, op{method: "DELETE", path: "/admin/apps/{id}/keys/{kid}", id: "admin-delete-app-key", tag: tag, right: manage, summary: "Delete a key to sign with",
		about: "Pages that were signed in by it stay so for up to an hour, unless end_pages is true: then all of the app's pages sign in anew."}, a.deleteAppKey)
	route(a, op{method: "POST", path: "/admin/apps/{id}/test-token", id: "admin-test-token", tag: tag, right: manage, summary: "Make a token as the app's server would, to try it",
		about: "It signs somebody in for the app's pages within a minute, once. The audit log has it."}, a.testToken)
}

func applicationOf(a chat.App) application {
	out := application{ID: a.ID, Name: a.Name, Origins: a.Origins, CreateUsers: a.CreateUsers, JWKSURL: a.JWKSURL, Keys: []signingKey{}, Disabled: a.Disabled, OriginAudience: a.OriginAudience,
		Created: a.Created, Version: a.Version}
	if out.Origins == nil {
		out.Origins = []string{}
	}
	for _, k := range a.Keys {
		out.Keys = append(out.Keys, signingKey{k.ID, k.Created, timeOrNull(k.Used)})
	}
	return out
}

func (a *api) apps(ctx context.Context, c *caller, _ *struct{}) (*answer[list[application]], error) {
	all, err := a.Store.Apps(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read apps: %w", err)
	}
	items := make([]application, len(all))
	for i, one := range all {
		items[i] = applicationOf(one)
	}
	return page(items, ""), nil
}

func (a *api) app(ctx context.Context, c *caller, in *AppPath) (*answer[application], error) {
	app, err := a.Store.App(ctx, c.EID, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read an app: %w", err)
	}
	return &answer[application]{applicationOf(app)}, nil
}

func (a *api) createApp(ctx context.Context, c *caller, in *struct {
	Body struct {
		ID          string   `json:"id" maxLength:"40" doc:"3 to 40 of a–z, 0–9 and -, such as oa-prod; never used before on this server."`
		Name        string   `json:"name" maxLength:"64"`
		Origins     []string `json:"origins,omitempty" maxItems:"50"`
		CreateUsers bool     `json:"create_users,omitempty"`
		JWKSURL     string   `json:"jwks_url,omitempty" maxLength:"2048"`
	}
}) (*answer[application], error) {
	b := in.Body
	if !chat.ValidApp(b.ID) {
		return nil, chat.FieldError("id", chat.FieldFormat, "must have 3 to 40 small letters, digits and -, and begin and end with a letter or digit")
	}
	name, err := chat.CleanName("name", b.Name, chat.MaxName)
	if err != nil {
		return nil, err
	}
	origins, err := chat.CleanOrigins("origins", b.Origins)
	if err != nil {
		return nil, err
	}
	jwks, err := chat.CleanJWKSURL("jwks_url", b.JWKSURL)
	if err != nil {
		return nil, err
	}
	app, err := a.Store.CreateApp(ctx, c.actor(), chat.App{ID: b.ID, Name: name, Origins: origins, CreateUsers: b.CreateUsers, JWKSURL: jwks})
	if err != nil {
		return nil, fmt.Errorf("make an app: %w", err)
	}
	return &answer[application]{applicationOf(app)}, nil
}

func (a *api) updateApp(ctx context.Context, c *caller, in *struct {
	AppPath
	Version
	Body struct {
		Name        *string   `json:"name,omitempty" maxLength:"64"`
		Origins     *[]string `json:"origins,omitempty" maxItems:"50"`
		CreateUsers *bool     `json:"create_users,omitempty"`
		JWKSURL     *string   `json:"jwks_url,omitempty" maxLength:"2048"`
		Disabled    *bool     `json:"disabled,omitempty"`

		OriginAudience *bool `json:"origin_audience,omitempty"`
	}
}) (*answer[application], error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	change := chat.AppChange{CreateUsers: in.Body.CreateUsers, Disabled: in.Body.Disabled, OriginAudience: in.Body.OriginAudience}
	if change.Name, err = cleanName(in.Body.Name); err != nil {
		return nil, err
	}
	if in.Body.Origins != nil {
		origins, err := chat.CleanOrigins("origins", *in.Body.Origins)
		if err != nil {
			return nil, err
		}
		change.Origins = &origins
	}
	if in.Body.JWKSURL != nil {
		jwks, err := chat.CleanJWKSURL("jwks_url", *in.Body.JWKSURL)
		if err != nil {
			return nil, err
		}
		change.JWKSURL = &jwks
	}
	app, err := a.Store.UpdateApp(ctx, c.actor(), in.ID, version, change)
	if err != nil {
		return nil, fmt.Errorf("change an app: %w", current(err, applicationOf))
	}
	return &answer[application]{applicationOf(app)}, nil
}

func (a *api) deleteApp(ctx context.Context, c *caller, in *struct {
	AppPath
	Version
}) (*none, error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	if err := a.Store.DeleteApp(ctx, c.actor(), in.ID, version); err != nil {
		return nil, fmt.Errorf("delete an app: %w", current(err, applicationOf))
	}
	return nil, nil
}

func (a *api) createAppKey(ctx context.Context, c *caller, in *AppPath) (*answer[newKey], error) {
	key, secret := a.Auth.NewSigningKey(in.ID)
	if err := a.Store.CreateSigningKey(ctx, c.actor(), in.ID, key); err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return &answer[newKey]{newKey{key.ID, secret}}, nil
}

func (a *api) deleteAppKey(ctx context.Context, c *caller, in *struct {
	AppPath
	Key      string `path:"kid" maxLength:"64"`
	EndPages bool   `query:"end_pages" doc:"End all logins of the app's pages too, for a key that somebody else may have."`
}) (*none, error) {
	if err := a.Store.DeleteSigningKey(ctx, c.actor(), in.ID, in.Key, in.EndPages); err != nil {
		return nil, fmt.Errorf("delete a signing key: %w", err)
	}
	return nil, nil
}

// testToken is a token and how long it is good.
type testToken struct {
	Token     string `json:"token"`
	ExpiresIn int    `json:"expires_in" doc:"Seconds."`
}

func (a *api) testToken(ctx context.Context, c *caller, in *struct {
	AppPath
	Body struct {
		UID string `json:"uid" maxLength:"64" doc:"Whom it signs in."`
	}
}) (*answer[testToken], error) {
	if !chat.ValidUID(in.Body.UID) {
		return nil, chat.FieldError("uid", chat.FieldFormat, "must be a user name")
	}
	app, err := a.Store.NoteTestToken(ctx, c.actor(), in.ID, in.Body.UID)
	if err != nil {
		return nil, fmt.Errorf("note a test token: %w", err)
	}
	token, err := a.Auth.TestToken(app, in.Body.UID, c.origin())
	return &answer[testToken]{testToken{token, 60}}, err
}
