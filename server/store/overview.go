package store

import (
	"context"
	"fmt"
	"time"

	"magpie/server/chat"
)

// AddFigures adds to the figures of days.
func (s *Store) AddFigures(ctx context.Context, list []chat.DayFigures) error {
	err := s.change(ctx, func(t *tx) error {
		for _, d := range list {
			err := t.exec(`INSERT INTO day_figures (eid, day, messages, media, bytes) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (eid, day) DO UPDATE
				SET messages = messages + excluded.messages, media = media + excluded.media, bytes = bytes + excluded.bytes`, d.EID, d.Day, d.Messages, d.Media, d.Bytes)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store the figures of a day: %w", err)
	}
	return nil
}

// Overview sums an organisation up; the figures are of its last days, the oldest first, those without any among them.
func (s *Store) Overview(ctx context.Context, eid string, days int) (f chat.OrgFigures, err error) {
	err = s.reading(ctx, func(q querier) error {
		err := q.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM users WHERE eid = $1), (SELECT COUNT(*) FROM users WHERE eid = $1 AND disabled = 1),
			(SELECT COUNT(*) FROM chat_groups WHERE eid = $1 AND dissolved = 0), (SELECT COALESCE(SUM(head), 0) FROM streams WHERE eid = $1 AND kind IN (1, 2)),
			COALESCE((SELECT files FROM file_use WHERE eid = $1 AND uid = ''), 0), COALESCE((SELECT bytes FROM file_use WHERE eid = $1 AND uid = ''), 0),
			(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size), (SELECT COUNT(*) FROM events), (SELECT COUNT(*) FROM reports WHERE eid = $1 AND state = 'open'),
			(SELECT COUNT(*) FROM webhooks w JOIN deliveries d ON d.webhook = w.id AND d.status = 'waiting' WHERE w.eid = $1)`, eid).
			Scan(&f.People, &f.Disabled, &f.Groups, &f.Messages, &f.Files, &f.FileBytes, &f.Database, &f.Events, &f.Reports, &f.Deliveries)
		if err != nil {
			return err
		}
		today := now() / (24 * time.Hour).Milliseconds()
		have, err := collect(ctx, q, func(scan func(...any) error) (d chat.DayFigures, err error) {
			d.EID = eid
			err = scan(&d.Day, &d.Messages, &d.Media, &d.Bytes)
			return d, err
		}, `SELECT day, messages, media, bytes FROM day_figures WHERE eid = $1 AND day > $2 ORDER BY day`, eid, today-int64(days))
		if err != nil {
			return err
		}
		for day := today - int64(days) + 1; day <= today; day++ {
			d := chat.DayFigures{EID: eid, Day: day}
			if len(have) > 0 && have[0].Day == day {
				d, have = have[0], have[1:]
			}
			f.Days = append(f.Days, d)
		}
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("sum an organisation up: %w", err)
	}
	return f, nil
}
