package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"magpie/server/chat"
)

// slowest is the speed below which a download is given up, in bytes a second.
const slowest = 8 << 10

// A file can't do anything in our origin: no script, no form, no frame, nothing loaded. Chromium shows no PDF in a sandbox; its viewer
// is an origin of its own.
const (
	filePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; frame-ancestors 'self'; sandbox"
	pdfPolicy  = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"
	pdf        = "application/pdf"
)

// extensions of the types that pictures are changed to.
var extensions = map[string][]string{
	"image/jpeg": {".jpg", ".jpeg"}, "image/png": {".png"}, "image/webp": {".webp"}, "image/gif": {".gif"},
}

// shown reports whether a browser may show a type in a page; all else is downloaded.
func shown(mimeType string) bool {
	base, _, _ := strings.Cut(mimeType, ";")
	return extensions[base] != nil || base == pdf || base == "text/plain" || strings.HasPrefix(base, "audio/") || strings.HasPrefix(base, "video/")
}

// serveFile gives a variant of a file to who may read it. To everyone else it is not there. Who says not who it is gets 401 whatever it
// asks for: that tells nothing of the file, and a page learns that a renewed login may show it.
func (a *api) serveFile(c echo.Context, variant string) error {
	ctx := c.Request().Context()
	what := "GET " + c.Path()
	who, err := a.reader(c)
	if err != nil {
		return a.translate(ctx, what, err)
	}
	f, b, err := a.Media.Open(ctx, who.EID, who.UID, c.Param("id"), variant)
	if err != nil {
		return a.translate(ctx, what, fmt.Errorf("find a file: %w", err))
	}
	if err := a.serveBlob(c, f, b); err != nil {
		return a.translate(ctx, what, fmt.Errorf("serve a file: %w", err))
	}
	return nil
}

// reader is whom a request for a file comes from, by the cookie of the pages or an access token.
func (a *api) reader(c echo.Context) (chat.Identity, error) {
	r := c.Request()
	var id chat.Identity
	err := error(chat.Errorf(chat.Unauthenticated, "Please sign in: this needs an access token, or the cookie of a page where somebody is signed in."))
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		if id, err = a.Auth.Verify(r.Context(), strings.TrimSpace(token)); err == nil {
			err = a.mayCallFrom(r.Context(), id, foreignOrigin(r))
		}
		if err == nil {
			err = mayCall(id, r.Method, c.Path())
		}
	} else if cookie, missing := r.Cookie(mediaCookie); missing == nil {
		id, err = a.Auth.VerifyMedia(r.Context(), cookie.Value)
	}
	return id, err
}

func (a *api) serveBlob(c echo.Context, f chat.File, b chat.Blob) error {
	r, h := c.Request(), c.Response().Header()
	h.Set("Content-Type", b.Type)
	h.Set("ETag", `"`+hex.EncodeToString(b.Hash[:16])+`"`)
	h.Set("Cache-Control", "private, no-cache") // the right to read may end
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin") // but for those that ask by CORS (embed.go)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	if b.Type == pdf {
		h.Set("Content-Security-Policy", pdfPolicy)
	}
	disposition := "inline"
	if !shown(b.Type) || r.URL.Query().Get("download") == "1" {
		disposition = "attachment"
	}
	disposition = mime.FormatMediaType(disposition, map[string]string{"filename": fileName(f.Name, b)})
	h.Set("Content-Disposition", disposition)
	// A script that fetches could follow only where the store answers CORS, which it need not.
	if redirects(b, disposition) && r.Header.Get("Sec-Fetch-Mode") != "cors" {
		link, err := a.Media.Link(r.Context(), b, disposition)
		if err == nil && link != "" {
			h.Set("Cache-Control", "private, no-store")
			return c.Redirect(http.StatusFound, link)
		}
		if err != nil {
			return err
		}
	}
	body, err := a.content(r, b)
	if err != nil {
		for _, name := range []string{"ETag", "Content-Disposition"} {
			h.Del(name)
		}
		return err
	}
	defer func() { _ = body.Close() }() // only read
	control := http.NewResponseController(c.Response())
	_ = control.SetReadDeadline(time.Time{}) // as in slowly: a connection without deadlines needs none moved
	_ = control.SetWriteDeadline(time.Now().Add(patience + time.Duration(b.Size/slowest)*time.Second))
	http.ServeContent(direct{c.Response().Writer, c.Response()}, r, "", time.Time{}, body)
	return nil
}

// redirects reports whether a browser may get a blob from the media store itself: what it plays or saves. Documents that it shows are under
// our policy.
func redirects(b chat.Blob, disposition string) bool {
	return strings.HasPrefix(disposition, "attachment") || extensions[b.Type] != nil || strings.HasPrefix(b.Type, "audio/") || strings.HasPrefix(b.Type, "video/")
}

// fileName is the name under which a variant is saved: a picture may have been changed to another type.
func fileName(name string, b chat.Blob) string {
	known := extensions[b.Type]
	if b.Variant == chat.VariantOriginal || known == nil {
		return name
	}
	ext := strings.ToLower(path.Ext(name))
	for _, e := range known {
		if ext == e {
			return name
		}
	}
	return strings.TrimSuffix(name, path.Ext(name)) + known[0]
}

// direct writes past Echo's own writer, so that the system can copy a file to the connection by itself.
type direct struct {
	http.ResponseWriter
	echo *echo.Response
}

func (d direct) WriteHeader(status int) {
	d.echo.Status, d.echo.Committed = status, true
	d.ResponseWriter.WriteHeader(status)
}

func (d direct) ReadFrom(r io.Reader) (int64, error) { return io.Copy(d.ResponseWriter, r) }

var firstRange = regexp.MustCompile(`^bytes=(\d{1,18})-`)

// content opens a blob for http.ServeContent. Of a store whose objects can't be moved about in, the likely place is opened at once,
// so that a store that does not answer can still be told.
func (a *api) content(r *http.Request, b chat.Blob) (io.ReadSeekCloser, error) {
	c := &content{size: b.Size, open: func(from int64) (io.ReadCloser, error) { return a.Media.Read(r.Context(), b, from) }}
	if r.Method == http.MethodHead || r.Header.Get("If-None-Match") != "" {
		return c, nil
	}
	if m := firstRange.FindStringSubmatch(r.Header.Get("Range")); m != nil {
		if from, err := strconv.ParseInt(m[1], 10, 64); err == nil && from < b.Size {
			c.bodyAt = from
		}
	}
	body, err := c.open(c.bodyAt)
	if err != nil {
		return nil, err
	}
	if seeker, ok := body.(io.ReadSeekCloser); ok {
		return seeker, nil
	}
	c.body = body
	return c, nil
}

// content is a blob that is opened where it is read.
type content struct {
	open   func(from int64) (io.ReadCloser, error)
	size   int64
	at     int64 // where the next byte is read
	body   io.ReadCloser
	bodyAt int64 // where the body stands
}

func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, errors.New("before the beginning")
	}
	c.at = offset
	return c.at, nil
}

func (c *content) Read(b []byte) (int, error) {
	if c.at >= c.size {
		return 0, io.EOF
	}
	if c.body == nil || c.bodyAt != c.at {
		if err := c.Close(); err != nil {
			return 0, err
		}
		body, err := c.open(c.at)
		if err != nil {
			return 0, err
		}
		c.body, c.bodyAt = body, c.at
	}
	n, err := c.body.Read(b)
	c.at, c.bodyAt = c.at+int64(n), c.bodyAt+int64(n)
	return n, err
}

func (c *content) Close() error {
	if c.body == nil {
		return nil
	}
	err := c.body.Close()
	c.body = nil
	return err
}

// checkMedia is the readiness of the media store. Messages flow without it, so that its failure does not make the server unready.
func (a *api) checkMedia(ctx context.Context) string {
	if a.mediaReady.check(ctx, "media", a.Media.Ready, a.Log) != nil {
		return "unavailable"
	}
	return "ok"
}
