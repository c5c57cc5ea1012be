package broker

import (
	"io"
	"sync"
	"syscall"
)

// rawIO is the argument and the result of one read or write by way of a syscall.RawConn, whose functions take no arguments of ours.
type rawIO struct {
	b   []byte
	n   int
	err error
	do  func(fd uintptr) bool
}

// again reports whether a call on a socket that does not block is to be repeated at once.
func again(err error) bool { return err == syscall.EINTR }

// rawWrites are pooled, so that a delivery allocates nothing.
var rawWrites = sync.Pool{New: func() any {
	w := &rawIO{}
	w.do = func(fd uintptr) bool {
		w.n, w.err = sockWrite(fd, w.b)
		for again(w.err) {
			w.n, w.err = sockWrite(fd, w.b)
		}
		return true // never wait, whatever came of it
	}
	return w
}}

// writeNow writes what the socket takes without waiting.
func writeNow(rc syscall.RawConn, b []byte) (int, error) {
	w := rawWrites.Get().(*rawIO)
	w.b = b
	err := rc.Write(w.do)
	n, werr := w.n, w.err
	w.b, w.n, w.err = nil, 0, nil
	rawWrites.Put(w)
	switch {
	case err != nil:
		return 0, err
	case werr == syscall.EAGAIN:
		return 0, nil
	}
	return n, werr
}

// newRawRead makes what a connection reads with.
func newRawRead() *rawIO {
	r := &rawIO{}
	r.do = func(fd uintptr) bool {
		r.n, r.err = sockRead(fd, r.b)
		for again(r.err) {
			r.n, r.err = sockRead(fd, r.b)
		}
		return r.err != syscall.EAGAIN // else wait until there is something
	}
	return r
}

// read reads like net.Conn's Read: it waits.
func (r *rawIO) read(rc syscall.RawConn, p []byte) (int, error) {
	r.b = p
	err := rc.Read(r.do)
	r.b = nil
	switch {
	case err != nil:
		return 0, err
	case r.err != nil:
		return 0, r.err
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}
