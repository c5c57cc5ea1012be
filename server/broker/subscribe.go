package broker

import (
	"context"
	"strings"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// Topic is one pre-subscription.
type Topic struct {
	Topic string `json:"topic"`
	QoS   byte   `json:"qos"`
}

// Presubscriptions lists the subscriptions that the server makes for a user's sessions (docs/protocol.md §3).
func (b *Broker) Presubscriptions(ctx context.Context, eid, uid string) ([]Topic, error) {
	pre, err := b.opt.Store.Presubscribe(ctx, eid, uid)
	if err != nil {
		return nil, err
	}
	base := "/e/" + eid
	list := []Topic{{base + "/im/u/" + uid, 1}, {base + "/typing/u/" + uid, 0}, {noticeTopic(eid, uid), 1}}
	for _, c := range pre.Contacts {
		list = append(list, Topic{presTopic(eid, c), 0}, Topic{base + "/notice/p/" + c, 1})
	}
	for _, g := range pre.Groups {
		list = append(list, Topic{base + "/im/g/" + g.GID, 1}, Topic{base + "/typing/g/" + g.GID, 0}, Topic{base + "/notice/g/" + g.GID, 1})
	}
	return list, nil
}

// SessionUser returns whose connected session has an MQTT client id in an organisation; several users may have the same.
func (b *Broker) SessionUser(eid, clientID string) (uids []string) {
	o := b.live(eid)
	if o == nil {
		return nil
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	for uid, u := range o.users {
		for _, s := range u.sessions {
			if s.clientID == clientID {
				uids = append(uids, uid)
				break
			}
		}
	}
	return uids
}

// subscribe takes SUBSCRIBE (MQTT 5 §3.8).
func (s *session) subscribe(pk *packets.Packet) {
	if pk.PacketID == 0 || len(pk.Filters) == 0 {
		s.disconnect(packets.ErrProtocolViolation.Code)
		return
	}
	codes := make([]byte, len(pk.Filters))
	// Where the application channels are now; what is appended from here on is within the subscriptions.
	ctx, cancel := context.WithTimeout(context.Background(), s.b.opt.Limits.StoreWait)
	defer cancel()
	app, err := s.b.opt.Store.Stream(ctx, s.org.ref(chat.StreamApp, ""))
	if err != nil {
		s.b.log.Error("subscribing to application channels", "err", err)
		s.disconnect(packets.ErrServerUnavailable.Code)
		return
	}
	var fresh []*filter
	for i, want := range pk.Filters {
		if want.NoLocal && strings.HasPrefix(want.Filter, "$share/") { // MQTT 5 §3.8.3.1
			s.disconnect(packets.ErrProtocolViolation.Code)
			return
		}
		f, again, code := s.subscribeOne(want, app)
		codes[i] = code.Code
		if !s.v5 && code.Code >= 0x80 {
			codes[i] = 0x80 // 3.1.1 knows no other
		}
		if f != nil && (want.RetainHandling == 0 || want.RetainHandling == 1 && !again) {
			fresh = append(fresh, f)
		}
	}
	ack := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Suback}, PacketID: pk.PacketID, ReasonCodes: codes}
	if s.kept() {
		if err := s.saveNow(); err != nil { // the client may rely on it from SUBACK on
			s.disconnect(packets.ErrServerUnavailable.Code)
			return
		}
	}
	_ = s.cl.WritePacket(ack)
	for _, f := range fresh {
		if f.Share == "" { // MQTT 5 §3.3.1.3: none for shared subscriptions
			s.sendRetained(f)
		}
		s.sendKnownPresence(f)
		s.sendFigures(f)
	}
}

// maxFilters is how many subscriptions a session may make: each message on an application channel is compared with all of them.
const maxFilters = 1000

// subscribeOne makes one subscription. again: it replaces one that was there.
func (s *session) subscribeOne(want packets.Subscription, app chat.Stream) (f *filter, again bool, code packets.Code) {
	share, name, ok := splitShare(strings.Clone(want.Filter)) // the library's strings are parts of the packet
	if !ok || !validFilter(name) {
		return nil, false, packets.ErrTopicFilterInvalid
	}
	f = &filter{Filter: name, Share: share, QoS: min(want.Qos, 2), NoLocal: want.NoLocal, RAP: want.RetainAsPublished,
		ID: want.Identifier, App: mayReachApp(name, s.who.EID)}
	if share != "" && !f.App || share == "" && !f.App && !s.mayRead(name) {
		return nil, false, packets.ErrNotAuthorized
	}
	o := s.org
	o.mu.Lock()
	defer o.mu.Unlock()
	st := o.streamFor(o.ref(chat.StreamApp, ""))
	st.advance(app.ID, app.Head)
	f.From = st.position()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, false, packets.ErrUnspecifiedError
	}
	for i, x := range s.filters {
		if x.key() == f.key() {
			f.From = x.From
			s.filters[i] = f
			again = true
		}
	}
	full := !again && len(s.filters) >= maxFilters
	if !again && !full {
		s.filters = append(s.filters, f)
	}
	s.mu.Unlock()
	if full {
		return nil, false, packets.ErrQuotaExceeded
	}
	o.addFilter(s, f)
	if f.App {
		st.join(s, st.position())
	}
	if !f.App {
		return f, again, packets.QosCodes[min(f.QoS, 1)]
	}
	return f, again, packets.QosCodes[f.QoS]
}

// followsApp reports whether the session has subscriptions to application channels.
func (s *session) followsApp() bool {
	for _, f := range s.filters {
		if f.App {
			return true
		}
	}
	return false
}

// mayRead reports whether a filter that reaches no application channel matches something the session may read.
func (s *session) mayRead(name string) bool {
	eid, uid := s.who.EID, s.who.UID
	base := "/e/" + eid
	for _, t := range []string{"/im/u/", "/typing/u/", "/notice/u/", "/pres/u/"} {
		if matches(name, base+t+uid) {
			return true
		}
	}
	s.org.mu.RLock()
	defer s.org.mu.RUnlock()
	if s.mayWatch() && matches(name, connectTopic(eid)) || s.role() == chat.System && reaches(name, "$SYS/") {
		return true
	}
	for c := range s.user.contacts {
		if matches(name, presTopic(eid, c)) || matches(name, base+"/notice/p/"+c) {
			return true
		}
	}
	for g := range s.user.groups {
		if matches(name, base+"/im/g/"+g) || matches(name, base+"/typing/g/"+g) || matches(name, base+"/notice/g/"+g) {
			return true
		}
	}
	return false
}

// unsubscribe takes UNSUBSCRIBE (MQTT 5 §3.10). The server's own subscriptions stay.
func (s *session) unsubscribe(pk *packets.Packet) {
	if pk.PacketID == 0 || len(pk.Filters) == 0 {
		s.disconnect(packets.ErrProtocolViolation.Code)
		return
	}
	codes := make([]byte, len(pk.Filters))
	for i, want := range pk.Filters {
		codes[i] = s.unsubscribeOne(want.Filter).Code
	}
	if s.kept() {
		if err := s.saveNow(); err != nil {
			s.disconnect(packets.ErrServerUnavailable.Code)
			return
		}
	}
	_ = s.cl.WritePacket(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Unsuback}, PacketID: pk.PacketID, ReasonCodes: codes})
}

func (s *session) unsubscribeOne(key string) packets.Code {
	o := s.org
	o.mu.Lock()
	defer o.mu.Unlock()
	s.mu.Lock()
	var gone *filter
	for i, f := range s.filters {
		if f.key() == key {
			gone = f
			s.filters = append(s.filters[:i:i], s.filters[i+1:]...)
			break
		}
	}
	follows := s.followsApp()
	s.mu.Unlock()
	if gone == nil {
		return packets.CodeNoSubscriptionExisted
	}
	o.removeFilter(s, gone, false)
	if st := o.streams[o.ref(chat.StreamApp, "")]; st != nil && !follows {
		st.leave(s)
	}
	return packets.CodeSuccess
}

// addFilter indexes a subscription. The caller holds o.mu.
func (o *org) addFilter(s *session, f *filter) {
	if f.Share != "" {
		o.share(f, s)
	}
	o.watchServer(s, f)
}

// watchServer indexes a subscription to what only some roles may follow. The caller holds o.mu.
func (o *org) watchServer(s *session, f *filter) {
	if f.Share != "" {
		return
	}
	if s.mayWatch() && matches(f.Filter, connectTopic(o.eid)) {
		o.watch[s] = f
	}
	if s.role() == chat.System && reaches(f.Filter, "$SYS/") {
		o.b.watchFigures(s, f)
	}
}

// mayWatch reports whether the session may follow connect/new. The caller holds o.mu.
func (s *session) mayWatch() bool {
	return s.role().Has(chat.ManageSessions) || s.user.service
}

// role is what the session's user is in the organisation. A page or program of an app has no rights of administrators: who has the app's keys must not get
// them. The caller holds o.mu.
func (s *session) role() chat.Role {
	if s.who.App != "" {
		return chat.Member
	}
	return s.user.role
}

// removeFilter takes a subscription off the index; away: its session is kept, but not connected. The caller holds o.mu.
func (o *org) removeFilter(s *session, f *filter, away bool) {
	if f.Share != "" {
		o.unshare(f, s, away)
	}
	if o.watch[s] == f {
		delete(o.watch, s)
	}
	o.b.unwatchFigures(s, f)
}

// sendKnownPresence answers a subscription with the retained presence that it matches.
func (s *session) sendKnownPresence(f *filter) {
	o := s.org
	o.mu.RLock()
	defer o.mu.RUnlock()
	for uid := range s.user.contacts {
		if c := o.users[uid]; c != nil && c.shown && matches(f.Filter, presTopic(s.who.EID, uid)) {
			o.tellPresence(s, c, true)
		}
	}
	if matches(f.Filter, presTopic(s.who.EID, s.who.UID)) {
		o.tellPresence(s, s.user, true)
	}
}
