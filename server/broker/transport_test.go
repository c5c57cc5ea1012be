package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience bounds what a test waits for; only a failing test uses it up.
const patience = 20 * time.Second

// transport is a listener whose connections the test serves in the broker's place.
type transport struct {
	t     *testing.T
	l     *listener
	conns chan *conn // to be served
	ends  chan error // told to the engine
	tcp   net.Listener
	web   *httptest.Server
}

// startTransport serves TCP, or TLS if secure, and WebSocket on the same terms. serve stands for the broker; nil reads to the end.
func startTransport(t *testing.T, opt listenerOptions, secure bool, serve func(*conn) error) *transport {
	t.Helper()
	x := &transport{t: t, conns: make(chan *conn, 1000), ends: make(chan error, 1000)}
	opt.ended = func(_ *conn, err error) { x.ends <- err }
	opt.serve = func(c *conn) error {
		x.conns <- c
		if serve != nil {
			return serve(c)
		}
		_, err := io.Copy(io.Discard, c)
		return err
	}
	x.l = newListener(opt)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x.web = httptest.NewUnstartedServer(x.l)
	if secure {
		ln = tls.NewListener(ln, serverTLS(t))
		x.web.TLS = serverTLS(t)
		x.web.StartTLS()
	} else {
		x.web.Start()
	}
	x.tcp = ln
	accepted := make(chan struct{})
	go func() { x.l.serve(ln); close(accepted) }()
	t.Cleanup(func() {
		x.l.stop()
		<-accepted
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := x.l.wait(ctx); err != nil {
			t.Error(err)
		}
		x.web.Close()
		if n := x.l.unverified.Load(); n != 0 {
			t.Errorf("%d connections are counted as not signed in after all have ended", n)
		}
	})
	return x
}

var serverTLS = func() func(t *testing.T) *tls.Config {
	var once sync.Once
	var cert tls.Certificate
	return func(t *testing.T) *tls.Config {
		once.Do(func() {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
			der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
			if err != nil {
				t.Fatal(err)
			}
			cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		})
		return &tls.Config{Certificates: []tls.Certificate{cert}}
	}
}()

var trusting = &tls.Config{InsecureSkipVerify: true} // of the test's own server

// dial opens a raw connection: TCP or TLS, as the transport has it.
func (x *transport) dial() net.Conn {
	x.t.Helper()
	nc, err := net.Dial("tcp", x.tcp.Addr().String())
	if err != nil {
		x.t.Fatal(err)
	}
	if x.web.TLS != nil {
		nc = tls.Client(nc, trusting)
		if err := nc.(*tls.Conn).Handshake(); err != nil {
			x.t.Fatal(err)
		}
	}
	x.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return nc
}

// dialWS opens a WebSocket with a client that is not ours.
func (x *transport) dialWS() *websocket.Conn {
	x.t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"mqtt"}, TLSClientConfig: trusting, WriteBufferSize: 512}
	ws, resp, err := d.Dial("ws"+x.web.URL[len("http"):]+"/mqtt", nil)
	if err != nil {
		x.t.Fatalf("dial: %v %v", err, resp)
	}
	x.t.Cleanup(func() { ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	return ws
}

func (x *transport) conn() *conn  { x.t.Helper(); return receive(x.t, x.conns) }
func (x *transport) ended() error { x.t.Helper(); return receive(x.t, x.ends) }

func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// each runs a test over every transport, with a client connection that carries MQTT bytes.
func each(t *testing.T, opt listenerOptions, serve func(*conn) error, f func(t *testing.T, x *transport, client net.Conn)) {
	for _, k := range []struct {
		name   string
		ws, on bool
	}{{"TCP", false, false}, {"TLS", false, true}, {"WebSocket", true, false}, {"WebSocketTLS", true, true}} {
		t.Run(k.name, func(t *testing.T) {
			x := startTransport(t, opt, k.on, serve)
			if k.ws {
				f(t, x, &wsStream{Conn: x.dialWS().NetConn()})
			} else {
				f(t, x, x.dial())
			}
		})
	}
}

// wsStream is the payload of the frames on a WebSocket.
type wsStream struct {
	net.Conn
	left   int
	closed uint16 // code of the close frame
}

func (s *wsStream) Write(p []byte) (int, error) {
	if _, err := s.Conn.Write(clientFrame(0x80|wsBinary, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *wsStream) Read(p []byte) (int, error) {
	for s.left == 0 {
		var h [10]byte
		if _, err := io.ReadFull(s.Conn, h[:2]); err != nil {
			return 0, err
		}
		switch n := h[1]; n {
		case 126:
			if _, err := io.ReadFull(s.Conn, h[2:4]); err != nil {
				return 0, err
			}
			s.left = int(binary.BigEndian.Uint16(h[2:]))
		case 127:
			if _, err := io.ReadFull(s.Conn, h[2:10]); err != nil {
				return 0, err
			}
			s.left = int(binary.BigEndian.Uint64(h[2:]))
		default:
			s.left = int(n)
		}
		if h[0] == 0x80|wsClose {
			if _, err := io.ReadFull(s.Conn, h[:2]); err != nil {
				return 0, err
			}
			s.left, s.closed = 0, binary.BigEndian.Uint16(h[:])
		}
	}
	n, err := s.Conn.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// numbers is n bytes in which every lost, doubled or moved piece shows.
func numbers(n int) []byte {
	b := make([]byte, 0, n+8)
	for i := uint64(0); len(b) < n; i++ {
		b = binary.BigEndian.AppendUint64(b, i)
	}
	return b[:n]
}
