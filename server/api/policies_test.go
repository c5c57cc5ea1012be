package api_test

import (
	"strings"
	"testing"

	"magpie/server/chat"
)

func TestPolicies(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	version := w.want(200, a, "GET", admin+"/policies", nil).body["version"]
	change := func(body map[string]any) reply {
		t.Helper()
		r := w.want(200, a, "PATCH", admin+"/policies", body, match(version))
		version = r.body["version"]
		return r
	}

	// Who may create groups.
	change(map[string]any{"create_groups": "admins"})
	r := w.want(403, "acme/bob", "POST", "/api/v1/groups", map[string]any{"name": "x", "members": []string{"carol"}})
	if r.body["type"] != "/problems/groups-by-administrators" {
		t.Errorf("told %s", r.raw)
	}
	w.want(201, a, "POST", "/api/v1/groups", map[string]any{"name": "x", "members": []string{"carol"}})
	change(map[string]any{"create_groups": "everyone"})
	w.want(201, "acme/bob", "POST", "/api/v1/groups", map[string]any{"name": "x", "members": []string{"carol"}})

	// Who may write to whom: contacts; then departments too; administrators and programs always.
	say := func(status int, who, to string) {
		t.Helper()
		w.want(status, who, "POST", "/api/v1/conversations/u:"+to+"/messages", textMessage("hi"))
	}
	change(map[string]any{"message_whom": "contacts"})
	say(403, "acme/bob", "carol")
	say(201, "acme/bob", "bob")
	say(201, "acme/bob", "alice")
	say(201, a, "bob")
	say(201, "acme/bob", "bot")
	w.want(200, "acme/carol", "PUT", "/api/v1/contacts/bob", nil)
	say(201, "acme/bob", "carol")
	change(map[string]any{"message_whom": "departments"})
	say(403, "acme/bob", "dave")
	sales := w.want(201, a, "POST", admin+"/departments", map[string]any{"name": "Sales"}).body["id"]
	for _, uid := range []string{"bob", "dave"} {
		w.want(200, a, "PATCH", admin+"/users/"+uid, map[string]any{"departments": []any{sales}}, match(1))
	}
	say(201, "acme/bob", "dave")

	// Passwords.
	change(map[string]any{"password_min": 12, "password_mixed": true})
	for _, bad := range []string{"short one 1", "onlylettersandmore", "1234567890123"} {
		r := w.want(422, "acme/bob", "PATCH", "/api/v1/me", map[string]any{"password": bad, "current_password": password})
		if r.field("codes.password") == nil {
			t.Errorf("told %s", r.raw)
		}
	}
	w.want(200, "acme/bob", "PATCH", "/api/v1/me", map[string]any{"password": "long enough 1", "current_password": password})

	// What is wrong changes nothing; what is late is told so.
	w.want(422, a, "PATCH", admin+"/policies", map[string]any{"file_kinds": []string{"weapon"}}, match(version))
	w.want(422, a, "PATCH", admin+"/policies", map[string]any{"file_kinds": []string{}}, match(version))
	r = w.want(412, a, "PATCH", admin+"/policies", map[string]any{"password_min": 8}, match(1))
	if r.field("current.password_min") != 12.0 || r.field("current.version") != version {
		t.Errorf("told %s", r.raw)
	}
	if r := change(map[string]any{"recall_seconds": 0, "file_kinds": []string{"image", "document"}, "retention_days": map[string]any{"pair": 0, "group": 30}}); r.body["recall_seconds"] != 0.0 || len(r.body["file_kinds"].([]any)) != 2 || r.field("retention_days.group") != 30.0 {
		t.Errorf("now %s", r.raw)
	}
	if got := w.want(200, "other/alice", "GET", admin+"/policies", nil); got.body["message_whom"] != "everyone" || got.body["password_min"] != 8.0 {
		t.Errorf("the other organisation has %s", got.raw)
	}
	entries := w.want(200, a, "GET", admin+"/audit?action=policies.change", nil).items()
	if len(entries) != 6 {
		t.Errorf("%d entries: %v", len(entries), entries)
	}
}

// TestPoliciesHoldForPagesOfAdministrators signs an administrator in by an app: policies make no exception for it there, and go on making one for its own login.
func TestPoliciesHoldForPagesOfAdministrators(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	w.want(200, "acme/alice", "PATCH", admin+"/policies", map[string]any{"create_groups": "everyone", "message_whom": "contacts", "contact_approval": true}, match(1))
	page := as(h.exchange(h.sign(h.claims("alice", nil))))
	w.want(200, "acme/dave", "PUT", "/api/v1/contacts/alice", nil)
	w.want(200, "", "PUT", "/api/v1/contacts/dave", nil, page)
	message := textMessage("hi")
	w.want(201, "", "POST", "/api/v1/conversations/u:dave/messages", message, page)
	if r := w.want(403, "", "POST", "/api/v1/conversations/u:bob/messages", message, page); r.body["type"] != "/problems/may-not-message" {
		t.Errorf("told %s", r.raw)
	}
	gid := w.want(201, "", "POST", "/api/v1/groups", map[string]any{"name": "x", "members": []string{"dave"}}, page).body["gid"].(string)
	w.want(403, "", "POST", "/api/v1/groups", map[string]any{"name": "x", "members": []string{"bob"}}, page)
	if r := w.want(403, "", "POST", "/api/v1/groups/"+gid+"/members", map[string]any{"uids": []string{"bob"}}, page); r.body["type"] != "/problems/may-not-add" {
		t.Errorf("told %s", r.raw)
	}
	w.want(200, "", "PUT", "/api/v1/contacts/bob", map[string]any{"message": "let me in"}, page)
	if r := w.want(200, "acme/bob", "GET", "/api/v1/contacts/requests", nil); len(r.items()) != 1 || strings.Contains(r.raw, "let me in") {
		t.Errorf("bob is asked %s", r.raw)
	}
	w.want(200, "acme/alice", "PATCH", admin+"/policies", map[string]any{"create_groups": "admins"}, match(2))
	if r := w.want(403, "", "POST", "/api/v1/groups", map[string]any{"name": "x", "members": []string{"dave"}}, page); r.body["type"] != "/problems/groups-by-administrators" {
		t.Errorf("told %s", r.raw)
	}
	w.want(201, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", message)
	w.want(201, "acme/alice", "POST", "/api/v1/groups", map[string]any{"name": "x", "members": []string{"bob"}})
}

// TestFilePolicies refuses files by kind and size, and takes pictures of people all the same.
func TestFilePolicies(t *testing.T) {
	s := chat.OrgSettings{FileKinds: "image,document", FileLimit: 100}
	for _, test := range []struct {
		kind    byte
		size    int64
		purpose string
		code    chat.Code
	}{
		{chat.ContentImage, 100, chat.ForMessage, ""}, {chat.ContentPDF, 1, chat.ForMessage, ""}, {chat.ContentVideo, 1, chat.ForMessage, chat.Forbidden},
		{chat.ContentFile, 1, chat.ForMessage, chat.Forbidden}, {chat.ContentImage, 101, chat.ForMessage, chat.TooLarge}, {chat.ContentImage, 101, chat.ForAvatar, ""},
	} {
		err := s.MayUpload(chat.File{Kind: test.kind, Purpose: test.purpose, Blobs: []chat.Blob{{Size: test.size}}})
		if err == nil != (test.code == "") || err != nil && chat.CodeOf(err) != test.code {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// TestMessageWhomHasNoWayAround tries to write to somebody by a group, and by the text of a request.
func TestMessageWhomHasNoWayAround(t *testing.T) {
	w := newWorld(t, nil)
	version := w.want(200, "acme/alice", "GET", admin+"/policies", nil).body["version"]
	w.want(200, "acme/alice", "PATCH", admin+"/policies", map[string]any{"message_whom": "contacts", "contact_approval": true}, match(version))
	for _, call := range []struct{ path, field string }{{"/api/v1/groups", "members"}, {"/api/v1/groups/" + w.group() + "/members", "uids"}} {
		body := map[string]any{call.field: []string{"alice", "dave"}}
		if call.field == "members" {
			body["name"] = "a way around"
		}
		if r := w.want(403, "acme/bob", "POST", call.path, body); r.body["type"] != "/problems/may-not-add" {
			t.Errorf("told %s", r.raw)
		}
		body[call.field] = []string{"alice"} // an administrator, and in the group already
		if call.field == "members" {
			w.want(201, "acme/bob", "POST", call.path, body)
		} else {
			w.want(200, "acme/bob", "POST", call.path, body)
		}
	}
	w.want(200, "acme/bob", "PUT", "/api/v1/contacts/dave", map[string]any{"message": "a word that is not wanted"})
	if asking := w.want(200, "acme/dave", "GET", "/api/v1/contacts/requests", nil).items(); len(asking) != 1 || asking[0].(map[string]any)["message"] != "" {
		t.Errorf("dave reads %v", asking)
	}
}
