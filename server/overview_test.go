package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
	"magpie/server/store"
)

// TestOverviewLive looks at what happens while it happens: figures, sessions, their places, notices; and ends a connection.
func TestOverviewLive(t *testing.T) {
	n := startNode(t, nil)
	token := n.login("alice", "service")["access_token"].(string)
	before := n.must("GET", "/api/v1/admin/overview", token, nil)
	bob := n.online("bob")
	slow, _ := n.dial("carol", dialOptions{clean: true, manual: true, receive: 2})
	n.dial("dave", dialOptions{terminal: "service", clean: true}) // a program, and so nobody who is online
	for _, text := range []string{"one", "two", "three"} {
		bob.say("im/u", "carol", text)
	}
	after := n.must("GET", "/api/v1/admin/overview", token, nil)
	count := func(o map[string]any, path ...string) float64 {
		for _, p := range path[:len(path)-1] {
			o = o[p].(map[string]any)
		}
		return o[path[len(path)-1]].(float64)
	}
	if count(after, "storage", "messages")-count(before, "storage", "messages") != 3 || count(after, "live", "messages_per_second") <= 0 ||
		count(after, "people", "online") != 2 || count(after, "sessions", "web") != 2 || count(after, "sessions", "service") != 1 || count(after, "health", "webhooks") != 0 || len(after["days"].([]any)) != 30 || after["backup"] != nil {
		t.Errorf("overview %v", after)
	}
	n.program.keeper.traffic.flush(t.Context())
	days := n.must("GET", "/api/v1/admin/overview", token, nil)["days"].([]any)
	if today := days[29].(map[string]any); today["messages"].(float64) < 3 || today["date"] != time.Now().UTC().Format(time.DateOnly) {
		t.Errorf("today %v", today)
	}

	var by []string // page by page
	for cursor := ""; ; {
		page := n.must("GET", "/api/v1/admin/sessions?limit=1&cursor="+url.QueryEscape(cursor), token, nil)
		by = append(by, page["items"].([]any)[0].(map[string]any)["uid"].(string))
		var more bool
		if cursor, more = page["next"].(string); !more {
			break
		}
	}
	if !slices.Equal(by, []string{"bob", "carol", "dave"}) {
		t.Errorf("sessions of %v", by)
	}
	sessions := n.must("GET", "/api/v1/admin/sessions?uid=carol", token, nil)["items"].([]any)
	if len(sessions) != 1 {
		t.Fatalf("sessions %v", sessions)
	}
	carol := sessions[0].(map[string]any)
	slow.message(topicOf("im/u", "carol"))
	slow.message(topicOf("im/u", "carol"))
	var one map[string]any
	n.until(func() bool {
		one = n.must("GET", "/api/v1/admin/sessions/"+carol["id"].(string), token, nil)
		return one["lag"].(float64) == 1 && one["in_flight"].(float64) == 2
	})
	found := false
	for _, topic := range one["topics"].([]any) {
		topic := topic.(map[string]any)
		found = found || topic["topic"] == "/e/demo/im/u/bob" && topic["lag"] == 1.0
	}
	if !found || carol["terminal"] != "web" || carol["addr"] == "" {
		t.Errorf("carol's session %v", one)
	}

	// Notices as they come.
	r, err := http.NewRequest("GET", n.addr["http"]+"/api/v1/admin/notices", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(answer, err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Scan()
	n.must("PATCH", "/api/v1/me", n.login("bob", "service")["access_token"].(string), map[string]any{"name": "Robert"})
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"name":"Robert"`) && strings.Contains(lines.Text(), `"type":50`) {
			break
		}
	}
	if lines.Err() != nil {
		t.Error(lines.Err())
	}

	n.must("DELETE", "/api/v1/admin/sessions/"+carol["id"].(string), token, nil)
	if reason := slow.ended(); reason != 0x98 {
		t.Errorf("the session ends with %#x", reason)
	}
	if status, _ := n.call("DELETE", "/api/v1/admin/sessions/"+carol["id"].(string), token, nil); status != 404 {
		t.Errorf("again: %d", status)
	}
	entries, _, err := n.store.Audit(t.Context(), demoEID, chat.AuditQuery{Action: "session.kick"})
	if err != nil || len(entries) != 1 || entries[0].Target != "carol" {
		t.Errorf("audit %v %v", entries, err)
	}
}

// TestSeveralSessionsNoMore leaves each the newest session of a kind, once the organisation allows one alone.
func TestSeveralSessionsNoMore(t *testing.T) {
	n := startNode(t, nil)
	policy := func(several bool) {
		t.Helper()
		org, err := n.store.Org(t.Context(), demoEID)
		if err == nil {
			_, err = n.store.UpdatePolicies(t.Context(), chat.Actor{EID: demoEID, Addr: chat.ActorShell}, org.Version, func(s *chat.OrgSettings) error {
				s.SeveralSessions = several
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	policy(true)
	var webs []*client
	n.until(func() bool { // it has reached the broker
		x, _ := n.dial("carol", dialOptions{id: fmt.Sprint("web-", len(webs)), terminal: "web"})
		webs = append(webs, x)
		return len(n.broker.Sessions(demoEID, "carol")) >= 3
	})
	phone, _ := n.dial("carol", dialOptions{id: "phone", terminal: "phone"})
	services := []*client{}
	for i := range 2 {
		x, _ := n.dial("carol", dialOptions{id: fmt.Sprint("service-", i), terminal: "service"})
		services = append(services, x)
	}
	policy(false)
	last := len(webs) - 1
	for _, x := range webs[max(0, last-2):last] {
		x.notice(topicOf("notice/u", "carol"), chat.NoticeForcedOffline)
		if reason := x.ended(); reason != 0x8e {
			t.Errorf("a surplus session ends with %#x", reason)
		}
	}
	for _, x := range append(services, phone, webs[last]) {
		x.publish(topicOf("im/u", "bob"), im(chat.IMPair, "carol", "still here"), 1, nil)
	}
	if left := n.broker.Sessions(demoEID, "carol"); len(left) != 4 {
		t.Errorf("%d sessions are left: %+v", len(left), left)
	}
}

// TestRetention deletes old messages, and what belongs to them, while a session that is away still has its place among them.
func TestRetention(t *testing.T) {
	n := startNode(t, nil)
	kept := dialOptions{id: "kept", expiry: 600}
	carol, _ := n.dial("carol", kept)
	n.drop(carol)
	bob := n.online("bob")
	for range 450 {
		bob.publish(topicOf("im/u", "carol"), im(chat.IMPair, "bob", "old"), 0, nil)
	}
	bob.say("im/u", "carol", "old too")
	line := time.Now().Add(time.Millisecond)
	n.until(func() bool { return time.Now().After(line) })
	bob.say("im/u", "carol", "new")
	// Only the demo's own talk is of others, and older: it goes too.
	done, err := n.store.Retain(t.Context(), demoEID, chat.StreamPair, line)
	if err != nil || done.Messages < 451 {
		t.Fatalf("%+v %v", done, err)
	}
	if again, err := n.store.Retain(t.Context(), demoEID, chat.StreamPair, line); err != nil || again != (store.Deleted{}) {
		t.Errorf("again %+v %v", again, err)
	}
	items := n.must("GET", "/api/v1/conversations/u:bob/messages", n.login("carol", "service")["access_token"].(string), nil)["items"].([]any)
	if len(items) != 1 {
		t.Errorf("history has %d", len(items))
	}
	n.restart()
	carol, _ = n.dial("carol", kept)
	if got := carol.text(topicOf("im/u", "carol")); got != "new" {
		t.Errorf("carol gets %q first", got)
	}
	entries, _, err := n.store.Audit(t.Context(), demoEID, chat.AuditQuery{Action: "retention"})
	if err != nil || len(entries) != 1 || entries[0].Addr != chat.ActorServer || entries[0].Target != "pair" {
		t.Errorf("audit %v %v", entries, err)
	}
}
