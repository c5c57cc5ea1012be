package main

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"
)

// connectRaw signs in over a connection that nobody reads after CONNACK.
func (n *node) connectRaw(uid string, v byte) net.Conn {
	n.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.addr["mqtt"], "tcp://"))
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { conn.Close() })
	err = writePacket(conn, v, packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}, Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"),
		ClientIdentifier: "raw-" + uid, Clean: true, Keepalive: 600, UsernameFlag: true, Username: []byte(demoEID + "/" + uid), PasswordFlag: true, Password: []byte(n.token(uid))}})
	if err != nil {
		n.t.Fatal(err)
	}
	if pk, err := readPacket(conn, v); err != nil || pk.FixedHeader.Type != packets.Connack || pk.ReasonCode != 0 {
		n.t.Fatalf("%s: %v %v", uid, pk, err)
	}
	return conn
}

// readNumbers reads and acknowledges until count numbered messages have come on a topic, in their order.
func readNumbers(conn net.Conn, v byte, topic string, count int) error {
	for next := 0; next < count; {
		pk, err := readPacket(conn, v)
		if err != nil {
			return fmt.Errorf("before message %d: %w", next, err)
		}
		if pk.FixedHeader.Type != packets.Publish {
			continue
		}
		if pk.FixedHeader.Qos == 1 {
			if err := writePacket(conn, v, answer(packets.Puback, pk.PacketID)); err != nil {
				return err
			}
		}
		if pk.TopicName != topic {
			continue
		}
		// Not decoded: of 48 kB that takes the race detector longer than all else here.
		if !bytes.Contains(pk.Payload[:min(64, len(pk.Payload))], fmt.Appendf(nil, `"co":"%d `, next)) {
			return fmt.Errorf("%q comes in the place of %d", pk.Payload[:min(64, len(pk.Payload))], next)
		}
		next++
	}
	return nil
}

func liveHeap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestSlowReader has members of a group who do not read: the others get everything meanwhile, and the memory stays bounded.
func TestSlowReader(t *testing.T) {
	n := startNode(t, func(c *Config) { c.LimitPublishRate = 0 })
	const count = 420
	topic, filling := topicOf("im/g", "launch"), strings.Repeat("慢", 16000) // 48 kB
	type member struct {
		uid  string
		v    byte
		conn net.Conn
	}
	var slow, quick []*member
	for _, m := range []*member{{"dave", 5, nil}, {"erin", 4, nil}} {
		m.conn = n.connectRaw(m.uid, m.v)
		slow = append(slow, m)
	}
	for _, m := range []*member{{"bob", 5, nil}, {"carol", 4, nil}} {
		m.conn = n.connectRaw(m.uid, m.v)
		quick = append(quick, m)
	}
	alice := n.online("alice")
	before := liveHeap()
	results := make(chan error)
	read := func(list []*member) {
		for _, m := range list {
			go func() {
				err := readNumbers(m.conn, m.v, topic, count)
				if err != nil {
					err = fmt.Errorf("%s: %w", m.uid, err)
				}
				results <- err
			}()
		}
	}
	check := func(list []*member) {
		t.Helper()
		for range list {
			if err := <-results; err != nil {
				t.Fatal(err)
			}
		}
	}
	read(quick)
	for i := range count {
		alice.say("im/g", "launch", fmt.Sprint(i, " ", filling))
	}
	check(quick)
	grown := liveHeap() - before
	t.Logf("%d MB to each, %.1f MB more in use", count*len(filling)>>20, float64(grown)/(1<<20))
	if grown > 10<<20 {
		t.Errorf("%d bytes more are in use", grown)
	}
	read(slow)
	check(slow)
}
