package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"magpie/server/auth"
	"magpie/server/chat"
	"magpie/server/store"
)

// userCommand manages people from the shell, on the data folder of a server that is stopped.
type userCommand struct {
	Data string `default:"magpie-data" placeholder:"DIR" help:"The server's data folder. The server must be stopped."`

	Add      userAdd      `cmd:"" help:"Add somebody to an organisation. Prints a password for the first sign-in."`
	Password userPassword `cmd:"" help:"Give somebody a new password, which is printed. Its devices are signed out."`
	Disable  userDisable  `cmd:"" help:"Let somebody sign in no more. Its devices are signed out."`
	Enable   userEnable   `cmd:"" help:"Let somebody who was disabled sign in again."`
}

type userAdd struct {
	userRef
	Name       string `required:"" help:"Name that others see."`
	Email      string `help:"E-mail address; it can be used to sign in."`
	Department string `help:"Department in the directory."`
	Title      string `help:"Job title in the directory."`
	Role       string `default:"member" enum:"member,auditor,admin,system" help:"member, auditor, admin or system."`
	Service    bool   `help:"A program's account, with any number of sessions."`
}

type userPassword struct{ userRef }
type userDisable struct{ userRef }
type userEnable struct{ userRef }

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

func (c *userAdd) Run(parent *userCommand) error {
	eid, uid, err := c.split()
	if err != nil {
		return err
	}
	u := chat.User{EID: eid, UID: uid, Email: strings.TrimSpace(c.Email), Role: chat.Role(c.Role), Service: c.Service}
	if u.Name, err = chat.CleanName("name", c.Name, chat.MaxName); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		from string
		to   *string
	}{{"department", c.Department, &u.Department}, {"title", c.Title, &u.Title}} {
		if f.from == "" {
			continue
		}
		if *f.to, err = chat.CleanName(f.name, f.from, chat.MaxName); err != nil {
			return err
		}
	}
	return parent.with(eid, func(ctx context.Context, st *store.Store) error {
		password, hash, err := newPassword()
		if err != nil {
			return err
		}
		if err := st.CreateUser(ctx, u, hash); err != nil {
			return err
		}
		return tellPassword(os.Stdout, c.User, password)
	})
}

func (c *userPassword) Run(parent *userCommand) error {
	return c.change(parent, func(ctx context.Context, st *store.Store, eid, uid string) error {
		password, hash, err := newPassword()
		if err != nil {
			return err
		}
		if err := st.SetPassword(ctx, eid, uid, hash, ""); err != nil {
			return err
		}
		return tellPassword(os.Stdout, c.User, password)
	})
}

func (c *userDisable) Run(parent *userCommand) error {
	return c.change(parent, func(ctx context.Context, st *store.Store, eid, uid string) error {
		return st.SetDisabled(ctx, eid, uid, true)
	})
}

func (c *userEnable) Run(parent *userCommand) error {
	return c.change(parent, func(ctx context.Context, st *store.Store, eid, uid string) error {
		return st.SetDisabled(ctx, eid, uid, false)
	})
}

func (r userRef) change(parent *userCommand, f func(ctx context.Context, st *store.Store, eid, uid string) error) error {
	eid, uid, err := r.split()
	if err != nil {
		return err
	}
	return parent.with(eid, func(ctx context.Context, st *store.Store) error { return f(ctx, st, eid, uid) })
}

// with opens the data folder, which must be there already, for one of its organisations.
func (c *userCommand) with(eid string, f func(context.Context, *store.Store) error) error {
	if _, err := os.Stat(c.Data); err != nil {
		return fmt.Errorf("there is no data folder %s: name the server's by --data, or start it once", c.Data)
	}
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: c.Data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer st.Close()
	if _, err := st.Org(ctx, eid); err != nil {
		if chat.CodeOf(err) == chat.NotFound {
			return fmt.Errorf("there is no organisation %q in %s", eid, c.Data)
		}
		return err
	}
	return f(ctx, st)
}

// newPassword makes a password at random, and its hash.
func newPassword() (password, hash string, err error) {
	password = strings.ToLower(rand.Text()[:16])
	hash, err = auth.HashPassword(password)
	return password, hash, err
}

func tellPassword(w io.Writer, user, password string) error {
	_, err := fmt.Fprintf(w, "%s signs in with the password %s and should change it in the settings.\n", user, password)
	return err
}
