package store

import (
	"context"
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
}

// retentionStep is how many messages are deleted in one transaction.
const retentionStep = 200

// Retain deletes the messages of an organisation's conversations of a kind that are older than before, a few at a time, so that nothing waits for
// it: their rows, mentions and files' links, and the copies of them in reports that are closed. What it did is in the audit log.
func (s *Store) Retain(ctx context.Context, eid string, kind chat.StreamKind, before time.Time) (done Deleted, err error) {
	for stream := int64(0); ; {
		err := s.read.QueryRowContext(ctx, `SELECT COALESCE(MIN(id), 0) FROM streams WHERE eid = $1 AND kind = $2 AND id > $3 AND head > 0`, eid, int64(kind), stream).Scan(&stream)
		if err != nil {
			return done, fmt.Errorf("look for old messages: %w", err)
		}
		if stream == 0 {
			break
		}
		n, err := s.retainStream(ctx, stream, before)
		if err != nil {
			return done, fmt.Errorf("delete old messages: %w", err)
		}
		if done.Messages += n; n > 0 {
			done.Conversations++
		}
	}
	// A report is made after its message was sent: of these, nothing else is left.
	err = s.change(ctx, func(t *tx) error {
		t.forget()
		return t.exec(`DELETE FROM reports WHERE eid = $1 AND state = $2 AND created < $3 AND stream IN (SELECT id FROM streams WHERE eid = $1 AND kind = $4)`,
			eid, string(chat.ReportClosed), ms(before), int64(kind))
	})
	if err != nil {
		return done, fmt.Errorf("delete old reports: %w", err)
	}
	if done.Messages == 0 {
		return done, nil
	}
	err = s.change(ctx, func(t *tx) error {
		return t.audit(chat.Actor{EID: eid, Addr: chat.ActorServer}, "retention", map[chat.StreamKind]string{chat.StreamPair: "pair", chat.StreamGroup: "group"}[kind], nil,
			map[string]any{"messages": done.Messages, "conversations": done.Conversations, "before": before.UTC()})
	})
	return done, err
}

func (s *Store) retainStream(ctx context.Context, stream int64, before time.Time) (n int, err error) {
	for {
		old := 0
		err := s.change(ctx, func(t *tx) error {
			type entry struct{ seq, ts int64 }
			list, err := collect(background, t, func(scan func(...any) error) (e entry, err error) {
				err = scan(&e.seq, &e.ts)
				return e, err
			}, `SELECT seq, ts FROM log WHERE stream = $1 ORDER BY seq LIMIT $2`, stream, retentionStep)
			if err != nil {
				return err
			}
			for old = 0; old < len(list) && list[old].ts < ms(before); old++ {
			}
			if old == 0 {
				return nil
			}
			last := list[old-1].seq
			t.forget()
			if err := t.unlinkFiles(stream, 0, last); err != nil {
				return err
			}
			if err := t.blankNotices(stream, 0, last); err != nil {
				return err
			}
			for _, q := range []string{`DELETE FROM mentions WHERE stream = $1 AND seq <= $2`, `DELETE FROM log WHERE stream = $1 AND seq <= $2`} {
				if err := t.exec(q, stream, last); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		if n += old; old < retentionStep {
			return n, nil
		}
	}
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
