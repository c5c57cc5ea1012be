package broker

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// logLines is a log, and a function that counts its lines with a text.
func logLines() (*slog.Logger, func(text string) int) {
	w := &lockedBuffer{}
	return slog.New(slog.NewTextHandler(w, nil)), func(text string) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return strings.Count(w.b.String(), text)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *lockedBuffer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func TestUpgradeRefused(t *testing.T) {
	x := startTransport(t, listenerOptions{}, false, nil)
	for _, c := range []struct {
		name   string
		method string
		header map[string]string
		code   int
		says   string
	}{
		{"a page view", "GET", map[string]string{"Connection": "", "Upgrade": ""}, 400, "MQTT over WebSocket"},
		{"a proxy that drops Upgrade", "GET", map[string]string{"Upgrade": ""}, 400, "headers Connection and Upgrade"},
		{"POST", "POST", nil, 405, "GET"},
		{"version 8", "GET", map[string]string{"Sec-Websocket-Version": "8"}, 426, "version 13"},
		{"no key", "GET", map[string]string{"Sec-Websocket-Key": ""}, 400, "Sec-WebSocket-Key"},
		{"short key", "GET", map[string]string{"Sec-Websocket-Key": "AAAA"}, 400, "Sec-WebSocket-Key"},
		{"no subprotocol", "GET", map[string]string{"Sec-Websocket-Protocol": ""}, 400, "subprotocol mqtt"},
		{"another subprotocol", "GET", map[string]string{"Sec-Websocket-Protocol": "mqttv3.1, chat"}, 400, "subprotocol mqtt"},
		{"another origin", "GET", map[string]string{"Origin": "https://evil.example"}, 403, "origin"},
		{"origin null", "GET", map[string]string{"Origin": "null"}, 403, "origin"},
	} {
		req, err := http.NewRequest(c.method, x.web.URL+"/mqtt", nil)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range map[string]string{"Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13",
			"Sec-Websocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-Websocket-Protocol": "mqtt"} {
			req.Header.Set(k, v)
		}
		for k, v := range c.header {
			if req.Header.Del(k); v != "" {
				req.Header.Set(k, v)
			}
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.code || !strings.Contains(string(body), c.says) || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %q; want %d with %q", c.name, resp.StatusCode, body, c.code, c.says)
		}
	}
}

func TestUpgradeUnderEcho(t *testing.T) {
	x := startTransport(t, listenerOptions{address: func(r *http.Request) string { return r.Header.Get("X-Real-Ip") }}, false, func(c *conn) error {
		_, err := io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		return err
	})
	e := echo.New()
	e.Use(middleware.Gzip(), middleware.Secure(), middleware.Recover())
	e.GET("/mqtt", echo.WrapHandler(x.l))
	web := httptest.NewServer(e)
	defer web.Close()
	header := http.Header{"Origin": {web.URL}, "X-Real-Ip": {"192.0.2.7"}, "Accept-Encoding": {"gzip"}}
	d := websocket.Dialer{Subprotocols: []string{"wamp", "mqtt"}}
	ws, resp, err := d.Dial("ws"+web.URL[len("http"):]+"/mqtt", header)
	if err != nil {
		t.Fatal(err, resp)
	}
	defer ws.Close()
	if ws.Subprotocol() != "mqtt" {
		t.Errorf("subprotocol %q", ws.Subprotocol())
	}
	if got := x.conn().remoteAddr(); got != "192.0.2.7" {
		t.Errorf("address %q", got)
	}
	if err := ws.WriteMessage(websocket.BinaryMessage, []byte{0xc0, 0}); err != nil {
		t.Fatal(err)
	}
	if typ, b, err := ws.ReadMessage(); err != nil || typ != websocket.BinaryMessage || !bytes.Equal(b, []byte{0xc0, 0}) {
		t.Errorf("got type %d, %x, %v", typ, b, err)
	}
	if err := ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Time{}); err != nil {
		t.Fatal(err)
	}
	_, _, err = ws.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
		t.Errorf("answer to the close frame: %v", err)
	}
	if err := x.ended(); err != nil {
		t.Errorf("ended by %v", err)
	}
}

// The packets before a close frame or a breach are read, and answered, before the connection closes.
func TestWebSocketEnds(t *testing.T) {
	packet := final(wsBinary, "\xe0\x00")
	for _, c := range []struct {
		name string
		in   []byte
		code uint16
		err  error
	}{
		{"text", final(wsText, "hello"), wsUnsupported, errWSText},
		{"unmasked", []byte{0x82, 1, 'a'}, wsProtocol, errWSUnmasked},
		{"fragmented control frame", clientFrame(wsPing, nil), wsProtocol, errWSControl},
		{"reserved bit", final(wsBinary|0x40, "a"), wsProtocol, errWSReserved},
		{"frame above the limit", append([]byte{0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0}, 1, 2, 3, 4), wsTooBig, errWSTooBig},
		{"empty frames", bytes.Repeat(final(wsBinary, ""), 10_000), wsPolicy, errWSEmpty},
		{"close", final(wsClose, "\x03\xe9bye"), wsNormal, nil},
		{"empty close", final(wsClose, ""), wsNormal, nil},
		{"wrong close", final(wsClose, "\x03\xed"), wsProtocol, errWSCloseCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []byte
			x := startTransport(t, listenerOptions{}, false, func(nc *conn) error {
				var err error
				got, err = io.ReadAll(nc)
				return err
			})
			client := &wsStream{Conn: x.dialWS().NetConn()}
			if _, err := client.Conn.Write(append(bytes.Clone(packet), c.in...)); err != nil {
				t.Fatal(err)
			}
			if err := x.ended(); err != c.err && !(err == nil && c.err == nil) {
				t.Errorf("ended by %v, want %v", err, c.err)
			}
			if string(got) != "\xe0\x00" {
				t.Errorf("read %x", got)
			}
			if _, err := io.ReadAll(untilClose{client}); err != nil || client.closed != c.code {
				t.Errorf("closed with %d, %v; want %d", client.closed, err, c.code)
			}
		})
	}
}

func TestFragmentsAndPings(t *testing.T) {
	x := startTransport(t, listenerOptions{}, false, func(c *conn) error {
		c.signedIn(0, nil)
		_, err := io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, make([]byte, 512))
		return err
	})
	ws := x.dialWS()
	pongs := make(chan string, 10)
	ws.SetPongHandler(func(s string) error { pongs <- s; return nil })
	in := append([]byte{0x10, 1}, numbers(5000)...)
	w, err := ws.NextWriter(websocket.BinaryMessage) // fragments of its buffer's size
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range [][]byte{in[:1], in[1:1500], in[1500:]} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if err := ws.WriteControl(websocket.PingMessage, []byte("are you there?"), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for len(got) < len(in) {
		_, b, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b...)
	}
	if !bytes.Equal(got, in) {
		t.Error("other bytes")
	}
	if p := receive(t, pongs); p != "are you there?" {
		t.Errorf("pong %q", p)
	}
}

// A client that pings and never reads costs no memory.
func TestPingFlood(t *testing.T) {
	each(t, listenerOptions{}, nil, func(t *testing.T, x *transport, client net.Conn) {
		s, ok := client.(*wsStream)
		if !ok {
			t.Skip("no pings here")
		}
		c := x.conn()
		c.signedIn(0, nil)
		for !c.backlogged() {
			if err := c.trySend(append(wsHeader(nil, wsBinary, 8000), make([]byte, 8000)...)); err != nil {
				t.Fatal(err)
			}
		}
		queued := func() int { c.mu.Lock(); defer c.mu.Unlock(); return len(c.queue) + c.writing + len(c.pong) }
		before := queued()
		flood := bytes.Repeat(final(wsPing, strings.Repeat("x", 125)), 20_000)
		flood = append(flood, final(wsPing, "the last")...)
		flood = append(flood, final(wsBinary, "\xc0\x00")...)
		done := make(chan error, 1)
		go func() { _, err := s.Conn.Write(flood); done <- err }()
		if err := receive(t, done); err != nil {
			t.Fatal(err)
		}
		if after := queued(); after > before+125 {
			t.Errorf("%d bytes queued before the pings, %d after", before, after)
		}
	})
}

func TestTooManyUnverified(t *testing.T) {
	log, said := logLines()
	x := startTransport(t, listenerOptions{unverified: 2, log: log}, false, nil)
	x.dial()
	x.dialWS()
	first, second := x.conn(), x.conn()
	for range 3 {
		if _, err := x.dial().Read(make([]byte, 1)); err == nil || errors.Is(err, io.ErrNoProgress) {
			t.Errorf("a third connection: %v", err)
		}
	}
	_, resp, err := websocket.DefaultDialer.Dial("ws"+x.web.URL[len("http"):]+"/mqtt", http.Header{"Sec-Websocket-Protocol": {"mqtt"}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a third WebSocket: %v, %v", err, resp)
	}
	if n := said("turning new ones away"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	first.signedIn(0, nil) // makes room
	x.dial()
	x.conn()
	second.Close()
	x.ended()
	x.dialWS()
	x.conn()
}

func TestStop(t *testing.T) {
	x := startTransport(t, listenerOptions{}, false, nil)
	x.dial()
	c := x.conn()
	x.l.stop()
	if nc, err := net.Dial("tcp", x.tcp.Addr().String()); err == nil {
		nc.Close()
		t.Error("still listens")
	}
	if _, resp, err := websocket.DefaultDialer.Dial("ws"+x.web.URL[len("http"):]+"/mqtt", http.Header{"Sec-Websocket-Protocol": {"mqtt"}}); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("WebSocket: %v, %v", resp, err)
	}
	if len(x.ends) != 0 {
		t.Error("it ends those that there are")
	}
	c.close(wsGoingAway)
	x.ended()
}
