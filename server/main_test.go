package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// binary builds the program once for all tests that run it.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("magpie-test-%d", os.Getpid()))
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.Remove(filepath.Join(os.TempDir(), fmt.Sprintf("magpie-test-%d", os.Getpid())))
	os.Exit(code)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Dir = t.TempDir()
	return c
}

// server is a running program and what it announced, by the first word of the line.
type server struct {
	*exec.Cmd
	t     *testing.T
	lines map[string]string
	log   *bytes.Buffer
}

// serve starts the program on free ports, and returns once it has announced all of names.
func serve(t *testing.T, names []string, args ...string) *server {
	t.Helper()
	s := &server{t: t, lines: map[string]string{}, log: &bytes.Buffer{},
		Cmd: command(t, append([]string{"serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"}, args...)...)}
	s.Stderr = s.log
	out, err := s.StdoutPipe()
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Process.Kill()
		s.Wait()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
	})
	lines := bufio.NewScanner(out)
	for _, name := range names {
		for s.lines[name] == "" {
			if !lines.Scan() {
				t.Fatalf("the server ended without announcing %q", name)
			}
			first, rest, _ := strings.Cut(lines.Text(), " ")
			s.lines[first] = strings.TrimSpace(rest)
		}
	}
	return s
}

// stop sends SIGTERM and waits for a good end.
func (s *server) stop() {
	s.t.Helper()
	s.Process.Signal(syscall.SIGTERM)
	if err := s.Wait(); err != nil {
		s.t.Fatalf("stopped with %v:\n%s", err, s.log)
	}
}

// refused runs the server, which must not start, and returns what it said.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := command(t, append([]string{"serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"}, args...)...)
	stopped := context.AfterFunc(ctx, func() { c.Process.Kill() })
	defer stopped()
	out, err := c.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("%q: it starts: %v, %s", args, err, out)
	}
	return string(out)
}

// call sends a request with a JSON body and a token, either of which may be empty, and returns the status and the answer.
func (s *server) call(method, path, token string, body any) (int, map[string]any) {
	s.t.Helper()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, s.lines["http"]+path, content)
	if err != nil {
		s.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil && len(b) > 0 {
		s.t.Fatalf("%s %s answers %d %s", method, path, answer.StatusCode, b)
	}
	return answer.StatusCode, out
}

// signIn returns an access token.
func (s *server) signIn(org, username, password string) string {
	s.t.Helper()
	status, answer := s.call("POST", "/api/v1/auth/login", "", map[string]string{"org": org, "username": username, "password": password})
	token, _ := answer["access_token"].(string)
	if status != http.StatusOK || token == "" {
		s.t.Fatalf("%s can't sign in: %d %v", username, status, answer)
	}
	return token
}

func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	s := serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	if _, about := s.call("GET", "/api/v1/about", "", nil); about["demo"] != true || about["setup"] != false {
		t.Errorf("about says %v", about)
	}
	for _, uid := range []string{"bob", "carol", "dave"} {
		s.signIn(demoEID, uid, demoPassword)
	}
	alice := s.signIn(demoEID, "alice", demoPassword)
	check := func() {
		t.Helper()
		status, answer := s.call("GET", "/api/v1/conversations", alice, nil)
		items, _ := answer["items"].([]any)
		if status != http.StatusOK || len(items) < 8 {
			t.Fatalf("alice has the conversations %d %v", status, answer)
		}
		unread := map[string]float64{}
		for _, item := range items {
			c := item.(map[string]any)
			unread[c["conv"].(string)] = c["unread"].(float64)
			if !strings.HasPrefix(fmt.Sprint(c["avatar"]), "/avatars/") {
				t.Errorf("%s has the avatar %v", c["conv"], c["avatar"])
			}
		}
		for _, talk := range demoTalks {
			conv := "g:" + talk.group
			if talk.group == "" && talk.pair[0] == "alice" {
				conv = "u:" + talk.pair[1]
			} else if talk.group == "" {
				continue
			}
			if n, ok := unread[conv]; !ok || n != float64(talk.unread["alice"]) {
				t.Errorf("%s: %v unread (%t), want %d", conv, n, ok, talk.unread["alice"])
			}
		}
	}
	check()
	if _, answer := s.call("GET", "/api/v1/conversations/u:bob/messages", alice, nil); !strings.Contains(fmt.Sprint(answer), "noodle place") {
		t.Errorf("the conversation with bob is %v", answer)
	}

	if said := refused(t, "--demo", "--data", dir); !strings.Contains(said, dir) {
		t.Errorf("a second process on the folder is refused by %q, which does not name it", said)
	}
	for name, want := range map[string]os.FileMode{"": os.ModeDir | 0o700, "magpie.db": 0o600, "secret.key": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%q: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	s.Process.Kill()
	s.Wait()

	s = serve(t, []string{"http", "mqtt", "demo"}, "--demo", "--data", dir)
	check() // alice's token holds: the secret was kept
	s.stop()
}

func TestDemoRefusesAnotherFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter.txt"), []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := refused(t, "--demo", "--data", dir); !strings.Contains(said, "other than a demo") {
		t.Errorf("a folder with a letter is refused by %q", said)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v now, %v", entries, err)
	}
	dir = filepath.Join(t.TempDir(), "real")
	serve(t, []string{"setup"}, "--data", dir).stop()
	if said := refused(t, "--demo", "--data", dir); !strings.Contains(said, "other than a demo") {
		t.Errorf("a folder that waits for its first administrator is refused by %q", said)
	}
}

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	serve(t, []string{"setup"}, "--data", dir).stop()
	s := serve(t, []string{"http", "setup"}, "--data", dir)
	link, token, _ := strings.Cut(s.lines["setup"], "#")
	if link != s.lines["http"]+"/setup" || len(token) < 30 {
		t.Fatalf("the link is %q", s.lines["setup"])
	}
	db, err := os.ReadFile(filepath.Join(dir, "magpie.db"))
	wal, _ := os.ReadFile(filepath.Join(dir, "magpie.db-wal"))
	if err != nil || bytes.Contains(append(db, wal...), []byte(token)) {
		t.Errorf("the database holds the token itself, or can't be read (%v)", err)
	}
	if _, about := s.call("GET", "/api/v1/about", "", nil); about["demo"] != false || about["setup"] != true {
		t.Errorf("about says %v", about)
	}
	form := map[string]string{"token": "wrong" + token, "org": "acme", "org_name": "Acme", "username": "root", "name": "Root", "password": "correct horse battery"}
	if status, answer := s.call("POST", "/api/v1/setup", "", form); status/100 != 4 {
		t.Errorf("a wrong token is answered with %d %v", status, answer)
	}
	form["token"] = token
	if status, answer := s.call("POST", "/api/v1/setup", "", form); status/100 != 2 {
		t.Fatalf("setup is answered with %d %v", status, answer)
	}
	form["org"] = "acme2"
	if status, answer := s.call("POST", "/api/v1/setup", "", form); status/100 != 4 {
		t.Errorf("the link works twice: %d %v", status, answer)
	}
	s.signIn("acme", "root", form["password"])
	s.stop()
	s = serve(t, []string{"http", "mqtt"}, "--data", dir)
	s.signIn("acme", "root", form["password"])
	s.stop()
	if s.lines["setup"] != "" {
		t.Error("a link is made though there is an administrator")
	}
}

func TestNewerDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	serve(t, []string{"setup"}, "--data", dir).stop()
	db, err := sql.Open("sqlite", filepath.Join(dir, "magpie.db"))
	if err == nil {
		_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if said := refused(t, "--data", dir); !strings.Contains(said, "newer") {
		t.Errorf("a newer database is refused by %q", said)
	}
}

func TestTLS(t *testing.T) {
	cert, key := writeCertificate(t)
	dir := filepath.Join(t.TempDir(), "data")
	s := serve(t, []string{"http", "mqtt", "mqtts"}, "--data", dir, "--mqtts", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(s.lines["http"], "https://") || !strings.HasPrefix(s.lines["mqtts"], "ssl://") {
		t.Fatalf("the addresses are %v", s.lines)
	}
	c, err := tls.Dial("tcp", strings.TrimPrefix(s.lines["mqtts"], "ssl://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	addr := strings.TrimPrefix(s.lines["http"], "https://")
	health := command(t, "health")
	health.Env = append(os.Environ(), "MAGPIE_HTTP="+addr, "MAGPIE_TLS_CERT="+cert)
	if out, err := health.CombinedOutput(); err != nil {
		t.Errorf("health: %v, %s", err, out)
	}
	s.stop()
	if out, err := command(t, "health", "--http", addr).CombinedOutput(); err == nil || !strings.Contains(string(out), "does not answer") {
		t.Errorf("health of a server that was stopped: %v, %s", err, out)
	}
	if said := refused(t, "--data", dir, "--tls-cert", key, "--tls-key", key); !strings.Contains(said, "certificate") {
		t.Errorf("a wrong certificate is refused by %q", said)
	}
}

func writeCertificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", der)
}

func TestTakenAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := refused(t, "--data", filepath.Join(t.TempDir(), "data"), "--mqtt", l.Addr().String())
	if !strings.Contains(said, "--mqtt") || !strings.Contains(said, "in use") {
		t.Errorf("a taken address is refused by %q", said)
	}
}

func TestUnknownKeyStopsTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "magpie.toml")
	if err := os.WriteFile(file, []byte("colour = \"blue\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if said := refused(t, "--data", dir, "--config", file); !strings.Contains(said, "colour") {
		t.Errorf("an unknown key is refused by %q", said)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data folder was made all the same")
	}
}

func TestVersion(t *testing.T) {
	out, err := command(t, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "magpie "+version) {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	first, err := loadSecret(dir)
	if err != nil || len(first) != 32 || bytes.Equal(first, make([]byte, 32)) {
		t.Fatalf("got %x, %v", first, err)
	}
	path := filepath.Join(dir, "secret.key")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := loadSecret(dir)
	info, statErr := os.Stat(path)
	if err != nil || statErr != nil || !bytes.Equal(first, again) || info.Mode() != 0o600 {
		t.Errorf("the second time: same %t, %v, %v", bytes.Equal(first, again), info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSecret(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged secret: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	n := startNode(t, func(c *Config) { c.Metrics = "127.0.0.1:0" })
	for url, want := range map[string]int{n.addr["metrics"] + "/metrics": 200, n.addr["metrics"] + "/": 404, n.addr["http"] + "/metrics": 404} {
		r, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != want || want == 200 && !strings.Contains(string(body), "magpie_mqtt_sessions") {
			t.Errorf("%s: %d, want %d: %.300s", url, r.StatusCode, want, body)
		}
	}
}
