package media

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/semaphore"
)

const (
	// maxParts is how many parts an object may be uploaded in (Amazon S3 User Guide, "Multipart upload limits"). Each but the last has 5 MiB
	// at least, so that what is left over of a request is kept as an object of its own until there is more.
	maxParts = 10_000
	// buffers bounds the parts that are in memory at a time.
	buffers = 32

	partTime  = 2 * time.Minute // for one part to arrive
	smallTime = 20 * time.Second
	linkLife  = time.Hour // of a redirect's address
)

// s3 is a Store in a bucket. What goes up is in memory a part at a time, so that it can be sent again when the store fails.
type s3 struct {
	core   minio.Core
	public *minio.Client // makes addresses for browsers; nil where they get all from us
	o      s3Options
	found  atomic.Bool // the bucket is there
	room   *semaphore.Weighted
	spare  sync.Pool // buffers of piece bytes
}

// S3 opens a store at an address of the form that docs/media.md describes. A server that does not answer yet is no error.
func S3(ctx context.Context, address string) (Store, error) {
	o, err := parseS3(address)
	if err != nil {
		return nil, err
	}
	s := &s3{o: o, room: semaphore.NewWeighted(buffers)}
	if s.core.Client, err = o.client(o.endpoint, o.secure); err != nil {
		return nil, err
	}
	if o.redirect {
		if s.public, err = o.client(o.publicEndpoint, o.publicSecure); err != nil {
			return nil, err
		}
	}
	// Now rather than with the first file; what goes wrong here shows in the readiness.
	_ = s.Ready(ctx)
	return s, nil
}

// Ready looks for the bucket, and makes it if it may.
func (s *s3) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	there, err := s.core.BucketExists(ctx, s.o.bucket)
	if err == nil && !there {
		if err = s.core.MakeBucket(ctx, s.o.bucket, minio.MakeBucketOptions{Region: s.o.region}); err != nil {
			code := minio.ToErrorResponse(err).Code
			if code == "BucketAlreadyOwnedByYou" || code == "BucketAlreadyExists" { // another server was faster
				err = nil
			}
		}
	}
	s.found.Store(err == nil)
	return unavailable(err)
}

// bucket makes sure that there is one: the server may have been away when this one started.
func (s *s3) bucket(ctx context.Context) error {
	if s.found.Load() {
		return nil
	}
	return s.Ready(ctx)
}

func (s *s3) name(key string) string { return s.o.prefix + key }

// rest is the object that keeps what is not yet enough for a part.
func (s *s3) rest(key string) string { return s.name(key) + ".rest" }

// buffer lends memory for a part of an object of size bytes, 0 for unknown.
func (s *s3) buffer(ctx context.Context, size int64) (b []byte, release func(), err error) {
	if err := s.room.Acquire(ctx, 1); err != nil {
		return nil, nil, err
	}
	if least := (size + maxParts - 1) / maxParts; least > piece {
		return make([]byte, least), func() { s.room.Release(1) }, nil
	}
	p, _ := s.spare.Get().(*[]byte)
	if p == nil {
		fresh := make([]byte, piece)
		p = &fresh
	}
	return *p, func() {
		s.spare.Put(p)
		s.room.Release(1)
	}, nil
}

// notes are the Progress.Notes of an upload.
type notes struct {
	Upload string `json:"u,omitempty"` // id of the multipart upload
	Parts  int    `json:"p,omitempty"` // that it has
	Rest   int64  `json:"r,omitempty"` // bytes after them
	Whole  bool   `json:"w,omitempty"` // it went up in one piece, and is done
}

func (s *s3) Put(ctx context.Context, key string, r io.Reader) error {
	if err := s.bucket(ctx); err != nil {
		return err
	}
	buf, release, err := s.buffer(ctx, 0)
	if err != nil {
		return err
	}
	defer release()
	var n notes
	for {
		filled, err := io.ReadFull(source{r}, buf)
		ended := err == io.EOF || err == io.ErrUnexpectedEOF
		switch {
		case err != nil && !ended:
		case ended && n.Parts == 0:
			return s.object(ctx, s.name(key), buf[:filled])
		case filled > 0:
			err = s.part(ctx, key, &n, buf[:filled])
			ended = ended && err == nil
		default:
			err = nil
		}
		if ended {
			return s.complete(ctx, key, n)
		}
		if err != nil {
			s.giveUp(key, n)
			return unavailable(err)
		}
	}
}

// object puts a small object.
func (s *s3) object(ctx context.Context, name string, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	_, err := s.core.Client.PutObject(ctx, s.o.bucket, name, bytes.NewReader(b), int64(len(b)), minio.PutObjectOptions{DisableMultipart: true})
	return unavailable(err)
}

// part puts the next part of an object.
func (s *s3) part(ctx context.Context, key string, n *notes, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	if n.Upload == "" {
		id, err := s.core.NewMultipartUpload(ctx, s.o.bucket, s.name(key), minio.PutObjectOptions{})
		if err != nil {
			return err
		}
		n.Upload = id
	}
	_, err := s.core.PutObjectPart(ctx, s.o.bucket, s.name(key), n.Upload, n.Parts+1, bytes.NewReader(b), int64(len(b)), minio.PutObjectPartOptions{})
	if err == nil {
		n.Parts++
	}
	return err
}

// complete makes an object of the parts that were put.
func (s *s3) complete(ctx context.Context, key string, n notes) error {
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	var parts []minio.CompletePart
	for marker := 0; len(parts) < n.Parts; {
		page, err := s.core.ListObjectParts(ctx, s.o.bucket, s.name(key), n.Upload, marker, 1000)
		if err != nil {
			return unavailable(err)
		}
		for _, p := range page.ObjectParts {
			if p.PartNumber <= n.Parts {
				parts = append(parts, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag})
			}
		}
		if marker = page.NextPartNumberMarker; !page.IsTruncated {
			break
		}
	}
	if len(parts) != n.Parts {
		return unavailable(fmt.Errorf("%d parts are there, not %d", len(parts), n.Parts))
	}
	_, err := s.core.CompleteMultipartUpload(ctx, s.o.bucket, s.name(key), n.Upload, parts, minio.PutObjectOptions{})
	return unavailable(err)
}

// giveUp removes the parts of an upload that is not to go on. Where that fails, Delete does it later.
func (s *s3) giveUp(key string, n notes) {
	if n.Upload == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), smallTime)
	defer cancel()
	_ = s.core.AbortMultipartUpload(ctx, s.o.bucket, s.name(key), n.Upload)
}

func (s *s3) Open(ctx context.Context, key string, from int64) (io.ReadCloser, error) {
	return s.open(ctx, s.name(key), from)
}

func (s *s3) open(ctx context.Context, name string, from int64) (io.ReadCloser, error) {
	var o minio.GetObjectOptions
	if from > 0 {
		if err := o.SetRange(from, 0); err != nil {
			return nil, unavailable(err)
		}
	}
	body, _, _, err := s.core.GetObject(ctx, s.o.bucket, name, o)
	if missing(err) {
		return nil, ErrNotFound
	}
	return body, unavailable(err)
}

func missing(err error) bool {
	return err != nil && minio.ToErrorResponse(err).Code == minio.NoSuchKey
}

func (s *s3) Delete(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, smallTime)
	defer cancel()
	err := s.core.RemoveIncompleteUpload(ctx, s.o.bucket, s.name(key))
	for _, name := range []string{s.rest(key), s.name(key)} {
		if err == nil {
			err = s.core.RemoveObject(ctx, s.o.bucket, name, minio.RemoveObjectOptions{})
		}
	}
	if missing(err) {
		err = nil
	}
	return unavailable(err)
}

func (s *s3) Write(ctx context.Context, key string, p Progress, r io.Reader, saved func(Progress) error) (Progress, error) {
	var n notes
	if p.Notes != "" {
		if err := json.Unmarshal([]byte(p.Notes), &n); err != nil {
			return p, fmt.Errorf("read the notes of an upload: %w", err)
		}
	}
	if err := s.bucket(ctx); err != nil {
		return p, err
	}
	buf, release, err := s.buffer(ctx, p.Size)
	if err != nil {
		return p, err
	}
	defer release()
	filled := int(n.Rest)
	if err := s.readRest(ctx, key, buf[:filled]); err != nil {
		return p, err
	}
	for {
		m, readErr := io.ReadFull(source{r}, buf[filled:])
		if m == 0 {
			return p, ended(readErr)
		}
		filled += m
		inParts := p.Offset - n.Rest
		last := inParts+int64(filled) == p.Size
		switch {
		case last && n.Parts == 0:
			err = s.object(ctx, s.name(key), buf[:filled])
			n = notes{Whole: true}
		case last || filled == len(buf):
			err = s.part(ctx, key, &n, buf[:filled])
			n.Rest = 0
		default:
			err = s.object(ctx, s.rest(key), buf[:filled])
			n.Rest = int64(filled)
		}
		if err != nil {
			return p, unavailable(err)
		}
		p.Offset, p.Notes = inParts+int64(filled), n.String()
		if err := saved(p); err != nil {
			return p, err
		}
		if n.Rest > 0 || last || readErr != nil {
			return p, ended(readErr)
		}
		filled = 0
	}
}

// ended is the error of a read that is not just the end.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return unavailable(err)
}

func (n notes) String() string {
	b, _ := json.Marshal(n) // strings and numbers always encode
	return string(b)
}

func (s *s3) readRest(ctx context.Context, key string, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, partTime)
	defer cancel()
	r, err := s.open(ctx, s.rest(key), 0)
	if err != nil {
		return unavailable(err)
	}
	_, err = io.ReadFull(r, b)
	return unavailable(errors.Join(err, r.Close()))
}

func (s *s3) Finish(ctx context.Context, key string, p Progress) error {
	var n notes
	if err := json.Unmarshal([]byte(p.Notes), &n); err != nil {
		return fmt.Errorf("read the notes of an upload: %w", err)
	}
	var err error
	if !n.Whole {
		err = s.complete(ctx, key, n)
	}
	// A finish whose answer was lost is done.
	if err == nil || minio.ToErrorResponse(errors.Unwrap(err)).Code == minio.NoSuchUpload {
		ctx, cancel := context.WithTimeout(ctx, smallTime)
		defer cancel()
		info, statErr := s.core.StatObject(ctx, s.o.bucket, s.name(key), minio.StatObjectOptions{})
		if statErr == nil && info.Size != p.Offset {
			statErr = fmt.Errorf("%d bytes are there, not %d", info.Size, p.Offset)
		}
		if err = unavailable(statErr); err == nil {
			err = unavailable(s.core.RemoveObject(ctx, s.o.bucket, s.rest(key), minio.RemoveObjectOptions{}))
		}
	}
	return err
}

// Link makes an address at which a browser gets an object from the store itself, for an hour; "" where it is to get all from us.
func (s *s3) Link(ctx context.Context, key, mimeType, disposition string) (string, error) {
	if s.public == nil {
		return "", nil
	}
	u, err := s.public.PresignedGetObject(ctx, s.o.bucket, s.name(key), linkLife, url.Values{
		"response-content-type": {mimeType}, "response-content-disposition": {disposition}, "response-cache-control": {"private, max-age=3600"}})
	if err != nil {
		return "", unavailable(err)
	}
	return u.String(), nil
}

// Origin is where Link leads to, "" for nowhere.
func (s *s3) Origin() string {
	if s.public == nil {
		return ""
	}
	return s.public.EndpointURL().String()
}

func s3Transport(secure bool) (*http.Transport, error) {
	t, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, fmt.Errorf("prepare the connection to S3: %w", err)
	}
	t.ResponseHeaderTimeout = partTime
	t.DisableCompression = true // bytes as they are
	return t, nil
}
