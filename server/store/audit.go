package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"magpie/server/chat"
)

// administer runs a change that needs a right of the organisation. The actor's role is read in the same transaction, so that who has lost it
// a moment ago changes nothing.
func (s *Store) administer(ctx context.Context, by chat.Actor, right chat.Right, f func(*tx) error) error {
	return s.change(ctx, func(t *tx) error {
		if !by.Machine() {
			u, err := readUser(background, t, by.EID, by.UID)
			if err != nil {
				return err
			}
			if u.Disabled {
				return errSignedOut()
			}
			if err := u.Role.May(right); err != nil {
				return err
			}
		}
		return f(t)
	})
}

// changedMeanwhile is the answer to whoever changes what it has seen in an earlier version.
func changedMeanwhile(current any) error {
	return &chat.Error{Code: chat.Changed, Current: current,
		Message: "Somebody else has changed this meanwhile. Look at it as it is now, and change it again."}
}

// audit notes who did what. before and after are encoded as JSON; nil is nothing.
func (t *tx) audit(by chat.Actor, action, target string, before, after any) error {
	var texts [2]string
	for i, v := range []any{before, after} {
		if v == nil {
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode an audit entry: %w", err)
		}
		texts[i] = string(b)
	}
	err := t.exec(`INSERT INTO audit (eid, ts, actor, addr, action, target, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		by.EID, now(), by.UID, by.Addr, action, target, texts[0], texts[1])
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// difference returns what of two records is not the same, nil if nothing.
func difference(before, after map[string]any) (from, to map[string]any) {
	for k := range after {
		if !reflect.DeepEqual(before[k], after[k]) {
			if to == nil {
				from, to = map[string]any{}, map[string]any{}
			}
			from[k], to[k] = before[k], after[k]
		}
	}
	return from, to
}

// Audit returns a page of an organisation's audit log, the newest first, and the cursor of the next page, "" at the end.
func (s *Store) Audit(ctx context.Context, eid string, q chat.AuditQuery) ([]chat.AuditEntry, string, error) {
	var place [2]int64
	if err := decodeCursor(q.Cursor, &place); err != nil {
		return nil, "", err
	}
	limit := clamp(q.Limit, 50, 1000)
	where, args := "eid = $1", []any{eid}
	and := func(cond string, v any) {
		args = append(args, v)
		where += fmt.Sprintf(" AND "+cond, len(args))
	}
	if place[1] > 0 {
		args = append(args, place[0], place[1])
		where += fmt.Sprintf(" AND (ts, id) < ($%d, $%d)", len(args)-1, len(args))
	}
	for _, f := range []struct{ column, v string }{{"actor", q.Actor}, {"action", q.Action}, {"target", q.Target}} {
		if f.v != "" {
			and(f.column+" = $%d", f.v)
		}
	}
	for _, f := range []struct {
		cond string
		at   time.Time
	}{{"ts >= $%d", q.After}, {"ts < $%d", q.Before}} {
		if !f.at.IsZero() {
			and(f.cond, ms(f.at))
		}
	}
	args = append(args, limit+1)
	list, err := collect(ctx, s.read, scanAudit, `SELECT `+auditColumns+` FROM audit WHERE `+where+
		fmt.Sprintf(` ORDER BY ts DESC, id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, "", fmt.Errorf("read the audit log: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	list = list[:limit]
	return list, encodeCursor([2]int64{ms(list[limit-1].Time), list[limit-1].ID}), nil
}

// AuditEntry returns an entry of an organisation's audit log, or chat.NotFound.
func (s *Store) AuditEntry(ctx context.Context, eid string, id int64) (chat.AuditEntry, error) {
	e, err := scanAudit(s.read.QueryRowContext(ctx, `SELECT `+auditColumns+` FROM audit WHERE eid = $1 AND id = $2`, eid, id).Scan)
	return e, found(err, "audit entry")
}

const auditColumns = `id, ts, actor, addr, action, target, before, after`

func scanAudit(scan func(...any) error) (e chat.AuditEntry, err error) {
	var ts int64
	var before, after string
	err = scan(&e.ID, &ts, &e.Actor, &e.Addr, &e.Action, &e.Target, &before, &after)
	e.Time = fromMS(ts)
	if before != "" {
		e.Before = json.RawMessage(before)
	}
	if after != "" {
		e.After = json.RawMessage(after)
	}
	return e, err
}
