package main

import (
	"sync"
	"time"

	"magpie/server/chat"
	"magpie/server/payload"
)

// feed shows administrators what the agent publishes, as it becomes durable. Who reads too slowly misses some, and is told how many.
type feed struct {
	mu        sync.Mutex // guards all below
	followers map[*follower]struct{}
	closed    bool
}

type follower struct {
	eid    string
	items  chan chat.FeedItem
	missed int
}

// feedBuffer is how many notices wait for a reader.
const feedBuffer = 256

func newFeed() *feed { return &feed{followers: map[*follower]struct{}{}} }

// Appended implements chat.Observer.
func (f *feed) Appended(entries []chat.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.followers) == 0 {
		return
	}
	for i := range entries {
		e := &entries[i]
		switch e.Stream.Kind {
		case chat.StreamUserNotice, chat.StreamGroupNotice, chat.StreamTerminalNotice:
		default:
			continue
		}
		n, err := payload.DecodeNotice(e.Payload)
		if err != nil {
			continue
		}
		item := chat.FeedItem{Time: time.UnixMilli(e.Time).UTC(), Topic: e.Stream.Topic(""), Seq: e.Seq, Type: n.Type, Content: n.Content}
		for x := range f.followers {
			if x.eid != e.Stream.EID {
				continue
			}
			item.Missed = x.missed
			select {
			case x.items <- item:
				x.missed = 0
			default:
				x.missed++
			}
		}
	}
}

// Changed implements chat.Observer.
func (f *feed) Changed([]chat.Event) {}

// Follow gives an organisation's notices from now on, until stop.
func (f *feed) Follow(eid string) (items <-chan chat.FeedItem, stop func()) {
	x := &follower{eid: eid, items: make(chan chat.FeedItem, feedBuffer)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		close(x.items)
	} else {
		f.followers[x] = struct{}{}
	}
	return x.items, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.followers, x)
	}
}

// close ends what is followed, so that the server can stop.
func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for x := range f.followers {
		close(x.items)
	}
	clear(f.followers)
}
