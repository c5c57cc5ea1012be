package main

import (
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

// TestOrganisationIsDeleted deletes an organisation in use: who is connected is out at once, and when its time has come nothing of it is left, on the disk neither.
func TestOrganisationIsDeleted(t *testing.T) {
	n := startNode(t, nil)
	s := &server{t: t, lines: n.addr}
	shell := chat.Actor{Addr: chat.ActorShell}
	if _, err := n.store.AddOrg(t.Context(), shell, chat.Org{EID: "other", Name: "Other"}, chat.User{UID: "zed", Name: "Zed"}); err != nil {
		t.Fatal(err)
	}
	token := n.token("bob")
	if status, up := s.upload(token, "plan.txt", []byte("the secret plan")); status != http.StatusCreated {
		t.Fatalf("upload: %d %v", status, up)
	}
	files := func() (list []string) {
		err := filepath.WalkDir(n.conf.Data, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.Contains(path, "/media/") {
				list = append(list, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if len(files()) == 0 {
		t.Fatal("no file lies in the data folder")
	}
	carol := n.online("carol")
	org, err := n.store.Org(t.Context(), demoEID)
	if err == nil {
		_, err = n.store.DoomOrg(t.Context(), shell, demoEID, org.Version)
	}
	if err != nil {
		t.Fatal(err)
	}
	if reason := carol.ended(); reason != 0x98 {
		t.Errorf("a session of a closed organisation ends with %#x", reason)
	}
	refused := func() {
		t.Helper()
		if status, _ := n.call("GET", "/api/v1/me", token, nil); status != http.StatusUnauthorized {
			t.Errorf("who was signed in gets %d", status)
		}
		if status, _ := n.call("POST", "/api/v1/auth/login", "", map[string]string{"org": demoEID, "username": "bob", "password": demoPassword}); status != http.StatusUnauthorized {
			t.Errorf("a sign-in gets %d", status)
		}
		if x, _ := n.dial("bob", dialOptions{password: token, wantCode: 0x86}); x == nil {
			t.Error("a device connects")
		}
	}
	refused()
	later := time.Now().Add(chat.OrgDelay + time.Hour)
	n.keeper.keep(t.Context(), later)
	if err := n.media.Sweep(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if _, err := n.store.Org(t.Context(), demoEID); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("it is still there: %v", err)
	}
	if left := files(); len(left) > 0 {
		t.Errorf("%d files are left: %v", len(left), left)
	}
	refused()
	if _, err := n.store.AddOrg(t.Context(), shell, chat.Org{EID: demoEID, Name: "Again"}, chat.User{UID: "zed", Name: "Zed"}); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("its name is used again: %v", err)
	}
}
