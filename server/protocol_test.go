package main

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

func TestPairOfUsers(t *testing.T) {
	n := startNode(t, nil)
	alice, bob := n.online("alice"), n.online("bob")
	ack := alice.publish(topicOf("im/u", "bob"), im(chat.IMPair, "alice", "hello 你好"), 1, func(pk *packets.Packet) {
		pk.Properties.CorrelationData = []byte("12345678")
	})
	got := bob.message(topicOf("im/u", "bob"))
	if seqOf(ack) == "" || seqOf(got) != seqOf(ack) || string(got.Properties.CorrelationData) != "12345678" || got.FixedHeader.Qos != 1 {
		t.Errorf("acknowledged %v, delivered %v at QoS %d", ack.Properties, got.Properties, got.FixedHeader.Qos)
	}
	if ts := got.Payload[:4]; ts[0] == 0 {
		t.Errorf("the server did not stamp its time: % x", ts)
	}
	again := alice.publish(topicOf("im/u", "bob"), im(chat.IMPair, "alice", "hello 你好"), 1, func(pk *packets.Packet) {
		pk.Properties.CorrelationData = []byte("12345678")
	})
	if seqOf(again) != seqOf(ack) {
		t.Errorf("the repeat has seq %s, the first %s", seqOf(again), seqOf(ack))
	}
	// The sender's other terminal sees what it wrote; the publishing one does not.
	phone, _ := n.dial("alice", dialOptions{clean: true, terminal: "phone"})
	alice.say("im/u", "bob", "second")
	if s := phone.text(topicOf("im/u", "bob")); s != "second" {
		t.Errorf("alice's phone sees %q", s)
	}
	if s := bob.text(topicOf("im/u", "bob")); s != "second" {
		t.Errorf("bob sees %q: the repeat was delivered", s)
	}
	bob.say("im/u", "alice", "third")
	if s := alice.text(topicOf("im/u", "alice")); s != "third" {
		t.Errorf("alice sees %q: her own message came back", s)
	}
}

func TestGroupAndNewcomer(t *testing.T) {
	n := startNode(t, nil)
	alice, bob, dave := n.online("alice"), n.online("bob"), n.online("dave")
	token := n.token("carol") // carol's web login, without MQTT
	g := n.must("POST", "/api/v1/groups", token, map[string]any{"name": "Tea", "members": []string{"alice", "bob"}})
	gid := g["gid"].(string)
	if c := bob.notice(topicOf("notice/u", "bob"), chat.NoticeGroupAdded); c["gid"] != gid || c["uid"] != "carol" {
		t.Errorf("bob's notice: %v", c)
	}
	alice.say("im/g", gid, "one")
	if s := bob.text(topicOf("im/g", gid)); s != "one" {
		t.Errorf("bob sees %q", s)
	}
	if ack := dave.publish(topicOf("im/g", gid), im(chat.IMGroup, "dave", "x"), 1, nil); ack.ReasonCode != 0x87 {
		t.Errorf("a stranger's publish: %#x", ack.ReasonCode)
	}
	dave.notice(topicOf("notice/u", "dave"), chat.NoticeRefused)

	n.must("POST", "/api/v1/groups/"+gid+"/members", token, map[string]any{"uids": []string{"dave"}})
	alice.say("im/g", gid, "two")
	if s := dave.text(topicOf("im/g", gid)); s != "two" {
		t.Errorf("the newcomer sees %q", s)
	}
	bob.notice(topicOf("notice/g", gid), chat.NoticeGroupJoined) // of who made it
	if c := bob.notice(topicOf("notice/g", gid), chat.NoticeGroupJoined); c["uid"] != "dave" || c["name"] == "" {
		t.Errorf("the others' notice: %v", c)
	}
	dave.say("im/g", gid, "three")
	bob.text(topicOf("im/g", gid))
	if s := bob.text(topicOf("im/g", gid)); s != "three" {
		t.Errorf("bob sees %q", s)
	}

	n.must("DELETE", "/api/v1/groups/"+gid+"/members/dave", token, nil)
	dave.notice(topicOf("notice/u", "dave"), chat.NoticeGroupLeft)
	alice.say("im/g", gid, "four")
	if s := bob.text(topicOf("im/g", gid)); s != "four" {
		t.Errorf("bob sees %q", s)
	}
	if ack := dave.publish(topicOf("im/g", gid), im(chat.IMGroup, "dave", "x"), 1, nil); ack.ReasonCode != 0x87 {
		t.Errorf("a former member's publish: %#x", ack.ReasonCode)
	}
	alice.say("im/u", "dave", "marker")
	dave.text(topicOf("im/u", "dave"))
	for _, pk := range dave.kept {
		if pk.TopicName == topicOf("im/g", gid) {
			t.Errorf("the former member got %q", pk.Payload)
		}
	}
}

func TestOffline(t *testing.T) {
	for _, v := range []byte{4, 5} {
		t.Run(fmt.Sprint("v", v), func(t *testing.T) {
			n := startNode(t, nil)
			o := dialOptions{v: v, id: "bob-phone", terminal: "phone", expiry: 600}
			bob, ack := n.dial("bob", o)
			if ack.SessionPresent {
				t.Error("a session is present before the first connection")
			}
			alice, carol := n.online("alice"), n.online("carol")
			bob.text2("zero", alice)
			n.drop(bob)
			const each = 300 // more than a window, a page and a ring hold together
			for i := range each {
				alice.say("im/u", "bob", "a"+strconv.Itoa(i))
				carol.say("im/u", "bob", "c"+strconv.Itoa(i))
			}
			for round := range 2 {
				bob, ack = n.dial("bob", o)
				if !ack.SessionPresent {
					t.Fatalf("round %d: the session is not present", round)
				}
				alice.say("im/u", "bob", "live"+strconv.Itoa(round))
				if round == 0 {
					// Each conversation in its order, and both merged by time, which has milliseconds.
					next := map[byte]int{}
					for range 2 * each {
						s := bob.text(topicOf("im/u", "bob"))
						if s != string(s[0])+strconv.Itoa(next[s[0]]) || next['a']-next['c'] > 50 || next['c']-next['a'] > 50 {
							t.Fatalf("%q comes after %v", s, next)
						}
						next[s[0]]++
					}
				}
				if s := bob.text(topicOf("im/u", "bob")); s != "live"+strconv.Itoa(round) {
					t.Fatalf("round %d: %q follows", round, s)
				}
				bob.say("im/u", "alice", "marker") // what bob acknowledged has been read when this one is answered
				n.restart()
				alice = n.online("alice")
			}
		})
	}
}

// text2 has other say something and waits for it.
func (x *client) text2(s string, other *client) {
	x.t.Helper()
	other.say("im/u", x.uid, s)
	if got := x.text(topicOf("im/u", x.uid)); got != s {
		x.t.Fatalf("%s sees %q, want %q", x.uid, got, s)
	}
}

func TestUnacknowledgedComesAgain(t *testing.T) {
	n := startNode(t, nil)
	o := dialOptions{id: "p", expiry: 600, manual: true, receive: 3}
	bob, _ := n.dial("bob", o)
	alice := n.online("alice")
	for i := range 5 {
		alice.say("im/u", "bob", strconv.Itoa(i))
	}
	var ids []uint16
	for i := range 3 {
		pk := bob.message(topicOf("im/u", "bob"))
		ids = append(ids, pk.PacketID)
		if pk.FixedHeader.Dup {
			t.Errorf("message %d is marked as sent again", i)
		}
	}
	bob.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: ids[1]})
	if m := bob.message(topicOf("im/u", "bob")); seqOf(m) == "" {
		t.Error("no seq")
	}
	n.drop(bob)
	bob, _ = n.dial("bob", o)
	for i, want := range []struct {
		id  uint16
		dup bool
	}{{ids[0], true}, {ids[2], true}} {
		pk := bob.message(topicOf("im/u", "bob"))
		if pk.PacketID != want.id || pk.FixedHeader.Dup != want.dup {
			t.Errorf("%d comes again as %d (dup %v), want %v", i, pk.PacketID, pk.FixedHeader.Dup, want)
		}
	}
}

func TestTakeOver(t *testing.T) {
	n := startNode(t, nil)
	first, _ := n.dial("alice", dialOptions{clean: true, id: "one"})
	second, _ := n.dial("alice", dialOptions{clean: true, id: "two"})
	first.notice(topicOf("notice/u", "alice"), chat.NoticeForcedOffline)
	if r := first.ended(); r != 0x8e {
		t.Errorf("the first ends with %#x", r)
	}
	phone, _ := n.dial("alice", dialOptions{v: 4, clean: true, id: "two", terminal: "phone"})
	_ = phone
	if r := second.ended(); r != 0x8e {
		t.Errorf("the same client id: ends with %#x", r)
	}
	bob, _ := n.dial("bob", dialOptions{clean: true, id: "two"})
	bob.say("im/u", "alice", "still there")
	if s := phone.text(topicOf("im/u", "alice")); s != "still there" {
		t.Errorf("another user's client id took the session: %q", s)
	}
}

func TestPresence(t *testing.T) {
	n := startNode(t, nil)
	carolToken := n.token("carol")
	n.must("PUT", "/api/v1/contacts/dave", carolToken, nil)
	carol := n.online("carol")
	dave := n.online("dave")
	if m := carol.message(topicOf("pres/u", "dave")); string(m.Payload) != "\x51" {
		t.Errorf("online is % x", m.Payload)
	}
	if c := carol.notice(topicOf("notice/p", "dave"), chat.NoticeTerminals); c["on"] != true || c["st"] != 2.0 || c["uid"] != "dave" {
		t.Errorf("terminal notice %v", c)
	}
	dave.publish(topicOf("pres/u", "dave"), []byte("\xafin a meeting"), 1, nil)
	if m := carol.message(topicOf("pres/u", "dave")); string(m.Payload) != "\xafin a meeting" {
		t.Errorf("custom is % x", m.Payload)
	}
	if ack := dave.publish(topicOf("pres/u", "carol"), []byte{0x51}, 1, nil); ack.ReasonCode != 0x87 {
		t.Errorf("another's presence: %#x", ack.ReasonCode)
	}
	n.drop(dave)
	if m := carol.message(topicOf("pres/u", "dave")); string(m.Payload) != "\x52" {
		t.Errorf("offline is % x", m.Payload)
	}
	dave = n.online("dave")
	if m := carol.message(topicOf("pres/u", "dave")); string(m.Payload) != "\xafin a meeting" {
		t.Errorf("the choice was forgotten: % x", m.Payload)
	}
	carol2, _ := n.dial("carol", dialOptions{clean: true, terminal: "phone"})
	if m := carol2.message(topicOf("pres/u", "dave")); !m.FixedHeader.Retain || string(m.Payload) != "\xafin a meeting" {
		t.Errorf("retained presence: %v % x", m.FixedHeader.Retain, m.Payload)
	}
	dave.publish(topicOf("typing/u", "carol"), nil, 0, nil)
	if m := carol.message(topicOf("typing/u", "carol")); string(m.Payload) != "dave" {
		t.Errorf("typing is %q", m.Payload)
	}
}

func TestConnectNewAndPresubscriptions(t *testing.T) {
	n := startNode(t, nil)
	alice := n.online("alice") // an administrator
	if got := alice.subscribe("/e/demo/connect/new", 1); got > 1 {
		t.Fatalf("granted %#x", got)
	}
	n.dial("carol", dialOptions{clean: true, id: "carol-1"})
	if m := alice.message("/e/demo/connect/new"); string(m.Payload) != `{"cid":"carol-1","uid":"carol","terminal":"web"}` {
		t.Errorf("connect/new carries %s", m.Payload)
	}
	answer := n.must("GET", "/api/v1/presubscriptions?client_id=carol-1", n.login("alice", "phone")["access_token"].(string), nil)
	topics := answer["topics"].([]any)
	if answer["client_id"] != "carol-1" || answer["action"] != "sub" || answer["count"] != float64(len(topics)) {
		t.Errorf("presubscriptions %v", answer)
	}
	want := map[string]float64{topicOf("im/u", "carol"): 1, topicOf("notice/u", "carol"): 1, topicOf("typing/u", "carol"): 0, topicOf("im/g", "launch"): 1}
	for _, x := range topics {
		x := x.(map[string]any)
		if qos, ok := want[x["topic"].(string)]; ok && qos == x["qos"] {
			delete(want, x["topic"].(string))
		}
	}
	if len(want) > 0 {
		t.Errorf("%v is not among %v", want, topics)
	}
}
