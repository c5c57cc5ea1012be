package store

import (
	"context"
	"fmt"
	"time"

	"magpie/server/chat"
)

// sweepStep is how much one transaction of housekeeping does, so that messages never wait for it.
const sweepStep = 100

// SweepFiles removes some of the files that nothing has carried since before, and reports whether there may be more. Their bytes are
// to be removed from the media store then: see TakeKeys.
func (s *Store) SweepFiles(ctx context.Context, before time.Time) (more bool, err error) {
	err = s.change(ctx, func(t *tx) error {
		files, err := collect(ctx, t, func(scan func(...any) error) (f chat.File, err error) {
			var size int64
			err = scan(&f.ID, &f.EID, &f.UID, &size)
			f.Blobs = []chat.Blob{{Size: size}}
			return f, err
		}, `SELECT id, eid, uid, size FROM files WHERE idle > 0 AND idle <= $1 LIMIT $2`, ms(before), sweepStep)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := t.removeFile(f); err != nil {
				return err
			}
		}
		more = len(files) == sweepStep
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("sweep files: %w", err)
	}
	return more, nil
}

func (t *tx) removeFile(f chat.File) error {
	hashes, err := collect(background, t, func(scan func(...any) error) (h []byte, err error) {
		err = scan(&h)
		return h, err
	}, `SELECT hash FROM file_variants WHERE file = $1`, f.ID)
	if err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM files WHERE id = $1`, f.ID); err != nil { // and its variants
		return err
	}
	for _, hash := range hashes {
		if err := t.exec(`UPDATE objects SET refs = refs - 1 WHERE eid = $1 AND hash = $2`, f.EID, hash); err != nil {
			return err
		}
		err := t.exec(`INSERT INTO spare_keys (key, due) SELECT key, CAST($1 AS bigint) FROM objects WHERE eid = $2 AND hash = $3 AND refs = 0`, now(), f.EID, hash)
		if err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM objects WHERE eid = $1 AND hash = $2 AND refs = 0`, f.EID, hash); err != nil {
			return err
		}
	}
	return t.giveQuota(f.EID, f.UID, f.Size())
}

// SweepGroups takes away what groups carry that were dissolved and can't be restored any more, some of it, and reports whether there may be
// more.
func (s *Store) SweepGroups(ctx context.Context, at time.Time) (more bool, err error) {
	err = s.change(ctx, func(t *tx) error {
		type place struct {
			stream, seq, index int64
			file               string
		}
		refs, err := collect(ctx, t, func(scan func(...any) error) (p place, err error) {
			err = scan(&p.stream, &p.seq, &p.index, &p.file)
			return p, err
		}, `SELECT r.stream, r.seq, r.idx, r.file FROM chat_groups g JOIN streams s ON s.eid = g.eid AND s.kind = 2 AND s.key = g.gid
			JOIN file_refs r ON r.stream = s.id WHERE g.dissolved > 0 AND g.dissolved < $1 LIMIT $2`, ms(at.Add(-restorable)), sweepStep)
		if err != nil {
			return err
		}
		for _, r := range refs {
			if err := t.exec(`DELETE FROM file_refs WHERE stream = $1 AND seq = $2 AND idx = $3 AND file = $4`, r.stream, r.seq, r.index, r.file); err != nil {
				return err
			}
			if _, err := t.loosen(r.file); err != nil {
				return err
			}
		}
		avatars, err := collect(ctx, t, func(scan func(...any) error) (g chat.Group, err error) {
			err = scan(&g.EID, &g.GID, &g.Avatar)
			return g, err
		}, `SELECT eid, gid, avatar FROM chat_groups WHERE dissolved > 0 AND dissolved < $1 AND avatar <> '' LIMIT $2`, ms(at.Add(-restorable)), sweepStep)
		if err != nil {
			return err
		}
		for _, g := range avatars {
			if err := t.exec(`UPDATE chat_groups SET avatar = '' WHERE eid = $1 AND gid = $2`, g.EID, g.GID); err != nil {
				return err
			}
			if err := t.changeAvatar(g.EID, "", g.Avatar, ""); err != nil {
				return err
			}
		}
		more = len(refs) == sweepStep || len(avatars) == sweepStep
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("sweep groups: %w", err)
	}
	return more, nil
}

// loosen notes the time of a file that nothing carries any more, and reports whether it is one.
func (t *tx) loosen(file string) (bool, error) {
	n, err := t.affect(`UPDATE files SET idle = $1 WHERE id = $2 AND idle = 0 AND NOT EXISTS (SELECT 1 FROM file_refs r WHERE r.file = files.id AND r.file <> '')
		AND NOT EXISTS (SELECT 1 FROM report_files p WHERE p.file = files.id)`, now(), file)
	return n > 0, err
}

// TakeKeys returns some keys of the media store that are to be removed from it. They belong to no file and never will. Each stays until
// DropKeys says that it is done.
func (s *Store) TakeKeys(ctx context.Context, due time.Time) (keys []string, err error) {
	err = s.change(ctx, func(t *tx) error {
		err := t.exec(`UPDATE spare_keys SET due = 0 WHERE key IN (SELECT key FROM spare_keys WHERE due > 0 AND due <= $1 ORDER BY due LIMIT $2)`, ms(due), sweepStep)
		if err != nil {
			return err
		}
		keys, err = collect(ctx, t, scanString, `SELECT key FROM spare_keys WHERE due = 0 LIMIT $1`, sweepStep)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take keys: %w", err)
	}
	return keys, nil
}

// DropKeys forgets keys that were removed from the media store.
func (s *Store) DropKeys(ctx context.Context, keys []string) error {
	err := s.change(ctx, func(t *tx) error {
		return t.exec(`DELETE FROM spare_keys WHERE due = 0 AND key IN (SELECT value FROM json_each(CAST($1 AS text)))`, jsonList(keys))
	})
	if err != nil {
		return fmt.Errorf("drop keys: %w", err)
	}
	return nil
}
