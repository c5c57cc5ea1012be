package main

import (
	"context"
	"log/slog"
	"time"

	"magpie/server/chat"
	"magpie/server/store"
)

// How often the background work is done.
const (
	flushEach = time.Minute
	keepEach  = time.Hour
)

// keeper does what has to be done now and then: it stores the day's figures, deletes what the policies say, and forgets what has had its
// time.
type keeper struct {
	store   *store.Store
	traffic *traffic
	log     *slog.Logger
}

// run works until ctx ends.
func (k *keeper) run(ctx context.Context) {
	flush, keep := time.NewTicker(flushEach), time.NewTicker(keepEach)
	defer flush.Stop()
	defer keep.Stop()
	k.keep(ctx, time.Now())
	for {
		select {
		case <-ctx.Done():
			k.traffic.flush(context.WithoutCancel(ctx))
			return
		case now := <-flush.C:
			k.traffic.flush(ctx)
			if _, err := k.store.Scrub(ctx); err != nil && ctx.Err() == nil { // what can't be done now is tried again
				k.log.Error("house-keeping", "what", "scrub", "err", err)
			}
			if err := k.store.EndExpiredLogins(ctx, now); err != nil && ctx.Err() == nil {
				k.log.Error("house-keeping", "what", "logins", "err", err)
			}
		case now := <-keep.C:
			k.keep(ctx, now)
		}
	}
}

func (k *keeper) keep(ctx context.Context, now time.Time) {
	failed := func(what string, err error) {
		if err != nil && ctx.Err() == nil {
			k.log.Error("house-keeping", "what", what, "err", err)
		}
	}
	failed("tidy", k.store.Tidy(ctx))
	_, err := k.store.RemoveOrgs(ctx, now)
	failed("delete organisations", err)
	orgs, err := k.store.Orgs(ctx)
	failed("organisations", err)
	for _, o := range orgs {
		for kind, days := range map[chat.StreamKind]int{chat.StreamPair: o.Settings.RetentionPair, chat.StreamGroup: o.Settings.RetentionGroup} {
			if days <= 0 {
				continue
			}
			_, err := k.store.Retain(ctx, o.EID, kind, now.AddDate(0, 0, -days))
			failed("retention", err)
		}
	}
}
