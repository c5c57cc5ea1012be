// Magpie is a chat server: MQTT for the messages, HTTP for everything else, and the pages.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

const version = "0.1.0"

type cli struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Org     orgCommand     `cmd:"" help:"Organisations: list, add, rename, limits, suspend, delete, export."`
	User    userCommand    `cmd:"" help:"People: list, add, edit, import, export, passwords, disable, roles, departments, devices."`
	Group   groupCommand   `cmd:"" help:"Groups: list, add, edit, members, mute, transfer, dissolve, restore."`
	Session sessionCommand `cmd:"" help:"Connected MQTT sessions: list, show, end."`
	App     appCommand     `cmd:"" help:"Apps: how other systems show the chat and take part. List, add, keys, bots."`
	Backup  backupCommand  `cmd:"" help:"Copy the server into a file, while it runs or is stopped."`
	Restore restoreCommand `cmd:"" help:"Make a data folder of a backup."`
	Health  healthCommand  `cmd:"" help:"Ask the server on this machine whether it is alive; for health checks."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	parser, err := newParser(&cli{})
	if err != nil {
		panic(err)
	}
	call, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	parser.FatalIfErrorf(call.Run())
}

func newParser(c *cli) (*kong.Kong, error) {
	return kong.New(c, kong.Name("magpie"), kong.Description("Team chat over MQTT."), kong.DefaultEnvars("MAGPIE"), kong.PostBuild(settingsOnly), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
}

// settingsOnly lets the environment say where a server is and how it is set, but not what a command changes: a variable that is there by accident renames
// nobody.
func settingsOnly(k *kong.Kong) error {
	var forget func(n *kong.Node)
	forget = func(n *kong.Node) {
		for _, f := range n.Flags {
			if f.Name != "data" {
				f.Envs, f.Tag.Envs = nil, nil
			}
		}
		for _, c := range n.Children {
			forget(c)
		}
	}
	for _, c := range k.Model.Children {
		if c.Name != "serve" && c.Name != "health" {
			forget(c)
		}
	}
	return nil
}

type serveCommand struct {
	ConfigFile string `name:"config" type:"existingfile" placeholder:"FILE" help:"TOML file of these settings, by their names without dashes in front."`
	Config
}

// BeforeResolve reads the settings' file, if there is one.
func (c *serveCommand) BeforeResolve(call *kong.Context) error { return addFile(call) }

func (c *serveCommand) Run() error {
	c.fill()
	log, err := newLogger(c.LogLevel, c.LogFormat)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-stop
		cancel()
		<-stop
		os.Exit(130)
	}()
	p, err := start(ctx, c.Config, log)
	if err != nil {
		return err
	}
	p.announce(os.Stdout)
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-p.failed:
	}
	p.stop()
	return err
}

type healthCommand struct {
	HTTP    string `name:"http" default:":8080" help:"Address that the server listens on."`
	TLSCert string `name:"tls-cert" help:"Set where the server has a certificate: it is asked by HTTPS."`
}

func (c *healthCommand) Run() error {
	addr, err := net.ResolveTCPAddr("tcp", c.HTTP)
	if err != nil {
		return fmt.Errorf("the address %q can't be understood: %w", c.HTTP, err)
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	// The certificate is for the server's public name, and nothing secret is sent.
	client := http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Get(scheme + "://" + reachable(addr) + "/healthz")
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not well: it answers %s", answer.Status)
	}
	return nil
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Println("magpie " + fullVersion())
	return nil
}

// fullVersion is the version with the commit it was built from, where that is known.
func fullVersion() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return version
	}
	v := version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " (" + s.Value[:12] + ")"
		}
	}
	return v + " " + info.GoVersion
}
