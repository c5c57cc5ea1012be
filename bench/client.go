package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// patience bounds every wait for a server.
const patience = 30 * time.Second

// account is what a client signs in with; the zero value is for a server that lets everyone in.
type account struct{ id, user, password string }

// client is an MQTT 5 connection that costs little, so that the measured server has the machine to itself.
type client struct {
	nc   net.Conn
	r    *bufio.Reader
	ws   *frames // nil for TCP
	body []byte
}

// dial connects to addr over TCP, or over WebSocket if ws. from is the last byte of the local address, so that one machine has enough ports.
func dial(addr string, ws bool, from byte) (*client, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, max(from, 1))}}
	nc, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(patience)) // fails on a closed connection only
	c := &client{nc: nc, r: bufio.NewReaderSize(nc, 2048)}
	if !ws {
		return c, nil
	}
	_, err = fmt.Fprintf(nc, "GET /mqtt HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\nOrigin: http://%s\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\r\n", addr, addr)
	if err != nil {
		return nil, err
	}
	for line := "-"; line != ""; {
		text, err := c.r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == "-" && !strings.Contains(text, " 101 ") {
			return nil, errors.New("no WebSocket: " + strings.TrimSpace(text))
		}
		line = strings.TrimSpace(text)
	}
	c.ws = &frames{r: c.r}
	c.r = bufio.NewReaderSize(c.ws, 512)
	return c, nil
}

// signIn sends CONNECT for a session that is kept for expiry seconds, and waits for CONNACK.
func (c *client) signIn(a account, expiry uint32) error {
	var b []byte
	b = append(b, 0, 4, 'M', 'Q', 'T', 'T', 5, 0)
	if expiry == 0 {
		b[7] |= 2 // clean start
	}
	b = binary.BigEndian.AppendUint16(b, 600)
	b = binary.BigEndian.AppendUint32(append(b, 5, packets.PropSessionExpiryInterval), expiry)
	b = appendText(b, a.id)
	if a.user != "" {
		b[7] |= 0xc0
		b = appendText(appendText(b, a.user), a.password)
	}
	if err := c.write(packet(packets.Connect<<4, b)); err != nil {
		return err
	}
	head, body, err := c.read()
	if err != nil {
		return err
	}
	if head>>4 != packets.Connack || body[1] != 0 {
		return fmt.Errorf("CONNECT is answered with type %d, % x", head>>4, body)
	}
	return c.nc.SetDeadline(time.Time{})
}

// subscribe asks for a topic at QoS 1.
func (c *client) subscribe(topic string) error {
	if err := c.write(packet(packets.Subscribe<<4|2, append(appendText([]byte{0, 1, 0}, topic), 1))); err != nil {
		return err
	}
	head, body, err := c.read()
	if err == nil && (head>>4 != packets.Suback || body[len(body)-1] != 1) {
		err = fmt.Errorf("SUBSCRIBE is answered with type %d, % x", head>>4, body)
	}
	return err
}

// publish returns a PUBLISH at QoS 1 with eight bytes of Correlation Data.
func publish(topic string, pid uint16, cid uint64, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(appendText(nil, topic), pid)
	b = binary.BigEndian.AppendUint64(append(b, 11, packets.PropCorrelationData, 0, 8), cid)
	return packet(packets.Publish<<4|2, append(b, payload...))
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func packet(head byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{head}, uint64(len(body))), body...)
}

func (c *client) write(b []byte) error {
	if c.ws != nil {
		b = masked(b)
	}
	_, err := c.nc.Write(b)
	return err
}

// read returns the next packet; its body is valid until the next call.
func (c *client) read() (head byte, body []byte, err error) {
	if head, err = c.r.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(c.r)
	if err != nil {
		return 0, nil, err
	}
	if uint64(cap(c.body)) < n {
		c.body = make([]byte, n)
	}
	body = c.body[:n]
	_, err = io.ReadFull(c.r, body)
	return head, body, err
}

// receive acknowledges PUBLISH packets on topic until the connection ends, and calls got for each. Acknowledgements go out when
// nothing more has arrived, as clients that read in an event loop do.
func (c *client) receive(topic string, got func()) error {
	var acks []byte
	for {
		head, body, err := c.read()
		if err != nil {
			return err
		}
		if head>>4 != packets.Publish {
			continue
		}
		n := 2 + int(binary.BigEndian.Uint16(body))
		name := body[2:n]
		if head>>1&3 == 1 {
			acks = append(acks, packets.Puback<<4, 2, body[n], body[n+1])
		}
		ours := string(name) == topic
		if c.r.Buffered() == 0 && len(acks) > 0 {
			if err := c.write(acks); err != nil {
				return err
			}
			acks = acks[:0]
		}
		if ours {
			got()
		}
	}
}

// frames is the payload of the WebSocket frames that r brings.
type frames struct {
	r    *bufio.Reader
	left uint64
}

func (f *frames) Read(p []byte) (int, error) {
	for f.left == 0 {
		var h [10]byte
		if _, err := io.ReadFull(f.r, h[:2]); err != nil {
			return 0, err
		}
		op := h[0] & 15
		switch f.left = uint64(h[1]); f.left {
		case 126:
			if _, err := io.ReadFull(f.r, h[:2]); err != nil {
				return 0, err
			}
			f.left = uint64(binary.BigEndian.Uint16(h[:]))
		case 127:
			if _, err := io.ReadFull(f.r, h[:8]); err != nil {
				return 0, err
			}
			f.left = binary.BigEndian.Uint64(h[:])
		}
		if op == 8 {
			return 0, io.EOF
		}
	}
	n, err := f.r.Read(p[:min(uint64(len(p)), f.left)])
	f.left -= uint64(n)
	return n, err
}

// masked puts b into a binary frame with a mask of zeros.
func masked(b []byte) []byte {
	var h []byte
	switch n := len(b); {
	case n < 126:
		h = []byte{0x82, 0x80 | byte(n)}
	default:
		h = binary.BigEndian.AppendUint16([]byte{0x82, 0x80 | 126}, uint16(n))
	}
	return append(append(h, 0, 0, 0, 0), b...)
}
