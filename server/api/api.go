// Package api is the HTTP side of the server: it parses, authorises, calls, and answers. It also serves the pages.
//
// Every operation is registered with huma by route, which decides who may call it before anything of the request's body is read,
// and which alone turns errors into answers (problem.go).
package api

import (
	"context"
	"io/fs"
	"log/slog"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"magpie/server/chat"
)

// Store is what the API needs of the database, by subject.
type Store interface {
	Setup
	People
	Contacts
	Groups
	Conversations
	Administration
	Apps
	Webhooks
	Programs
	Files
	Ready(ctx context.Context) error
	// Append makes a message durable; it blocks while the queue is full.
	Append(a chat.Append)
}

// Setup makes the first administrator.
type Setup interface {
	Empty(ctx context.Context) (bool, error)
	Setting(ctx context.Context, key string) (string, error)
	CreateFirst(ctx context.Context, setupHash string, o chat.Org, u chat.User, passwordHash string) error
}

// People are an organisation's users and their signed-in devices.
type People interface {
	Org(ctx context.Context, eid string) (chat.Org, error)
	User(ctx context.Context, eid, uid string) (chat.User, error)
	Users(ctx context.Context, eid string, q chat.UserQuery) ([]chat.User, string, error)
	UsersByID(ctx context.Context, eid string, uids []string) ([]chat.User, error)
	UpdateUser(ctx context.Context, eid, uid string, c chat.UserChange) (chat.User, error)
	SetPassword(ctx context.Context, eid, uid, hash, keepLogin string) error
	Logins(ctx context.Context, eid, uid string) ([]chat.Login, error)
	EndLogin(ctx context.Context, eid, uid, id, why string) error
}

// Contacts are a user's contacts.
type Contacts interface {
	Contacts(ctx context.Context, eid, uid string) ([]chat.User, error)
	// ContactsAmong returns those of others whom a user has in its contacts.
	ContactsAmong(ctx context.Context, eid, uid string, others []string) ([]string, error)
	PutContact(ctx context.Context, eid, uid string, as chat.Role, other, message string) (pending bool, err error)
	DeleteContact(ctx context.Context, eid, uid, other string) error
	ContactRequests(ctx context.Context, eid, uid string) ([]chat.ContactRequest, error)
}

// Groups are groups and their members. Who acts does so by a login of a role (as). The store checks who may do what, in the transaction that does it.
type Groups interface {
	Groups(ctx context.Context, eid, uid string) ([]chat.Group, error)
	DissolvedGroups(ctx context.Context, eid, owner string) ([]chat.Group, error)
	RestoreOwnGroup(ctx context.Context, eid, gid, by string) (chat.Group, error)
	CreateGroup(ctx context.Context, eid, owner string, as chat.Role, g chat.Group, members []string, key string) (chat.Group, error)
	Group(ctx context.Context, eid, gid, viewer string) (chat.Group, chat.GroupMembership, error)
	UpdateGroup(ctx context.Context, eid, gid, by string, c chat.GroupChange) (chat.Group, error)
	DissolveGroup(ctx context.Context, eid, gid, by string) error
	Members(ctx context.Context, eid, gid, viewer, cursor string, limit int) ([]chat.MemberProfile, string, error)
	AddMembers(ctx context.Context, eid, gid, by string, as chat.Role, uids []string) ([]string, error)
	Join(ctx context.Context, eid, gid, uid, message string) (pending bool, err error)
	SetMember(ctx context.Context, eid, gid, uid, by string, role *chat.GroupRole, mutedUntil *time.Time) error
	RemoveMember(ctx context.Context, eid, gid, uid, by string) error
}

// Conversations are a user's conversations and their messages.
type Conversations interface {
	Conversations(ctx context.Context, eid, uid, cursor string, limit int) ([]chat.Conversation, string, error)
	Conversation(ctx context.Context, eid, uid, conv string) (chat.Conversation, error)
	Messages(ctx context.Context, eid, uid, conv string, before, after uint64, limit int) (chat.History, error)
	MarkRead(ctx context.Context, eid, uid, conv string, seq uint64) error
	SetConversation(ctx context.Context, eid, uid, conv string, muted, pinned *bool) error
	ClearConversation(ctx context.Context, eid, uid, conv string, seq uint64) error
	Stream(ctx context.Context, ref chat.StreamRef) (chat.Stream, error)
}

// Auth signs people in.
type Auth interface {
	Login(ctx context.Context, eid, username, password string, t chat.Terminal, agent, addr string) (chat.SignIn, error)
	Refresh(ctx context.Context, refresh string) (chat.SignIn, error)
	// LoginOf returns the login that a refresh token belongs to, or chat.NotFound.
	LoginOf(ctx context.Context, refresh string) (chat.Login, error)
	End(ctx context.Context, eid, uid, id, why string) error
	Verify(ctx context.Context, access string) (chat.Identity, error)
	VerifyMedia(ctx context.Context, token string) (chat.Identity, error)
	CheckPassword(ctx context.Context, eid, uid, password, addr string) error
	NewPassword(password string, rules chat.PasswordRules) (hash string, err error)
	HostSignIn
}

// Presence knows who is online.
type Presence interface {
	// Presence returns the presence payload that others see, and the kinds of terminals that are connected.
	Presence(eid, uid string) (payload []byte, terminals []chat.Terminal)
	// SetPresence stores the presence that a user chose, and publishes it.
	SetPresence(ctx context.Context, eid, uid string, payload []byte) error
}

// Topic is one subscription that the broker makes for a session (docs/protocol.md §3).
type Topic struct {
	Topic string `json:"topic"`
	QoS   byte   `json:"qos"`
}

// Limits bound what callers may take.
type Limits struct {
	Body         int64         // bytes of a request's body, default 1 MiB
	Message      int           // bytes of an encoded message, default 127 KiB: an MQTT packet with room for its header
	File         int64         // bytes of one uploaded file, default 100 MiB
	Text         int           // characters of one message's text, default chat.MaxText
	Timeout      time.Duration // of a request, default 30 s
	SendWait     time.Duration // for a message to become durable, default 10 s
	Patience     time.Duration // how long who reads a stream of tables or events may take nothing, default 1 min
	PublishRate  int           // messages a second of one user; 0 for no limit
	PublishBurst int
	WriteRate    int // changes a second of one login, ten times as many at once; 0 for no limit
	// ExchangeRate is how many tokens of hosts are looked at a second from one network, default 50, forty times as many at once.
	ExchangeRate int
}

// Options configure the API.
type Options struct {
	Store      Store
	Auth       Auth
	Presence   Presence
	Media      Media
	Roster     Roster
	Live       Live
	Backups    Backups
	Dispatcher Dispatcher
	// PlainWebhooks: receivers of webhooks may have http addresses, as there are networks that the operator has allowed.
	PlainWebhooks bool
	// Presubscriptions returns the subscriptions that the broker makes for a session of a user.
	Presubscriptions func(ctx context.Context, eid, uid string) ([]Topic, error)
	// SessionUsers returns whose connected MQTT sessions have a client id.
	SessionUsers func(eid, clientID string) []string
	Pages        fs.FS
	Demo         bool
	Version      string
	Name         string // of this server, shown at sign-in; default "Magpie"
	MQTTPort     int    // plain TCP, 0 for none
	MQTTSPort    int    // TLS, 0 for none
	// TrustedProxies may say by X-Forwarded-For and X-Forwarded-Proto whom a request comes from. Nobody else is believed.
	TrustedProxies []netip.Prefix
	Limits         Limits
	Metrics        *prometheus.Registry // takes the figures of the requests
	Log            *slog.Logger
}

type api struct {
	Options
	huma      huma.API
	sends     chan struct{} // bounds the messages that wait for room in the store's queue
	throttle  *throttle     // of messages, by user
	writes    *throttle     // of changes, by login
	tickets   tickets
	hooks     *throttle // of incoming webhooks, by id
	exchanges *throttle // of hosts' tokens, by network
	ready     readiness
	// mediaReady is that of the media store alone.
	mediaReady readiness
}

// New returns the handler of everything but /mqtt.
func New(o Options) *echo.Echo {
	o.defaults()
	a := &api{
		Options:   o,
		sends:     make(chan struct{}, 1024),
		throttle:  newThrottle(o.Limits.PublishRate, o.Limits.PublishBurst),
		writes:    newThrottle(o.Limits.WriteRate, 10*o.Limits.WriteRate),
		tickets:   tickets{open: map[string]ticket{}},
		hooks:     newThrottle(hookRate, hookBurst),
		exchanges: newThrottle(o.Limits.ExchangeRate, 40*o.Limits.ExchangeRate),
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = a.echoError
	e.IPExtractor = ClientAddress(o.TrustedProxies)
	a.middleware(e)

	a.huma = humaecho.New(e, humaConfig(o.Version))
	a.signInRoutes()
	a.exchangeRoutes()
	a.setupRoutes()
	a.meRoutes()
	a.peopleRoutes()
	a.contactRoutes()
	a.groupRoutes()
	a.memberRoutes()
	a.conversationRoutes()
	a.messageRoutes()
	a.editRoutes()
	a.mediaRoutes(e)
	a.presubscriptionRoutes()
	a.adminRoutes()

	a.healthRoutes(e)
	a.docRoutes(e)
	a.incomingRoutes(e)
	a.embedRoutes(e)
	a.pageRoutes(e)
	return e
}

func (o *Options) defaults() {
	if o.Limits.Body <= 0 {
		o.Limits.Body = 1 << 20
	}
	if o.Limits.Message <= 0 {
		o.Limits.Message = 127 << 10
	}
	if o.Limits.File <= 0 {
		o.Limits.File = 100 << 20
	}
	if o.Limits.Text <= 0 {
		o.Limits.Text = chat.MaxText
	}
	if o.Limits.Timeout <= 0 {
		o.Limits.Timeout = 30 * time.Second
	}
	if o.Limits.SendWait <= 0 {
		o.Limits.SendWait = 10 * time.Second
	}
	if o.Limits.ExchangeRate <= 0 {
		o.Limits.ExchangeRate = 50 // the people of a company may come from one address, all in the morning
	}
	if o.Limits.Patience <= 0 {
		o.Limits.Patience = patience
	}
	if o.Name == "" {
		o.Name = "Magpie"
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Magpie", version)
	c.Info.Description = "The HTTP API of Magpie. Errors are RFC 9457 problems. Lists page with limit and cursor: next is the cursor of the next page, null at the end."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // served by docs.go
	c.CreateHooks = nil                                   // no $schema links in the answers
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The access token of a sign-in."},
	}
	return c
}
