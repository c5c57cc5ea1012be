package api_test

import (
	"fmt"
	"strings"
	"testing"

	"magpie/server/api"
	"magpie/server/chat"
)

func TestNames(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	for _, bad := range []string{"", "   ", strings.Repeat("x", 65), "a\u0000b", "a\nb", "a\u202eb", "\u2028", "\x7f"} {
		for _, r := range []reply{
			w.want(422, "acme/alice", "POST", "/api/v1/groups", map[string]any{"name": bad, "members": []string{"bob"}}),
			w.want(422, "acme/alice", "PATCH", "/api/v1/groups/"+gid, map[string]any{"name": bad}),
			w.want(422, "acme/alice", "PATCH", "/api/v1/me", map[string]any{"name": bad}),
		} {
			if r.field("errors.name") == nil {
				t.Errorf("%q: nothing about the name: %s", bad, r.raw)
			}
		}
	}
	w.want(422, "acme/alice", "PATCH", "/api/v1/groups/"+gid, map[string]any{"announcement": strings.Repeat("x", 2001)})
	w.want(422, "acme/alice", "PATCH", "/api/v1/groups/"+gid, map[string]any{"announcement": "a\u0000"})
	w.want(422, "acme/alice", "PATCH", "/api/v1/groups/"+gid, map[string]any{"join": "never"})
	for _, avatar := range []string{"https://evil.example/a.png", "//evil.example/a.png", "javascript:alert(1)", "/a b", "/\\evil.example", "/avatars/1.svg", "/media/", "/media/x/thumb", "/media/0123456789abcdef0123456789abcdef"} {
		w.want(422, "acme/alice", "PATCH", "/api/v1/me", map[string]any{"avatar": avatar})
	}
	r := w.want(200, "acme/alice", "PATCH", "/api/v1/me", map[string]any{"name": "  爱丽丝 " + strings.Repeat("长", 50)})
	if r.body["name"] != "爱丽丝 "+strings.Repeat("长", 50) {
		t.Errorf("me: %s", r.raw)
	}
}

func TestGroupOfNobody(t *testing.T) {
	w := newWorld(t, nil)
	for _, members := range [][]string{nil, {}, {"alice"}, {"alice", "alice"}} {
		w.want(422, "acme/alice", "POST", "/api/v1/groups", map[string]any{"name": "Me", "members": members})
	}
	w.want(422, "acme/alice", "POST", "/api/v1/groups", map[string]any{"name": "Me"})
	if n := len(w.want(200, "acme/alice", "GET", "/api/v1/groups", nil).items()); n != 0 {
		t.Errorf("%d groups were made", n)
	}
}

func TestCreateGroupOnce(t *testing.T) {
	w := newWorld(t, nil)
	body := map[string]any{"name": "Once", "members": []string{"bob"}}
	key := headers{"Idempotency-Key": "k1"}
	first := w.want(201, "acme/alice", "POST", "/api/v1/groups", body, key)
	again := w.want(201, "acme/alice", "POST", "/api/v1/groups", body, key)
	others := w.want(201, "acme/bob", "POST", "/api/v1/groups", map[string]any{"name": "Once", "members": []string{"alice"}}, key)
	if first.body["gid"] != again.body["gid"] || first.body["gid"] == others.body["gid"] {
		t.Errorf("gids %v, %v, %v", first.body["gid"], again.body["gid"], others.body["gid"])
	}
}

func TestGroupLife(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	at := "/api/v1/groups/" + gid
	r := w.want(200, "acme/bob", "GET", at, nil)
	if r.body["role"] != "member" || r.body["owner"] != "alice" || r.body["members"] != float64(3) || r.body["join"] != "invite" || r.body["muted_until"] != nil {
		t.Errorf("group: %s", r.raw)
	}
	w.want(403, "acme/bob", "PATCH", at, map[string]any{"name": "Mine"})
	w.want(403, "acme/bob", "DELETE", at, nil)
	w.want(403, "acme/bob", "PATCH", at+"/members/carol", map[string]any{"role": "admin"})
	w.want(403, "acme/bob", "DELETE", at+"/members/carol", nil)

	w.want(204, "acme/alice", "PATCH", at+"/members/bob", map[string]any{"role": "admin"})
	w.want(422, "acme/alice", "PATCH", at+"/members/bob", map[string]any{})
	w.want(422, "acme/alice", "PATCH", at+"/members/bob", map[string]any{"role": "king"})
	if r := w.want(200, "acme/bob", "PATCH", at, map[string]any{"name": "Crew", "announcement": "Line\nline", "muted_all": true}); r.body["name"] != "Crew" || r.body["muted_all"] != true {
		t.Errorf("changed group: %s", r.raw)
	}
	w.want(403, "acme/carol", "POST", "/api/v1/conversations/g:"+gid+"/messages", textMessage("hi"))
	w.say("acme/bob", "g:"+gid, "I may")
	w.want(200, "acme/bob", "PATCH", at, map[string]any{"muted_all": false})

	w.want(204, "acme/bob", "PATCH", at+"/members/carol", map[string]any{"muted_until": "2999-01-01T00:00:00Z"})
	w.want(403, "acme/carol", "POST", "/api/v1/conversations/g:"+gid+"/messages", textMessage("hi"))
	if r := w.want(200, "acme/carol", "GET", at, nil); r.body["muted_until"] != "2999-01-01T00:00:00Z" {
		t.Errorf("muted_until: %s", r.raw)
	}
	w.want(204, "acme/bob", "PATCH", at+"/members/carol", map[string]any{"muted_until": nil})
	w.say("acme/carol", "g:"+gid, "hi")
	w.want(422, "acme/bob", "PATCH", at+"/members/carol", map[string]any{"muted_until": "tomorrow"})

	r = w.want(200, "acme/alice", "POST", at+"/members", map[string]any{"uids": []string{"dave", "bob"}})
	if added, _ := r.body["added"].([]any); len(added) != 1 || added[0] != "dave" {
		t.Errorf("added: %s", r.raw)
	}
	w.want(204, "acme/dave", "DELETE", at+"/members/dave", nil)
	w.want(404, "acme/dave", "GET", at, nil)
	w.want(404, "acme/dave", "GET", "/api/v1/conversations/g:"+gid+"/messages", nil)

	w.want(409, "acme/alice", "DELETE", at+"/members/alice", nil) // the owner hands over first
	w.want(204, "acme/alice", "PATCH", at+"/members/bob", map[string]any{"role": "owner"})
	roles := map[string]any{}
	for _, item := range w.want(200, "acme/bob", "GET", at+"/members", nil).items() {
		m := item.(map[string]any)
		roles[m["uid"].(string)] = m["role"]
	}
	if roles["bob"] != "owner" || roles["alice"] != "admin" || roles["carol"] != "member" || len(roles) != 3 {
		t.Errorf("roles: %v", roles)
	}
	w.want(204, "acme/bob", "DELETE", at, nil)
	w.want(404, "acme/bob", "GET", at, nil)
	w.want(404, "acme/bob", "GET", "/api/v1/conversations/g:"+gid+"/messages", nil)
}

func TestJoin(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	at := "/api/v1/groups/" + gid
	w.want(404, "acme/dave", "POST", at+"/join", nil)
	w.want(200, "acme/alice", "PATCH", at, map[string]any{"join": "approval"})
	if r := w.want(200, "acme/dave", "GET", at, nil); r.body["role"] != "" {
		t.Errorf("role of a stranger: %s", r.raw)
	}
	w.want(403, "acme/dave", "POST", "/api/v1/conversations/g:"+gid+"/messages", textMessage("hi"))
	if r := w.want(200, "acme/dave", "POST", at+"/join", map[string]any{"message": "please"}); r.body["pending"] != true {
		t.Errorf("join with approval: %s", r.raw)
	}
	w.want(200, "acme/alice", "PATCH", at, map[string]any{"join": "open"})
	if r := w.want(200, "acme/dave", "POST", at+"/join", nil); r.body["pending"] != false {
		t.Errorf("join an open group: %s", r.raw)
	}
	w.say("acme/dave", "g:"+gid, "hi")
}

func TestContacts(t *testing.T) {
	w := newWorld(t, nil)
	if r := w.want(200, "acme/alice", "PUT", "/api/v1/contacts/bob", nil); r.body["pending"] != false {
		t.Errorf("add: %s", r.raw)
	}
	w.want(200, "acme/alice", "PUT", "/api/v1/contacts/bob", nil)
	w.want(204, "acme/bob", "PUT", "/api/v1/me/presence", map[string]any{"status": "custom", "text": "开会"})
	r := w.want(200, "acme/alice", "GET", "/api/v1/contacts", nil)
	if len(r.items()) != 1 || !strings.Contains(r.raw, `"presence":{"status":"custom","text":"开会"},"terminals":["web"]`) || r.body["next"] != nil {
		t.Errorf("contacts: %s", r.raw)
	}
	for _, p := range []string{`{"status":"offline"}`, `{"status":"gone"}`, `{"status":"away","text":"` + strings.Repeat("长", 47) + `"}`, `{"status":"away","text":"a\u0000"}`} {
		w.want(422, "acme/bob", "PUT", "/api/v1/me/presence", p)
	}
	w.want(204, "acme/alice", "DELETE", "/api/v1/contacts/bob", nil)

	must(t, w.store.UpdateOrg(t.Context(), chat.Org{EID: "acme", Name: "ACME", Settings: chat.OrgSettings{ContactApproval: true}}))
	if r := w.want(200, "acme/alice", "PUT", "/api/v1/contacts/bob", map[string]any{"message": "Hello"}); r.body["pending"] != true {
		t.Errorf("ask: %s", r.raw)
	}
	r = w.want(200, "acme/bob", "GET", "/api/v1/contacts/requests", nil)
	if len(r.items()) != 1 || !strings.Contains(r.raw, `"uid":"alice","name":"The alice","avatar":"","message":"Hello"`) {
		t.Errorf("requests: %s", r.raw)
	}
	if r := w.want(200, "acme/bob", "PUT", "/api/v1/contacts/alice", nil); r.body["pending"] != false {
		t.Errorf("accept: %s", r.raw)
	}
	for _, who := range []string{"acme/alice", "acme/bob"} {
		if r := w.want(200, who, "GET", "/api/v1/contacts", nil); len(r.items()) != 1 {
			t.Errorf("contacts of %s: %s", who, r.raw)
		}
	}
	// A user may be called "requests".
	must(t, w.store.CreateUser(t.Context(), chat.User{EID: "acme", UID: "requests", Name: "R", Role: chat.Member}, ""))
	w.want(200, "acme/alice", "PUT", "/api/v1/contacts/requests", nil)
}

func TestDirectory(t *testing.T) {
	w := newWorld(t, nil)
	var seen []string
	path := "/api/v1/users?limit=2"
	for range 10 {
		r := w.want(200, "acme/carol", "GET", path, nil)
		for _, item := range r.items() {
			seen = append(seen, item.(map[string]any)["uid"].(string))
		}
		if strings.Contains(r.raw, "@acme.example") {
			t.Error("the directory tells e-mail addresses")
		}
		next, ok := r.body["next"].(string)
		if !ok {
			break
		}
		path = "/api/v1/users?limit=2&cursor=" + next
	}
	if strings.Join(seen, " ") != "alice bob bot carol dave" {
		t.Errorf("directory: %v", seen)
	}
	if r := w.want(200, "acme/carol", "GET", "/api/v1/users?uids=dave,bob,nobody", nil); len(r.items()) != 2 {
		t.Errorf("by uid: %s", r.raw)
	}
	w.want(422, "acme/carol", "GET", "/api/v1/users?limit=0", nil)
	w.want(422, "acme/carol", "GET", "/api/v1/users?limit=x", nil)
	w.want(422, "acme/carol", "GET", "/api/v1/users?cursor=!!!", nil)
}

func TestPresubscriptions(t *testing.T) {
	w := newWorld(t, nil)
	r := w.want(200, "acme/bob", "GET", "/api/v1/presubscriptions?client_id=c1", nil)
	if r.raw != `{"client_id":"c1","action":"sub","count":1,"topics":[{"topic":"/e/acme/im/u/bob","qos":1}]}`+"\n" {
		t.Errorf("presubscriptions: %s", r.raw)
	}
	w.want(403, "acme/bob", "GET", "/api/v1/presubscriptions?uid=carol", nil)
	w.want(200, "acme/alice", "GET", "/api/v1/presubscriptions?uid=carol", nil)
	w.want(200, "acme/bot", "GET", "/api/v1/presubscriptions?uid=carol", nil)
}

func TestTerminalsAreForContacts(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Presence = offline{map[string][]byte{"bob": chat.PresenceOnline}} })
	terminals := func(path string) string {
		t.Helper()
		r := w.want(200, "acme/alice", "GET", path, nil)
		p := r.body
		for _, item := range r.items() {
			if item.(map[string]any)["uid"] == "bob" {
				p = item.(map[string]any)
			}
		}
		if p["uid"] != "bob" || p["presence"].(map[string]any)["status"] != "online" {
			t.Errorf("%s: %s", path, r.raw)
		}
		return fmt.Sprint(p["terminals"])
	}
	paths := []string{"/api/v1/users/bob", "/api/v1/users?q=bob", "/api/v1/users?uids=carol,bob"}
	w.want(200, "acme/bob", "PUT", "/api/v1/contacts/alice", nil) // that bob has alice does not matter
	for _, path := range paths {
		if got := terminals(path); got != "[]" {
			t.Errorf("%s tells a stranger of %s", path, got)
		}
	}
	w.want(200, "acme/alice", "PUT", "/api/v1/contacts/bob", nil)
	for _, path := range append(paths, "/api/v1/contacts") {
		if got := terminals(path); got != "[web]" {
			t.Errorf("%s tells a contact of %s", path, got)
		}
	}
	if r := w.want(200, "acme/bob", "GET", "/api/v1/me", nil); fmt.Sprint(r.body["terminals"]) != "[web]" {
		t.Errorf("me: %s", r.raw)
	}
}

func TestRepeatByAMakerWhoHasLeft(t *testing.T) {
	w := newWorld(t, nil)
	key, body := headers{"Idempotency-Key": "k"}, map[string]any{"name": "Team", "members": []string{"bob"}}
	gid := w.want(201, "acme/alice", "POST", "/api/v1/groups", body, key).body["gid"].(string)
	if r := w.want(201, "acme/alice", "POST", "/api/v1/groups", body, key); r.body["gid"] != gid {
		t.Errorf("a repeat makes another group: %s", r.raw)
	}
	w.want(204, "acme/alice", "PATCH", "/api/v1/groups/"+gid+"/members/bob", map[string]any{"role": "owner"})
	w.want(204, "acme/alice", "DELETE", "/api/v1/groups/"+gid+"/members/alice", nil)
	w.want(404, "acme/alice", "POST", "/api/v1/groups", body, key)
}
