package main

import (
	"bytes"
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

// patch changes a thing as it is now, and returns what it is then.
func (s *shell) patch(ctx context.Context, eid, path string, change any) (map[string]any, error) {
	return s.versioned(ctx, eid, "PATCH", path, change)
}

// versioned is a call about the present version of a thing.
func (s *shell) versioned(ctx context.Context, eid, method, path string, body any) (answer map[string]any, err error) {
	v, err := s.version(ctx, eid, path)
	if err != nil {
		return nil, err
	}
	return answer, s.call(ctx, eid, method, path, body, &answer, "If-Match", v)
}

// run makes one call and prints its answer, if it has one and is asked for it.
func (d dataFlag) run(eid, method, path string, body any) error {
	return d.do(func(ctx context.Context, s *shell) error {
		var raw bytes.Buffer
		if err := s.call(ctx, eid, method, path, body, io.Writer(&raw)); err != nil {
			return err
		}
		return d.told(raw.Bytes())
	})
}

// told prints an answer where JSON is asked for: what a person has told the server it need not be told.
func (d dataFlag) told(answer []byte) error {
	if !d.JSON || len(answer) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return d.show(v, nil)
}

// change is run for a change of a thing as it is now.
func (d dataFlag) change(eid, path string, change any) error {
	return d.do(func(ctx context.Context, s *shell) error {
		now, err := s.patch(ctx, eid, path, change)
		if err != nil || !d.JSON {
			return err
		}
		return d.show(now, nil)
	})
}

// given leaves out what was not said on the command line.
func given(fields map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for name, v := range fields {
		switch v := v.(type) {
		case *string:
			if v != nil {
				out[name] = *v
			}
		case *bool:
			if v != nil {
				out[name] = *v
			}
		case *int:
			if v != nil {
				out[name] = *v
			}
		case *int64:
			if v != nil {
				out[name] = *v
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("nothing is to be changed: name at least one thing, see --help")
	}
	return out, nil
}

// table prints one thing, a line for each of some fields.
func (d dataFlag) table(eid, path string, fields ...string) error {
	return d.do(func(ctx context.Context, s *shell) error {
		var thing map[string]any
		if err := s.call(ctx, eid, "GET", path, nil, &thing); err != nil {
			return err
		}
		return d.show(thing, func(w io.Writer) {
			for _, f := range fields {
				if thing[f] != nil {
					fmt.Fprintf(w, "%s\t%v\n", f, thing[f])
				}
			}
		})
	})
}

// departments turns paths such as Engineering/Backend into ids.
func (s *shell) departments(ctx context.Context, eid string, paths []string) ([]string, error) {
	items, err := s.items(ctx, eid, "/admin/departments?")
	if err != nil {
		return nil, err
	}
	byPath := map[string]string{}
	var walk func(parent, above string)
	walk = func(parent, above string) {
		for _, d := range items {
			if d["parent"] == parent {
				path := above + fmt.Sprint(d["name"])
				byPath[path] = fmt.Sprint(d["id"])
				walk(fmt.Sprint(d["id"]), path+"/")
			}
		}
	}
	walk("", "")
	ids := []string{}
	for _, path := range paths {
		id := byPath[strings.Trim(path, "/")]
		if id == "" {
			return nil, fmt.Errorf("there is no department %q", path)
		}
		ids = append(ids, id)
	}
	return ids, nil
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
	return errors.New(wrongLines(j))
}

// wrongLines says what is wrong in a job, a line each.
func wrongLines(j map[string]any) string {
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
	return strings.TrimSpace(text.String())
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
