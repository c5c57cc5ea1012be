package main

import (
	"database/sql"
	"path/filepath"
	"testing"

	"magpie/server/chat"
)

// TestStepsGoOn starts a server on a folder where a crash has left an announcement that nobody had been told of yet.
func TestStepsGoOn(t *testing.T) {
	n := startNode(t, nil)
	away := dialOptions{id: "away", expiry: 600}
	bob, _ := n.dial("bob", away)
	n.drop(bob)
	n.program.stop()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(n.conf.Data, "magpie.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO announcements (id, eid, author, title, text, departments, created, told) VALUES (99, 'demo', 'alice', 'News', '', '[]', 1, 1)`,
		`INSERT INTO announcement_parts (announcement, part, eid, uids) VALUES (99, 0, 'demo', '["bob"]')`,
		`INSERT INTO steps (eid, kind, target, actor) VALUES ('demo', 'announcement', '99', 'alice')`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	n.up()
	bob, _ = n.dial("bob", away)
	if told := bob.notice(topicOf("notice/u", "bob"), chat.NoticeAnnouncement); told["title"] != "News" {
		t.Errorf("bob is told %v", told)
	}
}
