package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"magpie/server/chat"
)

// HostSignIn signs people in by what the server of a host has signed, and makes the keys of apps.
type HostSignIn interface {
	// LiveApp returns an app that takes tokens, or chat.NotFound.
	LiveApp(ctx context.Context, id string) (chat.App, error)
	Exchange(ctx context.Context, app chat.App, token, running, agent, addr, origin string) (chat.SignIn, error)
	NewSigningKey(app string) (key chat.SigningKey, secret string)
	// NewWebhookSecret makes a secret for a webhook, and what is kept of it.
	NewWebhookSecret(webhook string) (secret string, sealed []byte)
	NewAPIKey() (id, key string, hash []byte)
	TestToken(app chat.App, uid, origin string) (string, error)
}

type exchangeInput struct {
	Authorization string `header:"Authorization" doc:"The access token that the page had so far, if it had one, expired or not: the login then goes on, where it is the same person's."`
	Body          struct {
		App   string `json:"app" maxLength:"40" doc:"The app's id."`
		Token string `json:"token" maxLength:"16384" doc:"The JWT that the host's server has signed."`
	}
}

func (a *api) exchangeRoutes() {
	route(a, op{method: "POST", path: "/auth/exchange", id: "exchange", tag: "Sign-in", access: public, summary: "Sign in by a token of an app",
		about: "For pages of other sites. The token is good once. The login has no refresh token: it lives for an hour, and each exchange prolongs it. docs/embedding.md says how the token is made."},
		a.exchange)
}

func (a *api) exchange(ctx context.Context, c *caller, in *exchangeInput) (*answer[signInAnswer], error) {
	if wait := a.exchanges.take(chat.Network(c.addr), time.Now()); wait > 0 {
		return nil, tooFast("Too many sign-ins come from this address. Please wait a moment.", wait)
	}
	app, err := a.Auth.LiveApp(ctx, in.Body.App)
	if err != nil {
		return nil, fmt.Errorf("find the app: %w", err)
	}
	if err := a.mayCallFrom(ctx, chat.Identity{App: app.ID}, c.foreign); err != nil {
		return nil, err
	}
	_, running, _ := strings.Cut(in.Authorization, " ")
	s, err := a.Auth.Exchange(ctx, app, in.Body.Token, strings.TrimSpace(running), c.agent, c.addr, c.origin())
	if err != nil {
		return nil, err
	}
	return &answer[signInAnswer]{a.signInAnswer(c, s)}, nil
}
