package main

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

func TestSignInRefused(t *testing.T) {
	n := startNode(t, nil)
	bob := n.token("bob")
	for name, c := range map[string]struct {
		o      dialOptions
		v3, v5 byte
	}{
		"rubbish":              {dialOptions{password: "rubbish"}, 4, 0x86},
		"account password":     {dialOptions{password: demoPassword}, 4, 0x86},
		"another user's token": {dialOptions{user: demoEID + "/alice", password: bob}, 5, 0x87},
		"another organisation": {dialOptions{user: "other/bob", password: bob}, 5, 0x87},
		"no organisation":      {dialOptions{user: "bob", password: bob}, 4, 0x86},
	} {
		for _, v := range []byte{4, 5} {
			c.o.v, c.o.clean, c.o.wantCode = v, true, c.v3
			if v == 5 {
				c.o.wantCode = c.v5
			}
			t.Run(name, func(t *testing.T) { n.dial("bob", c.o) })
		}
	}
	n.must("POST", "/api/v1/auth/logout", bob, nil)
	n.dial("bob", dialOptions{password: bob, clean: true, wantCode: 0x86})
}

func TestRefusedPublishes(t *testing.T) {
	n := startNode(t, nil)
	alice, bob := n.online("alice"), n.online("bob")
	group := im(chat.IMGroup, "bob", "x")
	for name, c := range map[string]struct {
		topic string
		body  []byte
		code  byte
	}{
		"forged sender":         {topicOf("im/u", "alice"), im(chat.IMPair, "carol", "x"), 0x87},
		"rubbish payload":       {topicOf("im/u", "alice"), []byte("rubbish"), 0x99},
		"wrong type":            {topicOf("im/u", "alice"), group, 0x99},
		"nobody":                {topicOf("im/u", "nobody"), im(chat.IMPair, "bob", "x"), 0x87},
		"no such group":         {topicOf("im/g", "none"), group, 0x87},
		"a group of others":     {topicOf("im/g", "secret"), group, 0x87},
		"another organisation":  {"/e/other/im/u/alice", im(chat.IMPair, "bob", "x"), 0x87},
		"notice":                {topicOf("notice/u", "alice"), []byte("\x00\x00\x00\x00\x28"), 0x87},
		"presence of another":   {topicOf("pres/u", "alice"), []byte{0x51}, 0x87},
		"bad presence":          {topicOf("pres/u", "bob"), []byte{0x50}, 0x99},
		"broker figures":        {"$SYS/broker/x", []byte("x"), 0x87},
		"wildcards":             {topicOf("im/u", "+"), im(chat.IMPair, "bob", "x"), 0x90},
		"outside the tree":      {"im/u/alice", []byte("x"), 0x87},
		"too long a text":       {topicOf("im/u", "alice"), im(chat.IMPair, "bob", strings.Repeat("字", chat.MaxText+1)), 0x99},
		"bytes after the value": {topicOf("im/u", "alice"), append(im(chat.IMPair, "bob", "x"), 0), 0x99},
	} {
		ack := bob.publish(c.topic, c.body, 1, nil)
		if ack.ReasonCode != c.code {
			t.Errorf("%s: reason %#x, want %#x", name, ack.ReasonCode, c.code)
		}
		if content := bob.notice(topicOf("notice/u", "bob"), chat.NoticeRefused); content["topic"] != c.topic || content["message"] == "" {
			t.Errorf("%s: notice %v", name, content)
		}
	}
	old, _ := n.dial("carol", dialOptions{v: 4, clean: true})
	if ack := old.publish(topicOf("im/u", "alice"), im(chat.IMPair, "bob", "x"), 1, nil); ack.ReasonCode != 0 {
		t.Errorf("3.1.1 is answered %#x", ack.ReasonCode)
	}
	old.notice(topicOf("notice/u", "carol"), chat.NoticeRefused)
	old.publish(topicOf("im/u", "alice"), []byte("x"), 0, nil)
	old.notice(topicOf("notice/u", "carol"), chat.NoticeRefused)

	bob.say("im/u", "alice", "good")
	if s := alice.text(topicOf("im/u", "alice")); s != "good" {
		t.Errorf("alice got %q", s)
	}
}

func TestSnooping(t *testing.T) {
	n := startNode(t, nil)
	spy, old := n.online("dave"), (*client)(nil)
	old, _ = n.dial("carol", dialOptions{v: 4, clean: true})
	for filter, want := range map[string]byte{
		"#": 0, "+/+/+/+/+/#": 0, "/e/demo/#": 0, "/e/demo/app/#": 0, "/e/+/im/u/+": 0, "/e/demo/pres/u/dave": 0, topicOf("im/u", "dave"): 0,
		"/e/demo/im/u/alice": 0x87, "/e/demo/notice/u/alice": 0x87, "/e/other/#": 0x87, "/e/other/app/#": 0x87, "$SYS/#": 0x87, "/e/demo/connect/new": 0x87,
		"/e/demo/im/g/none": 0x87, "/e/demo/typing/u/alice": 0x87, "$share/g/#/x": 0x8f, "a+": 0x8f, "": 0x8f, "$share//x": 0x8f, "$share/g//e/demo/im/u/dave": 0x87,
	} {
		if got := spy.subscribe(filter, 1); got != want && !(want == 0 && got <= 1) {
			t.Errorf("%q: granted %#x, want %#x", filter, got, want)
		}
		if got := old.subscribe(filter, 1); want != 0 && got != 0x80 {
			t.Errorf("%q: 3.1.1 granted %#x", filter, got)
		}
	}
	alice, bob := n.online("alice"), n.online("bob")
	alice.say("im/u", "bob", "private")
	bob.text(topicOf("im/u", "bob"))
	alice.publish(topicOf("typing/u", "bob"), nil, 0, nil)
	bob.message(topicOf("typing/u", "bob"))
	alice.publish(appTopic("open"), []byte("x"), 1, nil)
	spy.message(appTopic("open"))
	old.message(appTopic("open"))
	for _, x := range []*client{spy, old} {
		times := 0
		for _, pk := range x.kept {
			if pk.FixedHeader.Type != packets.Publish {
				continue
			}
			if !strings.HasSuffix(pk.TopicName, "/"+x.uid) && !strings.HasPrefix(pk.TopicName, "/e/demo/pres/") && !strings.Contains(pk.TopicName, "/notice/") {
				t.Errorf("%s reads %s", x.uid, pk.TopicName)
			}
			if pk.TopicName == appTopic("open") {
				times++
			}
		}
		if times > 0 {
			t.Errorf("%s got the message %d times more", x.uid, times)
		}
	}
}

// TestAnotherOrganisation has two organisations with users of the same names.
func TestAnotherOrganisation(t *testing.T) {
	n := startNode(t, nil)
	ctx := t.Context()
	demo, hash, err := n.store.Credentials(ctx, demoEID, "bob")
	if err != nil {
		t.Fatal(err)
	}
	demo.EID = "other"
	if err := n.store.CreateOrg(ctx, chat.Org{EID: "other", Name: "Other"}); err != nil {
		t.Fatal(err)
	}
	if err := n.store.CreateUser(ctx, demo, hash); err != nil {
		t.Fatal(err)
	}
	_, answer := n.call("POST", "/api/v1/auth/login", "", map[string]string{"org": "other", "username": "bob", "password": demoPassword})
	token := answer["access_token"].(string)
	theirs, _ := n.dial("bob", dialOptions{user: "other/bob", password: token, clean: true, id: "same"})
	ours, _ := n.dial("bob", dialOptions{clean: true, id: "same"})
	theirs.subscribe("#", 1)
	alice := n.online("alice")
	alice.say("im/u", "bob", "for ours")
	alice.publish(appTopic("x"), []byte("x"), 1, nil)
	ours.text(topicOf("im/u", "bob"))
	for _, topic := range []string{topicOf("im/u", "alice"), appTopic("x"), "/e/other/im/u/alice"} {
		if ack := theirs.publish(topic, im(chat.IMPair, "bob", "x"), 1, nil); ack.ReasonCode != 0x87 {
			t.Errorf("%s: %#x", topic, ack.ReasonCode)
		}
	}
	theirs.publish("/e/other/app/marker", []byte("m"), 1, nil)
	theirs.message("/e/other/app/marker")
	for _, pk := range theirs.kept {
		if strings.HasPrefix(pk.TopicName, "/e/demo") {
			t.Errorf("the other organisation reads %s", pk.TopicName)
		}
	}
}

func TestBrokenPackets(t *testing.T) {
	n := startNode(t, nil)
	alice := n.online("alice")
	token := n.token("bob")
	var connect bytes.Buffer
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}, ProtocolVersion: 5, Connect: packets.ConnectParams{
		ProtocolName: []byte("MQTT"), Clean: true, ClientIdentifier: "x", UsernameFlag: true, Username: []byte(demoEID + "/bob"), PasswordFlag: true, Password: []byte(token)}}
	if err := pk.ConnectEncode(&connect); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"truncated SUBSCRIBE":     {0x82, 6, 0, 1, 0, 0, 1, 'a'},
		"oversized packet":        append([]byte{0x32, 0x80, 0x80, 0x10}, bytes.Repeat([]byte{'x'}, 1000)...),
		"second CONNECT":          connect.Bytes(),
		"unknown property":        {0x32, 8, 0, 1, 'a', 0, 1, 2, 99, 1},
		"server's packet":         {0x20, 3, 0, 0, 0},
		"reserved type":           {0x00, 0},
		"PUBLISH without id":      {0x32, 6, 0, 1, 'a', 0, 0, 0},
		"unknown topic alias":     {0x32, 8, 0, 0, 0, 5, 3, 35, 0, 9},
		"topic alias too large":   {0x32, 8, 0, 0, 0, 5, 3, 35, 255, 9},
		"endless length":          {0x32, 0xff, 0xff, 0xff, 0xff, 0xff},
		"SUBSCRIBE without topic": {0x82, 3, 0, 1, 0},
		"AUTH":                    {0xf0, 2, 0x19, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x := &client{t: t, v: 5, in: make(chan packets.Packet, 100), ack: true}
			var err error
			if x.c, err = net.Dial("tcp", strings.TrimPrefix(n.addr["mqtt"], "tcp://")); err != nil {
				t.Fatal(err)
			}
			defer x.c.Close()
			if _, err := x.c.Write(connect.Bytes()); err != nil {
				t.Fatal(err)
			}
			go x.read()
			if ack, ok := x.take(packets.Connack); !ok || ack.ReasonCode != 0 {
				t.Fatalf("CONNACK %#x", ack.ReasonCode)
			}
			if _, err := x.c.Write(b); err != nil {
				t.Fatal(err)
			}
			if r := x.ended(); r < 0x80 {
				t.Errorf("the connection ends with reason %#x", r)
			}
		})
	}
	// A panic of the decoder, if there was one, took nobody else along.
	n.online("carol").say("im/u", "alice", "alive")
	alice.text(topicOf("im/u", "alice"))
}

func TestWebSocketRules(t *testing.T) {
	n := startNode(t, nil)
	url := strings.Replace(n.addr["http"], "http://", "ws://", 1) + "/mqtt"
	if _, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{"chat"}}); err == nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("another subprotocol: %v", err)
	}
	if _, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}}); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign origin: %v", err)
	}
	c, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Errorf("a text frame: %v", err)
	}
}

func TestPublishRate(t *testing.T) {
	n := startNode(t, func(c *Config) { c.LimitPublishRate, c.LimitPublishBurst = 1, 3 })
	bob, alice := n.online("bob"), n.online("alice")
	over := 0
	for range 8 {
		switch ack := bob.publish(topicOf("im/u", "alice"), im(chat.IMPair, "bob", "fast"), 1, nil); ack.ReasonCode {
		case 0x97:
			over++
		case 0:
			alice.text(topicOf("im/u", "alice"))
		default:
			t.Errorf("reason %#x", ack.ReasonCode)
		}
	}
	if over == 0 {
		t.Error("nothing was too fast")
	}
	bob.notice(topicOf("notice/u", "bob"), chat.NoticeRefused)
}

func TestDisabledAndSignedOut(t *testing.T) {
	n := startNode(t, nil)
	bob := n.online("bob")
	if err := n.store.SetDisabled(t.Context(), demoEID, "bob", true); err != nil {
		t.Fatal(err)
	}
	bob.notice(topicOf("notice/u", "bob"), chat.NoticeAdminOffline)
	if r := bob.ended(); r != 0x98 {
		t.Errorf("a disabled user's connection ends with %#x", r)
	}
	login := n.login("carol", "phone")
	token := login["access_token"].(string)
	carol, _ := n.dial("carol", dialOptions{password: token, id: "c", expiry: 600})
	n.must("POST", "/api/v1/auth/logout", token, nil)
	if r := carol.ended(); r != 0x98 {
		t.Errorf("a signed out device's connection ends with %#x", r)
	}
	n.until(func() bool {
		_, err := n.store.Session(t.Context(), demoEID, "carol", "c")
		return chat.CodeOf(err) == chat.NotFound
	})
}
