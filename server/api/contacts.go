package api

import (
	"context"
	"fmt"
	"time"

	"magpie/server/chat"
)

// maxRequest is the most characters of what one writes to a request to become contacts or to join a group.
const maxRequest = 200

// contactRequest is someone's wish to become contacts.
type contactRequest struct {
	UID     string    `json:"uid"`
	Name    string    `json:"name"`
	Avatar  string    `json:"avatar"`
	Message string    `json:"message"`
	Created time.Time `json:"created"`
}

type requestBody struct {
	Message string `json:"message,omitempty" maxLength:"200"`
}

// pending is the answer to a wish that someone else may have to agree to.
type pending struct {
	Pending bool `json:"pending" doc:"The other side was asked. False: it is done."`
}

type contactInput struct {
	UID  string       `path:"uid" maxLength:"64"`
	Body *requestBody `required:"false"`
}

func (a *api) contactRoutes() {
	route(a, op{method: "GET", path: "/contacts", id: "list-contacts", tag: "People", summary: "One's contacts, with presence and terminals"}, a.contacts)
	route(a, op{method: "GET", path: "/contacts/requests", id: "list-contact-requests", tag: "People", summary: "Those who ask to become contacts"}, a.contactRequests)
	route(a, op{method: "PUT", path: "/contacts/{uid}", id: "add-contact", tag: "People", summary: "Add a contact, ask to, or accept",
		about: "Where the organisation wants it, the other side is asked; its adding of the caller accepts."}, a.addContact)
	route(a, op{method: "DELETE", path: "/contacts/{uid}", id: "remove-contact", tag: "People", summary: "Remove a contact"}, a.removeContact)
}

func (a *api) contacts(ctx context.Context, c *caller, _ *struct{}) (*answer[list[Person]], error) {
	users, err := a.Store.Contacts(ctx, c.EID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return page(a.persons(users), ""), nil
}

func (a *api) contactRequests(ctx context.Context, c *caller, _ *struct{}) (*answer[list[contactRequest]], error) {
	requests, err := a.Store.ContactRequests(ctx, c.EID, c.UID)
	if err != nil {
		return nil, fmt.Errorf("read contact requests: %w", err)
	}
	uids := make([]string, len(requests))
	for i, r := range requests {
		uids[i] = r.UID
	}
	users, err := a.Store.UsersByID(ctx, c.EID, uids)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	byUID := map[string]chat.User{}
	for _, u := range users {
		byUID[u.UID] = u
	}
	var items []contactRequest
	for _, r := range requests {
		u := byUID[r.UID]
		items = append(items, contactRequest{UID: r.UID, Name: u.Name, Avatar: u.Avatar, Message: r.Message, Created: r.Created.UTC()})
	}
	return page(items, ""), nil
}

func (a *api) addContact(ctx context.Context, c *caller, in *contactInput) (*answer[pending], error) {
	message, err := in.Body.clean()
	if err != nil {
		return nil, err
	}
	asked, err := a.Store.PutContact(ctx, c.EID, c.UID, c.Role, in.UID, message)
	if err != nil {
		return nil, fmt.Errorf("add contact: %w", err)
	}
	return &answer[pending]{pending{asked}}, nil
}

func (a *api) removeContact(ctx context.Context, c *caller, in *UserPath) (*none, error) {
	if err := a.Store.DeleteContact(ctx, c.EID, c.UID, in.UID); err != nil {
		return nil, fmt.Errorf("remove contact: %w", err)
	}
	return nil, nil
}

func (b *requestBody) clean() (string, error) {
	if b == nil {
		return "", nil
	}
	return chat.CleanText("message", b.Message, maxRequest)
}
