package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"magpie/server/api"
)

// TestAnotherOrganisationSeesNothing calls every operation that names something with names of acme, as an administrator of another
// organisation and as one of acme who is not concerned. Each must be 404 and change nothing. An operation that is new and not in the table
// fails the test.
func TestAnotherOrganisationSeesNothing(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	w.say("acme/alice", "g:"+gid, "secret")
	w.say("acme/bob", "u:carol", "secret")
	devices := w.want(200, "acme/bob", "GET", "/api/v1/me/sessions", nil).items()
	device := devices[0].(map[string]any)["id"].(string)
	names := strings.NewReplacer("{seq}", "1", "{gid}", gid, "{uid}", "bob", "{id}", device)

	upload := w.want(201, "acme/alice", "POST", "/api/v1/uploads", nil, headers{"Tus-Resumable": "1.0.0", "Upload-Length": "10"}).header.Get("Location")
	tus := headers{"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}

	tests := map[string]any{ // operation → body
		"GET /api/v1/exports/{token}":                             nil, // whoever has it needs no more
		"GET /api/v1/uploads/{id}":                                nil,
		"HEAD /api/v1/uploads/{id}":                               nil,
		"PATCH /api/v1/uploads/{id}":                              "0123456789",
		"DELETE /api/v1/uploads/{id}":                             nil,
		"GET /api/v1/users/{uid}":                                 nil,
		"PUT /api/v1/contacts/{uid}":                              map[string]any{},
		"DELETE /api/v1/contacts/{uid}":                           nil,
		"GET /api/v1/groups/{gid}":                                nil,
		"PATCH /api/v1/groups/{gid}":                              map[string]any{"name": "Mine"},
		"DELETE /api/v1/groups/{gid}":                             nil,
		"POST /api/v1/groups/{gid}/restore":                       nil,
		"GET /api/v1/groups/{gid}/members":                        nil,
		"POST /api/v1/groups/{gid}/members":                       map[string]any{"uids": []string{"alice"}},
		"PATCH /api/v1/groups/{gid}/members/{uid}":                map[string]any{"role": "admin"},
		"DELETE /api/v1/groups/{gid}/members/{uid}":               nil,
		"POST /api/v1/groups/{gid}/join":                          map[string]any{},
		"DELETE /api/v1/me/sessions/{id}":                         nil,
		"GET /api/v1/conversations/{conv}":                        nil,
		"PATCH /api/v1/conversations/{conv}":                      map[string]any{"muted": true},
		"PUT /api/v1/conversations/{conv}/read":                   map[string]any{"seq": 1},
		"PUT /api/v1/conversations/{conv}/cleared":                map[string]any{"seq": 1},
		"GET /api/v1/conversations/{conv}/messages":               nil,
		"GET /api/v1/conversations/{conv}/media":                  nil,
		"POST /api/v1/conversations/{conv}/messages":              textMessage("in"),
		"GET /api/v1/presubscriptions?uid={uid}":                  nil,
		"GET /api/v1/groups/{gid}/requests":                       nil,
		"PUT /api/v1/groups/{gid}/requests/{uid}":                 nil,
		"DELETE /api/v1/groups/{gid}/requests/{uid}":              nil,
		"GET /api/v1/groups/{gid}/links":                          nil,
		"POST /api/v1/groups/{gid}/links":                         map[string]any{},
		"DELETE /api/v1/groups/{gid}/links/{id}":                  nil,
		"PUT /api/v1/announcements/{id}/read":                     nil,
		"DELETE /api/v1/conversations/{conv}/messages/{seq}":      nil,
		"PATCH /api/v1/conversations/{conv}/messages/{seq}":       textMessage("mine now"),
		"POST /api/v1/conversations/{conv}/messages/{seq}/report": map[string]any{"reason": "x"},
	}
	for path, methods := range readDocument(t, api.New(api.Options{})).Paths {
		for method := range methods {
			name := strings.ToUpper(method) + " " + path
			if _, ok := tests[name]; !ok && strings.Contains(path, "{") && !strings.HasPrefix(path, "/api/v1/admin/") { // those: admin_test.go
				t.Errorf("%s is not in the table", name)
			}
		}
	}
	for name, body := range tests {
		method, path, _ := strings.Cut(name, " ")
		if strings.Contains(path, "/uploads/") {
			w.want(404, "other/alice", method, upload, body, tus)
			w.want(404, "acme/bob", method, upload, body, tus)
			continue
		}
		path = names.Replace(path)
		for _, conv := range []string{"g:" + gid, "u:bob"} {
			p := strings.ReplaceAll(path, "{conv}", conv)
			if strings.HasPrefix(name, "DELETE /api/v1/contacts") {
				continue // removing who is not there is no error: see below
			}
			w.want(404, "other/alice", method, p, body)
		}
		if strings.Contains(path, gid) || strings.Contains(path, device) {
			w.want(404, "acme/dave", method, path, body)
		}
		if strings.Contains(path, "{conv}") {
			w.want(404, "acme/dave", method, strings.ReplaceAll(path, "{conv}", "g:"+gid), body)
		}
	}

	// Lists hold the caller's own organisation alone, and its own things alone.
	for path, most := range map[string]int{"/api/v1/users?limit=200": 2, "/api/v1/users?q=bob": 0, "/api/v1/users?uids=bob,eve": 1, "/api/v1/groups": 0,
		"/api/v1/conversations": 0, "/api/v1/contacts": 0, "/api/v1/contacts/requests": 0, "/api/v1/me/sessions": 1} {
		if r := w.want(200, "other/alice", "GET", path, nil); len(r.items()) != most {
			t.Errorf("%s: %d items, want %d: %s", path, len(r.items()), most, r.raw)
		}
	}
	w.call("other/alice", "DELETE", "/api/v1/contacts/bob", nil)

	// Nothing has changed.
	if r := w.want(200, "acme/alice", "GET", upload, nil); r.body["state"] != "uploading" || r.body["offset"] != 0.0 {
		t.Errorf("the upload changed: %s", r.raw)
	}
	if r := w.want(200, "acme/alice", "GET", "/api/v1/groups/"+gid, nil); r.body["name"] != "Team" || r.body["members"] != float64(3) {
		t.Errorf("the group changed: %s", r.raw)
	}
	if r := w.want(200, "acme/bob", "GET", "/api/v1/conversations/g:"+gid+"/messages", nil); len(r.items()) != 1 {
		t.Errorf("the conversation changed: %s", r.raw)
	}
	w.want(200, "acme/bob", "GET", "/api/v1/me", nil)
}

func TestStrangersCanNotBeBroughtIn(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	for _, uid := range []string{"eve", "nobody", "../x", ""} {
		r := w.want(422, "acme/alice", "POST", "/api/v1/groups", map[string]any{"name": "Trap", "members": []string{"bob", uid}})
		if msg, _ := r.field("errors.members").(string); msg == "" {
			t.Errorf("%q: no word about members: %s", uid, r.raw)
		}
		w.want(422, "acme/alice", "POST", "/api/v1/groups/"+gid+"/members", map[string]any{"uids": []string{"dave", uid}})
		if uid != "" && !strings.Contains(uid, "/") {
			w.want(404, "acme/alice", "PUT", "/api/v1/contacts/"+uid, nil)
			w.want(404, "acme/alice", "POST", "/api/v1/conversations/u:"+uid+"/messages", textMessage("hi"))
		}
	}
	if n := len(w.want(200, "acme/alice", "GET", "/api/v1/groups", nil).items()); n != 1 {
		t.Errorf("%d groups: a refused one was made", n)
	}
	if n := len(w.want(200, "acme/alice", "GET", "/api/v1/groups/"+gid+"/members", nil).items()); n != 3 {
		t.Errorf("%d members: one of a refused call is in", n)
	}
}

func TestUnknownAddresses(t *testing.T) {
	w := newWorld(t, nil)
	w.want(404, "", "GET", "/api/v1/nothing", nil)
	w.want(404, "", "GET", "/api", nil)
	w.want(405, "", "DELETE", "/api/v1/about", nil)
	w.want(404, "", "GET", "/nothing.html", nil)
	w.want(404, "", "GET", "/static.go", nil)
	w.want(404, "", "GET", "/..%2fapi.go", nil)
	w.want(401, "", "GET", "/api/v1/me", nil, headers{"Authorization": "Basic YTpi"})
	w.want(401, "", "GET", "/api/v1/me", nil, headers{"Authorization": "Bearer x.y.z"})
}

func TestPages(t *testing.T) {
	w := newWorld(t, nil)
	for path, want := range map[string][2]string{ // path → content type, cache
		"/":                  {"text/html; charset=utf-8", "no-cache"},
		"/setup":             {"text/html; charset=utf-8", "no-cache"},
		"/c/u:bob":           {"text/html; charset=utf-8", "no-cache"},
		"/c/g%3Aabc":         {"text/html; charset=utf-8", "no-cache"},
		"/people/bob":        {"text/html; charset=utf-8", "no-cache"},
		"/settings":          {"text/html; charset=utf-8", "no-cache"},
		"/admin":             {"text/html; charset=utf-8", "no-cache"},
		"/admin/people/bob":  {"text/html; charset=utf-8", "no-cache"},
		"/reset":             {"text/html; charset=utf-8", "no-cache"},
		"/assets/app-1a2.js": {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/favicon.svg":       {"image/svg+xml", "no-cache"},
		"/sw.js":             {"text/javascript; charset=utf-8", "no-cache"}, // of a service worker: a new version must be found at once
		"/api/v1/about":      {"application/json", "no-store"},
	} {
		r := w.want(200, "", "GET", path, nil)
		if r.header.Get("Content-Type") != want[0] || r.header.Get("Cache-Control") != want[1] {
			t.Errorf("%s: %q %q", path, r.header.Get("Content-Type"), r.header.Get("Cache-Control"))
		}
		if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") ||
			strings.Contains(csp, "unsafe") || !strings.Contains(csp, "connect-src 'self';") || r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Referrer-Policy") == "" {
			t.Errorf("%s: headers %v", path, r.header)
		}
	}
	for path, title := range map[string]string{"/people/bob": "chat", "/admin": "admin", "/admin/people/bob": "admin", "/reset": "reset"} {
		if r := w.want(200, "", "GET", path, nil); !strings.Contains(r.raw, "<title>"+title) {
			t.Errorf("%s is another page: %s", path, r.raw)
		}
	}
	tag := w.want(200, "", "GET", "/", nil).header.Get("ETag")
	w.want(304, "", "GET", "/", nil, headers{"If-None-Match": tag})
	w.want(200, "", "HEAD", "/", nil)
}

func TestUnknownAddressesInABrowser(t *testing.T) {
	w := newWorld(t, nil)
	browser := map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
	for _, path := range []string{"/nothing", "/people2/x", "/settings/x"} {
		r := w.page(path, browser)
		if r.status != 404 || r.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(r.raw, "<title>chat") || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s in a browser: %d %v %s", path, r.status, r.header, r.raw)
		}
		w.want(404, "", "GET", path, nil, headers{"Accept": "*/*"})
	}
	for _, path := range []string{"/api", "/api/v1/nothing", "/assets/x", "/assets/old.js", "/nothing.png"} {
		w.want(404, "", "GET", path, nil, browser)
	}
}

func TestPanicsTellNothing(t *testing.T) {
	e := api.New(api.Options{}) // its store is nil: about panics
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest("GET", "/api/v1/about", nil))
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "nil") || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
