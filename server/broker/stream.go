package broker

import (
	"sync"
	"sync/atomic"

	"magpie/server/chat"
)

// A stream keeps the newest entries of one stream of the log in memory, encoded, for the sessions that follow it.
// What has left this window is read from the database.
type stream struct {
	ref chat.StreamRef
	id  atomic.Int64 // of the log; 0 until the stream has an entry

	members struct {
		sync.RWMutex
		m map[*session]*sub
	}

	// The window. This mutex is a leaf: nothing else is locked under it.
	mu   sync.Mutex
	head uint64     // newest seq known
	ring []*message // consecutive, the last has seq head
	size int        // bytes of payload in ring

	queued atomic.Bool // waits for a worker
	touch  atomic.Int64
}

// Bounds of one stream's window.
const (
	ringMessages = 512
	ringBytes    = 512 << 10
)

// sub is one session's place in one stream.
type sub struct {
	s  *session
	st *stream

	// Guarded by s.mu.
	sent    uint64 // everything up to here was sent, or is not for it
	cleared uint64 // the user has cleared its copy up to here
	behind  bool   // in s.behind
	gone    bool   // unsubscribed
}

// push adds the entry of the log that follows the head. One that is known already changes nothing.
func (st *stream) push(e *chat.Entry, now int64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if e.Seq <= st.head {
		return
	}
	if e.Seq != st.head+1 {
		st.ring, st.size = nil, 0
	}
	st.id.Store(e.StreamID)
	st.head = e.Seq
	st.ring = append(st.ring, newMessage(e))
	st.size += len(e.Payload)
	for len(st.ring) > ringMessages || st.size > ringBytes && len(st.ring) > 1 {
		st.size -= len(st.ring[0].payload)
		st.ring[0] = nil
		st.ring = st.ring[1:]
	}
	st.touch.Store(now)
}

// replace puts what has become of an entry into its place in the window.
func (st *stream) replace(e *chat.Entry) {
	st.mu.Lock()
	defer st.mu.Unlock()
	first := st.head - uint64(len(st.ring)) + 1
	if e.Seq < first || e.Seq > st.head {
		return
	}
	m := newMessage(e)
	st.size += len(m.payload) - len(st.ring[e.Seq-first].payload)
	st.ring[e.Seq-first] = m
}

// advance notes that the log has entries up to head, which are not in memory.
func (st *stream) advance(id int64, head uint64) {
	if id == 0 {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.id.Store(id)
	if head > st.head {
		st.head, st.ring, st.size = head, nil, 0
	}
}

// trim gives the window's memory back; who needs the entries reads them from the database.
func (st *stream) trim() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ring, st.size = nil, 0
}

func (st *stream) position() uint64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.head
}

// after copies to dst the messages that follow seq, as many as fit. ok is false when the next one is not in memory.
func (st *stream) after(seq uint64, dst []*message) (n int, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if seq >= st.head {
		return 0, true
	}
	first := st.head - uint64(len(st.ring)) + 1
	if seq+1 < first {
		return 0, false
	}
	return copy(dst, st.ring[seq+1-first:]), true
}

// work sends the stream's news to everyone who follows it.
func (st *stream) work() {
	st.queued.Store(false)
	st.members.RLock()
	defer st.members.RUnlock()
	for s, sb := range st.members.m {
		s.wake(sb)
	}
}

// join puts a session at a place in the stream. A session that is there already keeps its place.
func (st *stream) join(s *session, sent uint64) {
	st.members.Lock()
	if st.members.m == nil {
		st.members.m = map[*session]*sub{}
	}
	var sb *sub
	if st.members.m[s] == nil {
		s.mu.Lock()
		if !s.closed { // else it has left its streams already, and would stay for good
			sb = &sub{s: s, st: st, sent: sent}
			st.members.m[s] = sb
			s.subs = append(s.subs, sb)
		}
		s.mu.Unlock()
	}
	st.members.Unlock()
	if sb != nil {
		s.wake(sb)
	}
}

// pass moves a session's place to seq, if it is before: what lies between is not sent.
func (st *stream) pass(s *session, seq uint64) {
	st.members.RLock()
	sb := st.members.m[s]
	st.members.RUnlock()
	if sb == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sb.sent, sb.cleared = max(sb.sent, seq), seq
	s.dirty = true
	s.pump()
}

// leave takes a session off the stream: nothing more of it is sent.
func (st *stream) leave(s *session) {
	st.members.Lock()
	sb := st.members.m[s]
	delete(st.members.m, s)
	st.members.Unlock()
	if sb == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sb.gone = true
	for i, x := range s.subs {
		if x == sb {
			s.subs[i] = s.subs[len(s.subs)-1]
			s.subs[len(s.subs)-1] = nil
			s.subs = s.subs[:len(s.subs)-1]
			break
		}
	}
	s.pump() // the window may have been waiting for it
}

// idle reports whether nobody follows the stream.
func (st *stream) idle() bool {
	st.members.RLock()
	defer st.members.RUnlock()
	return len(st.members.m) == 0
}

// tasks is an unbounded queue drained by a few goroutines. The writer of the log fills it and must never wait; it stays
// short, since a task is in it once at the most.
type tasks struct {
	mu     sync.Mutex
	cond   sync.Cond
	queue  []task
	closed bool
}

type task interface{ work() }

func newTasks() *tasks {
	t := &tasks{}
	t.cond.L = &t.mu
	return t
}

func (t *tasks) add(x task) {
	t.mu.Lock()
	t.queue = append(t.queue, x)
	t.mu.Unlock()
	t.cond.Signal()
}

func (t *tasks) run() {
	var batch []task
	for {
		t.mu.Lock()
		for len(t.queue) == 0 && !t.closed {
			t.cond.Wait()
		}
		if len(t.queue) == 0 {
			t.mu.Unlock()
			return
		}
		// A share at a time leaves work for the other goroutines.
		n := min(len(t.queue), 16)
		batch = append(batch[:0], t.queue[:n]...)
		t.queue = t.queue[:copy(t.queue, t.queue[n:])]
		t.mu.Unlock()
		for _, x := range batch {
			x.work()
		}
	}
}

func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.cond.Broadcast()
}
