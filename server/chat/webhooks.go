package chat

import (
	"net/url"
	"slices"
	"time"
)

// HookEvent is a kind of things that a webhook tells of.
type HookEvent string

const (
	HookMessage    HookEvent = "message"    // messages of the bot's conversations, but its own; that they were edited or recalled
	HookMembership HookEvent = "membership" // who comes to, goes from and is what in the bot's groups
	HookPresence   HookEvent = "presence"   // of the bot's contacts
)

// HookEvents are all that there are, in the order of the documentation.
var HookEvents = []HookEvent{HookMessage, HookMembership, HookPresence}

// Webhook tells a receiver what a bot sees.
type Webhook struct {
	ID       string
	App      string
	EID      string
	Bot      string // uid
	URL      string
	Events   []HookEvent
	Sealed   []byte // its secret, as package auth keeps it
	Disabled bool
	Failures int       // attempts since the last success
	Failing  time.Time // when the first of them was; zero: the last attempt was a success, or there was none
	Waiting  int       // deliveries
	Created  time.Time
	Version  int64
}

// Wants reports whether a webhook tells of a kind of things.
func (w Webhook) Wants(e HookEvent) bool { return slices.Contains(w.Events, e) }

// WebhookChange changes the fields that are not nil.
type WebhookChange struct {
	URL      *string
	Events   *[]HookEvent
	Bot      *string
	Disabled *bool
}

// Bounds of webhooks.
const (
	MaxWebhooks    = 20    // of an app
	MaxOrgWebhooks = 200   // of an organisation: each works beside the others and keeps a queue
	MaxWaiting     = 1000  // deliveries of a webhook; what is beyond stays in the log until there is room
	MaxLane        = 100   // of them of one conversation, so that one that does not go on leaves room for the others
	MaxDelivered   = 10000 // deliveries of a webhook that are kept for the administrators to see
	maxWebhookURL  = 2048  // bytes
)

// KeepDeliveries is how long a delivery is shown after it has ended.
const KeepDeliveries = 7 * 24 * time.Hour

// CleanWebhookURL checks the address of a receiver. plain: http is allowed as well as https.
func CleanWebhookURL(field, s string, plain bool) (string, error) {
	u, err := url.Parse(s)
	switch {
	case len(s) > maxWebhookURL:
		return "", FieldLimit(field, FieldTooLong, "must have at most %d characters", maxWebhookURL)
	case err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return "", FieldError(field, FieldFormat, "must be an address such as https://oa.example/hooks/chat, without a password and without #")
	case u.Scheme == "http" && !plain:
		return "", FieldError(field, FieldNotAllowed, "must be an https address; http is for networks that the server's operator has allowed (--webhook-allow)")
	}
	return u.String(), nil
}

// CleanHookEvents checks a choice of events, and puts it in order.
func CleanHookEvents(field string, list []HookEvent) ([]HookEvent, error) {
	var out []HookEvent
	for _, e := range HookEvents {
		if slices.Contains(list, e) {
			out = append(out, e)
		}
	}
	for _, e := range list {
		if !slices.Contains(HookEvents, e) {
			return nil, FieldError(field, FieldChoice, "must be of message, membership and presence")
		}
	}
	if len(out) == 0 {
		return nil, FieldError(field, FieldTooFew, "must name at least one event")
	}
	return out, nil
}

// DeliveryStatus is how far a delivery is.
type DeliveryStatus string

const (
	DeliveryWaiting   DeliveryStatus = "waiting"
	DeliveryDelivered DeliveryStatus = "delivered"
	DeliveryFailed    DeliveryStatus = "failed"
)

// DeliveryReason says why a delivery, or its last attempt, has failed. A reason is kept for ever; docs/http-api.md lists them.
type DeliveryReason string

const (
	ReasonStatus      DeliveryReason = "status"      // the receiver answered something else than 2xx
	ReasonRedirect    DeliveryReason = "redirect"    // it answered 3xx
	ReasonTimeout     DeliveryReason = "timeout"     // it did not answer in time
	ReasonName        DeliveryReason = "name"        // its name leads nowhere
	ReasonAddress     DeliveryReason = "address"     // its address is private or reserved
	ReasonCertificate DeliveryReason = "certificate" // its certificate is not good
	ReasonConnection  DeliveryReason = "connection"  // it can't be reached, or breaks off
	ReasonGone        DeliveryReason = "gone"        // what it was about is gone, or the bot may not see it any more
	ReasonTooLarge    DeliveryReason = "too-large"   // the request would be too large
	ReasonSecret      DeliveryReason = "secret"      // the webhook's secret can't be read
	ReasonOff         DeliveryReason = "off"         // the webhook was switched off while it waited
	ReasonBot         DeliveryReason = "bot"         // the webhook got another bot while it waited
)

// Names of what is delivered beyond the kinds of events.
const (
	DeliveryEdited   = "message.edited"
	DeliveryRecalled = "message.recalled"
	DeliveryTest     = "test"
)

// Delivery is one thing that a webhook tells. It has an entry of the log, or Data.
type Delivery struct {
	ID       int64
	Name     string // the id that receivers know repeats by; the store gives it one
	Webhook  string
	Lane     string // those of one lane go one after the other
	Event    string
	Stream   int64 // 0 for none
	Seq      uint64
	Data     []byte    // a JSON object
	Created  time.Time // of what happened
	Attempts int
	Next     time.Time
	Status   DeliveryStatus
	Code     int            // HTTP status of the last answer, 0 for none
	Reason   DeliveryReason // why the last attempt failed, or empty
	Error    string         // the same in words
	Took     time.Duration  // of the last attempt
	Ended    time.Time
}

// HookStream is a stream that a webhook follows, with the place up to which it has queued it.
type HookStream struct {
	Stream
	Place uint64
}
