package main

import (
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"magpie/server/chat"
)

const office = "https://oa.example"

// shellActor speaks for the machine.
var shellActor = chat.Actor{EID: demoEID, Addr: chat.ActorShell}

// hostApp is an app of the demo organisation with a signing key and a bot.
type hostApp struct {
	*node
	id, secret string
	version    int64
}

func (n *node) app(id string) *hostApp {
	n.t.Helper()
	admin := n.token("alice")
	n.must("POST", "/api/v1/admin/apps", admin, map[string]any{"id": id, "name": "Office", "origins": []string{office}, "create_users": true})
	key := n.must("POST", "/api/v1/admin/apps/"+id+"/keys", admin, nil)
	n.must("POST", "/api/v1/admin/apps/"+id+"/bots", admin, map[string]any{"uid": id + "-bot", "name": "Bot"})
	return &hostApp{n, id, key["secret"].(string), 1}
}

// change changes the app as an administrator would.
func (a *hostApp) change(c chat.AppChange) {
	a.t.Helper()
	app, err := a.store.UpdateApp(a.t.Context(), shellActor, a.id, a.version, c)
	if err != nil {
		a.t.Fatal(err)
	}
	a.version = app.Version
}

// page signs somebody in as a page of the app does, and returns the access token and the client id.
func (a *hostApp) page(uid string) (token, client string) {
	a.t.Helper()
	now := time.Now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": a.id, "aud": "magpie", "sub": uid, "org": demoEID, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}).SignedString([]byte(a.secret))
	if err != nil {
		a.t.Fatal(err)
	}
	s := a.must("POST", "/api/v1/auth/exchange", "", map[string]string{"app": a.id, "token": signed})
	return s["access_token"].(string), s["mqtt"].(map[string]any)["client_id"].(string)
}

func (a *hostApp) apiKey(scopes ...string) (id, key string) {
	a.t.Helper()
	made := a.must("POST", "/api/v1/admin/apps/"+a.id+"/api-keys", a.token("alice"), map[string]any{"name": "CI", "bot": a.id + "-bot", "scopes": scopes})
	return made["id"].(string), made["key"].(string)
}

// socket opens a WebSocket as a page of an origin does; nil when that is refused.
func (n *node) socket(origin string) net.Conn {
	n.t.Helper()
	c, answer, err := websocket.Dial(n.t.Context(), strings.Replace(n.addr["http"], "http", "ws", 1)+"/mqtt",
		&websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPHeader: http.Header{"Origin": {origin}}})
	if err != nil {
		if answer == nil || answer.StatusCode != http.StatusForbidden {
			n.t.Errorf("from %s: %v", origin, err)
		}
		return nil
	}
	c.SetReadLimit(1 << 20)
	return websocket.NetConn(n.t.Context(), c, websocket.MessageBinary)
}

// TestPagesOfApps connects pages of an app's origins: each has its own session, of that app alone, and all end with the login, the origin or the app.
func TestPagesOfApps(t *testing.T) {
	n := startNode(t, nil)
	a, other := n.app("oa-prod"), n.app("crm")
	token, cid := a.page("bob")
	first, _ := n.dial("bob", dialOptions{password: token, id: cid, conn: n.socket(office)})
	// Another page of the same person: both stay.
	token2, cid2 := a.page("bob")
	second, _ := n.dial("bob", dialOptions{password: token2, id: cid2, conn: n.socket(office)})
	carol := n.online("carol")
	carol.say("im/u", "bob", "hello")
	for _, x := range []*client{first, second} {
		if got := x.text(topicOf("im/u", "bob")); got != "hello" {
			t.Errorf("a page reads %q", got)
		}
	}
	// Whose token may come from where.
	foreign, _ := other.page("bob")
	n.dial("bob", dialOptions{password: foreign, conn: n.socket(office), wantCode: 0}) // both apps allow this origin
	other.change(chat.AppChange{Origins: &[]string{"https://crm.example"}})
	foreign, _ = other.page("bob")
	n.dial("bob", dialOptions{password: foreign, conn: n.socket(office), wantCode: 0x87})
	n.dial("bob", dialOptions{password: n.token("bob"), conn: n.socket(office), wantCode: 0x87})
	for _, origin := range []string{"https://evil.example", "null", "http://oa.example", "https://oa.example:8443"} {
		if c := n.socket(origin); c != nil {
			t.Errorf("a page of %s connects", origin)
		}
	}
	own, _ := a.page("dave")
	n.dial("dave", dialOptions{password: own, conn: n.socket(n.addr["http"])}) // the panel is a page of our own

	// A page of an administrator is bound by the policies like everybody.
	org, err := n.store.Org(t.Context(), demoEID)
	if err != nil {
		t.Fatal(err)
	}
	org.Settings.MessageWhom = chat.ForContacts
	if err := n.store.UpdateOrg(t.Context(), org); err != nil {
		t.Fatal(err)
	}
	n.must("POST", "/api/v1/admin/users", n.token("alice"), map[string]any{"uid": "zoe", "name": "Zoe"})
	admin := n.online("alice")
	token, cid = a.page("alice")
	page, _ := n.dial("alice", dialOptions{password: token, id: cid, conn: n.socket(office)})
	for who, want := range map[*client]byte{admin: 0, page: 0x87} {
		if ack := who.publish(topicOf("im/u", "zoe"), im(chat.IMPair, "alice", "hello"), 1, nil); ack.ReasonCode != want {
			t.Errorf("answered %#x, want %#x", ack.ReasonCode, want)
		}
	}

	// An origin that goes ends them.
	a.change(chat.AppChange{Origins: &[]string{"https://new.example"}})
	for _, x := range []*client{first, second} {
		if r := x.ended(); r != 0x98 {
			t.Errorf("a page's session ends with %#x", r)
		}
	}
	if n.socket(office) != nil {
		t.Error("an origin that was taken away connects")
	}
	// So does the app.
	token, cid = a.page("bob")
	x, _ := n.dial("bob", dialOptions{password: token, id: cid, conn: n.socket("https://new.example")})
	off := true
	a.change(chat.AppChange{Disabled: &off})
	if r := x.ended(); r != 0x98 {
		t.Errorf("the session ends with %#x", r)
	}
	n.dial("bob", dialOptions{password: token, wantCode: 0x86})
}

// TestLoginOfAPageHasItsTime: when nobody prolongs it, it ends as by a sign-out.
func TestLoginOfAPageHasItsTime(t *testing.T) {
	n := startNode(t, nil)
	a := n.app("oa-prod")
	token, cid := a.page("bob")
	x, _ := n.dial("bob", dialOptions{password: token, id: cid})
	logins, err := n.store.Logins(t.Context(), demoEID, "bob")
	if err != nil || len(logins) == 0 {
		t.Fatal(err, logins)
	}
	at := logins[0]
	if left := time.Until(at.Expires); at.App != "oa-prod" || left < 59*time.Minute || left > time.Hour {
		t.Errorf("the login of %q ends in %s", at.App, left)
	}
	if err := n.store.EndExpiredLogins(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	n.must("GET", "/api/v1/me", token, nil)
	if err := n.store.EndExpiredLogins(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if r := x.ended(); r != 0x98 {
		t.Errorf("the session ends with %#x", r)
	}
	if err := n.store.EndExpiredLogins(t.Context(), time.Now().Add(3*time.Hour)); err != nil { // it is forgotten
		t.Fatal(err)
	}
	if status, _ := n.call("GET", "/api/v1/me", token, nil); status != http.StatusUnauthorized {
		t.Errorf("the token is good: %d", status)
	}
}

// TestProgramsByMQTT connects a bot by its API key: it writes and hears, follows connect/new, and ends with the key.
func TestProgramsByMQTT(t *testing.T) {
	n := startNode(t, nil)
	a := n.app("oa-prod")
	_, noMQTT := a.apiKey("read", "write")
	n.dial("oa-prod-bot", dialOptions{password: noMQTT, wantCode: 0x87})
	id, key := a.apiKey("mqtt")
	n.dial("bob", dialOptions{password: key, wantCode: 0x87}) // another's
	n.dial("oa-prod-bot", dialOptions{password: key[:len(key)-4] + "aaaa", wantCode: 0x86})
	one, _ := n.dial("oa-prod-bot", dialOptions{password: key, id: "one", clean: true})
	two, _ := n.dial("oa-prod-bot", dialOptions{password: key, id: "two", clean: true})
	bob := n.online("bob")
	bob.say("im/u", "oa-prod-bot", "ping")
	one.text(topicOf("im/u", "oa-prod-bot"))
	two.text(topicOf("im/u", "oa-prod-bot"))
	one.say("im/u", "bob", "pong")
	if got := bob.text(topicOf("im/u", "bob")); got != "pong" {
		t.Errorf("bob reads %q", got)
	}

	// connect/new, for a bot and for nobody who merely calls itself a service.
	if got := one.subscribe("/e/demo/connect/new", 1); got != 1 {
		t.Errorf("a bot may not follow connect/new: %#x", got)
	}
	service, _ := n.dial("carol", dialOptions{terminal: "service", clean: true})
	if got := service.subscribe("/e/demo/connect/new", 1); got != 0x87 {
		t.Errorf("a member follows connect/new: %#x", got)
	}
	page, pageClient := a.page("alice") // an administrator, by a page
	widget, _ := n.dial("alice", dialOptions{password: page, id: pageClient})
	if got := widget.subscribe("/e/demo/connect/new", 1); got != 0x87 {
		t.Errorf("a page follows connect/new: %#x", got)
	}
	for {
		var came struct{ UID, Terminal string }
		if err := json.Unmarshal(one.message("/e/demo/connect/new").Payload, &came); err != nil {
			t.Fatal(err)
		}
		if came.UID == "alice" && came.Terminal == "widget" {
			break
		}
	}

	// The app off and on: the same key.
	off, on := true, false
	a.change(chat.AppChange{Disabled: &off})
	for _, x := range []*client{one, two} {
		if r := x.ended(); r != 0x98 {
			t.Errorf("a program's session ends with %#x", r)
		}
	}
	n.dial("oa-prod-bot", dialOptions{password: key, wantCode: 0x86})
	a.change(chat.AppChange{Disabled: &on})
	one, _ = n.dial("oa-prod-bot", dialOptions{password: key, id: "one"})
	if err := n.store.DeleteAPIKey(t.Context(), shellActor, "oa-prod", id); err != nil {
		t.Fatal(err)
	}
	if r := one.ended(); r != 0x98 {
		t.Errorf("a program's session ends with %#x", r)
	}
}

// TestAppCommands makes an app from the shell, beside a running server and on a stopped one.
func TestAppCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	s := serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	sh := func(args ...string) string {
		t.Helper()
		said, err := run(t, append([]string{"app", "--data", dir}, args...)...)
		if err != nil {
			t.Errorf("magpie app %q: %v %s", args, err, said)
		}
		return said
	}
	sh("add", "demo/oa-prod", "--name", "Office", "--origin", office, "--origin", "http://localhost:3000", "--create-users")
	var key struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(sh("--json", "key", "demo/oa-prod")), &key); err != nil || len(key.Secret) < 40 {
		t.Errorf("key: %v %v", err, key)
	}
	sh("bot", "demo/oa-prod", "office", "--name", "Office")
	apiKey := strings.TrimSpace(sh("api-key", "demo/oa-prod", "office", "--name", "CI", "--scope", "read,write"))
	if status, me := s.call("GET", "/api/v1/me", apiKey, nil); status != 200 || me["uid"] != "office" {
		t.Errorf("%d %v", status, me)
	}
	s.stop()
	sh("change", "demo/oa-prod", "--origin", office, "--no-create-users")
	sh("drop-key", "demo/oa-prod", key.ID, "--end-pages")
	var list []chat.App
	if err := json.Unmarshal([]byte(sh("--json", "list", "demo")), &list); err != nil || len(list) != 1 || len(list[0].Origins) != 1 || len(list[0].Keys) != 0 {
		t.Errorf("list: %v %v", err, list)
	}
	sh("disable", "demo/oa-prod")
	sh("enable", "demo/oa-prod")
	sh("delete", "demo/oa-prod")
	for _, bad := range [][]string{{"add", "demo/oa-prod", "--name", "Again"}, {"add", "oa-prod", "--name", "x"}, {"key", "demo/none"}, {"add", "demo/two", "--name", "x", "--origin", "oa.example"}} {
		if said, err := run(t, append([]string{"app", "--data", dir}, bad...)...); err == nil {
			t.Errorf("%q is taken: %s", bad, said)
		}
	}
}
