package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// orgCommand manages organisations from the shell.
type orgCommand struct {
	dataFlag
	List    orgList    `cmd:"" help:"List the organisations."`
	Add     orgAdd     `cmd:"" help:"Make an organisation. Prints a link by which its first administrator sets a password."`
	Rename  orgRename  `cmd:"" help:"Give an organisation another name."`
	Limits  orgLimits  `cmd:"" help:"Bound an organisation in people, groups and bytes of files."`
	Suspend orgSuspend `cmd:"" help:"Let nobody of an organisation sign in, and end its connections. Nothing is deleted."`
	Resume  orgResume  `cmd:"" help:"Let the people of a suspended organisation sign in again."`
	Delete  orgDelete  `cmd:"" help:"Delete an organisation with everything of it, in seven days. Until then it is closed, and can be kept."`
	Keep    orgKeep    `cmd:"" aliases:"cancel" help:"Keep an organisation that was to be deleted."`
	Export  orgExport  `cmd:"" help:"Write people, groups, messages and files of an organisation into a zip file."`
}

type orgRef struct {
	Org string `arg:"" help:"The organisation's short name."`
}

func (o orgRef) path() string { return "/admin/orgs/" + url.PathEscape(o.Org) }

type orgList struct{}

func (orgList) Run(c *orgCommand) error {
	return c.list("", "/admin/orgs?", "eid", "name", "people", "groups", "messages", "suspended", "delete_at")
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
			tellLink(w, o.Org+"/"+o.Admin, link)
		})
	})
}

// tellLink prints where somebody sets a password. The shell does not know the server's public name.
func tellLink(w io.Writer, user string, link map[string]any) {
	_, path, _ := strings.Cut(fmt.Sprint(link["url"]), "//magpie")
	fmt.Fprintf(w, "%s sets a password at %s of your server, once, until %v.\n", user, path, link["expires"])
}

type orgRename struct {
	orgRef
	Name string `arg:"" help:"Name that people see."`
}

func (o orgRename) Run(c *orgCommand) error {
	return c.change("", o.path(), map[string]any{"name": o.Name})
}

type orgLimits struct {
	orgRef
	People  *int   `help:"Most people who are not disabled; 0 for no bound."`
	Groups  *int   `help:"Most groups that are not dissolved; 0 for no bound."`
	Storage *int64 `help:"Most bytes of files; 0 for no bound."`
}

func (o orgLimits) Run(c *orgCommand) error {
	limits, err := given(map[string]any{"people": o.People, "groups": o.Groups, "storage": o.Storage})
	if err != nil {
		return err
	}
	return c.change("", o.path(), map[string]any{"limits": limits})
}

type orgSuspend struct{ orgRef }
type orgResume struct{ orgRef }

func (o orgSuspend) Run(c *orgCommand) error {
	return c.change("", o.path(), map[string]any{"suspended": true})
}

func (o orgResume) Run(c *orgCommand) error {
	return c.change("", o.path(), map[string]any{"suspended": false})
}

type orgDelete struct {
	orgRef
	Yes string `required:"" placeholder:"ORG" help:"The organisation's short name once more."`
}

func (o orgDelete) Run(c *orgCommand) error {
	if o.Yes != o.Org {
		return fmt.Errorf("to delete everything of %s, say --yes %s", o.Org, o.Org)
	}
	return c.do(func(ctx context.Context, s *shell) error {
		now, err := s.versioned(ctx, "", "DELETE", o.path(), nil)
		if err != nil {
			return err
		}
		return c.show(now, func(w io.Writer) {
			fmt.Fprintf(w, "%s is closed. All of it is deleted at %v, unless you keep it: magpie org keep %s\n", o.Org, now["delete_at"], o.Org)
		})
	})
}

type orgKeep struct{ orgRef }

func (o orgKeep) Run(c *orgCommand) error { return c.run("", "POST", o.path()+"/keep", nil) }

type orgExport struct {
	orgRef
	File string `arg:"" help:"The zip file to write. It must not be there."`
}

func (o orgExport) Run(c *orgCommand) error {
	file, err := filepath.Abs(o.File)
	if err != nil {
		return err
	}
	return c.do(func(ctx context.Context, s *shell) error {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // it has what everybody wrote
		if err != nil {
			return fmt.Errorf("make the file: %w", err)
		}
		size, err := o.fetch(ctx, s, f)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			_ = os.Remove(file) // half of it is nothing
			return err
		}
		return c.show(map[string]any{"file": file, "size": size}, func(w io.Writer) { fmt.Fprintf(w, "%s: %d bytes\n", o.File, size) })
	})
}

func (o orgExport) fetch(ctx context.Context, s *shell, f *os.File) (int64, error) {
	var link struct{ URL string }
	if err := s.call(ctx, "", "POST", o.path()+"/export", nil, &link); err != nil {
		return 0, err
	}
	if err := s.call(ctx, "", "GET", strings.TrimPrefix(link.URL, "/api/v1"), nil, io.Writer(f)); err != nil {
		return 0, fmt.Errorf("fetch the export: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), f.Sync()
}
