package broker

import (
	"log/slog"
	"testing"
	"time"

	"magpie/server/chat"
)

func loneSession() *session {
	b := &Broker{log: slog.New(slog.DiscardHandler), now: time.Now, tasks: newTasks()}
	return &session{b: b, org: &org{eid: "demo"}, v5: true, window: sendWindow}
}

// A publish that the store does not take for now is answered while the server runs: an acknowledgement that never comes would hold
// up those behind it for good.
func TestUnavailableIsAnswered(t *testing.T) {
	s := loneSession()
	p := &publication{b: s.b, s: s, org: s.org, qos: 1, ack: s.expect(1, 1)}
	p.finish(chat.Appended{Err: chat.Errorf(chat.Unavailable, "The server can't store anything at the moment.")})
	if !p.ack.done || p.ack.reason < 0x80 {
		t.Errorf("answered %v with %#x", p.ack.done, p.ack.reason)
	}
	s.b.closing.Store(true)
	p = &publication{b: s.b, s: s, org: s.org, qos: 1, ack: s.expect(2, 1)}
	p.finish(chat.Appended{Err: chat.Errorf(chat.Unavailable, "The server is stopping.")})
	if p.ack.done {
		t.Error("answered while the server stops")
	}
}

// A client that does not acknowledge what it is told of its refused publishes costs no memory without end.
func TestRefusalsAreBounded(t *testing.T) {
	s := loneSession()
	for range 10_000 {
		(&publication{b: s.b, s: s, org: s.org, topic: "nowhere"}).refuse(chat.Errorf(chat.Forbidden, "No."))
	}
	if n := len(s.direct); n > maxDirect {
		t.Errorf("%d notices wait", n)
	}
}

// A session that is over takes no subscriptions, and stores nothing over what took its place.
func TestNothingAfterTheEnd(t *testing.T) {
	s := loneSession()
	s.closed = true
	st := &stream{}
	st.join(s, 0)
	if len(st.members.m) > 0 || len(s.subs) > 0 {
		t.Error("a session that is over joined a stream")
	}
	if err := s.saveNow(); err == nil {
		t.Error("a session that is over was stored")
	}
	s.inflight = []flight{{pid: 1, qos: 2}}
	s.expiry.Store(1)
	s.acknowledged(5, 1, 0) // would store
}
