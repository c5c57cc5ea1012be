package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// clientFrame is a masked frame as a client sends it.
func clientFrame(first byte, payload []byte) []byte {
	b := wsHeader(nil, 0, len(payload))
	b[0] = first
	b[1] |= 0x80
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, mask[:]...)
	for i, x := range payload {
		b = append(b, x^mask[i&3])
	}
	return b
}

func final(op byte, payload string) []byte { return clientFrame(0x80|op, []byte(payload)) }

// decoded is all that a decoder says about its input.
type decoded struct {
	data    []byte
	control []string
	err     error
}

// decodeAll decodes in in pieces of the lengths that next gives, until the input or its validity ends.
func decodeAll(in []byte, limit uint64, next func() int) decoded {
	var out decoded
	d := wsDecoder{limit: limit}
	for len(in) > 0 && out.err == nil {
		piece := bytes.Clone(in[:min(max(next(), 1), len(in))])
		in = in[len(piece):]
		var n int
		n, out.err = d.decode(piece, func(op byte, p []byte) error {
			out.control = append(out.control, fmt.Sprintf("%d:%x", op, p))
			if op == wsClose {
				_, err := checkClose(p)
				return err
			}
			return nil
		})
		out.data = append(out.data, piece[:n]...)
	}
	return out
}

func whole(in []byte) func() int { return func() int { return len(in) } }

func TestFramesInEveryPiece(t *testing.T) {
	var in []byte
	in = append(in, clientFrame(wsBinary, []byte("one "))...)
	in = append(in, final(wsPing, "in between")...)
	in = append(in, clientFrame(wsContinuation, nil)...)
	in = append(in, final(wsContinuation, "message. ")...)
	in = append(in, final(wsBinary, strings.Repeat("x", 126))...)
	in = append(in, final(wsPong, "")...)
	in = append(in, final(wsBinary, strings.Repeat("y", 1<<16))...)
	want := "one message. " + strings.Repeat("x", 126) + strings.Repeat("y", 1<<16)
	controls := fmt.Sprintf("[%d:%x %d:]", wsPing, "in between", wsPong)
	check := func(name string, got decoded) {
		t.Helper()
		if got.err != nil || string(got.data) != want || fmt.Sprint(got.control) != controls {
			t.Fatalf("%s: error %v, %d bytes, control frames %v", name, got.err, len(got.data), got.control)
		}
	}
	check("whole", decodeAll(in, 1<<20, whole(in)))
	for size := 1; size < 40; size++ {
		check(fmt.Sprint("pieces of ", size), decodeAll(in, 1<<20, func() int { return size }))
	}
	for cut := 1; cut < 400; cut++ {
		sizes := []int{cut, len(in)}
		check(fmt.Sprint("cut at ", cut), decodeAll(in, 1<<20, func() int { n := sizes[0]; sizes = sizes[1:]; return n }))
	}
}

func TestFrameBreaches(t *testing.T) {
	long := func(first byte, size uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{first, 0xff}, size), 1, 2, 3, 4)
	}
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"reserved bit 1", final(0x40|wsBinary, "a"), errWSReserved},
		{"reserved bit 2", final(0x20|wsBinary, "a"), errWSReserved},
		{"reserved bit 3", final(0x10|wsBinary, "a"), errWSReserved},
		{"reserved data opcode", final(3, "a"), errWSReserved},
		{"reserved control opcode", final(11, "a"), errWSReserved},
		{"unmasked", []byte{0x82, 1, 'a'}, errWSUnmasked},
		{"text", final(wsText, "a"), errWSText},
		{"text in fragments", clientFrame(wsText, []byte("a")), errWSText},
		{"continuation of nothing", final(wsContinuation, "a"), errWSFragment},
		{"new message within a message", append(clientFrame(wsBinary, []byte("a")), final(wsBinary, "a")...), errWSFragment},
		{"ping in fragments", clientFrame(wsPing, nil), errWSControl},
		{"ping above 125 bytes", final(wsPing, strings.Repeat("a", 126)), errWSControl},
		{"two bytes for a short length", []byte{0x82, 0xfe, 0, 125, 1, 2, 3, 4}, errWSLength},
		{"eight bytes for a short length", long(0x82, 0xffff), errWSLength},
		{"length with the highest bit", long(0x82, 1<<63), errWSLength},
		{"too large", long(0x82, 1<<20+1), errWSTooBig},
		{"close with one byte", final(wsClose, "a"), errWSCloseCode},
		{"close with code 999", final(wsClose, "\x03\xe7"), errWSCloseCode},
		{"close with code 1005", final(wsClose, "\x03\xed"), errWSCloseCode},
		{"close with code 5000", final(wsClose, "\x13\x88"), errWSCloseCode},
		{"close with invalid UTF-8", final(wsClose, "\x03\xe8\xff"), errWSCloseText},
		{"empty frames", bytes.Repeat(final(wsBinary, ""), maxEmptyFrames+1), errWSEmpty},
		{"empty fragments", append(clientFrame(wsBinary, nil), bytes.Repeat(clientFrame(wsContinuation, nil), maxEmptyFrames)...), errWSEmpty},
	} {
		in := append(final(wsBinary, "good"), c.in...)
		for _, size := range []int{len(in), 1} {
			got := decodeAll(in, 1<<20, func() int { return size })
			if !errors.Is(got.err, c.want) || !strings.HasPrefix(string(got.data), "good") {
				t.Errorf("%s, pieces of %d: error %v, data %q; want %v", c.name, size, got.err, got.data, c.want)
			}
		}
	}
	for _, in := range [][]byte{long(0x82, 1<<20), bytes.Repeat(append(bytes.Repeat(final(wsBinary, ""), maxEmptyFrames), final(wsBinary, "a")...), 3)} {
		if got := decodeAll(in, 1<<20, whole(in)); got.err != nil {
			t.Errorf("refused what is allowed: %v", got.err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(append(final(wsBinary, "abc"), final(wsPing, "p")...), uint64(1))
	f.Add(append(clientFrame(wsBinary, []byte("abc")), final(wsContinuation, strings.Repeat("d", 300))...), uint64(2))
	f.Add(final(wsClose, "\x03\xe8bye"), uint64(3))
	f.Add(append(final(wsBinary, ""), final(wsText, "t")...), uint64(4))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		const limit = 1 << 10
		want := decodeAll(in, limit, whole(in))
		r := rand.New(rand.NewPCG(seed, 1))
		most := 1 + r.IntN(20)
		got := decodeAll(in, limit, func() int { return 1 + r.IntN(most) })
		if !bytes.Equal(got.data, want.data) || fmt.Sprint(got.control) != fmt.Sprint(want.control) || got.err != want.err {
			t.Fatalf("in pieces %+v\nwhole     %+v", got, want)
		}
	})
}
