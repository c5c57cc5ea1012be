package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// groupCommand manages groups from the shell.
type groupCommand struct {
	dataFlag
	List     groupList     `cmd:"" help:"List an organisation's groups."`
	Show     groupShow     `cmd:"" help:"Print a group's data."`
	Add      groupAdd      `cmd:"" help:"Make a group for others. Prints its id."`
	Edit     groupEdit     `cmd:"" help:"Change a group's name, announcement, who may join, who may write, or the department that it follows."`
	Members  groupMembers  `cmd:"" help:"Who is in a group: list, add, remove, role."`
	Mute     groupMute     `cmd:"" help:"Let a member not write for some time."`
	Unmute   groupUnmute   `cmd:"" help:"Let a muted member write again."`
	Transfer groupTransfer `cmd:"" help:"Make a member the owner. The old one becomes an administrator."`
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

// groupRef names a group on the command line.
type groupRef struct {
	Group string `arg:"" placeholder:"ORG/GROUP" help:"Organisation and the group's id."`
}

func (g groupRef) split() (eid, path string, err error) {
	eid, gid, ok := strings.Cut(g.Group, "/")
	if !ok || eid == "" || gid == "" {
		return "", "", fmt.Errorf("%q is not of the form ORG/GROUP", g.Group)
	}
	return eid, "/admin/groups/" + url.PathEscape(gid), nil
}

// call makes a call about the group.
func (g groupRef) call(c *groupCommand, method, more string, body any) error {
	eid, path, err := g.split()
	if err != nil {
		return err
	}
	return c.run(eid, method, path+more, body)
}

type groupShow struct{ groupRef }

func (g groupShow) Run(c *groupCommand) error {
	eid, path, err := g.split()
	if err != nil {
		return err
	}
	return c.table(eid, path, "gid", "name", "owner", "members", "join", "muted_all", "announcement", "follows", "created")
}

type groupAdd struct {
	orgRef
	Name    string   `arg:"" help:"Name of the group."`
	Owner   string   `required:"" help:"User name of its owner."`
	Member  []string `help:"User name of another member; several with commas or several times."`
	Join    string   `default:"invite" enum:"open,approval,invite" help:"Who may enter: open, approval, or invite."`
	Follows string   `placeholder:"DEPARTMENT" help:"A department, such as Engineering/Backend, whose people are the members then."`
}

func (g groupAdd) Run(c *groupCommand) error {
	return c.do(func(ctx context.Context, s *shell) error {
		body := map[string]any{"name": g.Name, "owner": g.Owner, "members": g.Member, "join": g.Join}
		if g.Follows != "" {
			ids, err := s.departments(ctx, g.Org, []string{g.Follows})
			if err != nil {
				return err
			}
			body["follows"] = ids[0]
		}
		var made map[string]any
		if err := s.call(ctx, g.Org, "POST", "/admin/groups", body, &made); err != nil {
			return err
		}
		return c.show(made, func(w io.Writer) { fmt.Fprintf(w, "%s/%v\n", g.Org, made["gid"]) })
	})
}

type groupEdit struct {
	groupRef
	Name         *string `help:"Name of the group."`
	Announcement *string `help:"What stands above its messages; empty for nothing."`
	Join         *string `enum:"open,approval,invite" help:"Who may enter: open, approval, or invite."`
	MutedAll     *bool   `negatable:"" help:"Only the owner and administrators may write."`
	Follows      *string `placeholder:"DEPARTMENT" help:"A department, such as Engineering/Backend, whose people are the members then; empty for none."`
}

func (g groupEdit) Run(c *groupCommand) error {
	eid, path, err := g.split()
	if err != nil {
		return err
	}
	change, err := given(map[string]any{"name": g.Name, "announcement": g.Announcement, "join": g.Join, "muted_all": g.MutedAll, "follows": g.Follows})
	if err != nil {
		return err
	}
	return c.do(func(ctx context.Context, s *shell) error {
		if g.Follows != nil && *g.Follows != "" {
			ids, err := s.departments(ctx, eid, []string{*g.Follows})
			if err != nil {
				return err
			}
			change["follows"] = ids[0]
		}
		now, err := s.patch(ctx, eid, path, change)
		if err != nil || !c.JSON {
			return err
		}
		return c.show(now, nil)
	})
}

type groupMembers struct {
	List   membersList   `cmd:"" help:"List who is in a group."`
	Add    membersAdd    `cmd:"" help:"Add people."`
	Remove membersRemove `cmd:"" help:"Take somebody out."`
	Role   membersRole   `cmd:"" help:"Make a member an administrator of the group, or a plain member."`
}

type membersList struct{ groupRef }

func (m membersList) Run(c *groupCommand) error {
	eid, path, err := m.split()
	if err != nil {
		return err
	}
	return c.list(eid, path+"/members?limit=200", "uid", "name", "role", "muted_until", "joined")
}

type membersAdd struct {
	groupRef
	Users []string `arg:"" help:"User names."`
}

func (m membersAdd) Run(c *groupCommand) error {
	return m.call(c, "POST", "/members", map[string]any{"uids": m.Users})
}

// memberRef names somebody in a group.
type memberRef struct {
	groupRef
	User string `arg:"" help:"User name."`
}

func (m memberRef) path() string { return "/members/" + url.PathEscape(m.User) }

type membersRemove struct{ memberRef }

func (m membersRemove) Run(c *groupCommand) error { return m.call(c, "DELETE", m.path(), nil) }

type membersRole struct {
	memberRef
	Role string `arg:"" enum:"admin,member" help:"admin or member."`
}

func (m membersRole) Run(c *groupCommand) error {
	return m.call(c, "PATCH", m.path(), map[string]any{"role": m.Role})
}

type groupMute struct {
	memberRef
	For time.Duration `default:"24h" help:"For how long, such as 30m or 24h."`
}

func (m groupMute) Run(c *groupCommand) error {
	return m.call(c, "PATCH", m.path(), map[string]any{"muted_until": time.Now().Add(m.For).UTC()})
}

type groupUnmute struct{ memberRef }

func (m groupUnmute) Run(c *groupCommand) error {
	return m.call(c, "PATCH", m.path(), map[string]any{"muted_until": nil})
}

type groupTransfer struct{ memberRef }

func (m groupTransfer) Run(c *groupCommand) error {
	return m.call(c, "PATCH", m.path(), map[string]any{"role": "owner"})
}

type groupDissolve struct{ groupRef }
type groupRestore struct{ groupRef }

func (g groupDissolve) Run(c *groupCommand) error { return g.call(c, "DELETE", "", nil) }
func (g groupRestore) Run(c *groupCommand) error  { return g.call(c, "POST", "/restore", nil) }
