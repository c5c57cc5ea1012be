package store

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"magpie/server/chat"
)

// endsWhen is a context that has ended once something is true.
type endsWhen struct {
	context.Context
	over func() bool
}

func (c endsWhen) Err() error {
	if c.over() {
		return context.Canceled
	}
	return c.Context.Err()
}

// TestRetentionIsAudited deletes messages, a file and reports, and stops a run in its midst: what was deleted is noted either way.
func TestRetentionIsAudited(t *testing.T) {
	t.Parallel()
	s := world(t)
	by := chat.Actor{EID: "acme", Addr: chat.ActorShell}
	addFile(t, s, "acme", "ann", "picture", chat.ForMessage)
	for i := range 3*retentionStep + 1 {
		a := chat.Append{Stream: pair("ann", "bo"), Sender: "ann"}
		if i == 0 {
			a.Files = []chat.FileRef{{Type: chat.ContentImage, File: "picture", Main: true}}
		}
		say(t, s, a)
	}
	check(t, s.ReportMessage(t.Context(), "acme", "bo", "u:ann", 1, "rude"))
	list, _, err := s.Reports(t.Context(), "acme", "", "", 0)
	check(t, err)
	must(s.UpdateReport(t.Context(), by, list[0].ID, list[0].Version, chat.ReportClosed, ""))(t)

	audited := func() string {
		t.Helper()
		entries, _, err := s.Audit(t.Context(), "acme", chat.AuditQuery{Action: "retention"})
		check(t, err)
		out := ""
		for _, e := range entries {
			var after map[string]any
			check(t, json.Unmarshal(e.After, &after))
			out += fmt.Sprintf("%v/%v/%v/%v ", after["messages"], after["conversations"], after["files"], after["reports"])
		}
		return out
	}
	begun := func() bool {
		n := 0
		check(t, s.read.QueryRow(`SELECT COUNT(*) FROM log WHERE payload IS NOT NULL`).Scan(&n))
		return n <= 2*retentionStep+1
	}
	done, err := s.Retain(endsWhen{t.Context(), begun}, "acme", chat.StreamPair, time.Now().Add(time.Minute))
	if err == nil || done.Messages != retentionStep {
		t.Fatalf("a run that was stopped in its first step: %+v %v", done, err)
	}
	if got := audited(); got != "200/1/1/0 " {
		t.Errorf("noted %s", got)
	}
	must(s.Retain(t.Context(), "acme", chat.StreamPair, time.Now().Add(time.Minute)))(t)
	if got := audited(); got != "401/1/0/1 200/1/1/0 " {
		t.Errorf("noted %s", got)
	}
	// Nothing carries the file any more: it goes when its day is over.
	must(s.SweepFiles(t.Context(), time.Now().Add(time.Minute)))(t)
	if _, err := s.File(t.Context(), "acme", "ann", "picture"); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("the file: %v", err)
	}
}
