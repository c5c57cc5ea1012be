package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

func appTopic(s string) string { return topicOf("app", s) }

func TestChannels(t *testing.T) {
	for _, v := range []byte{4, 5} {
		t.Run(fmt.Sprint("v", v), func(t *testing.T) {
			n := startNode(t, nil)
			sub, _ := n.dial("bob", dialOptions{v: v, clean: true})
			pub, _ := n.dial("alice", dialOptions{v: v, clean: true})
			for qos := range byte(3) {
				filter := appTopic(fmt.Sprintf("q%d/+", qos))
				if got := sub.subscribe(filter, qos); got != qos {
					t.Fatalf("granted %#x for %d", got, qos)
				}
				for sent := range byte(3) {
					body := fmt.Sprintf("%d to %d", sent, qos)
					pub.publish(appTopic(fmt.Sprintf("q%d/x", qos)), []byte(body), sent, nil)
					m := sub.message(appTopic(fmt.Sprintf("q%d/x", qos)))
					if string(m.Payload) != body || m.FixedHeader.Qos != min(sent, qos) || m.FixedHeader.Retain {
						t.Errorf("sent at %d, subscribed at %d: %q at %d", sent, qos, m.Payload, m.FixedHeader.Qos)
					}
				}
			}
			// Retained, replaced, cleared; and over a restart.
			keep := func(pk *packets.Packet) { pk.FixedHeader.Retain = true }
			pub.publish(appTopic("r/1"), []byte("old"), 1, keep)
			pub.publish(appTopic("r/1"), []byte("new"), 0, keep)
			pub.publish(appTopic("r/2"), []byte("gone"), 2, keep)
			pub.publish(appTopic("r/2"), nil, 1, keep)
			pub.publish(appTopic("r/3"), []byte("three"), 1, keep)
			for round := range 2 {
				sub.subscribe(appTopic("r/#"), 1)
				got := map[string]string{}
				for range 2 {
					m, ok := sub.wait(func(pk packets.Packet) bool {
						return pk.FixedHeader.Retain && strings.HasPrefix(pk.TopicName, appTopic("r/"))
					})
					if !ok {
						t.Fatal("the connection ended")
					}
					got[m.TopicName] = string(m.Payload)
				}
				if got[appTopic("r/1")] != "new" || got[appTopic("r/3")] != "three" {
					t.Errorf("round %d: retained %v", round, got)
				}
				n.restart()
				sub, _ = n.dial("bob", dialOptions{v: v, clean: true})
			}
		})
	}
}

func TestChannelProperties(t *testing.T) {
	n := startNode(t, nil)
	sub, pub := n.online("bob"), n.online("alice")
	sub.next++
	sub.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: sub.next, Properties: packets.Properties{SubscriptionIdentifier: []int{7}},
		Filters: packets.Subscriptions{{Filter: appTopic("a/#"), Qos: 1, RetainAsPublished: true}, {Filter: appTopic("a/b"), Qos: 0}}})
	sub.take(packets.Suback)
	pub.publish(appTopic("a/b"), []byte("{}"), 1, func(pk *packets.Packet) {
		pk.FixedHeader.Retain = true
		p := &pk.Properties
		p.ContentType, p.ResponseTopic, p.CorrelationData = "application/json", appTopic("reply"), []byte("c")
		p.PayloadFormat, p.PayloadFormatFlag, p.MessageExpiryInterval = 1, true, 100
		p.User = []packets.UserProperty{{Key: "k", Val: "1"}, {Key: "k", Val: "2"}}
	})
	m := sub.message(appTopic("a/b"))
	p := m.Properties
	if p.ContentType != "application/json" || p.ResponseTopic != appTopic("reply") || string(p.CorrelationData) != "c" || p.PayloadFormat != 1 ||
		len(p.User) != 2 || p.User[1].Val != "2" || p.MessageExpiryInterval == 0 || p.MessageExpiryInterval > 100 || !m.FixedHeader.Retain || m.FixedHeader.Qos != 1 {
		t.Errorf("delivered %+v retain %v QoS %d", p, m.FixedHeader.Retain, m.FixedHeader.Qos)
	}
	if len(p.SubscriptionIdentifier) == 0 || p.SubscriptionIdentifier[0] != 7 {
		t.Errorf("subscription identifiers %v", p.SubscriptionIdentifier)
	}
	// No Local.
	pub.next++
	pub.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: pub.next,
		Filters: packets.Subscriptions{{Filter: appTopic("a/#"), Qos: 1, NoLocal: true, RetainHandling: 2}}})
	pub.take(packets.Suback)
	pub.publish(appTopic("a/own"), []byte("own"), 1, nil)
	sub.publish(appTopic("a/other"), []byte("other"), 1, nil)
	pub.message(appTopic("a/other"))
	for _, pk := range pub.kept {
		if pk.FixedHeader.Type == packets.Publish && pk.TopicName == appTopic("a/own") {
			t.Error("No Local was not honoured")
		}
	}
	// Topic aliases of the publisher.
	for i := range 2 {
		pub.publish("", []byte(fmt.Sprint("alias", i)), 1, func(pk *packets.Packet) {
			if i == 0 {
				pk.TopicName = appTopic("a/alias")
			}
			pk.Properties.TopicAlias, pk.Properties.TopicAliasFlag = 3, true
		})
		if m := sub.message(appTopic("a/alias")); string(m.Payload) != fmt.Sprint("alias", i) {
			t.Errorf("by alias: %q", m.Payload)
		}
	}
}

func TestChannelsOffline(t *testing.T) {
	n := startNode(t, nil)
	o := dialOptions{id: "sensor", expiry: 600}
	sub, _ := n.dial("bob", o)
	sub.subscribe(appTopic("s/#"), 2)
	n.drop(sub)
	pub := n.online("alice")
	pub.publish(appTopic("s/1"), []byte("lost: QoS 0"), 0, nil)
	pub.publish(appTopic("s/1"), []byte("one"), 1, nil)
	sent := time.Now()
	pub.publish(appTopic("s/1"), []byte("expired"), 1, func(pk *packets.Packet) { pk.Properties.MessageExpiryInterval = 1 })
	pub.publish(appTopic("s/1"), []byte("two"), 2, nil)
	pub.publish(appTopic("other"), []byte("not subscribed"), 1, nil)
	n.restart()
	<-time.After(time.Until(sent.Add(1100 * time.Millisecond))) // the interval is the event: it has seconds
	sub, ack := n.dial("bob", o)
	if !ack.SessionPresent {
		t.Fatal("the session is gone")
	}
	for i, want := range []string{"one", "two"} {
		if m := sub.message(appTopic("s/1")); string(m.Payload) != want || m.FixedHeader.Qos != byte(i+1) {
			t.Errorf("%q at %d", m.Payload, m.FixedHeader.Qos)
		}
	}
	pub = n.online("alice")
	pub.publish(appTopic("s/2"), []byte("live"), 2, nil)
	sub.message(appTopic("s/2"))
}

func TestSharedSubscription(t *testing.T) {
	n := startNode(t, nil)
	one, two, pub := n.online("bob"), n.online("carol"), n.online("alice")
	for _, x := range []*client{one, two} {
		if got := x.subscribe("$share/workers/"+appTopic("jobs/+"), 1); got != 1 {
			t.Fatalf("granted %#x", got)
		}
		x.subscribe(appTopic("done"), 1)
	}
	const jobs = 20
	for i := range jobs {
		pub.publish(appTopic("jobs/x"), []byte(fmt.Sprint(i)), 1, nil)
	}
	pub.publish(appTopic("done"), nil, 1, nil)
	seen := map[string]int{}
	for _, x := range []*client{one, two} {
		x.message(appTopic("done"))
		mine := 0
		for _, pk := range x.kept {
			if pk.TopicName == appTopic("jobs/x") {
				seen[string(pk.Payload)]++
				mine++
			}
		}
		if mine == 0 {
			t.Errorf("%s has had nothing to do", x.uid)
		}
	}
	if len(seen) != jobs {
		t.Errorf("%d of %d jobs were given out", len(seen), jobs)
	}
	for job, times := range seen {
		if times != 1 {
			t.Errorf("job %s was given out %d times", job, times)
		}
	}
}

func TestWills(t *testing.T) {
	n := startNode(t, nil)
	watch := n.online("alice")
	watch.subscribe(appTopic("will/#"), 1)
	will := func(name string, qos byte) *packets.Packet {
		return &packets.Packet{FixedHeader: packets.FixedHeader{Qos: qos}, TopicName: appTopic("will/" + name), Payload: []byte(name)}
	}
	cut, _ := n.dial("bob", dialOptions{clean: true, will: will("cut", 1)})
	n.drop(cut)
	watch.message(appTopic("will/cut"))

	polite, _ := n.dial("bob", dialOptions{clean: true, will: will("polite", 1)})
	polite.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Disconnect}})
	polite.ended()
	asked, _ := n.dial("bob", dialOptions{clean: true, will: will("asked", 0)})
	if _, err := asked.c.Write([]byte{0xe0, 1, 4}); err != nil {
		t.Fatal(err)
	}
	watch.message(appTopic("will/asked"))

	// A delayed will is taken back by a reconnect, and published at the session's end otherwise.
	o := dialOptions{id: "d", expiry: 600, will: will("delayed", 1), delay: 300}
	d, _ := n.dial("bob", o)
	n.drop(d)
	o.will, o.expiry = will("short", 1), 1
	d, _ = n.dial("bob", o)
	n.drop(d) // the session's end comes first, after a second
	watch.message(appTopic("will/short"))
	for _, pk := range watch.kept {
		if name := string(pk.Payload); name == "polite" || name == "delayed" {
			t.Errorf("the will %q was published", name)
		}
	}
	n.dial("bob", dialOptions{will: &packets.Packet{TopicName: "/e/other/app/x", Payload: []byte("x")}, wantCode: 0x87})
	n.dial("bob", dialOptions{v: 4, clean: true, will: &packets.Packet{TopicName: topicOf("notice/u", "alice"), Payload: []byte("x")}, wantCode: 5})
}

func TestQoS2Once(t *testing.T) {
	n := startNode(t, nil)
	sub := n.online("carol")
	sub.subscribe(appTopic("x"), 1)
	o := dialOptions{id: "exact", expiry: 600}
	pub, _ := n.dial("bob", o)
	send := func() {
		pub.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 2}, PacketID: 9, TopicName: appTopic("x"), Payload: []byte("once")})
		pub.take(packets.Pubrec)
	}
	send()
	send()
	n.drop(pub)
	n.restart()
	sub = n.online("carol")
	sub.subscribe(appTopic("x"), 1)
	pub, _ = n.dial("bob", o)
	send() // it is still not released
	pub.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrel}, PacketID: 9})
	pub.take(packets.Pubcomp)
	pub.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 2}, PacketID: 9, TopicName: appTopic("x"), Payload: []byte("another")})
	pub.take(packets.Pubrec)
	if m := sub.message(appTopic("x")); string(m.Payload) != "another" {
		t.Errorf("%q was stored again", m.Payload)
	}
}

func TestWillsOfThoseWhoAreAway(t *testing.T) {
	n := startNode(t, nil)
	alice, watch := n.token("alice"), n.online("alice")
	gid := n.must("POST", "/api/v1/groups", alice, map[string]any{"name": "Team", "members": []string{"bob", "carol", "dave"}})["gid"].(string)
	will := func(uid, text string) *packets.Packet {
		return &packets.Packet{FixedHeader: packets.FixedHeader{Qos: 1}, TopicName: topicOf("im/g", gid), Payload: im(chat.IMGroup, uid, text)}
	}
	// The first is cut off by a crash, and its will waits for the restart; the others have left, or may not write any more, by the time.
	bob, _ := n.dial("bob", dialOptions{id: "b", expiry: 600, will: will("bob", "bob is gone"), delay: 2})
	n.drop(bob)
	dave, _ := n.dial("dave", dialOptions{id: "d", expiry: 600, will: will("dave", "dave is gone"), delay: 1})
	n.drop(dave)
	carol, _ := n.dial("carol", dialOptions{id: "c", expiry: 600, will: will("carol", "carol is gone")})
	n.must("DELETE", "/api/v1/groups/"+gid+"/members/dave", alice, nil)
	if err := n.store.SetDisabled(t.Context(), demoEID, "carol", true); err != nil {
		t.Fatal(err)
	}
	carol.ended()
	if s := watch.text(topicOf("im/g", gid)); s != "bob is gone" {
		t.Errorf("the will is %q", s)
	}
}
