package roster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"magpie/server/chat"
	"magpie/server/roster"
	"magpie/server/store"
)

var (
	quiet = slog.New(slog.DiscardHandler)
	shell = chat.Actor{EID: "acme", Addr: chat.ActorShell}
)

type world struct {
	t     testing.TB
	dir   string
	store *watched
	*roster.Roster
}

// watched is a store that tells when a job ends, and may fail from one of the steps on.
type watched struct {
	*store.Store
	ended chan chat.Job
	mu    sync.Mutex
	steps int            // that are still done; negative for all
	after func(done int) // called after each step, if it is not nil
}

func (w *watched) SaveJob(ctx context.Context, j chat.Job) error {
	err := w.Store.SaveJob(ctx, j)
	if err == nil && (j.State == chat.JobDone || j.State == chat.JobFailed || j.State == chat.JobStopped) {
		w.ended <- j
	}
	return err
}

var errStopped = errors.New("the machine stops")

func (w *watched) ImportPeople(ctx context.Context, j *chat.Job, rows []chat.PersonRow) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.steps == 0 {
		w.ended <- *j
		return errStopped
	}
	w.steps--
	err := w.Store.ImportPeople(ctx, j, rows)
	if err == nil && w.after != nil {
		w.after(j.Done)
	}
	return err
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.start(-1)
	check(t, w.store.CreateOrg(t.Context(), chat.Org{EID: "acme", Name: "Acme"}))
	check(t, w.store.CreateUser(t.Context(), chat.User{EID: "acme", UID: "ann", Name: "Ann", Email: "ann@acme.example", Role: chat.Admin}, "h"))
	return w
}

func (w *world) start(steps int) {
	w.t.Helper()
	st, err := store.Open(w.t.Context(), store.Options{Dir: w.dir, Log: quiet})
	check(w.t, err)
	w.store = &watched{Store: st, ended: make(chan chat.Job, 10), steps: steps}
	w.Roster = roster.New(roster.Options{Store: w.store, Dir: filepath.Join(w.dir, "imports"), Log: quiet})
	r := w.Roster
	w.t.Cleanup(func() { r.Close(); check(w.t, st.Close()) })
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// take imports a file and waits for its end.
func (w *world) take(file io.Reader, dryRun bool) chat.Job {
	w.t.Helper()
	j, err := w.Import(w.t.Context(), shell, file, dryRun)
	check(w.t, err)
	end := <-w.store.ended
	if end.ID != j.ID {
		w.t.Fatalf("job %s ended, not %s", end.ID, j.ID)
	}
	w.Close() // the run may still be leaving
	w.Roster = roster.New(roster.Options{Store: w.store, Dir: filepath.Join(w.dir, "imports"), Log: quiet})
	return end
}

func (w *world) count() int {
	w.t.Helper()
	_, _, total, err := w.store.Accounts(w.t.Context(), "acme", chat.AccountQuery{Limit: 1})
	check(w.t, err)
	return total.Count
}

func TestMorePeopleThanAllowed(t *testing.T) {
	w := newWorld(t)
	most := 3 // one is there
	_, err := w.store.ChangeOrg(t.Context(), shell, "acme", 1, chat.OrgChange{MaxPeople: &most})
	check(t, err)
	j := w.take(strings.NewReader("uid,name,title\nann,Ann,Boss\nbo,Bo,\ncy,Cy,\ndi,Di,\n"), false)
	if j.State != chat.JobFailed || len(j.Result.Errors) != 1 || j.Result.Errors[0].Limit != 3 || w.count() != 1 {
		t.Fatalf("%+v", j)
	}
	if j = w.take(strings.NewReader("uid,name,title\nann,Ann,Boss\nbo,Bo,\ncy,Cy,\n"), false); j.State != chat.JobDone || w.count() != 3 {
		t.Fatalf("%+v", j)
	}
	j = w.take(strings.NewReader("uid,name\nx,"+strings.Repeat("x", 65)+"\n"), true)
	if len(j.Result.Errors) == 0 || j.Result.Errors[0].Code != chat.FieldTooLong || j.Result.Errors[0].Limit != chat.MaxName {
		t.Fatalf("%+v", j.Result.Errors)
	}
}

func TestEncodings(t *testing.T) {
	const table = "工号,姓名,邮箱,部门\nlihua,李华,LiHua@acme.example,工程部/后端|产品\nbob,\"Bob, the 2nd\",,\n\n"
	for name, f := range map[string]func(string) string{
		"UTF-8":  func(s string) string { return s },
		"BOM":    func(s string) string { return "\ufeff" + s },
		"GBK":    func(s string) string { return encoded(t, simplifiedchinese.GBK, s) },
		"UTF-16": func(s string) string { return encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), s) },
		"CRLF":   func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"semicolon": func(s string) string {
			return strings.NewReplacer(",", ";", "\"Bob; the 2nd\"", "\"Bob, the 2nd\"").Replace(s)
		},
		"tab": func(s string) string {
			return strings.NewReplacer(",", "\t", "\"Bob, the 2nd\"", "Bob the 2nd").Replace(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			j := w.take(strings.NewReader(f(table)), false)
			if j.State != chat.JobDone || j.Result.Created != 2 || len(j.Result.Errors) > 0 || j.Done != 2 || j.Total != 2 {
				t.Fatalf("%+v", j)
			}
			a, err := w.store.Account(t.Context(), "acme", "lihua")
			check(t, err)
			if a.Name != "李华" || a.Email != "lihua@acme.example" || a.Department != "后端" || len(a.Departments) != 2 || !a.Invited {
				t.Errorf("%+v", a)
			}
			if b, err := w.store.User(t.Context(), "acme", "bob"); err != nil || !strings.HasPrefix(b.Name, "Bob") {
				t.Errorf("%+v %v", b, err)
			}
			if left, _ := os.ReadDir(filepath.Join(w.dir, "imports")); len(left) > 0 {
				t.Errorf("files are left: %v", left)
			}
		})
	}
}

// TestWhatIsRead shows how a file was read before anybody is stored: one from Western Europe looks like Chinese.
func TestWhatIsRead(t *testing.T) {
	w := newWorld(t)
	for name, file := range map[string]string{"UTF-8": "uid,name\nmu,M\u00fcller\n", "GB 18030": "uid,name\nmu,M\xfcller\n"} {
		j := w.take(strings.NewReader(file), true)
		if r := j.Result; j.State != chat.JobDone || r.Encoding != name || len(r.First) != 1 || r.First[0].UID != "mu" || (r.First[0].Name == "M\u00fcller") != (name == "UTF-8") {
			t.Errorf("%s: %+v", name, j)
		}
	}
	j := w.take(strings.NewReader("uid,name,title,\nx,Lee, Ann,Boss\ny,Fine,,\nz,Note,,here\n"), true)
	if j.State != chat.JobFailed || len(j.Result.Errors) != 2 {
		t.Fatalf("%+v", j)
	}
	for i, line := range []int{2, 4} {
		if e := j.Result.Errors[i]; e.Line != line || e.Code != chat.FieldSurplus {
			t.Errorf("%+v", e)
		}
	}
}

// TestTakenMeanwhile gives somebody else the address of one who is still to come: that one is left out, and the job says so.
func TestTakenMeanwhile(t *testing.T) {
	w := newWorld(t)
	var file strings.Builder
	file.WriteString("uid,name,email\n")
	for i := range 300 {
		fmt.Fprintf(&file, "p%d,P,p%d@acme.example\n", i, i)
	}
	w.store.after = func(done int) {
		if done < 300 {
			check(t, w.store.CreateUser(t.Context(), chat.User{EID: "acme", UID: "quick", Name: "Quick", Email: "p290@acme.example"}, ""))
		}
	}
	j := w.take(strings.NewReader(file.String()), false)
	if j.State != chat.JobDone || j.Result.Created != 299 || len(j.Result.Errors) != 1 || j.Result.Errors[0].Line != 292 || j.Result.Errors[0].Code != chat.FieldConflict {
		t.Errorf("%+v", j)
	}
	if _, err := w.store.User(t.Context(), "acme", "p290"); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("p290: %v", err)
	}
}

func encoded(t testing.TB, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	check(t, err)
	return out
}

// TestNothingHalfImported has files with mistakes of all kinds among good lines.
func TestNothingHalfImported(t *testing.T) {
	const good = "good,Good,,,,\n"
	for lines, want := range map[string]string{ // what follows the heading → line, field and code
		good + "bad id,X,,,,":                  "3 uid format",
		good + ",X,,,,":                        "3 uid required",
		good + "x,,,,,":                        "3 name required",
		good + "x,a\u202eb,,,,":                "3 name control-characters",
		good + "good,Again,,,,":                "3 uid repeated",
		good + "x,X,nobody,,,":                 "3 email format",
		good + "x,X,ann@acme.example,,,":       "3 email taken",
		"x,X,a@b.c,,,\ny,Y,A@B.c,,,":           "3 email repeated",
		good + "x,X,,,king,":                   "3 role choice",
		good + "x,X,,,,A/" + long:              "3 departments too-long",
		good + "x,X,," + long + ",,":           "3 title too-long",
		good + "x,\"X,,,,\ny,Y,,,,":            "3  format",
		good + "\n\nx,,,,,":                    "5 name required",
		good + "x,bad \xff byte,,,,":           "3  format",
		strings.Repeat(good, 300) + "x,X,,,,,": "3 uid repeated",
	} {
		w := newWorld(t)
		for _, dryRun := range []bool{true, false} {
			j := w.take(strings.NewReader("uid,name,email,title,role,department\n"+lines), dryRun)
			if j.State != chat.JobFailed || len(j.Result.Errors) == 0 {
				t.Errorf("%.60q: %+v", lines, j)
				continue
			}
			e := j.Result.Errors[0]
			if got := fmt.Sprintf("%d %s %s", e.Line, e.Field, e.Code); got != want || e.Message == "" {
				t.Errorf("%.60q: %s, want %s: %s", lines, got, want, e.Message)
			}
		}
		if n := w.count(); n != 1 {
			t.Errorf("%.60q: %d people", lines, n)
		}
	}
	for file, want := range map[string]string{"": "required", "uid,wage\nx,1": "unknown", "name\nX": "required", "uid,uid\nx,x": "repeated", "PK\x03\x04rest": "format"} {
		w := newWorld(t)
		if j := w.take(strings.NewReader(file), false); j.State != chat.JobFailed || string(j.Result.Errors[0].Code) != want || j.Result.Errors[0].Line != 1 {
			t.Errorf("%q: %+v", file, j)
		}
	}
}

var long = strings.Repeat("x", 65)

func TestDryRunAndRepeat(t *testing.T) {
	w := newWorld(t)
	const file = "uid,name,email,title,role\nann,Ann,,Boss,member\nbob,Bob,bob@acme.example,,admin\n"
	if j := w.take(strings.NewReader(file), true); j.State != chat.JobDone || j.Result.Created != 1 || j.Result.Updated != 1 || w.count() != 1 {
		t.Errorf("dry run: %+v", j)
	}
	if j := w.take(strings.NewReader(file), false); j.Result.Created != 1 || j.Result.Updated != 1 {
		t.Errorf("first: %+v", j)
	}
	if j := w.take(strings.NewReader(file), false); j.Result.Created != 0 || j.Result.Unchanged != 2 {
		t.Errorf("second: %+v", j)
	}
	ann, err := w.store.User(t.Context(), "acme", "ann")
	check(t, err)
	if ann.Role != chat.Admin || ann.Title != "Boss" || ann.Email != "ann@acme.example" {
		t.Errorf("%+v", ann) // an import takes nobody's role, and what is empty stays
	}
	entries, _, err := w.store.Audit(t.Context(), "acme", chat.AuditQuery{})
	check(t, err)
	if len(entries) != 2 || entries[0].Addr != chat.ActorShell {
		t.Errorf("%d entries: %+v", len(entries), entries)
	}
}

// TestGoesOnAfterACrash stops in the midst of an import and starts again.
func TestGoesOnAfterACrash(t *testing.T) {
	w := newWorld(t)
	w.store.mu.Lock()
	w.store.steps = 2
	w.store.mu.Unlock()
	if _, err := w.Import(t.Context(), shell, people(1000), false); err != nil {
		t.Fatal(err)
	}
	<-w.store.ended
	w.Close()
	if n := w.count(); n != 401 {
		t.Fatalf("%d people at the crash", n)
	}
	check(t, w.store.Close())
	w.start(-1)
	check(t, w.Resume(t.Context()))
	if j := <-w.store.ended; j.State != chat.JobDone || j.Done != 1000 || j.Result.Created != 1000 || len(j.Result.Errors) > 0 {
		t.Errorf("%+v", j)
	}
	if n := w.count(); n != 1001 {
		t.Errorf("%d people", n)
	}
}

func TestRightsOfImport(t *testing.T) {
	w := newWorld(t)
	check(t, w.store.CreateUser(t.Context(), chat.User{EID: "acme", UID: "root", Name: "Root", Role: chat.System}, "h"))
	check(t, w.store.CreateUser(t.Context(), chat.User{EID: "acme", UID: "bob", Name: "Bob"}, "h"))
	if _, err := w.Import(t.Context(), chat.Actor{EID: "acme", UID: "bob"}, people(1), false); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("a member: %v", err)
	}
	for file, want := range map[string]string{"uid,name,role\nx,X,system": "role", "uid,name\nroot,Toor": "uid"} {
		if _, err := w.Import(t.Context(), chat.Actor{EID: "acme", UID: "ann"}, strings.NewReader(file), false); err != nil {
			t.Fatal(err)
		}
		if j := <-w.store.ended; j.State != chat.JobFailed || j.Result.Errors[0].Field != want || j.Result.Errors[0].Code != chat.FieldNotAllowed {
			t.Errorf("%q: %+v", file, j)
		}
		w.Close()
		w.Roster = roster.New(roster.Options{Store: w.store, Dir: filepath.Join(w.dir, "imports"), Log: quiet})
	}
}

// TestStopsWithoutRights takes the rights of who began an import while it runs.
func TestStopsWithoutRights(t *testing.T) {
	for name, change := range map[string]chat.AccountChange{"disabled": {Disabled: ptr(true)}, "demoted": {UserChange: chat.UserChange{Role: ptr(chat.Member)}}, "auditor": {UserChange: chat.UserChange{Role: ptr(chat.Auditor)}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			check(t, w.store.CreateUser(t.Context(), chat.User{EID: "acme", UID: "bob", Name: "Bob", Role: chat.Admin}, "h"))
			w.store.after = func(done int) {
				if done == 400 {
					_, err := w.store.UpdateAccount(t.Context(), shell, "bob", 1, change)
					check(t, err)
				}
			}
			_, err := w.Import(t.Context(), chat.Actor{EID: "acme", UID: "bob"}, people(1000), false)
			check(t, err)
			j := <-w.store.ended
			if j.State != chat.JobStopped || j.Done != 400 || j.Result.Created != 400 || len(j.Result.Errors) != 1 || j.Result.Errors[0].Code != chat.FieldNotAllowed {
				t.Errorf("%+v", j)
			}
			if n := w.count(); n != 402 {
				t.Errorf("%d people", n)
			}
			w.Close()
			w.Roster = roster.New(roster.Options{Store: w.store, Dir: filepath.Join(w.dir, "imports"), Log: quiet})
			w.store.after = nil
			if j := w.take(people(1000), false); j.State != chat.JobDone || j.Result.Created != 600 || j.Result.Unchanged != 400 { // somebody else goes on
				t.Errorf("%+v", j)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

// TestOneImportAtATime begins many at once.
func TestOneImportAtATime(t *testing.T) {
	w := newWorld(t)
	w.store.mu.Lock() // nothing is stored, so that the first one lasts
	var taken, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := w.Import(t.Context(), shell, strings.NewReader("uid,name\nx,X"), false)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken++
			} else if chat.CodeOf(err) == chat.Conflict {
				refused++
			}
		})
	}
	all.Wait()
	w.store.mu.Unlock()
	if taken != 1 || refused != 7 {
		t.Errorf("%d were taken and %d refused", taken, refused)
	}
	<-w.store.ended
}

// TestLeftFilesGo starts where a crash has left the file of a job that was never stored.
func TestLeftFilesGo(t *testing.T) {
	w := newWorld(t)
	left := filepath.Join(w.dir, "imports", "left.csv")
	check(t, os.MkdirAll(filepath.Dir(left), 0o700))
	check(t, os.WriteFile(left, []byte("uid,name\nx,X"), 0o600))
	check(t, w.Resume(t.Context()))
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestDepartmentsOfARow(t *testing.T) {
	w := newWorld(t)
	for departments, want := range map[string]chat.FieldCode{
		strings.Repeat("a/", 20) + "b":       chat.FieldTooDeep,
		strings.Repeat("a/", 5000) + "b":     chat.FieldTooDeep,
		"a" + strings.Repeat("|b", 20):       chat.FieldTooMany,
		strings.Repeat("a/", 19) + "b|c|d/e": "",
	} {
		j := w.take(strings.NewReader("uid,name,departments\nx,X,"+departments), true)
		if want == "" && j.State != chat.JobDone || want != "" && (j.State != chat.JobFailed || j.Result.Errors[0].Code != want) {
			t.Errorf("%.40q: %+v", departments, j)
		}
	}
}

// TestTooManyLines has one line more than a file may have: what is wrong is that line alone.
func TestTooManyLines(t *testing.T) {
	w := newWorld(t)
	j := w.take(people(roster.MaxLines+1), true)
	if j.State != chat.JobFailed || len(j.Result.Errors) != 1 || j.Result.Errors[0].Code != chat.FieldTooMany || j.Result.Errors[0].Line != roster.MaxLines+2 || j.Result.Created < roster.MaxLines-200 {
		t.Errorf("%d people, %+v", j.Result.Created, j)
	}
}

// people is a file of n people, made as it is read.
func people(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		fmt.Fprintln(w, "uid,name,email,title,departments")
		for i := range n {
			if _, err := fmt.Fprintf(w, "p%06d,李 Person %d,p%d@acme.example,Engineer,Division %d/Team %d\n", i, i, i, i%10, i%300); err != nil {
				return
			}
		}
		_ = w.Close()
	}()
	return r
}

// BenchmarkImport of 10,000 people should cost less than 20 times that of 1,000.
func BenchmarkImport(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := newWorld(b)
				b.StartTimer()
				if j := w.take(people(n), false); j.Result.Created != n {
					b.Fatalf("%+v", j)
				}
			}
		})
	}
}
