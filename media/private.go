package media

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"
	"strings"
)

// span is a part of a file, whose bytes are to be zero. Where kind is given, that is written before it: the type of a box.
type span struct {
	from, size int64
	kind       string
}

// Most boxes that are looked at, however deep a file says that they lie.
const maxBoxes = 2000

// privateSpans finds what a camera has written about place, device and people into a film, or a picture that is kept as it is: in the files
// of ISO/IEC 14496-12, which HEIF and AVIF share. They keep their size, so that nothing else in them moves. What can't be read is
// left as it is.
func privateSpans(mimeType string, whole io.ReaderAt, size int64) []span {
	w := &boxWalk{file: whole, left: maxBoxes}
	switch {
	case slices.Contains(films, mimeType):
		w.film(0, size, "")
	case strings.HasPrefix(mimeType, "image/heic") || strings.HasPrefix(mimeType, "image/heif") || mimeType == "image/avif":
		w.boxes(0, size, func(kind string, _, from, to int64) {
			if kind == "meta" {
				w.items(from+4, to)
			}
		})
	}
	return merged(w.found)
}

// films are the types of films in boxes.
var films = []string{"video/mp4", "video/quicktime", "video/x-m4v", "video/3gpp", "video/3gpp2"}

// merged puts spans in order and those that overlap together, so that no file can have its bytes blanked again and again.
func merged(spans []span) (out []span) {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for _, s := range spans {
		if last := len(out) - 1; last >= 0 && s.from < out[last].from+out[last].size {
			out[last].size = max(out[last].size, s.from+s.size-out[last].from)
			continue
		}
		out = append(out, s)
	}
	return out
}

// boxWalk reads boxes.
type boxWalk struct {
	file  io.ReaderAt
	left  int
	found []span
}

// boxes calls f for each box from a place to another: its type, where it begins, and where its body begins and ends (§4.2).
func (w *boxWalk) boxes(at, end int64, f func(kind string, start, from, to int64)) {
	for at+8 <= end && w.left > 0 {
		w.left--
		h := w.read(at, 8)
		if h == nil {
			return
		}
		size, from := int64(binary.BigEndian.Uint32(h)), at+8
		switch size {
		case 0:
			size = end - at
		case 1:
			long := w.read(from, 8)
			if long == nil {
				return
			}
			size, from = int64(binary.BigEndian.Uint64(long)), from+8
		}
		if size < from-at || size > end-at {
			return
		}
		f(string(h[4:]), at, from, at+size)
		at += size
	}
}

func (w *boxWalk) read(at int64, n int) []byte {
	b := make([]byte, n)
	if _, err := w.file.ReadAt(b, at); err != nil {
		return nil
	}
	return b
}

// film blanks what users and devices have added to a film and its tracks: boxes udta and meta (§8.10, §8.11), and uuid, where XMP is.
func (w *boxWalk) film(at, end int64, inside string) {
	w.boxes(at, end, func(kind string, start, from, to int64) {
		switch {
		case kind == "moov" && inside == "", kind == "trak" && inside == "moov":
			w.film(from, to, kind)
		case kind == "udta", kind == "meta", kind == "uuid":
			if from == start+8 {
				w.found = append(w.found, span{from, to - from, "free"})
			}
		}
	})
}

// items blanks the items of a picture that hold EXIF or XMP: iinf says which they are (§8.11.6), iloc where they lie (§8.11.3).
func (w *boxWalk) items(at, end int64) {
	var private []uint32
	w.boxes(at, end, func(kind string, _, from, to int64) {
		if kind != "iinf" {
			return
		}
		head := w.read(from, 4)
		if head == nil {
			return
		}
		first := from + 6
		if head[0] > 0 {
			first = from + 8
		}
		w.boxes(first, to, func(kind string, _, from, to int64) {
			b := w.read(from, int(min(to-from, 64)))
			if kind != "infe" || len(b) < 12 || b[0] < 2 {
				return
			}
			id, rest := uint32(binary.BigEndian.Uint16(b[4:])), b[8:]
			if b[0] > 2 {
				if id, rest = binary.BigEndian.Uint32(b[4:]), b[10:]; len(rest) < 4 {
					return
				}
			}
			if item := string(rest[:4]); item == "Exif" || item == "mime" {
				private = append(private, id)
			}
		})
	})
	w.boxes(at, end, func(kind string, _, from, to int64) {
		if kind == "iloc" && to-from < 1<<20 {
			w.places(w.read(from, int(to-from)), private)
		}
	})
}

// places reads iloc.
func (w *boxWalk) places(b []byte, private []uint32) {
	if len(b) < 8 {
		return
	}
	version := b[0]
	offsetSize, lengthSize, baseSize, indexSize := int(b[4]>>4), int(b[4]&15), int(b[5]>>4), 0
	if version > 0 {
		indexSize = int(b[5] & 15)
	}
	ok := true
	b = b[6:]
	take := func(n int) (v uint64) {
		if n > 8 || n > len(b) {
			ok = false
			return 0
		}
		for _, x := range b[:n] {
			v = v<<8 | uint64(x)
		}
		b = b[n:]
		return v
	}
	wide := 2
	if version > 1 {
		wide = 4
	}
	for count := take(wide); count > 0 && ok; count-- {
		id, method := uint32(take(wide)), uint64(0)
		if version > 0 {
			method = take(2) & 15
		}
		take(2) // the file that holds it: 0 for this
		base := take(baseSize)
		for extents := take(2); extents > 0 && ok; extents-- {
			take(indexSize)
			offset, length := take(offsetSize), take(lengthSize)
			if ok && method == 0 && length > 0 && slices.Contains(private, id) && len(w.found) < maxBoxes && base+offset < 1<<62 && length < 1<<32 {
				w.found = append(w.found, span{from: int64(base + offset), size: int64(length)})
			}
		}
	}
}

// blanked reads r with the spans blanked.
type blanked struct {
	r     io.Reader
	at    int64
	spans []span
}

func (b *blanked) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	for _, s := range b.spans {
		// What of the span, and of its type before it, falls into what was read.
		for i := max(0, s.from-b.at); i < min(int64(n), s.from+s.size-b.at); i++ {
			p[i] = 0
		}
		for i := range s.kind {
			if at := s.from - int64(len(s.kind)) + int64(i) - b.at; at >= 0 && at < int64(n) {
				p[at] = s.kind[i]
			}
		}
	}
	b.at += int64(n)
	return n, err
}
