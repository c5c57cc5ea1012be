package webhook

import (
	"context"
	"crypto/rand"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"magpie/server/chat"
)

const (
	maxFlights = 4   // requests of a webhook at a time
	readStep   = 32  // entries of a stream that are read at a time
	leastRoom  = 100 // in a queue that was full, before more is queued
)

// worker runs one webhook. Its fields belong to the goroutine of run, but for those that say otherwise.
type worker struct {
	d      *Dispatcher
	hook   chat.Webhook
	secret string
	sealed error // why the secret can't be read
	log    *slog.Logger
	cancel context.CancelFunc
	done   chan struct{} // closed when run has ended
	wake   chan struct{}
	stale  atomic.Bool // what the bot sees has changed
	behind atomic.Bool // there may be something to queue

	follows []place // guarded by Dispatcher.mu

	flights map[string]bool // lanes that have a request under way
	landed  chan string     // their lanes, when they are over

	mu       sync.Mutex // guards presence
	presence map[string]presenceNews
}

// presenceNews is what is seen of somebody since a time.
type presenceNews struct {
	payload []byte
	at      time.Time
}

func newWorker(d *Dispatcher, h chat.Webhook) *worker {
	w := &worker{d: d, hook: h, log: d.Log.With("webhook", h.ID, "app", h.App), done: make(chan struct{}), wake: make(chan struct{}, 1),
		flights: map[string]bool{}, landed: make(chan string, maxFlights), presence: map[string]presenceNews{}}
	w.secret, w.sealed = d.Secret(h)
	w.stale.Store(true)
	return w
}

// run works until ctx ends, and waits for the requests that are under way: they end with requests, so that a webhook which is only changed tells nothing
// twice. It begins when before is closed, by the worker that had the webhook until now; nil is none.
func (w *worker) run(ctx, requests context.Context, before <-chan struct{}) {
	defer close(w.done)
	if before != nil {
		<-before
	}
	defer func() {
		for len(w.flights) > 0 {
			delete(w.flights, <-w.landed)
		}
	}()
	pause := time.Duration(0)
	for ctx.Err() == nil {
		wait, err := w.work(ctx, requests)
		switch {
		case chat.CodeOf(err) == chat.NotFound: // it is gone, or switched off: the dispatcher hears of it too
			wait, pause = maxPause, 0
		case err != nil && ctx.Err() == nil:
			pause = min(max(2*pause, 50*time.Millisecond), maxPause)
			w.log.Warn("deliveries wait", "err", err, "again_in", pause)
			wait = pause
		default:
			pause = 0
		}
		w.rest(ctx, wait)
	}
}

// rest waits until there may be something to do; forever if wait is negative.
func (w *worker) rest(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-w.wake:
	case lane := <-w.landed:
		delete(w.flights, lane)
	case <-due:
	}
}

// work queues what is new and begins what is due. It returns in how long the next delivery is due, negative if none waits.
func (w *worker) work(ctx, requests context.Context) (time.Duration, error) {
	if w.stale.Swap(false) {
		sees, err := w.d.Store.Presubscribe(ctx, w.hook.EID, w.hook.Bot)
		if err != nil {
			w.stale.Store(true)
			return 0, err
		}
		w.d.follow(w, sees)
		w.behind.Store(true) // what was appended since it was read had nobody to wake
	}
	if err := w.queuePresence(ctx); err != nil {
		return 0, err
	}
	if w.behind.Swap(false) {
		if err := w.queue(ctx); err != nil {
			w.behind.Store(true)
			return 0, err
		}
	}
	return w.begin(ctx, requests)
}

// queue moves the places on as far as the queue has room.
func (w *worker) queue(ctx context.Context) error {
	lanes, err := w.d.Store.WaitingDeliveries(ctx, w.hook.ID)
	if err != nil {
		return err
	}
	room := chat.MaxWaiting
	for _, n := range lanes {
		room -= n
	}
	if room < leastRoom {
		w.behind.Store(true) // each delivery that ends leads here again
		return nil
	}
	streams, err := w.d.Store.StreamsBehind(ctx, w.hook)
	if err != nil {
		return err
	}
	for _, s := range streams {
		for full := false; s.Place < s.Head && !full; {
			if room <= 0 {
				w.behind.Store(true)
				return nil
			}
			entries, err := w.d.Store.Read(ctx, s.ID, s.Place, min(room, readStep))
			if err != nil {
				return err
			}
			var list []chat.Delivery
			if s.Place, list, full = w.meet(s, entries, lanes); full {
				w.behind.Store(true)
			}
			if err := w.d.Store.QueueDeliveries(ctx, w.hook.ID, []chat.HookStream{s}, list); err != nil {
				return err
			}
			room -= len(list)
		}
	}
	return nil
}

// meet returns how far entries lead in a stream, up to its head, and what of them is to be delivered. full says that it ends before something whose lane has no
// room; the lane gets none for anything that comes later in another stream either.
func (w *worker) meet(s chat.HookStream, entries []chat.Entry, lanes map[string]int) (place uint64, list []chat.Delivery, full bool) {
	place = s.Place
	for _, e := range entries {
		if e.Seq > s.Head {
			return s.Head, list, false
		}
		event, lane := classify(w.hook, e)
		if event == "" {
			place = e.Seq
			continue
		}
		if lanes[lane] >= chat.MaxLane {
			lanes[lane] = math.MaxInt
			return place, list, true
		}
		lanes[lane]++
		place = e.Seq
		list = append(list, chat.Delivery{Name: rand.Text(), Lane: lane, Event: event, Stream: e.StreamID, Seq: e.Seq,
			Created: time.UnixMilli(e.Time), Next: w.d.Now()})
	}
	if len(entries) == 0 { // the rest of the stream was deleted
		place = s.Head
	}
	return place, list, false
}

// queuePresence queues what was seen of contacts.
func (w *worker) queuePresence(ctx context.Context) error {
	w.mu.Lock()
	if len(w.presence) == 0 {
		w.mu.Unlock()
		return nil
	}
	news := w.presence
	w.presence = map[string]presenceNews{}
	w.mu.Unlock()
	var list []chat.Delivery
	for uid, n := range news {
		data, err := presenceData(uid, n.payload)
		if err != nil {
			w.log.Error("a presence can't be told", "uid", uid, "err", err)
			continue
		}
		list = append(list, chat.Delivery{Name: rand.Text(), Lane: "p:" + uid, Event: string(chat.HookPresence), Data: data, Created: n.at, Next: w.d.Now()})
	}
	err := w.d.Store.QueueDeliveries(ctx, w.hook.ID, nil, list)
	if err != nil {
		w.mu.Lock()
		for uid, n := range news {
			if _, newer := w.presence[uid]; !newer {
				w.presence[uid] = n
			}
		}
		w.mu.Unlock()
	}
	return err
}

// begin sends what is due, as far as requests may be under way.
func (w *worker) begin(ctx, requests context.Context) (time.Duration, error) {
	if len(w.flights) == maxFlights {
		return -1, nil
	}
	next, err := w.d.Store.NextDeliveries(ctx, w.hook.ID, 2*maxFlights)
	if err != nil {
		return 0, err
	}
	for _, d := range next {
		if w.flights[d.Lane] {
			continue
		}
		if wait := d.Next.Sub(w.d.Now()); wait > 0 {
			return wait, nil
		}
		if len(w.flights) == maxFlights {
			break
		}
		w.flights[d.Lane] = true
		go func() {
			w.deliver(requests, d)
			w.landed <- d.Lane
		}()
	}
	return -1, nil
}

// deliver makes an attempt and stores how it went. It stays with an outcome that can't be stored until it can.
func (w *worker) deliver(ctx context.Context, d chat.Delivery) {
	d = w.attempt(ctx, d)
	if ctx.Err() != nil {
		return // it is sent again: nobody knows whether it arrived
	}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, maxPause) {
		off, err := w.d.Store.SaveAttempt(ctx, d, w.d.Now(), giveUpAfter)
		if off {
			w.log.Warn("webhook switched off: its receiver took nothing for days", "err", d.Error)
		}
		if err == nil || ctx.Err() != nil || chat.CodeOf(err) == chat.NotFound {
			break
		}
		w.log.Warn("an attempt can't be stored", "err", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
	w.d.count(d.Status)
}
