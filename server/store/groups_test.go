package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

func uidsOf(t *testing.T, s *Store, gid, viewer string) string {
	t.Helper()
	var out []string
	for cursor := ""; ; {
		list, next, err := s.Members(t.Context(), "acme", gid, viewer, cursor, 2)
		check(t, err)
		for _, m := range list {
			out = append(out, m.UID+" "+string(m.Role))
		}
		if cursor = next; next == "" {
			return strings.Join(out, ", ")
		}
	}
}

func TestCreateGroup(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	check(t, s.SetDisabled(ctx, "acme", "di", true))
	seen := &recorder{}
	s.Observe(seen)
	for _, members := range [][]string{nil, {"ann"}, {"bo", "di"}, {"bo", "zed"}, {"bo", "nobody"}} {
		_, err := s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{Name: "G"}, members, "key")
		refused(t, err, chat.Invalid)
	}
	if got, groups := seen.take(), must(s.Groups(ctx, "acme", "ann"))(t); len(got) != 0 || len(groups) != 0 {
		t.Fatalf("refused, but observed %q and made %+v", got, groups)
	}
	g := must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{Name: "G"}, []string{"bo", "cy", "bo", "ann"}, "key"))(t)
	if g.GID == "" || g.Name != "G" || g.Owner != "ann" || g.Members != 3 || g.Join != chat.JoinInvite || g.Created.IsZero() {
		t.Errorf("got %+v", g)
	}
	if got := seen.take(); !slices.Equal(got, []string{"g_create ann", "g_join ann", "g_join bo", "g_join cy"}) {
		t.Errorf("observed %q", got)
	}
	again := must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{Name: "other"}, []string{"bo"}, "key"))(t)
	theirs := must(s.CreateGroup(ctx, "acme", "bo", chat.Member, chat.Group{GID: "own-id", Name: "B"}, []string{"ann"}, "key"))(t)
	if again != g || theirs.GID != "own-id" {
		t.Errorf("the key gave %+v, and bo %+v", again, theirs)
	}
	check(t, s.DissolveGroup(ctx, "acme", "own-id", "bo"))
	_, err := s.CreateGroup(ctx, "acme", "bo", chat.Member, chat.Group{GID: "own-id", Name: "B"}, []string{"ann"}, "")
	refused(t, err, chat.Conflict)
	if got := uidsOf(t, s, g.GID, "bo"); got != "ann owner, bo member, cy member" {
		t.Errorf("members %q", got)
	}
}

// TestGroupRights tries each act as the owner, an administrator, a member and a stranger.
func TestGroupRights(t *testing.T) {
	t.Parallel()
	ok := chat.Code("")
	made := world(t) // once: each case has a copy
	for _, uid := range []string{"ed", "flo", "gil"} {
		check(t, made.CreateUser(t.Context(), chat.User{EID: "acme", UID: uid, Name: uid}, ""))
	}
	must(made.CreateGroup(t.Context(), "acme", "ann", chat.Member, chat.Group{GID: "g", Name: "G"}, []string{"bo", "cy", "flo", "gil"}, ""))(t)
	check(t, made.SetMember(t.Context(), "acme", "g", "bo", "ann", ptr(chat.GroupAdmin), nil))
	check(t, made.SetMember(t.Context(), "acme", "g", "gil", "ann", ptr(chat.GroupAdmin), nil))
	check(t, made.Close())
	for _, c := range []struct {
		name string
		act  func(ctx context.Context, s *Store, by string) error
		want [4]chat.Code // of ann, the owner; bo, an administrator; cy, a member; di, a stranger
	}{
		{"rename", func(ctx context.Context, s *Store, by string) error {
			_, err := s.UpdateGroup(ctx, "acme", "g", by, chat.GroupChange{Name: ptr("new")})
			return err
		}, [4]chat.Code{ok, ok, chat.Forbidden, chat.NotFound}},
		{"dissolve", func(ctx context.Context, s *Store, by string) error { return s.DissolveGroup(ctx, "acme", "g", by) },
			[4]chat.Code{ok, chat.Forbidden, chat.Forbidden, chat.NotFound}},
		{"see members", func(ctx context.Context, s *Store, by string) error {
			_, _, err := s.Members(ctx, "acme", "g", by, "", 10)
			return err
		}, [4]chat.Code{ok, ok, ok, chat.NotFound}},
		{"add", func(ctx context.Context, s *Store, by string) error {
			_, err := s.AddMembers(ctx, "acme", "g", by, chat.Member, []string{"ed"})
			return err
		}, [4]chat.Code{ok, ok, ok, chat.NotFound}},
		{"add a stranger's organisation's user", func(ctx context.Context, s *Store, by string) error {
			_, err := s.AddMembers(ctx, "acme", "g", by, chat.Member, []string{"ed", "zed"})
			return err
		}, [4]chat.Code{chat.Invalid, chat.Invalid, chat.Invalid, chat.NotFound}},
		{"remove a member", func(ctx context.Context, s *Store, by string) error {
			return s.RemoveMember(ctx, "acme", "g", "flo", by)
		},
			[4]chat.Code{ok, ok, chat.Forbidden, chat.NotFound}},
		{"remove an administrator", func(ctx context.Context, s *Store, by string) error {
			return s.RemoveMember(ctx, "acme", "g", "gil", by)
		},
			[4]chat.Code{ok, chat.Forbidden, chat.Forbidden, chat.NotFound}},
		{"leave", func(ctx context.Context, s *Store, by string) error { return s.RemoveMember(ctx, "acme", "g", by, by) },
			[4]chat.Code{chat.Conflict, ok, ok, chat.NotFound}},
		{"remove nobody", func(ctx context.Context, s *Store, by string) error {
			return s.RemoveMember(ctx, "acme", "g", "ed", by)
		},
			[4]chat.Code{chat.NotFound, chat.NotFound, chat.NotFound, chat.NotFound}},
		{"mute", func(ctx context.Context, s *Store, by string) error {
			return s.SetMember(ctx, "acme", "g", "flo", by, nil, ptr(time.Now().Add(time.Hour)))
		}, [4]chat.Code{ok, ok, chat.Forbidden, chat.NotFound}},
		{"promote", func(ctx context.Context, s *Store, by string) error {
			return s.SetMember(ctx, "acme", "g", "flo", by, ptr(chat.GroupAdmin), nil)
		}, [4]chat.Code{ok, chat.Forbidden, chat.Forbidden, chat.NotFound}},
		{"hand over", func(ctx context.Context, s *Store, by string) error {
			return s.SetMember(ctx, "acme", "g", "flo", by, ptr(chat.GroupOwner), nil)
		}, [4]chat.Code{ok, chat.Forbidden, chat.Forbidden, chat.NotFound}},
		{"step down", func(ctx context.Context, s *Store, by string) error {
			return s.SetMember(ctx, "acme", "g", "ann", by, ptr(chat.GroupMember), nil)
		}, [4]chat.Code{chat.Forbidden, chat.Forbidden, chat.Forbidden, chat.NotFound}},
		{"read", func(ctx context.Context, s *Store, by string) error {
			_, err := s.Messages(ctx, "acme", by, "g:g", 0, 0, 10)
			return err
		}, [4]chat.Code{ok, ok, ok, chat.NotFound}},
		{"mark read", func(ctx context.Context, s *Store, by string) error { return s.MarkRead(ctx, "acme", by, "g:g", 1) },
			[4]chat.Code{ok, ok, ok, chat.NotFound}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, copyFiles(t, made.dir))
			for i, by := range []string{"di", "cy", "bo", "ann"} { // the owner last: dissolving ends it all
				if by == "ann" && c.name == "remove a member" { // bo has done it
					must(s.AddMembers(t.Context(), "acme", "g", "ann", chat.Member, []string{"flo"}))(t)
				}
				if err := c.act(t.Context(), s, by); err == nil && c.want[3-i] != ok || err != nil && chat.CodeOf(err) != c.want[3-i] {
					t.Errorf("%s: got %v, want %q", by, err, c.want[3-i])
				}
			}
		})
	}
}

func TestMembership(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g", Name: "G"}, []string{"bo"}, ""))(t)
	seen := &recorder{}
	s.Observe(seen)
	join := func(policy chat.JoinPolicy) {
		must(s.UpdateGroup(ctx, "acme", "g", "ann", chat.GroupChange{Join: &policy}))(t)
	}
	for i, c := range []struct {
		do     func() (bool, error)
		yes    bool
		code   chat.Code
		events string
	}{
		{do: func() (bool, error) { return s.Join(ctx, "acme", "g", "cy", "") }, code: chat.NotFound},
		{do: func() (bool, error) { _, _, err := s.Group(ctx, "acme", "g", "cy"); return false, err }, code: chat.NotFound},
		{do: func() (bool, error) { join(chat.JoinApproval); return false, nil }, events: "g_data"},
		{do: func() (bool, error) { join(chat.JoinApproval); return false, nil }},
		{do: func() (bool, error) { _, m, err := s.Group(ctx, "acme", "g", "cy"); return m.Role == "", err }, yes: true},
		{do: func() (bool, error) { return s.Join(ctx, "acme", "g", "cy", "hi") }, yes: true, events: "g_request cy"},
		{do: func() (bool, error) { return s.Join(ctx, "acme", "g", "cy", "hi") }, yes: true},
		{do: func() (bool, error) {
			_, err := s.AddMembers(ctx, "acme", "g", "bo", chat.Member, []string{"cy"})
			return false, err
		}, code: chat.Forbidden},
		{do: func() (bool, error) {
			added, err := s.AddMembers(ctx, "acme", "g", "ann", chat.Member, []string{"cy", "bo"})
			return slices.Equal(added, []string{"cy"}), err
		}, yes: true, events: "g_join cy"},
		{do: func() (bool, error) { return s.Join(ctx, "acme", "g", "cy", "") }},
		{do: func() (bool, error) { join(chat.JoinOpen); return false, nil }, events: "g_data"},
		{do: func() (bool, error) { return s.Join(ctx, "acme", "g", "di", "") }, events: "g_join di"},
		{do: func() (bool, error) { return s.Join(ctx, "other", "g", "zed", "") }, code: chat.NotFound},
		{do: func() (bool, error) {
			return false, s.SetMember(ctx, "acme", "g", "bo", "ann", ptr(chat.GroupOwner), nil)
		}, events: "g_role ann,g_role bo"},
		{do: func() (bool, error) { return false, s.RemoveMember(ctx, "acme", "g", "ann", "ann") }, events: "g_leave ann"},
		{do: func() (bool, error) {
			g, who, err := s.GroupManagers(ctx, "acme", "g")
			return g.Owner == "bo" && slices.Equal(who, []string{"bo"}), err
		}, yes: true},
		{do: func() (bool, error) { return false, s.DissolveGroup(ctx, "acme", "g", "bo") }, events: "g_dissolve bo"},
		{do: func() (bool, error) { return s.Join(ctx, "acme", "g", "cy", "") }, code: chat.NotFound},
		{do: func() (bool, error) { _, _, err := s.GroupManagers(ctx, "acme", "g"); return false, err }, code: chat.NotFound},
		{do: func() (bool, error) { _, err := s.Messages(ctx, "acme", "bo", "g:g", 0, 0, 10); return false, err }, code: chat.NotFound},
	} {
		members := []string(nil)
		yes, err := c.do()
		for _, ev := range seen.events {
			members = append(members, ev.Members...)
		}
		if c.code != "" {
			refused(t, err, c.code)
			continue
		}
		got := strings.Join(seen.take(), ",")
		if err != nil || yes != c.yes || strings.TrimSpace(got) != c.events {
			t.Errorf("step %d: %t, %v, observed %q, want %t, %q", i, yes, err, got, c.yes, c.events)
		}
		if slices.Sort(members); c.events == "g_dissolve bo" && !slices.Equal(members, []string{"bo", "cy", "di"}) {
			t.Errorf("dissolved for %q", members)
		}
	}
}

func TestConversations(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g", Name: "Group", Avatar: "/g"}, []string{"bo"}, ""))(t)
	must(s.CreateGroup(ctx, "acme", "bo", chat.Member, chat.Group{GID: "quiet", Name: "Quiet"}, []string{"ann"}, ""))(t)
	at := time.Now().Add(time.Hour).UnixMilli()
	write := func(ref chat.StreamRef, from string, mentions ...string) {
		t.Helper()
		at++
		check(t, say(t, s, chat.Append{Stream: ref, Sender: from, Time: at, Mentions: mentions}).Err)
	}
	list := func(eid, uid string) string {
		t.Helper()
		var out []string
		for cursor := ""; ; {
			page, next, err := s.Conversations(ctx, eid, uid, cursor, 2)
			check(t, err)
			for _, c := range page {
				line := fmt.Sprintf("%s %s %d/%d/%d unread %d", c.Conv, c.Name, c.ReadSeq, c.PeerReadSeq, c.LastSeq, c.Unread)
				for word, on := range map[string]bool{" mentioned": c.Mentioned, " muted": c.Muted, " pinned": c.Pinned, " last": c.Last != nil && (c.Last.Seq != c.LastSeq || c.Last.StreamID == 0)} {
					if on {
						line += word
					}
				}
				out = append(out, line)
				one := must(s.Conversation(ctx, eid, uid, c.Conv))(t)
				if one.Unread != c.Unread || one.LastSeq != c.LastSeq || one.Name != c.Name {
					t.Errorf("alone it is %+v, in the list %+v", one, c)
				}
			}
			if cursor = next; next == "" {
				return strings.Join(out, "\n")
			}
		}
	}
	expect := func(uid string, want ...string) {
		t.Helper()
		if got := list("acme", uid); got != strings.Join(want, "\n") {
			t.Errorf("%s has\n%s\nwant\n%s", uid, got, strings.Join(want, "\n"))
		}
	}
	write(pair("ann", "bo"), "bo")
	write(pair("ann", "bo"), "ann", "ann")
	write(group("g"), "bo", "ann")
	write(pair("ann", "cy"), "cy")
	write(pair("ann", "ann"), "ann", "*")
	expect("ann", "u:ann Name of ann 0/0/1 unread 0", "u:cy Name of cy 0/0/1 unread 1", "g:g Group 0/0/1 unread 1 mentioned",
		"u:bo Name of bo 0/0/2 unread 1", "g:quiet Quiet 0/0/0 unread 0")
	expect("bo", "g:g Group 0/0/1 unread 0", "u:ann Name of ann 0/0/2 unread 1", "g:quiet Quiet 0/0/0 unread 0")
	if got := list("other", "ann"); got != "" {
		t.Errorf("ann of the other organisation has %q", got)
	}

	seen := &recorder{}
	s.Observe(seen)
	check(t, s.MarkRead(ctx, "acme", "ann", "u:bo", 1))
	check(t, s.MarkRead(ctx, "acme", "ann", "u:bo", 99)) // to the head
	check(t, s.MarkRead(ctx, "acme", "ann", "u:bo", 1))  // never back
	check(t, s.MarkRead(ctx, "acme", "ann", "u:di", 1))  // nothing there yet
	check(t, s.MarkRead(ctx, "acme", "ann", "g:g", 1))
	refused(t, s.MarkRead(ctx, "acme", "ann", "u:zed", 1), chat.NotFound)
	check(t, s.SetConversation(ctx, "acme", "ann", "g:g", ptr(true), nil))
	check(t, s.SetConversation(ctx, "acme", "ann", "u:bo", nil, ptr(true)))
	refused(t, s.SetConversation(ctx, "acme", "ann", "u:di", ptr(true), nil), chat.NotFound)
	var read []string
	for _, ev := range seen.events {
		read = append(read, fmt.Sprint(ev.Conv, " ", ev.Seq))
	}
	if !slices.Equal(read, []string{"u:bo 1", "u:bo 2", "g:g 1", "g:g 0", "u:bo 0"}) {
		t.Errorf("observed %q", read)
	}
	expect("ann", "u:ann Name of ann 0/0/1 unread 0", "u:cy Name of cy 0/0/1 unread 1", "g:g Group 1/0/1 unread 0 muted",
		"u:bo Name of bo 2/0/2 unread 0 pinned", "g:quiet Quiet 0/0/0 unread 0")
	expect("bo", "g:g Group 0/0/1 unread 0", "u:ann Name of ann 0/2/2 unread 1", "g:quiet Quiet 0/0/0 unread 0")

	must(s.AddMembers(ctx, "acme", "g", "ann", chat.Member, []string{"cy"}))(t) // a newcomer begins read up to the head
	write(group("g"), "ann", "*")
	expect("cy", "g:g Group 1/0/2 unread 1 mentioned", "u:ann Name of ann 0/0/1 unread 0")
	check(t, s.RemoveMember(ctx, "acme", "g", "cy", "ann"))
	expect("cy", "u:ann Name of ann 0/0/1 unread 0")
	if c := must(s.Conversation(ctx, "acme", "ann", "u:di"))(t); c.Name != "Name of di" || c.Last != nil {
		t.Errorf("an empty conversation is %+v", c)
	}
	_, err := s.Conversation(ctx, "acme", "cy", "g:g")
	refused(t, err, chat.NotFound)
}

func TestMessages(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	for range 10 {
		say(t, s, chat.Append{Stream: pair("ann", "bo"), Sender: "ann"})
	}
	for _, c := range []struct {
		uid, conv     string
		before, after uint64
		limit         int
		want          string
		code          chat.Code
	}{
		{uid: "ann", conv: "u:bo", limit: 3, want: "[8 9 10]"},
		{uid: "bo", conv: "u:ann", limit: 3, want: "[8 9 10]"},
		{uid: "ann", conv: "u:bo", before: 8, limit: 3, want: "[5 6 7]"},
		{uid: "ann", conv: "u:bo", before: 3, limit: 3, want: "[1 2]"},
		{uid: "ann", conv: "u:bo", before: 1, limit: 3, want: "[]"},
		{uid: "ann", conv: "u:bo", before: 1 << 62, limit: 1, want: "[10]"},
		{uid: "ann", conv: "u:bo", after: 8, limit: 3, want: "[9 10]"},
		{uid: "ann", conv: "u:bo", after: 1, limit: 2, want: "[2 3]"},
		{uid: "ann", conv: "u:bo", after: 10, limit: 2, want: "[]"},
		{uid: "ann", conv: "u:cy", limit: 3, want: "[]"},
		{uid: "cy", conv: "u:ann", limit: 3, want: "[]"},
		{uid: "ann", conv: "u:zed", limit: 3, code: chat.NotFound},
		{uid: "ann", conv: "g:none", limit: 3, code: chat.NotFound},
		{uid: "ann", conv: "nonsense", limit: 3, code: chat.Invalid},
	} {
		page, err := s.Messages(ctx, "acme", c.uid, c.conv, c.before, c.after, c.limit)
		if c.code != "" {
			refused(t, err, c.code)
			continue
		}
		got := []uint64{}
		for _, e := range page.Messages {
			got = append(got, e.Seq)
		}
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%+v: got %v, %v", c, got, err)
		}
	}
}

func TestPresubscribe(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g", Name: "G"}, []string{"bo"}, ""))(t)
	must(s.CreateGroup(ctx, "acme", "bo", chat.Member, chat.Group{GID: "theirs", Name: "H"}, []string{"cy"}, ""))(t)
	must(s.PutContact(ctx, "acme", "ann", chat.Member, "bo", ""))(t)
	ref := func(kind chat.StreamKind, key string) chat.StreamRef {
		return chat.StreamRef{EID: "acme", Kind: kind, Key: key}
	}
	mine := []chat.StreamRef{pair("ann", "bo"), group("g"), ref(chat.StreamGroupNotice, "g"), ref(chat.StreamUserNotice, "ann"),
		ref(chat.StreamTerminalNotice, "bo"), ref(chat.StreamApp, "")}
	for _, r := range append(slices.Clone(mine), pair("bo", "cy"), group("theirs"), ref(chat.StreamGroupNotice, "theirs"),
		ref(chat.StreamUserNotice, "bo"), ref(chat.StreamTerminalNotice, "cy")) {
		check(t, say(t, s, chat.Append{Stream: r, Sender: "bo"}).Err)
	}
	p := must(s.Presubscribe(ctx, "acme", "ann"))(t)
	if p.User.UID != "ann" || p.Org.EID != "acme" || !slices.Equal(p.Contacts, []string{"bo"}) {
		t.Errorf("got %+v", p)
	}
	if len(p.Groups) != 1 || p.Groups[0].GID != "g" || p.Groups[0].UID != "ann" || p.Groups[0].Role != chat.GroupOwner || p.Groups[0].JoinedSeq != 0 {
		t.Errorf("groups %+v", p.Groups)
	}
	for _, r := range mine {
		if st := p.Streams[r]; st.Head != 1 || st.ID == 0 || st.StreamRef != r {
			t.Errorf("stream %+v is %+v", r, st)
		}
	}
	if len(p.Streams) != len(mine) {
		t.Errorf("streams %+v", p.Streams)
	}
	_, err := s.Presubscribe(ctx, "acme", "zed")
	refused(t, err, chat.NotFound)
}

func TestAnswerJoin(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	approval := chat.JoinApproval
	g := must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{Name: "G"}, []string{"bo"}, ""))(t)
	must(s.UpdateGroup(ctx, "acme", g.GID, "ann", chat.GroupChange{Join: &approval}))(t)
	for _, uid := range []string{"cy", "di"} {
		if pending := must(s.Join(ctx, "acme", g.GID, uid, ""))(t); !pending {
			t.Fatalf("%s is in at once", uid)
		}
	}
	refused(t, s.AnswerJoin(ctx, "acme", g.GID, "bo", "cy", true), chat.Forbidden)
	check(t, s.SetDisabled(ctx, "acme", "di", true))
	refused(t, s.AnswerJoin(ctx, "acme", g.GID, "ann", "di", true), chat.Invalid)
	if left := must(s.JoinRequests(ctx, "acme", g.GID, "ann"))(t); len(left) != 2 {
		t.Errorf("refused, and %+v are left", left)
	}
	check(t, s.AnswerJoin(ctx, "acme", g.GID, "ann", "di", false))

	by := chat.Actor{EID: "acme", Addr: chat.ActorShell}
	d := must(s.CreateDepartment(ctx, by, chat.Department{Name: "Board", Position: -1}))(t)
	now := must(s.AnyGroup(ctx, "acme", g.GID))(t)
	now = must(s.UpdateAnyGroup(ctx, by, g.GID, now.Version, chat.GroupChange{}, &d.ID))(t)
	refused(t, s.AnswerJoin(ctx, "acme", g.GID, "ann", "cy", true), chat.Conflict)
	must(s.UpdateAnyGroup(ctx, by, g.GID, now.Version, chat.GroupChange{}, new(int64)))(t)
	check(t, s.AnswerJoin(ctx, "acme", g.GID, "ann", "cy", true))
	if got := uidsOf(t, s, g.GID, "ann"); got != "ann owner, cy member" {
		t.Errorf("members %q", got)
	}
}

// TestRestoredGroupHasWhomItHad dissolves a group, after which some of its members are disabled or deleted, and restores it.
func TestRestoredGroupHasWhomItHad(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	must(s.CreateApp(ctx, root, chat.App{ID: "office", Name: "Office"}))(t)
	for _, uid := range []string{"kept-bot", "off-bot", "old-bot"} {
		must(s.CreateBot(ctx, root, "office", chat.User{UID: uid, Name: uid}))(t)
	}
	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "team", Name: "Team"}, []string{"bo", "cy", "kept-bot", "off-bot", "old-bot"}, ""))(t)
	check(t, s.DissolveGroup(ctx, "acme", "team", "ann"))
	check(t, s.SetDisabled(ctx, "acme", "bo", true))
	must(s.UpdateBot(ctx, root, "office", "off-bot", chat.BotChange{Disabled: ptr(true)}))(t)
	check(t, s.DeleteBot(ctx, root, "office", "old-bot"))
	must(s.RestoreGroup(ctx, root, "team"))(t)
	list, _, err := s.AnyMembers(ctx, "acme", "team", "", 100)
	check(t, err)
	var have []string
	for _, m := range list {
		have = append(have, fmt.Sprint(m.UID, " ", must(s.User(ctx, "acme", m.UID))(t).Disabled))
	}
	slices.Sort(have)
	if got := strings.Join(have, ", "); got != "ann false, bo true, cy false, kept-bot false, off-bot true" {
		t.Errorf("its members are %s", got)
	}
	if got := must(collect(ctx, s.read, scanString, `SELECT uid FROM dissolved_members`))(t); len(got) > 0 {
		t.Errorf("%q are still to come", got)
	}
	// Who is enabled again has its groups, from what came while it was away.
	if r := say(t, s, chat.Append{Stream: chat.StreamRef{EID: "acme", Kind: chat.StreamGroup, Key: "team"}, Sender: "ann"}); r.Err != nil {
		t.Fatal(r.Err)
	}
	check(t, s.SetDisabled(ctx, "acme", "bo", false))
	if groups := must(s.Groups(ctx, "acme", "bo"))(t); len(groups) != 1 {
		t.Errorf("its groups are %+v", groups)
	}
}

// TestAuditNamesGroups changes a group, renames it, and changes it again: each entry has the name of its time.
func TestAuditNamesGroups(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	g := must(s.CreateGroupFor(ctx, root, chat.Group{GID: "team", Name: "Team", Owner: "ann"}, nil, ""))(t)
	must(s.AddAnyMembers(ctx, root, "team", []string{"bo"}))(t)
	must(s.UpdateAnyGroup(ctx, root, "team", g.Version, chat.GroupChange{Name: ptr("Crew")}, nil))(t)
	check(t, s.SetAnyMember(ctx, root, "team", "bo", ptr(chat.GroupAdmin), nil))
	check(t, s.CreateAnyGroupLink(ctx, root, "team", "l1", []byte("digest"), time.Now().Add(time.Hour)))
	check(t, s.DeleteAnyGroupLink(ctx, root, "team", "l1"))
	check(t, s.RemoveAnyMember(ctx, root, "team", "bo"))
	entries, _, err := s.Audit(ctx, "acme", chat.AuditQuery{Target: "team"})
	check(t, err)
	var said []string
	for _, e := range slices.Backward(entries) {
		name := func(record []byte) string {
			var r struct{ Name string }
			if record != nil {
				check(t, json.Unmarshal(record, &r))
			}
			return r.Name
		}
		said = append(said, e.Action+" "+name(e.Before)+">"+name(e.After))
	}
	want := "group.create >Team, group.add >Team, group.change Team>Crew, group.member Crew>Crew, group.link >Crew, group.unlink Crew>, group.remove Crew>"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("the log says %s\nwant %s", got, want)
	}
}
