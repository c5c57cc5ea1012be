package api_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"magpie/server/api"
	"magpie/server/chat"
)

// unhurried is a store that gives no more of a table to a request that has to end at some time.
type unhurried struct {
	api.Store
	t *testing.T
}

func (s unhurried) look(ctx context.Context, what string) {
	if _, ends := ctx.Deadline(); ends {
		s.t.Errorf("%s has to be done by some time", what)
	}
}

func (s unhurried) Accounts(ctx context.Context, eid string, q chat.AccountQuery) ([]chat.Account, string, *chat.Total, error) {
	s.look(ctx, "people")
	return s.Store.Accounts(ctx, eid, q)
}

func (s unhurried) Audit(ctx context.Context, eid string, q chat.AuditQuery) ([]chat.AuditEntry, string, error) {
	s.look(ctx, "audit")
	return s.Store.Audit(ctx, eid, q)
}

func (s unhurried) CreatePasswordLinks(ctx context.Context, by chat.Actor, hashes map[string][]byte) (time.Time, error) {
	s.look(ctx, "links")
	return s.Store.CreatePasswordLinks(ctx, by, hashes)
}

// TestTablesTakeTheirTime: however long a table is, what bounds it is its reader's patience and not the time of a request.
func TestTablesTakeTheirTime(t *testing.T) {
	w := newWorld(t, func(o *api.Options) { o.Store = unhurried{o.Store, t} })
	must(t, w.store.CreateUser(t.Context(), chat.User{EID: "acme", UID: "zoe", Name: "Zoe"}, ""))
	for path, method := range map[string]string{"/users/export": "GET", "/audit/export": "GET", "/users/links": "POST"} {
		if r := w.want(200, "acme/alice", method, admin+path, nil); strings.Count(r.raw, "\r\n") < 1 {
			t.Errorf("%s: %q", path, r.raw)
		}
	}
}

// busy has notices without an end, and says when nobody follows them any more.
type busy struct {
	api.Live
	ended chan struct{}
}

func (b busy) Follow(string) (<-chan chat.FeedItem, func()) {
	items, stop := make(chan chat.FeedItem), make(chan struct{})
	go func() {
		n := chat.FeedItem{Topic: "t", Content: []byte(`"` + strings.Repeat("x", 64<<10) + `"`)}
		for {
			select {
			case items <- n:
			case <-stop:
				close(b.ended)
				return
			}
		}
	}()
	return items, func() { close(stop) }
}

// TestNoticesLetGo: who stops to read the notices is let go, and who goes away at once.
func TestNoticesLetGo(t *testing.T) {
	for name, leaves := range map[string]bool{"reads nothing": false, "goes": true} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			w := newWorld(t, func(o *api.Options) {
				o.Live = busy{o.Live, ended}
				if !leaves {
					o.Limits.Patience = 50 * time.Millisecond
				}
			})
			conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
			must(t, err)
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "GET %s/notices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", admin, w.token("acme/alice"))
			must(t, err)
			if leaves {
				_, err := io.ReadFull(conn, make([]byte, 100<<10))
				must(t, err)
				must(t, conn.Close())
			}
			<-ended
		})
	}
}
