package media

import (
	"context"
	"errors"
	"io"
)

const (
	windowBlock = 256 << 10
	// windowReads bounds how much of a file is looked at to tell what it is, however its own tables would lead about in it.
	windowReads = 24
)

// window reads an object at any place, a block at a time. It is not safe for use by several goroutines.
type window struct {
	ctx   context.Context
	store Store
	key   string
	size  int64

	reads  int
	blocks map[int64][]byte // the last few, by their place
}

func (w *window) ReadAt(b []byte, at int64) (int, error) {
	done := 0
	for done < len(b) {
		if at >= w.size {
			return done, io.EOF
		}
		block, err := w.block(at / windowBlock)
		if err != nil {
			return done, err
		}
		n := copy(b[done:], block[at%windowBlock:])
		done, at = done+n, at+int64(n)
	}
	return done, nil
}

func (w *window) block(i int64) ([]byte, error) {
	if b := w.blocks[i]; b != nil {
		return b, nil
	}
	if w.reads++; w.reads > windowReads {
		return nil, errors.New("the file's tables lead to too many places")
	}
	if len(w.blocks) > 3 || w.blocks == nil {
		w.blocks = map[int64][]byte{}
	}
	r, err := w.store.Open(w.ctx, w.key, i*windowBlock)
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(windowBlock, w.size-i*windowBlock))
	_, err = io.ReadFull(r, b)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	w.blocks[i] = b
	return b, nil
}
