package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	mqtt "github.com/eclipse/paho.mqtt.golang"

	"magpie/server/chat"
	"magpie/server/payload"
)

// pahoMessage is what a client library hands over.
type pahoMessage struct {
	topic    string
	payload  []byte
	qos      byte
	retained bool
	seq      string // version 5
	cid      string // version 5
}

// pahoClient is a client of either library.
type pahoClient interface {
	publish(m pahoMessage) (seq string, err error) // returns when it is acknowledged
	subscribe(filter string, qos byte) error
	leave()
}

// pahoOptions of a client.
type pahoOptions struct {
	url, id, user, token string
	kept                 bool
	will                 *pahoMessage
	in                   chan<- pahoMessage
}

// paho3 speaks MQTT 3.1.1.
type paho3 struct{ mqtt.Client }

func dialPaho3(t *testing.T, p pahoOptions) (pahoClient, bool) {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker(p.url).SetProtocolVersion(4).SetClientID(p.id).SetUsername(p.user).SetPassword(p.token).
		SetCleanSession(!p.kept).SetAutoReconnect(false).SetConnectTimeout(patience).SetOrderMatters(true)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		p.in <- pahoMessage{topic: m.Topic(), payload: m.Payload(), qos: m.Qos(), retained: m.Retained()}
	})
	if w := p.will; w != nil {
		o.SetBinaryWill(w.topic, w.payload, w.qos, w.retained)
	}
	c := mqtt.NewClient(o)
	token := c.Connect()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("connect to %s: %v", p.url, token.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return paho3{c}, token.(*mqtt.ConnectToken).SessionPresent()
}

func pahoWait(token mqtt.Token) error {
	if !token.WaitTimeout(patience) {
		return fmt.Errorf("no answer")
	}
	return token.Error()
}

func (c paho3) publish(m pahoMessage) (string, error) {
	return "", pahoWait(c.Publish(m.topic, m.qos, m.retained, m.payload))
}

func (c paho3) subscribe(filter string, qos byte) error {
	return pahoWait(c.Subscribe(filter, qos, nil))
}

func (c paho3) leave() { c.Disconnect(1000) }

// paho5 speaks MQTT 5.
type paho5 struct {
	t *testing.T
	*autopaho.ConnectionManager
}

func dialPaho5(t *testing.T, p pahoOptions) (pahoClient, bool) {
	t.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan bool, 1)
	failed := make(chan error, 1)
	o := autopaho.ClientConfig{ServerUrls: []*url.URL{u}, KeepAlive: 30, CleanStartOnInitialConnection: !p.kept,
		ConnectUsername: p.user, ConnectPassword: []byte(p.token),
		OnConnectionUp:   func(_ *autopaho.ConnectionManager, c *paho.Connack) { up <- c.SessionPresent },
		OnConnectionDown: func() bool { return false },
		OnConnectError: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
		ClientConfig: paho.ClientConfig{ClientID: p.id, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(r paho.PublishReceived) (bool, error) {
				m := pahoMessage{topic: r.Packet.Topic, payload: r.Packet.Payload, qos: r.Packet.QoS, retained: r.Packet.Retain}
				if r.Packet.Properties != nil {
					m.seq, m.cid = r.Packet.Properties.User.Get("seq"), string(r.Packet.Properties.CorrelationData)
				}
				p.in <- m
				return true, nil
			}}}}
	if p.kept {
		o.SessionExpiryInterval = 600
	}
	if w := p.will; w != nil {
		o.WillMessage = &paho.WillMessage{Topic: w.topic, Payload: w.payload, QoS: w.qos, Retain: w.retained}
	}
	c, err := autopaho.NewConnection(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case present := <-up:
		return paho5{t, c}, present
	case err := <-failed:
		t.Fatalf("connect to %s: %v", p.url, err)
	case <-time.After(patience):
		t.Fatalf("connect to %s: no answer", p.url)
	}
	return nil, false
}

func (c paho5) publish(m pahoMessage) (string, error) {
	p := &paho.Publish{Topic: m.topic, Payload: m.payload, QoS: m.qos, Retain: m.retained, Properties: &paho.PublishProperties{}}
	if m.cid != "" {
		p.Properties.CorrelationData = []byte(m.cid)
	}
	answer, err := c.Publish(c.t.Context(), p)
	if err != nil || answer == nil || answer.Properties == nil {
		return "", err
	}
	return answer.Properties.User.Get("seq"), nil
}

func (c paho5) subscribe(filter string, qos byte) error {
	_, err := c.Subscribe(c.t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: qos}}})
	return err
}

func (c paho5) leave() {
	_ = c.Disconnect(c.t.Context())
	<-c.Done()
}

// TestPaho has the client libraries of Eclipse Paho talk to the server at the addresses that the sign-in gives.
func TestPaho(t *testing.T) {
	for name, c := range map[string]struct {
		v    int
		ws   bool
		dial func(*testing.T, pahoOptions) (pahoClient, bool)
	}{
		"3.1.1 over TCP":       {4, false, dialPaho3},
		"3.1.1 over WebSocket": {4, true, dialPaho3},
		"5 over TCP":           {5, false, dialPaho5},
		"5 over WebSocket":     {5, true, dialPaho5},
	} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, nil)
			in := map[string]chan pahoMessage{}
			early := map[string][]pahoMessage{} // came before what the test waited for
			dial := func(uid, id string, kept bool, will *pahoMessage) (pahoClient, bool, string) {
				t.Helper()
				signIn := n.login(uid, "phone")
				at := signIn["mqtt"].(map[string]any)
				o := pahoOptions{url: at["tcp_url"].(string), id: id, user: at["username"].(string), token: signIn["access_token"].(string), kept: kept, will: will}
				if c.ws {
					o.url = at["url"].(string)
				}
				in[uid] = make(chan pahoMessage, 1000)
				o.in = in[uid]
				client, present := c.dial(t, o)
				return client, present, o.token
			}
			get := func(uid, topic string) pahoMessage {
				t.Helper()
				if i := slices.IndexFunc(early[uid], func(m pahoMessage) bool { return m.topic == topic }); i >= 0 {
					m := early[uid][i]
					early[uid] = slices.Delete(early[uid], i, i+1)
					return m
				}
				late := time.After(patience)
				for {
					select {
					case m := <-in[uid]:
						if m.topic == topic {
							return m
						}
						early[uid] = append(early[uid], m)
					case <-late:
						t.Fatalf("%s gets nothing on %s", uid, topic)
					}
				}
			}
			text := func(m pahoMessage) string {
				t.Helper()
				i, err := payload.DecodeIM(m.payload)
				if err != nil {
					t.Fatal(err)
				}
				return payload.Text(i)
			}
			do := func(client pahoClient, m pahoMessage) string {
				t.Helper()
				seq, err := client.publish(m)
				if err != nil {
					t.Fatalf("publish to %s: %v", m.topic, err)
				}
				return seq
			}
			subscribe := func(client pahoClient, filter string, qos byte) {
				t.Helper()
				if err := client.subscribe(filter, qos); err != nil {
					t.Fatalf("subscribe to %s: %v", filter, err)
				}
			}
			alice, _, _ := dial("alice", "a", false, nil)
			bob, _, _ := dial("bob", "b", true, nil)

			// One to one, and to a group.
			for i, topic := range []string{topicOf("im/u", "bob"), topicOf("im/g", "launch")} {
				words := fmt.Sprint("hello 你好 ", i)
				seq := do(alice, pahoMessage{topic: topic, payload: im(byte(i+1), "alice", words), qos: 1, cid: "paho-000" + fmt.Sprint(i)})
				m := get("bob", topic)
				if text(m) != words || m.qos != 1 || c.v == 5 && (seq == "" || m.seq != seq || m.cid != "paho-000"+fmt.Sprint(i)) {
					t.Errorf("sent %q with seq %q, came %+v", words, seq, m)
				}
			}

			// What comes while a kept session is away.
			bob.leave()
			var want, got []string
			for i := range 30 {
				want = append(want, fmt.Sprint("while away ", i))
				do(alice, pahoMessage{topic: topicOf("im/u", "bob"), payload: im(chat.IMPair, "alice", want[i]), qos: 1})
			}
			bob, present, _ := dial("bob", "b", true, nil)
			if !present {
				t.Error("the session is not present")
			}
			for range want {
				got = append(got, text(get("bob", topicOf("im/u", "bob"))))
			}
			if !slices.Equal(got, want) {
				t.Errorf("came %q", got)
			}

			// Channels: every QoS, and retained ones.
			subscribe(bob, appTopic("paho/#"), 2)
			for qos := range byte(3) {
				topic := appTopic(fmt.Sprint("paho/", qos))
				do(alice, pahoMessage{topic: topic, payload: []byte{'q', qos}, qos: qos})
				if m := get("bob", topic); m.qos != qos || string(m.payload) != string([]byte{'q', qos}) || m.retained {
					t.Errorf("sent at QoS %d, came %+v", qos, m)
				}
			}
			for qos := range byte(3) {
				topic := appTopic(fmt.Sprint("kept/", qos))
				do(alice, pahoMessage{topic: topic, payload: []byte{'r', qos}, qos: qos, retained: true})
			}
			// After the last one of the publisher, the others are stored as well.
			subscribe(bob, appTopic("kept/#"), 1)
			left := map[string]byte{appTopic("kept/0"): 0, appTopic("kept/1"): 1, appTopic("kept/2"): 1}
			for topic, qos := range left {
				if m := get("bob", topic); m.qos != qos || !m.retained {
					t.Errorf("retained: %+v", m)
				}
			}

			// A will: the server ends the connection.
			_, _, token := dial("carol", "c", false, &pahoMessage{topic: appTopic("paho/will"), payload: []byte("carol is gone"), qos: 1})
			if status, answer := n.call("POST", "/api/v1/auth/logout", token, nil); status != http.StatusNoContent {
				t.Fatalf("logout: %d %v", status, answer)
			}
			if m := get("bob", appTopic("paho/will")); string(m.payload) != "carol is gone" {
				t.Errorf("the will is %+v", m)
			}
			alice.leave()
			bob.leave()
		})
	}
}
