package payload

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

// parts reads "type content" parts.
func parts(list ...string) []chat.Medium {
	var media []chat.Medium
	for _, p := range list {
		var t byte
		kind, content, _ := strings.Cut(p, " ")
		fmt.Sscan(kind, &t)
		media = append(media, chat.Medium{Type: t, Content: []byte(content)})
	}
	return media
}

func TestEdit(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	const ed = `"ed":1700000000123`
	tests := []struct {
		name     string
		old, new []string
		want     []string // nil: nothing changes
		refused  string   // a part of what the author is told
	}{
		{"a text", []string{`0 {"co":"helo"}`}, []string{`0 {"co":"hello <all>"}`}, []string{`0 {"co":"hello <all>",` + ed + `}`}, ""},
		{"once more", []string{`0 {"co":"hello","ed":1699999999999}`}, []string{`0 {"co":"hello!"}`}, []string{`0 {"co":"hello!",` + ed + `}`}, ""},
		{"what it says already", []string{`0 {"re":3,"co":"hello","ed":1699999999999}`}, []string{`0 {"co":"hello"}`}, nil, ""},
		{"as it came from the server", []string{`0 {"co":"a","x":1.50}`}, []string{`0 {"x":1.50,"co":"a","ed":5}`}, nil, ""},
		{"what it answers and forwards stays", []string{`0 {"co":"a","re":3,"fw":{"from":"bob"},"at":["bob"]}`}, []string{`0 {"co":"b","re":4,"at":["*"]}`},
			[]string{`0 {"at":["*"],"co":"b",` + ed + `,"fw":{"from":"bob"},"re":3}`}, ""},
		{"a caption comes", []string{`1 {"co":"/media/a","re":3,"w":7}`, `15 {"co":"/media/b"}`}, []string{`0 {"co":"look"}`, `1 {"co":"/media/a"}`, `15 {"co":"/media/b"}`},
			[]string{`0 {"co":"look",` + ed + `,"re":3}`, `1 {"co":"/media/a","w":7}`, `15 {"co":"/media/b"}`}, ""},
		{"a caption goes", []string{`0 {"co":"look","at":["bob"]}`, `1 {"co":"/media/a","w":7}`}, []string{`1 {"co":"/media/a","fn":"other"}`},
			[]string{`1 {"co":"/media/a",` + ed + `,"w":7}`}, ""},
		{"another file", []string{`1 {"co":"/media/a"}`}, []string{`1 {"co":"/media/b"}`}, nil, "Only the texts"},
		{"another kind", []string{`1 {"co":"/media/a"}`}, []string{`3 {"co":"/media/a"}`}, nil, "Only the texts"},
		{"a file less", []string{`0 {"co":"x"}`, `1 {"co":"/media/a"}`}, []string{`0 {"co":"x"}`}, nil, "Only the texts"},
		{"a file more", []string{`0 {"co":"x"}`}, []string{`0 {"co":"x"}`, `1 {"co":"/media/a"}`}, nil, "Only the texts"},
		{"a text for a file", []string{`2 {"co":"/media/a"}`}, []string{`0 {"co":"x"}`}, nil, "Only the texts"},
		{"recalled", []string{`0 {"co":"","rc":"bob"}`}, []string{`0 {"co":"x"}`}, nil, "recalled"},
		{"forged recall", []string{`0 {"co":"x"}`}, []string{`0 {"co":"","rc":"bob"}`}, nil, "only the server"},
		{"too long", []string{`0 {"co":"x"}`}, []string{`0 {"co":"` + strings.Repeat("x", 101) + `"}`}, nil, "too long"},
		{"no JSON", []string{`0 {"co":"x"}`}, []string{`0 {"co":}`}, nil, "valid JSON"},
		{"as deep as a message may be", []string{`0 {"co":"x"}`}, []string{`0 {"co":"y","x":` + strings.Repeat("[", 29) + strings.Repeat("]", 29) + `}`}, nil, "too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := chat.IM{TS: 7, Type: chat.IMGroup, Sender: "alice", Media: parts(tt.old...)}
			b, err := EncodeIM(old)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Edit(b, parts(tt.new...), 100, at)
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Fatalf("refused with %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				if tt.want != nil {
					t.Fatal("nothing changes")
				}
				return
			}
			var have []string
			for _, m := range got.Media {
				have = append(have, fmt.Sprintf("%d %s", m.Type, m.Content))
			}
			if strings.Join(have, "\n") != strings.Join(tt.want, "\n") || got.TS != 7 || got.Sender != "alice" || !EditedAt(*got).Equal(at) {
				t.Errorf("it becomes\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(tt.want, "\n"))
			}
			if b, err = EncodeIM(*got); err != nil {
				t.Fatal(err)
			}
			if again, err := Edit(b, got.Media, 100, at.Add(time.Second)); err != nil || again != nil {
				t.Errorf("once more it becomes %v, %v", again, err)
			}
		})
	}
}
