package store

import (
	"strings"
	"testing"

	"magpie/server/chat"
)

// TestWebhooksOfAnOrganisationAreBounded makes as many webhooks as all of its apps may have together.
func TestWebhooksOfAnOrganisationAreBounded(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	must(s.CreateApp(ctx, root, chat.App{ID: "office", Name: "Office"}))(t)
	must(s.CreateBot(ctx, root, "office", chat.User{UID: "robot", Name: "Robot"}))(t)
	check(t, s.change(ctx, func(t *tx) error {
		for _, q := range []string{
			`INSERT INTO apps (id, eid, name, create_users, jwks_url, disabled, created) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
				SELECT 'app-' || i, 'acme', 'App', 0, '', 0, 1 FROM n`,
			`INSERT INTO webhooks (id, app, eid, bot, url, events, sealed, disabled, failures, failing, created, version)
				WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 198) SELECT 'w' || i, 'app-' || (i / 20 + 1), 'acme', 'robot', 'https://oa.example', '[]', x'01', 0, 0, 0, 1, 1 FROM n`,
		} {
			if err := t.exec(q); err != nil {
				return err
			}
		}
		return nil
	}))
	create := func(id string) error {
		_, err := s.CreateWebhook(ctx, root, chat.Webhook{ID: id, App: "office", Bot: "robot", URL: "https://oa.example", Sealed: []byte{1}, Events: []chat.HookEvent{chat.HookMessage}})
		return err
	}
	check(t, create("last"))
	err := create("more")
	refused(t, err, chat.Conflict)
	if !strings.Contains(err.Error(), "200 webhooks") {
		t.Errorf("told %v", err)
	}
	check(t, s.DeleteWebhook(ctx, root, "office", "last", 1))
	check(t, create("more"))
}
