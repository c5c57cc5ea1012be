package broker

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// Application channels, /e/{eid}/app/#: what MQTT gives, on one stream of the log for each organisation. A session that has
// subscriptions there follows the stream and takes the entries that they match.

// filter is one of a session's subscriptions made by SUBSCRIBE (MQTT 5 §3.8.3).
type filter struct {
	Filter  string `json:"filter"` // without the $share prefix
	Share   string `json:"share,omitempty"`
	QoS     byte   `json:"qos"`
	NoLocal bool   `json:"no_local,omitempty"`
	RAP     bool   `json:"rap,omitempty"`  // Retain As Published
	ID      int    `json:"id,omitempty"`   // Subscription Identifier
	App     bool   `json:"app,omitempty"`  // it can match application topics
	From    uint64 `json:"from,omitempty"` // seq in the application stream after which it holds
}

func (f *filter) key() string {
	if f.Share != "" {
		return "$share/" + f.Share + "/" + f.Filter
	}
	return f.Filter
}

// appProps goes with an application message: its QoS, flags, properties, and which sessions the shared subscriptions chose.
type appProps struct {
	QoS    byte                   `json:"qos"`
	Retain bool                   `json:"retain,omitempty"`
	Format bool                   `json:"format,omitempty"` // Payload Format Indicator 1
	Type   string                 `json:"type,omitempty"`   // Content Type
	Reply  string                 `json:"reply,omitempty"`  // Response Topic
	Corr   []byte                 `json:"corr,omitempty"`   // Correlation Data
	User   []packets.UserProperty `json:"user,omitempty"`
	Shares []int64                `json:"shares,omitempty"`
}

func newAppProps(pk *packets.Packet) *appProps {
	p := &pk.Properties
	return &appProps{QoS: pk.FixedHeader.Qos, Retain: pk.FixedHeader.Retain, Format: p.PayloadFormatFlag && p.PayloadFormat == 1,
		Type: p.ContentType, Reply: p.ResponseTopic, Corr: p.CorrelationData, User: p.User}
}

func (p *appProps) encode() []byte {
	b, _ := json.Marshal(p) // strings and numbers always encode
	return b
}

func decodeAppProps(b []byte) *appProps {
	p := &appProps{}
	_ = json.Unmarshal(b, p) // written by encode
	return p
}

// match is what of a session's subscriptions takes a message.
type match struct {
	qos byte
	rap bool
	ids []int
}

// matching finds the session's subscriptions that take an application message; nil if none does. Overlapping ones make one
// delivery at the highest QoS (MQTT 5 §3.3.4). The caller holds s.mu.
func (s *session) matching(m *message) *match {
	var got *match
	for _, f := range s.filters {
		if !f.App || m.seq != 0 && m.seq <= f.From || f.NoLocal && m.origin == s.id || !matches(f.Filter, m.topic) {
			continue
		}
		if f.Share != "" && !chosen(m.app.Shares, s.id) {
			continue
		}
		if got == nil {
			got = &match{}
		}
		got.qos = max(got.qos, min(f.QoS, m.app.QoS))
		got.rap = got.rap || f.RAP
		if f.ID != 0 {
			got.ids = append(got.ids, f.ID)
		}
	}
	return got
}

func chosen(shares []int64, id int64) bool {
	for _, x := range shares {
		if x == id {
			return true
		}
	}
	return false
}

// appendApp appends an application message's PUBLISH to buf if the session subscribes to it. The caller holds s.mu.
func (s *session) appendApp(buf []byte, sb *sub, m *message) (_ []byte, stored bool) {
	if m.expires > 0 && m.expires <= s.b.now().UnixMilli() {
		return buf, false // MQTT 5 §3.3.2.3.3
	}
	got := s.matching(m)
	if got == nil {
		return buf, false
	}
	out := &message{topic: m.topic, payload: m.payload, expires: m.expires, app: m.app, retain: m.app.Retain && got.rap}
	f := out.encode(s.v5, s.ws, got.qos, out.appPropsFor(s.v5, got))
	if !s.takes(f) {
		return buf, false
	}
	at := len(buf)
	buf = append(buf, f.b...)
	if got.qos == 0 {
		return buf, false
	}
	pid := s.nextPID()
	binary.BigEndian.PutUint16(buf[at+f.pid:], pid)
	s.inflight = append(s.inflight, flight{pid: pid, qos: got.qos, sub: sb, seq: m.seq})
	return buf, got.qos == 2
}

// appPropsFor encodes the properties of a message outside the log, or of an application message, for version 5.
func (m *message) appPropsFor(v5 bool, got *match) []byte {
	if !v5 {
		return nil
	}
	p := &packets.Properties{}
	if a := m.app; a != nil {
		p.ContentType, p.ResponseTopic, p.CorrelationData, p.User = a.Type, a.Reply, a.Corr, a.User
		if a.Format {
			p.PayloadFormat, p.PayloadFormatFlag = 1, true
		}
	}
	p.SubscriptionIdentifier = m.ids
	if got != nil {
		p.SubscriptionIdentifier = got.ids
	}
	if m.expires > 0 {
		p.MessageExpiryInterval = uint32(max(1, (m.expires-time.Now().UnixMilli())/1000))
	}
	return encodeProps(p)
}

// publishApp takes a publish to an application channel.
func (b *Broker) publishApp(p *publication) {
	props := p.props
	if p.retain && len(p.payload) > 0 && !p.org.mayRetain(p.topic) {
		p.refuse(chat.Errorf(chat.RateLimited, "Your organisation has %d retained messages, which is the most. Clear some first.", maxRetained))
		return
	}
	props.Shares = b.chooseShares(p)
	now := b.now()
	var expires int64
	if p.expiry > 0 {
		expires = now.Add(time.Duration(p.expiry) * time.Second).UnixMilli()
	}
	if p.retain {
		p.org.setRetained(chat.Retained{Topic: p.topic, Sender: p.uid, Payload: p.payload, Props: props.encode(),
			Time: now.UnixMilli(), Expires: expires, QoS: p.qos})
	}
	if p.qos == 0 {
		b.fanOutApp(p.org, &message{origin: p.origin, topic: p.topic, payload: p.payload, expires: expires, app: props})
		if p.retain {
			b.opt.Store.Append(chat.Append{Stream: p.org.ref(chat.StreamApp, ""), Sender: p.uid, Topic: p.topic, Payload: p.payload,
				Props: props.encode(), Expires: expires, Retain: true, Skip: true})
		}
		p.finish(chat.Appended{})
		return
	}
	b.opt.Store.Append(chat.Append{Stream: p.org.ref(chat.StreamApp, ""), Sender: p.uid, Origin: p.origin, Topic: p.topic,
		Payload: p.payload, Props: props.encode(), Expires: expires, Packet: p.packet, Retain: p.retain, Done: p.finish})
}

// fanOutApp sends a QoS 0 application message to the live sessions that subscribe to it.
func (b *Broker) fanOutApp(o *org, m *message) {
	st := o.stream(o.ref(chat.StreamApp, ""))
	if st == nil {
		return
	}
	st.members.RLock()
	defer st.members.RUnlock()
	for s := range st.members.m {
		s.mu.Lock()
		if s.ready && !s.closed {
			if got := s.matching(m); got != nil {
				out := &message{topic: m.topic, payload: m.payload, expires: m.expires, app: m.app, retain: m.app.Retain && got.rap}
				if f := out.encode(s.v5, s.ws, 0, out.appPropsFor(s.v5, got)); s.takes(f) {
					_ = s.conn.trySend(f.b)
				}
			}
		}
		s.mu.Unlock()
	}
}

// shared is one shared subscription: its sessions in turn (MQTT 5 §4.8.2).
type shared struct {
	filter string
	live   []*session
	away   []int64 // kept sessions without a connection
	next   int
}

// chooseShares picks one session of each shared subscription that matches, connected ones first.
func (b *Broker) chooseShares(p *publication) []int64 {
	o := p.org
	o.mu.Lock()
	defer o.mu.Unlock()
	var picks []int64
	for _, sh := range o.shares {
		if !matches(sh.filter, p.topic) {
			continue
		}
		sh.next++
		switch {
		case len(sh.live) > 0:
			picks = append(picks, sh.live[sh.next%len(sh.live)].id)
		case len(sh.away) > 0:
			picks = append(picks, sh.away[sh.next%len(sh.away)])
		}
	}
	return picks
}

// share puts a session among the subscribers of a shared subscription. The caller holds o.mu.
func (o *org) share(f *filter, s *session) {
	sh := o.shares[f.key()]
	if sh == nil {
		sh = &shared{filter: f.Filter}
		o.shares[f.key()] = sh
	}
	sh.away = without(sh.away, s.id)
	sh.live = append(without(sh.live, s), s)
}

// shareAway notes a stored session as a subscriber. The caller holds o.mu.
func (o *org) shareAway(f *filter, id int64) {
	sh := o.shares[f.key()]
	if sh == nil {
		sh = &shared{filter: f.Filter}
		o.shares[f.key()] = sh
	}
	sh.away = append(without(sh.away, id), id)
}

// unshareID takes a stored session out. The caller holds o.mu.
func (o *org) unshareID(f *filter, id int64) {
	if sh := o.shares[f.key()]; sh != nil {
		if sh.away = without(sh.away, id); len(sh.live)+len(sh.away) == 0 {
			delete(o.shares, f.key())
		}
	}
}

// unshare takes a session out. A kept one that only lost its connection stays as away. The caller holds o.mu.
func (o *org) unshare(f *filter, s *session, away bool) {
	sh := o.shares[f.key()]
	if sh == nil {
		return
	}
	sh.live = without(sh.live, s)
	sh.away = without(sh.away, s.id)
	if away {
		sh.away = append(sh.away, s.id)
	}
	if len(sh.live)+len(sh.away) == 0 {
		delete(o.shares, f.key())
	}
}

func without[T comparable](list []T, x T) []T {
	out := list[:0:0]
	for _, y := range list {
		if y != x {
			out = append(out, y)
		}
	}
	return out
}

// setRetained keeps or clears the retained message of a topic (MQTT 5 §3.3.1.3).
func (o *org) setRetained(r chat.Retained) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(r.Payload) == 0 {
		delete(o.retained, r.Topic)
		return
	}
	o.retained[r.Topic] = &r
}

// maxRetainedWaiting is how many messages may wait for a client that asks for retained ones again.
const maxRetainedWaiting = 1 << 16

// maxRetained is how many retained messages an organisation may have.
const maxRetained = 10_000

// mayRetain reports whether the organisation has room for the retained message of a topic.
func (o *org) mayRetain(topic string) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.retained[topic] != nil || len(o.retained) < maxRetained
}

// sweepRetained forgets retained messages that have expired.
func (o *org) sweepRetained(now int64) {
	var gone []string
	o.mu.Lock()
	for topic, r := range o.retained {
		if r.Expires > 0 && r.Expires <= now {
			delete(o.retained, topic)
			gone = append(gone, topic)
		}
	}
	o.mu.Unlock()
	for _, topic := range gone {
		o.b.opt.Store.Append(chat.Append{Stream: o.ref(chat.StreamApp, ""), Topic: topic, Retain: true, Skip: true})
	}
}

// sendRetained sends a new subscription the retained messages that it matches.
func (s *session) sendRetained(f *filter) {
	now := s.b.now().UnixMilli()
	var found []*chat.Retained
	s.org.mu.RLock()
	for topic, r := range s.org.retained {
		if (r.Expires == 0 || r.Expires > now) && matches(f.Filter, topic) {
			found = append(found, r)
		}
	}
	s.org.mu.RUnlock()
	s.mu.Lock()
	waiting := len(s.direct)
	s.mu.Unlock()
	if waiting > maxRetainedWaiting {
		s.disconnect(packets.ErrQuotaExceeded.Code)
		return
	}
	for _, r := range found {
		m := &message{topic: r.Topic, payload: r.Payload, expires: r.Expires, qos: min(r.QoS, f.QoS), retain: true, app: decodeAppProps(r.Props)}
		if f.ID != 0 {
			m.ids = []int{f.ID}
		}
		s.send(m)
	}
}

// mayReachApp reports whether a filter can match the organisation's application channels.
func mayReachApp(filter, eid string) bool {
	return reaches(filter, appPrefix(eid)) && !strings.HasPrefix(filter, "$")
}
