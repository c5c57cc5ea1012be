package main

import (
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
