// Package media keeps the files that people send: it takes uploads, finds out what they are, makes pictures fit to be seen, and gives
// them out again to those who may.
//
// The bytes lie in a Store: a folder (folder.go) or S3 (s3.go). A Library (library.go) stands before it and before the
// database, which knows whose a file is, what it is, and which messages carry it.
package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Store keeps objects: immutable sequences of bytes, each under a key that is used once. Keys are made of lower-case letters, digits,
// hyphens, underscores and slashes.
//
// Methods may be called from any goroutine. What they return when the store does not answer, is full or fails is an ErrUnavailable.
type Store interface {
	// Put stores all of r under key. Nothing of it can be read before all of it is durable. An error of r is returned as it is.
	Put(ctx context.Context, key string, r io.Reader) error
	// Open reads an object from a place on; ErrNotFound where there is none.
	Open(ctx context.Context, key string, from int64) (io.ReadCloser, error)
	// Delete removes an object, or what was begun under its key. One that is not there is no error.
	Delete(ctx context.Context, key string) error

	// Write goes on with an object that comes in pieces. It reads r to its end, and calls saved whenever more is durable; progress is
	// what saved was told last, zero at first. When it returns, with an error of r too, all that was read and counted is durable.
	Write(ctx context.Context, key string, p Progress, r io.Reader, saved func(Progress) error) (Progress, error)
	// Finish makes an object of what was written.
	Finish(ctx context.Context, key string, p Progress) error

	// Ready reports whether the store takes anything at the moment.
	Ready(ctx context.Context) error
}

// Progress is how far a Write has come.
type Progress struct {
	Size   int64  // of the whole object, given at the beginning
	Offset int64  // bytes that are durable
	Notes  string // the store's own
}

// ErrNotFound says that there is no such object.
var ErrNotFound = fmt.Errorf("there is no such object in the media store: %w", fs.ErrNotExist)

// ErrUnavailable is why a store could not do something that it may do later.
type ErrUnavailable struct{ Err error }

func (e *ErrUnavailable) Error() string { return "the media store: " + e.Err.Error() }
func (e *ErrUnavailable) Unwrap() error { return e.Err }

// unavailable wraps an error of the store; those of the caller's reader it leaves as they are.
func unavailable(err error) error {
	var from *readError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &from):
		return from.error
	}
	return &ErrUnavailable{err}
}

// source marks the errors of an upload's reader, to tell them from those of the store.
type source struct{ io.Reader }

type readError struct{ error }

func (s source) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}
