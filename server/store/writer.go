package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"magpie/server/chat"
)

// maxBatch is how many operations one transaction takes.
const maxBatch = 1024

// Bound of each of the writer's caches; they are emptied when full.
const maxCached = 100_000

// op is something to write: an append, or a change.
type op struct {
	append chat.Append // if change is nil
	change func(*tx) error
	after  func(*writer) error // of a change: after the commit, while no transaction is open
	done   func(error)         // of a change: after the commit, or with the reason why there is none
	keep   bool                // a change that is held while the disk is full, as appends are
}

// held reports whether the operation waits while the disk takes nothing.
func (o *op) held() bool { return o.change == nil || o.keep }

func (o *op) fail(err error) {
	switch {
	case o.change != nil:
		o.done(err)
	case o.append.Done != nil:
		o.append.Done(chat.Appended{Err: err})
	}
}

func errStopping() error {
	return chat.Errorf(chat.Unavailable, "The server is stopping.").Named(chat.ProblemNotStored)
}

func errCannotStore(err error) error {
	return &chat.Error{Code: chat.Unavailable, Problem: chat.ProblemNotStored, Message: "The server can't store anything at the moment. Try again.", RetryAfter: 5, Err: err}
}

// writer owns the connection that writes. All fields belong to its goroutine, but for queue, which has a lock.
type writer struct {
	log       *slog.Logger
	conn      *sql.Conn
	stmts     map[string]*sql.Stmt
	observers atomic.Pointer[[]chat.Observer]
	queue     *queue
	failing   bool          // the disk takes nothing at present
	forgot    atomic.Bool   // the write-ahead log may have what was recalled or deleted
	stop      chan struct{} // closed when what still waits is to be given up
	ended     chan struct{} // closed when the goroutine has ended

	heads map[chat.StreamRef]*head
	dirty []*head             // those that the open transaction has moved
	users map[[2]string]int64 // ids of senders, by eid and uid
	tx    tx
}

func newWriter(ctx context.Context, db *sql.DB, o Options) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the writing connection: %w", err)
	}
	w := &writer{log: o.Log, conn: conn, stmts: map[string]*sql.Stmt{}, queue: newQueue(o.QueueSize), stop: make(chan struct{}),
		ended: make(chan struct{}), heads: map[chat.StreamRef]*head{}, users: map[[2]string]int64{}}
	w.observers.Store(&[]chat.Observer{})
	w.forgot.Store(true) // before a crash, perhaps
	w.tx.w = w
	go w.run()
	return w, nil
}

// close ends the writer once it has written what waits, or after most.
func (w *writer) close(most time.Duration) {
	w.queue.close()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-w.ended:
	case <-timer.C:
		close(w.stop)
		<-w.ended
	}
	for _, s := range w.stmts {
		_ = s.Close()
	}
	_ = w.conn.Close()
}

func (w *writer) run() {
	defer close(w.ended)
	var batch []*op
	for {
		batch = w.queue.take(batch[:0], maxBatch)
		if batch == nil {
			return
		}
		w.commit(batch)
		clear(batch)
		runtime.Gosched() // let those who were answered ask again, so that the next batch is large
	}
}

// commit makes a batch durable. While the disk takes nothing, appends are held until it does, and changes fail at once.
func (w *writer) commit(batch []*op) {
	delay := 10 * time.Millisecond
	for len(batch) > 0 {
		bad, err := w.try(batch)
		if err == nil {
			if w.failing {
				w.failing = false
				w.log.Info("messages are stored again")
			}
			return
		}
		if bad != nil && !transient(err) { // this one can never be stored
			batch = without(batch, bad)
			w.log.Error("an entry can't be stored", "err", err)
			bad.fail(err)
			continue
		}
		if !w.failing {
			w.failing = true
			w.log.Error("nothing can be stored, messages wait", "err", err)
		}
		kept := batch[:0]
		for _, o := range batch {
			if o.held() {
				kept = append(kept, o)
			} else {
				o.fail(errCannotStore(err))
			}
		}
		clear(batch[len(kept):])
		batch = kept
		if len(batch) > 0 && !w.pause(delay, err) {
			for _, o := range batch {
				o.fail(errStopping())
			}
			return
		}
		delay = min(2*delay, time.Second)
	}
}

// pause waits before the next try. Changes that arrive meanwhile fail. It reports false when the writer is to stop.
func (w *writer) pause(d time.Duration, why error) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		for _, o := range w.queue.takeChanges() {
			o.fail(errCannotStore(why))
		}
		select {
		case <-w.queue.news:
		case <-timer.C:
			return true
		case <-w.stop:
			return false
		}
	}
}

func without(batch []*op, bad *op) []*op {
	out := batch[:0]
	for _, o := range batch {
		if o != bad {
			out = append(out, o)
		}
	}
	return out
}

// outcome is what an operation gave, told once it is durable.
type outcome struct {
	res chat.Appended
	err error
}

// try runs a batch in one transaction. On failure nothing has happened; bad is the operation that could not be done, if it was one.
func (w *writer) try(batch []*op) (bad *op, err error) {
	t := &w.tx
	t.entries, t.events, t.runs = nil, nil, t.runs[:0]
	if _, err := t.affect("BEGIN IMMEDIATE"); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			_, _ = t.affect("ROLLBACK") // an error says that SQLite has done so by itself
			clear(w.heads)
			clear(w.users)
			w.dirty = w.dirty[:0]
		}
	}()
	outcomes := make([]outcome, len(batch))
	for i, o := range batch {
		if o.change == nil {
			if outcomes[i].res, err = t.append(&o.append); err != nil {
				return o, fmt.Errorf("append: %w", err)
			}
			continue
		}
		failed, err := t.savepoint(o.change)
		if err != nil {
			return nil, err
		}
		if failed != nil && transient(failed) {
			return nil, failed
		}
		outcomes[i].err = failed
	}
	for _, h := range w.dirty {
		if _, err := t.affect(`UPDATE streams SET head = $1, changed = $2 WHERE id = $3`, int64(h.seq), h.changed, h.id); err != nil {
			return nil, fmt.Errorf("advance a stream: %w", err)
		}
	}
	if _, err := t.affect("COMMIT"); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	for _, h := range w.dirty {
		h.dirty = false
	}
	w.dirty = w.dirty[:0]
	if len(w.heads) > maxCached {
		clear(w.heads)
	}
	if len(w.users) > maxCached {
		clear(w.users)
	}
	w.tell()
	for i, o := range batch {
		switch {
		case o.change != nil:
			if o.after != nil {
				outcomes[i].err = o.after(w)
			}
			o.done(outcomes[i].err)
		case o.append.Done != nil:
			o.append.Done(outcomes[i].res)
		}
	}
	return nil, nil
}

// tell gives the observers what has become durable, in its order.
func (w *writer) tell() {
	entries, events := w.tx.entries, w.tx.events
	for _, r := range w.tx.runs {
		for _, o := range *w.observers.Load() {
			if r.events {
				o.Changed(events[:r.n:r.n])
			} else {
				o.Appended(entries[:r.n:r.n])
			}
		}
		if r.events {
			events = events[r.n:]
		} else {
			entries = entries[r.n:]
		}
	}
}

// transient reports whether an error says that the disk takes nothing now, but may later.
func transient(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_NOMEM:
		return true
	}
	return false
}

// queue holds what waits for the writer, in the order of arrival. Any goroutine may use it.
type queue struct {
	news chan struct{} // holds one value when something may have arrived since the writer looked

	mu      sync.Mutex // guards all below
	room    *sync.Cond
	ops     []*op
	appends int // among ops
	size    int // most appends, and most background changes, that wait
	closed  bool
}

func newQueue(size int) *queue {
	q := &queue{news: make(chan struct{}, 1), size: size}
	q.room = sync.NewCond(&q.mu)
	return q
}

// put queues an operation. An append waits while the queue is full of them. It fails when the store is closed, and when more changes
// than the queue may hold wait for a disk that takes nothing.
func (q *queue) put(o *op) error {
	q.mu.Lock()
	for o.change == nil && q.appends >= q.size && !q.closed {
		q.room.Wait()
	}
	switch {
	case q.closed:
		q.mu.Unlock()
		return errStopping()
	case o.change != nil && len(q.ops)-q.appends >= 4*q.size:
		q.mu.Unlock()
		return errCannotStore(errors.New("the queue of changes is full"))
	}
	if o.change == nil {
		q.appends++
	}
	q.ops = append(q.ops, o)
	q.mu.Unlock()
	select {
	case q.news <- struct{}{}:
	default:
	}
	return nil
}

// take moves up to most operations to batch, and waits until there is one. It returns nil when the queue is closed and empty.
func (q *queue) take(batch []*op, most int) []*op {
	for {
		q.mu.Lock()
		n := min(len(q.ops), most)
		for _, o := range q.ops[:n] {
			if o.change == nil {
				q.appends--
			}
			batch = append(batch, o)
		}
		q.ops = append(q.ops[:0], q.ops[n:]...)
		clear(q.ops[len(q.ops) : len(q.ops)+n])
		closed := q.closed
		q.mu.Unlock()
		if n > 0 {
			q.room.Broadcast()
			return batch
		}
		if closed {
			return nil
		}
		<-q.news
	}
}

// takeChanges takes the changes out of the queue that are not held.
func (q *queue) takeChanges() []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []*op
	kept := q.ops[:0]
	for _, o := range q.ops {
		if o.held() {
			kept = append(kept, o)
		} else {
			out = append(out, o)
		}
	}
	clear(q.ops[len(kept):])
	q.ops = kept
	return out
}

// close lets nothing in any more.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.room.Broadcast()
	select {
	case q.news <- struct{}{}:
	default:
	}
}
