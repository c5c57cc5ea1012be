package main

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

func TestClearedIsNotSentAgain(t *testing.T) {
	n := startNode(t, nil)
	o := dialOptions{id: "p", terminal: "phone", expiry: 600, manual: true}
	phone, _ := n.dial("bob", o)
	alice, web := n.online("alice"), n.online("bob")
	token := n.token("bob")
	say := func(from, to int) {
		for i := from; i <= to; i++ {
			alice.say("im/u", "bob", strconv.Itoa(i))
		}
	}
	say(1, 2)
	base := n.must("GET", "/api/v1/conversations/u:alice", token, nil)["last_seq"].(float64) - 2
	for range 2 { // they reach the phone, which does not acknowledge them
		phone.message(topicOf("im/u", "bob"))
	}
	n.drop(phone)
	say(3, 5)
	n.must("PATCH", "/api/v1/conversations/u:alice", token, map[string]any{"pinned": true})
	n.must("PUT", "/api/v1/conversations/u:alice/cleared", token, map[string]any{"seq": base + 4})
	for _, cleared := range []float64{0, base + 4} {
		if c := web.notice(topicOf("notice/u", "bob"), chat.NoticeConversation); c["conv"] != "u:alice" || c["pinned"] != true || c["muted"] != false || c["cleared_seq"] != cleared {
			// The agent reads the state of the moment: the first may tell of the second change already.
			if cleared != 0 || c["cleared_seq"] != base+4 {
				t.Errorf("notice %v", c)
			}
		}
	}
	n.restart()
	phone, _ = n.dial("bob", o)
	if s := phone.text(topicOf("im/u", "bob")); s != "5" {
		t.Errorf("the phone gets %q, want what was not cleared", s)
	}
	phone.notice(topicOf("notice/u", "bob"), chat.NoticeConversation)

	// A session that is connected, but whose window is full, skips what is cleared too.
	n.drop(phone)
	o.receive = 1
	phone, _ = n.dial("bob", o)
	alice = n.online("alice")
	first := phone.message(topicOf("im/u", "bob"))
	say(6, 8)
	n.must("PUT", "/api/v1/conversations/u:alice/cleared", n.token("bob"), map[string]any{"seq": base + 7})
	phone.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}, PacketID: first.PacketID})
	if s := phone.text(topicOf("im/u", "bob")); s != "8" {
		t.Errorf("the phone gets %q, want what was not cleared", s)
	}
}

func TestLinesOfAGroup(t *testing.T) {
	n := startNode(t, nil)
	alice, bob := n.token("alice"), n.online("bob")
	gid := n.must("POST", "/api/v1/groups", alice, map[string]any{"name": "Team", "members": []string{"bob"}})["gid"].(string)
	if c := bob.notice(topicOf("notice/g", gid), chat.NoticeGroupJoined); c["uid"] != "alice" || c["by"] != "alice" {
		t.Errorf("who made the group: %v", c)
	}
	n.must("POST", "/api/v1/groups/"+gid+"/members", alice, map[string]any{"uids": []string{"carol"}})
	if c := bob.notice(topicOf("notice/g", gid), chat.NoticeGroupJoined); c["uid"] != "carol" || c["by"] != "alice" {
		t.Errorf("who added carol: %v", c)
	}
	page := n.must(http.MethodGet, "/api/v1/conversations/g:"+gid+"/messages", alice, nil)
	lines, _ := page["notices"].([]any)
	if len(lines) != 2 {
		t.Fatalf("the page has %v", page)
	}
	made := lines[0].(map[string]any)
	if data, _ := made["data"].(map[string]any); made["type"] != 55.0 || made["ts"] == nil || data["uid"] != "alice" || data["by"] != "alice" {
		t.Errorf("the first line is %v", made)
	}
}
