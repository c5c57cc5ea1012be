package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"magpie/server/chat"
)

// node is the whole program inside the test, so that the race detector sees it, with the demo organisation in it.
type node struct {
	*program
	t    *testing.T
	conf Config
	addr map[string]string
}

func nodeConfig(data string) Config {
	return Config{Data: data, Demo: true, HTTP: "127.0.0.1:0", MQTT: "127.0.0.1:0", MQTTS: none, Metrics: none, AccessTTL: 15 * time.Minute,
		PresenceGrace: 50 * time.Millisecond, SessionExpiry: time.Hour, LimitFile: 100 << 20, LimitPacket: 128 << 10, LimitText: chat.MaxText, LimitPublishBurst: 100, LimitUnauthenticated: 1000}
}

// startNode starts a program. change may adjust its settings.
func startNode(t *testing.T, change func(*Config)) *node {
	t.Helper()
	c := nodeConfig(t.TempDir() + "/data")
	if change != nil {
		change(&c)
	}
	media := c.Media
	c.fill()
	n := &node{t: t, conf: c}
	if media == "" { // its files lie in the data folder
		if err := copyDemo(c.Data); err != nil {
			t.Fatal(err)
		}
	}
	n.up()
	t.Cleanup(func() { n.program.stop() })
	return n
}

// demoFiles are those of a data folder with the demo organisation, after its notices have been told: to make them takes the race detector as long
// as many a test. Each test has a copy.
var demoFiles = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "magpie-demo-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	c := nodeConfig(filepath.Join(dir, "data"))
	c.fill()
	p, err := start(context.Background(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	for told := false; err == nil && !told; {
		var events []chat.Event
		events, err = p.store.Events(context.Background(), 1)
		told = len(events) == 0
		time.Sleep(5 * time.Millisecond)
	}
	p.stop()
	files := map[string][]byte{}
	return files, errors.Join(err, filepath.WalkDir(c.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(c.Data, path)
		if err == nil {
			files[name], err = os.ReadFile(path)
		}
		return err
	}))
})

func copyDemo(dir string) error {
	files, err := demoFiles()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil {
			err = os.WriteFile(path, content, 0o600)
		}
	}
	return err
}

func (n *node) up() {
	n.t.Helper()
	var err error
	if n.program, err = start(n.t.Context(), n.conf, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
		n.t.Fatal(err)
	}
	n.addr = map[string]string{}
	for _, l := range n.lines {
		n.addr[l[0]] = l[1]
	}
	n.until(func() bool { // what the demo's people did has been told
		events, err := n.store.Events(n.t.Context(), 1)
		return err == nil && len(events) == 0
	})
}

// restart stops the program in order and starts it on the same folder.
func (n *node) restart() {
	n.t.Helper()
	n.program.stop()
	n.up()
}
