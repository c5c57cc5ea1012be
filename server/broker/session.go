package broker

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/time/rate"

	"magpie/server/chat"
)

// A session is one client's connection and its place in the log. What must outlive the connection is written to the
// store as chat.Session; the session itself ends with the connection.
type session struct {
	b        *Broker
	id       int64 // of the stored session; negative and unique for one that is not kept
	clientID string
	terminal chat.Terminal
	loginID  string
	who      chat.Identity
	org      *org
	user     *user
	cl       *mqtt.Client
	conn     *conn
	v5       bool
	ws       bool
	problems bool          // the client wants reasons and user properties (MQTT 5 §3.1.2.11.7)
	window   int           // how many QoS 1 and 2 messages may be unacknowledged (MQTT 5 §3.1.2.11.3)
	maxSize  int           // largest packet the client takes, 0 for any
	expiry   atomic.Uint32 // seconds the session is kept after the connection
	present  bool          // it continues a stored one
	up       atomic.Bool   // brought up, and stored if it is kept
	refused  byte          // CONNACK reason when sign-in failed

	aliases map[uint16]string // inbound topic aliases; owned by the reading goroutine
	limiter *rate.Limiter     // of publishes; owned by the reading goroutine

	ackDue  atomic.Bool // waits for a worker to send acknowledgements
	presDue atomic.Bool // waits for a worker to send presence

	loading bool         // reads its subscriptions; guarded by org.mu, like the two below
	late    []*stream    // conversations that began meanwhile
	missed  []chat.Event // changes that happened meanwhile

	mu        sync.Mutex // guards all below
	cond      *sync.Cond // publishers wait here for room among the appends; made when needed
	ready     bool       // CONNACK is out
	closed    bool
	normal    bool // the client said goodbye: no will
	endReason byte
	subs      []*sub
	behind    []*sub // those that have news
	filters   []*filter
	inflight  []flight
	resend    []flight // of the connection before, to be sent first
	direct    []*message
	replaying bool
	storing   bool          // waits until its state is durable, to send QoS 2
	kick      chan struct{} // wakes the replay
	lastPID   uint16
	acks      []*ack            // of inbound publishes, in their order
	received  map[uint16]uint64 // inbound QoS 2 packet ids not yet released, for sessions that are not kept
	presence  map[*user]bool    // news of users' presence; true: as retained
	dirty     bool              // the stored state is out of date
	will      *will
}

// flight is a QoS 1 or 2 message that the client has not acknowledged.
type flight struct {
	pid      uint16
	qos      byte
	released bool   // QoS 2: PUBREC came, PUBREL is out
	sub      *sub   // nil for messages outside the log
	seq      uint64 // in the sub's stream
	m        *message
}

// ack is the answer that an inbound QoS 1 or 2 publish waits for.
type ack struct {
	pid    uint16
	typ    byte
	done   bool
	reason byte
	props  []byte
}

// Most publishes of one session that may wait for the log. Version 5 clients are told; for others reading stops.
const maxPending = 256

// maxBatch bounds the bytes of one coalesced write.
const maxBatch = 16 << 10

func (s *session) kept() bool { return s.expiry.Load() > 0 }

// wake tells the session that a stream has news.
func (s *session) wake(sb *sub) {
	s.mu.Lock()
	if !sb.behind && !sb.gone {
		sb.behind = true
		s.behind = append(s.behind, sb)
	}
	s.pump()
	s.mu.Unlock()
}

// pump sends what the window and the connection take. The caller holds s.mu.
func (s *session) pump() {
	if !s.ready || s.closed || s.storing {
		return
	}
	if s.replaying {
		s.nudge()
		return
	}
	for len(s.direct) > 0 && s.free() > 0 {
		if !s.sendDirect(s.direct[0]) {
			return
		}
		s.direct[0] = nil
		s.direct = s.direct[1:]
	}
	if len(s.direct) == 0 {
		s.direct = nil
	}
	for len(s.behind) > 0 {
		if s.storing {
			return
		}
		sb := s.behind[0]
		if !sb.gone {
			var buf [64]*message
			n := min(s.free(), len(buf))
			if n == 0 {
				return
			}
			n, ok := sb.st.after(sb.sent, buf[:n])
			if !ok {
				s.startReplay()
				return
			}
			if n > 0 {
				if sent := s.sendLog(sb, buf[:n]); !sent {
					return
				}
				continue
			}
		}
		sb.behind = false
		s.behind = s.behind[1:]
	}
	s.behind = nil
}

// free says how many more messages the window takes.
func (s *session) free() int { return s.window - len(s.inflight) }

var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

// sendLog sends consecutive entries of one stream, several to a write, and moves the place. It reports false when the connection
// takes no more: then nothing was sent, and the drained connection pumps again. The caller holds s.mu.
func (s *session) sendLog(sb *sub, msgs []*message) bool {
	bp := scratch.Get().(*[]byte)
	defer scratch.Put(bp)
	for len(msgs) > 0 {
		buf := (*bp)[:0]
		place, flights, pid := sb.sent, len(s.inflight), s.lastPID
		store, sent := false, false
		for len(msgs) > 0 && len(buf) < maxBatch {
			m := msgs[0]
			var two bool
			buf, two = s.appendEntry(buf, sb, m)
			store = store || two
			sb.sent = m.seq
			msgs = msgs[1:]
		}
		if cap(buf) <= 64<<10 {
			*bp = buf
		}
		if len(buf) == 0 {
			continue
		}
		switch {
		case !store || !s.kept():
			sent = s.conn.trySend(buf) == nil
		case !s.conn.backlogged():
			// The packet ids of QoS 2 must survive a crash before the client sees them (MQTT 5 §4.3.3).
			s.sendStored(append([]byte(nil), buf...))
			return len(msgs) == 0
		}
		if !sent {
			sb.sent, s.lastPID = place, pid
			s.inflight = s.inflight[:flights]
			return false
		}
		s.dirty = true
	}
	return true
}

// appendEntry appends an entry's PUBLISH to buf and puts it in flight, or nothing if the entry is not for this session.
func (s *session) appendEntry(buf []byte, sb *sub, m *message) (_ []byte, stored bool) {
	if m.app != nil {
		return s.appendApp(buf, sb, m)
	}
	if m.origin == s.id && m.origin != 0 {
		return buf, false
	}
	f := m.frame(s.v5, s.ws)
	if !s.takes(f) {
		return buf, false
	}
	at := len(buf)
	buf = append(buf, f.b...)
	pid := s.nextPID()
	binary.BigEndian.PutUint16(buf[at+f.pid:], pid)
	s.inflight = append(s.inflight, flight{pid: pid, qos: 1, sub: sb, seq: m.seq})
	return buf, false
}

// takes reports whether a packet is small enough for the client. One that is not is passed over, as if it had been sent
// (MQTT 5 §3.1.2.11.4).
func (s *session) takes(f *frame) bool { return s.maxSize <= 0 || len(f.b)-f.head <= s.maxSize }

// nextPID returns a packet id that is not in use. The window is far smaller than the id space.
func (s *session) nextPID() uint16 {
	for {
		s.lastPID++
		if s.lastPID != 0 && s.flying(s.lastPID) < 0 {
			return s.lastPID
		}
	}
}

func (s *session) flying(pid uint16) int {
	for i := range s.inflight {
		if s.inflight[i].pid == pid {
			return i
		}
	}
	for i := range s.resend {
		if s.resend[i].pid == pid {
			return len(s.inflight) + i
		}
	}
	return -1
}

// send delivers a message outside the log to this session alone, in order after those that wait already.
// QoS 0 messages are dropped when the connection is backed up (MQTT 5 §4.3.1).
func (s *session) send(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if m.qos == 0 {
		if f := m.plain(s.v5, s.ws); s.ready && s.takes(f) {
			_ = s.conn.trySend(f.b)
		}
		return
	}
	s.direct = append(s.direct, m)
	s.pump()
}

// plain encodes a message outside the log at QoS 0.
func (m *message) plain(v5, ws bool) *frame {
	return m.encode(v5, ws, 0, m.appPropsFor(v5, nil))
}

// sendDirect sends a QoS 1 or 2 message outside the log. The caller holds s.mu.
func (s *session) sendDirect(m *message) bool {
	f := m.encode(s.v5, s.ws, m.qos, m.appPropsFor(s.v5, nil))
	if !s.takes(f) {
		return true
	}
	pid := s.lastPID
	binary.BigEndian.PutUint16(f.b[f.pid:], s.nextPID())
	if err := s.conn.trySend(f.b); err != nil {
		s.lastPID = pid
		return false
	}
	s.inflight = append(s.inflight, flight{pid: s.lastPID, qos: m.qos, m: m})
	s.dirty = true
	return true
}

// sendStored makes the session's state durable and then sends b. Meanwhile nothing else is sent, so that the order holds. The caller
// holds s.mu.
func (s *session) sendStored(b []byte) {
	s.storing = true
	s.save(func(err error) {
		s.b.tasks.add(storedTask{s, b, err})
	})
}

// storedTask sends what has waited for the session's state to be durable.
type storedTask struct {
	s   *session
	b   []byte
	err error
}

func (t storedTask) work() {
	s := t.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storing = false
	if t.err != nil || s.closed {
		return // the session has ended, or the store has: what was not sent is sent again
	}
	_ = s.conn.sendFramed(t.b)
	s.pump()
}

// acknowledged takes PUBACK, PUBREC and PUBCOMP of the client.
func (s *session) acknowledged(typ byte, pid uint16, reason byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return // what is in flight has been stored, and comes again
	}
	i := s.flying(pid)
	if i < 0 || i >= len(s.inflight) {
		if typ == packets.Pubrec { // MQTT 5 §4.3.3: an id we do not know
			s.write(appendAck(nil, packets.Pubrel, pid, s.v5, false, packets.ErrPacketIdentifierNotFound.Code, nil))
		}
		return
	}
	f := &s.inflight[i]
	switch {
	case typ == packets.Puback && f.qos == 1,
		typ == packets.Pubcomp && f.qos == 2,
		typ == packets.Pubrec && f.qos == 2 && reason >= 0x80:
		s.inflight = append(s.inflight[:i], s.inflight[i+1:]...)
		if len(s.inflight) == 0 {
			s.inflight = nil
		}
		s.dirty = true
		if len(s.behind) > 0 || len(s.direct) > 0 || s.replaying {
			s.pump()
		}
	case typ == packets.Pubrec && f.qos == 2:
		f.released = true
		rel := appendAck(nil, packets.Pubrel, pid, s.v5, false, 0, nil)
		if s.kept() {
			s.save(func(err error) {
				if err == nil {
					_, _ = s.conn.Write(rel)
				}
			})
		} else {
			s.write(rel)
		}
	}
}

func (s *session) write(b []byte) {
	if s.ready && !s.closed {
		_, _ = s.conn.Write(b)
	}
}

// expect makes room for an inbound publish's answer, which will be sent in the order of the publishes (MQTT 5 §4.6).
// It waits while too many are outstanding, and returns nil when the session is over.
func (s *session) expect(pid uint16, qos byte) *ack {
	typ := packets.Puback
	if qos == 2 {
		typ = packets.Pubrec
	}
	a := &ack{pid: pid, typ: typ}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.acks) >= maxPending && !s.closed {
		if s.cond == nil {
			s.cond = sync.NewCond(&s.mu)
		}
		s.cond.Wait()
	}
	if s.closed {
		return nil
	}
	s.acks = append(s.acks, a)
	return a
}

// answer settles an inbound publish. The acknowledgements are written by a worker, several to a write.
func (s *session) answer(a *ack, reason byte, props []byte) {
	if a == nil {
		return
	}
	s.mu.Lock()
	a.done, a.reason, a.props = true, reason, props
	first := len(s.acks) > 0 && s.acks[0].done
	s.mu.Unlock()
	if first && s.ackDue.CompareAndSwap(false, true) {
		s.b.tasks.add((*ackTask)(s))
	}
}

// ackTask is a session as the task of sending its acknowledgements.
type ackTask session

func (t *ackTask) work() {
	s := (*session)(t)
	s.ackDue.Store(false)
	bp := scratch.Get().(*[]byte)
	defer scratch.Put(bp)
	buf := (*bp)[:0]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(s.acks) && s.acks[n].done {
		a := s.acks[n]
		props := a.props
		if !s.problems || s.maxSize > 0 && maxAckHeader+len(props) > s.maxSize {
			props = nil // MQTT 5 §3.4.2.2
		}
		buf = appendAck(buf, a.typ, a.pid, s.v5, false, a.reason, props)
		s.acks[n] = nil
		n++
	}
	s.acks = s.acks[n:]
	if len(s.acks) == 0 {
		s.acks = nil
	}
	if len(buf) > 0 {
		s.write(buf)
	}
	if cap(buf) <= 64<<10 {
		*bp = buf
	}
	if s.cond != nil {
		s.cond.Broadcast()
	}
}

// disconnect ends the connection. Version 5 clients are told why (MQTT 5 §3.14); others must not be sent DISCONNECT.
func (s *session) disconnect(reason byte) {
	s.mu.Lock()
	if s.closed || s.endReason != 0 {
		s.mu.Unlock()
		return
	}
	s.endReason = reason
	if s.v5 && s.ready {
		// Some clients read the reason only where an empty list of properties follows it.
		_, _ = s.conn.Write([]byte{byte(packets.Disconnect << 4), 2, reason, 0})
	}
	s.mu.Unlock()
	s.conn.close(wsNormal)
}

// allow takes one publish out of the session's allowance (docs/protocol.md §9).
func (s *session) allow(now time.Time) bool {
	l := s.b.opt.Limits
	if l.PublishRate <= 0 {
		return true
	}
	if s.limiter == nil {
		s.limiter = rate.NewLimiter(rate.Limit(l.PublishRate), max(l.PublishBurst, 1))
	}
	return s.limiter.AllowN(now, 1)
}
