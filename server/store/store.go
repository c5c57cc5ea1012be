// Package store is the only place with SQL: the log of messages and notices, people, groups, sessions and the queue of events.
//
// One goroutine, the writer, owns the connection that writes. It takes everything that waits, runs it in one transaction in the
// order of arrival and commits it with synchronous=FULL: what it has answered survives a power cut. Then it tells the observers
// and the callers, in the order of the commit. Reads use connections of their own and see what is committed.
//
// All methods of Store may be called from any goroutine. Observers and the done functions run on the writer's goroutine: they must
// not block, and must not call what waits for the writer, which is every method that changes something, but for SaveSession,
// DeleteSession and ReleasePacket. Append waits only while its queue is full; from a callback it is to be called on another goroutine.
//
// While the disk takes nothing, appends and session states are held and tried again, and other changes fail with chat.Unavailable.
//
// The statements keep to what SQLite and PostgreSQL both take.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"magpie/migrations"
	"magpie/server/chat"
)

// Options of a Store.
type Options struct {
	Dir       string // data folder, made with mode 0700
	Log       *slog.Logger
	QueueSize int // appends and changes that may wait for the writer, default 8192
}

// busyTimeout is for how many milliseconds a connection waits for what another one holds.
const busyTimeout = 10_000

// Store is an open database.
type Store struct {
	dir   string
	log   *slog.Logger
	lock  *os.File
	read  *sql.DB
	write *sql.DB
	after *sql.Stmt // entriesAfter on read
	w     *writer
	once  sync.Once

	running context.Context // ends when the store is closed
	stop    context.CancelFunc
	closing sync.Mutex     // held while running ends, and while working counts up
	working sync.WaitGroup // changes that are being made in steps
}

// Open opens the database in the data folder, and makes or migrates it. It refuses a folder that another process has open and
// a database that is newer than the program.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.QueueSize <= 0 {
		o.QueueSize = 8192
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: o.Dir, log: o.Log, lock: lock}
	s.running, s.stop = context.WithCancel(context.Background())
	if err := s.open(ctx, o); err != nil {
		_ = s.closeFiles()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) error {
	path := filepath.Join(o.Dir, "magpie.db")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives its other files the mode of this one
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	// The writer begins its transactions by itself, those of readers must not take the write lock: no _txlock.
	dsn := "file:" + path + "?_pragma=busy_timeout(" + fmt.Sprint(busyTimeout) + ")&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	// A checkpoint each 16 MiB of the write-ahead log: hot pages go to the database once instead of again and again.
	// What is recalled or deleted is overwritten, on pages that become free too; see Scrub for the write-ahead log.
	if s.write, err = sql.Open("sqlite", dsn+"&_pragma=cache_size(-32768)&_pragma=wal_autocheckpoint(4000)&_pragma=secure_delete(on)"); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", dsn+"&_pragma=query_only(1)&_pragma=cache_size(-8192)"); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.read.SetMaxOpenConns(8)
	s.read.SetMaxIdleConns(8)
	if s.after, err = s.read.PrepareContext(ctx, entriesAfter); err != nil {
		return fmt.Errorf("prepare a statement: %w", err)
	}
	s.w, err = newWriter(ctx, s.write, o)
	return err
}

// lockDir makes sure that no other process uses the data folder.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, chat.Errorf(chat.Conflict, "Another magpie is running on the data folder %s. Stop it first, or choose another folder with --data.", dir)
		}
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return f, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	steps, err := fsSub()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, steps, goose.WithGoMigrations(
		goose.NewGoMigration(5, &goose.GoFunc{RunTx: indexDirectory}, nil)))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the database's version: %w", err)
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; have > newest {
		return chat.Errorf(chat.Conflict, "The database has version %d, this program knows versions up to %d. Run a newer magpie on it.", have, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// Observe adds a follower of what becomes durable from now on.
func (s *Store) Observe(o chat.Observer) {
	list := append(slices.Clone(*s.w.observers.Load()), o)
	s.w.observers.Store(&list)
}

// Ready reports whether the store can make something durable now: it writes a little. Its error is chat.Unavailable.
func (s *Store) Ready(ctx context.Context) error {
	return s.change(ctx, func(t *tx) error {
		err := t.exec(`INSERT INTO settings (key, value) VALUES ('probe', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
			time.Now().UTC().Format(time.RFC3339Nano))
		if err != nil {
			return errCannotStore(err)
		}
		return nil
	})
}

// Close lets the writer finish what waits, for at most ten seconds, and closes the database.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		s.closing.Lock()
		s.stop()
		s.closing.Unlock()
		s.working.Wait()
		s.w.close(10 * time.Second)
		err = s.closeFiles()
	})
	return err
}

func (s *Store) closeFiles() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	errs = append(errs, s.lock.Close())
	return errors.Join(errs...)
}

func fsSub() (fs.FS, error) {
	sub, err := fs.Sub(migrations.SQLite, "sqlite")
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return sub, nil
}
