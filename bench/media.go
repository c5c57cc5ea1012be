package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// fileSize is that of the large file.
const fileSize = 1 << 30

// photos is how many photos are uploaded to measure what one takes.
const photos = 5

// files measures what a file of 1 GiB does to the server's memory on its way up and down, its download from the folder against nginx with
// the same file, and what the thumbnail of a photo of 12 megapixels takes.
func files(ctx context.Context, w *world, o options) ([]result, error) {
	s, err := startMagpie(w.dir, "--limit-file", strconv.Itoa(2*fileSize))
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.stop() }()
	token := w.account(0).password
	var results []result
	for _, way := range []struct {
		name   string
		upload func(context.Context, *server, string) (string, error)
	}{{"in one request", uploadForm}, {"resumable", uploadTus}} {
		idle, err := rest(s)
		if err != nil {
			return nil, err
		}
		if err := s.resetPeak(); err != nil {
			return nil, err
		}
		link, err := way.upload(ctx, s, token)
		if err == nil {
			_, err = download(ctx, "http://"+s.http+link, token)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.name, err)
		}
		peak, err := s.peak()
		if err != nil {
			return nil, err
		}
		results = append(results, result{what: "memory while 1 GiB goes up and down, " + way.name, ours: fmt.Sprintf("%d MiB idle", idle>>20),
			value: float64(peak-idle) / (1 << 20), bound: 64, unit: " MiB"})
		if way.name != "in one request" {
			continue
		}
		r, err := againstNginx(ctx, w, o, "http://"+s.http+link, token)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	r, err := thumbnails(ctx, s, token)
	return append(results, r), err
}

// noise is an endless reader of bytes that can't be packed.
func noise(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func uploadForm(ctx context.Context, s *server, token string) (string, error) {
	return postFile(ctx, s, token, "large.bin", io.LimitReader(noise(1), fileSize))
}

// postFile uploads a file in one request, and returns its link.
func postFile(ctx context.Context, s *server, token, name string, content io.Reader) (string, error) {
	r, w := io.Pipe()
	m := multipart.NewWriter(w)
	go func() {
		part, err := m.CreateFormFile("file", name)
		if err == nil {
			_, err = io.Copy(part, content)
		}
		w.CloseWithError(errors.Join(err, m.Close()))
	}()
	b, _, err := ask(ctx, "POST", "http://"+s.http+"/api/v1/media", token, r, map[string]string{"Content-Type": m.FormDataContentType()})
	if err != nil {
		return "", err
	}
	var file struct{ URL string }
	return file.URL, errors.Join(json.Unmarshal(b, &file))
}

func uploadTus(ctx context.Context, s *server, token string) (string, error) {
	base := "http://" + s.http
	tus := map[string]string{"Tus-Resumable": "1.0.0", "Upload-Length": strconv.Itoa(fileSize), "Upload-Offset": "0"}
	_, h, err := ask(ctx, "POST", base+"/api/v1/uploads", token, nil, tus)
	if err != nil {
		return "", err
	}
	tus["Content-Type"] = "application/offset+octet-stream"
	if _, _, err := ask(ctx, "PATCH", base+h.Get("Location"), token, io.LimitReader(noise(2), fileSize), tus); err != nil {
		return "", err
	}
	for {
		b, _, err := ask(ctx, "GET", base+h.Get("Location"), token, nil, nil)
		if err != nil {
			return "", err
		}
		var upload struct {
			State string
			Media struct{ URL string }
		}
		if err := json.Unmarshal(b, &upload); err != nil || upload.State != "uploading" {
			return upload.Media.URL, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func ask(ctx context.Context, method, url, token string, body io.Reader, headers map[string]string) ([]byte, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s answers %s: %s", method, url, res.Status, b)
	}
	return b, res.Header, err
}

// download reads a file and returns how long that took.
func download(ctx context.Context, url, token string) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	began := time.Now()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, res.Body, make([]byte, 1<<20))
	if err == nil && n != fileSize {
		err = fmt.Errorf("%s gives %d bytes: %s", url, n, res.Status)
	}
	return time.Since(began), err
}

// againstNginx downloads the same file from both in turns, and compares the best of each.
func againstNginx(ctx context.Context, w *world, o options, url, token string) (result, error) {
	object, err := largest(filepath.Join(w.dir, "media"))
	if err != nil {
		return result{}, err
	}
	addr, stop, err := startNginx(o.dir, object)
	if err != nil {
		return result{}, err
	}
	defer stop()
	ours, theirs := time.Hour, time.Hour
	for range o.rounds {
		for _, side := range []struct {
			url  string
			best *time.Duration
		}{{"http://" + addr + "/file", &theirs}, {url, &ours}} {
			took, err := download(ctx, side.url, token)
			if err != nil {
				return result{}, err
			}
			*side.best = min(*side.best, took)
		}
	}
	speed := func(d time.Duration) string { return fmt.Sprintf("%.0f MiB/s", fileSize/(1<<20)/d.Seconds()) }
	return result{what: "time of a download of 1 GiB from the folder", ours: speed(ours), theirs: "nginx: " + speed(theirs),
		value: ours.Seconds() / theirs.Seconds(), bound: 1.25}, nil
}

// largest finds the object of the large file.
func largest(root string) (path string, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() == fileSize {
			path = p
		}
		return err
	})
	if err == nil && path == "" {
		err = errors.New("the object is not in the folder")
	}
	return path, err
}

// startNginx serves a file at /file by nginx as Debian packages it.
func startNginx(dir, file string) (addr string, stop func(), err error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // not in everybody's PATH
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = l.Addr().String()
	l.Close()
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, err
	}
	if file, err = filepath.Abs(file); err != nil {
		return "", nil, err
	}
	conf := filepath.Join(dir, "nginx.conf")
	user := "" // who it is, so that it may read the file
	if os.Getuid() == 0 {
		user = "user root;"
	}
	text := fmt.Sprintf("daemon off; %s pid %s/nginx.pid; error_log stderr; worker_processes auto; events {} http { sendfile on; tcp_nopush on; access_log off; server { listen %s; location = /file { alias %s; } } }",
		user, dir, addr, file)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return "", nil, err
	}
	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", conf)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start nginx (make bench installs it): %w", err)
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()
	}
	for end := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return addr, stop, c.Close()
		}
		if time.Now().After(end) {
			stop()
			return "", nil, fmt.Errorf("nginx does not answer: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// thumbnails measures the processor time that a photo of 12 megapixels takes, from its arrival until it can be seen.
func thumbnails(ctx context.Context, s *server, token string) (result, error) {
	var photo bytes.Buffer
	img := image.NewRGBA(image.Rect(0, 0, 4000, 3000))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range 3000 {
		for x := range 4000 {
			img.SetRGBA(x, y, color.RGBA{byte(x/16 + random.IntN(12)), byte(y/12 + random.IntN(12)), byte((x+y)/28 + random.IntN(12)), 255})
		}
	}
	if err := jpeg.Encode(&photo, img, &jpeg.Options{Quality: 92}); err != nil {
		return result{}, err
	}
	before, err := s.cpu()
	if err != nil {
		return result{}, err
	}
	for i := range photos {
		// Another one each time, by what follows its end.
		if _, err := postFile(ctx, s, token, "photo.jpg", io.MultiReader(bytes.NewReader(photo.Bytes()), strings.NewReader(strconv.Itoa(i)))); err != nil {
			return result{}, err
		}
	}
	after, err := s.cpu()
	return result{what: fmt.Sprintf("processor time of a photo of 12 megapixels (%.1f MiB)", float64(photo.Len())/(1<<20)),
		value: (after - before).Seconds() / photos, bound: 1, unit: " s"}, err
}

// resetPeak begins anew to measure the most resident memory (proc(5), clear_refs).
func (s *server) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.cmd.Process.Pid), []byte("5"), 0)
}

// peak is the most resident memory since then, in bytes.
func (s *server) peak() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), " kB"), 10, 64)
	return kib << 10, err
}
