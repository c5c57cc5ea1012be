package api_test

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"magpie/server/api"
)

// host is another system's server, which signs people in by an app of acme.
type host struct {
	*world
	app, kid, secret string
}

const site = "https://oa.example"

// newHost makes an app and a key of it.
func (w *world) newHost(id string, more map[string]any) *host {
	w.t.Helper()
	body := map[string]any{"id": id, "name": "Office", "origins": []string{site}, "create_users": true}
	maps.Copy(body, more)
	w.want(201, "acme/alice", "POST", "/api/v1/admin/apps", body)
	key := w.want(201, "acme/alice", "POST", "/api/v1/admin/apps/"+id+"/keys", nil)
	return &host{w, id, key.body["id"].(string), key.body["secret"].(string)}
}

// claims are those of a sound token for a user; what more has of nil is left out.
func (h *host) claims(uid string, more jwt.MapClaims) jwt.MapClaims {
	now := time.Now()
	c := jwt.MapClaims{"iss": h.app, "aud": "magpie", "sub": uid, "org": "acme", "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// sign signs claims by HS256 with the host's key.
func (h *host) sign(c jwt.MapClaims) string {
	h.t.Helper()
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	t.Header["kid"] = h.kid
	s, err := t.SignedString([]byte(h.secret))
	must(h.t, err)
	return s
}

func (h *host) exchange(token string, more ...headers) reply {
	h.t.Helper()
	return h.call("", "POST", "/api/v1/auth/exchange", map[string]any{"app": h.app, "token": token}, more...)
}

// refused checks that a token is not taken, and why.
func (h *host) refused(reason, token string) {
	h.t.Helper()
	r := h.exchange(token)
	if r.status != 401 || r.body["type"] != "/problems/host-token" || r.body["reason"] != reason || r.header.Get("Set-Cookie") != "" {
		h.t.Errorf("%d %s, want reason %s", r.status, r.raw, reason)
	}
}

// as makes the headers of a request with an access token.
func as(r reply) headers {
	return headers{"Authorization": "Bearer " + r.body["access_token"].(string)}
}

func TestExchange(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	first := h.exchange(h.sign(h.claims("bob", nil)))
	if first.status != 200 || first.field("user.uid") != "bob" || first.field("org.eid") != "acme" || first.header.Get("Set-Cookie") != "" || first.body["refresh_token"] != nil {
		t.Fatalf("%d %v %s", first.status, first.header, first.raw)
	}
	client := first.field("mqtt.client_id").(string)
	if !strings.HasPrefix(client, "widget-") {
		t.Errorf("client id %s", client)
	}
	if r := w.want(200, "", "GET", "/api/v1/me", nil, as(first)); r.body["uid"] != "bob" {
		t.Errorf("%s", r.raw)
	}
	// The running login goes on; another page has its own; somebody else ends it.
	again := h.exchange(h.sign(h.claims("bob", nil)), as(first))
	if again.field("mqtt.client_id") != client {
		t.Errorf("another client id: %s", again.raw)
	}
	other := h.exchange(h.sign(h.claims("bob", nil)))
	if other.field("mqtt.client_id") == client {
		t.Error("two pages share a client id")
	}
	carol := h.exchange(h.sign(h.claims("carol", nil)), as(first))
	w.want(401, "", "GET", "/api/v1/me", nil, as(first))
	w.want(200, "", "GET", "/api/v1/me", nil, as(other))
	if r := w.want(200, "", "GET", "/api/v1/me", nil, as(carol)); r.body["uid"] != "carol" {
		t.Errorf("%s", r.raw)
	}
	// A page of an administrator does not administer.
	alice := h.exchange(h.sign(h.claims("alice", nil)))
	w.want(404, "", "GET", "/api/v1/admin/users", nil, as(alice))
	if r := w.want(200, "", "GET", "/api/v1/me", nil, as(alice)); r.body["role"] != "member" || alice.field("user.role") != "member" {
		t.Errorf("the page acts as %v: %s", alice.field("user.role"), r.raw)
	}

	// A new user.
	erin := h.exchange(h.sign(h.claims("erin", jwt.MapClaims{"name": "Erin", "email": "Erin@acme.example", "departments": []string{"Sales/North", "Board"}})))
	if erin.status != 200 {
		t.Fatal(erin.raw)
	}
	r := w.want(200, "acme/alice", "GET", "/api/v1/admin/users/erin", nil)
	if r.body["name"] != "Erin" || r.body["email"] != "erin@acme.example" || r.body["department"] != "North" || len(r.body["departments"].([]any)) != 2 || r.body["avatar"] != "" {
		t.Errorf("%s", r.raw)
	}
	log := w.want(200, "acme/alice", "GET", "/api/v1/admin/audit?action=user.create&target=erin", nil)
	if len(log.items()) != 1 || !strings.Contains(log.raw, "oa-prod") {
		t.Errorf("audit: %s", log.raw)
	}

	// Her picture: one that was uploaded for that in the organisation, and no other.
	face := w.upload(201, "acme/bob", "me.png", photo(t, 90, 60), "purpose", "avatar").body["url"].(string)
	sent := w.upload(201, "acme/bob", "x.png", photo(t, 90, 60)).body["url"].(string)
	foreign := w.upload(201, "other/eve", "me.png", photo(t, 90, 60), "purpose", "avatar").body["url"].(string)
	for uid, link := range map[string]string{"gina": face, "hugo": sent, "ivan": foreign, "judy": "/media/none"} {
		h.exchange(h.sign(h.claims(uid, jwt.MapClaims{"avatar": link})))
		want := map[string]any{"gina": face}[uid]
		if r := w.want(200, "acme/bob", "GET", "/api/v1/users/"+uid, nil); want == nil && r.body["avatar"] != "" || want != nil && r.body["avatar"] != want {
			t.Errorf("%s: %s", uid, r.raw)
		}
	}

	for _, link := range []string{"https://elsewhere.example/x.png", face + "/thumb", "x"} {
		h.refused("malformed", h.sign(h.claims("kim", jwt.MapClaims{"avatar": link})))
	}

	// What nobody may sign in as.
	for _, uid := range []string{"bot", "frank"} {
		if uid == "frank" {
			v := w.want(200, "acme/alice", "GET", "/api/v1/admin/apps/oa-prod", nil).body["version"]
			w.want(200, "acme/alice", "PATCH", "/api/v1/admin/apps/oa-prod", map[string]any{"create_users": false}, headers{"If-Match": fmt.Sprintf(`"%v"`, v)})
		}
		if r := h.exchange(h.sign(h.claims(uid, nil))); r.status != 403 || r.body["type"] != "/problems/host-user" {
			t.Errorf("%s: %d %s", uid, r.status, r.raw)
		}
	}
	must(t, w.store.SetDisabled(t.Context(), "acme", "carol", true))
	if r := h.exchange(h.sign(h.claims("carol", nil))); r.status != 403 || r.body["type"] != "/problems/host-user" {
		t.Errorf("disabled: %d %s", r.status, r.raw)
	}
}

// TestPagesLeaveTheAccountAlone: what a page of another system can do for somebody is chat.
func TestPagesLeaveTheAccountAlone(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	page := as(h.exchange(h.sign(h.claims("bob", nil))))
	w.want(200, "", "GET", "/api/v1/me", nil, page)
	w.want(204, "", "PUT", "/api/v1/me/presence", map[string]any{"status": "busy"}, page)
	w.want(403, "", "PATCH", "/api/v1/me", map[string]any{"name": "Bobby"}, page)
	w.want(403, "", "GET", "/api/v1/me/sessions", nil, page)
	w.want(403, "", "DELETE", "/api/v1/me/sessions/x", nil, page)
}

// TestPagesAreBounded opens more pages than one person may have of an app.
func TestPagesAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	var pages []headers
	for range 51 {
		pages = append(pages, as(h.exchange(h.sign(h.claims("bob", nil)))))
	}
	other := as(h.exchange(h.sign(h.claims("carol", nil))))
	w.want(401, "", "GET", "/api/v1/me", nil, pages[0])
	for _, page := range append(pages[1:], other) {
		w.want(200, "", "GET", "/api/v1/me", nil, page)
	}
}

// TestExchangeHasARate: one person signs in by an app 60 times a minute and not more, whatever the tokens are. One that was used before counts for nobody.
func TestExchangeHasARate(t *testing.T) {
	w, c := newKeyWorld(t, newKeyServer(t))
	h := w.newHost("oa-prod", nil)
	for i := range 60 {
		if r := h.exchange(h.sign(h.claims("carol", nil))); r.status != 200 {
			t.Fatalf("exchange %d: %d %s", i, r.status, r.raw)
		}
	}
	later := jwt.MapClaims{"exp": time.Now().Add(4 * time.Minute).Unix()}
	token := h.sign(h.claims("carol", later))
	r := h.exchange(token)
	if wait, err := strconv.Atoi(r.header.Get("Retry-After")); r.status != 429 || r.body["type"] != "/problems/too-often" || err != nil || wait < 1 || wait > 60 {
		t.Errorf("%d %v %s", r.status, r.header, r.raw)
	}
	used := h.sign(h.claims("bob", later))
	if r := h.exchange(used); r.status != 200 {
		t.Errorf("somebody else: %d %s", r.status, r.raw)
	}
	for range 60 {
		h.refused("replayed", used)
	}
	if r := h.exchange(h.sign(h.claims("bob", nil))); r.status != 200 {
		t.Errorf("after repeats: %d %s", r.status, r.raw)
	}
	c.ahead.Store(int64(time.Minute))
	if r := h.exchange(token); r.status != 200 {
		t.Errorf("a minute later: %d %s", r.status, r.raw)
	}
}

// TestExchangesOfAnAddressAreBounded: before anything of the token is looked at.
func TestExchangesOfAnAddressAreBounded(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Limits.ExchangeRate = 1 })
	for range 1000 {
		r := w.call("", "POST", "/api/v1/auth/exchange", map[string]any{"app": "none", "token": "x"})
		switch {
		case r.status == 404:
			continue
		case r.status != 429 || r.body["type"] != "/problems/too-often" || r.header.Get("Retry-After") == "":
			t.Errorf("%d %v %s", r.status, r.header, r.raw)
		}
		return
	}
	t.Error("a thousand were taken")
}

// TestKeyThatSomebodyElseHas deletes keys: pages that one has signed in stay, or end at once where that is wanted.
func TestKeyThatSomebodyElseHas(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	other := w.newHost("oa-test", nil)
	page, elsewhere := as(h.exchange(h.sign(h.claims("bob", nil)))), as(other.exchange(other.sign(other.claims("bob", nil))))
	w.want(204, "acme/alice", "DELETE", "/api/v1/admin/apps/oa-prod/keys/"+h.kid, nil)
	w.want(200, "", "GET", "/api/v1/me", nil, page)
	key := w.want(201, "acme/alice", "POST", "/api/v1/admin/apps/oa-prod/keys", nil)
	w.want(204, "acme/alice", "DELETE", "/api/v1/admin/apps/oa-prod/keys/"+key.body["id"].(string)+"?end_pages=true", nil)
	w.want(401, "", "GET", "/api/v1/me", nil, page)
	w.want(200, "", "GET", "/api/v1/me", nil, elsewhere)
	if log := w.want(200, "acme/alice", "GET", "/api/v1/admin/audit?action=app.key.delete", nil); len(log.items()) != 2 || !strings.Contains(log.raw, "end_pages") {
		t.Errorf("audit: %s", log.raw)
	}
}

func TestPanel(t *testing.T) {
	w := newWorld(t, func(o *api.Options) {
		pages := o.Pages.(fstest.MapFS)
		pages["embed.html"] = &fstest.MapFile{Data: []byte("<!doctype html><html><head><title>panel</title></head></html>")}
		pages["embed/loader.js"] = &fstest.MapFile{Data: []byte("(()=>{})()")}
	})
	w.newHost("oa-prod", map[string]any{"origins": []string{site, "http://localhost:3000"}})
	r := w.want(200, "", "GET", "/embed/v1/panel?app=oa-prod", nil)
	csp := r.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "frame-ancestors 'self' https://oa.example http://localhost:3000") || strings.Contains(csp, "'none'; frame") || r.header.Get("X-Frame-Options") != "" ||
		!strings.Contains(r.raw, `<meta name="magpie-origins" content="`+w.url+` https://oa.example http://localhost:3000">`) || !strings.Contains(csp, "script-src 'self';") {
		t.Errorf("%v\n%s", r.header, r.raw)
	}
	tag := r.header.Get("ETag")
	w.want(304, "", "GET", "/embed/v1/panel?app=oa-prod", nil, headers{"If-None-Match": tag})
	w.want(200, "acme/alice", "PATCH", "/api/v1/admin/apps/oa-prod", map[string]any{"origins": []string{site}}, headers{"If-Match": `"1"`})
	w.want(200, "", "GET", "/embed/v1/panel?app=oa-prod", nil, headers{"If-None-Match": tag})

	for _, app := range []string{"", "none", "oa-prod%20", "oa-prod;"} {
		r := w.want(404, "", "GET", "/embed/v1/panel?app="+app, nil)
		if !strings.Contains(r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || r.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%q may be framed: %v", app, r.header)
		}
	}
	r = w.want(200, "", "GET", "/embed/v1/loader.js", nil, headers{"Origin": "https://anywhere.example"})
	if r.header.Get("Access-Control-Allow-Origin") != "*" || r.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || r.header.Get("ETag") == "" || r.header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%v", r.header)
	}
}
