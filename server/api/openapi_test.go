package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"magpie/server/api"
)

// open are the operations that need no access token.
var open = []string{"GET /api/v1/about", "POST /api/v1/setup", "POST /api/v1/auth/login", "POST /api/v1/auth/refresh", "POST /api/v1/auth/logout",
	"POST /api/v1/auth/reset/look", "POST /api/v1/auth/reset", "POST /api/v1/auth/exchange", "GET /api/v1/exports/{token}"}

type document struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Security    []map[string][]string `json:"security"`
	} `json:"paths"`
}

func readDocument(t *testing.T, e *echo.Echo) document {
	t.Helper()
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest("GET", "/api/openapi.json", nil))
	var doc document
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatalf("openapi.json: %v in %.200s", err, rec.Body)
	}
	return doc
}

func TestOpenAPIListsEveryRoute(t *testing.T) {
	e := api.New(api.Options{})
	doc := readDocument(t, e)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi is %q", doc.OpenAPI)
	}
	var routed, documented []string
	for _, r := range e.Routes() {
		if strings.HasPrefix(r.Path, "/api/v1/") {
			routed = append(routed, r.Method+" "+r.Path)
		}
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + path
			documented = append(documented, strings.ReplaceAll(strings.ReplaceAll(name, "{", ":"), "}", ""))
			if op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s has no operationId or no summary", name)
			}
			if secured := len(op.Security) > 0; secured == slices.Contains(open, name) {
				t.Errorf("%s: documented as needing a sign-in: %v", name, secured)
			}
		}
	}
	slices.Sort(routed)
	slices.Sort(documented)
	if !slices.Equal(routed, documented) {
		t.Errorf("routes and document differ:\n%v\n%v", routed, documented)
	}
}

func TestEveryOperationNeedsATokenButTheOpenOnes(t *testing.T) {
	e := api.New(api.Options{}) // a store would be a nil pointer: none of these may reach it
	for path, methods := range readDocument(t, e).Paths {
		for method := range methods {
			method = strings.ToUpper(method)
			if slices.Contains(open, method+" "+path) {
				continue
			}
			rec := httptest.NewRecorder()
			e.ServeHTTP(rec, httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), strings.NewReader("{}")))
			if rec.Code != http.StatusUnauthorized || rec.Header().Get("WWW-Authenticate") == "" || rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s without a token: %d %v", method, path, rec.Code, rec.Header())
			}
		}
	}
}

func TestDocPage(t *testing.T) {
	e := api.New(api.Options{})
	for path, contentType := range map[string]string{"/api/docs": "text/html", "/api/docs.js": "text/javascript", "/api/docs.css": "text/css"} {
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != 200 || !strings.HasPrefix(rec.Header().Get("Content-Type"), contentType) {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Header().Get("Content-Type"))
		}
		if strings.Contains(rec.Body.String(), "https://") {
			t.Errorf("%s loads something from elsewhere", path)
		}
	}
}

// TestEmbeddedFieldsAreDescribed looks for what only embedded types have: huma drops those that are not exported.
func TestEmbeddedFieldsAreDescribed(t *testing.T) {
	rec := httptest.NewRecorder()
	api.New(api.Options{}).ServeHTTP(rec, httptest.NewRequest("GET", "/api/openapi.json", nil))
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/api/v1/groups/{gid}/members/{uid}": {"gid", "uid"}, "/api/v1/conversations/{conv}/messages": {"conv", "limit", "cursor", "before", "after"},
	} {
		var got []string
		for method, op := range doc.Paths[path] {
			if method == "get" || method == "delete" {
				for _, p := range op.Parameters {
					got = append(got, p.Name)
				}
			}
		}
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("%s: no parameter %s in %v", path, name, got)
			}
		}
	}
	for schema, name := range map[string]string{"Me": "uid", "GroupView": "gid"} {
		if doc.Components.Schemas[schema].Properties[name] == nil {
			t.Errorf("schema %s has no %s", schema, name)
		}
	}
}
