package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"magpie/media"
	"magpie/server/agent"
	"magpie/server/api"
	"magpie/server/auth"
	"magpie/server/broker"
	"magpie/server/chat"
	"magpie/server/outbound"
	"magpie/server/roster"
	"magpie/server/store"
	"magpie/server/webhook"
	"magpie/static"
)

// How long each part may take to stop.
const stopWait = 10 * time.Second

// How long the key set of an app may take to come, and a webhook's receiver to answer.
const (
	keySetWait   = 5 * time.Second
	deliveryWait = 10 * time.Second
)

// program is a running server.
type program struct {
	log    *slog.Logger
	failed chan error // the first error that the server can't go on after
	lines  [][2]string

	pages     net.Listener
	metrics   net.Listener   // nil for none
	listeners []net.Listener // of MQTT
	http      *http.Server
	figures   *http.Server
	control   *http.Server // for the shell; nil for none
	stopAgent func()
	broker    *broker.Broker
	hooks     *webhook.Dispatcher
	media     *media.Library
	roster    *roster.Roster
	keeper    *keeper
	feed      *feed
	backups   *backups
	store     *store.Store
}

// start brings a server up: when it returns, its addresses answer. ctx ends the start, not the server.
func start(ctx context.Context, c Config, log *slog.Logger) (*program, error) {
	p, notices, err := prepare(ctx, c, log)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.store.Resume(ctx), p.roster.Resume(ctx)); err != nil {
		p.stop()
		return nil, err
	}
	p.run(notices, c.TLSCert != "")
	return p, nil
}

// prepare builds the parts of a server, which only the shell reaches so far.
func prepare(ctx context.Context, c Config, log *slog.Logger) (p *program, notices *agent.Agent, err error) {
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	p = &program{log: log, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			p.stop()
			p = nil
		}
	}()
	certificate, err := loadCertificate(c)
	if err != nil {
		return p, nil, err
	}
	proxies, err := parseNetworks("trusted-proxies", c.TrustedProxies)
	if err != nil {
		return p, nil, err
	}
	networks, err := parseNetworks("webhook-allow", c.WebhookAllow)
	if err != nil {
		return p, nil, err
	}
	if c.Demo {
		if err := checkDemoFolder(c.Data); err != nil {
			return p, nil, err
		}
	}
	if p.store, err = store.Open(ctx, store.Options{Dir: c.Data, Log: log}); err != nil {
		return p, nil, err
	}
	if c.Demo {
		if err := fillDemo(ctx, p.store, c.Data, time.Now()); err != nil {
			return p, nil, err
		}
	}
	secret, err := loadSecret(c.Data)
	if err != nil {
		return p, nil, err
	}

	signIn, err := auth.New(auth.Options{Store: p.store, Secret: secret, AccessTTL: c.AccessTTL, LoginRate: c.LimitLoginRate,
		Outbound: outbound.Client(networks, keySetWait), Log: log})
	if err != nil {
		return p, nil, err
	}
	p.hooks = webhook.New(webhook.Options{Store: p.store, Client: outbound.Client(networks, deliveryWait), Secret: signIn.WebhookSecret, Log: log})
	p.broker, err = broker.New(ctx, broker.Options{Store: p.store, Auth: signIn, Log: log, PresenceGrace: c.PresenceGrace, Version: version,
		Address: api.ClientAddress(proxies), Origin: p.store.AllowsOrigin, Presence: p.hooks.Presence,
		Limits: broker.Limits{PublishRate: float64(c.LimitPublishRate), PublishBurst: c.LimitPublishBurst, PacketSize: c.LimitPacket,
			Text: c.LimitText, SessionExpiry: c.SessionExpiry, Unverified: c.LimitUnauthenticated}})
	if err != nil {
		return p, nil, err
	}
	notices = agent.New(agent.Options{Store: p.store, Log: log})
	p.store.Observe(p.broker)
	p.store.Observe(notices)
	p.store.Observe(p.hooks)
	files, err := media.Open(ctx, c.Media)
	if err != nil {
		return p, nil, fmt.Errorf("--media: %w", err)
	}
	p.media = media.New(media.Options{Store: files, Rows: p.store, FileLimit: c.LimitFile, Quota: chat.Quota{User: c.QuotaUser, Org: c.QuotaOrg}, Log: log})
	p.roster = roster.New(roster.Options{Store: p.store, Dir: filepath.Join(c.Data, "imports"), Log: log})
	p.backups = newBackups(p.store, c, log)
	if err := p.backups.tidy(ctx); err != nil {
		return p, nil, err
	}
	passing := newTraffic(p.store, log)
	p.feed = newFeed()
	p.store.Observe(passing)
	p.store.Observe(p.feed)
	p.keeper = &keeper{store: p.store, traffic: passing, log: log}
	figures := newFigures(p.broker, p.store, p.hooks)
	if c.Metrics != none {
		if p.metrics, err = listen("metrics", c.Metrics); err != nil {
			return p, nil, err
		}
		p.figures = metricsServer(figures)
	}

	if p.pages, err = listen("http", c.HTTP); err != nil {
		return p, nil, err
	}
	p.http = &http.Server{ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), TLSConfig: certificate}
	plain, err := p.listenMQTT("mqtt", c.MQTT, nil)
	if err != nil {
		return p, nil, err
	}
	secure, err := p.listenMQTT("mqtts", c.MQTTS, certificate)
	if err != nil {
		return p, nil, err
	}
	demo, err := p.store.Setting(ctx, demoSetting)
	if err != nil {
		return p, nil, err
	}
	p.http.Handler = routes(p.broker, api.New(api.Options{Store: p.store, Auth: signIn, Presence: p.broker, Media: p.media, Roster: p.roster, Live: live{p.broker, passing, p.feed}, Backups: p.backups,
		Dispatcher: p.hooks, PlainWebhooks: len(networks) > 0,
		Presubscriptions: presubscriptions(p.broker), SessionUsers: p.broker.SessionUser, Metrics: figures, Pages: static.Pages(), Demo: demo != "", Version: version,
		MQTTPort: port(plain), MQTTSPort: port(secure), TrustedProxies: proxies, Log: log,
		Limits: api.Limits{Message: c.LimitPacket - 1024, File: c.LimitFile, Text: c.LimitText, PublishRate: c.LimitPublishRate, PublishBurst: c.LimitPublishBurst, WriteRate: c.LimitWriteRate}}))

	url := p.line("http", p.pages.Addr(), certificate != nil)
	if plain != nil {
		p.line("mqtt", plain.Addr(), false)
	}
	if secure != nil {
		p.line("mqtts", secure.Addr(), true)
	}
	if p.metrics != nil {
		p.line("metrics", p.metrics.Addr(), false)
	}
	if err := p.addHint(ctx, demo != "", url); err != nil {
		return p, nil, err
	}
	p.listenControl(c.Data, p.http.Handler)
	return p, notices, nil
}

// run starts what works in the background.
func (p *program) run(notices *agent.Agent, secure bool) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		var housekeeping sync.WaitGroup
		housekeeping.Go(func() { p.media.Run(ctx) })
		housekeeping.Go(func() { p.keeper.run(ctx) })
		housekeeping.Go(func() { p.hooks.Run(ctx) })
		notices.Run(ctx)
		housekeeping.Wait()
	}()
	p.stopAgent = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(stopWait):
			p.log.Warn("the work in the background does not stop")
		}
	}
	for _, l := range p.listeners {
		go p.broker.Serve(l)
	}
	if p.figures != nil {
		go func() {
			if err := p.figures.Serve(p.metrics); !errors.Is(err, http.ErrServerClosed) {
				p.fail(fmt.Errorf("serve metrics: %w", err))
			}
		}()
	}
	go func() {
		serve := p.http.Serve
		if secure {
			serve = func(l net.Listener) error { return p.http.ServeTLS(l, "", "") }
		}
		if err := serve(p.pages); !errors.Is(err, http.ErrServerClosed) {
			p.fail(fmt.Errorf("serve HTTP: %w", err))
		}
	}()
}

// fail reports what the server can't go on after; the first counts.
func (p *program) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// stop ends the parts in order: no new connections, the agent, the broker, the store.
func (p *program) stop() {
	ended := func(part string, err error) {
		if err != nil {
			p.log.Error("stop", "part", part, "err", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	for _, l := range p.listeners {
		ended("listener", l.Close())
	}
	if p.pages != nil {
		p.pages.Close() // again by the HTTP server, if it has come to serve it
	}
	if p.feed != nil {
		p.feed.close()
	}
	if p.control != nil {
		ended("control", p.control.Shutdown(ctx))
	}
	if p.http != nil {
		ended("http", p.http.Shutdown(ctx))
	}
	if p.metrics != nil {
		ended("metrics", p.figures.Close())
		p.metrics.Close() // again, if its server has come to serve it
	}
	if p.stopAgent != nil {
		p.stopAgent()
	}
	if p.backups != nil {
		p.backups.close()
	}
	if p.roster != nil {
		p.roster.Close()
	}
	if p.broker != nil {
		// Not what is left of the time above: each part has its own.
		ctx, cancel := context.WithTimeout(context.Background(), stopWait)
		defer cancel()
		ended("broker", p.broker.Close(ctx))
	}
	if p.store != nil {
		ended("store", p.store.Close())
	}
}

// routes serves MQTT over WebSocket at /mqtt, and all else by the API's handler.
func routes(b *broker.Broker, rest http.Handler) http.Handler {
	mqtt := b.WebSocket()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/mqtt" {
			mqtt.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

func presubscriptions(b *broker.Broker) func(ctx context.Context, eid, uid string) ([]api.Topic, error) {
	return func(ctx context.Context, eid, uid string) ([]api.Topic, error) {
		topics, err := b.Presubscriptions(ctx, eid, uid)
		out := make([]api.Topic, len(topics))
		for i, t := range topics {
			out[i] = api.Topic(t)
		}
		return out, err
	}
}

func loadCertificate(c Config) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("load the certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// parseNetworks reads the addresses and networks of the setting name.
func parseNetworks(name string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if addr, addrErr := netip.ParseAddr(s); addrErr == nil {
			prefix, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("--%s: %q is neither an address nor a network such as 10.0.0.0/8", name, s)
		}
		out = append(out, prefix)
	}
	return out, nil
}

// listen opens the address of the setting name.
func listen(name, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--%s can't listen: %w", name, err)
	}
	return l, nil
}

// listenMQTT is listen for MQTT, which may be switched off: then it returns nil.
func (p *program) listenMQTT(name, addr string, secure *tls.Config) (net.Listener, error) {
	if addr == none {
		return nil, nil
	}
	l, err := listen(name, addr)
	if err != nil {
		return nil, err
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	p.listeners = append(p.listeners, l)
	return l, nil
}

func port(l net.Listener) int {
	if l == nil {
		return 0
	}
	return l.Addr().(*net.TCPAddr).Port
}

// reachable writes an address as this machine can call it.
func reachable(addr net.Addr) string {
	a := addr.(*net.TCPAddr)
	host := a.IP.String()
	if a.IP == nil || a.IP.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(a.Port))
}

// line notes an address to be announced, and returns its URL.
func (p *program) line(name string, addr net.Addr, secure bool) string {
	scheme := map[string]string{"http": "http", "metrics": "http", "mqtt": "tcp", "mqtts": "ssl"}[name]
	if name == "http" && secure {
		scheme = "https"
	}
	url := scheme + "://" + reachable(addr)
	p.lines = append(p.lines, [2]string{name, url})
	return url
}

// addHint notes how to sign in to a demo, or where to make the first administrator.
func (p *program) addHint(ctx context.Context, demo bool, url string) error {
	if demo {
		p.lines = append(p.lines, [2]string{"demo", "sign in as alice, bob, carol or dave of the organisation " + demoEID + ", password " + demoPassword})
		return nil
	}
	empty, err := p.store.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	// The link of an earlier start that nobody used is no longer known: only its hash is stored.
	token := newSetupToken()
	p.lines = append(p.lines, [2]string{"setup", url + "/setup#" + token})
	return p.store.SetSetting(ctx, api.SetupSetting, api.SetupHash(token))
}

// announce writes a line for each address, its name first.
func (p *program) announce(w io.Writer) {
	for _, l := range p.lines {
		fmt.Fprintf(w, "%-5s %s\n", l[0], l[1])
	}
}
