package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"magpie/server/chat"
)

// Snapshot writes a copy of the database, as it is at one moment, to a file that must be empty, or not there. It holds up nobody.
func (s *Store) Snapshot(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "magpie.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}

// MayBackup is nil for an actor who may back the server up.
func (s *Store) MayBackup(ctx context.Context, by chat.Actor, file string) error {
	return s.administer(ctx, by, chat.Backup, func(t *tx) error {
		return t.audit(by, "backup", file, nil, nil)
	})
}
