package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// audience is the members of a group, online on one server, and one who writes.
type audience struct {
	s       *server
	topic   string
	payload []byte
	writer  *client
	members int
	failed  chan error
	slots   []atomic.Int64 // how many have received message n, n modulo their number
	whole   chan struct{}  // a message has reached everyone
	sent    uint64
}

// gather connects the members and the writer. join makes a connection a member; nil where the server does.
func gather(s *server, topic string, text []byte, members int, who func(i int) account, join func(c *client) error) (*audience, error) {
	a := &audience{s: s, topic: topic, payload: text, members: members, failed: make(chan error, 1), slots: make([]atomic.Int64, 64), whole: make(chan struct{}, 64)}
	err := parallel(members, func(i int) error {
		c, err := dial(s.mqtt, false, 1)
		if err != nil {
			return err
		}
		if err := c.signIn(who(i+1), 0); err != nil {
			return err
		}
		if join != nil {
			if err := join(c); err != nil {
				return err
			}
		}
		go a.listen(c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if a.writer, err = dial(s.mqtt, false, 1); err != nil {
		return nil, err
	}
	if err := a.writer.signIn(who(0), 0); err != nil {
		return nil, err
	}
	go func() {
		for {
			if head, body, err := a.writer.read(); err != nil || head>>4 == packets.Puback && len(body) > 2 && body[2] >= 0x80 {
				a.fail(errors.Join(fmt.Errorf("the writer is answered % x", body), err))
				return
			}
		}
	}()
	return a, nil
}

// listen counts a member's messages. A server sends them in order, so that the n-th received is the n-th sent.
func (a *audience) listen(c *client) {
	n := 0
	err := c.receive(a.topic, func() {
		if a.slots[n].Add(1) == int64(a.members) {
			a.slots[n].Store(0)
			a.whole <- struct{}{}
		}
		n = (n + 1) % len(a.slots)
	})
	a.fail(fmt.Errorf("a member: %w", err))
}

func (a *audience) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

// send publishes n messages, at most window of them on their way at once, and returns the server's processor time.
func (a *audience) send(n, window int) (time.Duration, error) {
	before, err := a.s.cpu()
	if err != nil {
		return 0, err
	}
	for flying := 0; n > 0 || flying > 0; {
		if n > 0 && flying < window {
			a.sent++
			if err := a.writer.write(publish(a.topic, uint16(a.sent%60000+1), a.sent, a.payload)); err != nil {
				return 0, err
			}
			n--
			flying++
			continue
		}
		select {
		case <-a.whole:
			flying--
		case err := <-a.failed:
			return 0, err
		case <-time.After(patience):
			return 0, errors.New("a message does not reach everyone")
		}
	}
	time.Sleep(100 * time.Millisecond) // the last acknowledgements are work too
	after, err := a.s.cpu()
	return after - before, err
}

// fanOut compares the processor time of a delivery with mosquitto's, in turns.
func fanOut(_ context.Context, w *world, o options) ([]result, error) {
	magpie, err := startMagpie(w.dir)
	if err != nil {
		return nil, err
	}
	defer magpie.stop()
	mosquitto, err := startMosquitto(o.dir)
	if err != nil {
		return nil, err
	}
	defer mosquitto.stop()
	text := message(chat.IMGroup, uid(0))
	ours, err := gather(magpie, "/e/"+eid+"/im/g/"+crowd, text, o.members, w.account, nil)
	if err != nil {
		return nil, fmt.Errorf("magpie: %w", err)
	}
	theirs, err := gather(mosquitto, "im/g/"+crowd, text, o.members,
		func(i int) account { return account{id: clientID(i)} }, func(c *client) error { return c.subscribe("im/g/" + crowd) })
	if err != nil {
		return nil, fmt.Errorf("mosquitto: %w", err)
	}
	if err := settle(magpie); err != nil {
		return nil, err
	}
	var out []result
	for _, window := range []int{1, 8} {
		var a, b time.Duration
		for round := range o.rounds + 1 {
			x, err := ours.send(o.messages, window)
			if err != nil {
				return nil, fmt.Errorf("magpie: %w", err)
			}
			y, err := theirs.send(o.messages, window)
			if err != nil {
				return nil, fmt.Errorf("mosquitto: %w", err)
			}
			if round > 0 { // the first warms up
				a, b = a+x, b+y
			}
		}
		n := time.Duration(o.rounds * o.messages * o.members)
		out = append(out, result{
			what: fmt.Sprintf("CPU of a delivery to %d, %d in flight", o.members, window), ours: micros(a / n), theirs: micros(b/n) + " mosquitto",
			value: float64(a) / float64(b), bound: 0.5,
		})
	}
	return out, nil
}

// settle waits until a server has nothing more to do.
func settle(s *server) error {
	last := time.Duration(-1)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Second) {
		now, err := s.cpu()
		if err != nil {
			return err
		}
		if now-last <= 10*time.Millisecond && last >= 0 {
			return nil
		}
		last = now
	}
	return errors.New("the server does not come to rest")
}
