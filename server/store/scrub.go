package store

import (
	"context"
	"fmt"
)

// forget notes that what people wrote is recalled, deleted or changed.
func (t *tx) forget() { t.w.forgot.Store(true) }

// Scrub takes what was recalled, deleted or changed since the last time out of the write-ahead log, where pages stay as they were until others are written
// over them. It reports false while somebody still reads the database as it was before, as a backup may: then it is to be tried again. The writer waits for
// no reader, and only for what was written since the call began.
func (s *Store) Scrub(ctx context.Context) (done bool, err error) {
	if !s.w.forgot.Swap(false) {
		return true, nil
	}
	defer func() {
		if !done {
			s.w.forgot.Store(true)
		}
	}()
	if _, err := checkpoint(ctx, s.read, "PASSIVE"); err != nil {
		return false, err
	}
	type result struct {
		done bool
		err  error
	}
	got := make(chan result, 1)
	o := &op{change: func(*tx) error { return nil }}
	o.after = func(w *writer) error {
		var r result
		if _, r.err = w.conn.ExecContext(background, `PRAGMA busy_timeout(0)`); r.err == nil {
			r.done, r.err = checkpoint(background, w.conn, "TRUNCATE")
		}
		if _, err := w.conn.ExecContext(background, fmt.Sprintf(`PRAGMA busy_timeout(%d)`, busyTimeout)); r.err == nil {
			r.err = err
		}
		got <- r
		return nil
	}
	o.done = func(err error) {
		if err != nil {
			got <- result{err: err}
		}
	}
	if err := s.w.queue.put(o); err != nil {
		return false, err
	}
	select {
	case r := <-got:
		return r.done, r.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// checkpoint brings what is in the write-ahead log into the database. It reports false when a reader was in its way.
func checkpoint(ctx context.Context, q querier, mode string) (bool, error) {
	var busy, frames, copied int64
	if err := q.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &frames, &copied); err != nil {
		return false, fmt.Errorf("empty the write-ahead log: %w", err)
	}
	return busy == 0, nil
}
