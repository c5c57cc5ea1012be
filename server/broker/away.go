package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"magpie/server/chat"
)

// away names a session without a connection.
type away struct {
	eid, uid, client string
	id               int64
	kept             bool
}

// armWill publishes a will when its delay is over, unless the session comes back before (MQTT 5 §3.1.3.2.2).
func (b *Broker) armWill(o *org, a away, w *will) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wills[a.id] = time.AfterFunc(time.Until(time.UnixMilli(w.Due)), func() {
		lock := b.userLock(a.eid, a.uid)
		lock.Lock()
		defer lock.Unlock()
		if b.cancelWill(a.id) == nil {
			return
		}
		b.publishWill(o, a.uid, a.id, w)
		if a.kept {
			if err := b.clearWill(a); err != nil {
				b.log.Error("clearing a published will", "err", err)
			}
		}
	})
}

// cancelWill takes back a will that waits. It returns its timer, or nil if there is none.
func (b *Broker) cancelWill(id int64) *time.Timer {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.wills[id]
	delete(b.wills, id)
	if t != nil {
		t.Stop()
	}
	return t
}

// clearWill takes the will out of a stored session. The caller holds the user's lock.
func (b *Broker) clearWill(a away) error {
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Limits.StoreWait)
	defer cancel()
	row, err := b.opt.Store.Session(ctx, a.eid, a.uid, a.client)
	if err != nil {
		return err
	}
	return b.rewrite(ctx, row, func(st *storedState) { st.Will = nil })
}

// rewrite changes a stored session's state.
func (b *Broker) rewrite(ctx context.Context, row chat.Session, change func(*storedState)) error {
	st := storedState{}
	if err := json.Unmarshal(row.State, &st); err != nil {
		return fmt.Errorf("decode session state: %w", err)
	}
	change(&st)
	body, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("encode session state: %w", err)
	}
	row.State = body
	done := make(chan error, 1)
	b.opt.Store.SaveSession(&row, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recoverSessions takes up the stored sessions at the start: those that a crash cut off begin their time away, delayed wills are
// armed, and shared subscriptions know their members.
func (b *Broker) recoverSessions(ctx context.Context) error {
	rows, err := b.opt.Store.Sessions(ctx)
	if err != nil {
		return fmt.Errorf("read stored sessions: %w", err)
	}
	now := b.now()
	for _, row := range rows {
		st := storedState{}
		if err := json.Unmarshal(row.State, &st); err != nil {
			b.log.Error("reading a stored session", "err", err)
			continue
		}
		if row.Expires.IsZero() {
			row.Expires = now.Add(time.Duration(row.Expiry) * time.Second)
			if st.Will != nil {
				st.Will.Due = now.Add(time.Duration(min(st.Will.Delay, row.Expiry)) * time.Second).UnixMilli()
			}
			w := st.Will
			if err := b.rewrite(ctx, row, func(s *storedState) { s.Will = w }); err != nil {
				return fmt.Errorf("store a session that was cut off: %w", err)
			}
		}
		if st.Will == nil && !row.App {
			continue
		}
		o, err := b.org(ctx, row.EID)
		if err != nil {
			b.log.Error("reading the organisation of a stored session", "err", err)
			continue
		}
		if st.Will != nil {
			b.armWill(o, away{eid: row.EID, uid: row.UID, client: row.ClientID, id: row.ID, kept: true}, st.Will)
		}
		o.mu.Lock()
		for _, f := range st.Filters {
			if f.Share != "" {
				o.shareAway(f, row.ID)
			}
		}
		o.mu.Unlock()
	}
	return nil
}

// Housekeeping: how often (sessions every fourth time), and how long a quiet stream stays in memory.
const (
	houseEvery = 15 * time.Second
	idleAfter  = 60 // seconds
)

// keepHouse stores the sessions that moved, ends those that were away too long, and gives memory back.
func (b *Broker) keepHouse(ctx context.Context) {
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		b.mu.Lock()
		orgs := make([]*org, 0, len(b.orgs))
		for _, o := range b.orgs {
			orgs = append(orgs, o)
		}
		b.mu.Unlock()
		for _, o := range orgs {
			o.trim(b.now().Unix())
			o.sweepRetained(b.now().UnixMilli())
			if n%4 == 0 {
				o.saveMoved()
			}
		}
		if n%4 == 0 {
			b.expireSessions(ctx, orgs)
		}
		b.publishFigures()
	}
}

// trim gives back the memory of streams that have been quiet.
func (o *org) trim(now int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for ref, st := range o.streams {
		if now-st.touch.Load() < idleAfter {
			continue
		}
		if o.loading == 0 && st.idle() {
			delete(o.streams, ref)
		} else {
			st.trim()
		}
	}
}

// saveMoved stores the kept sessions that have moved on. What a crash takes back is sent again.
func (o *org) saveMoved() {
	var sessions []*session
	o.mu.RLock()
	for _, u := range o.users {
		for _, s := range u.sessions {
			if s.up.Load() {
				sessions = append(sessions, s)
			}
		}
	}
	o.mu.RUnlock()
	for _, s := range sessions {
		s.mu.Lock()
		if s.dirty && s.kept() && !s.closed {
			s.save(nil)
		}
		s.mu.Unlock()
	}
}

// expireSessions ends the sessions that were away too long and prunes what no session needs of the application streams.
func (b *Broker) expireSessions(ctx context.Context, orgs []*org) {
	ended, err := b.opt.Store.ExpireSessions(ctx, b.now())
	if err != nil {
		b.log.Error("ending sessions that were away too long", "err", err)
		return
	}
	for _, row := range ended {
		if o := b.live(row.EID); o != nil {
			o.unshareRow(&row)
		}
	}
	for _, o := range orgs {
		if err := b.pruneApp(ctx, o); err != nil {
			b.log.Error("pruning the application stream", "err", err, "eid", o.eid)
		}
	}
}

// unshareRow takes a stored session that ends out of the shared subscriptions.
func (o *org) unshareRow(row *chat.Session) {
	st := storedState{}
	if json.Unmarshal(row.State, &st) != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range st.Filters {
		o.unshareID(f, row.ID)
	}
}

// pruneApp deletes the application messages that every session has passed.
func (b *Broker) pruneApp(ctx context.Context, o *org) error {
	info, err := b.opt.Store.Stream(ctx, o.ref(chat.StreamApp, ""))
	if err != nil || info.ID == 0 {
		return err
	}
	keep := info.Head
	rows, err := b.opt.Store.AppSessions(ctx, o.eid)
	if err != nil {
		return err
	}
	for _, row := range rows {
		st := storedState{}
		if json.Unmarshal(row.State, &st) != nil {
			continue
		}
		keep = min(keep, st.cursors()[info.ID])
		for _, f := range st.Inflight {
			if f.Stream == info.ID {
				keep = min(keep, f.Seq-1)
			}
		}
	}
	if st := o.stream(info.StreamRef); st != nil {
		st.members.RLock()
		for s, sb := range st.members.m {
			s.mu.Lock()
			keep = min(keep, sb.sent)
			s.mu.Unlock()
		}
		st.members.RUnlock()
	}
	if keep == 0 || keep <= o.pruned {
		return nil
	}
	if err := b.opt.Store.PruneApp(ctx, o.eid, keep); err != nil {
		return err
	}
	o.pruned = keep
	return nil
}
