// Package agent turns changes into notices. It takes the events that the store keeps in order, reads the details from the database, and
// publishes what they mean. An event leaves the queue in the transaction that appends its notices, so a crash at any moment
// loses nothing and repeats nothing.
package agent

import (
	"context"
	"log/slog"
	"time"

	"magpie/server/chat"
)

// Store is what the agent needs of the database.
type Store interface {
	// Events returns the events that are not finished, oldest first.
	Events(ctx context.Context, limit int) ([]chat.Event, error)
	// FinishEvent appends the notices and removes the event, or does nothing if that was done before.
	FinishEvent(ctx context.Context, id int64, notices []chat.Append) error

	User(ctx context.Context, eid, uid string) (chat.User, error)
	Announcement(ctx context.Context, eid string, id int64) (chat.Announcement, error)
	// Message returns a message of a stream as it is now.
	Message(ctx context.Context, ref chat.StreamRef, seq uint64) (chat.Entry, error)
	Groups(ctx context.Context, eid, uid string) ([]chat.Group, error)
	// Conversation returns a conversation as a user sees it.
	Conversation(ctx context.Context, eid, uid, conv string) (chat.Conversation, error)
	// ContactOf returns the uids of those who have uid in their contacts.
	ContactOf(ctx context.Context, eid, uid string) ([]string, error)
	// GroupManagers returns a group, whoever asks, and the uids of its owner and administrators.
	GroupManagers(ctx context.Context, eid, gid string) (chat.Group, []string, error)
}

// Options configure an Agent.
type Options struct {
	Store Store
	Log   *slog.Logger
}

// Agent publishes notices. It is a chat.Observer: changes wake it.
type Agent struct {
	store Store
	log   *slog.Logger
	wake  chan struct{}
}

// New makes an Agent. Run makes it work.
func New(o Options) *Agent {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Agent{store: o.Store, log: o.Log, wake: make(chan struct{}, 1)}
}

// Appended is part of chat.Observer; messages mean nothing to the agent.
func (a *Agent) Appended([]chat.Entry) {}

// Changed wakes the agent.
func (a *Agent) Changed([]chat.Event) {
	select {
	case a.wake <- struct{}{}:
	default: // it is awake, or about to be
	}
}

const (
	batch    = 200
	maxPause = 10 * time.Second
)

// Run works until ctx ends. What fails it tries again, so that the order stays: first at once, then with growing pauses.
func (a *Agent) Run(ctx context.Context) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		n, err := a.work(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Warn("notices wait", "err", err, "again_in", pause)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(max(2*pause, 50*time.Millisecond), maxPause)
		case n == 0:
			pause = 0
			select {
			case <-ctx.Done():
			case <-a.wake:
			}
		default:
			pause = 0
		}
	}
}

// work finishes one batch of events and returns how many there were.
func (a *Agent) work(ctx context.Context) (int, error) {
	events, err := a.store.Events(ctx, batch)
	if err != nil {
		return 0, err
	}
	for _, e := range events {
		notices, err := a.notices(ctx, e)
		if err != nil {
			return 0, err
		}
		if err := a.store.FinishEvent(ctx, e.ID, notices); err != nil {
			return 0, err
		}
	}
	return len(events), nil
}
