package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"magpie/server/chat"
)

// querier is what reads need: a pool, a transaction of a reader, or the writer's transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// background is the context of the writer's statements: whoever asked may go, what was begun is finished.
var background = context.Background()

// tx is the transaction that an operation runs in. It belongs to the writer's goroutine, and is a querier that sees what the
// transaction has done so far. Its statements are prepared once.
type tx struct {
	w       *writer
	entries []chat.Entry // appended so far
	events  []chat.Event // queued so far
	runs    []run        // how the two mix
}

// run is a number of consecutive entries or events.
type run struct {
	events bool
	n      int
}

func (t *tx) note(events bool) {
	if last := len(t.runs) - 1; last >= 0 && t.runs[last].events == events {
		t.runs[last].n++
		return
	}
	t.runs = append(t.runs, run{events, 1})
}

func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if s := t.w.stmts[query]; s != nil {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(background, query)
	if err == nil {
		t.w.stmts[query] = s
	}
	return s, err
}

// affect runs a statement and returns how many rows it changed.
func (t *tx) affect(query string, args ...any) (int64, error) {
	s, err := t.prepare(query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(background, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// exec is affect for those who do not count.
func (t *tx) exec(query string, args ...any) error {
	_, err := t.affect(query, args...)
	return err
}

func (t *tx) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(background, args...)
}

func (t *tx) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	s, err := t.prepare(query)
	if err != nil {
		return t.w.conn.QueryRowContext(background, query, args...) // gives the error
	}
	return s.QueryRowContext(background, args...)
}

func (t *tx) row(query string, args ...any) *sql.Row {
	return t.QueryRowContext(background, query, args...)
}

// savepoint runs f so that its failure undoes f alone. failed is f's error; err is one of the transaction.
func (t *tx) savepoint(f func(*tx) error) (failed, err error) {
	w := t.w
	if err := t.exec("SAVEPOINT op"); err != nil {
		return nil, fmt.Errorf("savepoint: %w", err)
	}
	entries, events, runs := len(t.entries), len(t.events), append([]run(nil), t.runs...)
	before := make([]head, len(w.dirty))
	for i, h := range w.dirty {
		before[i] = *h
	}
	if failed = f(t); failed != nil {
		if transient(failed) {
			return failed, nil // the whole transaction is given up
		}
		if err := t.exec("ROLLBACK TO op"); err != nil {
			return failed, fmt.Errorf("roll back: %w", err)
		}
		t.entries, t.events, t.runs = t.entries[:entries], t.events[:events], runs
		for _, h := range w.dirty[len(before):] {
			delete(w.heads, h.ref)
		}
		w.dirty = w.dirty[:len(before)]
		for i, h := range w.dirty {
			*h = before[i]
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
	t.events = append(t.events, ev)
	t.note(true)
	return nil
}

// change runs f in the writer's next transaction and waits until that is durable. What f returns is returned; when it is an error,
// nothing of f has happened. f may run more than once, but not after change has returned: when ctx ends before its turn has come, it
// does not run at all.
func (s *Store) change(ctx context.Context, f func(*tx) error) error {
	var mu sync.Mutex // held while f runs
	var gone bool     // nobody waits any more; guarded by mu
	guarded := func(t *tx) error {
		mu.Lock()
		defer mu.Unlock()
		if gone {
			return errCannotStore(context.Canceled)
		}
		return f(t)
	}
	done := make(chan error, 1)
	if err := s.w.queue.put(&op{change: guarded, done: func(err error) { done <- err }}); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		mu.Lock()
		gone = true
		mu.Unlock()
		return errCannotStore(ctx.Err())
	}
}

// changeLater queues f, which is held while the disk is full, and calls done, which may be nil, when it is durable. It never waits.
func (s *Store) changeLater(f func(*tx) error, done func(error)) {
	if done == nil {
		done = func(err error) {
			if err != nil {
				s.log.Error("writing in the background", "err", err)
			}
		}
	}
	if err := s.w.queue.put(&op{change: f, done: done, keep: true}); err != nil {
		done(err)
	}
}

// reading runs f in a transaction that sees one state of the database.
func (s *Store) reading(ctx context.Context, f func(querier) error) error {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return f(tx)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q querier, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func scanString(scan func(...any) error) (s string, err error) {
	err = scan(&s)
	return s, err
}

// jsonList encodes strings for json_each.
func jsonList(list []string) string {
	b, _ := json.Marshal(list) // strings always encode
	return string(b)
}

// ms is a time as the database keeps it: milliseconds since 1970 UTC, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func now() int64 { return time.Now().UnixMilli() }

// flag is a boolean as both databases take it in a number's column.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// clamp reads a limit: fallback when none was given, most at the most.
func clamp(n, fallback, most int) int {
	if n <= 0 {
		n = fallback
	}
	return min(n, most)
}

// found makes chat.NotFound of an empty result.
func found(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Errorf(chat.NotFound, "There is no such %s.", what)
	}
	if err != nil {
		return fmt.Errorf("read a %s: %w", what, err)
	}
	return nil
}

// encodeCursor makes an opaque place in a list.
func encodeCursor(v any) string {
	b, _ := json.Marshal(v) // strings and numbers always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads one into v, which it leaves alone for "".
func decodeCursor(s string, v any) error {
	if s == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return chat.FieldError("cursor", chat.FieldFormat, "is not one that this server gave")
	}
	return nil
}
