package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"magpie/server/chat"
)

// AdminGroup is a group as administrators see it.
type AdminGroup struct {
	Group
	Follows   string     `json:"follows" doc:"The id of the department whose people are its members, or empty."`
	Dissolved *time.Time `json:"dissolved" doc:"When it was dissolved, or null."`
	Version   int64      `json:"version"`
}

type adminGroupsInput struct {
	Paging
	Q     string `query:"q" maxLength:"64" doc:"A part of the name."`
	State string `query:"state" enum:"active,dissolved" default:"active" doc:"dissolved: those that can be restored."`
}

type adminGroupBody struct {
	Name    string          `json:"name" maxLength:"64"`
	Owner   string          `json:"owner" maxLength:"64" doc:"A uid."`
	Members []string        `json:"members,omitempty" maxItems:"5000" doc:"The uids of the others."`
	Join    chat.JoinPolicy `json:"join,omitempty" enum:"open,approval,invite"`
	Follows string          `json:"follows,omitempty" maxLength:"20" doc:"The id of a department: its people, and those of the departments below it, are the members then."`
}

func (a *api) adminGroupRoutes() {
	const tag = "Administration"
	read, manage := chat.ReadOrganisation, chat.ManageGroups
	route(a, op{method: "GET", path: "/admin/groups", id: "admin-list-groups", tag: tag, right: read, summary: "Groups"}, a.adminGroups)
	route(a, op{method: "POST", path: "/admin/groups", id: "admin-create-group", tag: tag, right: manage, status: http.StatusCreated, summary: "Make a group for others"}, a.adminCreateGroup)
	route(a, op{method: "GET", path: "/admin/groups/{gid}", id: "admin-get-group", tag: tag, right: read, summary: "A group"}, a.adminGroup)
	route(a, op{method: "PATCH", path: "/admin/groups/{gid}", id: "admin-update-group", tag: tag, right: manage, summary: "Change a group's data"}, a.adminUpdateGroup)
	route(a, op{method: "DELETE", path: "/admin/groups/{gid}", id: "admin-dissolve-group", tag: tag, right: manage, summary: "Dissolve a group", about: "It can be restored for 30 days."}, a.adminDissolveGroup)
	route(a, op{method: "POST", path: "/admin/groups/{gid}/restore", id: "admin-restore-group", tag: tag, right: manage, summary: "Restore a dissolved group"}, a.adminRestoreGroup)
	route(a, op{method: "GET", path: "/admin/groups/{gid}/members", id: "admin-list-members", tag: tag, right: read, summary: "A group's members"}, a.adminMembers)
	route(a, op{method: "POST", path: "/admin/groups/{gid}/members", id: "admin-add-members", tag: tag, right: manage, summary: "Add members"}, a.adminAddMembers)
	route(a, op{method: "PATCH", path: "/admin/groups/{gid}/members/{uid}", id: "admin-update-member", tag: tag, right: manage, summary: "Change a member's role, or mute it"}, a.adminUpdateMember)
	route(a, op{method: "DELETE", path: "/admin/groups/{gid}/members/{uid}", id: "admin-remove-member", tag: tag, right: manage, summary: "Remove a member"}, a.adminRemoveMember)
}

func adminGroupOf(g chat.Group) AdminGroup {
	return AdminGroup{Group: groupOf(g), Follows: idText(g.Follows), Dissolved: timeOrNull(g.Dissolved), Version: g.Version}
}

func (a *api) adminGroups(ctx context.Context, c *caller, in *adminGroupsInput) (*answer[list[AdminGroup]], error) {
	groups, next, err := a.Store.AllGroups(ctx, c.EID, in.Q, in.State == "dissolved", in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	items := make([]AdminGroup, len(groups))
	for i, g := range groups {
		items[i] = adminGroupOf(g)
	}
	return page(items, next), nil
}

func (a *api) adminGroup(ctx context.Context, c *caller, in *GroupPath) (*answer[AdminGroup], error) {
	g, err := a.Store.AnyGroup(ctx, c.EID, in.GID)
	if err != nil {
		return nil, fmt.Errorf("read a group: %w", err)
	}
	return &answer[AdminGroup]{adminGroupOf(g)}, nil
}

func (a *api) adminCreateGroup(ctx context.Context, c *caller, in *struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"A repeat with the same key returns the group that the first call made."`
	Body adminGroupBody
}) (*answer[AdminGroup], error) {
	g := chat.Group{EID: c.EID, Join: in.Body.Join, Owner: in.Body.Owner}
	var err error
	if g.Name, err = chat.CleanName("name", in.Body.Name, chat.MaxName); err != nil {
		return nil, err
	}
	if g.Follows, err = parseID("follows", in.Body.Follows); err != nil {
		return nil, err
	}
	if g, err = a.Store.CreateGroupFor(ctx, c.actor(), g, in.Body.Members, in.Key); err != nil {
		return nil, fmt.Errorf("make a group: %w", err)
	}
	return &answer[AdminGroup]{adminGroupOf(g)}, nil
}

func (a *api) adminUpdateGroup(ctx context.Context, c *caller, in *struct {
	GroupPath
	Version
	Body struct {
		Name         *string          `json:"name,omitempty" maxLength:"64"`
		Announcement *string          `json:"announcement,omitempty" maxLength:"2000"`
		Join         *chat.JoinPolicy `json:"join,omitempty" enum:"open,approval,invite"`
		MutedAll     *bool            `json:"muted_all,omitempty"`
		Follows      *string          `json:"follows,omitempty" maxLength:"20" doc:"The id of a department, or empty for none."`
	}
}) (*answer[AdminGroup], error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	b := in.Body
	change := chat.GroupChange{Join: b.Join, MutedAll: b.MutedAll}
	if change.Name, err = cleanName(b.Name); err != nil {
		return nil, err
	}
	if b.Announcement != nil {
		text, err := chat.CleanText("announcement", *b.Announcement, chat.MaxAnnouncement)
		if err != nil {
			return nil, err
		}
		change.Announcement = &text
	}
	var follows *int64
	if b.Follows != nil {
		id, err := parseID("follows", *b.Follows)
		if err != nil {
			return nil, err
		}
		follows = &id
	}
	g, err := a.Store.UpdateAnyGroup(ctx, c.actor(), in.GID, version, change, follows)
	if err != nil {
		return nil, fmt.Errorf("change a group: %w", current(err, adminGroupOf))
	}
	return &answer[AdminGroup]{adminGroupOf(g)}, nil
}

func (a *api) adminDissolveGroup(ctx context.Context, c *caller, in *GroupPath) (*none, error) {
	return nil, a.Store.DissolveAnyGroup(ctx, c.actor(), in.GID)
}

func (a *api) adminRestoreGroup(ctx context.Context, c *caller, in *GroupPath) (*answer[AdminGroup], error) {
	g, err := a.Store.RestoreGroup(ctx, c.actor(), in.GID)
	if err != nil {
		return nil, fmt.Errorf("restore a group: %w", err)
	}
	return &answer[AdminGroup]{adminGroupOf(g)}, nil
}

func (a *api) adminMembers(ctx context.Context, c *caller, in *membersInput) (*answer[list[member]], error) {
	members, next, err := a.Store.AnyMembers(ctx, c.EID, in.GID, in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	return page(membersOf(members), next), nil
}

func (a *api) adminAddMembers(ctx context.Context, c *caller, in *addMembersInput) (*answer[added], error) {
	uids, err := a.Store.AddAnyMembers(ctx, c.actor(), in.GID, in.Body.UIDs)
	if err != nil {
		return nil, fmt.Errorf("add members: %w", err)
	}
	return &answer[added]{added{uids}}, nil
}

func (a *api) adminUpdateMember(ctx context.Context, c *caller, in *memberChangeInput) (*none, error) {
	var until *time.Time
	if in.Body.MutedUntil.given {
		until = &in.Body.MutedUntil.time
	}
	return nil, a.Store.SetAnyMember(ctx, c.actor(), in.GID, in.UID, in.Body.Role, until)
}

func (a *api) adminRemoveMember(ctx context.Context, c *caller, in *MemberPath) (*none, error) {
	return nil, a.Store.RemoveAnyMember(ctx, c.actor(), in.GID, in.UID)
}
