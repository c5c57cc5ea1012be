package media

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"magpie/server/chat"
)

const (
	// keepUpload is how long an upload waits for its next bytes, and what became of it is remembered.
	keepUpload = 24 * time.Hour
	// finishTime bounds the making of a file of what was uploaded: reading all of it once, and pictures.
	finishTime = 30 * time.Minute
	// finishWait is how long the last request of an upload waits for that.
	finishWait = 20 * time.Second
	// finishPause is how long the next attempt waits after the store did not answer.
	finishPause = 2 * time.Second
)

// interrupter is a reader that another goroutine can bring to an end.
type interrupter = interface {
	io.Reader
	Interrupt()
}

// busy are the uploads that are written or finished at the moment.
type busy struct {
	mu  sync.Mutex // guards all, and the fields of each
	all map[string]*work
}

// work is what is done for one upload. There is one at a time.
type work struct {
	interrupt func() // nil while it must not be
	done      chan struct{}
}

// take waits for the turn on an upload, and ends it for whoever is reading for it: a connection that hangs must not hold up the next.
// The caller has it until it calls the function that is returned.
func (b *busy) take(ctx context.Context, id string, interrupt func()) (release func(), err error) {
	for {
		b.mu.Lock()
		other := b.all[id]
		if other == nil {
			if b.all == nil {
				b.all = map[string]*work{}
			}
			t := &work{interrupt: interrupt, done: make(chan struct{})}
			b.all[id] = t
			b.mu.Unlock()
			return func() {
				b.mu.Lock()
				delete(b.all, id)
				b.mu.Unlock()
				close(t.done)
			}, nil
		}
		stop := other.interrupt
		b.mu.Unlock()
		if stop != nil {
			stop()
		}
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Begin begins a resumable upload of a file of size bytes.
func (l *Library) Begin(ctx context.Context, eid, uid string, about chat.UploadFile, size int64) (chat.Upload, error) {
	if size == 0 {
		return chat.Upload{}, errEmpty()
	}
	if _, err := l.admit(ctx, eid, uid, about, size); err != nil {
		return chat.Upload{}, err
	}
	u := chat.Upload{ID: newID(), EID: eid, UID: uid, File: about, Key: newKey(eid), Size: size, State: chat.UploadOpen, Expires: time.Now().Add(keepUpload)}
	return u, l.Rows.CreateUpload(ctx, u, u.Expires.Add(keepLoose))
}

// Upload returns how far an own upload has come. Whoever is still sending for it has ended then, so that what it says stays. One whose
// bytes are all there is being made a file, or is one.
func (l *Library) Upload(ctx context.Context, eid, uid, id string) (chat.Upload, error) {
	u, err := l.Rows.Upload(ctx, eid, uid, id)
	if err != nil {
		return u, err
	}
	if u.State == chat.UploadOpen && u.Offset < u.Size {
		release, err := l.uploads.take(ctx, id, nil)
		if err != nil {
			return u, err
		}
		release()
		if u, err = l.Rows.Upload(ctx, eid, uid, id); err != nil {
			return u, err
		}
	}
	if u.State == chat.UploadOpen && u.Offset == u.Size {
		return l.awaitFile(ctx, u, 0)
	}
	return u, nil
}

// Continue takes in more of an upload, from offset on: r, until its end, or until all is there. Of what came before r failed, what is durable
// counts. When all is there it waits a little for the file that is made of it.
func (l *Library) Continue(ctx context.Context, eid, uid, id string, offset int64, r interrupter) (chat.Upload, error) {
	u, err := l.write(ctx, eid, uid, id, offset, r)
	if err != nil || u.State != chat.UploadOpen || u.Offset < u.Size {
		return u, err
	}
	return l.awaitFile(ctx, u, finishWait)
}

func (l *Library) write(ctx context.Context, eid, uid, id string, offset int64, r interrupter) (chat.Upload, error) {
	if _, err := l.Rows.Upload(ctx, eid, uid, id); err != nil { // before anybody is interrupted
		return chat.Upload{}, err
	}
	release, err := l.uploads.take(ctx, id, r.Interrupt)
	if err != nil {
		return chat.Upload{}, err
	}
	defer release()
	u, err := l.Rows.Upload(ctx, eid, uid, id)
	if err != nil {
		return u, err
	}
	if u.Offset != offset {
		return u, chat.Errorf(chat.Conflict, "The server has %d bytes of this upload. Ask it, and go on from there.", u.Offset).Named(chat.ProblemUploadOffset)
	}
	if u.State != chat.UploadOpen || u.Offset == u.Size {
		return u, nil
	}
	// What has come is kept, also when its sender has gone meanwhile.
	keep := context.WithoutCancel(ctx)
	_, err = l.Store.Write(keep, u.Key, Progress{u.Size, u.Offset, u.Progress}, io.LimitReader(r, u.Size-u.Offset), func(p Progress) error {
		u.Offset, u.Progress, u.Expires = p.Offset, p.Notes, time.Now().Add(keepUpload)
		return l.Rows.SaveUpload(keep, u, u.Expires.Add(keepLoose))
	})
	return u, l.explain(err)
}

// awaitFile sees to it that an upload whose bytes are all there is made a file, and waits for that for some time.
func (l *Library) awaitFile(ctx context.Context, u chat.Upload, wait time.Duration) (chat.Upload, error) {
	l.finishing.Lock()
	done := l.making[u.ID]
	if done == nil {
		done = make(chan struct{})
		l.making[u.ID] = done
		go l.makeFile(u, done)
	}
	l.finishing.Unlock()
	select {
	case <-done:
	case <-time.After(wait):
	case <-ctx.Done():
	}
	return l.Rows.Upload(context.WithoutCancel(ctx), u.EID, u.UID, u.ID)
}

// makeFile makes a file of an upload, or notes why it can't be one. Where the store or the database fail it is left to the next attempt.
func (l *Library) makeFile(u chat.Upload, done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	err := l.fileOf(ctx, u)
	var why *chat.Error
	if errors.As(err, &why) && why.Code != chat.Unavailable && why.Code != chat.NotFound {
		err = l.Rows.FailUpload(ctx, u, why)
	}
	if err != nil {
		l.Log.Warn("no file could be made of an upload yet", "err", err)
		time.Sleep(finishPause)
	}
	l.finishing.Lock()
	delete(l.making, u.ID)
	l.finishing.Unlock()
	close(done)
}

func (l *Library) fileOf(ctx context.Context, u chat.Upload) error {
	release, err := l.uploads.take(ctx, u.ID, nil)
	if err != nil {
		return err
	}
	defer release()
	if u, err = l.Rows.Upload(ctx, u.EID, u.UID, u.ID); err != nil || u.State != chat.UploadOpen {
		return err
	}
	if err := l.Store.Finish(ctx, u.Key, Progress{u.Size, u.Offset, u.Progress}); err != nil {
		return l.explain(err)
	}
	in := raw{key: u.Key, size: u.Size}
	r, err := l.Store.Open(ctx, u.Key, 0)
	if err != nil {
		return l.explain(err)
	}
	sum, head := sha256.New(), &beginning{}
	n, err := io.Copy(io.MultiWriter(sum, head), r)
	if err = errors.Join(err, r.Close()); err == nil && n != u.Size {
		err = fmt.Errorf("%d bytes are there, not %d", n, u.Size)
	}
	if err != nil {
		return l.explain(unavailable(err))
	}
	in.hash, in.head = sum.Sum(nil), head.b
	quota, err := l.QuotaOf(ctx, u.EID)
	if err != nil {
		return err
	}
	_, err = l.finish(ctx, u.EID, u.UID, u.File, in, quota, u.ID)
	return l.explain(err)
}

// End gives an own upload up. A file that it has become stays.
func (l *Library) End(ctx context.Context, eid, uid, id string) error {
	if _, err := l.Rows.Upload(ctx, eid, uid, id); err != nil {
		return err
	}
	release, err := l.uploads.take(ctx, id, nil)
	if err != nil {
		return err
	}
	defer release()
	u, err := l.Rows.Upload(ctx, eid, uid, id)
	if err != nil {
		return err
	}
	return l.Rows.DeleteUpload(ctx, u)
}
