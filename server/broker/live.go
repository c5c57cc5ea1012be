package broker

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// Sessions lists an organisation's connected sessions by user: those of one user, or all for "".
func (b *Broker) Sessions(eid, uid string) []chat.LiveSession {
	out := []chat.LiveSession{}
	for _, s := range b.sessionsOf(eid, uid) {
		out = append(out, s.describe(false))
	}
	slices.SortFunc(out, func(a, b chat.LiveSession) int { return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.ID, b.ID)) })
	return out
}

// LiveSession describes a connected session with its subscriptions. ok is false when it is not there.
func (b *Broker) LiveSession(eid, id string) (l chat.LiveSession, ok bool) {
	for _, s := range b.sessionsOf(eid, "") {
		if s.name() == id {
			return s.describe(true), true
		}
	}
	return l, false
}

// Kick ends a connected session: its client may connect again, with what it missed if the session is kept. It reports whether it was there.
func (b *Broker) Kick(eid, id string) bool {
	for _, s := range b.sessionsOf(eid, "") {
		if s.name() == id {
			s.notify(chat.NoticeAdminOffline, reason{"An administrator has ended this connection.", true})
			s.disconnect(packets.ErrAdministrativeAction.Code)
			return true
		}
	}
	return false
}

func (b *Broker) sessionsOf(eid, uid string) []*session {
	o := b.live(eid)
	if o == nil {
		return nil
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	var list []*session
	for _, u := range o.users {
		if uid != "" && u.uid != uid {
			continue
		}
		for _, s := range u.sessions {
			if s.up.Load() && !s.loading {
				list = append(list, s)
			}
		}
	}
	return list
}

// name never begins with a dash, as ids of sessions that are not kept would: a shell would take it for a flag.
func (s *session) name() string { return strconv.FormatUint(uint64(s.id), 36) }

func (s *session) describe(topics bool) chat.LiveSession {
	l := chat.LiveSession{ID: s.name(), UID: s.who.UID, ClientID: s.clientID, Terminal: s.terminal, Addr: s.conn.remoteAddr(), LoginID: s.loginID, Kept: s.kept()}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.InFlight, l.Subscriptions = len(s.inflight), len(s.subs)+len(s.filters)
	for _, sb := range s.subs {
		var lag uint64
		if head := sb.st.position(); head > sb.sent {
			lag = head - sb.sent
		}
		l.Lag += lag
		if topics {
			l.Topics = append(l.Topics, chat.TopicLag{Topic: sb.st.ref.TopicFor(s.who.UID), QoS: 1, Lag: lag})
		}
	}
	if topics {
		for _, f := range s.filters {
			l.Topics = append(l.Topics, chat.TopicLag{Topic: f.Filter, QoS: f.QoS})
		}
		slices.SortFunc(l.Topics, func(a, b chat.TopicLag) int { return cmp.Compare(a.Topic, b.Topic) })
	}
	return l
}
