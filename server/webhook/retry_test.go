package webhook

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"magpie/server/chat"
	"magpie/server/outbound"
)

// attempts waits until a webhook's delivery has been tried n times.
func (w *world) attempts(h chat.Webhook, delivery, n int) chat.Delivery {
	w.t.Helper()
	return w.deliveries(h, func(l []chat.Delivery) bool { return len(l) > delivery && l[delivery].Attempts == n })[delivery]
}

func TestRetries(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	r.answers(status(http.StatusInternalServerError))
	h := w.hook(r.URL, chat.HookMessage)
	w.say("alice", "bot", "one")
	first := r.next()
	for i, pause := range schedule {
		d := w.attempts(h, 0, i+1)
		if wait := d.Next.Sub(w.clock()); d.Status != chat.DeliveryWaiting || d.Code != 500 || wait < pause*9/10 || wait > pause*11/10 {
			t.Fatalf("after %d attempts: %+v, in %s", i+1, d, wait)
		}
		w.pass(d.Next.Sub(w.clock()) - time.Second)
		if len(r.got) > 0 {
			t.Fatal("tried too early")
		}
		w.pass(time.Second)
		if g := r.next(); g.ID != first.ID || g.text() != "one" || g.header.Get("Magpie-Timestamp") == first.header.Get("Magpie-Timestamp") {
			t.Fatalf("the repeat is %+v", g)
		}
	}
	list := w.deliveries(h, func(l []chat.Delivery) bool { return l[0].Status == chat.DeliveryFailed })
	if d := list[0]; d.Attempts != len(schedule)+1 || d.Ended.IsZero() || !strings.Contains(d.Error, "500") {
		t.Errorf("at the end: %+v", d)
	}
	// The conversation goes on after what could not be delivered, and the webhook is well again.
	r.answers(nil)
	w.say("alice", "bot", "two")
	if g := r.next(); g.text() != "two" {
		t.Errorf("got %+v", g)
	}
	w.deliveries(h, func(l []chat.Delivery) bool { return l[1].Status == chat.DeliveryDelivered })
	if h := w.again(h); h.Failures != 0 || !h.Failing.IsZero() {
		t.Errorf("the webhook is %+v", h)
	}
}

func TestOrderOfAConversation(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	r.answers(status(http.StatusBadGateway))
	h := w.hook(r.URL, chat.HookMessage)
	w.say("alice", "bot", "one")
	w.attempts(h, 0, 1)
	r.next()
	w.say("alice", "bot", "two")
	w.say("bob", "bot", "another conversation")
	if g := r.next(); g.text() != "another conversation" {
		t.Errorf("%q did not wait for what is before", g.text())
	}
	w.attempts(h, 2, 1)
	if list := w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 3 }); list[1].Attempts != 0 {
		t.Errorf("the second was tried: %+v", list[1])
	}
	for i := range 3 { // until the receiver counts as down
		w.pass(time.Hour)
		w.attempts(h, 0, i+2)
		w.attempts(h, 2, i+2)
	}
	for len(r.got) > 0 {
		<-r.got
	}
	// Once it takes something again, the rest follows without waiting for its time.
	r.answers(nil)
	w.say("carol", "bot", "")
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 4 && delivered1(l) })
	var said []string
	for len(r.got) > 0 {
		said = append(said, (<-r.got).text())
	}
	if one, two := slices.Index(said, "one"), slices.Index(said, "two"); len(said) != 4 || one < 0 || two < one {
		t.Errorf("got %q", said)
	}
}

func TestSwitchedOffAfterDaysOfFailures(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	r.answers(status(http.StatusServiceUnavailable))
	h := w.hook(r.URL, chat.HookMessage)
	w.say("alice", "bot", "one")
	w.say("alice", "bot", "two")
	for n := 1; ; n++ {
		r.next()
		w.deliveries(h, func([]chat.Delivery) bool { return w.again(h).Failures == n })
		if w.again(h).Disabled {
			if passed := time.Duration(n-1) * 14 * time.Hour; passed < giveUpAfter {
				t.Errorf("it is off after %s", passed)
			}
			break
		}
		if n > 7 {
			t.Fatal("it is still on")
		}
		w.pass(14 * time.Hour) // longer than any pause
	}
	list := w.deliveries(h, func([]chat.Delivery) bool { return true })
	for _, d := range list {
		if d.Status == chat.DeliveryWaiting {
			t.Errorf("%+v waits for a webhook that is off", d)
		}
	}
	log, _, err := w.store.Audit(t.Context(), eid, chat.AuditQuery{Action: "webhook.off"})
	check(t, err)
	if len(log) != 1 || log[0].Target != "oa/"+h.ID || log[0].Addr != chat.ActorServer {
		t.Errorf("the audit log has %+v", log)
	}
	// Switched on again it tells of what comes from then on.
	w.say("alice", "bot", "nobody hears")
	r.answers(nil)
	for len(r.got) > 0 {
		<-r.got
	}
	off, on := w.again(h), false
	_, err = w.store.UpdateWebhook(t.Context(), by, "oa", h.ID, off.Version, chat.WebhookChange{Disabled: &on})
	check(t, err)
	w.say("alice", "bot", "back")
	if g := r.next(); g.text() != "back" {
		t.Errorf("got %+v", g)
	}
	if h := w.again(h); h.Failures != 0 || h.Disabled {
		t.Errorf("the webhook is %+v", h)
	}
}

func TestReceiversThatAreRefused(t *testing.T) {
	w := newWorld(t)
	elsewhere := newReceiver(t)
	redirecting := newReceiver(t)
	redirecting.answers(func(out http.ResponseWriter, in *http.Request) {
		http.Redirect(out, in, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a wrong certificate was taken") }))
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	huge := newReceiver(t)
	huge.answers(func(out http.ResponseWriter, _ *http.Request) {
		out.WriteHeader(http.StatusTeapot)
		for piece := make([]byte, 1<<20); ; {
			if _, err := out.Write(piece); err != nil {
				return // the sender has read enough
			}
		}
	})
	for _, c := range []struct {
		name      string
		reason    chat.DeliveryReason
		url, says string
		code      int
	}{
		{"redirect", chat.ReasonRedirect, redirecting.URL, "redirects (307", 307},
		{"wrong certificate", chat.ReasonCertificate, secure.URL, "certificate", 0},
		{"down", chat.ReasonConnection, gone.URL, "refused", 0},
		{"huge", chat.ReasonStatus, huge.URL, "418", 418},
		{"unknown name", chat.ReasonName, "http://nobody.invalid/", "not found", 0},
	} {
		h := w.hook(c.url, chat.HookMessage)
		d, err := w.Test(t.Context(), h)
		check(t, err)
		if d.Status != chat.DeliveryFailed || d.Code != c.code || d.Reason != c.reason || !strings.Contains(d.Error, c.says) || len(d.Error) > 2*maxError || d.Attempts != 1 {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
	if len(elsewhere.got) > 0 {
		t.Error("a redirect was followed")
	}

	inside := newReceiver(t)
	w.Client = outbound.Client(nil, 5*time.Second)
	for _, url := range []string{inside.URL, strings.Replace(inside.URL, "127.0.0.1", "localhost", 1), strings.Replace(inside.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), "http://169.254.169.254/latest/meta-data"} {
		d, err := w.Test(t.Context(), w.hook(url, chat.HookMessage))
		check(t, err)
		if d.Status != chat.DeliveryFailed || d.Code != 0 || d.Reason != chat.ReasonAddress || !strings.Contains(d.Error, "private or reserved") {
			t.Errorf("%s: %+v", url, d)
		}
	}
	if len(inside.got) > 0 {
		t.Error("what is inside was reached")
	}
}

func TestSlowReceiverHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	slow, quick := newReceiver(t), newReceiver(t)
	slow.answers(func(_ http.ResponseWriter, in *http.Request) { <-in.Context().Done() })
	lame := w.hook(slow.URL, chat.HookMessage)
	swift := w.hook(quick.URL, chat.HookMessage)
	for i := range 30 {
		w.say("alice", "bot", fmt.Sprint(i))
		if g := quick.next(); g.text() != fmt.Sprint(i) {
			t.Fatalf("got %+v", g)
		}
	}
	w.deliveries(swift, func(l []chat.Delivery) bool { return len(l) == 30 && delivered1(l) })
	slow.next()
	if d := w.attempts(lame, 0, 1); d.Reason != chat.ReasonTimeout || !strings.Contains(d.Error, "in time") {
		t.Errorf("the slow one: %+v", d)
	}
}

func TestQueueIsBounded(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	r.answers(status(http.StatusInternalServerError))
	h := w.hook(r.URL, chat.HookMessage)
	// Conversations that do not go on leave room for others, and wait in the log themselves.
	groups := make([]string, chat.MaxWaiting/chat.MaxLane+2)
	for i := range groups {
		groups[i] = fmt.Sprint("g:", i)
		_, err := w.store.CreateGroup(t.Context(), eid, "alice", chat.Member, chat.Group{GID: fmt.Sprint(i), Name: "Team"}, []string{"bot"}, "")
		check(t, err)
	}
	const n = chat.MaxLane + 20
	for _, g := range groups[1:] {
		w.talk(g, n)
	}
	w.talk(groups[0], 2)
	w.deliveries(h, func([]chat.Delivery) bool { return w.again(h).Waiting > chat.MaxWaiting-leastRoom })
	lanes, err := w.store.WaitingDeliveries(t.Context(), h.ID)
	check(t, err)
	all := 0
	for lane, waiting := range lanes {
		if all += waiting; waiting > chat.MaxLane {
			t.Errorf("%d wait of %s", waiting, lane)
		}
	}
	if all > chat.MaxWaiting {
		t.Errorf("%d wait", all)
	}
}

func TestWhatHadNoRoomComesInOrder(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	r.answers(status(http.StatusInternalServerError))
	h := w.hook(r.URL, chat.HookMessage)
	check(t, first(w.store.CreateGroup(t.Context(), eid, "alice", chat.Member, chat.Group{GID: "team", Name: "Team"}, []string{"bot"}, "")))
	const n = chat.MaxLane + 20
	w.talk("g:team", n)
	w.deliveries(h, func([]chat.Delivery) bool { h := w.again(h); return h.Waiting == chat.MaxLane && h.Failures > 0 })
	r.answers(nil)
	for len(r.got) > 0 {
		<-r.got
	}
	w.pass(time.Minute)
	for i := range n {
		if g := r.next(); g.text() != fmt.Sprint(i) {
			t.Fatalf("delivery %d is %q", i, g.text())
		}
	}
	w.deliveries(h, func([]chat.Delivery) bool { return w.again(h).Waiting == 0 })
}

func first[T any](_ T, err error) error { return err }

// talk lets alice write n numbers into a conversation.
func (w *world) talk(to string, n int) {
	w.t.Helper()
	var written sync.WaitGroup
	for i := range n {
		written.Add(1)
		w.append("alice", to, fmt.Sprint(i), func(a chat.Appended) {
			if a.Err != nil {
				w.t.Error(a.Err)
			}
			written.Done()
		})
	}
	written.Wait()
}
