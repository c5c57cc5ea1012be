package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// A packet id that a QoS 1 publish had may name a QoS 2 one next: it is a new message.
func TestPacketIDOfBothLevels(t *testing.T) {
	n := startNode(t, nil)
	sub := n.online("carol")
	sub.subscribe(appTopic("#"), 1)
	pub, _ := n.dial("bob", dialOptions{id: "both", v: 4})
	same := func(pk *packets.Packet) { pk.PacketID = 5 }
	pub.publish(appTopic("one"), []byte("x"), 1, same)
	pub.publish(appTopic("two"), []byte("y"), 2, same)
	pub.publish(appTopic("three"), []byte("z"), 1, nil)
	for _, want := range []string{"one", "two", "three"} {
		pk, ok := sub.wait(func(pk packets.Packet) bool { return strings.HasPrefix(pk.TopicName, appTopic("")) })
		if !ok || pk.TopicName != appTopic(want) {
			t.Fatalf("got a message on %s, want %s", pk.TopicName, want)
		}
	}
}

// Failed sign-ins over MQTT count by the address, whatever the port.
func TestSignInLimitOverMQTT(t *testing.T) {
	n := startNode(t, func(c *Config) { c.LimitLoginRate = 3 })
	for range 3 {
		n.dial("bob", dialOptions{clean: true, password: "wrong password", wantCode: packets.ErrBadUsernameOrPassword.Code})
	}
	n.dial("bob", dialOptions{clean: true, password: "wrong password", wantCode: packets.ErrConnectionRateExceeded.Code})
}

// Who gains a contact learns nothing of where it was before.
func TestNewContactsPast(t *testing.T) {
	n := startNode(t, nil)
	token := n.token("alice")
	n.must("DELETE", "/api/v1/contacts/carol", token, nil)
	topic := topicOf("notice/p", "carol")
	for range 2 { // carol comes and goes
		carol := n.online("carol")
		n.drop(carol)
		n.until(func() bool { _, on := n.broker.Presence(demoEID, "carol"); return len(on) == 0 })
	}
	ref := chat.StreamRef{EID: demoEID, Kind: chat.StreamTerminalNotice, Key: "carol"}
	n.until(func() bool { st, err := n.store.Stream(t.Context(), ref); return err == nil && st.Head >= 4 })
	n.restart() // nobody follows carol's terminals now
	token = n.token("alice")
	alice, _ := n.dial("alice", dialOptions{clean: true, terminal: "pc"})
	n.must("PUT", "/api/v1/contacts/carol", token, map[string]any{})
	alice.notice(topicOf("notice/u", "alice"), chat.NoticeContacts)
	n.online("carol")
	if c := alice.notice(topic, chat.NoticeTerminals); c["on"] != true {
		t.Errorf("first notice %v", c)
	}
	time.Sleep(300 * time.Millisecond) // what must not come has had time to
	alice.subscribe(appTopic("x"), 0)
	for _, pk := range alice.kept {
		if pk.TopicName == topic {
			t.Errorf("a notice of the past: %q", pk.Payload)
		}
	}
}

// A session that its client has thrown away has no share of a shared subscription any more.
func TestShareOfAnEndedSession(t *testing.T) {
	n := startNode(t, nil)
	share := "$share/workers/" + appTopic("jobs")
	one, _ := n.dial("bob", dialOptions{id: "one", expiry: 600})
	one.subscribe(share, 1)
	two, _ := n.dial("carol", dialOptions{id: "two", expiry: 600})
	two.subscribe(share, 1)
	n.drop(one)
	one, _ = n.dial("bob", dialOptions{id: "one", clean: true})
	n.drop(one)
	n.drop(two)
	pub := n.online("alice")
	for i := range 6 {
		pub.publish(appTopic("jobs"), []byte(fmt.Sprint(i)), 1, nil)
	}
	two, _ = n.dial("carol", dialOptions{id: "two", expiry: 600})
	for i := range 6 {
		if got := string(two.message(appTopic("jobs")).Payload); got != fmt.Sprint(i) {
			t.Fatalf("got job %s, want %d", got, i)
		}
	}
}

// A session has only so many subscriptions.
func TestManySubscriptions(t *testing.T) {
	n := startNode(t, nil)
	x := n.online("bob")
	var refused int
	for i := range 12 {
		list := make(packets.Subscriptions, 100)
		for k := range list {
			list[k] = packets.Subscription{Filter: appTopic(fmt.Sprintf("%d/%d", i, k)), Qos: 1}
		}
		x.next++
		x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: x.next, Filters: list})
		ack, ok := x.take(packets.Suback)
		if !ok {
			t.Fatal("the connection ended")
		}
		for _, c := range ack.ReasonCodes {
			if c == packets.ErrQuotaExceeded.Code {
				refused++
			}
		}
	}
	if refused != 200 {
		t.Errorf("%d subscriptions were refused, want 200", refused)
	}
}

func TestReleaseOfAnUnknownPacket(t *testing.T) {
	n := startNode(t, nil)
	for _, o := range []dialOptions{{clean: true}, {id: "kept", expiry: 60}, {v: 4, clean: true}, {v: 4, id: "old"}} {
		x, _ := n.dial("bob", o)
		release := func(pid uint16) byte {
			x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrel, Qos: 1}, PacketID: pid})
			comp, _ := x.take(packets.Pubcomp)
			if comp.PacketID != pid {
				t.Errorf("%+v: PUBCOMP of %d, want %d", o, comp.PacketID, pid)
			}
			return comp.ReasonCode
		}
		unknown := byte(0x92)
		if o.v == 4 {
			unknown = 0
		}
		x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 2}, PacketID: 9, TopicName: appTopic("x"), Payload: []byte("x")})
		x.take(packets.Pubrec)
		x.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, PacketID: 10, TopicName: appTopic("x"), Payload: []byte("y")})
		x.take(packets.Puback)
		for _, c := range []struct {
			pid  uint16
			want byte
		}{{9, 0}, {9, unknown}, {77, unknown}, {10, unknown}} {
			if got := release(c.pid); got != c.want {
				t.Errorf("%+v: PUBREL of %d is answered %#x, want %#x", o, c.pid, got, c.want)
			}
		}
		n.drop(x)
	}
}

// A client gets nothing larger than it takes, whatever it is, and everything else.
func TestLargestPacket(t *testing.T) {
	n := startNode(t, nil)
	const most = 200
	big, small := bytes.Repeat([]byte("b"), most), []byte("small")
	o := dialOptions{id: "p", expiry: 600, manual: true}
	bob, _ := n.dial("bob", o)
	alice := n.online("alice")
	alice.say("im/u", "bob", strings.Repeat("x", most))
	bob.message(topicOf("im/u", "bob")) // and does not acknowledge it
	n.drop(bob)
	retain := func(pk *packets.Packet) { pk.FixedHeader.Retain = true }
	alice.publish(appTopic("kept/big"), big, 1, retain)
	alice.publish(appTopic("kept/small"), small, 1, retain)

	o.largest = most
	bob, _ = n.dial("bob", o)
	bob.subscribe(appTopic("#"), 1)
	if m := bob.message(appTopic("kept/small")); string(m.Payload) != "small" {
		t.Errorf("retained: %q", m.Payload)
	}
	for qos := range byte(3) {
		alice.publish(appTopic("now"), big, qos, nil)
		alice.publish(appTopic("now"), small, qos, nil)
		if m := bob.message(appTopic("now")); string(m.Payload) != "small" {
			t.Errorf("at QoS %d: %q", qos, m.Payload)
		}
	}
	long := appTopic(strings.Repeat("x", most/2) + "/#") // the notice that names it is too large
	if ack := bob.publish(long, small, 1, nil); ack.ReasonCode != packets.ErrTopicNameInvalid.Code {
		t.Errorf("refused with %#x", ack.ReasonCode)
	}
	alice.say("im/u", "bob", "last")
	if s := bob.text(topicOf("im/u", "bob")); s != "last" {
		t.Errorf("bob gets %q", s)
	}
	for _, pk := range bob.kept {
		if len(pk.Payload) >= most-30 {
			t.Errorf("it was sent %d bytes on %s", len(pk.Payload), pk.TopicName)
		}
	}
}
