package api

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"magpie/server/chat"
	"magpie/server/payload"
)

// MessagePath names a message of one of the caller's conversations.
type MessagePath struct {
	ConvPath
	Seq uint64 `path:"seq" minimum:"1" maximum:"9007199254740991"`
}

// Report is somebody's word about a message.
type Report struct {
	ID       string           `json:"id"`
	State    chat.ReportState `json:"state" enum:"open,closed"`
	Reporter string           `json:"reporter"`
	Reason   string           `json:"reason"`
	Stream   string           `json:"stream" doc:"The id of the conversation's log, for DELETE /admin/messages."`
	Kind     string           `json:"kind" enum:"pair,group"`
	People   []string         `json:"people" doc:"The two of a pair."`
	GID      string           `json:"gid" doc:"Of a group."`
	Group    string           `json:"group" doc:"The group's name."`
	Message  message          `json:"message" doc:"As it was when it was reported."`
	Note     string           `json:"note"`
	Closer   string           `json:"closer"`
	Created  time.Time        `json:"created"`
	Closed   *time.Time       `json:"closed"`
	Version  int64            `json:"version"`
}

// ReportView is a report with the messages around.
type ReportView struct {
	Report
	Context []message `json:"context" doc:"The messages around, as they are now."`
}

type reportsInput struct {
	Paging
	State chat.ReportState `query:"state" enum:"open,closed"`
}

// ReportPath names a report.
type ReportPath struct {
	ID string `path:"id" maxLength:"20"`
}

func (a *api) moderationRoutes() {
	const tag = "Administration"
	route(a, op{method: "DELETE", path: "/conversations/{conv}/messages/{seq}", id: "recall-message", tag: "Conversations", summary: "Recall a message",
		about: "One's own within the time that the organisation allows; the owner and the administrators of a group anybody's. Its place and seq stay."}, a.recall)
	route(a, op{method: "POST", path: "/conversations/{conv}/messages/{seq}/report", id: "report-message", tag: "Conversations", summary: "Report a message to the administrators",
		about: "A second report of the same message by the same user changes nothing."}, a.reportMessage)
	route(a, op{method: "GET", path: "/admin/reports", id: "admin-list-reports", tag: tag, right: chat.ReadReports, summary: "Reported messages, the newest first"}, a.reports)
	route(a, op{method: "GET", path: "/admin/reports/{id}", id: "admin-get-report", tag: tag, right: chat.ReadReports, summary: "A report, with the messages around"}, a.report)
	route(a, op{method: "GET", path: "/admin/reports/{id}/files/{file}", id: "admin-get-reported-file", tag: tag, right: chat.ReadReports, summary: "A file of a reported message",
		about: "As long as the report is open, also where the message was recalled. The audit log notes it."}, a.reportFile)
	route(a, op{method: "PATCH", path: "/admin/reports/{id}", id: "admin-update-report", tag: tag, right: chat.Moderate, summary: "Close a report, or open it again"}, a.updateReport)
	route(a, op{method: "DELETE", path: "/admin/messages/{stream}/{seq}", id: "admin-recall-message", tag: tag, right: chat.Moderate, summary: "Recall anybody's message"}, a.moderate)
}

func (a *api) recall(ctx context.Context, c *caller, in *MessagePath) (*none, error) {
	if err := a.Store.Recall(ctx, c.EID, c.UID, in.Conv, in.Seq, payload.Recall); err != nil {
		return nil, fmt.Errorf("recall a message: %w", err)
	}
	return nil, nil
}

func (a *api) reportMessage(ctx context.Context, c *caller, in *struct {
	MessagePath
	Body struct {
		Reason string `json:"reason" maxLength:"500"`
	}
}) (*none, error) {
	reason, err := chat.CleanText("reason", in.Body.Reason, 500)
	if err != nil {
		return nil, err
	}
	if err := a.Store.ReportMessage(ctx, c.EID, c.UID, in.Conv, in.Seq, reason); err != nil {
		return nil, fmt.Errorf("report a message: %w", err)
	}
	return nil, nil
}

func reportOf(r chat.Report) (Report, error) {
	m, err := messageOf(r.Message)
	out := Report{ID: idText(r.ID), State: r.State, Reporter: r.Reporter, Reason: r.Reason, Stream: idText(r.Stream.ID), Kind: "group", People: []string{},
		GID: r.Stream.Key, Group: r.Group, Message: m, Note: r.Note, Closer: r.Closer, Created: r.Created, Closed: timeOrNull(r.Closed), Version: r.Version}
	if r.Stream.Kind == chat.StreamPair {
		out.Kind, out.People, out.GID = "pair", strings.Split(r.Stream.Key, ":"), ""
	}
	return out, err
}

func (a *api) reports(ctx context.Context, c *caller, in *reportsInput) (*answer[list[Report]], error) {
	found, next, err := a.Store.Reports(ctx, c.EID, in.State, in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	items := make([]Report, len(found))
	for i, r := range found {
		if items[i], err = reportOf(r); err != nil {
			return nil, err
		}
	}
	return page(items, next), nil
}

func (a *api) report(ctx context.Context, c *caller, in *ReportPath) (*answer[ReportView], error) {
	id, err := in.number()
	if err != nil {
		return nil, err
	}
	r, around, err := a.Store.Report(ctx, c.EID, id)
	if err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	out := ReportView{Context: make([]message, len(around))}
	if out.Report, err = reportOf(r); err != nil {
		return nil, err
	}
	for i, e := range around {
		if out.Context[i], err = messageOf(e); err != nil {
			return nil, err
		}
	}
	return &answer[ReportView]{out}, nil
}

func (a *api) reportFile(ctx context.Context, c *caller, in *struct {
	ReportPath
	File string `path:"file" maxLength:"64" doc:"The id in the message's link."`
}) (*huma.StreamResponse, error) {
	id, err := in.number()
	if err != nil {
		return nil, err
	}
	uploader, err := a.Store.ReportFile(ctx, c.actor(), id, in.File)
	if err != nil {
		return nil, err
	}
	f, b, err := a.Media.Open(ctx, c.EID, uploader, in.File, "")
	if err != nil {
		return nil, fmt.Errorf("find a reported file: %w", err)
	}
	body, err := a.Media.Read(ctx, b, 0)
	if err != nil {
		return nil, fmt.Errorf("read a reported file: %w", err)
	}
	return &huma.StreamResponse{Body: func(out huma.Context) {
		defer func() { _ = body.Close() }() // only read
		out.SetHeader("Content-Type", b.Type)
		out.SetHeader("Content-Security-Policy", filePolicy)
		out.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(f.Name, b)}))
		if _, err := io.Copy(a.flow(out), body); err != nil {
			a.Log.Warn("a reported file was cut off", "err", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// number returns the report's id. What can't be one is of no report.
func (p ReportPath) number() (int64, error) {
	id, err := parseID("id", p.ID)
	if err != nil {
		return 0, chat.Errorf(chat.NotFound, "There is no such report.")
	}
	return id, nil
}

func (a *api) updateReport(ctx context.Context, c *caller, in *struct {
	ReportPath
	Version
	Body struct {
		State chat.ReportState `json:"state" enum:"open,closed"`
		Note  string           `json:"note,omitempty" maxLength:"500" doc:"What was done about it."`
	}
}) (*answer[Report], error) {
	version, err := in.Version.number()
	if err != nil {
		return nil, err
	}
	id, err := in.ReportPath.number()
	if err != nil {
		return nil, err
	}
	note, err := chat.CleanText("note", in.Body.Note, 500)
	if err != nil {
		return nil, err
	}
	r, err := a.Store.UpdateReport(ctx, c.actor(), id, version, in.Body.State, note)
	if err != nil {
		return nil, fmt.Errorf("change a report: %w", current(err, func(r chat.Report) any {
			shown, _ := reportOf(r) // it was read by the same decoder when it was reported
			return shown
		}))
	}
	out, err := reportOf(r)
	return &answer[Report]{out}, err
}

func (a *api) moderate(ctx context.Context, c *caller, in *struct {
	Stream string `path:"stream" maxLength:"20"`
	Seq    uint64 `path:"seq" minimum:"1" maximum:"9007199254740991"`
}) (*none, error) {
	stream, err := parseID("stream", in.Stream)
	if err != nil {
		return nil, chat.Errorf(chat.NotFound, "There is no such message.")
	}
	if err := a.Store.RecallAsModerator(ctx, c.actor(), stream, in.Seq, payload.Recall); err != nil {
		return nil, fmt.Errorf("recall a message: %w", err)
	}
	return nil, nil
}
