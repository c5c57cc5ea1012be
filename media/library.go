package media

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"magpie/server/chat"
)

const (
	// keepLoose is how long a file stays that no message carries, and bytes that belong to no file yet.
	keepLoose = 24 * time.Hour
	// pictureMemory bounds what pictures that are worked on take together: the largest that is taken fits in.
	pictureMemory = 512 << 20
)

// Rows are what a Library needs of the database.
type Rows interface {
	Org(ctx context.Context, eid string) (chat.Org, error)
	NoteKeys(ctx context.Context, due time.Time, keys ...string) error
	AddFile(ctx context.Context, f chat.File, quota chat.Quota, upload string) error
	File(ctx context.Context, eid, uid, id string) (chat.File, error)
	CheckQuota(ctx context.Context, eid, uid string, bytes int64, quota chat.Quota) error

	CreateUpload(ctx context.Context, u chat.Upload, due time.Time) error
	Upload(ctx context.Context, eid, uid, id string) (chat.Upload, error)
	SaveUpload(ctx context.Context, u chat.Upload, due time.Time) error
	FailUpload(ctx context.Context, u chat.Upload, why *chat.Error) error
	DeleteUpload(ctx context.Context, u chat.Upload) error

	SweepUploads(ctx context.Context, at time.Time) (more bool, err error)
	SweepGroups(ctx context.Context, at time.Time) (more bool, err error)
	SweepFiles(ctx context.Context, before time.Time) (more bool, err error)
	TakeKeys(ctx context.Context, due time.Time) ([]string, error)
	DropKeys(ctx context.Context, keys []string) error
}

// Options configure a Library.
type Options struct {
	Store     Store
	Rows      Rows
	FileLimit int64      // bytes of one file, default 100 MiB
	Quota     chat.Quota // of organisations and users that have none of their own
	Log       *slog.Logger
}

// Library takes files in and gives them out.
type Library struct {
	Options
	workers *semaphore.Weighted // pictures that are worked on
	memory  *semaphore.Weighted // bytes that they take, and the tables of archives
	uploads busy

	finishing sync.Mutex               // guards making
	making    map[string]chan struct{} // uploads that are made files: closed at the end of the attempt
}

// New makes a Library.
func New(o Options) *Library {
	o.FileLimit = cmp.Or(o.FileLimit, 100<<20)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Library{Options: o, workers: semaphore.NewWeighted(int64(max(1, runtime.GOMAXPROCS(0)/2))), memory: semaphore.NewWeighted(pictureMemory),
		making: map[string]chan struct{}{}}
}

// raw is an upload that is in the store as it came.
type raw struct {
	key  string
	size int64
	hash []byte
	head []byte // its beginning
}

// Add takes a file in: all of r. size is how long it says that it is, or -1.
func (l *Library) Add(ctx context.Context, eid, uid string, about chat.UploadFile, r io.Reader, size int64) (chat.File, error) {
	quota, err := l.admit(ctx, eid, uid, about, max(size, 1))
	if err != nil {
		return chat.File{}, err
	}
	key := newKey(eid)
	if err := l.Rows.NoteKeys(ctx, time.Now().Add(keepLoose), key); err != nil {
		return chat.File{}, err
	}
	sum, head := sha256.New(), &beginning{}
	in := &counted{r: io.TeeReader(r, io.MultiWriter(sum, head)), most: quota.File}
	if err := l.Store.Put(ctx, key, in); err != nil {
		l.drop(key)
		if errors.Is(err, errTooLarge) {
			err = tooLarge(quota.File)
		}
		return chat.File{}, l.explain(err)
	}
	f, err := l.finish(ctx, eid, uid, about, raw{key: key, size: in.n, hash: sum.Sum(nil), head: head.b}, quota, "")
	if err != nil {
		l.drop(key)
		return chat.File{}, l.explain(err)
	}
	return f, nil
}

// admit refuses an upload that is too large or for which there is no room, and returns the bounds that hold.
func (l *Library) admit(ctx context.Context, eid, uid string, about chat.UploadFile, size int64) (chat.Quota, error) {
	quota, err := l.QuotaOf(ctx, eid)
	if err != nil {
		return quota, err
	}
	if about.Purpose == chat.ForAvatar { // pictures of people and groups are nobody's files
		quota.File = l.FileLimit
	}
	if size > quota.File {
		return quota, tooLarge(quota.File)
	}
	return quota, l.Rows.CheckQuota(ctx, eid, uid, size, quota)
}

// QuotaOf returns the bounds that hold in an organisation.
func (l *Library) QuotaOf(ctx context.Context, eid string) (chat.Quota, error) {
	org, err := l.Rows.Org(ctx, eid)
	if err != nil {
		return chat.Quota{}, err
	}
	s := org.Settings
	storage := cmp.Or(s.StorageQuota, l.Quota.Org)
	if most := org.Limits.Storage; most > 0 && (storage == 0 || storage > most) {
		storage = most
	}
	return chat.Quota{User: cmp.Or(s.UserQuota, l.Quota.User), Org: storage,
		File: min(l.FileLimit, cmp.Or(s.FileLimit, l.FileLimit))}, nil
}

// finish makes a file of what was uploaded.
func (l *Library) finish(ctx context.Context, eid, uid string, about chat.UploadFile, in raw, quota chat.Quota, upload string) (chat.File, error) {
	if in.size == 0 {
		return chat.File{}, errEmpty()
	}
	f := chat.File{ID: newID(), EID: eid, UID: uid, Purpose: about.Purpose, Name: CleanName(about.Name), Duration: about.Duration}
	if err := l.tell(ctx, &f, in); err != nil {
		return f, err
	}
	came := in.key
	in, err := l.withoutPrivate(ctx, eid, f, in, about.Original)
	if err != nil {
		return f, err
	}
	whole := chat.Blob{Variant: chat.VariantMain, Type: f.Type, Key: in.key, Hash: in.hash, Size: in.size}
	switch {
	case f.Kind == chat.ContentImage:
		if err := l.addPicture(ctx, &f, in, about.Original, whole); err != nil {
			return f, err
		}
	case f.Purpose == chat.ForAvatar:
		return f, chat.Errorf(chat.Invalid, "This is not a picture. Choose a JPEG, PNG, GIF or WebP file.").Named(chat.ProblemPictureDamaged)
	default:
		if f.Kind == chat.ContentVideo {
			f.Width, f.Height = about.Width, about.Height
		}
		f.Blobs = []chat.Blob{whole}
	}
	if err := l.Rows.AddFile(ctx, f, quota, upload); err != nil {
		return f, err
	}
	if !slices.ContainsFunc(f.Blobs, func(b chat.Blob) bool { return b.Key == came }) {
		l.drop(came)
	}
	return f, nil
}

// tell finds out what an upload is, when the memory for that is free.
func (l *Library) tell(ctx context.Context, f *chat.File, in raw) error {
	if isArchive(in.head) {
		if err := l.memory.Acquire(ctx, archiveMemory); err != nil {
			return err
		}
		defer l.memory.Release(archiveMemory)
	}
	f.Type, f.Kind = sniff(in.head, &window{ctx: ctx, store: l.Store, key: in.key, size: in.size}, in.size)
	return nil
}

// withoutPrivate takes out what a camera has written about itself and the place, unless the uploader asks to send the original.
func (l *Library) withoutPrivate(ctx context.Context, eid string, f chat.File, in raw, original bool) (raw, error) {
	if original {
		return in, nil
	}
	spans := privateSpans(f.Type, &window{ctx: ctx, store: l.Store, key: in.key, size: in.size}, in.size)
	if len(spans) == 0 {
		return in, nil
	}
	out := raw{key: newKey(eid), size: in.size, head: in.head}
	if err := l.Rows.NoteKeys(ctx, time.Now().Add(keepLoose), out.key); err != nil {
		return out, err
	}
	r, err := l.Store.Open(ctx, in.key, 0)
	if err != nil {
		return out, err
	}
	sum := sha256.New()
	err = l.Store.Put(ctx, out.key, io.TeeReader(&blanked{r: r, spans: spans}, sum))
	if err = errors.Join(err, r.Close()); err != nil {
		l.drop(out.key)
		return out, err
	}
	out.hash = sum.Sum(nil)
	return out, nil
}

// addPicture makes what others see of a picture, and keeps the original only if the uploader asks for that.
func (l *Library) addPicture(ctx context.Context, f *chat.File, in raw, original bool, whole chat.Blob) error {
	p, err := l.picture(ctx, f, in)
	switch {
	case errors.Is(err, errTooManyPixels):
		return chat.Errorf(chat.Invalid, "The picture is too large: at most %d megapixels and %s. Make it smaller, or send it in an archive.",
			maxPixels/1_000_000, chat.Bytes(maxPictureBytes)).Named(chat.ProblemPictureTooLarge)
	case errors.Is(err, errDamaged):
		return &chat.Error{Code: chat.Invalid, Problem: chat.ProblemPictureDamaged, Message: "The picture is damaged or not complete. Open it in another program and save it again.", Err: err}
	case err != nil:
		return err
	}
	f.Type, f.Width, f.Height, f.Duration, f.Placeholder = p.mainType, p.width, p.height, p.seconds, p.placeholder
	parts := []struct {
		variant, mimeType string
		b                 []byte
	}{{chat.VariantMain, p.mainType, p.main}, {chat.VariantThumb, p.thumbType, p.thumb}}
	var keys []string
	for range parts {
		keys = append(keys, newKey(f.EID))
	}
	if err := l.Rows.NoteKeys(ctx, time.Now().Add(keepLoose), keys...); err != nil {
		return err
	}
	for i, part := range parts {
		if err := l.Store.Put(ctx, keys[i], bytes.NewReader(part.b)); err != nil {
			l.drop(keys...)
			return err
		}
		sum := sha256.Sum256(part.b)
		f.Blobs = append(f.Blobs, chat.Blob{Variant: part.variant, Type: part.mimeType, Key: keys[i], Hash: sum[:], Size: int64(len(part.b))})
	}
	if original && f.Purpose == chat.ForMessage {
		whole.Variant = chat.VariantOriginal
		f.Blobs = append(f.Blobs, whole)
	}
	return nil
}

// picture reads an uploaded picture and makes what is shown of it, when a worker and the memory are free.
func (l *Library) picture(ctx context.Context, f *chat.File, in raw) (picture, error) {
	if in.size > maxPictureBytes {
		return picture{}, errTooManyPixels
	}
	if err := l.workers.Acquire(ctx, 1); err != nil {
		return picture{}, err
	}
	defer l.workers.Release(1)
	b := make([]byte, in.size)
	r, err := l.Store.Open(ctx, in.key, 0)
	if err != nil {
		return picture{}, err
	}
	_, err = io.ReadFull(r, b)
	if err = errors.Join(err, r.Close()); err != nil {
		return picture{}, unavailable(err)
	}
	s, err := surveyPicture(b, f.Type)
	if err != nil {
		return picture{}, err
	}
	if err := l.memory.Acquire(ctx, min(s.memory, pictureMemory)); err != nil {
		return picture{}, err
	}
	defer l.memory.Release(min(s.memory, pictureMemory))
	if f.Purpose == chat.ForAvatar {
		return makeAvatar(b, f.Type, s)
	}
	return makePicture(b, f.Type, s)
}

// Open finds a variant of a file that a user may read. Who may not, and for what is not there: chat.NotFound.
func (l *Library) Open(ctx context.Context, eid, uid, id, variant string) (chat.File, chat.Blob, error) {
	f, err := l.Rows.File(ctx, eid, uid, id)
	if err != nil {
		return f, chat.Blob{}, err
	}
	b, ok := f.Blob(variant)
	if !ok {
		return f, b, chat.Errorf(chat.NotFound, "There is no such file.")
	}
	return f, b, nil
}

// Read reads a blob from a place on.
func (l *Library) Read(ctx context.Context, b chat.Blob, from int64) (io.ReadCloser, error) {
	r, err := l.Store.Open(ctx, b.Key, from)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("the object %s is gone: %w", b.Key, err)
	}
	return r, l.explain(err)
}

// drop lets keys be removed that are no longer needed. Where that fails they are removed a day later.
func (l *Library) drop(keys ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.Rows.NoteKeys(ctx, time.Now(), keys...); err != nil {
		l.Log.Warn("what is left of an upload stays for a day", "err", err)
	}
}

// explain turns errors of the store into those of the domain.
func (l *Library) explain(err error) error {
	var down *ErrUnavailable
	if errors.As(err, &down) {
		return &chat.Error{Code: chat.Unavailable, Problem: chat.ProblemMediaUnavailable, RetryAfter: 5, Err: err,
			Message: "Files can't be stored or read at the moment. Messages without files are not concerned. Please try again."}
	}
	return err
}

func tooLarge(limit int64) error {
	return &chat.Error{Code: chat.TooLarge, Problem: chat.ProblemFileTooLarge, Limit: int(limit), Message: "The file is too large: at most " + chat.Bytes(limit) + "."}
}

func errEmpty() error {
	return chat.Errorf(chat.Invalid, "The file is empty: there is nothing to send.").Named(chat.ProblemFileEmpty)
}

var errTooLarge = errors.New("the upload is too large")

// counted counts what is read, and fails beyond the most.
type counted struct {
	r       io.Reader
	n, most int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if c.n += int64(n); c.n > c.most {
		return n, errTooLarge
	}
	return n, err
}

// beginning keeps the first headSize bytes that are written to it.
type beginning struct{ b []byte }

func (w *beginning) Write(b []byte) (int, error) {
	if room := headSize - len(w.b); room > 0 {
		w.b = append(w.b, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

func newID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// newKey makes a key that was never used, in one of 256 folders of the organisation.
func newKey(eid string) string {
	id := newID()
	return eid + "/" + id[:2] + "/" + id
}

// Ready reports whether the store takes files at the moment.
func (l *Library) Ready(ctx context.Context) error { return l.Store.Ready(ctx) }

// linker is a Store that browsers may read from by themselves.
type linker interface {
	Link(ctx context.Context, key, mimeType, disposition string) (string, error)
	Origin() string
}

// Link makes an address at which a browser may get a blob from the store itself for some time; "" where it must get it from us.
func (l *Library) Link(ctx context.Context, b chat.Blob, disposition string) (string, error) {
	if s, ok := l.Store.(linker); ok {
		link, err := s.Link(ctx, b.Key, b.Type, disposition)
		return link, l.explain(err)
	}
	return "", nil
}

// Origin is the origin of what Link makes, "" where there is none.
func (l *Library) Origin() string {
	if s, ok := l.Store.(linker); ok {
		return s.Origin()
	}
	return ""
}
