package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"magpie/server/chat"
)

const webhookColumns = `w.id, w.app, w.eid, w.bot, w.url, w.events, w.sealed, w.disabled, w.failures, w.failing, w.created, w.version,
	(SELECT COUNT(*) FROM deliveries d WHERE d.webhook = w.id AND d.status = 'waiting')`

func scanWebhook(scan func(...any) error) (w chat.Webhook, err error) {
	var events string
	var failing, created int64
	if err = scan(&w.ID, &w.App, &w.EID, &w.Bot, &w.URL, &events, &w.Sealed, &w.Disabled, &w.Failures, &failing, &created, &w.Version, &w.Waiting); err != nil {
		return w, err
	}
	w.Failing, w.Created = fromMS(failing), fromMS(created)
	return w, json.Unmarshal([]byte(events), &w.Events)
}

// Webhooks returns the webhooks of an app, the oldest first.
func (s *Store) Webhooks(ctx context.Context, eid, app string) ([]chat.Webhook, error) {
	var list []chat.Webhook
	err := s.reading(ctx, func(q querier) (err error) {
		if err := hasApp(ctx, q, eid, app); err != nil {
			return err
		}
		list, err = collect(ctx, q, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks w WHERE w.eid = $1 AND w.app = $2 ORDER BY w.created, w.id`, eid, app)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	return list, nil
}

// Webhook returns one of an app's webhooks, or chat.NotFound.
func (s *Store) Webhook(ctx context.Context, eid, app, id string) (chat.Webhook, error) {
	return readWebhook(ctx, s.read, eid, app, id)
}

func readWebhook(ctx context.Context, q querier, eid, app, id string) (chat.Webhook, error) {
	w, err := scanWebhook(q.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks w JOIN apps a ON a.id = w.app
		WHERE w.eid = $1 AND w.app = $2 AND w.id = $3 AND a.deleted = 0`, eid, app, id).Scan)
	return w, found(err, "webhook")
}

func hasApp(ctx context.Context, q querier, eid, app string) error {
	var one int
	return found(q.QueryRowContext(ctx, `SELECT 1 FROM apps WHERE eid = $1 AND id = $2 AND deleted = 0`, eid, app).Scan(&one), "app")
}

// liveWebhooks are those that have a worker.
const liveWebhooks = ` FROM webhooks w JOIN apps a ON a.id = w.app
	JOIN app_bots b ON b.eid = w.eid AND b.uid = w.bot AND b.app = w.app JOIN users u ON u.eid = w.eid AND u.uid = w.bot JOIN orgs o ON o.eid = w.eid
	WHERE w.disabled = 0 AND a.disabled = 0 AND a.deleted = 0 AND u.disabled = 0 AND o.suspended = 0 AND o.doomed = 0`

// LiveWebhooks returns the webhooks that are to work: they, their apps, their bots and organisations are switched on.
func (s *Store) LiveWebhooks(ctx context.Context) ([]chat.Webhook, error) {
	list, err := collect(ctx, s.read, scanWebhook, `SELECT `+webhookColumns+liveWebhooks+` ORDER BY w.created, w.id`)
	if err != nil {
		return nil, fmt.Errorf("read the webhooks: %w", err)
	}
	return list, nil
}

// CreateWebhook makes a webhook, which tells of what comes from now on.
func (s *Store) CreateWebhook(ctx context.Context, by chat.Actor, w chat.Webhook) (chat.Webhook, error) {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		if err := hasApp(background, t, by.EID, w.App); err != nil {
			return err
		}
		if _, err := t.liveBot(by.EID, w.App, w.Bot); err != nil {
			return err
		}
		var have int
		if err := t.row(`SELECT COUNT(*) FROM webhooks WHERE app = $1`, w.App).Scan(&have); err != nil {
			return err
		}
		if have >= chat.MaxWebhooks {
			return chat.Errorf(chat.Conflict, "An app has at most %d webhooks. Delete one first.", chat.MaxWebhooks)
		}
		if err := t.row(`SELECT COUNT(*) FROM webhooks WHERE eid = $1`, by.EID).Scan(&have); err != nil {
			return err
		}
		if have >= chat.MaxOrgWebhooks {
			return chat.Errorf(chat.Conflict, "An organisation has at most %d webhooks, those of all of its apps together. Delete one first.", chat.MaxOrgWebhooks)
		}
		w.EID, w.Version, w.Created = by.EID, 1, fromMS(now())
		err := t.exec(`INSERT INTO webhooks (id, app, eid, bot, url, events, sealed, disabled, failures, failing, created, version)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, 1)`, w.ID, w.App, w.EID, w.Bot, w.URL, eventList(w.Events), w.Sealed, flag(w.Disabled), ms(w.Created))
		if err != nil {
			return err
		}
		if err := t.beginAtHeads(w, nil); err != nil {
			return err
		}
		if err := t.audit(by, "webhook.create", w.App+"/"+w.ID, nil, webhookRecord(w)); err != nil {
			return err
		}
		return t.event(chat.Event{EID: w.EID, Type: chat.EventWebhooks, Other: w.App})
	})
	if err != nil {
		return w, fmt.Errorf("make a webhook: %w", err)
	}
	return w, nil
}

func eventList(events []chat.HookEvent) string {
	b, _ := json.Marshal(events) // strings always encode
	return string(b)
}

// discreet names an address for the audit log: many a receiver's address is a secret past its host. A digest tells two apart.
func discreet(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(address))
	return fmt.Sprintf("%s://%s/… (%x)", u.Scheme, u.Host, sum[:4])
}

func webhookRecord(w chat.Webhook) map[string]any {
	events := make([]any, len(w.Events))
	for i, e := range w.Events {
		events[i] = string(e)
	}
	return map[string]any{"url": discreet(w.URL), "events": events, "bot": w.Bot, "disabled": w.Disabled}
}

// UpdateWebhook changes a webhook. The caller knows version. What it has not told so far is told as the webhook is now, but who is
// switched on, or gets another bot or further events, hears of what comes from then on.
func (s *Store) UpdateWebhook(ctx context.Context, by chat.Actor, app, id string, version int64, c chat.WebhookChange) (chat.Webhook, error) {
	var w chat.Webhook
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) (err error) {
		if w, err = readWebhook(background, t, by.EID, app, id); err != nil {
			return err
		}
		if w.Version != version {
			return changedMeanwhile(w)
		}
		before := w
		if c.Bot != nil && *c.Bot != w.Bot {
			if _, err := t.liveBot(by.EID, app, *c.Bot); err != nil {
				return err
			}
			w.Bot = *c.Bot
		}
		if c.URL != nil {
			w.URL = *c.URL
		}
		if c.Events != nil {
			w.Events = *c.Events
		}
		if c.Disabled != nil {
			w.Disabled = *c.Disabled
		}
		from, to := difference(webhookRecord(before), webhookRecord(w))
		if to == nil {
			return nil
		}
		w.Version++
		if before.Disabled && !w.Disabled {
			w.Failures, w.Failing = 0, time.Time{}
		}
		err = t.exec(`UPDATE webhooks SET bot = $1, url = $2, events = $3, disabled = $4, failures = $5, failing = $6, version = $7 WHERE id = $8`,
			w.Bot, w.URL, eventList(w.Events), flag(w.Disabled), w.Failures, ms(w.Failing), w.Version, id)
		if err != nil {
			return err
		}
		if err := t.replace(before, &w); err != nil {
			return err
		}
		if err := t.audit(by, "webhook.change", app+"/"+id, from, to); err != nil {
			return err
		}
		return t.event(chat.Event{EID: w.EID, Type: chat.EventWebhooks, Other: app})
	})
	if err != nil {
		return w, fmt.Errorf("change a webhook: %w", err)
	}
	return w, nil
}

// replace does what a change means for what waits, and for the places.
func (t *tx) replace(before chat.Webhook, w *chat.Webhook) error {
	switch {
	case w.Disabled && !before.Disabled:
		w.Waiting = 0
		return t.giveUp(w.ID, chat.ReasonOff, "the webhook was switched off")
	case w.Bot != before.Bot:
		w.Waiting = 0
		if err := t.giveUp(w.ID, chat.ReasonBot, "the webhook got another bot"); err != nil {
			return err
		}
		return t.beginAtHeads(*w, nil)
	case before.Disabled && !w.Disabled:
		return t.beginAtHeads(*w, nil)
	}
	had := followed(before.Events)
	return t.beginAtHeads(*w, func(kind chat.StreamKind) bool { return slices.Contains(had, kind) })
}

// followed are the kinds of streams that events come from.
func followed(events []chat.HookEvent) (kinds []chat.StreamKind) {
	if slices.Contains(events, chat.HookMessage) {
		kinds = append(kinds, chat.StreamPair, chat.StreamGroup)
	}
	if len(kinds) > 0 || slices.Contains(events, chat.HookMembership) {
		kinds = append(kinds, chat.StreamUserNotice, chat.StreamGroupNotice)
	}
	return kinds
}

// giveUp ends what waits.
func (t *tx) giveUp(webhook string, reason chat.DeliveryReason, why string) error {
	return t.exec(`UPDATE deliveries SET status = 'failed', reason = $1, error = $2, next = 0, ended = $3 WHERE webhook = $4 AND status = 'waiting'`, string(reason), why, now(), webhook)
}

// beginAtHeads puts a webhook's places to where its streams are now, but for kinds that stay.
func (t *tx) beginAtHeads(w chat.Webhook, stays func(chat.StreamKind) bool) error {
	for _, kind := range followed(w.Events) {
		if stays != nil && stays(kind) {
			continue
		}
		from := followedFrom[kind]
		err := t.exec(`INSERT INTO webhook_places (webhook, stream, seq) SELECT $3, s.id, s.head FROM `+from.tables+` WHERE `+from.where+`
			ON CONFLICT (webhook, stream) DO UPDATE SET seq = excluded.seq`, w.EID, w.Bot, w.ID)
		if err != nil {
			return fmt.Errorf("begin at the heads: %w", err)
		}
	}
	return nil
}

// DeleteWebhook removes a webhook with its deliveries.
func (s *Store) DeleteWebhook(ctx context.Context, by chat.Actor, app, id string, version int64) error {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		w, err := readWebhook(background, t, by.EID, app, id)
		if err != nil {
			return err
		}
		if w.Version != version {
			return changedMeanwhile(w)
		}
		if err := t.exec(`DELETE FROM webhooks WHERE id = $1`, id); err != nil {
			return err
		}
		if err := t.audit(by, "webhook.delete", app+"/"+id, webhookRecord(w), nil); err != nil {
			return err
		}
		return t.event(chat.Event{EID: w.EID, Type: chat.EventWebhooks, Other: app})
	})
	if err != nil {
		return fmt.Errorf("delete a webhook: %w", err)
	}
	return nil
}

// NoteWebhookTest checks that an actor may try a webhook, and writes it to the audit log.
func (s *Store) NoteWebhookTest(ctx context.Context, by chat.Actor, app, id string) (chat.Webhook, error) {
	var w chat.Webhook
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) (err error) {
		if w, err = readWebhook(background, t, by.EID, app, id); err != nil {
			return err
		}
		return t.audit(by, "webhook.test", app+"/"+id, nil, nil)
	})
	if err != nil {
		return w, fmt.Errorf("try a webhook: %w", err)
	}
	return w, nil
}
