package payload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMutations decodes seeded mutations of the vectors and compares all the verdicts, by a digest, with those in
// testdata/mutations.json. The browser's codec runs the same test against the same file, so that both give one verdict
// on every input. What follows defines the inputs bit for bit.
//
// Random numbers. State x is a 32-bit unsigned integer, at first the file's "seed". next():
//
//	x ^= x << 13; x ^= x >> 17 (logical); x ^= x << 5, each cut to 32 bits; the result is x.
//
// below(n) is next() modulo n, both unsigned. In an expression below is called from left to right as written here.
//
// Sources. The entries of vectors.json in the order of the file: im, notice, presence, malformed, each list in its order.
// Each has bytes (from "hex") and a kind.
//
// One mutation, repeated "count" times with the random numbers running on:
//
//  1. source = sources[below(number of sources)]; b = a copy of its bytes.
//  2. rounds = 1 + below(3). In each round op = below(8), and by op:
//     0 flip:      if b is not empty: p = below(len); b[p] ^= 1 << below(8)
//     1 set:       if b is not empty: p = below(len); b[p] = below(256)
//     2 special:   if b is not empty: p = below(len); b[p] = special[below(24)]
//     3 insert:    p = below(len + 1); v = below(256); v is inserted before place p
//     4 delete:    if b is not empty: p = below(len); the byte at p is removed
//     5 cut:       n = below(len + 1); b is cut to its first n bytes
//     6 repeat:    if b is not empty: p = below(len); n = 1 + below(min(8, len - p)); the n bytes from p are inserted before place p
//     7 lengthen:  if b has at least 10 bytes: size = the big-endian 32-bit integer at bytes 6 to 9; if size <= len - 10:
//     p = 10 + below(size + 1); v = special[below(24)]; size + 1 is written to bytes 6 to 9, and v inserted before place p
//     A condition that does not hold ends the round; no further number is drawn in it.
//  3. b is decoded as the source's kind.
//
// special is the 24 bytes, in hex: 00 01 09 0a 20 22 2c 2d 2e 30 31 3a 5b 5c 5d 65 75 7b 7d 7f 80 ed ef ff.
//
// Digest. FNV-1a of 32 bits: h = 2166136261 at first; for each byte fed, h = (h XOR byte) * 16777619, cut to 32 bits. For each
// mutation a byte is fed: 1 if b was taken, 0 if refused; if it was taken, the bytes that its value encodes to follow.
// "accepted" is how many were taken. "digests" are the values of h after each tenth of the mutations, as 8 hex digits;
// the first that differs shows where to look.
func TestMutations(t *testing.T) {
	type results struct {
		Seed     uint32
		Count    int
		Accepted int
		Digests  []string
	}
	var want results
	loadJSON(t, "testdata/mutations.json", &want)
	if want.Count < 100_000 {
		t.Fatalf("%d mutations are too few", want.Count)
	}
	f := loadVectors(t)
	sources := append(f.good(), f.Malformed...)
	x := random(want.Seed)
	h := uint32(2166136261)
	feed := func(b ...byte) {
		for _, c := range b {
			h = (h ^ uint32(c)) * 16777619
		}
	}
	got := results{Seed: want.Seed, Count: want.Count}
	for i := range want.Count {
		source := sources[x.below(len(sources))]
		b := x.mutate(source.bytes(t))
		out, _, err := recode(t, source.Kind, b)
		switch {
		case err != nil:
			feed(0)
		case !bytes.Equal(out, b):
			t.Fatalf("mutation %d: %x encodes back as %x", i, b, out)
		default:
			got.Accepted++
			feed(1)
			feed(out...)
		}
		if (i+1)%(want.Count/10) == 0 {
			got.Digests = append(got.Digests, fmt.Sprintf("%08x", h))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdicts differ: -want +got\n%s", diff)
	}
}

var special = []byte("\x00\x01\t\n \",-.01:[\\]eu{}\x7f\x80\xed\xef\xff")

type random uint32

func (x *random) below(n int) int {
	*x ^= *x << 13
	*x ^= *x >> 17
	*x ^= *x << 5
	return int(uint32(*x) % uint32(n))
}

func (x *random) mutate(b []byte) []byte {
	for range 1 + x.below(3) {
		op := x.below(8)
		if len(b) == 0 && (op < 3 || op == 4 || op == 6) {
			continue
		}
		switch op {
		case 0:
			p := x.below(len(b))
			b[p] ^= 1 << x.below(8)
		case 1:
			p := x.below(len(b))
			b[p] = byte(x.below(256))
		case 2:
			p := x.below(len(b))
			b[p] = special[x.below(len(special))]
		case 3:
			p := x.below(len(b) + 1)
			b = insert(b, p, byte(x.below(256)))
		case 4:
			p := x.below(len(b))
			b = append(b[:p], b[p+1:]...)
		case 5:
			b = b[:x.below(len(b)+1)]
		case 6:
			p := x.below(len(b))
			n := 1 + x.below(min(8, len(b)-p))
			b = insert(b, p, b[p:p+n]...)
		case 7:
			if len(b) < 10 {
				continue
			}
			size := binary.BigEndian.Uint32(b[6:])
			if uint64(size) > uint64(len(b)-10) {
				continue
			}
			p := 10 + x.below(int(size)+1)
			v := special[x.below(len(special))]
			binary.BigEndian.PutUint32(b[6:], size+1)
			b = insert(b, p, v)
		}
	}
	return b
}

func insert(b []byte, p int, more ...byte) []byte {
	out := append([]byte(nil), b[:p]...)
	out = append(out, more...)
	return append(out, b[p:]...)
}
