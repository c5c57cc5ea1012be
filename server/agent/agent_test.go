package agent

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"magpie/server/chat"
	"magpie/server/payload"
	"magpie/server/store"
)

const eid = "acme"

// open returns a store with the users alice, bob, carol and dave, and no events left.
func open(t *testing.T) *store.Store {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	check(t, st.CreateOrg(ctx, chat.Org{EID: eid, Name: "Acme"}))
	for _, uid := range []string{"alice", "bob", "carol", "dave"} {
		check(t, st.CreateUser(ctx, chat.User{EID: eid, UID: uid, Name: "The " + uid, Role: chat.Member}, ""))
	}
	drain(t, New(Options{Store: st}))
	return st
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// drain lets the agent work until nothing is left.
func drain(t *testing.T, a *Agent) {
	t.Helper()
	for {
		n, err := a.work(t.Context())
		check(t, err)
		if n == 0 {
			return
		}
	}
}

// read returns all notices of a stream as "type json".
func read(t *testing.T, st *store.Store, kind chat.StreamKind, key string) []string {
	t.Helper()
	stream, err := st.Stream(t.Context(), chat.StreamRef{EID: eid, Kind: kind, Key: key})
	check(t, err)
	if stream.ID == 0 {
		return nil
	}
	entries, err := st.Read(t.Context(), stream.ID, 0, 1000)
	check(t, err)
	var out []string
	for _, e := range entries {
		n, err := payload.DecodeNotice(e.Payload)
		check(t, err)
		if n.TS == 0 || e.Sender != "" {
			t.Errorf("notice %d of %s: time %d, sender %q", e.Seq, key, n.TS, e.Sender)
		}
		out = append(out, fmt.Sprintf("%#x %s", byte(n.Type), n.Content))
	}
	return out
}

func ptr[T any](v T) *T { return &v }

func TestNotices(t *testing.T) {
	ctx := context.Background()
	group := func(t *testing.T, st *store.Store, join chat.JoinPolicy, members ...string) {
		_, err := st.CreateGroup(ctx, eid, "alice", chat.Member, chat.Group{GID: "g1", Name: "Team", Join: join}, members, "")
		check(t, err)
	}
	until := time.Unix(4_000_000_000, 0)
	tests := []struct {
		name   string
		before func(t *testing.T, st *store.Store) // its notices are not looked at
		do     func(t *testing.T, st *store.Store) error
		user   map[string][]string // uid → new notices on notice/u
		group  []string            // new notices on notice/g/g1
	}{
		{
			name: "contact added",
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.PutContact(ctx, eid, "alice", chat.Member, "bob", "")
				return err
			},
			user: map[string][]string{"alice": {`0x30 {"uid":"bob"}`}},
		},
		{
			name: "contact removed",
			before: func(t *testing.T, st *store.Store) {
				_, err := st.PutContact(ctx, eid, "alice", chat.Member, "bob", "")
				check(t, err)
			},
			do:   func(_ *testing.T, st *store.Store) error { return st.DeleteContact(ctx, eid, "alice", "bob") },
			user: map[string][]string{"alice": {`0x30 {"uid":"bob"}`}},
		},
		{
			name: "contact asked, then accepted",
			before: func(t *testing.T, st *store.Store) {
				check(t, st.UpdateOrg(ctx, chat.Org{EID: eid, Name: "Acme", Settings: chat.OrgSettings{ContactApproval: true}}))
			},
			do: func(t *testing.T, st *store.Store) error {
				if _, err := st.PutContact(ctx, eid, "alice", chat.Member, "bob", "Hi <bob>"); err != nil {
					return err
				}
				_, err := st.PutContact(ctx, eid, "bob", chat.Member, "alice", "")
				return err
			},
			user: map[string][]string{
				"alice": {`0x30 {"uid":"bob"}`},
				"bob":   {`0x33 {"uid":"alice","message":"Hi <bob>"}`, `0x30 {"uid":"alice"}`},
			},
		},
		{
			name: "announcement read, which is told once",
			before: func(t *testing.T, st *store.Store) {
				_, err := st.Announce(ctx, chat.Actor{EID: eid, Addr: "shell"}, chat.Announcement{Title: "Drill", Text: "At ten", Departments: []int64{}}, "")
				check(t, err)
			},
			do: func(_ *testing.T, st *store.Store) error {
				return errors.Join(st.ReadAnnouncement(ctx, eid, "bob", 1), st.ReadAnnouncement(ctx, eid, "bob", 1))
			},
			user: map[string][]string{"bob": {`0x50 {"id":"1","title":"Drill","text":"At ten","read":true}`}},
		},
		{
			name: "profile changed",
			before: func(t *testing.T, st *store.Store) {
				group(t, st, chat.JoinInvite, "bob")
				_, err := st.PutContact(ctx, eid, "carol", chat.Member, "bob", "")
				check(t, err)
			},
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.UpdateUser(ctx, eid, "bob", chat.UserChange{Name: ptr("Robert"), Avatar: ptr("/a.svg")})
				return err
			},
			user: map[string][]string{
				"bob":   {`0x32 {"uid":"bob","name":"Robert","avatar":"/a.svg"}`},
				"carol": {`0x32 {"uid":"bob","name":"Robert","avatar":"/a.svg"}`},
			},
			group: []string{`0x32 {"uid":"bob","name":"Robert","avatar":"/a.svg"}`},
		},
		{
			name: "group made",
			do: func(t *testing.T, st *store.Store) error {
				group(t, st, chat.JoinInvite, "bob", "carol")
				return nil
			},
			user:  map[string][]string{"bob": {`0x35 {"gid":"g1","uid":"alice"}`}, "carol": {`0x35 {"gid":"g1","uid":"alice"}`}},
			group: []string{`0x37 {"gid":"g1","uid":"alice","name":"The alice","by":"alice"}`},
		},
		{
			name:   "member added",
			before: func(t *testing.T, st *store.Store) { group(t, st, chat.JoinInvite, "bob") },
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.AddMembers(ctx, eid, "g1", "bob", chat.Member, []string{"carol"})
				return err
			},
			user:  map[string][]string{"carol": {`0x35 {"gid":"g1","uid":"bob"}`}},
			group: []string{`0x37 {"gid":"g1","uid":"carol","name":"The carol","by":"bob"}`},
		},
		{
			name:   "joined by itself",
			before: func(t *testing.T, st *store.Store) { group(t, st, chat.JoinOpen, "bob") },
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.Join(ctx, eid, "g1", "carol", "")
				return err
			},
			user:  map[string][]string{"carol": {`0x35 {"gid":"g1","uid":"carol"}`}},
			group: []string{`0x37 {"gid":"g1","uid":"carol","name":"The carol"}`},
		},
		{
			name: "asked to join",
			before: func(t *testing.T, st *store.Store) {
				group(t, st, chat.JoinApproval, "bob", "dave")
				check(t, st.SetMember(ctx, eid, "g1", "bob", "alice", ptr(chat.GroupAdmin), nil))
			},
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.Join(ctx, eid, "g1", "carol", "please")
				return err
			},
			user: map[string][]string{
				"alice": {`0x33 {"uid":"carol","message":"please","gid":"g1"}`},
				"bob":   {`0x33 {"uid":"carol","message":"please","gid":"g1"}`},
			},
		},
		{
			name: "declined",
			before: func(t *testing.T, st *store.Store) {
				group(t, st, chat.JoinApproval, "bob")
				_, err := st.Join(ctx, eid, "g1", "carol", "please")
				check(t, err)
			},
			do: func(_ *testing.T, st *store.Store) error {
				return st.AnswerJoin(ctx, eid, "g1", "alice", "carol", false)
			},
			user: map[string][]string{"alice": {`0x33 {"uid":"carol","message":"","gid":"g1","done":true}`}},
		},
		{
			name:   "left",
			before: func(t *testing.T, st *store.Store) { group(t, st, chat.JoinInvite, "bob") },
			do:     func(_ *testing.T, st *store.Store) error { return st.RemoveMember(ctx, eid, "g1", "bob", "bob") },
			user:   map[string][]string{"bob": {`0x38 {"gid":"g1","uid":"bob","by":"bob"}`}},
			group:  []string{`0x38 {"gid":"g1","uid":"bob","by":"bob"}`},
		},
		{
			name:   "removed",
			before: func(t *testing.T, st *store.Store) { group(t, st, chat.JoinInvite, "bob") },
			do:     func(_ *testing.T, st *store.Store) error { return st.RemoveMember(ctx, eid, "g1", "bob", "alice") },
			user:   map[string][]string{"bob": {`0x38 {"gid":"g1","uid":"bob","by":"alice"}`}},
			group:  []string{`0x38 {"gid":"g1","uid":"bob","by":"alice"}`},
		},
		{
			name:   "dissolved",
			before: func(t *testing.T, st *store.Store) { group(t, st, chat.JoinInvite, "bob") },
			do:     func(_ *testing.T, st *store.Store) error { return st.DissolveGroup(ctx, eid, "g1", "alice") },
			user:   map[string][]string{"alice": {`0x39 {"gid":"g1"}`}, "bob": {`0x39 {"gid":"g1"}`}},
		},
		{
			name:   "group's data changed",
			before: func(t *testing.T, st *store.Store) { group(t, st, chat.JoinInvite, "bob") },
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.UpdateGroup(ctx, eid, "g1", "alice", chat.GroupChange{Name: ptr("Crew"), MutedAll: ptr(true)})
				return err
			},
			group: []string{`0x36 {"gid":"g1","by":"alice","name":"Crew","muted_all":true}`},
		},
		{
			name:   "muted",
			before: func(t *testing.T, st *store.Store) { group(t, st, chat.JoinInvite, "bob") },
			do: func(_ *testing.T, st *store.Store) error {
				return st.SetMember(ctx, eid, "g1", "bob", "alice", nil, &until)
			},
			group: []string{`0x3a {"gid":"g1","uid":"bob","role":"member","muted_until":4000000000,"by":"alice"}`},
		},
		{
			name: "read",
			before: func(t *testing.T, st *store.Store) {
				say(t, st, "alice", "bob")
			},
			do: func(_ *testing.T, st *store.Store) error { return st.MarkRead(ctx, eid, "bob", "u:alice", 1) },
			user: map[string][]string{
				"alice": {`0x43 {"conv":"u:bob","seq":1,"uid":"bob"}`},
				"bob":   {`0x43 {"conv":"u:alice","seq":1,"uid":"bob"}`},
			},
		},
		{
			name:   "a message edited",
			before: func(t *testing.T, st *store.Store) { say(t, st, "alice", "bob") },
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.Edit(ctx, eid, "alice", "u:bob", 1, func(old []byte, _ time.Time) (*chat.Revision, error) {
					im, err := payload.Edit(old, []chat.Medium{{Content: []byte(`{"co":"<hello>"}`)}}, 100, time.UnixMilli(1_700_000_000_123))
					check(t, err)
					b, err := payload.EncodeIM(*im)
					return &chat.Revision{Payload: b}, err
				})
				return err
			},
			user: map[string][]string{
				"alice": {`0x41 {"conv":"u:bob","seq":1,"by":"alice","ts":1700000000123,"media":[{"type":0,"content":{"co":"<hello>","ed":1700000000123}}]}`},
				"bob":   {`0x41 {"conv":"u:alice","seq":1,"by":"alice","ts":1700000000123,"media":[{"type":0,"content":{"co":"<hello>","ed":1700000000123}}]}`},
			},
		},
		{
			name:   "a message edited, and recalled at once",
			before: func(t *testing.T, st *store.Store) { say(t, st, "alice", "bob") },
			do: func(_ *testing.T, st *store.Store) error {
				_, err := st.Edit(ctx, eid, "alice", "u:bob", 1, func(old []byte, at time.Time) (*chat.Revision, error) {
					im, err := payload.Edit(old, []chat.Medium{{Content: []byte(`{"co":"x"}`)}}, 100, at)
					check(t, err)
					b, err := payload.EncodeIM(*im)
					return &chat.Revision{Payload: b}, err
				})
				check(t, err)
				return st.Recall(ctx, eid, "alice", "u:bob", 1, payload.Recall)
			},
			user: map[string][]string{
				"alice": {`0x40 {"conv":"u:bob","seq":1,"by":"alice"}`},
				"bob":   {`0x40 {"conv":"u:alice","seq":1,"by":"alice"}`},
			},
		},
		{
			name:   "conversation muted, pinned and cleared",
			before: func(t *testing.T, st *store.Store) { say(t, st, "alice", "bob") },
			do: func(t *testing.T, st *store.Store) error {
				check(t, st.SetConversation(ctx, eid, "bob", "u:alice", ptr(true), ptr(false)))
				check(t, st.SetConversation(ctx, eid, "bob", "u:alice", ptr(true), nil)) // as it is
				drain(t, New(Options{Store: st}))
				check(t, st.ClearConversation(ctx, eid, "bob", "u:alice", 7))
				return st.ClearConversation(ctx, eid, "bob", "u:alice", 1) // as it is
			},
			user: map[string][]string{"bob": {
				`0x45 {"conv":"u:alice","muted":true,"pinned":false,"cleared_seq":0}`,
				`0x45 {"conv":"u:alice","muted":true,"pinned":false,"cleared_seq":1}`,
			}},
		},
		{
			name: "disabled",
			do:   func(_ *testing.T, st *store.Store) error { return st.SetDisabled(ctx, eid, "bob", true) },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := open(t)
			a := New(Options{Store: st})
			if test.before != nil {
				test.before(t, st)
				drain(t, a)
			}
			seen := map[string]int{}
			for _, uid := range []string{"alice", "bob", "carol", "dave"} {
				seen[uid] = len(read(t, st, chat.StreamUserNotice, uid))
			}
			inGroup := len(read(t, st, chat.StreamGroupNotice, "g1"))
			check(t, test.do(t, st))
			drain(t, a)

			got := map[string][]string{}
			for uid, n := range seen {
				if fresh := read(t, st, chat.StreamUserNotice, uid)[n:]; len(fresh) > 0 {
					got[uid] = fresh
				}
			}
			want := test.user
			if want == nil {
				want = map[string][]string{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("notices to users:\n%s", diff)
			}
			if diff := cmp.Diff(append([]string{}, test.group...), append([]string{}, read(t, st, chat.StreamGroupNotice, "g1")[inGroup:]...)); diff != "" {
				t.Errorf("notices to the group:\n%s", diff)
			}
		})
	}
}

// say stores a message of a pair.
func say(t *testing.T, st *store.Store, from, to string) {
	t.Helper()
	b, err := payload.EncodeIM(chat.IM{Type: chat.IMPair, Sender: from, Media: []chat.Medium{{Content: []byte(`{"co":"hi"}`)}}})
	check(t, err)
	done := make(chan chat.Appended, 1)
	st.Append(chat.Append{Stream: chat.StreamRef{EID: eid, Kind: chat.StreamPair, Key: chat.PairKey(from, to)}, Sender: from, Payload: b,
		Done: func(r chat.Appended) { done <- r }})
	check(t, (<-done).Err)
}

// flaky is a store whose FinishEvent fails now and then: before its transaction, or after it as if the answer was lost.
type flaky struct {
	*store.Store
	calls int
}

var errLost = errors.New("connection lost")

func (f *flaky) FinishEvent(ctx context.Context, id int64, notices []chat.Append) error {
	f.calls++
	if f.calls%3 == 1 {
		return errLost
	}
	if err := f.Store.FinishEvent(ctx, id, notices); err != nil {
		return err
	}
	if f.calls%3 == 2 {
		return errLost
	}
	return nil
}

func TestEachEventIsFinishedOnce(t *testing.T) {
	st := open(t)
	ctx := t.Context()
	const n = 20
	var want []string
	for i := range n {
		other := []string{"bob", "carol"}[i%2]
		if i%4 < 2 {
			_, err := st.PutContact(ctx, eid, "alice", chat.Member, other, "")
			check(t, err)
		} else {
			check(t, st.DeleteContact(ctx, eid, "alice", other))
		}
		want = append(want, fmt.Sprintf(`0x30 {"uid":%q}`, other))
	}
	f := &flaky{Store: st}
	for {
		// A new agent each time, as after a crash.
		left, err := New(Options{Store: f}).work(ctx)
		if err == nil && left == 0 {
			break
		}
		if err != nil && !errors.Is(err, errLost) {
			t.Fatal(err)
		}
	}
	if f.calls <= n {
		t.Fatalf("FinishEvent was called %d times: nothing failed", f.calls)
	}
	if diff := cmp.Diff(want, read(t, st, chat.StreamUserNotice, "alice")); diff != "" {
		t.Error(diff)
	}
}

// watcher passes on what was appended.
type watcher struct{ entries chan chat.Entry }

func (w watcher) Appended(entries []chat.Entry) {
	for _, e := range entries {
		w.entries <- e
	}
}
func (watcher) Changed([]chat.Event) {}

func TestRunIsWokenByChanges(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	st, err := store.Open(ctx, store.Options{Dir: t.TempDir()})
	check(t, err)
	defer st.Close()
	a := New(Options{Store: st})
	w := watcher{make(chan chat.Entry, 10)}
	st.Observe(a)
	st.Observe(w)
	ended := make(chan struct{})
	go func() {
		a.Run(ctx)
		close(ended)
	}()
	check(t, st.CreateOrg(ctx, chat.Org{EID: eid, Name: "Acme"}))
	for _, uid := range []string{"alice", "bob"} {
		check(t, st.CreateUser(ctx, chat.User{EID: eid, UID: uid, Name: uid, Role: chat.Member}, ""))
	}
	for _, change := range []func() error{
		func() error { _, err := st.PutContact(ctx, eid, "alice", chat.Member, "bob", ""); return err },
		func() error { return st.DeleteContact(ctx, eid, "alice", "bob") },
	} {
		check(t, change())
		if e := <-w.entries; e.Stream.Kind != chat.StreamUserNotice || e.Stream.Key != "alice" {
			t.Errorf("notice on %v", e.Stream)
		}
	}
	cancel()
	<-ended
}
