package payload

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"magpie/server/chat"

	"github.com/google/go-cmp/cmp"
)

func text(contents ...string) chat.IM {
	m := chat.IM{Type: chat.IMPair, Sender: "alice"}
	for _, c := range contents {
		m.Media = append(m.Media, chat.Medium{Type: chat.ContentText, Content: json.RawMessage(c)})
	}
	return m
}

func TestCheckTakesTheVectors(t *testing.T) {
	for _, v := range loadVectors(t).IM {
		m, err := DecodeIM(v.bytes(t))
		if err == nil {
			err = CheckIM(m, chat.MaxText)
		}
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("好", chat.MaxText)
	many := func(n int) string { return `["a"` + strings.Repeat(`,"a"`, n-1) + `]` }
	for _, test := range []struct {
		contentType byte
		content     string
		code        chat.Code // "" for taken
	}{
		{0x00, `{"co":"` + long + `"}`, ""},
		{0x00, `{"co":"` + long + `!"}`, chat.TooLarge},
		{0x00, `{}`, chat.Invalid},
		{0x00, `{"co":5}`, chat.Invalid},
		{0x00, `{"co":null}`, chat.Invalid},
		{0x00, `{"co":"x","CO":5}`, ""},
		{0x00, `{"co":5,"co":"x"}`, ""},
		{0x00, `{"co":"x","unknown":[1,{}]}`, ""},
		{0x00, `{"co":"x","re":1}`, ""},
		{0x00, `{"co":"x","re":0}`, chat.Invalid},
		{0x00, `{"co":"x","re":-1}`, chat.Invalid},
		{0x00, `{"co":"x","re":1.5}`, chat.Invalid},
		{0x00, `{"co":"x","re":9007199254740992}`, chat.Invalid},
		{0x00, `{"co":"x","re":"1"}`, chat.Invalid},
		{0x00, `{"co":"x","at":["bob","*"]}`, ""},
		{0x00, `{"co":"x","at":[]}`, ""},
		{0x00, `{"co":"x","at":` + many(200) + `}`, ""},
		{0x00, `{"co":"x","at":` + many(201) + `}`, chat.Invalid},
		{0x00, `{"co":"x","at":"bob"}`, chat.Invalid},
		{0x00, `{"co":"x","at":["a b"]}`, chat.Invalid},
		{0x00, `{"co":"x","fw":{"from":"bob"}}`, ""},
		{0x00, `{"co":"x","fw":"bob"}`, chat.Invalid},
		{0x00, `{"co":"x","fw":{"from":""}}`, chat.Invalid},
		{0x01, `{"co":"/a","w":1,"h":0,"ml":12}`, ""},
		{0x01, `{"co":"/a","w":-1}`, chat.Invalid},
		{0x01, `{"co":"/a","th":1}`, chat.Invalid},
		{0x04, `{"co":"/a","fn":"a.doc","ml":"12"}`, ""},
		{0x04, `{"co":"/a","ml":"12k"}`, chat.Invalid},
		{0x04, `{"co":"/a","ml":1.5}`, chat.Invalid},
		{0x04, `{"co":"/a","ml":true}`, chat.Invalid},
		{0x02, `{"co":"/a","si":1.5}`, ""},
		{0x02, `{"co":"/a","si":1e999}`, chat.Invalid},
		{0x10, `{"co":"here","la":-90,"lo":180}`, ""},
		{0x10, `{"co":"here","la":90.1}`, chat.Invalid},
		{0x10, `{"co":"here","lo":"1"}`, chat.Invalid},
		{0x7e, `{"co":5,"w":"any"}`, ""},
		{0x7e, `{"re":"x"}`, chat.Invalid},
	} {
		m := chat.IM{Type: chat.IMGroup, Sender: "alice", Media: []chat.Medium{{Type: test.contentType, Content: json.RawMessage(test.content)}}}
		err := CheckIM(m, chat.MaxText)
		if err == nil && test.code != "" || err != nil && chat.CodeOf(err) != test.code {
			t.Errorf("type %#02x %.60s: error %v, want code %q", test.contentType, test.content, err, test.code)
		}
	}
	if err := CheckIM(text(`{"co":"x"}`, `{"co":"y","re":"left alone","at":5}`), chat.MaxText); err != nil {
		t.Errorf("keys of the first medium are looked at in the second: %v", err)
	}
	if err := CheckIM(text(`{"co":"x"}`, `{"co":5}`), chat.MaxText); err == nil || !strings.Contains(err.Error(), "medium 2") {
		t.Errorf("error %v does not say which medium is wrong", err)
	}
	forged := text(`{"co":"x"}`)
	forged.Sender = ""
	if CheckIM(forged, chat.MaxText) == nil || CheckIM(text(), chat.MaxText) == nil {
		t.Error("a message without a sender or without media is taken")
	}
}

func TestMentionsAndText(t *testing.T) {
	for _, test := range []struct {
		m        chat.IM
		mentions []string
		text     string
	}{
		{text(`{"co":" two\n lines\t","at":["bob","*"]}`, `{"co":"more","at":["carol"]}`), []string{"bob", "*"}, "two lines more"},
		{text(`{"co":"x","at":"bob"}`), nil, "x"},
		{text(`{"co":5}`), nil, ""},
		{text(), nil, ""},
		{chat.IM{Media: []chat.Medium{{Type: chat.ContentImage, Content: json.RawMessage(`{"co":"/a"}`)}}}, nil, ""},
	} {
		name := fmt.Sprint(test.m)
		if diff := cmp.Diff(test.mentions, Mentions(test.m)); diff != "" {
			t.Errorf("%s: mentions -want +got\n%s", name, diff)
		}
		if got := Text(test.m); got != test.text {
			t.Errorf("%s: text %q, want %q", name, got, test.text)
		}
	}
}
