package broker

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// Write sends one or more whole MQTT packets, in one WebSocket frame. It is mochi's way, and the engine's for answers: what
// the socket does not take is queued. A client that lets too much queue up is cut off.
func (c *conn) Write(p []byte) (int, error) {
	if !c.ws {
		if err := c.sendFramed(p); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	bp := scratch.Get().(*[]byte)
	defer scratch.Put(bp)
	b := append(wsHeader((*bp)[:0], wsBinary, len(p)), p...)
	if cap(b) <= 64<<10 {
		*bp = b
	}
	if err := c.sendFramed(b); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sendFramed is Write for bytes that stand in WebSocket frames already where the connection needs it. The caller may reuse b.
func (c *conn) sendFramed(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send(b)
}

// trySend is sendFramed for what can be sent again later: if the connection is backed up it sends nothing, returns errBacklog, and
// drained will be called. The caller may reuse b.
func (c *conn) trySend(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full() {
		return errBacklog
	}
	return c.send(b)
}

// backlogged reports whether the client is slower than what it is sent. If so, drained will be called.
func (c *conn) backlogged() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full()
}

// full is backlogged. The caller holds c.mu.
func (c *conn) full() bool {
	// TLS has no write that returns at once, so there every write goes by the queue, and the queue is not a backlog yet.
	if c.closing || c.err != nil || !c.draining || c.rc == nil && len(c.queue)+c.writing < tlsBacklog {
		return false
	}
	c.owed = true
	return true
}

// send writes b or queues what is left of it. The caller holds c.mu.
func (c *conn) send(b []byte) error {
	switch {
	case c.err != nil:
		return c.err
	case c.closing:
		return net.ErrClosed
	}
	if !c.draining && c.rc != nil {
		n, err := writeNow(c.rc, b)
		if err != nil {
			return c.broken(err)
		}
		b = b[n:]
	}
	if len(b) == 0 {
		return nil
	}
	if len(c.queue)+c.writing+len(b) > c.ln.opt.packetSize+queueSlack {
		return c.broken(errOverflow)
	}
	c.queue = append(c.queue, b...)
	if !c.draining {
		c.draining = true
		go c.drain()
	}
	return nil
}

// drain writes the queue until it is empty.
func (c *conn) drain() {
	c.mu.Lock()
	for c.err == nil {
		b := c.queue
		if len(b) == 0 && c.pinged && !c.closing {
			b = c.takePong()
		}
		if len(b) == 0 {
			break
		}
		c.queue, c.writing = nil, len(b)
		for len(b) > 0 && c.err == nil {
			by := time.Now().Add(writeTimeout)
			if c.closing {
				by = c.closeBy
			}
			_ = c.nc.SetWriteDeadline(by) // fails on a closed connection only, as the write then does
			c.mu.Unlock()
			n, err := c.nc.Write(b[:min(len(b), maxPiece)])
			c.mu.Lock()
			b = b[n:]
			c.writing = len(b)
			if err != nil {
				_ = c.broken(err)
			}
		}
	}
	c.writing = 0
	_ = c.nc.SetWriteDeadline(time.Time{}) // or a later write without blocking would meet the old one
	c.draining = false
	var drained func()
	if c.owed && c.err == nil && !c.closing {
		drained = c.drained
	}
	c.owed = false
	finish := c.closing
	c.mu.Unlock()
	if drained != nil {
		drained()
	}
	if finish {
		c.linger()
	}
}

// sendPong answers the last ping if the connection is not backed up; if it is, the drainer does, and only for the last: a
// client that pings and does not read costs no memory.
func (c *conn) sendPong() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pinged && !c.draining {
		_ = c.send(c.takePong()) // a broken connection shows at the next read
	}
}

// takePong returns the frame that answers the last ping. The caller holds c.mu.
func (c *conn) takePong() []byte {
	b := append(wsHeader(nil, wsPong, len(c.pong)), c.pong...)
	c.pong, c.pinged = nil, false
	return b
}

// broken notes that nothing can be sent any more; what is queued is lost. The caller holds c.mu.
func (c *conn) broken(err error) error {
	if c.err != nil {
		return c.err
	}
	c.err, c.queue = err, nil
	if c.closing {
		c.err = net.ErrClosed // why it ends was known before
	}
	if err == errOverflow || errors.Is(err, os.ErrDeadlineExceeded) {
		c.cut()
		return c.err
	}
	// The client has closed. What it sent before, a DISCONNECT perhaps, is still there to be read.
	_ = c.nc.SetReadDeadline(time.Now().Add(closeTimeout))
	return c.err
}

// cut closes the socket. Of a TLS connection it closes what lies below, as TLS would wait for its last alert to leave.
func (c *conn) cut() {
	nc := c.nc
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	_ = nc.Close() // nothing is expected of it any more
}

// cause is why the connection broke, nil if it did not or was being closed by then.
func (c *conn) cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == net.ErrClosed {
		return nil
	}
	return c.err
}

// Close does nothing: mochi calls it before it says what was wrong with the client. The listener closes the connection when mochi is
// through with it and the engine has had the last word.
func (c *conn) Close() error { return nil }

// close ends the connection in the background. What was sent before still reaches the client: queued bytes get a second to leave, a
// WebSocket client is sent a close frame with the code, then the write side is closed, and the client's input is read until
// it closes too. A plain close with unread input would make the kernel reset the connection, and a DISCONNECT on its way be lost.
func (c *conn) close(code uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	if c.ws && c.err == nil {
		_ = c.send([]byte{0x80 | wsClose, 2, byte(code >> 8), byte(code)}) // not sent: then the connection is broken
	}
	c.closing = true
	c.closeBy = time.Now().Add(closeTimeout)
	c.ln.conns.Add(1)
	if c.draining {
		_ = c.nc.SetWriteDeadline(c.closeBy)
	} else {
		go c.linger()
	}
}

// linger closes both sides in their order.
func (c *conn) linger() {
	defer c.ln.conns.Done()
	defer c.cut()
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // wakes the reader, which then ends
	c.reading.Lock()                          // for good: nothing is read by others any more
	c.mu.Lock()
	broken := c.err != nil
	c.mu.Unlock()
	if broken {
		return
	}
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(closeTimeout))
	_, _ = io.CopyN(io.Discard, c.nc, lingerBytes) // until the client closes, or enough
}
