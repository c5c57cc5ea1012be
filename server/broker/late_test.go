package broker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
	"magpie/server/store"
)

// Notices on terminals are said in the order in which things happened, also while the store takes its time.
func TestTerminalNoticesKeepTheirOrder(t *testing.T) {
	const n = 200
	var mu sync.Mutex
	var got, want []string
	done, free := make(chan struct{}), make(chan struct{})
	l := later{to: func(a chat.Append) {
		if string(a.Payload) == "0" {
			<-free
		}
		mu.Lock()
		defer mu.Unlock()
		if got = append(got, string(a.Payload)); len(got) == n {
			close(done)
		}
	}}
	for i := range n {
		want = append(want, fmt.Sprint(i))
		l.append(chat.Append{Payload: []byte(fmt.Sprint(i))})
	}
	for range n {
		runtime.Gosched() // others would go ahead here
	}
	close(free)
	<-done
	if !slices.Equal(got, want) {
		t.Errorf("appended %v", got)
	}
}

// slow is a store some of whose answers wait for the test.
type slow struct {
	*store.Store
	late chan struct{} // a session that had to wait has been saved

	mu   sync.Mutex
	save func(*chat.Session) <-chan struct{} // says what to wait for before a session is saved, nil for nothing; guarded by mu
	user func()                              // called when a user has been read; guarded by mu
}

// slowDown sets what slows the store down from now on.
func (s *slow) slowDown(save func(*chat.Session) <-chan struct{}, user func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.save, s.user = save, user
}

func (s *slow) SaveSession(row *chat.Session, done func(error)) {
	s.mu.Lock()
	save := s.save
	s.mu.Unlock()
	if save != nil {
		if wait := save(row); wait != nil {
			go func() {
				<-wait
				s.Store.SaveSession(row, func(err error) {
					s.late <- struct{}{}
					done(err)
				})
			}()
			return
		}
	}
	s.Store.SaveSession(row, done)
}

func (s *slow) MayMessage(ctx context.Context, eid, from string, as chat.Role, to string) error {
	err := s.Store.MayMessage(ctx, eid, from, as, to)
	s.mu.Lock()
	read := s.user
	s.mu.Unlock()
	if read != nil {
		read()
	}
	return err
}

// anyone lets everybody in until refuse is set, and calls during once, while a password is verified.
type anyone struct {
	mu     sync.Mutex
	during func() // guarded by mu
	refuse bool   // guarded by mu
}

func (a *anyone) Connect(_ context.Context, eid, uid, _, _ string) (chat.Identity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuse {
		return chat.Identity{}, chat.Errorf(chat.Unauthenticated, "Wrong.")
	}
	if a.during != nil {
		a.during()
		a.during, a.refuse = nil, true
	}
	return chat.Identity{EID: eid, UID: uid, Terminal: chat.PC}, nil
}

// startSlow runs a broker over a store that the test slows down, with acme's ann and bo.
func startSlow(t *testing.T, wait time.Duration, auth *anyone) (*Broker, *slow, string) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: t.TempDir()})
	if err == nil {
		err = st.CreateOrg(ctx, chat.Org{EID: "acme", Name: "Acme"})
	}
	for _, uid := range []string{"ann", "bo"} {
		if err == nil {
			err = st.CreateUser(ctx, chat.User{EID: "acme", UID: uid, Name: uid}, "")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &slow{Store: st, late: make(chan struct{}, 10)}
	b, err := New(ctx, Options{Store: s, Auth: auth, Log: slog.New(slog.DiscardHandler), Limits: Limits{StoreWait: wait}})
	if err != nil {
		t.Fatal(err)
	}
	st.Observe(b)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go b.Serve(ln)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, s, ln.Addr().String()
}

// connect sends CONNECT for a session to be kept, and returns CONNACK's session present flag and reason.
func connect(t *testing.T, addr string) (nc net.Conn, present bool, reason byte) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Connect}, ProtocolVersion: 5, Connect: packets.ConnectParams{
		ProtocolName: []byte("MQTT"), ClientIdentifier: "c", UsernameFlag: true, Username: []byte("acme/ann"), PasswordFlag: true, Password: []byte("x")}}
	pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 600, true
	var buf bytes.Buffer
	if err := pk.ConnectEncode(&buf); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Write(buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 4)
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(nc, head); err != nil || head[0] != packets.Connack<<4 {
		t.Fatalf("CONNACK: % x, %v", head, err)
	}
	return nc, head[2] == 1, head[3]
}

// A session that was refused because the store took too long must not stay stored as a connected one: it would never end.
func TestRefusedSessionIsTakenBack(t *testing.T) {
	_, s, addr := startSlow(t, 300*time.Millisecond, &anyone{})
	var release chan struct{}
	held := make(chan struct{}, 10)
	slowly := func() (save func(*chat.Session) <-chan struct{}) {
		release = make(chan struct{})
		until := release
		return func(row *chat.Session) <-chan struct{} {
			if !row.Expires.IsZero() {
				return nil
			}
			held <- struct{}{}
			return until
		}
	}
	row := func() chat.Session {
		row, err := s.Session(context.Background(), "acme", "ann", "c")
		if err != nil && chat.CodeOf(err) != chat.NotFound {
			t.Fatal(err)
		}
		return row
	}
	settled := func(ok func(chat.Session) bool) {
		t.Helper()
		for end := time.Now().Add(patience); !ok(row()); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it stays stored as %+v", row())
			}
		}
	}
	// A busy machine may be slow by itself: then the client tries again.
	again := func() (nc net.Conn, present bool) {
		t.Helper()
		for range 100 {
			nc, present, reason := connect(t, addr)
			if reason == 0 {
				return nc, present
			}
		}
		t.Fatal("no connection is taken")
		return nil, false
	}
	s.slowDown(slowly(), nil)
	if _, _, reason := connect(t, addr); reason != packets.ErrServerUnavailable.Code {
		t.Fatalf("CONNACK %#x", reason)
	}
	<-held
	s.slowDown(nil, nil)
	close(release)
	<-s.late
	settled(func(r chat.Session) bool { return r.ID == 0 })
	nc, present := again()
	if present {
		t.Error("a session is present after a refused first connection")
	}
	id := row().ID
	nc.Close()
	settled(func(r chat.Session) bool { return !r.Expires.IsZero() })

	// One that was there before begins its time away again.
	s.slowDown(slowly(), nil)
	if _, _, reason := connect(t, addr); reason != packets.ErrServerUnavailable.Code {
		t.Fatalf("CONNACK %#x", reason)
	}
	<-held
	s.slowDown(nil, nil)
	close(release)
	<-s.late
	settled(func(r chat.Session) bool { return r.ID == id && !r.Expires.IsZero() })
	if _, present := again(); !present || row().ID != id {
		t.Error("the session is not present after a refused later connection")
	}
}

// Somebody who is disabled while a message looks whether it may be written to is not taken for known.
func TestDisabledWhileLookedUp(t *testing.T) {
	b, s, _ := startSlow(t, patience, &anyone{})
	ctx := context.Background()
	o, err := b.org(ctx, "acme")
	if err != nil {
		t.Fatal(err)
	}
	s.slowDown(nil, func() {
		s.slowDown(nil, nil)
		if err := s.SetDisabled(ctx, "acme", "bo", true); err != nil {
			t.Fatal(err)
		}
	})
	_ = b.mayWriteUser(o, nil, "ann", "bo") // was allowed when it was read
	if err := b.mayWriteUser(o, nil, "ann", "bo"); err == nil {
		t.Error("a disabled user may be written to")
	}
}

// The limit of what a client takes is of MQTT's packet, without what WebSocket puts around it.
func TestLargestPacketOverWebSocket(t *testing.T) {
	for _, size := range []int{10, 200, 70_000} {
		m := &message{topic: "t", payload: make([]byte, size)}
		plain := len(m.encode(true, false, 1, nil).b)
		for _, ws := range []bool{false, true} {
			f := m.encode(true, ws, 1, nil)
			if s := (&session{ws: ws, maxSize: plain}); !s.takes(f) {
				t.Errorf("%d bytes are not sent, WebSocket %v", plain, ws)
			}
			if s := (&session{ws: ws, maxSize: plain - 1}); s.takes(f) {
				t.Errorf("%d bytes are sent to who takes one less, WebSocket %v", plain, ws)
			}
		}
	}
}

// A password that is changed while it is verified opens no session, whether or not the organisation has been used before.
func TestPasswordChangedWhileConnecting(t *testing.T) {
	for _, used := range []bool{false, true} {
		auth := &anyone{}
		b, s, addr := startSlow(t, patience, auth)
		auth.mu.Lock()
		if used {
			if _, err := b.org(t.Context(), "acme"); err != nil {
				t.Fatal(err)
			}
		}
		auth.during = func() {
			if err := s.SetPassword(context.Background(), "acme", "ann", "another", ""); err != nil {
				t.Error(err)
			}
		}
		auth.mu.Unlock()
		if _, _, reason := connect(t, addr); reason != packets.ErrBadUsernameOrPassword.Code {
			t.Errorf("organisation in use %v: CONNACK %#x", used, reason)
		}
	}
}
