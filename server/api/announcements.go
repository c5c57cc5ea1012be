package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"magpie/server/chat"
)

// announcement is a word to everyone, or to departments.
type announcement struct {
	ID          string     `json:"id"`
	Author      string     `json:"author" doc:"A uid."`
	Title       string     `json:"title"`
	Text        string     `json:"text"`
	Departments []string   `json:"departments,omitempty" doc:"Ids; none is everyone. For administrators."`
	Created     time.Time  `json:"created"`
	People      int        `json:"people,omitempty" doc:"Whom it is for. For administrators."`
	Readers     *int       `json:"readers,omitempty" doc:"How many have read it. For administrators."`
	Read        *time.Time `json:"read,omitempty" doc:"When the caller read it."`
}

// AnnouncementPath names an announcement.
type AnnouncementPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *api) announcementRoutes() {
	route(a, op{method: "GET", path: "/announcements", id: "list-announcements", tag: "Me", summary: "Announcements to oneself, the newest first"}, a.announcements)
	route(a, op{method: "PUT", path: "/announcements/{id}/read", id: "read-announcement", tag: "Me", summary: "Say that one has read an announcement"}, a.readAnnouncement)
	route(a, op{method: "GET", path: "/admin/announcements", id: "admin-list-announcements", tag: "Administration", right: chat.ReadOrganisation, summary: "Announcements, the newest first"}, a.adminAnnouncements)
	route(a, op{method: "GET", path: "/admin/announcements/{id}", id: "admin-get-announcement", tag: "Administration", right: chat.ReadOrganisation, summary: "An announcement"}, a.adminAnnouncement)
	route(a, op{method: "POST", path: "/admin/announcements", id: "admin-announce", tag: "Administration", right: chat.Announce, status: http.StatusCreated, summary: "Announce something",
		about: "To the people of departments and of those below them, or to everyone. They are told by notice 0x50."}, a.announce)
}

func announcementOf(x chat.Announcement) announcement {
	return announcement{ID: idText(x.ID), Author: x.Author, Title: x.Title, Text: x.Text, Created: x.Created, Read: timeOrNull(x.Read)}
}

func adminAnnouncementOf(x chat.Announcement) announcement {
	out := announcementOf(x)
	out.People, out.Readers = x.People, &x.Readers
	for _, id := range x.Departments {
		out.Departments = append(out.Departments, idText(id))
	}
	return out
}

func (a *api) announcements(ctx context.Context, c *caller, in *Paging) (*answer[list[announcement]], error) {
	found, next, err := a.Store.AnnouncementsFor(ctx, c.EID, c.UID, in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read announcements: %w", err)
	}
	items := make([]announcement, len(found))
	for i, x := range found {
		items[i] = announcementOf(x)
	}
	return page(items, next), nil
}

func (a *api) readAnnouncement(ctx context.Context, c *caller, in *AnnouncementPath) (*none, error) {
	id, err := parseID("id", in.ID)
	if err != nil {
		return nil, chat.Errorf(chat.NotFound, "There is no such announcement.")
	}
	return nil, a.Store.ReadAnnouncement(ctx, c.EID, c.UID, id)
}

func (a *api) adminAnnouncements(ctx context.Context, c *caller, in *Paging) (*answer[list[announcement]], error) {
	found, next, err := a.Store.Announcements(ctx, c.EID, in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read announcements: %w", err)
	}
	items := make([]announcement, len(found))
	for i, x := range found {
		items[i] = adminAnnouncementOf(x)
	}
	return page(items, next), nil
}

func (a *api) adminAnnouncement(ctx context.Context, c *caller, in *AnnouncementPath) (*answer[announcement], error) {
	id, err := parseID("id", in.ID)
	if err != nil {
		return nil, chat.Errorf(chat.NotFound, "There is no such announcement.")
	}
	x, err := a.Store.Announcement(ctx, c.EID, id)
	if err != nil {
		return nil, fmt.Errorf("read an announcement: %w", err)
	}
	return &answer[announcement]{adminAnnouncementOf(x)}, nil
}

func (a *api) announce(ctx context.Context, c *caller, in *struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"A repeat with the same key returns the announcement that the first call made, and tells nobody again."`
	Body struct {
		Title       string   `json:"title" maxLength:"128"`
		Text        string   `json:"text" maxLength:"4000"`
		Departments []string `json:"departments,omitempty" maxItems:"200" doc:"Ids; none is everyone."`
	}
}) (*answer[announcement], error) {
	x := chat.Announcement{Departments: []int64{}}
	var err error
	if x.Title, err = chat.CleanName("title", in.Body.Title, 128); err != nil {
		return nil, err
	}
	if x.Text, err = chat.CleanText("text", in.Body.Text, 4000); err != nil {
		return nil, err
	}
	if ids, err := departmentIDs(in.Body.Departments); err != nil {
		return nil, err
	} else if len(ids) > 0 {
		x.Departments = ids
	}
	if x, err = a.Store.Announce(ctx, c.actor(), x, in.Key); err != nil {
		return nil, fmt.Errorf("announce: %w", err)
	}
	return &answer[announcement]{adminAnnouncementOf(x)}, nil
}
