package broker

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"magpie/server/chat"
)

// storedState is what a kept session leaves in the store: its places in the log, what is in flight, its subscriptions
// below /e/{eid}/app/ and its will.
type storedState struct {
	Cursors  []byte           `json:"cursors,omitempty"` // pairs of uvarints: stream id, seq sent
	Unborn   []string         `json:"unborn,omitempty"`  // contacts whose terminal notices had no stream yet
	Inflight []storedFlight   `json:"inflight,omitempty"`
	Direct   []*storedMessage `json:"direct,omitempty"` // retained messages still to be sent
	LastPID  uint16           `json:"last_pid,omitempty"`
	Filters  []*filter        `json:"filters,omitempty"`
	Will     *will            `json:"will,omitempty"`
}

type storedFlight struct {
	PID      uint16         `json:"pid"`
	QoS      byte           `json:"qos"`
	Released bool           `json:"released,omitempty"`
	Stream   int64          `json:"stream,omitempty"`
	Seq      uint64         `json:"seq,omitempty"`
	Message  *storedMessage `json:"message,omitempty"`
}

// storedMessage is a message outside the log.
type storedMessage struct {
	Topic   string    `json:"topic"`
	Payload []byte    `json:"payload"`
	QoS     byte      `json:"qos"`
	Retain  bool      `json:"retain,omitempty"`
	Expires int64     `json:"expires,omitempty"`
	Props   *appProps `json:"props,omitempty"`
}

func storeMessage(m *message) *storedMessage {
	return &storedMessage{Topic: m.topic, Payload: m.payload, QoS: m.qos, Retain: m.retain, Expires: m.expires, Props: m.app}
}

func (m *storedMessage) message() *message {
	return &message{topic: m.Topic, payload: m.Payload, qos: m.QoS, retain: m.Retain, expires: m.Expires, app: m.Props}
}

// state encodes what is to be stored. The caller holds s.mu.
func (s *session) state() []byte {
	st := storedState{Filters: s.filters, Will: s.will, LastPID: s.lastPID}
	for _, sb := range s.subs {
		if id := sb.st.id.Load(); id != 0 {
			st.Cursors = binary.AppendUvarint(st.Cursors, uint64(id))
			st.Cursors = binary.AppendUvarint(st.Cursors, sb.sent)
		} else if sb.st.ref.Kind == chat.StreamTerminalNotice {
			st.Unborn = append(st.Unborn, sb.st.ref.Key)
		}
	}
	// While something is left to be sent again, all that is in flight was sent before it (MQTT 5 §4.6).
	for _, list := range [][]flight{s.inflight, s.resend} {
		for _, f := range list {
			sf := storedFlight{PID: f.pid, QoS: f.qos, Released: f.released, Seq: f.seq}
			switch {
			case f.sub != nil:
				sf.Stream = f.sub.st.id.Load()
			case f.m != nil && f.m.app == nil:
				continue // a notice to this connection alone
			case f.m != nil:
				sf.Message = storeMessage(f.m)
			}
			st.Inflight = append(st.Inflight, sf)
		}
	}
	for _, m := range s.direct {
		if m.app == nil {
			continue
		}
		st.Direct = append(st.Direct, storeMessage(m))
	}
	b, err := json.Marshal(st)
	if err != nil { // numbers, strings and bytes always encode
		panic(fmt.Sprintf("broker: encode session state: %v", err))
	}
	return b
}

// cursors decodes Cursors; what a later version may have written badly is left out.
func (st *storedState) cursors() map[int64]uint64 {
	m := map[int64]uint64{}
	for b := st.Cursors; len(b) > 0; {
		id, n := binary.Uvarint(b)
		if n <= 0 {
			break
		}
		seq, k := binary.Uvarint(b[n:])
		if k <= 0 {
			break
		}
		m[int64(id)] = seq
		b = b[n+k:]
	}
	return m
}

// row is the session as the store keeps it. The caller holds s.mu.
func (s *session) row(expires time.Time) *chat.Session {
	r := &chat.Session{
		EID: s.who.EID, UID: s.who.UID, ClientID: s.clientID, Terminal: s.terminal, LoginID: s.loginID,
		Expires: expires, Expiry: s.expiry.Load(), State: s.state(),
	}
	if s.id > 0 {
		r.ID = s.id
	}
	for _, f := range s.filters {
		r.App = r.App || f.App
	}
	return r
}

// save makes the session's state durable and then calls done. The caller holds s.mu; done must not take it.
func (s *session) save(done func(error)) {
	s.dirty = false
	s.b.opt.Store.SaveSession(s.row(time.Time{}), done)
}

// saveNow is save, and waits. The caller must not hold s.mu.
func (s *session) saveNow() error {
	ch := make(chan error, 1)
	s.mu.Lock()
	if s.closed { // it is stored, and may go on in another connection
		s.mu.Unlock()
		return chat.Errorf(chat.Unavailable, "The session is over.")
	}
	row := s.row(time.Time{})
	fresh := row.ID == 0
	s.dirty = false
	s.b.opt.Store.SaveSession(row, func(err error) { ch <- err })
	s.mu.Unlock()
	select {
	case err := <-ch:
		if err == nil && s.id <= 0 {
			s.id = row.ID
		}
		return err
	case <-time.After(s.b.opt.Limits.StoreWait):
		if !s.up.Load() {
			s.b.takeBack(s, row, fresh, ch)
		}
		return chat.Errorf(chat.Unavailable, "The server can't store the session at the moment.")
	}
}

// restore puts the session where the stored one was. It returns the places and the contacts without a stream.
func (s *session) restore(b []byte) (*storedState, error) {
	st := &storedState{}
	if err := json.Unmarshal(b, st); err != nil {
		return nil, fmt.Errorf("decode session state: %w", err)
	}
	s.lastPID = st.LastPID
	s.filters = st.Filters
	for _, m := range st.Direct {
		s.direct = append(s.direct, m.message())
	}
	return st, nil
}

// restoreInflight finds the subs of the stored flights again, once the session has joined its streams.
func (s *session) restoreInflight(st *storedState) {
	subs := map[int64]*sub{}
	for _, sb := range s.subs {
		if id := sb.st.id.Load(); id != 0 {
			subs[id] = sb
		}
	}
	for _, f := range st.Inflight {
		fl := flight{pid: f.PID, qos: f.QoS, released: f.Released, seq: f.Seq, sub: subs[f.Stream]}
		if f.Message != nil {
			fl.m = f.Message.message()
		}
		if fl.sub != nil || fl.m != nil || fl.released {
			s.resend = append(s.resend, fl)
		}
	}
}
