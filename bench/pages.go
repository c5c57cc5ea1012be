package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"magpie/server/auth"
	"magpie/server/chat"
	"magpie/server/payload"
	"magpie/server/store"
)

const (
	password = "bench-password" // of the two who sign in
	reader   = "reader"         // has a thousand conversations
	newcomer = "newcomer"       // has few
	writers  = 10
)

// threads are the conversations that are opened, and how many messages each has.
var threads = map[string]int{"Short": 100, "Long": 100_000, "Deep": 5000, "Busy": 100}

// pages measures the web app in a browser: bench/pages.ts does, and prints its lines as JSON.
func pages(ctx context.Context, w *world, o options) ([]result, error) {
	dir := filepath.Join(o.dir, "pages")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := makeThreads(ctx, dir); err != nil {
		return nil, fmt.Errorf("make conversations: %w", err)
	}
	s, err := startMagpie(dir)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	script := filepath.Join(o.dir, "pages.mjs")
	build := exec.CommandContext(ctx, "node_modules/.bin/esbuild", "bench/pages.ts", "--bundle", "--packages=external", "--platform=node", "--format=esm",
		"--log-level=warning", "--outfile="+script)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build bench/pages.ts (make bench installs what it needs): %w", err)
	}
	task, err := json.Marshal(map[string]any{"http": "http://" + s.http, "org": eid, "password": password, "reader": reader, "newcomer": newcomer,
		"writer": writer(0), "threads": threads, "rounds": o.rounds})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "node", script, string(task))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run bench/pages.ts: %w", err)
	}
	var lines []struct {
		What, Ours, Theirs, Unit string
		Value, Bound             float64
	}
	if err := json.Unmarshal(out, &lines); err != nil {
		return nil, fmt.Errorf("read what bench/pages.ts printed: %w", err)
	}
	var results []result
	for _, l := range lines {
		results = append(results, result{what: l.What, ours: l.Ours, theirs: l.Theirs, unit: l.Unit, value: l.Value, bound: l.Bound})
	}
	return results, nil
}

func writer(i int) string { return fmt.Sprintf("writer%d", i) }

// makeThreads fills a data folder: the reader is in the threads, which have their messages and are read, and in a thousand groups more.
func makeThreads(ctx context.Context, dir string) error {
	s, err := store.Open(ctx, store.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.CreateOrg(ctx, chat.Org{EID: eid, Name: "Bench"}); err != nil {
		return err
	}
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	var others []string
	for i := range writers {
		others = append(others, writer(i))
	}
	for i, id := range append([]string{reader, newcomer}, others...) {
		u := chat.User{EID: eid, UID: id, Name: fmt.Sprintf("Person Number %d", i), Role: chat.Member, Created: time.Now()}
		if err := s.CreateUser(ctx, u, hash); err != nil {
			return err
		}
	}
	others = append(others, reader)
	make := func(name string, members []string) error {
		_, err := s.CreateGroup(ctx, eid, writer(0), chat.Member, chat.Group{EID: eid, GID: name, Name: name, Join: chat.JoinInvite}, members, name)
		return err
	}
	err = parallel(1000, func(i int) error {
		name := fmt.Sprintf("other%03d", i)
		if err := make(name, []string{reader}); err != nil {
			return err
		}
		return fill(s, name, 1)
	})
	if err != nil {
		return err
	}
	for name, n := range threads {
		if err := make(name, append(others, newcomer)); err != nil {
			return err
		}
		if err := fill(s, name, n); err != nil {
			return err
		}
		for _, id := range []string{reader, newcomer} {
			if err := s.MarkRead(ctx, eid, id, "g:"+name, uint64(n)); err != nil {
				return err
			}
		}
	}
	return (&world{}).finishEvents(ctx, s)
}

// fill writes n messages into a group: of all the writers in turn, some of them long.
func fill(s *store.Store, gid string, n int) error {
	done := make(chan error, n)
	start := time.Now().Add(-time.Duration(n) * time.Second).UnixMilli()
	for i := 1; i <= n; i++ {
		text := fmt.Sprintf("%s %d", gid, i)
		if i%9 == 0 {
			text = fmt.Sprintf("%s: see https://example.org/%d. It is **longer**, as some messages are, and breaks\ninto lines.", text, i)
		}
		content, err := json.Marshal(map[string]string{"co": text})
		if err != nil {
			return err
		}
		from := writer(i / 3 % writers)
		ts := start + int64(i)*1000
		b, err := payload.EncodeIM(chat.IM{TS: uint32(ts / 1000), Type: chat.IMGroup, Media: []chat.Medium{{Type: chat.ContentText, Content: content}}, Sender: from})
		if err != nil {
			return err
		}
		s.Append(chat.Append{Stream: chat.StreamRef{EID: eid, Kind: chat.StreamGroup, Key: gid}, Sender: from, Time: ts, Payload: b,
			Done: func(r chat.Appended) { done <- r.Err }})
	}
	var errs error
	for range n {
		errs = errors.Join(errs, <-done)
	}
	return errs
}
