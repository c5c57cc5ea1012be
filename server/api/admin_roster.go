package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"magpie/server/chat"
)

// Roster imports people.
type Roster interface {
	Import(ctx context.Context, by chat.Actor, file io.Reader, dryRun bool) (chat.Job, error)
	Job(ctx context.Context, eid, id string) (chat.Job, error)
}

// maxImport is the largest file of people.
const maxImport = 64 << 20

// job is long work, for who waits for it.
type job struct {
	ID      string          `json:"id"`
	Kind    chat.JobKind    `json:"kind" enum:"import,backup"`
	State   chat.JobState   `json:"state" enum:"checking,running,done,failed,stopped" doc:"checking: nothing has changed yet. failed: nothing was changed, errors say why. stopped: who began it lost the right to, and what done counts is stored."`
	Done    int             `json:"done"`
	Total   int             `json:"total" doc:"0 while it is not known."`
	Result  jobResult       `json:"result"`
	Errors  []chat.JobError `json:"errors" doc:"At most 500."`
	Wrong   int             `json:"wrong" doc:"How many errors there are in all."`
	Actor   string          `json:"actor"`
	Created *time.Time      `json:"created"`
	Changed *time.Time      `json:"changed"`
}

type jobResult struct {
	DryRun    bool   `json:"dry_run"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated" doc:"In a dry run: everybody who is there already."`
	Unchanged int    `json:"unchanged"`
	Size      int64  `json:"size" doc:"Of a backup, in bytes."`
	File      string `json:"file,omitempty" doc:"Of a backup: the name of its file."`

	Encoding string           `json:"encoding,omitempty" doc:"Of the file: UTF-8, UTF-16 or GB 18030. The last is what is neither of the others: whether it is right, the first lines show."`
	First    []chat.PersonRow `json:"first,omitempty" doc:"Of a dry run: the first people as the file was read."`
}

func jobOf(j chat.Job) job {
	out := job{ID: j.ID, Kind: j.Kind, State: j.State, Done: j.Done, Total: j.Total, Errors: j.Result.Errors, Wrong: len(j.Result.Errors) + j.Result.More,
		Result: jobResult{DryRun: j.Result.DryRun, Created: j.Result.Created, Updated: j.Result.Updated, Unchanged: j.Result.Unchanged, Size: j.Result.Size,
			Encoding: j.Result.Encoding, First: j.Result.First},
		Actor: j.By.UID, Created: timeOrNull(j.Created), Changed: timeOrNull(j.Changed)}
	if j.Result.File != "" {
		out.Result.File = filepath.Base(j.Result.File) // where the folder is, is the server's alone
	}
	if out.Errors == nil {
		out.Errors = []chat.JobError{}
	}
	return out
}

func (a *api) rosterRoutes() {
	const tag = "Administration"
	route(a, op{method: "POST", path: "/admin/users/import", id: "admin-import-users", tag: tag, right: chat.ManagePeople, status: http.StatusAccepted, maxBody: maxImport,
		summary: "Import people from a CSV file", about: "Answers a job, whose progress is at /admin/jobs/{id}. Nothing is imported unless every line is right."}, a.importPeople)
	route(a, op{method: "GET", path: "/admin/users/export", id: "admin-export-users", tag: tag, right: chat.ReadOrganisation,
		summary: "People as CSV", about: "In the form that import takes. Cells that a spreadsheet would take for formulas begin with an apostrophe."}, a.exportPeople)
	route(a, op{method: "POST", path: "/admin/users/links", id: "admin-password-links", tag: tag, right: chat.ManagePeople,
		summary: "Links for everybody who has no password yet, as CSV", about: "Each works once, for seven days, and replaces an earlier one of that person. They are shown here alone."}, a.passwordLinks)
	route(a, op{method: "GET", path: "/admin/jobs", id: "admin-list-jobs", tag: tag, right: chat.ReadOrganisation, summary: "The newest jobs of a kind",
		about: "One of imports runs at a time. How far it is, its own address says."}, a.jobs)
	route(a, op{method: "GET", path: "/admin/jobs/{id}", id: "admin-get-job", tag: tag, right: chat.ReadOrganisation, summary: "How far a job is"}, a.job)
}

func (a *api) importPeople(ctx context.Context, c *caller, in *struct {
	DryRun  bool   `query:"dry_run" doc:"Only check the file."`
	RawBody []byte `contentType:"text/csv"`
}) (*answer[job], error) {
	j, err := a.Roster.Import(ctx, c.actor(), bytes.NewReader(in.RawBody), in.DryRun)
	if err != nil {
		return nil, fmt.Errorf("import people: %w", err)
	}
	return &answer[job]{jobOf(j)}, nil
}

func (a *api) jobs(ctx context.Context, c *caller, in *struct {
	Kind chat.JobKind `query:"kind" required:"true" enum:"import"`
}) (*answer[list[job]], error) {
	jobs, err := a.Store.Jobs(ctx, c.EID, in.Kind, 20)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return page(jobsOf(jobs), ""), nil
}

func jobsOf(jobs []chat.Job) []job {
	out := make([]job, len(jobs))
	for i, j := range jobs {
		out[i] = jobOf(j)
	}
	return out
}

func (a *api) job(ctx context.Context, c *caller, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*answer[job], error) {
	j, err := a.Roster.Job(ctx, c.EID, in.ID)
	if chat.CodeOf(err) == chat.NotFound && c.Role.Has(chat.Backup) {
		j, err = a.Roster.Job(ctx, "", in.ID) // one of the whole server
	}
	if err != nil {
		return nil, fmt.Errorf("read a job: %w", err)
	}
	return &answer[job]{jobOf(j)}, nil
}

func (a *api) exportPeople(ctx context.Context, c *caller, in *AccountFilter) (*huma.StreamResponse, error) {
	wanted, err := in.query()
	if err != nil {
		return nil, err
	}
	departments, err := a.Store.Departments(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read departments: %w", err)
	}
	paths := departmentPaths(departments)
	return a.csv("people.csv", []string{"uid", "name", "email", "title", "departments", "role", "disabled", "created", "seen"}, func(ctx context.Context, write func(...string) error) error {
		q := wanted
		for q.Sort, q.Limit = "uid", 500; ; {
			people, next, _, err := a.Store.Accounts(ctx, c.EID, q)
			if err != nil {
				return err
			}
			for _, u := range people {
				in := make([]string, len(u.Departments))
				for i, id := range u.Departments {
					in[i] = paths[id]
				}
				disabled, seen := "", ""
				if u.Disabled {
					disabled = "true"
				}
				if !u.Seen.IsZero() {
					seen = u.Seen.Format(time.RFC3339)
				}
				if err := write(u.UID, u.Name, u.Email, u.Title, strings.Join(in, "|"), string(u.Role), disabled, u.Created.Format(time.RFC3339), seen); err != nil {
					return err
				}
			}
			if next == "" {
				return nil
			}
			q.Cursor = next
		}
	}), nil
}

// departmentPaths writes each department with those above it, such as "Engineering/Backend".
func departmentPaths(all []chat.Department) map[int64]string {
	by := make(map[int64]chat.Department, len(all))
	for _, d := range all {
		by[d.ID] = d
	}
	paths := make(map[int64]string, len(all))
	for _, d := range all {
		path := d.Name
		for up := by[d.Parent]; up.ID != 0; up = by[up.Parent] {
			path = up.Name + "/" + path
		}
		paths[d.ID] = path
	}
	return paths
}

func (a *api) passwordLinks(_ context.Context, c *caller, _ *struct{}) (*huma.StreamResponse, error) {
	return a.csv("links.csv", []string{"uid", "name", "email", "url", "expires"}, func(ctx context.Context, write func(...string) error) error {
		for after := ""; ; {
			people, err := a.Store.InvitedUsers(ctx, c.EID, after, 200)
			if err != nil || len(people) == 0 {
				return err
			}
			after = people[len(people)-1].UID
			tokens, hashes := map[string]string{}, map[string][]byte{}
			for _, u := range people {
				if chat.MayAdministerUser(c.Role, u.Role) == nil {
					tokens[u.UID], hashes[u.UID] = newLinkToken()
				}
			}
			expires, err := a.Store.CreatePasswordLinks(ctx, c.actor(), hashes)
			if err != nil {
				return err
			}
			for _, u := range people {
				if tokens[u.UID] == "" {
					continue
				}
				if err := write(u.UID, u.Name, u.Email, c.resetURL(tokens[u.UID]), expires.Format(time.RFC3339)); err != nil {
					return err
				}
			}
		}
	}), nil
}
