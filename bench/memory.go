package main

import (
	"context"
	"fmt"
)

// memory measures what an idle signed-in WebSocket session costs, and one that is kept while its client is away.
func memory(_ context.Context, w *world, o options) ([]result, error) {
	s, empty, err := fresh(w)
	if err != nil {
		return nil, err
	}
	defer func() { s.stop() }()
	clients := make([]*client, o.sessions)
	err = parallel(o.sessions, func(i int) (err error) {
		clients[i], err = idle(s, w, i)
		return err
	})
	if err != nil {
		return nil, err
	}
	full, err := rest(s)
	if err != nil {
		return nil, err
	}
	if err := s.stop(); err != nil {
		return nil, fmt.Errorf("stop magpie: %w", err)
	}
	for _, c := range clients {
		c.nc.Close()
	}
	// All are in the store now, and a server that starts has them all to keep.
	s, away, err := fresh(w)
	if err != nil {
		return nil, err
	}
	n := float64(o.sessions) * 1024
	return []result{
		{what: fmt.Sprintf("memory of an idle WebSocket session, of %d", o.sessions), value: float64(full-empty) / n, bound: 32, unit: " KiB"},
		// What two starts differ by stays below; the smallest session would be above.
		{what: "memory of a kept session that is away", value: max(0, float64(away-empty)/n), bound: 1, unit: " KiB"},
	}, nil
}

// fresh starts a server, and returns its resident memory when some have come and gone: what it makes once, and what was garbage
// of its start, is not the sessions' cost.
func fresh(w *world) (*server, int64, error) {
	s, err := startMagpie(w.dir)
	if err != nil {
		return nil, 0, err
	}
	err = parallel(w.people/10, func(i int) error {
		c, err := idle(s, w, i)
		if err != nil {
			return err
		}
		return c.nc.Close()
	})
	if err != nil {
		return s, 0, err
	}
	rss, err := rest(s)
	return s, rss, err
}

// idle signs person i in over WebSocket, with a session that is kept for a day, as the pages do.
func idle(s *server, w *world, i int) (*client, error) {
	c, err := dial(s.http, true, byte(1+i%8))
	if err != nil {
		return nil, err
	}
	if err := c.signIn(w.account(i), 86400); err != nil {
		return nil, fmt.Errorf("session %d: %w", i, err)
	}
	c.r, c.ws = nil, nil
	return c, nil
}

// rest waits until the server has come to rest and returns its resident memory.
func rest(s *server) (int64, error) {
	if err := settle(s); err != nil {
		return 0, err
	}
	return s.rss()
}
