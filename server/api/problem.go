package api

import (
	"cmp"
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
	Type    string                 `json:"type" format:"uri-reference" doc:"What exactly is wrong: /problems/ and a name that stays the same. They are listed in docs/http-api.md."`
	Title   string                 `json:"title" doc:"The status in words."`
	Status  int                    `json:"status" doc:"The HTTP status."`
	Detail  string                 `json:"detail" doc:"A sentence for people that says what to do, in English."`
	Reason  string                 `json:"reason,omitempty" doc:"Where the type has several causes that programs tell apart: which it was."`
	Limit   int                    `json:"limit,omitempty" doc:"The bound that the detail speaks of."`
	Errors  map[string]string      `json:"errors,omitempty" doc:"For a form: what is wrong with which field, in English."`
	Codes   map[string]string      `json:"codes,omitempty" doc:"The same for programs: field to a code that stays the same."`
	Params  map[string]FieldParams `json:"params,omitempty" doc:"The numbers that belong to the codes of fields."`
	Current any                    `json:"current,omitempty" doc:"Where somebody else changed the thing meanwhile (412): what it is now."`

	retryAfter int
}

// FieldParams are the numbers in what is wrong with a field.
type FieldParams struct {
	Limit int `json:"limit" doc:"The bound that was passed."`
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

// ProblemBase goes before a problem's name in its type.
const ProblemBase = "/problems/"

func newProblem(status int, name chat.Problem, detail string) *Problem {
	return &Problem{Type: ProblemBase + string(name), Title: http.StatusText(status), Status: status, Detail: detail}
}

// field adds what is wrong with a field.
func (p *Problem) field(name string, f chat.Field) {
	if p.Errors == nil {
		p.Errors, p.Codes = map[string]string{}, map[string]string{}
	}
	p.Errors[name], p.Codes[name] = f.Message, string(f.Code)
	if f.Limit != 0 {
		if p.Params == nil {
			p.Params = map[string]FieldParams{}
		}
		p.Params[name] = FieldParams{Limit: f.Limit}
	}
}

// Problems that only HTTP has.
const (
	problemMalformed        chat.Problem = "malformed"
	problemMediaType        chat.Problem = "media-type"
	problemBodyTimeout      chat.Problem = "body-timeout"
	problemMethodNotAllowed chat.Problem = "method-not-allowed"
)

// kinds are the domain's codes here: a status, and the name of errors that have none of their own. This is the one place where they
// meet HTTP.
var kinds = map[chat.Code]struct {
	status int
	name   chat.Problem
}{
	chat.Invalid:         {http.StatusUnprocessableEntity, chat.ProblemInvalid},
	chat.Unauthenticated: {http.StatusUnauthorized, chat.ProblemSignedOut},
	chat.Forbidden:       {http.StatusForbidden, chat.ProblemForbidden},
	chat.NotFound:        {http.StatusNotFound, chat.ProblemNotFound},
	chat.Conflict:        {http.StatusConflict, chat.ProblemConflict},
	chat.Changed:         {http.StatusPreconditionFailed, chat.ProblemChanged},
	chat.Unversioned:     {http.StatusPreconditionRequired, chat.ProblemUnversioned},
	chat.TooLarge:        {http.StatusRequestEntityTooLarge, chat.ProblemTooLarge},
	chat.RateLimited:     {http.StatusTooManyRequests, chat.ProblemTooOften},
	chat.Unavailable:     {http.StatusServiceUnavailable, chat.ProblemUnavailable},
}

const internalDetail = "Something went wrong on the server. Please try again; if it happens again, tell your administrator when it happened."

// translate turns an error into the answer, and logs it if it is not the caller's doing. Nothing but a chat.Error's message and
// fields gets out.
func (a *api) translate(ctx context.Context, what string, err error) *Problem {
	var known *chat.Error
	if errors.As(err, &known) {
		if kind, ok := kinds[known.Code]; ok {
			if kind.status >= 500 {
				a.Log.Warn("request refused", "request", what, "err", err)
			}
			p := newProblem(kind.status, cmp.Or(known.Problem, kind.name), known.Message)
			p.Reason, p.Limit, p.retryAfter, p.Current = known.Reason, known.Limit, known.RetryAfter, known.Current
			for name, f := range known.Fields {
				p.field(name, f)
			}
			return p
		}
	}
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return newProblem(http.StatusServiceUnavailable, chat.ProblemUnavailable, "The request was cancelled.") // nobody reads it
	case errors.Is(err, context.DeadlineExceeded):
		a.Log.Warn("request took too long", "request", what, "err", err)
		return newProblem(http.StatusServiceUnavailable, chat.ProblemUnavailable, "The server took too long. Please try again.")
	}
	a.Log.Error("request failed", "request", what, "err", err)
	return newProblem(http.StatusInternalServerError, chat.ProblemInternal, internalDetail)
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
		known, ok := echoErrors[he.Code]
		if !ok {
			known.name, known.detail = chat.ProblemInvalid, http.StatusText(he.Code)+"."
		}
		p = newProblem(he.Code, known.name, known.detail)
	default:
		p = a.translate(c.Request().Context(), c.Request().Method+" "+c.Path(), err)
	}
	writeProblem(c.Response(), p)
}

var echoErrors = map[int]struct {
	name   chat.Problem
	detail string
}{
	http.StatusNotFound:         {chat.ProblemNotFound, "There is nothing at this address."},
	http.StatusMethodNotAllowed: {problemMethodNotAllowed, "This address does not take this method."},
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

	for _, m := range validations {
		*m.words = m.text
	}
}

// validations are what huma may find wrong with a field: its own variable for the words, ours, and the code. A text has at most one verb.
var validations = []struct {
	words *string
	text  string
	code  chat.FieldCode
}{
	{&validation.MsgUnexpectedProperty, "is not known here", chat.FieldUnknown},
	{&validation.MsgExpectedBoolean, "must be true or false", chat.FieldType},
	{&validation.MsgExpectedNumber, "must be a number", chat.FieldType},
	{&validation.MsgExpectedInteger, "must be a whole number", chat.FieldType},
	{&validation.MsgExpectedString, "must be a string", chat.FieldType},
	{&validation.MsgExpectedArray, "must be an array", chat.FieldType},
	{&validation.MsgExpectedObject, "must be an object", chat.FieldType},
	{&validation.MsgExpectedOneOf, "must be one of \"%s\"", chat.FieldChoice},
	{&validation.MsgExpectedMinimumNumber, "must be at least %v", chat.FieldTooSmall},
	{&validation.MsgExpectedMaximumNumber, "must be at most %v", chat.FieldTooBig},
	{&validation.MsgExpectedMinLength, "must have at least %d characters", chat.FieldTooShort},
	{&validation.MsgExpectedMaxLength, "must have at most %d characters", chat.FieldTooLong},
	{&validation.MsgExpectedMinItems, "must have at least %d entries", chat.FieldTooFew},
	{&validation.MsgExpectedMaxItems, "must have at most %d entries", chat.FieldTooMany},
	{&validation.MsgExpectedMatchPattern, "must match %s", chat.FieldFormat},
	{&validation.MsgExpectedRFC3339DateTime, "must be a time like 2026-01-31T12:00:00Z", chat.FieldFormat},
	{&validation.MsgExpectedArrayItemsUnique, "must not repeat an entry", chat.FieldRepeated},
	{&validation.MsgExpectedBePattern, "must be %s", chat.FieldFormat}, // the last, as others begin like it
}

// fieldFrom finds the code of a message that validations made, and the bound if there is one.
func fieldFrom(message string) chat.Field {
	for _, m := range validations {
		before, after, verb := strings.Cut(m.text, "%")
		if verb {
			after = after[1:]
		}
		value, begins := strings.CutPrefix(message, before)
		value, ends := strings.CutSuffix(value, after)
		if begins && ends && (verb || value == "") {
			limit, _ := strconv.ParseFloat(value, 64) // 0 for words
			return chat.Field{Code: m.code, Message: message, Limit: int(limit)}
		}
	}
	return chat.Field{Code: chat.FieldInvalid, Message: message}
}

// validationProblem makes a Problem of what huma found wrong with a request.
func validationProblem(status int, msg string, errs []error) *Problem {
	switch status {
	case http.StatusBadRequest:
		return newProblem(status, problemMalformed, "The body must be valid JSON.")
	case http.StatusUnsupportedMediaType:
		return newProblem(status, problemMediaType, "The body must be JSON, with Content-Type application/json.")
	case http.StatusRequestEntityTooLarge:
		return newProblem(status, chat.ProblemTooLarge, "The request is too large.")
	case http.StatusRequestTimeout:
		return newProblem(status, problemBodyTimeout, "The request's body did not arrive in time.")
	case http.StatusUnprocessableEntity:
		p := newProblem(status, chat.ProblemInvalid, "The request is not valid.")
		for _, err := range errs {
			p.field(fieldOf(err))
		}
		if len(p.Errors) > 0 {
			first := slices.Min(slices.Collect(maps.Keys(p.Errors)))
			p.Detail = fmt.Sprintf("The request is not valid: %s %s.", first, p.Errors[first])
		}
		return p
	case 0: // huma asks for the type only
		return newProblem(status, chat.ProblemInvalid, msg)
	}
	return newProblem(http.StatusInternalServerError, chat.ProblemInternal, internalDetail)
}

// fieldOf returns the field that a validation error of huma is about, without "body.", "query." or the like before it, and what is wrong.
func fieldOf(err error) (string, chat.Field) {
	var d *huma.ErrorDetail
	if !errors.As(err, &d) {
		return "body", chat.Field{Code: chat.FieldInvalid, Message: "is not valid"}
	}
	field := d.Location
	for _, place := range []string{"body", "query", "path", "header"} {
		if rest, ok := strings.CutPrefix(field, place+"."); ok {
			field = rest
			break
		}
	}
	// A missing property is reported about the object that lacks it.
	if name, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		name = strings.TrimSuffix(name, " to be present")
		if field != "body" {
			name = field + "." + name
		}
		return name, chat.Field{Code: chat.FieldRequired, Message: "is missing"}
	}
	return field, fieldFrom(d.Message)
}
