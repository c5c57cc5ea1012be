package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a broker in a process of its own.
type server struct {
	cmd  *exec.Cmd
	mqtt string // host:port of plain MQTT
	http string // host:port of WebSocket
}

// startMagpie runs the real program on a data folder, with the limits off, and more settings.
func startMagpie(dir string, more ...string) (*server, error) {
	cmd := exec.Command("bin/magpie", append([]string{"serve", "--data", dir, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--access-ttl", "1h",
		"--limit-publish-rate", "0", "--limit-login-rate", "0", "--limit-write-rate", "0", "--log-level", "warn"}, more...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start bin/magpie (make build makes it): %w", err)
	}
	s := &server{cmd: cmd}
	lines := bufio.NewScanner(out)
	for s.mqtt == "" || s.http == "" {
		if !lines.Scan() {
			return nil, errors.Join(errors.New("magpie ended before it told its addresses"), cmd.Wait())
		}
		name, rest, _ := strings.Cut(lines.Text(), " ")
		_, addr, _ := strings.Cut(strings.TrimSpace(rest), "://")
		switch name {
		case "http":
			s.http = addr
		case "mqtt":
			s.mqtt = addr
		}
	}
	go func() {
		for lines.Scan() {
		}
	}()
	return s, nil
}

// startMosquitto runs mosquitto as Debian packages it, without persistence.
func startMosquitto(dir string) (*server, error) {
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // not in everybody's PATH
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	file := filepath.Join(dir, "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nmax_queued_messages 0\nlog_type error\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "-c", file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start mosquitto (make bench installs it): %w", err)
	}
	s := &server{cmd: cmd, mqtt: addr}
	for end := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return s, c.Close()
		}
		if time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("mosquitto does not answer: %w", err), s.stop())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stop ends the server in order.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return nil
	}
	return err
}

// cpu is the processor time that the server has used, user and system.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:])) // from field 3 on
	var ticks int
	for _, x := range f[11:13] {
		n, err := strconv.Atoi(x)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100, nil // USER_HZ is 100 on Linux
}

// rss is the server's resident memory in bytes.
func (s *server) rss() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
