package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"magpie/server/chat"
)

// maxBatch is how many operations one transaction takes.
const maxBatch = 1024

// op is something to write: an append, or a change with an answer.
type op struct {
	append *chat.Append
	change func(*tx) error
	done   func(error) // of a change: after the commit, or with the reason why there is none
	keep   bool        // a change that is held while the disk is full, as appends are
}

// writer owns the connection that writes. Its fields belong to its goroutine, but for those that say otherwise.
type writer struct {
	log       *slog.Logger
	conn      *sql.Conn
	insert    *sql.Stmt
	advance   *sql.Stmt
	repeat    *sql.Stmt
	observers atomic.Pointer[[]chat.Observer]
	queue     chan *op     // any goroutine sends
	gate      sync.RWMutex // held for reading while sending: nothing is sent once closed is set
	closed    bool
	failing   atomic.Bool // the disk takes nothing at present
	stop      chan struct{}
	ended     chan struct{}

	heads map[chat.StreamRef]*head    // a cache
	dirty map[chat.StreamRef]struct{} // heads that the open transaction has moved
	users map[[2]string]int64         // ids of senders, by eid and uid
	tx    tx
}

// head is where a stream stands within the open transaction.
type head struct {
	id  int64
	seq uint64
}

// Bounds of the writer's caches; they are emptied when full.
const maxCached = 100_000

func newWriter(ctx context.Context, db *sql.DB, o Options) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the writing connection: %w", err)
	}
	w := &writer{log: o.Log, conn: conn, queue: make(chan *op, o.QueueSize), stop: make(chan struct{}), ended: make(chan struct{}),
		heads: map[chat.StreamRef]*head{}, dirty: map[chat.StreamRef]struct{}{}, users: map[[2]string]int64{}}
	for _, s := range []struct {
		stmt **sql.Stmt
		sql  string
	}{
		{&w.insert, `INSERT INTO log (stream, seq, ts, author, cid, origin, topic, payload, props, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`},
		{&w.advance, `UPDATE streams SET head = $1 WHERE id = $2`},
		{&w.repeat, `SELECT stream, seq FROM log WHERE author = $1 AND cid = $2`},
	} {
		if *s.stmt, err = conn.PrepareContext(ctx, s.sql); err != nil {
			return nil, fmt.Errorf("prepare a statement: %w", err)
		}
	}
	w.observers.Store(&[]chat.Observer{})
	w.tx.w = w
	go w.run()
	return w, nil
}

// send queues an operation. It waits while the queue is full, and reports false when the store is closed.
func (w *writer) send(o *op) bool {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if w.closed {
		return false
	}
	w.queue <- o
	return true
}

func (w *writer) close(most time.Duration) {
	w.gate.Lock()
	if w.closed {
		w.gate.Unlock()
		return
	}
	w.closed = true
	close(w.queue)
	w.gate.Unlock()
	select {
	case <-w.ended:
	case <-time.After(most):
		close(w.stop)
		<-w.ended
	}
	_ = w.conn.Close()
}

func (w *writer) run() {
	defer close(w.ended)
	batch := make([]*op, 0, maxBatch)
	for first := range w.queue {
		batch = append(batch[:0], first)
	more:
		for len(batch) < maxBatch {
			select {
			case o, ok := <-w.queue:
				if !ok {
					break more
				}
				batch = append(batch, o)
			default:
				break more
			}
		}
		w.commit(batch)
		clear(batch)
	}
}

// commit makes a batch durable. While the disk takes nothing, changes fail at once and appends are held until it does.
func (w *writer) commit(batch []*op) {
	delay := 10 * time.Millisecond
	for len(batch) > 0 {
		bad, err := w.try(batch)
		if err == nil {
			if w.failing.CompareAndSwap(true, false) {
				w.log.Info("the disk takes messages again")
			}
			return
		}
		if bad != nil && !transient(err) { // this one can never be stored
			batch = drop(batch, bad)
			bad.fail(err)
			continue
		}
		if w.failing.CompareAndSwap(false, true) {
			w.log.Error("the disk takes nothing: messages wait", "err", err)
		}
		held := batch[:0]
		for _, o := range batch {
			if o.append != nil || o.keep {
				held = append(held, o)
			} else {
				o.fail(&chat.Error{Code: chat.Unavailable, Message: "The server can't store anything at the moment. Try again.", RetryAfter: 5, Err: err})
			}
		}
		batch = held
		// Meanwhile changes that arrive are not left waiting.
		timer := time.NewTimer(delay)
	wait:
		for {
			var queue chan *op
			if len(batch) < maxBatch {
				queue = w.queue
			}
			select {
			case o, ok := <-queue:
				switch {
				case !ok:
					<-timer.C
					break wait
				case o.append != nil || o.keep:
					batch = append(batch, o)
				default:
					// It is tried with the rest: this is how the store finds out that there is room again.
					batch = append(batch, o)
					break wait
				}
			case <-timer.C:
				break wait
			case <-w.stop:
				for _, o := range batch {
					o.fail(chat.Errorf(chat.Unavailable, "The server is stopping."))
				}
				return
			}
		}
		timer.Stop()
		delay = min(2*delay, time.Second)
	}
}

func drop(batch []*op, bad *op) []*op {
	out := batch[:0]
	for _, o := range batch {
		if o != bad {
			out = append(out, o)
		}
	}
	return out
}

func (o *op) fail(err error) {
	switch {
	case o.append == nil:
		o.done(err)
	case o.append.Done != nil:
		o.append.Done(chat.Appended{Err: err})
	}
}

// outcome is what an operation gave, told once it is durable.
type outcome struct {
	op  *op
	res chat.Appended
	err error
}

// try runs a batch in one transaction. On failure nothing has happened; bad is the operation that could not be done, if it was one.
func (w *writer) try(batch []*op) (bad *op, err error) {
	ctx := context.Background()
	t := &w.tx
	t.news = t.news[:0]
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			_, _ = w.conn.ExecContext(ctx, "ROLLBACK")
			clear(w.heads)
			clear(w.dirty)
		}
	}()
	outcomes := make([]outcome, len(batch))
	for i, o := range batch {
		outcomes[i].op = o
		if o.append != nil {
			if outcomes[i].res, err = t.append(o.append); err != nil {
				return o, fmt.Errorf("append: %w", err)
			}
			continue
		}
		if outcomes[i].err, err = t.savepoint(o.change); err != nil {
			return nil, err
		}
		if e := outcomes[i].err; e != nil && transient(e) {
			return nil, e
		}
	}
	for ref := range w.dirty {
		if _, err := w.advance.ExecContext(ctx, int64(w.heads[ref].seq), w.heads[ref].id); err != nil {
			return nil, fmt.Errorf("advance a stream: %w", err)
		}
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	clear(w.dirty)
	if len(w.heads) > maxCached {
		clear(w.heads)
	}
	if len(w.users) > maxCached {
		clear(w.users)
	}
	w.tell(t.news)
	for i := range outcomes {
		switch o := outcomes[i].op; {
		case o.append == nil:
			o.done(outcomes[i].err)
		case o.append.Done != nil:
			o.append.Done(outcomes[i].res)
		}
	}
	return nil, nil
}

// tell gives the observers what has become durable, in its order.
func (w *writer) tell(news []any) {
	var entries []chat.Entry
	var events []chat.Event
	flush := func() {
		for _, o := range *w.observers.Load() {
			if len(entries) > 0 {
				o.Appended(entries)
			}
			if len(events) > 0 {
				o.Changed(events)
			}
		}
		entries, events = nil, nil
	}
	for _, n := range news {
		switch n := n.(type) {
		case chat.Entry:
			if events != nil {
				flush()
			}
			entries = append(entries, n)
		case chat.Event:
			if entries != nil {
				flush()
			}
			events = append(events, n)
		}
	}
	flush()
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

// change runs f in the writer's next transaction and waits until that is durable. What f returns is returned; when it is an error,
// nothing of f has happened.
func (s *Store) change(ctx context.Context, f func(*tx) error) error {
	done := make(chan error, 1)
	if !s.w.send(&op{change: f, done: func(err error) { done <- err }}) {
		return chat.Errorf(chat.Unavailable, "The server is stopping.")
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return &chat.Error{Code: chat.Unavailable, Message: "The server can't store anything at the moment. Try again.", RetryAfter: 5, Err: ctx.Err()}
	}
}

// changeLater queues f, which is held while the disk is full, and calls done, which may be nil, when it is durable.
func (s *Store) changeLater(f func(*tx) error, done func(error)) {
	if done == nil {
		done = func(err error) {
			if err != nil {
				s.log.Error("writing in the background", "err", err)
			}
		}
	}
	if !s.w.send(&op{change: f, done: done, keep: true}) {
		done(chat.Errorf(chat.Unavailable, "The server is stopping."))
	}
}

// Append queues an entry for the log; a.Done tells when it is durable. It waits while the queue is full.
func (s *Store) Append(a chat.Append) {
	if !s.w.send(&op{append: &a}) && a.Done != nil {
		a.Done(chat.Appended{Err: chat.Errorf(chat.Unavailable, "The server is stopping.")})
	}
}

// tx is the transaction that an operation runs in. It belongs to the writer's goroutine.
type tx struct {
	w    *writer
	news []any // chat.Entry and chat.Event, in their order
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.w.conn.ExecContext(context.Background(), query, args...)
	return err
}

// affect is exec that tells how many rows it changed.
func (t *tx) affect(query string, args ...any) (int64, error) {
	res, err := t.w.conn.ExecContext(context.Background(), query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t *tx) row(query string, args ...any) *sql.Row {
	return t.w.conn.QueryRowContext(context.Background(), query, args...)
}

func (t *tx) rows(query string, args ...any) (*sql.Rows, error) {
	return t.w.conn.QueryContext(context.Background(), query, args...)
}

// savepoint runs f so that its failure undoes f alone. failed is f's error; err is one of the transaction.
func (t *tx) savepoint(f func(*tx) error) (failed, err error) {
	if err := t.exec("SAVEPOINT op"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	news := len(t.news)
	before := map[chat.StreamRef]head{}
	for ref := range t.w.dirty {
		before[ref] = *t.w.heads[ref]
	}
	failed = f(t)
	if failed != nil {
		t.news = t.news[:news]
		if err := t.exec("ROLLBACK TO op"); err != nil {
			return failed, fmt.Errorf("roll back: %w", err)
		}
		// What f did to streams is undone; what earlier operations of the batch did stands.
		for ref := range t.w.dirty {
			if h, ok := before[ref]; ok {
				t.w.heads[ref] = &h
			} else {
				delete(t.w.heads, ref)
				delete(t.w.dirty, ref)
			}
		}
	}
	if err := t.exec("RELEASE op"); err != nil {
		return failed, fmt.Errorf("release: %w", err)
	}
	return failed, nil
}

// event writes a change to the agent's queue and, once durable, to the observers.
func (t *tx) event(ev chat.Event) error {
	ev.Time = time.Now().UnixMilli()
	body, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	if err := t.row(`INSERT INTO events (eid, ts, body) VALUES ($1, $2, $3) RETURNING id`, ev.EID, ev.Time, string(body)).Scan(&ev.ID); err != nil {
		return fmt.Errorf("queue an event: %w", err)
	}
	t.news = append(t.news, ev)
	return nil
}
