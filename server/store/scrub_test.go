package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

// TestWhatIsGoneIsGone deletes and recalls messages of all sizes, and looks for their text in the files of the database.
func TestWhatIsGoneIsGone(t *testing.T) {
	t.Parallel()
	s := world(t)
	sizes := []int{20, 60, 300, 900, 1500, 4000, 9000}
	pairs, senders := []chat.StreamRef{pair("ann", "bo"), pair("ann", "cy"), pair("bo", "cy"), pair("cy", "di")}, []string{"ann", "cy", "bo", "di"}
	const n = 400
	done := make(chan struct{}, n)
	for i := range n {
		ref := pairs[i*7%len(pairs)]
		text := []byte("0000" + strings.Repeat(canary(i), 1+sizes[i*5%len(sizes)]/13))
		s.Append(chat.Append{Stream: ref, Sender: senders[i*7%len(pairs)], CID: fmt.Appendf(nil, "cid%d", i), Payload: text, Done: func(r chat.Appended) {
			if r.Err != nil {
				t.Error(r.Err)
			}
			done <- struct{}{}
		}})
	}
	for range n {
		<-done
	}
	var gone, kept []int
	blank := func([]byte, string) ([]byte, error) { return []byte("0000 blank"), nil }
	check(t, s.change(t.Context(), func(tx *tx) error { // the first half of each conversation is old
		return tx.exec(`UPDATE log SET ts = 1 WHERE seq <= $1`, n/len(pairs)/2)
	}))
	check(t, s.change(t.Context(), func(tx *tx) error {
		for i := range n {
			ref, seq := pairs[i*7%len(pairs)], uint64(1+i/len(pairs))
			switch {
			case seq <= n/uint64(len(pairs))/2:
				gone = append(gone, i)
			case i%9 == 0:
				e, err := tx.entry(ref, seq)
				if err != nil {
					return err
				}
				if _, err := tx.recall(e, "ann", blank); err != nil {
					return err
				}
				gone = append(gone, i)
			default:
				kept = append(kept, i)
			}
		}
		return nil
	}))
	if d := must(s.Retain(t.Context(), "acme", chat.StreamPair, time.UnixMilli(2)))(t); d.Messages != n/2 {
		t.Fatalf("%+v", d)
	}
	if found := inFiles(t, s.dir, gone); found == 0 {
		t.Error("nothing of them was in the write-ahead log: this test proves nothing")
	}
	// A reader of how it was before holds it up, and nobody else.
	reader, stop := context.WithCancel(t.Context())
	tx, err := s.read.BeginTx(reader, nil)
	check(t, err)
	var rows int
	check(t, tx.QueryRow(`SELECT COUNT(*) FROM log`).Scan(&rows))
	check(t, s.Ready(t.Context()))
	if done := must(s.Scrub(t.Context()))(t); done {
		t.Error("done while somebody reads")
	}
	stop()
	_ = tx.Rollback()
	if done := must(s.Scrub(t.Context()))(t); !done {
		t.Error("not done")
	}
	if wal, err := os.Stat(filepath.Join(s.dir, "magpie.db-wal")); err != nil || wal.Size() != 0 {
		t.Errorf("the write-ahead log has %v bytes %v", wal.Size(), err)
	}
	// SQLite moves rows between pages and may leave the beginning of one in the space between the cells of a page that is in use (docs/administration.md).
	if found := inFiles(t, s.dir, gone); found > len(gone)/100 {
		t.Errorf("of %d messages that are gone %d can be read", len(gone), found)
	}
	if found := inFiles(t, s.dir, kept); found != len(kept) {
		t.Errorf("of %d messages %d are there", len(kept), found)
	}
	clean := t.TempDir()
	check(t, s.Snapshot(t.Context(), filepath.Join(clean, "magpie.db")))
	if found := inFiles(t, clean, gone); found != 0 {
		t.Errorf("a copy has %d of them", found)
	}
}

// inFiles counts those whose canary is in one of the database's files.
func inFiles(t *testing.T, dir string, list []int) (found int) {
	have := map[string]bool{}
	for _, name := range []string{"magpie.db", "magpie.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for at := 0; ; at += len(mark) {
			next := bytes.Index(b[at:], []byte(mark))
			if next < 0 {
				break
			}
			at += next
			have[string(b[at:min(at+len(canary(0)), len(b))])] = true
		}
	}
	for _, i := range list {
		if have[canary(i)] {
			found++
		}
	}
	return found
}

const mark = "canary-"

func canary(i int) string { return fmt.Sprintf("%s%05d-", mark, i) }
