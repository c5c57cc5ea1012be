package broker

import (
	"context"
	"encoding/json"
	"time"

	"magpie/server/chat"
	"magpie/server/payload"
)

// Presence returns what others see of a user: the presence payload, and the terminals it is connected on.
func (b *Broker) Presence(eid, uid string) ([]byte, []chat.Terminal) {
	o := b.live(eid)
	if o == nil {
		return chat.PresenceOffline, nil
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	u := o.users[uid]
	var list []chat.Terminal
	if u != nil {
		for t := range u.terminals {
			if u.terminals[t].shown {
				list = append(list, chat.Terminal(t))
			}
		}
	}
	return u.presence(), list
}

// presence is the payload that others see. The caller holds o.mu.
func (u *user) presence() []byte {
	switch {
	case u == nil || !u.shown:
		return chat.PresenceOffline
	case u.chosen != nil:
		return u.chosen
	}
	return chat.PresenceOnline
}

// SetPresence stores a status that the user chose, a payload that payload.DecodePresence takes, and shows it.
func (b *Broker) SetPresence(ctx context.Context, eid, uid string, p []byte) error {
	if err := b.opt.Store.SetPresence(ctx, eid, uid, p); err != nil {
		return err
	}
	o := b.live(eid)
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if u := o.users[uid]; u != nil {
		u.chosen = append([]byte(nil), p...)
		if u.shown {
			o.announce(u)
		}
	}
	return nil
}

// arrive shows a user and its terminal as connected, unless it was away for a moment only. The caller holds o.mu.
func (o *org) arrive(u *user, t chat.Terminal) {
	if u.leaving != nil {
		u.leaving.Stop()
		u.leaving = nil
	}
	if !u.shown {
		u.shown = true
		o.announce(u)
	}
	tm := &u.terminals[t]
	if tm.leaving != nil {
		tm.leaving.Stop()
		tm.leaving = nil
	}
	if !tm.shown {
		tm.shown = true
		o.tellTerminal(u.uid, t, true)
	}
}

// depart begins the time after which a user, and its terminal, are shown as gone. The caller holds o.mu.
func (o *org) depart(u *user, t chat.Terminal) {
	same := false
	for _, s := range u.sessions {
		same = same || s.terminal == t
	}
	if tm := &u.terminals[t]; !same && tm.shown && tm.leaving == nil {
		var timer *time.Timer
		timer = time.AfterFunc(o.b.opt.PresenceGrace, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if tm.leaving != timer {
				return
			}
			tm.leaving, tm.shown = nil, false
			o.tellTerminal(u.uid, t, false)
			o.drop(u)
		})
		tm.leaving = timer
	}
	if len(u.sessions) == 0 && u.shown && u.leaving == nil {
		var timer *time.Timer
		timer = time.AfterFunc(o.b.opt.PresenceGrace, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if u.leaving != timer {
				return
			}
			u.leaving, u.shown = nil, false
			o.announce(u)
			o.drop(u)
		})
		u.leaving = timer
	}
}

// announce sends a user's presence to itself and to those who watch it. The caller holds o.mu.
func (o *org) announce(u *user) {
	if o.b.opt.Presence != nil {
		o.b.opt.Presence(o.eid, u.uid, u.presence())
	}
	for _, s := range u.sessions {
		o.tellPresence(s, u, false)
	}
	for w := range u.watchers {
		if w == u {
			continue
		}
		for _, s := range w.sessions {
			o.tellPresence(s, u, false)
		}
	}
}

// tellPresence marks a user's presence as news for a session. What is sent is the state at the time of sending: a session that
// is slow gets the newest alone. retained marks the answer to a new subscription (MQTT 5 §3.3.1.3). The caller holds o.mu.
func (o *org) tellPresence(s *session, u *user, retained bool) {
	if u == nil {
		return
	}
	s.mu.Lock()
	if s.presence == nil {
		s.presence = map[*user]bool{}
	}
	s.presence[u] = retained
	s.mu.Unlock()
	if s.presDue.CompareAndSwap(false, true) {
		o.b.tasks.add((*presenceTask)(s))
	}
}

// presenceTask is a session as the task of sending it presence.
type presenceTask session

func (t *presenceTask) work() {
	s := (*session)(t)
	s.presDue.Store(false)
	s.org.mu.RLock()
	defer s.org.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready || s.closed {
		return // it is done again when the session is ready
	}
	for u, retained := range s.presence {
		m := &message{topic: presTopic(s.who.EID, u.uid), payload: u.presence(), retain: retained}
		if f := m.plain(s.v5, s.ws); s.takes(f) && s.conn.trySend(f.b) != nil {
			return // the drained connection comes here again
		}
		delete(s.presence, u)
	}
	s.presence = nil
}

// tellTerminal writes notice 0x31 to those who have the user in their contacts.
func (o *org) tellTerminal(uid string, t chat.Terminal, on bool) {
	content, _ := json.Marshal(struct {
		UID string `json:"uid"`
		St  byte   `json:"st"`
		On  bool   `json:"on"`
	}{uid, byte(t), on})
	body, err := payload.EncodeNotice(chat.Notice{Type: chat.NoticeTerminals, Content: content})
	if err != nil {
		o.b.log.Error("encoding a notice", "err", err)
		return
	}
	o.b.later.append(chat.Append{Stream: o.ref(chat.StreamTerminalNotice, uid), Payload: body})
}
