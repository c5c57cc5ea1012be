package api_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"magpie/server/api"
	"magpie/server/chat"
)

const admin = "/api/v1/admin"

// match is the header of a change to a version.
func match(version any) headers { return headers{"If-Match": fmt.Sprintf(`"%v"`, version)} }

// role makes somebody of acme an auditor, a system administrator or the like.
func (w *world) role(uid string, role chat.Role) {
	w.t.Helper()
	_, err := w.store.UpdateUser(w.t.Context(), "acme", uid, chat.UserChange{Role: &role})
	must(w.t, err)
}

// TestAdministrationIsForAdministrators calls every operation of administration: a member learns of none, an auditor changes nothing, and
// the administrator of another organisation finds nothing that is acme's.
func TestAdministrationIsForAdministrators(t *testing.T) {
	w := newWorld(t, nil)
	w.role("carol", chat.Auditor)
	names := administered(w)
	before := w.want(200, "acme/alice", "GET", admin+"/audit?limit=200", nil).raw
	n := 0
	for path, methods := range readDocument(t, api.New(api.Options{})).Paths {
		if !strings.HasPrefix(path, admin+"/") {
			continue
		}
		for method := range methods {
			n++
			method = strings.ToUpper(method)
			at := path
			for name, value := range names {
				prefix, key, _ := strings.Cut(name, " ")
				if strings.HasPrefix(path, admin+prefix) {
					at = strings.ReplaceAll(at, key, value)
				}
			}
			if strings.Contains(at, "{") {
				t.Errorf("%s %s: there is nothing in the test for it", method, at)
				continue
			}
			var body any
			if method != "GET" && method != "DELETE" {
				body = "{}"
			}
			w.want(404, "acme/dave", method, at, body, match(1))
			if method != "GET" && !systemOnly(path) {
				w.want(403, "acme/carol", method, at, body, match(1))
			}
			if systemOnly(path) {
				w.want(404, "acme/alice", method, at, body, match(1))
			} else if at != path && body == nil {
				w.want(404, "other/alice", method, at, nil, match(1))
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d operations of administration", n)
	}
	for name, body := range map[string]any{"PATCH /users/bob": map[string]any{"disabled": true}, "POST /users/bob/reset": nil,
		"PATCH /departments/" + names["/departments {id}"]: map[string]any{"name": "Mine"}} {
		method, path, _ := strings.Cut(name, " ")
		w.want(404, "other/alice", method, admin+path, body, match(1))
	}
	if after := w.want(200, "acme/alice", "GET", admin+"/audit?limit=200", nil).raw; after != before {
		t.Errorf("something changed: %s", after)
	}
}

// systemOnly reports whether an operation is for system administrators.
func systemOnly(path string) bool {
	return strings.HasPrefix(path, admin+"/orgs") || strings.HasPrefix(path, admin+"/backup") || strings.HasSuffix(path, "/password")
}

// administered makes something of each kind in acme, and returns what stands for it in paths: prefix and key to value.
func administered(w *world) map[string]string {
	w.t.Helper()
	devices := w.want(200, "acme/bob", "GET", "/api/v1/me/sessions", nil).items()
	department := w.want(201, "acme/alice", "POST", admin+"/departments", map[string]any{"name": "Sales"}).body["id"].(string)
	w.say("acme/bob", "u:carol", "bad words")
	w.want(204, "acme/carol", "POST", "/api/v1/conversations/u:bob/messages/1/report", map[string]any{"reason": "rude"})
	app := w.newHost("oa-test", nil)
	app.bot("keeper")
	announced := w.want(201, "acme/alice", "POST", admin+"/announcements", map[string]any{"title": "Holiday", "text": "Monday"}).body["id"].(string)
	entry := w.want(200, "acme/alice", "GET", admin+"/audit", nil).items()[0].(map[string]any)["id"].(string)
	reported := w.want(200, "acme/alice", "GET", admin+"/reports", nil).items()[0].(map[string]any)["id"].(string)
	return map[string]string{
		" {uid}":              "bob",
		"/users {id}":         devices[0].(map[string]any)["id"].(string),
		"/departments {id}":   department,
		"/jobs {id}":          "0193",
		"/reports {id}":       reported,
		"/reports {file}":     "0123456789abcdef0123456789abcdef",
		"/announcements {id}": announced,
		"/audit {id}":         entry,
		"/groups {gid}":       w.group(),
		"/groups {id}":        "0193",
		"/orgs {eid}":         "other",
		"/sessions {id}":      "1z",
		"/messages {stream}":  "1",
		"/messages {seq}":     "1",
		"/apps {id}":          app.app,
		"/apps {kid}":         app.kid,
		"/apps {wid}":         "0193",
		"/apps {did}":         "0193",
		"/apps {key}":         app.apiKey("keeper", "read")[:12],
		"/apps {hook}":        "0123",
	}
}

// TestRightsAreListed holds the tables of docs/administration.md to the code.
func TestRightsAreListed(t *testing.T) {
	b, err := os.ReadFile("../../docs/administration.md")
	must(t, err)
	var want []string
	for _, r := range chat.Rights {
		row := "| `" + string(r.Right) + "` |"
		for _, role := range []chat.Role{chat.System, chat.Admin, chat.Auditor, chat.Member} {
			row += mark(slices.Contains(r.Roles, role))
		}
		want = append(want, row)
	}
	for _, r := range chat.GroupRights {
		row := "| `" + string(r.Right) + "` |"
		for _, role := range []chat.GroupRole{chat.GroupOwner, chat.GroupAdmin, chat.GroupMember} {
			row += mark(slices.Contains(r.Roles, role))
		}
		want = append(want, row)
	}
	var got []string
	for line := range strings.SplitSeq(string(b), "\n") {
		if strings.HasPrefix(line, "| `") && (strings.Contains(line, " ✓ |") || strings.Contains(line, " – |")) {
			got = append(got, line[:strings.LastIndex(strings.TrimSuffix(line, "|"), "|")+1])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/administration.md has\n%s\nand the code\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func mark(yes bool) string {
	if yes {
		return " ✓ |"
	}
	return " – |"
}

func TestAccounts(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	sales := w.want(201, a, "POST", admin+"/departments", map[string]any{"name": "Sales"}).body["id"].(string)
	made := w.want(201, a, "POST", admin+"/users", map[string]any{"uid": "eve", "name": " Eve Adams ", "email": "Eve@Acme.example", "title": "Seller", "departments": []string{sales}})
	if made.body["name"] != "Eve Adams" || made.body["email"] != "eve@acme.example" || made.body["department"] != "Sales" || made.body["invited"] != true || made.body["version"] != 1.0 {
		t.Errorf("made %s", made.raw)
	}
	for field, body := range map[string]map[string]any{
		"uid":         {"uid": "eve", "name": "Again"},
		"email":       {"uid": "eve2", "name": "x", "email": "eve@acme.example"},
		"name":        {"uid": "eve2", "name": "\u202e"},
		"departments": {"uid": "eve2", "name": "x", "departments": []string{"99"}},
		"role":        {"uid": "eve2", "name": "x", "role": "system"},
	} {
		r := w.call(a, "POST", admin+"/users", body)
		if r.status != 422 && r.status != 409 || r.field("codes."+field) == nil {
			t.Errorf("%s: %d %s", field, r.status, r.raw)
		}
	}
	w.want(404, a, "GET", admin+"/users/eve2", nil)

	// Two administrators: the second is told.
	w.want(428, a, "PATCH", admin+"/users/eve", map[string]any{"title": "Boss"})
	w.want(200, a, "PATCH", admin+"/users/eve", map[string]any{"title": "Boss"}, match(1))
	r := w.want(412, a, "PATCH", admin+"/users/eve", map[string]any{"title": "Cook", "name": "Eva"}, match(1))
	if r.field("current.title") != "Boss" || r.field("current.version") != 2.0 || r.body["type"] != "/problems/changed-meanwhile" {
		t.Errorf("told %s", r.raw)
	}
	if r := w.want(200, a, "PATCH", admin+"/users/eve", map[string]any{"departments": []string{}, "role": "auditor"}, match(2)); r.body["department"] != "" || r.body["version"] != 3.0 {
		t.Errorf("changed to %s", r.raw)
	}

	// The list.
	for q, want := range map[string]string{
		"": "alice bob bot carol dave eve", "?sort=uid&order=desc": "eve dave carol bot bob alice", "?role=auditor": "eve", "?q=adams": "eve", "?q=boss": "eve",
		"?state=disabled": "", "?q=carol&state=active": "carol", "?limit=2": "eve alice", "?q=the&limit=2": "alice bob", "?sort=created&limit=1&order=desc": "eve",
	} {
		r := w.want(200, a, "GET", admin+"/users"+q, nil)
		if got := uids(r); got != want && q != "" || q == "" && len(r.items()) != 6 {
			t.Errorf("%q: got %q, want %q", q, got, want)
		}
	}
	if r := w.want(200, a, "GET", admin+"/users?limit=2", nil); r.body["total"] != 6.0 || r.body["total_exact"] != true || r.body["next"] == nil {
		t.Errorf("the page says %s", r.raw)
	}

	// Disabling ends what lives, at once.
	w.want(200, "acme/dave", "GET", "/api/v1/me", nil)
	w.want(200, a, "PATCH", admin+"/users/dave", map[string]any{"disabled": true}, match(1))
	w.want(401, "acme/dave", "GET", "/api/v1/me", nil)
	if got := uids(w.want(200, a, "GET", admin+"/users?q=dave&state=disabled", nil)); got != "dave" {
		t.Errorf("disabled: %q", got)
	}
	if got := uids(w.want(200, "acme/bob", "GET", "/api/v1/users?q=dave", nil)); got != "" {
		t.Errorf("the directory shows %q", got)
	}

	// What was done can be read, with who and from where.
	entries := w.want(200, a, "GET", admin+"/audit?target=eve", nil).items()
	first := entries[len(entries)-1].(map[string]any)
	if len(entries) != 3 || first["action"] != "user.create" || first["actor"] != "alice" || first["addr"] != "127.0.0.1" || first["before"] != nil {
		t.Errorf("audit: %v", entries)
	}
	second := entries[1].(map[string]any)
	if fmt.Sprint(second["before"], second["after"]) != "map[title:Seller] map[title:Boss]" {
		t.Errorf("audit: %v", second)
	}
	for q, want := range map[string]int{"?action=user.change": 3, "?actor=alice&limit=200": 5, "?actor=bob": 0, "?after=2100-01-01T00:00:00Z": 0, "?before=2100-01-01T00:00:00Z": 5} {
		if got := len(w.want(200, a, "GET", admin+"/audit"+q, nil).items()); got != want {
			t.Errorf("%s: %d entries", q, got)
		}
	}
}

func uids(r reply) string {
	var list []string
	for _, i := range r.items() {
		list = append(list, i.(map[string]any)["uid"].(string))
	}
	return strings.Join(list, " ")
}

func TestLastAdministratorStays(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	for _, change := range []map[string]any{{"role": "member"}, {"role": "auditor"}, {"disabled": true}} {
		r := w.want(409, a, "PATCH", admin+"/users/alice", change, match(1))
		if r.body["type"] != "/problems/last-administrator" {
			t.Errorf("%v: %s", change, r.raw)
		}
	}
	w.want(200, a, "PATCH", admin+"/users/bob", map[string]any{"role": "admin"}, match(1))
	w.want(200, a, "PATCH", admin+"/users/alice", map[string]any{"role": "member"}, match(1))
	w.want(404, a, "GET", admin+"/users", nil) // at once
	// A system administrator's account is above an administrator's hands.
	w.role("carol", chat.System)
	for _, c := range []string{"PATCH /users/carol", "POST /users/carol/reset", "DELETE /users/carol/sessions"} {
		method, path, _ := strings.Cut(c, " ")
		var body any
		if method == "PATCH" {
			body = map[string]any{"disabled": true}
		}
		w.want(403, "acme/bob", method, admin+path, body, match(2))
	}
}

func TestPasswordLinks(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	link := func() string {
		t.Helper()
		r := w.want(201, a, "POST", admin+"/users/bob/reset", nil)
		_, token, ok := strings.Cut(r.body["url"].(string), "/reset#")
		if !ok || len(token) < 20 || r.body["expires"] == nil {
			t.Fatalf("link %s", r.raw)
		}
		return token
	}
	old := link()
	token := link()
	use := func(status int, token, password string) reply {
		t.Helper()
		return w.want(status, "", "POST", "/api/v1/auth/reset", map[string]any{"token": token, "password": password})
	}
	use(404, old, "a new password")
	use(404, "", "a new password")
	if r := w.want(200, "", "POST", "/api/v1/auth/reset/look", map[string]any{"token": token}); r.body["username"] != "bob" || r.body["org"] != "acme" || r.body["password_min"] != 8.0 {
		t.Errorf("the link is for %s", r.raw)
	}
	w.want(403, "", "POST", "/api/v1/auth/reset", map[string]any{"token": token, "password": "a new password"}, headers{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
	use(422, token, "short")
	w.want(200, "acme/bob", "GET", "/api/v1/me", nil)
	use(200, token, "a new password")
	w.want(401, "acme/bob", "GET", "/api/v1/me", nil) // its devices are signed out
	use(404, token, "another password")               // once
	w.want(401, "", "POST", "/api/v1/auth/login", login("acme", "bob", password))
	w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", "a new password"))
	for _, entry := range w.want(200, a, "GET", admin+"/audit?target=bob", nil).items() {
		if strings.Contains(fmt.Sprint(entry), token) {
			t.Errorf("the audit log has the token: %v", entry)
		}
	}
	// A link dies with the account's disabling.
	token = link()
	w.want(200, a, "PATCH", admin+"/users/bob", map[string]any{"disabled": true}, match(1))
	use(404, token, "a new password")
	w.want(409, a, "POST", admin+"/users/bob/reset", nil)
}

func TestSignOutSomebody(t *testing.T) {
	w := newWorld(t, nil)
	for range 2 {
		w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "bob", password))
	}
	devices := w.want(200, "acme/alice", "GET", admin+"/users/bob/sessions", nil).items()
	if len(devices) != 2 || devices[0].(map[string]any)["terminal"] != "web" || devices[0].(map[string]any)["connected"] != nil {
		t.Fatalf("%d devices", len(devices))
	}
	id := devices[0].(map[string]any)["id"].(string)
	w.want(404, "acme/alice", "DELETE", admin+"/users/carol/sessions/"+id, nil)
	w.want(204, "acme/alice", "DELETE", admin+"/users/bob/sessions/"+id, nil)
	if n := len(w.want(200, "acme/alice", "GET", admin+"/users/bob/sessions", nil).items()); n != 1 {
		t.Errorf("%d devices", n)
	}
	w.want(204, "acme/alice", "DELETE", admin+"/users/bob/sessions", nil)
	if n := len(w.want(200, "acme/alice", "GET", admin+"/users/bob/sessions", nil).items()); n != 0 {
		t.Errorf("%d devices", n)
	}
}

// TestPeopleOfDepartments counts who is in a department, and below it too: each once, and nobody who is disabled.
func TestPeopleOfDepartments(t *testing.T) {
	w := newWorld(t, nil)
	a, ids := "acme/alice", map[string]any{"": ""}
	for _, d := range [][2]string{{"Engineering", ""}, {"Sales", ""}, {"Backend", "Engineering"}, {"Databases", "Backend"}} {
		ids[d[0]] = w.want(201, a, "POST", admin+"/departments", map[string]any{"name": d[0], "parent": ids[d[1]]}).body["id"]
	}
	for uid, in := range map[string][]any{"bob": {ids["Databases"], ids["Engineering"]}, "carol": {ids["Backend"], ids["Sales"]}, "dave": {ids["Databases"]}} {
		w.want(200, a, "PATCH", admin+"/users/"+uid, map[string]any{"departments": in}, match(1))
	}
	w.want(200, a, "PATCH", admin+"/users/dave", map[string]any{"disabled": true}, match(2))
	var counts []string
	for _, i := range w.want(200, a, "GET", admin+"/departments", nil).items() {
		d := i.(map[string]any)
		counts = append(counts, fmt.Sprintf("%v %v/%v", d["name"], d["members"], d["people"]))
	}
	if got := strings.Join(counts, ", "); got != "Engineering 1/2, Sales 1/1, Backend 1/2, Databases 1/1" {
		t.Errorf("they have %s", got)
	}
}

func TestDepartments(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	make1 := func(name, parent string) string {
		t.Helper()
		return w.want(201, a, "POST", admin+"/departments", map[string]any{"name": name, "parent": parent}).body["id"].(string)
	}
	eng := make1("Engineering", "")
	sales := make1("Sales", "")
	back := make1("Backend", eng)
	db := make1("Databases", back)
	tree := func() string {
		var out []string
		for _, i := range w.want(200, "acme/bob", "GET", "/api/v1/departments", nil).items() {
			d := i.(map[string]any)
			out = append(out, fmt.Sprintf("%v<%v@%v", d["name"], d["parent"], d["position"]))
		}
		return strings.Join(out, " ")
	}
	if got, want := tree(), "Engineering<@0 Sales<@1 Backend<"+eng+"@0 Databases<"+back+"@0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Cycles, strangers, two of a name.
	for _, bad := range []struct{ id, parent, code string }{{eng, db, "cycle"}, {eng, eng, "cycle"}, {back, "999", "nobody"}, {back, "x", "format"}} {
		r := w.want(422, a, "PATCH", admin+"/departments/"+bad.id, map[string]any{"parent": bad.parent}, match(1))
		if r.field("codes.parent") != bad.code {
			t.Errorf("%v: %s", bad, r.raw)
		}
	}
	w.want(409, a, "POST", admin+"/departments", map[string]any{"name": "Sales"})
	w.want(422, a, "POST", admin+"/departments", map[string]any{"name": "a/b"})
	// Moves, and a second one that comes too late.
	w.want(200, a, "PATCH", admin+"/departments/"+sales, map[string]any{"position": 0}, match(1))
	r := w.want(412, a, "PATCH", admin+"/departments/"+sales, map[string]any{"name": "Shop"}, match(1))
	if r.field("current.name") != "Sales" {
		t.Errorf("told %s", r.raw)
	}
	if got := tree(); !strings.HasPrefix(got, "Sales<@0 Engineering<@1") {
		t.Errorf("got %s", got)
	}
	// People in several: the first is the main one, whose name shows; a new name shows at once; both lists have them.
	w.want(200, a, "PATCH", admin+"/users/bob", map[string]any{"departments": []string{db, sales}}, match(1))
	w.want(200, a, "PATCH", admin+"/departments/"+db, map[string]any{"name": "数据库"}, match(1))
	if r := w.want(200, "acme/carol", "GET", "/api/v1/users/bob", nil); r.body["department"] != "数据库" {
		t.Errorf("bob is in %s", r.raw)
	}
	for _, q := range []string{"department=" + db, "department=" + sales, "department=Sales", "q=sal", "q=sjk", "q=据库"} {
		if got := uids(w.want(200, "acme/carol", "GET", "/api/v1/users?"+q, nil)); got != "bob" {
			t.Errorf("%s: %q", q, got)
		}
	}
	if got := uids(w.want(200, "acme/carol", "GET", "/api/v1/users?q=databases", nil)); got != "" {
		t.Errorf("the old name finds %q", got)
	}
	// What is below moves up.
	w.want(204, a, "DELETE", admin+"/departments/"+back, nil, match(1))
	w.want(204, a, "DELETE", admin+"/departments/"+db, nil, match(3))
	if r := w.want(200, "acme/carol", "GET", "/api/v1/users/bob", nil); r.body["department"] != "Engineering" {
		t.Errorf("bob is in %s", r.raw)
	}
	w.want(204, a, "DELETE", admin+"/departments/"+eng, nil, match(1))
	if r := w.want(200, "acme/carol", "GET", "/api/v1/users/bob", nil); r.body["department"] != "Sales" {
		t.Errorf("bob is in %s", r.raw)
	}
	if got := tree(); got != "Sales<@0" {
		t.Errorf("got %s", got)
	}
}

func TestExportedAuditIsHarmless(t *testing.T) {
	w := newWorld(t, nil)
	w.want(201, "acme/alice", "POST", admin+"/departments", map[string]any{"name": "Sales"})
	w.want(200, "acme/alice", "PATCH", admin+"/users/bob", map[string]any{"title": "=1+1"}, match(1))
	r := w.want(200, "acme/alice", "GET", admin+"/audit/export", nil)
	lines := strings.Split(strings.TrimSpace(r.raw), "\r\n")
	if len(lines) != 3 || !strings.HasPrefix(r.raw, "\ufefftime,actor,address,") || r.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(lines[1], "user.change") {
		t.Errorf("%v %q", r.header, r.raw)
	}
	first := w.want(200, "acme/alice", "GET", admin+"/audit", nil).items()[0].(map[string]any)["id"].(string)
	if e := w.want(200, "acme/alice", "GET", admin+"/audit/"+first, nil); e.body["action"] != "user.change" || e.field("after.title") != "=1+1" {
		t.Errorf("the entry by its id: %s", e.raw)
	}
	w.want(404, "other/alice", "GET", admin+"/audit/"+first, nil)
	w.want(404, "acme/alice", "GET", admin+"/audit/x", nil)
}

func TestImportAndExport(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	file := "uid,name,email,title,departments\r\nzoe,Zoe,zoe@acme.example,'=cmd|x,Sales/North|Support\r\nbob,Bob Two,,,\r\n"
	take := func(query string) reply {
		t.Helper()
		id := w.want(202, a, "POST", admin+"/users/import"+query, file, headers{"Content-Type": "text/csv"}).body["id"].(string)
		for {
			r := w.want(200, a, "GET", admin+"/jobs/"+id, nil)
			if s := r.body["state"]; s == "done" || s == "failed" {
				return r
			}
		}
	}
	if r := take("?dry_run=1"); r.body["state"] != "done" || r.field("result.created") != 1.0 || r.field("result.updated") != 1.0 || r.field("result.dry_run") != true {
		t.Errorf("dry run: %s", r.raw)
	}
	w.want(404, a, "GET", admin+"/users/zoe", nil)
	r := take("")
	if r.field("result.created") != 1.0 || r.body["total"] != 2.0 || r.body["actor"] != "alice" || len(r.body["errors"].([]any)) != 0 {
		t.Errorf("import: %s", r.raw)
	}
	w.want(404, "other/alice", "GET", admin+"/jobs/"+r.body["id"].(string), nil)
	if jobs := w.want(200, a, "GET", admin+"/jobs?kind=import", nil); len(jobs.body["items"].([]any)) != 2 || jobs.body["items"].([]any)[0].(map[string]any)["id"] != r.body["id"] {
		t.Errorf("jobs: %s", jobs.raw)
	}
	if jobs := w.want(200, "other/alice", "GET", admin+"/jobs?kind=import", nil); len(jobs.body["items"].([]any)) != 0 {
		t.Errorf("another organisation sees jobs: %s", jobs.raw)
	}
	zoe := w.want(200, a, "GET", admin+"/users/zoe", nil)
	if zoe.body["department"] != "North" || zoe.body["title"] != "=cmd|x" || zoe.body["invited"] != true {
		t.Errorf("zoe is %s", zoe.raw)
	}
	w.want(401, "", "POST", "/api/v1/auth/login", login("acme", "zoe", ""))

	out := w.want(200, a, "GET", admin+"/users/export", nil)
	if !strings.Contains(out.raw, "\r\nzoe,Zoe,zoe@acme.example,'=cmd|x,Sales/North|Support,member,,") || strings.Count(out.raw, "\r\n") != 7 {
		t.Errorf("exported %q", out.raw)
	}
	file = out.raw
	north := zoe.body["departments"].([]any)[0].(string)
	for filter, want := range map[string]int{"q=zoe": 1, "q=zoe&role=admin": 0, "role=member&department=" + north: 1, "state=disabled": 0} {
		if r := w.want(200, a, "GET", admin+"/users/export?"+filter, nil); strings.Count(r.raw, "\r\n") != 1+want {
			t.Errorf("exported under %s: %q", filter, r.raw)
		}
	}
	if r := take(""); r.body["state"] != "done" || r.field("result.unchanged") != 6.0 {
		t.Errorf("imported again: %s", r.raw)
	}

	// Links for those who have no password.
	links := strings.Split(strings.TrimSpace(w.want(200, a, "POST", admin+"/users/links", nil).raw), "\r\n")
	if len(links) != 2 || !strings.HasPrefix(links[1], "zoe,Zoe,zoe@acme.example,http://") {
		t.Fatalf("links %q", links)
	}
	_, token, _ := strings.Cut(strings.Split(links[1], ",")[3], "#")
	w.want(200, "", "POST", "/api/v1/auth/reset", map[string]any{"token": token, "password": "zoe's own one"})
	w.want(200, "", "POST", "/api/v1/auth/login", login("acme", "zoe", "zoe's own one"))
	if raw := w.want(200, a, "POST", admin+"/users/links", nil).raw; strings.Contains(raw, "zoe") {
		t.Errorf("again: %q", raw)
	}

	file = "uid,name\nx,X\nx,X\n"
	r = take("")
	if e := r.body["errors"].([]any); r.body["state"] != "failed" || len(e) != 1 || fmt.Sprint(e[0]) != "map[code:repeated field:uid line:3 message:is in line 2 already]" {
		t.Errorf("bad file: %s", r.raw)
	}
}
