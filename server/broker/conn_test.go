package broker

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func TestBytesBothWays(t *testing.T) {
	in := append([]byte{0x10, 1}, numbers(200_000)...) // less than may be queued
	each(t, listenerOptions{}, func(c *conn) error {
		c.signedIn(0, nil)
		_, err := io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 512))
		return err
	}, func(t *testing.T, x *transport, client net.Conn) {
		go func() {
			for rest := in; len(rest) > 0; {
				n := min(len(rest), 1+len(rest)/7)
				if _, err := client.Write(rest[:n]); err != nil {
					t.Error(err)
				}
				rest = rest[n:]
			}
		}()
		got := make([]byte, len(in))
		if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, in) {
			t.Fatalf("error %v, equal %v", err, bytes.Equal(got, in))
		}
		client.Close()
		x.ended()
	})
}

func TestSlowReaderGetsAllInOrder(t *testing.T) {
	each(t, listenerOptions{}, nil, func(t *testing.T, x *transport, client net.Conn) {
		c := x.conn()
		drained := make(chan struct{}, 1)
		c.signedIn(0, func() { drained <- struct{}{} })
		message := numbers(8000)
		frame := message
		if c.isWS() {
			frame = append(wsHeader(nil, wsBinary, len(message)), message...)
		}
		var sent int
		fill := func() {
			for range 100_000 {
				err := c.trySend(frame)
				if err == errBacklog {
					if !c.backlogged() {
						return // it has drained in between
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				sent++
			}
			t.Fatal("a client that does not read takes everything")
		}
		fill()
		c.mu.Lock()
		queued := len(c.queue) + c.writing
		c.mu.Unlock()
		if queued > tlsBacklog+2*len(frame) {
			t.Errorf("%d bytes are queued by trySend", queued)
		}
		if _, err := c.Write([]byte("answer")); err != nil { // goes behind what is queued
			t.Fatal(err)
		}
		type result struct {
			n   int
			err error
		}
		read := make(chan result)
		go func() {
			got := make([]byte, len(message))
			for i := range sent {
				if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, message) {
					read <- result{i, errors.Join(err, errors.New("wrong bytes"))}
					return
				}
			}
			_, err := io.ReadFull(client, got[:6])
			if err == nil && string(got[:6]) != "answer" {
				err = errors.New("the answer is not in its place")
			}
			read <- result{sent, err}
		}()
		receive(t, drained)
		if r := receive(t, read); r.err != nil {
			t.Fatalf("message %d of %d: %v", r.n, sent, r.err)
		}
		if c.backlogged() {
			t.Error("still backed up")
		}
		if err := c.trySend(frame); err != nil {
			t.Error(err)
		}
	})
}

func TestOverflowCutsOff(t *testing.T) {
	each(t, listenerOptions{}, nil, func(t *testing.T, x *transport, client net.Conn) {
		c := x.conn()
		var err error
		for range 100_000 {
			if _, err = c.Write(numbers(8000)); err != nil {
				break
			}
		}
		if err != errOverflow {
			t.Fatalf("error %v, want %v", err, errOverflow)
		}
		if err := x.ended(); err != errOverflow {
			t.Errorf("ended by %v, want %v", err, errOverflow)
		}
		if c.trySend([]byte("x")) == nil {
			t.Error("sends after its end")
		}
	})
}

// A DISCONNECT must reach a client that is sending and has not read for a while.
func TestLastPacketArrives(t *testing.T) {
	for name, backlog := range map[string]bool{"": false, "Backlog": true} {
		t.Run("Queue"+name, func(t *testing.T) {
			each(t, listenerOptions{}, func(c *conn) error {
				c.signedIn(0, nil)
				_, err := io.ReadFull(c, make([]byte, 2))
				for i := 0; backlog && !c.backlogged(); i++ {
					if err := c.trySend(append(wsHeader(nil, wsBinary, 8000), make([]byte, 8000)...)); err != nil {
						return err
					}
				}
				if _, err := c.Write([]byte("goodbye!")); err != nil {
					return err
				}
				return err
			}, func(t *testing.T, x *transport, client net.Conn) {
				if _, err := client.Write(append([]byte{0x10, 1}, make([]byte, 50_000)...)); err != nil { // most of it stays unread
					t.Fatal(err)
				}
				if !backlog {
					if err := x.ended(); err != nil {
						t.Fatal(err)
					}
				}
				got, err := io.ReadAll(rawOrFramed(client))
				if s, ok := client.(*wsStream); ok {
					if s.closed != wsNormal {
						t.Errorf("closed with code %d after error %v", s.closed, err)
					}
				} else if err != nil {
					t.Error(err)
				}
				if !bytes.HasSuffix(got, []byte("goodbye!")) {
					t.Errorf("read %d bytes without the last packet", len(got))
				}
			})
		})
	}
}

// rawOrFramed reads a WebSocket's frames only up to its close frame.
func rawOrFramed(client net.Conn) io.Reader {
	if s, ok := client.(*wsStream); ok {
		return untilClose{s}
	}
	return client
}

type untilClose struct{ s *wsStream }

func (u untilClose) Read(p []byte) (int, error) {
	n, err := u.s.Read(p)
	if u.s.closed != 0 {
		err = io.EOF
	}
	return n, err
}

func TestCloseOfAClientThatVanishedEnds(t *testing.T) {
	each(t, listenerOptions{}, nil, func(t *testing.T, x *transport, client net.Conn) {
		c := x.conn()
		c.signedIn(0, nil)
		for !c.backlogged() {
			if err := c.trySend(numbers(8000)); err != nil {
				t.Fatal(err)
			}
		}
		c.close(wsGoingAway) // the client never reads, nor closes
		if err := x.ended(); err != nil {
			t.Error(err)
		}
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("writes after its close")
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("reads %d, %v after its close", n, err)
		}
		// Cleanup waits for the connection to be gone.
	})
}

func TestClientThatResets(t *testing.T) {
	x := startTransport(t, listenerOptions{}, false, nil)
	client := x.dial()
	c := x.conn()
	c.signedIn(0, nil)
	_ = client.(*net.TCPConn).SetLinger(0)
	client.Close()
	if err := x.ended(); err == nil {
		t.Error("no error")
	}
}

// What a client sent before it closed is read although sending to it fails.
func TestPacketsBeforeAReset(t *testing.T) {
	var got []byte
	sent := make(chan struct{})
	x := startTransport(t, listenerOptions{}, false, func(c *conn) error {
		c.signedIn(0, nil)
		<-sent
		for c.trySend([]byte("more")) == nil { // until the reset has come
		}
		var err error
		got, err = io.ReadAll(c)
		return err
	})
	client := x.dial()
	if _, err := client.Write([]byte{0x10, 0, 0xe0, 0}); err != nil {
		t.Fatal(err)
	}
	client.Close()
	close(sent)
	x.ended()
	if !bytes.Equal(got, []byte{0x10, 0, 0xe0, 0}) {
		t.Errorf("read %x", got)
	}
}

func TestKeepAlive(t *testing.T) {
	each(t, listenerOptions{}, func(c *conn) error {
		c.signedIn(50*time.Millisecond, nil)
		_, err := io.Copy(io.Discard, c)
		return err
	}, func(t *testing.T, x *transport, client net.Conn) {
		if _, err := client.Write([]byte{0x10, 0}); err != nil {
			t.Fatal(err)
		}
		if err := x.ended(); err != errKeepAlive {
			t.Errorf("ended by %v, want %v", err, errKeepAlive)
		}
	})
}

func TestKeepAliveOfNone(t *testing.T) {
	x := startTransport(t, listenerOptions{connectTimeout: 200 * time.Millisecond}, false, func(c *conn) error {
		c.signedIn(0, nil)
		_, err := io.Copy(c, struct{ io.Reader }{c})
		return err
	})
	client := x.dial()
	c := x.conn()
	<-time.After(300 * time.Millisecond) // the deadline for CONNECT passes
	if _, err := client.Write([]byte{0xc0, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, 2)); err != nil {
		t.Error(err)
	}
	c.close(wsNormal)
	x.ended()
}

func TestNoConnect(t *testing.T) {
	for _, secure := range []bool{false, true} {
		x := startTransport(t, listenerOptions{connectTimeout: 50 * time.Millisecond}, secure, nil)
		nc, err := net.Dial("tcp", x.tcp.Addr().String()) // a TLS client would have to begin
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if err := x.ended(); !secure && err != errNoConnect || err == nil {
			t.Errorf("TLS %v: ended by %v", secure, err)
		}
		x.dialWS()
		if err := x.ended(); err != errNoConnect {
			t.Errorf("WebSocket, TLS %v: ended by %v", secure, err)
		}
	}
}

func TestFirstPacketTooLarge(t *testing.T) {
	each(t, listenerOptions{}, nil, func(t *testing.T, x *transport, client net.Conn) {
		for _, b := range []byte{0x10, 0x81, 0x80, 0x01} { // 16,385 bytes
			if _, err := client.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if err := x.ended(); err != errFirstTooBig {
			t.Errorf("ended by %v, want %v", err, errFirstTooBig)
		}
		if s, ok := client.(*wsStream); ok {
			if _, err := io.ReadAll(untilClose{s}); err != nil || s.closed != wsTooBig {
				t.Errorf("closed with %d, %v", s.closed, err)
			}
		}
	})
	var f firstPacket
	if !f.allow([]byte{0x10}, 16<<10) || !f.allow([]byte{0x80, 0x80}, 16<<10) || !f.allow([]byte{0x01, 0xff, 0xff, 0xff, 0xff}, 16<<10) {
		t.Error("refused a first packet of 16,384 bytes, or what comes after it")
	}
	f = firstPacket{}
	if f.allow([]byte{0x10, 0xff, 0xff, 0xff, 0xff, 0xff}, 16<<10) {
		t.Error("took a length of five bytes")
	}
}

func TestPanicEndsOneConnection(t *testing.T) {
	log, said := logLines()
	x := startTransport(t, listenerOptions{log: log}, false, func(c *conn) error {
		b := make([]byte, 1)
		if _, err := c.Read(b); err != nil {
			return err
		}
		if b[0] == 'p' {
			panic("secret of the packet: " + string(b[:0]) + "none")
		}
		c.signedIn(0, nil)
		_, err := io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		return err
	})
	other, bad := x.dial(), x.dial()
	if _, err := other.Write([]byte("oa")); err != nil {
		t.Fatal(err)
	}
	if _, err := bad.Write([]byte("p")); err != nil {
		t.Fatal(err)
	}
	if err := x.ended(); !errors.Is(err, errPanic) {
		t.Errorf("ended by %v", err)
	}
	if _, err := io.ReadFull(other, make([]byte, 1)); err != nil {
		t.Errorf("the other connection: %v", err)
	}
	if n := said("panic while serving"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	if len(x.ends) != 0 {
		t.Error("ended twice")
	}
}
