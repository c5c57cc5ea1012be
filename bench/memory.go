package main

import (
	"context"
	"fmt"
)

// memory measures what an idle signed-in WebSocket session costs, and one that is kept while its client is away.
func memory(_ context.Context, w *world, o options) ([]result, error) {
	s, err := startMagpie(w.dir)
	if err != nil {
		return nil, err
	}
	defer func() { s.stop() }()
	// One that comes and goes first: what the server makes once is not the sessions' cost.
	first, err := idle(s, w, 0)
	if err != nil {
		return nil, err
	}
	first.nc.Close()
	empty, err := rest(s)
	if err != nil {
		return nil, err
	}
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
	if s, err = startMagpie(w.dir); err != nil {
		return nil, err
	}
	if first, err = idle(s, w, 0); err != nil {
		return nil, err
	}
	first.nc.Close()
	away, err := rest(s)
	if err != nil {
		return nil, err
	}
	n := float64(o.sessions) * 1024
	out := []result{
		{what: fmt.Sprintf("memory of an idle WebSocket session, of %d", o.sessions), value: float64(full-empty) / n, bound: 32, unit: " KiB"},
		// Half a KiB is what the resident memory of two starts may differ by; a row of a session is larger.
		{what: "memory of a kept session that is away", value: max(0, float64(away-empty)/n), bound: 0.5, unit: " KiB"},
	}
	return out, nil
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
