package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"magpie/server/api"
	"magpie/server/auth"
	"magpie/server/chat"
	"magpie/server/payload"
	"magpie/server/store"
)

// The setting "demo" marks a database that holds the demo and nothing else.
const (
	demoSetting = "demo"
	demoFilling = "filling"
	demoFull    = "1"
)

// checkDemoFolder refuses a folder that holds something else than a database; what that holds fillDemo looks at.
func checkDemoFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the demo's folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "magpie.db")); err != nil {
		return notDemo(dir)
	}
	return nil
}

func notDemo(dir string) error {
	return fmt.Errorf("the folder %s holds something other than a demo: give --demo an empty folder by --data, or start without --demo", dir)
}

// fillDemo makes the demo organisation in an empty database, and does nothing where it is already. It runs before anyone
// can sign in. now is the time that the conversations lead up to.
func fillDemo(ctx context.Context, st *store.Store, dir string, now time.Time) error {
	mark, err := st.Setting(ctx, demoSetting)
	if err != nil {
		return err
	}
	empty, err := st.Empty(ctx)
	if err != nil {
		return err
	}
	setup, err := st.Setting(ctx, api.SetupSetting)
	if err != nil {
		return err
	}
	switch {
	case mark == demoFull:
		return nil
	case mark == demoFilling:
		return fmt.Errorf("an earlier start was stopped while it filled the demo: delete the folder %s and start again", dir)
	case !empty || setup != "":
		return notDemo(dir)
	}
	if err := st.SetSetting(ctx, demoSetting, demoFilling); err != nil {
		return err
	}
	if err := demoOrg(ctx, st); err != nil {
		return fmt.Errorf("make the demo's people: %w", err)
	}
	for _, talk := range demoTalks {
		if err := talk.append(ctx, st, now); err != nil {
			return fmt.Errorf("make the demo's conversations: %w", err)
		}
	}
	if err := dropEvents(ctx, st); err != nil {
		return fmt.Errorf("drop the demo's events: %w", err)
	}
	return st.SetSetting(ctx, demoSetting, demoFull)
}

// dropEvents finishes all events without notices: nobody was there whom they could tell anything.
func dropEvents(ctx context.Context, st *store.Store) error {
	for {
		events, err := st.Events(ctx, 1000)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if err := st.FinishEvent(ctx, e.ID, nil); err != nil {
				return err
			}
		}
	}
}

func demoOrg(ctx context.Context, st *store.Store) error {
	if err := st.CreateOrg(ctx, chat.Org{EID: demoEID, Name: "Riverside Studio"}); err != nil {
		return err
	}
	hash, err := auth.HashPassword(demoPassword)
	if err != nil {
		return err
	}
	for _, p := range demoPeople {
		role := chat.Member
		if p.uid == "alice" {
			role = chat.Admin
		}
		u := chat.User{EID: demoEID, UID: p.uid, Name: p.name, Email: p.uid + "@riverside.example", Avatar: "/avatars/" + p.uid + ".svg",
			Department: p.department, Title: p.title, Role: role}
		if err := st.CreateUser(ctx, u, hash); err != nil {
			return err
		}
	}
	for _, p := range demoPeople {
		contacts := demoContacts[p.uid]
		if p.uid == "alice" {
			for _, other := range demoPeople[1:] {
				contacts = append(contacts, other.uid)
			}
		} else {
			contacts = append([]string{"alice"}, contacts...)
		}
		for _, other := range contacts {
			if _, err := st.PutContact(ctx, demoEID, p.uid, chat.Member, other, ""); err != nil {
				return err
			}
		}
	}
	for _, g := range demoGroups {
		group := chat.Group{EID: demoEID, GID: g.gid, Name: g.name, Avatar: "/avatars/" + g.gid + ".svg", Announcement: g.announcement, Join: chat.JoinInvite}
		if _, err := st.CreateGroup(ctx, demoEID, g.owner, chat.Member, group, g.members, ""); err != nil {
			return err
		}
	}
	return nil
}

// append stores the conversation and marks it read for everyone, but for what talk.unread says.
func (talk demoTalk) append(ctx context.Context, st *store.Store, now time.Time) error {
	stream := chat.StreamRef{EID: demoEID, Kind: chat.StreamGroup, Key: talk.group}
	imType := byte(chat.IMGroup)
	readers := map[string]string{} // uid → the conversation as it sees it
	if talk.group == "" {
		a, b := talk.pair[0], talk.pair[1]
		stream.Kind, stream.Key, imType = chat.StreamPair, chat.PairKey(a, b), chat.IMPair
		readers[a], readers[b] = "u:"+b, "u:"+a
	} else {
		for _, g := range demoGroups {
			if g.gid == talk.group {
				for _, uid := range append([]string{g.owner}, g.members...) {
					readers[uid] = "g:" + g.gid
				}
			}
		}
	}
	done := make(chan chat.Appended, len(talk.says))
	var days []chat.DayFigures
	for _, say := range talk.says {
		at, err := moment(now, say.when)
		if err != nil {
			return err
		}
		content, err := json.Marshal(struct {
			Text     string   `json:"co"`
			Reply    int      `json:"re,omitempty"`
			Mentions []string `json:"at,omitempty"`
		}{say.text, say.reply, say.mentions})
		if err != nil {
			return err
		}
		b, err := payload.EncodeIM(chat.IM{Type: imType, Sender: say.who, Media: []chat.Medium{{Type: chat.ContentText, Content: content}}})
		if err != nil {
			return err
		}
		st.Append(chat.Append{Stream: stream, Sender: say.who, Time: at.UnixMilli(), Payload: b, Mentions: say.mentions,
			Done: func(a chat.Appended) { done <- a }})
		days = append(days, chat.DayFigures{EID: demoEID, Day: at.UnixMilli() / int64(24*time.Hour/time.Millisecond), Messages: 1, Bytes: int64(len(b))})
	}
	if err := st.AddFigures(ctx, days); err != nil {
		return err
	}
	for range talk.says {
		select {
		case a := <-done:
			if a.Err != nil {
				return a.Err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for uid, conv := range readers {
		read := len(talk.says) - talk.unread[uid]
		if err := st.MarkRead(ctx, demoEID, uid, conv, uint64(read)); err != nil {
			return err
		}
	}
	return nil
}

// moment reads a demoSay's time.
func moment(now time.Time, when string) (time.Time, error) {
	var days, hour, minute int
	if n, _ := fmt.Sscanf(when, "%dd %d:%d", &days, &hour, &minute); n == 3 {
		y, m, d := now.Date()
		return time.Date(y, m, d-days, hour, minute, 0, 0, now.Location()), nil
	}
	ago, err := time.ParseDuration(when)
	return now.Add(-ago), err
}
