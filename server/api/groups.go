package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"magpie/server/chat"
)

// Group is a group as its members see it.
type Group struct {
	GID          string          `json:"gid"`
	Name         string          `json:"name"`
	Avatar       string          `json:"avatar"`
	Announcement string          `json:"announcement"`
	Join         chat.JoinPolicy `json:"join" enum:"open,approval,invite" doc:"Who may enter: anyone; whom an administrator accepts; whom a member adds."`
	MutedAll     bool            `json:"muted_all" doc:"Only the owner and administrators may write."`
	Owner        string          `json:"owner"`
	Members      int             `json:"members" doc:"How many there are."`
	ByDepartment bool            `json:"by_department" doc:"It follows a department: who is in that is in the group, and nobody enters or leaves by itself."`
	Requests     int             `json:"requests" doc:"How many ask to join; 0 for those who don't decide it."`
	Created      time.Time       `json:"created"`
}

// groupView is a group with the caller's own place in it.
type groupView struct {
	Group
	Role       string     `json:"role" doc:"The caller's: owner, admin, member, or empty for one who could join."`
	MutedUntil *time.Time `json:"muted_until" doc:"Until when the caller may not write, or null."`
}

type groupBody struct {
	Name    string          `json:"name" maxLength:"64"`
	Members []string        `json:"members" minItems:"1" maxItems:"1000" doc:"The uids of those who are in it besides the caller."`
	Avatar  *string         `json:"avatar,omitempty" maxLength:"256"`
	Join    chat.JoinPolicy `json:"join,omitempty" enum:"open,approval,invite" doc:"invite if left out."`
}

type groupChange struct {
	Name         *string          `json:"name,omitempty" maxLength:"64"`
	Avatar       *string          `json:"avatar,omitempty" maxLength:"256"`
	Announcement *string          `json:"announcement,omitempty" maxLength:"2000"`
	Join         *chat.JoinPolicy `json:"join,omitempty" enum:"open,approval,invite"`
	MutedAll     *bool            `json:"muted_all,omitempty"`
}

type createGroupInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"A repeat with the same key returns the group that the first call made."`
	Body groupBody
}

// GroupPath names a group.
type GroupPath struct {
	GID string `path:"gid" maxLength:"64"`
}

type groupChangeInput struct {
	GroupPath
	Body groupChange
}

func (a *api) groupRoutes() {
	route(a, op{method: "GET", path: "/groups", id: "list-groups", tag: "Groups", summary: "One's groups"}, a.groups)
	route(a, op{method: "POST", path: "/groups", id: "create-group", tag: "Groups", summary: "Create a group and own it", status: http.StatusCreated}, a.createGroup)
	route(a, op{method: "POST", path: "/groups/{gid}/restore", id: "restore-group", tag: "Groups", summary: "Restore a group that one owned when it was dissolved",
		about: "For 30 days, with its messages, and those of its members who are still there."}, a.restoreGroup)
	route(a, op{method: "GET", path: "/groups/{gid}", id: "get-group", tag: "Groups", summary: "A group's data"}, a.group)
	route(a, op{method: "PATCH", path: "/groups/{gid}", id: "update-group", tag: "Groups", summary: "Change a group's data"}, a.updateGroup)
	route(a, op{method: "DELETE", path: "/groups/{gid}", id: "dissolve-group", tag: "Groups", summary: "Dissolve a group"}, a.dissolveGroup)
}

func (a *api) groups(ctx context.Context, c *caller, in *struct {
	State string `query:"state" enum:"active,dissolved" default:"active" doc:"dissolved: those that the caller owned and can restore."`
}) (*answer[list[Group]], error) {
	read := a.Store.Groups
	if in.State == "dissolved" {
		read = a.Store.DissolvedGroups
	}
	groups, err := read(ctx, c.EID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	items := make([]Group, len(groups))
	for i, g := range groups {
		items[i] = groupOf(g)
	}
	return page(items, ""), nil
}

func (a *api) restoreGroup(ctx context.Context, c *caller, in *GroupPath) (*answer[Group], error) {
	g, err := a.Store.RestoreOwnGroup(ctx, c.EID, in.GID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("restore a group: %w", err)
	}
	return &answer[Group]{groupOf(g)}, nil
}

func (a *api) createGroup(ctx context.Context, c *caller, in *createGroupInput) (*answer[Group], error) {
	g := chat.Group{EID: c.EID, Join: in.Body.Join}
	if g.Join == "" {
		g.Join = chat.JoinInvite
	}
	var err error
	if g.Name, err = chat.CleanName("name", in.Body.Name, chat.MaxName); err != nil {
		return nil, err
	}
	avatar, err := cleanAvatar(in.Body.Avatar)
	if err != nil {
		return nil, err
	}
	if avatar != nil {
		g.Avatar = *avatar
	}
	g, err = a.Store.CreateGroup(ctx, c.EID, c.UID, c.Role, g, in.Body.Members, in.Key)
	if err != nil {
		return nil, fmt.Errorf("create group: %w", err)
	}
	return &answer[Group]{groupOf(g)}, nil
}

func (a *api) group(ctx context.Context, c *caller, in *GroupPath) (*answer[groupView], error) {
	g, m, err := a.Store.Group(ctx, c.EID, in.GID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("read group: %w", err)
	}
	return &answer[groupView]{groupView{Group: groupOf(g), Role: string(m.Role), MutedUntil: timeOrNull(m.MutedUntil)}}, nil
}

func (a *api) updateGroup(ctx context.Context, c *caller, in *groupChangeInput) (*answer[Group], error) {
	change := chat.GroupChange{Join: in.Body.Join, MutedAll: in.Body.MutedAll}
	var err error
	if change.Name, err = cleanName(in.Body.Name); err != nil {
		return nil, err
	}
	if change.Avatar, err = cleanAvatar(in.Body.Avatar); err != nil {
		return nil, err
	}
	if in.Body.Announcement != nil {
		text, err := chat.CleanText("announcement", *in.Body.Announcement, chat.MaxAnnouncement)
		if err != nil {
			return nil, err
		}
		change.Announcement = &text
	}
	g, err := a.Store.UpdateGroup(ctx, c.EID, in.GID, c.UID, change)
	if err != nil {
		return nil, fmt.Errorf("update group: %w", err)
	}
	return &answer[Group]{groupOf(g)}, nil
}

func (a *api) dissolveGroup(ctx context.Context, c *caller, in *GroupPath) (*none, error) {
	if err := a.Store.DissolveGroup(ctx, c.EID, in.GID, c.UID); err != nil {
		return nil, fmt.Errorf("dissolve group: %w", err)
	}
	return nil, nil
}

func groupOf(g chat.Group) Group {
	return Group{
		GID: g.GID, Name: g.Name, Avatar: g.Avatar, Announcement: g.Announcement, Join: g.Join, MutedAll: g.MutedAll,
		Owner: g.Owner, Members: g.Members, ByDepartment: g.Follows != 0, Requests: g.Requests, Created: g.Created.UTC(),
	}
}

// timeOrNull returns nil for the zero time.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
