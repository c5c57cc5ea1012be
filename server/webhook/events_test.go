package webhook

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"magpie/server/chat"
	"magpie/server/payload"
)

// events takes n requests and returns their events, with what is about whom.
func (r *receiver) events(n int) (list []string) {
	r.t.Helper()
	for range n {
		g := r.next()
		list = append(list, g.Event+" "+g.Data.Conv+g.Data.GID+" "+g.Data.UID+g.Data.Sender)
	}
	return list
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %q, want %q", got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got, want)
			return
		}
	}
}

// told waits until the agent has told of everything.
func (w *world) told() {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		events, err := w.store.Events(w.t.Context(), 1)
		check(w.t, err)
		if len(events) == 0 {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("waiting: %+v", events)
		}
	}
}

// quiet checks that the only thing that comes next is a message of bob to the bot.
func (w *world) quiet(r *receiver) {
	w.t.Helper()
	w.say("bob", "bot", "the end")
	if g := r.next(); g.text() != "the end" {
		w.t.Errorf("got %+v", g)
	}
}

// A bot that comes to a group while a new webhook reads in which groups it is: the webhook follows that group too.
func TestGroupWhileAWebhookBegins(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	ctx := t.Context()
	check(t, first(w.store.CreateGroup(ctx, eid, "alice", chat.Member, chat.Group{GID: "team", Name: "Team"}, []string{"bob"}, "")))
	w.told()
	w.whileReading(sync.OnceFunc(func() {
		if _, err := w.store.AddMembers(ctx, eid, "team", "alice", chat.Member, []string{"bot"}); err != nil {
			t.Error(err)
		}
		w.told()
	}))
	w.hook(r.URL, chat.HookMessage)
	w.following(w.groups, key{eid, "team"}, true)
	w.say("alice", "g:team", "welcome")
	if g := r.next(); g.text() != "welcome" {
		t.Errorf("got %+v", g)
	}
}

func TestGroups(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	ctx := t.Context()
	check(t, first(w.store.CreateGroup(ctx, eid, "alice", chat.Member, chat.Group{GID: "old", Name: "Old"}, []string{"bob"}, "")))
	w.say("alice", "g:old", "before the bot is in it")
	w.told()
	w.hook(r.URL, chat.HookMessage, chat.HookMembership)
	check(t, first(w.store.AddMembers(ctx, eid, "old", "alice", chat.Member, []string{"bot"})))
	same(t, r.events(1), []string{"membership.added old alice"})
	same(t, r.events(1), []string{"membership.joined old bot"})
	w.say("alice", "g:old", "welcome")
	if g := r.next(); g.text() != "welcome" || g.Data.Conv != "g:old" || g.Data.Sender != "alice" {
		t.Errorf("got %+v", g)
	}
	check(t, first(w.store.AddMembers(ctx, eid, "old", "alice", chat.Member, []string{"carol"})))
	same(t, r.events(1), []string{"membership.joined old carol"})
	admin := chat.GroupAdmin
	check(t, w.store.SetMember(ctx, eid, "old", "carol", "alice", &admin, nil))
	same(t, r.events(1), []string{"membership.changed old carol"})
	check(t, w.store.RemoveMember(ctx, eid, "old", "bob", "bob"))
	same(t, r.events(1), []string{"membership.left old bob"})
	// Who was removed is told so, and nothing after.
	check(t, w.store.RemoveMember(ctx, eid, "old", "bot", "alice"))
	same(t, r.events(1), []string{"membership.left old bot"})
	w.say("alice", "g:old", "now we are alone")
	w.quiet(r)
	// Back again, it gets what comes from then on.
	check(t, first(w.store.AddMembers(ctx, eid, "old", "alice", chat.Member, []string{"bot"})))
	same(t, r.events(2), []string{"membership.added old alice", "membership.joined old bot"})
	w.say("alice", "g:old", "welcome back")
	if g := r.next(); g.text() != "welcome back" {
		t.Errorf("got %+v", g)
	}
	check(t, w.store.DissolveGroup(ctx, eid, "old", "alice"))
	same(t, r.events(1), []string{"membership.dissolved old "})
	w.quiet(r)
}

func TestRemovedBotGetsNothingThatWaited(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	check(t, first(w.store.CreateGroup(t.Context(), eid, "alice", chat.Member, chat.Group{GID: "team", Name: "Team"}, []string{"bot"}, "")))
	r.answers(status(http.StatusInternalServerError))
	h := w.hook(r.URL, chat.HookMessage)
	w.say("alice", "g:team", "one")
	r.next()
	w.attempts(h, 0, 1)
	check(t, w.store.RemoveMember(t.Context(), eid, "team", "bot", "alice"))
	r.answers(nil)
	w.pass(time.Minute)
	d := w.deliveries(h, func(l []chat.Delivery) bool { return l[0].Status == chat.DeliveryFailed })[0]
	if d.Attempts != 1 || d.Reason != chat.ReasonGone || len(r.got) > 0 {
		t.Errorf("it became %+v", d)
	}
	w.quiet(r)
}

func TestRecalled(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	ctx := t.Context()
	h := w.hook(r.URL, chat.HookMessage)
	seq := w.say("alice", "bot", "oops")
	r.next()
	check(t, w.store.Recall(ctx, eid, "alice", "u:bot", seq, payload.Recall))
	if g := r.next(); g.Event != "message.recalled" || g.Data.Conv != "u:alice" || g.Data.Seq != seq || g.Data.By != "alice" {
		t.Errorf("got %+v", g)
	}
	own := w.say("bot", "alice", "mine")
	check(t, w.store.Recall(ctx, eid, "bot", "u:alice", own, payload.Recall))
	w.quiet(r)
	// What is recalled before it was delivered does not leave the server.
	r.answers(status(http.StatusInternalServerError))
	seq = w.say("alice", "bot", "a secret")
	r.next()
	n := len(w.deliveries(h, func(l []chat.Delivery) bool { return l[len(l)-1].Attempts == 1 }))
	check(t, w.store.Recall(ctx, eid, "alice", "u:bot", seq, payload.Recall))
	r.answers(nil)
	w.pass(time.Minute)
	if g := r.next(); g.Event != "message" || !g.Data.Recalled || g.text() != "" || g.Data.Seq != seq {
		t.Errorf("got %+v", g)
	}
	if g := r.next(); g.Event != "message.recalled" {
		t.Errorf("got %+v", g)
	}
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == n+1 && delivered1(l) })
}

// edit makes a user's own message say something else.
func (w *world) edit(uid, conv string, seq uint64, text string) {
	w.t.Helper()
	_, err := w.store.Edit(w.t.Context(), eid, uid, conv, seq, func(b []byte, at time.Time) (*chat.Revision, error) {
		content, err := json.Marshal(map[string]string{"co": text})
		check(w.t, err)
		im, err := payload.Edit(b, []chat.Medium{{Content: content}}, chat.MaxText, at)
		if im == nil || err != nil {
			return nil, err
		}
		left, err := payload.EncodeIM(*im)
		return &chat.Revision{Payload: left}, err
	})
	check(w.t, err)
}

func TestEdited(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	h := w.hook(r.URL, chat.HookMessage)
	seq := w.say("alice", "bot", "teh")
	r.next()
	w.edit("alice", "u:bot", seq, "the")
	if g := r.next(); g.Event != "message.edited" || g.Data.Conv != "u:alice" || g.Data.Seq != seq || g.Data.Sender != "alice" || g.text() != "the" {
		t.Errorf("got %+v", g)
	}
	own := w.say("bot", "alice", "mine")
	w.edit("bot", "u:alice", own, "my own")
	w.quiet(r)
	w.deliveries(h, delivered1)
	// What was edited again before it was delivered is told as it is then.
	r.answers(status(http.StatusInternalServerError))
	w.edit("alice", "u:bot", seq, "them")
	r.next()
	n := len(w.deliveries(h, func(l []chat.Delivery) bool { return l[len(l)-1].Attempts == 1 }))
	w.edit("alice", "u:bot", seq, "then")
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == n+1 })
	r.answers(nil)
	w.pass(time.Minute)
	for range 2 {
		if g := r.next(); g.Event != "message.edited" || g.text() != "then" {
			t.Errorf("got %+v", g)
		}
	}
}

func TestPresence(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	check(t, first(w.store.PutContact(t.Context(), eid, "bot", chat.Member, "alice", "")))
	r.answers(status(http.StatusInternalServerError))
	h := w.hook(r.URL, chat.HookPresence)
	w.following(w.watched, key{eid, "alice"}, true)
	w.Presence(eid, "bob", chat.PresenceOnline) // no contact of the bot
	w.Presence(eid, "alice", chat.PresenceOnline)
	if g := r.next(); g.Event != "presence" || g.Data.UID != "alice" || g.Data.Status != "online" {
		t.Errorf("got %+v", g)
	}
	w.attempts(h, 0, 1)
	// Of what waits the newest is told.
	w.Presence(eid, "alice", []byte{0x53})
	r.next()
	w.attempts(h, 0, 1)
	r.answers(nil)
	w.Presence(eid, "alice", append([]byte{0xaf}, "in a meeting"...))
	if g := r.next(); g.Data.Status != "custom" || g.Data.Text != "in a meeting" {
		t.Errorf("got %+v", g)
	}
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 1 && delivered1(l) })
	check(t, w.store.DeleteContact(t.Context(), eid, "bot", "alice"))
	w.following(w.watched, key{eid, "alice"}, false)
	w.Presence(eid, "alice", chat.PresenceOffline)
	if len(r.got) > 0 {
		t.Errorf("told of a stranger: %+v", <-r.got)
	}
}

// following waits until an index of the dispatcher has workers for somebody or something, or none.
func (w *world) following(index map[key][]*worker, k key, want bool) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		w.Dispatcher.mu.RLock()
		is := len(index[k]) > 0
		w.Dispatcher.mu.RUnlock()
		if is == want {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%v is followed: %t", k, is)
		}
	}
}

func TestSeveralWebhooks(t *testing.T) {
	w, all, few := newWorld(t), newReceiver(t), newReceiver(t)
	w.hook(all.URL, chat.HookEvents...)
	few2 := w.hook(few.URL, chat.HookMembership)
	w.say("alice", "bot", "hello")
	all.next()
	check(t, first(w.store.CreateGroup(t.Context(), eid, "alice", chat.Member, chat.Group{GID: "team", Name: "Team"}, []string{"bot"}, "")))
	ids := map[string]bool{}
	for range 2 { // its maker has joined, the bot was added
		one, two := all.next(), few.next()
		ids[one.ID], ids[two.ID] = true, true
	}
	if len(ids) != 4 {
		t.Errorf("the deliveries have the ids %v", ids)
	}
	// Further events count from when they are wanted.
	events := []chat.HookEvent{chat.HookMessage, chat.HookMembership}
	check(t, first(w.store.UpdateWebhook(t.Context(), by, "oa", few2.ID, few2.Version, chat.WebhookChange{Events: &events})))
	w.say("alice", "bot", "again")
	all.next()
	if g := few.next(); g.text() != "again" {
		t.Errorf("got %+v", g)
	}
	if _, err := w.store.UpdateWebhook(t.Context(), by, "oa", few2.ID, few2.Version, chat.WebhookChange{Events: &events}); chat.CodeOf(err) != chat.Changed {
		t.Errorf("an old version was changed: %v", err)
	}
	now := w.again(few2)
	check(t, w.store.DeleteWebhook(t.Context(), by, "oa", few2.ID, now.Version))
	w.say("alice", "bot", "for one alone")
	all.next()
	if len(few.got) > 0 {
		t.Errorf("a deleted one got %+v", <-few.got)
	}
	check(t, w.store.PruneDeliveries(t.Context(), w.clock().Add(-time.Hour)))
	if next, err := w.store.NextDeliveries(t.Context(), few2.ID, 10); err != nil || len(next) > 0 {
		t.Errorf("of a deleted one there is %+v, %v", next, err)
	}
}

func TestRestart(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	h := w.hook(r.URL, chat.HookMessage)
	r.answers(status(http.StatusInternalServerError))
	w.say("alice", "bot", "one")
	id := r.next().ID
	w.attempts(h, 0, 1)
	w.stop()
	r.answers(nil)
	w.start()
	w.say("alice", "bot", "two")
	w.pass(time.Minute)
	if g := r.next(); g.ID != id || g.text() != "one" {
		t.Errorf("got %+v", g)
	}
	if g := r.next(); g.text() != "two" {
		t.Errorf("got %+v", g)
	}
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 2 && delivered1(l) })
	w.stop()
	w.start()
	w.quiet(r) // nothing comes twice
	// What is under way when the server stops is sent again: nobody knows whether it arrived.
	r.answers(func(_ http.ResponseWriter, in *http.Request) { <-in.Context().Done() })
	w.say("alice", "bot", "three")
	id = r.next().ID
	w.stop()
	r.answers(nil)
	w.start()
	if g := r.next(); g.ID != id {
		t.Errorf("got %+v", g)
	}
	if d := w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 4 && delivered1(l) })[3]; d.Attempts != 1 {
		t.Errorf("it is %+v", d)
	}
}

func TestAgainAndTrial(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	ctx := t.Context()
	h := w.hook(r.URL, chat.HookMessage)
	w.say("alice", "bot", "one")
	g := r.next()
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 1 && delivered1(l) })
	d, err := w.store.SendAgain(ctx, by, "oa", h.ID, g.ID, w.clock())
	check(t, err)
	w.Wake(h.ID)
	if again := r.next(); again.ID != g.ID || again.text() != "one" || d.Status != chat.DeliveryWaiting {
		t.Errorf("got %+v for %+v", again, d)
	}
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 1 && delivered1(l) && l[0].Attempts == 1 })
	if _, err := w.store.SendAgain(ctx, by, "oa", h.ID, "nothing", w.clock()); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("what is not there: %v", err)
	}
	// One that waits is tried at once.
	r.answers(status(http.StatusInternalServerError))
	w.say("alice", "bot", "two")
	two := r.next()
	w.attempts(h, 1, 1)
	r.answers(nil)
	check(t, first(w.store.SendAgain(ctx, by, "oa", h.ID, two.ID, w.clock())))
	w.Wake(h.ID)
	if g := r.next(); g.ID != two.ID {
		t.Errorf("got %+v", g)
	}
	w.deliveries(h, delivered1)

	off := true
	now := w.again(h)
	check(t, first(w.store.UpdateWebhook(ctx, by, "oa", h.ID, now.Version, chat.WebhookChange{Disabled: &off})))
	if _, err := w.store.SendAgain(ctx, by, "oa", h.ID, g.ID, w.clock()); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("of one that is off: %v", err)
	}
	trial, err := w.Test(ctx, w.again(h))
	check(t, err)
	if g := r.next(); g.Event != "test" || g.ID != trial.Name || trial.Status != chat.DeliveryDelivered || trial.Code != 200 || g.Data.Text == "" {
		t.Errorf("got %+v for %+v", g, trial)
	}
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 3 && l[2].Name == trial.Name })
}

func TestOldDeliveriesGo(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	h := w.hook(r.URL, chat.HookMessage)
	w.say("alice", "bot", "one")
	r.next()
	list := w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 1 && delivered1(l) })
	check(t, w.store.PruneDeliveries(t.Context(), list[0].Ended))
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 1 })
	check(t, w.store.PruneDeliveries(t.Context(), list[0].Ended.Add(time.Millisecond)))
	w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 0 })
}

// While what a webhook belongs to is switched off it tells nothing; what came meanwhile follows.
func TestSwitchedOffAbove(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	ctx := t.Context()
	w.hook(r.URL, chat.HookMessage)
	w.say("alice", "bot", "first")
	r.next()
	app, err := w.store.App(ctx, eid, "oa")
	check(t, err)
	org, err := w.store.Org(ctx, eid)
	check(t, err)
	for name, turn := range map[string]func(off bool) error{
		"app": func(off bool) (err error) {
			app, err = w.store.UpdateApp(ctx, by, "oa", app.Version, chat.AppChange{Disabled: &off})
			return err
		},
		"bot": func(off bool) error {
			return first(w.store.UpdateBot(ctx, by, "oa", "bot", chat.BotChange{Disabled: &off}))
		},
		"organisation": func(off bool) (err error) {
			org, err = w.store.ChangeOrg(ctx, chat.Actor{EID: "keeper", Addr: chat.ActorServer}, eid, org.Version, chat.OrgChange{Suspended: &off})
			return err
		},
	} {
		check(t, turn(true))
		w.working(0)
		w.say("alice", "bot", name)
		check(t, turn(false))
		w.working(1)
		if g := r.next(); g.text() != name {
			t.Errorf("%s: got %+v", name, g)
		}
	}
	if len(r.got) > 0 {
		t.Errorf("got %+v", <-r.got)
	}
}

// working waits until there are so many workers.
func (w *world) working(n int) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		w.Dispatcher.mu.RLock()
		is := len(w.workers)
		w.Dispatcher.mu.RUnlock()
		if is == n {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d workers", is)
		}
	}
}
