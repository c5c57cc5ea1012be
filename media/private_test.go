package media

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"magpie/server/chat"
)

// box is a box of ISO/IEC 14496-12.
func box(kind string, parts ...string) string {
	body := strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))) + kind + body
}

func film() string {
	return box("ftyp", "isom\x00\x00\x00\x00isom") + box("mdat", strings.Repeat("the film ", 100)) +
		box("moov", box("mvhd", "0123456789"), box("trak", box("tkhd", "abc"), box("udta", box("\xa9xyz", secret))), box("udta", box("\xa9xyz", secret)), box("meta", secret)) + box("uuid", secret)
}

// heic is a picture whose item 2 is EXIF and item 3 XMP.
func heic() string {
	infe := func(id byte, kind string) string {
		return box("infe", "\x02\x00\x00\x00\x00"+string(id)+"\x00\x00"+kind+"\x00")
	}
	data := "the picture " + secret + secret
	iloc := func(at int) string {
		b := []byte("\x01\x00\x00\x00\x44\x00\x00\x03")
		for i, part := range []int{len("the picture "), len(secret), len(secret)} {
			b = append(b, 0, byte(i+1), 0, 0, 0, 0, 0, 1)
			b = binary.BigEndian.AppendUint32(b, uint32(at))
			b = binary.BigEndian.AppendUint32(b, uint32(part))
			at += part
		}
		return box("iloc", string(b))
	}
	head := func(at int) string {
		return box("ftyp", "heic\x00\x00\x00\x00mif1heic") + box("meta", "\x00\x00\x00\x00"+box("iinf", "\x00\x00\x00\x00\x00\x03"+infe(1, "hvc1")+infe(2, "Exif")+infe(3, "mime"))+iloc(at)) + "\x00\x00\x00\x08free"
	}
	start := len(head(0)) + 8
	return head(start) + box("mdat", data)
}

func TestFilmsLosePlaces(t *testing.T) {
	l, _, _ := library(t)
	for name, b := range map[string]string{"film": film(), "heic": heic()} {
		for _, original := range []bool{false, true} {
			f, err := l.Add(t.Context(), "acme", "alice", chat.UploadFile{Name: name, Purpose: chat.ForMessage, Original: original}, strings.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			_, blob, err := l.Open(t.Context(), "acme", "alice", f.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			got := string(read(t, l.Store, blob.Key, 0))
			if original {
				if got != b {
					t.Errorf("%s: the original is another", name)
				}
				continue
			}
			if len(got) != len(b) || strings.Contains(got, "GPS") || strings.Contains(got, "2945") {
				t.Errorf("%s of %d bytes, was %d: %q", name, len(got), len(b), got)
			}
			for _, part := range []string{"the film the film", "mvhd0123456789", "the picture ", "hvc1"} {
				if strings.Contains(b, part) && !strings.Contains(got, part) {
					t.Errorf("%s has lost %q", name, part)
				}
			}
		}
	}
}

func TestBlankedInSmallReads(t *testing.T) {
	b := noise(1000)
	spans := []span{{from: 0, size: 3}, {from: 50, size: 20, kind: "free"}, {from: 500, size: 400}, {from: 990, size: 1000}}
	want := slices.Clone(b)
	for _, s := range spans {
		copy(want[s.from-int64(len(s.kind)):], s.kind)
		clear(want[s.from:min(s.from+s.size, 1000)])
	}
	for _, r := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b)), iotest.HalfReader(bytes.NewReader(b))} {
		if got, err := io.ReadAll(&blanked{r: r, spans: spans}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("other bytes: %v", err)
		}
	}
}

// FuzzPrivateSpans looks for panics, and for spans outside of the file or over one another.
func FuzzPrivateSpans(f *testing.F) {
	f.Add(film(), true)
	f.Add(heic(), false)
	f.Fuzz(func(t *testing.T, b string, isFilm bool) {
		mimeType := "image/heic"
		if isFilm {
			mimeType = "video/mp4"
		}
		end := int64(0)
		for _, s := range privateSpans(mimeType, strings.NewReader(b), int64(len(b))) {
			if s.from < end || s.size < 0 {
				t.Fatalf("span %+v after %d", s, end)
			}
			end = s.from + s.size
		}
	})
}
