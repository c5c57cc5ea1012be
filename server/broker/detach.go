package broker

import (
	"time"

	"magpie/server/chat"
)

// detach takes a session off everything. Its stored part, if it has one, begins its time away. It may be called more than once.
func (b *Broker) detach(s *session) {
	o := s.org
	if o == nil || s.user == nil {
		return
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	if s.kick != nil {
		s.nudge()
	}
	if s.cond != nil {
		s.cond.Broadcast()
	}
	w := s.will
	if s.normal {
		w = nil
	}
	if w != nil {
		w.Due = b.now().Add(time.Duration(min(w.Delay, s.expiry.Load())) * time.Second).UnixMilli()
	}
	s.will = w
	ready := s.ready
	late := w != nil && (w.Due > b.now().UnixMilli() || b.closing.Load())
	if !late {
		s.will = nil // it is published below
	}
	switch {
	case s.kept() && s.up.Load():
		b.park(s)
	case !s.kept() && s.id > 0:
		b.opt.Store.DeleteSession(s.id, nil)
	}
	subs := s.subs
	s.subs = nil
	s.mu.Unlock()
	if ready && w != nil && !late {
		b.publishWill(o, s.who.UID, s.id, w) // while the broker still knows the user's groups
	}

	o.mu.Lock()
	for _, sb := range subs {
		sb.st.leave(s)
	}
	for _, f := range s.filters {
		o.removeFilter(s, f, s.kept() && s.up.Load())
	}
	u := s.user
	u.sessions = without(u.sessions, s)
	if len(u.sessions) == 0 {
		o.retire(u)
	}
	if ready {
		o.depart(u, s.terminal)
	}
	o.drop(u)
	o.mu.Unlock()
	b.sessions.Add(-1)
	if ready && late && !b.closing.Load() {
		b.armWill(o, away{eid: s.who.EID, uid: s.who.UID, client: s.clientID, id: s.id, kept: s.kept()}, w)
	}
}

type sessionKey struct{ eid, uid, client string }

// park stores a session whose connection has ended. The caller holds s.mu.
func (b *Broker) park(s *session) {
	saved := b.beginSaving(s)
	row := s.row(b.now().Add(time.Duration(s.expiry.Load()) * time.Second))
	b.opt.Store.SaveSession(row, func(err error) {
		if err != nil {
			b.log.Error("storing a session", "err", err)
		}
		saved()
	})
}

// beginSaving makes the next connection with the session's client id wait until the function that it returns is called.
func (b *Broker) beginSaving(s *session) (saved func()) {
	key := sessionKey{s.who.EID, s.who.UID, s.clientID}
	ch := make(chan struct{})
	b.mu.Lock()
	b.saving[key] = ch
	b.mu.Unlock()
	return func() {
		b.mu.Lock()
		if b.saving[key] == ch {
			delete(b.saving, key)
		}
		b.mu.Unlock()
		close(ch)
	}
}

// takeBack deals with a session that was refused as the store took too long, and may be stored as connected all the same: one that is
// fresh is deleted then, one that was to go on begins its time away. The caller holds the user's lock, so that no other connection has
// begun to read it.
func (b *Broker) takeBack(s *session, row *chat.Session, fresh bool, stored <-chan error) {
	saved := b.beginSaving(s)
	expiry := time.Duration(s.expiry.Load()) * time.Second
	go func() {
		if err := <-stored; err != nil {
			saved() // it is not there, or as it was before
			return
		}
		done := func(err error) {
			if err != nil {
				b.log.Error("taking a refused session back", "err", err)
			}
			saved()
		}
		if fresh {
			b.opt.Store.DeleteSession(row.ID, done)
			return
		}
		row.Expires = b.now().Add(expiry)
		b.opt.Store.SaveSession(row, done)
	}()
}

// expire makes the session end with its connection.
func (s *session) expire() { s.expiry.Store(0) }
