package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// hookLog is what a receiver has got, in order.
type hookLog struct {
	mu     sync.Mutex
	secret string
	list   []hookRequest
	wrong  []string
	news   chan struct{}
}

type hookRequest struct {
	ID    string `json:"id"`
	Event string `json:"event"`
	Data  struct {
		Conv string `json:"conv"`
		Seq  uint64 `json:"seq"`
		GID  string `json:"gid"`
		UID  string `json:"uid"`

		Status string `json:"status"`
	} `json:"data"`
}

func (l *hookLog) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender was killed
	}
	var x hookRequest
	err = json.Unmarshal(body, &x)
	l.mu.Lock()
	defer l.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(l.secret))
	mac.Write(append([]byte(r.Header.Get("Magpie-Timestamp")+"."), body...))
	if err != nil || r.Header.Get("Magpie-Signature") != "v1="+hex.EncodeToString(mac.Sum(nil)) {
		l.wrong = append(l.wrong, fmt.Sprint(err, r.Header, string(body)))
	}
	l.list = append(l.list, x)
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// wait waits until f is content with what the receiver has got.
func (l *hookLog) wait(t *testing.T, f func([]hookRequest) bool) {
	t.Helper()
	for limit := time.After(2 * time.Minute); ; {
		l.mu.Lock()
		done := f(l.list)
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-l.news:
		case <-limit:
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("the receiver got %d requests, the last of them %+v", len(l.list), l.list[max(0, len(l.list)-5):])
		}
	}
}

// must calls the API as TestDemo's alice, and returns the answer of a call that has to go well.
func (s *server) must(want int, method, path, token string, body any) map[string]any {
	s.t.Helper()
	status, answer := s.call(method, path, token, body)
	if status != want {
		s.t.Fatalf("%s %s: %d %v, want %d", method, path, status, answer, want)
	}
	return answer
}

// TestWebhooksSurviveKills kills the program again and again while people write in two conversations of a bot: its receiver gets every message
// that was acknowledged, in the order of its conversation, and knows repeats by their id.
func TestWebhooksSurviveKills(t *testing.T) {
	log := &hookLog{news: make(chan struct{}, 1)}
	receiver := httptest.NewServer(log)
	t.Cleanup(receiver.Close)
	dir := filepath.Join(t.TempDir(), "data")
	args := []string{"--demo", "--data", dir, "--webhook-allow", "127.0.0.0/8", "--limit-publish-rate", "0", "--limit-write-rate", "0"}
	s := serve(t, []string{"http"}, args...)
	alice := s.signIn(demoEID, "alice", demoPassword)
	bob := s.signIn(demoEID, "bob", demoPassword)
	const app = "/api/v1/admin/apps/oa-test"
	s.must(201, "POST", "/api/v1/admin/apps", alice, map[string]any{"id": "oa-test", "name": "Office"})
	s.must(201, "POST", app+"/bots", alice, map[string]any{"uid": "robot", "name": "Robot"})
	hook := s.must(201, "POST", app+"/webhooks", alice, map[string]any{"url": receiver.URL, "bot": "robot", "events": []string{"message", "membership"}})
	log.mu.Lock()
	log.secret = hook["secret"].(string)
	log.mu.Unlock()
	group := s.must(201, "POST", "/api/v1/groups", alice, map[string]any{"name": "Team", "members": []string{"bob", "robot"}})["gid"].(string)
	log.wait(t, func(l []hookRequest) bool {
		for _, r := range l {
			if r.Event == "membership.added" && r.Data.GID == group {
				return true
			}
		}
		return false
	})

	last := map[string]uint64{} // of each conversation: the newest seq that was acknowledged
	const rounds, messages = 4, 30
	for round := range rounds {
		for i := range messages {
			conv, as := "u:robot", alice
			if i%3 == 0 {
				conv, as = "g:"+group, bob
			}
			answer := s.must(201, "POST", "/api/v1/conversations/"+conv+"/messages", as,
				map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": fmt.Sprint(round, " ", i)}}}})
			last[conv] = uint64(answer["seq"].(float64))
		}
		s.Process.Kill()
		s.Wait()
		s = serve(t, []string{"http"}, args...)
	}
	conv := func(r hookRequest) string { return strings.Replace(r.Data.Conv, "u:alice", "u:robot", 1) }
	log.wait(t, func(l []hookRequest) bool {
		come := map[string]bool{} // of each conversation the newest: one may come twice
		for _, r := range l {
			if r.Event == "message" && r.Data.Seq == last[conv(r)] {
				come[conv(r)] = true
			}
		}
		return len(come) == len(last)
	})
	log.mu.Lock()
	defer log.mu.Unlock()
	for _, wrong := range log.wrong {
		t.Error(wrong)
	}
	at, ids := map[string]uint64{}, map[string]string{}
	repeats := 0
	for _, r := range log.list {
		if r.Event != "message" {
			continue
		}
		entry := fmt.Sprint(conv(r), " ", r.Data.Seq)
		switch {
		case ids[entry] == "":
			if ids[entry] = r.ID; r.Data.Seq != at[conv(r)]+1 {
				t.Errorf("%s comes after %d", entry, at[conv(r)])
			}
			at[conv(r)] = r.Data.Seq
		case ids[entry] != r.ID:
			t.Errorf("%s came as %s and as %s", entry, ids[entry], r.ID)
		default:
			repeats++
		}
	}
	for c, seq := range last {
		if at[c] != seq {
			t.Errorf("of %s came %d of %d messages", c, at[c], seq)
		}
	}
	t.Logf("%d requests, %d of them repeats", len(log.list), repeats)
	deliveries := s.must(200, "GET", app+"/webhooks/"+hook["id"].(string)+"/deliveries?status=failed", alice, nil)
	if items := deliveries["items"].([]any); len(items) > 0 {
		t.Errorf("failed: %v", items)
	}
}

// TestWebhooksTellPresence lets the bot's contact come, say how it is, and go, by MQTT.
func TestWebhooksTellPresence(t *testing.T) {
	log := &hookLog{news: make(chan struct{}, 1)}
	receiver := httptest.NewServer(log)
	t.Cleanup(receiver.Close)
	n := startNode(t, func(c *Config) { c.WebhookAllow, c.Metrics = []string{"127.0.0.1"}, "127.0.0.1:0" })
	alice := n.token("alice")
	const app = "/api/v1/admin/apps/oa-test"
	n.must("POST", "/api/v1/admin/apps", alice, map[string]any{"id": "oa-test", "name": "Office"})
	n.must("POST", app+"/bots", alice, map[string]any{"uid": "robot", "name": "Robot"})
	key := n.must("POST", app+"/api-keys", alice, map[string]any{"name": "Server", "bot": "robot", "scopes": []string{"write"}})["key"].(string)
	n.must("PUT", "/api/v1/contacts/bob", key, nil)
	hook := n.must("POST", app+"/webhooks", alice, map[string]any{"url": receiver.URL, "bot": "robot", "events": []string{"message", "presence"}})
	log.mu.Lock()
	log.secret = hook["secret"].(string)
	log.mu.Unlock()
	told := func(status string) {
		t.Helper()
		log.wait(t, func(l []hookRequest) bool {
			return len(l) > 0 && l[len(l)-1].Data.UID+" "+l[len(l)-1].Data.Status == "bob "+status
		})
	}
	// Who has told a message watches the contacts by then.
	n.must("POST", "/api/v1/conversations/u:robot/messages", alice, map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": "Hello"}}}})
	log.wait(t, func(l []hookRequest) bool { return len(l) > 0 })
	bob := n.online("bob")
	told("online")
	bob.publish(topicOf("pres/u", "bob"), []byte{0x53}, 1, nil)
	told("busy")
	n.online("carol") // of whom the bot hears nothing
	n.drop(bob)
	told("offline")
	n.until(func() bool { // the last is counted a moment after it has arrived
		answer, err := http.Get(n.addr["metrics"] + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		figures, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(figures), "magpie_webhook_attempts_total{outcome=\"delivered\"} 4\n") &&
			strings.Contains(string(figures), "magpie_webhook_deliveries_waiting 0\n")
	})
	log.mu.Lock()
	defer log.mu.Unlock()
	for _, wrong := range log.wrong {
		t.Error(wrong)
	}
}
