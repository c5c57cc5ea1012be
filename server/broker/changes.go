package broker

import (
	"slices"
	"strings"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// Appended takes what the log has made durable to those who follow it. It implements chat.Observer.
func (b *Broker) Appended(entries []chat.Entry) {
	now := b.now().Unix()
	var last *org
	for i := range entries {
		e := &entries[i]
		if last == nil || last.eid != e.Stream.EID {
			last = b.live(e.Stream.EID)
		}
		if last == nil {
			continue
		}
		st := last.follow(e)
		if st == nil {
			continue
		}
		st.push(e, now)
		// Also when a session that has just joined has read of the entry in the log before: the others are told of it here.
		if st.queued.CompareAndSwap(false, true) {
			b.tasks.add(st)
		}
	}
}

// follow finds the stream of an entry, nil if nobody needs it. The first entry of a conversation of two finds those of
// them who are connected.
func (o *org) follow(e *chat.Entry) *stream {
	o.mu.RLock()
	st, loading := o.streams[e.Stream], o.loading
	o.mu.RUnlock()
	if st != nil || loading == 0 && e.Stream.Kind != chat.StreamPair {
		return st
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if st = o.streams[e.Stream]; st != nil {
		return st
	}
	var to []*session
	if e.Stream.Kind == chat.StreamPair {
		uids := []string{e.Sender}
		if other := chat.PairOther(e.Stream.Key, e.Sender); other != e.Sender {
			uids = append(uids, other)
		}
		for _, uid := range uids {
			if u := o.users[uid]; u != nil {
				to = append(to, u.sessions...)
			}
		}
	}
	if len(to) == 0 && o.loading == 0 {
		return nil
	}
	st = o.streamFor(e.Stream)
	st.advance(e.StreamID, e.Seq-1)
	for _, s := range to {
		if s.loading {
			s.late = append(s.late, st)
		} else {
			st.join(s, e.Seq-1)
		}
	}
	return st
}

// Changed applies a change of the data to the live sessions: rights, subscriptions, and who may be connected at all. It
// implements chat.Observer.
func (b *Broker) Changed(events []chat.Event) {
	for i := range events {
		ev := &events[i]
		if o := b.live(ev.EID); o != nil {
			o.change(ev)
		}
	}
}

func (o *org) change(ev *chat.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changeLocked(ev)
}

// changeLocked applies an event; to apply it again does no harm. The caller holds o.mu.
func (o *org) changeLocked(ev *chat.Event) {
	u := o.users[ev.UID]
	switch ev.Type {
	case chat.EventContactAdd:
		o.queue(u, ev)
		if o.settings.MessageWhom != "" {
			o.forgetKnown()
		}
		if u != nil && u.contacts != nil {
			o.addContact(u, ev.Other)
			st := o.streamFor(o.ref(chat.StreamTerminalNotice, ev.Other))
			for _, s := range u.sessions {
				if !s.loading {
					st.join(s, ev.NoticeHead) // what the contact did before is not for it
					o.tellPresence(s, o.users[ev.Other], false)
				}
			}
		}
	case chat.EventContactRemove:
		o.queue(u, ev)
		if o.settings.MessageWhom != "" {
			o.forgetKnown()
		}
		if u != nil && u.contacts != nil {
			o.removeContact(u, ev.Other)
			o.leaveStreams(u, o.ref(chat.StreamTerminalNotice, ev.Other))
		}
	case chat.EventGroupJoin:
		o.queue(u, ev)
		if u != nil && u.contacts != nil {
			o.joined(u, ev)
		}
	case chat.EventGroupLeave:
		o.queue(u, ev)
		if u != nil {
			o.left(u, ev.GID)
		}
	case chat.EventGroupDissolve:
		for _, uid := range ev.Members {
			if m := o.users[uid]; m != nil {
				o.queue(m, ev)
				o.left(m, ev.GID)
			}
		}
	case chat.EventGroupRole:
		o.queue(u, ev)
		if g := o.groups[ev.GID]; g != nil && g.members[ev.UID] != nil {
			m := g.members[ev.UID]
			m.role, m.mutedUntil = ev.Role, until(ev.MutedUntil)
		}
	case chat.EventGroupData:
		if g := o.groups[ev.GID]; g != nil {
			g.mutedAll = ev.MutedAll
		}
	case chat.EventConversation:
		o.queue(u, ev)
		if u != nil && ev.Seq > 0 {
			o.cleared(u, ev)
		}
	case chat.EventProfile:
		if slices.Contains(ev.Changed, "department") {
			o.forgetKnown()
		}
	case chat.EventUserRole:
		o.queue(u, ev)
		o.forgetKnown()
		if u != nil {
			o.setRole(u, chat.Role(ev.Text))
		}
	case chat.EventUserDisabled:
		o.forgetKnown()
		if ev.On && u != nil {
			for _, s := range u.sessions {
				s.notify(chat.NoticeAdminOffline, reason{Reason: "Your account was disabled by an administrator."})
				s.disconnect(packets.ErrAdministrativeAction.Code)
			}
		}
	case chat.EventLoginEnded:
		if ev.Login == "" {
			o.changed++
		}
		if u != nil {
			for _, s := range u.sessions {
				if s.loginID == ev.Login {
					if ev.Text != "logout" {
						s.notify(chat.NoticeAdminOffline, reason{Reason: "This device was signed out."})
					}
					s.expire() // the login is over, and so is its session
					s.disconnect(packets.ErrAdministrativeAction.Code)
				}
			}
		}
	case chat.EventRecall, chat.EventEdit:
		if st := o.streams[o.ref(ev.Kind, ev.Key)]; st != nil && ev.Entry != nil {
			st.replace(ev.Entry)
		}
	case chat.EventNoticesBlanked:
		for i := range ev.Entries {
			if st := o.streams[ev.Entries[i].Stream]; st != nil {
				st.replace(&ev.Entries[i])
			}
		}
	case chat.EventOrg:
		go o.reload()
	}
}

// setRole applies a user's new role to what its sessions follow. The caller holds o.mu.
func (o *org) setRole(u *user, role chat.Role) {
	u.role = role
	for _, s := range u.sessions {
		s.mu.Lock()
		filters := slices.Clone(s.filters)
		s.mu.Unlock()
		delete(o.watch, s)
		for _, f := range filters {
			o.b.unwatchFigures(s, f)
			o.watchServer(s, f)
		}
	}
}

type reason struct {
	Reason string `json:"reason"`
	// SignedIn says that the login goes on: the client may connect again when its user wants it.
	SignedIn bool `json:"signed_in,omitempty"`
}

// queue keeps an event for the user's sessions that are reading their subscriptions just now. The caller holds o.mu.
func (o *org) queue(u *user, ev *chat.Event) {
	if u == nil {
		return
	}
	for _, s := range u.sessions {
		if s.loading {
			s.missed = append(s.missed, *ev)
		}
	}
}

// joined gives a newcomer's sessions the group's messages from the moment of its joining. The caller holds o.mu.
func (o *org) joined(u *user, ev *chat.Event) {
	o.enter(u, ev.GID, &member{role: ev.Role, mutedUntil: until(ev.MutedUntil)}, ev.MutedAll)
	for ref, at := range map[chat.StreamRef]uint64{
		o.ref(chat.StreamGroup, ev.GID):       ev.Head,
		o.ref(chat.StreamGroupNotice, ev.GID): ev.NoticeHead,
	} {
		st := o.streamFor(ref)
		for _, s := range u.sessions {
			if !s.loading {
				st.join(s, at)
			}
		}
	}
}

// cleared passes over the messages of a conversation that a user has cleared: who was away is not sent them any more. The caller holds
// o.mu.
func (o *org) cleared(u *user, ev *chat.Event) {
	ref := o.ref(chat.StreamGroup, ev.Conv[2:])
	if strings.HasPrefix(ev.Conv, "u:") {
		ref = o.ref(chat.StreamPair, chat.PairKey(u.uid, ev.Conv[2:]))
	}
	if st := o.streams[ref]; st != nil {
		for _, s := range u.sessions {
			st.pass(s, ev.Seq)
		}
	}
}

func (o *org) left(u *user, gid string) {
	o.exit(u, gid)
	o.leaveStreams(u, o.ref(chat.StreamGroup, gid), o.ref(chat.StreamGroupNotice, gid))
}

func (o *org) leaveStreams(u *user, refs ...chat.StreamRef) {
	for _, ref := range refs {
		if st := o.streams[ref]; st != nil {
			for _, s := range u.sessions {
				st.leave(s)
			}
		}
	}
}

func until(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
