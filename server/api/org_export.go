package api

import (
	"archive/zip"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"magpie/server/chat"
)

// exportPath is where an export is fetched.
const exportPath = "/exports"

// ticketAge is how long somebody who has asked for an export may take to fetch it.
const ticketAge = time.Minute

// tickets let a browser fetch by a plain link what it has asked for with its access token, once: a script would have to hold all of it in memory.
type tickets struct {
	mu   sync.Mutex // guards open
	open map[string]ticket
}

type ticket struct {
	org     chat.Org
	expires time.Time
}

func (t *tickets) add(o chat.Org, now time.Time) (string, time.Time) {
	token, expires := rand.Text(), now.Add(ticketAge)
	t.mu.Lock()
	defer t.mu.Unlock()
	for other, one := range t.open {
		if !one.expires.After(now) {
			delete(t.open, other)
		}
	}
	t.open[token] = ticket{o, expires}
	return token, expires
}

func (t *tickets) take(token string, now time.Time) (chat.Org, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one, ok := t.open[token]
	delete(t.open, token)
	if !ok || !one.expires.After(now) {
		return chat.Org{}, chat.Errorf(chat.NotFound, "This export was fetched already, or nobody has fetched it for a minute. Ask for another.")
	}
	return one.org, nil
}

// exportLink is where an export is.
type exportLink struct {
	URL     string    `json:"url" doc:"A path of this server. It works once."`
	Expires time.Time `json:"expires"`
}

func (a *api) exportRoutes() {
	route(a, op{method: "POST", path: "/admin/orgs/{eid}/export", id: "admin-export-org", tag: "Administration", right: chat.ManageOrganisations, status: http.StatusCreated,
		summary: "Ask for everything of an organisation", about: "The answer has the address of a zip file, which is made while it is read: people, departments, groups, messages, announcements and the audit log as JSON, a line each, and the files. The audit log notes it."}, a.askExport)
	route(a, op{method: "GET", path: exportPath + "/{token}", id: "get-export", tag: "Administration", access: public, summary: "Fetch an export that was asked for"}, a.export)
}

func (a *api) askExport(ctx context.Context, c *caller, in *OrgPath) (*answer[exportLink], error) {
	o, err := a.Store.NoteExport(ctx, c.actor(), in.EID)
	if err != nil {
		return nil, fmt.Errorf("export an organisation: %w", err)
	}
	token, expires := a.tickets.add(o, time.Now())
	return &answer[exportLink]{exportLink{prefix + exportPath + "/" + token, expires.UTC()}}, nil
}

func (a *api) export(_ context.Context, _ *caller, in *struct {
	Token string `path:"token" maxLength:"64"`
}) (*huma.StreamResponse, error) {
	now := time.Now()
	o, err := a.tickets.take(in.Token, now)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", "application/zip")
		h.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.zip"`, o.EID, now.UTC().Format(time.DateOnly)))
		e := &exporter{a: a, ctx: h.Context(), org: o, zip: zip.NewWriter(a.flow(h))}
		err := e.run(now)
		if err == nil {
			err = e.zip.Close()
		}
		if err != nil { // nobody takes half of it for the whole
			a.Log.Warn("an export was cut off", "eid", o.EID, "err", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// exporter writes an organisation into a zip file, reading as it writes.
type exporter struct {
	a   *api
	ctx context.Context
	org chat.Org
	zip *zip.Writer
	out *json.Encoder // to the entry that is written now
	at  time.Time

	listed  []string // ids of the files that are in the list and were not come by yet, in order
	missing []missingFile
}

// missingFile is a file that is in the list of an export, and whose bytes are not, or not all.
type missingFile struct {
	ID   string `json:"id"`
	Path string `json:"path,omitempty"`
	Why  string `json:"why"` // deleted: by somebody, meanwhile; lost: the store has it no more; incomplete: it could not be read to its end
}

func (e *exporter) run(now time.Time) error {
	e.at = now
	for _, part := range []struct {
		name  string
		write func() error
	}{
		{"organisation.json", e.organisation}, {"departments.jsonl", e.departments}, {"people.jsonl", e.people}, {"groups.jsonl", e.groups},
		{"messages.jsonl", e.messages}, {"announcements.jsonl", e.announcements}, {"audit.jsonl", e.audit}, {"files.jsonl", e.list},
	} {
		if err := e.part(part.name, part.write); err != nil {
			return err
		}
	}
	if err := e.files(e.bytes); err != nil {
		return err
	}
	e.passed("")
	if len(e.missing) == 0 {
		return nil
	}
	e.a.Log.Warn("files are missing in an export", "eid", e.org.EID, "files", len(e.missing))
	return e.part("missing.jsonl", func() error {
		for _, m := range e.missing {
			if err := e.out.Encode(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// part writes one file of lines.
func (e *exporter) part(name string, write func() error) error {
	w, err := e.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: e.at})
	if err == nil {
		e.out = json.NewEncoder(w)
		err = write()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (e *exporter) organisation() error {
	return e.out.Encode(struct {
		EID      string    `json:"eid"`
		Name     string    `json:"name"`
		Exported time.Time `json:"exported"`
		Policies any       `json:"policies"`
	}{e.org.EID, e.org.Name, e.at.UTC(), e.org.Settings})
}

func (e *exporter) departments() error {
	all, err := e.a.Store.Departments(e.ctx, e.org.EID)
	for _, d := range all {
		if err == nil {
			err = e.out.Encode(departmentOf(d))
		}
	}
	return err
}

// paged writes what read gives, page by page.
func paged[T any](read func(cursor string) ([]T, string, error), write func(T) error) error {
	for cursor := ""; ; {
		items, next, err := read(cursor)
		if err != nil {
			return err
		}
		for _, item := range items {
			if err := write(item); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

func (e *exporter) people() error {
	return paged(func(cursor string) ([]chat.Account, string, error) {
		list, next, _, err := e.a.Store.Accounts(e.ctx, e.org.EID, chat.AccountQuery{Sort: "uid", Cursor: cursor, Limit: 200})
		return list, next, err
	}, func(u chat.Account) error {
		return e.out.Encode(struct {
			UID         string     `json:"uid"`
			Name        string     `json:"name"`
			Email       string     `json:"email"`
			Title       string     `json:"title"`
			Avatar      string     `json:"avatar"`
			Departments []string   `json:"departments"` // ids, the main one first
			Role        chat.Role  `json:"role"`
			Service     bool       `json:"service"`
			Disabled    bool       `json:"disabled"`
			Created     time.Time  `json:"created"`
			Seen        *time.Time `json:"seen"`
		}{u.UID, u.Name, u.Email, u.Title, u.Avatar, e.a.accountOf(u).Departments, u.Role, u.Service, u.Disabled, u.Created, timeOrNull(u.Seen)})
	})
}

func (e *exporter) groups() error {
	for _, dissolved := range []bool{false, true} {
		err := paged(func(cursor string) ([]chat.Group, string, error) {
			return e.a.Store.AllGroups(e.ctx, e.org.EID, "", dissolved, cursor, 200)
		}, func(g chat.Group) error {
			out := struct {
				AdminGroup
				People []member `json:"people"`
			}{adminGroupOf(g), []member{}}
			if !dissolved {
				err := paged(func(cursor string) ([]chat.MemberProfile, string, error) {
					return e.a.Store.AnyMembers(e.ctx, e.org.EID, g.GID, cursor, 500)
				}, func(m chat.MemberProfile) error {
					out.People = append(out.People, membersOf([]chat.MemberProfile{m})...)
					return nil
				})
				if err != nil && chat.CodeOf(err) != chat.NotFound { // it may have been dissolved meanwhile
					return err
				}
			}
			return e.out.Encode(out)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// exportedMessage is a message with the conversation that it belongs to.
type exportedMessage struct {
	Conversation string `json:"conversation"` // u: and both uids, or g: and the gid
	message
}

func (e *exporter) messages() error {
	for last := int64(0); ; {
		streams, err := e.a.Store.OrgConversations(e.ctx, e.org.EID, last, 200)
		if err != nil || len(streams) == 0 {
			return err
		}
		for _, st := range streams {
			last = st.ID
			conversation := "g:" + st.Key
			if st.Kind == chat.StreamPair {
				conversation = "u:" + st.Key
			}
			for after := uint64(0); ; {
				entries, err := e.a.Store.Read(e.ctx, st.ID, after, 500)
				if err != nil {
					return err
				}
				if len(entries) == 0 {
					break
				}
				for _, entry := range entries {
					m, err := messageOf(entry)
					if err == nil {
						err = e.out.Encode(exportedMessage{conversation, m})
					}
					if err != nil {
						return err
					}
				}
				after = entries[len(entries)-1].Seq
			}
		}
	}
}

func (e *exporter) announcements() error {
	return paged(func(cursor string) ([]chat.Announcement, string, error) {
		return e.a.Store.Announcements(e.ctx, e.org.EID, cursor, 200)
	}, func(x chat.Announcement) error { return e.out.Encode(adminAnnouncementOf(x)) })
}

func (e *exporter) audit() error {
	return paged(func(cursor string) ([]chat.AuditEntry, string, error) {
		return e.a.Store.Audit(e.ctx, e.org.EID, chat.AuditQuery{Cursor: cursor, Limit: 500})
	}, func(x chat.AuditEntry) error { return e.out.Encode(auditEntryOf(x)) })
}

// files calls f for every file that there is.
func (e *exporter) files(f func(chat.File, chat.Blob) error) error {
	for last := ""; ; {
		files, err := e.a.Store.OrgFiles(e.ctx, e.org.EID, last, 200)
		if err != nil || len(files) == 0 {
			return err
		}
		for _, file := range files {
			last = file.ID
			if err := f(file, file.Blobs[0]); err != nil {
				return err
			}
		}
	}
}

// place is where the bytes of a file lie in the zip file. Names have no paths in them.
func place(f chat.File, b chat.Blob) string { return "files/" + f.ID + "/" + fileName(f.Name, b) }

func (e *exporter) list() error {
	return e.files(func(f chat.File, b chat.Blob) error {
		e.listed = append(e.listed, f.ID)
		return e.out.Encode(struct {
			ID      string    `json:"id"`
			URL     string    `json:"url"` // as messages name it
			Path    string    `json:"path"`
			Sender  string    `json:"sender"`
			Name    string    `json:"name"`
			Type    string    `json:"type"`
			Size    int64     `json:"size"`
			Created time.Time `json:"created"`
		}{f.ID, chat.FilePath + f.ID, place(f, b), f.UID, f.Name, b.Type, b.Size, f.Created})
	})
}

// passed notes the files of the list before id, all that are left for "", as deleted meanwhile: they were not come by.
func (e *exporter) passed(id string) {
	for len(e.listed) > 0 && (id == "" || e.listed[0] < id) {
		e.missing = append(e.missing, missingFile{ID: e.listed[0], Why: "deleted"})
		e.listed = e.listed[1:]
	}
}

// bytes copies a file as it is: most are compressed already. One that is gone is noted, and the export goes on.
func (e *exporter) bytes(f chat.File, b chat.Blob) error {
	e.passed(f.ID)
	if len(e.listed) == 0 || e.listed[0] != f.ID {
		return nil // it came after the list was written
	}
	e.listed = e.listed[1:]
	in, err := e.a.Media.Read(e.ctx, b, 0)
	if errors.Is(err, fs.ErrNotExist) {
		e.missing = append(e.missing, missingFile{f.ID, place(f, b), "lost"})
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the file %s: %w", f.ID, err)
	}
	defer func() { _ = in.Close() }() // only read
	w, err := e.zip.CreateHeader(&zip.FileHeader{Name: place(f, b), Method: zip.Store, Modified: f.Created})
	if err != nil {
		return fmt.Errorf("begin the file %s: %w", f.ID, err)
	}
	from := &source{Reader: in}
	n, err := io.Copy(w, from)
	if err != nil && from.err == nil || e.ctx.Err() != nil { // nobody reads the export any more
		return fmt.Errorf("copy the file %s: %w", f.ID, cmp.Or(err, e.ctx.Err()))
	}
	if from.err != nil || n != b.Size {
		e.missing = append(e.missing, missingFile{f.ID, place(f, b), "incomplete"})
	}
	return nil
}

// source remembers why reading from it has failed.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
