package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"magpie/server/chat"
)

// userCommand manages people from the shell.
type userCommand struct {
	dataFlag

	List     userList     `cmd:"" help:"List an organisation's people."`
	Add      userAdd      `cmd:"" help:"Add somebody to an organisation. Prints a password for the first sign-in."`
	Password userPassword `cmd:"" help:"Give somebody a new password, which is printed. Its devices are signed out."`
	Disable  userDisable  `cmd:"" help:"Let somebody sign in no more. Its devices are signed out."`
	Enable   userEnable   `cmd:"" help:"Let somebody who was disabled sign in again."`
	Show     userShow     `cmd:"" help:"Print somebody's account."`
	Edit     userEdit     `cmd:"" help:"Change somebody's name, e-mail address or title."`
	Role     userRole     `cmd:"" help:"Give somebody a role: member, auditor, admin or system."`
	Depart   userDepart   `cmd:"" name:"departments" help:"Put somebody into departments, the main one first; into none where none is named."`
	Reset    userReset    `cmd:"" help:"Make a link by which somebody sets a password, once."`
	Sessions userSessions `cmd:"" help:"List the devices on which somebody is signed in."`
	Signout  userSignout  `cmd:"" help:"Sign somebody's devices out, or one of them."`
	Import   userImport   `cmd:"" help:"Bring people in from a CSV file."`
	Export   userExport   `cmd:"" help:"Print people as CSV."`
}

type userAdd struct {
	userRef
	Name       string `required:"" help:"Name that others see."`
	Email      string `help:"E-mail address; it can be used to sign in."`
	Department string `help:"Department in the directory, such as Design or Engineering/Backend."`
	Title      string `help:"Job title in the directory."`
	Role       string `default:"member" enum:"member,auditor,admin,system" help:"member, auditor, admin or system."`
	Service    bool   `help:"A program's account, with any number of sessions."`
}

type userPassword struct{ userRef }
type userDisable struct {
	userRef
	Successor string `help:"User name of who takes over the groups that the user owns."`
}
type userEnable struct{ userRef }
type userShow struct{ userRef }
type userReset struct{ userRef }
type userSessions struct{ userRef }

type userSignout struct {
	userRef
	Device string `arg:"" optional:"" help:"The device's id, as sessions prints it; all of them without."`
}

type userEdit struct {
	userRef
	Name  *string `help:"Name that others see."`
	Email *string `help:"E-mail address; empty for none."`
	Title *string `help:"Job title; empty for none."`
}

type userDepart struct {
	userRef
	Departments []string `arg:"" optional:"" help:"Departments, such as Engineering/Backend."`
}

type userRole struct {
	userRef
	Role string `arg:"" enum:"member,auditor,admin,system" help:"member, auditor, admin or system."`
}

type userList struct {
	orgRef
	Search string `help:"Those whom the directory finds by this."`
}

type userImport struct {
	orgRef
	File   string `arg:"" type:"existingfile" help:"CSV: uid, name, email, title, departments, role (docs/administration.md)."`
	DryRun bool   `help:"Only check the file."`
}

type userExport struct{ orgRef }

// userRef names a user on the command line.
type userRef struct {
	User string `arg:"" placeholder:"ORG/USER" help:"Organisation and user, such as acme/ann."`
}

func (r userRef) split() (eid, uid string, err error) {
	eid, uid, ok := strings.Cut(r.User, "/")
	if !ok || !chat.ValidEID(eid) || !chat.ValidUID(uid) {
		return "", "", fmt.Errorf("%q is not of the form ORG/USER, such as acme/ann", r.User)
	}
	return eid, uid, nil
}

func (r userRef) do(c *userCommand, f func(ctx context.Context, s *shell, eid, path string) error) error {
	eid, uid, err := r.split()
	if err != nil {
		return err
	}
	return c.do(func(ctx context.Context, s *shell) error { return f(ctx, s, eid, "/admin/users/"+url.PathEscape(uid)) })
}

func (u *userAdd) Run(c *userCommand) error {
	eid, uid, err := u.split()
	if err != nil {
		return err
	}
	return c.do(func(ctx context.Context, s *shell) error {
		password := newPassword()
		var made map[string]any
		err := s.call(ctx, eid, "POST", "/admin/users", map[string]any{"uid": uid, "name": u.Name, "email": u.Email, "title": u.Title, "role": u.Role,
			"service": u.Service, "department": u.Department, "password": password}, &made)
		if err != nil {
			return err
		}
		made["password"] = password
		return c.show(made, func(w io.Writer) { tellPassword(w, u.User, password) })
	})
}

func (u *userPassword) Run(c *userCommand) error {
	return u.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		password := newPassword()
		if err := s.call(ctx, eid, "PUT", path+"/password", map[string]any{"password": password}, nil); err != nil {
			return err
		}
		return c.show(map[string]any{"password": password}, func(w io.Writer) { tellPassword(w, u.User, password) })
	})
}

func (u *userDisable) Run(c *userCommand) error {
	change := map[string]any{"disabled": true}
	if u.Successor != "" {
		change["successor"] = u.Successor
	}
	return u.patch(c, change)
}
func (u *userEnable) Run(c *userCommand) error { return u.patch(c, map[string]any{"disabled": false}) }
func (u *userRole) Run(c *userCommand) error   { return u.patch(c, map[string]any{"role": u.Role}) }

func (r userRef) patch(c *userCommand, change map[string]any) error {
	return r.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		now, err := s.patch(ctx, eid, path, change)
		if err != nil || !c.JSON {
			return err
		}
		return c.show(now, nil)
	})
}

func (u *userShow) Run(c *userCommand) error {
	eid, uid, err := u.split()
	if err != nil {
		return err
	}
	return c.table(eid, "/admin/users/"+url.PathEscape(uid), "uid", "name", "email", "department", "title", "role", "service", "disabled", "invited", "created", "seen")
}

func (u *userEdit) Run(c *userCommand) error {
	change, err := given(map[string]any{"name": u.Name, "email": u.Email, "title": u.Title})
	if err != nil {
		return err
	}
	return u.patch(c, change)
}

func (u *userDepart) Run(c *userCommand) error {
	return u.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		ids, err := s.departments(ctx, eid, u.Departments)
		if err != nil {
			return err
		}
		now, err := s.patch(ctx, eid, path, map[string]any{"departments": ids})
		if err != nil || !c.JSON {
			return err
		}
		return c.show(now, nil)
	})
}

func (u *userReset) Run(c *userCommand) error {
	return u.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		var link map[string]any
		if err := s.call(ctx, eid, "POST", path+"/reset", nil, &link); err != nil {
			return err
		}
		return c.show(link, func(w io.Writer) { tellLink(w, u.User, link) })
	})
}

func (u *userSessions) Run(c *userCommand) error {
	eid, uid, err := u.split()
	if err != nil {
		return err
	}
	return c.list(eid, "/admin/users/"+url.PathEscape(uid)+"/sessions?", "id", "terminal", "agent", "addr", "created", "seen")
}

func (u *userSignout) Run(c *userCommand) error {
	return u.do(c, func(ctx context.Context, s *shell, eid, path string) error {
		path += "/sessions"
		if u.Device != "" {
			path += "/" + url.PathEscape(u.Device)
		}
		return s.call(ctx, eid, "DELETE", path, nil, nil)
	})
}

func (l *userList) Run(c *userCommand) error {
	return c.list(l.Org, "/admin/users?limit=200&q="+url.QueryEscape(l.Search), "uid", "name", "email", "department", "title", "role", "disabled", "seen")
}

func (i *userImport) Run(c *userCommand) error {
	file, err := os.Open(i.File)
	if err != nil {
		return err
	}
	defer file.Close()
	return c.do(func(ctx context.Context, s *shell) error {
		path := "/admin/users/import"
		if i.DryRun {
			path += "?dry_run=true"
		}
		var j map[string]any
		if err := s.call(ctx, i.Org, "POST", path, io.Reader(file), &j); err != nil {
			return err
		}
		if j, err = s.wait(ctx, i.Org, fmt.Sprint(j["id"]), "import"); err != nil {
			return err
		}
		if wrong := failed(j); wrong != nil {
			end := "nothing was imported"
			if j["state"] == string(chat.JobStopped) {
				end = "the import was stopped"
			}
			if c.JSON {
				return errors.Join(c.show(j, nil), errors.New(end))
			}
			return fmt.Errorf("%w\n%s", wrong, end)
		}
		shown := c.show(j, func(w io.Writer) {
			r, _ := j["result"].(map[string]any)
			if i.DryRun {
				fmt.Fprintf(w, "encoding %v\n", r["encoding"])
			}
			fmt.Fprintf(w, "%v new, %v changed, %v as they were\n", r["created"], r["updated"], r["unchanged"])
		})
		return errors.Join(shown, leftOut(j))
	})
}

func (e *userExport) Run(c *userCommand) error {
	return c.do(func(ctx context.Context, s *shell) error {
		return s.call(ctx, e.Org, "GET", "/admin/users/export", nil, io.Writer(os.Stdout))
	})
}

// leftOut is the error of an import that is done but for some people, whom a change meanwhile had made impossible.
func leftOut(j map[string]any) error {
	n, _ := j["wrong"].(float64)
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s\nlines that were not imported, as somebody changed something meanwhile: %d", wrongLines(j), int(n))
}

func tellPassword(w io.Writer, user, password string) {
	fmt.Fprintf(w, "%s signs in with the password %s and should change it in the settings.\n", user, password)
}
