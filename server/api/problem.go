package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/labstack/echo/v4"

	"magpie/server/chat"
)

// Problem is an error as callers see it (RFC 9457).
type Problem struct {
	Type   string            `json:"type" doc:"Always about:blank: the status says what kind of problem it is."`
	Title  string            `json:"title" doc:"The status in words."`
	Status int               `json:"status" doc:"The HTTP status."`
	Detail string            `json:"detail" doc:"A sentence for people that says what to do."`
	Errors map[string]string `json:"errors,omitempty" doc:"For a form: what is wrong with which field."`

	retryAfter int
}

func (p *Problem) Error() string  { return p.Detail }
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes huma answer with application/problem+json.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders adds the headers that belong to the status.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

func newProblem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// statuses of the domain's codes. This is the one place where they meet HTTP.
var statuses = map[chat.Code]int{
	chat.Invalid:         http.StatusUnprocessableEntity,
	chat.Unauthenticated: http.StatusUnauthorized,
	chat.Forbidden:       http.StatusForbidden,
	chat.NotFound:        http.StatusNotFound,
	chat.Conflict:        http.StatusConflict,
	chat.TooLarge:        http.StatusRequestEntityTooLarge,
	chat.RateLimited:     http.StatusTooManyRequests,
	chat.Unavailable:     http.StatusServiceUnavailable,
}

const internalDetail = "Something went wrong on the server. Please try again; if it happens again, tell your administrator when it happened."

// translate turns an error into the answer, and logs it if it is not the caller's doing. Nothing but a chat.Error's message and
// fields gets out.
func (a *api) translate(ctx context.Context, what string, err error) *Problem {
	var known *chat.Error
	if errors.As(err, &known) {
		if status, ok := statuses[known.Code]; ok {
			if status >= 500 {
				a.Log.Warn("request refused", "request", what, "err", err)
			}
			p := newProblem(status, known.Message)
			p.Errors, p.retryAfter = known.Fields, known.RetryAfter
			return p
		}
	}
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return newProblem(http.StatusServiceUnavailable, "The request was cancelled.") // nobody reads it
	case errors.Is(err, context.DeadlineExceeded):
		a.Log.Warn("request took too long", "request", what, "err", err)
		return newProblem(http.StatusServiceUnavailable, "The server took too long. Please try again.")
	}
	a.Log.Error("request failed", "request", what, "err", err)
	return newProblem(http.StatusInternalServerError, internalDetail)
}

// echoError answers what does not reach an operation: unknown paths, wrong methods, panics.
func (a *api) echoError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	var p *Problem
	var he *echo.HTTPError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &he) && he.Code < 500:
		p = newProblem(he.Code, echoDetails[he.Code])
		if p.Detail == "" {
			p.Detail = http.StatusText(he.Code) + "."
		}
	default:
		p = a.translate(c.Request().Context(), c.Request().Method+" "+c.Path(), err)
	}
	writeProblem(c.Response(), p)
}

var echoDetails = map[int]string{
	http.StatusNotFound:         "There is nothing at this address.",
	http.StatusMethodNotAllowed: "This address does not take this method.",
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone
}

// huma keeps these settings in package variables. The words of its validation replace its own, which are made for developers of schemas.
func init() {
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return validationProblem(status, msg, errs)
	}

	validation.MsgUnexpectedProperty = "is not known here"
	validation.MsgExpectedBoolean = "must be true or false"
	validation.MsgExpectedNumber = "must be a number"
	validation.MsgExpectedInteger = "must be a whole number"
	validation.MsgExpectedString = "must be a string"
	validation.MsgExpectedArray = "must be an array"
	validation.MsgExpectedObject = "must be an object"
	validation.MsgExpectedOneOf = "must be one of \"%s\""
	validation.MsgExpectedMinimumNumber = "must be at least %v"
	validation.MsgExpectedMaximumNumber = "must be at most %v"
	validation.MsgExpectedMinLength = "must have at least %d characters"
	validation.MsgExpectedMaxLength = "must have at most %d characters"
	validation.MsgExpectedMinItems = "must have at least %d entries"
	validation.MsgExpectedMaxItems = "must have at most %d entries"
	validation.MsgExpectedMatchPattern = "must match %s"
	validation.MsgExpectedRFC3339DateTime = "must be a time like 2026-01-31T12:00:00Z"
	validation.MsgExpectedArrayItemsUnique = "must not repeat an entry"
}

// validationProblem makes a Problem of what huma found wrong with a request.
func validationProblem(status int, msg string, errs []error) *Problem {
	switch status {
	case http.StatusBadRequest:
		return newProblem(status, "The body must be valid JSON.")
	case http.StatusUnsupportedMediaType:
		return newProblem(status, "The body must be JSON, with Content-Type application/json.")
	case http.StatusRequestEntityTooLarge:
		return newProblem(status, "The request is too large.")
	case http.StatusRequestTimeout:
		return newProblem(status, "The request's body did not arrive in time.")
	case http.StatusUnprocessableEntity:
		p := newProblem(status, "The request is not valid.")
		p.Errors = map[string]string{}
		for _, err := range errs {
			field, message := fieldOf(err)
			p.Errors[field] = message
		}
		if len(p.Errors) > 0 {
			first := slices.Min(slices.Collect(maps.Keys(p.Errors)))
			p.Detail = fmt.Sprintf("The request is not valid: %s %s.", first, p.Errors[first])
		}
		return p
	case 0: // huma asks for the type only
		return newProblem(status, msg)
	}
	return newProblem(http.StatusInternalServerError, internalDetail)
}

// fieldOf returns the field that a validation error of huma is about, without "body.", "query." or the like before it.
func fieldOf(err error) (field, message string) {
	var d *huma.ErrorDetail
	if !errors.As(err, &d) {
		return "body", "is not valid"
	}
	field, message = d.Location, d.Message
	for _, place := range []string{"body", "query", "path", "header"} {
		if rest, ok := strings.CutPrefix(field, place+"."); ok {
			field = rest
			break
		}
	}
	// A missing property is reported about the object that lacks it.
	if name, ok := strings.CutPrefix(message, "expected required property "); ok {
		name = strings.TrimSuffix(name, " to be present")
		if field == "body" {
			return name, "is missing"
		}
		return field + "." + name, "is missing"
	}
	return field, message
}
