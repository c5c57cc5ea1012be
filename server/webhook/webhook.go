// Package webhook tells receivers over HTTP what the bots of apps see.
//
// A webhook is a set of places in the log, like an MQTT session: what is new is pulled from there when the store says so, and at the start. The
// place moves in the transaction that queues the delivery, so a crash at any moment loses nothing. The queue of a webhook is bounded; what is beyond stays in
// the log. Deliveries of one conversation go one after the other, those of several side by side, and each webhook has a worker of
// its own: a receiver that is slow or dead holds up nobody else. A delivery is sent until its receiver has said yes, or the schedule is at its
// end; a crash in between sends it again with the same id.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"magpie/server/chat"
)

// Store is what webhooks need of the database.
type Store interface {
	LiveWebhooks(ctx context.Context) ([]chat.Webhook, error)
	// Presubscribe says in which groups a bot is, and whom it has in its contacts.
	Presubscribe(ctx context.Context, eid, uid string) (chat.Presubscription, error)
	StreamsBehind(ctx context.Context, w chat.Webhook) ([]chat.HookStream, error)
	Read(ctx context.Context, streamID int64, after uint64, limit int) ([]chat.Entry, error)
	QueueDeliveries(ctx context.Context, webhook string, moved []chat.HookStream, list []chat.Delivery) error
	WaitingDeliveries(ctx context.Context, webhook string) (lanes map[string]int, err error)
	NextDeliveries(ctx context.Context, webhook string, limit int) ([]chat.Delivery, error)
	WebhookEntry(ctx context.Context, w chat.Webhook, d chat.Delivery) (chat.Entry, error)
	// Message returns a message as it is now, or chat.NotFound.
	Message(ctx context.Context, ref chat.StreamRef, seq uint64) (chat.Entry, error)
	SaveAttempt(ctx context.Context, d chat.Delivery, at time.Time, most time.Duration) (off bool, err error)
	KeepDelivery(ctx context.Context, d chat.Delivery) error
	PruneDeliveries(ctx context.Context, before time.Time) error
}

// Options configure a Dispatcher.
type Options struct {
	Store  Store
	Client *http.Client                       // reaches what may be reached; its timeout is that of an attempt
	Secret func(chat.Webhook) (string, error) // opens what seals a webhook's secret
	Now    func() time.Time                   // default time.Now
	Log    *slog.Logger
}

// Dispatcher runs the webhooks. It is a chat.Observer: what becomes durable wakes the webhooks that it concerns.
type Dispatcher struct {
	Options
	reload chan struct{}
	counts [len(outcomes)]atomic.Int64
	ending map[string]<-chan struct{} // by webhook, when the worker that had it last is done; Run's alone

	mu      sync.RWMutex // guards all below; held for moments only, as the store's writer and the broker wait for it
	workers map[string]*worker
	bots    map[key][]*worker // by eid and uid of the bot
	groups  map[key][]*worker // by eid and gid of the groups that the bot is in
	watched map[key][]*worker // by eid and uid of the bot's contacts, where presence is wanted
}

type key struct{ eid, id string }

// New makes a Dispatcher. Run makes it work.
func New(o Options) *Dispatcher {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Dispatcher{Options: o, reload: make(chan struct{}, 1), ending: map[string]<-chan struct{}{}, workers: map[string]*worker{},
		bots: map[key][]*worker{}, groups: map[key][]*worker{}, watched: map[key][]*worker{}}
}

// Appended wakes the webhooks whose bots see the entries.
func (d *Dispatcher) Appended(entries []chat.Entry) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if len(d.workers) == 0 {
		return
	}
	for i := range entries {
		e := &entries[i]
		at := key{e.Stream.EID, e.Stream.Key}
		switch e.Stream.Kind {
		case chat.StreamPair:
			a, b, _ := strings.Cut(e.Stream.Key, ":")
			signal(d.bots[key{at.eid, a}])
			if a != b {
				signal(d.bots[key{at.eid, b}])
			}
		case chat.StreamGroup, chat.StreamGroupNotice:
			signal(d.groups[at])
		case chat.StreamUserNotice:
			signal(d.bots[at])
		}
	}
}

// Changed follows what decides which webhooks work, and what their bots see.
func (d *Dispatcher) Changed(events []chat.Event) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for i := range events {
		e := &events[i]
		switch e.Type {
		case chat.EventWebhooks, chat.EventUserDisabled, chat.EventOrg:
			offer(d.reload)
		case chat.EventGroupJoin, chat.EventGroupLeave, chat.EventContactAdd, chat.EventContactRemove:
			stale(d.bots[key{e.EID, e.UID}])
		case chat.EventGroupDissolve:
			stale(d.groups[key{e.EID, e.GID}])
		}
	}
}

// Presence tells what others see of a user from now on.
func (d *Dispatcher) Presence(eid, uid string, payload []byte) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, w := range d.watched[key{eid, uid}] {
		w.mu.Lock()
		w.presence[uid] = presenceNews{slices.Clone(payload), d.Now()}
		w.mu.Unlock()
		offer(w.wake)
	}
}

// Wake lets a webhook look at once for what is due; "" is all of them.
func (d *Dispatcher) Wake(id string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, w := range d.workers {
		if id == "" || id == w.hook.ID {
			offer(w.wake)
		}
	}
}

func signal(list []*worker) {
	for _, w := range list {
		w.behind.Store(true)
		offer(w.wake)
	}
}

func stale(list []*worker) {
	for _, w := range list {
		w.stale.Store(true)
	}
	signal(list)
}

// offer leaves a signal, unless there is one already.
func offer(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Pauses of the dispatcher.
const (
	pruneEach = time.Hour
	maxPause  = 10 * time.Second
)

// Run works until ctx ends: it has a worker for each live webhook.
func (d *Dispatcher) Run(ctx context.Context) {
	prune := time.NewTicker(pruneEach)
	defer prune.Stop()
	defer d.stopAll()
	d.prune(ctx)
	offer(d.reload)
	for pause := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-prune.C:
			d.prune(ctx)
		case <-d.reload:
			err := d.load(ctx)
			if err == nil || ctx.Err() != nil {
				pause = 0
				continue
			}
			pause = min(max(2*pause, 50*time.Millisecond), maxPause)
			d.Log.Warn("webhooks can't be read", "err", err, "again_in", pause)
			time.AfterFunc(pause, func() { offer(d.reload) })
		}
	}
}

func (d *Dispatcher) prune(ctx context.Context) {
	if err := d.Store.PruneDeliveries(ctx, d.Now().Add(-chat.KeepDeliveries)); err != nil && ctx.Err() == nil {
		d.Log.Error("old deliveries stay", "err", err)
	}
}

// load starts and stops workers, so that they are those of the live webhooks. A webhook that was changed gets another worker.
func (d *Dispatcher) load(ctx context.Context) error {
	live, err := d.Store.LiveWebhooks(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]chat.Webhook{}
	for _, h := range live {
		wanted[h.ID] = h
	}
	d.mu.RLock()
	var old []*worker
	for id, w := range d.workers {
		if h, ok := wanted[id]; ok && h.Version == w.hook.Version {
			delete(wanted, id)
			continue
		}
		old = append(old, w)
	}
	d.mu.RUnlock()
	d.retire(old)
	for _, h := range wanted {
		w := newWorker(d, h)
		d.mu.Lock()
		d.workers[h.ID] = w
		d.mu.Unlock()
		d.follow(w, chat.Presubscription{}) // so that what changes while it reads what its bot sees finds it
		run, cancel := context.WithCancel(ctx)
		w.cancel = cancel
		go w.run(run, ctx, d.ending[h.ID])
	}
	return nil
}

// retire ends workers. What they have under way goes on beside what comes after: a slow receiver holds up its own webhook alone.
func (d *Dispatcher) retire(list []*worker) {
	for id, done := range d.ending {
		select {
		case <-done:
			delete(d.ending, id)
		default:
		}
	}
	for _, w := range list {
		w.cancel()
		d.ending[w.hook.ID] = w.done
		d.mu.Lock()
		delete(d.workers, w.hook.ID)
		d.forget(w)
		d.mu.Unlock()
	}
}

func (d *Dispatcher) stopAll() {
	d.mu.RLock()
	var all []*worker
	for _, w := range d.workers {
		all = append(all, w)
	}
	d.mu.RUnlock()
	d.retire(all)
	for _, done := range d.ending {
		<-done
	}
}

// follow notes what a worker's bot sees: entries and changes of it wake the worker from here on.
func (d *Dispatcher) follow(w *worker, sees chat.Presubscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.workers[w.hook.ID] != w { // it is retired
		return
	}
	d.forget(w)
	add := func(m map[key][]*worker, id string) {
		k := key{w.hook.EID, id}
		m[k] = append(m[k], w)
		w.follows = append(w.follows, place{m, k})
	}
	add(d.bots, w.hook.Bot)
	for _, g := range sees.Groups {
		add(d.groups, g.GID)
	}
	if !w.hook.Wants(chat.HookPresence) {
		return
	}
	for _, uid := range sees.Contacts {
		add(d.watched, uid)
	}
}

// forget undoes follow. The caller holds d.mu.
func (d *Dispatcher) forget(w *worker) {
	for _, p := range w.follows {
		// Appended and the others have let go of the list by now: it is changed under the lock alone.
		p.in[p.at] = slices.DeleteFunc(p.in[p.at], func(x *worker) bool { return x == w })
		if len(p.in[p.at]) == 0 {
			delete(p.in, p.at)
		}
	}
	w.follows = nil
}

// place is where the index has a worker.
type place struct {
	in map[key][]*worker
	at key
}

// Outcomes of attempts.
const (
	delivered = iota
	putOff
	failed
)

var outcomes = [...]string{"delivered", "again", "failed"}

// Attempts returns the counters of attempts since the start, by their outcome: "delivered", "again" for those that are repeated, "failed".
func (d *Dispatcher) Attempts() map[string]*atomic.Int64 {
	out := map[string]*atomic.Int64{}
	for i := range d.counts {
		out[outcomes[i]] = &d.counts[i]
	}
	return out
}
