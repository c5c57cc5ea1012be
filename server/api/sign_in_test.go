package api_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"magpie/server/api"
	"magpie/server/chat"
)

func login(org, username, pass string) map[string]any {
	return map[string]any{"org": org, "username": username, "password": pass}
}

func TestLogin(t *testing.T) {
	w := newWorld(t, nil)
	r := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "alice", password))
	for path, want := range map[string]any{
		"user.uid": "alice", "user.name": "The alice", "user.role": "admin", "org.eid": "acme", "org.name": "ACME",
		"mqtt.username": "acme/alice", "expires_in": float64(900),
	} {
		if got := r.field(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	host := strings.TrimPrefix(w.url, "http://")
	if r.field("mqtt.url") != "ws://"+host+"/mqtt" || r.field("mqtt.tcp_url") != "mqtt://127.0.0.1:1883" {
		t.Errorf("mqtt addresses: %v", r.body["mqtt"])
	}
	if id, _ := r.field("mqtt.client_id").(string); !strings.HasPrefix(id, "web-") {
		t.Errorf("client id %q", id)
	}
	if marks := r.header.Values("Set-Cookie"); len(marks) != 3 || !strings.HasPrefix(marks[2], "magpie_login=1; Path=/; Max-Age=") || strings.Contains(marks[2], "HttpOnly") {
		t.Errorf("the pages learn of the login by %q", marks)
	}
	cookie := r.header.Get("Set-Cookie")
	for _, part := range []string{"magpie_refresh=" + r.body["refresh_token"].(string), "HttpOnly", "SameSite=Lax", "Path=/api/v1/auth"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q lacks %q", cookie, part)
		}
	}
	if strings.Contains(cookie, "Secure") {
		t.Errorf("cookie %q over plain HTTP would not be kept", cookie)
	}
	bearer := headers{"Authorization": "Bearer " + r.body["access_token"].(string)}
	if me := w.want(200, "", "GET", "/api/v1/me", nil, bearer); me.body["uid"] != "alice" || me.field("org.eid") != "acme" || me.body["email"] != "alice@acme.example" {
		t.Errorf("me: %s", me.raw)
	}
	// By e-mail address, of whatever case, on another kind of terminal.
	r = w.want(200, "", "POST", "/api/v1/auth/login", map[string]any{"org": "acme", "username": "Alice@Acme.example", "password": password, "terminal": "phone"})
	if id, _ := r.field("mqtt.client_id").(string); !strings.HasPrefix(id, "phone-") {
		t.Errorf("client id %q", id)
	}
}

func TestLoginIsRefusedInOneManner(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.store.SetDisabled(t.Context(), "acme", "dave", true))
	var first string
	for _, body := range []map[string]any{
		login("acme", "bob", "wrong"), login("acme", "nobody", password), login("nowhere", "bob", password),
		login("other", "bob", password), login("acme", "dave", password), login("", "", ""), login("acme", "bob", strings.Repeat("x", 1024)),
	} {
		r := w.want(401, "", "POST", "/api/v1/auth/login", body)
		if first == "" {
			first = r.raw
		}
		if r.raw != first {
			t.Errorf("%v gets another answer: %s", body, r.raw)
		}
	}
}

func TestLoginInputs(t *testing.T) {
	w := newWorld(t, nil)
	for _, test := range []struct {
		name, body string
		status     int
		field      string
	}{
		{"not JSON", `{"org":`, 400, ""},
		{"nothing", ``, 400, ""},
		{"an array", `[]`, 422, "body"},
		{"unknown field", `{"org":"acme","username":"bob","password":"x","remember":true}`, 422, "remember"},
		{"wrong case", `{"Org":"acme","username":"bob","password":"x"}`, 422, "Org"},
		{"missing", `{"org":"acme","username":"bob"}`, 422, "password"},
		{"wrong type", `{"org":"acme","username":7,"password":"x"}`, 422, "username"},
		{"terminal", `{"org":"acme","username":"bob","password":"x","terminal":"toaster"}`, 422, "terminal"},
		{"too long", `{"org":"acme","username":"` + strings.Repeat("b", 300) + `","password":"x"}`, 422, "username"},
		{"too large", `{"org":"` + strings.Repeat("b", 2<<20) + `"}`, 413, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := w.want(test.status, "", "POST", "/api/v1/auth/login", test.body)
			errs, _ := r.body["errors"].(map[string]any)
			if test.field != "" && errs[test.field] == nil {
				t.Errorf("nothing is said about %q: %s", test.field, r.raw)
			}
			if strings.Contains(r.raw, "bbb") {
				t.Errorf("the answer repeats the input: %.200s", r.raw)
			}
		})
	}
	w.want(415, "", "POST", "/api/v1/auth/login", `org=acme`, headers{"Content-Type": "application/x-www-form-urlencoded"})
}

func TestLoginLimit(t *testing.T) {
	w := newWorld(t, nil)
	try := func(status int, username, pass, forwarded string) reply {
		t.Helper()
		return w.want(status, "", "POST", "/api/v1/auth/login", login("acme", username, pass), headers{"X-Forwarded-For": forwarded, "X-Real-IP": forwarded})
	}
	for i := range 10 {
		// A new forged address each time, and both names of the account.
		try(401, []string{"alice", "alice@acme.example"}[i%2], "wrong", "203.0.113."+string(rune('0'+i)))
	}
	r := try(429, "alice", password, "198.51.100.7") // the right one too
	if r.header.Get("Retry-After") == "" || r.header.Get("Retry-After") == "0" {
		t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
	}
	try(200, "bob", password, "") // another account
	// The limit is the one of MQTT too; another address has its own.
	if _, err := w.auth.Connect(t.Context(), "acme", "alice", password, "127.0.0.1"); chat.CodeOf(err) != chat.RateLimited {
		t.Errorf("CONNECT: %v", err)
	}
	if _, err := w.auth.Connect(t.Context(), "acme", "alice", "wrong", "127.0.0.2"); chat.CodeOf(err) != chat.Unauthenticated {
		t.Errorf("CONNECT from elsewhere: %v", err)
	}
}

func TestTrustedProxySaysWhoCalls(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for range 10 {
		w.want(401, "", "POST", "/api/v1/auth/login", login("acme", "bob", "wrong"), headers{"X-Forwarded-For": "203.0.113.1"})
	}
	w.want(429, "", "POST", "/api/v1/auth/login", login("acme", "bob", password), headers{"X-Forwarded-For": "203.0.113.1"})
	// What stands before the proxy's own entry was written by the caller.
	w.want(429, "", "POST", "/api/v1/auth/login", login("acme", "bob", password), headers{"X-Forwarded-For": "203.0.113.2, 203.0.113.1"})
	r := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password), headers{"X-Forwarded-For": "203.0.113.2", "X-Forwarded-Proto": "https"})
	if !strings.Contains(r.header.Get("Set-Cookie"), "Secure") || !strings.HasPrefix(r.field("mqtt.url").(string), "wss://") {
		t.Errorf("by TLS: %q, %v", r.header.Get("Set-Cookie"), r.field("mqtt.url"))
	}
}

func TestForwardedProtoOfStrangersIsNotBelieved(t *testing.T) {
	w := newWorld(t, nil)
	r := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password), headers{"X-Forwarded-Proto": "https"})
	if strings.Contains(r.header.Get("Set-Cookie"), "Secure") {
		t.Error("a stranger's X-Forwarded-Proto is believed")
	}
}

func TestRefresh(t *testing.T) {
	w := newWorld(t, nil)
	first := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password))
	token := func(r reply) map[string]any { return map[string]any{"refresh_token": r.body["refresh_token"]} }
	second := w.want(200, "", "POST", "/api/v1/auth/refresh", token(first))
	if second.field("mqtt.client_id") != first.field("mqtt.client_id") {
		t.Error("the client id changed with the token")
	}
	// By the cookie alone, as a browser does: the answer keeps the token from scripts.
	cookie := headers{"Cookie": "magpie_refresh=" + second.body["refresh_token"].(string)}
	third := w.want(200, "", "POST", "/api/v1/auth/refresh", nil, cookie, headers{"Sec-Fetch-Site": "same-origin"})
	if third.body["refresh_token"] != nil {
		t.Error("a browser's script sees the refresh token")
	}
	// Over plain HTTP a browser shows itself by Origin alone.
	overHTTP := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password), headers{"Origin": w.url})
	if overHTTP.body["refresh_token"] != nil {
		t.Error("a browser's script sees the refresh token over plain HTTP")
	}
	access := headers{"Authorization": "Bearer " + third.body["access_token"].(string)}
	w.want(200, "", "GET", "/api/v1/me", nil, access)
	// A token that was used up ends the whole login session.
	w.want(401, "", "POST", "/api/v1/auth/refresh", token(first))
	w.want(401, "", "GET", "/api/v1/me", nil, access)
	newest, _, _ := strings.Cut(third.header.Get("Set-Cookie"), ";")
	w.want(401, "", "POST", "/api/v1/auth/refresh", nil, headers{"Cookie": newest})

	for _, bad := range []string{"", "x", strings.Repeat("A", 43), "../../etc"} {
		w.want(401, "", "POST", "/api/v1/auth/refresh", map[string]any{"refresh_token": bad})
	}
}

func TestOtherSitesCanNotUseTheCookie(t *testing.T) {
	w := newWorld(t, nil)
	r := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password))
	cookie := headers{"Cookie": "magpie_refresh=" + r.body["refresh_token"].(string)}
	for _, h := range []headers{
		{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
	} {
		for _, path := range []string{"refresh", "logout", "login"} {
			w.want(403, "", "POST", "/api/v1/auth/"+path, "{}", cookie, h)
		}
	}
	w.want(200, "", "POST", "/api/v1/auth/refresh", nil, cookie, headers{"Origin": w.url})
}

func TestLogout(t *testing.T) {
	w := newWorld(t, nil)
	for name, how := range map[string]func(r reply) (any, headers){
		"access token": func(r reply) (any, headers) {
			return nil, headers{"Authorization": "Bearer " + r.body["access_token"].(string)}
		},
		"refresh token": func(r reply) (any, headers) { return map[string]any{"refresh_token": r.body["refresh_token"]}, nil },
		"cookie": func(r reply) (any, headers) {
			return nil, headers{"Cookie": "magpie_refresh=" + r.body["refresh_token"].(string)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password))
			body, h := how(r)
			out := w.want(204, "", "POST", "/api/v1/auth/logout", body, h)
			if c, err := http.ParseSetCookie(out.header.Get("Set-Cookie")); err != nil || c.MaxAge >= 0 || c.Path != "/api/v1/auth" {
				t.Errorf("the cookie stays: %q", out.header.Get("Set-Cookie"))
			}
			w.want(401, "", "GET", "/api/v1/me", nil, headers{"Authorization": "Bearer " + r.body["access_token"].(string)})
			w.want(401, "", "POST", "/api/v1/auth/refresh", map[string]any{"refresh_token": r.body["refresh_token"]})
			w.want(204, "", "POST", "/api/v1/auth/logout", body, h) // again: what is wanted is so
		})
	}
}

func TestLogoutEndsOneLogin(t *testing.T) {
	w := newWorld(t, nil)
	sign := func(terminal string) (access, cookie headers) {
		r := w.want(200, "", "POST", "/api/v1/auth/login", map[string]any{"org": "acme", "username": "bob", "password": password, "terminal": terminal})
		return headers{"Authorization": "Bearer " + r.body["access_token"].(string)}, headers{"Cookie": "magpie_refresh=" + r.body["refresh_token"].(string)}
	}
	phone, phoneCookie := sign("phone")
	web, webCookie := sign("web")
	if r := w.want(204, "", "POST", "/api/v1/auth/logout", nil, phone, webCookie); r.header.Get("Set-Cookie") != "" {
		t.Errorf("the cookie of another login goes: %q", r.header.Get("Set-Cookie"))
	}
	w.want(401, "", "GET", "/api/v1/me", nil, phone)
	w.want(401, "", "POST", "/api/v1/auth/refresh", nil, phoneCookie)
	w.want(200, "", "GET", "/api/v1/me", nil, web)
	// The access token is over: the cookie says who it is.
	if r := w.want(204, "", "POST", "/api/v1/auth/logout", nil, phone, webCookie); !strings.Contains(r.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the cookie stays: %q", r.header.Get("Set-Cookie"))
	}
	w.want(401, "", "GET", "/api/v1/me", nil, web)
}

func TestDevices(t *testing.T) {
	w := newWorld(t, nil)
	phone := w.want(200, "", "POST", "/api/v1/auth/login", map[string]any{"org": "acme", "username": "bob", "password": password, "terminal": "phone"}, headers{"User-Agent": "Phone/1"})
	var id string
	for _, item := range w.want(200, "acme/bob", "GET", "/api/v1/me/sessions", nil).items() {
		d := item.(map[string]any)
		if d["terminal"] == "phone" {
			id = d["id"].(string)
			if d["agent"] != "Phone/1" || d["addr"] != "127.0.0.1" || d["current"] != false {
				t.Errorf("device: %v", d)
			}
		} else if d["current"] != true {
			t.Errorf("device: %v", d)
		}
	}
	w.want(404, "acme/carol", "DELETE", "/api/v1/me/sessions/"+id, nil)
	w.want(404, "other/alice", "DELETE", "/api/v1/me/sessions/"+id, nil)
	w.want(204, "acme/bob", "DELETE", "/api/v1/me/sessions/"+id, nil)
	w.want(401, "", "GET", "/api/v1/me", nil, headers{"Authorization": "Bearer " + phone.body["access_token"].(string)})
}

func TestChangePassword(t *testing.T) {
	w := newWorld(t, nil)
	other := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password))
	if r := w.want(422, "acme/bob", "PATCH", "/api/v1/me", map[string]any{"password": "another secret", "current_password": "wrong"}); r.field("errors.current_password") == nil {
		t.Errorf("wrong current password: %s", r.raw)
	}
	if r := w.want(422, "acme/bob", "PATCH", "/api/v1/me", map[string]any{"password": "short", "current_password": password}); r.field("errors.password") == nil {
		t.Errorf("short password: %s", r.raw)
	}
	w.want(200, "acme/bob", "PATCH", "/api/v1/me", map[string]any{"password": "another secret", "current_password": password})
	w.want(200, "acme/bob", "GET", "/api/v1/me", nil) // this device stays signed in
	w.want(401, "", "GET", "/api/v1/me", nil, headers{"Authorization": "Bearer " + other.body["access_token"].(string)})
	w.want(401, "", "POST", "/api/v1/auth/login", login("acme", "bob", password))
	w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", "another secret"))
}
