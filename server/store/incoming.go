package store

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

const incomingColumns = `i.id, i.app, i.eid, i.name, i.bot, i.conv, i.hash, i.created, i.used`

func scanIncoming(scan func(...any) error) (i chat.Incoming, err error) {
	var created, used int64
	err = scan(&i.ID, &i.App, &i.EID, &i.Name, &i.Bot, &i.Conv, &i.Hash, &created, &used)
	i.Created, i.Used = fromMS(created), fromMS(used)
	return i, err
}

// Incoming returns an incoming webhook whose app and bot may act; chat.NotFound otherwise.
func (s *Store) Incoming(ctx context.Context, id string) (in chat.Incoming, err error) {
	err = s.reading(ctx, func(q querier) error {
		in, err = scanIncoming(q.QueryRowContext(ctx, `SELECT `+incomingColumns+` FROM incoming_hooks i JOIN users u ON u.eid = i.eid AND u.uid = i.bot
			WHERE i.id = $1 AND u.disabled = 0`, id).Scan)
		if err != nil {
			return found(err, "webhook")
		}
		_, err := liveApp(ctx, q, in.App)
		return err
	})
	if err != nil {
		return chat.Incoming{}, fmt.Errorf("read an incoming webhook: %w", err)
	}
	return in, nil
}

// NoteIncoming notes that a webhook was used; known is what the caller has read of it.
func (s *Store) NoteIncoming(known chat.Incoming) {
	ts := now()
	if ts-ms(known.Used) < usedEach.Milliseconds() {
		return
	}
	s.changeLater(func(t *tx) error {
		return t.exec(`UPDATE incoming_hooks SET used = $1 WHERE id = $2 AND used < $1`, ts, known.ID)
	}, nil)
}

// IncomingOf returns the incoming webhooks of an app, the newest last.
func (s *Store) IncomingOf(ctx context.Context, eid, app string) (list []chat.Incoming, err error) {
	err = s.reading(ctx, func(q querier) error {
		if _, err := appOf(ctx, q, eid, app); err != nil {
			return err
		}
		list, err = collect(ctx, q, scanIncoming, `SELECT `+incomingColumns+` FROM incoming_hooks i WHERE i.app = $1 ORDER BY i.created, i.id`, app)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read incoming webhooks: %w", err)
	}
	return list, nil
}

// CreateIncoming makes an incoming webhook. Whether the bot may write to the conversation is looked at whenever something is posted.
func (s *Store) CreateIncoming(ctx context.Context, by chat.Actor, in chat.Incoming) error {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		if _, err := appOf(background, t, by.EID, in.App); err != nil {
			return err
		}
		if err := t.room(`SELECT COUNT(*) FROM incoming_hooks WHERE app = $1`, in.App, chat.MaxIncoming, "incoming webhooks"); err != nil {
			return err
		}
		if _, err := t.liveBot(by.EID, in.App, in.Bot); err != nil {
			return err
		}
		err := t.exec(`INSERT INTO incoming_hooks (id, app, eid, name, bot, conv, hash, created, used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
			in.ID, in.App, by.EID, in.Name, in.Bot, in.Conv, in.Hash, now())
		if err != nil {
			return err
		}
		return t.audit(by, "app.incoming.create", in.App, nil, incomingRecord(in))
	})
	if err != nil {
		return fmt.Errorf("make an incoming webhook: %w", err)
	}
	return nil
}

// DeleteIncoming ends an incoming webhook.
func (s *Store) DeleteIncoming(ctx context.Context, by chat.Actor, app, id string) error {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		if _, err := appOf(background, t, by.EID, app); err != nil {
			return err
		}
		in, err := scanIncoming(t.row(`SELECT `+incomingColumns+` FROM incoming_hooks i WHERE i.id = $1 AND i.app = $2`, id, app).Scan)
		if err != nil {
			return found(err, "webhook")
		}
		if err := t.exec(`DELETE FROM incoming_hooks WHERE id = $1`, id); err != nil {
			return err
		}
		return t.audit(by, "app.incoming.delete", app, incomingRecord(in), nil)
	})
	if err != nil {
		return fmt.Errorf("delete an incoming webhook: %w", err)
	}
	return nil
}

func incomingRecord(in chat.Incoming) map[string]any {
	return map[string]any{"webhook": in.ID, "name": in.Name, "bot": in.Bot, "conv": in.Conv}
}
