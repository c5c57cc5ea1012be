package main

import (
	"io/fs"
	"slices"
	"testing"
	"time"

	"magpie/server/chat"
	"magpie/server/store"
	"magpie/static"
)

func TestDemoData(t *testing.T) {
	known := map[string]bool{}
	avatar := func(name string) {
		if _, err := fs.Stat(static.Pages(), "avatars/"+name+".svg"); err != nil {
			t.Errorf("%s has no avatar: %v", name, err)
		}
	}
	for _, p := range demoPeople {
		if known[p.uid] || !chat.ValidUID(p.uid) {
			t.Errorf("bad or repeated uid %s", p.uid)
		}
		known[p.uid] = true
		avatar(p.uid)
	}
	for _, uid := range []string{"alice", "bob", "carol", "dave"} {
		if !known[uid] {
			t.Errorf("%s is missing", uid)
		}
	}
	for uid, contacts := range demoContacts {
		for _, other := range append(contacts, uid) {
			if !known[other] {
				t.Errorf("contact %s of %s is nobody", other, uid)
			}
		}
	}
	members := map[string][]string{}
	for _, g := range demoGroups {
		members[g.gid] = append([]string{g.owner}, g.members...)
		avatar(g.gid)
	}
	for _, talk := range demoTalks {
		name, people := talk.group, members[talk.group]
		if talk.group == "" {
			name, people = talk.pair[0]+" and "+talk.pair[1], talk.pair[:]
		}
		// The most awkward time of a day for "2h" and "1d 18:34" to stay in order.
		now := time.Date(2026, 5, 4, 0, 5, 0, 0, time.UTC)
		last := time.Time{}
		for i, say := range talk.says {
			at, err := moment(now, say.when)
			if err != nil || at.Before(last) || at.After(now) {
				t.Errorf("%s, message %d: time %q is wrong or out of order (%v)", name, i+1, say.when, err)
			}
			last = at
			if !slices.Contains(people, say.who) {
				t.Errorf("%s, message %d: %s does not belong here", name, i+1, say.who)
			}
			if say.reply > i {
				t.Errorf("%s, message %d: answers message %d, which comes later", name, i+1, say.reply)
			}
			for _, uid := range say.mentions {
				if uid != "*" && !slices.Contains(people, uid) {
					t.Errorf("%s, message %d: mentions %s, who is not here", name, i+1, uid)
				}
			}
		}
		for uid, unread := range talk.unread {
			if !slices.Contains(people, uid) || unread > len(talk.says) {
				t.Fatalf("%s: %s can't have %d unread", name, uid, unread)
			}
			for _, say := range talk.says[len(talk.says)-unread:] {
				if say.who == uid {
					t.Errorf("%s: %s has not read what it wrote: %q", name, uid, say.text)
				}
			}
		}
	}
}

func TestDemoFigures(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := fillDemo(t.Context(), st, dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	f, err := st.Overview(t.Context(), demoEID, 30)
	if err != nil {
		t.Fatal(err)
	}
	var ofDays int64
	for _, d := range f.Days {
		ofDays += d.Messages
	}
	if f.Messages == 0 || ofDays != f.Messages {
		t.Errorf("the days have %d messages of %d", ofDays, f.Messages)
	}
}
