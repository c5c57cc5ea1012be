package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"magpie/server/chat"
)

type groupLink struct {
	ID      string    `json:"id"`
	URL     string    `json:"url,omitempty" doc:"Shown where it is made alone: the server keeps no copy."`
	Maker   string    `json:"maker"`
	Uses    int       `json:"uses"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

type joinRequest struct {
	UID     string    `json:"uid"`
	Message string    `json:"message"`
	Created time.Time `json:"created"`
}

// LinkToken is the secret of a link into a group.
type LinkToken struct {
	Token string `json:"token" maxLength:"128" doc:"From the link."`
}

type createLinkInput struct {
	GroupPath
	Body struct {
		Days int `json:"days,omitempty" minimum:"1" maximum:"365" default:"7" doc:"How long it is good."`
	}
}

// LinkPath names a link into a group.
type LinkPath struct {
	GroupPath
	ID string `path:"id" maxLength:"64"`
}

// waysIn are the calls about who comes into a group: of those who manage it, or (any) of those who manage all groups of the organisation.
type waysIn struct {
	*api
	any bool
}

func (a *api) joiningRoutes() {
	own, all := waysIn{a, false}, waysIn{a, true}
	own.routes("/groups/{gid}", "", "Groups", "", "")
	all.routes("/admin/groups/{gid}", "admin-", "Administration", chat.ReadOrganisation, chat.ManageGroups)
	route(a, op{method: "POST", path: "/join/look", id: "look-at-group-link", tag: "Groups", summary: "Into which group a link leads"}, a.lookAtLink)
	route(a, op{method: "POST", path: "/join", id: "join-by-link", tag: "Groups", summary: "Enter a group by a link"}, a.joinByLink)
}

func (w waysIn) routes(at, id, tag string, read, change chat.Right) {
	a := w.api
	route(a, op{method: "GET", path: at + "/requests", id: id + "list-join-requests", tag: tag, right: read, summary: "Who asks to join"}, w.requests)
	route(a, op{method: "PUT", path: at + "/requests/{uid}", id: id + "accept-join-request", tag: tag, right: change, summary: "Let somebody in who asks"}, w.accept)
	route(a, op{method: "DELETE", path: at + "/requests/{uid}", id: id + "decline-join-request", tag: tag, right: change, summary: "Decline somebody who asks"}, w.decline)
	route(a, op{method: "GET", path: at + "/links", id: id + "list-group-links", tag: tag, right: read, summary: "Links into a group that are good"}, w.links)
	route(a, op{method: "POST", path: at + "/links", id: id + "create-group-link", tag: tag, right: change, status: http.StatusCreated,
		summary: "Make a link by which people of the organisation enter a group"}, w.createLink)
	route(a, op{method: "DELETE", path: at + "/links/{id}", id: id + "delete-group-link", tag: tag, right: change, summary: "Withdraw a link"}, w.deleteLink)
}

func (w waysIn) requests(ctx context.Context, c *caller, in *GroupPath) (*answer[list[joinRequest]], error) {
	var found []chat.ContactRequest
	var err error
	if w.any {
		found, err = w.Store.AnyJoinRequests(ctx, c.EID, in.GID)
	} else {
		found, err = w.Store.JoinRequests(ctx, c.EID, in.GID, c.UID)
	}
	if err != nil {
		return nil, fmt.Errorf("read who asks to join: %w", err)
	}
	items := make([]joinRequest, len(found))
	for i, r := range found {
		items[i] = joinRequest{r.UID, r.Message, r.Created}
	}
	return page(items, ""), nil
}

func (w waysIn) accept(ctx context.Context, c *caller, in *MemberPath) (*none, error) {
	return nil, w.answer(ctx, c, in, true)
}

func (w waysIn) decline(ctx context.Context, c *caller, in *MemberPath) (*none, error) {
	return nil, w.answer(ctx, c, in, false)
}

func (w waysIn) answer(ctx context.Context, c *caller, in *MemberPath, accept bool) error {
	if w.any {
		return w.Store.AnswerAnyJoin(ctx, c.actor(), in.GID, in.UID, accept)
	}
	return w.Store.AnswerJoin(ctx, c.EID, in.GID, c.UID, in.UID, accept)
}

func (w waysIn) links(ctx context.Context, c *caller, in *GroupPath) (*answer[list[groupLink]], error) {
	var found []chat.GroupLink
	var err error
	if w.any {
		found, err = w.Store.AnyGroupLinks(ctx, c.EID, in.GID)
	} else {
		found, err = w.Store.GroupLinks(ctx, c.EID, in.GID, c.UID)
	}
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	items := make([]groupLink, len(found))
	for i, l := range found {
		items[i] = groupLink{ID: l.ID, Maker: l.Maker, Uses: l.Uses, Created: l.Created, Expires: l.Expires}
	}
	return page(items, ""), nil
}

func (w waysIn) createLink(ctx context.Context, c *caller, in *createLinkInput) (*answer[groupLink], error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make a link's id: %w", err)
	}
	token, hash := newLinkToken()
	now := time.Now().UTC().Truncate(time.Second)
	l := groupLink{ID: id.String(), URL: c.origin() + "/join#" + token, Maker: c.UID, Created: now, Expires: now.AddDate(0, 0, max(in.Body.Days, 1))}
	if w.any {
		err = w.Store.CreateAnyGroupLink(ctx, c.actor(), in.GID, l.ID, hash, l.Expires)
	} else {
		err = w.Store.CreateGroupLink(ctx, c.EID, in.GID, c.UID, l.ID, hash, l.Expires)
	}
	if err != nil {
		return nil, fmt.Errorf("make a link: %w", err)
	}
	return &answer[groupLink]{l}, nil
}

func (w waysIn) deleteLink(ctx context.Context, c *caller, in *LinkPath) (*none, error) {
	if w.any {
		return nil, w.Store.DeleteAnyGroupLink(ctx, c.actor(), in.GID, in.ID)
	}
	return nil, w.Store.DeleteGroupLink(ctx, c.EID, in.GID, c.UID, in.ID)
}

func (a *api) lookAtLink(ctx context.Context, c *caller, in *struct{ Body LinkToken }) (*answer[Group], error) {
	g, err := a.Store.GroupOfLink(ctx, c.EID, linkHash(in.Body.Token))
	if err != nil {
		return nil, fmt.Errorf("read a link: %w", err)
	}
	return &answer[Group]{groupOf(g)}, nil
}

func (a *api) joinByLink(ctx context.Context, c *caller, in *struct{ Body LinkToken }) (*answer[Group], error) {
	g, err := a.Store.JoinByLink(ctx, c.EID, c.UID, linkHash(in.Body.Token))
	if err != nil {
		return nil, fmt.Errorf("enter a group: %w", err)
	}
	return &answer[Group]{groupOf(g)}, nil
}
