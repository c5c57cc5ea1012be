package store

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

// followedFrom is where the streams of each kind are that a user ($2) of an organisation ($1) sees, and from which seq on.
var followedFrom = map[chat.StreamKind]struct{ tables, where, since string }{
	chat.StreamPair: {`participants p JOIN streams s ON s.id = p.stream`, `p.eid = $1 AND p.uid = $2 AND s.kind = 1`, `0`},
	chat.StreamGroup: {`members m CROSS JOIN streams s`,
		`s.eid = m.eid AND s.kind = 2 AND s.key = m.gid AND m.eid = $1 AND m.uid = $2`, `m.joined_seq`},
	chat.StreamGroupNotice: {`members m CROSS JOIN streams s`,
		`s.eid = m.eid AND s.kind = 4 AND s.key = m.gid AND m.eid = $1 AND m.uid = $2`, `m.joined_notice_seq`},
	chat.StreamUserNotice: {`streams s`, `s.eid = $1 AND s.kind = 3 AND s.key = $2`, `0`},
}

// StreamsBehind returns the streams in which there is something that a webhook has not queued yet, of one moment. Messages come before notices: who queues
// all of the first before the second tells of no message's end before its begin.
func (s *Store) StreamsBehind(ctx context.Context, w chat.Webhook) ([]chat.HookStream, error) {
	var out []chat.HookStream
	err := s.reading(ctx, func(q querier) error {
		for _, kind := range followed(w.Events) {
			from := followedFrom[kind]
			list, err := collect(ctx, q, func(scan func(...any) error) (x chat.HookStream, err error) {
				var joined uint64
				err = scan(&x.EID, &x.Kind, &x.Key, &x.ID, &x.Head, &x.Place, &joined)
				x.Place = max(x.Place, joined)
				return x, err
			}, `SELECT s.eid, s.kind, s.key, s.id, s.head, COALESCE(h.seq, 0), `+from.since+` FROM `+from.tables+`
				LEFT JOIN webhook_places h ON h.webhook = $3 AND h.stream = s.id WHERE `+from.where+` AND s.head > COALESCE(h.seq, 0) AND s.head > `+from.since,
				w.EID, w.Bot, w.ID)
			if err != nil {
				return err
			}
			out = append(out, list...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look what a webhook has not queued: %w", err)
	}
	return out, nil
}

// QueueDeliveries moves places of a webhook on and queues what it met on the way, in one transaction. An entry that is queued already is not queued
// again, and of presence the newest alone waits. A webhook that is gone, or was switched off, is chat.NotFound.
func (s *Store) QueueDeliveries(ctx context.Context, webhook string, moved []chat.HookStream, list []chat.Delivery) error {
	err := s.change(ctx, func(t *tx) error {
		var one int
		if err := found(t.row(`SELECT 1 FROM webhooks WHERE id = $1 AND disabled = 0`, webhook).Scan(&one), "webhook"); err != nil {
			return err
		}
		for _, m := range moved {
			err := t.exec(`INSERT INTO webhook_places (webhook, stream, seq) VALUES ($1, $2, $3)
				ON CONFLICT (webhook, stream) DO UPDATE SET seq = excluded.seq WHERE webhook_places.seq < excluded.seq`, webhook, m.ID, int64(m.Place))
			if err != nil {
				return err
			}
		}
		for _, d := range list {
			if d.Stream == 0 {
				if err := t.exec(`DELETE FROM deliveries WHERE webhook = $1 AND lane = $2 AND status = 'waiting'`, webhook, d.Lane); err != nil {
					return err
				}
			}
			d.Webhook, d.Status = webhook, chat.DeliveryWaiting
			if err := t.insertDelivery(d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("queue deliveries: %w", err)
	}
	return nil
}

func (t *tx) insertDelivery(d chat.Delivery) error {
	return t.exec(`INSERT INTO deliveries (name, webhook, lane, event, stream, seq, data, created, attempts, next, status, code, reason, error, took, ended)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`,
		d.Name, d.Webhook, d.Lane, d.Event, d.Stream, int64(d.Seq), null(d.Data), ms(d.Created), d.Attempts, ms(d.Next), string(d.Status), d.Code, string(d.Reason), d.Error,
		d.Took.Milliseconds(), ms(d.Ended))
}

// WebhookEntry returns the entry that a delivery is about, if the webhook's bot may see it now, or chat.NotFound.
func (s *Store) WebhookEntry(ctx context.Context, w chat.Webhook, d chat.Delivery) (chat.Entry, error) {
	e, err := readEntry(ctx, s.read, `l.stream = $1 AND l.seq = $2 AND s.eid = $3 AND (
			s.kind = 1 AND EXISTS (SELECT 1 FROM participants p WHERE p.eid = s.eid AND p.uid = $4 AND p.stream = s.id)
			OR s.kind = 2 AND EXISTS (SELECT 1 FROM members m WHERE m.eid = s.eid AND m.gid = s.key AND m.uid = $4 AND m.joined_seq < l.seq)
			OR s.kind = 4 AND EXISTS (SELECT 1 FROM members m WHERE m.eid = s.eid AND m.gid = s.key AND m.uid = $4 AND m.joined_notice_seq < l.seq)
			OR s.kind = 3 AND s.key = $4)`, d.Stream, int64(d.Seq), w.EID, w.Bot)
	if err != nil {
		return e, fmt.Errorf("read what is to be delivered: %w", err)
	}
	return e, nil
}
