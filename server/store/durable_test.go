package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"magpie/server/chat"
)

// The test binary is also the process that TestCrash kills: then this names its data folder.
const crashDir = "STORE_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled appends for ever and prints what is acknowledged: "stream seq cid".
func writeUntilKilled(dir string) {
	s, err := Open(context.Background(), Options{Dir: dir, Log: quiet})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for i := range 16 {
		go func() {
			from := []string{"ann", "bo", "cy", "di"}[i%4]
			for n := 0; ; n++ {
				done := make(chan chat.Appended, 1)
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), i, n)
				s.Append(chat.Append{Stream: pair(from, "ann"), Sender: from, CID: []byte(id), Payload: []byte("0000 text"),
					Done: func(r chat.Appended) { done <- r }})
				r := <-done
				fmt.Printf("%d %d %s\n", r.StreamID, r.Seq, id) // one write, whole lines
			}
		}()
	}
	select {}
}

// TestCrash kills a writing process a few times. Everything that it was told is durable must be there once, in its place.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, Log: quiet})
	check(t, err)
	populate(t, s)
	check(t, s.Close())
	type place struct {
		stream int64
		seq    uint64
	}
	acknowledged := map[place]string{}
	for range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out := must(cmd.StdoutPipe())(t)
		check(t, cmd.Start())
		lines, kill := bufio.NewReader(out), 200+rand.IntN(800)
		for n := 0; ; n++ {
			line, err := lines.ReadString('\n')
			if errors.Is(err, io.EOF) {
				break
			}
			check(t, err)
			var p place
			var id string
			if _, err := fmt.Sscan(line, &p.stream, &p.seq, &id); err != nil {
				t.Fatalf("the writer says %q", line)
			}
			if other := acknowledged[p]; other != "" {
				t.Fatalf("%s and %s both have place %+v", other, id, p)
			}
			acknowledged[p] = id
			if n == kill {
				check(t, cmd.Process.Kill())
			}
		}
		_ = cmd.Wait() // killed
	}
	s = open(t, dir)
	stored := 0
	for _, from := range []string{"ann", "bo", "cy", "di"} {
		st := must(s.Stream(t.Context(), pair(from, "ann")))(t)
		entries := must(s.Read(t.Context(), st.ID, 0, 1_000_000))(t)
		ids := map[string]bool{}
		for i, e := range entries {
			if e.Seq != uint64(i)+1 || ids[string(e.CID)] {
				t.Fatalf("entry %d of %s has seq %d and id %s", i, from, e.Seq, e.CID)
			}
			ids[string(e.CID)] = true
			if want, ok := acknowledged[place{st.ID, e.Seq}]; ok {
				if want != string(e.CID) {
					t.Fatalf("place %d of %s holds %s, acknowledged was %s", e.Seq, from, e.CID, want)
				}
				stored++
			}
		}
		if uint64(len(entries)) != st.Head {
			t.Errorf("%d entries below head %d", len(entries), st.Head)
		}
	}
	if stored != len(acknowledged) {
		t.Errorf("of %d acknowledged messages %d are stored", len(acknowledged), stored)
	}
}

// tinyDisk mounts a file system of 8 MiB.
func tinyDisk(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounting a small disk needs root on Linux")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small disk can't be mounted here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	return dir
}

// TestFullDisk fills the disk under load. Nothing is acknowledged that is not stored; changes and readiness fail at once; when there is
// room again all goes on, in order and without a gap.
func TestFullDisk(t *testing.T) {
	disk := tinyDisk(t)
	s := open(t, filepath.Join(disk, "data"))
	populate(t, s)
	seen := &recorder{}
	s.Observe(seen)
	check(t, s.Ready(t.Context()))

	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 8<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	const messages = 100
	done := make(chan chat.Appended, messages)
	for range messages {
		s.Append(chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Payload: []byte("0000" + strings.Repeat("x", 20_000)),
			Done: func(r chat.Appended) { done <- r }})
	}
	// Each try fails at once; what is not held says so.
	refused(t, s.Ready(t.Context()), chat.Unavailable)
	_, err := s.PutContact(t.Context(), "acme", "ann", chat.Member, "bo", "")
	refused(t, err, chat.Unavailable)
	saved := make(chan error, 1)
	sess := &chat.Session{EID: "acme", UID: "ann", ClientID: "c"}
	s.SaveSession(sess, func(err error) { saved <- err })
	if n := len(done); n > 0 {
		t.Errorf("%d messages are acknowledged", n)
	}
	if st := must(s.Stream(t.Context(), pair("ann", "bo")))(t); st.Head != 0 { // reading goes on
		t.Errorf("head %d", st.Head)
	}

	check(t, os.Remove(filler))
	for i := range messages {
		if r := <-done; r.Err != nil || r.Seq != uint64(i)+1 {
			t.Fatalf("message %d: %+v", i, r)
		}
	}
	check(t, <-saved)
	if sess.ID == 0 {
		t.Error("the session has no id")
	}
	check(t, s.Ready(t.Context()))
	if st := must(s.Stream(t.Context(), pair("ann", "bo")))(t); st.Head != messages || len(seen.entries) != messages {
		t.Errorf("head %d, %d observed, want %d", st.Head, len(seen.entries), messages)
	}
}

// TestFullQueue has more appends wait than the queue holds, and changes in the background beside them: those never wait.
func TestFullQueue(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Log: quiet, QueueSize: 4})
	check(t, err)
	defer func() { check(t, s.Close()) }()
	populate(t, s)
	hold, held := make(chan struct{}), make(chan struct{})
	s.changeLater(func(*tx) error { close(held); <-hold; return nil }, nil)
	<-held
	done := make(chan chat.Appended, 8)
	blocked := make(chan struct{})
	go func() {
		for range cap(done) {
			s.Append(chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Payload: []byte("0000"), Done: func(r chat.Appended) { done <- r }})
		}
		close(blocked)
	}()
	for s.waiting() < 4 {
		runtime.Gosched()
	}
	saved := make(chan error, 1)
	s.SaveSession(&chat.Session{EID: "acme", UID: "ann", ClientID: "c"}, func(err error) { saved <- err }) // returns although the queue is full
	select {
	case <-blocked:
		t.Error("eight appends went into a queue of four")
	default:
	}
	close(hold)
	<-blocked
	for range cap(done) {
		check(t, (<-done).Err)
	}
	check(t, <-saved)
}

func (s *Store) waiting() int {
	s.w.queue.mu.Lock()
	defer s.w.queue.mu.Unlock()
	return s.w.queue.appends
}

// TestCloseGivesUp closes a store whose disk stays full: what waits is refused.
func TestCloseGivesUp(t *testing.T) {
	disk := tinyDisk(t)
	s, err := Open(t.Context(), Options{Dir: filepath.Join(disk, "data"), Log: quiet})
	check(t, err)
	populate(t, s)
	_ = os.WriteFile(filepath.Join(disk, "filler"), make([]byte, 8<<20), 0o600)
	done := make(chan chat.Appended, 1)
	s.Append(chat.Append{Stream: pair("ann", "bo"), Sender: "ann", Payload: make([]byte, 4<<20), Done: func(r chat.Appended) { done <- r }})
	refused(t, s.Ready(t.Context()), chat.Unavailable)
	s.w.close(time.Millisecond)
	refused(t, (<-done).Err, chat.Unavailable)
	check(t, s.Close())
}
