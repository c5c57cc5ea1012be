package broker

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	errBacklog      = errors.New("connection is backed up")
	errOverflow     = errors.New("client does not read: too many bytes queued")
	errKeepAlive    = errors.New("keep alive timeout")
	errNoConnect    = errors.New("no CONNECT in time")
	errFirstTooBig  = &wsError{wsTooBig, "first packet too large"}
	errPeerClosedWS = &wsError{wsNormal, "closed by the client"}
)

// conn is a client's connection as mochi and the engine see it: a TCP or TLS connection, which carries MQTT as it is or in
// WebSocket frames.
//
// Read is for one goroutine; all else may be called from any. Nothing that sends ever blocks: what the socket does not take at once
// waits in a queue that a goroutine drains.
type conn struct {
	nc net.Conn
	rc syscall.RawConn // for writes without blocking; nil if there is no way (TLS)
	in *rawIO          // reads by way of rc; nil as rc is
	ln *listener

	session *session // the engine's

	remote string // the client's address where a proxy tells it, else ""
	origin string // of the page, where it is not one of the server's own, else ""
	ws     bool
	signed atomic.Bool // the client has signed in

	reading sync.Mutex // held by who reads from nc
	dec     wsDecoder
	first   firstPacket
	final   byte  // the last byte given to the reader; guarded by reading
	readErr error // what ended the reading; guarded by reading

	mu       sync.Mutex    // guards all below
	idle     time.Duration // longest silence, 0 for any
	last     time.Time     // when bytes came last
	queue    []byte        // waits for the drainer
	writing  int           // bytes that the drainer has in hand
	pong     []byte        // the ping to be answered; an unanswered one before it is forgotten (RFC 6455 §5.5.3)
	pinged   bool
	draining bool   // a drainer runs
	drained  func() // see signedIn
	owed     bool   // drained is to be called
	closing  bool
	closeBy  time.Time // when queued bytes are given up
	err      error     // why the connection broke
}

// Times and sizes of a connection. They are no settings: nobody would know a better value.
const (
	writeTimeout = 20 * time.Second // a client that takes no byte for so long is given up
	closeTimeout = time.Second      // for queued bytes to leave, and then for the client to close its side
	lingerBytes  = 256 << 10        // input that is read and thrown away while closing
	frameSlack   = 1 << 20          // bytes of a WebSocket frame above the packet limit: it may hold several packets
	queueSlack   = 128 << 10        // bytes queued above the packet limit: one packet and some answers
	tlsBacklog   = 64 << 10         // queued bytes from which a TLS connection counts as backed up
	maxPiece     = 16 << 10         // bytes that must leave within writeTimeout
)

func newConn(nc net.Conn, ws bool, ln *listener) *conn {
	c := &conn{nc: nc, ws: ws, ln: ln, dec: wsDecoder{limit: uint64(ln.opt.packetSize + frameSlack)}}
	if sc, ok := nc.(syscall.Conn); ok {
		if rc, err := sc.SyscallConn(); err == nil {
			c.rc, c.in = rc, newRawRead()
		}
	}
	return c
}

func (c *conn) isWS() bool           { return c.ws }
func (c *conn) LocalAddr() net.Addr  { return c.nc.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// remoteAddr is the client's IP address without a port; behind a proxy, the one that the proxy tells.
func (c *conn) remoteAddr() string {
	if c.remote != "" {
		return c.remote
	}
	host, _, err := net.SplitHostPort(c.nc.RemoteAddr().String())
	if err != nil {
		return c.nc.RemoteAddr().String()
	}
	return host
}

// The deadlines that mochi sets are not followed: see signedIn.
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// signedIn tells the connection that its client has signed in and with which Keep Alive (MQTT 5 §3.1.2.10): after a silence
// of one and a half times that reading ends. 0 is for none. Until then TLS, WebSocket and CONNECT together have one deadline.
// drained is called, without locks, when what was queued has left after trySend or backlogged told of a backlog.
func (c *conn) signedIn(keepAlive time.Duration, drained func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drained = drained
	c.idle = keepAlive + keepAlive/2
	c.last = time.Now()
	if !c.signed.Swap(true) {
		c.ln.unverified.Add(-1)
	}
	c.arm()
}

// arm sets the read deadline by the last bytes that came. The caller holds c.mu.
func (c *conn) arm() {
	if c.closing || c.err != nil {
		return // a deadline wakes the reader now: see linger
	}
	var by time.Time
	if c.idle > 0 {
		by = c.last.Add(c.idle)
	}
	_ = c.nc.SetReadDeadline(by) // fails on a closed connection only, as the next read then does
}

// patient reports whether a read that ran into its deadline is to go on. The deadline is not moved with every read: that would
// cost a timer each. It is looked at when it comes.
func (c *conn) patient() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.signed.Load() || c.closing || c.err != nil || c.idle > 0 && time.Since(c.last) >= c.idle {
		return false
	}
	c.arm()
	return true
}

// heard notes that the client sent something.
func (c *conn) heard() {
	c.mu.Lock()
	c.last = time.Now()
	c.mu.Unlock()
}

// Read returns the client's MQTT bytes. It ends with io.EOF once the connection is being closed.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !c.reading.TryLock() {
		return 0, io.EOF // linger has it
	}
	defer c.reading.Unlock()
	for c.readErr == nil {
		if c.over() {
			return 0, io.EOF
		}
		n, err := c.receive(p)
		if n > 0 {
			if n = c.take(p[:n]); n > 0 {
				c.final = p[n-1]
				return n, nil
			}
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if c.patient() {
				continue
			}
			err = errKeepAlive
			if !c.signed.Load() {
				err = errNoConnect
			}
		}
		c.readErr = err
	}
	if c.over() {
		return 0, io.EOF
	}
	if err := c.cause(); err != nil {
		c.readErr = err
	}
	// The end is acted on only now: the packets before it have been read and answered.
	var breach *wsError
	switch {
	case c.readErr == errPeerClosedWS:
		c.close(wsNormal)
		return 0, io.EOF
	case errors.As(c.readErr, &breach):
		c.close(breach.code)
	}
	return 0, c.readErr
}

// receive reads from the wire.
func (c *conn) receive(p []byte) (int, error) {
	if c.rc == nil {
		return c.nc.Read(p)
	}
	return c.in.read(c.rc, p)
}

// take turns bytes of the wire into MQTT bytes, in place, and returns how many there are. What is wrong goes to readErr.
func (c *conn) take(b []byte) int {
	n := len(b)
	if c.ws {
		n, c.readErr = c.dec.decode(b, c.control)
		c.sendPong()
	}
	if n == 0 {
		return 0
	}
	c.heard() // MQTT bytes only: a WebSocket ping is no sign of life (MQTT 5 §3.1.2.10)
	if !c.first.allow(b[:n], c.ln.opt.connectSize) {
		c.readErr = errFirstTooBig
		return 0
	}
	return n
}

// control takes a WebSocket control frame (RFC 6455 §5.5).
func (c *conn) control(op byte, payload []byte) error {
	switch op {
	case wsClose:
		if _, err := checkClose(payload); err != nil {
			return err
		}
		return errPeerClosedWS
	case wsPing:
		c.mu.Lock()
		c.pong, c.pinged = append(c.pong[:0], payload...), true
		c.mu.Unlock()
	}
	return nil
}

func (c *conn) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// firstPacket looks at the header of a client's first packet. mochi makes room for a packet as soon as it knows its length, so
// a stranger must not name a large one.
type firstPacket struct {
	size uint32
	seen uint8 // bytes of the header; whole when 0xff
}

// allow reports whether the first packet is at most limit bytes long, as far as b shows.
func (f *firstPacket) allow(b []byte, limit int) bool {
	const whole = 0xff
	for _, x := range b {
		if f.seen == whole {
			break
		}
		if f.seen > 0 {
			f.size |= uint32(x&127) << (7 * (f.seen - 1))
			if x < 128 || f.seen == 4 { // a fifth byte is refused by mochi
				f.seen = whole
				return f.size <= uint32(limit)
			}
		}
		f.seen++
	}
	return true
}
