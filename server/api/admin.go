package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"magpie/server/chat"
)

// Administration is what administrators need of the database. The store checks the right of the actor in the transaction that makes the
// change, and writes the audit log there.
type Administration interface {
	Accounts(ctx context.Context, eid string, q chat.AccountQuery) ([]chat.Account, string, *chat.Total, error)
	Account(ctx context.Context, eid, uid string) (chat.Account, error)
	CreateAccount(ctx context.Context, by chat.Actor, u chat.User, departments []int64, passwordHash string) (chat.Account, error)
	UpdateAccount(ctx context.Context, by chat.Actor, uid string, version int64, c chat.AccountChange) (chat.Account, error)
	InvitedUsers(ctx context.Context, eid, after string, limit int) ([]chat.User, error)
	CreatePasswordLinks(ctx context.Context, by chat.Actor, hashes map[string][]byte) (time.Time, error)
	CreatePasswordLink(ctx context.Context, by chat.Actor, uid string, hash []byte) (time.Time, error)
	EndAccountLogin(ctx context.Context, by chat.Actor, uid, id string) error
	PasswordLink(ctx context.Context, hash []byte) (chat.User, error)
	UsePasswordLink(ctx context.Context, hash []byte, passwordHash, addr string) (chat.User, error)
	UpdatePolicies(ctx context.Context, by chat.Actor, version int64, change func(*chat.OrgSettings) error) (chat.Org, error)
	MayMessage(ctx context.Context, eid, from string, as chat.Role, to string) error
	Recall(ctx context.Context, eid, uid, conv string, seq uint64, blank chat.Blank) error
	RecallAsModerator(ctx context.Context, by chat.Actor, stream int64, seq uint64, blank chat.Blank) error
	ReportMessage(ctx context.Context, eid, uid, conv string, seq uint64, reason string) error
	Reports(ctx context.Context, eid string, state chat.ReportState, cursor string, limit int) ([]chat.Report, string, error)
	Report(ctx context.Context, eid string, id int64) (chat.Report, []chat.Entry, error)
	ReportFile(ctx context.Context, by chat.Actor, report int64, file string) (uploader string, err error)
	UpdateReport(ctx context.Context, by chat.Actor, id, version int64, state chat.ReportState, note string) (chat.Report, error)
	AdminGroups
	Announcements(ctx context.Context, eid, cursor string, limit int) ([]chat.Announcement, string, error)
	AnnouncementsFor(ctx context.Context, eid, uid, cursor string, limit int) ([]chat.Announcement, string, error)
	Announce(ctx context.Context, by chat.Actor, a chat.Announcement, key string) (chat.Announcement, error)
	Announcement(ctx context.Context, eid string, id int64) (chat.Announcement, error)
	ReadAnnouncement(ctx context.Context, eid, uid string, id int64) error
	Orgs(ctx context.Context) ([]chat.Org, error)
	AddOrg(ctx context.Context, by chat.Actor, o chat.Org, admin chat.User) (chat.Org, error)
	ChangeOrg(ctx context.Context, by chat.Actor, eid string, version int64, c chat.OrgChange) (chat.Org, error)
	DoomOrg(ctx context.Context, by chat.Actor, eid string, version int64) (chat.Org, error)
	KeepOrg(ctx context.Context, by chat.Actor, eid string) (chat.Org, error)
	OrgExports
	SetPasswordOf(ctx context.Context, by chat.Actor, uid, hash string) error
	Overview(ctx context.Context, eid string, days int) (chat.OrgFigures, error)
	Jobs(ctx context.Context, eid string, kind chat.JobKind, limit int) ([]chat.Job, error)
	NoteKick(ctx context.Context, by chat.Actor, live chat.LiveSession) error
	Audit(ctx context.Context, eid string, q chat.AuditQuery) ([]chat.AuditEntry, string, error)
	AuditEntry(ctx context.Context, eid string, id int64) (chat.AuditEntry, error)
	Departments(ctx context.Context, eid string) ([]chat.Department, error)
	DepartmentPeople(ctx context.Context, eid string) ([]chat.Department, error)
	CreateDepartment(ctx context.Context, by chat.Actor, d chat.Department) (chat.Department, error)
	UpdateDepartment(ctx context.Context, by chat.Actor, id, version int64, c chat.DepartmentChange) (chat.Department, error)
	Followers(ctx context.Context, eid string, id int64) ([]chat.OwnedGroup, error)
	DeleteDepartment(ctx context.Context, by chat.Actor, id, version int64) error
}

// OrgExports read all of an organisation, page by page.
type OrgExports interface {
	NoteExport(ctx context.Context, by chat.Actor, eid string) (chat.Org, error)
	OrgConversations(ctx context.Context, eid string, after int64, limit int) ([]chat.Stream, error)
	// Read returns entries of a log with a seq above after.
	Read(ctx context.Context, stream int64, after uint64, limit int) ([]chat.Entry, error)
	OrgFiles(ctx context.Context, eid, after string, limit int) ([]chat.File, error)
}

// AdminGroups are groups whoever is in them, and the ways in.
type AdminGroups interface {
	AllGroups(ctx context.Context, eid, text string, dissolved bool, cursor string, limit int) ([]chat.Group, string, error)
	AnyGroup(ctx context.Context, eid, gid string) (chat.Group, error)
	AnyMembers(ctx context.Context, eid, gid, cursor string, limit int) ([]chat.MemberProfile, string, error)
	CreateGroupFor(ctx context.Context, by chat.Actor, g chat.Group, members []string, key string) (chat.Group, error)
	UpdateAnyGroup(ctx context.Context, by chat.Actor, gid string, version int64, c chat.GroupChange, follows *int64) (chat.Group, error)
	DissolveAnyGroup(ctx context.Context, by chat.Actor, gid string) error
	RestoreGroup(ctx context.Context, by chat.Actor, gid string) (chat.Group, error)
	AddAnyMembers(ctx context.Context, by chat.Actor, gid string, uids []string) ([]string, error)
	SetAnyMember(ctx context.Context, by chat.Actor, gid, uid string, role *chat.GroupRole, mutedUntil *time.Time) error
	RemoveAnyMember(ctx context.Context, by chat.Actor, gid, uid string) error
	AnyJoinRequests(ctx context.Context, eid, gid string) ([]chat.ContactRequest, error)
	AnswerAnyJoin(ctx context.Context, by chat.Actor, gid, uid string, accept bool) error
	CreateAnyGroupLink(ctx context.Context, by chat.Actor, gid, id string, hash []byte, expires time.Time) error
	AnyGroupLinks(ctx context.Context, eid, gid string) ([]chat.GroupLink, error)
	DeleteAnyGroupLink(ctx context.Context, by chat.Actor, gid, id string) error
	Edit(ctx context.Context, eid, uid, conv string, seq uint64, revise chat.Revise) (chat.Entry, error)
	JoinRequests(ctx context.Context, eid, gid, viewer string) ([]chat.ContactRequest, error)
	AnswerJoin(ctx context.Context, eid, gid, by, uid string, accept bool) error
	CreateGroupLink(ctx context.Context, eid, gid, by, id string, hash []byte, expires time.Time) error
	GroupLinks(ctx context.Context, eid, gid, viewer string) ([]chat.GroupLink, error)
	DeleteGroupLink(ctx context.Context, eid, gid, by, id string) error
	GroupOfLink(ctx context.Context, eid string, hash []byte) (chat.Group, error)
	JoinByLink(ctx context.Context, eid, uid string, hash []byte) (chat.Group, error)
}

// actor is the caller as the store knows it.
func (c *caller) actor() chat.Actor { return chat.Actor{EID: c.EID, UID: c.UID, Addr: c.addr} }

func (a *api) adminRoutes() {
	a.adminPeopleRoutes()
	a.rosterRoutes()
	a.departmentRoutes()
	a.policyRoutes()
	a.orgRoutes()
	a.exportRoutes()
	a.backupRoutes()
	a.adminGroupRoutes()
	a.joiningRoutes()
	a.announcementRoutes()
	a.overviewRoutes()
	a.moderationRoutes()
	a.auditRoutes()
	a.appRoutes()
	a.webhookRoutes()
	a.programRoutes()
}

// Version says which version of a thing a change is of.
type Version struct {
	IfMatch string `header:"If-Match" maxLength:"32" doc:"The version of what is to be changed, in quotes. 412 when there is a newer one, which is in current then; 428 when this header is missing."`
}

func (v Version) number() (int64, error) {
	if v.IfMatch == "" {
		return 0, chat.Errorf(chat.Unversioned, "Say in If-Match which version you want to change.")
	}
	n, err := strconv.ParseInt(strings.Trim(v.IfMatch, `"`), 10, 64)
	if err != nil {
		return 0, chat.FieldError("If-Match", chat.FieldFormat, `must be a version such as "3"`)
	}
	return n, nil
}

// current makes the answer of what somebody else has changed meanwhile what the API shows of it.
func current[T, V any](err error, view func(T) V) error {
	var e *chat.Error
	if errors.As(err, &e) && e.Code == chat.Changed {
		if now, ok := e.Current.(T); ok {
			shown := *e
			shown.Current = view(now)
			return &shown
		}
	}
	return err
}

// counted is a list that knows how many there are.
type counted[T any] struct {
	Items      []T     `json:"items"`
	Next       *string `json:"next" doc:"The cursor of the next page, null at the end."`
	Total      *int    `json:"total,omitempty" doc:"How many there are, on the first page of a list without q."`
	TotalExact *bool   `json:"total_exact,omitempty" doc:"Whether there are no more than total."`
}

// ids of the database are strings in the API, so that no reader loses digits.
func idText(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// parseID reads an id of the API; "" is 0.
func parseID(field, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		return 0, chat.FieldError(field, chat.FieldFormat, "is not an id that this server gave")
	}
	return id, nil
}

// auditEntry is one line of the audit log.
type auditEntry struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"ts"`
	Actor  string    `json:"actor" doc:"The uid of who did it, empty for the shell and the server."`
	Addr   string    `json:"addr" doc:"The IP address, or shell or server."`
	Action string    `json:"action"`
	Target string    `json:"target"`
	Before *object   `json:"before" doc:"What was, null if nothing."`
	After  *object   `json:"after" doc:"What is now, null if nothing."`
}

// AuditFilter says which entries of the audit log are wanted.
type AuditFilter struct {
	Actor  string    `query:"actor" maxLength:"64"`
	Action string    `query:"action" maxLength:"64"`
	Target string    `query:"target" maxLength:"128"`
	After  time.Time `query:"after" doc:"Not before this time."`
	Before time.Time `query:"before" doc:"Before this time."`
}

type auditInput struct {
	Paging
	AuditFilter
}

func (f AuditFilter) query() chat.AuditQuery {
	return chat.AuditQuery{Actor: f.Actor, Action: f.Action, Target: f.Target, After: f.After, Before: f.Before}
}

func (a *api) auditRoutes() {
	route(a, op{method: "GET", path: "/admin/audit", id: "admin-audit", tag: "Administration", right: chat.ReadAudit, summary: "Who did what, the newest first"}, a.audit)
	route(a, op{method: "GET", path: "/admin/audit/{id}", id: "admin-audit-entry", tag: "Administration", right: chat.ReadAudit, summary: "One entry of the audit log"}, a.auditEntry)
	route(a, op{method: "GET", path: "/admin/audit/export", id: "admin-audit-export", tag: "Administration", right: chat.ReadAudit,
		summary: "The audit log as CSV", about: "Everything that the filter lets through. Cells that a spreadsheet would take for formulas begin with an apostrophe."}, a.exportAudit)
}

func (a *api) audit(ctx context.Context, c *caller, in *auditInput) (*answer[list[auditEntry]], error) {
	q := in.query()
	q.Cursor, q.Limit = in.Cursor, in.Limit
	entries, next, err := a.Store.Audit(ctx, c.EID, q)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	items := make([]auditEntry, len(entries))
	for i, e := range entries {
		items[i] = auditEntryOf(e)
	}
	return page(items, next), nil
}

func (a *api) auditEntry(ctx context.Context, c *caller, in *struct {
	ID string `path:"id" maxLength:"64"`
}) (*answer[auditEntry], error) {
	id, err := parseID("id", in.ID)
	if err != nil {
		return nil, chat.Errorf(chat.NotFound, "There is no such entry.")
	}
	e, err := a.Store.AuditEntry(ctx, c.EID, id)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return &answer[auditEntry]{auditEntryOf(e)}, nil
}

func auditEntryOf(e chat.AuditEntry) auditEntry {
	return auditEntry{ID: idText(e.ID), Time: e.Time, Actor: e.Actor, Addr: e.Addr, Action: e.Action, Target: e.Target,
		Before: objectOrNull(e.Before), After: objectOrNull(e.After)}
}

func objectOrNull(b json.RawMessage) *object {
	if b == nil {
		return nil
	}
	return &object{b}
}

func (a *api) exportAudit(_ context.Context, c *caller, in *AuditFilter) (*huma.StreamResponse, error) {
	return a.csv("audit.csv", []string{"time", "actor", "address", "action", "target", "before", "after"}, func(ctx context.Context, write func(...string) error) error {
		q := in.query()
		for q.Limit = 500; ; {
			entries, next, err := a.Store.Audit(ctx, c.EID, q)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if err := write(e.Time.Format(time.RFC3339), e.Actor, e.Addr, e.Action, e.Target, string(e.Before), string(e.After)); err != nil {
					return err
				}
			}
			if next == "" {
				return nil
			}
			q.Cursor = next
		}
	}), nil
}
