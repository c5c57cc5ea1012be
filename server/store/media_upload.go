package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"magpie/server/chat"
)

// maxUploads is how many uploads of a user may be under way.
const maxUploads = 200

// uploadFailure is why an upload failed, as it is kept.
type uploadFailure struct {
	Code    chat.Code    `json:"code"`
	Problem chat.Problem `json:"problem"`
	Message string       `json:"message"`
	Limit   int          `json:"limit,omitempty"`
}

// CreateUpload begins a resumable upload, and notes its key until due.
func (s *Store) CreateUpload(ctx context.Context, u chat.Upload, due time.Time) error {
	about, err := json.Marshal(u.File)
	if err != nil {
		return fmt.Errorf("encode what is said of a file: %w", err)
	}
	err = s.change(ctx, func(t *tx) error {
		var open int
		if err := t.row(`SELECT COUNT(*) FROM uploads WHERE eid = $1 AND uid = $2 AND state = $3`, u.EID, u.UID, string(chat.UploadOpen)).Scan(&open); err != nil {
			return err
		}
		if open >= maxUploads {
			e := chat.Errorf(chat.RateLimited, "You are uploading %d files already. Please wait until some are done.", maxUploads)
			e.RetryAfter = 10
			return e
		}
		if err := t.exec(`INSERT INTO spare_keys (key, due) VALUES ($1, $2)`, u.Key, ms(due)); err != nil {
			return err
		}
		return t.exec(`INSERT INTO uploads (id, eid, uid, about, key, size, pos, progress, state, problem, file, expires)
			VALUES ($1, $2, $3, $4, $5, $6, 0, '', $7, '', '', $8)`, u.ID, u.EID, u.UID, string(about), u.Key, u.Size, string(chat.UploadOpen), ms(u.Expires))
	})
	if err != nil {
		return fmt.Errorf("begin an upload: %w", err)
	}
	return nil
}

// Upload returns a user's own upload, or chat.NotFound.
func (s *Store) Upload(ctx context.Context, eid, uid, id string) (chat.Upload, error) {
	u := chat.Upload{ID: id, EID: eid, UID: uid}
	var about, problem string
	var expires int64
	err := s.read.QueryRowContext(ctx, `SELECT about, key, size, pos, progress, state, problem, file, expires FROM uploads WHERE id = $1 AND eid = $2 AND uid = $3`,
		id, eid, uid).Scan(&about, &u.Key, &u.Size, &u.Offset, &u.Progress, &u.State, &problem, &u.FileID, &expires)
	if err != nil {
		return u, found(err, "upload")
	}
	u.Expires = fromMS(expires)
	if err := json.Unmarshal([]byte(about), &u.File); err != nil {
		return u, fmt.Errorf("read an upload: %w", err)
	}
	if problem != "" {
		var f uploadFailure
		if err := json.Unmarshal([]byte(problem), &f); err != nil {
			return u, fmt.Errorf("read an upload: %w", err)
		}
		u.Failure = &chat.Error{Code: f.Code, Problem: f.Problem, Message: f.Message, Limit: f.Limit}
	}
	return u, nil
}

// SaveUpload notes how far an upload has come, and keeps it and its key for longer.
func (s *Store) SaveUpload(ctx context.Context, u chat.Upload, due time.Time) error {
	err := s.change(ctx, func(t *tx) error {
		n, err := t.affect(`UPDATE uploads SET pos = $1, progress = $2, expires = $3 WHERE id = $4 AND state = $5`,
			u.Offset, u.Progress, ms(u.Expires), u.ID, string(chat.UploadOpen))
		if err == nil && n == 0 {
			err = chat.Errorf(chat.NotFound, "There is no such upload.")
		}
		if err != nil {
			return err
		}
		return t.exec(`UPDATE spare_keys SET due = $1 WHERE key = $2 AND due > 0`, ms(due), u.Key)
	})
	if err != nil {
		return fmt.Errorf("save an upload: %w", err)
	}
	return nil
}

// FailUpload notes that an upload can't become a file. Its bytes are to be removed.
func (s *Store) FailUpload(ctx context.Context, u chat.Upload, why *chat.Error) error {
	b, err := json.Marshal(uploadFailure{why.Code, why.Problem, why.Message, why.Limit})
	if err != nil {
		return fmt.Errorf("encode a failure: %w", err)
	}
	err = s.change(ctx, func(t *tx) error {
		if err := t.exec(`UPDATE uploads SET state = $1, problem = $2 WHERE id = $3`, string(chat.UploadFailed), string(b), u.ID); err != nil {
			return err
		}
		return t.exec(`UPDATE spare_keys SET due = $1 WHERE key = $2 AND due > 0`, now(), u.Key)
	})
	if err != nil {
		return fmt.Errorf("fail an upload: %w", err)
	}
	return nil
}

// DeleteUpload forgets an upload. What has come of it is to be removed, unless it has become a file.
func (s *Store) DeleteUpload(ctx context.Context, u chat.Upload) error {
	err := s.change(ctx, func(t *tx) error { return t.deleteUpload(u.ID, u.Key) })
	if err != nil {
		return fmt.Errorf("delete an upload: %w", err)
	}
	return nil
}

func (t *tx) deleteUpload(id, key string) error {
	if err := t.exec(`DELETE FROM uploads WHERE id = $1`, id); err != nil {
		return err
	}
	return t.exec(`UPDATE spare_keys SET due = $1 WHERE key = $2 AND due > 0`, now(), key)
}

// SweepUploads forgets some of the uploads that have expired, and reports whether there may be more.
func (s *Store) SweepUploads(ctx context.Context, at time.Time) (more bool, err error) {
	err = s.change(ctx, func(t *tx) error {
		uploads, err := collect(ctx, t, func(scan func(...any) error) (u [2]string, err error) {
			err = scan(&u[0], &u[1])
			return u, err
		}, `SELECT id, key FROM uploads WHERE expires <= $1 LIMIT $2`, ms(at), sweepStep)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			if err := t.deleteUpload(u[0], u[1]); err != nil {
				return err
			}
		}
		more = len(uploads) == sweepStep
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("sweep uploads: %w", err)
	}
	return more, nil
}
