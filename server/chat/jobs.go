package chat

import "time"

// JobState is how far a job is.
type JobState string

const (
	JobChecking JobState = "checking" // nothing has changed yet
	JobRunning  JobState = "running"  // goes on after a restart of the server
	JobDone     JobState = "done"
	JobFailed   JobState = "failed"  // nothing has changed; Errors say why
	JobStopped  JobState = "stopped" // who began it lost the right to: what Done counts has changed, and nothing else
)

// JobKind is what a job does.
type JobKind string

const (
	JobImport JobKind = "import" // people from a CSV file
	JobBackup JobKind = "backup"
)

// Job is long work that somebody waits for.
type Job struct {
	ID      string
	Kind    JobKind
	By      Actor
	State   JobState
	Done    int
	Total   int
	Result  JobResult
	Created time.Time
	Changed time.Time
}

// JobResult is what a job gave.
type JobResult struct {
	DryRun    bool        `json:"dry_run,omitempty"`
	Created   int         `json:"created,omitempty"`
	Updated   int         `json:"updated,omitempty"`
	Unchanged int         `json:"unchanged,omitempty"`
	Size      int64       `json:"size,omitempty"`     // of a backup, bytes
	File      string      `json:"file,omitempty"`     // of a backup: its path, which is for the server alone
	Encoding  string      `json:"encoding,omitempty"` // of the file of an import, as it was taken
	First     []PersonRow `json:"first,omitempty"`    // of a dry run: how the first lines were read
	Errors    []JobError  `json:"errors,omitempty"`
	More      int         `json:"more,omitempty"` // errors beyond those
}

// MaxJobErrors bounds JobResult.Errors.
const MaxJobErrors = 500

// JobError is what is wrong with a line of a file.
type JobError struct {
	Line    int       `json:"line,omitempty"` // of the file, from 1; 0 for the whole
	Field   string    `json:"field,omitempty"`
	Code    FieldCode `json:"code"`
	Message string    `json:"message"`
	Limit   int       `json:"limit,omitempty"` // the number that Message names, where it is a bound
}

// Wrong adds an error, within the bound.
func (r *JobResult) Wrong(e JobError) {
	if len(r.Errors) >= MaxJobErrors {
		r.More++
		return
	}
	r.Errors = append(r.Errors, e)
}

// PersonRow is one person of an imported file. What is empty stays as it is.
type PersonRow struct {
	Line        int      `json:"line"` // of the file, from 1
	UID         string   `json:"uid"`
	Name        string   `json:"name"`
	Email       string   `json:"email"`
	Title       string   `json:"title"`
	Role        Role     `json:"role"`
	Departments []string `json:"departments"` // paths such as "Engineering/Backend", the main one first
}

// Taken says which of some user names and e-mail addresses an organisation has: name and address, each to the uid.
type Taken struct {
	UIDs   map[string]Role
	Emails map[string]string
}
