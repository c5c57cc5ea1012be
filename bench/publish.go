package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"magpie/server/chat"
	"magpie/server/payload"
)

// message is the payload that is sent everywhere: a text of 100 characters.
func message(kind byte, sender string) []byte {
	content, _ := json.Marshal(map[string]string{"co": fmt.Sprintf("%-100s", "Shall we meet at noon?")})
	b, err := payload.EncodeIM(chat.IM{Type: kind, Media: []chat.Medium{{Type: chat.ContentText, Content: content}}, Sender: sender})
	if err != nil { // it is a fixed text
		panic(err)
	}
	return b
}

// closedLoop lets n workers call step one after the other for a time, and returns how long a call took on average.
func closedLoop(n int, d time.Duration, step func(worker int) error) (time.Duration, error) {
	var calls atomic.Int64
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	start := time.Now()
	for i := range n {
		wg.Go(func() {
			for time.Since(start) < d {
				if err := step(i); err != nil {
					once.Do(func() { first = err })
					return
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	if first != nil {
		return 0, first
	}
	return time.Since(start) * time.Duration(n) / time.Duration(calls.Load()), nil
}

// publishing compares a publish to its PUBACK with a row in a bare group commit, both from as many at once, in turns.
func publishing(ctx context.Context, w *world, o options) ([]result, error) {
	s, err := startMagpie(w.dir)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	clients := make([]*client, o.publishers)
	next := make([]uint64, o.publishers)
	topics := make([]string, o.publishers)
	payloads := make([][]byte, o.publishers)
	err = parallel(o.publishers, func(i int) error {
		c, err := dial(s.mqtt, false, 1)
		if err != nil {
			return err
		}
		clients[i] = c
		topics[i] = "/e/" + eid + "/im/u/" + uid(w.people-1-i) // who is not there
		payloads[i] = message(chat.IMPair, uid(i))
		return c.signIn(w.account(i), 0)
	})
	if err != nil {
		return nil, err
	}
	one := func(i int) error {
		c := clients[i]
		next[i]++
		pid := uint16(next[i]%60000 + 1)
		if err := c.write(publish(topics[i], pid, uint64(i)<<40|next[i], payloads[i])); err != nil {
			return err
		}
		for {
			head, body, err := c.read()
			if err != nil {
				return err
			}
			if head>>4 != packets.Puback {
				continue // presence of contacts
			}
			if got := binary.BigEndian.Uint16(body); got != pid || len(body) > 2 && body[2] >= 0x80 {
				return fmt.Errorf("publish %d is answered with % x", pid, body)
			}
			return nil
		}
	}
	bare, err := openBare(ctx, filepath.Join(w.dir, "bare.db"))
	if err != nil {
		return nil, err
	}
	defer bare.close()
	var ours, theirs []time.Duration
	for range o.rounds {
		a, err := closedLoop(o.publishers, o.round, one)
		if err != nil {
			return nil, err
		}
		b, err := closedLoop(o.publishers, o.round, bare.append)
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, a), append(theirs, b)
	}
	for _, c := range clients {
		c.nc.Close()
	}
	a, b := median(ours), median(theirs)
	return []result{{
		what: fmt.Sprintf("publish to PUBACK, %d publishers", o.publishers), ours: micros(a), theirs: micros(b) + " bare group commit",
		value: float64(a) / float64(b), bound: 2.5,
	}}, nil
}

func median[T int64 | time.Duration](x []T) T {
	slices.Sort(x)
	return x[len(x)/2]
}

func micros(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d.Nanoseconds())/1000) }

// bare is the least that makes rows durable: one table, and one goroutine that commits what waits in one transaction.
type bare struct {
	db    *sql.DB
	conn  *sql.Conn
	rows  chan row
	ended chan struct{}
	seqs  [4096]uint64
}

type row struct {
	worker int
	seq    uint64
	done   chan error
}

func openBare(ctx context.Context, path string) (*bare, error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	b := &bare{db: db, rows: make(chan row, 4096), ended: make(chan struct{})}
	if b.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	for _, q := range []string{
		"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-32768",
		"CREATE TABLE log (stream INTEGER NOT NULL, seq INTEGER NOT NULL, cid BLOB NOT NULL, sender INTEGER NOT NULL, time INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (stream, seq)) WITHOUT ROWID",
		"CREATE UNIQUE INDEX log_cid ON log (sender, cid)",
	} {
		if _, err := b.conn.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("%s: %w", q, err)
		}
	}
	insert, err := b.conn.PrepareContext(ctx, "INSERT INTO log (stream, seq, cid, sender, time, payload) VALUES (?, ?, ?, ?, ?, ?)")
	if err != nil {
		return nil, err
	}
	go b.run(ctx, insert)
	return b, nil
}

func (b *bare) run(ctx context.Context, insert *sql.Stmt) {
	defer close(b.ended)
	text := message(chat.IMPair, uid(0))
	var batch []row
	for r := range b.rows {
		batch = append(batch[:0], r)
		runtime.Gosched()
		for len(b.rows) > 0 && len(batch) < cap(b.rows) {
			batch = append(batch, <-b.rows)
		}
		err := b.commit(ctx, insert, batch, text)
		for _, r := range batch {
			r.done <- err
		}
	}
}

func (b *bare) commit(ctx context.Context, insert *sql.Stmt, batch []row, text []byte) error {
	if _, err := b.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	for _, r := range batch {
		cid := binary.BigEndian.AppendUint64(nil, r.seq)
		if _, err := insert.ExecContext(ctx, r.worker, r.seq, cid, r.worker, now, text); err != nil {
			return err
		}
	}
	_, err := b.conn.ExecContext(ctx, "COMMIT")
	return err
}

// append makes one row durable.
func (b *bare) append(worker int) error {
	b.seqs[worker]++
	r := row{worker: worker, seq: b.seqs[worker], done: make(chan error, 1)}
	b.rows <- r
	return <-r.done
}

func (b *bare) close() {
	close(b.rows)
	<-b.ended
	b.db.Close()
}
