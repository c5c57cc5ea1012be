package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"magpie/server/chat"
)

const (
	bearer = "bearer"
	prefix = "/api/v1"
)

// access says who may call an operation. The zero value is the strict one.
type access int

const (
	signedIn access = iota // a valid access token
	public                 // anyone
	sameSite               // anyone, but no page of another site: these set or use the refresh cookie
	leaving                // as sameSite, and pages of an app with a token of its own
)

// op describes an operation.
type op struct {
	method, path string // below /api/v1
	id           string
	summary      string
	tag          string
	status       int // of success; 0: 200 with a body, 204 without
	access       access
	right        chat.Right // of the organisation, which the caller must have
	about        string     // description
	maxBody      int64      // bytes, 0 for the general limit
}

// caller is whom a request comes from.
type caller struct {
	chat.Identity
	addr    string // IP address
	agent   string
	host    string // as the caller wrote it, with the port
	foreign string // the origin of a page of another site, else empty
	secure  bool   // came by TLS
	browser bool
}

type callerKey struct{}

// route registers an operation. What it does: find out who calls and whether that one may, before the body is read; let huma read and check the
// request; call handle; translate its error.
func route[I, O any](a *api, o op, handle func(ctx context.Context, c *caller, in *I) (*O, error)) {
	operation := huma.Operation{
		OperationID: o.id, Method: o.method, Path: prefix + o.path, Summary: o.summary, Description: o.about,
		Tags: []string{o.tag}, DefaultStatus: o.status,
		MaxBodyBytes: a.Limits.Body,
		// A read deadline that passes while the handler waits for the store would cancel the request.
		BodyReadTimeout: a.Limits.Timeout + time.Second,
	}
	if o.maxBody > 0 {
		operation.MaxBodyBytes = o.maxBody
	}
	if o.access == signedIn {
		operation.Security = []map[string][]string{{bearer: {}}}
	}
	what := o.method + " " + operation.Path
	operation.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		c, err := a.callerOf(humaecho.Unwrap(ctx), o.access)
		if err == nil && o.right != "" {
			err = c.Role.May(o.right)
		}
		if err != nil {
			p := a.translate(ctx.Context(), what, err)
			writeProblem(humaecho.Unwrap(ctx).Response(), p)
			return
		}
		next(huma.WithValue(ctx, callerKey{}, c))
	}}
	huma.Register(a.huma, operation, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, ctx.Value(callerKey{}).(*caller), in)
		if err != nil {
			return nil, a.translate(ctx, what, err)
		}
		return out, nil
	})
}

var crossOrigin = http.NewCrossOriginProtection()

func (a *api) callerOf(e echo.Context, need access) (*caller, error) {
	r := e.Request()
	c := &caller{
		addr: e.RealIP(), agent: r.UserAgent(), host: r.Host,
		secure: a.secure(r), foreign: foreignOrigin(r),
		// Over plain HTTP browsers send no Sec-Fetch-Site, but Origin with each POST.
		browser: r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "",
	}
	if need == leaving && (c.foreign == "" || r.Header.Get("Authorization") == "") {
		need = sameSite
	}
	switch need {
	case public:
		return c, nil
	case sameSite:
		if crossOrigin.Check(r) != nil {
			return nil, chat.Errorf(chat.Forbidden, "This can't be called from another site's page.").Named(chat.ProblemOtherSite)
		}
		return c, nil
	}
	if shell, err := a.shell(r, c); shell {
		return c, err
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, chat.Errorf(chat.Unauthenticated, "Please sign in: this needs an access token in the Authorization header.")
	}
	id, err := a.Auth.Verify(r.Context(), strings.TrimSpace(token))
	if err != nil {
		return nil, err
	}
	c.Identity = id
	if err := a.mayCallFrom(r.Context(), id, c.foreign); err != nil {
		return nil, err
	}
	if err := mayCall(id, r.Method, e.Path()); err != nil {
		return nil, err
	}
	if changes(r) {
		if wait := a.writes.take(id.LoginID, time.Now()); wait > 0 {
			return nil, tooFast("You make changes too fast. Please wait a moment.", wait)
		}
	}
	return c, nil
}

// changes reports whether a request is one of those that are limited. The pieces of a file are not: its bytes are.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	case http.MethodPatch:
		return r.Header.Get("Content-Type") != tusContent
	}
	return true
}

// answer is an output with a JSON body.
type answer[T any] struct{ Body T }

// none is an output without a body (204).
type none struct{}

// list is one page of a list.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next" doc:"The cursor of the next page, null at the end."`
}

// page makes the answer of a list; next "" means the end.
func page[T any](items []T, next string) *answer[list[T]] {
	l := list[T]{Items: items}
	if items == nil {
		l.Items = []T{}
	}
	if next != "" {
		l.Next = &next
	}
	return &answer[list[T]]{l}
}

// Paging is the query of a list. Types that inputs and outputs embed are exported because huma leaves others out.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Most items in the answer."`
	Cursor string `query:"cursor" maxLength:"512" doc:"The next of the page before."`
}
