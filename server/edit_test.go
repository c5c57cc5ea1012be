package main

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"magpie/server/chat"
)

// TestEditLive edits a message twice: who is there is told, who was away gets the new text in its place and no notice that says an older one,
// from memory and from the disk; and nothing that was said is left after the recall.
func TestEditLive(t *testing.T) {
	n := startNode(t, nil)
	kept := dialOptions{id: "b", expiry: 600, manual: true} // messages are not acknowledged: they come again
	bob, _ := n.dial("bob", kept)
	alice := n.online("alice")
	n.drop(bob)
	seq := seqOf(alice.say("im/u", "bob", "oops"))
	alice.say("im/u", "bob", "stays")
	path := "/api/v1/conversations/u:bob/messages/" + seq
	token := n.login("alice", "service")["access_token"].(string)
	edit := func(text string) {
		t.Helper()
		n.must("PATCH", path, token, map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": text}}}})
		told := alice.notice(topicOf("notice/u", "alice"), chat.NoticeEdited)
		media, _ := told["media"].([]any)
		if told["conv"] != "u:bob" || told["seq"] != mustFloat(t, seq) || len(media) != 1 || media[0].(map[string]any)["content"].(map[string]any)["co"] != text {
			t.Errorf("alice is told %v", told)
		}
	}
	edit("better")
	edit("best")
	for _, restart := range []bool{false, true} {
		if restart {
			n.restart()
		}
		bob, _ = n.dial("bob", kept)
		if pk := bob.message(topicOf("im/u", "bob")); bytes.Contains(pk.Payload, []byte("oops")) || !bytes.Contains(pk.Payload, []byte(`"co":"best"`)) {
			t.Errorf("restarted %v: bob gets %q", restart, pk.Payload)
		}
		if pk := bob.message(topicOf("im/u", "bob")); !bytes.Contains(pk.Payload, []byte("stays")) {
			t.Errorf("restarted %v: then %q", restart, pk.Payload)
		}
		if !restart { // notices were acknowledged
			if blank := bob.notice(topicOf("notice/u", "bob"), chat.NoticeEdited); blank["conv"] != "u:alice" || blank["media"] != nil {
				t.Errorf("of the first edit bob is told %v", blank)
			}
			if told := bob.notice(topicOf("notice/u", "bob"), chat.NoticeEdited); told["media"] == nil {
				t.Errorf("of the second edit bob is told %v", told)
			}
		}
		n.drop(bob)
	}
	n.must("DELETE", path, n.login("alice", "service")["access_token"].(string), nil)
	n.until(func() bool {
		events, err := n.store.Events(t.Context(), 10)
		return err == nil && len(events) == 0
	})
	for _, ref := range []chat.StreamRef{{EID: demoEID, Kind: chat.StreamPair, Key: chat.PairKey("alice", "bob")}, {EID: demoEID, Kind: chat.StreamUserNotice, Key: "alice"}, {EID: demoEID, Kind: chat.StreamUserNotice, Key: "bob"}} {
		stream, err := n.store.Stream(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := n.store.Read(t.Context(), stream.ID, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			for _, word := range []string{"oops", "better", "best"} {
				if bytes.Contains(e.Payload, []byte(word)) {
					t.Errorf("%v still says %q", ref, e.Payload)
				}
			}
		}
	}
}

// TestEditedAndRetained deletes an edited message by its age: the notice of the edit goes with it.
func TestEditedAndRetained(t *testing.T) {
	n := startNode(t, nil)
	alice, bob := n.online("alice"), n.online("bob")
	seq := seqOf(alice.say("im/u", "bob", "draft"))
	n.must("PATCH", "/api/v1/conversations/u:bob/messages/"+seq, n.login("alice", "service")["access_token"].(string),
		map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": "final words"}}}})
	bob.notice(topicOf("notice/u", "bob"), chat.NoticeEdited)
	if _, err := n.store.Retain(t.Context(), demoEID, chat.StreamPair, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	stream, err := n.store.Stream(t.Context(), chat.StreamRef{EID: demoEID, Kind: chat.StreamUserNotice, Key: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := n.store.Read(t.Context(), stream.ID, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if bytes.Contains(e.Payload, []byte("final words")) {
			t.Errorf("a notice still says %q", e.Payload)
		}
	}
}

func mustFloat(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
