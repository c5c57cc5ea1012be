package store

import (
	"context"
	"encoding/json"
	"fmt"

	"magpie/server/chat"
)

// Events returns the changes that the agent has still to tell, oldest first.
func (s *Store) Events(ctx context.Context, limit int) ([]chat.Event, error) {
	out, err := collect(ctx, s.read, func(scan func(...any) error) (ev chat.Event, err error) {
		var id, ts int64
		var eid, body string
		if err := scan(&id, &eid, &ts, &body); err != nil {
			return ev, err
		}
		if err := json.Unmarshal([]byte(body), &ev); err != nil {
			return ev, fmt.Errorf("event %d: %w", id, err)
		}
		ev.ID, ev.EID, ev.Time = id, eid, ts
		return ev, nil
	}, `SELECT id, eid, ts, body FROM events ORDER BY id LIMIT $1`, clamp(limit, 100, 10_000))
	if err != nil {
		return nil, fmt.Errorf("read the events: %w", err)
	}
	return out, nil
}

// FinishEvent appends what an event means and takes it off the queue, in one transaction. Of an event that was finished before
// nothing is appended again. The notices' Done is not called.
func (s *Store) FinishEvent(ctx context.Context, id int64, notices []chat.Append) error {
	err := s.change(ctx, func(t *tx) error {
		n, err := t.affect(`DELETE FROM events WHERE id = $1`, id)
		if err != nil || n == 0 {
			return err
		}
		for i := range notices {
			if stale, err := t.stale(notices[i].Tells); err != nil || stale {
				if err != nil {
					return err
				}
				continue // the event of its next change tells of it
			}
			if _, err := t.append(&notices[i]); err != nil {
				return fmt.Errorf("append a notice: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("finish an event: %w", err)
	}
	return nil
}
