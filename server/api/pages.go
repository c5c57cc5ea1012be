package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// contentTypes of the pages' files: what the system's own table says differs from machine to machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".ico": "image/x-icon",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
	".wasm": "application/wasm", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
}

// pageRoutes serves the front end: its pages for the addresses that they route themselves, and its files.
func (a *api) pageRoutes(e *echo.Echo) {
	for file, paths := range map[string][]string{
		"index.html": {"/", "/setup", "/c/*", "/people", "/people/*", "/settings", "/join"},
		"admin.html": {"/admin", "/admin/*"},
		"reset.html": {"/reset"},
	} {
		page := func(c echo.Context) error { return a.file(c, file) }
		for _, p := range paths {
			e.GET(p, page)
			e.HEAD(p, page)
		}
	}
	other := func(c echo.Context) error {
		name := strings.TrimPrefix(path.Clean(c.Request().URL.Path), "/")
		err := a.file(c, name)
		if errors.Is(err, echo.ErrNotFound) && a.Pages != nil && forPerson(c.Request(), name) {
			b, readErr := fs.ReadFile(a.Pages, "index.html")
			if readErr == nil {
				return c.Blob(http.StatusNotFound, contentTypes[".html"], b)
			}
			err = readErr
		}
		return err
	}
	e.GET("/*", other)
	e.HEAD("/*", other)
}

// forPerson reports whether somebody who opens a wrong address in a browser asks for it: the app then says so in its own words. Programs,
// and pages that lack one of their files, get a problem.
func forPerson(r *http.Request, name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return strings.Contains(r.Header.Get("Accept"), "text/html") && path.Ext(name) == "" && !slices.Contains([]string{"api", "media", "assets", "mqtt"}, first)
}

func (a *api) file(c echo.Context, name string) error {
	contentType := contentTypes[path.Ext(name)]
	if a.Pages == nil || contentType == "" || strings.HasPrefix(name, "api/") || !fs.ValidPath(name) {
		return echo.ErrNotFound
	}
	b, err := fs.ReadFile(a.Pages, name)
	if errors.Is(err, fs.ErrNotExist) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	if strings.HasPrefix(name, "assets/") { // their names change with their contents
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		return serve(c, contentType, b)
	}
	return revalidated(c, contentType, b)
}

// revalidated serves what a browser may keep but must ask about each time.
func revalidated(c echo.Context, contentType string, b []byte) error {
	return tagged(c, "no-cache", contentType, b)
}

// tagged serves what a browser may keep as cache says, and asks about by its tag afterwards.
func tagged(c echo.Context, cache, contentType string, b []byte) error {
	sum := sha256.Sum256(b)
	c.Response().Header().Set("Cache-Control", cache)
	c.Response().Header().Set("ETag", `W/"`+hex.EncodeToString(sum[:12])+`"`) // weak: it may go out compressed
	return serve(c, contentType, b)
}

func serve(c echo.Context, contentType string, b []byte) error {
	c.Response().Header().Set("Content-Type", contentType)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(b))
	return nil
}
