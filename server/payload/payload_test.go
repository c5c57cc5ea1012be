package payload

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"

	"github.com/google/go-cmp/cmp"
)

// vector is one entry of testdata/vectors.json: bytes, and what they mean or why they are refused.
type vector struct {
	Name  string
	Kind  string // "im", "notice" or "presence"
	Hex   string
	Value json.RawMessage
	Error string
}

func (v vector) bytes(t testing.TB) []byte {
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return b
}

type vectorFile struct {
	IM, Notice, Presence, Malformed []vector
}

func (f vectorFile) good() []vector {
	return append(append(append([]vector(nil), f.IM...), f.Notice...), f.Presence...)
}

func loadVectors(t testing.TB) vectorFile {
	t.Helper()
	var f vectorFile
	loadJSON(t, "testdata/vectors.json", &f)
	if len(f.IM) == 0 || len(f.Notice) == 0 || len(f.Presence) == 0 || len(f.Malformed) == 0 {
		t.Fatal("vectors.json lacks a part")
	}
	return f
}

func loadJSON(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// recode decodes b as a kind and encodes the outcome. err is the decoder's; a value that decodes
// and does not encode fails the test.
func recode(t testing.TB, kind string, b []byte) (out []byte, value any, err error) {
	t.Helper()
	var encodeErr error
	switch kind {
	case "im":
		var m chat.IM
		if m, err = DecodeIM(b); err == nil {
			out, encodeErr = EncodeIM(m)
		}
		value = m
	case "notice":
		var n chat.Notice
		if n, err = DecodeNotice(b); err == nil {
			out, encodeErr = EncodeNotice(n)
		}
		value = n
	case "presence":
		var p chat.Presence
		if p, err = DecodePresence(b); err == nil {
			out, encodeErr = EncodePresence(p)
		}
		value = p
	default:
		t.Fatalf("unknown kind %q", kind)
	}
	if encodeErr != nil {
		t.Fatalf("%s %x decodes but does not encode: %v", kind, b, encodeErr)
	}
	return out, value, err
}

func TestVectors(t *testing.T) {
	for _, v := range loadVectors(t).good() {
		b := v.bytes(t)
		out, value, err := recode(t, v.Kind, b)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if !bytes.Equal(out, b) {
			t.Errorf("%s: encodes to %x, came as %x", v.Name, out, b)
		}
		// Compared as JSON, in the shape that the file has, with keys in lower case.
		var got, want any
		js, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(js, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(v.Value, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, lowerKeys(got)); diff != "" {
			t.Errorf("%s: -want +got\n%s", v.Name, diff)
		}
	}
}

func lowerKeys(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for k, x := range m {
		out[strings.ToLower(k)] = x
	}
	return out
}

func TestMalformed(t *testing.T) {
	for _, v := range loadVectors(t).Malformed {
		_, _, err := recode(t, v.Kind, v.bytes(t))
		if chat.CodeOf(err) != chat.Invalid {
			t.Errorf("%s: error %v, want an invalid one", v.Name, err)
			continue
		}
		named := false
		for _, word := range strings.Split(v.Error, " or ") {
			named = named || strings.Contains(err.Error(), word)
		}
		if !named {
			t.Errorf("%s: error %q does not speak of %q", v.Name, err, v.Error)
		}
	}
}

// A presence with a context cut short is another presence, so that prefixes are refused of IM and notices alone.
func TestPrefixesAreRefused(t *testing.T) {
	f := loadVectors(t)
	for _, v := range append(f.IM, f.Notice...) {
		b := v.bytes(t)
		for n := range b {
			if _, _, err := recode(t, v.Kind, b[:n]); err == nil {
				t.Errorf("%s: its first %d bytes are taken", v.Name, n)
			}
		}
	}
}

func TestTrailingBytesAreRefused(t *testing.T) {
	f := loadVectors(t)
	for _, v := range append(f.IM, f.Notice...) {
		for c := range 256 {
			if _, _, err := recode(t, v.Kind, append(v.bytes(t), byte(c))); err == nil {
				t.Errorf("%s: taken with byte %#02x after it", v.Name, c)
			}
		}
	}
	for _, head := range []byte{0x51, 0x52, 0x53, 0x54, 0x6f} {
		if _, err := DecodePresence([]byte{head, 'x'}); err == nil {
			t.Errorf("basic presence %#02x is taken with a context", head)
		}
	}
}

func TestObjects(t *testing.T) {
	nest := func(n int) string {
		return strings.Repeat(`{"a":`, n-1) + `{}` + strings.Repeat(`}`, n-1)
	}
	for _, test := range []struct {
		name, content string
		ok            bool
	}{
		{"white space inside", "{ \"co\" :\t\"x\"\r\n}", true},
		{"repeated keys", `{"co":"x","co":"y"}`, true},
		{"lone surrogate escape", `{"co":"\ud800"}`, true},
		{"number beyond every float", `{"n":1e999}`, true},
		{"many digits", `{"n":123456789012345678901234567890}`, true},
		{"brackets in strings", `{"co":"` + strings.Repeat("[{", 40) + `"}`, true},
		{"escaped quotes", `{"co":"\"[\\"}`, true},
		{"32 deep", nest(32), true},
		{"33 deep", nest(33), false},
		{"33 deep with lists", `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}", false},
		{"white space before", ` {}`, false},
		{"white space after", "{}\n", false},
		{"two objects", `{}{}`, false},
		{"byte order mark", "\ufeff{}", false},
		{"comma at the end", `{"co":"x",}`, false},
		{"leading zero", `{"n":01}`, false},
		{"plus sign", `{"n":+1}`, false},
		{"NaN", `{"n":NaN}`, false},
		{"line feed in a string", "{\"co\":\"a\nb\"}", false},
		{"unknown escape", `{"co":"\x41"}`, false},
		{"surrogate in UTF-8", "{\"co\":\"\xed\xa0\x80\"}", false},
		{"overlong UTF-8", "{\"co\":\"\xc0\xaf\"}", false},
		{"no-break space between", "{\u00a0}", false},
	} {
		b, err := DecodeNotice(append([]byte{0, 0, 0, 0, 0x30}, test.content...))
		if (err == nil) != test.ok {
			t.Errorf("%s: error %v, want taken %t (%v)", test.name, err, test.ok, b)
		}
	}
}

func TestPresenceForms(t *testing.T) {
	taken := map[byte]bool{0x51: true, 0x52: true, 0x53: true, 0x54: true, 0x6f: true}
	detailed := map[byte]bool{0x91: true, 0x92: true, 0x93: true, 0x94: true, 0xaf: true}
	for c := range 256 {
		head := byte(c)
		if _, err := DecodePresence([]byte{head}); (err == nil) != taken[head] {
			t.Errorf("%#02x alone: error %v, want taken %t", head, err, taken[head])
		}
		if _, err := DecodePresence([]byte{head, 'x'}); (err == nil) != detailed[head] {
			t.Errorf("%#02x with a context: error %v, want taken %t", head, err, detailed[head])
		}
	}
	longest := strings.Repeat("é", chat.MaxPresenceContext/2)
	for context, ok := range map[string]bool{longest: true, longest + "x": false, "\xff": false} {
		_, err := DecodePresence(append([]byte{0x93}, context...))
		if (err == nil) != ok {
			t.Errorf("context of %d bytes: error %v, want taken %t", len(context), err, ok)
		}
	}
}

func TestEncodersRefuse(t *testing.T) {
	hello := []chat.Medium{{Type: chat.ContentText, Content: json.RawMessage(`{"co":"x"}`)}}
	for name, m := range map[string]chat.IM{
		"type":    {Type: 3, Media: hello, Sender: "a"},
		"media":   {Type: 1, Sender: "a"},
		"sender":  {Type: 1, Media: hello, Sender: "a b"},
		"content": {Type: 1, Media: []chat.Medium{{}}, Sender: "a"},
	} {
		if b, err := EncodeIM(m); err == nil {
			t.Errorf("wrong %s is written as %x", name, b)
		}
	}
	for _, n := range []chat.Notice{
		{Type: chat.NoticeForcedOffline, Content: json.RawMessage(`{}`)},
		{Type: chat.NoticeRead},
	} {
		if b, err := EncodeNotice(n); err == nil {
			t.Errorf("notice %#02x is written as %x", n.Type, b)
		}
	}
	if b, err := EncodePresence(chat.Presence{Type: 1, Flag: 1}); err == nil {
		t.Errorf("a presence of no status is written as %x", b)
	}
}

func TestStamp(t *testing.T) {
	b := []byte{9, 9, 9, 9, 0x28}
	Stamp(b, time.UnixMilli(1_700_000_000_999))
	if n, err := DecodeNotice(b); err != nil || n.TS != 1_700_000_000 || n.Type != chat.NoticeForcedOffline {
		t.Errorf("got %+v, %v", n, err)
	}
}

func FuzzIM(f *testing.F)       { fuzz(f, "im") }
func FuzzNotice(f *testing.F)   { fuzz(f, "notice") }
func FuzzPresence(f *testing.F) { fuzz(f, "presence") }

// fuzz holds a codec to its law: what decodes encodes to the same bytes.
func fuzz(f *testing.F, kind string) {
	file := loadVectors(f)
	for _, v := range append(file.good(), file.Malformed...) {
		if v.Kind == kind {
			f.Add(v.bytes(f))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, _, err := recode(t, kind, b)
		if err == nil && !bytes.Equal(out, b) {
			t.Errorf("%x encodes back as %x", b, out)
		}
	})
}
