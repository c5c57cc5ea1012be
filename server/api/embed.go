package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"magpie/server/chat"
)

// Pages of other sites come by an app: its origins may frame the panel, and call with the tokens of its logins. All others are refused here, and
// for MQTT in package broker.

const (
	panelPath  = "/embed/v1/panel"
	loaderPath = "/embed/v1/loader.js"
	panelFile  = "embed.html"
	loaderFile = "embed/loader.js"
)

// foreignOrigin returns the Origin of a request that comes from a page of another origin than this server's, and empty for all others.
func foreignOrigin(r *http.Request) string {
	origin := r.Header.Get("Origin")
	if origin == "" || r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return ""
	}
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return ""
	}
	return origin
}

// allowsOrigin reports whether pages of another origin may call for an app; for any, where app is empty.
func (a *api) allowsOrigin(ctx context.Context, app, origin string) (bool, error) {
	if origin == "null" || len(origin) > 512 { // of sandboxed frames, which could be anybody's
		return false, nil
	}
	ok, err := a.Store.AllowsOrigin(ctx, app, origin)
	if err != nil {
		return false, fmt.Errorf("look for an origin: %w", err)
	}
	return ok, nil
}

// mayCallFrom checks that a request from a page of another origin speaks for an app that allows it.
func (a *api) mayCallFrom(ctx context.Context, id chat.Identity, origin string) error {
	if origin == "" {
		return nil
	}
	if id.App != "" {
		ok, err := a.allowsOrigin(ctx, id.App, origin)
		if err != nil || ok {
			return err
		}
	}
	return errOrigin(origin)
}

func errOrigin(origin string) error {
	if len(origin) > 100 {
		origin = "this origin"
	}
	return chat.Errorf(chat.Forbidden, "Pages of %s may not call here. An administrator can allow the origin in the app's settings.", origin).Named(chat.ProblemAppOrigin)
}

// Headers that pages of apps may send and read.
const (
	corsAllowed = "Authorization, Content-Type, Idempotency-Key, If-Match, Range, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, Upload-Defer-Length"
	corsExposed = "ETag, Location, Retry-After, Content-Disposition, Content-Range, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Upload-Offset, Upload-Length, Upload-Expires"
)

// cors lets pages of apps call the API and read files, with an access token and never with cookies (Fetch §3.2). Whether the token is one of their app is
// looked at where it is.
func (a *api) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, h := c.Request(), c.Response().Header()
		if !strings.HasPrefix(r.URL.Path, prefix+"/") && !strings.HasPrefix(r.URL.Path, mediaPath+"/") {
			return next(c)
		}
		h.Add("Vary", "Origin")
		origin := foreignOrigin(r)
		if origin == "" {
			return next(c)
		}
		ok, err := a.allowsOrigin(r.Context(), "", origin)
		if err != nil {
			return err
		}
		if ok {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", corsExposed)
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			if ok {
				h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
				h.Set("Access-Control-Allow-Headers", corsAllowed)
				h.Set("Access-Control-Max-Age", "600")
			}
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}

func (a *api) embedRoutes(e *echo.Echo) {
	for path, serve := range map[string]echo.HandlerFunc{panelPath: a.panel, loaderPath: a.loader} {
		e.GET(path, serve)
		e.HEAD(path, serve)
	}
}

// loader serves the script that other sites put into their pages.
func (a *api) loader(c echo.Context) error {
	b, err := a.embedded(loaderFile)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return tagged(c, "public, max-age=300", contentTypes[".js"], b)
}

func (a *api) embedded(name string) ([]byte, error) {
	if a.Pages == nil {
		return nil, echo.ErrNotFound
	}
	b, err := fs.ReadFile(a.Pages, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = echo.ErrNotFound
	}
	return b, err
}

// panel serves the page that shows the chat in a frame of another site. Who may frame it stands in its policy, and in the page for its own use: it talks with
// pages of these origins alone. They are part of what the browser compares when it asks for the page anew, so that an old policy is never kept.
func (a *api) panel(c echo.Context) error {
	r, h := c.Request(), c.Response().Header()
	what := "GET " + panelPath
	app, err := a.Auth.LiveApp(r.Context(), c.QueryParam("app"))
	if err != nil {
		return a.translate(r.Context(), what, err)
	}
	b, err := a.embedded(panelFile)
	if err != nil {
		return err
	}
	own := "http://" + r.Host
	if a.secure(r) {
		own = "https://" + r.Host
	}
	origins := slices.Concat([]string{own}, app.Origins)
	meta := `<meta name="magpie-origins" content="` + html.EscapeString(strings.Join(origins, " ")) + `">`
	b = bytes.Replace(b, []byte("<head>"), []byte("<head>"+meta), 1)
	policy := strings.Replace(h.Get("Content-Security-Policy"), "frame-ancestors 'none'", "frame-ancestors "+strings.Join(slices.Concat([]string{"'self'"}, app.Origins), " "), 1)
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Del("X-Frame-Options") // frame-ancestors says more
	return revalidated(c, contentTypes[".html"], b)
}
