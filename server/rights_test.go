package main

import (
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// TestPasswordSession signs in by the account's password where the organisation allows it: a new password ends the session.
func TestPasswordSession(t *testing.T) {
	n := startNode(t, nil)
	org, err := n.store.Org(t.Context(), demoEID)
	if err != nil {
		t.Fatal(err)
	}
	org.Settings.MQTTPasswords = true
	if err := n.store.UpdateOrg(t.Context(), org); err != nil {
		t.Fatal(err)
	}
	bob, _ := n.dial("bob", dialOptions{password: demoPassword, clean: true, terminal: "phone"})
	_, hash, err := n.store.Credentials(t.Context(), demoEID, "carol")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.store.SetPassword(t.Context(), demoEID, "bob", hash, ""); err != nil {
		t.Fatal(err)
	}
	if r := bob.ended(); r != 0x98 {
		t.Errorf("the session ends with %#x", r)
	}
}

// TestDemoted takes an administrator's role away while it is connected.
func TestDemoted(t *testing.T) {
	n := startNode(t, nil)
	alice := n.online("alice")
	alice.subscribe("/e/demo/connect/new", 1)
	n.online("bob")
	alice.message("/e/demo/connect/new")
	role := chat.Member
	if _, err := n.store.UpdateUser(t.Context(), demoEID, "alice", chat.UserChange{Role: &role}); err != nil {
		t.Fatal(err)
	}
	carol := n.online("carol")
	carol.say("im/u", "alice", "marker")
	alice.text(topicOf("im/u", "alice"))
	for _, pk := range alice.kept {
		if pk.FixedHeader.Type == packets.Publish && pk.TopicName == "/e/demo/connect/new" {
			t.Errorf("a member hears of %s", pk.Payload)
		}
	}
	if got := alice.subscribe("/e/demo/connect/new", 1); got != 0x87 {
		t.Errorf("granted %#x", got)
	}
}

// TestKickedNoticeIsOfTheMoment comes back to a kept session that was taken over: the notice is not delivered again.
func TestKickedNoticeIsOfTheMoment(t *testing.T) {
	n := startNode(t, nil)
	o := dialOptions{id: "one", expiry: 600}
	first, _ := n.dial("alice", o)
	n.dial("alice", dialOptions{id: "two", expiry: 600})
	first.notice(topicOf("notice/u", "alice"), chat.NoticeForcedOffline)
	first.ended()
	back, ack := n.dial("alice", o)
	if !ack.SessionPresent {
		t.Fatal("the session is gone")
	}
	n.online("bob").say("im/u", "alice", "marker")
	back.text(topicOf("im/u", "alice"))
	for _, pk := range back.kept {
		if pk.FixedHeader.Type == packets.Publish && len(pk.Payload) > 4 && pk.Payload[4] == byte(chat.NoticeForcedOffline) {
			t.Error("the notice came again")
		}
	}
}
