package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"magpie/media/s3test"
)

// stores are the implementations, each of which must keep the one contract.
func stores(t *testing.T) map[string]Store {
	t.Helper()
	s3test.SetKeys(t)
	out := map[string]Store{}
	for name, place := range map[string]string{
		"folder": filepath.Join(t.TempDir(), "media"), "versitygw": s3test.Versity(t).Place("files", ""), "minio": s3test.MinIO(t).Place("magpie-files", "&region=us-east-1&style=path"),
		"minio with a prefix": s3test.MinIO(t).Place("shared", "&region=us-east-1"),
	} {
		if strings.Contains(name, "prefix") {
			place = strings.Replace(place, "?", "/magpie/files?", 1)
		}
		s, err := Open(t.Context(), place)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = s
	}
	return out
}

// noise is n bytes that don't repeat.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b) // never fails
	return b
}

func read(t *testing.T, s Store, key string, from int64) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), key, from)
	if err != nil {
		t.Fatalf("open %s from %d: %v", key, from, err)
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	return b
}

func TestStoreContract(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) { contract(t, s) })
	}
}

func contract(t *testing.T, s Store) {
	ctx := t.Context()
	if err := s.Ready(ctx); err != nil {
		t.Fatalf("not ready: %v", err)
	}
	if _, err := s.Open(ctx, "acme/00/none", 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if err := s.Delete(ctx, "acme/00/none"); err != nil {
		t.Errorf("delete what is not there: %v", err)
	}

	t.Run("put", func(t *testing.T) {
		for _, size := range []int{0, 1, 70_000, piece - 1, piece, piece + 1, 2*piece + 12345} {
			key, b := newKey("acme"), noise(size)
			if err := s.Put(ctx, key, iotest.HalfReader(bytes.NewReader(b))); err != nil {
				t.Fatalf("put %d bytes: %v", size, err)
			}
			if !bytes.Equal(read(t, s, key, 0), b) {
				t.Errorf("%d bytes are others", size)
			}
			if size > 10 && !bytes.Equal(read(t, s, key, int64(size)-7), b[size-7:]) {
				t.Errorf("the last 7 of %d bytes are others", size)
			}
			if err := s.Delete(ctx, key); err != nil {
				t.Errorf("delete: %v", err)
			}
			if _, err := s.Open(ctx, key, 0); !errors.Is(err, ErrNotFound) {
				t.Errorf("after it was deleted: %v", err)
			}
		}
	})

	t.Run("put that breaks off", func(t *testing.T) {
		broken := errors.New("the line is cut")
		for _, size := range []int{100, piece, 2*piece + 5} {
			key := newKey("acme")
			err := s.Put(ctx, key, io.MultiReader(bytes.NewReader(noise(size)), iotest.ErrReader(broken)))
			if !errors.Is(err, broken) || errors.As(err, new(*ErrUnavailable)) {
				t.Errorf("after %d bytes: %v, want the reader's own error", size, err)
			}
			if _, err := s.Open(ctx, key, 0); !errors.Is(err, ErrNotFound) {
				t.Errorf("after %d bytes something is there: %v", size, err)
			}
		}
	})

	t.Run("write", func(t *testing.T) {
		// In pieces of all sizes, each by another request.
		for _, cuts := range [][]int{{10}, {3, 3, 4}, {piece}, {piece, 1}, {1, piece}, {piece - 1, 2, piece + 7}, {2*piece + 100, 5, 5, 5, piece}} {
			size := 0
			for _, n := range cuts {
				size += n
			}
			key, b := newKey("acme"), noise(size)
			p := Progress{Size: int64(size)}
			for _, n := range cuts {
				p = write(t, s, key, p, bytes.NewReader(b[p.Offset:p.Offset+int64(n)]), int(p.Offset)+n)
				if p.Offset == p.Size {
					break
				}
				if _, err := s.Open(ctx, key, 0); !errors.Is(err, ErrNotFound) {
					t.Errorf("%v: it can be read before it is whole: %v", cuts, err)
				}
			}
			for range 2 { // the second as if the first one's answer was lost
				if err := s.Finish(ctx, key, p); err != nil {
					t.Fatalf("%v: finish: %v", cuts, err)
				}
			}
			if !bytes.Equal(read(t, s, key, 0), b) {
				t.Errorf("%v: other bytes", cuts)
			}
			if err := s.Delete(ctx, key); err != nil {
				t.Errorf("%v: delete: %v", cuts, err)
			}
		}
	})

	t.Run("write that breaks off", func(t *testing.T) {
		broken := errors.New("the line is cut")
		size := 2*piece + 50
		key, b := newKey("acme"), noise(size)
		var last Progress
		p, err := s.Write(ctx, key, Progress{Size: int64(size)}, io.MultiReader(bytes.NewReader(b[:piece+20]), iotest.ErrReader(broken)), func(p Progress) error {
			last = p
			return nil
		})
		if !errors.Is(err, broken) || p.Offset != piece+20 || last != p {
			t.Fatalf("%d bytes, last saved %d: %v", p.Offset, last.Offset, err)
		}
		// The process dies after more was written than it noted.
		_, err = s.Write(ctx, key, p, bytes.NewReader(noise(5000)), func(Progress) error { return broken })
		if !errors.Is(err, broken) {
			t.Errorf("what can't be noted: %v", err)
		}
		p = write(t, s, key, p, bytes.NewReader(b[p.Offset:]), size)
		if err := s.Finish(ctx, key, p); err != nil {
			t.Fatalf("finish: %v", err)
		}
		if !bytes.Equal(read(t, s, key, 0), b) {
			t.Error("other bytes")
		}
	})

	t.Run("given up", func(t *testing.T) {
		key := newKey("acme")
		p := write(t, s, key, Progress{Size: 3 * piece}, bytes.NewReader(noise(piece+10)), piece+10)
		if err := s.Delete(ctx, key); err != nil {
			t.Errorf("delete what was begun: %v", err)
		}
		if _, err := s.Write(ctx, key, p, bytes.NewReader(noise(2*piece)), func(Progress) error { return nil }); err == nil {
			t.Error("what was deleted goes on")
		}
	})
}

func write(t *testing.T, s Store, key string, p Progress, r io.Reader, want int) Progress {
	t.Helper()
	var saved Progress
	p, err := s.Write(t.Context(), key, p, r, func(p Progress) error {
		saved = p
		return nil
	})
	if err != nil || p.Offset != int64(want) || saved != p {
		t.Fatalf("write: %d bytes, %d saved, want %d: %v", p.Offset, saved.Offset, want, err)
	}
	return p
}

func TestFolderIsPrivate(t *testing.T) {
	root := filepath.Join(t.TempDir(), "media")
	s, err := Open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(context.Background(), "acme/ab/abc", strings.NewReader("secret")); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may use %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAddressesOfS3(t *testing.T) {
	t.Setenv("MAGPIE_MEDIA_ACCESS_KEY", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_ACCESS_KEY", "")
	if _, err := parseS3("s3://files"); err == nil || !strings.Contains(err.Error(), "MAGPIE_MEDIA_ACCESS_KEY") {
		t.Errorf("without keys: %v", err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := parseS3("s3://files/a/b?endpoint=http://minio:9000&region=eu-west-1&style=path&redirect=1&public=files.example.org&keys=" + keys)
	if err != nil {
		t.Fatal(err)
	}
	if o.bucket != "files" || o.prefix != "a/b/" || o.endpoint != "minio:9000" || o.secure || !o.publicSecure || o.publicEndpoint != "files.example.org" || !o.redirect || o.region != "eu-west-1" {
		t.Errorf("read as %+v", o)
	}
	for _, wrong := range []string{"s3:", "s3://", "s3://Files", "s3://key:secret@files", "s3://files/../x?", "s3://files?style=odd", "s3://files?redirect=yes",
		"s3://files?endpoint=ftp://x", "s3://files?endpoint=x/y", "s3://files?bucket=x", "s3://files?keys=/nowhere"} {
		if _, err := parseS3(wrong + "&keys=" + keys); strings.Contains(wrong, "?") && err == nil {
			t.Errorf("%s is taken", wrong)
		}
		if _, err := parseS3(wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}
