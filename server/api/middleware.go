package api

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"magpie/server/chat"
)

func (a *api) middleware(e *echo.Echo) {
	// Routes match the decoded path: a client may write the colon of "u:alice" as %3A.
	e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Request().URL.RawPath = ""
			return next(c)
		}
	})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "magpie_http_request_seconds", Help: "Time to answer HTTP requests, by route and status.",
		Buckets: []float64{.001, .005, .02, .1, .5, 2, 10},
	}, []string{"method", "route", "status"})
	a.Metrics.MustRegister(seconds)

	e.Use(
		middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogLatency: true, LogStatus: true, LogMethod: true, LogRoutePath: true, LogRemoteIP: true, HandleError: true,
			LogValuesFunc: func(c echo.Context, v middleware.RequestLoggerValues) error {
				// The route, not the path: paths name people.
				seconds.WithLabelValues(method(v.Method), v.RoutePath, strconv.Itoa(v.Status)).Observe(v.Latency.Seconds())
				a.Log.LogAttrs(c.Request().Context(), slog.LevelDebug, "request", slog.String("method", v.Method), slog.String("route", v.RoutePath),
					slog.Int("status", v.Status), slog.Duration("took", v.Latency), slog.String("addr", v.RemoteIP))
				return nil
			},
		}),
		middleware.RecoverWithConfig(middleware.RecoverConfig{
			LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
				a.Log.Error("panic in a request", "request", c.Request().Method+" "+c.Path(), "err", err, "stack", string(stack))
				return newProblem(http.StatusInternalServerError, chat.ProblemInternal, internalDetail)
			},
		}),
		a.securityHeaders,
		a.cors,
		middleware.ContextTimeoutWithConfig(middleware.ContextTimeoutConfig{Skipper: flows, Timeout: a.Limits.Timeout}),
		middleware.GzipWithConfig(middleware.GzipConfig{
			Level: 5, MinLength: 1024,
			// Compressing secrets beside what the caller chose lets their length tell.
			Skipper: func(c echo.Context) bool { return strings.HasPrefix(c.Path(), prefix+"/auth/") || streams(c) },
		}),
	)
}

// method bounds the metric's label: a caller may invent methods.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// To 'self' belong WebSockets of the same host and port, by CSP 3 §6.7.2.8.
// contentPolicy is what pages may load. files is where the media store gives files out by itself, or empty.
func contentPolicy(files string) string {
	if files != "" {
		files = " " + files
	}
	return "default-src 'self'; connect-src 'self'; img-src 'self' data: blob:" + files + "; media-src 'self' blob:" + files + "; " +
		"script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

func (a *api) securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	files := ""
	if a.Media != nil {
		files = a.Media.Origin()
	}
	policy := contentPolicy(files)
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "geolocation=(self), camera=(self), microphone=(self), interest-cohort=()")
		h.Set("Cache-Control", "no-store") // pages.go says where it may be kept
		return next(c)
	}
}

// ClientAddress returns a function that tells the IP address a request comes from: the connection's, or what trusted proxies say.
func ClientAddress(trusted []netip.Prefix) func(*http.Request) string {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		p = p.Masked()
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// secure reports whether a request came by TLS, to us or to a trusted proxy.
func (a *api) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return false
	}
	for _, p := range a.TrustedProxies {
		if p.Contains(from.Addr().Unmap()) {
			return true
		}
	}
	return false
}
