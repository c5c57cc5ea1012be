package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// healthRoutes serves what operators ask: is it alive, is it ready.
func (a *api) healthRoutes(e *echo.Echo) {
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) })
	e.GET("/readyz", a.readyz)
}

type readyAnswer struct {
	Status string            `json:"status"` // "ready", "degraded" while only files are concerned, or "unavailable"
	Checks map[string]string `json:"checks"` // part → "ok" or "unavailable"
}

func (a *api) readyz(c echo.Context) error {
	out, status := readyAnswer{Status: "ready", Checks: map[string]string{"database": "ok", "media": a.checkMedia(c.Request().Context())}}, http.StatusOK
	if out.Checks["media"] != "ok" {
		out.Status = "degraded"
	}
	if err := a.ready.check(c.Request().Context(), "database", a.Store.Ready, a.Log); err != nil {
		out.Status, out.Checks["database"], status = "unavailable", "unavailable", http.StatusServiceUnavailable
	}
	return c.JSON(status, out)
}

// readiness keeps the last verdict for a second: the check writes to the disk, and anyone may ask.
type readiness struct {
	mu  sync.Mutex // guards at and err, and lets one check run at a time
	at  time.Time
	err error
}

func (r *readiness) check(ctx context.Context, part string, ready func(context.Context) error, log *slog.Logger) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < time.Second {
		return r.err
	}
	// The verdict is everyone's, so it must not depend on the one caller's patience.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := ready(ctx)
	if err != nil && r.err == nil {
		log.Warn("not ready", "part", part, "err", err)
	}
	r.at, r.err = time.Now(), err
	return err
}
