package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"magpie/server/api"
	"magpie/server/chat"
)

func (h *host) bot(uid string) {
	h.t.Helper()
	h.want(201, "acme/alice", "POST", admin+"/apps/"+h.app+"/bots", map[string]any{"uid": uid, "name": "The " + uid})
}

func (h *host) apiKey(bot string, scopes ...string) string {
	h.t.Helper()
	return h.want(201, "acme/alice", "POST", admin+"/apps/"+h.app+"/api-keys", map[string]any{"name": "CI", "bot": bot, "scopes": scopes}).body["key"].(string)
}

func key(k string) headers { return headers{"Authorization": "Bearer " + k} }

func TestAPIKeys(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("build", nil)
	h.bot("builder")
	gid := w.group()
	w.want(200, "acme/alice", "POST", "/api/v1/groups/"+gid+"/members", map[string]any{"uids": []string{"builder"}})
	if r := w.want(200, "acme/bob", "GET", "/api/v1/users/builder", nil); r.body["service"] != true {
		t.Errorf("a bot is not marked: %s", r.raw)
	}
	if r := w.want(200, "acme/alice", "GET", admin+"/users/builder", nil); r.body["invited"] != false {
		t.Errorf("a bot is asked for a password: %s", r.raw)
	}
	read, write, groups := h.apiKey("builder", "read"), h.apiKey("builder", "write"), h.apiKey("builder", "groups", "read")
	messages := "/api/v1/conversations/g:" + gid + "/messages"

	// Each scope, and what it does not hold.
	w.want(201, "", "POST", messages, textMessage("built"), key(write))
	w.want(200, "", "GET", messages, nil, key(read))
	w.want(200, "", "PUT", "/api/v1/contacts/bob", nil, key(write))
	w.want(201, "", "POST", "/api/v1/groups", map[string]any{"name": "Builds", "members": []string{"bob"}}, key(groups))
	for _, c := range []struct{ key, method, path string }{
		{read, "POST", messages}, {write, "GET", messages}, {read, "POST", "/api/v1/groups"}, {groups, "POST", messages}, {read, "POST", "/api/v1/media"}, {write, "GET", "/media/x"}, {read, "PUT", "/api/v1/contacts/bob"},
		// What no key may, whatever its scopes.
		{groups, "GET", admin + "/users"}, {write, "PATCH", "/api/v1/me"}, {read, "GET", "/api/v1/me/sessions"},
	} {
		r := w.want(403, "", c.method, c.path, textMessage("x"), key(c.key))
		if r.body["type"] != "/problems/key-scope" {
			t.Errorf("%s %s: %s", c.method, c.path, r.raw)
		}
	}
	// A program that signs out does not take its key away from others; and nobody asks for other people's subscriptions by one.
	if r := w.want(403, "", "POST", "/api/v1/auth/logout", nil, key(read)); r.body["type"] != "/problems/key-scope" {
		t.Error(r.raw)
	}
	w.want(403, "", "GET", "/api/v1/presubscriptions?uid=alice", nil, key(read))
	// Wrong ones.
	for _, k := range []string{read[:len(read)-1] + "7", "mgp_aaaaaaaa_" + read[13:], strings.ToUpper(read), read + "a", read[:12]} {
		if k == read {
			k = read[:len(read)-1] + "6"
		}
		w.want(401, "", "GET", "/api/v1/me", nil, key(k))
	}
	for _, body := range []map[string]any{{"name": "x", "bot": "bob", "scopes": []string{"read"}}, {"name": "x", "bot": "builder", "scopes": []string{"all"}}, {"name": "x", "bot": "builder", "scopes": []string{}}} {
		w.want(422, "acme/alice", "POST", admin+"/apps/build/api-keys", body)
	}

	// Rotation: the old one works beside the new one, until its end.
	path := admin + "/apps/build/api-keys"
	next := w.want(201, "acme/alice", "POST", path+"/"+read[:12]+"/rotate", nil).body["key"].(string)
	w.want(200, "", "GET", "/api/v1/me", nil, key(read))
	w.want(200, "", "GET", "/api/v1/me", nil, key(next))
	w.want(409, "acme/alice", "POST", path+"/"+read[:12]+"/rotate", nil)
	found := false
	for _, item := range w.want(200, "acme/alice", "GET", path, nil).items() {
		k := item.(map[string]any)
		if strings.Contains(fmt.Sprint(k), read[13:]) {
			t.Error("the list tells a secret")
		}
		if k["id"] == read[:12] {
			found = k["expires"] != nil
		}
	}
	if !found {
		t.Error("the old key has no end")
	}
	w.want(204, "acme/alice", "DELETE", path+"/"+read[:12], nil)
	w.want(401, "", "GET", "/api/v1/me", nil, key(read))
	w.want(404, "acme/alice", "DELETE", path+"/"+read[:12], nil)

	// Off and on: the app, the bot, the organisation.
	version := func() any { return w.want(200, "acme/alice", "GET", admin+"/apps/build", nil).body["version"] }
	for _, on := range []bool{false, true} {
		status := map[bool]int{false: 401, true: 200}[on]
		w.want(200, "acme/alice", "PATCH", admin+"/apps/build", map[string]any{"disabled": !on}, match(version()))
		w.want(status, "", "GET", "/api/v1/me", nil, key(next))
	}
	for _, on := range []bool{false, true} {
		status := map[bool]int{false: 401, true: 200}[on]
		w.want(200, "acme/alice", "PATCH", admin+"/apps/build/bots/builder", map[string]any{"disabled": !on}, match(version()))
		w.want(status, "", "GET", "/api/v1/me", nil, key(next))
	}
	w.want(204, "acme/alice", "DELETE", admin+"/apps/build/bots/builder", nil)
	w.want(401, "", "GET", "/api/v1/me", nil, key(next))
	if n := len(w.want(200, "acme/alice", "GET", path, nil).items()); n != 0 {
		t.Errorf("%d keys of a bot that is gone", n)
	}
	for _, action := range []string{"app.create", "app.key.create", "app.bot.create", "app.api_key.create", "app.api_key.rotate", "app.api_key.delete", "app.change", "app.bot.change", "app.bot.delete"} {
		r := w.want(200, "acme/alice", "GET", admin+"/audit?action="+action, nil)
		if len(r.items()) == 0 || strings.Contains(r.raw, next[13:]) || strings.Contains(r.raw, h.secret) {
			t.Errorf("audit of %s: %s", action, r.raw)
		}
	}
}

// TestKeysMayNotAdminister holds the scopes to what the documentation says: no operation of administration or of accounts has one.
func TestKeysMayNotAdminister(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("build", nil)
	h.bot("builder")
	all := h.apiKey("builder", "read", "write", "groups", "mqtt")
	for path, methods := range readDocument(t, api.New(api.Options{})).Paths {
		for method := range methods {
			if strings.HasPrefix(path, admin+"/") || strings.HasPrefix(path, "/api/v1/me/sessions") || path == "/api/v1/me" && method == "patch" || strings.HasPrefix(path, "/api/v1/org") {
				w.want(403, "", strings.ToUpper(method), strings.NewReplacer("{", "", "}", "").Replace(path), nil, key(all))
			}
		}
	}
}

func TestIncomingWebhooks(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("build", nil)
	h.bot("builder")
	gid := w.group()
	hooks := admin + "/apps/build/incoming"
	w.want(422, "acme/alice", "POST", hooks, map[string]any{"name": "Builds", "bot": "builder", "conv": "g:" + gid}) // it is not in the group
	w.want(422, "acme/alice", "POST", hooks, map[string]any{"name": "Builds", "bot": "bob", "conv": "g:" + gid})
	w.want(200, "acme/alice", "POST", "/api/v1/groups/"+gid+"/members", map[string]any{"uids": []string{"builder"}})
	url := w.want(201, "acme/alice", "POST", hooks, map[string]any{"name": "Builds", "bot": "builder", "conv": "g:" + gid}).body["url"].(string)
	at, ours := strings.CutPrefix(url, w.url)
	if !ours || !strings.HasPrefix(at, "/hooks/") {
		t.Fatal(url)
	}
	first := w.want(200, "", "POST", at, map[string]any{"text": "built", "id": "build-1"})
	if again := w.want(200, "", "POST", at, map[string]any{"text": "built", "id": "build-1"}); again.body["seq"] != first.body["seq"] {
		t.Errorf("a repeat is stored again: %s %s", first.raw, again.raw)
	}
	w.want(200, "", "POST", at, textMessage("as media"))
	got := w.want(200, "acme/bob", "GET", "/api/v1/conversations/g:"+gid+"/messages", nil).items()
	if len(got) != 2 || got[0].(map[string]any)["sender"] != "builder" {
		t.Errorf("%v", got)
	}
	for body, status := range map[string]int{`{}`: 422, `{"text":""}`: 422, `{"text":"a","media":[]}`: 422, `{"text":"a","more":1}`: 400, `[`: 400, `{"text":1}`: 400, `{"text":"a"}{}`: 400,
		`{"media":[{"type":1,"content":{"co":"/media/nothing"}}]}`: 422, `{"media":[{"type":300,"content":{}}]}`: 422, `{"text":"` + strings.Repeat("a", 20000) + `"}`: 413} {
		w.want(status, "", "POST", at, body)
	}
	w.want(415, "", "POST", at, "text=a", headers{"Content-Type": "application/x-www-form-urlencoded"})

	// Nothing tells a wrong address from one that was.
	parts := strings.Split(at, "/")
	for _, wrong := range []string{at + "x", "/hooks/0000/" + parts[3], "/hooks//" + parts[3]} {
		w.want(404, "", "POST", wrong, map[string]any{"text": "x"})
	}
	if strings.Contains(w.log.String(), parts[3]) {
		t.Error("the log tells a secret")
	}
	w.want(200, "acme/alice", "PATCH", admin+"/apps/build", map[string]any{"disabled": true}, match(1))
	w.want(404, "", "POST", at, map[string]any{"text": "x"})
	w.want(200, "acme/alice", "PATCH", admin+"/apps/build", map[string]any{"disabled": false}, match(2))
	w.want(204, "acme/alice", "DELETE", "/api/v1/groups/"+gid+"/members/builder", nil)
	w.want(404, "", "POST", at, map[string]any{"text": "x"}) // the group is none of the bot's affair any more
	w.want(204, "acme/alice", "DELETE", hooks+"/"+parts[2], nil)
	w.want(404, "", "POST", at, map[string]any{"text": "x"})
}

// TestIncomingWebhooksAreSlowed posts faster than a webhook may.
func TestIncomingWebhooksAreSlowed(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("build", nil)
	h.bot("builder")
	at := strings.TrimPrefix(w.want(201, "acme/alice", "POST", admin+"/apps/build/incoming", map[string]any{"name": "Builds", "bot": "builder", "conv": "u:bob"}).body["url"].(string), w.url)
	for range 100 {
		if r := w.call("", "POST", at, map[string]any{"text": "x"}); r.status == 429 {
			if r.header.Get("Retry-After") == "" || r.body["type"] != "/problems/sending-too-fast" {
				t.Errorf("%v %s", r.header, r.raw)
			}
			return
		}
	}
	t.Error("nothing slows a webhook")
}

func TestOrigins(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	other := w.newHost("crm", map[string]any{"origins": []string{"https://crm.example"}})
	from := func(origin string) headers { return headers{"Origin": origin, "Sec-Fetch-Site": "cross-site"} }
	page := h.exchange(h.sign(h.claims("bob", nil)), from(site))
	if page.status != 200 || page.header.Get("Access-Control-Allow-Origin") != site || page.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(strings.Join(page.header.Values("Vary"), ","), "Origin") {
		t.Fatalf("%d %v %s", page.status, page.header, page.raw)
	}
	// Where the token is used.
	crm := other.exchange(other.sign(other.claims("bob", nil)), from("https://crm.example"))
	for _, c := range []struct {
		token  headers
		origin string
		status int
		cors   bool
	}{
		{as(page), site, 200, true}, {as(page), "https://crm.example", 403, true}, {as(crm), site, 403, true}, {as(page), "https://evil.example", 403, false}, {as(page), "null", 403, false},
		{as(page), "https://oa.example.evil.example", 403, false}, {as(page), "http://oa.example", 403, false}, {as(page), w.url, 200, false},
		{headers{"Authorization": "Bearer " + w.token("acme/bob")}, site, 403, true},
	} {
		r := w.want(c.status, "", "GET", "/api/v1/me", nil, c.token, headers{"Origin": c.origin})
		if allowed := r.header.Get("Access-Control-Allow-Origin"); (allowed == c.origin) != c.cors || allowed == "*" {
			t.Errorf("from %s: %v", c.origin, r.header)
		}
		if c.status == 403 && r.body["type"] != "/problems/app-origin" {
			t.Errorf("from %s: %s", c.origin, r.raw)
		}
	}
	for _, origin := range []string{"https://crm.example", "https://evil.example", "null"} {
		if r := h.exchange(h.sign(h.claims("bob", nil)), from(origin)); r.status != 403 || r.body["type"] != "/problems/app-origin" {
			t.Errorf("exchange from %s: %d %s", origin, r.status, r.raw)
		}
	}
	// Preflights.
	for origin, ok := range map[string]bool{site: true, "https://evil.example": false} {
		r := w.want(204, "", "OPTIONS", "/api/v1/me", nil, headers{"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"})
		if got := strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Authorization") && r.header.Get("Access-Control-Allow-Origin") == origin; got != ok {
			t.Errorf("preflight from %s: %v", origin, r.header)
		}
	}
	// A sign-out from there; with a cookie alone it is another site's doing.
	w.want(403, "", "POST", "/api/v1/auth/logout", "{}", from(site))
	w.want(204, "", "POST", "/api/v1/auth/logout", "{}", as(crm), from("https://crm.example"))
	w.want(401, "", "GET", "/api/v1/me", nil, as(crm))
	// An origin that is taken away ends the logins of pages; one that is added does not.
	w.want(200, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"origins": []string{site, "https://two.example"}}, match(1))
	w.want(200, "", "GET", "/api/v1/me", nil, as(page))
	w.want(200, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"origins": []string{"https://two.example"}}, match(2))
	w.want(401, "", "GET", "/api/v1/me", nil, as(page))
	if r := w.call("", "GET", "/api/v1/about", nil, from(site)); r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin that was taken away is answered")
	}

	for _, bad := range []string{"oa.example", "https://oa.example/chat", "https://*.example", "https://oa.example; script-src *", "ftp://oa.example", "https://a:b@oa.example", "https://", "null", "*", "https://oa.example,https://b.example", "https://oa.example?x"} {
		w.want(422, "acme/alice", "PATCH", admin+"/apps/crm", map[string]any{"origins": []string{bad}}, match(1))
	}
	r := w.want(200, "acme/alice", "PATCH", admin+"/apps/crm", map[string]any{"origins": []string{"HTTPS://Oa.Example:443/", "https://oa.example", "http://localhost:3000", "http://[::1]:80"}}, match(1))
	if fmt.Sprint(r.body["origins"]) != "[https://oa.example http://localhost:3000 http://[::1]]" {
		t.Errorf("%s", r.raw)
	}
}

func TestApps(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	for _, id := range []string{"", "a", "Oa", "oa_prod", "-oa", "oa-", strings.Repeat("a", 41)} {
		w.want(422, "acme/alice", "POST", admin+"/apps", map[string]any{"id": id, "name": "x"})
	}
	w.want(409, "other/alice", "POST", admin+"/apps", map[string]any{"id": "oa-prod", "name": "Mine"})
	w.want(422, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"jwks_url": "http://oa.example/jwks"}, match(1))
	w.want(428, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"name": "x"})
	w.want(200, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"name": "New"}, match(1))
	if r := w.want(412, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"name": "x"}, match(1)); r.field("current.name") != "New" {
		t.Errorf("%s", r.raw)
	}
	// What the address of a key set has in its query may be secret: the audit log says that it was changed, and not into what.
	for i, url := range []string{"https://oa.example/jwks?code=hunter1&v", "https://oa.example/jwks?code=hunter2&v"} {
		w.want(200, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"jwks_url": url}, match(2+i))
	}
	if log := w.want(200, "acme/alice", "GET", admin+"/audit?action=app.change", nil); len(log.items()) != 3 || strings.Contains(log.raw, "hunter") || !strings.Contains(log.raw, "https://oa.example/jwks?code=…") {
		t.Errorf("audit: %s", log.raw)
	}
	// Two keys, and no more; one goes, and what it has signed with it.
	second := w.want(201, "acme/alice", "POST", admin+"/apps/oa-prod/keys", nil)
	w.want(409, "acme/alice", "POST", admin+"/apps/oa-prod/keys", nil)
	with := *h
	with.kid, with.secret = second.body["id"].(string), second.body["secret"].(string)
	for _, each := range []*host{h, &with} {
		if r := each.exchange(each.sign(each.claims("bob", nil))); r.status != 200 {
			t.Errorf("%d %s", r.status, r.raw)
		}
	}
	w.want(204, "acme/alice", "DELETE", admin+"/apps/oa-prod/keys/"+h.kid, nil)
	h.refused("signature", h.sign(h.claims("bob", nil)))
	got := w.want(200, "acme/alice", "GET", admin+"/apps/oa-prod", nil)
	if keys, _ := got.body["keys"].([]any); len(keys) != 1 || keys[0].(map[string]any)["last_used"] == nil || strings.Contains(got.raw, with.secret) {
		t.Errorf("%s", got.raw)
	}
	// A token to try it with, which is in the audit log.
	token := w.want(200, "acme/alice", "POST", admin+"/apps/oa-prod/test-token", map[string]any{"uid": "bob"}).body["token"].(string)
	if r := h.exchange(token); r.status != 200 || r.field("user.uid") != "bob" {
		t.Errorf("%d %s", r.status, r.raw)
	}
	h.refused("replayed", token)
	if n := len(w.want(200, "acme/alice", "GET", admin+"/audit?action=app.test_token", nil).items()); n != 1 {
		t.Errorf("%d entries for a test token", n)
	}
	page := h.exchange(with.sign(with.claims("bob", nil)))
	w.want(204, "acme/alice", "DELETE", admin+"/apps/oa-prod", nil, match(4))
	w.want(401, "", "GET", "/api/v1/me", nil, as(page))
	w.want(404, "acme/alice", "GET", admin+"/apps/oa-prod", nil)
	w.want(409, "acme/alice", "POST", admin+"/apps", map[string]any{"id": "oa-prod", "name": "Again"})
	if r := h.exchange(with.sign(with.claims("bob", nil))); r.status != 404 {
		t.Errorf("%d %s", r.status, r.raw)
	}
	role := chat.Auditor
	_, err := w.store.UpdateUser(t.Context(), "acme", "alice", chat.UserChange{Role: &role})
	must(t, err)
	w.want(200, "acme/alice", "GET", admin+"/apps", nil)
	w.want(403, "acme/alice", "POST", admin+"/apps", map[string]any{"id": "one", "name": "x"})
}

// TestPanelOfADisabledApp: nobody may frame it.
func TestPanelOfADisabledApp(t *testing.T) {
	w := newWorld(t, nil)
	w.newHost("oa-prod", nil)
	w.want(200, "acme/alice", "PATCH", admin+"/apps/oa-prod", map[string]any{"disabled": true}, match(1))
	w.want(404, "", "GET", "/embed/v1/panel?app=oa-prod", nil)
	e := api.New(api.Options{Store: w.store, Auth: w.auth})
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest("GET", "/embed/v1/loader.js", nil))
	if rec.Code != http.StatusNotFound {
		t.Errorf("without pages: %d", rec.Code)
	}
}
