package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

func TestClearedConversation(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	for range 6 {
		say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Mentions: []string{"bo"}})
	}
	look := func(uid, conv string, before, after uint64, limit int) string {
		t.Helper()
		page := must(s.Messages(ctx, "acme", uid, conv, before, after, limit))(t)
		got := []uint64{}
		for _, e := range page.Messages {
			got = append(got, e.Seq)
		}
		return fmt.Sprint(got, page.More)
	}
	state := func(uid, conv string) string {
		t.Helper()
		c := must(s.Conversation(ctx, "acme", uid, conv))(t)
		return fmt.Sprint(c.ClearedSeq, " of ", c.LastSeq, ", unread ", c.Unread, ", mentioned ", c.Mentioned, ", last ", c.Last != nil)
	}
	check(t, s.ClearConversation(ctx, "acme", "bo", "u:ann", 4))
	check(t, s.ClearConversation(ctx, "acme", "bo", "u:ann", 2)) // never back
	check(t, s.ClearConversation(ctx, "acme", "bo", "u:cy", 2))  // nothing there yet
	refused(t, s.ClearConversation(ctx, "acme", "bo", "u:zed", 2), chat.NotFound)
	for _, c := range []struct {
		uid           string
		before, after uint64
		limit         int
		want          string
	}{
		{"bo", 0, 0, 10, "[5 6] false"},
		{"bo", 0, 0, 1, "[6] true"},
		{"bo", 6, 0, 1, "[5] false"},
		{"bo", 5, 0, 10, "[] false"},
		{"bo", 0, 1, 1, "[5] true"},
		{"bo", 0, 5, 10, "[6] false"},
		{"ann", 0, 0, 10, "[1 2 3 4 5 6] false"},
	} {
		other := map[string]string{"bo": "u:ann", "ann": "u:bo"}[c.uid]
		if got := look(c.uid, other, c.before, c.after, c.limit); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if got := state("bo", "u:ann"); got != "4 of 6, unread 2, mentioned true, last true" {
		t.Error(got)
	}
	check(t, s.ClearConversation(ctx, "acme", "bo", "u:ann", 99)) // to the head
	if got := state("bo", "u:ann"); got != "6 of 6, unread 0, mentioned false, last false" {
		t.Error(got)
	}
	if got := state("ann", "u:bo"); got != "0 of 6, unread 0, mentioned false, last true" {
		t.Error(got)
	}
	say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann"})
	if got := state("bo", "u:ann"); got != "6 of 7, unread 1, mentioned false, last true" {
		t.Error(got)
	}
	if got := must(s.Presubscribe(ctx, "acme", "bo"))(t).Cleared; len(got) != 1 || got[pair("ann", "bo")] != 6 {
		t.Errorf("a session is told of %v", got)
	}

	// It outlives leaving a group.
	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g", Name: "G"}, []string{"bo"}, ""))(t)
	for range 3 {
		say(t, s, chat.Append{Stream: group("g"), Sender: "ann"})
	}
	check(t, s.ClearConversation(ctx, "acme", "bo", "g:g", 2))
	check(t, s.RemoveMember(ctx, "acme", "g", "bo", "bo"))
	must(s.AddMembers(ctx, "acme", "g", "ann", chat.Member, []string{"bo"}))(t)
	if got := look("bo", "g:g", 0, 0, 10); got != "[3] false" {
		t.Errorf("after coming back: %s", got)
	}
}

func TestNoticesOfAGroupsPages(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g", Name: "G"}, []string{"bo"}, ""))(t)
	line := func(at int64, typ chat.NoticeType) {
		check(t, say(t, s, chat.Append{Stream: chat.StreamRef{EID: "acme", Kind: chat.StreamGroupNotice, Key: "g"}, Time: at, Payload: []byte{0, 0, 0, 0, byte(typ), '{', '}'}}).Err)
	}
	at := time.Now().Add(-time.Hour).UnixMilli()
	line(at, chat.NoticeGroupJoined)
	look := func(before, after uint64, limit int) (seqs []uint64, lines []int64) {
		t.Helper()
		page := must(s.Messages(ctx, "acme", "bo", "g:g", before, after, limit))(t)
		for _, e := range page.Messages {
			seqs = append(seqs, e.Seq)
		}
		for _, e := range page.Notices {
			lines = append(lines, e.Time-at)
		}
		return seqs, lines
	}
	if _, lines := look(0, 0, 10); !slices.Equal(lines, []int64{0}) {
		t.Errorf("an empty group shows %v", lines)
	}
	// A message every 10 ms from 10 on; lines at the same moment, between, and after all; others are left out.
	for i := range int64(9) {
		check(t, say(t, s, chat.Append{Stream: group("g"), Sender: "ann", Time: at + 10*(i+1)}).Err)
	}
	for _, x := range []struct {
		after int64
		typ   chat.NoticeType
	}{{10, chat.NoticeGroupData}, {15, chat.NoticeGroupLeft}, {30, chat.NoticeGroupRole}, {31, chat.NoticeProfile}, {44, chat.NoticeGroupDissolved}, {45, chat.NoticeGroupAdded}, {95, chat.NoticeGroupJoined}} {
		line(at+x.after, x.typ)
	}
	want := []int64{0, 10, 15, 30, 44, 95}
	for limit := 1; limit <= 10; limit++ {
		var all []int64
		for before := uint64(0); before != 1; {
			seqs, lines := look(before, 0, limit)
			all = append(lines, all...)
			before = seqs[0]
		}
		if !slices.Equal(all, want) {
			t.Errorf("backwards by %d: %v, want %v", limit, all, want)
		}
		_, all = look(2, 0, 1)
		for after := uint64(1); after < 9; {
			seqs, lines := look(0, after, limit)
			all = append(all, lines...)
			after = seqs[len(seqs)-1]
		}
		if !slices.Equal(all, want) {
			t.Errorf("forwards by %d: %v, want %v", limit, all, want)
		}
	}
	if _, lines := look(0, 9, 10); lines != nil {
		t.Errorf("beyond the head: %v", lines)
	}
	// What was cleared takes its lines with it.
	check(t, s.ClearConversation(ctx, "acme", "bo", "g:g", 3))
	if seqs, lines := look(0, 0, 10); !slices.Equal(lines, []int64{44, 95}) || seqs[0] != 4 {
		t.Errorf("after clearing up to 3: %v %v", seqs, lines)
	}
	check(t, s.ClearConversation(ctx, "acme", "bo", "g:g", 9))
	if seqs, lines := look(0, 0, 10); seqs != nil || lines != nil {
		t.Errorf("after clearing everything: %v %v", seqs, lines)
	}
	line(0, chat.NoticeGroupJoined) // now
	if _, lines := look(0, 0, 10); len(lines) != 1 {
		t.Errorf("a new line after clearing: %v", lines)
	}
	for range chat.MaxPageNotices {
		line(0, chat.NoticeGroupRole)
	}
	if page := must(s.Messages(ctx, "acme", "bo", "g:g", 0, 0, 10))(t); len(page.Notices) != chat.MaxPageNotices || page.Notices[0].Payload[4] != byte(chat.NoticeGroupRole) {
		t.Errorf("%d lines, of which the newest are wanted", len(page.Notices))
	}
}

// TestHistoryAfterRetention pages through a conversation whose beginning, and then all, has been deleted.
func TestHistoryAfterRetention(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	old := time.Now().Add(-time.Hour)
	for range 8 {
		say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Time: ms(old)})
	}
	for range 3 {
		say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann"})
	}
	retain := func(before time.Time) {
		t.Helper()
		must(s.Retain(ctx, "acme", chat.StreamPair, before))(t)
	}
	look := func(before, after uint64, limit int) string {
		t.Helper()
		page := must(s.Messages(ctx, "acme", "bo", "u:ann", before, after, limit))(t)
		got := []uint64{}
		for _, e := range page.Messages {
			got = append(got, e.Seq)
		}
		return fmt.Sprint(got, page.More)
	}
	retain(old.Add(time.Minute))
	for _, c := range []struct {
		before, after uint64
		limit         int
		want          string
	}{
		{0, 0, 2, "[10 11] true"},
		{0, 0, 5, "[9 10 11] false"},
		{10, 0, 4, "[9] false"},
		{9, 0, 2, "[] false"},
		{5, 0, 2, "[] false"},
		{0, 1, 2, "[9 10] true"},
	} {
		if got := look(c.before, c.after, c.limit); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	check(t, s.ClearConversation(ctx, "acme", "bo", "u:ann", 3)) // of which nothing is there
	retain(time.Now().Add(time.Minute))
	if got := look(0, 0, 2); got != "[] false" {
		t.Error(got)
	}
	check(t, s.ClearConversation(ctx, "acme", "bo", "u:ann", 5))
}

// TestRetentionOfReports keeps what was reported as long as somebody has to look into it.
func TestRetentionOfReports(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	by := chat.Actor{EID: "acme", Addr: chat.ActorShell}
	for range 2 {
		say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann"})
	}
	reports := func() []chat.Report {
		t.Helper()
		list, _, err := s.Reports(ctx, "acme", "", "", 0)
		check(t, err)
		return list
	}
	for seq := range uint64(2) {
		check(t, s.ReportMessage(ctx, "acme", "bo", "u:ann", seq+1, "rude"))
	}
	list := reports()
	must(s.UpdateReport(ctx, by, list[0].ID, list[0].Version, chat.ReportClosed, "warned"))(t)
	line := time.Now().Add(time.Minute)
	must(s.Retain(ctx, "acme", chat.StreamGroup, line))(t)
	if left := reports(); len(left) != 2 {
		t.Errorf("the rule of groups leaves %d reports of two people", len(left))
	}
	must(s.Retain(ctx, "acme", chat.StreamPair, line))(t)
	if left := reports(); len(left) != 1 || left[0].ID != list[1].ID || len(left[0].Message.Payload) == 0 {
		t.Errorf("left %+v", left)
	}
}

// TestRecalledBytesAreGone looks for the text of a recalled message in the folder of a store that was closed.
func TestRecalledBytesAreGone(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := must(Open(ctx, Options{Dir: dir, Log: quiet}))(t)
	populate(t, s)
	for _, text := range []string{"first", strings.Repeat("a word that was never to be said ", 10), strings.Repeat("another ", 20), "last"} {
		say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Payload: []byte("0000" + text)})
	}
	check(t, s.Recall(ctx, "acme", "ann", "u:bo", 2, func([]byte, string) ([]byte, error) { return []byte("0000"), nil }))
	check(t, s.Close())
	files := must(os.ReadDir(dir))(t)
	for _, f := range files {
		if b := must(os.ReadFile(filepath.Join(dir, f.Name())))(t); bytes.Contains(b, []byte("never to be said")) {
			t.Errorf("it is in %s", f.Name())
		}
	}
}

// TestEditedBytesAreGone looks for what an edited message said before in the folder of a store that was closed: in the message, and in the
// notice that told of its first edit.
func TestEditedBytesAreGone(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := must(Open(ctx, Options{Dir: dir, Log: quiet}))(t)
	populate(t, s)
	say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Payload: []byte("0000 a word that was never to be said")})
	edit := func(text string) {
		t.Helper()
		e, err := s.Edit(ctx, "acme", "ann", "u:bo", 1, func([]byte, time.Time) (*chat.Revision, error) {
			return &chat.Revision{Payload: []byte("0000" + text)}, nil
		})
		check(t, err)
		events := must(s.Events(ctx, 100))(t)
		for _, ev := range events {
			var notices []chat.Append
			if ev.Type == chat.EventEdit {
				told := e
				notices = []chat.Append{{Stream: chat.StreamRef{EID: "acme", Kind: chat.StreamUserNotice, Key: "bo"}, Payload: []byte("0000A" + text), Tells: &told}}
			}
			check(t, s.FinishEvent(ctx, ev.ID, notices))
		}
	}
	edit(strings.Repeat("nor was this meant ", 10))
	late := must(s.Message(ctx, pair("ann", "bo"), 1))(t)
	edit("third")
	// The agent had read the second text before the third was there, and comes late.
	check(t, s.change(ctx, func(tx *tx) error {
		return tx.event(chat.Event{EID: "acme", Type: chat.EventEdit, UID: "ann", Kind: chat.StreamPair, Key: chat.PairKey("ann", "bo"), Seq: 1})
	}))
	for _, ev := range must(s.Events(ctx, 100))(t) {
		check(t, s.FinishEvent(ctx, ev.ID, []chat.Append{{Stream: chat.StreamRef{EID: "acme", Kind: chat.StreamUserNotice, Key: "bo"}, Payload: []byte("0000Anor was this meant"), Tells: &late}}))
	}
	st := must(s.Stream(ctx, chat.StreamRef{EID: "acme", Kind: chat.StreamUserNotice, Key: "bo"}))(t)
	entries := must(s.Read(ctx, st.ID, 0, 10))(t)
	if len(entries) != 2 || string(entries[0].Payload[4:]) != `A{"conv":"u:ann","seq":1}` || string(entries[1].Payload[4:]) != "Athird" {
		t.Errorf("notices %+v", entries)
	}
	check(t, s.Close())
	for _, f := range must(os.ReadDir(dir))(t) {
		b := must(os.ReadFile(filepath.Join(dir, f.Name())))(t)
		for _, gone := range []string{"never to be said", "nor was this"} {
			if bytes.Contains(b, []byte(gone)) {
				t.Errorf("%q is in %s", gone, f.Name())
			}
		}
	}
}
