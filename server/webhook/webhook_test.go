package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"magpie/server/agent"
	"magpie/server/chat"
	"magpie/server/outbound"
	"magpie/server/payload"
	"magpie/server/store"
)

const (
	eid    = "acme"
	secret = "mgw_a secret"
)

var by = chat.Actor{EID: eid, Addr: chat.ActorServer}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a store with alice, bob, carol and the bot of the app oa, an agent, and a dispatcher with a clock that the test moves.
type world struct {
	t     *testing.T
	dir   string
	store *store.Store
	*Dispatcher
	stop  func()
	nth   int
	allow []netip.Prefix

	mu    sync.Mutex
	now   time.Time
	while func() // what whileReading was given
}

// reading is a store that lets a test act when what a bot sees has been read, and its reader does not have it yet.
type reading struct {
	Store
	w *world
}

func (s reading) Presubscribe(ctx context.Context, eid, uid string) (chat.Presubscription, error) {
	sees, err := s.Store.Presubscribe(ctx, eid, uid)
	s.w.mu.Lock()
	act := s.w.while
	s.w.mu.Unlock()
	if act != nil {
		act()
	}
	return sees, err
}

func (w *world) whileReading(act func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.while = act
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), now: time.Now().Truncate(time.Millisecond), allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	st, err := store.Open(t.Context(), store.Options{Dir: w.dir})
	check(t, err)
	check(t, st.CreateOrg(t.Context(), chat.Org{EID: eid, Name: "Acme"}))
	for _, uid := range []string{"alice", "bob", "carol"} {
		check(t, st.CreateUser(t.Context(), chat.User{EID: eid, UID: uid, Name: "The " + uid}, ""))
	}
	check(t, first(st.CreateApp(t.Context(), by, chat.App{ID: "oa", Name: "Office"})))
	check(t, first(st.CreateBot(t.Context(), by, "oa", chat.User{UID: "bot", Name: "The bot"})))
	check(t, st.Close())
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// start opens the store and runs the agent and the dispatcher; stop ends them, and can be called again.
func (w *world) start() {
	w.t.Helper()
	st, err := store.Open(context.Background(), store.Options{Dir: w.dir})
	check(w.t, err)
	w.store = st
	notices := agent.New(agent.Options{Store: st})
	w.Dispatcher = New(Options{Store: reading{st, w}, Client: outbound.Client(w.allow, 5*time.Second), Now: w.clock,
		Secret: func(h chat.Webhook) (string, error) { return string(h.Sealed), nil }})
	st.Observe(notices)
	st.Observe(w.Dispatcher)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { notices.Run(ctx) })
	running.Go(func() { w.Run(ctx) })
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		check(w.t, st.Close())
	})
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass moves the clock.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	w.Wake("")
}

// hook makes a webhook.
func (w *world) hook(url string, events ...chat.HookEvent) chat.Webhook {
	w.t.Helper()
	w.nth++
	h, err := w.store.CreateWebhook(w.t.Context(), by, chat.Webhook{ID: fmt.Sprintf("h%d", w.nth), App: "oa", Bot: "bot", URL: url, Events: events, Sealed: []byte(secret)})
	check(w.t, err)
	return h
}

// again reads a webhook anew.
func (w *world) again(h chat.Webhook) chat.Webhook {
	w.t.Helper()
	h, err := w.store.Webhook(w.t.Context(), eid, "oa", h.ID)
	check(w.t, err)
	return h
}

// say sends a text from one user to another, or to a group "g:…", and returns its seq.
func (w *world) say(from, to, text string) uint64 {
	w.t.Helper()
	done := make(chan chat.Appended, 1)
	w.append(from, to, text, func(a chat.Appended) { done <- a })
	res := <-done
	check(w.t, res.Err)
	return res.Seq
}

func (w *world) append(from, to, text string, done func(chat.Appended)) {
	w.t.Helper()
	ref, kind := chat.StreamRef{EID: eid, Kind: chat.StreamPair, Key: chat.PairKey(from, to)}, byte(chat.IMPair)
	if gid, ok := strings.CutPrefix(to, "g:"); ok {
		ref, kind = chat.StreamRef{EID: eid, Kind: chat.StreamGroup, Key: gid}, chat.IMGroup
	}
	content, err := json.Marshal(map[string]string{"co": text})
	check(w.t, err)
	b, err := payload.EncodeIM(chat.IM{Type: kind, Sender: from, Media: []chat.Medium{{Content: content}}})
	check(w.t, err)
	w.store.Append(chat.Append{Stream: ref, Sender: from, Payload: b, Done: done})
}

// deliveries waits until a webhook's deliveries are as they should be, the oldest first.
func (w *world) deliveries(h chat.Webhook, right func([]chat.Delivery) bool) []chat.Delivery {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		list, _, err := w.store.Deliveries(w.t.Context(), eid, "oa", h.ID, "", "", 200)
		check(w.t, err)
		slices.Reverse(list)
		if right(list) {
			return list
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d deliveries, the last of them %+v", len(list), list[max(len(list)-5, 0):])
		}
	}
}

// got is a request that a receiver got.
type got struct {
	Request
	header http.Header
}

// Request is the body of a request, read by what the documentation says alone.
type Request struct {
	ID    string    `json:"id"`
	Event string    `json:"event"`
	At    time.Time `json:"at"`
	App   string    `json:"app"`
	Org   string    `json:"org"`
	Data  struct {
		Conv, Sender, GID, UID, By, Status, Text string
		Seq                                      uint64
		Recalled                                 bool
		Media                                    []struct{ Content struct{ Co string } }
	} `json:"data"`
}

func (r Request) text() string {
	if len(r.Data.Media) == 0 {
		return ""
	}
	return r.Data.Media[0].Content.Co
}

// receiver is a real one on this machine. answer says what it does; it takes everything where that is nil.
type receiver struct {
	t *testing.T
	*httptest.Server
	got chan got

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, got: make(chan got, 10_000)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.CloseClientConnections)
	return r
}

func (r *receiver) serve(out http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return // the sender was stopped
	}
	g := got{header: in.Header}
	if err := json.Unmarshal(body, &g.Request); err != nil {
		r.t.Errorf("%v in %s", err, body)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", in.Header.Get("Magpie-Timestamp"), body)
	if want := "v1=" + hex.EncodeToString(mac.Sum(nil)); in.Header.Get("Magpie-Signature") != want {
		r.t.Errorf("the signature is %s, want %s", in.Header.Get("Magpie-Signature"), want)
	}
	if in.Method != "POST" || in.Header.Get("Content-Type") != "application/json" || in.Header.Get("Magpie-Event") != g.Event || in.Header.Get("Magpie-Delivery") != g.ID || g.ID == "" {
		r.t.Errorf("a request %s %v with %s", in.Method, in.Header, body)
	}
	r.mu.Lock()
	answer := r.answer // as it is before the test hears of the request, and may change it for the next
	r.mu.Unlock()
	r.got <- g
	if answer != nil {
		answer(out, in)
	}
}

func (r *receiver) answers(f http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func (r *receiver) next() got {
	r.t.Helper()
	select {
	case g := <-r.got:
		return g
	case <-time.After(30 * time.Second):
		r.t.Fatal("nothing was delivered")
		return got{}
	}
}

func delivered1(list []chat.Delivery) bool {
	return !slices.ContainsFunc(list, func(d chat.Delivery) bool { return d.Status != chat.DeliveryDelivered })
}

func TestMessages(t *testing.T) {
	w, r := newWorld(t), newReceiver(t)
	w.say("alice", "bot", "before the webhook")
	h := w.hook(r.URL+"/hooks?tenant=1", chat.HookMessage)
	seq := w.say("alice", "bot", "hello <b>")
	g := r.next()
	if g.Event != "message" || g.App != "oa" || g.Org != eid || g.At.IsZero() || g.Data.Conv != "u:alice" || g.Data.Seq != seq || g.Data.Sender != "alice" || g.text() != "hello <b>" {
		t.Errorf("got %+v", g)
	}
	w.say("bot", "alice", "an answer, which is the bot's own")
	w.say("alice", "bob", "not for the bot")
	w.say("bob", "bot", "the first of a conversation")
	if g := r.next(); g.Data.Conv != "u:bob" || g.text() != "the first of a conversation" {
		t.Errorf("got %+v", g)
	}
	list := w.deliveries(h, func(l []chat.Delivery) bool { return len(l) == 2 && delivered1(l) })
	if d := list[0]; d.Name != g.ID || d.Code != 200 || d.Attempts != 1 || d.Event != "message" || d.Ended.IsZero() || !d.Next.IsZero() {
		t.Errorf("the log shows %+v", d)
	}
}
