package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"magpie/server/chat"
)

const deliveryColumns = `d.id, d.name, d.webhook, d.lane, d.event, d.stream, d.seq, d.data, d.created, d.attempts, d.next, d.status, d.code, d.reason, d.error, d.took, d.ended`

func scanDelivery(scan func(...any) error) (d chat.Delivery, err error) {
	var created, next, took, ended int64
	err = scan(&d.ID, &d.Name, &d.Webhook, &d.Lane, &d.Event, &d.Stream, &d.Seq, &d.Data, &created, &d.Attempts, &next, &d.Status, &d.Code, &d.Reason, &d.Error, &took, &ended)
	d.Created, d.Next, d.Ended, d.Took = fromMS(created), fromMS(next), fromMS(ended), time.Duration(took)*time.Millisecond
	return d, err
}

// NextDeliveries returns the first waiting delivery of each lane of a webhook, ordered by when they are due.
func (s *Store) NextDeliveries(ctx context.Context, webhook string, limit int) ([]chat.Delivery, error) {
	list, err := collect(ctx, s.read, scanDelivery, `SELECT `+deliveryColumns+` FROM (SELECT MIN(id) AS first FROM deliveries WHERE webhook = $1 AND status = 'waiting' GROUP BY lane) f
		JOIN deliveries d ON d.id = f.first ORDER BY d.next, d.id LIMIT $2`, webhook, limit)
	if err != nil {
		return nil, fmt.Errorf("read what is to be delivered next: %w", err)
	}
	return list, nil
}

// WaitingDeliveries returns how many deliveries of a webhook wait in each of its lanes.
func (s *Store) WaitingDeliveries(ctx context.Context, webhook string) (map[string]int, error) {
	type lane struct {
		name string
		n    int
	}
	list, err := collect(ctx, s.read, func(scan func(...any) error) (l lane, err error) {
		err = scan(&l.name, &l.n)
		return l, err
	}, `SELECT lane, COUNT(*) FROM deliveries WHERE webhook = $1 AND status = 'waiting' GROUP BY lane`, webhook)
	if err != nil {
		return nil, fmt.Errorf("count what waits: %w", err)
	}
	lanes := make(map[string]int, len(list))
	for _, l := range list {
		lanes[l.name] = l.n
	}
	return lanes, nil
}

// AllWaiting returns how many deliveries of all webhooks wait.
func (s *Store) AllWaiting(ctx context.Context) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM deliveries d WHERE d.status = 'waiting' AND EXISTS (SELECT 1 FROM webhooks w WHERE w.id = d.webhook)`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what waits: %w", err)
	}
	return n, nil
}

// recovery is how many failures in a row say that a receiver was down: the first success after them sends the rest at once.
const recovery = 3

// SaveAttempt stores how an attempt at the time at went: d has its outcome, and for one that waits the time of the next. A webhook that has had
// nothing but failures for longer than most is switched off: off says so. What was ended meanwhile, or replaced by something newer, stays as it is.
func (s *Store) SaveAttempt(ctx context.Context, d chat.Delivery, at time.Time, most time.Duration) (off bool, err error) {
	err = s.change(ctx, func(t *tx) error {
		off = false
		if d.Status != chat.DeliveryWaiting {
			d.Next, d.Ended = time.Time{}, at
		}
		_, err := t.affect(`UPDATE deliveries SET attempts = $1, next = $2, status = $3, code = $4, reason = $5, error = $6, took = $7, ended = $8 WHERE id = $9 AND status = 'waiting'`,
			d.Attempts, ms(d.Next), string(d.Status), d.Code, string(d.Reason), d.Error, d.Took.Milliseconds(), ms(d.Ended), d.ID)
		if err != nil {
			return err
		}
		off, err = t.judge(d, at, most)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store an attempt: %w", err)
	}
	return off, nil
}

// judge notes for a webhook how an attempt went. One that was not made, as the entry could not be read, says nothing about the receiver.
func (t *tx) judge(d chat.Delivery, at time.Time, most time.Duration) (off bool, err error) {
	if d.Code == 0 && d.Took == 0 {
		return false, nil
	}
	var w chat.Webhook
	var failing int64
	err = found(t.row(`SELECT id, app, eid, failures, failing, disabled FROM webhooks WHERE id = $1`, d.Webhook).Scan(&w.ID, &w.App, &w.EID, &w.Failures, &failing, &w.Disabled), "webhook")
	if err != nil || w.Disabled {
		return false, err
	}
	if d.Status == chat.DeliveryDelivered {
		if w.Failures == 0 {
			return false, nil
		}
		if w.Failures >= recovery {
			if err := t.exec(`UPDATE deliveries SET next = $1 WHERE webhook = $2 AND status = 'waiting' AND next > $1`, ms(at), w.ID); err != nil {
				return false, err
			}
		}
		return false, t.exec(`UPDATE webhooks SET failures = 0, failing = 0 WHERE id = $1`, w.ID)
	}
	if failing == 0 {
		failing = ms(at)
	}
	if at.Sub(fromMS(failing)) < most {
		return false, t.exec(`UPDATE webhooks SET failures = failures + 1, failing = $1 WHERE id = $2`, failing, w.ID)
	}
	if err := t.exec(`UPDATE webhooks SET failures = failures + 1, disabled = 1, version = version + 1 WHERE id = $1`, w.ID); err != nil {
		return false, err
	}
	if err := t.giveUp(w.ID, chat.ReasonOff, "the webhook was switched off, as its receiver took nothing for days"); err != nil {
		return false, err
	}
	err = t.audit(chat.Actor{EID: w.EID, Addr: chat.ActorServer}, "webhook.off", w.App+"/"+w.ID, map[string]any{"disabled": false},
		map[string]any{"disabled": true, "failures": w.Failures + 1, "since": fromMS(failing), "reason": string(d.Reason), "error": d.Error})
	if err != nil {
		return false, err
	}
	return true, t.event(chat.Event{EID: w.EID, Type: chat.EventWebhooks, Other: w.App})
}

// KeepDelivery stores a delivery that has ended, and is new: a trial.
func (s *Store) KeepDelivery(ctx context.Context, d chat.Delivery) error {
	err := s.change(ctx, func(t *tx) error {
		var one int
		if err := found(t.row(`SELECT 1 FROM webhooks WHERE id = $1`, d.Webhook).Scan(&one), "webhook"); err != nil {
			return err
		}
		return t.insertDelivery(d)
	})
	if err != nil {
		return fmt.Errorf("store a delivery: %w", err)
	}
	return nil
}

// Deliveries returns a page of a webhook's deliveries, the newest first; status "" is all of them.
func (s *Store) Deliveries(ctx context.Context, eid, app, webhook string, status chat.DeliveryStatus, cursor string, limit int) ([]chat.Delivery, string, error) {
	var before int64
	if err := decodeCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	if _, err := s.Webhook(ctx, eid, app, webhook); err != nil {
		return nil, "", err
	}
	limit = clamp(limit, 50, 200)
	list, err := collect(ctx, s.read, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries d WHERE d.webhook = $1 AND ($2 = '' OR d.status = $2) AND ($3 = 0 OR d.id < $3)
		ORDER BY d.id DESC LIMIT $4`, webhook, string(status), before, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read deliveries: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], encodeCursor(list[limit-1].ID), nil
}

// SendAgain queues a delivery that has ended once more, due at once and outside of the order; one that waits is due at once.
func (s *Store) SendAgain(ctx context.Context, by chat.Actor, app, webhook, name string, at time.Time) (chat.Delivery, error) {
	var d chat.Delivery
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		w, err := readWebhook(background, t, by.EID, app, webhook)
		if err != nil {
			return err
		}
		d, err = scanDelivery(t.row(`SELECT `+deliveryColumns+` FROM deliveries d WHERE d.webhook = $1 AND d.name = $2`, webhook, name).Scan)
		if err := found(err, "delivery"); err != nil {
			return err
		}
		if w.Disabled {
			return chat.Errorf(chat.Conflict, "The webhook is switched off. Switch it on first.")
		}
		if _, err := scanWebhook(t.row(`SELECT `+webhookColumns+liveWebhooks+` AND w.id = $1`, webhook).Scan); errors.Is(err, sql.ErrNoRows) {
			return chat.Errorf(chat.Conflict, "The webhook's app, its bot or the organisation is switched off. Switch it on first.")
		} else if err != nil {
			return err
		}
		if d.Status != chat.DeliveryWaiting {
			d.Lane, d.Status, d.Attempts, d.Ended = "again:"+d.Name, chat.DeliveryWaiting, 0, time.Time{}
		}
		d.Next = at
		if err := t.exec(`UPDATE deliveries SET lane = $1, status = 'waiting', attempts = $2, next = $3, ended = 0 WHERE id = $4`, d.Lane, d.Attempts, ms(d.Next), d.ID); err != nil {
			return err
		}
		return t.audit(by, "webhook.again", app+"/"+webhook, nil, map[string]any{"delivery": name})
	})
	if err != nil {
		return d, fmt.Errorf("send a delivery again: %w", err)
	}
	return d, nil
}

// PruneDeliveries forgets what ended before a time, what belongs to no webhook any more, and of each webhook what is beyond chat.MaxDelivered. It deletes in
// small steps; what is to go is looked up where it holds up no writing.
func (s *Store) PruneDeliveries(ctx context.Context, before time.Time) error {
	if err := s.pruneDeliveries(ctx, `ended > 0 AND ended < $1`, ms(before)); err != nil {
		return err
	}
	type log struct {
		webhook string
		gone    bool
	}
	list, err := collect(ctx, s.read, func(scan func(...any) error) (l log, err error) {
		err = scan(&l.webhook, &l.gone)
		return l, err
	}, `SELECT d.webhook, w.id IS NULL FROM (SELECT webhook, COUNT(*) AS n FROM deliveries GROUP BY webhook) d LEFT JOIN webhooks w ON w.id = d.webhook
		WHERE d.n > $1 OR w.id IS NULL`, chat.MaxDelivered)
	if err != nil {
		return fmt.Errorf("look for old deliveries: %w", err)
	}
	for _, l := range list {
		where, args := `webhook = $1 AND status <> 'waiting' AND id <= (SELECT id FROM deliveries WHERE webhook = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, []any{l.webhook, chat.MaxDelivered}
		if l.gone {
			where, args = `webhook = $1`, args[:1]
		}
		if err := s.pruneDeliveries(ctx, where, args...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) pruneDeliveries(ctx context.Context, where string, args ...any) error {
	for {
		var n int64
		err := s.change(ctx, func(t *tx) (err error) {
			n, err = t.affect(`DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE `+where+` LIMIT 500)`, args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget old deliveries: %w", err)
		}
		if n < 500 {
			return nil
		}
	}
}
