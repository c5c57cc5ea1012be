package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"magpie/server/chat"
	"magpie/server/outbound"
)

// schedule is how long after a failed attempt the next one is made.
var schedule = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}

const (
	jitter      = 0.1                // of a pause, to both sides
	giveUpAfter = 3 * 24 * time.Hour // of nothing but failures
	maxBody     = 256 << 10          // bytes of a request
	maxAnswer   = 4 << 10            // bytes of an answer that are read
	maxError    = 300                // characters of what is kept of a failure
)

// request is the body of a request.
type request struct {
	ID    string          `json:"id"`
	Event string          `json:"event"`
	At    time.Time       `json:"at"`
	App   string          `json:"app"`
	Org   string          `json:"org"`
	Data  json.RawMessage `json:"data"`
}

// attempt sends a delivery once, and returns it with the outcome.
func (w *worker) attempt(ctx context.Context, d chat.Delivery) chat.Delivery {
	d.Code, d.Reason, d.Error, d.Took = 0, "", "", 0
	body, err := w.body(ctx, d)
	if chat.CodeOf(err) == chat.NotFound {
		d.Status, d.Reason, d.Error = chat.DeliveryFailed, chat.ReasonGone, "what it was about is gone, or the bot may not see it any more"
		return d
	}
	d.Attempts++
	begin := time.Now()
	if err == nil {
		d.Code, err = w.d.post(ctx, w.hook.URL, w.secret, d, body)
	}
	d.Took = max(time.Since(begin), 1)
	switch {
	case err == nil:
		d.Status = chat.DeliveryDelivered
		return d
	case d.Attempts > len(schedule):
		d.Status = chat.DeliveryFailed
	default:
		pause := schedule[d.Attempts-1]
		d.Next = w.d.Now().Add(pause + time.Duration((2*mathrand.Float64()-1)*jitter*float64(pause)))
	}
	d.Reason, d.Error = reason(err)
	return d
}

// body makes the body of a request. It reads what the delivery is about as it is now.
func (w *worker) body(ctx context.Context, d chat.Delivery) ([]byte, error) {
	if w.sealed != nil {
		return nil, &failure{chat.ReasonSecret, "the webhook's secret can't be read, as the server's own secret is another one now: make a new webhook"}
	}
	data := d.Data
	if d.Stream > 0 {
		e, err := w.d.Store.WebhookEntry(ctx, w.hook, d)
		if err != nil {
			return nil, err
		}
		if d.Event == chat.DeliveryEdited { // the message as it is now is told
			ref, seq, err := editedMessage(w.hook, e)
			if err != nil {
				return nil, err
			}
			if e, err = w.d.Store.Message(ctx, ref, seq); err != nil {
				return nil, err
			}
		}
		if data, err = entryData(w.hook, e); err != nil {
			return nil, err
		}
	}
	body, err := encode(request{d.Name, d.Event, d.Created.UTC(), w.hook.App, w.hook.EID, data})
	if err == nil && len(body) > maxBody {
		err = &failure{chat.ReasonTooLarge, fmt.Sprintf("it has %d bytes, and at most %d are sent", len(body), maxBody)}
	}
	return body, err
}

// encode is json.Marshal that leaves <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a delivery: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// post sends a request. Its error says why the receiver has not taken it; code is the status of the answer, 0 if there was none.
func (d *Dispatcher) post(ctx context.Context, to, secret string, x chat.Delivery, body []byte) (code int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	at := strconv.FormatInt(d.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Magpie")
	r.Header.Set("Magpie-Event", x.Event)
	r.Header.Set("Magpie-Delivery", x.Name)
	r.Header.Set("Magpie-Timestamp", at)
	r.Header.Set("Magpie-Signature", "v1="+sign(secret, at, body))
	res, err := d.Client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status alone decides
	switch {
	case res.StatusCode/100 == 2:
		return res.StatusCode, nil
	case res.StatusCode/100 == 3:
		return res.StatusCode, &failure{chat.ReasonRedirect, "the receiver redirects (" + res.Status + "), which is not followed: give the webhook the new address"}
	}
	return res.StatusCode, &failure{chat.ReasonStatus, fmt.Sprintf("the receiver answered %s: %s", res.Status, said)}
}

// sign is the signature of a request: HMAC-SHA256 of the timestamp, a full stop and the body, in hex.
func sign(secret, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// failure is why a delivery was not taken, where this program has found out.
type failure struct {
	reason chat.DeliveryReason
	text   string
}

func (f *failure) Error() string { return f.text }

// reason says why a request has failed.
func reason(err error) (chat.DeliveryReason, string) {
	var own *failure
	if errors.As(err, &own) {
		return own.reason, clean(own.text)
	}
	why := chat.ReasonConnection
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return chat.ReasonTimeout, "the receiver did not answer in time"
		}
		err = u.Err // without the address, which is shown beside it
	}
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	// What a name leads to, and who was asked, is nothing for whoever may name receivers.
	case errors.Is(err, outbound.ErrRefused):
		return chat.ReasonAddress, "the address is private or reserved"
	case errors.As(err, &name):
		return chat.ReasonName, "the name was not found"
	case errors.As(err, &certificate):
		why = chat.ReasonCertificate
	}
	return why, clean(err.Error())
}

// clean makes a text fit for a log: one line, of letters that can be shown.
func clean(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > maxError {
		s = string(r[:maxError]) + "…"
	}
	return strings.TrimSuffix(s, ":")
}

// Test sends a webhook something harmless at once, even one that is switched off, and returns how that went. It is not repeated.
func (d *Dispatcher) Test(ctx context.Context, h chat.Webhook) (chat.Delivery, error) {
	w := newWorker(d, h)
	data, err := encode(map[string]string{"text": "This is a trial of the webhook."})
	if err != nil {
		return chat.Delivery{}, err
	}
	x := chat.Delivery{Name: rand.Text(), Webhook: h.ID, Event: chat.DeliveryTest, Data: data, Created: d.Now()}
	x.Lane = "test:" + x.Name
	x = w.attempt(ctx, x)
	if x.Status != chat.DeliveryDelivered {
		x.Status = chat.DeliveryFailed
	}
	x.Next, x.Ended = time.Time{}, d.Now()
	d.count(x.Status)
	return x, d.Store.KeepDelivery(ctx, x)
}

func (d *Dispatcher) count(s chat.DeliveryStatus) {
	switch s {
	case chat.DeliveryDelivered:
		d.counts[delivered].Add(1)
	case chat.DeliveryFailed:
		d.counts[failed].Add(1)
	default:
		d.counts[putOff].Add(1)
	}
}
