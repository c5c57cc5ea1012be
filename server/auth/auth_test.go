package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"magpie/server/chat"
	"magpie/server/store"
)

const password = "correct horse"

var hash = sync.OnceValues(func() (string, error) { return HashPassword(password) })

// open returns an Auth over a store with acme's alice, bob and the service bot (passwords are taken over MQTT) and other's alice.
func open(t *testing.T, rate int) (*Auth, *store.Store) {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{Dir: t.TempDir()})
	check(t, err)
	t.Cleanup(func() { st.Close() })
	h, err := hash()
	check(t, err)
	for _, eid := range []string{"acme", "other"} {
		check(t, st.CreateOrg(ctx, chat.Org{EID: eid, Name: eid, Settings: chat.OrgSettings{MQTTPasswords: eid == "acme"}}))
		check(t, st.CreateUser(ctx, chat.User{EID: eid, UID: "alice", Name: "Alice", Email: "alice@x.example", Role: chat.Admin}, h))
	}
	check(t, st.CreateUser(ctx, chat.User{EID: "acme", UID: "bob", Name: "Bob", Role: chat.Member}, h))
	check(t, st.CreateUser(ctx, chat.User{EID: "acme", UID: "bot", Name: "Bot", Role: chat.Member, Service: true}, h))
	a, err := New(Options{Store: st, Secret: []byte(strings.Repeat("k", 32)), LoginRate: rate})
	check(t, err)
	return a, st
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, what string, err error, want chat.Code) {
	t.Helper()
	if err == nil || chat.CodeOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

// TestUnknownUsersCostTheSame counts password verifications: a wrong name must cost exactly one, as a wrong password does.
func TestUnknownUsersCostTheSame(t *testing.T) {
	a, _ := open(t, 0)
	var hashed []string
	real := a.verify
	a.verify = func(ctx context.Context, hash, password string) (bool, error) {
		hashed = append(hashed, hash)
		return real(ctx, hash, password)
	}
	for _, who := range [][2]string{{"acme", "bob"}, {"acme", "nobody"}, {"nowhere", "bob"}, {"acme", ""}} {
		hashed = nil
		_, err := a.Login(t.Context(), who[0], who[1], "wrong", chat.Web, "", "192.0.2.1")
		wantCode(t, fmt.Sprint(who), err, chat.Unauthenticated)
		if len(hashed) != 1 {
			t.Errorf("%v: %d verifications", who, len(hashed))
		}
		hashed = nil
		_, err = a.Connect(t.Context(), who[0], who[1], "wrong", "192.0.2.1")
		wantCode(t, fmt.Sprint("connect ", who), err, chat.Unauthenticated)
		if len(hashed) != 1 {
			t.Errorf("connect %v: %d verifications", who, len(hashed))
		}
	}
	h := noPassword()
	if real, ok := parsePHC(must(hash())); !ok || real.time != h.time || real.memory != h.memory || real.threads != h.threads || len(real.key) != len(h.key) {
		t.Error("the hash for unknown users has another cost than a real one")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPasswordHashes(t *testing.T) {
	h := must(hash())
	if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") || h == must(HashPassword(password)) {
		t.Errorf("hash %q", h)
	}
	for _, test := range []struct {
		hash, password string
		want           bool
	}{
		{h, password, true}, {h, password + "x", false}, {h, "", false}, {"", "", false}, {"", password, false}, {"$argon2id$", password, false},
		{strings.Replace(h, "m=19456", "m=99999999", 1), password, false}, {strings.Replace(h, "argon2id", "argon2i", 1), password, false},
	} {
		if got, err := verifyPassword(t.Context(), test.hash, test.password); err != nil || got != test.want {
			t.Errorf("%q with %q: %v %v", test.hash, test.password, got, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	_, err := verifyPassword(ctx, h, password)
	for range cap(hashing) {
		<-hashing
	}
	wantCode(t, "all hashing places taken", err, chat.Unavailable)
}

func TestNewPassword(t *testing.T) {
	a, _ := open(t, 0)
	for _, bad := range []string{"", "1234567", strings.Repeat("x", 257), "\xff\xfe345678"} {
		_, err := a.NewPassword(bad, chat.PasswordRules{})
		wantCode(t, fmt.Sprintf("%.20q", bad), err, chat.Invalid)
	}
	if h, err := a.NewPassword("密码密码密码密码", chat.PasswordRules{}); err != nil || h == "" {
		t.Errorf("eight characters: %v", err)
	}
}

func TestTokens(t *testing.T) {
	a, st := open(t, 0)
	ctx := t.Context()
	s, err := a.Login(ctx, "acme", "bob", password, chat.Phone, "agent", "192.0.2.1")
	check(t, err)
	id, err := a.Verify(ctx, s.Access)
	check(t, err)
	if want := (chat.Identity{EID: "acme", UID: "bob", Role: chat.Member, Terminal: chat.Phone, LoginID: s.Login.ID}); id != want {
		t.Errorf("identity %+v, want %+v", id, want)
	}

	now := time.Now()
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": "magpie", "sub": "bob", "eid": "acme", "term": "phone", "sid": s.Login.ID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	}
	sign := func(m jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
		c := good()
		if change != nil {
			change(c)
		}
		return must(jwt.NewWithClaims(m, c).SignedString(key))
	}
	if _, err := a.Verify(ctx, sign(jwt.SigningMethodHS256, a.Secret, nil)); err != nil {
		t.Fatalf("the forger's own check fails: %v", err) // or the rest would prove nothing
	}
	b64 := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(s.Access, ".")
	for name, token := range map[string]string{
		"alg none":            sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"alg none, signature": b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "." + parts[2],
		"no signature":        parts[0] + "." + parts[1] + ".",
		"HS384":               sign(jwt.SigningMethodHS384, a.Secret, nil),
		"HS512":               sign(jwt.SigningMethodHS512, a.Secret, nil),
		"other key":           sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), nil),
		"empty key":           sign(jwt.SigningMethodHS256, []byte{}, nil),
		"expired":             sign(jwt.SigningMethodHS256, a.Secret, func(c jwt.MapClaims) { c["exp"] = now.Add(-time.Minute).Unix() }),
		"no expiry":           sign(jwt.SigningMethodHS256, a.Secret, func(c jwt.MapClaims) { delete(c, "exp") }),
		"other issuer":        sign(jwt.SigningMethodHS256, a.Secret, func(c jwt.MapClaims) { c["iss"] = "else" }),
		"other organisation":  sign(jwt.SigningMethodHS256, a.Secret, func(c jwt.MapClaims) { c["eid"] = "other" }),
		"other user":          sign(jwt.SigningMethodHS256, a.Secret, func(c jwt.MapClaims) { c["sub"] = "alice" }),
		"unknown login":       sign(jwt.SigningMethodHS256, a.Secret, func(c jwt.MapClaims) { c["sid"] = "x" }),
		"changed payload":     parts[0] + "." + b64([]byte(`{"iss":"magpie","sub":"alice","eid":"acme","exp":9999999999}`)) + "." + parts[2],
		"empty":               "",
		"not a token":         "a.b.c",
	} {
		_, err := a.Verify(ctx, token)
		wantCode(t, name, err, chat.Unauthenticated)
	}

	check(t, st.SetDisabled(ctx, "acme", "bob", true))
	_, err = a.Verify(ctx, s.Access)
	wantCode(t, "disabled", err, chat.Unauthenticated)
	_, err = a.Refresh(ctx, s.Refresh)
	wantCode(t, "refresh of a disabled user", err, chat.Unauthenticated)
}

func TestConnect(t *testing.T) {
	a, _ := open(t, 0)
	ctx := t.Context()
	s, err := a.Login(ctx, "acme", "bob", password, chat.Web, "", "192.0.2.1")
	check(t, err)
	for _, test := range []struct {
		eid, uid, password string
		want               chat.Code // "" for success
		terminal           chat.Terminal
	}{
		{"acme", "bob", s.Access, "", chat.Web},
		{"acme", "alice", s.Access, chat.Forbidden, 0},
		{"other", "bob", s.Access, chat.Forbidden, 0},
		{"acme", "bob", s.Access + "x", chat.Unauthenticated, 0},
		{"acme", "bob", password, "", chat.PC},
		{"acme", "bot", password, "", chat.Service},
		{"acme", "bob", "wrong", chat.Unauthenticated, 0},
		{"acme", "bob", "", chat.Unauthenticated, 0},
		{"acme", "alice@x.example", password, chat.Unauthenticated, 0},
		{"other", "alice", password, chat.Unauthenticated, 0}, // takes tokens only
	} {
		id, err := a.Connect(ctx, test.eid, test.uid, test.password, "192.0.2.1")
		if test.want != "" {
			wantCode(t, fmt.Sprint(test), err, test.want)
			continue
		}
		if err != nil || id.EID != test.eid || id.UID != test.uid || id.Terminal != test.terminal {
			t.Errorf("%v: %+v %v", test, id, err)
		}
	}
	check(t, a.End(ctx, "acme", "bob", s.Login.ID, "logout"))
	_, err = a.Connect(ctx, "acme", "bob", s.Access, "192.0.2.1")
	wantCode(t, "after the sign-out", err, chat.Unauthenticated)
}

// TestLimitHoldsSideBySide sends many guesses at once: no more than the limit may be answered, the right one among the rest.
func TestLimitHoldsSideBySide(t *testing.T) {
	const rate = 10
	a, _ := open(t, rate)
	begin := make(chan struct{})
	a.verify = func(_ context.Context, _, password string) (bool, error) {
		<-begin // all have passed the first check
		return password == "right", nil
	}
	var answered atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := a.Login(t.Context(), "acme", "bob", "wrong", chat.Web, "", "192.0.2.1")
			if chat.CodeOf(err) == chat.Unauthenticated {
				answered.Add(1)
			}
		})
	}
	close(begin)
	wg.Wait()
	if n := answered.Load(); n != rate {
		t.Errorf("%d guesses were answered, the limit is %d", n, rate)
	}
	_, err := a.Login(t.Context(), "acme", "bob", "right", chat.Web, "", "192.0.2.1")
	wantCode(t, "the right password", err, chat.RateLimited)
}

func TestLimiter(t *testing.T) {
	l := newLimiter(3, 5*time.Minute)
	now := time.Unix(1000, 0)
	key := limitKey("acme", "bob", "192.0.2.1")
	for range 3 {
		if l.blocked(key, now) != 0 {
			t.Fatal("blocked too early")
		}
		l.count(key, now, true)
		now = now.Add(time.Minute)
	}
	if wait := l.blocked(key, now); wait != 2*time.Minute {
		t.Errorf("wait %v, want 2m: the first failure was 3m ago", wait)
	}
	if l.blocked(key, now.Add(2*time.Minute)) != 0 || l.blocked(key, now.Add(time.Hour)) != 0 {
		t.Error("blocked for too long")
	}
	if limitKey("acme", "bob", "2001:db8::1") != limitKey("acme", "bob", "2001:db8::ffff:1") || limitKey("acme", "bob", "2001:db8::1") == limitKey("acme", "bob", "2001:db8:0:1::1") {
		t.Error("an IPv6 address must count by its /64")
	}
	if limitKey("acme", "bob", "::ffff:192.0.2.1") != key || limitKey("acme", "bob", "192.0.2.2") == key || limitKey("other", "bob", "192.0.2.1") == key {
		t.Error("keys")
	}
	for i := range maxKeys + 1000 {
		l.count(limitKey("acme", fmt.Sprint(i), ""), now, true)
	}
	if len(l.fails) > maxKeys {
		t.Errorf("%d keys: memory is not bounded", len(l.fails))
	}
	off := newLimiter(0, time.Minute)
	for range 100 {
		off.count(key, now, true)
	}
	if off.blocked(key, now) != 0 {
		t.Error("a limit of 0 is no limit")
	}
}

// TestPasswordChangedMeanwhile changes the password between its verification and the sign-in that it allows.
func TestPasswordChangedMeanwhile(t *testing.T) {
	a, st := open(t, 0)
	ctx := t.Context()
	verify := a.verify
	a.verify = func(ctx context.Context, hash, password string) (bool, error) {
		ok, err := verify(ctx, hash, password)
		check(t, st.SetPassword(ctx, "acme", "alice", "another hash", ""))
		return ok, err
	}
	_, err := a.Login(ctx, "acme", "alice", password, chat.Web, "", "::1")
	wantCode(t, "sign-in by the old password", err, chat.Unauthenticated)
	if want := errWrong().Error(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if list := must(st.Logins(ctx, "acme", "alice")); len(list) != 0 {
		t.Errorf("it is signed in: %+v", list)
	}
}
