package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"magpie/server/chat"
)

// dataFlag says which server a command administers.
type dataFlag struct {
	Data string `default:"magpie-data" placeholder:"DIR" help:"The server's data folder. The server may run, or be stopped."`
	JSON bool   `name:"json" help:"Print what the server answers, as JSON."`
}

// do opens the shell's way to the server for one command.
func (d dataFlag) do(f func(ctx context.Context, s *shell) error) error {
	ctx := context.Background()
	s, err := openShell(ctx, d.Data)
	if err != nil {
		return err
	}
	defer s.close()
	return f(ctx, s)
}

// show prints an answer: as JSON, or by plain.
func (d dataFlag) show(answer any, plain func(io.Writer)) error {
	if d.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(answer)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	plain(w)
	return w.Flush()
}

// items reads all pages of a list.
func (s *shell) items(ctx context.Context, eid, path string) ([]map[string]any, error) {
	var all []map[string]any
	for cursor := ""; ; {
		var page struct {
			Items []map[string]any
			Next  *string
		}
		at := path
		if cursor != "" {
			at += "&cursor=" + url.QueryEscape(cursor)
		}
		if err := s.call(ctx, eid, "GET", at, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == nil {
			return all, nil
		}
		cursor = *page.Next
	}
}

// list prints a list, one line each of some fields.
func (d dataFlag) list(eid, path string, fields ...string) error {
	return d.do(func(ctx context.Context, s *shell) error {
		items, err := s.items(ctx, eid, path)
		if err != nil {
			return err
		}
		if items == nil {
			items = []map[string]any{}
		}
		return d.show(items, func(w io.Writer) {
			fmt.Fprintln(w, strings.ToUpper(strings.Join(fields, "\t")))
			for _, item := range items {
				for i, f := range fields {
					if i > 0 {
						fmt.Fprint(w, "\t")
					}
					if item[f] != nil {
						fmt.Fprint(w, item[f])
					}
				}
				fmt.Fprintln(w)
			}
		})
	})
}

// version reads the present version of a thing, for a change to it.
func (s *shell) version(ctx context.Context, eid, path string) (string, error) {
	var thing struct{ Version json.Number }
	err := s.call(ctx, eid, "GET", path, nil, &thing)
	return `"` + thing.Version.String() + `"`, err
}

// patch changes a thing as it is now.
func (s *shell) patch(ctx context.Context, eid, path string, change any) error {
	v, err := s.version(ctx, eid, path)
	if err != nil {
		return err
	}
	return s.call(ctx, eid, "PATCH", path, change, nil, "If-Match", v)
}

// wait follows a job to its end, with a bar where somebody looks.
func (s *shell) wait(ctx context.Context, eid, id, what string) (map[string]any, error) {
	bar := isTerminal(os.Stderr)
	for {
		var j map[string]any
		if err := s.call(ctx, eid, "GET", "/admin/jobs/"+id, nil, &j); err != nil {
			return nil, err
		}
		done, _ := j["done"].(float64)
		total, _ := j["total"].(float64)
		if bar && total > 0 {
			n := int(30 * done / total)
			fmt.Fprintf(os.Stderr, "\r%s %-8s [%s%s] %d of %d ", what, j["state"], strings.Repeat("#", n), strings.Repeat(" ", 30-n), int(done), int(total))
		}
		if st := chat.JobState(fmt.Sprint(j["state"])); st == chat.JobDone || st == chat.JobFailed || st == chat.JobStopped {
			if bar && total > 0 {
				fmt.Fprintln(os.Stderr)
			}
			return j, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// failed is the error of a job that has failed: what is wrong, a line each.
func failed(j map[string]any) error {
	if j["state"] != string(chat.JobFailed) && j["state"] != string(chat.JobStopped) {
		return nil
	}
	var text strings.Builder
	list, _ := j["errors"].([]any)
	for _, e := range list {
		e, _ := e.(map[string]any)
		if e["line"] != nil {
			fmt.Fprintf(&text, "line %v: ", e["line"])
		}
		if e["field"] != nil {
			fmt.Fprintf(&text, "%v ", e["field"])
		}
		fmt.Fprintf(&text, "%v\n", e["message"])
	}
	if more, _ := j["wrong"].(float64); int(more) > len(list) {
		fmt.Fprintf(&text, "and %d more\n", int(more)-len(list))
	}
	return errors.New(strings.TrimSpace(text.String()))
}

type orgCommand struct {
	dataFlag
	List    orgList    `cmd:"" help:"List the organisations."`
	Add     orgAdd     `cmd:"" help:"Make an organisation. Prints a link by which its first administrator sets a password."`
	Suspend orgSuspend `cmd:"" help:"Let nobody of an organisation sign in, and end its connections. Nothing is deleted."`
	Resume  orgResume  `cmd:"" help:"Let the people of a suspended organisation sign in again."`
}

type orgRef struct {
	Org string `arg:"" help:"The organisation's short name."`
}

type orgList struct{}

func (orgList) Run(c *orgCommand) error {
	return c.list("", "/admin/orgs?", "eid", "name", "people", "groups", "messages", "suspended")
}

type orgAdd struct {
	orgRef
	Name   string `required:"" help:"Name that people see."`
	Admin  string `required:"" help:"User name of its first administrator."`
	Person string `required:"" help:"Name of its first administrator."`
}

func (o orgAdd) Run(c *orgCommand) error {
	return c.do(func(ctx context.Context, s *shell) error {
		var made map[string]any
		err := s.call(ctx, "", "POST", "/admin/orgs", map[string]any{"eid": o.Org, "name": o.Name, "username": o.Admin, "person": o.Person}, &made)
		if err != nil {
			return err
		}
		return c.show(made, func(w io.Writer) {
			link, _ := made["link"].(map[string]any)
			_, path, _ := strings.Cut(fmt.Sprint(link["url"]), "//magpie")
			fmt.Fprintf(w, "%s/%s sets a password at %s of your server, once, until %v.\n", o.Org, o.Admin, path, link["expires"])
		})
	})
}

type orgSuspend struct{ orgRef }
type orgResume struct{ orgRef }

func (o orgSuspend) Run(c *orgCommand) error { return o.suspend(c, true) }
func (o orgResume) Run(c *orgCommand) error  { return o.suspend(c, false) }

func (o orgRef) suspend(c *orgCommand, yes bool) error {
	return c.do(func(ctx context.Context, s *shell) error {
		return s.patch(ctx, "", "/admin/orgs/"+url.PathEscape(o.Org), map[string]any{"suspended": yes})
	})
}

type groupCommand struct {
	dataFlag
	List     groupList     `cmd:"" help:"List an organisation's groups."`
	Dissolve groupDissolve `cmd:"" help:"Dissolve a group. It can be restored for 30 days."`
	Restore  groupRestore  `cmd:"" help:"Restore a dissolved group."`
}

type groupList struct {
	orgRef
	Dissolved bool `help:"Those that can be restored."`
}

func (g groupList) Run(c *groupCommand) error {
	state := "active"
	if g.Dissolved {
		state = "dissolved"
	}
	return c.list(g.Org, "/admin/groups?limit=200&state="+state, "gid", "name", "owner", "members", "created")
}

type groupRef struct {
	Group string `arg:"" placeholder:"ORG/GROUP" help:"Organisation and the group's id."`
}

func (g groupRef) call(c *groupCommand, method, more string) error {
	eid, gid, ok := strings.Cut(g.Group, "/")
	if !ok {
		return fmt.Errorf("%q is not of the form ORG/GROUP", g.Group)
	}
	return c.do(func(ctx context.Context, s *shell) error {
		return s.call(ctx, eid, method, "/admin/groups/"+url.PathEscape(gid)+more, nil, nil)
	})
}

type groupDissolve struct{ groupRef }
type groupRestore struct{ groupRef }

func (g groupDissolve) Run(c *groupCommand) error { return g.call(c, "DELETE", "") }
func (g groupRestore) Run(c *groupCommand) error  { return g.call(c, "POST", "/restore") }

type sessionCommand struct {
	dataFlag
	List sessionList `cmd:"" help:"List an organisation's connected MQTT sessions."`
	Kick sessionKick `cmd:"" help:"End a connection. Its client may come back."`
}

type sessionList struct{ orgRef }

func (l sessionList) Run(c *sessionCommand) error {
	return c.list(l.Org, "/admin/sessions?", "id", "uid", "terminal", "client_id", "addr", "lag", "in_flight")
}

type sessionKick struct {
	orgRef
	ID string `arg:"" help:"The session's id, as list prints it."`
}

func (k sessionKick) Run(c *sessionCommand) error {
	return c.do(func(ctx context.Context, s *shell) error {
		return s.call(ctx, k.Org, "DELETE", "/admin/sessions/"+url.PathEscape(k.ID), nil, nil)
	})
}

type backupCommand struct {
	dataFlag
	File string `arg:"" help:"The tar file to write. It must not be there."`
}

func (b backupCommand) Run() error {
	file, err := filepath.Abs(b.File)
	if err != nil {
		return err
	}
	return b.do(func(ctx context.Context, s *shell) error {
		var j map[string]any
		if err := s.call(ctx, "", "POST", "/admin/backup", map[string]any{"file": file}, &j); err != nil {
			return err
		}
		if j, err = s.wait(ctx, "", fmt.Sprint(j["id"]), "backup"); err != nil {
			return err
		}
		if err := failed(j); err != nil {
			return err
		}
		return b.show(j, func(w io.Writer) {
			result, _ := j["result"].(map[string]any)
			size, _ := result["size"].(float64)
			fmt.Fprintf(w, "%s: %d bytes\n", b.File, int64(size))
		})
	})
}

type restoreCommand struct {
	File string `arg:"" type:"existingfile" help:"A file that magpie backup wrote."`
	Data string `default:"magpie-data" placeholder:"DIR" help:"Data folder to make. It must not be there, or be empty."`
}

func (r restoreCommand) Run() error { return restoreBackup(r.File, r.Data) }

// newPassword makes a password at random.
func newPassword() string { return strings.ToLower(rand.Text()[:16]) }
