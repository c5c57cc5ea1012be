package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
	"magpie/server/payload"
)

// patience bounds what a test waits for; only a failing test uses it up.
const patience = 20 * time.Second

func (n *node) call(method, path, token string, body any) (int, map[string]any) {
	s := &server{t: n.t, lines: n.addr}
	return s.call(method, path, token, body)
}

// login is a sign-in over HTTP.
func (n *node) login(uid, terminal string) map[string]any {
	n.t.Helper()
	status, answer := n.call("POST", "/api/v1/auth/login", "", map[string]string{"org": demoEID, "username": uid, "password": demoPassword, "terminal": terminal})
	if status != http.StatusOK {
		n.t.Fatalf("%s can't sign in: %d %v", uid, status, answer)
	}
	return answer
}

func (n *node) token(uid string) string { return n.login(uid, "web")["access_token"].(string) }

// must is call that fails the test unless the status is 2xx.
func (n *node) must(method, path, token string, body any) map[string]any {
	n.t.Helper()
	status, answer := n.call(method, path, token, body)
	if status/100 != 2 {
		n.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// client is a bare MQTT client: it sends what the test says, and hands over what comes.
type client struct {
	t    *testing.T
	c    net.Conn
	v    byte
	uid  string
	in   chan packets.Packet
	ack  bool // acknowledge IM; notices are always acknowledged
	next uint16
	kept []packets.Packet // came while the test waited for something else
}

// dialOptions of a client.
type dialOptions struct {
	v        byte // 4 or 5, default 5
	id       string
	user     string // default demo/{uid}
	password string // default: a fresh token
	terminal string
	clean    bool
	expiry   uint32 // seconds, version 5
	receive  uint16 // receive maximum
	largest  uint32 // maximum packet size
	manual   bool   // the test acknowledges IM
	will     *packets.Packet
	delay    uint32 // of the will
	wantCode byte
	conn     net.Conn // default: TCP
}

// dial connects as a user of the demo organisation.
func (n *node) dial(uid string, o dialOptions) (*client, packets.Packet) {
	n.t.Helper()
	if o.v == 0 {
		o.v = 5
	}
	if o.user == "" {
		o.user = demoEID + "/" + uid
	}
	if o.password == "" {
		o.password = n.login(uid, o.terminal)["access_token"].(string)
	}
	conn := o.conn
	if conn == nil {
		var err error
		if conn, err = net.Dial("tcp", strings.TrimPrefix(n.addr["mqtt"], "tcp://")); err != nil {
			n.t.Fatal(err)
		}
	}
	x := &client{t: n.t, c: conn, v: o.v, uid: uid, in: make(chan packets.Packet, 10000), ack: !o.manual}
	n.t.Cleanup(func() { conn.Close() })
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}, ProtocolVersion: o.v,
		Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: o.id, Clean: o.clean, Keepalive: 60,
			UsernameFlag: true, Username: []byte(o.user), PasswordFlag: true, Password: []byte(o.password)}}
	pk.Properties.ReceiveMaximum = o.receive
	pk.Properties.MaximumPacketSize = o.largest
	if o.expiry > 0 {
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = o.expiry, true
	}
	if w := o.will; w != nil {
		pk.Connect.WillFlag, pk.Connect.WillTopic, pk.Connect.WillPayload = true, w.TopicName, w.Payload
		pk.Connect.WillQos, pk.Connect.WillRetain = w.FixedHeader.Qos, w.FixedHeader.Retain
		pk.Connect.WillProperties.WillDelayInterval = o.delay
	}
	x.write(pk)
	go x.read()
	ack, ok := x.take(packets.Connack)
	if !ok || ack.ReasonCode != o.wantCode {
		n.t.Fatalf("CONNACK of %s: %v %#x, want %#x", uid, ok, ack.ReasonCode, o.wantCode)
	}
	return x, ack
}

// online is dial with a clean start.
func (n *node) online(uid string) *client {
	n.t.Helper()
	x, _ := n.dial(uid, dialOptions{clean: true})
	return x
}

func (x *client) write(pk packets.Packet) {
	x.t.Helper()
	err := writePacket(x.c, x.v, pk)
	if err != nil && pk.FixedHeader.Type != packets.Puback {
		x.t.Errorf("write packet type %d: %v", pk.FixedHeader.Type, err)
	}
}

func writePacket(w io.Writer, v byte, pk packets.Packet) (err error) {
	pk.ProtocolVersion = v
	pk.Mods.AllowResponseInfo = true
	var b bytes.Buffer
	switch pk.FixedHeader.Type {
	case packets.Connect:
		err = pk.ConnectEncode(&b)
	case packets.Publish:
		err = pk.PublishEncode(&b)
	case packets.Puback:
		err = pk.PubackEncode(&b)
	case packets.Pubrec:
		err = pk.PubrecEncode(&b)
	case packets.Pubrel:
		pk.FixedHeader.Qos = 1
		err = pk.PubrelEncode(&b)
	case packets.Pubcomp:
		err = pk.PubcompEncode(&b)
	case packets.Subscribe:
		pk.FixedHeader.Qos = 1
		err = pk.SubscribeEncode(&b)
	case packets.Unsubscribe:
		pk.FixedHeader.Qos = 1
		err = pk.UnsubscribeEncode(&b)
	case packets.Disconnect:
		err = pk.DisconnectEncode(&b)
	default:
		err = fmt.Errorf("no packet type %d here", pk.FixedHeader.Type)
	}
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	return err
}

func (x *client) read() {
	defer close(x.in)
	for {
		pk, err := readPacket(x.c, x.v)
		if err != nil {
			return
		}
		if pk.FixedHeader.Type == packets.Publish && pk.FixedHeader.Qos > 0 && (x.ack || strings.Contains(pk.TopicName, "/notice/")) {
			typ := packets.Puback
			if pk.FixedHeader.Qos == 2 {
				typ = packets.Pubrec
			}
			x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: typ}, PacketID: pk.PacketID})
		}
		if x.ack && pk.FixedHeader.Type == packets.Pubrel {
			x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubcomp}, PacketID: pk.PacketID})
		}
		x.in <- pk
	}
}

func readPacket(r io.Reader, v byte) (pk packets.Packet, err error) {
	one := make([]byte, 1)
	if _, err = io.ReadFull(r, one); err != nil {
		return pk, err
	}
	if err = pk.FixedHeader.Decode(one[0]); err != nil {
		return pk, err
	}
	n, shift := 0, 0
	for {
		if _, err = io.ReadFull(r, one); err != nil {
			return pk, err
		}
		n |= int(one[0]&127) << shift
		if shift += 7; one[0]&128 == 0 {
			break
		}
	}
	body := make([]byte, n)
	if _, err = io.ReadFull(r, body); err != nil {
		return pk, err
	}
	pk.FixedHeader.Remaining, pk.ProtocolVersion = n, v
	switch pk.FixedHeader.Type {
	case packets.Connack:
		err = pk.ConnackDecode(body)
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
	case packets.Suback:
		err = pk.SubackDecode(body)
	case packets.Unsuback:
		err = pk.UnsubackDecode(body)
	case packets.Disconnect:
		err = pk.DisconnectDecode(body)
	}
	return pk, err
}

// wait returns the next packet that fits; what comes before it is kept for later waits. ok is false when the connection ends first.
func (x *client) wait(fits func(packets.Packet) bool) (packets.Packet, bool) {
	x.t.Helper()
	for i, pk := range x.kept {
		if fits(pk) {
			x.kept = append(x.kept[:i:i], x.kept[i+1:]...)
			return pk, true
		}
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case pk, ok := <-x.in:
			if !ok {
				return pk, false
			}
			if fits(pk) {
				return pk, true
			}
			x.kept = append(x.kept, pk)
		case <-timeout.C:
			x.t.Fatalf("%s waits in vain; it has %s", x.uid, describe(x.kept))
		}
	}
}

func describe(list []packets.Packet) string {
	var b strings.Builder
	for _, pk := range list {
		fmt.Fprintf(&b, "[%d %s %q]", pk.FixedHeader.Type, pk.TopicName, pk.Payload)
	}
	return b.String()
}

func (x *client) take(typ byte) (packets.Packet, bool) {
	x.t.Helper()
	return x.wait(func(pk packets.Packet) bool { return pk.FixedHeader.Type == typ })
}

// message waits for the next PUBLISH on a topic.
func (x *client) message(topic string) packets.Packet {
	x.t.Helper()
	pk, ok := x.wait(func(pk packets.Packet) bool { return pk.FixedHeader.Type == packets.Publish && pk.TopicName == topic })
	if !ok {
		x.t.Fatalf("the connection of %s ended before a message on %s", x.uid, topic)
	}
	return pk
}

// text waits for an IM on a topic and returns its text.
func (x *client) text(topic string) string {
	x.t.Helper()
	m, err := payload.DecodeIM(x.message(topic).Payload)
	if err != nil {
		x.t.Fatal(err)
	}
	return payload.Text(m)
}

// notice waits for a notice of a type on a topic and returns its content.
func (x *client) notice(topic string, typ chat.NoticeType) map[string]any {
	x.t.Helper()
	pk, ok := x.wait(func(pk packets.Packet) bool {
		return pk.FixedHeader.Type == packets.Publish && pk.TopicName == topic && len(pk.Payload) > 4 && pk.Payload[4] == byte(typ)
	})
	if !ok {
		x.t.Fatalf("the connection of %s ended before notice %#x", x.uid, typ)
	}
	var content map[string]any
	if len(pk.Payload) > 5 {
		if err := json.Unmarshal(pk.Payload[5:], &content); err != nil {
			x.t.Fatal(err)
		}
	}
	return content
}

// ended waits for the connection's end and returns the reason of the server's DISCONNECT, 0 if it sent none.
func (x *client) ended() (reason byte) {
	x.t.Helper()
	_, _ = x.wait(func(pk packets.Packet) bool {
		if pk.FixedHeader.Type == packets.Disconnect {
			reason = pk.ReasonCode
		}
		return false
	})
	for _, pk := range x.kept {
		if pk.FixedHeader.Type == packets.Disconnect {
			reason = pk.ReasonCode
		}
	}
	return reason
}

func im(typ byte, sender, text string) []byte {
	content, _ := json.Marshal(map[string]string{"co": text})
	b, err := payload.EncodeIM(chat.IM{TS: 1, Type: typ, Sender: sender, Media: []chat.Medium{{Type: chat.ContentText, Content: content}}})
	if err != nil {
		panic(err)
	}
	return b
}

func topicOf(kind, key string) string { return "/e/" + demoEID + "/" + kind + "/" + key }

// publish sends a PUBLISH and, at QoS 1 and 2, waits for its acknowledgement.
func (x *client) publish(topic string, body []byte, qos byte, change func(*packets.Packet)) packets.Packet {
	x.t.Helper()
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos}, TopicName: topic, Payload: body}
	if qos > 0 {
		x.next++
		pk.PacketID = x.next
	}
	if change != nil {
		change(&pk)
	}
	x.write(pk)
	if qos == 0 {
		return packets.Packet{}
	}
	ack, ok := x.wait(func(p packets.Packet) bool {
		return (p.FixedHeader.Type == packets.Puback || p.FixedHeader.Type == packets.Pubrec) && p.PacketID == pk.PacketID
	})
	if !ok {
		x.t.Fatalf("the connection of %s ended before the acknowledgement", x.uid)
	}
	if qos == 2 && ack.ReasonCode < 0x80 {
		x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrel}, PacketID: pk.PacketID})
		if _, ok := x.take(packets.Pubcomp); !ok {
			x.t.Fatalf("the connection of %s ended before PUBCOMP", x.uid)
		}
	}
	return ack
}

// say sends a text at QoS 1 to a user or a group (topic im/u/… or im/g/…).
func (x *client) say(kind, key, text string) packets.Packet {
	x.t.Helper()
	typ := byte(chat.IMPair)
	if kind == "im/g" {
		typ = chat.IMGroup
	}
	ack := x.publish(topicOf(kind, key), im(typ, x.uid, text), 1, nil)
	if ack.ReasonCode != 0 {
		x.t.Fatalf("%s to %s: reason %#x %s", x.uid, key, ack.ReasonCode, ack.Properties.ReasonString)
	}
	return ack
}

func (x *client) subscribe(filter string, qos byte) byte {
	x.t.Helper()
	x.next++
	x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: x.next,
		Filters: packets.Subscriptions{{Filter: filter, Qos: qos}}})
	ack, ok := x.take(packets.Suback)
	if !ok {
		x.t.Fatalf("the connection of %s ended before SUBACK", x.uid)
	}
	return ack.ReasonCodes[0]
}

// drop cuts the connection without a word, and waits until the server has noticed.
func (n *node) drop(x *client) {
	n.t.Helper()
	before := n.broker.Connected()
	x.c.Close()
	n.until(func() bool { return n.broker.Connected() < before })
}

// until polls a condition that has no event to wait for.
func (n *node) until(ok func() bool) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			n.t.Fatal("waited in vain")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func seqOf(pk packets.Packet) string {
	for _, u := range pk.Properties.User {
		if u.Key == "seq" {
			return u.Val
		}
	}
	return ""
}
