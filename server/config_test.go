package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// parse reads settings as `magpie serve args` would, with a file of the given text if there is one.
func parse(t *testing.T, file string, args ...string) (Config, error) {
	t.Helper()
	args = append([]string{"serve"}, args...)
	if file != "" {
		path := filepath.Join(t.TempDir(), "magpie.toml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	var c cli
	parser, err := newParser(&c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	c.Serve.fill()
	return c.Serve.Config, err
}

func TestPrecedence(t *testing.T) {
	for _, test := range []struct {
		name, file, env string
		args            []string
		want            int
	}{
		{name: "default", want: 10},
		{name: "file", file: "limit-login-rate = 3", want: 3},
		{name: "environment before file", file: "limit-login-rate = 3", env: "4", want: 4},
		{name: "flag before all", file: "limit-login-rate = 3", env: "4", args: []string{"--limit-login-rate", "5"}, want: 5},
		{name: "flag that is the default", file: "limit-login-rate = 3", args: []string{"--limit-login-rate=10"}, want: 10},
		{name: "none", file: "limit-login-rate = 0", want: 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.env != "" {
				t.Setenv("MAGPIE_LIMIT_LOGIN_RATE", test.env)
			}
			c, err := parse(t, test.file, test.args...)
			if err != nil || c.LimitLoginRate != test.want {
				t.Errorf("got %d, %v, want %d", c.LimitLoginRate, err, test.want)
			}
		})
	}
}

func TestFile(t *testing.T) {
	c, err := parse(t, "data = \"d\"\ndemo = true\nsession-expiry = \"2h\"\ntrusted-proxies = [\"10.0.0.0/8\", \"::1\"]\n")
	if err != nil || c.Data != "d" || !c.Demo || c.SessionExpiry != 2*time.Hour || strings.Join(c.TrustedProxies, " ") != "10.0.0.0/8 ::1" {
		t.Errorf("got %+v, %v", c, err)
	}
	for file, want := range map[string]string{
		"limit-logn-rate = 3":              "unknown key: limit-logn-rate",
		"limit_login_rate = 3":             "unknown key: limit_login_rate",
		"config = \"other.toml\"":          "unknown key: config",
		"help = true":                      "unknown key: help",
		"limit-login-rate = \"many\"":      "limit-login-rate",
		"log-level = \"loud\"":             "log-level",
		"[data]\nfolder = \"d\"":           "plain value",
		"data = \"unfinished":              "configuration file",
		"session-expiry = \"a long time\"": "session-expiry",
	} {
		if _, err := parse(t, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want it to name %q", file, err, want)
		}
	}
	t.Setenv("MAGPIE_CONFIG", filepath.Join(t.TempDir(), "gone.toml"))
	if _, err := parse(t, ""); err == nil {
		t.Error("a file that is not there is taken")
	}
	path := filepath.Join(t.TempDir(), "magpie.toml")
	if err := os.WriteFile(path, []byte("limit-login-rate = 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MAGPIE_CONFIG", path)
	if c, err := parse(t, ""); err != nil || c.LimitLoginRate != 7 {
		t.Errorf("file named by the environment: got %d, %v", c.LimitLoginRate, err)
	}
}

func TestAddresses(t *testing.T) {
	for _, test := range []struct {
		args                    []string
		data, http, mqtt, mqtts string
	}{
		{nil, "magpie-data", ":8080", ":1883", none},
		{[]string{"--demo"}, "magpie-demo", "127.0.0.1:8080", "127.0.0.1:1883", none},
		{[]string{"--demo", "--http", ":8080"}, "magpie-demo", ":8080", ":1883", none},
		{[]string{"--demo", "--mqtt", "none", "--data", "d"}, "d", "127.0.0.1:8080", none, none},
		{[]string{"--tls-cert", "c", "--tls-key", "k"}, "magpie-data", ":8080", ":1883", ":8883"},
		{[]string{"--tls-cert", "c", "--tls-key", "k", "--demo"}, "magpie-demo", "127.0.0.1:8080", "127.0.0.1:1883", "127.0.0.1:8883"},
	} {
		c, err := parse(t, "", test.args...)
		if err != nil || c.Data != test.data || c.HTTP != test.http || c.MQTT != test.mqtt || c.MQTTS != test.mqtts {
			t.Errorf("%q: got %q %q %q %q, %v", test.args, c.Data, c.HTTP, c.MQTT, c.MQTTS, err)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	for args, want := range map[string]string{
		"--tls-cert=c":              "go together",
		"--mqtts=:8883":             "needs a certificate",
		"--limit-packet=100":        "--limit-packet",
		"--limit-publish-rate=-1":   "--limit-publish-rate",
		"--limit-publish-burst=0":   "--limit-publish-burst",
		"--limit-login-rate=-1":     "--limit-login-rate",
		"--limit-text=0":            "--limit-text",
		"--limit-unauthenticated=0": "--limit-unauthenticated",
		"--data=d":                  "",
	} {
		c, err := parse(t, "", args)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.check(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want it to name %q", args, err, want)
		}
	}
	if _, err := parseNetworks("trusted-proxies", []string{"10.0.0.0/8", "192.0.2.1", "::1"}); err != nil {
		t.Error(err)
	}
	if _, err := parseNetworks("trusted-proxies", []string{"proxy.example"}); err == nil {
		t.Error("a proxy's name is taken")
	}
}
