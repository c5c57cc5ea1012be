package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"magpie/server/chat"
)

// The producers that write at once, each waiting until its message is durable.
const producers = 256

// BenchmarkAppend and BenchmarkBareCommit are to be compared: the second is the least that a durable message costs in SQLite, one
// INSERT into a table with a unique index, many in one commit.
func BenchmarkAppend(b *testing.B) {
	s := world(b)
	for i := range producers + 2 {
		check(b, s.CreateUser(context.Background(), chat.User{EID: "acme", UID: fmt.Sprint("u", i), Name: "n"}, ""))
	}
	produce(b, func(producer, n int, done chan struct{}) {
		from, to := fmt.Sprint("u", producer), fmt.Sprint("u", producers+n%2)
		s.Append(chat.Append{Stream: pair(from, to), Sender: from, CID: cid(producer, n), Payload: body(), Done: func(r chat.Appended) {
			if r.Err != nil {
				b.Error(r.Err)
			}
			done <- struct{}{}
		}})
	})
}

func BenchmarkBareCommit(b *testing.B) {
	db := must(sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "b.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-32768)"))(b)
	defer db.Close()
	ctx := context.Background()
	conn := must(db.Conn(ctx))(b)
	defer conn.Close()
	for _, q := range []string{`CREATE TABLE msg (conv INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, sender INTEGER NOT NULL,
		ts INTEGER NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (conv, seq)) WITHOUT ROWID`, `CREATE UNIQUE INDEX msg_id ON msg (sender, id)`} {
		must(conn.ExecContext(ctx, q))(b)
	}
	insert := must(conn.PrepareContext(ctx, `INSERT INTO msg (conv, seq, id, sender, ts, kind, body) VALUES (?, ?, ?, ?, ?, ?, ?)`))(b)
	type row struct {
		conv, sender int64
		id, body     []byte
		done         chan struct{}
	}
	queue := make(chan row, 8192)
	go func() {
		var seq int64
		var batch []row
		for first := range queue {
			runtime.Gosched()
			batch = append(batch[:0], first)
			for len(queue) > 0 && len(batch) < 1024 {
				batch = append(batch, <-queue)
			}
			must(conn.ExecContext(ctx, "BEGIN IMMEDIATE"))(b)
			for _, r := range batch {
				seq++
				must(insert.ExecContext(ctx, r.conv, seq, r.id, r.sender, now(), 1, r.body))(b)
			}
			must(conn.ExecContext(ctx, "COMMIT"))(b)
			for _, r := range batch {
				r.done <- struct{}{}
			}
		}
	}()
	produce(b, func(producer, n int, done chan struct{}) {
		queue <- row{conv: int64((producer*7919 + n) % 500), sender: int64(producer), id: cid(producer, n), body: body(), done: done}
	})
	close(queue)
}

// produce sends b.N messages, and waits for each before the producer's next.
func produce(b *testing.B, send func(producer, n int, done chan struct{})) {
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range producers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			done := make(chan struct{}, 1)
			for n := 0; left.Add(-1) >= 0; n++ {
				send(i, n, done)
				<-done
			}
		}()
	}
	wg.Wait()
}

func cid(producer, n int) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(producer)), uint64(n))
}

var text = []byte(strings.Repeat("hello world 你好 ", 12))[:200]

func body() []byte { return append([]byte(nil), text...) }
