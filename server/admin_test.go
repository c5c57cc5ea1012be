package main

import (
	"archive/zip"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"magpie/server/chat"
)

// TestShell administers a server by commands, while it runs and while it is stopped.
func TestShell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	s := serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	people := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(people, []byte("uid;name;departments\nzoe;Zoe;Sales/North\nyan;Yan;Sales\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	try := func(want string, args ...string) string {
		t.Helper()
		said, err := run(t, append(args, "--data", dir)...)
		if err != nil || !strings.Contains(said, want) {
			t.Errorf("%v: %v %s", args, err, said)
		}
		return said
	}
	for _, running := range []bool{true, false} {
		if !running {
			s.stop()
		}
		try("people", "org", "list", "--json")
		try("demo", "org", "list")
		try("alice", "user", "list", "demo")
		try("", "user", "import", "demo", people, "--dry-run")
		try("", "group", "list", "demo", "--json")
		var sessions []any
		if said := try("", "session", "list", "demo", "--json"); json.Unmarshal([]byte(said), &sessions) != nil || len(sessions) != 0 {
			t.Errorf("sessions %s", said)
		}
	}
	try("2 new", "user", "import", "demo", people)
	s = serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	try("2 as they were", "user", "import", "demo", people)
	try("zoe,Zoe,,,Sales/North,member", "user", "export", "demo")
	if err := os.WriteFile(people, []byte("uid,name\nbad id,X\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := run(t, "user", "import", "demo", people, "--data", dir); err == nil || !strings.Contains(said, "line 2: uid") {
		t.Errorf("a bad file: %v %s", err, said)
	}
	try("", "user", "role", "demo/bob", "admin")
	try("sets a password at /reset#", "org", "add", "acme", "--name", "Acme", "--admin", "ann", "--person", "Ann")
	if said, err := run(t, "org", "add", "acme", "--name", "Acme", "--admin", "ann", "--person", "Ann", "--data", dir); err == nil || !strings.Contains(said, "taken") {
		t.Errorf("again: %v %s", err, said)
	}
	// Suspending ends what lives at once, and only there.
	token := s.signIn(demoEID, "carol", demoPassword)
	try("", "org", "suspend", "demo")
	if status, _ := s.call("GET", "/api/v1/me", token, nil); status != http.StatusUnauthorized {
		t.Errorf("a suspended organisation is served: %d", status)
	}
	if status, _ := s.call("POST", "/api/v1/auth/login", "", map[string]string{"org": demoEID, "username": "carol", "password": demoPassword}); status != http.StatusUnauthorized {
		t.Errorf("a suspended organisation signs in: %d", status)
	}
	try("", "org", "resume", "demo")
	s.signIn(demoEID, "carol", demoPassword)
	// The socket is the owner's alone, and the way of the shell is not open over HTTP.
	if info, err := os.Stat(filepath.Join(dir, controlSocket)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v %v", info, err)
	}
	if status, _ := s.call("PUT", "/api/v1/admin/users/carol/password", token, map[string]string{"password": "a new password"}); status != http.StatusUnauthorized && status != http.StatusNotFound {
		t.Errorf("a password is set over HTTP: %d", status)
	}
	s.stop()
}

// TestShellManages does by the shell what the pages do, to a running server and to a stopped one.
func TestShellManages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	s := serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	t.Setenv("MAGPIE_NAME", "Nobody's name") // is nobody's
	try := func(args ...string) map[string]any {
		t.Helper()
		said, err := run(t, append(args, "--data", dir, "--json")...)
		if err != nil {
			t.Fatalf("%v: %v %s", args, err, said)
		}
		var v map[string]any
		if said != "" {
			if err := json.Unmarshal([]byte(said), &v); err != nil {
				t.Fatalf("%v: %v in %s", args, err, said)
			}
		}
		return v
	}
	fails := func(want string, args ...string) {
		t.Helper()
		if said, err := run(t, append(args, "--data", dir)...); err == nil || !strings.Contains(said, want) {
			t.Errorf("%v: %v %s", args, err, said)
		}
	}
	is := func(got map[string]any, want string, fields ...string) {
		t.Helper()
		var text []string
		for _, f := range fields {
			text = append(text, fmt.Sprint(got[f]))
		}
		if have := strings.Join(text, " "); have != want {
			t.Errorf("%q, want %q: %v", have, want, got)
		}
	}
	for _, org := range []string{"first", "second"} {
		if org == "second" {
			s.stop()
		}
		try("org", "add", org, "--name", "Acme", "--admin", "ann", "--person", "Ann")
		is(try("org", "rename", org, "Acme & Sons"), "Acme & Sons", "name")
		is(try("org", "limits", org, "--people", "3"), "map[groups:0 people:3 storage:0]", "limits")
		fails("nothing is to be changed", "org", "limits", org)
		for _, uid := range []string{"bo", "cy"} {
			try("user", "add", org+"/"+uid, "--name", uid, "--department", "Lab/Deep")
		}
		fails("may have 3 people", "user", "add", org+"/di", "--name", "Di")

		fails("nothing is to be changed", "user", "edit", org+"/bo")
		is(try("user", "edit", org+"/bo", "--name", "Bo B.", "--email", "bo@acme.example", "--title", "Smith"), "Bo B. bo@acme.example Smith", "name", "email", "title")
		is(try("user", "departments", org+"/bo", "Lab", "Lab/Deep"), "Lab", "department")
		fails("no department \"Attic\"", "user", "departments", org+"/bo", "Attic")
		is(try("user", "departments", org+"/bo"), "", "department")
		is(try("user", "role", org+"/bo", "auditor"), "auditor", "role")
		is(try("user", "disable", org+"/cy"), "true", "disabled")
		is(try("user", "enable", org+"/cy"), "false", "disabled")
		is(try("user", "show", org+"/bo"), "Bo B.", "name")
		if link := try("user", "reset", org+"/bo"); !strings.Contains(fmt.Sprint(link["url"]), "/reset#") {
			t.Errorf("a link: %v", link)
		}

		made := try("group", "add", org, "Smiths", "--owner", "ann", "--member", "bo", "--join", "approval")
		g := org + "/" + fmt.Sprint(made["gid"])
		is(try("group", "edit", g, "--name", "Forge", "--muted-all", "--announcement", "Hot!"), "Forge true Hot!", "name", "muted_all", "announcement")
		try("group", "members", "add", g, "cy")
		try("group", "members", "role", g, "cy", "admin")
		try("group", "mute", g, "bo", "--for", "2h")
		if said, err := run(t, "group", "members", "list", g, "--data", dir); err != nil || !regexp.MustCompile(`bo +Bo B\. +member +\d`).MatchString(said) || !regexp.MustCompile(`cy +cy +admin`).MatchString(said) {
			t.Errorf("members: %v %s", err, said)
		}
		try("group", "unmute", g, "bo")
		try("group", "transfer", g, "bo")
		fails("owner", "group", "members", "remove", g, "bo")
		try("group", "members", "remove", g, "ann")
		is(try("group", "show", g), "bo 2", "owner", "members")
		is(try("group", "edit", g, "--no-muted-all", "--follows", "Lab"), "false", "muted_all")
		fails("department", "group", "members", "add", g, "ann")
		try("group", "dissolve", g)
		is(try("group", "restore", g), "Forge", "name")

		file := filepath.Join(t.TempDir(), "export.zip")
		try("org", "export", org, file)
		z, err := zip.OpenReader(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil || len(z.File) < 8 {
			t.Errorf("the export: %v %d", err, len(z.File))
		}
		fails("make the file", "org", "export", org, file)

		fails("say --yes", "org", "delete", org, "--yes", "no")
		if gone := try("org", "delete", org, "--yes", org); gone["delete_at"] == nil {
			t.Errorf("not to be deleted: %v", gone)
		}
		is(try("org", "cancel", org), "<nil>", "delete_at")
	}
	s = serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	token := s.signIn(demoEID, "bob", demoPassword)
	said, err := run(t, "user", "sessions", "demo/bob", "--data", dir, "--json")
	var devices []map[string]any
	if err != nil || json.Unmarshal([]byte(said), &devices) != nil || len(devices) != 1 {
		t.Fatalf("devices: %v %s", err, said)
	}
	try("user", "signout", "demo/bob", fmt.Sprint(devices[0]["id"]))
	if status, _ := s.call("GET", "/api/v1/me", token, nil); status != http.StatusUnauthorized {
		t.Errorf("a device that was signed out is served: %d", status)
	}
	s.stop()
}

func TestShellShowsSessions(t *testing.T) {
	n := startNode(t, nil)
	carol := n.online("carol")
	said, err := run(t, "session", "list", demoEID, "--data", n.conf.Data, "--json")
	var list []map[string]any
	if err != nil || json.Unmarshal([]byte(said), &list) != nil || len(list) != 1 {
		t.Fatalf("%v %s", err, said)
	}
	id := fmt.Sprint(list[0]["id"])
	if said, err = run(t, "session", "show", demoEID, id, "--data", n.conf.Data); err != nil || !strings.Contains(said, topicOf("notice/u", "carol")) {
		t.Errorf("%v %s", err, said)
	}
	if said, err = run(t, "session", "kick", demoEID, id, "--data", n.conf.Data); err != nil {
		t.Errorf("%v %s", err, said)
	}
	if told := carol.notice(topicOf("notice/u", "carol"), chat.NoticeAdminOffline); told["signed_in"] != true {
		t.Errorf("a session is ended with %v", told)
	}
	carol.ended()
}

// TestShellShowsProgress imports people where somebody looks: at a terminal, which script(1) makes. Elsewhere there is no bar.
func TestShellShowsProgress(t *testing.T) {
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip("there is no script(1)")
	}
	data := filepath.Join(t.TempDir(), "demo")
	serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", data).stop()
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("uid,name\nbo,Bo\ncy,Cy\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := command(t, "user", "import", demoEID, file, "--data", data)
	quiet, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(quiet), "2 new, 0 changed") || strings.Contains(string(quiet), "[") {
		t.Errorf("%v: %q", err, quiet)
	}
	seen := exec.Command("script", "-qec", strings.Join(c.Args, " "), "/dev/null")
	seen.Dir = c.Dir
	out, err := seen.CombinedOutput()
	if bar := "[" + strings.Repeat("#", 30) + "] 2 of 2"; err != nil || !strings.Contains(string(out), bar) || !strings.Contains(string(out), "2 as they were") {
		t.Errorf("%v: %q", err, out)
	}
}

// TestBackup backs a running server up while it is written to, restores it, and compares every row and every file.
func TestBackup(t *testing.T) {
	n := startNode(t, nil)
	token := n.login("alice", "service")["access_token"].(string)
	n.must("POST", "/api/v1/conversations/u:bob/messages", token, map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": "before"}}}})
	media := filepath.Join(n.conf.Data, "media", "ab", "cd")
	if err := os.MkdirAll(media, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(media, "object"), []byte("bytes of a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.tar")
	if said, err := run(t, "backup", file, "--data", n.conf.Data); err != nil || !strings.Contains(said, "bytes") {
		t.Fatal(err, said)
	}
	before := contents(t, n.conf.Data)
	n.must("POST", "/api/v1/conversations/u:bob/messages", token, map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": "after"}}}})
	if said, err := run(t, "backup", file, "--data", n.conf.Data); err == nil || !strings.Contains(said, "already") {
		t.Errorf("over another: %v %s", err, said)
	}
	status, answer := n.call("POST", "/api/v1/admin/backup", token, map[string]any{"file": filepath.Join(dir, "mine")})
	if status == http.StatusAccepted {
		t.Errorf("a file is named over HTTP: %v", answer)
	}
	restored := filepath.Join(dir, "restored")
	for _, bad := range [][]string{{"restore", file, "--data", n.conf.Data}, {"restore", filepath.Join(media, "object"), "--data", restored}} {
		if said, err := run(t, bad...); err == nil {
			t.Errorf("%v: %s", bad, said)
		}
	}
	if said, err := run(t, "restore", file, "--data", restored); err != nil {
		t.Fatal(err, said)
	}
	after := contents(t, restored)
	for name, want := range before {
		if after[name] != want {
			t.Errorf("%s: %.80q, want %.80q", name, after[name], want)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
	// It serves.
	c := n.conf
	c.Data, c.Media = restored, filepath.Join(restored, "media")
	p, err := start(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	list, err := p.store.Messages(t.Context(), demoEID, "alice", "u:bob", 0, 0, 1)
	if err != nil || !strings.Contains(string(list.Messages[0].Payload), "before") {
		t.Errorf("the last message %+v %v", list, err)
	}
	if entries, _, err := p.store.Audit(t.Context(), demoEID, chat.AuditQuery{}); err != nil || len(entries) != 0 {
		t.Errorf("audit %v %v", entries, err)
	}
}

// contents is what a data folder holds: every table's rows but those about jobs and the probe of readiness, and the files.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "magpie.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]string{}
	for _, table := range column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('jobs', 'sessions', 'settings', 'day_figures')`) {
		rows := column(t, db, `SELECT quote(x) FROM (SELECT (`+strings.Join(quoted(column(t, db, `SELECT name FROM pragma_table_info('`+table+`')`)), ` || ',' || `)+`) AS x FROM "`+table+`")`)
		slices.Sort(rows)
		out["table "+table] = fmt.Sprintf("%d rows %x", len(rows), sha256.Sum256([]byte(strings.Join(rows, "\n"))))
	}
	for _, name := range []string{"secret.key", "media"} {
		err := filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			rel, _ := filepath.Rel(dir, path)
			out[rel] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func quoted(columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = `quote("` + c + `")`
	}
	return out
}

func column(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err, query)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// TestBackupKeepsItsSecrets writes a backup into a folder where somebody else has laid links in its way.
func TestBackupKeepsItsSecrets(t *testing.T) {
	n := startNode(t, nil)
	dir := t.TempDir()
	file, theirs := filepath.Join(dir, "backup.tar"), filepath.Join(dir, "theirs")
	if err := os.WriteFile(theirs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".part", ".db"} {
		if err := os.Symlink(theirs, file+name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := run(t, "backup", file, "--data", n.conf.Data); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(theirs); err != nil || len(b) > 0 {
		t.Errorf("%d bytes went elsewhere: %v", len(b), err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v: %v", info.Mode(), err)
	}
	copied := filepath.Join(dir, "copy")
	if err := private(copied); err != nil {
		t.Fatal(err)
	}
	if err := n.store.Snapshot(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("the copy of the database is %v: %v", info.Mode(), err)
	}
}
