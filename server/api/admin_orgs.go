package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"magpie/server/chat"
)

// organisation is one as system administrators see it.
type organisation struct {
	EID       string     `json:"eid"`
	Name      string     `json:"name"`
	Logo      string     `json:"logo" doc:"The address of a picture, or empty."`
	People    int        `json:"people" doc:"Who are not disabled."`
	Groups    int        `json:"groups" doc:"That are not dissolved."`
	Messages  int64      `json:"messages"`
	Media     int64      `json:"media" doc:"Bytes of files."`
	Limits    orgLimits  `json:"limits"`
	Suspended *time.Time `json:"suspended" doc:"Since when nobody may sign in, or null."`
	DeleteAt  *time.Time `json:"delete_at" doc:"When everything of it is deleted, or null. Nobody may sign in until then either."`
	Version   int64      `json:"version"`
}

// orgLimits bound an organisation.
type orgLimits struct {
	People  int   `json:"people" doc:"0 for no bound, like the others."`
	Groups  int   `json:"groups"`
	Storage int64 `json:"storage" doc:"Bytes of files."`
}

// newOrganisation is one that was just made.
type newOrganisation struct {
	EID      string       `json:"eid"`
	Name     string       `json:"name"`
	Username string       `json:"username" doc:"Of its first administrator."`
	Version  int64        `json:"version"`
	Link     passwordLink `json:"link" doc:"By which the administrator sets a password."`
}

// OrgPath names an organisation.
type OrgPath struct {
	EID string `path:"eid" maxLength:"32"`
}

func (a *api) orgRoutes() {
	const tag = "Administration"
	right := chat.ManageOrganisations
	route(a, op{method: "GET", path: "/admin/orgs", id: "admin-list-orgs", tag: tag, right: right, summary: "The server's organisations"}, a.orgs)
	route(a, op{method: "POST", path: "/admin/orgs", id: "admin-create-org", tag: tag, right: right, status: http.StatusCreated,
		summary: "Make an organisation with its first administrator", about: "The answer has the link by which the administrator sets a password."}, a.createOrg)
	route(a, op{method: "GET", path: "/admin/orgs/{eid}", id: "admin-get-org", tag: tag, right: right, summary: "An organisation"}, a.org)
	route(a, op{method: "PATCH", path: "/admin/orgs/{eid}", id: "admin-update-org", tag: tag, right: right, summary: "Rename, bound or suspend an organisation, give it a logo",
		about: "A suspended one keeps everything; nobody of it can sign in, and who is connected is disconnected. A bound below what is there takes nothing away."}, a.updateOrg)
	route(a, op{method: "DELETE", path: "/admin/orgs/{eid}", id: "admin-delete-org", tag: tag, right: right, status: http.StatusOK, summary: "Delete an organisation with everything of it, in seven days",
		about: "Until then nobody of it can sign in, and it can be kept. The caller's own organisation and the last one are not deleted. Its short name is never used again."}, a.deleteOrg)
	route(a, op{method: "POST", path: "/admin/orgs/{eid}/keep", id: "admin-keep-org", tag: tag, right: right, status: http.StatusOK, summary: "Keep an organisation that was to be deleted"}, a.keepOrg)
}

func (a *api) organisation(ctx context.Context, o chat.Org) (organisation, error) {
	f, err := a.Store.Overview(ctx, o.EID, 1)
	return organisation{EID: o.EID, Name: o.Name, Logo: o.Logo, People: o.People, Groups: o.Groups, Messages: f.Messages, Media: f.FileBytes,
		Limits: orgLimits(o.Limits), Suspended: timeOrNull(o.Suspended), DeleteAt: timeOrNull(o.Doomed), Version: o.Version}, err
}

func (a *api) orgs(ctx context.Context, _ *caller, _ *struct{}) (*answer[list[organisation]], error) {
	all, err := a.Store.Orgs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read organisations: %w", err)
	}
	items := make([]organisation, len(all))
	for i, o := range all {
		if items[i], err = a.organisation(ctx, o); err != nil {
			return nil, err
		}
	}
	return page(items, ""), nil
}

func (a *api) org(ctx context.Context, _ *caller, in *OrgPath) (*answer[organisation], error) {
	o, err := a.Store.Org(ctx, in.EID)
	if err != nil {
		return nil, fmt.Errorf("read an organisation: %w", err)
	}
	out, err := a.organisation(ctx, o)
	return &answer[organisation]{out}, err
}

func (a *api) createOrg(ctx context.Context, c *caller, in *struct {
	Body struct {
		EID      string `json:"eid" maxLength:"32"`
		Name     string `json:"name" maxLength:"64"`
		Username string `json:"username" maxLength:"64" doc:"The uid of its first administrator."`
		Person   string `json:"person" maxLength:"64" doc:"Its name."`
	}
}) (*answer[newOrganisation], error) {
	b := in.Body
	if !chat.ValidEID(b.EID) {
		return nil, chat.FieldError("eid", chat.FieldFormat, "must start with a small letter or digit and have only small letters, digits, - and _, at most 32")
	}
	if !chat.ValidUID(b.Username) {
		return nil, chat.FieldError("username", chat.FieldFormat, "must start with a letter or digit and have only letters, digits, dots, - and _, at most 64")
	}
	name, err := chat.CleanName("name", b.Name, chat.MaxName)
	if err != nil {
		return nil, err
	}
	person, err := chat.CleanName("person", b.Person, chat.MaxName)
	if err != nil {
		return nil, err
	}
	o, err := a.Store.AddOrg(ctx, c.actor(), chat.Org{EID: b.EID, Name: name}, chat.User{UID: b.Username, Name: person})
	if err != nil {
		return nil, fmt.Errorf("add an organisation: %w", err)
	}
	token, hash := newLinkToken()
	expires, err := a.Store.CreatePasswordLink(ctx, chat.Actor{EID: o.EID, Addr: chat.ActorServer}, b.Username, hash)
	if err != nil {
		return nil, fmt.Errorf("make a password link: %w", err)
	}
	return &answer[newOrganisation]{newOrganisation{o.EID, o.Name, b.Username, o.Version, passwordLink{URL: c.resetURL(token), Expires: expires}}}, nil
}

func (a *api) updateOrg(ctx context.Context, c *caller, in *struct {
	OrgPath
	Version
	Body struct {
		Name      *string `json:"name,omitempty" maxLength:"64"`
		Logo      *string `json:"logo,omitempty" maxLength:"256" doc:"The address of a picture that the caller has uploaded with the purpose avatar, or empty."`
		Suspended *bool   `json:"suspended,omitempty"`
		Limits    *struct {
			People  *int   `json:"people,omitempty" minimum:"0" maximum:"10000000"`
			Groups  *int   `json:"groups,omitempty" minimum:"0" maximum:"10000000"`
			Storage *int64 `json:"storage,omitempty" minimum:"0" maximum:"9007199254740991"`
		} `json:"limits,omitempty"`
	}
}) (*answer[organisation], error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	name, err := cleanName(in.Body.Name)
	if err != nil {
		return nil, err
	}
	change := chat.OrgChange{Name: name, Logo: in.Body.Logo, Suspended: in.Body.Suspended}
	if change.Logo != nil && *change.Logo != "" {
		if _, ours := chat.FileOf(*change.Logo); !ours {
			return nil, chat.FieldError("logo", chat.FieldUnknown, "must be a picture that you have uploaded for this")
		}
	}
	if l := in.Body.Limits; l != nil {
		change.MaxPeople, change.MaxGroups, change.MaxStorage = l.People, l.Groups, l.Storage
	}
	o, err := a.Store.ChangeOrg(ctx, c.actor(), in.EID, version, change)
	if err != nil {
		return nil, fmt.Errorf("change an organisation: %w", a.currentOrg(ctx, err))
	}
	out, err := a.organisation(ctx, o)
	return &answer[organisation]{out}, err
}

// currentOrg shows what somebody else has made of an organisation meanwhile.
func (a *api) currentOrg(ctx context.Context, err error) error {
	return current(err, func(o chat.Org) any { shown, _ := a.organisation(ctx, o); return shown })
}

func (a *api) deleteOrg(ctx context.Context, c *caller, in *struct {
	OrgPath
	Version
}) (*answer[organisation], error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	o, err := a.Store.DoomOrg(ctx, c.actor(), in.EID, version)
	if err != nil {
		return nil, fmt.Errorf("delete an organisation: %w", a.currentOrg(ctx, err))
	}
	out, err := a.organisation(ctx, o)
	return &answer[organisation]{out}, err
}

func (a *api) keepOrg(ctx context.Context, c *caller, in *OrgPath) (*answer[organisation], error) {
	o, err := a.Store.KeepOrg(ctx, c.actor(), in.EID)
	if err != nil {
		return nil, fmt.Errorf("keep an organisation: %w", err)
	}
	out, err := a.organisation(ctx, o)
	return &answer[organisation]{out}, err
}
