package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"magpie/media"
	"magpie/server/api"
	"magpie/server/auth"
	"magpie/server/chat"
	"magpie/server/roster"
	"magpie/server/store"
)

const password = "correct horse"

// hash is made once: hashing is meant to be slow.
var hash = sync.OnceValues(func() (string, error) { return auth.HashPassword(password) })

var secret = []byte("0123456789abcdef0123456789abcdef")

// world is a server with two organisations: acme with alice (an administrator), bob, carol, dave and the service account bot; other with
// alice and eve.
type world struct {
	t      *testing.T
	store  *store.Store
	auth   *auth.Auth
	media  *media.Library
	url    string
	log    *bytes.Buffer // what the server logged
	mu     sync.Mutex    // guards tokens
	tokens map[string]string
}

// offline is the presence of a server that nobody is connected to; it keeps what was set.
type offline struct{ set map[string][]byte }

func (o offline) Presence(_, uid string) ([]byte, []chat.Terminal) {
	if b := o.set[uid]; b != nil {
		return b, []chat.Terminal{chat.Web}
	}
	return chat.PresenceOffline, nil
}

func (o offline) SetPresence(_ context.Context, _, uid string, b []byte) error {
	o.set[uid] = b
	return nil
}

// nobody is connected.
type nobody struct{}

func (nobody) Sessions(string, string) []chat.LiveSession               { return nil }
func (nobody) LiveSession(string, string) (l chat.LiveSession, ok bool) { return l, false }
func (nobody) Kick(string, string) bool                                 { return false }
func (nobody) Connected() int                                           { return 0 }
func (nobody) Rate(string) float64                                      { return 0 }
func (nobody) Follow(string) (items <-chan chat.FeedItem, stop func())  { return nil, func() {} }

// migrated is an empty database. To make one takes the race detector as long as many a test.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "magpie-api-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	st, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err == nil {
		err = st.Close()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "magpie.db"))
})

// newWorld starts a server; change, if not nil, changes its options.
func newWorld(t *testing.T, change func(*api.Options)) *world {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	b, err := migrated()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "magpie.db"), b, 0o600))
	st, err := store.Open(ctx, store.Options{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	w := &world{t: t, store: st, log: &bytes.Buffer{}, tokens: map[string]string{}}
	h, err := hash()
	must(t, err)
	for eid, uids := range map[string][]string{"acme": {"alice", "bob", "carol", "dave", "bot"}, "other": {"alice", "eve"}} {
		must(t, st.CreateOrg(ctx, chat.Org{EID: eid, Name: strings.ToUpper(eid)}))
		for _, uid := range uids {
			u := chat.User{EID: eid, UID: uid, Name: "The " + uid, Role: chat.Member, Service: uid == "bot"}
			if uid == "alice" {
				u.Role, u.Email = chat.Admin, "alice@"+eid+".example"
			}
			must(t, st.CreateUser(ctx, u, h))
		}
	}
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: w.log}, nil))
	w.auth, err = auth.New(auth.Options{Store: st, Secret: secret, LoginRate: 10, Log: log})
	must(t, err)
	files, err := media.Folder(t.TempDir())
	must(t, err)
	w.media = media.New(media.Options{Store: files, Rows: st, Log: log})
	people := roster.New(roster.Options{Store: st, Dir: t.TempDir(), Log: log})
	t.Cleanup(people.Close)
	o := api.Options{
		Roster: people, Live: nobody{},
		Store: st, Media: w.media, Auth: w.auth, Presence: offline{map[string][]byte{}}, Log: log, Version: "test", MQTTPort: 1883,
		Presubscriptions: func(_ context.Context, eid, uid string) ([]api.Topic, error) {
			return []api.Topic{{Topic: "/e/" + eid + "/im/u/" + uid, QoS: 1}}, nil
		},
		Pages: fstest.MapFS{
			"index.html":        {Data: []byte("<!doctype html><title>chat</title>")},
			"admin.html":        {Data: []byte("<!doctype html><title>admin</title>")},
			"reset.html":        {Data: []byte("<!doctype html><title>reset</title>")},
			"assets/app-1a2.js": {Data: []byte("export {}")},
			"favicon.svg":       {Data: []byte("<svg/>")},
			"sw.js":             {Data: []byte("self")},
			"static.go":         {Data: []byte("package static")},
		},
	}
	if change != nil {
		change(&o)
	}
	srv := httptest.NewServer(api.New(o))
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is an answer. JSON bodies are read into body.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// items returns the items of a list.
func (r reply) items() []any {
	items, _ := r.body["items"].([]any)
	return items
}

// field returns the value at a path such as "user.name".
func (r reply) field(path string) any {
	var v any = r.body
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

type headers map[string]string

// call sends a request. who is "org/uid", or empty for nobody; body is a string of JSON or anything to encode, or nil.
func (w *world) call(who, method, path string, body any, more ...headers) reply {
	w.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		enc, err := json.Marshal(b)
		must(w.t, err)
		in = bytes.NewReader(enc)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, in)
	must(w.t, err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+w.token(who))
	}
	for _, h := range more {
		for k, v := range h {
			r.Header.Set(k, v)
		}
	}
	res, err := http.DefaultTransport.RoundTrip(r) // no redirects, no cookies of its own
	must(w.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(w.t, err)
	out := reply{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if method == "HEAD" {
		return out
	}
	if strings.HasSuffix(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(raw, &out.body); err != nil {
			w.t.Errorf("%s %s: %v in %.200s", method, path, err, raw)
		}
	}
	if res.StatusCode >= 400 {
		w.checkProblem(method+" "+path, out)
	}
	return out
}

// page gets what a browser shows: of an error too.
func (w *world) page(path string, h headers) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), "GET", w.url+path, nil)
	must(w.t, err)
	for k, v := range h {
		r.Header.Set(k, v)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	must(w.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(w.t, err)
	return reply{status: res.StatusCode, header: res.Header, raw: string(raw)}
}

// checkProblem holds every error to RFC 9457 and looks for what must never show.
func (w *world) checkProblem(what string, r reply) {
	w.t.Helper()
	if what == "GET /readyz" {
		return
	}
	if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
		w.t.Errorf("%s: %d with Content-Type %q", what, r.status, ct)
	}
	kind, _ := r.body["type"].(string)
	if r.body["status"] != float64(r.status) || r.body["title"] == "" || r.body["detail"] == "" || !slices.Contains(problems(w.t), strings.TrimPrefix(kind, "/problems/")) {
		w.t.Errorf("%s: incomplete problem, or one that docs/http-api.md does not know: %s", what, r.raw)
	}
	errs, _ := r.body["errors"].(map[string]any)
	codes, _ := r.body["codes"].(map[string]any)
	for field := range errs {
		if code, _ := codes[field].(string); code == "" {
			w.t.Errorf("%s: no code for %s: %s", what, field, r.raw)
		}
	}
	for _, secret := range []string{"sql", "SQL", ".go:", "goroutine", "/tmp/", "panic"} {
		if strings.Contains(r.raw, secret) {
			w.t.Errorf("%s: the problem tells of %q: %s", what, secret, r.raw)
		}
	}
}

// want calls and checks the status.
func (w *world) want(status int, who, method, path string, body any, more ...headers) reply {
	w.t.Helper()
	r := w.call(who, method, path, body, more...)
	if r.status != status {
		w.t.Errorf("%s %s as %q: %d, want %d: %s", method, path, who, r.status, status, r.raw)
	}
	return r
}

// token signs "org/uid" in once.
func (w *world) token(who string) string {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tokens[who] == "" {
		eid, uid, _ := strings.Cut(who, "/")
		s, err := w.auth.Login(w.t.Context(), eid, uid, password, chat.Web, "test", "192.0.2.1")
		must(w.t, err)
		w.tokens[who] = s.Access
	}
	return w.tokens[who]
}

// group makes a group of acme's alice, bob and carol and returns its gid.
func (w *world) group() string {
	w.t.Helper()
	r := w.want(201, "acme/alice", "POST", "/api/v1/groups", map[string]any{"name": "Team", "members": []string{"bob", "carol"}})
	gid, _ := r.body["gid"].(string)
	return gid
}

// say sends a text and returns its seq.
func (w *world) say(who, conv, text string) float64 {
	w.t.Helper()
	r := w.want(201, who, "POST", "/api/v1/conversations/"+conv+"/messages", textMessage(text))
	seq, _ := r.body["seq"].(float64)
	return seq
}

func textMessage(text string) map[string]any {
	return map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": text}}}}
}
