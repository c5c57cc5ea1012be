package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"magpie/server/chat"
)

// Webhooks are the receivers that apps' bots tell.
type Webhooks interface {
	Webhooks(ctx context.Context, eid, app string) ([]chat.Webhook, error)
	Webhook(ctx context.Context, eid, app, id string) (chat.Webhook, error)
	CreateWebhook(ctx context.Context, by chat.Actor, w chat.Webhook) (chat.Webhook, error)
	UpdateWebhook(ctx context.Context, by chat.Actor, app, id string, version int64, c chat.WebhookChange) (chat.Webhook, error)
	DeleteWebhook(ctx context.Context, by chat.Actor, app, id string, version int64) error
	NoteWebhookTest(ctx context.Context, by chat.Actor, app, id string) (chat.Webhook, error)
	Deliveries(ctx context.Context, eid, app, webhook string, status chat.DeliveryStatus, cursor string, limit int) ([]chat.Delivery, string, error)
	SendAgain(ctx context.Context, by chat.Actor, app, webhook, name string, at time.Time) (chat.Delivery, error)
}

// Dispatcher sends what webhooks tell.
type Dispatcher interface {
	// Test sends a webhook something harmless, and returns how that went.
	Test(ctx context.Context, w chat.Webhook) (chat.Delivery, error)
	// Wake lets a webhook look for what is due.
	Wake(id string)
}

// Webhook is one as administrators see it.
type Webhook struct {
	ID       string           `json:"id"`
	URL      string           `json:"url"`
	Events   []chat.HookEvent `json:"events" enum:"message,membership,presence"`
	Bot      string           `json:"bot" doc:"The uid of the bot: the webhook tells what this one sees."`
	Disabled bool             `json:"disabled"`
	Failures int              `json:"failures" doc:"Attempts that failed since the last one that did not."`
	Failing  *time.Time       `json:"failing" doc:"Since when nothing but failures; null: all is well. After three days of them the webhook is switched off."`
	Waiting  int              `json:"waiting" doc:"Deliveries that are not delivered yet."`
	Created  time.Time        `json:"created"`
	Version  int64            `json:"version"`
}

// newWebhook is a webhook with its secret, which is shown once.
type newWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"What its requests are signed with, as the text that it is. It is not shown again."`
}

// delivery is a line of a webhook's log.
type delivery struct {
	ID       string              `json:"id" doc:"Magpie-Delivery of the request."`
	Event    string              `json:"event"`
	At       time.Time           `json:"at" doc:"When it happened."`
	Attempts int                 `json:"attempts"`
	Next     *time.Time          `json:"next" doc:"When it is tried again; null: not any more."`
	Status   chat.DeliveryStatus `json:"status" enum:"waiting,delivered,failed"`
	Code     int                 `json:"code" doc:"The HTTP status of the last answer; 0: there was none."`
	Reason   chat.DeliveryReason `json:"reason" doc:"Why the last attempt failed, or empty: status, redirect, timeout, name, address, certificate, connection, gone, too-large, secret, off, bot."`
	Error    string              `json:"error" doc:"The same in words."`
	TookMS   int64               `json:"took_ms" doc:"How long the last attempt took."`
}

// WebhookPath names a webhook of an app.
type WebhookPath struct {
	AppPath
	Webhook string `path:"wid" maxLength:"64"`
}

type deliveriesInput struct {
	WebhookPath
	Paging
	Status chat.DeliveryStatus `query:"status" enum:"waiting,delivered,failed"`
}

func (a *api) webhookRoutes() {
	const tag, path = "Apps", "/admin/apps/{id}/webhooks"
	read, manage := chat.ReadOrganisation, chat.ManageApps
	route(a, op{method: "GET", path: path, id: "admin-list-webhooks", tag: tag, right: read, summary: "An app's webhooks"}, a.webhooks)
	route(a, op{method: "POST", path: path, id: "admin-create-webhook", tag: tag, right: manage, status: http.StatusCreated, summary: "Make a webhook",
		about: "It tells of what comes from now on. The secret is shown this once."}, a.createWebhook)
	route(a, op{method: "GET", path: path + "/{wid}", id: "admin-get-webhook", tag: tag, right: read, summary: "A webhook"}, a.webhook)
	route(a, op{method: "PATCH", path: path + "/{wid}", id: "admin-update-webhook", tag: tag, right: manage, summary: "Change a webhook",
		about: "To switch it off gives up what waits. Switched on, or with another bot, it tells of what comes from then on."}, a.updateWebhook)
	route(a, op{method: "DELETE", path: path + "/{wid}", id: "admin-delete-webhook", tag: tag, right: manage, summary: "Delete a webhook"}, a.deleteWebhook)
	route(a, op{method: "POST", path: path + "/{wid}/test", id: "admin-test-webhook", tag: tag, right: manage, summary: "Try a webhook",
		about: "Sends the event test once and answers how that went. A webhook that is switched off can be tried too."}, a.testWebhook)
	route(a, op{method: "GET", path: path + "/{wid}/deliveries", id: "admin-list-deliveries", tag: tag, right: read, summary: "What a webhook has told, the newest first",
		about: "Kept for 7 days, 10,000 at most."}, a.deliveries)
	route(a, op{method: "POST", path: path + "/{wid}/deliveries/{did}/again", id: "admin-send-again", tag: tag, right: manage, status: http.StatusAccepted, summary: "Send a delivery again",
		about: "With the same id, outside of the order. One that waits is tried at once."}, a.sendAgain)
}

func webhookOf(w chat.Webhook) Webhook {
	return Webhook{ID: w.ID, URL: w.URL, Events: w.Events, Bot: w.Bot, Disabled: w.Disabled, Failures: w.Failures, Failing: timeOrNull(w.Failing), Waiting: w.Waiting,
		Created: w.Created, Version: w.Version}
}

func deliveryOf(d chat.Delivery) delivery {
	return delivery{ID: d.Name, Event: d.Event, At: d.Created, Attempts: d.Attempts, Next: timeOrNull(d.Next), Status: d.Status, Code: d.Code, Reason: d.Reason, Error: d.Error,
		TookMS: d.Took.Milliseconds()}
}

func (a *api) webhooks(ctx context.Context, c *caller, in *AppPath) (*answer[list[Webhook]], error) {
	all, err := a.Store.Webhooks(ctx, c.EID, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	items := make([]Webhook, len(all))
	for i, w := range all {
		items[i] = webhookOf(w)
	}
	return page(items, ""), nil
}

func (a *api) webhook(ctx context.Context, c *caller, in *WebhookPath) (*answer[Webhook], error) {
	w, err := a.Store.Webhook(ctx, c.EID, in.ID, in.Webhook)
	if err != nil {
		return nil, fmt.Errorf("read a webhook: %w", err)
	}
	return &answer[Webhook]{webhookOf(w)}, nil
}

func (a *api) createWebhook(ctx context.Context, c *caller, in *struct {
	AppPath
	Body struct {
		URL      string           `json:"url" maxLength:"2048" doc:"Of the receiver: https, and in networks that the server's operator has allowed http."`
		Events   []chat.HookEvent `json:"events" minItems:"1" maxItems:"3" enum:"message,membership,presence"`
		Bot      string           `json:"bot" maxLength:"64"`
		Disabled bool             `json:"disabled,omitempty"`
	}
}) (*answer[newWebhook], error) {
	url, err := chat.CleanWebhookURL("url", in.Body.URL, a.PlainWebhooks)
	if err != nil {
		return nil, err
	}
	events, err := chat.CleanHookEvents("events", in.Body.Events)
	if err != nil {
		return nil, err
	}
	w := chat.Webhook{ID: uuid.NewString(), App: in.ID, Bot: in.Body.Bot, URL: url, Events: events, Disabled: in.Body.Disabled}
	secret, sealed := a.Auth.NewWebhookSecret(w.ID)
	w.Sealed = sealed
	if w, err = a.Store.CreateWebhook(ctx, c.actor(), w); err != nil {
		return nil, fmt.Errorf("make a webhook: %w", err)
	}
	return &answer[newWebhook]{newWebhook{webhookOf(w), secret}}, nil
}

func (a *api) updateWebhook(ctx context.Context, c *caller, in *struct {
	WebhookPath
	Version
	Body struct {
		URL      *string           `json:"url,omitempty" maxLength:"2048"`
		Events   *[]chat.HookEvent `json:"events,omitempty" minItems:"1" maxItems:"3" enum:"message,membership,presence"`
		Bot      *string           `json:"bot,omitempty" maxLength:"64"`
		Disabled *bool             `json:"disabled,omitempty"`
	}
}) (*answer[Webhook], error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	change := chat.WebhookChange{Bot: in.Body.Bot, Disabled: in.Body.Disabled}
	if in.Body.URL != nil {
		url, err := chat.CleanWebhookURL("url", *in.Body.URL, a.PlainWebhooks)
		if err != nil {
			return nil, err
		}
		change.URL = &url
	}
	if in.Body.Events != nil {
		events, err := chat.CleanHookEvents("events", *in.Body.Events)
		if err != nil {
			return nil, err
		}
		change.Events = &events
	}
	w, err := a.Store.UpdateWebhook(ctx, c.actor(), in.ID, in.Webhook, version, change)
	if err != nil {
		return nil, fmt.Errorf("change a webhook: %w", current(err, webhookOf))
	}
	return &answer[Webhook]{webhookOf(w)}, nil
}

func (a *api) deleteWebhook(ctx context.Context, c *caller, in *struct {
	WebhookPath
	Version
}) (*none, error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	if err := a.Store.DeleteWebhook(ctx, c.actor(), in.ID, in.Webhook, version); err != nil {
		return nil, fmt.Errorf("delete a webhook: %w", current(err, webhookOf))
	}
	return nil, nil
}

func (a *api) testWebhook(ctx context.Context, c *caller, in *WebhookPath) (*answer[delivery], error) {
	w, err := a.Store.NoteWebhookTest(ctx, c.actor(), in.ID, in.Webhook)
	if err != nil {
		return nil, fmt.Errorf("note a trial: %w", err)
	}
	d, err := a.Dispatcher.Test(ctx, w)
	if err != nil {
		return nil, fmt.Errorf("try a webhook: %w", err)
	}
	return &answer[delivery]{deliveryOf(d)}, nil
}

func (a *api) deliveries(ctx context.Context, c *caller, in *deliveriesInput) (*answer[list[delivery]], error) {
	found, next, err := a.Store.Deliveries(ctx, c.EID, in.ID, in.Webhook, in.Status, in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	items := make([]delivery, len(found))
	for i, d := range found {
		items[i] = deliveryOf(d)
	}
	return page(items, next), nil
}

func (a *api) sendAgain(ctx context.Context, c *caller, in *struct {
	WebhookPath
	Delivery string `path:"did" maxLength:"64"`
}) (*answer[delivery], error) {
	d, err := a.Store.SendAgain(ctx, c.actor(), in.ID, in.Webhook, in.Delivery, time.Now())
	if err != nil {
		return nil, fmt.Errorf("send a delivery again: %w", err)
	}
	a.Dispatcher.Wake(in.Webhook)
	return &answer[delivery]{deliveryOf(d)}, nil
}
