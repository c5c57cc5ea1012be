package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"magpie/server/chat"
)

// takeQuota counts bytes for a user and its organisation, unless one of them would have more than its quota.
func (t *tx) takeQuota(eid, uid string, bytes int64, quota chat.Quota) error {
	for _, q := range []struct {
		uid   string
		quota int64
		full  error
	}{
		{uid, quota.User, errUserFull(quota.User)},
		{"", quota.Org, errOrgFull(quota.Org)},
	} {
		var used int64
		err := t.row(`INSERT INTO file_use (eid, uid, bytes, files) VALUES ($1, $2, $3, 1)
			ON CONFLICT (eid, uid) DO UPDATE SET bytes = bytes + excluded.bytes, files = files + 1 RETURNING bytes`, eid, q.uid, bytes).Scan(&used)
		if err != nil {
			return fmt.Errorf("count a file: %w", err)
		}
		if q.quota > 0 && used > q.quota {
			return q.full
		}
	}
	return nil
}

func (t *tx) giveQuota(eid, uid string, bytes int64) error {
	for _, uid := range []string{uid, ""} {
		if err := t.exec(`UPDATE file_use SET bytes = bytes - $1, files = files - 1 WHERE eid = $2 AND uid = $3`, bytes, eid, uid); err != nil {
			return fmt.Errorf("count a file off: %w", err)
		}
	}
	return nil
}

func errUserFull(quota int64) error {
	return chat.Errorf(chat.TooLarge, "Your %s of storage are full. Remove messages with files that you no longer need, or ask your administrator.", chat.Bytes(quota)).Named(chat.ProblemQuotaFull)
}

func errOrgFull(quota int64) error {
	return chat.Errorf(chat.TooLarge, "Your organisation's %s of storage are full. Ask your administrator.", chat.Bytes(quota)).Named(chat.ProblemQuotaFull)
}

// CheckQuota tells before an upload whether there is room for it, with what is being uploaded at the moment.
func (s *Store) CheckQuota(ctx context.Context, eid, uid string, bytes int64, quota chat.Quota) error {
	for _, q := range []struct {
		uid   string
		quota int64
		full  error
	}{
		{uid, quota.User, errUserFull(quota.User)},
		{"", quota.Org, errOrgFull(quota.Org)},
	} {
		if q.quota <= 0 {
			continue
		}
		u, err := s.fileUse(ctx, eid, q.uid)
		if err != nil {
			return err
		}
		var coming int64
		err = s.read.QueryRowContext(ctx, `SELECT COALESCE(SUM(size), 0) FROM uploads WHERE eid = $1 AND (uid = $2 OR $2 = '') AND state = $3`,
			eid, q.uid, string(chat.UploadOpen)).Scan(&coming)
		if err != nil {
			return fmt.Errorf("read the uploads: %w", err)
		}
		if u.Used+coming+bytes > q.quota {
			return q.full
		}
	}
	return nil
}

// UserStorage returns how much a user has uploaded that is still there.
func (s *Store) UserStorage(ctx context.Context, eid, uid string) (chat.FileUse, error) {
	return s.fileUse(ctx, eid, uid)
}

func (s *Store) fileUse(ctx context.Context, eid, uid string) (chat.FileUse, error) {
	u := chat.FileUse{UID: uid}
	err := s.read.QueryRowContext(ctx, `SELECT bytes, files FROM file_use WHERE eid = $1 AND uid = $2`, eid, uid).Scan(&u.Used, &u.Files)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return u, fmt.Errorf("read the use of storage: %w", err)
	}
	return u, nil
}

// OrgStorage returns what an organisation stores, and the limit users with the most.
func (s *Store) OrgStorage(ctx context.Context, eid string, limit int) (chat.FileUse, []chat.FileUse, error) {
	all, err := s.fileUse(ctx, eid, "")
	if err != nil {
		return all, nil, err
	}
	users, err := collect(ctx, s.read, func(scan func(...any) error) (u chat.FileUse, err error) {
		err = scan(&u.UID, &u.Name, &u.Used, &u.Files)
		return u, err
	}, `SELECT f.uid, u.name, f.bytes, f.files FROM file_use f JOIN users u ON u.eid = f.eid AND u.uid = f.uid
		WHERE f.eid = $1 AND f.uid <> '' AND f.files > 0 ORDER BY f.bytes DESC, f.uid LIMIT $2`, eid, limit)
	if err != nil {
		return all, nil, fmt.Errorf("read the use of storage: %w", err)
	}
	return all, users, nil
}
