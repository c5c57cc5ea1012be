package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"magpie/server/chat"
)

// member is someone's place in a group.
type member struct {
	UID        string         `json:"uid"`
	Name       string         `json:"name"`
	Avatar     string         `json:"avatar"`
	Role       chat.GroupRole `json:"role" enum:"owner,admin,member"`
	MutedUntil *time.Time     `json:"muted_until" doc:"Until when it may not write, or null."`
	Joined     time.Time      `json:"joined"`
}

type membersInput struct {
	GroupPath
	Paging
}

type addMembersInput struct {
	GroupPath
	Body struct {
		UIDs []string `json:"uids" minItems:"1" maxItems:"1000"`
	}
}

type added struct {
	Added []string `json:"added" doc:"Those who were not in the group before."`
}

// MemberPath names a member of a group.
type MemberPath struct {
	GroupPath
	UID string `path:"uid" maxLength:"64"`
}

type memberChangeInput struct {
	MemberPath
	Body struct {
		Role       *chat.GroupRole `json:"role,omitempty" enum:"owner,admin,member" doc:"owner hands the group over: the old owner becomes an administrator."`
		MutedUntil optionalTime    `json:"muted_until,omitempty" doc:"The member may not write until then; null: it may."`
	}
}

type joinInput struct {
	GroupPath
	Body *requestBody `required:"false"`
}

func (a *api) memberRoutes() {
	route(a, op{method: "GET", path: "/groups/{gid}/members", id: "list-members", tag: "Groups", summary: "A group's members"}, a.members)
	route(a, op{method: "POST", path: "/groups/{gid}/members", id: "add-members", tag: "Groups", summary: "Add members",
		about: "By itself idempotent: whoever is in the group already stays as it is."}, a.addMembers)
	route(a, op{method: "PATCH", path: "/groups/{gid}/members/{uid}", id: "update-member", tag: "Groups", summary: "Change a member's role, or mute it"}, a.updateMember)
	route(a, op{method: "DELETE", path: "/groups/{gid}/members/{uid}", id: "remove-member", tag: "Groups", summary: "Remove a member, or leave"}, a.removeMember)
	route(a, op{method: "POST", path: "/groups/{gid}/join", id: "join-group", tag: "Groups", summary: "Join a group, or ask to"}, a.join)
}

func (a *api) members(ctx context.Context, c *caller, in *membersInput) (*answer[list[member]], error) {
	members, next, err := a.Store.Members(ctx, c.EID, in.GID, c.UID, in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	return page(membersOf(members), next), nil
}

func membersOf(members []chat.MemberProfile) []member {
	items := make([]member, len(members))
	for i, m := range members {
		items[i] = member{UID: m.UID, Name: m.Name, Avatar: m.Avatar, Role: m.Role, MutedUntil: timeOrNull(m.MutedUntil), Joined: m.Joined.UTC()}
	}
	return items
}

func (a *api) addMembers(ctx context.Context, c *caller, in *addMembersInput) (*answer[added], error) {
	uids, err := a.Store.AddMembers(ctx, c.EID, in.GID, c.UID, c.Role, in.Body.UIDs)
	if err != nil {
		return nil, fmt.Errorf("add members: %w", err)
	}
	if uids == nil {
		uids = []string{}
	}
	return &answer[added]{added{uids}}, nil
}

func (a *api) updateMember(ctx context.Context, c *caller, in *memberChangeInput) (*none, error) {
	var until *time.Time
	if in.Body.MutedUntil.given {
		until = &in.Body.MutedUntil.time
	}
	if in.Body.Role == nil && until == nil {
		return nil, chat.Errorf(chat.Invalid, "Say what to change: role, muted_until or both.").Named(chat.ProblemNothingToChange)
	}
	if err := a.Store.SetMember(ctx, c.EID, in.GID, in.UID, c.UID, in.Body.Role, until); err != nil {
		return nil, fmt.Errorf("change member: %w", err)
	}
	return nil, nil
}

func (a *api) removeMember(ctx context.Context, c *caller, in *MemberPath) (*none, error) {
	if err := a.Store.RemoveMember(ctx, c.EID, in.GID, in.UID, c.UID); err != nil {
		return nil, fmt.Errorf("remove member: %w", err)
	}
	return nil, nil
}

func (a *api) join(ctx context.Context, c *caller, in *joinInput) (*answer[pending], error) {
	message, err := in.Body.clean()
	if err != nil {
		return nil, err
	}
	asked, err := a.Store.Join(ctx, c.EID, in.GID, c.UID, message)
	if err != nil {
		return nil, fmt.Errorf("join group: %w", err)
	}
	return &answer[pending]{pending{asked}}, nil
}

// optionalTime tells a time, null and nothing at all apart. Null is the zero time.
type optionalTime struct {
	given bool
	time  time.Time
}

// UnmarshalJSON is called only when the key is there.
func (o *optionalTime) UnmarshalJSON(b []byte) error {
	o.given = true
	var t *time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	if t != nil {
		o.time = *t
	}
	return nil
}

// Schema describes it to huma.
func (optionalTime) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true}
}
