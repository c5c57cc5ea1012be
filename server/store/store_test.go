package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"magpie/server/chat"
)

var quiet = slog.New(slog.DiscardHandler)

// migrated is an empty database. To make one takes the race detector as long as many a test.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "magpie-store-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := Open(context.Background(), Options{Dir: dir, Log: quiet})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "magpie.db"))
})

// open opens a store in dir, which is a new folder for "", and closes it at the end of the test.
func open(t testing.TB, dir string) *Store {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
		b, err := migrated()
		check(t, err)
		check(t, os.WriteFile(filepath.Join(dir, "magpie.db"), b, 0o600))
	}
	s, err := Open(t.Context(), Options{Dir: dir, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// world is a store with the organisation "acme" of ann, bo, cy and di, and "other" of ann and zed.
func world(t testing.TB) *Store {
	t.Helper()
	s := open(t, "")
	populate(t, s)
	return s
}

func populate(t testing.TB, s *Store) {
	t.Helper()
	for eid, uids := range map[string][]string{"acme": {"ann", "bo", "cy", "di"}, "other": {"ann", "zed"}} {
		check(t, s.CreateOrg(context.Background(), chat.Org{EID: eid, Name: strings.ToUpper(eid)}))
		for _, uid := range uids {
			check(t, s.CreateUser(context.Background(), chat.User{EID: eid, UID: uid, Name: "Name of " + uid}, "hash of "+uid))
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that an error has a code.
func refused(t testing.TB, err error, code chat.Code) {
	t.Helper()
	if err == nil || chat.CodeOf(err) != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

// must returns v, or fails the test.
func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func pair(a, b string) chat.StreamRef {
	return chat.StreamRef{EID: "acme", Kind: chat.StreamPair, Key: chat.PairKey(a, b)}
}

func group(gid string) chat.StreamRef {
	return chat.StreamRef{EID: "acme", Kind: chat.StreamGroup, Key: gid}
}

// say appends and waits.
func say(t testing.TB, s *Store, a chat.Append) chat.Appended {
	t.Helper()
	if a.Payload == nil {
		a.Payload = []byte("0000 text")
	}
	done := make(chan chat.Appended, 1)
	a.Done = func(r chat.Appended) { done <- r }
	s.Append(a)
	return <-done
}

// recorder is an observer that keeps what it is told, a line each.
type recorder struct {
	mu      sync.Mutex
	lines   []string
	entries []chat.Entry
	events  []chat.Event
}

func (r *recorder) Appended(entries []chat.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range entries {
		r.lines = append(r.lines, fmt.Sprintf("%s %d", e.Stream.Key, e.Seq))
	}
	r.entries = append(r.entries, entries...)
}

func (r *recorder) Changed(events []chat.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range events {
		r.lines = append(r.lines, strings.TrimSpace(string(ev.Type)+" "+ev.UID))
	}
	r.events = append(r.events, events...)
}

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.lines
	r.lines, r.entries, r.events = nil, nil, nil
	return out
}

func TestOpenMakesPrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	open(t, dir)
	for name, mode := range map[string]os.FileMode{"": 0o700, "magpie.db": 0o600, "magpie.db-wal": 0o600, "lock": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		check(t, err)
		if info.Mode().Perm() != mode {
			t.Errorf("%q has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, Log: quiet})
	check(t, err)
	_, err = Open(t.Context(), Options{Dir: dir, Log: quiet})
	refused(t, err, chat.Conflict)
	if !strings.Contains(err.Error(), dir) {
		t.Errorf("%q does not say which folder", err)
	}
	check(t, s.Ready(t.Context()))
	check(t, s.change(t.Context(), func(t *tx) error {
		return t.exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	}))
	check(t, s.Close())
	_, err = Open(t.Context(), Options{Dir: dir, Log: quiet})
	refused(t, err, chat.Conflict)
	if !strings.Contains(err.Error(), "99999") {
		t.Errorf("%q does not say which version", err)
	}
}

func TestClosedStoreRefuses(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Log: quiet})
	check(t, err)
	populate(t, s)
	done := make(chan chat.Appended, 100)
	for range cap(done) {
		s.Append(chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Payload: []byte("0000"), Done: func(r chat.Appended) { done <- r }})
	}
	check(t, s.Close())
	for range cap(done) { // what waited was still written
		check(t, (<-done).Err)
	}
	refused(t, say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann"}).Err, chat.Unavailable)
	refused(t, s.SetSetting(t.Context(), "a", "b"), chat.Unavailable)
	check(t, s.Close())
}

func TestAppend(t *testing.T) {
	t.Parallel()
	s := world(t)
	seen := &recorder{}
	s.Observe(seen)
	cid := func(n byte) []byte { return []byte{n, 0, 0, 0, 0, 0, 0, 0} }
	for i, c := range []struct {
		a      chat.Append
		seq    uint64
		repeat bool
		code   chat.Code
	}{
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "ann", CID: cid(1)}, seq: 1},
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "bo", CID: cid(1)}, seq: 2}, // another sender's id
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "ann", CID: cid(1)}, seq: 1, repeat: true},
		{a: chat.Append{Stream: pair("ann", "cy"), Sender: "ann", CID: cid(1)}, seq: 1, repeat: true}, // the first one's place, and no new conversation
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "ann"}, seq: 3},
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "ann", CID: cid(2), Mentions: []string{"bo", "bo"}}, seq: 4},
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "nobody"}, code: chat.NotFound},
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Payload: []byte("abc")}, code: chat.Invalid},
		{a: chat.Append{Stream: pair("ann", "bo"), Sender: "ann"}, seq: 5},
	} {
		got := say(t, s, c.a)
		if c.code != "" {
			refused(t, got.Err, c.code)
			continue
		}
		if got.Err != nil || got.Seq != c.seq || got.Repeat != c.repeat {
			t.Errorf("append %d: got %+v, want seq %d, repeat %t", i, got, c.seq, c.repeat)
		}
	}
	if st := must(s.Stream(t.Context(), pair("ann", "cy")))(t); st.ID != 0 {
		t.Error("a repeat made a conversation")
	}
	st := must(s.Stream(t.Context(), pair("ann", "bo")))(t)
	entries := must(s.Read(t.Context(), st.ID, 1, 3))(t)
	if st.Head != 5 || len(entries) != 3 || entries[0].Seq != 2 || entries[2].Seq != 4 {
		t.Fatalf("head %d, read %+v", st.Head, entries)
	}
	e := entries[2]
	if e.Sender != "ann" || e.Stream != pair("ann", "bo") || string(e.CID) != string(cid(2)) || string(e.Payload[4:]) != " text" ||
		binary.BigEndian.Uint32(e.Payload) != uint32(e.Time/1000) || time.Since(time.UnixMilli(e.Time)).Abs() > time.Minute {
		t.Errorf("read %+v", e)
	}
	if got := seen.take(); !slices.Equal(got, []string{"ann:bo 1", "ann:bo 2", "ann:bo 3", "ann:bo 4", "ann:bo 5"}) {
		t.Errorf("observed %q", got)
	}
}

func TestDedupSurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	a := chat.Append{Stream: pair("ann", "bo"), Sender: "ann", CID: []byte("12345678")}
	s, err := Open(t.Context(), Options{Dir: dir, Log: quiet})
	check(t, err)
	populate(t, s)
	say(t, s, chat.Append{Stream: a.Stream, Sender: "bo"})
	first := say(t, s, a)
	check(t, s.Close())
	s = open(t, dir)
	if again := say(t, s, a); again.Seq != 2 || !again.Repeat || again.StreamID != first.StreamID {
		t.Errorf("got %+v after %+v", again, first)
	}
	if next := say(t, s, chat.Append{Stream: a.Stream, Sender: "ann"}); next.Seq != 3 {
		t.Errorf("got %+v", next)
	}
}

func TestPackets(t *testing.T) {
	t.Parallel()
	s := world(t)
	sess := &chat.Session{EID: "acme", UID: "ann", ClientID: "c"}
	saved := make(chan error, 1)
	s.SaveSession(sess, func(err error) { saved <- err })
	check(t, <-saved)
	one := func(digest uint64, dup bool) *chat.PacketKey {
		return &chat.PacketKey{Session: sess.ID, PacketID: 7, Digest: digest, Dup: dup}
	}
	two := &chat.PacketKey{Session: sess.ID, PacketID: 8, Digest: 1, QoS2: true}
	release := func() {
		s.ReleasePacket(sess.ID, 8, func(_ bool, err error) { saved <- err })
		check(t, <-saved)
	}
	for i, c := range []struct {
		before func()
		packet *chat.PacketKey
		seq    uint64
		repeat bool
	}{
		{packet: one(1, false), seq: 1},
		{packet: one(1, true), seq: 1, repeat: true},
		{packet: one(2, true), seq: 2},  // another message under a used id
		{packet: one(2, false), seq: 3}, // not a retry: the client says so
		{packet: two, seq: 4},
		{packet: two, seq: 4, repeat: true},
		{before: release, packet: two, seq: 5},
		{packet: &chat.PacketKey{Session: sess.ID + 1, PacketID: 8, QoS2: true}, seq: 6}, // a session that is gone by now
	} {
		if c.before != nil {
			c.before()
		}
		got := say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Packet: c.packet})
		if got.Err != nil || got.Seq != c.seq || got.Repeat != c.repeat {
			t.Errorf("packet %d: got %+v, want seq %d, repeat %t", i, got, c.seq, c.repeat)
		}
	}
}

func TestRetained(t *testing.T) {
	t.Parallel()
	s := world(t)
	app := chat.StreamRef{EID: "acme", Kind: chat.StreamApp}
	put := func(topic, payload string, skip bool) {
		r := say(t, s, chat.Append{Stream: app, Sender: "ann", Topic: topic, Payload: []byte(payload), Props: []byte("p"), Retain: true, Skip: skip})
		check(t, r.Err)
	}
	put("/e/acme/app/a", "1", false)
	put("/e/acme/app/b", "2", true)
	put("/e/acme/app/a", "3", false)
	put("/e/acme/app/b", "", true)
	put("/e/acme/app/c", "", false) // an empty message clears, and is delivered
	got := must(s.Retained(t.Context(), "acme"))(t)
	if len(got) != 1 || got[0].Topic != "/e/acme/app/a" || string(got[0].Payload) != "3" || got[0].Sender != "ann" || string(got[0].Props) != "p" {
		t.Errorf("retained %+v", got)
	}
	if other := must(s.Retained(t.Context(), "other"))(t); len(other) != 0 {
		t.Errorf("another organisation has %+v", other)
	}
	st := must(s.Stream(t.Context(), app))(t)
	entries := must(s.Read(t.Context(), st.ID, 0, 10))(t)
	if st.Head != 3 || len(entries) != 3 || entries[2].Topic != "/e/acme/app/c" || len(entries[2].Payload) != 0 || string(entries[0].Payload) != "1" {
		t.Errorf("head %d, entries %+v", st.Head, entries)
	}
	check(t, s.PruneApp(t.Context(), "acme", 2))
	if left := must(s.Read(t.Context(), st.ID, 0, 10))(t); len(left) != 1 || left[0].Seq != 3 {
		t.Errorf("left %+v", left)
	}
	check(t, s.PruneApp(t.Context(), "other", 2))
}

// TestBatch runs operations in one transaction: those that fail leave nothing behind, and everyone hears of the rest in its order.
func TestBatch(t *testing.T) {
	t.Parallel()
	s := world(t)
	g := must(s.CreateGroup(t.Context(), "acme", "ann", chat.Member, chat.Group{Name: "G"}, []string{"bo"}, ""))(t)
	seen := &recorder{}
	s.Observe(seen)
	hold, held := make(chan struct{}), make(chan struct{})
	s.changeLater(func(*tx) error { close(held); <-hold; return nil }, nil)
	<-held // what follows waits for the next transaction
	var order []string
	done := make(chan struct{})
	tell := func(what string) { order = append(order, what) }
	text := func() chat.Append {
		return chat.Append{Stream: group(g.GID), Sender: "ann", Payload: []byte("0000"), Done: func(r chat.Appended) { tell(fmt.Sprint("append ", r.Seq)) }}
	}
	boom := errors.New("boom")
	s.Append(text())
	s.changeLater(func(t *tx) error {
		_, err := t.enter("acme", g.GID, "cy", "ann", chat.GroupMember, false, "")
		return err
	}, func(err error) { tell(fmt.Sprint("cy ", err)) })
	s.changeLater(func(t *tx) error {
		a, b := text(), chat.Append{Stream: pair("cy", "di"), Sender: "cy", Payload: []byte("0000")}
		if _, err := t.append(&a); err != nil {
			return err
		}
		if _, err := t.append(&b); err != nil {
			return err
		}
		if err := t.event(chat.Event{EID: "acme", Type: chat.EventOrg}); err != nil {
			return err
		}
		return boom
	}, func(err error) { tell(fmt.Sprint("failed ", err == boom)) })
	s.Append(text())
	s.Append(text())
	s.changeLater(func(t *tx) error {
		_, err := t.enter("acme", g.GID, "di", "ann", chat.GroupMember, false, "")
		return err
	}, func(error) { close(done) })
	close(hold)
	<-done
	if want := []string{"append 1", "cy <nil>", "failed true", "append 2", "append 3"}; !slices.Equal(order, want) {
		t.Errorf("answered %q, want %q", order, want)
	}
	events := slices.Clone(seen.events)
	if got, want := seen.take(), []string{g.GID + " 1", "g_join cy", g.GID + " 2", g.GID + " 3", "g_join di"}; !slices.Equal(got, want) {
		t.Errorf("observed %q, want %q", got, want)
	}
	if events[0].Head != 1 || events[1].Head != 3 {
		t.Errorf("cy came at %d and di at %d, want 1 and 3", events[0].Head, events[1].Head)
	}
	if st := must(s.Stream(t.Context(), pair("cy", "di")))(t); st.ID != 0 {
		t.Error("the failed operation's stream is there")
	}
	if r := say(t, s, chat.Append{Stream: pair("cy", "di"), Sender: "di"}); r.Err != nil || r.Seq != 1 {
		t.Errorf("after the failure: %+v", r)
	}
	if st := must(s.Stream(t.Context(), group(g.GID)))(t); st.Head != 3 {
		t.Errorf("head %d, want 3", st.Head)
	}
}

// TestConcurrentAppends has many senders write to a few conversations, each message twice.
func TestConcurrentAppends(t *testing.T) {
	t.Parallel()
	const senders, messages = 24, 40
	s := open(t, "")
	populate(t, s)
	seen := &recorder{}
	s.Observe(seen)
	var wg sync.WaitGroup
	uids := []string{"ann", "bo", "cy", "di"}
	for i := range senders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			from, to := uids[i%4], uids[(i+1)%4]
			for n := range messages {
				a := chat.Append{Stream: pair(from, to), Sender: from, CID: fmt.Appendf(nil, "%04d%04d", i, n)}
				first, second := say(t, s, a), say(t, s, a)
				if first.Err != nil || second.Err != nil || first.Repeat || !second.Repeat || first.Seq != second.Seq {
					t.Errorf("got %+v, then %+v", first, second)
				}
			}
		}()
	}
	wg.Wait()
	total := 0
	for i := range 4 {
		st := must(s.Stream(t.Context(), pair(uids[i], uids[(i+1)%4])))(t)
		entries := must(s.Read(t.Context(), st.ID, 0, senders*messages))(t)
		for j, e := range entries {
			if e.Seq != uint64(j)+1 {
				t.Fatalf("entry %d has seq %d", j, e.Seq)
			}
		}
		if uint64(len(entries)) != st.Head {
			t.Errorf("%d entries below head %d", len(entries), st.Head)
		}
		total += len(entries)
	}
	if want := senders * messages; total != want || len(seen.entries) != want {
		t.Errorf("%d stored, %d observed, want %d", total, len(seen.entries), want)
	}
}

// A change that nobody waits for any more when its turn comes is not made: its caller was told so, and may use its variables.
func TestChangeThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, "")
	begun, free := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		var once sync.Once
		first <- s.change(ctx, func(*tx) error {
			once.Do(func() { close(begun) })
			<-free
			return nil
		})
	}()
	<-begun
	over, cancel := context.WithCancel(ctx)
	cancel()
	ran := false
	refused(t, s.change(over, func(*tx) error { ran = true; return nil }), chat.Unavailable)
	close(free)
	check(t, <-first)
	check(t, s.change(ctx, func(*tx) error { return nil })) // comes after
	if ran {
		t.Error("it was made")
	}
}
