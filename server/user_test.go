package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// run runs the program to its end.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := command(t, args...).CombinedOutput()
	return string(out), err
}

func passwordOf(t *testing.T, said string) string {
	t.Helper()
	_, rest, ok := strings.Cut(said, "the password ")
	if !ok {
		t.Fatalf("no password in %q", said)
	}
	return strings.Fields(rest)[0]
}

func TestUserCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if said, err := run(t, "user", "add", "demo/zoe", "--name", "Zoe", "--data", dir); err == nil || !strings.Contains(said, dir) {
		t.Errorf("without a folder: %v %s", err, said)
	}
	s := serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	said, err := run(t, "user", "add", "demo/live", "--name", "Live", "--data", dir)
	if err != nil {
		t.Errorf("beside a running server: %v %s", err, said)
	}
	s.signIn(demoEID, "live", passwordOf(t, said))
	s.stop()
	said, err = run(t, "user", "add", "demo/zoe", "--name", "Zoe", "--role", "admin", "--department", "Design", "--data", dir)
	if err != nil {
		t.Fatal(err, said)
	}
	first := passwordOf(t, said)
	for _, bad := range [][]string{{"demo/zoe", "--name", "Again"}, {"zoe", "--name", "Zoe"}, {"none/zoe", "--name", "Zoe"}, {"demo/yan", "--name", "a\u202eb"}} {
		if said, err := run(t, append([]string{"user", "add", "--data", dir}, bad...)...); err == nil {
			t.Errorf("%q is taken: %s", bad, said)
		}
	}
	if said, err = run(t, "user", "password", "demo/zoe", "--data", dir); err != nil {
		t.Fatal(err, said)
	}
	if said, err := run(t, "user", "disable", "demo/bob", "--data", dir); err != nil {
		t.Fatal(err, said)
	}
	s = serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	s.signIn(demoEID, "zoe", passwordOf(t, said))
	for uid, password := range map[string]string{"zoe": first, "bob": demoPassword} {
		if status, _ := s.call("POST", "/api/v1/auth/login", "", map[string]string{"org": demoEID, "username": uid, "password": password}); status != http.StatusUnauthorized {
			t.Errorf("%s still signs in: %d", uid, status)
		}
	}
	s.stop()
}

// TestImportLeftOut fails where some people could not be imported, and says who.
func TestImportLeftOut(t *testing.T) {
	j := map[string]any{"state": "done", "wrong": 2.0, "errors": []any{map[string]any{"line": 7.0, "message": "email: is the address of another account."}}}
	if err := leftOut(j); err == nil || !strings.Contains(err.Error(), "line 7: email: is the address") || !strings.Contains(err.Error(), "and 1 more") {
		t.Errorf("told %v", err)
	}
	if err := leftOut(map[string]any{"state": "done", "wrong": 0.0}); err != nil {
		t.Errorf("told %v", err)
	}
}
