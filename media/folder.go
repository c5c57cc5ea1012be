package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// piece is how much of an upload is written before it is made durable, and noted as such.
const piece = 8 << 20

// folder is a Store in a folder: an object is a file, named by its key. What is not complete lies in the folder "coming" beside them.
type folder struct{ root string }

// Folder opens a store in a folder, which it makes, for its owner alone.
func Folder(root string) (Store, error) {
	f := folder{filepath.Clean(root)}
	if err := os.MkdirAll(f.coming(""), 0o700); err != nil {
		return nil, fmt.Errorf("make the media folder: %w", err)
	}
	return f, nil
}

// coming is where an object is written until it is complete.
func (f folder) coming(key string) string {
	return filepath.Join(f.root, "coming", strings.ReplaceAll(key, "/", "."))
}

func (f folder) path(key string) string { return filepath.Join(f.root, filepath.FromSlash(key)) }

func (f folder) Put(ctx context.Context, key string, r io.Reader) error {
	p, err := f.Write(ctx, key, Progress{}, r, func(Progress) error { return nil })
	if err == nil {
		p.Size = p.Offset
		err = f.Finish(ctx, key, p)
	}
	if err != nil {
		_ = os.Remove(f.coming(key))
	}
	return err
}

func (f folder) Open(_ context.Context, key string, from int64) (io.ReadCloser, error) {
	file, err := os.Open(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, unavailable(err)
	}
	if from > 0 {
		if _, err := file.Seek(from, io.SeekStart); err != nil {
			_ = file.Close()
			return nil, unavailable(err)
		}
	}
	return file, nil
}

func (f folder) Delete(_ context.Context, key string) error {
	for _, path := range []string{f.coming(key), f.path(key)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unavailable(err)
		}
	}
	return nil
}

func (f folder) Write(ctx context.Context, key string, p Progress, r io.Reader, saved func(Progress) error) (Progress, error) {
	file, err := os.OpenFile(f.coming(key), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return p, unavailable(err)
	}
	defer func() { _ = file.Close() }() // what counts has been synced
	info, err := file.Stat()
	if err == nil && info.Size() < p.Offset {
		err = fmt.Errorf("%d bytes are there, not %d", info.Size(), p.Offset)
	}
	if err == nil { // a crash may have left bytes that nobody counted
		err = file.Truncate(p.Offset)
	}
	if err != nil {
		return p, unavailable(err)
	}
	if _, err := file.Seek(p.Offset, io.SeekStart); err != nil {
		return p, unavailable(err)
	}
	for {
		n, copyErr := io.CopyN(file, source{r}, piece)
		if n > 0 {
			if err := file.Sync(); err != nil {
				return p, unavailable(err)
			}
			p.Offset += n
			if err := saved(p); err != nil {
				return p, err
			}
		}
		if copyErr == io.EOF {
			return p, nil
		}
		if copyErr != nil {
			return p, unavailable(copyErr)
		}
		if err := ctx.Err(); err != nil {
			return p, err
		}
	}
}

func (f folder) Finish(_ context.Context, key string, p Progress) error {
	from, to := f.coming(key), f.path(key)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return unavailable(err)
	}
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) { // a finish that was cut off after the rename
		from = to
		info, err = os.Stat(from)
	}
	if err == nil && info.Size() != p.Offset {
		err = fmt.Errorf("%d bytes are there, not %d", info.Size(), p.Offset)
	}
	if err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		return unavailable(err)
	}
	// The names too must survive a power cut.
	for dir := filepath.Dir(to); len(dir) >= len(f.root); dir = filepath.Dir(dir) {
		if err := syncDir(dir); err != nil {
			return unavailable(err)
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f folder) Ready(context.Context) error {
	file, err := os.CreateTemp(f.coming(""), "ready-*")
	if err != nil {
		return unavailable(err)
	}
	_, err = file.Write([]byte{0})
	return unavailable(errors.Join(err, file.Close(), os.Remove(file.Name())))
}
