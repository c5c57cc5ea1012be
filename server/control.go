package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"magpie/server/api"
)

// The shell on the server's machine administers by the same calls as the pages: over a socket in the data folder, which the owner of the
// folder alone can open. While the server is stopped a command opens the folder itself, and answers its own calls.

// controlSocket is the socket's name in the data folder.
const controlSocket = "control.sock"

// listenControl opens the socket. A folder whose path is too long for one has none, and is administered from the shell while the server is stopped.
func (p *program) listenControl(dir string, handler http.Handler) {
	path := filepath.Join(dir, controlSocket)
	_ = os.Remove(path) // of a server that was killed: the folder's lock says that none is running
	l, err := listenPrivately(path)
	if err != nil {
		p.log.Warn("the shell can't reach the running server", "err", err)
		return
	}
	p.control = &http.Server{Handler: api.Shell(handler), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug)}
	go func() {
		if err := p.control.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("serve the shell", "err", err)
		}
	}()
}

// listenPrivately makes a socket that its owner alone can open, from its first moment: it is made in a folder that nobody else can enter, as a folder of
// data that was there before may be everybody's.
func listenPrivately(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it has another name by then
	if err = os.Chmod(made, 0o600); err == nil {
		err = os.Rename(made, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &namedSocket{l, path}, nil
}

// namedSocket is a socket that loses its name when it is closed.
type namedSocket struct {
	net.Listener
	path string
}

func (s *namedSocket) Close() error {
	_ = os.Remove(s.path)
	return s.Listener.Close()
}

// shell calls the API of a server, in the name of the shell.
type shell struct {
	client http.Client
	close  func()
}

// openShell reaches the server of a data folder: the one that runs, or one of its own.
func openShell(ctx context.Context, data string) (*shell, error) {
	if _, err := os.Stat(data); err != nil {
		return nil, fmt.Errorf("there is no data folder %s: name the server's by --data, or start it once", data)
	}
	path := filepath.Join(data, controlSocket)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	s := &shell{client: http.Client{Transport: &http.Transport{DialContext: dial}}, close: func() {}}
	if c, err := dial(ctx, "", ""); err == nil {
		_ = c.Close()
		return s, nil
	}
	var all cli
	parser, err := newParser(&all)
	if err == nil { // the other settings as the server would have them
		_, err = parser.Parse([]string{"serve", "--data", data, "--http", "127.0.0.1:0", "--mqtt", none, "--mqtts", none, "--metrics", none})
	}
	if err != nil {
		return nil, err
	}
	c := all.Serve.Config
	c.fill()
	p, _, err := prepare(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if p.control == nil {
		p.stop()
		return nil, fmt.Errorf("the path of the data folder %s is too long: use a shorter one, such as a link to it", data)
	}
	s.close = p.stop
	return s, nil
}

// problem is an error that the API answered.
type problem struct {
	Status int
	Detail string
	Errors map[string]string
}

func (p *problem) Error() string {
	text := p.Detail
	for field, what := range p.Errors {
		if !bytes.Contains([]byte(text), []byte(what)) {
			text += "\n  " + field + ": " + what
		}
	}
	return text
}

// call sends body, which is encoded unless it is a reader, and reads the answer into out, if it is not nil: into a writer as it is.
func (s *shell) call(ctx context.Context, eid, method, path string, body, out any, headers ...string) error {
	var in io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case io.Reader:
		in, contentType = b, "text/csv"
	default:
		enc, err := json.Marshal(b)
		if err != nil {
			return err
		}
		in = bytes.NewReader(enc)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://magpie/api/v1"+path, in)
	if err != nil {
		return err
	}
	r.Header.Set(api.ShellOrg, eid)
	if in != nil {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		p := &problem{Status: answer.StatusCode}
		if err := json.NewDecoder(answer.Body).Decode(p); err != nil {
			return fmt.Errorf("the server answers %s", answer.Status)
		}
		return p
	}
	switch w := out.(type) {
	case nil:
		return nil
	case io.Writer:
		_, err = io.Copy(w, answer.Body)
		return err
	}
	return json.NewDecoder(answer.Body).Decode(out)
}
