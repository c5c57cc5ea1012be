package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
	"magpie/server/payload"
)

// world is what the peers of a torture test share: the server that comes and goes, and what they have seen.
type world struct {
	t *testing.T

	mu    sync.Mutex // guards all below, and the peers' records
	cond  *sync.Cond // told of every change
	life  int        // counts the server's starts
	addr  string     // of the server that runs, or empty
	stop  bool       // nothing new is sent
	end   bool       // peers go home
	acked int        // acknowledged messages
	sent  map[string]*sending
}

// sending is a message on its way, known by its text.
type sending struct {
	text  string
	topic string
	conv  string // as keyed by convOf
	cid   string
	by    *peer
	body  []byte
	qos   byte
	pid   uint16
	taken bool // QoS 2: PUBREC has come
	acked bool
	seq   uint64 // that the acknowledgement told, 0 for none
}

// receipt is a message that came.
type receipt struct {
	text string
	seq  uint64 // 0 for a client that is not told
	conn int    // the peer's connection that it came by
}

// peer is a client that comes back after every crash. What it is to do is set before it runs.
type peer struct {
	w       *world
	name    string
	uid     string
	token   string
	v       byte
	kept    bool
	receive uint16
	lazy    bool           // takes and acknowledges a QoS 1 message only when the next has come, and forgets it when the connection ends before
	cut     int            // cuts its connection whenever it has got so many messages
	away    func(int) bool // in which lives of the server it does not connect
	filter  string         // subscribed at QoS 2
	topics  []string       // that it publishes to, in turn
	window  int            // publishes at a time

	life    int
	conns   int
	ready   bool // its session stands
	next    int  // number of the next message
	pid     uint16
	waiting []*sending      // not acknowledged, in order
	held    map[uint16]bool // QoS 2 packet ids that came and are not released
	got     map[string][]receipt
	pending func() // of a lazy peer: takes the message before
	unacked uint16 // its packet id
	count   int    // messages that came by this connection
}

// errCut ends a connection that the peer cuts itself.
var errCut = errors.New("cut")

func (w *world) fail(p *peer, format string, args ...any) {
	w.t.Errorf("%s: %s", p.name, fmt.Sprintf(format, args...))
}

// wait waits for a condition on what w.mu guards, which it holds on return.
func (w *world) wait(ok func() bool) {
	for !ok() {
		w.cond.Wait()
	}
}

// run connects whenever there is a server, until the world ends.
func (p *peer) run() {
	w := p.w
	for {
		w.mu.Lock()
		w.wait(func() bool {
			return w.end || w.addr != "" && w.life > p.life && (w.stop || p.away == nil || !p.away(w.life))
		})
		if w.end {
			w.mu.Unlock()
			return
		}
		p.life = w.life
		addr := w.addr
		w.mu.Unlock()
		err := p.serve(addr)
		w.mu.Lock()
		if errors.Is(err, errCut) {
			p.life-- // it comes back to the same server
		} else if !w.end && w.addr != "" && w.life == p.life {
			w.fail(p, "the connection ended though the server runs: %v", err)
		}
		w.mu.Unlock()
	}
}

// serve is one connection.
func (p *peer) serve(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	over := make(chan struct{})
	defer close(over)
	go func() { // cut the connection at the end of the world
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		p.w.wait(func() bool {
			select {
			case <-over:
				return true
			default:
				return p.w.end || p.w.life > p.life
			}
		})
		conn.Close()
	}()
	write := func(pk packets.Packet) error { return writePacket(conn, p.v, pk) }
	connect := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect},
		Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: p.name, Clean: !p.kept, Keepalive: 60,
			UsernameFlag: true, Username: []byte(demoEID + "/" + p.uid), PasswordFlag: true, Password: []byte(p.token)}}
	connect.Properties.ReceiveMaximum = p.receive
	if p.kept && p.v == 5 {
		connect.Properties.SessionExpiryInterval, connect.Properties.SessionExpiryIntervalFlag = 3600, true
	}
	if err := write(connect); err != nil {
		return err
	}
	for {
		pk, err := readPacket(conn, p.v)
		if err != nil {
			return err
		}
		answers, err := p.take(pk)
		if err != nil {
			return err
		}
		for _, a := range answers {
			if err := write(a); err != nil {
				return err
			}
		}
	}
}

func answer(typ byte, pid uint16) packets.Packet {
	return packets.Packet{FixedHeader: packets.FixedHeader{Type: typ}, PacketID: pid}
}

// take deals with one packet and returns what is to be written.
func (p *peer) take(pk packets.Packet) (out []packets.Packet, err error) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.cond.Broadcast()
	switch pk.FixedHeader.Type {
	case packets.Connack:
		if pk.ReasonCode != 0 {
			return nil, fmt.Errorf("CONNACK %#x", pk.ReasonCode)
		}
		p.conns++
		if p.ready && p.kept != pk.SessionPresent {
			w.fail(p, "session present: %v", pk.SessionPresent)
		}
		p.pending, p.unacked, p.count = nil, 0, 0
		if p.filter != "" && !p.ready {
			return []packets.Packet{{FixedHeader: packets.FixedHeader{Type: packets.Subscribe}, PacketID: 1,
				Filters: packets.Subscriptions{{Filter: p.filter, Qos: 2}}}}, nil
		}
		p.ready = true
		for _, s := range p.waiting {
			out = append(out, s.packet(true))
		}
		return p.fill(out), nil
	case packets.Suback:
		p.ready = true
	case packets.Puback, packets.Pubrec:
		return p.settle(pk)
	case packets.Pubcomp:
		for i, s := range p.waiting {
			if s.taken && s.pid == pk.PacketID {
				p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
				return p.fill(nil), nil
			}
		}
	case packets.Publish:
		p.count++
		if p.cut > 0 && p.count == p.cut && !w.stop {
			return nil, errCut
		}
		return p.receivePublish(pk), nil
	case packets.Pubrel:
		delete(p.held, pk.PacketID)
		return []packets.Packet{answer(packets.Pubcomp, pk.PacketID)}, nil
	case packets.Disconnect:
		return nil, fmt.Errorf("DISCONNECT %#x", pk.ReasonCode)
	}
	return nil, nil
}

// settle takes the acknowledgement of a publish.
func (p *peer) settle(pk packets.Packet) ([]packets.Packet, error) {
	for i, s := range p.waiting {
		if s.pid != pk.PacketID || s.taken {
			continue
		}
		if pk.ReasonCode >= 0x80 {
			return nil, fmt.Errorf("%q is refused with %#x %s", s.text, pk.ReasonCode, pk.Properties.ReasonString)
		}
		s.acked = true
		s.seq, _ = strconv.ParseUint(seqOf(pk), 10, 64)
		p.w.acked++
		if s.qos == 2 {
			s.taken = true
			return []packets.Packet{answer(packets.Pubrel, s.pid)}, nil
		}
		p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
		return p.fill(nil), nil
	}
	if pk.FixedHeader.Type == packets.Pubrec { // the first one was lost with the connection, and the answer to it as well
		return []packets.Packet{answer(packets.Pubrel, pk.PacketID)}, nil
	}
	return nil, nil
}

// fill adds new publishes up to the window.
func (p *peer) fill(out []packets.Packet) []packets.Packet {
	for len(p.topics) > 0 && len(p.waiting) < p.window && !p.w.stop {
		topic := p.topics[p.next%len(p.topics)]
		s := &sending{text: fmt.Sprintf("%s-%d", p.name, p.next), topic: topic, conv: convOf(topic, p.uid), by: p, qos: 1}
		p.next++
		for p.pid++; p.pid == 0 || p.busy(p.pid); p.pid++ {
		}
		s.pid = p.pid
		kind := byte(chat.IMPair)
		switch {
		case strings.Contains(topic, "/app/"):
			s.qos, s.body = 2, []byte(s.text)
		case strings.Contains(topic, "/im/g/"):
			kind = chat.IMGroup
			fallthrough
		default:
			s.body = im(kind, p.uid, s.text)
			if p.v == 5 {
				s.cid = fmt.Sprintf("%s-%08d", p.uid, p.next)
			}
		}
		p.w.sent[s.text] = s
		p.waiting = append(p.waiting, s)
		out = append(out, s.packet(false))
	}
	return out
}

func (p *peer) busy(pid uint16) bool {
	for _, s := range p.waiting {
		if s.pid == pid {
			return true
		}
	}
	return false
}

func (s *sending) packet(dup bool) packets.Packet {
	if s.taken {
		return answer(packets.Pubrel, s.pid)
	}
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: s.qos, Dup: dup}, PacketID: s.pid, TopicName: s.topic, Payload: s.body}
	if s.cid != "" {
		pk.Properties.CorrelationData = []byte(s.cid)
	}
	return pk
}

// receivePublish records what comes and acknowledges it.
func (p *peer) receivePublish(pk packets.Packet) []packets.Packet {
	r := receipt{conn: p.conns}
	r.seq, _ = strconv.ParseUint(seqOf(pk), 10, 64)
	app := strings.Contains(pk.TopicName, "/app/")
	switch {
	case app:
		r.text = string(pk.Payload)
	case strings.Contains(pk.TopicName, "/im/"):
		m, err := payload.DecodeIM(pk.Payload)
		if err != nil {
			p.w.fail(p, "%v on %s", err, pk.TopicName)
			break
		}
		r.text = payload.Text(m)
		if s := p.w.sent[r.text]; s != nil && p.v == 5 && string(pk.Properties.CorrelationData) != s.cid {
			p.w.fail(p, "%q came with the Correlation Data %q, sent with %q", r.text, pk.Properties.CorrelationData, s.cid)
		}
	}
	record := func() {}
	if r.text != "" && !(app && pk.FixedHeader.Qos == 2 && p.held[pk.PacketID]) {
		if s := p.w.sent[r.text]; s == nil || s.topic != pk.TopicName {
			p.w.fail(p, "%q on %s was never sent", r.text, pk.TopicName)
		} else {
			record = func() { p.got[s.conv] = append(p.got[s.conv], r) }
		}
	}
	if pk.FixedHeader.Qos == 1 && p.lazy && !p.w.stop {
		before, take := p.unacked, p.pending
		p.unacked, p.pending = pk.PacketID, record
		if take == nil {
			return nil
		}
		take()
		return []packets.Packet{answer(packets.Puback, before)}
	}
	record()
	switch pk.FixedHeader.Qos {
	case 1:
		return []packets.Packet{answer(packets.Puback, pk.PacketID)}
	case 2:
		p.held[pk.PacketID] = true
		return []packets.Packet{answer(packets.Pubrec, pk.PacketID)}
	}
	return nil
}

// convOf names the conversation that a topic belongs to when uid publishes to it: the same for both users of a pair.
func convOf(topic, uid string) string {
	kind, key, _ := strings.Cut(strings.TrimPrefix(topic, "/e/"+demoEID+"/"), "/")
	if kind == "im" && strings.HasPrefix(key, "u/") {
		return chat.PairKey(uid, key[2:])
	}
	return kind + "/" + key
}

func cidHex(s *sending) string { return hex.EncodeToString([]byte(s.cid)) }
