package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"magpie/media/s3test"
	"magpie/server/chat"
	"magpie/server/payload"
)

// upload sends a file in one request, and returns the status and the answer.
func (s *server) upload(token, name string, content []byte) (int, map[string]any) {
	s.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	status, _, b := s.raw("POST", "/api/v1/media", token, &form, map[string]string{"Content-Type": m.FormDataContentType()})
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		s.t.Fatalf("an upload answers %d %s", status, b)
	}
	return status, out
}

// raw sends a request and returns what came back.
func (s *server) raw(method, path, token string, body io.Reader, headers map[string]string) (int, http.Header, []byte) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.lines["http"]+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, res.Header, b
}

// TestKillInAnUpload kills the program while an upload comes in, again and again. Each time it goes on from what the server says that it has.
func TestKillInAnUpload(t *testing.T) {
	for _, place := range []string{"folder", "minio"} {
		t.Run(place, func(t *testing.T) {
			s3test.SetKeys(t)
			args := []string{"--demo", "--data", filepath.Join(t.TempDir(), "data")}
			if place == "minio" {
				args = append(args, "--media", s3test.MinIO(t).Place("files", ""))
			}
			content := make([]byte, 48<<20)
			_, _ = rand.NewChaCha8([32]byte{7}).Read(content) // never fails
			tus := map[string]string{"Tus-Resumable": "1.0.0", "Upload-Length": strconv.Itoa(len(content)), "Content-Type": "application/offset+octet-stream"}

			s := serve(t, []string{"http"}, args...)
			token := s.token("alice")
			status, h, b := s.raw("POST", "/api/v1/uploads", token, nil, map[string]string{"Tus-Resumable": "1.0.0", "Upload-Length": strconv.Itoa(len(content))})
			path := h.Get("Location")
			if status != http.StatusCreated || path == "" {
				t.Fatalf("begin: %d %s", status, b)
			}
			offset := func() int64 {
				_, h, _ := s.raw("HEAD", path, token, nil, tus)
				n, err := strconv.ParseInt(h.Get("Upload-Offset"), 10, 64)
				if err != nil {
					t.Fatalf("the offset: %v", h)
				}
				return n
			}
			last := int64(0)
			for round := range 3 {
				at := offset()
				if round > 0 && (at < last || at == 0) {
					t.Fatalf("the server had %d bytes and has %d", last, at)
				}
				last = at
				// The connection gives what it is told to, and the server is killed while it waits for more.
				give, wait := io.Pipe()
				sent := make(chan error, 1)
				go func() {
					r, err := http.NewRequest("PATCH", s.lines["http"]+path, give)
					if err != nil {
						sent <- err
						return
					}
					r.Header.Set("Authorization", "Bearer "+token)
					for k, v := range tus {
						r.Header.Set(k, v)
					}
					r.Header.Set("Upload-Offset", strconv.FormatInt(at, 10))
					_, err = http.DefaultClient.Do(r)
					sent <- err
				}()
				// What is under way between the two is a few megabytes at most: of so much the server has noted some.
				if _, err := wait.Write(content[at:min(at+24<<20, int64(len(content))-1)]); err != nil {
					t.Fatal(err)
				}
				s.Process.Kill()
				s.Wait()
				wait.CloseWithError(io.ErrClosedPipe)
				if err := <-sent; err == nil {
					t.Fatal("a killed server answered")
				}
				s = serve(t, []string{"http"}, args...)
			}
			last = offset()
			tus["Upload-Offset"] = strconv.FormatInt(last, 10)
			if status, _, b := s.raw("PATCH", path, token, bytes.NewReader(content[last:]), tus); status != http.StatusNoContent {
				t.Fatalf("the rest: %d %s", status, b)
			}
			var done map[string]any
			for deadline := time.Now().Add(time.Minute); done["state"] != "done"; {
				if _, done = s.call("GET", path, token, nil); time.Now().After(deadline) {
					t.Fatalf("in the end: %v", done)
				}
			}
			url := done["media"].(map[string]any)["url"].(string)
			if status, _, b := s.raw("GET", url, token, nil, nil); status != http.StatusOK || !bytes.Equal(b, content) {
				t.Errorf("read: %d, %d bytes", status, len(b))
			}
		})
	}
}

// TestFilesOverMQTT sends links over MQTT: the same rights hold as over HTTP.
func TestFilesOverMQTT(t *testing.T) {
	n := startNode(t, nil)
	s := &server{t: t, lines: n.addr}
	tokens := map[string]string{}
	for _, uid := range []string{"alice", "bob", "carol"} {
		tokens[uid] = n.login(uid, "pc")["access_token"].(string)
	}
	status, up := s.upload(tokens["alice"], "notes.txt", []byte("the secret plan"))
	if status != http.StatusCreated {
		t.Fatalf("upload: %d %v", status, up)
	}
	link := up["url"].(string)
	message := func(from string) []byte {
		b, err := payload.EncodeIM(chat.IM{TS: 1, Type: chat.IMPair, Sender: from, Media: []chat.Medium{{Type: chat.ContentDocument, Content: fmt.Appendf(nil, `{"co":%q}`, link)}}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	read := func(uid string) int {
		status, _, _ := s.raw("GET", link, tokens[uid], nil, nil)
		return status
	}
	alice, carol := n.online("alice"), n.online("carol")
	if ack := carol.publish(topicOf("im/u", "bob"), message("carol"), 1, nil); ack.ReasonCode < 0x80 {
		t.Errorf("carol's message is taken: %#x", ack.ReasonCode)
	}
	if said := carol.notice(topicOf("notice/u", "carol"), chat.NoticeRefused); said["problem"] != string(chat.ProblemMediaNotFound) {
		t.Errorf("carol is told %v", said)
	}
	if read("bob") != http.StatusNotFound || read("carol") != http.StatusNotFound {
		t.Error("a refused message has let somebody in")
	}
	if ack := alice.publish(topicOf("im/u", "bob"), message("alice"), 1, nil); ack.ReasonCode != 0 {
		t.Errorf("alice's message: %#x", ack.ReasonCode)
	}
	if read("bob") != http.StatusOK || read("carol") != http.StatusNotFound {
		t.Errorf("bob: %d, carol: %d", read("bob"), read("carol"))
	}
}

// TestMessagesFlowWithoutTheMediaStore starts with an S3 server that is away.
func TestMessagesFlowWithoutTheMediaStore(t *testing.T) {
	s3test.SetKeys(t)
	minio := s3test.MinIO(t)
	minio.Stop()
	n := startNode(t, func(c *Config) { c.Media = minio.Place("files", "") })
	s := &server{t: t, lines: n.addr}
	token := n.token("alice")
	status, up := s.upload(token, "a.txt", []byte("hello"))
	if status != http.StatusServiceUnavailable || up["type"] != "/problems/media-unavailable" {
		t.Errorf("upload: %d %v", status, up)
	}
	n.must("POST", "/api/v1/conversations/u:bob/messages", token, map[string]any{"media": []any{map[string]any{"type": 0, "content": map[string]any{"co": "still here"}}}})
	ready := func() (int, string) {
		status, _, b := s.raw("GET", "/readyz", "", nil, nil)
		return status, string(b)
	}
	if status, said := ready(); status != http.StatusOK || !strings.Contains(said, `"media":"unavailable"`) || !strings.Contains(said, `"degraded"`) {
		t.Errorf("readiness: %d %s", status, said)
	}
	minio.Start()
	if status, up = s.upload(token, "a.txt", []byte("hello")); status != http.StatusCreated {
		t.Fatalf("upload when it is back: %d %v", status, up)
	}
	n.until(func() bool {
		_, said := ready()
		return strings.Contains(said, `"media":"ok"`)
	})
}

// TestRedirectToS3 reads by addresses of the store's own: the program names them to who may read, and its pages may load from there.
func TestRedirectToS3(t *testing.T) {
	s3test.SetKeys(t)
	minio := s3test.MinIO(t)
	n := startNode(t, func(c *Config) { c.Media = minio.Place("files", "&redirect=1") })
	s := &server{t: t, lines: n.addr}
	alice, carol := n.token("alice"), n.token("carol")
	film := append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomisom\x00\x00\x01\x00moov"), make([]byte, 5000)...)
	_, up := s.upload(alice, "holiday \"1\".mp4", film)
	link, _ := up["url"].(string)

	mode := "no-cors"
	ask := func(token, path string) (int, http.Header) {
		r, err := http.NewRequest("GET", s.lines["http"]+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Sec-Fetch-Mode", mode)
		res, err := http.DefaultTransport.RoundTrip(r) // follows no redirect
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode, res.Header
	}
	status, h := ask(alice, link)
	if status != http.StatusFound || !strings.HasPrefix(h.Get("Location"), "http://"+minio.Addr+"/files/") {
		t.Fatalf("%d to %q", status, h.Get("Location"))
	}
	if status, h := ask(carol, link); status != http.StatusNotFound || h.Get("Location") != "" {
		t.Errorf("carol: %d to %q", status, h.Get("Location"))
	}
	// A script that fetches could not read what the store answers.
	mode = "cors"
	if status, h := ask(alice, link); status != http.StatusOK || h.Get("Location") != "" {
		t.Errorf("a script: %d to %q", status, h.Get("Location"))
	}
	mode = "no-cors"
	res, err := http.Get(h.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !bytes.Equal(b, film) || res.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("%d, %d bytes of %s: %v", res.StatusCode, len(b), res.Header.Get("Content-Type"), err)
	}
	if d := res.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "inline") {
		t.Errorf("the disposition is %q", d)
	}
	if res, err := http.Get(strings.Replace(h.Get("Location"), "X-Amz-Signature=", "X-Amz-Signature=0", 1)); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("with another signature: %v %v", res, err)
	}
	if _, h := ask(alice, "/"); !strings.Contains(h.Get("Content-Security-Policy"), "media-src 'self' blob: http://"+minio.Addr) {
		t.Errorf("the pages' policy: %s", h.Get("Content-Security-Policy"))
	}
	// What is shown under our policy does not go there.
	_, up = s.upload(alice, "a.pdf", []byte("%PDF-1.7\n"))
	if status, _ := ask(alice, up["url"].(string)); status != http.StatusOK {
		t.Errorf("a PDF: %d", status)
	}
	if status, _ := ask(alice, up["url"].(string)+"?download=1"); status != http.StatusFound {
		t.Errorf("a PDF to be saved: %d", status)
	}
}
