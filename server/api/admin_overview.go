package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"magpie/server/chat"
)

// Live is what happens now.
type Live interface {
	// Sessions lists the connected sessions of a user, or of everyone for "".
	Sessions(eid, uid string) []chat.LiveSession
	LiveSession(eid, id string) (chat.LiveSession, bool)
	// Kick ends a connection. It reports whether it was there.
	Kick(eid, id string) bool
	// Connected counts the connections of the whole server.
	Connected() int
	// Rate is how many messages of an organisation are stored in a second.
	Rate(eid string) float64
	// Follow gives an organisation's notices from now on, until stop.
	Follow(eid string) (items <-chan chat.FeedItem, stop func())
}

// overview sums an organisation up.
type overview struct {
	People struct {
		Total    int `json:"total"`
		Online   int `json:"online" doc:"Without programs."`
		Disabled int `json:"disabled"`
	} `json:"people"`
	Groups   int       `json:"groups"`
	Limits   orgLimits `json:"limits" doc:"What there may be."`
	Reports  int       `json:"reports" doc:"Reports that nobody has closed."`
	Sessions struct {
		Web     int `json:"web"`
		Phone   int `json:"phone"`
		PC      int `json:"pc"`
		Widget  int `json:"widget"`
		Service int `json:"service"`
	} `json:"sessions"`
	Days    []dayFigures `json:"days" doc:"The last 30, the oldest first."`
	Storage struct {
		Messages int64 `json:"messages" doc:"How many have been sent."`
		Media    int64 `json:"media" doc:"Bytes of files."`
		Files    int64 `json:"files" doc:"How many there are."`
		Database int64 `json:"database" doc:"Bytes of the whole server's database."`
	} `json:"storage"`
	Live struct {
		Connections       int     `json:"connections" doc:"Of the organisation."`
		MessagesPerSecond float64 `json:"messages_per_second"`
	} `json:"live"`
	Health struct {
		Database string `json:"database" enum:"ok,failing"`
		Media    string `json:"media" enum:"ok,failing"`
		Queue    int64  `json:"queue" doc:"Changes that wait to be told."`
		Webhooks int64  `json:"webhooks" doc:"Deliveries of the organisation's webhooks that wait."`
	} `json:"health"`
	Backup *backupView `json:"backup" doc:"The last one, or null."`
}

type dayFigures struct {
	Date     string `json:"date" doc:"Such as 2026-01-31, UTC."`
	Messages int64  `json:"messages"`
	Media    int64  `json:"media" doc:"Files and pictures in them."`
	Bytes    int64  `json:"bytes" doc:"Of the messages themselves, without their files."`
}

type backupView struct {
	At   time.Time `json:"at"`
	Size int64     `json:"size"`
}

// liveSession is a connected MQTT session.
type liveSession struct {
	ID            string     `json:"id"`
	UID           string     `json:"uid"`
	ClientID      string     `json:"client_id"`
	Terminal      string     `json:"terminal"`
	Addr          string     `json:"addr"`
	Kept          bool       `json:"kept" doc:"It outlives its connection."`
	Subscriptions int        `json:"subscriptions" doc:"How many."`
	Lag           uint64     `json:"lag" doc:"Messages and notices that it has not been sent yet."`
	InFlight      int        `json:"in_flight" doc:"Those that its client has not acknowledged."`
	Topics        []topicLag `json:"topics,omitempty" doc:"Of one session alone."`
}

type topicLag struct {
	Topic string `json:"topic"`
	QoS   byte   `json:"qos"`
	Lag   uint64 `json:"lag"`
}

// LiveSessionPath names a connected session.
type LiveSessionPath struct {
	ID string `path:"id" maxLength:"32"`
}

func (a *api) overviewRoutes() {
	const tag = "Administration"
	route(a, op{method: "GET", path: "/admin/overview", id: "admin-overview", tag: tag, right: chat.ReadOrganisation, summary: "Figures of the organisation"}, a.overview)
	route(a, op{method: "GET", path: "/admin/sessions", id: "admin-list-sessions", tag: tag, right: chat.ReadOrganisation, summary: "Connected MQTT sessions"}, a.liveSessions)
	route(a, op{method: "GET", path: "/admin/sessions/{id}", id: "admin-get-session", tag: tag, right: chat.ReadOrganisation, summary: "What a connected session is subscribed to, and how far behind it is"}, a.liveSession)
	route(a, op{method: "DELETE", path: "/admin/sessions/{id}", id: "admin-kick-session", tag: tag, right: chat.ManageSessions, summary: "End a connection",
		about: "Its client may connect again; to sign somebody out, see /admin/users/{uid}/sessions."}, a.kick)
	route(a, op{method: "GET", path: "/admin/notices", id: "admin-follow-notices", tag: tag, right: chat.ReadOrganisation, summary: "Notices as they are published",
		about: "Server-sent events without an end: each has the topic, seq, type and data of a notice. It ends with the access token."}, a.notices)
}

func (a *api) overview(ctx context.Context, c *caller, _ *struct{}) (*answer[overview], error) {
	f, err := a.Store.Overview(ctx, c.EID, 30)
	if err != nil {
		return nil, fmt.Errorf("sum the organisation up: %w", err)
	}
	org, err := a.Store.Org(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read the organisation: %w", err)
	}
	var o overview
	o.Limits = orgLimits(org.Limits)
	o.People.Total, o.People.Disabled, o.Groups, o.Reports = f.People, f.Disabled, f.Groups, f.Reports
	online := map[string]bool{}
	sessions := a.Live.Sessions(c.EID, "")
	for _, s := range sessions {
		if s.Terminal != chat.Service {
			online[s.UID] = true
		}
		switch s.Terminal {
		case chat.Web:
			o.Sessions.Web++
		case chat.Phone:
			o.Sessions.Phone++
		case chat.PC:
			o.Sessions.PC++
		case chat.Widget:
			o.Sessions.Widget++
		case chat.Service:
			o.Sessions.Service++
		}
	}
	o.People.Online = len(online)
	for _, d := range f.Days {
		o.Days = append(o.Days, dayFigures{time.Unix(d.Day*24*60*60, 0).UTC().Format(time.DateOnly), d.Messages, d.Media, d.Bytes})
	}
	o.Storage.Messages, o.Storage.Media, o.Storage.Files, o.Storage.Database = f.Messages, f.FileBytes, f.Files, f.Database
	o.Live.Connections, o.Live.MessagesPerSecond = len(sessions), a.Live.Rate(c.EID)
	o.Health.Database, o.Health.Media, o.Health.Queue = "ok", "ok", f.Events
	o.Health.Webhooks = f.Deliveries
	if err := a.ready.check(ctx, "database", a.Store.Ready, a.Log); err != nil {
		o.Health.Database = "failing"
	}
	if err := a.mediaReady.check(ctx, "media", a.Media.Ready, a.Log); err != nil {
		o.Health.Media = "failing"
	}
	jobs, err := a.Store.Jobs(ctx, "", chat.JobBackup, 10)
	if err != nil {
		return nil, fmt.Errorf("look for backups: %w", err)
	}
	for _, j := range jobs {
		if j.State == chat.JobDone {
			o.Backup = &backupView{j.Changed, j.Result.Size}
			break
		}
	}
	return &answer[overview]{o}, nil
}

func liveSessionOf(s chat.LiveSession) liveSession {
	out := liveSession{ID: s.ID, UID: s.UID, ClientID: s.ClientID, Terminal: s.Terminal.String(), Addr: s.Addr, Kept: s.Kept,
		Subscriptions: s.Subscriptions, Lag: s.Lag, InFlight: s.InFlight}
	for _, t := range s.Topics {
		out.Topics = append(out.Topics, topicLag(t))
	}
	return out
}

func (a *api) liveSessions(_ context.Context, c *caller, in *struct {
	Paging
	UID string `query:"uid" maxLength:"64" doc:"Those of one user."`
}) (*answer[list[liveSession]], error) {
	all := a.Live.Sessions(c.EID, in.UID)
	if in.Cursor != "" {
		id, uid, _ := strings.Cut(in.Cursor, " ")
		after := slices.IndexFunc(all, func(s chat.LiveSession) bool { return cmp.Or(cmp.Compare(s.UID, uid), cmp.Compare(s.ID, id)) > 0 })
		if after < 0 {
			after = len(all)
		}
		all = all[after:]
	}
	next := ""
	if len(all) > in.Limit {
		all = all[:in.Limit]
		next = all[in.Limit-1].ID + " " + all[in.Limit-1].UID
	}
	items := make([]liveSession, len(all))
	for i, s := range all {
		items[i] = liveSessionOf(s)
	}
	return page(items, next), nil
}

func errNoSession() error {
	return chat.Errorf(chat.NotFound, "There is no such session, or it is not connected any more.")
}

func (a *api) liveSession(_ context.Context, c *caller, in *LiveSessionPath) (*answer[liveSession], error) {
	s, ok := a.Live.LiveSession(c.EID, in.ID)
	if !ok {
		return nil, errNoSession()
	}
	return &answer[liveSession]{liveSessionOf(s)}, nil
}

func (a *api) kick(ctx context.Context, c *caller, in *LiveSessionPath) (*none, error) {
	s, ok := a.Live.LiveSession(c.EID, in.ID)
	if !ok {
		return nil, errNoSession()
	}
	if err := a.Store.NoteKick(ctx, c.actor(), s); err != nil {
		return nil, fmt.Errorf("end a connection: %w", err)
	}
	if !a.Live.Kick(c.EID, in.ID) {
		return nil, errNoSession()
	}
	return nil, nil
}

// heartbeat is how often a stream of events shows that it lives, and looks whether its reader still may.
const heartbeat = 15 * time.Second

func (a *api) notices(_ context.Context, c *caller, in *struct {
	Authorization string `header:"Authorization" hidden:"true"`
}) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", "text/event-stream")
		out, ctx := a.flow(h), h.Context()
		flush := func() { _ = out.control.Flush() } // what can't be written is found by the next write
		items, stop := a.Live.Follow(c.EID)
		defer stop()
		beat := time.NewTicker(heartbeat)
		defer beat.Stop()
		_, err := fmt.Fprint(out, ": notices\n\n")
		for flush(); err == nil; flush() {
			select {
			case <-ctx.Done(): // the reader has gone
				return
			case n, more := <-items:
				if !more { // the server stops
					return
				}
				var data []byte
				if data, err = json.Marshal(struct {
					TS     time.Time       `json:"ts"`
					Topic  string          `json:"topic"`
					Seq    uint64          `json:"seq"`
					Type   byte            `json:"type"`
					Data   json.RawMessage `json:"data"`
					Missed int             `json:"missed,omitempty"`
				}{n.Time, n.Topic, n.Seq, byte(n.Type), n.Content, n.Missed}); err == nil {
					_, err = fmt.Fprintf(out, "data: %s\n\n", data)
				}
			case <-beat.C:
				if err = a.mayFollow(ctx, in.Authorization); err == nil {
					_, err = fmt.Fprint(out, ": alive\n\n")
				}
			}
		}
	}}, nil
}

// mayFollow looks whether the reader of a stream may still read it.
func (a *api) mayFollow(ctx context.Context, authorization string) error {
	id, err := a.Auth.Verify(ctx, strings.TrimSpace(authorization[min(len(authorization), len("Bearer ")):]))
	if err == nil {
		err = id.Role.May(chat.ReadOrganisation)
	}
	return err
}
