package api_test

import (
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
	"magpie/server/payload"
)

func TestRecall(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	w.say("acme/bob", "g:"+gid, "first")
	w.say("acme/bob", "g:"+gid, "oops")
	w.say("acme/carol", "u:bob", "private")
	at := func(conv, seq string) string { return "/api/v1/conversations/" + conv + "/messages/" + seq }
	// Whose it is, and who may read it at all.
	w.want(403, "acme/carol", "DELETE", at("g:"+gid, "2"), nil)
	w.want(403, "acme/bob", "DELETE", at("u:carol", "1"), nil)
	w.want(404, "acme/dave", "DELETE", at("g:"+gid, "2"), nil)
	w.want(404, "acme/bob", "DELETE", at("g:"+gid, "9"), nil)
	w.want(204, "acme/bob", "DELETE", at("g:"+gid, "2"), nil)
	w.want(204, "acme/bob", "DELETE", at("g:"+gid, "2"), nil) // again
	r := w.want(200, "acme/carol", "GET", "/api/v1/conversations/g:"+gid+"/messages", nil)
	m := r.items()[1].(map[string]any)
	if m["recalled"] != true || m["recalled_by"] != "bob" || m["seq"] != 2.0 || m["sender"] != "bob" || len(m["media"].([]any)) != 0 || strings.Contains(r.raw, "oops") {
		t.Errorf("history has %v", m)
	}
	// The owner recalls another's; the mark that only the server makes can't be forged.
	w.want(204, "acme/alice", "DELETE", at("g:"+gid, "1"), nil)
	w.want(422, "acme/bob", "POST", "/api/v1/conversations/g:"+gid+"/messages", map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": "", "rc": "alice"}}}})
	// Too late.
	version := w.want(200, "acme/alice", "GET", admin+"/policies", nil).body["version"]
	w.want(200, "acme/alice", "PATCH", admin+"/policies", map[string]any{"recall_seconds": 0}, match(version))
	w.say("acme/bob", "u:carol", "stays")
	if r := w.want(403, "acme/bob", "DELETE", at("u:carol", "2"), nil); r.body["type"] != "/problems/too-late" {
		t.Errorf("told %s", r.raw)
	}
	// What is left decodes, and each of those who may know is told by one event.
	events, err := w.store.Events(t.Context(), 1000)
	must(t, err)
	recalled := 0
	for _, e := range events {
		if e.Type == chat.EventRecall {
			recalled++
		}
	}
	if recalled != 2 {
		t.Errorf("%d events", recalled)
	}
}

func TestRecallPayload(t *testing.T) {
	b, err := payload.EncodeIM(chat.IM{TS: 7, Type: chat.IMGroup, Sender: "bob", Media: []chat.Medium{{Type: chat.ContentImage, Content: []byte(`{"co":"/media/x"}`)}, {Content: []byte(`{"co":"y"}`)}}})
	must(t, err)
	left, err := payload.Recall(b, "alice")
	must(t, err)
	m, err := payload.DecodeIM(left)
	must(t, err)
	if m.TS != 7 || m.Type != chat.IMGroup || m.Sender != "bob" || payload.Recalled(m) != "alice" || strings.Contains(string(left), "media") {
		t.Errorf("left %q", left)
	}
	if again, err := payload.Recall(left, "bob"); err != nil || again != nil {
		t.Errorf("again %q %v", again, err)
	}
}

func TestReports(t *testing.T) {
	w := newWorld(t, nil)
	w.role("dave", chat.Auditor)
	for _, text := range []string{"one", "two", "bad words", "four"} {
		w.say("acme/bob", "u:carol", text)
	}
	at := "/api/v1/conversations/u:bob/messages/3/report"
	w.want(404, "acme/dave", "POST", at, map[string]any{"reason": "x"})
	for range 2 {
		w.want(204, "acme/carol", "POST", at, map[string]any{"reason": "rude"})
	}
	items := w.want(200, "acme/dave", "GET", admin+"/reports?state=open", nil).items()
	if len(items) != 1 {
		t.Fatalf("%d reports", len(items))
	}
	r := items[0].(map[string]any)
	id, stream := r["id"].(string), r["stream"].(string)
	if r["kind"] != "pair" || r["reporter"] != "carol" || r["reason"] != "rude" || r["message"].(map[string]any)["sender"] != "bob" {
		t.Errorf("report %v", r)
	}
	w.want(403, "acme/dave", "DELETE", admin+"/messages/"+stream+"/3", nil)
	w.want(404, "other/alice", "DELETE", admin+"/messages/"+stream+"/3", nil)
	w.want(204, "acme/alice", "DELETE", admin+"/messages/"+stream+"/3", nil)
	if raw := w.want(200, "acme/carol", "GET", "/api/v1/conversations/u:bob/messages", nil).raw; strings.Contains(raw, "bad words") {
		t.Errorf("history has %s", raw)
	}
	view := w.want(200, "acme/dave", "GET", admin+"/reports/"+id, nil)
	if around := view.body["context"].([]any); len(around) != 4 || around[2].(map[string]any)["recalled"] != true || !strings.Contains(view.raw, "bad words") {
		t.Errorf("the report shows %s", view.raw) // what was reported stays for those who look into it
	}
	if r := w.want(200, "acme/alice", "PATCH", admin+"/reports/"+id, map[string]any{"state": "closed", "note": "warned"}, match(1)); r.body["closer"] != "alice" || r.body["closed"] == nil {
		t.Errorf("closed %s", r.raw)
	}
	if r := w.want(412, "acme/alice", "PATCH", admin+"/reports/"+id, map[string]any{"state": "open"}, match(1)); r.field("current.note") != "warned" {
		t.Errorf("told %s", r.raw)
	}
	if n := len(w.want(200, "acme/dave", "GET", admin+"/reports?state=open", nil).items()); n != 0 {
		t.Errorf("%d open", n)
	}
	for action, want := range map[string]int{"message.recall": 1, "report.change": 1} {
		if n := len(w.want(200, "acme/dave", "GET", admin+"/audit?action="+action, nil).items()); n != want {
			t.Errorf("%s: %d entries", action, n)
		}
	}
}

// TestReportedFile looks at the picture of a reported message that its author has recalled, until the report is closed.
func TestReportedFile(t *testing.T) {
	w := newWorld(t, nil)
	link := w.upload(201, "acme/bob", "x.png", photo(t, 90, 60)).body["url"].(string)
	w.want(201, "acme/bob", "POST", "/api/v1/conversations/u:carol/messages", map[string]any{"media": []any{map[string]any{"type": 1, "content": map[string]any{"co": link}}}})
	w.want(204, "acme/carol", "POST", "/api/v1/conversations/u:bob/messages/1/report", map[string]any{"reason": "rude"})
	w.want(204, "acme/bob", "DELETE", "/api/v1/conversations/u:carol/messages/1", nil)
	_, err := w.store.SweepFiles(t.Context(), time.Now().Add(time.Hour))
	must(t, err)
	id := w.want(200, "acme/alice", "GET", admin+"/reports", nil).items()[0].(map[string]any)["id"].(string)
	at := admin + "/reports/" + id + "/files/" + strings.TrimPrefix(link, "/media/")
	w.want(404, "acme/carol", "GET", at, nil)
	w.want(404, "other/alice", "GET", at, nil)
	w.want(404, "acme/alice", "GET", admin+"/reports/"+id+"/files/other", nil)
	if r := w.want(200, "acme/alice", "GET", at, nil); !strings.HasPrefix(r.header.Get("Content-Type"), "image/") || len(r.raw) == 0 {
		t.Errorf("%v", r.header)
	}
	if items := w.want(200, "acme/alice", "GET", admin+"/audit?action=report.file", nil).items(); len(items) != 1 {
		t.Errorf("audited %v", items)
	}
	w.want(200, "acme/alice", "PATCH", admin+"/reports/"+id, map[string]any{"state": "closed"}, match(1))
	w.want(404, "acme/alice", "GET", at, nil)
	_, err = w.store.SweepFiles(t.Context(), time.Now().Add(time.Hour))
	must(t, err)
	w.want(404, "acme/bob", "GET", link, nil)
}
