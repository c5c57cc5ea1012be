package media

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"magpie/media/s3test"
	"magpie/server/chat"
)

// proxy passes connections on to a server, and cuts them all when so many more bytes have gone up.
type proxy struct {
	addr string
	to   string

	mu    sync.Mutex // guards below
	left  int64      // below 0: no end
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &proxy{addr: l.Addr().String(), to: to, left: -1, conns: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer s.Close()
	p.mu.Lock()
	p.conns[c] = true
	p.mu.Unlock()
	go func() {
		_, _ = io.Copy(c, s)
		c.Close()
	}()
	b := make([]byte, 32<<10)
	for {
		n, err := c.Read(b)
		p.mu.Lock()
		cut := p.left >= 0 && p.left < int64(n)
		if p.left >= 0 && !cut {
			p.left -= int64(n)
		}
		p.mu.Unlock()
		if cut {
			p.cut(0)
			return
		}
		if _, e := s.Write(b[:n]); err != nil || e != nil {
			return
		}
	}
}

// cut ends all connections, and from now on those that bring more than left bytes together; -1 heals.
func (p *proxy) cut(left int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = left
	for c := range p.conns {
		if left == 0 {
			c.Close()
			delete(p.conns, c)
		}
	}
}

// TestStoreThatFails stops MinIO, cuts its line in the middle of a part, and goes on: nothing is lost, and every error says that it is the
// store's.
func TestStoreThatFails(t *testing.T) {
	s3test.SetKeys(t)
	server := s3test.MinIO(t)
	line := newProxy(t, server.Addr)
	l, st, _ := library(t)
	s, err := Open(t.Context(), "s3://files?endpoint=http://"+line.addr)
	if err != nil {
		t.Fatal(err)
	}
	l.Store = s
	b := noise(3*piece + 1000)
	u, err := l.Begin(t.Context(), "acme", "alice", chat.UploadFile{Name: "a.bin", Purpose: chat.ForMessage}, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	send := func(upTo int) error {
		v, err := st.Upload(t.Context(), "acme", "alice", u.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Continue(t.Context(), "acme", "alice", u.ID, v.Offset, part{bytes.NewReader(b[v.Offset:upTo])})
		return err
	}
	offset := func() int64 {
		v, err := st.Upload(t.Context(), "acme", "alice", u.ID)
		if err != nil {
			t.Fatal(err)
		}
		return v.Offset
	}
	down := func(what string, err error) {
		t.Helper()
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != chat.Unavailable || e.Problem != chat.ProblemMediaUnavailable || e.RetryAfter == 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := send(piece + 700); err != nil || offset() != piece+700 {
		t.Fatalf("%d bytes: %v", offset(), err)
	}

	// The line is cut in the middle of the second part, also when it is tried again.
	line.cut(piece / 2)
	down("cut in a part", send(len(b)))
	if n := offset(); n != piece+700 {
		t.Errorf("%d bytes count", n)
	}
	down("a small file while the line is cut", func() error {
		_, err := l.Add(t.Context(), "acme", "alice", chat.UploadFile{Name: "b", Purpose: chat.ForMessage}, strings.NewReader("small"), 5)
		return err
	}())
	if l.Ready(t.Context()) == nil {
		t.Error("ready without a line")
	}
	line.cut(-1)
	if err := send(2*piece + 5); err != nil {
		t.Fatalf("healed: %v", err)
	}

	// The server dies, and comes back with what it had.
	server.Stop()
	down("without a server", send(len(b)))
	server.Start()
	if err := send(len(b)); err != nil {
		t.Fatalf("the server is back: %v", err)
	}
	deadline := time.Now().Add(30 * time.Second)
	v := u
	for v.State != chat.UploadDone && time.Now().Before(deadline) {
		if v, err = l.Upload(t.Context(), "acme", "alice", u.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, blob, err := l.Open(t.Context(), "acme", "alice", v.FileID, "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Read(t.Context(), blob, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if errors.Join(err, r.Close()) != nil || !bytes.Equal(got, b) {
		t.Errorf("%d bytes, other ones: %v", len(got), err)
	}

	// Reading without a server.
	server.Stop()
	_, err = l.Read(t.Context(), blob, 0)
	down("read without a server", err)
}
