package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"magpie/server/auth"
	"magpie/server/chat"
	"magpie/server/outbound"
)

func TestHostileTokens(t *testing.T) {
	w := newWorld(t, nil)
	patient, err := auth.New(auth.Options{Store: w.store, Secret: secret}) // with people who fail as often as they like
	must(t, err)
	*w.auth = *patient
	h := w.newHost("oa-prod", nil)
	crm := w.newHost("crm", nil)
	w.must201("other/alice", "/api/v1/admin/apps", map[string]any{"id": "theirs", "name": "x", "create_users": true})
	theirs := w.must201("other/alice", "/api/v1/admin/apps/theirs/keys", nil)
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	bad := func(reason string, more jwt.MapClaims) {
		t.Helper()
		h.refused(reason, h.sign(h.claims("frank", more)))
	}

	// Times.
	bad("expired", jwt.MapClaims{"iat": at(-10 * time.Minute), "exp": at(-6 * time.Minute)})
	bad("expired", jwt.MapClaims{"iat": at(-2 * time.Minute), "exp": at(-time.Second)})
	bad("not-yet", jwt.MapClaims{"iat": at(2 * time.Minute), "exp": at(3 * time.Minute)})
	bad("not-yet", jwt.MapClaims{"nbf": at(2 * time.Minute)})
	bad("too-long", jwt.MapClaims{"exp": at(6 * time.Minute)}) // a slow machine takes its time from it
	bad("too-long", jwt.MapClaims{"exp": at(240 * time.Hour)})
	bad("too-long", jwt.MapClaims{"iat": at(-10 * time.Minute)})
	for _, c := range []jwt.MapClaims{{"exp": nil}, {"iat": nil}, {"exp": "soon"}, {"exp": 1e300}, {"iat": -5}, {"exp": -1}, {"exp": 0}, {"iat": 1e18, "exp": 1e18}} {
		bad("malformed", c)
	}
	// For whom it is.
	bad("issuer", jwt.MapClaims{"iss": "crm"})
	bad("issuer", jwt.MapClaims{"iss": nil})
	bad("audience", jwt.MapClaims{"aud": "https://staging.example"})
	bad("audience", jwt.MapClaims{"aud": nil})
	bad("audience", jwt.MapClaims{"aud": "oa"})
	bad("audience", jwt.MapClaims{"aud": []string{"a", "b"}})
	bad("organisation", jwt.MapClaims{"org": "other"})
	bad("organisation", jwt.MapClaims{"org": nil})
	for _, c := range []jwt.MapClaims{{"sub": nil}, {"sub": ""}, {"sub": "../alice"}, {"sub": "a b"}, {"sub": strings.Repeat("a", 65)}, {"sub": 5}, {"jti": nil}, {"jti": "short"}, {"jti": strings.Repeat("j", 129)},
		{"jti": 12345678}, {"name": "a\u202eb"}, {"name": strings.Repeat("n", 65)}, {"email": "not one"}, {"departments": []string{"a|b"}}, {"departments": []string{""}}, {"departments": "Sales"},
		{"departments": strings.Split(strings.Repeat("a,", 20)+"a", ",")}, {"departments": []string{strings.Repeat("a/", 20) + "a"}}} {
		bad("malformed", c)
	}

	// Who signed it.
	sound := func() jwt.MapClaims { return h.claims("frank", nil) }
	forge := func(reason string, method jwt.SigningMethod, key any, header map[string]any) {
		t.Helper()
		tok := jwt.NewWithClaims(method, sound())
		for k, v := range header {
			tok.Header[k] = v
		}
		s, err := tok.SignedString(key)
		must(t, err)
		h.refused(reason, s)
	}
	forge("signature", jwt.SigningMethodHS256, []byte("guess"), nil)
	forge("signature", jwt.SigningMethodHS256, []byte(""), nil)
	forge("signature", jwt.SigningMethodHS256, []byte(crm.secret), nil)
	forge("signature", jwt.SigningMethodHS256, []byte(crm.secret), map[string]any{"kid": crm.kid})
	forge("signature", jwt.SigningMethodHS256, []byte(theirs.body["secret"].(string)), nil)
	forge("signature", jwt.SigningMethodHS256, []byte(h.secret), map[string]any{"kid": "another"})
	forge("signature", jwt.SigningMethodHS256, secret, nil) // that of our own access tokens
	forge("signature", jwt.SigningMethodHS256, []byte("x"), map[string]any{"kid": "magpie-test"})
	forge("algorithm", jwt.SigningMethodHS384, []byte(h.secret), nil)
	forge("algorithm", jwt.SigningMethodHS512, []byte(h.secret), nil)
	forge("algorithm", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil)
	forge("algorithm", jwt.SigningMethodHS256, []byte(h.secret), map[string]any{"alg": "None"})
	forge("algorithm", jwt.SigningMethodHS256, []byte(h.secret), map[string]any{"alg": "NONE"})
	forge("algorithm", jwt.SigningMethodHS256, []byte(h.secret), map[string]any{"alg": nil})
	forge("malformed", jwt.SigningMethodHS256, []byte(h.secret), map[string]any{"crit": []string{"b64"}, "b64": false})
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	forge("algorithm", jwt.SigningMethodES256, k, map[string]any{"jwk": map[string]any{"kty": "EC"}}) // the app has no key set
	whole := h.sign(sound())
	parts := strings.Split(whole, ".")
	for _, s := range []string{"", "x", "..", "a.b.c", parts[0] + "." + parts[1], whole + ".x", parts[0] + "." + parts[1] + ".%%"} {
		h.refused("malformed", s)
	}
	h.refused("algorithm", "bnVsbA."+parts[1]+"."+parts[2]) // null
	h.refused("issuer", parts[0]+".bnVsbA."+parts[2])       // null
	h.refused("signature", parts[0]+"."+parts[1]+".")
	h.refused("malformed", whole+strings.Repeat("a", 9000))
	// The access tokens of ours, and refresh tokens, are none.
	h.refused("issuer", w.token("acme/bob"))
	// Another app, or organisation, takes it no more than a stranger.
	if r := crm.exchange(h.sign(h.claims("bob", nil))); r.body["reason"] != "issuer" {
		t.Errorf("%s", r.raw)
	}
	if r := crm.exchange(h.sign(h.claims("bob", jwt.MapClaims{"iss": "crm"}))); r.body["reason"] != "signature" {
		t.Errorf("%s", r.raw)
	}
	for _, app := range []string{"none", "", "../x", "theirs "} {
		r := w.call("", "POST", "/api/v1/auth/exchange", map[string]any{"app": app, "token": whole})
		if r.status != 404 {
			t.Errorf("app %q: %d %s", app, r.status, r.raw)
		}
	}
	// Nobody was made by any of them.
	if r := w.want(200, "acme/alice", "GET", "/api/v1/users?limit=200", nil); strings.Contains(r.raw, "frank") {
		t.Errorf("%s", r.raw)
	}
}

func (w *world) must201(who, path string, body any) reply {
	w.t.Helper()
	return w.want(201, who, "POST", path, body)
}

// TestReplay uses one token many times at one instant, and afterwards: it is good once.
func TestReplay(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	crm := w.newHost("crm", nil)
	c := h.claims("bob", nil)
	token := h.sign(c)
	var taken, replayed atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			switch r := h.exchange(token); {
			case r.status == 200:
				taken.Add(1)
			case r.body["reason"] == "replayed":
				replayed.Add(1)
			default:
				t.Errorf("%d %s", r.status, r.raw)
			}
		})
	}
	all.Wait()
	if taken.Load() != 1 || replayed.Load() != 7 {
		t.Errorf("taken %d times, refused %d times", taken.Load(), replayed.Load())
	}
	h.refused("replayed", h.sign(h.claims("carol", jwt.MapClaims{"jti": c["jti"]}))) // a jti works once, whatever it stands in
	if r := crm.exchange(crm.sign(crm.claims("bob", jwt.MapClaims{"jti": c["jti"]}))); r.status != 200 {
		t.Errorf("another app's jti is used up: %s", r.raw)
	}
	// What was refused has done nothing, and is not used up.
	must(t, w.store.SetDisabled(t.Context(), "acme", "dave", true))
	token = h.sign(h.claims("dave", nil))
	for _, status := range []int{403, 403} {
		if r := h.exchange(token); r.status != status {
			t.Errorf("%d %s", r.status, r.raw)
		}
	}
	must(t, w.store.SetDisabled(t.Context(), "acme", "dave", false))
	if r := h.exchange(token); r.status != 200 {
		t.Errorf("%d %s", r.status, r.raw)
	}
}

// TestExchangeIsLimited fails often, as one person from one address.
func TestExchangeIsLimited(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	expired := func() string {
		return h.sign(h.claims("bob", jwt.MapClaims{"exp": time.Now().Add(-time.Second).Unix()}))
	}
	for range 10 {
		h.refused("expired", expired())
	}
	if r := h.exchange(expired()); r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.status, r.raw)
	}
	if r := h.exchange(h.sign(h.claims("bob", nil))); r.status != 200 {
		t.Errorf("a sound token pays for those that were not: %d %s", r.status, r.raw)
	}
	if r := h.exchange(h.sign(h.claims("carol", nil))); r.status != 200 {
		t.Errorf("somebody else at the same address: %d %s", r.status, r.raw)
	}
	if r := w.call("", "POST", "/api/v1/auth/login", map[string]any{"org": "acme", "username": "bob", "password": password}); r.status != 200 {
		t.Errorf("the password is refused too: %d %s", r.status, r.raw)
	}
}

// keyServer serves a key set by TLS; change says what it does otherwise.
type keyServer struct {
	*httptest.Server
	reads  atomic.Int32
	set    atomic.Value // string
	handle atomic.Value // http.HandlerFunc, or nil
}

func newKeyServer(t *testing.T) *keyServer {
	k := &keyServer{}
	k.set.Store(`{"keys":[]}`)
	k.handle.Store(http.HandlerFunc(nil))
	k.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.reads.Add(1)
		if f := k.handle.Load().(http.HandlerFunc); f != nil {
			f(w, r)
			return
		}
		_, _ = w.Write([]byte(k.set.Load().(string)))
	}))
	t.Cleanup(k.Close)
	return k
}

// clock is a time that the test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// newKeyWorld is newWorld whose auth reads key sets: of loopback too, where allow says so.
func newKeyWorld(t *testing.T, k *keyServer, allow ...netip.Prefix) (*world, *clock) {
	w := newWorld(t, nil)
	client := outbound.Client(allow, 300*time.Millisecond)
	client.Transport.(*http.Transport).TLSClientConfig = k.Client().Transport.(*http.Transport).TLSClientConfig
	c := &clock{}
	a, err := auth.New(auth.Options{Store: w.store, Secret: secret, Outbound: client, Now: c.now, Log: w.auth.Log})
	must(t, err)
	*w.auth = *a
	return w, c
}

func jwk(kid string, pub any) map[string]any {
	enc := base64.RawURLEncoding.EncodeToString
	switch p := pub.(type) {
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": enc(p.N.Bytes()), "e": enc([]byte{1, 0, 1})}
	case *ecdsa.PublicKey:
		b, _ := p.Bytes()
		return map[string]any{"kty": "EC", "kid": kid, "crv": "P-256", "x": enc(b[1:33]), "y": enc(b[33:])}
	}
	return nil
}

func set(keys ...map[string]any) string {
	b, _ := json.Marshal(map[string]any{"keys": keys})
	return string(b)
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func TestKeySets(t *testing.T) {
	k := newKeyServer(t)
	w, clock := newKeyWorld(t, k, loopback)
	h := w.newHost("oa-prod", map[string]any{"jwks_url": k.URL + "/jwks"})
	r1, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	e1, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	e2, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	k.set.Store(set(map[string]any{"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, jwk("weak", &weak.PublicKey), map[string]any{"kty": "EC"}, jwk("r1", &r1.PublicKey), jwk("e1", &e1.PublicKey)))
	sign := func(method jwt.SigningMethod, kid string, key any) string {
		t.Helper()
		c := h.claims("bob", jwt.MapClaims{"iat": clock.now().Unix(), "exp": clock.now().Add(time.Minute).Unix()})
		tok := jwt.NewWithClaims(method, c)
		if kid != "" {
			tok.Header["kid"] = kid
		}
		s, err := tok.SignedString(key)
		must(t, err)
		return s
	}
	taken := func(token string) {
		t.Helper()
		if r := h.exchange(token); r.status != 200 {
			t.Errorf("%d %s", r.status, r.raw)
		}
	}
	taken(sign(jwt.SigningMethodRS256, "r1", r1))
	taken(sign(jwt.SigningMethodES256, "e1", e1))
	taken(sign(jwt.SigningMethodES256, "", e1))
	taken(sign(jwt.SigningMethodHS256, h.kid, []byte(h.secret)))
	if n := k.reads.Load(); n != 1 {
		t.Errorf("read %d times", n)
	}
	// A public key is no secret, in any of its forms; a key is good for its own algorithm.
	der, err := x509.MarshalPKIXPublicKey(&r1.PublicKey)
	must(t, err)
	for _, public := range [][]byte{pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), der, r1.N.Bytes(), []byte(k.set.Load().(string)), []byte("secret")} {
		for _, kid := range []string{"r1", "oct", ""} {
			h.refused("signature", sign(jwt.SigningMethodHS256, kid, public))
		}
	}
	h.refused("algorithm", sign(jwt.SigningMethodPS256, "r1", r1))
	h.refused("algorithm", sign(jwt.SigningMethodRS512, "r1", r1))
	h.refused("signature", sign(jwt.SigningMethodRS256, "e1", r1))
	h.refused("signature", sign(jwt.SigningMethodES256, "e1", e2))
	h.refused("signature", sign(jwt.SigningMethodRS256, "weak", weak))

	// A new key is found, but the set is not read for every kid that somebody makes up.
	before := k.reads.Load()
	for range 20 {
		h.refused("signature", sign(jwt.SigningMethodES256, rand.Text(), e2))
	}
	if n := k.reads.Load() - before; n > 1 {
		t.Errorf("read %d times for unknown keys", n)
	}
	k.set.Store(set(jwk("e2", &e2.PublicKey)))
	clock.ahead.Add(int64(61 * time.Second))
	taken(sign(jwt.SigningMethodES256, "e2", e2))
	h.refused("signature", sign(jwt.SigningMethodES256, "e1", e1)) // it was withdrawn
	k.set.Store(set(jwk("e1", &e1.PublicKey), jwk("e2", &e2.PublicKey)))
	clock.ahead.Add(int64(61 * time.Second))
	taken(sign(jwt.SigningMethodES256, "", e1)) // a new key without a name

	// While the set can't be read its keys are good, until they are too old.
	k.handle.Store(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	clock.ahead.Add(int64(59 * time.Minute))
	taken(sign(jwt.SigningMethodES256, "e2", e2))
	clock.ahead.Add(int64(2 * time.Minute))
	h.refused("keys-unavailable", sign(jwt.SigningMethodES256, "e2", e2))
	k.handle.Store(http.HandlerFunc(nil))
	clock.ahead.Add(int64(61 * time.Second))
	taken(sign(jwt.SigningMethodES256, "e2", e2))
}

// TestKeySetsThatCanNotBeRead: whatever is wrong with the address, nobody is signed in, soon, and nothing of the answer is told.
func TestKeySetsThatCanNotBeRead(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	sound := set(jwk("e1", &key.PublicKey))
	write := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		allow  []netip.Prefix
	}{
		"private": {write(sound), nil},
		"down":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, []netip.Prefix{loopback}},
		"slow":    {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []netip.Prefix{loopback}},
		"drips": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(sound[:5]))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, []netip.Prefix{loopback}},
		"redirecting": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, []netip.Prefix{loopback}},
		"not there":   {http.NotFound, []netip.Prefix{loopback}},
		"no set":      {write(`<html>secret page</html>`), []netip.Prefix{loopback}},
		"no keys":     {write(`{}`), []netip.Prefix{loopback}},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.TrimSuffix(sound, "}") + `,"more":"` + strings.Repeat("a", 300<<10) + `"}`))
		}, []netip.Prefix{loopback}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeyServer(t)
			k.handle.Store(c.handle)
			w, _ := newKeyWorld(t, k, c.allow...)
			h := w.newHost("oa-prod", map[string]any{"jwks_url": k.URL + "/keys?code=hunter2"})
			tok := jwt.NewWithClaims(jwt.SigningMethodES256, h.claims("bob", nil))
			tok.Header["kid"] = "e1"
			s, err := tok.SignedString(key)
			must(t, err)
			r := h.exchange(s)
			if r.status != 401 || r.body["reason"] != "keys-unavailable" || strings.Contains(r.raw, "127.0.0.1") || strings.Contains(r.raw, "secret page") {
				t.Errorf("%d %s", r.status, r.raw)
			}
			if said := w.log.String(); strings.Contains(said, "hunter2") || !strings.Contains(said, "/keys?code=…") {
				t.Errorf("the log says %s", said)
			}
			if name == "private" && k.reads.Load() != 0 {
				t.Error("a private address was called")
			}
			if name == "redirecting" && k.reads.Load() != 1 {
				t.Errorf("the redirect was followed")
			}
			// The app's own keys have nothing to do with it.
			if r := h.exchange(h.sign(h.claims("bob", nil))); r.status != 200 {
				t.Errorf("%d %s", r.status, r.raw)
			}
		})
	}
}

// TestLostSecret: keys that another secret of the server sealed are no keys, and nobody is let in by them.
func TestLostSecret(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	a, err := auth.New(auth.Options{Store: w.store, Secret: []byte("another secret, of 32 bytes or so")})
	must(t, err)
	app, err := a.LiveApp(t.Context(), "oa-prod")
	must(t, err)
	if _, err := a.Exchange(t.Context(), app, h.sign(h.claims("bob", nil)), "", "", "192.0.2.1", ""); err == nil || chat.CodeOf(err) == chat.NotFound {
		t.Errorf("%v", err)
	}
}

// TestOriginAsAudience names the server's address in aud, which an app may demand: a token for another server is then of no use here.
func TestOriginAsAudience(t *testing.T) {
	w := newWorld(t, nil)
	h := w.newHost("oa-prod", nil)
	here := func() string {
		return h.sign(h.claims("bob", jwt.MapClaims{"aud": []string{"https://other.example", w.url}}))
	}
	if r := h.exchange(here()); r.status != 200 {
		t.Fatal(r.raw)
	}
	app := admin + "/apps/" + h.app
	version := w.want(200, "acme/alice", "GET", app, nil).body["version"]
	if r := w.want(200, "acme/alice", "PATCH", app, map[string]any{"origin_audience": true}, match(version)); r.body["origin_audience"] != true {
		t.Errorf("the app is %s", r.raw)
	}
	h.refused("audience", h.sign(h.claims("bob", nil)))
	h.refused("audience", h.sign(h.claims("bob", jwt.MapClaims{"aud": []string{"magpie", "https://other.example"}})))
	if r := h.exchange(here()); r.status != 200 {
		t.Error(r.raw)
	}
	trial := w.want(200, "acme/alice", "POST", app+"/test-token", map[string]any{"uid": "bob"}).body["token"].(string)
	if r := h.exchange(trial); r.status != 200 {
		t.Error(r.raw)
	}
}
