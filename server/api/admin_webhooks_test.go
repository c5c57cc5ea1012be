package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"magpie/server/api"
	"magpie/server/auth"
	"magpie/server/chat"
	"magpie/server/outbound"
	"magpie/server/store"
	"magpie/server/webhook"
)

func TestWebhooks(t *testing.T) {
	const a, hooks = "acme/alice", admin + "/apps/oa-hooks/webhooks"
	got := make(chan http.Header, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		got <- r.Header
	}))
	t.Cleanup(receiver.Close)
	w := newWorld(t, func(o *api.Options) {
		o.PlainWebhooks = true
		o.Dispatcher = webhook.New(webhook.Options{Store: o.Store.(*store.Store), Secret: o.Auth.(*auth.Auth).WebhookSecret,
			Client: outbound.Client([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, 10*time.Second)})
	})
	w.newHost("oa-hooks", nil)
	w.newHost("oa-other", nil)
	w.want(201, a, "POST", admin+"/apps/oa-hooks/bots", map[string]any{"uid": "robot", "name": "Robot"})
	w.want(201, a, "POST", admin+"/apps/oa-other/bots", map[string]any{"uid": "stranger", "name": "Stranger"})
	sound := func(more map[string]any) map[string]any {
		body := map[string]any{"url": receiver.URL + "/in?x=1", "events": []string{"membership", "message"}, "bot": "robot"}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	for field, bodies := range map[string][]map[string]any{
		"url": {{"url": "ftp://oa.example"}, {"url": "https://ann:secret@oa.example"}, {"url": "https://oa.example/#x"}, {"url": "/hooks"}, {"url": "https://"},
			{"url": "https://oa.example/" + strings.Repeat("x", 2048)}},
		"events": {{"events": []string{}}, {"events": []string{"weather"}}},
		"bot":    {{"bot": "bob"}, {"bot": "stranger"}, {"bot": "nobody"}},
	} {
		for _, body := range bodies {
			r := w.want(422, a, "POST", hooks, sound(body))
			if codes, _ := r.body["codes"].(map[string]any); len(codes) != 1 || !strings.HasPrefix(firstKey(codes), field) {
				t.Errorf("%v: %s", body, r.raw)
			}
		}
	}
	made := w.want(201, a, "POST", hooks, sound(nil))
	id, secret := made.body["id"].(string), made.body["secret"].(string)
	if len(secret) < 40 || made.field("bot") != "robot" || made.field("version") != 1.0 || made.field("failing") != nil || strings.Join(strs(made.body["events"]), " ") != "message membership" {
		t.Errorf("made %s", made.raw)
	}
	for _, path := range []string{hooks, hooks + "/" + id, admin + "/audit?limit=200"} {
		if r := w.want(200, a, "GET", path, nil); strings.Contains(r.raw, secret) || !strings.Contains(r.raw, id) {
			t.Errorf("%s: %s", path, r.raw)
		}
	}
	for _, path := range []string{admin + "/apps/oa-other/webhooks/" + id, admin + "/apps/nothing/webhooks", hooks + "/nothing", hooks + "/nothing/deliveries"} {
		w.want(404, a, "GET", path, nil)
	}
	w.want(404, "other/alice", "GET", hooks+"/"+id, nil)
	w.want(404, "other/alice", "POST", hooks+"/"+id+"/test", nil)

	trial := w.want(200, a, "POST", hooks+"/"+id+"/test", nil)
	if h := <-got; h.Get("Magpie-Event") != "test" || h.Get("Magpie-Delivery") != trial.body["id"] || trial.field("status") != "delivered" || trial.field("code") != 200.0 {
		t.Errorf("a trial: %v %s", h, trial.raw)
	}
	log := w.want(200, a, "GET", hooks+"/"+id+"/deliveries?status=delivered&limit=1", nil)
	if items := log.items(); len(items) != 1 || items[0].(map[string]any)["id"] != trial.body["id"] {
		t.Errorf("the log is %s", log.raw)
	}
	if r := w.want(200, a, "GET", hooks+"/"+id+"/deliveries?status=failed", nil); len(r.items()) != 0 {
		t.Errorf("failed are %s", r.raw)
	}
	again := hooks + "/" + id + "/deliveries/" + trial.body["id"].(string) + "/again"
	if r := w.want(202, a, "POST", again, nil); r.field("status") != "waiting" || r.field("next") == nil {
		t.Errorf("again: %s", r.raw)
	}
	w.want(404, a, "POST", hooks+"/"+id+"/deliveries/nothing/again", nil)
	app := strings.TrimSuffix(hooks, "/webhooks")
	version := w.want(200, a, "GET", app, nil).body["version"].(float64)
	w.want(200, a, "PATCH", app, map[string]any{"disabled": true}, match(version))
	w.want(409, a, "POST", again, nil)
	w.want(200, a, "PATCH", app, map[string]any{"disabled": false}, match(version+1))

	w.want(428, a, "PATCH", hooks+"/"+id, map[string]any{"disabled": true})
	off := w.want(200, a, "PATCH", hooks+"/"+id, map[string]any{"disabled": true}, match(1))
	if off.field("disabled") != true || off.field("waiting") != 0.0 {
		t.Errorf("off: %s", off.raw)
	}
	w.want(409, a, "POST", again, nil)
	if r := w.want(412, a, "PATCH", hooks+"/"+id, map[string]any{"url": "https://oa.example/"}, match(1)); r.field("current.disabled") != true || r.field("current.secret") != nil {
		t.Errorf("told %s", r.raw)
	}
	w.want(422, a, "PATCH", hooks+"/"+id, map[string]any{"bot": "stranger"}, match(2))
	w.want(412, a, "DELETE", hooks+"/"+id, nil, match(1))
	w.want(204, a, "DELETE", hooks+"/"+id, nil, match(2))
	w.want(404, a, "GET", hooks+"/"+id, nil)
	actions := ""
	for _, e := range w.want(200, a, "GET", admin+"/audit?limit=200", nil).items() {
		if row := e.(map[string]any); row["target"] == "oa-hooks/"+id {
			actions = row["action"].(string) + " " + actions
		}
	}
	if actions != "webhook.create webhook.test webhook.again webhook.change webhook.delete " {
		t.Errorf("the audit log has %s", actions)
	}

	for range chat.MaxWebhooks {
		w.want(201, a, "POST", hooks, sound(nil))
	}
	w.want(409, a, "POST", hooks, sound(nil))
	// What belongs to a bot, and to an app, goes with it.
	w.want(204, a, "DELETE", admin+"/apps/oa-hooks/bots/robot", nil)
	if r := w.want(200, a, "GET", hooks, nil); len(r.items()) != 0 {
		t.Errorf("without the bot there are %s", r.raw)
	}
	w.want(204, a, "DELETE", admin+"/apps/oa-hooks", nil, match(version+2))
	w.want(404, a, "GET", hooks, nil)
}

func firstKey(m map[string]any) string {
	for k := range m {
		return k
	}
	return ""
}

func strs(v any) (out []string) {
	list, _ := v.([]any)
	for _, one := range list {
		out = append(out, one.(string))
	}
	return out
}

func TestPlainWebhooksNeedAllowedNetworks(t *testing.T) {
	w := newWorld(t, nil)
	w.newHost("oa-hooks", nil)
	w.want(201, "acme/alice", "POST", admin+"/apps/oa-hooks/bots", map[string]any{"uid": "robot", "name": "Robot"})
	body := map[string]any{"url": "http://oa.example/", "events": []string{"message"}, "bot": "robot"}
	if r := w.want(422, "acme/alice", "POST", admin+"/apps/oa-hooks/webhooks", body); r.field("codes.url") != "not-allowed" {
		t.Errorf("told %s", r.raw)
	}
	body["url"] = "https://oa.example/"
	w.want(201, "acme/alice", "POST", admin+"/apps/oa-hooks/webhooks", body)
}
