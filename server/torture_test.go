package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKill kills the program again and again while everybody writes, and then compares what was acknowledged with what
// is in the history and with what every subscriber got. MAGPIE_KILLS sets the number of rounds, MAGPIE_SEED repeats a run's choices.
func TestKill(t *testing.T) {
	rounds, seed := 12, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("MAGPIE_KILLS")); err == nil {
		rounds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("MAGPIE_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("MAGPIE_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(t.TempDir(), "demo")
	w := &world{t: t, sent: map[string]*sending{}}
	w.cond = sync.NewCond(&w.mu)
	s := w.up(dir)

	tokens := map[string]string{}
	for _, uid := range []string{"alice", "bob", "carol", "dave"} {
		tokens[uid] = s.token(uid)
	}
	_, g := s.call("POST", "/api/v1/groups", tokens["alice"], map[string]any{"name": "Torture", "members": []string{"bob", "carol", "dave"}})
	gid, _ := g["gid"].(string)
	if gid == "" {
		t.Fatalf("no group: %v", g)
	}
	group, app := topicOf("im/g", gid), appTopic("torture/x")
	// The users of a conversation, and how each sees it.
	views := map[string]map[string]string{convOf(group, ""): {"alice": "g:" + gid, "bob": "g:" + gid, "carol": "g:" + gid, "dave": "g:" + gid}}
	for _, pair := range [][2]string{{"alice", "bob"}, {"bob", "carol"}, {"bob", "dave"}} {
		views[convOf(topicOf("im/u", pair[0]), pair[1])] = map[string]string{pair[0]: "u:" + pair[1], pair[1]: "u:" + pair[0]}
	}
	base := map[string]uint64{} // what the demo has said before
	for conv, by := range views {
		for uid, view := range by {
			for _, m := range s.history(tokens[uid], view, 0) {
				base[conv] = uint64(m["seq"].(float64))
			}
			break
		}
	}

	subscribers := []*peer{
		{name: "bob-5", uid: "bob", v: 5, kept: true, cut: 100},
		{name: "bob-3", uid: "bob", v: 4, kept: true, lazy: true, cut: 60},
		{name: "alice-slow", uid: "alice", v: 5, kept: true, receive: 2, lazy: true, cut: 40},
		{name: "carol-away", uid: "carol", v: 5, kept: true, away: func(life int) bool { return life%3 != 1 }},
		{name: "carol-app", uid: "carol", v: 5, kept: true, filter: appTopic("torture/#"), cut: 80},
		{name: "dave-app", uid: "dave", v: 4, kept: true, filter: app},
	}
	old := &peer{name: "dave-3", uid: "dave", v: 4, kept: true, topics: []string{topicOf("im/u", "bob"), group}, window: 8}
	publishers := []*peer{old,
		{name: "alice-5", uid: "alice", v: 5, topics: []string{topicOf("im/u", "bob"), group}, window: 16},
		{name: "bob-pub", uid: "bob", v: 5, topics: []string{topicOf("im/u", "alice"), topicOf("im/u", "carol"), group}, window: 16},
		{name: "carol-5", uid: "carol", v: 5, topics: []string{topicOf("im/u", "bob"), group}, window: 8},
		{name: "alice-app", uid: "alice", v: 5, kept: true, topics: []string{app}, window: 8},
	}
	var running sync.WaitGroup
	stop := func() {
		w.mu.Lock()
		w.end = true
		w.mu.Unlock()
		w.cond.Broadcast()
		running.Wait()
	}
	defer stop()
	begin := func(peers ...*peer) {
		for _, p := range peers {
			p.w, p.token, p.held, p.got = w, tokens[p.uid], map[uint16]bool{}, map[string][]receipt{}
			running.Go(p.run)
		}
		w.await("the sessions", func() bool { return !slices.ContainsFunc(peers, func(p *peer) bool { return !p.ready }) })
	}
	begin(subscribers...)
	begin(old) // its session stands before the others write
	begin(publishers[1:]...)

	for range rounds {
		w.mu.Lock()
		target := w.acked + 20 + random.IntN(300)
		w.mu.Unlock()
		w.await("acknowledgements", func() bool { return w.acked >= target })
		w.down()
		s.Process.Kill()
		s.Wait()
		s = w.up(dir)
	}
	w.mu.Lock()
	w.stop = true
	w.mu.Unlock()
	w.cond.Broadcast()
	if rounds > 0 { // those that stay away in this life come for the end
		w.down()
		s.Process.Kill()
		s.Wait()
		s = w.up(dir)
	}
	w.await("the last acknowledgements", func() bool { return !slices.ContainsFunc(publishers, func(p *peer) bool { return len(p.waiting) > 0 }) })

	order := map[string][]string{} // conversation → texts in the order of seq
	for conv, by := range views {
		for uid, view := range by {
			texts := w.checkHistory(conv, base[conv], s.history(tokens[uid], view, base[conv]))
			if order[conv] != nil && !slices.Equal(order[conv], texts) {
				t.Errorf("%s: %s sees another history than others", conv, uid)
			}
			order[conv] = texts
		}
	}
	apps := convOf(app, "")
	for i := range publishers[len(publishers)-1].next {
		order[apps] = append(order[apps], fmt.Sprintf("alice-app-%d", i))
	}
	total := 0
	for _, texts := range order {
		total += len(texts)
	}
	if total != w.acked || total != len(w.sent) {
		t.Errorf("%d messages stand in the histories, %d were acknowledged, %d sent", total, w.acked, len(w.sent))
	}
	for _, p := range append(subscribers, old) {
		for conv, texts := range order {
			if conv == apps && p.filter == "" || conv != apps && views[conv][p.uid] == "" {
				continue
			}
			if p == old { // its own messages are not sent back to it
				texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return w.sent[text].by == old })
			}
			w.checkReceived(p, conv, texts, base[conv], p != old)
		}
	}
	stop()
	t.Logf("%d messages, %d kills", total, rounds+1)
}

// up starts the server and tells the peers.
func (w *world) up(dir string) *server {
	s := serve(w.t, []string{"http", "mqtt"}, "--demo", "--data", dir, "--limit-publish-rate", "0")
	w.mu.Lock()
	w.life++
	w.addr = strings.TrimPrefix(s.lines["mqtt"], "tcp://")
	w.mu.Unlock()
	w.cond.Broadcast()
	return s
}

// down is called before the server is killed: from now on a connection may end.
func (w *world) down() {
	w.mu.Lock()
	w.addr = ""
	w.mu.Unlock()
}

// await waits for a condition on what w.mu guards.
func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	late := false
	timer := time.AfterFunc(2*patience, func() {
		w.mu.Lock()
		late = true
		w.mu.Unlock()
		w.cond.Broadcast()
	})
	defer timer.Stop()
	w.mu.Lock()
	w.wait(func() bool { return late || ok() })
	done := ok()
	w.mu.Unlock()
	if !done {
		w.t.Fatalf("waited in vain for %s", what)
	}
}

// token signs in on a terminal of which a user may have many sessions.
func (s *server) token(uid string) string {
	s.t.Helper()
	status, answer := s.call("POST", "/api/v1/auth/login", "", map[string]string{"org": demoEID, "username": uid, "password": demoPassword, "terminal": "service"})
	token, _ := answer["access_token"].(string)
	if token == "" {
		s.t.Fatalf("%s can't sign in: %d %v", uid, status, answer)
	}
	return token
}

// history reads all messages of a conversation that follow a seq, in order.
func (s *server) history(token, conv string, after uint64) (all []map[string]any) {
	s.t.Helper()
	page := ""
	for {
		status, answer := s.call("GET", fmt.Sprintf("/api/v1/conversations/%s/messages?limit=200%s", conv, page), token, nil)
		if status != 200 {
			s.t.Fatalf("history of %s: %d %v", conv, status, answer)
		}
		items, _ := answer["items"].([]any)
		for _, item := range slices.Backward(items) {
			m := item.(map[string]any)
			seq := uint64(m["seq"].(float64))
			if seq <= after {
				items = nil
				break
			}
			all = append(all, m)
			page = fmt.Sprintf("&before=%d", seq)
		}
		if len(items) == 0 {
			slices.Reverse(all)
			return all
		}
	}
}

// checkHistory compares a conversation with what was sent, and returns its texts.
func (w *world) checkHistory(conv string, base uint64, history []map[string]any) (texts []string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	last := map[*peer]int{}
	for i, m := range history {
		seq := uint64(m["seq"].(float64))
		text, _ := m["media"].([]any)[0].(map[string]any)["content"].(map[string]any)["co"].(string)
		if seq != base+uint64(i)+1 {
			w.t.Fatalf("%s: seq %d follows %d", conv, seq, base+uint64(i))
		}
		s := w.sent[text]
		switch {
		case s == nil || s.conv != conv || m["sender"] != s.by.uid:
			w.t.Fatalf("%s: %v was never sent", conv, m)
		case seen[text]:
			w.t.Errorf("%s: %q is there twice", conv, text)
		case s.seq != 0 && s.seq != seq:
			w.t.Errorf("%s: %q was acknowledged with seq %d and has %d", conv, text, s.seq, seq)
		case m["id"] != cidHex(s):
			w.t.Errorf("%s: %q has the id %v, want %s", conv, text, m["id"], cidHex(s))
		}
		number, _ := strconv.Atoi(text[strings.LastIndexByte(text, '-')+1:])
		if before, ok := last[s.by]; ok && number <= before {
			w.t.Errorf("%s: %q comes after number %d", conv, text, before)
		}
		last[s.by] = number
		seen[text] = true
		texts = append(texts, text)
	}
	for text, s := range w.sent {
		if s.conv == conv && s.acked && !seen[text] {
			w.t.Errorf("%s: %q was acknowledged and is lost", conv, text)
		}
	}
	return texts
}

// checkReceived waits until a peer has everything of a conversation, and compares. exact: the texts are all that the conversation has.
func (w *world) checkReceived(p *peer, conv string, texts []string, base uint64, exact bool) {
	w.t.Helper()
	place := make(map[string]int, len(texts))
	for i, text := range texts {
		place[text] = i
	}
	checked, next, conn, high := 0, 0, 0, -1
	w.await(fmt.Sprintf("%s to get all of %s (%d messages)", p.name, conv, len(texts)), func() bool {
		for _, r := range p.got[conv][checked:] {
			checked++
			i, ok := place[r.text]
			if !ok {
				w.fail(p, "%s: %q does not stand in the history", conv, r.text)
				continue
			}
			if exact && r.seq != 0 && !strings.HasPrefix(conv, "app/") && r.seq != base+uint64(i)+1 {
				w.fail(p, "%s: %q came with seq %d and has %d", conv, r.text, r.seq, base+uint64(i)+1)
			}
			if r.conn != conn {
				conn, high = r.conn, -1
			}
			if i <= high {
				w.fail(p, "%s: %q came again or late on one connection", conv, r.text)
			}
			high = i
			switch {
			case i == next:
				next++
			case i > next:
				w.fail(p, "%s: %q came before %q", conv, r.text, texts[next])
				next = i + 1
			case strings.HasPrefix(conv, "app/"):
				w.fail(p, "%s: %q came again at QoS 2", conv, r.text)
			}
		}
		return next >= len(texts)
	})
}
