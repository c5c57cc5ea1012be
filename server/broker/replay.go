package broker

import (
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// A session that is behind what the streams keep in memory reads the log: after an absence, or because its client reads
// slowly. One goroutine merges the streams by time, oldest first, as fast as the window opens; live delivery waits until
// it has caught up, so that nothing overtakes.

// replayPage is how many entries of a stream are read at a time.
const replayPage = 32

// startReplay hands the session to the replay. The caller holds s.mu.
func (s *session) startReplay() {
	if s.replaying || s.closed {
		return
	}
	s.replaying = true
	s.kick = make(chan struct{}, 1)
	s.b.replays.Add(1)
	go func() {
		defer s.b.replays.Done()
		s.replay()
	}()
}

// nudge tells the replay that the window or the connection has room. The caller holds s.mu.
func (s *session) nudge() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

func (s *session) replay() {
	// A session that comes back gets all that it missed in the order of time, also what is in memory.
	for all := s.present; s.replayResend(); all = false {
		backlog, done := s.backlog(all)
		if done {
			return
		}
		if err := s.replayAll(backlog); err != nil {
			if errors.Is(err, errClosed) {
				return
			}
			s.b.log.Error("reading the log for a session", "err", err)
			time.Sleep(time.Second) // the database does not answer: what is missing stays behind its cursor
		}
	}
}

var errClosed = errors.New("session closed")

// backlog lists the streams that are behind: all of them, or those whose next entry is not in memory.
// done: live delivery has taken over.
func (s *session) backlog(all bool) (q mergeQueue, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, true
	}
	var one [1]*message
	for _, sb := range s.subs {
		n, inMemory := sb.st.after(sb.sent, one[:])
		if !inMemory || all && n > 0 {
			q = append(q, &mergeSource{sub: sb, after: sb.sent})
		}
		if inMemory && n > 0 && !sb.behind {
			sb.behind = true
			s.behind = append(s.behind, sb)
		}
	}
	if len(q) > 0 {
		return q, false
	}
	s.replaying, s.kick = false, nil
	s.pump()
	return nil, true
}

// replayResend sends again, under their old packet ids, the messages that were in flight when the last connection
// ended (MQTT 5 §4.4). It reports whether the session goes on.
func (s *session) replayResend() bool {
	for {
		s.mu.Lock()
		if s.closed || len(s.resend) == 0 {
			closed := s.closed
			s.mu.Unlock()
			return !closed
		}
		f := s.resend[0]
		s.mu.Unlock()
		m, err := s.refetch(f)
		if err != nil {
			s.b.log.Error("reading a message to send again", "err", err)
			time.Sleep(time.Second)
			continue
		}
		if !s.await(func() bool { return s.sendAgain(f, m) }) {
			return false
		}
	}
}

// refetch finds the message of a flight; nil if it is no more.
func (s *session) refetch(f flight) (*message, error) {
	if f.released {
		return nil, nil
	}
	if f.m != nil || f.sub == nil {
		return f.m, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	entries, err := s.b.opt.Store.Read(ctx, f.sub.st.id.Load(), f.seq-1, 1)
	if err != nil || len(entries) == 0 || entries[0].Seq != f.seq {
		return nil, err
	}
	return newMessage(&entries[0]), nil
}

// sendAgain sends one message of the last connection and moves it to the inflight. The caller holds s.mu.
func (s *session) sendAgain(f flight, m *message) bool {
	var b []byte
	switch {
	case f.sub != nil && (f.sub.gone || f.seq <= f.sub.cleared), m == nil && !f.released:
	case f.released:
		b = appendAck(nil, packets.Pubrel, f.pid, s.v5, s.ws, 0, nil)
	default:
		b = s.encodeFlight(f, m)
	}
	if b != nil {
		if s.free() <= 0 || s.storing || s.conn.trySend(b) != nil {
			return false
		}
		s.inflight = append(s.inflight, f)
	}
	s.resend = s.resend[1:]
	return true
}

// encodeFlight encodes a PUBLISH of the inflight as a repeat (MQTT 5 §3.3.1.1); nil if the client takes nothing so large now.
func (s *session) encodeFlight(f flight, m *message) []byte {
	var fr *frame
	switch {
	case f.sub == nil:
		fr = m.encode(s.v5, s.ws, f.qos, m.appPropsFor(s.v5, nil))
	case m.app != nil:
		fr = m.encode(s.v5, s.ws, f.qos, m.appPropsFor(s.v5, s.matching(m)))
	default:
		fr = m.frame(s.v5, s.ws)
	}
	if !s.takes(fr) {
		return nil
	}
	b := append([]byte(nil), fr.b...)
	binary.BigEndian.PutUint16(b[fr.pid:], f.pid)
	b[fr.head] |= 8
	return b
}

// replayAll sends the backlog, merged by time.
func (s *session) replayAll(q mergeQueue) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var live mergeQueue
	for _, src := range q {
		head := src.sub.st.position()
		ok, err := src.fill(ctx, s.b.opt.Store)
		if err != nil {
			return err
		}
		if ok {
			live = append(live, src)
		} else {
			s.skip(src.sub, head) // the entries up to there are no more
		}
	}
	heap.Init(&live)
	for live.Len() > 0 {
		src := live[0]
		m := newMessage(&src.page[0])
		if !s.await(func() bool { return s.sendReplay(src.sub, m) }) {
			return errClosed
		}
		src.after, src.page = m.seq, src.page[1:]
		ok, err := src.fill(ctx, s.b.opt.Store)
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(&live, 0)
		} else {
			heap.Pop(&live)
		}
	}
	return nil
}

// skip moves a place over entries that have been deleted.
func (s *session) skip(sb *sub, to uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sb.sent = max(sb.sent, to)
}

// sendReplay sends one entry if its turn has come. The caller holds s.mu.
func (s *session) sendReplay(sb *sub, m *message) bool {
	if sb.gone || m.seq <= sb.sent {
		return true
	}
	return s.free() > 0 && !s.storing && s.sendLog(sb, []*message{m})
}

// await calls try, which holds s.mu, whenever there may be room, until it succeeds. It reports false when the session is over.
func (s *session) await(try func() bool) bool {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return false
		}
		ok, kick := try(), s.kick
		s.mu.Unlock()
		if ok {
			return true
		}
		<-kick
	}
}

// mergeSource is one stream's backlog, a page at a time.
type mergeSource struct {
	sub   *sub
	after uint64
	page  []chat.Entry
}

// fill reads the next page when the last is used up. It reports false at the end of the stream.
func (m *mergeSource) fill(ctx context.Context, store Store) (bool, error) {
	if len(m.page) > 0 {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	page, err := store.Read(ctx, m.sub.st.id.Load(), m.after, replayPage)
	m.page = page
	return len(page) > 0, err
}

// mergeQueue is a heap of streams, the one with the oldest next entry first.
type mergeQueue []*mergeSource

func (q mergeQueue) Len() int { return len(q) }
func (q mergeQueue) Less(i, j int) bool {
	a, b := &q[i].page[0], &q[j].page[0]
	if a.Time != b.Time {
		return a.Time < b.Time
	}
	return a.StreamID < b.StreamID
}
func (q mergeQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *mergeQueue) Push(x any)   { *q = append(*q, x.(*mergeSource)) }
func (q *mergeQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
