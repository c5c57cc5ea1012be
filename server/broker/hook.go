package broker

import (
	"errors"
	"io"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

const codeShuttingDown = 0x8B

// hook is where the library hands packets over. Everything but CONNECT, PINGREQ and AUTH is dealt with in OnPacketRead; the
// library is then given a PUBACK of packet id 0 in its place, which it ignores.
type hook struct {
	mqtt.HookBase
	b *Broker
}

func (h *hook) ID() string { return "magpie" }

func (h *hook) Provides(b byte) bool {
	switch b {
	case mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablish, mqtt.OnSessionEstablished, mqtt.OnPacketRead, mqtt.OnPacketEncode:
		return true
	}
	return false
}

// handled replaces a packet that the library need not see.
var handled = packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}}

// OnPacketRead implements mqtt.Hook.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	c, ok := cl.Net.Conn.(*conn)
	if !ok {
		return pk, packets.ErrRejectPacket
	}
	if pk.FixedHeader.Type == packets.Connect {
		if c.session != nil { // MQTT 5 §3.1.0-2
			c.session.disconnect(packets.ErrProtocolViolation.Code)
			return handled, nil
		}
		return h.readConnect(cl, c, pk)
	}
	s := c.session
	if s == nil || s.user == nil {
		return pk, nil // the library refuses what comes before CONNECT
	}
	switch pk.FixedHeader.Type {
	case packets.Publish:
		s.publish(&pk)
	case packets.Puback, packets.Pubrec, packets.Pubcomp:
		s.acknowledged(pk.FixedHeader.Type, pk.PacketID, pk.ReasonCode)
	case packets.Pubrel:
		s.release(pk.PacketID)
	case packets.Subscribe:
		s.subscribe(&pk)
	case packets.Unsubscribe:
		s.unsubscribe(&pk)
	case packets.Disconnect:
		s.goodbye(&pk)
	case packets.Pingreq:
		return pk, nil
	default: // AUTH without an agreed method, or a server's packet: MQTT 5 §4.12
		s.disconnect(packets.ErrProtocolViolation.Code)
	}
	return handled, nil
}

// readConnect takes the will out of the library's hands: it would publish it without asking, and refuses an empty one.
func (h *hook) readConnect(cl *mqtt.Client, c *conn, pk packets.Packet) (packets.Packet, error) {
	f := &pk.Connect
	if !f.WillFlag && (f.WillQos != 0 || f.WillRetain) || f.WillFlag && f.WillQos > 2 { // MQTT 5 §3.1.2.6
		return pk, packets.ErrRejectPacket
	}
	c.session = &session{b: h.b, cl: cl, conn: c, ws: c.isWS(), will: newWill(&pk)}
	f.WillFlag, f.WillQos, f.WillRetain = false, 0, false
	f.WillTopic, f.WillPayload, f.WillProperties = "", nil, packets.Properties{}
	return pk, nil
}

// OnConnectAuthenticate implements mqtt.Hook.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	c, ok := cl.Net.Conn.(*conn)
	if !ok || c.session == nil {
		return false
	}
	s := c.session
	w := s.will
	s.will = nil
	s.v5 = pk.ProtocolVersion == 5
	s.clientID = cl.ID
	s.id = h.b.lastID.Add(-1)
	s.problems = s.v5 && !(pk.Properties.RequestProblemInfoFlag && pk.Properties.RequestProblemInfo == 0)
	s.maxSize = int(pk.Properties.MaximumPacketSize)
	s.window = sendWindow
	if rm := int(pk.Properties.ReceiveMaximum); rm > 0 && rm < s.window {
		s.window = rm
	}
	most := uint32(h.b.opt.Limits.SessionExpiry / time.Second)
	switch {
	case s.v5:
		s.expiry.Store(min(pk.Properties.SessionExpiryInterval, most))
	case !pk.Connect.Clean:
		s.expiry.Store(most)
	}
	if len(s.clientID) > 256 {
		s.refused = packets.ErrClientIdentifierNotValid.Code
		return false
	}
	return h.b.signIn(s, &pk, w)
}

// sendWindow is how many messages a session may have in flight, if the client does not want fewer.
const sendWindow = 64

// OnSessionEstablish implements mqtt.Hook. Each connection gets an id of its own in the library: sessions are ours.
func (h *hook) OnSessionEstablish(cl *mqtt.Client, pk packets.Packet) {
	s := cl.Net.Conn.(*conn).session
	cl.ID = mqtt.Int64toa(h.b.lastID.Add(-1))
	cl.Properties.Clean = true
	cl.Properties.Props.SessionExpiryInterval = 0
	cl.Properties.Will = mqtt.Will{}
	s.conn.signedIn(time.Duration(pk.Connect.Keepalive)*time.Second, s.drained)
}

// drained goes on when a connection that was backed up takes bytes again.
func (s *session) drained() {
	s.mu.Lock()
	s.pump()
	news := len(s.presence) > 0
	s.mu.Unlock()
	if news && s.presDue.CompareAndSwap(false, true) {
		s.b.tasks.add((*presenceTask)(s))
	}
}

// OnSessionEstablished implements mqtt.Hook.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	h.b.established(cl.Net.Conn.(*conn).session)
}

// OnPacketEncode implements mqtt.Hook: CONNACK says what this server does (MQTT 5 §3.2).
func (h *hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Connack {
		return pk
	}
	c, ok := cl.Net.Conn.(*conn)
	if !ok || c.session == nil {
		return pk
	}
	s := c.session
	if s.refused != 0 {
		pk.ReasonCode = s.refused
		pk.Properties.ReasonString = connackText[s.refused]
	}
	v5 := pk.ProtocolVersion == 5
	if pk.ReasonCode >= 0x80 || !v5 && pk.ReasonCode != 0 {
		if !v5 {
			pk.ReasonCode = connackV3(pk.ReasonCode)
		}
		return pk
	}
	pk.SessionPresent = s.present
	if v5 {
		p := &pk.Properties
		p.MaximumPacketSize = uint32(h.b.opt.Limits.PacketSize)
		p.TopicAliasMaximum = topicAliasMaximum
		if kept := s.expiry.Load(); kept != cl.Properties.Props.SessionExpiryInterval {
			p.SessionExpiryInterval, p.SessionExpiryIntervalFlag = kept, true
		}
	}
	return pk
}

var connackText = map[byte]string{
	packets.ErrBadUsernameOrPassword.Code:    "bad user name or password",
	packets.ErrNotAuthorized.Code:            "not authorized",
	packets.ErrConnectionRateExceeded.Code:   "too many failed sign-ins: try again later",
	packets.ErrServerUnavailable.Code:        "server unavailable: try again",
	packets.ErrBadAuthenticationMethod.Code:  "no authentication method is supported",
	packets.ErrClientIdentifierNotValid.Code: "the client identifier is too long",
}

// connackV3 translates a reason to a return code of MQTT 3.1.1 §3.2.2.3.
func connackV3(code byte) byte {
	switch code {
	case 1, 2, 3, 4, 5:
		return code
	case packets.ErrUnsupportedProtocolVersion.Code, packets.ErrProtocolViolation.Code:
		return 1
	case packets.ErrClientIdentifierNotValid.Code:
		return 2
	case packets.ErrBadUsernameOrPassword.Code:
		return 4
	case packets.ErrServerUnavailable.Code:
		return 3
	}
	return 5
}

// goodbye takes the client's DISCONNECT (MQTT 5 §3.14).
func (s *session) goodbye(pk *packets.Packet) {
	if s.v5 && pk.FixedHeader.Remaining == 1 {
		// The library passes over a reason without properties. It is the last byte: nothing follows DISCONNECT.
		pk.ReasonCode = s.conn.final
	}
	s.mu.Lock()
	s.normal = pk.ReasonCode != packets.CodeDisconnectWillMessage.Code
	zero := !s.kept()
	if s.v5 && pk.Properties.SessionExpiryIntervalFlag && !zero {
		s.expiry.Store(min(pk.Properties.SessionExpiryInterval, uint32(s.b.opt.Limits.SessionExpiry/time.Second)))
	}
	s.mu.Unlock()
	if s.v5 && zero && pk.Properties.SessionExpiryInterval > 0 { // MQTT 5 §3.14.2.2.2
		s.disconnect(packets.ErrProtocolViolation.Code)
		return
	}
	s.conn.close(wsNormal)
}

// ended takes a connection off, however it ended.
func (b *Broker) ended(c *conn, err error) {
	s := c.session
	if s == nil {
		return
	}
	if code := endCode(err); code != 0 {
		s.disconnect(code)
	}
	b.detach(s)
}

// endCode translates what ended a connection to the reason that the client is told, 0 for none.
func endCode(err error) byte {
	var code packets.Code
	var network net.Error
	var frames *wsError
	switch {
	case errors.As(err, &code):
		return code.Code
	case errors.Is(err, errKeepAlive):
		return packets.ErrKeepAliveTimeout.Code
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network), errors.As(err, &frames):
		return 0 // there is nobody to tell
	}
	return packets.ErrMalformedPacket.Code // the library has no code for it, or panicked
}
