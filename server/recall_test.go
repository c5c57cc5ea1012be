package main

import (
	"bytes"
	"testing"

	"magpie/server/chat"
)

// TestRecallLive recalls a message: who is there is told, and who was away gets what is left of it, from memory and from the disk.
func TestRecallLive(t *testing.T) {
	n := startNode(t, nil)
	kept := dialOptions{id: "b", expiry: 600, manual: true} // nothing is acknowledged: everything comes again
	bob, _ := n.dial("bob", kept)
	alice := n.online("alice")
	n.drop(bob)
	seq := seqOf(alice.say("im/u", "bob", "oops"))
	alice.say("im/u", "bob", "stays")
	path := "/api/v1/conversations/u:bob/messages/" + seq
	if status, _ := n.call("DELETE", path, n.login("dave", "service")["access_token"].(string), nil); status != 404 {
		t.Errorf("dave recalls another's: %d", status)
	}
	n.must("DELETE", path, n.login("alice", "service")["access_token"].(string), nil)
	if told := alice.notice(topicOf("notice/u", "alice"), chat.NoticeRecalled); told["conv"] != "u:bob" || told["by"] != "alice" {
		t.Errorf("alice is told %v", told)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			n.restart()
		}
		bob, _ = n.dial("bob", kept)
		pk := bob.message(topicOf("im/u", "bob"))
		if bytes.Contains(pk.Payload, []byte("oops")) || !bytes.Contains(pk.Payload, []byte(`{"co":"","rc":"alice"}`)) {
			t.Errorf("restarted %v: bob gets %q", restart, pk.Payload)
		}
		if pk := bob.message(topicOf("im/u", "bob")); !bytes.Contains(pk.Payload, []byte("stays")) {
			t.Errorf("restarted %v: then %q", restart, pk.Payload)
		}
		n.drop(bob)
	}
}

// TestPolicyLive changes who may write to whom while both are connected.
func TestPolicyLive(t *testing.T) {
	n := startNode(t, nil)
	bob, dave := n.online("bob"), n.online("dave")
	bob.say("im/u", "dave", "before")
	dave.text(topicOf("im/u", "dave"))
	org, err := n.store.Org(t.Context(), demoEID)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{"bob", "dave"}, {"dave", "bob"}} {
		if err := n.store.DeleteContact(t.Context(), demoEID, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	change := func(s *chat.OrgSettings) error { s.MessageWhom = chat.ForContacts; return nil }
	if _, err := n.store.UpdatePolicies(t.Context(), chat.Actor{EID: demoEID, Addr: chat.ActorShell}, org.Version, change); err != nil {
		t.Fatal(err)
	}
	write := func() byte {
		return bob.publish(topicOf("im/u", "dave"), im(chat.IMPair, "bob", "after"), 1, nil).ReasonCode
	}
	n.until(func() bool { return write() == 0x87 }) // the broker reads the policies in the background
	if _, err := n.store.PutContact(t.Context(), demoEID, "dave", chat.Member, "bob", ""); err != nil {
		t.Fatal(err)
	}
	if got := write(); got != 0 {
		t.Errorf("to somebody who has bob in the contacts: %#x", got)
	}
}

// TestDepartmentPolicyLive takes away one by one what lets two people write to each other while both are connected.
func TestDepartmentPolicyLive(t *testing.T) {
	n := startNode(t, nil)
	bob := n.online("bob")
	n.online("dave")
	shell := chat.Actor{EID: demoEID, Addr: chat.ActorShell}
	org, err := n.store.Org(t.Context(), demoEID)
	if err != nil {
		t.Fatal(err)
	}
	change := func(s *chat.OrgSettings) error { s.MessageWhom = chat.ForDepartments; return nil }
	if _, err := n.store.UpdatePolicies(t.Context(), shell, org.Version, change); err != nil {
		t.Fatal(err)
	}
	team, err := n.store.CreateDepartment(t.Context(), shell, chat.Department{Name: "Team", Position: -1})
	if err != nil {
		t.Fatal(err)
	}
	in := func(uid string, departments ...int64) {
		t.Helper()
		a, err := n.store.Account(t.Context(), demoEID, uid)
		if err == nil {
			_, err = n.store.UpdateAccount(t.Context(), shell, uid, a.Version, chat.AccountChange{Departments: &departments})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func() byte {
		return bob.publish(topicOf("im/u", "dave"), im(chat.IMPair, "bob", "hello"), 1, nil).ReasonCode
	}
	in("bob")
	in("dave")
	if got := write(); got != 0 {
		t.Fatalf("to a contact: %#x", got)
	}
	for _, pair := range [][2]string{{"bob", "dave"}, {"dave", "bob"}} {
		if err := n.store.DeleteContact(t.Context(), demoEID, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got := write(); got != 0x87 {
		t.Errorf("to somebody who is a contact no more: %#x", got)
	}
	in("bob", team.ID)
	in("dave", team.ID)
	if got := write(); got != 0 {
		t.Fatalf("to somebody of the same department: %#x", got)
	}
	if err := n.store.DeleteDepartment(t.Context(), shell, team.ID, team.Version); err != nil {
		t.Fatal(err)
	}
	n.until(func() bool { return write() == 0x87 }) // the broker learns of it in the background
	in("bob", 1)
	in("dave", 1)
	if got := write(); got != 0 {
		t.Fatalf("to somebody of the same department again: %#x", got)
	}
	j := chat.Job{ID: "import", Kind: chat.JobImport, By: shell, State: chat.JobRunning}
	if err := n.store.ImportPeople(t.Context(), &j, []chat.PersonRow{{Line: 2, UID: "dave", Departments: []string{"Elsewhere"}}}); err != nil || j.Result.Updated != 1 {
		t.Fatal(err, j.Result)
	}
	n.until(func() bool { return write() == 0x87 })
}
