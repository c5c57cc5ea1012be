package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// listenerOptions is what a listener needs of the engine, and its limits. Zero limits stand for the defaults.
type listenerOptions struct {
	// serve serves one connection to its end, and returns why it ended.
	serve func(*conn) error
	// ended is called exactly once for each connection, when serve has returned, after a panic too. err is why it ended.
	ended func(c *conn, err error)
	// origin reports whether pages of an origin may use a WebSocket here for an app; for any, where app is empty. Pages of the same host, and
	// clients that are no browsers, may always. nil: no others may.
	origin func(ctx context.Context, app, origin string) (bool, error)
	// address tells a WebSocket client's IP address where a proxy stands before the server; "" and nil mean the connection's own.
	address func(*http.Request) string
	log     *slog.Logger

	connectTimeout time.Duration // for TLS, WebSocket and CONNECT together; default 10 s
	connectSize    int           // bytes of the first packet; default 16 KiB
	packetSize     int           // bytes of any packet; default 128 KiB
	unverified     int           // connections that have not signed in yet; default 1024
}

// listener takes connections from net.Listeners and from WebSocket requests, and has them served.
type listener struct {
	opt        listenerOptions
	unverified atomic.Int64   // connections that have not signed in
	dropped    atomic.Int64   // connections turned away since the last word of it
	said       atomic.Int64   // when that was, in Unix seconds
	conns      sync.WaitGroup // what runs for connections

	mu     sync.Mutex // guards all below
	closed bool
	lns    map[net.Listener]struct{}
}

var errPanic = errors.New("panic while serving the connection")

func newListener(opt listenerOptions) *listener {
	if opt.connectTimeout == 0 {
		opt.connectTimeout = 10 * time.Second
	}
	if opt.connectSize == 0 {
		opt.connectSize = 16 << 10
	}
	if opt.packetSize == 0 {
		opt.packetSize = 128 << 10
	}
	if opt.unverified == 0 {
		opt.unverified = 1024
	}
	if opt.log == nil {
		opt.log = slog.New(slog.DiscardHandler)
	}
	return &listener{opt: opt, lns: map[net.Listener]struct{}{}}
}

// stop takes no more connections; those that there are stay.
func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for ln := range l.lns {
		_ = ln.Close() // an error says that it is closed
	}
}

// wait returns when the last connection is closed to its end and its goroutines are gone, or when ctx is done.
func (l *listener) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { l.conns.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for connections to close: %w", ctx.Err())
	}
}

// serve takes the connections of ln, which may be TLS, until the listener or ln is closed.
func (l *listener) serve(ln net.Listener) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = ln.Close()
		return
	}
	l.lns[ln] = struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.lns, ln)
		l.mu.Unlock()
	}()
	var pause time.Duration
	for {
		nc, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of file descriptors, or a client that has gone already: it passes.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			l.opt.log.Warn("accept connection", "error", err, "pause", pause)
			time.Sleep(pause)
			continue
		}
		pause = 0
		if !l.admit() {
			_ = nc.Close()
			continue
		}
		go l.run(newConn(nc, false, l))
	}
}

// admit counts a new connection among those that have not signed in, unless there are too many or the listener is closed.
func (l *listener) admit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if l.unverified.Add(1) <= int64(l.opt.unverified) {
		l.conns.Add(1)
		return true
	}
	l.unverified.Add(-1)
	l.dropped.Add(1)
	if now, said := time.Now().Unix(), l.said.Load(); now-said >= 60 && l.said.CompareAndSwap(said, now) {
		l.opt.log.Warn("too many connections that have not signed in: turning new ones away",
			"limit", l.opt.unverified, "turned_away", l.dropped.Swap(0))
	}
	return false
}

// run serves one admitted connection to its end.
func (l *listener) run(c *conn) {
	defer l.conns.Done()
	err := l.attach(c)
	if cause := c.cause(); cause != nil {
		err = cause
	}
	code := uint16(wsNormal)
	if errors.Is(err, errPanic) {
		code = wsInternal
	}
	defer c.close(code) // after ended, which may have a last word to the client
	if !c.signed.Swap(true) {
		l.unverified.Add(-1)
	}
	if l.opt.ended != nil {
		l.opt.ended(c, err)
	}
}

// attach has the connection served, and returns why it ended.
func (l *listener) attach(c *conn) (err error) {
	defer func() {
		// mochi's decoders panic on some malformed packets. One client's must not end the others.
		if r := recover(); r != nil {
			l.opt.log.Error("panic while serving a connection", "panic", r, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	by := time.Now().Add(l.opt.connectTimeout)
	_ = c.nc.SetReadDeadline(by) // fails on a closed connection only, as reading then does
	if t, ok := c.nc.(*tls.Conn); ok {
		ctx, cancel := context.WithDeadline(context.Background(), by)
		defer cancel()
		if err := t.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("TLS handshake: %w", err)
		}
	}
	return l.opt.serve(c)
}
