package broker

import (
	"encoding/json"
	"runtime"
	"strconv"
)

// announceConnect publishes /e/{eid}/connect/new to those who subscribe to it (docs/protocol.md §3).
func (b *Broker) announceConnect(s *session, to []*session) {
	if len(to) == 0 {
		return
	}
	body, _ := json.Marshal(struct {
		CID      string `json:"cid"`
		UID      string `json:"uid"`
		Terminal string `json:"terminal"`
	}{s.clientID, s.who.UID, s.terminal.String()}) // strings always encode
	for _, w := range to {
		w.org.mu.RLock()
		f := w.org.watch[w]
		w.org.mu.RUnlock()
		if f != nil {
			w.send(&message{topic: connectTopic(s.who.EID), payload: body, qos: min(f.QoS, 1)})
		}
	}
}

// Figures of the broker on $SYS, for system administrators.

func (b *Broker) watchFigures(s *session, f *filter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.figures[s] = f
}

func (b *Broker) unwatchFigures(s *session, f *filter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.figures[s] == f {
		delete(b.figures, s)
	}
}

func (b *Broker) figuresNow() map[string]string {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return map[string]string{
		"$SYS/broker/version":           b.opt.Version,
		"$SYS/broker/uptime":            strconv.FormatInt(int64(b.now().Sub(b.started).Seconds()), 10),
		"$SYS/broker/clients/connected": strconv.Itoa(b.Connected()),
		"$SYS/broker/heap/current":      strconv.FormatUint(mem.HeapAlloc, 10),
	}
}

// publishFigures sends the figures to all who follow them.
func (b *Broker) publishFigures() {
	b.mu.Lock()
	to := make(map[*session]*filter, len(b.figures))
	for s, f := range b.figures {
		to[s] = f
	}
	b.mu.Unlock()
	for s, f := range to {
		s.sendFigures(f)
	}
}

// sendFigures sends the figures that a subscription matches, if it is one that may have them.
func (s *session) sendFigures(f *filter) {
	s.b.mu.Lock()
	may := s.b.figures[s] == f
	s.b.mu.Unlock()
	if !may {
		return
	}
	for topic, value := range s.b.figuresNow() {
		if matches(f.Filter, topic) {
			s.send(&message{topic: topic, payload: []byte(value), retain: true})
		}
	}
}
