package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"magpie/server/chat"
)

// Orgs returns all organisations, by eid.
func (s *Store) Orgs(ctx context.Context) ([]chat.Org, error) {
	eids, err := collect(ctx, s.read, scanString, `SELECT eid FROM orgs ORDER BY eid`)
	if err != nil {
		return nil, fmt.Errorf("read the organisations: %w", err)
	}
	out := make([]chat.Org, len(eids))
	for i, eid := range eids {
		if out[i], err = readOrg(ctx, s.read, eid); err != nil {
			return nil, fmt.Errorf("read an organisation: %w", err)
		}
	}
	return out, nil
}

// Deleted counts what a retention has deleted.
type Deleted struct {
	Messages      int
	Conversations int // that lost any
	Files         int // that nothing carries any more
	Reports       int
}

func (d *Deleted) add(more Deleted) {
	d.Messages, d.Conversations, d.Files, d.Reports = d.Messages+more.Messages, d.Conversations+more.Conversations, d.Files+more.Files, d.Reports+more.Reports
}

// retentionStep is how many messages, or reports, are deleted in one transaction.
const retentionStep = 200

// Retain deletes the messages of an organisation's conversations of a kind that are older than before, a few at a time, so that nothing waits for
// it: their rows, mentions and files' links, and the copies of them in reports that are closed. What it did is in the audit log, also where ctx or an
// error has ended it before all was done.
func (s *Store) Retain(ctx context.Context, eid string, kind chat.StreamKind, before time.Time) (done Deleted, err error) {
	defer func() {
		if done == (Deleted{}) {
			return
		}
		failed := s.change(context.WithoutCancel(ctx), func(t *tx) error {
			return t.audit(chat.Actor{EID: eid, Addr: chat.ActorServer}, "retention", map[chat.StreamKind]string{chat.StreamPair: "pair", chat.StreamGroup: "group"}[kind], nil,
				map[string]any{"messages": done.Messages, "conversations": done.Conversations, "files": done.Files, "reports": done.Reports, "before": before.UTC()})
		})
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("note what was deleted: %w", failed))
		}
	}()
	for stream := int64(0); ; {
		err := s.read.QueryRowContext(ctx, `SELECT COALESCE(MIN(id), 0) FROM streams WHERE eid = $1 AND kind = $2 AND id > $3 AND head > 0`, eid, int64(kind), stream).Scan(&stream)
		if err != nil {
			return done, fmt.Errorf("look for old messages: %w", err)
		}
		if stream == 0 {
			break
		}
		gone, err := s.inRetentionSteps(ctx, func(t *tx) (Deleted, error) { return t.deleteOld(stream, before) })
		if gone.Messages > 0 {
			gone.Conversations = 1
		}
		done.add(gone)
		if err != nil {
			return done, fmt.Errorf("delete old messages: %w", err)
		}
	}
	// A report is made after its message was sent: of these, nothing else is left.
	gone, err := s.inRetentionSteps(ctx, func(t *tx) (Deleted, error) {
		t.forget()
		n, err := t.affect(`DELETE FROM reports WHERE id IN (SELECT id FROM reports WHERE eid = $1 AND state = $2 AND created < $3
			AND stream IN (SELECT id FROM streams WHERE eid = $1 AND kind = $4) LIMIT $5)`, eid, string(chat.ReportClosed), ms(before), int64(kind), retentionStep)
		return Deleted{Reports: int(n)}, err
	})
	done.add(gone)
	if err != nil {
		return done, fmt.Errorf("delete old reports: %w", err)
	}
	return done, nil
}

// inRetentionSteps runs step in one transaction after the other until one deletes less than it may. A transaction that has begun is waited for, so that
// all that is deleted is counted.
func (s *Store) inRetentionSteps(ctx context.Context, step func(*tx) (Deleted, error)) (done Deleted, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		var gone Deleted
		err := s.change(context.WithoutCancel(ctx), func(t *tx) (err error) {
			gone, err = step(t)
			return err
		})
		if err != nil {
			return done, err
		}
		if done.add(gone); gone.Messages+gone.Reports < retentionStep {
			return done, nil
		}
	}
}

// deleteOld deletes the first messages of a stream, as far as they are older than before, with what belongs to them.
func (t *tx) deleteOld(stream int64, before time.Time) (gone Deleted, err error) {
	type entry struct{ seq, ts int64 }
	list, err := collect(background, t, func(scan func(...any) error) (e entry, err error) {
		err = scan(&e.seq, &e.ts)
		return e, err
	}, `SELECT seq, ts FROM log WHERE stream = $1 ORDER BY seq LIMIT $2`, stream, retentionStep)
	if err != nil {
		return gone, err
	}
	for gone.Messages < len(list) && list[gone.Messages].ts < ms(before) {
		gone.Messages++
	}
	if gone.Messages == 0 {
		return gone, nil
	}
	last := list[gone.Messages-1].seq
	t.forget()
	if gone.Files, err = t.unlinkFiles(stream, 0, last); err != nil {
		return gone, err
	}
	if err := t.blankNotices(stream, 0, last); err != nil {
		return gone, err
	}
	for _, q := range []string{`DELETE FROM mentions WHERE stream = $1 AND seq <= $2`, `DELETE FROM log WHERE stream = $1 AND seq <= $2`} {
		if err := t.exec(q, stream, last); err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// Tidy forgets what has had its time: links that set a password or lead into groups, jobs, members of groups that can't be restored any more.
func (s *Store) Tidy(ctx context.Context) error {
	ts := now()
	err := s.change(ctx, func(t *tx) error {
		for _, d := range []struct {
			query  string
			before int64
		}{
			{`DELETE FROM password_links WHERE expires < $1`, ts},
			{`DELETE FROM group_links WHERE expires > 0 AND expires < $1`, ts},
			{`DELETE FROM jobs WHERE kind <> 'backup' AND state IN ('done', 'failed', 'stopped') AND changed < $1`, ts - (30 * 24 * time.Hour).Milliseconds()},
			{`DELETE FROM dissolved_members WHERE EXISTS (SELECT 1 FROM chat_groups g WHERE g.eid = dissolved_members.eid AND g.gid = dissolved_members.gid AND g.dissolved > 0 AND g.dissolved < $1)`, ts - restorable.Milliseconds()},
		} {
			if err := t.exec(d.query, d.before); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tidy up: %w", err)
	}
	return nil
}
