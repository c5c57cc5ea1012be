package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/api"
	"magpie/server/chat"
)

// upload sends a file in one request. fields are names and values.
func (w *world) upload(status int, who, name string, content []byte, fields ...string) reply {
	w.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	for i := 0; i < len(fields); i += 2 {
		must(w.t, m.WriteField(fields[i], fields[i+1]))
	}
	part, err := m.CreateFormFile("file", name)
	must(w.t, err)
	_, err = part.Write(content)
	must(w.t, err)
	must(w.t, m.Close())
	return w.want(status, who, "POST", "/api/v1/media", form.String(), headers{"Content-Type": m.FormDataContentType()})
}

// photo is a PNG of noise, so that its two sizes differ.
func photo(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, uint64(width)))
	for y := range height {
		for x := range width {
			img.SetRGBA(x, y, color.RGBA{byte(x), byte(y), byte(random.Uint32()), 255})
		}
	}
	var b bytes.Buffer
	must(t, png.Encode(&b, img))
	return b.Bytes()
}

// fileMessage carries a file that was uploaded.
func fileMessage(up reply) map[string]any {
	content := map[string]any{"co": up.body["url"], "fn": up.body["name"]}
	if up.body["thumb_url"] != "" {
		content["th"] = up.body["thumb_url"]
	}
	return map[string]any{"media": []any{map[string]any{"type": up.body["kind"], "content": content}}}
}

func TestUploadAndRead(t *testing.T) {
	w := newWorld(t, nil)
	up := w.upload(201, "acme/alice", `C:\holiday\Beach.PNG`, photo(t, 2100, 1050))
	for field, want := range map[string]any{"name": "Beach.PNG", "type": "image/jpeg", "kind": 1.0, "width": 2048.0, "height": 1024.0, "original_url": ""} {
		if up.body[field] != want {
			t.Errorf("%s is %v, want %v", field, up.body[field], want)
		}
	}
	if up.body["placeholder"] == "" {
		t.Errorf("no placeholder: %s", up.raw)
	}
	url := up.body["url"].(string)
	r := w.want(200, "acme/alice", "GET", url, nil)
	for name, want := range map[string]string{"Content-Type": "image/jpeg", "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff",
		"Content-Disposition": "inline; filename=Beach.jpg", "Cross-Origin-Resource-Policy": "same-origin"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
		t.Errorf("the policy is %q", csp)
	}
	if int(up.body["size"].(float64)) != len(r.raw) {
		t.Errorf("%d bytes, said were %v", len(r.raw), up.body["size"])
	}
	part := w.want(206, "acme/alice", "GET", url, nil, headers{"Range": "bytes=100-199"})
	if part.raw != r.raw[100:200] {
		t.Error("the range holds other bytes")
	}
	tail := w.want(206, "acme/alice", "GET", url, nil, headers{"Range": "bytes=-50"})
	if tail.raw != r.raw[len(r.raw)-50:] {
		t.Error("the last bytes are others")
	}
	w.want(304, "acme/alice", "GET", url, nil, headers{"If-None-Match": r.header.Get("ETag")})
	head := w.want(200, "acme/alice", "HEAD", url, nil)
	if head.header.Get("Content-Length") != r.header.Get("Content-Length") {
		t.Error("HEAD gives another length")
	}
	small := w.want(200, "acme/alice", "GET", up.body["thumb_url"].(string), nil)
	if c, _, err := image.DecodeConfig(strings.NewReader(small.raw)); err != nil || c.Width != 480 || c.Height != 240 {
		t.Errorf("the thumbnail is %v × %v: %v", c.Width, c.Height, err)
	}
	w.want(404, "acme/alice", "GET", url+"/original", nil)
	if d := w.want(200, "acme/alice", "GET", url+"?download=1", nil).header.Get("Content-Disposition"); d != "attachment; filename=Beach.jpg" {
		t.Errorf("download: %q", d)
	}
}

func TestOriginalOnlyWhereAsked(t *testing.T) {
	w := newWorld(t, nil)
	b := photo(t, 600, 300)
	up := w.upload(201, "acme/alice", "a.png", b, "original", "1")
	r := w.want(200, "acme/alice", "GET", up.body["original_url"].(string), nil)
	if r.raw != string(b) || r.header.Get("Content-Type") != "image/png" {
		t.Errorf("the original is another: %d bytes of %s", len(r.raw), r.header.Get("Content-Type"))
	}
}

func TestNothingUploadedRunsInOurOrigin(t *testing.T) {
	w := newWorld(t, nil)
	for name, content := range map[string]string{
		"page.html": "<!doctype html><script>alert(1)</script>", "photo.jpg": "<html><body onload=alert(1)>", "a.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
		"a.xml": `<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></x>`, "a.js": "alert(1)", "a.bin": "\x00\x01\x02\x03",
	} {
		up := w.upload(201, "acme/alice", name, []byte(content))
		r := w.want(200, "acme/alice", "GET", up.body["url"].(string), nil)
		plain := strings.HasPrefix(r.header.Get("Content-Type"), "text/plain")
		if d := r.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") && !plain {
			t.Errorf("%s: %s with %s", name, d, r.header.Get("Content-Type"))
		}
		if !strings.HasSuffix(r.header.Get("Content-Security-Policy"), "sandbox") || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, r.header)
		}
		if up.body["kind"] == 1.0 {
			t.Errorf("%s counts as a picture", name)
		}
	}
}

// TestOnlyReadersOfAMessageReadItsFile is the heart of it: by no link, no means of sign-in and no message of their own do others get at a file.
func TestOnlyReadersOfAMessageReadItsFile(t *testing.T) {
	w := newWorld(t, nil)
	up := w.upload(201, "acme/alice", "secret.png", photo(t, 600, 600), "original", "1")
	var links []string
	for _, field := range []string{"url", "thumb_url", "original_url"} {
		links = append(links, up.body[field].(string))
	}
	check := func(who string, status int) {
		t.Helper()
		for _, link := range links {
			for _, l := range []string{link, link + "?download=1"} {
				w.want(status, who, "GET", l, nil)
				w.want(status, who, "HEAD", l, nil)
			}
		}
	}
	check("acme/alice", 200)
	for _, who := range []string{"acme/bob", "acme/carol", "other/alice", "other/eve"} {
		check(who, 404)
	}
	check("", 401) // as where there is no file: TestMediaCookie

	// Who may not read it can't send it either, and gains nothing by trying.
	for _, who := range []string{"acme/carol", "acme/bob"} {
		r := w.want(422, who, "POST", "/api/v1/conversations/u:alice/messages", fileMessage(up))
		if r.body["type"] != "/problems/media-not-found" {
			t.Errorf("the problem is %v", r.body["type"])
		}
		check(who, 404)
	}
	w.want(422, "other/eve", "POST", "/api/v1/conversations/u:alice/messages", fileMessage(up))

	w.want(201, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", fileMessage(up))
	check("acme/bob", 200)
	check("acme/carol", 404)
	check("other/alice", 404)
	w.want(422, "acme/carol", "POST", "/api/v1/conversations/u:bob/messages", fileMessage(up))

	// Forwarded by who may read it, its new readers may; of a group those that are in it now.
	gid := w.group()
	w.want(201, "acme/bob", "POST", "/api/v1/conversations/g:"+gid+"/messages", fileMessage(up))
	check("acme/carol", 200)
	check("acme/dave", 404)
	w.want(204, "acme/alice", "DELETE", "/api/v1/groups/"+gid+"/members/carol", nil)
	check("acme/carol", 404)
	w.want(422, "acme/carol", "POST", "/api/v1/conversations/u:dave/messages", fileMessage(up))
	w.want(200, "acme/alice", "POST", "/api/v1/groups/"+gid+"/members", map[string]any{"uids": []string{"dave"}})
	check("acme/dave", 200)
}

func TestLinksThatAreNoFiles(t *testing.T) {
	w := newWorld(t, nil)
	send := func(status int, content map[string]any) {
		t.Helper()
		w.want(status, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", map[string]any{"media": []any{map[string]any{"type": 1, "content": content}}})
	}
	for _, link := range []string{"/media/", "/media/x", "/media/../me", "/media/0123456789abcdef0123456789abcdef/thumb"} {
		send(422, map[string]any{"co": link})
		send(422, map[string]any{"co": "https://example.org/a.png", "th": link})
		send(422, map[string]any{"co": "https://example.org/a.png", "or": link})
	}
	send(201, map[string]any{"co": "https://example.org/a.png"})
	send(201, map[string]any{"co": ""})
	w.say("acme/alice", "u:bob", "see /media/x") // a text is no link
}

func TestMediaCookie(t *testing.T) {
	w := newWorld(t, nil)
	up := w.upload(201, "acme/bob", "a.txt", []byte("hello"))
	url := up.body["url"].(string)
	signIn := w.want(200, "", "POST", "/api/v1/auth/login", map[string]any{"org": "acme", "username": "bob", "password": password})
	cookie := mediaCookieOf(t, signIn)
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/media" {
		t.Errorf("the cookie is %v", cookie)
	}
	by := headers{"Cookie": cookie.Name + "=" + cookie.Value}
	if r := w.want(200, "", "GET", url, nil, by); r.raw != "hello" {
		t.Errorf("read %q", r.raw)
	}
	// Without a good one it is asked for, whether there is such a file or not.
	w.want(401, "", "GET", url, nil, headers{"Cookie": cookie.Name + "=x"})
	for _, path := range []string{url, "/media/" + strings.Repeat("x", 22)} {
		if r := w.want(401, "", "GET", path, nil); r.body["type"] != "/problems/signed-out" || r.header.Get("ETag") != "" {
			t.Errorf("%s without a cookie: %v %v", path, r.body, r.header)
		}
	}
	w.want(404, "", "GET", "/media/"+strings.Repeat("x", 22), nil, by)
	// It is good for files alone, and no access token stands in for it.
	w.want(401, "", "GET", "/api/v1/me", nil, headers{"Authorization": "Bearer " + cookie.Value})
	w.want(401, "", "GET", url, nil, headers{"Authorization": "Bearer " + cookie.Value})
	w.want(401, "", "GET", url, nil, headers{"Cookie": cookie.Name + "=" + w.token("acme/bob")})
	// It ends with the login.
	out := w.want(204, "", "POST", "/api/v1/auth/logout", nil, headers{"Authorization": "Bearer " + signIn.body["access_token"].(string)})
	if gone := mediaCookieOf(t, out); gone.MaxAge >= 0 {
		t.Errorf("after signing out the cookie stays: %v", gone)
	}
	w.want(401, "", "GET", url, nil, by)
}

func mediaCookieOf(t *testing.T, r reply) *http.Cookie {
	t.Helper()
	for _, line := range r.header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == "magpie_media" {
			return c
		}
	}
	t.Fatalf("no media cookie in %v", r.header)
	return nil
}

func TestUploadsThatAreRefused(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Limits.File = 1 << 20 })
	w.media.FileLimit = 1 << 20
	refused := func(problem string, r reply) {
		t.Helper()
		if r.body["type"] != "/problems/"+problem {
			t.Errorf("the problem is %v, want %s", r.body["type"], problem)
		}
	}
	refused("file-empty", w.upload(422, "acme/alice", "a.txt", nil))
	large := w.upload(413, "acme/alice", "a.bin", make([]byte, 1<<20+1))
	refused("file-too-large", large)
	if large.body["limit"] != float64(1<<20) {
		t.Errorf("the limit is %v", large.body["limit"])
	}
	w.upload(201, "acme/alice", "a.bin", make([]byte, 1<<19))
	refused("picture-damaged", w.upload(422, "acme/alice", "a.png", photo(t, 100, 100)[:2000]))
	refused("picture-damaged", w.upload(422, "acme/alice", "a.txt", []byte("no picture"), "purpose", "avatar"))
	w.upload(422, "acme/alice", "a.txt", []byte("x"), "purpose", "mischief")
	w.upload(422, "acme/alice", "a.txt", []byte("x"), "duration", "NaN")
	w.want(415, "acme/alice", "POST", "/api/v1/media", map[string]any{})
	w.want(422, "acme/alice", "POST", "/api/v1/media", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n", headers{"Content-Type": "multipart/form-data; boundary=x"})
	w.want(400, "acme/alice", "POST", "/api/v1/media", "--x\r\nContent-Disp", headers{"Content-Type": "multipart/form-data; boundary=x"})
	// A form that breaks off leaves nothing.
	r := w.call("acme/alice", "POST", "/api/v1/media", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf", headers{"Content-Type": "multipart/form-data; boundary=x"})
	if r.status < 400 || r.status >= 500 {
		t.Errorf("half a form: %d %s", r.status, r.raw)
	}
}

func TestStorage(t *testing.T) {
	w := newWorld(t, nil)
	for range 2 {
		w.upload(201, "acme/alice", "a.txt", []byte(strings.Repeat("a", 1000)))
	}
	w.upload(201, "acme/bob", "b.txt", []byte(strings.Repeat("a", 1000)))
	mine := w.want(200, "acme/alice", "GET", "/api/v1/me/storage", nil)
	if mine.body["used"] != 2000.0 || mine.body["quota"] != 0.0 || mine.body["file_limit"] != float64(100<<20) {
		t.Errorf("mine: %s", mine.raw)
	}
	w.want(404, "acme/bob", "GET", "/api/v1/org/storage", nil)
	all := w.want(200, "acme/alice", "GET", "/api/v1/org/storage", nil)
	var got struct {
		Used, Files int64
		Users       []struct{ UID string }
	}
	must(t, json.Unmarshal([]byte(all.raw), &got))
	if got.Used != 3000 || got.Files != 3 || len(got.Users) != 2 || got.Users[0].UID != "alice" {
		t.Errorf("all: %s", all.raw)
	}

	must(t, w.store.UpdateOrg(t.Context(), chat.Org{EID: "acme", Name: "Acme", Settings: chat.OrgSettings{UserQuota: 2500, StorageQuota: 4000, FileLimit: 900}}))
	if r := w.upload(413, "acme/bob", "d.txt", []byte(strings.Repeat("d", 901))); r.body["type"] != "/problems/file-too-large" || r.body["limit"] != 900.0 {
		t.Errorf("beyond the organisation's bound of a file: %s", r.raw)
	}
	for who, status := range map[string]int{"acme/alice": 413, "acme/bob": 201} {
		r := w.upload(status, who, "c.txt", []byte(strings.Repeat("c", 800)))
		if status == 413 && r.body["type"] != "/problems/quota-full" {
			t.Errorf("full: %s", r.raw)
		}
	}
	w.upload(413, "acme/carol", "c.txt", []byte(strings.Repeat("c", 800)))
	if r := w.want(200, "acme/carol", "GET", "/api/v1/me/storage", nil); r.body["used"] != 0.0 || r.body["quota"] != 2500.0 || r.body["file_limit"] != 900.0 {
		t.Errorf("a refused upload counts: %s", r.raw)
	}
}

func TestAvatars(t *testing.T) {
	w := newWorld(t, nil)
	up := w.upload(201, "acme/alice", "me.png", photo(t, 900, 600), "purpose", "avatar")
	link := up.body["url"].(string)
	if up.body["width"] != 256.0 || up.body["height"] != 256.0 {
		t.Errorf("not square: %s", up.raw)
	}
	for _, size := range []struct {
		link string
		side int
	}{{link, 256}, {link + "/thumb", 64}} {
		r := w.want(200, "acme/alice", "GET", size.link, nil)
		if c, _, err := image.DecodeConfig(strings.NewReader(r.raw)); err != nil || c.Width != size.side || c.Height != size.side {
			t.Errorf("%s is %d × %d: %v", size.link, c.Width, c.Height, err)
		}
	}
	w.want(404, "acme/dave", "GET", link, nil)

	// Nobody else can use it, and nothing else can be one.
	other := w.upload(201, "acme/alice", "photo.png", photo(t, 300, 300)).body["url"].(string)
	w.want(422, "acme/bob", "PATCH", "/api/v1/me", map[string]any{"avatar": link})
	w.want(422, "other/alice", "PATCH", "/api/v1/me", map[string]any{"avatar": link})
	w.want(422, "acme/alice", "PATCH", "/api/v1/me", map[string]any{"avatar": other})
	w.want(422, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", fileMessage(up))

	// In use, the whole organisation sees it, and nobody beyond.
	w.want(200, "acme/alice", "PATCH", "/api/v1/me", map[string]any{"avatar": link})
	gid := w.group()
	w.want(200, "acme/alice", "PATCH", "/api/v1/groups/"+gid, map[string]any{"avatar": link})
	w.want(200, "acme/dave", "GET", link+"/thumb", nil)
	w.want(404, "other/alice", "GET", link, nil)
	w.want(200, "acme/alice", "PATCH", "/api/v1/me", map[string]any{"avatar": ""})
	w.want(200, "acme/dave", "GET", link, nil) // the group still has it
	w.want(204, "acme/alice", "DELETE", "/api/v1/groups/"+gid, nil)
	w.want(200, "acme/dave", "GET", link, nil) // it may be brought back
	must(t, w.media.Sweep(t.Context(), time.Now().AddDate(0, 2, 0)))
	w.want(404, "acme/alice", "GET", link, nil)
}

func TestFilesOfAConversation(t *testing.T) {
	w := newWorld(t, nil)
	send := func(name string, content []byte) {
		w.want(201, "acme/alice", "POST", "/api/v1/conversations/u:bob/messages", fileMessage(w.upload(201, "acme/alice", name, content)))
	}
	send("1.png", photo(t, 20, 20))
	send("2.pdf", []byte("%PDF-1.7\n"))
	w.say("acme/alice", "u:bob", "a text")
	send("3.png", photo(t, 30, 30))
	w.want(201, "acme/bob", "POST", "/api/v1/conversations/u:alice/messages", map[string]any{"media": []any{
		map[string]any{"type": 4, "content": map[string]any{"co": "https://example.org/a.txt", "fn": "elsewhere.txt"}},
		map[string]any{"type": 15, "content": map[string]any{"co": "https://example.org/b.bin", "fn": "both.bin"}}}})
	names := func(who, query string, limit int) (out []string) {
		t.Helper()
		cursor := ""
		for {
			r := w.want(200, who, "GET", fmt.Sprintf("/api/v1/conversations/u:bob/media?limit=%d&%s&cursor=%s", limit, query, cursor), nil)
			for _, item := range r.items() {
				out = append(out, item.(map[string]any)["content"].(map[string]any)["fn"].(string))
			}
			if cursor, _ = r.body["next"].(string); cursor == "" {
				return out
			}
		}
	}
	for _, limit := range []int{1, 2, 50} {
		if got := names("acme/alice", "kind=image", limit); !slices.Equal(got, []string{"3.png", "1.png"}) {
			t.Errorf("pictures, %d at a time: %v", limit, got)
		}
		if got := names("acme/alice", "kind=file", limit); !slices.Equal(got, []string{"both.bin", "elsewhere.txt", "2.pdf"}) {
			t.Errorf("files, %d at a time: %v", limit, got)
		}
	}
	if got := names("acme/carol", "kind=image", 50); len(got) > 0 {
		t.Errorf("carol's conversation with bob has %v", got)
	}
	w.want(204, "acme/alice", "PUT", "/api/v1/conversations/u:bob/cleared", map[string]any{"seq": 2})
	if got := names("acme/alice", "kind=image", 50); !slices.Equal(got, []string{"3.png"}) {
		t.Errorf("after clearing: %v", got)
	}
	w.want(422, "acme/alice", "GET", "/api/v1/conversations/u:bob/media?kind=video", nil)
}
