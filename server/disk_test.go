package main

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
	"magpie/server/payload"
)

// smallDisk mounts a file system of its own for a data folder, and returns the path.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("only root on Linux can mount a small file system for this")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no small file system can be mounted here: %v, %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v, %s", err, out)
		}
	})
	return dir
}

// writeBallast writes a file until the disk is full.
func writeBallast(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 1 << 20; n > 0; {
		if _, err := f.Write(make([]byte, n)); err != nil {
			n /= 2
		}
	}
}

// diskTest is a server on a small disk, someone who writes and someone who reads.
type diskTest struct {
	*server
	t          *testing.T
	dir        string
	alice, bob *client
	session    dialOptions
	token      string
	base       uint64 // the conversation's last seq before the test
	sent       []string
	acked      map[uint16]bool
	got        []string
}

func (d *diskTest) up() {
	d.t.Helper()
	d.server = serve(d.t, []string{"http", "mqtt"}, "--demo", "--data", d.dir, "--limit-publish-rate", "0")
	n := &node{t: d.t, addr: d.lines}
	if d.token == "" {
		d.token = d.server.token("alice")
		d.session = dialOptions{id: "reader", expiry: 3600, password: d.server.token("bob")}
	}
	d.alice, _ = n.dial("alice", dialOptions{clean: true, password: d.token})
	d.alice.next = uint16(len(d.sent))
	d.bob, _ = n.dial("bob", d.session)
}

// send publishes without waiting.
func (d *diskTest) send(count, size int) {
	for range count {
		text := fmt.Sprintf("%d %s", len(d.sent), strings.Repeat("x", size))
		d.sent = append(d.sent, text)
		d.alice.next++
		d.alice.write(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, PacketID: d.alice.next, TopicName: topicOf("im/u", "bob"),
			Payload: im(chat.IMPair, "alice", text), Properties: packets.Properties{CorrelationData: fmt.Appendf(nil, "disk-%08d", len(d.sent))}})
	}
}

// look takes what has come for both by now.
func (d *diskTest) look() {
	d.t.Helper()
	for {
		select {
		case pk := <-d.alice.in:
			if pk.FixedHeader.Type == packets.Puback {
				if pk.ReasonCode != 0 || d.acked[pk.PacketID] {
					d.t.Fatalf("message %d is acknowledged with %#x, before: %v", pk.PacketID, pk.ReasonCode, d.acked[pk.PacketID])
				}
				d.acked[pk.PacketID] = true
			}
		case pk := <-d.bob.in:
			if pk.FixedHeader.Type != packets.Publish || pk.TopicName != topicOf("im/u", "bob") {
				continue
			}
			m, err := payload.DecodeIM(pk.Payload)
			if err != nil {
				d.t.Fatal(err)
			}
			d.got = append(d.got, payload.Text(m))
		default:
			return
		}
	}
}

func (d *diskTest) until(what string, ok func() bool) {
	d.t.Helper()
	end := time.Now().Add(2 * patience)
	for d.look(); !ok(); d.look() {
		if time.Now().After(end) {
			d.t.Fatalf("waited in vain for %s: %d of %d acknowledged, %d came", what, len(d.acked), len(d.sent), len(d.got))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (d *diskTest) ready() int {
	status, _ := d.call("GET", "/readyz", "", nil)
	return status
}

func (d *diskTest) settled() bool { return len(d.acked) == len(d.sent) && len(d.got) >= len(d.sent) }

// overMQTT leaves out the messages over HTTP: those may come before or after others that were on their way.
func overMQTT(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return strings.HasSuffix(s, " over HTTP") })
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "24m")
	d := &diskTest{t: t, dir: filepath.Join(disk, "demo"), acked: map[uint16]bool{}}
	d.up()
	for _, m := range d.history(d.token, "u:bob", 0) {
		d.base = uint64(m["seq"].(float64))
	}
	d.send(20, 100)
	d.until("the first messages", d.settled)
	ballast := filepath.Join(disk, "ballast")
	writeBallast(t, ballast)
	// What the database has allocated it may still fill, so this can take some messages.
	d.until("the disk to be full", func() bool {
		if len(d.sent)-len(d.acked) < 100 {
			d.send(20, 15000)
		}
		return d.ready() == http.StatusServiceUnavailable
	})
	waiting := len(d.sent)
	d.send(20, 100)
	say := map[string]any{"id": hex.EncodeToString([]byte("disk-http")),
		"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": fmt.Sprint(waiting+20, " over HTTP")}}}}
	status, problem := d.call("POST", "/api/v1/conversations/u:bob/messages", d.token, say)
	if status != http.StatusServiceUnavailable || problem["title"] == nil || problem["detail"] == nil || strings.Contains(fmt.Sprint(problem), "disk") {
		t.Errorf("HTTP answers %d %v", status, problem)
	}
	if status := d.ready(); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d", status)
	}
	d.look()
	for pid := waiting + 1; pid <= len(d.sent); pid++ {
		if d.acked[uint16(pid)] {
			t.Fatalf("message %d is acknowledged though nothing can be stored", pid)
		}
	}
	if status, answer := d.call("GET", "/api/v1/conversations", d.token, nil); status != http.StatusOK {
		t.Errorf("reading answers %d %v", status, answer)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	d.until("/readyz", func() bool { return d.ready() == http.StatusOK })
	d.sent = append(d.sent, fmt.Sprint(waiting+20, " over HTTP"))
	d.alice.next++
	d.acked[d.alice.next] = true
	if status, answer := d.call("POST", "/api/v1/conversations/u:bob/messages", d.token, say); status != http.StatusCreated {
		t.Errorf("the repeat over HTTP is answered %d %v", status, answer)
	}
	d.until("what waited", d.settled)
	d.send(1, 1)
	d.until("one more", d.settled)
	if !slices.Equal(overMQTT(d.got), overMQTT(d.sent)) || len(d.got) != len(d.sent) || !slices.Contains(d.got, d.sent[waiting+20]) {
		t.Fatalf("bob got %d messages, not the %d in order", len(d.got), len(d.sent))
	}
	d.Process.Kill()
	d.Wait()
	d.up()
	if status := d.ready(); status != http.StatusOK {
		t.Errorf("/readyz answers %d after the restart", status)
	}
	stored := d.history(d.token, "u:bob", d.base)
	if len(stored) != len(d.sent) {
		t.Fatalf("%d messages are stored, want %d", len(stored), len(d.sent))
	}
	for i, m := range stored {
		text := m["media"].([]any)[0].(map[string]any)["content"].(map[string]any)["co"]
		if text != d.got[i] || m["seq"] != float64(d.base)+float64(i)+1 {
			t.Fatalf("message %d is %v", i, m)
		}
	}
	// Of what bob had, some may come again; it goes on with the next.
	d.send(1, 1)
	last := d.sent[len(d.sent)-1]
	d.until("the session to go on", func() bool { return slices.Contains(d.got, last) })
	d.until("the acknowledgement", func() bool { return len(d.acked) == len(d.sent) })
	d.got = append(d.got[:len(stored)], last) // without what came again
}

// The folder can't be made read-only under a running server: the kernel refuses it while files are open.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, "24m")
	d := &diskTest{t: t, dir: filepath.Join(disk, "demo"), acked: map[uint16]bool{}}
	d.up()
	d.send(20, 100)
	d.until("the first messages", d.settled)
	d.Process.Kill()
	d.Wait()
	remount := func(how string) {
		t.Helper()
		if out, err := exec.Command("mount", "-o", "remount,"+how, disk).CombinedOutput(); err != nil {
			t.Fatalf("remount: %v, %s", err, out)
		}
	}
	remount("ro")
	if said := refused(t, "--demo", "--data", d.dir); !strings.Contains(said, "read-only") || !strings.Contains(said, d.dir) {
		t.Errorf("a read-only folder is refused by %q", said)
	}
	remount("rw")
	d.up()
	d.send(20, 100)
	d.until("messages after all", d.settled)
	if last := d.got[len(d.got)-20:]; !slices.Equal(last, d.sent[20:]) {
		t.Errorf("bob got %q", last)
	}
}
