package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"magpie/server/broker"
	"magpie/server/chat"
	"magpie/server/payload"
	"magpie/server/store"
)

// traffic counts what passes, for the overview of administrators: by day, which is stored now and then, and by second.
type traffic struct {
	store *store.Store
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex // guards all below
	days    map[dayOf]*chat.DayFigures
	seconds map[string]*[rateWindow]perSecond // by organisation
}

type dayOf struct {
	eid string
	day int64
}

// rateWindow is over how many seconds a rate is taken.
const rateWindow = 10

type perSecond struct{ at, n int64 }

func newTraffic(st *store.Store, log *slog.Logger) *traffic {
	return &traffic{store: st, log: log, now: time.Now, days: map[dayOf]*chat.DayFigures{}, seconds: map[string]*[rateWindow]perSecond{}}
}

// Appended implements chat.Observer.
func (t *traffic) Appended(entries []chat.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.now().Unix()
	for i := range entries {
		e := &entries[i]
		if e.Stream.Kind != chat.StreamPair && e.Stream.Kind != chat.StreamGroup {
			continue
		}
		key := dayOf{e.Stream.EID, e.Time / int64(24*time.Hour/time.Millisecond)}
		d := t.days[key]
		if d == nil {
			d = &chat.DayFigures{EID: key.eid, Day: key.day}
			t.days[key] = d
		}
		d.Messages++
		d.Media += int64(payload.CountFiles(e.Payload))
		d.Bytes += int64(len(e.Payload))
		s := t.seconds[key.eid]
		if s == nil {
			s = &[rateWindow]perSecond{}
			t.seconds[key.eid] = s
		}
		slot := &s[at%rateWindow]
		if slot.at != at {
			*slot = perSecond{at: at}
		}
		slot.n++
	}
}

// Changed implements chat.Observer.
func (t *traffic) Changed([]chat.Event) {}

// Rate is how many messages of an organisation are stored in a second, over the last ones.
func (t *traffic) Rate(eid string) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, n, at := t.seconds[eid], int64(0), t.now().Unix()
	if s == nil {
		return 0
	}
	for _, slot := range s {
		if slot.at > at-rateWindow {
			n += slot.n
		}
	}
	return float64(n) / rateWindow
}

// flush stores the days' figures.
func (t *traffic) flush(ctx context.Context) {
	t.mu.Lock()
	days := t.days
	t.days = map[dayOf]*chat.DayFigures{}
	t.mu.Unlock()
	if len(days) == 0 {
		return
	}
	list := make([]chat.DayFigures, 0, len(days))
	for _, d := range days {
		list = append(list, *d)
	}
	if err := t.store.AddFigures(ctx, list); err != nil {
		t.log.Warn("the figures of the day were not stored", "err", err)
		t.mu.Lock()
		defer t.mu.Unlock()
		for key, d := range days { // with the next
			if now := t.days[key]; now != nil {
				d.Messages, d.Media, d.Bytes = d.Messages+now.Messages, d.Media+now.Media, d.Bytes+now.Bytes
			}
			t.days[key] = d
		}
	}
}

// live is what the API shows of the moment.
type live struct {
	*broker.Broker
	*traffic
	*feed
}
