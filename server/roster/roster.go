// Package roster brings people in from CSV files.
//
// A file is read twice. The first reading checks every line and changes nothing; if one is wrong, nothing is imported. The second stores
// the people in small transactions, so that messages don't wait meanwhile. How far it is is stored in the same transactions, and the
// file is kept until its end: after a crash the import goes on where it was, so that in the end all of it is there.
package roster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"magpie/server/chat"
)

// Bounds of a file.
const (
	MaxLines = 200_000
	MaxBytes = 64 << 20
)

// maxDepartments is in how many departments one person may be.
const maxDepartments = 20

// shown is how many lines a dry run shows as they were read.
const shown = 5

// Lines of one step: looked up at once, and stored in one transaction.
const step = 200

// Store is what an import needs of the database.
type Store interface {
	SaveJob(ctx context.Context, j chat.Job) error
	Job(ctx context.Context, eid, id string) (chat.Job, error)
	// RunningJobs are those that a stop of the server interrupted.
	RunningJobs(ctx context.Context, kind chat.JobKind) ([]chat.Job, error)
	Org(ctx context.Context, eid string) (chat.Org, error)
	// Taken says which of some user names and e-mail addresses are in use.
	Taken(ctx context.Context, eid string, uids, emails []string) (chat.Taken, error)
	// ImportPeople stores people and the job, which it counts on, in one transaction.
	ImportPeople(ctx context.Context, j *chat.Job, rows []chat.PersonRow) error
	// MayImport is nil for somebody who may import people; system says whether it may make system administrators.
	MayImport(ctx context.Context, by chat.Actor) (system bool, err error)
}

// Options configure a Roster.
type Options struct {
	Store Store
	Dir   string // where files wait, made when needed
	Log   *slog.Logger
}

// Roster runs imports, one at a time for an organisation.
type Roster struct {
	Options
	ctx  context.Context // ends when the server stops
	stop context.CancelFunc
	runs sync.WaitGroup

	mu   sync.Mutex           // guards live
	live map[string]*chat.Job // by organisation: what runs now
}

// New makes a Roster.
func New(o Options) *Roster {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Roster{Options: o, live: map[string]*chat.Job{}}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Close stops the imports that run. They go on when the server starts again.
func (r *Roster) Close() {
	r.stop()
	r.runs.Wait()
}

// Resume goes on with what a stop of the server interrupted.
func (r *Roster) Resume(ctx context.Context) error {
	jobs, err := r.Store.RunningJobs(ctx, chat.JobImport)
	if err != nil {
		return fmt.Errorf("look for imports: %w", err)
	}
	keep := map[string]bool{}
	for _, j := range jobs {
		keep[r.path(j.ID)] = true
		if r.isLive(j) { // the shell was there first
			continue
		}
		if j.State == chat.JobRunning {
			r.begin(j)
			continue
		}
		j.State = chat.JobFailed
		j.Result.Wrong(chat.JobError{Code: chat.FieldInvalid, Message: "The server was stopped while it read the file. Nothing was imported: please try again."})
		if err := r.finish(ctx, j); err != nil {
			return err
		}
	}
	return r.clean(keep)
}

// clean removes files that a crash has left before their job was stored.
func (r *Roster) clean(keep map[string]bool) error {
	files, err := os.ReadDir(r.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for files of imports: %w", err)
	}
	r.mu.Lock()
	for _, j := range r.live { // after the folder was read: what runs had its place here before its file was made
		keep[r.path(j.ID)] = true
	}
	r.mu.Unlock()
	for _, f := range files {
		path := filepath.Join(r.Dir, f.Name())
		if keep[path] {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove a file of an import: %w", err)
		}
	}
	return nil
}

// isLive reports whether a job runs already.
func (r *Roster) isLive(j chat.Job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	other := r.live[j.By.EID]
	return other != nil && other.ID == j.ID
}

// Import takes a file and begins to import it, or with dryRun only to check it.
func (r *Roster) Import(ctx context.Context, by chat.Actor, file io.Reader, dryRun bool) (chat.Job, error) {
	if _, err := r.Store.MayImport(ctx, by); err != nil {
		return chat.Job{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return chat.Job{}, fmt.Errorf("make a job's id: %w", err)
	}
	j := chat.Job{ID: id.String(), Kind: chat.JobImport, By: by, State: chat.JobChecking, Result: chat.JobResult{DryRun: dryRun}}
	reserved := j
	r.mu.Lock()
	busy := r.live[by.EID] != nil
	if !busy {
		r.live[by.EID] = &reserved
	}
	r.mu.Unlock()
	if busy {
		return j, chat.Errorf(chat.Conflict, "Another import of your organisation is running. Wait until it is done.")
	}
	err = r.keep(j.ID, file)
	if err == nil {
		if err = r.Store.SaveJob(ctx, j); err != nil {
			_ = os.Remove(r.path(j.ID))
			err = fmt.Errorf("store a job: %w", err)
		}
	}
	if err != nil {
		r.mu.Lock()
		delete(r.live, by.EID)
		r.mu.Unlock()
		return j, err
	}
	r.begin(j)
	return j, nil
}

func (r *Roster) path(id string) string { return filepath.Join(r.Dir, id+".csv") }

// keep writes a file to the folder where it waits.
func (r *Roster) keep(id string, file io.Reader) error {
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of imports: %w", err)
	}
	f, err := os.OpenFile(r.path(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the file: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(file, MaxBytes+1))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil && n > MaxBytes {
		err = chat.Errorf(chat.TooLarge, "The file is larger than %d MiB.", MaxBytes>>20)
	}
	if err != nil {
		_ = os.Remove(r.path(id))
	}
	return err
}

// Job returns a job as it is now.
func (r *Roster) Job(ctx context.Context, eid, id string) (chat.Job, error) {
	r.mu.Lock()
	if j := r.live[eid]; j != nil && j.ID == id {
		now := *j
		r.mu.Unlock()
		return now, nil
	}
	r.mu.Unlock()
	return r.Store.Job(ctx, eid, id)
}

func (r *Roster) show(j chat.Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[j.By.EID] = &j
}

func (r *Roster) begin(j chat.Job) {
	r.show(j)
	r.runs.Go(func() {
		err := r.run(&j)
		r.mu.Lock()
		delete(r.live, j.By.EID)
		r.mu.Unlock()
		if err != nil && r.ctx.Err() == nil {
			r.Log.Error("import of people", "err", err, "eid", j.By.EID, "job", j.ID)
		}
	})
}

// run does a job. On an error of the server's own a job that only checks has failed; one that stores goes on at the next start.
func (r *Roster) run(j *chat.Job) error {
	if j.State == chat.JobChecking {
		err := r.check(j)
		if err != nil {
			j.Result.Wrong(chat.JobError{Code: chat.FieldInvalid, Message: "Something went wrong on the server. Nothing was imported: please try again."})
		}
		switch {
		case len(j.Result.Errors) > 0:
			j.State = chat.JobFailed
		case j.Result.DryRun:
			j.State = chat.JobDone
		default:
			j.State, j.Done, j.Result = chat.JobRunning, 0, chat.JobResult{}
		}
		if j.State != chat.JobRunning {
			return errors.Join(err, r.finish(r.ctx, *j))
		}
		if err := r.Store.SaveJob(r.ctx, *j); err != nil {
			return fmt.Errorf("store a job: %w", err)
		}
		r.show(*j)
	}
	return r.store(j)
}

// finish stores a job's end and removes its file.
func (r *Roster) finish(ctx context.Context, j chat.Job) error {
	if err := r.Store.SaveJob(context.WithoutCancel(ctx), j); err != nil {
		return fmt.Errorf("store a job: %w", err)
	}
	if err := os.Remove(r.path(j.ID)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove an imported file: %w", err)
	}
	return nil
}

// check reads the whole file and notes in the job what is wrong, and what an import would do.
func (r *Roster) check(j *chat.Job) error {
	system, err := r.Store.MayImport(r.ctx, j.By)
	if err != nil {
		return err
	}
	c := &checker{job: j, system: system, uids: map[string]int{}, emails: map[string]int{}}
	err = r.steps(j, 0, func(rows []chat.PersonRow) error {
		var uids, emails []string
		for _, row := range rows {
			uids = append(uids, row.UID)
			if row.Email != "" {
				emails = append(emails, row.Email)
			}
		}
		taken, err := r.Store.Taken(r.ctx, j.By.EID, uids, emails)
		if err != nil {
			return fmt.Errorf("look for people: %w", err)
		}
		for _, row := range rows {
			c.row(row, taken)
		}
		if j.Result.DryRun && j.Done == 0 {
			j.Result.First = slices.Clone(rows[:min(shown, len(rows))])
		}
		j.Done += len(rows)
		r.show(*j)
		return nil
	})
	if err != nil {
		return err
	}
	j.Total = j.Done
	org, err := r.Store.Org(r.ctx, j.By.EID)
	if err != nil {
		return fmt.Errorf("read the organisation: %w", err)
	}
	if most := org.Limits.People; most > 0 && org.People+j.Result.Created > most {
		j.Result.Wrong(chat.JobError{Code: chat.FieldTooMany, Limit: most,
			Message: fmt.Sprintf("These are %d new people; your organisation may have %d and has %d already.", j.Result.Created, most, org.People)})
	}
	return nil
}

// store imports what check found to be right, from where it was interrupted.
func (r *Roster) store(j *chat.Job) error {
	err := r.steps(j, j.Done, func(rows []chat.PersonRow) error {
		if err := r.Store.ImportPeople(r.ctx, j, rows); err != nil {
			return fmt.Errorf("import people: %w", err)
		}
		r.show(*j)
		return nil
	})
	switch chat.CodeOf(err) {
	case chat.Unauthenticated, chat.Forbidden, chat.NotFound:
		j.State = chat.JobStopped
		j.Result.Wrong(chat.JobError{Code: chat.FieldNotAllowed, Message: fmt.Sprintf(
			"%s may not import people any more. %d of %d are stored, the others are not. Import the same file again to go on: who is there already is no hindrance.", j.By.UID, j.Done, j.Total)})
		return r.finish(r.ctx, *j)
	}
	if err != nil {
		return err
	}
	j.State = chat.JobDone
	return r.finish(r.ctx, *j)
}

// steps gives the rows of a job's file to f, some at a time, without the first ones. What is wrong with their form it notes in the job.
func (r *Roster) steps(j *chat.Job, skip int, f func([]chat.PersonRow) error) error {
	t, wrong, err := open(r.path(j.ID))
	if err != nil {
		return err
	}
	if wrong != nil {
		j.Result.Wrong(*wrong)
		return nil
	}
	defer t.close()
	j.Result.Encoding = t.coding
	rows := make([]chat.PersonRow, 0, step)
	for n := 0; ; {
		line, cells, wrong, err := t.next()
		if wrong != nil {
			j.Result.Wrong(*wrong)
			if cells == nil {
				return nil
			}
		}
		if err == nil && n == MaxLines {
			j.Result.Wrong(chat.JobError{Line: line, Code: chat.FieldTooMany, Limit: MaxLines, Message: fmt.Sprintf("A file may have at most %d people.", MaxLines)})
			return nil
		}
		if err == nil {
			if n++; n > skip {
				rows = append(rows, rowOf(line, cells))
			}
		}
		if len(rows) == step || err != nil && len(rows) > 0 {
			if err := f(rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		}
	}
}

func rowOf(line int, cells map[string]string) chat.PersonRow {
	row := chat.PersonRow{Line: line, UID: cells["uid"], Name: cells["name"], Email: strings.ToLower(cells["email"]), Title: cells["title"],
		Role: chat.Role(strings.ToLower(cells["role"]))}
	for path := range strings.SplitSeq(cells["departments"], "|") {
		if path = strings.TrimSpace(path); path != "" {
			row.Departments = append(row.Departments, path)
		}
	}
	return row
}

// checker looks at rows one by one.
type checker struct {
	job    *chat.Job
	system bool // the actor may make system administrators
	// Lines where a name or an address came first.
	uids, emails map[string]int
}

func (c *checker) row(row chat.PersonRow, taken chat.Taken) {
	ok := true
	note := func(field string, what chat.Field) {
		ok = false
		c.job.Result.Wrong(chat.JobError{Line: row.Line, Field: field, Code: what.Code, Message: what.Message, Limit: what.Limit})
	}
	wrong := func(field string, code chat.FieldCode, format string, args ...any) {
		note(field, chat.Field{Code: code, Message: fmt.Sprintf(format, args...)})
	}
	said := func(field string, err error) {
		var e *chat.Error
		if errors.As(err, &e) {
			note(field, e.Fields[field])
		}
	}
	old, exists := taken.UIDs[row.UID]
	switch first := c.uids[row.UID]; {
	case row.UID == "":
		wrong("uid", chat.FieldRequired, "is missing")
	case !chat.ValidUID(row.UID):
		wrong("uid", chat.FieldFormat, "must start with a letter or digit and have only letters, digits, dots, - and _, at most 64")
	case first > 0:
		wrong("uid", chat.FieldRepeated, "is in line %d already", first)
	default:
		c.uids[row.UID] = row.Line
	}
	if row.Name != "" || !exists {
		_, err := chat.CleanName("name", row.Name, chat.MaxName)
		said("name", err)
	}
	if row.Title != "" {
		_, err := chat.CleanName("title", row.Title, chat.MaxName)
		said("title", err)
	}
	if row.Email != "" {
		_, err := chat.CleanEmail("email", row.Email)
		said("email", err)
		switch first, owner := c.emails[row.Email], taken.Emails[row.Email]; {
		case first > 0:
			wrong("email", chat.FieldRepeated, "is in line %d already", first)
		case owner != "" && owner != row.UID:
			wrong("email", chat.FieldTaken, "is the address of %s", owner)
		default:
			c.emails[row.Email] = row.Line
		}
	}
	switch row.Role {
	case "", chat.Member, chat.Auditor, chat.Admin:
	case chat.System:
		if !c.system {
			wrong("role", chat.FieldNotAllowed, "can be given by a system administrator only")
		}
	default:
		wrong("role", chat.FieldChoice, "must be member, auditor, admin or system")
	}
	if exists && old == chat.System && !c.system {
		wrong("uid", chat.FieldNotAllowed, "is a system administrator's, which you can't change")
	}
	if len(row.Departments) > maxDepartments {
		note("departments", chat.Field{Code: chat.FieldTooMany, Limit: maxDepartments, Message: fmt.Sprintf("are too many: one person may be in %d", maxDepartments)})
	}
	for _, path := range row.Departments {
		if strings.Count(path, "/") >= chat.MaxDepartmentLevels {
			note("departments", chat.Field{Code: chat.FieldTooDeep, Limit: chat.MaxDepartmentLevels, Message: fmt.Sprintf("are too deep: the tree may have %d levels", chat.MaxDepartmentLevels)})
			continue
		}
		for name := range strings.SplitSeq(path, "/") {
			if strings.TrimSpace(name) != "" {
				_, err := chat.CleanDepartment("departments", name)
				said("departments", err)
			}
		}
	}
	switch {
	case !ok:
	case exists:
		c.job.Result.Updated++
	default:
		c.job.Result.Created++
	}
}
