package api_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"magpie/server/api"
)

var (
	row     = regexp.MustCompile("(?m)^\\| `.*?` \\|")
	listed  = regexp.MustCompile("`([a-z-]+)`")
	defined = regexp.MustCompile(`(?:Problem|FieldCode)\s*=\s*"([a-z-]+)"`)
)

// section returns the names in the table below a heading of docs/http-api.md.
func section(t *testing.T, heading string) []string {
	t.Helper()
	b, err := os.ReadFile("../../docs/http-api.md")
	must(t, err)
	_, rest, ok := strings.Cut(string(b), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/http-api.md has no %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	rest, _, _ = strings.Cut(rest, "\n### ")
	var names []string
	for _, line := range row.FindAllString(rest, -1) {
		for _, m := range listed.FindAllStringSubmatch(line, -1) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return names
}

func problems(t *testing.T) []string { return section(t, "### Problems") }

func TestProblemsAreListed(t *testing.T) {
	var names []string
	for _, file := range []string{"problem.go", "../chat/problems.go"} {
		b, err := os.ReadFile(file)
		must(t, err)
		for _, m := range defined.FindAllStringSubmatch(string(b), -1) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	want := append(problems(t), section(t, "### Codes of fields")...)
	slices.Sort(want)
	if !slices.Equal(slices.Compact(names), slices.Compact(want)) {
		t.Errorf("the program knows\n%v\nand docs/http-api.md\n%v", names, want)
	}
}

func TestProblemsHaveNames(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	must(t, w.store.SetDisabled(t.Context(), "acme", "dave", true))
	long := strings.Repeat("x", 65)
	for _, test := range []struct {
		who, method, path string
		body              any
		problem           string
		field, code       string
		limit             any
	}{
		{"", "GET", "/me", nil, "signed-out", "", "", nil},
		{"", "POST", "/auth/login", login("acme", "bob", "wrong"), "wrong-password", "", "", nil},
		{"", "POST", "/auth/login", `{"org":`, "malformed", "", "", nil},
		{"", "POST", "/auth/login", `{"org":"acme"}`, "invalid", "username", "required", nil},
		{"", "POST", "/setup", map[string]any{"token": "x", "org": "x", "org_name": "x", "username": "x", "name": "x", "password": "x"}, "setup-link", "", "", nil},
		{"acme/bob", "PATCH", "/me", map[string]any{"name": long}, "invalid", "name", "too-long", 64.0},
		{"acme/bob", "PATCH", "/me", map[string]any{"name": " "}, "invalid", "name", "required", nil},
		{"acme/bob", "PATCH", "/me", map[string]any{"nmae": "x"}, "invalid", "nmae", "unknown", nil},
		{"acme/bob", "PATCH", "/me", map[string]any{"name": 7}, "invalid", "name", "type", nil},
		{"acme/bob", "PATCH", "/me", map[string]any{"password": "short", "current_password": password}, "invalid", "password", "too-short", 8.0},
		{"acme/bob", "PATCH", "/me", map[string]any{"password": "long enough", "current_password": "wrong"}, "invalid", "current_password", "wrong", nil},
		{"acme/bob", "PUT", "/me/presence", map[string]any{"status": "gone"}, "invalid", "status", "choice", nil},
		{"acme/bob", "GET", "/users?limit=1000", nil, "invalid", "limit", "too-big", 200.0},
		{"acme/bob", "GET", "/users/nobody", nil, "not-found", "", "", nil},
		{"acme/bob", "PUT", "/contacts/bob", nil, "own-contact", "", "", nil},
		{"acme/bob", "POST", "/groups", map[string]any{"name": "x", "members": []string{}}, "invalid", "members", "too-few", 1.0},
		{"acme/bob", "POST", "/groups", map[string]any{"name": "x", "members": []string{"zoe"}}, "invalid", "members", "nobody", nil},
		{"acme/bob", "PATCH", "/groups/" + gid, map[string]any{"name": "x"}, "group-admins-only", "", "", nil},
		{"acme/bob", "DELETE", "/groups/" + gid, nil, "owner-only", "", "", nil},
		{"acme/alice", "DELETE", "/groups/" + gid + "/members/alice", nil, "owner-leaves", "", "", nil},
		{"acme/alice", "POST", "/conversations/u:dave/messages", textMessage("hi"), "account-disabled", "", "", nil},
		{"acme/alice", "POST", "/conversations/u:bob/messages", textMessage(strings.Repeat("x", 16385)), "text-too-long", "", "", nil},
		{"acme/alice", "POST", "/conversations/u:bob/messages", `{"media":[{"type":0,"content":{"co":"x"}}],"id":"zz"}`, "invalid", "id", "format", nil},
	} {
		r := w.call(test.who, test.method, "/api/v1"+test.path, test.body)
		if r.body["type"] != api.ProblemBase+test.problem {
			t.Errorf("%s %s: %v, want %s", test.method, test.path, r.body["type"], test.problem)
		}
		if test.field == "" {
			continue
		}
		if code := r.field("codes." + test.field); code != test.code || r.field("params."+test.field+".limit") != test.limit {
			t.Errorf("%s %s: %s is %v with %v, want %s with %v: %s", test.method, test.path, test.field, code, r.field("params."+test.field+".limit"), test.code, test.limit, r.raw)
		}
	}
	if r := w.want(413, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", textMessage(strings.Repeat("x", 16385))); r.body["limit"] != 16384.0 {
		t.Errorf("the limit is not told: %s", r.raw)
	}
}
