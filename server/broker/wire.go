package broker

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"sync/atomic"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// message is one thing to deliver. Those that come from the log are shared by all receivers: encoded once for each
// protocol version and transport, and copied with a packet id of the receiver's own.
type message struct {
	seq     uint64 // in its stream; 0 for what is not of the log
	time    int64  // ms
	origin  int64  // session that published it
	topic   string
	payload []byte
	cid     []byte
	expires int64 // ms, 0 for never
	sender  string
	qos     byte // of messages outside the log
	retain  bool
	ids     []int     // subscription identifiers, of messages outside the log
	app     *appProps // application messages only

	wire [4]atomic.Pointer[frame]
}

// frame is a PUBLISH ready to be sent, but for its packet id.
type frame struct {
	b    []byte
	head int // bytes of the WebSocket header
	pid  int // offset of the packet id
}

func newMessage(e *chat.Entry) *message {
	m := &message{seq: e.Seq, time: e.Time, origin: e.Origin, sender: e.Sender, payload: e.Payload, cid: e.CID, expires: e.Expires}
	if e.Stream.Kind == chat.StreamApp {
		m.topic = e.Topic
		m.app = decodeAppProps(e.Props)
	} else {
		m.topic = e.Stream.Topic(e.Sender)
	}
	return m
}

// frame returns the message of the log as a QoS 1 PUBLISH (MQTT 5 §3.3). Version 5 carries User Property "seq" and the Correlation Data.
func (m *message) frame(v5, ws bool) *frame {
	i := 0
	if v5 {
		i |= 2
	}
	if ws {
		i |= 1
	}
	if f := m.wire[i].Load(); f != nil {
		return f
	}
	f := m.encode(v5, ws, 1, m.logProps(v5))
	m.wire[i].Store(f)
	return f
}

func (m *message) logProps(v5 bool) []byte {
	if !v5 {
		return nil
	}
	p := appendUserProperty(nil, "seq", strconv.FormatUint(m.seq, 10))
	if len(m.cid) > 0 {
		p = append(p, packets.PropCorrelationData)
		p = appendBytes(p, m.cid)
	}
	return p
}

// encode writes a PUBLISH with the given properties (without their length); v5 says whether it has properties at all.
func (m *message) encode(v5, ws bool, qos byte, props []byte) *frame {
	n := 2 + len(m.topic) + len(m.payload)
	if qos > 0 {
		n += 2
	}
	if v5 {
		n += varintLen(len(props)) + len(props)
	}
	size := 1 + varintLen(n) + n
	b := make([]byte, 0, 10+size)
	if ws {
		b = wsHeader(b, wsBinary, size)
	}
	head := len(b)
	first := byte(packets.Publish<<4) | qos<<1
	if m.retain {
		first |= 1
	}
	b = appendVarint(append(b, first), n)
	b = appendBytes(b, []byte(m.topic))
	at := len(b)
	if qos > 0 {
		b = append(b, 0, 0)
	}
	if v5 {
		b = append(appendVarint(b, len(props)), props...)
	}
	return &frame{b: append(b, m.payload...), head: head, pid: at}
}

// maxAckHeader is the most bytes of an acknowledgement but for its properties.
const maxAckHeader = 1 + 4 + 2 + 1 + 4

// appendAck writes PUBACK, PUBREC, PUBREL or PUBCOMP (MQTT 5 §3.4–3.7) with an optional reason and user properties.
func appendAck(b []byte, typ byte, pid uint16, v5, ws bool, reason byte, props []byte) []byte {
	n := 2
	if v5 && (reason != 0 || len(props) > 0) {
		n++
		if len(props) > 0 {
			n += varintLen(len(props)) + len(props)
		}
	}
	head := 1 + varintLen(n)
	if ws {
		b = wsHeader(b, wsBinary, head+n)
	}
	first := typ << 4
	if typ == packets.Pubrel {
		first |= 2
	}
	b = appendVarint(append(b, first), n)
	b = binary.BigEndian.AppendUint16(b, pid)
	if n > 2 {
		b = append(b, reason)
	}
	if n > 3 {
		b = append(appendVarint(b, len(props)), props...)
	}
	return b
}

func appendUserProperty(b []byte, key, val string) []byte {
	b = append(b, packets.PropUser)
	b = appendBytes(b, []byte(key))
	return appendBytes(b, []byte(val))
}

func appendBytes(b, v []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
}

func appendVarint(b []byte, n int) []byte {
	for {
		d := byte(n & 127)
		n >>= 7
		if n == 0 {
			return append(b, d)
		}
		b = append(b, d|128)
	}
}

func varintLen(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	}
	return 4
}

// encodeProps writes publish properties by the library, without their length.
func encodeProps(p *packets.Properties) []byte {
	var buf bytes.Buffer
	p.Encode(packets.Publish, packets.Mods{AllowResponseInfo: true}, &buf, 0)
	b := buf.Bytes()
	_, n := binary.Uvarint(b) // MQTT's variable byte integer has the form of a uvarint
	if n <= 0 {
		return nil
	}
	return b[n:]
}
