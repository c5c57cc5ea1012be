package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"magpie/server/chat"
	"magpie/server/store"
)

const (
	eid      = "bench"
	crowd    = "crowd" // the group of the fan-out
	contacts = 5       // that everyone has
	circle   = 20      // members of each small group
)

// world is a data folder with an organisation in it, and the secret that its tokens are signed with.
type world struct {
	dir    string
	secret []byte
	people int
}

func uid(i int) string { return fmt.Sprintf("user%05d", i) }

// makeWorld fills a data folder: everyone is in a group of circle, has contacts, and is signed in on one device; the first
// members people and one more are in the crowd.
func makeWorld(ctx context.Context, dir string, people, members int) (*world, error) {
	w := &world{dir: dir, secret: make([]byte, 32), people: people}
	rand.Read(w.secret)
	if err := os.WriteFile(filepath.Join(dir, "secret.key"), []byte(hex.EncodeToString(w.secret)+"\n"), 0o600); err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.CreateOrg(ctx, chat.Org{EID: eid, Name: "Bench"}); err != nil {
		return nil, err
	}
	now := time.Now()
	err = parallel(people, func(i int) error {
		u := chat.User{EID: eid, UID: uid(i), Name: fmt.Sprintf("User %d", i), Role: chat.Member, Created: now}
		if i == 0 {
			u.Role = chat.Admin
		}
		if err := s.CreateUser(ctx, u, "-"); err != nil { // nobody signs in by a password
			return err
		}
		l := chat.Login{ID: loginID(i), EID: eid, UID: uid(i), Terminal: chat.Web, ClientID: clientID(i), Created: now, Seen: now}
		return s.CreateLogin(ctx, l, "-", []byte(loginID(i)))
	})
	if err != nil {
		return nil, err
	}
	err = parallel(people, func(i int) error {
		for k := range contacts {
			if _, err := s.PutContact(ctx, eid, uid(i), chat.Member, uid((i+1+k*k)%people), ""); err != nil {
				return err
			}
		}
		if i%circle != 0 || i+circle > people {
			return nil
		}
		return group(ctx, s, fmt.Sprintf("circle%05d", i), i, circle)
	})
	if err != nil {
		return nil, err
	}
	if err := group(ctx, s, crowd, 0, members+1); err != nil {
		return nil, err
	}
	return w, w.finishEvents(ctx, s)
}

func group(ctx context.Context, s *store.Store, gid string, first, n int) error {
	var members []string
	for i := 1; i < n; i++ {
		members = append(members, uid(first+i))
	}
	_, err := s.CreateGroup(ctx, eid, uid(first), chat.Member, chat.Group{EID: eid, GID: gid, Name: gid, Join: chat.JoinInvite}, members, gid)
	return err
}

// finishEvents takes the queue's events off, so that the agent does not work during the measurements.
func (w *world) finishEvents(ctx context.Context, s *store.Store) error {
	for {
		events, err := s.Events(ctx, 1000)
		if err != nil || len(events) == 0 {
			return err
		}
		err = parallel(len(events), func(i int) error { return s.FinishEvent(ctx, events[i].ID, nil) })
		if err != nil {
			return err
		}
	}
}

func loginID(i int) string  { return fmt.Sprintf("login-%05d", i) }
func clientID(i int) string { return fmt.Sprintf("web-%05d", i) }

// account returns how person i signs in over MQTT: as server/auth signs its tokens.
func (w *world) account(i int) account {
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "magpie", "sub": uid(i), "eid": eid, "term": chat.Web.String(), "sid": loginID(i), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}).SignedString(w.secret)
	if err != nil { // strings and numbers always encode
		panic(err)
	}
	return account{id: clientID(i), user: eid + "/" + uid(i), password: token}
}

// parallel calls f for 0 … n-1, many at a time, and returns an error of one.
func parallel(n int, f func(i int) error) error {
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	slots := make(chan struct{}, 64)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(i); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	return first
}
