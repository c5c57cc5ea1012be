package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"magpie/server/chat"
)

// errNoFile is what a sender gets whose message links to a file that is not there, or not for its eyes.
func errNoFile() error {
	return chat.Errorf(chat.Invalid, "The message links to a file that is not there, or that you may not read. Attach it again.").Named(chat.ProblemMediaNotFound)
}

// mayRead is the right to read the file f, as the user $2: its uploader, everyone in the organisation for an avatar in use, and
// who may read a message that carries it.
const mayRead = `(f.uid = $2 OR f.purpose = 'avatar' AND f.idle = 0 OR EXISTS (
	SELECT 1 FROM file_refs r JOIN streams s ON s.id = r.stream WHERE r.file = f.id AND (
		s.kind = 1 AND EXISTS (SELECT 1 FROM participants p WHERE p.eid = f.eid AND p.uid = $2 AND p.stream = s.id) OR
		s.kind = 2 AND EXISTS (SELECT 1 FROM members m WHERE m.eid = f.eid AND m.gid = s.key AND m.uid = $2))))`

// File returns a file that a user may read, with its variants: of its organisation, or that one's logo. Who may not gets chat.NotFound, as if it were not there.
func (s *Store) File(ctx context.Context, eid, uid, id string) (chat.File, error) {
	f := chat.File{ID: id}
	var duration, created int64
	err := s.read.QueryRowContext(ctx, `SELECT f.eid, f.uid, f.purpose, f.name, f.type, f.kind, f.width, f.height, f.duration, f.placeholder, f.created
		FROM files f WHERE f.id = $3 AND (f.eid = $1 AND `+mayRead+` OR EXISTS (SELECT 1 FROM orgs o WHERE o.eid = $1 AND o.logo = $4))`, eid, uid, id, chat.FilePath+id).
		Scan(&f.EID, &f.UID, &f.Purpose, &f.Name, &f.Type, &f.Kind, &f.Width, &f.Height, &duration, &f.Placeholder, &created)
	if err != nil {
		return chat.File{}, found(err, "file")
	}
	f.Duration, f.Created = float64(duration)/1000, fromMS(created)
	f.Blobs, err = collect(ctx, s.read, func(scan func(...any) error) (b chat.Blob, err error) {
		err = scan(&b.Variant, &b.Type, &b.Hash, &b.Key, &b.Size)
		return b, err
	}, `SELECT v.variant, v.type, v.hash, o.key, o.size FROM file_variants v JOIN objects o ON o.eid = v.eid AND o.hash = v.hash
		WHERE v.file = $1 ORDER BY v.variant`, id)
	if err != nil {
		return chat.File{}, fmt.Errorf("read a file's variants: %w", err)
	}
	return f, nil
}

// NoteKeys notes keys of the media store before anything is written under them. What is not part of a file by due is removed.
func (s *Store) NoteKeys(ctx context.Context, due time.Time, keys ...string) error {
	err := s.change(ctx, func(t *tx) error {
		for _, key := range keys {
			err := t.exec(`INSERT INTO spare_keys (key, due) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET due = excluded.due WHERE due > 0`, key, ms(due))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note keys: %w", err)
	}
	return nil
}

// AddFile keeps an uploaded file, whose blobs lie under keys that were noted, and takes quota of the uploader and the
// organisation; upload is the resumable upload that it ends, or "". Bytes that the organisation has already are not kept twice: the blob's
// key is then one to be removed.
func (s *Store) AddFile(ctx context.Context, f chat.File, quota chat.Quota, upload string) error {
	err := s.change(ctx, func(t *tx) error {
		org, err := readOrg(background, t, f.EID)
		if err != nil {
			return err
		}
		if err := org.Settings.MayUpload(f); err != nil {
			return err
		}
		if err := t.takeQuota(f.EID, f.UID, f.Size(), quota); err != nil {
			return err
		}
		at := now()
		err = t.exec(`INSERT INTO files (id, eid, uid, purpose, name, type, kind, width, height, duration, placeholder, size, created, idle)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)`, f.ID, f.EID, f.UID, f.Purpose, f.Name, f.Type, int64(f.Kind),
			f.Width, f.Height, int64(f.Duration*1000), f.Placeholder, f.Size(), at)
		if err != nil {
			return err
		}
		for _, b := range f.Blobs {
			if err := t.addBlob(f, b, at); err != nil {
				return err
			}
		}
		if upload == "" {
			return nil
		}
		return t.exec(`UPDATE uploads SET state = $1, file = $2 WHERE id = $3`, string(chat.UploadDone), f.ID, upload)
	})
	if err != nil {
		return fmt.Errorf("add a file: %w", err)
	}
	return nil
}

func (t *tx) addBlob(f chat.File, b chat.Blob, at int64) error {
	n, err := t.affect(`UPDATE objects SET refs = refs + 1 WHERE eid = $1 AND hash = $2`, f.EID, b.Hash)
	switch {
	case err != nil:
		return err
	case n > 0:
		err = t.exec(`UPDATE spare_keys SET due = $1 WHERE key = $2 AND due > 0`, at, b.Key)
	default:
		n, err = t.affect(`DELETE FROM spare_keys WHERE key = $1 AND due > 0`, b.Key)
		if err == nil && n == 0 {
			err = errors.New("the key of a blob was not noted")
		}
		if err == nil {
			err = t.exec(`INSERT INTO objects (eid, hash, key, size, refs) VALUES ($1, $2, $3, $4, 1)`, f.EID, b.Hash, b.Key, b.Size)
		}
	}
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO file_variants (file, variant, type, eid, hash) VALUES ($1, $2, $3, $4, $5)`, f.ID, b.Variant, b.Type, f.EID, b.Hash)
}

// mayLink reports whether a sender may send a message that links to files: each must be one that it may read.
func (t *tx) mayLink(eid, uid string, refs []chat.FileRef) (bool, error) {
	for _, r := range refs {
		if r.File == "" {
			continue
		}
		var may bool
		err := t.row(`SELECT CASE WHEN EXISTS (SELECT 1 FROM files f WHERE f.eid = $1 AND f.id = $3 AND f.purpose = 'message' AND `+mayRead+`) THEN 1 ELSE 0 END`,
			eid, uid, r.File).Scan(&may)
		if err != nil || !may {
			return false, err
		}
	}
	return true, nil
}

// linkFiles notes which files a message carries: those who read it may from now on read them.
func (t *tx) linkFiles(h *head, refs []chat.FileRef) error {
	for _, r := range refs {
		err := t.exec(`INSERT INTO file_refs (stream, seq, idx, file, type, main) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			h.id, int64(h.seq), r.Index, r.File, int64(r.Type), flag(r.Main))
		if err == nil && r.File != "" {
			err = t.exec(`UPDATE files SET idle = 0 WHERE id = $1 AND idle > 0`, r.File)
		}
		if err != nil {
			return fmt.Errorf("link a file: %w", err)
		}
	}
	return nil
}

// SharedFiles returns a page of the files in a conversation, the newest first: images and videos, or all others; and the cursor of the next
// page, "" at the end. Who may not read it gets chat.NotFound.
func (s *Store) SharedFiles(ctx context.Context, eid, uid, conv string, images bool, cursor string, limit int) ([]chat.SharedFile, string, error) {
	before := [2]int64{math.MaxInt64, 0}
	if err := decodeCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	ref, err := readable(ctx, s.read, eid, uid, conv)
	if err != nil {
		return nil, "", err
	}
	st, err := s.Stream(ctx, ref)
	if err != nil || st.ID == 0 {
		return nil, "", err
	}
	cleared, _, err := clearedUpTo(ctx, s.read, eid, uid, st.ID)
	if err != nil {
		return nil, "", fmt.Errorf("read what was cleared: %w", err)
	}
	limit = clamp(limit, 50, 500)
	list, err := collect(ctx, s.read, func(scan func(...any) error) (f chat.SharedFile, err error) {
		f.Entry, err = scanEntry(func(to ...any) error { return scan(append([]any{&f.Index}, to...)...) })
		return f, err
	}, `SELECT r.idx, `+entryColumns+` FROM file_refs r JOIN log l ON l.stream = r.stream AND l.seq = r.seq
		JOIN streams s ON s.id = l.stream LEFT JOIN users u ON u.id = l.author
		WHERE r.stream = $1 AND r.seq > $2 AND r.main = 1 AND (r.seq, r.idx) < ($3, $4) AND CASE WHEN r.type IN (1, 3) THEN 1 ELSE 0 END = $5
		ORDER BY r.seq DESC, r.idx DESC LIMIT $6`, st.ID, int64(cleared), before[0], before[1], flag(images), limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read the files of a conversation: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	list = list[:limit]
	last := list[limit-1]
	return list, encodeCursor([2]int64{int64(last.Entry.Seq), int64(last.Index)}), nil
}
