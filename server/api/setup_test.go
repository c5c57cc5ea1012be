package api_test

import (
	"net/http/httptest"
	"testing"

	"magpie/server/api"
	"magpie/server/auth"
	"magpie/server/store"
)

func TestSetup(t *testing.T) {
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{Dir: t.TempDir()})
	must(t, err)
	defer st.Close()
	a, err := auth.New(auth.Options{Store: st, Secret: secret, LoginRate: 10})
	must(t, err)
	srv := httptest.NewServer(api.New(api.Options{Store: st, Auth: a, Presence: offline{}, Version: "v1"}))
	defer srv.Close()
	w := &world{t: t, store: st, auth: a, url: srv.URL, tokens: map[string]string{}}

	const token = "one-time-token"
	must(t, st.SetSetting(ctx, api.SetupSetting, api.SetupHash(token)))
	if r := w.want(200, "", "GET", "/api/v1/about", nil); r.body["setup"] != true || r.body["demo"] != false || r.body["version"] != "v1" || r.body["name"] != "Magpie" {
		t.Errorf("about: %s", r.raw)
	}
	body := func(change map[string]any) map[string]any {
		b := map[string]any{"token": token, "org": "acme", "org_name": "Acme", "username": "root", "name": "Root", "password": "long enough"}
		for k, v := range change {
			b[k] = v
		}
		return b
	}
	for field, bad := range map[string]string{"org": "Acme!", "org_name": " ", "username": "-", "name": "a\x00", "password": "short"} {
		if r := w.want(422, "", "POST", "/api/v1/setup", body(map[string]any{field: bad})); r.field("errors."+field) == nil {
			t.Errorf("%s: %s", field, r.raw)
		}
	}
	w.want(403, "", "POST", "/api/v1/setup", body(map[string]any{"token": "wrong"}))
	w.want(403, "", "POST", "/api/v1/setup", body(map[string]any{"token": ""}))
	w.want(403, "", "POST", "/api/v1/setup", body(nil), headers{"Sec-Fetch-Site": "cross-site"})
	w.want(201, "", "POST", "/api/v1/setup", body(nil))
	w.want(403, "", "POST", "/api/v1/setup", body(map[string]any{"org": "second"}))
	if r := w.want(200, "", "GET", "/api/v1/about", nil); r.body["setup"] != false {
		t.Errorf("about: %s", r.raw)
	}
	if r := w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "root", "long enough")); r.field("user.role") != "system" {
		t.Errorf("the first administrator: %s", r.raw)
	}
}
