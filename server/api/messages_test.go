package api_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"magpie/server/api"
	"magpie/server/chat"
)

func TestMessages(t *testing.T) {
	w := newWorld(t, nil)
	const conv = "/api/v1/conversations/u:alice/messages"
	for i := range 5 {
		if seq := w.say("acme/bob", "u:alice", fmt.Sprint("message ", i+1)); seq != float64(i+1) {
			t.Errorf("seq %v, want %d", seq, i+1)
		}
	}
	r := w.want(200, "acme/alice", "GET", "/api/v1/conversations/u%3Abob/messages", nil)
	if len(r.items()) != 5 || r.body["next"] != nil {
		t.Fatalf("messages: %s", r.raw)
	}
	m := r.items()[0].(map[string]any)
	if m["seq"] != 1.0 || m["type"] != 1.0 || m["sender"] != "bob" || m["recalled"] != false || m["edited_at"] != nil || fmt.Sprint(m["reactions"]) != "[]" ||
		fmt.Sprint(m["media"]) != "[map[content:map[co:message 1] type:0]]" || len(m["id"].(string)) != 32 {
		t.Errorf("message: %v", m)
	}
	if _, ok := m["edited_at"]; !ok {
		t.Error("edited_at is left out")
	}
	if ts, err := time.Parse(time.RFC3339, m["ts"].(string)); err != nil || time.Since(ts).Abs() > time.Hour {
		t.Errorf("ts %v", m["ts"])
	}

	seqs := func(r reply) string {
		var out []string
		for _, item := range r.items() {
			out = append(out, fmt.Sprint(item.(map[string]any)["seq"]))
		}
		return strings.Join(out, " ")
	}
	for _, test := range []struct{ query, want, then string }{
		{"?limit=2", "4 5", "2 3"},
		{"?before=4&limit=2", "2 3", "1"},
		{"?after=1&limit=2", "2 3", "4 5"},
		{"?after=5", "", ""},
		{"?before=1", "", ""},
	} {
		r := w.want(200, "acme/bob", "GET", conv+test.query, nil)
		then := ""
		if next, ok := r.body["next"].(string); ok {
			then = seqs(w.want(200, "acme/bob", "GET", conv+"?limit=2&cursor="+next, nil))
		}
		if got := seqs(r); got != test.want || then != test.then {
			t.Errorf("%s: %q then %q, want %q then %q", test.query, got, then, test.want, test.then)
		}
	}
	for _, query := range []string{"?before=1&after=2", "?cursor=x1", "?cursor=b", "?before=-1", "?limit=201"} {
		w.want(422, "acme/bob", "GET", conv+query, nil)
	}
	// Nothing was said yet: empty, not 404. Who is not there: 404.
	if r := w.want(200, "acme/carol", "GET", "/api/v1/conversations/u:dave/messages", nil); len(r.items()) != 0 {
		t.Errorf("an empty conversation: %s", r.raw)
	}
	for _, conv := range []string{"u:nobody", "g:nothing", "x:bob", "bob", "u:", "u:a%00b"} {
		w.want(404, "acme/carol", "POST", "/api/v1/conversations/"+conv+"/messages", textMessage("hi"))
	}
}

func TestSendOnce(t *testing.T) {
	w := newWorld(t, nil)
	body := textMessage("once")
	body["id"] = "00112233445566FF"
	at := "/api/v1/conversations/u:bob/messages"
	first := w.want(201, "acme/alice", "POST", at, body)
	again := w.want(201, "acme/alice", "POST", at, body)
	if first.body["seq"] != again.body["seq"] || first.body["id"] != "00112233445566ff" {
		t.Errorf("%s, then %s", first.raw, again.raw)
	}
	w.want(409, "acme/alice", "POST", "/api/v1/conversations/u:carol/messages", body)
	key := headers{"Idempotency-Key": "k"}
	first = w.want(201, "acme/alice", "POST", at, textMessage("by key"), key)
	again = w.want(201, "acme/alice", "POST", at, textMessage("by key"), key)
	if first.body["seq"] != again.body["seq"] {
		t.Errorf("by key: %s, then %s", first.raw, again.raw)
	}
	w.want(201, "acme/alice", "POST", "/api/v1/conversations/u:carol/messages", textMessage("by key"), key) // keys count in their conversation
	// Another's id is another message.
	if r := w.want(201, "acme/bob", "POST", "/api/v1/conversations/u:alice/messages", body); r.body["seq"] != 3.0 {
		t.Errorf("bob's: %s", r.raw)
	}
	if n := len(w.want(200, "acme/bob", "GET", "/api/v1/conversations/u:alice/messages", nil).items()); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}

func TestBadMessages(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Limits.Message = 60_000 })
	must(t, w.store.SetDisabled(t.Context(), "acme", "dave", true))
	at := "/api/v1/conversations/u:bob/messages"
	medium := func(content string) string { return `{"media":[{"type":0,"content":` + content + `}]}` }
	for name, body := range map[string]string{
		"no media":        `{"media":[]}`,
		"media missing":   `{}`,
		"eight media":     `{"media":[` + strings.Repeat(`{"type":0,"content":{"co":"x"}},`, 7) + `{"type":0,"content":{"co":"x"}}]}`,
		"type":            `{"media":[{"type":256,"content":{"co":"x"}}]}`,
		"no text":         medium(`{}`),
		"text no string":  medium(`{"co":7}`),
		"content null":    medium(`null`),
		"content array":   medium(`[]`),
		"content string":  medium(`"x"`),
		"mention":         medium(`{"co":"x","at":["../"]}`),
		"deep":            medium(`{"co":"x","y":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`),
		"id not hex":      `{"media":[{"type":0,"content":{"co":"x"}}],"id":"zz112233445566ff"}`,
		"id too short":    `{"media":[{"type":0,"content":{"co":"x"}}],"id":"00112233445566"}`,
		"id too long":     `{"media":[{"type":0,"content":{"co":"x"}}],"id":"` + strings.Repeat("00", 17) + `"}`,
		"unknown field":   `{"media":[{"type":0,"content":{"co":"x"}}],"sender":"carol"}`,
		"unknown of part": `{"media":[{"type":0,"content":{"co":"x"},"y":1}]}`,
	} {
		t.Run(name, func(t *testing.T) { w.want(422, "acme/alice", "POST", at, body) })
	}
	w.want(400, "acme/alice", "POST", at, `{"media":[{"type":0,"content":{"co":"x"}`)
	w.want(413, "acme/alice", "POST", at, textMessage(strings.Repeat("长", 16385)))
	w.want(413, "acme/alice", "POST", at, medium(`{"co":"x","y":"`+strings.Repeat("y", 60_000)+`"}`))
	w.want(403, "acme/alice", "POST", "/api/v1/conversations/u:dave/messages", textMessage("hi"))
	if n := len(w.want(200, "acme/bob", "GET", "/api/v1/conversations/u:alice/messages", nil).items()); n != 0 {
		t.Errorf("%d messages were stored", n)
	}
	w.want(201, "acme/alice", "POST", at, textMessage(strings.Repeat("长", 16384)))
}

func TestConversations(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	w.say("acme/alice", "u:bob", "first")
	w.want(201, "acme/alice", "POST", "/api/v1/conversations/g:"+gid+"/messages", `{"media":[{"type":0,"content":{"co":"@bob","at":["bob"]}}]}`)
	r := w.want(200, "acme/bob", "GET", "/api/v1/conversations", nil)
	if len(r.items()) != 2 {
		t.Fatalf("conversations: %s", r.raw)
	}
	c := r.items()[0].(map[string]any)
	if c["conv"] != "g:"+gid || c["name"] != "Team" || c["unread"] != 1.0 || c["mentioned"] != true || c["last_seq"] != 1.0 || c["read_seq"] != 0.0 ||
		c["last"].(map[string]any)["sender"] != "alice" {
		t.Errorf("group: %v", c)
	}
	w.want(204, "acme/bob", "PUT", "/api/v1/conversations/u:alice/read", map[string]any{"seq": 1})
	w.want(204, "acme/bob", "PUT", "/api/v1/conversations/u:alice/read", map[string]any{"seq": 0}) // never back
	if r := w.want(200, "acme/bob", "PATCH", "/api/v1/conversations/u:alice", map[string]any{"muted": true, "pinned": true}); r.body["unread"] != 0.0 ||
		r.body["read_seq"] != 1.0 || r.body["muted"] != true || r.body["pinned"] != true || r.body["name"] != "The alice" {
		t.Errorf("pair: %s", r.raw)
	}
	if r := w.want(200, "acme/alice", "GET", "/api/v1/conversations/u:bob", nil); r.body["peer_read_seq"] != 1.0 || r.body["muted"] != false {
		t.Errorf("the other side: %s", r.raw)
	}
	w.want(422, "acme/bob", "PUT", "/api/v1/conversations/u:alice/read", map[string]any{"seq": -1})
}

// stuck is a store that takes messages and never says that they are durable, as on a full disk.
type stuck struct {
	api.Store
	mu   sync.Mutex
	held []chat.Append // guarded by mu
	room chan struct{} // closed when the queue has room again
}

func (s *stuck) Append(a chat.Append) {
	<-s.room
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, a)
}

func (*stuck) Ready(context.Context) error {
	return &chat.Error{Code: chat.Unavailable, Message: "The disk is full.", Err: fmt.Errorf("write /secret/path: no space")}
}

func TestStoreThatCanNotWrite(t *testing.T) {
	var s *stuck
	w := newWorld(t, func(o *api.Options) {
		s = &stuck{Store: o.Store, room: make(chan struct{})}
		o.Store, o.Limits.SendWait = s, 20*time.Millisecond
	})
	body := textMessage("waits")
	body["id"] = "0011223344556677"
	r := w.want(503, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", body)
	if !strings.Contains(r.raw, "same id") || r.header.Get("Retry-After") == "" {
		t.Errorf("503: %v %s", r.header, r.raw)
	}
	if r := w.want(503, "", "GET", "/readyz", nil); strings.Contains(r.raw, "secret") || r.field("checks.database") != "unavailable" {
		t.Errorf("readyz: %s", r.raw)
	}
	w.want(200, "", "GET", "/healthz", nil)
	close(s.room)
}

func TestOperations(t *testing.T) {
	figures := prometheus.NewRegistry()
	w := newWorld(t, func(o *api.Options) { o.Metrics = figures })
	w.want(200, "", "GET", "/readyz", nil)
	if r := w.want(200, "", "GET", "/healthz", nil); r.body["status"] != "ok" {
		t.Errorf("healthz: %s", r.raw)
	}
	w.call("acme/alice", "GET", "/api/v1/users/bob", nil)
	w.want(404, "", "GET", "/metrics", nil) // not for everyone who reaches the pages
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(figures, promhttp.HandlerOpts{}).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if s := rec.Body.String(); !strings.Contains(s, `magpie_http_request_seconds_count{method="GET",route="/api/v1/users/:uid",status="200"} 1`) || strings.Contains(s, "bob") {
		t.Errorf("metrics: %.2000s", s)
	}
}

// tooFast calls until one call is too much, several at a time: on a slow machine one alone is never too fast.
func (w *world) tooFast(call func() reply) reply {
	w.t.Helper()
	replies := make(chan reply)
	for range 40 {
		go func() { replies <- call() }()
	}
	var refused reply
	for range 40 {
		if r := <-replies; r.status == 429 {
			refused = r
		}
	}
	if refused.status == 0 {
		w.t.Fatal("nothing is too fast")
	}
	return refused
}

func TestSendingTooFast(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Limits.PublishRate, o.Limits.PublishBurst = 1, 3 })
	r := w.tooFast(func() reply {
		return w.call("acme/alice", "POST", "/api/v1/conversations/u:bob/messages", textMessage("hi"))
	})
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", r.status, r.header)
	}
	w.say("acme/bob", "u:alice", "another user is not concerned")
}

func TestClearedConversation(t *testing.T) {
	w := newWorld(t, nil)
	for _, text := range []string{"one", "two", "three"} {
		w.say("acme/alice", "u:bob", text)
	}
	at := "/api/v1/conversations/u:alice"
	w.want(204, "acme/bob", "PUT", at+"/cleared", map[string]any{"seq": 2})
	if r := w.want(200, "acme/bob", "GET", at+"/messages", nil); len(r.items()) != 1 || r.body["next"] != nil || r.body["notices"] != nil {
		t.Errorf("bob sees %s", r.raw)
	}
	w.want(204, "acme/bob", "PUT", at+"/cleared", map[string]any{"seq": 3})
	if r := w.want(200, "acme/bob", "GET", at, nil); r.body["cleared_seq"] != 3.0 || r.body["unread"] != 0.0 || r.body["last"] != nil || r.body["last_seq"] != 3.0 {
		t.Errorf("bob's conversation: %s", r.raw)
	}
	if r := w.want(200, "acme/alice", "GET", "/api/v1/conversations/u:bob/messages", nil); len(r.items()) != 3 {
		t.Errorf("alice sees %s", r.raw)
	}
	w.want(422, "acme/bob", "PUT", at+"/cleared", map[string]any{"seq": -1})
	w.want(422, "acme/bob", "PUT", at+"/cleared", map[string]any{})
	w.want(404, "acme/bob", "PUT", "/api/v1/conversations/u:nobody/cleared", map[string]any{"seq": 1})
}

func TestChangingTooFast(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Limits.WriteRate = 1 })
	last := w.tooFast(func() reply { return w.call("acme/alice", "PUT", "/api/v1/contacts/bob", nil) })
	if last.header.Get("Retry-After") != "1" || last.body["type"] != "/problems/too-often" {
		t.Errorf("%d %v %s", last.status, last.header, last.raw)
	}
	w.want(200, "acme/alice", "GET", "/api/v1/contacts", nil)
	tus := headers{"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
	w.want(404, "acme/alice", "PATCH", "/api/v1/uploads/nothing", "piece", tus) // the pieces of a file are not limited
	w.want(200, "acme/bob", "PUT", "/api/v1/contacts/alice", nil)               // another login
}
