package broker

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// listenerID is what the library calls where its clients come from; it means nothing here.
const listenerID = "magpie"

// serveConn serves one connection from CONNECT to the end: mochi decodes the packets and the hook deals with them.
// It stands for mochi's EstablishConnection, which costs 24 KiB of stacks a connection: it keeps a second goroutine, and waits
// for packets with frames of 5.8 KiB below it, so that a stack of 16 KiB can never shrink. Here what waits is shallow and
// what is deep has returned, so that an idle connection has one stack of 4 KiB: over 10,000 WebSocket connections that makes
// 13 KiB of resident memory each instead of 36. A client can also still be told why it is disconnected when it sent a malformed packet.
func (b *Broker) serveConn(c *conn) error {
	r := &packetReader{c: c, r: bufio.NewReaderSize(c, 512), h: &hook{b: b}, cl: b.srv.NewClient(nil, listenerID, "", false)}
	r.cl.Net.Conn, r.cl.Net.Remote = c, c.remoteAddr()
	if err := r.connect(); err != nil {
		return err
	}
	for !c.over() { // what follows the end of the session is not read
		if err := r.next(); err != nil {
			return err
		}
	}
	return nil
}

// packetReader reads a client's packets.
type packetReader struct {
	c  *conn
	r  *bufio.Reader
	h  *hook
	cl *mqtt.Client
}

var pingresp = []byte{packets.Pingresp << 4, 0}

// next deals with one packet. Those that come all the time are dealt with here: decoding would make the stack grow.
func (p *packetReader) next() error {
	fh, err := p.header()
	if err != nil {
		return err
	}
	switch {
	case fh.Type == packets.Pingreq && fh.Remaining == 0:
		_, err = p.c.Write(pingresp)
	case fh.Type == packets.Puback && fh.Remaining == 2:
		var id []byte
		if id, err = p.r.Peek(2); err != nil {
			return err
		}
		p.c.session.acknowledged(packets.Puback, binary.BigEndian.Uint16(id), 0)
		_, err = p.r.Discard(2)
	default:
		err = p.decode(fh)
	}
	return err
}

// header reads a fixed header (MQTT 5 §2.1).
func (p *packetReader) header() (packets.FixedHeader, error) {
	var fh packets.FixedHeader
	first, err := p.r.ReadByte()
	if err != nil {
		return fh, err
	}
	if err := fh.Decode(first); err != nil {
		return fh, err
	}
	if fh.Remaining, _, err = packets.DecodeLength(p.r); err != nil {
		return fh, err
	}
	if fh.Remaining+1 > p.h.b.opt.Limits.PacketSize {
		return fh, packets.ErrPacketTooLarge // MQTT 5 §3.2.2.3.6
	}
	return fh, nil
}

// decode reads the rest of a packet and hands it to the hook. It must not be inlined: its frame is large.
//
//go:noinline
func (p *packetReader) decode(fh packets.FixedHeader) error {
	_, err := p.read(fh)
	return err
}

// read is decode, and returns the packet as the hook left it.
func (p *packetReader) read(fh packets.FixedHeader) (packets.Packet, error) {
	pk := packets.Packet{FixedHeader: fh, ProtocolVersion: p.cl.Properties.ProtocolVersion}
	body := make([]byte, fh.Remaining) // the packet's strings and payload stay parts of it
	if _, err := io.ReadFull(p.r, body); err != nil {
		return pk, err
	}
	var err error
	switch fh.Type {
	case packets.Connect:
		err = pk.ConnectDecode(body)
	case packets.Publish:
		err = pk.PublishDecode(body)
	case packets.Puback:
		err = pk.PubackDecode(body)
	case packets.Pubrec:
		err = pk.PubrecDecode(body)
	case packets.Pubrel:
		err = pk.PubrelDecode(body)
	case packets.Pubcomp:
		err = pk.PubcompDecode(body)
	case packets.Subscribe:
		err = pk.SubscribeDecode(body)
	case packets.Unsubscribe:
		err = pk.UnsubscribeDecode(body)
	case packets.Disconnect:
		err = pk.DisconnectDecode(body)
	case packets.Auth:
		err = pk.AuthDecode(body)
	default: // a server's packet, or a PINGREQ with a body
		err = packets.ErrProtocolViolation
	}
	if err != nil {
		return pk, err
	}
	return p.h.OnPacketRead(p.cl, pk)
}

// connect brings the client up (MQTT 5 §3.1.4).
//
//go:noinline
func (p *packetReader) connect() error {
	fh, err := p.header()
	if err != nil {
		return fmt.Errorf("read CONNECT: %w", err)
	}
	if fh.Type != packets.Connect {
		return packets.ErrProtocolViolationRequireFirstConnect // MQTT 5 §3.1.0-1
	}
	pk, err := p.read(fh)
	if err != nil {
		return fmt.Errorf("read CONNECT: %w", err)
	}
	p.cl.ParseConnect(listenerID, pk)
	// mochi's strings are parts of the packet's bytes, password and all: keep none. Nor what only its own delivery needs.
	p.cl.ID = strings.Clone(p.cl.ID)
	p.cl.Properties.Username = nil
	p.cl.State.Inflight, p.cl.State.Subscriptions, p.cl.State.TopicAliases = nil, nil, mqtt.TopicAliases{}

	srv := p.h.b.srv
	code := pk.ConnectValidate()
	switch {
	case code != packets.CodeSuccess:
	case pk.ProtocolVersion < srv.Options.Capabilities.MinimumProtocolVersion:
		code = packets.ErrUnsupportedProtocolVersion // MQTT 5 §3.1.2.2
	case pk.ProtocolVersion < 5 && !pk.Connect.Clean && pk.Connect.ClientIdentifier == "":
		code = packets.ErrClientIdentifierNotValid // MQTT 3.1.1 §3.1.3-8
	case !p.h.OnConnectAuthenticate(p.cl, pk):
		code = packets.ErrBadUsernameOrPassword // or what the hook puts in its place
	default:
		p.h.OnSessionEstablish(p.cl, pk)
	}
	if err := srv.SendConnack(p.cl, code, false, nil); err != nil {
		return fmt.Errorf("send CONNACK: %w", err)
	}
	if code != packets.CodeSuccess {
		return code
	}
	p.h.OnSessionEstablished(p.cl, pk)
	return nil
}
