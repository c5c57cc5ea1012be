package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
)

// sessionCommand looks at MQTT sessions from the shell. While the server is stopped there are none.
type sessionCommand struct {
	dataFlag
	List sessionList `cmd:"" help:"List an organisation's connected MQTT sessions."`
	Show sessionShow `cmd:"" help:"Print what a session is subscribed to, and how far behind it is."`
	Kick sessionKick `cmd:"" help:"End a connection. Its client may come back."`
}

type sessionList struct{ orgRef }

func (l sessionList) Run(c *sessionCommand) error {
	return c.list(l.Org, "/admin/sessions?", "id", "uid", "terminal", "client_id", "addr", "lag", "in_flight")
}

type sessionRef struct {
	orgRef
	ID string `arg:"" help:"The session's id, as list prints it."`
}

func (r sessionRef) path() string { return "/admin/sessions/" + url.PathEscape(r.ID) }

type sessionShow struct{ sessionRef }

func (r sessionShow) Run(c *sessionCommand) error {
	return c.do(func(ctx context.Context, s *shell) error {
		var one map[string]any
		if err := s.call(ctx, r.Org, "GET", r.path(), nil, &one); err != nil {
			return err
		}
		return c.show(one, func(w io.Writer) {
			for _, f := range []string{"id", "uid", "terminal", "client_id", "addr", "lag", "in_flight"} {
				fmt.Fprintf(w, "%s\t%v\n", f, one[f])
			}
			topics, _ := one["topics"].([]any)
			for _, t := range topics {
				t, _ := t.(map[string]any)
				fmt.Fprintf(w, "topic\t%v\tQoS %v\tlag %v\n", t["topic"], t["qos"], t["lag"])
			}
		})
	})
}

type sessionKick struct{ sessionRef }

func (r sessionKick) Run(c *sessionCommand) error { return c.run(r.Org, "DELETE", r.path(), nil) }
