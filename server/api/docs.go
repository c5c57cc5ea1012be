package api

import (
	"embed"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
)

//go:embed docs
var docFiles embed.FS

// docRoutes serves the OpenAPI document and a page to read it, made of nothing but our own files.
func (a *api) docRoutes(e *echo.Echo) {
	document := sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	e.GET("/api/openapi.json", func(c echo.Context) error {
		b, err := document()
		if err != nil {
			return err
		}
		return revalidated(c, "application/json", b)
	})
	for path, file := range map[string]struct{ name, contentType string }{
		"/api/docs":     {"docs/index.html", "text/html; charset=utf-8"},
		"/api/docs.css": {"docs/docs.css", "text/css; charset=utf-8"},
		"/api/docs.js":  {"docs/docs.js", "text/javascript; charset=utf-8"},
	} {
		b, err := docFiles.ReadFile(file.name)
		if err != nil {
			panic(err) // embedded: a mistake in this file
		}
		e.GET(path, func(c echo.Context) error { return revalidated(c, file.contentType, b) })
	}
	e.GET("/api/docs/", func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, "/api/docs") })
}
