package api_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"magpie/server/api"
	"magpie/server/chat"
)

func TestOrganisations(t *testing.T) {
	w := newWorld(t, nil)
	w.role("carol", chat.System)
	root, at := "acme/carol", admin+"/orgs/other"
	logo := w.upload(201, root, "logo.png", photo(t, 300, 200), "purpose", "avatar").body["url"].(string)
	eve := w.token("other/eve")

	// Name, logo and bounds.
	w.want(428, root, "PATCH", at, map[string]any{"name": "X"})
	w.want(422, root, "PATCH", at, map[string]any{"logo": "https://elsewhere.example/x.png"}, match(1))
	w.want(422, root, "PATCH", at, map[string]any{"logo": "/media/nobodys"}, match(1))
	o := w.want(200, root, "PATCH", at, map[string]any{"name": "Other", "logo": logo, "limits": map[string]any{"people": 3, "storage": 2000}}, match(1))
	if o.body["logo"] != logo || o.field("limits.people") != 3.0 || o.field("limits.groups") != 0.0 || o.body["people"] != 2.0 {
		t.Fatal(o.raw)
	}
	w.want(200, "other/eve", "GET", logo, nil) // although it lies in the other organisation
	w.want(404, "other/eve", "GET", w.upload(201, root, "x.png", photo(t, 20, 20), "purpose", "avatar").body["url"].(string), nil)
	if r := w.want(200, "", "POST", "/api/v1/auth/login", map[string]any{"org": "other", "username": "eve", "password": password}); r.field("org.logo") != logo {
		t.Error(r.raw)
	}
	add := func(uid string) map[string]any { return map[string]any{"uid": uid, "name": uid} }
	w.want(201, "other/alice", "POST", admin+"/users", add("x1"))
	if r := w.want(409, "other/alice", "POST", admin+"/users", add("x2")); r.body["type"] != "/problems/people-limit" || r.body["limit"] != 3.0 {
		t.Error(r.raw)
	}
	if r := w.upload(413, "other/eve", "big.bin", bytes.Repeat([]byte("x"), 2500)); r.body["type"] != "/problems/quota-full" {
		t.Error(r.raw)
	}
	if r := w.want(412, root, "PATCH", at, map[string]any{"name": "Y"}, match(1)); r.field("current.name") != "Other" {
		t.Error(r.raw)
	}

	// To be deleted, kept, and to be deleted again.
	w.want(409, root, "DELETE", admin+"/orgs/acme", nil, match(1))
	version := func() headers { return match(int(w.want(200, root, "GET", at, nil).body["version"].(float64))) }
	if r := w.want(200, root, "DELETE", at, nil, version()); r.body["delete_at"] == nil {
		t.Error(r.raw)
	}
	w.want(401, "", "GET", "/api/v1/me", nil, headers{"Authorization": "Bearer " + eve})
	w.want(401, "", "POST", "/api/v1/auth/login", map[string]any{"org": "other", "username": "eve", "password": password})
	if r := w.want(200, root, "POST", at+"/keep", nil); r.body["delete_at"] != nil {
		t.Error(r.raw)
	}
	w.want(200, "", "POST", "/api/v1/auth/login", map[string]any{"org": "other", "username": "eve", "password": password})
	for _, action := range []string{"org.delete", "org.keep"} {
		for who, n := range map[string]int{root: 1, "other/alice": 1} {
			if got := w.want(200, who, "GET", admin+"/audit?target=other&action="+action, nil).items(); len(got) != n {
				t.Errorf("%s finds %d entries of %s", who, len(got), action)
			}
		}
	}
}

func TestExportOfAnOrganisation(t *testing.T) {
	w := newWorld(t, nil)
	w.role("carol", chat.System)
	gid := w.group()
	picture := photo(t, 60, 40)
	up := w.upload(201, "acme/alice", "plan.png", picture)
	w.want(201, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", fileMessage(up))
	for range 3 {
		w.say("acme/bob", "g:"+gid, "=1+1")
	}
	w.say("other/eve", "u:alice", "a secret of others")

	w.want(404, "acme/alice", "POST", admin+"/orgs/acme/export", nil)
	url, _ := w.want(201, "acme/carol", "POST", admin+"/orgs/acme/export", nil).body["url"].(string)
	r := w.want(200, "", "GET", url, nil)
	w.want(404, "", "GET", url, nil) // once
	if got := r.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="acme-`) {
		t.Error(got)
	}
	z, err := zip.NewReader(strings.NewReader(r.raw), int64(len(r.raw)))
	must(t, err)
	lines := map[string][]map[string]any{}
	files := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		must(t, err)
		b, err := io.ReadAll(in)
		must(t, err)
		if strings.Contains(string(b), "a secret of others") {
			t.Errorf("%s has what is another organisation's", f.Name)
		}
		files[f.Name] = b
		if strings.HasSuffix(f.Name, ".jsonl") {
			for line := range strings.Lines(string(b)) {
				var v map[string]any
				must(t, json.Unmarshal([]byte(line), &v))
				lines[f.Name] = append(lines[f.Name], v)
			}
		}
	}
	if n := len(lines["people.jsonl"]); n != 5 {
		t.Errorf("%d people", n)
	}
	if g := lines["groups.jsonl"]; len(g) != 1 || len(g[0]["people"].([]any)) != 3 {
		t.Errorf("groups: %v", g)
	}
	said := map[any]int{}
	for _, m := range lines["messages.jsonl"] {
		said[m["conversation"]]++
	}
	if said["g:"+gid] != 3 || said["u:alice:bob"] != 1 || len(said) != 2 {
		t.Errorf("messages: %v", said)
	}
	list := lines["files.jsonl"]
	if len(list) != 1 || list[0]["url"] != up.body["url"] || float64(len(files[list[0]["path"].(string)])) != up.body["size"] {
		t.Errorf("files: %v", list)
	}
	if a := lines["audit.jsonl"]; len(a) == 0 || a[0]["action"] != "org.export" || a[0]["actor"] != "carol" {
		t.Errorf("the audit log begins with %v", a[0])
	}
}

// leaky is a media store that has lost one file, and can't read another to its end.
type leaky struct {
	api.Media
	lost, torn *string // ids
	files      *fickle
}

func (l leaky) Read(ctx context.Context, b chat.Blob, from int64) (io.ReadCloser, error) {
	switch l.files.of(b) {
	case *l.lost:
		return nil, fmt.Errorf("it is gone: %w", fs.ErrNotExist)
	case *l.torn:
		return io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("the disk is broken")))), nil
	}
	return l.Media.Read(ctx, b, from)
}

// fickle is a store in which one file is deleted after the files have been listed, and another comes.
type fickle struct {
	api.Store
	gone, fresh string // ids
	passes      int
	ids         map[string]string // by key
}

func (f *fickle) of(b chat.Blob) string { return f.ids[b.Key] }

func (f *fickle) OrgFiles(ctx context.Context, eid, after string, limit int) ([]chat.File, error) {
	if after == "" {
		f.passes++
	}
	list, err := f.Store.OrgFiles(ctx, eid, after, limit)
	for _, x := range list {
		f.ids[x.Blobs[0].Key] = x.ID
	}
	without := map[int]string{1: f.fresh, 2: f.gone}[f.passes]
	return slices.DeleteFunc(list, func(x chat.File) bool { return x.ID == without }), err
}

// TestExportGoesOnWithoutFilesThatAreGone names in the export what it lacks.
func TestExportGoesOnWithoutFilesThatAreGone(t *testing.T) {
	var lost, torn string
	files := &fickle{ids: map[string]string{}}
	w := newWorld(t, func(o *api.Options) {
		files.Store = o.Store
		o.Store, o.Media = files, leaky{o.Media, &lost, &torn, files}
	})
	w.role("carol", chat.System)
	id := func(name string) string {
		return w.upload(201, "acme/alice", name+".txt", []byte("the text of "+name)).body["id"].(string)
	}
	whole := id("whole")
	lost, torn, files.gone, files.fresh = id("lost"), id("torn"), id("gone"), id("fresh")
	url, _ := w.want(201, "acme/carol", "POST", admin+"/orgs/acme/export", nil).body["url"].(string)
	r := w.want(200, "", "GET", url, nil)
	z, err := zip.NewReader(strings.NewReader(r.raw), int64(len(r.raw)))
	must(t, err)
	have := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		must(t, err)
		b, err := io.ReadAll(in)
		must(t, err)
		have[f.Name] = string(b)
	}
	why := map[string]string{}
	for line := range strings.Lines(have["missing.jsonl"]) {
		var m struct{ ID, Why string }
		must(t, json.Unmarshal([]byte(line), &m))
		why[m.ID] = m.Why
	}
	if want := (map[string]string{lost: "lost", torn: "incomplete", files.gone: "deleted"}); !maps.Equal(why, want) {
		t.Errorf("missing are %v, want %v", why, want)
	}
	if have["files/"+whole+"/whole.txt"] != "the text of whole" || strings.Count(have["files.jsonl"], "\n") != 4 {
		t.Errorf("the export has %q", have)
	}
}
