// Package s3test runs real S3 servers for tests: MinIO, and versitygw, which is another implementation of the same.
package s3test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Keys of every server of a test.
const (
	AccessKey = "magpie-tests"
	SecretKey = "magpie-tests-secret"
)

// Server is an S3 server, which a test may stop and start again.
type Server struct {
	Addr string // host and port

	t    *testing.T
	args []string
	env  []string
	cmd  *exec.Cmd
	log  string
}

// MinIO starts a MinIO server, which ends with the test.
func MinIO(t *testing.T) *Server {
	t.Helper()
	dir, addr := t.TempDir(), freeAddress(t)
	s := &Server{Addr: addr, t: t, args: []string{tool(t, "minio"), "server", "--quiet", "--address", addr, "--console-address", freeAddress(t), dir},
		env: []string{"MINIO_ROOT_USER=" + AccessKey, "MINIO_ROOT_PASSWORD=" + SecretKey, "MINIO_UPDATE=off", "MINIO_CALLHOME_ENABLE=off"}}
	return s.begin()
}

// Versity starts a versitygw server, which ends with the test.
func Versity(t *testing.T) *Server {
	t.Helper()
	dir, addr := t.TempDir(), freeAddress(t)
	s := &Server{Addr: addr, t: t, args: []string{tool(t, "versitygw"), "--port", addr, "--access", AccessKey, "--secret", SecretKey, "posix", "--sidecar", t.TempDir(), dir}}
	return s.begin()
}

// Place is the address of a bucket on the server, for media.Open. more goes into its query.
func (s *Server) Place(bucket, more string) string {
	return "s3://" + bucket + "?endpoint=http://" + s.Addr + more
}

// SetKeys sets the keys in the environment of the test, where media.Open looks for them.
func SetKeys(t *testing.T) {
	t.Helper()
	t.Setenv("MAGPIE_MEDIA_ACCESS_KEY", AccessKey)
	t.Setenv("MAGPIE_MEDIA_SECRET_KEY", SecretKey)
}

func (s *Server) begin() *Server {
	s.t.Helper()
	s.log = filepath.Join(s.t.TempDir(), "log")
	s.t.Cleanup(s.Stop)
	s.Start()
	return s
}

// Start starts a server that was stopped, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a test that is killed leaves no server
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start the S3 server: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+"/", nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if res, err := http.DefaultClient.Do(r); err == nil {
			res.Body.Close()
			if res.StatusCode < 500 { // MinIO answers 503 while it starts
				return
			}
		}
		select {
		case <-ctx.Done():
			b, _ := os.ReadFile(s.log) // to explain the failure
			s.t.Fatalf("the S3 server does not answer: %s", b)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop kills the server, as a crash would.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have gone by itself
	_ = s.cmd.Wait()
	s.cmd = nil
}

// tool finds a program that `make tools` installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "bin", "tools", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not there: run make tools", name)
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
}
