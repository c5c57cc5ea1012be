// Package broker speaks MQTT 3.1.1 and 5 with the clients: listeners, sign-in, rights on topics, pre-subscription, sessions
// and presence.
//
// The library mochi-mqtt is its protocol shell: it reads and decodes packets, keeps the connection alive and writes what is
// rare. Delivery is ours. A message is appended to the log of the store; when it is durable, the store tells the broker
// (Appended), which puts it into the window of its stream and wakes the sessions that follow it. Each pulls from its place as
// much as its receive maximum and its connection take. A session that has fallen behind the window, or comes back, reads the log.
//
// Locks, in their order: org.mu, stream.members, session.mu, stream.mu. Nothing that blocks is done under them, the
// connection's writes included. Appended and Changed are called by the store's writer, all else by any goroutine.
package broker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"magpie/server/chat"
)

// Store is what the broker needs of the log, for messages …
type Store interface {
	Append(chat.Append)
	Read(ctx context.Context, streamID int64, after uint64, limit int) ([]chat.Entry, error)
	Stream(ctx context.Context, ref chat.StreamRef) (chat.Stream, error)
	Retained(ctx context.Context, eid string) ([]chat.Retained, error)
	PruneApp(ctx context.Context, eid string, upTo uint64) error
	SessionStore
	PeopleStore
}

// SessionStore is … for sessions …
type SessionStore interface {
	Session(ctx context.Context, eid, uid, clientID string) (chat.Session, error)
	Sessions(ctx context.Context) ([]chat.Session, error)
	AppSessions(ctx context.Context, eid string) ([]chat.Session, error)
	SaveSession(s *chat.Session, done func(error))
	DeleteSession(id int64, done func(error))
	ExpireSessions(ctx context.Context, now time.Time) ([]chat.Session, error)
	// ReleasePacket forgets an inbound QoS 2 packet id; done is told whether it was known.
	ReleasePacket(session int64, pid uint16, done func(known bool, err error))
}

// PeopleStore is … and for people.
type PeopleStore interface {
	Org(ctx context.Context, eid string) (chat.Org, error)
	User(ctx context.Context, eid, uid string) (chat.User, error)
	// MayMessage reports why somebody, by a login of the role as, may not write to somebody else.
	MayMessage(ctx context.Context, eid, from string, as chat.Role, to string) error
	Presubscribe(ctx context.Context, eid, uid string) (chat.Presubscription, error)
	SetPresence(ctx context.Context, eid, uid string, payload []byte) error
	Login(ctx context.Context, id string) (chat.Login, error)
}

// Auth verifies the user name and password of a CONNECT. Its errors' codes become CONNACK reasons.
type Auth interface {
	Connect(ctx context.Context, eid, uid, password, addr string) (chat.Identity, error)
}

// Limits of docs/protocol.md §9; 0 means none, but where a default is given.
type Limits struct {
	PublishRate   float64       // publishes of a session, a second
	PublishBurst  int           // publishes at once
	PacketSize    int           // bytes of a packet, default 128 KiB
	Text          int           // characters of one message's text, default chat.MaxText
	SessionExpiry time.Duration // longest time a session is kept, default 30 days
	Unverified    int           // connections that have not signed in, default 1024
	StoreWait     time.Duration // how long a client waits for the store, default 10 s
}

// Options of a Broker.
type Options struct {
	Store         Store
	Auth          Auth
	Log           *slog.Logger
	Limits        Limits
	PresenceGrace time.Duration // how long a reconnect may take unseen, default 5 s
	// Origin reports whether pages of an origin other than the server's may connect for an app; for any, where app is empty. nil: none may.
	Origin  func(ctx context.Context, app, origin string) (bool, error)
	Address func(*http.Request) string // the client's IP address, where a proxy may stand before the server; nil: the connection's
	Now     func() time.Time
	Version string
	// Presence is told what others see of a user from now on; nil for nobody. It must not block, nor call the broker.
	Presence func(eid, uid string, payload []byte)
}

// Broker is the MQTT server. It implements chat.Observer.
type Broker struct {
	opt      Options
	later    later
	log      *slog.Logger
	now      func() time.Time
	srv      *mqtt.Server
	listener *listener
	tasks    *tasks
	signIns  [64]sync.Mutex // by user: connections of one user come up one after the other
	lastID   atomic.Int64   // of sessions that are not kept
	sessions atomic.Int64   // connected
	closing  atomic.Bool
	stop     context.CancelFunc
	workers  sync.WaitGroup
	replays  sync.WaitGroup
	started  time.Time

	mu      sync.Mutex // guards the maps; taken alone, or last
	orgs    map[string]*org
	saving  map[sessionKey]chan struct{} // sessions on their way to the store; closed when there
	wills   map[int64]*time.Timer        // delayed wills by session
	figures map[*session]*filter         // who follows $SYS
}

// topicAliasMaximum is how many topic aliases a client may set.
const topicAliasMaximum = 32

// New makes a broker and takes up the stored sessions. It must observe the store from before the first append.
func New(ctx context.Context, o Options) (*Broker, error) {
	if o.Limits.PacketSize == 0 {
		o.Limits.PacketSize = 128 << 10
	}
	if o.Limits.Text == 0 {
		o.Limits.Text = chat.MaxText
	}
	if o.Limits.SessionExpiry == 0 {
		o.Limits.SessionExpiry = 30 * 24 * time.Hour
	}
	if o.Limits.Unverified == 0 {
		o.Limits.Unverified = 1024
	}
	if o.Limits.StoreWait == 0 {
		o.Limits.StoreWait = 10 * time.Second
	}
	if o.PresenceGrace == 0 {
		o.PresenceGrace = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Broker{opt: o, later: later{to: o.Store.Append}, log: o.Log, now: o.Now, tasks: newTasks(), started: o.Now(), orgs: map[string]*org{},
		saving: map[sessionKey]chan struct{}{}, wills: map[int64]*time.Timer{}, figures: map[*session]*filter{}}
	// Never the id of a stored session, nor of an earlier run: the log names a message's origin by it.
	b.lastID.Store(-o.Now().UnixNano())

	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumPacketSize = uint32(o.Limits.PacketSize)
	caps.MaximumMessageExpiryInterval = 0
	caps.MaximumClientWritesPending = 1
	caps.ReceiveMaximum = maxPending
	caps.TopicAliasMaximum = topicAliasMaximum
	caps.MinimumProtocolVersion = 4
	caps.Compatibilities.NoInheritedPropertiesOnAck = true
	b.srv = mqtt.New(&mqtt.Options{
		Capabilities:            caps,
		ClientNetReadBufferSize: 512,
		Logger:                  slog.New(slog.NewTextHandler(io.Discard, nil)), // it logs whole packets
		SysTopicResendInterval:  1 << 20,                                        // its event loop is not run
	})
	if err := b.srv.AddHook(&hook{b: b}, nil); err != nil {
		return nil, fmt.Errorf("set the broker library up: %w", err)
	}
	b.listener = newListener(listenerOptions{
		log: o.Log, origin: o.Origin, address: o.Address, unverified: o.Limits.Unverified, packetSize: o.Limits.PacketSize,
		serve: b.serveConn, ended: b.ended,
	})
	if err := b.recoverSessions(ctx); err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.Background())
	b.stop = stop
	for range max(2, runtime.GOMAXPROCS(0)) {
		b.workers.Add(1)
		go func() {
			defer b.workers.Done()
			b.tasks.run()
		}()
	}
	b.workers.Add(1)
	go func() {
		defer b.workers.Done()
		b.keepHouse(run)
	}()
	return b, nil
}

// Serve accepts MQTT connections, over TCP or TLS, until the listener is closed.
func (b *Broker) Serve(ln net.Listener) { b.listener.serve(ln) }

// WebSocket is the handler of GET /mqtt.
func (b *Broker) WebSocket() http.Handler { return b.listener }

// Close ends all connections and stores where the sessions are. It returns when that is durable, or ctx is done.
func (b *Broker) Close(ctx context.Context) error {
	b.closing.Store(true)
	b.listener.stop()
	b.mu.Lock()
	orgs := make([]*org, 0, len(b.orgs))
	for _, o := range b.orgs {
		orgs = append(orgs, o)
	}
	for _, t := range b.wills {
		t.Stop()
	}
	b.mu.Unlock()
	for _, o := range orgs {
		o.mu.RLock()
		var list []*session
		for _, u := range o.users {
			list = append(list, u.sessions...)
		}
		o.mu.RUnlock()
		for _, s := range list {
			s.disconnect(codeShuttingDown)
			b.detach(s)
		}
	}
	b.stop()
	b.tasks.close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.mu.Lock()
		waits := make([]chan struct{}, 0, len(b.saving))
		for _, ch := range b.saving {
			waits = append(waits, ch)
		}
		b.mu.Unlock()
		for _, ch := range waits {
			<-ch
		}
		b.replays.Wait()
		b.workers.Wait()
		_ = b.listener.wait(ctx) // the last words to the clients leave
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the broker: %w", ctx.Err())
	}
}

// Connected says how many sessions are connected.
func (b *Broker) Connected() int { return int(b.sessions.Load()) }
