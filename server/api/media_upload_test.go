package api_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/gif"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"magpie/server/api"
)

const tusContent = "application/offset+octet-stream"

// begin begins a resumable upload and returns its path. metadata are keys and values.
func (w *world) begin(who string, size int, metadata ...string) string {
	w.t.Helper()
	var pairs []string
	for i := 0; i < len(metadata); i += 2 {
		pairs = append(pairs, metadata[i]+" "+base64.StdEncoding.EncodeToString([]byte(metadata[i+1])))
	}
	r := w.want(201, who, "POST", "/api/v1/uploads", nil, headers{"Tus-Resumable": "1.0.0", "Upload-Length": strconv.Itoa(size), "Upload-Metadata": strings.Join(pairs, ",")})
	if r.header.Get("Upload-Offset") != "0" || r.header.Get("Upload-Expires") == "" || r.header.Get("Tus-Resumable") != "1.0.0" {
		w.t.Errorf("the headers of a new upload: %v", r.header)
	}
	return r.header.Get("Location")
}

// patch sends bytes of an upload.
func (w *world) patch(status int, who, path string, offset int, b string) reply {
	w.t.Helper()
	return w.want(status, who, "PATCH", path, b, headers{"Tus-Resumable": "1.0.0", "Upload-Offset": strconv.Itoa(offset), "Content-Type": tusContent})
}

// offset asks how far an upload has come.
func (w *world) offset(who, path string) int {
	w.t.Helper()
	r := w.want(200, who, "HEAD", path, nil, headers{"Tus-Resumable": "1.0.0"})
	n, err := strconv.Atoi(r.header.Get("Upload-Offset"))
	must(w.t, err)
	return n
}

func TestResumableUpload(t *testing.T) {
	w := newWorld(t, nil)
	text := strings.Repeat("0123456789", 1000)
	path := w.begin("acme/alice", len(text), "filename", "日记.txt", "duration", "2.5")
	if n := w.offset("acme/alice", path); n != 0 {
		t.Errorf("a new upload has %d bytes", n)
	}
	if r := w.patch(204, "acme/alice", path, 0, text[:4000]); r.header.Get("Upload-Offset") != "4000" {
		t.Errorf("after 4000 bytes: %v", r.header)
	}
	for _, wrong := range []int{0, 3999, 4001, len(text), len(text) + 1} {
		if r := w.patch(409, "acme/alice", path, wrong, text[4000:]); r.body["type"] != "/problems/upload-offset" {
			t.Errorf("from %d: %s", wrong, r.raw)
		}
	}
	if r := w.want(200, "acme/alice", "GET", path, nil); r.body["state"] != "uploading" || r.body["offset"] != 4000.0 || r.body["size"] != 10000.0 {
		t.Errorf("half of it: %s", r.raw)
	}
	w.patch(204, "acme/alice", path, 4000, text[4000:]+"more than there is to come")
	r := w.want(200, "acme/alice", "GET", path, nil)
	if r.body["state"] != "done" || r.field("media.name") != "日记.txt" || r.field("media.duration") != 2.5 || r.field("media.size") != 10000.0 {
		t.Fatalf("all of it: %s", r.raw)
	}
	if got := w.want(200, "acme/alice", "GET", r.field("media.url").(string), nil).raw; got != text {
		t.Errorf("other bytes: %.60q", got)
	}
	// The last answer may have been lost: the same again does no harm.
	w.patch(204, "acme/alice", path, len(text), "")
	w.want(204, "acme/alice", "DELETE", path, nil, headers{"Tus-Resumable": "1.0.0"})
	w.want(404, "acme/alice", "GET", path, nil)
	w.want(200, "acme/alice", "GET", r.field("media.url").(string), nil)
}

// TestMovingPictureIsKnownByItsContent has names that say otherwise, and a duration that the uploader makes up.
func TestMovingPictureIsKnownByItsContent(t *testing.T) {
	w := newWorld(t, nil)
	palette := color.Palette{color.Black, color.White}
	var moving, still bytes.Buffer
	one := image.NewPaletted(image.Rect(0, 0, 8, 8), palette)
	must(t, gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{one, one}, Delay: []int{20, 30}}))
	must(t, gif.Encode(&still, one, nil))
	check := func(what string, said map[string]any, animated bool, seconds float64) {
		t.Helper()
		if said["animated"] != animated || said["duration"] != seconds {
			t.Errorf("%s: animated %v, %v seconds", what, said["animated"], said["duration"])
		}
	}
	check("funny.jpg", w.upload(201, "acme/alice", "funny.jpg", moving.Bytes(), "duration", "9").body, true, 0.5)
	check("still.gif", w.upload(201, "acme/alice", "still.gif", still.Bytes(), "duration", "9").body, false, 0)
	path := w.begin("acme/alice", moving.Len(), "filename", "funny.jpg")
	w.patch(204, "acme/alice", path, 0, moving.String())
	check("after a resumable upload", w.want(200, "acme/alice", "GET", path, nil).body["media"].(map[string]any), true, 0.5)
}

func TestUploadThatBecomesNoFile(t *testing.T) {
	w := newWorld(t, nil)
	b := string(photo(t, 200, 200)[:3000])
	path := w.begin("acme/alice", len(b), "filename", "a.png")
	if r := w.patch(422, "acme/alice", path, 0, b); r.body["type"] != "/problems/picture-damaged" {
		t.Errorf("the last answer: %s", r.raw)
	}
	r := w.want(200, "acme/alice", "GET", path, nil)
	if r.body["state"] != "failed" || r.field("problem.type") != "/problems/picture-damaged" || r.field("problem.status") != 422.0 {
		t.Errorf("later: %s", r.raw)
	}
}

func TestTusRequestsThatAreRefused(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Limits.File = 1 << 20 })
	w.media.FileLimit = 1 << 20
	tus := func(more headers) headers {
		more["Tus-Resumable"] = "1.0.0"
		return more
	}
	for _, test := range []struct {
		status int
		h      headers
	}{
		{412, headers{"Upload-Length": "5"}},
		{412, headers{"Upload-Length": "5", "Tus-Resumable": "0.2.2"}},
		{400, tus(headers{})},
		{400, tus(headers{"Upload-Length": "-1"})},
		{400, tus(headers{"Upload-Length": "5", "Upload-Metadata": "filename ???"})},
		{400, tus(headers{"Upload-Length": "5", "Upload-Metadata": strings.Repeat("a", 9000)})},
		{422, tus(headers{"Upload-Length": "5", "Upload-Metadata": "purpose bWlzY2hpZWY="})},
		{422, tus(headers{"Upload-Length": "0"})},
		{413, tus(headers{"Upload-Length": "1048577"})},
	} {
		w.want(test.status, "acme/alice", "POST", "/api/v1/uploads", nil, test.h)
	}
	path := w.begin("acme/alice", 5)
	w.want(415, "acme/alice", "PATCH", path, "01234", tus(headers{"Upload-Offset": "0", "Content-Type": "text/plain"}))
	w.want(400, "acme/alice", "PATCH", path, "01234", tus(headers{"Content-Type": tusContent}))
	w.want(404, "acme/alice", "PATCH", path+"x", "01234", tus(headers{"Upload-Offset": "0", "Content-Type": tusContent}))
	if n := w.offset("acme/alice", path); n != 0 {
		t.Errorf("%d bytes came of refused requests", n)
	}
	r := w.want(204, "acme/alice", "OPTIONS", "/api/v1/uploads", nil)
	if r.header.Get("Tus-Version") != "1.0.0" || !strings.Contains(r.header.Get("Tus-Extension"), "creation") || r.header.Get("Tus-Max-Size") != "1048576" {
		t.Errorf("options: %v", r.header)
	}
	r = w.want(201, "acme/alice", "POST", "/api/v1/uploads", "01234", tus(headers{"Upload-Length": "10", "Content-Type": tusContent}))
	if r.header.Get("Upload-Offset") != "5" || w.offset("acme/alice", r.header.Get("Location")) != 5 {
		t.Errorf("begun with bytes: %v", r.header)
	}
}

// TestAHangingConnectionHoldsUpNothing begins a PATCH that stops in the middle without an end, as when a phone changes its network.
func TestAHangingConnectionHoldsUpNothing(t *testing.T) {
	w := newWorld(t, nil)
	path := w.begin("acme/alice", 10)
	at, err := url.Parse(w.url)
	must(t, err)
	hang := func() {
		conn, err := net.Dial("tcp", at.Host)
		must(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "PATCH "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.token("acme/alice")+
			"\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: "+tusContent+"\r\nContent-Length: 10\r\n\r\n01234")
		must(t, err)
	}
	deadline := time.Now().Add(30 * time.Second) // far below the patience with a connection that brings nothing
	n := 0
	for n == 0 && time.Now().Before(deadline) {
		hang() // whoever asks may come in between before a byte has been read
		for i := 0; i < 20 && n == 0; i++ {
			n = w.offset("acme/alice", path)
		}
	}
	if n != 5 {
		t.Fatalf("the server has %d bytes", n)
	}
	w.patch(204, "acme/alice", path, 5, "56789")
	if r := w.want(200, "acme/alice", "GET", path, nil); r.body["state"] != "done" {
		t.Errorf("in the end: %s", r.raw)
	}
}
