package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

// Config are the settings of the server. A flag goes before the environment (MAGPIE_…), that before the file, and that before
// the default. The limits are those of docs/protocol.md §9.
type Config struct {
	Data string `placeholder:"DIR" help:"Folder that holds everything. Default: magpie-data, with --demo magpie-demo."`
	Demo bool   `help:"Fill an empty data folder with a demo organisation. Without --http, listens on this machine alone."`

	HTTP    string `name:"http" placeholder:"ADDRESS" help:"Address for the pages, the API and MQTT over WebSocket. Default: :8080."`
	MQTT    string `name:"mqtt" placeholder:"ADDRESS" help:"Address for plain MQTT, or none. Default: :1883."`
	MQTTS   string `name:"mqtts" placeholder:"ADDRESS" help:"Address for MQTT over TLS, or none. Default: :8883 where there is a certificate."`
	Metrics string `default:"none" placeholder:"ADDRESS" help:"Address for /metrics (Prometheus), by itself and without TLS; none: not served."`
	TLSCert string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain, PEM. With it, --http speaks HTTPS."`
	TLSKey  string `name:"tls-key" placeholder:"FILE" help:"Key of the certificate, PEM."`

	TrustedProxies []string      `placeholder:"CIDR" help:"Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."`
	WebhookAllow   []string      `placeholder:"CIDR" help:"Private networks that the server may call although users name the addresses: receivers of webhooks, key sets of apps."`
	AccessTTL      time.Duration `name:"access-ttl" default:"15m" help:"Life of an access token."`
	PresenceGrace  time.Duration `default:"5s" help:"How long someone may be gone before others see it."`
	SessionExpiry  time.Duration `default:"720h" help:"Longest time that an MQTT session is kept for a client that is away."`

	Media     string `placeholder:"PLACE" help:"Where files are kept: a folder, or s3://BUCKET?endpoint=… (docs/media.md). Default: the folder media in the data folder."`
	QuotaUser int64  `default:"0" help:"Bytes of files of one user, in organisations without a bound of their own; 0 for no limit."`
	QuotaOrg  int64  `default:"0" help:"Bytes of files of an organisation that has no bound of its own; 0 for no limit."`

	LimitFile            int64 `default:"104857600" help:"Bytes of one file."`
	LimitPacket          int   `default:"131072" help:"Bytes of an MQTT packet."`
	LimitText            int   `default:"16384" help:"Characters of one message's text."`
	LimitPublishRate     int   `default:"20" help:"Publishes a second of one session; 0 for no limit."`
	LimitPublishBurst    int   `default:"100" help:"Publishes at once of one session."`
	LimitWriteRate       int   `default:"20" help:"Changes a second over HTTP of one login, ten times as many at once; 0 for no limit."`
	LimitLoginRate       int   `default:"10" help:"Failed sign-ins in 5 minutes of one account and address; 0 for no limit."`
	LimitUnauthenticated int   `default:"1000" help:"MQTT connections that have not signed in yet."`

	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"What is logged: debug, info, warn or error."`
	LogFormat string `default:"text" enum:"text,json" help:"How it is logged: text or json."`
}

const none = "none"

// fill sets those defaults that depend on other settings.
func (c *Config) fill() {
	host := ""
	if c.Demo && c.HTTP == "" {
		host = "127.0.0.1"
	}
	folder := "magpie-data"
	if c.Demo {
		folder = "magpie-demo"
	}
	c.Data = cmp.Or(c.Data, folder)
	c.Media = cmp.Or(c.Media, filepath.Join(c.Data, "media"))
	c.HTTP = cmp.Or(c.HTTP, host+":8080")
	c.MQTT = cmp.Or(c.MQTT, host+":1883")
	if c.TLSCert == "" {
		c.MQTTS = cmp.Or(c.MQTTS, none)
	}
	c.MQTTS = cmp.Or(c.MQTTS, host+":8883")
}

func (c *Config) check() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together: give both or neither")
	}
	if c.TLSCert == "" && c.MQTTS != none {
		return errors.New("--mqtts needs a certificate: give --tls-cert and --tls-key")
	}
	for _, limit := range []struct {
		name         string
		value, least int
	}{
		{"limit-file", int(c.LimitFile), 1},
		{"quota-user", int(c.QuotaUser), 0},
		{"quota-org", int(c.QuotaOrg), 0},
		{"limit-packet", c.LimitPacket, 4096},
		{"limit-text", c.LimitText, 1},
		{"limit-publish-rate", c.LimitPublishRate, 0},
		{"limit-publish-burst", c.LimitPublishBurst, 1},
		{"limit-write-rate", c.LimitWriteRate, 0},
		{"limit-login-rate", c.LimitLoginRate, 0},
		{"limit-unauthenticated", c.LimitUnauthenticated, 1},
	} {
		if limit.value < limit.least {
			return fmt.Errorf("--%s must be at least %d", limit.name, limit.least)
		}
	}
	return nil
}

// addFile lets the file that --config names settle the flags that neither the command line nor the environment has.
func addFile(call *kong.Context) error {
	flags := call.Flags()
	at := slices.IndexFunc(flags, func(f *kong.Flag) bool { return f.Name == "config" })
	path, _ := call.FlagValue(flags[at]).(string)
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var values map[string]any
	if err := toml.Unmarshal(b, &values); err != nil {
		return fmt.Errorf("the configuration file %s: %w", path, err)
	}
	for key := range values {
		if key == "config" || !slices.ContainsFunc(flags, func(f *kong.Flag) bool { return f.Name == key && key != "help" }) {
			return fmt.Errorf("the configuration file %s has an unknown key: %s", path, key)
		}
	}
	call.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if _, ok := os.LookupEnv(name); ok {
				return nil, nil // Kong would put the file before the environment.
			}
		}
		switch v := values[flag.Name].(type) {
		case nil:
			return nil, nil
		case map[string]any:
			return nil, fmt.Errorf("the configuration file %s: %s must be a plain value", path, flag.Name)
		case []any:
			parts := make([]string, len(v))
			for i := range v {
				parts[i] = fmt.Sprint(v[i])
			}
			return strings.Join(parts, ","), nil
		default:
			return fmt.Sprint(v), nil
		}
	}))
	return nil
}

func newLogger(level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
}
