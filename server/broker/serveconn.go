package broker

import (
	"errors"
	"fmt"
	"net"
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// serveConn serves one connection with mochi's client and hooks, from CONNECT to the end. It stands for mochi's
// EstablishConnection, which costs 24 KiB of stacks a connection: it keeps a second goroutine, and waits for packets with
// frames of 5.8 KiB below it, so that a stack of 16 KiB can never shrink. Here what waits is shallow, what is deep has returned, and
// an idle connection has one stack of 4 KiB: at 10,000 WebSocket connections 13 KiB of resident memory each instead of 36.
// A DISCONNECT can also still be sent when a packet was malformed: mochi would have closed the connection by then.
func (b *Broker) serveConn(id string, nc net.Conn) error {
	c, ok := nc.(*conn)
	if !ok {
		return errors.New("serve a connection of another listener")
	}
	cl := b.srv.NewClient(nc, id, "", false)
	if err := b.readConnect(id, c, cl); err != nil {
		return err
	}
	for {
		fh := packets.FixedHeader{}
		if err := cl.ReadFixedHeader(&fh); err != nil {
			return err
		}
		if fh.Type == packets.Pingreq && fh.Remaining == 0 { // answered here, as decoding would make the stack grow
			if _, err := c.Write(pingresp); err != nil {
				return err
			}
		} else if err := readPacket(cl, &fh); err != nil {
			return err
		}
	}
}

var pingresp = []byte{packets.Pingresp << 4, 0}

// readPacket reads a packet; the hook deals with it. It must not be inlined: its frame is large.
//
//go:noinline
func readPacket(cl *mqtt.Client, fh *packets.FixedHeader) error {
	_, err := cl.ReadPacket(fh)
	return err
}

// readConnect brings the client up (MQTT 5 §3.1.4).
//
//go:noinline
func (b *Broker) readConnect(id string, c *conn, cl *mqtt.Client) error {
	var fh packets.FixedHeader
	if err := cl.ReadFixedHeader(&fh); err != nil {
		return fmt.Errorf("read CONNECT: %w", err)
	}
	if fh.Type != packets.Connect {
		return packets.ErrProtocolViolationRequireFirstConnect // MQTT 5 §3.1.0-1
	}
	pk, err := cl.ReadPacket(&fh)
	if err != nil {
		return fmt.Errorf("read CONNECT: %w", err)
	}
	cl.ParseConnect(id, pk)
	// mochi's strings are parts of the packet's bytes, password and all: keep none. Nor what only its own delivery needs.
	cl.ID = strings.Clone(cl.ID)
	cl.Properties.Username = nil
	cl.State.Inflight, cl.State.Subscriptions, cl.State.TopicAliases = nil, nil, mqtt.TopicAliases{}

	code := pk.ConnectValidate()
	switch {
	case code != packets.CodeSuccess:
	case pk.ProtocolVersion < b.srv.Options.Capabilities.MinimumProtocolVersion:
		code = packets.ErrUnsupportedProtocolVersion // MQTT 5 §3.1.2.2
	case pk.ProtocolVersion < 5 && !pk.Connect.Clean && pk.Connect.ClientIdentifier == "":
		code = packets.ErrClientIdentifierNotValid // MQTT 3.1.1 §3.1.3-8
	}
	h := &hook{b: b}
	if code == packets.CodeSuccess && !h.OnConnectAuthenticate(cl, pk) {
		code = packets.ErrBadUsernameOrPassword // or what the hook puts in its place
	}
	if code != packets.CodeSuccess {
		if err := b.srv.SendConnack(cl, code, false, nil); err != nil {
			return fmt.Errorf("send CONNACK: %w", err)
		}
		return code
	}
	h.OnSessionEstablish(cl, pk)
	if err := b.srv.SendConnack(cl, code, false, nil); err != nil {
		return fmt.Errorf("send CONNACK: %w", err)
	}
	h.OnSessionEstablished(cl, pk)
	return nil
}
