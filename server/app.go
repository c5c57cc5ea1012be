package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"magpie/server/chat"
)

// appCommand manages apps from the shell.
type appCommand struct {
	dataFlag

	List    appList    `cmd:"" help:"List an organisation's apps."`
	Add     appAdd     `cmd:"" help:"Make an app, by which another system shows the chat on its pages."`
	Change  appChange  `cmd:"" help:"Change an app. The origins that are given take the place of those that it had."`
	Key     appKey     `cmd:"" help:"Make a key by which the app's server signs tokens. Prints its id and, this once, its secret."`
	DropKey appDropKey `cmd:"" help:"Delete a key: what is signed with it is refused from now on."`
	Disable appDisable `cmd:"" help:"Switch an app off: its pages and programs are cut off at once."`
	Enable  appEnable  `cmd:"" help:"Switch an app on again."`
	Delete  appDelete  `cmd:"" help:"Delete an app with its keys and webhooks. Its bots are disabled."`
	Bot     appBot     `cmd:"" help:"Make a bot, which the app's programs act as."`
	APIKey  appAPIKey  `cmd:"" name:"api-key" help:"Make an API key. It is printed this once."`
}

type appList struct{ orgRef }

func (l *appList) Run(c *appCommand) error {
	return c.list(l.Org, "/admin/apps?", "id", "name", "origins", "create_users", "jwks_url", "disabled")
}

// appRef names an app on the command line.
type appRef struct {
	App string `arg:"" placeholder:"ORG/APP" help:"Organisation and app, such as acme/oa-prod."`
}

func (r appRef) split() (eid, app string, err error) {
	eid, app, ok := strings.Cut(r.App, "/")
	if !ok || !chat.ValidEID(eid) || !chat.ValidApp(app) {
		return "", "", fmt.Errorf("%q is not of the form ORG/APP, such as acme/oa-prod", r.App)
	}
	return eid, app, nil
}

func (r appRef) do(c *appCommand, f func(ctx context.Context, s *shell, eid, path string) error) error {
	eid, app, err := r.split()
	if err != nil {
		return err
	}
	return c.do(func(ctx context.Context, s *shell) error { return f(ctx, s, eid, "/admin/apps/"+url.PathEscape(app)) })
}

type appAdd struct {
	appRef
	Name        string   `required:"" help:"Name that administrators see."`
	Origin      []string `placeholder:"ORIGIN" help:"Origins of the pages that show the chat, such as https://oa.example."`
	CreateUsers bool     `help:"Make users of those who sign in for the first time."`
	JWKSURL     string   `name:"jwks-url" placeholder:"URL" help:"Where the public keys are that tokens are signed by, if not by a key of the app."`
}

func (a *appAdd) Run(c *appCommand) error {
	eid, app, err := a.split()
	if err != nil {
		return err
	}
	return c.do(func(ctx context.Context, s *shell) error {
		var made map[string]any
		body := map[string]any{"id": app, "name": a.Name, "origins": append([]string{}, a.Origin...), "create_users": a.CreateUsers, "jwks_url": a.JWKSURL}
		if err := s.call(ctx, eid, "POST", "/admin/apps", body, &made); err != nil {
			return err
		}
		return c.show(made, func(w io.Writer) {
			fmt.Fprintf(w, "%s is made; magpie app key %s makes a key for its server.\n", app, a.App)
		})
	})
}

type appChange struct {
	appRef
	Name        *string  `help:"Name that administrators see."`
	Origin      []string `placeholder:"ORIGIN" help:"Origins of the pages that show the chat."`
	CreateUsers *bool    `negatable:"" help:"Make users of those who sign in for the first time."`
	JWKSURL     *string  `name:"jwks-url" placeholder:"URL" help:"Where the public keys are that tokens are signed by."`
}

func (a *appChange) Run(c *appCommand) error {
	change := map[string]any{}
	if a.Name != nil {
		change["name"] = *a.Name
	}
	if a.Origin != nil {
		change["origins"] = a.Origin
	}
	if a.CreateUsers != nil {
		change["create_users"] = *a.CreateUsers
	}
	if a.JWKSURL != nil {
		change["jwks_url"] = *a.JWKSURL
	}
	return a.patch(c, change)
}

func (r appRef) patch(c *appCommand, change map[string]any) error {
	return r.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		changed, err := s.patch(ctx, eid, path, change)
		if err != nil {
			return err
		}
		return c.show(changed, func(io.Writer) {})
	})
}

type appKey struct{ appRef }

func (a *appKey) Run(c *appCommand) error {
	return a.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		var made map[string]any
		if err := s.call(ctx, eid, "POST", path+"/keys", nil, &made); err != nil {
			return err
		}
		return c.show(made, func(w io.Writer) { fmt.Fprintf(w, "key\t%v\nsecret\t%v\n", made["id"], made["secret"]) })
	})
}

type appDropKey struct {
	appRef
	Key      string `arg:"" help:"The key's id."`
	EndPages bool   `help:"End all logins of the app's pages too, for a key that somebody else may have."`
}

func (a *appDropKey) Run(c *appCommand) error {
	return a.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		return s.call(ctx, eid, "DELETE", fmt.Sprintf("%s/keys/%s?end_pages=%t", path, url.PathEscape(a.Key), a.EndPages), nil, nil)
	})
}

type appDisable struct{ appRef }
type appEnable struct{ appRef }

func (a *appDisable) Run(c *appCommand) error { return a.patch(c, map[string]any{"disabled": true}) }
func (a *appEnable) Run(c *appCommand) error  { return a.patch(c, map[string]any{"disabled": false}) }

type appDelete struct{ appRef }

func (a *appDelete) Run(c *appCommand) error {
	return a.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		v, err := s.version(ctx, eid, path)
		if err != nil {
			return err
		}
		return s.call(ctx, eid, "DELETE", path, nil, nil, "If-Match", v)
	})
}

type appBot struct {
	appRef
	UID  string `arg:"" name:"uid" help:"The bot's user name."`
	Name string `required:"" help:"Name that others see."`
}

func (a *appBot) Run(c *appCommand) error {
	return a.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		var made map[string]any
		if err := s.call(ctx, eid, "POST", path+"/bots", map[string]any{"uid": a.UID, "name": a.Name}, &made); err != nil {
			return err
		}
		return c.show(made, func(w io.Writer) { fmt.Fprintf(w, "%s is made; add it to the groups that it shall write to.\n", a.UID) })
	})
}

type appAPIKey struct {
	appRef
	Bot   string   `arg:"" help:"The user name of one of the app's bots."`
	Name  string   `required:"" help:"What the key is for."`
	Scope []string `required:"" help:"What it may do: read, write, groups, mqtt."`
}

func (a *appAPIKey) Run(c *appCommand) error {
	return a.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		var made map[string]any
		if err := s.call(ctx, eid, "POST", path+"/api-keys", map[string]any{"name": a.Name, "bot": a.Bot, "scopes": a.Scope}, &made); err != nil {
			return err
		}
		return c.show(made, func(w io.Writer) { fmt.Fprintln(w, made["key"]) })
	})
}
