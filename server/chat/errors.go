package chat

import (
	"errors"
	"fmt"
)

// Code classes an error for the machine. Each translator (HTTP, MQTT) maps it once.
type Code string

const (
	Invalid         Code = "invalid"         // the input is wrong; Fields may say where
	Unauthenticated Code = "unauthenticated" // not signed in, or the sign-in is wrong
	Forbidden       Code = "forbidden"       // the caller sees the thing but may not do this
	NotFound        Code = "not_found"       // not there, or not for the caller's eyes
	Conflict        Code = "conflict"        // contradicts what is stored
	Changed         Code = "changed"         // somebody else changed it meanwhile; Current is what it is now
	Unversioned     Code = "unversioned"     // a change that does not say which version it is of
	TooLarge        Code = "too_large"
	RateLimited     Code = "rate_limited" // RetryAfter says when to come back
	Unavailable     Code = "unavailable"  // a part that is needed does not answer; try again
	Internal        Code = "internal"
)

// Error is an error that a person may read. Message is a whole sentence that says what to do, and
// holds nothing internal; Err, the cause, is for the log only.
type Error struct {
	Code       Code
	Problem    Problem // what exactly is wrong, where programs have words of their own for it
	Reason     string  // where a problem has several causes that programs tell apart: which it was
	Message    string
	Fields     map[string]Field // form field → what is wrong with it
	Limit      int              // the number that Message names, where it is a bound
	RetryAfter int              // seconds, for RateLimited and Unavailable
	Current    any              // for Changed
	Err        error
}

// Field is what is wrong with one field of a form.
type Field struct {
	Code    FieldCode
	Message string
	Limit   int // the number that Message names, where it is a bound
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Named says what exactly is wrong, and returns e.
func (e *Error) Named(p Problem) *Error {
	e.Problem = p
	return e
}

// Errorf makes an Error of a code with a message for a person.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// FieldError makes an Invalid error about one field of a form.
func FieldError(field string, code FieldCode, format string, args ...any) *Error {
	f := Field{Code: code, Message: fmt.Sprintf(format, args...)}
	return &Error{Code: Invalid, Message: field + ": " + f.Message, Fields: map[string]Field{field: f}}
}

// FieldLimit is FieldError about a bound, which the %d in format stands for.
func FieldLimit(field string, code FieldCode, format string, limit int) *Error {
	f := Field{Code: code, Message: fmt.Sprintf(format, limit), Limit: limit}
	return &Error{Code: Invalid, Message: field + ": " + f.Message, Fields: map[string]Field{field: f}}
}

// CodeOf returns the code of err, and Internal for errors that have none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
