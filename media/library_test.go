package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"magpie/server/chat"
	"magpie/server/store"
)

// library is a Library on a folder and a real database, with alice and bob of acme, and eve of other.
func library(t *testing.T) (*Library, *store.Store, string) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	for eid, uids := range map[string][]string{"acme": {"alice", "bob"}, "other": {"eve"}} {
		if err := st.CreateOrg(t.Context(), chat.Org{EID: eid, Name: eid}); err != nil {
			t.Fatal(err)
		}
		for _, uid := range uids {
			if err := st.CreateUser(t.Context(), chat.User{EID: eid, UID: uid, Name: uid}, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	root := filepath.Join(t.TempDir(), "media")
	files, err := Folder(root)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Store: files, Rows: st}), st, root
}

func add(t *testing.T, l *Library, eid, uid string, b []byte) chat.File {
	t.Helper()
	f, err := l.Add(t.Context(), eid, uid, chat.UploadFile{Name: "a", Purpose: chat.ForMessage}, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// stored counts the files below the media folder.
func stored(t *testing.T, root string) (n int) {
	t.Helper()
	err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func sweep(t *testing.T, l *Library, at time.Time) {
	t.Helper()
	if err := l.Sweep(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

// send appends a message that links to files.
func send(t *testing.T, st *store.Store, ref chat.StreamRef, from string, files ...chat.File) error {
	t.Helper()
	done := make(chan chat.Appended, 1)
	var refs []chat.FileRef
	for i, f := range files {
		refs = append(refs, chat.FileRef{Index: i, Type: f.Kind, File: f.ID, Main: true})
	}
	st.Append(chat.Append{Stream: ref, Sender: from, Payload: make([]byte, 16), Files: refs,
		Done: func(a chat.Appended) { done <- a }})
	return (<-done).Err
}

func TestSameBytesAreKeptOnce(t *testing.T) {
	l, _, root := library(t)
	text := []byte("the same text")
	a, b := add(t, l, "acme", "alice", text), add(t, l, "acme", "bob", text)
	add(t, l, "other", "eve", text)
	if a.ID == b.ID {
		t.Error("two uploads are one file")
	}
	sweep(t, l, time.Now().Add(time.Second)) // takes away the second copy
	if n := stored(t, root); n != 2 {
		t.Errorf("%d objects, want one for each organisation", n)
	}
	// One of the two goes, the bytes stay for the other.
	if err := send(t, l.Rows.(*store.Store), chat.StreamRef{EID: "acme", Kind: chat.StreamPair, Key: chat.PairKey("alice", "bob")}, "bob", b); err != nil {
		t.Fatal(err)
	}
	sweep(t, l, time.Now().Add(keepLoose+time.Minute))
	if _, _, err := l.Open(t.Context(), "acme", "alice", a.ID, ""); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("a file that nothing carries is there after a day: %v", err)
	}
	_, blob, err := l.Open(t.Context(), "acme", "alice", b.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Read(t.Context(), blob, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if errors.Join(err, r.Close()) != nil || !bytes.Equal(got, text) {
		t.Errorf("%q: %v", got, err)
	}
	if n := stored(t, root); n != 1 {
		t.Errorf("%d objects", n)
	}
}

func TestFilesThatNothingCarriesGo(t *testing.T) {
	l, st, root := library(t)
	picture := jpegOf(t, corners(900, 900))
	loose, sent, grouped := add(t, l, "acme", "alice", picture), add(t, l, "acme", "alice", []byte("sent")), add(t, l, "acme", "alice", []byte("grouped"))
	pair := chat.StreamRef{EID: "acme", Kind: chat.StreamPair, Key: chat.PairKey("alice", "bob")}
	g, err := st.CreateGroup(t.Context(), "acme", "alice", chat.Member, chat.Group{Name: "g"}, []string{"bob"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(send(t, st, pair, "alice", sent), send(t, st, chat.StreamRef{EID: "acme", Kind: chat.StreamGroup, Key: g.GID}, "alice", grouped)); err != nil {
		t.Fatal(err)
	}
	there := func(f chat.File, want bool) {
		t.Helper()
		if _, err := st.File(t.Context(), "acme", "alice", f.ID); (err == nil) != want {
			t.Errorf("there: %v, want %v", err == nil, want)
		}
	}
	sweep(t, l, time.Now().Add(keepLoose-time.Minute))
	there(loose, true)
	sweep(t, l, time.Now().Add(keepLoose+time.Minute))
	there(loose, false)
	there(sent, true)
	there(grouped, true)

	// With its group a file goes too, when the group can't be brought back any more.
	if err := st.DissolveGroup(t.Context(), "acme", g.GID, "alice"); err != nil {
		t.Fatal(err)
	}
	sweep(t, l, time.Now())
	there(grouped, true)
	if err := send(t, st, pair, "bob", grouped); chat.CodeOf(err) != chat.Invalid {
		t.Errorf("bob may still send what a dissolved group carried: %v", err)
	}
	sweep(t, l, time.Now().Add(keepLoose+time.Minute))
	there(grouped, true)
	sweep(t, l, time.Now().AddDate(1, 0, 0))
	there(grouped, false)
	if n := stored(t, root); n != 1 {
		t.Errorf("%d objects are left, want that of the message", n)
	}
	use, err := st.UserStorage(t.Context(), "acme", "alice")
	if err != nil || use.Used != 4 || use.Files != 1 {
		t.Errorf("%+v: %v", use, err)
	}
}

// TestFilesOfMessagesThatGo has two files in a message that is recalled, or deleted by age; one of them was forwarded meanwhile.
func TestFilesOfMessagesThatGo(t *testing.T) {
	for name, remove := range map[string]func(st *store.Store, conv string) error{
		"recalled": func(st *store.Store, conv string) error {
			return st.Recall(t.Context(), "acme", "alice", conv, 1, func([]byte, string) ([]byte, error) { return []byte("recalled"), nil })
		},
		"too old": func(st *store.Store, _ string) error {
			gone, err := st.Retain(t.Context(), "acme", chat.StreamPair, time.Now().Add(time.Minute))
			if gone.Files != 1 {
				t.Errorf("%d files are counted as loose, want 1", gone.Files)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, st, root := library(t)
			gone, forwarded := add(t, l, "acme", "alice", []byte("gone")), add(t, l, "acme", "alice", []byte("forwarded"))
			pair := chat.StreamRef{EID: "acme", Kind: chat.StreamPair, Key: chat.PairKey("alice", "bob")}
			g, err := st.CreateGroup(t.Context(), "acme", "bob", chat.Member, chat.Group{Name: "g"}, []string{"alice"}, "")
			if err != nil {
				t.Fatal(err)
			}
			group := chat.StreamRef{EID: "acme", Kind: chat.StreamGroup, Key: g.GID}
			if err := errors.Join(send(t, st, pair, "alice", gone, forwarded), send(t, st, group, "bob", forwarded)); err != nil {
				t.Fatal(err)
			}
			reads := func(uid string, f chat.File, want bool) {
				t.Helper()
				_, _, err := l.Open(t.Context(), "acme", uid, f.ID, "")
				if (err == nil) != want || err != nil && chat.CodeOf(err) != chat.NotFound {
					t.Errorf("%s reads %q: %v, want %v", uid, f.Name, err, want)
				}
			}
			reads("bob", gone, true)
			if err := remove(st, "u:bob"); err != nil {
				t.Fatal(err)
			}
			reads("bob", gone, false)
			reads("alice", gone, true) // who has uploaded it may send it again
			reads("bob", forwarded, true)
			sweep(t, l, time.Now().Add(keepLoose-time.Minute))
			reads("alice", gone, true)
			sweep(t, l, time.Now().Add(keepLoose+time.Minute))
			reads("alice", gone, false)
			reads("bob", forwarded, true)
			if n := stored(t, root); n != 1 {
				t.Errorf("%d objects are left, want that of the forwarded file", n)
			}
		})
	}
}

// part is a reader of an upload that can be interrupted.
type part struct{ io.Reader }

func (part) Interrupt() {}

func TestUploadsThatStopGo(t *testing.T) {
	l, st, root := library(t)
	u, err := l.Begin(t.Context(), "acme", "alice", chat.UploadFile{Name: "a", Purpose: chat.ForMessage}, 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Continue(t.Context(), "acme", "alice", u.ID, 0, part{strings.NewReader("some of it")}); err != nil {
		t.Fatal(err)
	}
	if n := stored(t, root); n != 1 {
		t.Fatalf("%d files", n)
	}
	sweep(t, l, time.Now().Add(keepUpload-time.Minute))
	if v, err := st.Upload(t.Context(), "acme", "alice", u.ID); err != nil || v.Offset != 10 {
		t.Errorf("%+v: %v", v, err)
	}
	sweep(t, l, time.Now().Add(keepUpload+time.Minute))
	if _, err := st.Upload(t.Context(), "acme", "alice", u.ID); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("it is still there: %v", err)
	}
	if n := stored(t, root); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestWhatBreaksOffLeavesNothing(t *testing.T) {
	l, st, root := library(t)
	broken := errors.New("the line is cut")
	_, err := l.Add(t.Context(), "acme", "alice", chat.UploadFile{Purpose: chat.ForMessage}, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), -1)
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	// Something that is no picture, in the end.
	b := jpegOf(t, corners(64, 64))
	_, err = l.Add(t.Context(), "acme", "alice", chat.UploadFile{Purpose: chat.ForMessage}, bytes.NewReader(b[:len(b)-40]), -1)
	if chat.CodeOf(err) != chat.Invalid {
		t.Errorf("%v", err)
	}
	// No room, found out only when all of it was there.
	l.Quota.User = 10
	_, err = l.Add(t.Context(), "acme", "alice", chat.UploadFile{Purpose: chat.ForMessage}, strings.NewReader("more than ten bytes"), -1)
	if chat.CodeOf(err) != chat.TooLarge {
		t.Errorf("%v", err)
	}
	sweep(t, l, time.Now().Add(time.Second))
	if n := stored(t, root); n != 0 {
		t.Errorf("%d objects are left", n)
	}
	if use, err := st.UserStorage(context.WithoutCancel(t.Context()), "acme", "alice"); err != nil || use.Used != 0 {
		t.Errorf("%+v: %v", use, err)
	}
}

// stubborn is a store that does not give one of its keys up.
type stubborn struct {
	Store
	key string
}

var errStubborn = errors.New("it stays")

func (s *stubborn) Delete(ctx context.Context, key string) error {
	if s.key == "" {
		s.key = key
	}
	if key == s.key {
		return errStubborn
	}
	return s.Store.Delete(ctx, key)
}

func TestWhatCannotBeRemovedHoldsUpNothing(t *testing.T) {
	l, _, root := library(t)
	for _, b := range []string{"one", "two", "three"} {
		add(t, l, "acme", "alice", []byte(b))
	}
	files := l.Store
	l.Store = &stubborn{Store: files}
	later := time.Now().Add(48 * time.Hour)
	if err := l.Sweep(t.Context(), later); !errors.Is(err, errStubborn) {
		t.Errorf("%v", err)
	}
	if n := stored(t, root); n != 1 {
		t.Errorf("%d objects are left, want the one that can't be removed", n)
	}
	l.Store = files
	sweep(t, l, later)
	if n := stored(t, root); n != 0 {
		t.Errorf("%d objects are left", n)
	}
}
