package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"magpie/server/chat"
	"magpie/server/store"
)

// backups copies the server while it runs: a tar file with the database as it is at one moment, the secret that signs access tokens, and the
// folder of files, if they are in one. Files never change, and one that something links to is never removed, so those that the database names
// are all there when they are copied after it.
type backups struct {
	store *store.Store
	data  string // folder
	media string // folder, or empty where files are elsewhere
	log   *slog.Logger

	ctx  context.Context // ends when the server stops
	stop context.CancelFunc
	runs sync.WaitGroup
	mu   sync.Mutex // one at a time
}

// backupFolder is where a backup goes for which nobody names a file.
const backupFolder = "backups"

func newBackups(st *store.Store, c Config, log *slog.Logger) *backups {
	b := &backups{store: st, data: c.Data, log: log}
	if !strings.Contains(c.Media, "://") {
		b.media = c.Media
	}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// close gives up what runs.
func (b *backups) close() {
	b.stop()
	b.runs.Wait()
}

// Backup begins a backup. Only the shell may name the file: it must not be there.
func (b *backups) Backup(ctx context.Context, by chat.Actor, file string) (chat.Job, error) {
	if file != "" && by.UID != "" {
		return chat.Job{}, chat.FieldError("file", chat.FieldNotAllowed, "can be named from the shell only")
	}
	if file == "" {
		dir := filepath.Join(b.data, backupFolder)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return chat.Job{}, fmt.Errorf("make the folder of backups: %w", err)
		}
		file = filepath.Join(dir, "magpie-"+time.Now().UTC().Format("20060102-150405.000")+".tar")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return chat.Job{}, fmt.Errorf("make a job's id: %w", err)
	}
	if by.EID != "" { // the shell concerns no organisation, and so has no audit log
		if err := b.store.MayBackup(ctx, by, filepath.Base(file)); err != nil {
			return chat.Job{}, err
		}
	}
	j := chat.Job{ID: id.String(), Kind: chat.JobBackup, By: chat.Actor{UID: by.UID, Addr: by.Addr}, State: chat.JobRunning, Result: chat.JobResult{File: file}}
	if !b.mu.TryLock() {
		return j, chat.Errorf(chat.Conflict, "Another backup is running. Wait until it is done.")
	}
	if err := b.store.SaveJob(ctx, j); err != nil {
		b.mu.Unlock()
		return j, err
	}
	begun := j
	b.runs.Go(func() {
		defer b.mu.Unlock()
		size, err := b.write(b.ctx, file)
		j.State, j.Result.Size = chat.JobDone, size
		if err != nil {
			b.log.Error("backup", "file", file, "err", err)
			j.State = chat.JobFailed
			why := "The backup could not be written: the server's log says why."
			if by.UID == "" {
				why = err.Error()
			}
			j.Result.Wrong(chat.JobError{Code: chat.FieldInvalid, Message: why})
		}
		if err := b.store.SaveJob(context.WithoutCancel(b.ctx), j); err != nil {
			b.log.Error("backup", "err", err)
		}
	})
	return begun, nil
}

// tidy ends what a stop of the server cut off: such a backup has failed, unless its file has the name already, which it gets last. The parts that were
// written go.
func (b *backups) tidy(ctx context.Context) error {
	jobs, err := b.store.RunningJobs(ctx, chat.JobBackup)
	if err != nil {
		return fmt.Errorf("look for backups: %w", err)
	}
	var parts []string
	for _, end := range []string{partSuffix, copySuffix, copySuffix + "-journal"} {
		found, err := filepath.Glob(filepath.Join(b.data, backupFolder, "*.tar"+end))
		if err != nil {
			return fmt.Errorf("look for parts of backups: %w", err)
		}
		parts = append(parts, found...)
		for _, j := range jobs {
			parts = append(parts, j.Result.File+end)
		}
	}
	for _, j := range jobs {
		if info, err := os.Stat(j.Result.File); err == nil {
			j.State, j.Result.Size = chat.JobDone, info.Size()
		} else {
			j.State = chat.JobFailed
			j.Result.Wrong(chat.JobError{Code: chat.FieldInvalid, Message: "The server was stopped while it wrote the backup. Please make another."})
		}
		if err := b.store.SaveJob(ctx, j); err != nil {
			return err
		}
	}
	for _, path := range parts {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			b.log.Warn("a part of a backup can't be removed", "file", path, "err", err)
		}
	}
	return nil
}

// Ends of the names of what is written beside a backup.
const (
	partSuffix = ".part"
	copySuffix = ".db"
)

// write makes the tar file beside its name first, so that what has the name is whole.
func (b *backups) write(ctx context.Context, file string) (size int64, err error) {
	if _, err := os.Stat(file); err == nil {
		return 0, fmt.Errorf("%s is there already", file)
	}
	coming := file + partSuffix
	copied := file + copySuffix
	defer func() {
		_ = os.Remove(copied)
		_ = os.Remove(coming)
	}()
	// Both have secrets in them, and the folder may be everybody's: they are new files of our own, which nobody else can read.
	if err := private(copied); err != nil {
		return 0, err
	}
	if err := b.store.Snapshot(ctx, copied); err != nil {
		return 0, err
	}
	if err := private(coming); err != nil {
		return 0, err
	}
	out, err := os.OpenFile(coming, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	w := tar.NewWriter(out)
	err = archive(w, copied, "magpie.db")
	if err == nil {
		err = archive(w, filepath.Join(b.data, secretFile), secretFile)
	}
	if err == nil && b.media != "" {
		err = addFolder(ctx, w, b.media, "media")
	}
	err = errors.Join(err, w.Close(), out.Sync())
	if info, statErr := out.Stat(); statErr == nil {
		size = info.Size()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, err
	}
	return size, os.Rename(coming, file)
}

// private makes an empty file for its owner alone, in the place of one that an earlier attempt left.
func private(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func archive(w *tar.Writer, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.CopyN(w, f, info.Size())
	return err
}

// addFolder adds a folder of files, without those that are still coming. One that goes meanwhile is not missed: nothing linked to it.
func addFolder(ctx context.Context, w *tar.Writer, root, name string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case relErr != nil:
			return relErr
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && rel == "coming":
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		err = archive(w, path, name+"/"+filepath.ToSlash(rel))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// restoreBackup makes a data folder of a backup. The folder must not be there, or be empty.
func restoreBackup(file, dir string) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("the folder %s is not empty: move what is in it away, or name another by --data", dir)
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	coming := strings.TrimRight(dir, string(filepath.Separator)) + ".restoring"
	if err := os.Mkdir(coming, 0o700); err != nil {
		return err
	}
	if err := extract(tar.NewReader(in), coming); err != nil {
		return errors.Join(fmt.Errorf("%s is not a whole backup: %w", file, err), os.RemoveAll(coming))
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(coming, dir)
}

func extract(r *tar.Reader, dir string) error {
	root, err := os.OpenRoot(dir) // nothing in the file leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	have := map[string]bool{}
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("%q is no file", h.Name)
		}
		if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(h.Name)), 0o700); err != nil {
			return err
		}
		f, err := root.OpenFile(filepath.FromSlash(h.Name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		have[h.Name] = true
	}
	for _, name := range []string{"magpie.db", secretFile} {
		if !have[name] {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}
