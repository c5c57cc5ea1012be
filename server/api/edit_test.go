package api_test

import (
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

func content(kind int, of map[string]any) map[string]any {
	return map[string]any{"type": kind, "content": of}
}

func messageOf(list ...map[string]any) map[string]any { return map[string]any{"media": list} }

func TestEditMessage(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	g := "g:" + gid
	at := func(conv, seq string) string { return "/api/v1/conversations/" + conv + "/messages/" + seq }
	w.say("acme/bob", g, "first")
	w.want(201, "acme/bob", "POST", "/api/v1/conversations/"+g+"/messages", messageOf(content(0, map[string]any{"co": "second thougth", "re": 1})))
	better := messageOf(content(0, map[string]any{"co": "second thought, @Carol", "at": []string{"carol"}}))
	w.want(404, "acme/dave", "PATCH", at(g, "2"), better)
	w.want(404, "acme/bob", "PATCH", at(g, "9"), better)
	if r := w.want(403, "acme/alice", "PATCH", at(g, "2"), better); r.body["type"] != "/problems/not-yours" { // though it owns the group
		t.Errorf("alice is told %s", r.raw)
	}
	w.want(422, "acme/bob", "PATCH", at(g, "2"), messageOf(content(0, map[string]any{})))
	if r := w.want(422, "acme/bob", "PATCH", at(g, "2"), messageOf(content(0, map[string]any{"co": "x"}), content(1, map[string]any{"co": "/media/x"}))); r.body["type"] != "/problems/edit-text-only" {
		t.Errorf("with a file: %s", r.raw)
	}
	w.want(413, "acme/bob", "PATCH", at(g, "2"), messageOf(content(0, map[string]any{"co": strings.Repeat("x", 20_000)})))

	done := w.want(200, "acme/bob", "PATCH", at(g, "2"), better)
	if done.body["edited_at"] == nil || done.body["seq"] != 2.0 {
		t.Errorf("answers %s", done.raw)
	}
	if again := w.want(200, "acme/bob", "PATCH", at(g, "2"), better); again.raw != done.raw {
		t.Errorf("a repeat answers %s", again.raw)
	}
	r := w.want(200, "acme/carol", "GET", "/api/v1/conversations/"+g+"/messages", nil)
	m := r.items()[1].(map[string]any)
	first := m["media"].([]any)[0].(map[string]any)["content"].(map[string]any)
	if strings.Contains(r.raw, "thougth") || first["co"] != "second thought, @Carol" || first["re"] != 1.0 || m["edited_at"] != done.body["edited_at"] || r.items()[0].(map[string]any)["edited_at"] != nil {
		t.Errorf("history has %s", r.raw)
	}
	list := w.want(200, "acme/carol", "GET", "/api/v1/conversations", nil)
	if c := list.items()[0].(map[string]any); c["mentioned"] != true || c["unread"] != 2.0 || c["last"].(map[string]any)["edited_at"] == nil {
		t.Errorf("the list has %s", list.raw)
	}
	w.want(200, "acme/bob", "PATCH", at(g, "2"), messageOf(content(0, map[string]any{"co": "second thought"})))
	if c := w.want(200, "acme/carol", "GET", "/api/v1/conversations", nil).items()[0].(map[string]any); c["mentioned"] != false || c["unread"] != 2.0 {
		t.Errorf("mentioned no more, and the list has %v", c)
	}
	events, err := w.store.Events(t.Context(), 1000)
	must(t, err)
	n := 0
	for _, e := range events {
		if e.Type == chat.EventEdit {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d events of edits", n)
	}

	// Who may not write may not edit either; what was recalled stays so; and the organisation says for how long.
	w.want(200, "acme/alice", "PATCH", "/api/v1/groups/"+gid, map[string]any{"muted_all": true})
	w.want(403, "acme/bob", "PATCH", at(g, "1"), messageOf(content(0, map[string]any{"co": "x"})))
	w.want(200, "acme/alice", "PATCH", "/api/v1/groups/"+gid, map[string]any{"muted_all": false})
	w.want(204, "acme/bob", "DELETE", at(g, "1"), nil)
	if r := w.want(409, "acme/bob", "PATCH", at(g, "1"), messageOf(content(0, map[string]any{"co": "x"}))); r.body["type"] != "/problems/recalled" {
		t.Errorf("a recalled one: %s", r.raw)
	}
	policies := w.want(200, "acme/alice", "GET", admin+"/policies", nil)
	if policies.body["edit_seconds"] != 86400.0 {
		t.Errorf("by default %v", policies.body["edit_seconds"])
	}
	signIn := func() [2]any {
		r := w.want(200, "", "POST", "/api/v1/auth/login", map[string]any{"org": "acme", "username": "bob", "password": password})
		return [2]any{r.field("org.edit_seconds"), r.field("org.recall_seconds")}
	}
	if got := signIn(); got != [2]any{86400.0, 120.0} {
		t.Errorf("a sign-in tells %v", got)
	}
	w.want(200, "acme/alice", "PATCH", admin+"/policies", map[string]any{"edit_seconds": 0}, match(policies.body["version"]))
	if got := signIn(); got != [2]any{0.0, 120.0} {
		t.Errorf("a sign-in tells %v", got)
	}
	same := messageOf(content(0, map[string]any{"co": "second thought"}))
	w.want(200, "acme/bob", "PATCH", at(g, "2"), same) // a repeat that comes late
	if r := w.want(403, "acme/bob", "PATCH", at(g, "2"), better); r.body["type"] != "/problems/edit-too-late" {
		t.Errorf("too late: %s", r.raw)
	}
}

// TestEditedFiles adds a caption to a picture, which moves its place, and takes it away again: it stays readable all the while, and is no more
// when the message is recalled.
func TestEditedFiles(t *testing.T) {
	w := newWorld(t, nil)
	up := w.upload(201, "acme/alice", "a.png", photo(t, 300, 300))
	url := up.body["url"].(string)
	picture := content(1, map[string]any{"co": url, "fn": "a.png"})
	w.want(201, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", messageOf(picture))
	at := "/api/v1/conversations/u:bob/messages/1"
	shared := func(index float64) {
		t.Helper()
		items := w.want(200, "acme/bob", "GET", "/api/v1/conversations/u:alice/media?kind=image", nil).items()
		if len(items) != 1 || items[0].(map[string]any)["index"] != index {
			t.Errorf("shared: %v", items)
		}
		w.want(200, "acme/bob", "GET", url, nil)
	}
	shared(0)
	w.want(200, "acme/alice", "PATCH", at, messageOf(content(0, map[string]any{"co": "the beach"}), picture))
	shared(1)
	w.want(200, "acme/alice", "PATCH", at, messageOf(picture))
	shared(0)
	other := w.upload(201, "acme/carol", "b.png", photo(t, 200, 200)).body["url"].(string)
	w.want(422, "acme/alice", "PATCH", at, messageOf(content(1, map[string]any{"co": other})))
	w.want(404, "acme/bob", "GET", other, nil)
	w.want(204, "acme/alice", "DELETE", at, nil)
	w.want(404, "acme/bob", "GET", url, nil)
}

// TestEditWindow lets a message grow old.
func TestEditWindow(t *testing.T) {
	w := newWorld(t, nil)
	b := []byte("\x00\x00\x00\x00\x11\x00\x00\x00\x00\x0c{\"co\":\"old\"}\x03bob")
	done := make(chan chat.Appended, 1)
	w.store.Append(chat.Append{Stream: chat.StreamRef{EID: "acme", Kind: chat.StreamPair, Key: chat.PairKey("bob", "carol")}, Sender: "bob", Payload: b,
		Time: time.Now().Add(-25 * time.Hour).UnixMilli(), Done: func(r chat.Appended) { done <- r }})
	must(t, (<-done).Err)
	if r := w.want(403, "acme/bob", "PATCH", "/api/v1/conversations/u:carol/messages/1", textMessage("new")); r.body["type"] != "/problems/edit-too-late" || r.body["limit"] != 86400.0 {
		t.Errorf("told %s", r.raw)
	}
}
