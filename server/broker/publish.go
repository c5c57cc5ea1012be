package broker

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/fnv"
	"strconv"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
	"magpie/server/payload"
)

// publication is a PUBLISH of a client, or its will, on its way to the log.
type publication struct {
	b       *Broker
	s       *session // nil for a will
	org     *org
	uid     string
	origin  int64
	topic   string
	payload []byte
	qos     byte
	retain  bool
	cid     []byte
	expiry  uint32 // seconds, 0 for never
	props   *appProps
	packet  *chat.PacketKey
	ack     *ack
}

// publish takes a PUBLISH of the client. It runs on the connection's reading goroutine.
func (s *session) publish(pk *packets.Packet) {
	code := pk.PublishValidate(topicAliasMaximum)
	if code != packets.CodeSuccess && code != packets.ErrProtocolViolationSurplusWildcard {
		s.disconnect(code.Code)
		return
	}
	topic, ok := s.alias(pk)
	if !ok {
		s.disconnect(packets.ErrTopicAliasInvalid.Code)
		return
	}
	p := &publication{b: s.b, s: s, org: s.org, uid: s.who.UID, origin: s.id, topic: topic, payload: pk.Payload,
		qos: pk.FixedHeader.Qos, retain: pk.FixedHeader.Retain, cid: pk.Properties.CorrelationData,
		expiry: pk.Properties.MessageExpiryInterval}
	if p.qos > 0 {
		if p.ack = s.expect(pk.PacketID, p.qos); p.ack == nil {
			return
		}
		if !s.admit(p, pk) {
			return
		}
	}
	if !validTopic(topic) {
		p.refuse(errTopicName)
		return
	}
	if !s.allow(s.b.now()) {
		p.refuse(chat.Errorf(chat.RateLimited, "You are sending too fast. Wait a moment and send again."))
		return
	}
	_, c, _ := parseTopic(topic)
	if c == classApp {
		p.props = newAppProps(pk)
	}
	s.b.accept(p)
}

// admit deals with repeats of QoS 2 packets and names QoS 1 ones of clients that give no Correlation Data.
func (s *session) admit(p *publication, pk *packets.Packet) bool {
	two := p.qos == 2
	if s.kept() {
		if two || len(p.cid) == 0 {
			h := fnv.New64a()
			_, _ = h.Write([]byte(p.topic))
			_, _ = h.Write([]byte{0})
			_, _ = h.Write(p.payload)
			p.packet = &chat.PacketKey{Session: s.id, PacketID: pk.PacketID, Dup: pk.FixedHeader.Dup, QoS2: two, Digest: h.Sum64()}
		}
		return true
	}
	if !two {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq, known := s.received[pk.PacketID]; known { // MQTT 5 §4.3.3: not a new message
		s.mu.Unlock()
		p.finish(chat.Appended{Seq: seq})
		s.mu.Lock()
		return false
	}
	if s.received == nil {
		s.received = map[uint16]uint64{}
	}
	s.received[pk.PacketID] = 0
	return true
}

// release takes PUBREL (MQTT 5 §3.6): the packet id may be used for a new message. Version 5 clients are told of an id that is not known.
func (s *session) release(pid uint16) {
	comp := func(known bool) []byte {
		reason := byte(0)
		if !known {
			reason = packets.ErrPacketIdentifierNotFound.Code
		}
		return appendAck(nil, packets.Pubcomp, pid, s.v5, false, reason, nil)
	}
	if s.kept() {
		s.b.opt.Store.ReleasePacket(s.id, pid, func(known bool, err error) {
			if err == nil {
				_, _ = s.conn.Write(comp(known))
			}
		})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.received[pid]
	delete(s.received, pid)
	s.write(comp(known))
}

// alias resolves an inbound topic alias (MQTT 5 §3.3.2.3.4). It reports false for one that was never set.
func (s *session) alias(pk *packets.Packet) (string, bool) {
	if !pk.Properties.TopicAliasFlag {
		return pk.TopicName, true
	}
	a := pk.Properties.TopicAlias
	if pk.TopicName != "" {
		if s.aliases == nil {
			s.aliases = map[uint16]string{}
		}
		s.aliases[a] = pk.TopicName
		return pk.TopicName, true
	}
	topic, ok := s.aliases[a]
	return topic, ok
}

// accept checks the publisher's right and the payload, and hands the publication to the log.
func (b *Broker) accept(p *publication) {
	eid, c, key := parseTopic(p.topic)
	if eid != p.org.eid || c == classNone {
		p.refuse(chat.Errorf(chat.Forbidden, "You may not publish to this topic."))
		return
	}
	switch c {
	case classIMUser, classIMGroup:
		b.publishIM(p, c, key)
	case classTypingUser, classTypingGroup:
		b.publishTyping(p, c, key)
	case classPresence:
		b.publishPresence(p, key)
	case classApp:
		if p.props == nil { // a will
			p.props = &appProps{QoS: p.qos, Retain: p.retain}
		}
		b.publishApp(p)
	default:
		p.refuse(chat.Errorf(chat.Forbidden, "Only the server publishes to this topic."))
	}
}

// mayWrite checks the right to write to a user or a group. Who may not see a group is told the same as for one that does not exist.
func (b *Broker) mayWrite(p *publication, c class, key string) error {
	if c == classIMGroup || c == classTypingGroup {
		err := p.org.mayWriteGroup(p.uid, key, b.now())
		if p.s == nil && chat.CodeOf(err) == chat.NotFound {
			err = b.awayMayWriteGroup(p.org.eid, p.uid, key) // a will: its author's groups may have been forgotten
		}
		return err
	}
	return b.mayWriteUser(p.org, p.s, p.uid, key)
}

// awayMayWriteGroup is mayWriteGroup for somebody who is not connected.
func (b *Broker) awayMayWriteGroup(eid, uid, gid string) error {
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Limits.StoreWait)
	defer cancel()
	pre, err := b.opt.Store.Presubscribe(ctx, eid, uid)
	if err != nil {
		return err
	}
	for i := range pre.Groups {
		if g := &pre.Groups[i]; g.GID == gid && !pre.User.Disabled {
			return chat.MayWriteGroup(g.Role, g.MutedUntil, g.MutedAll, b.now())
		}
	}
	return errNotMember()
}

func (b *Broker) publishIM(p *publication, c class, key string) {
	if err := b.mayWrite(p, c, key); err != nil {
		p.refuse(err)
		return
	}
	m, err := payload.DecodeIM(p.payload)
	if err != nil {
		p.refuse(chat.Errorf(chat.Invalid, "The payload is not an IM message: %v.", err))
		return
	}
	want := byte(chat.IMPair)
	ref := p.org.ref(chat.StreamPair, chat.PairKey(p.uid, key))
	if c == classIMGroup {
		want, ref = chat.IMGroup, p.org.ref(chat.StreamGroup, key)
	}
	switch {
	case m.Sender != p.uid:
		p.refuse(chat.Errorf(chat.Forbidden, "The sender in the payload must be you."))
		return
	case m.Type != want:
		p.refuse(chat.Errorf(chat.Invalid, "The IM type in the payload must be 1 to a user and 2 to a group."))
		return
	case len(p.cid) > 0 && (len(p.cid) < 8 || len(p.cid) > 16):
		p.refuse(chat.Errorf(chat.Invalid, "The Correlation Data must have 8 to 16 bytes."))
		return
	}
	if err := payload.CheckIM(m, b.opt.Limits.Text); err != nil {
		p.refuse(err)
		return
	}
	b.opt.Store.Append(chat.Append{Stream: ref, Sender: p.uid, CID: p.cid, Origin: p.origin, Payload: p.payload,
		Mentions: payload.Mentions(m), Files: payload.Files(m), Packet: p.packet, Done: p.finish})
}

// publishTyping passes "is typing" to those who would receive an IM. It is never stored.
func (b *Broker) publishTyping(p *publication, c class, key string) {
	if err := b.mayWrite(p, c, key); err != nil {
		p.refuse(err)
		return
	}
	if len(p.payload) > 1024 {
		p.refuse(chat.Errorf(chat.Invalid, "The payload of a typing message may have at most 1,024 bytes."))
		return
	}
	m := &message{origin: p.origin, topic: p.topic, payload: p.payload, app: &appProps{User: []packets.UserProperty{{Key: "sender", Val: p.uid}}}}
	if len(m.payload) == 0 {
		m.payload = []byte(p.uid)
	}
	var to []*session
	if c == classTypingGroup {
		to = p.org.groupSessions(key)
	} else {
		to = p.org.userSessions(key, p.uid)
	}
	for _, s := range to {
		if s != p.s {
			s.send(m)
		}
	}
	p.finish(chat.Appended{})
}

func (b *Broker) publishPresence(p *publication, uid string) {
	if uid != p.uid {
		p.refuse(chat.Errorf(chat.Forbidden, "You may publish your own presence only."))
		return
	}
	if _, err := payload.DecodePresence(p.payload); err != nil {
		p.refuse(chat.Errorf(chat.Invalid, "The payload is not a presence: %v.", err))
		return
	}
	if p.s == nil {
		p.finish(chat.Appended{}) // a will; the server says offline by itself
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Limits.StoreWait)
	defer cancel()
	if err := b.SetPresence(ctx, p.org.eid, uid, p.payload); err != nil {
		p.fail(err)
		return
	}
	p.finish(chat.Appended{})
}

// finish answers the publisher when the message is durable. It is called from the log's writer and does not block.
func (p *publication) finish(a chat.Appended) {
	switch {
	case a.Err == nil:
	case chat.CodeOf(a.Err) == chat.Invalid: // found out by the store: it links to a file that is not the sender's to show
		p.refuse(a.Err)
		return
	default:
		p.fail(a.Err)
		return
	}
	if p.s == nil || p.ack == nil {
		return
	}
	var props []byte
	if p.s.v5 && a.Seq > 0 {
		props = appendUserProperty(nil, "seq", strconv.FormatUint(a.Seq, 10))
	}
	p.s.answer(p.ack, 0, props)
}

// fail deals with a publish that the store did not take. A client that was told nothing sends it again: when the server is stopping,
// nobody is told; a version 3.1.1 client, which can't be told, is disconnected.
func (p *publication) fail(err error) {
	if chat.CodeOf(err) == chat.Unavailable && p.b.closing.Load() {
		return
	}
	p.b.log.Error("storing a message", "err", err, "eid", p.org.eid, "uid", p.uid)
	if p.s != nil && !p.s.v5 {
		p.s.disconnect(packets.ErrUnspecifiedError.Code)
		return
	}
	p.refuse(chat.Errorf(chat.Internal, "The server could not store the message. Try again."))
}

// refuse answers a publish that is not done: version 5 clients by the reason code, all by notice 0x20. MQTT 3.1.1 has nothing
// better than to acknowledge and drop.
func (p *publication) refuse(why error) {
	if p.s == nil {
		p.b.log.Info("will refused", "eid", p.org.eid, "uid", p.uid, "topic", p.topic, "why", why)
		return
	}
	reason, msg := publishReason(why)
	var known *chat.Error
	var problem chat.Problem
	if errors.As(why, &known) {
		problem = known.Problem
	}
	p.s.notify(chat.NoticeRefused, struct {
		Code    byte         `json:"code"`
		Problem chat.Problem `json:"problem,omitempty"`
		Message string       `json:"message"`
		Topic   string       `json:"topic"`
		ID      string       `json:"id"`
	}{reason, problem, msg, p.topic, hex.EncodeToString(p.cid)})
	if p.ack == nil {
		return
	}
	var props []byte
	if p.s.v5 {
		props = append([]byte{packets.PropReasonString}, appendBytes(nil, []byte(msg))...)
	} else {
		reason = 0
	}
	if p.qos == 2 && p.s.v5 {
		p.s.forget(p.ack.pid) // the PUBREC ends the exchange
	}
	p.s.answer(p.ack, reason, props)
}

var errTopicName = chat.Errorf(chat.Invalid, "The topic of a publish must not have wildcards, and at most 1,024 bytes.")

// publishReason translates an error to the reason code of PUBACK and PUBREC (MQTT 5 §3.4.2.1), and to words for the sender. Whoever may
// not see a thing is told the same as if it may not write to it.
func publishReason(err error) (byte, string) {
	var e *chat.Error
	if !errors.As(err, &e) {
		e = chat.Errorf(chat.Internal, "The server could not do this. Try again.")
	}
	if e == errTopicName {
		return packets.ErrTopicNameInvalid.Code, e.Message
	}
	switch e.Code {
	case chat.Forbidden, chat.NotFound, chat.Unauthenticated:
		return packets.ErrNotAuthorized.Code, e.Message
	case chat.Invalid, chat.TooLarge:
		return packets.ErrPayloadFormatInvalid.Code, e.Message
	case chat.RateLimited:
		return packets.ErrQuotaExceeded.Code, e.Message
	}
	return packets.ErrUnspecifiedError.Code, e.Message
}

// forget drops an inbound QoS 2 packet id whose publish was refused.
func (s *session) forget(pid uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.received, pid)
}

// maxDirect is how many messages outside the log may wait for a client before it is sent no more notices of this kind.
const maxDirect = 256

// notify sends a notice to this session alone, outside the log, unless its client lets too much wait.
func (s *session) notify(t chat.NoticeType, content any) {
	s.mu.Lock()
	full := len(s.direct) >= maxDirect
	s.mu.Unlock()
	if full {
		return
	}
	s.send(s.noticeMessage(t, content))
}

func (s *session) noticeMessage(t chat.NoticeType, content any) *message {
	n := chat.Notice{TS: uint32(s.b.now().Unix()), Type: t}
	if content != nil {
		n.Content, _ = json.Marshal(content) // strings and numbers always encode
	}
	body, err := payload.EncodeNotice(n)
	if err != nil {
		s.b.log.Error("encoding a notice", "err", err, "type", t)
	}
	return &message{topic: noticeTopic(s.who.EID, s.who.UID), payload: body, qos: 1}
}

// will is a client's last message (MQTT 5 §3.1.2.5).
type will struct {
	Topic   string    `json:"topic"`
	Payload []byte    `json:"payload"`
	QoS     byte      `json:"qos"`
	Retain  bool      `json:"retain,omitempty"`
	Delay   uint32    `json:"delay,omitempty"`  // seconds
	Expiry  uint32    `json:"expiry,omitempty"` // seconds
	Props   *appProps `json:"props,omitempty"`
	Due     int64     `json:"due,omitempty"` // ms: when it is to be published, once the connection has ended
}

func newWill(pk *packets.Packet) *will {
	if !pk.Connect.WillFlag {
		return nil
	}
	p := &pk.Connect.WillProperties
	return &will{Topic: pk.Connect.WillTopic, Payload: pk.Connect.WillPayload, QoS: pk.Connect.WillQos, Retain: pk.Connect.WillRetain,
		Delay: p.WillDelayInterval, Expiry: p.MessageExpiryInterval,
		Props: &appProps{QoS: pk.Connect.WillQos, Retain: pk.Connect.WillRetain, Format: p.PayloadFormatFlag && p.PayloadFormat == 1,
			Type: p.ContentType, Reply: p.ResponseTopic, Corr: p.CorrelationData, User: p.User}}
}

// publishWill publishes a will in the name of the user, with the rights it has now. It reads the store.
func (b *Broker) publishWill(o *org, uid string, origin int64, w *will) {
	p := &publication{b: b, org: o, uid: uid, origin: origin, topic: w.Topic, payload: w.Payload, qos: w.QoS, retain: w.Retain,
		expiry: w.Expiry, props: w.Props}
	if w.Props != nil {
		p.cid = w.Props.Corr
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Limits.StoreWait)
	defer cancel()
	if u, err := b.opt.Store.User(ctx, o.eid, uid); err != nil || u.Disabled {
		p.refuse(cmp.Or(err, error(chat.Errorf(chat.Forbidden, "The account is disabled."))))
		return
	}
	b.accept(p)
}

// mayWill reports whether a will's topic is one that the user may publish to at all.
func (b *Broker) mayWill(o *org, uid string, w *will) bool {
	if !validTopic(w.Topic) {
		return false
	}
	eid, c, key := parseTopic(w.Topic)
	if eid != o.eid {
		return false
	}
	switch c {
	case classApp:
		return true
	case classPresence:
		return key == uid
	case classIMUser, classIMGroup:
		return b.mayWrite(&publication{org: o, uid: uid}, c, key) == nil
	}
	return false
}
