package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

func ptr[T any](v T) *T { return &v }

func TestOrgs(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, "")
	if !must(s.Empty(ctx))(t) || must(s.Setting(ctx, "setup"))(t) != "" {
		t.Fatal("a new store is not empty")
	}
	admin, org := chat.User{UID: "root", Name: "Root", Role: chat.System}, chat.Org{EID: "acme", Name: "Acme"}
	refused(t, s.CreateFirst(ctx, "", org, admin, "h"), chat.Forbidden)
	check(t, s.SetSetting(ctx, "setup", "hash"))
	refused(t, s.CreateFirst(ctx, "other", org, admin, "h"), chat.Forbidden)
	check(t, s.CreateFirst(ctx, "hash", org, admin, "h"))
	refused(t, s.CreateFirst(ctx, "hash", chat.Org{EID: "b"}, admin, "h"), chat.Forbidden) // once
	if must(s.Empty(ctx))(t) || must(s.User(ctx, "acme", "root"))(t).Role != chat.System {
		t.Error("the first administrator is not there")
	}
	refused(t, s.CreateOrg(ctx, org), chat.Conflict)
	org.Name, org.Settings.ContactApproval = "New", true
	check(t, s.UpdateOrg(ctx, org))
	org.Version, org.People = 2, 1
	if got := must(s.Org(ctx, "acme"))(t); got != org {
		t.Errorf("got %+v", got)
	}
	refused(t, s.UpdateOrg(ctx, chat.Org{EID: "nope"}), chat.NotFound)
	_, err := s.Org(ctx, "nope")
	refused(t, err, chat.NotFound)
	refused(t, s.CreateUser(ctx, chat.User{EID: "nope", UID: "x"}, ""), chat.NotFound)
}

func TestUsers(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	seen := &recorder{}
	s.Observe(seen)
	check(t, s.CreateUser(ctx, chat.User{EID: "acme", UID: "eve", Name: "Eve", Email: "Eve@Example.com", Department: "R&D"}, "secret"))
	for _, u := range []chat.User{{UID: "eve"}, {UID: "eve2", Email: "eve@example.COM"}} {
		u.EID = "acme"
		refused(t, s.CreateUser(ctx, u, ""), chat.Conflict)
	}
	for _, c := range []struct{ eid, name, uid string }{{"acme", "eve", "eve"}, {"acme", "EVE@example.com", "eve"}, {"acme", "EVE", ""}, {"acme", "", ""}, {"other", "eve", ""}, {"none", "eve", ""}} {
		u, hash, err := s.Credentials(ctx, c.eid, c.name)
		if c.uid == "" {
			refused(t, err, chat.NotFound)
		} else if err != nil || u.UID != c.uid || hash != "secret" {
			t.Errorf("%v: got %+v %q %v", c, u, hash, err)
		}
	}
	_, err := s.UpdateUser(ctx, "acme", "ann", chat.UserChange{Email: ptr("eve@example.com")})
	refused(t, err, chat.Conflict)
	_, err = s.UpdateUser(ctx, "other", "eve", chat.UserChange{Name: ptr("x")})
	refused(t, err, chat.NotFound)
	seen.take()
	u := must(s.UpdateUser(ctx, "acme", "eve", chat.UserChange{Name: ptr("Eva"), Role: ptr(chat.Admin)}))(t)
	must(s.UpdateUser(ctx, "acme", "eve", chat.UserChange{Name: ptr("Eva")}))(t) // nothing new: no event
	if got := seen.take(); u.Name != "Eva" || u.Role != chat.Admin || u.Department != "R&D" || !slices.Equal(got, []string{"u_role eve", "u_profile eve"}) {
		t.Errorf("got %+v, observed %q", u, got)
	}
	check(t, s.SetPresence(ctx, "acme", "eve", []byte{0x53}))
	if u := must(s.User(ctx, "acme", "eve"))(t); string(u.Presence) != "\x53" || u.Created.IsZero() {
		t.Errorf("got %+v", u)
	}
	if got := must(s.UsersByID(ctx, "acme", []string{"eve", "zed", "ann"}))(t); len(got) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, "")
	check(t, s.CreateOrg(ctx, chat.Org{EID: "acme"}))
	check(t, s.CreateOrg(ctx, chat.Org{EID: "other"}))
	for _, u := range []chat.User{
		{UID: "lihua", Name: "李华", Department: "工程部"}, {UID: "zq", Name: "曾强"}, {UID: "bob", Name: "Bob 100%", Title: "Head_of Sales"},
		{UID: "wide", Name: "ＣＡＲＯＬ"}, {UID: "gone", Name: "Gone", Disabled: true},
	} {
		u.EID = "acme"
		check(t, s.CreateUser(ctx, u, ""))
	}
	check(t, s.CreateUser(ctx, chat.User{EID: "other", UID: "x", Name: "李华"}, ""))
	department := must(s.Departments(ctx, "acme"))(t)[0].ID
	for q, want := range map[chat.UserQuery]string{
		{}:                                    "bob zq lihua wide",
		{Text: "lh"}:                          "lihua",
		{Text: "LIHUA"}:                       "lihua",
		{Text: "华"}:                           "lihua",
		{Text: "zq"}:                          "zq",
		{Text: "cq"}:                          "zq", // 曾 is Zeng as a name, ceng elsewhere
		{Text: "工程"}:                          "lihua",
		{Text: "carol"}:                       "wide",
		{Text: " bob "}:                       "bob",
		{Text: "%"}:                           "bob",
		{Text: "_of"}:                         "bob",
		{Text: "HEAD_o"}:                      "bob",
		{Text: "sales"}:                       "bob",
		{Text: "bob  1"}:                      "bob",
		{Text: "hua"}:                         "lihua",
		{Text: "d!o"}:                         "",
		{Text: "gone"}:                        "",
		{Department: department}:              "lihua",
		{Department: 99}:                      "",
		{Text: "bob", Department: department}: "",
		{Text: strings.Repeat("x", 1000)}:     "",
	} {
		var got []string
		for q.Limit = 3; ; {
			users, next, err := s.Users(ctx, "acme", q)
			check(t, err)
			for _, u := range users {
				got = append(got, u.UID)
			}
			if next == "" {
				break
			}
			q.Cursor = next
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%+v: got %q, want %q", q, got, want)
		}
	}
	_, _, err := s.Users(ctx, "acme", chat.UserQuery{Cursor: "nonsense"})
	refused(t, err, chat.Invalid)
}

func TestLogins(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	seen := &recorder{}
	s.Observe(seen)
	hash := "hash of ann"
	login := func(id string) {
		check(t, s.CreateLogin(ctx, chat.Login{ID: id, EID: "acme", UID: "ann", Terminal: chat.Phone, Agent: "A", Addr: "::1"}, hash, []byte(id+"1")))
	}
	gone := func(id string) {
		t.Helper()
		_, err := s.Login(ctx, id)
		refused(t, err, chat.NotFound)
	}
	login("a")
	login("b")
	login("c")
	if l := must(s.RotateRefresh(ctx, []byte("a1"), []byte("a2")))(t); l.ID != "a" || l.UID != "ann" || l.Terminal != chat.Phone {
		t.Errorf("got %+v", l)
	}
	must(s.RotateRefresh(ctx, []byte("a2"), []byte("a3")))(t)
	_, err := s.RotateRefresh(ctx, []byte("nonsense"), []byte("x"))
	refused(t, err, chat.Unauthenticated)
	must(s.Login(ctx, "a"))(t)
	for _, token := range []string{"a1", "a3"} { // the second use ends the login, and the newest token with it
		_, err = s.RotateRefresh(ctx, []byte(token), []byte("x"))
		refused(t, err, chat.Unauthenticated)
		gone("a")
	}
	refused(t, s.EndLogin(ctx, "acme", "bo", "b", "revoked"), chat.NotFound) // somebody else's
	check(t, s.SetPassword(ctx, "acme", "ann", "new", "b"))
	refused(t, s.CreateLogin(ctx, chat.Login{ID: "late", EID: "acme", UID: "ann"}, hash, []byte("late")), chat.Unauthenticated) // verified before the change
	hash = "new"
	gone("c")
	if got := must(s.Logins(ctx, "acme", "ann"))(t); len(got) != 1 || got[0].ID != "b" {
		t.Errorf("got %+v", got)
	}
	check(t, s.EndLogin(ctx, "acme", "ann", "b", "logout"))
	refused(t, s.EndLogin(ctx, "acme", "ann", "b", "logout"), chat.NotFound)
	login("d")
	check(t, s.SetDisabled(ctx, "acme", "ann", true))
	gone("d")
	refused(t, s.CreateLogin(ctx, chat.Login{ID: "e", EID: "acme", UID: "ann"}, hash, []byte("e1")), chat.Unauthenticated)
	check(t, s.SetDisabled(ctx, "acme", "ann", false))
	login("f")
	var why []string
	for _, ev := range seen.events {
		why = append(why, ev.Login+ev.Text)
	}
	if want := []string{"areuse", "password", "cpassword", "blogout", "", "disabled", "ddisabled", ""}; !slices.Equal(why, want) {
		t.Errorf("observed %q, want %q", why, want)
	}
}

func TestLoginsThatNobodyUses(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	seen := &recorder{}
	s.Observe(seen)
	login := func(id string) {
		check(t, s.CreateLogin(ctx, chat.Login{ID: id, EID: "acme", UID: "ann"}, "hash of ann", []byte(id+"1")))
	}
	age := func(id string, days int) {
		at := now() - int64(days)*24*3600*1000
		check(t, s.change(ctx, func(t *tx) error { return t.exec(`UPDATE logins SET seen = $1 WHERE id = $2`, at, id) }))
	}
	for _, id := range []string{"a", "b", "c"} {
		login(id)
	}
	must(s.RotateRefresh(ctx, []byte("c1"), []byte("c2")))(t)
	check(t, s.change(ctx, func(t *tx) error { return t.exec(`UPDATE refresh_tokens SET used = 1 WHERE used > 0`) })) // long ago
	must(s.RotateRefresh(ctx, []byte("c2"), []byte("c3")))(t)
	age("a", 91)
	age("b", 91)
	age("c", 89)
	_, err := s.Login(ctx, "a")
	refused(t, err, chat.NotFound)
	if list := must(s.Logins(ctx, "acme", "ann"))(t); len(list) != 1 || list[0].ID != "c" {
		t.Errorf("listed: %+v", list)
	}
	_, err = s.RotateRefresh(ctx, []byte("a1"), []byte("a2"))
	refused(t, err, chat.Unauthenticated)
	login("d") // ends the others that went unseen
	_, err = s.RotateRefresh(ctx, []byte("c1"), []byte("x"))
	refused(t, err, chat.Unauthenticated)
	_, err = s.Login(ctx, "c") // its token was used long ago, and that is still known
	refused(t, err, chat.NotFound)
	var why []string
	for _, ev := range seen.events {
		why = append(why, ev.Login+" "+ev.Text)
	}
	if want := []string{"a unseen", "b unseen", "c reuse"}; !slices.Equal(why, want) {
		t.Errorf("observed %q, want %q", why, want)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	save := func(x *chat.Session) error {
		done := make(chan error, 1)
		s.SaveSession(x, func(err error) { done <- err })
		return <-done
	}
	check(t, s.CreateLogin(ctx, chat.Login{ID: "l", EID: "acme", UID: "ann"}, "hash of ann", []byte("l")))
	later := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	a := &chat.Session{EID: "acme", UID: "ann", ClientID: "c", Terminal: chat.Web, LoginID: "l", Expiry: 4_000_000_000, State: []byte("1")}
	check(t, save(a))
	b := &chat.Session{EID: "acme", UID: "bo", ClientID: "c", Expires: later} // another user's client of that name
	check(t, save(b))
	if a.ID == 0 || b.ID == 0 || a.ID == b.ID {
		t.Fatalf("ids %d and %d", a.ID, b.ID)
	}
	a.Expires, a.State, a.App = later, []byte("2"), true
	check(t, save(a))
	got := must(s.Session(ctx, "acme", "ann", "c"))(t)
	if got.ID != a.ID || got.Terminal != chat.Web || got.LoginID != "l" || got.Expiry != 4_000_000_000 || !got.App || string(got.State) != "2" || !got.Expires.Equal(later) {
		t.Errorf("got %+v", got)
	}
	if ended := must(s.ExpireSessions(ctx, time.Now()))(t); len(ended) != 0 {
		t.Errorf("ended %+v", ended)
	}
	check(t, s.EndLogin(ctx, "acme", "ann", "l", "revoked")) // its session away goes with it
	if ended := must(s.ExpireSessions(ctx, time.Now()))(t); len(ended) != 1 || ended[0].ID != a.ID || string(ended[0].State) != "2" {
		t.Errorf("ended %+v", ended)
	}
	_, err := s.Session(ctx, "acme", "ann", "c")
	refused(t, err, chat.NotFound)
	done := make(chan error, 1)
	s.DeleteSession(b.ID, func(err error) { done <- err })
	check(t, <-done)
	if all := must(s.Sessions(ctx))(t); len(all) != 0 {
		t.Errorf("left %+v", all)
	}
	c := &chat.Session{EID: "acme", UID: "ann", ClientID: "c"}
	if check(t, save(c)); c.ID <= b.ID {
		t.Errorf("id %d is used again", c.ID)
	}
}

func TestContacts(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	seen := &recorder{}
	approval := func(on bool) {
		check(t, s.UpdateOrg(ctx, chat.Org{EID: "acme", Settings: chat.OrgSettings{ContactApproval: on}}))
	}
	s.Observe(seen)
	for i, c := range []struct {
		do      func() (bool, error)
		pending bool
		code    chat.Code
		events  string
	}{
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "ann", chat.Member, "bo", "") }, events: "c_add ann"},
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "ann", chat.Member, "bo", "") }},
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "ann", chat.Member, "ann", "") }, code: chat.Invalid},
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "ann", chat.Member, "zed", "") }, code: chat.NotFound},
		{do: func() (bool, error) { approval(true); return false, nil }, events: "org"},
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "bo", chat.Member, "ann", "") }, events: "c_add bo"}, // ann has bo already
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "ann", chat.Member, "cy", "hi") }, pending: true, events: "c_request ann"},
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "ann", chat.Member, "cy", "hi") }, pending: true},
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "cy", chat.Member, "ann", "") }, events: "c_add cy,c_add ann"},
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "di", chat.Member, "ann", "") }, pending: true, events: "c_request di"},
		{do: func() (bool, error) { return false, s.DeleteContact(ctx, "acme", "ann", "di") }}, // declined
		{do: func() (bool, error) { return s.PutContact(ctx, "acme", "ann", chat.Member, "di", "x") }, pending: true, events: "c_request ann"},
		{do: func() (bool, error) { return false, s.DeleteContact(ctx, "acme", "ann", "cy") }, events: "c_remove ann"},
		{do: func() (bool, error) { return false, s.DeleteContact(ctx, "acme", "ann", "cy") }},
	} {
		pending, err := c.do()
		if c.code != "" {
			refused(t, err, c.code)
			continue
		}
		if got := strings.Join(seen.take(), ","); err != nil || pending != c.pending || got != c.events {
			t.Errorf("step %d: pending %t, %v, observed %q, want %t, %q", i, pending, err, got, c.pending, c.events)
		}
	}
	for uid, want := range map[string]string{"ann": "bo", "bo": "ann", "cy": "ann", "di": ""} {
		var got []string
		for _, u := range must(s.Contacts(ctx, "acme", uid))(t) {
			got = append(got, u.UID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s has %q, want %q", uid, got, want)
		}
	}
	if got := must(s.ContactOf(ctx, "acme", "ann"))(t); !slices.Equal(got, []string{"bo", "cy"}) {
		t.Errorf("ann is a contact of %q", got)
	}
	if got := must(s.ContactRequests(ctx, "acme", "di"))(t); len(got) != 1 || got[0].UID != "ann" || got[0].Message != "x" {
		t.Errorf("di is asked by %+v", got)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	seen := &recorder{}
	s.Observe(seen)
	for _, ev := range must(s.Events(ctx, 100))(t) { // of the world's making
		check(t, s.FinishEvent(ctx, ev.ID, nil))
	}
	must(s.PutContact(ctx, "acme", "ann", chat.Member, "bo", ""))(t)
	must(s.PutContact(ctx, "acme", "ann", chat.Member, "cy", ""))(t)
	events := must(s.Events(ctx, 100))(t)
	if len(events) != 2 || events[0].Other != "bo" || events[1].Other != "cy" || events[0].EID != "acme" || events[0].ID >= events[1].ID || events[0].Time == 0 {
		t.Fatalf("got %+v", events)
	}
	seen.take()
	notice := func() []chat.Append {
		return []chat.Append{{Stream: chat.StreamRef{EID: "acme", Kind: chat.StreamUserNotice, Key: "ann"}, Payload: []byte("0000\x30{}")}}
	}
	for range 2 {
		check(t, s.FinishEvent(ctx, events[0].ID, notice()))
	}
	if got := seen.take(); !slices.Equal(got, []string{"ann 1"}) {
		t.Errorf("observed %q", got)
	}
	if left := must(s.Events(ctx, 100))(t); len(left) != 1 || left[0].ID != events[1].ID {
		t.Errorf("left %+v", left)
	}
}

// TestPasswordLinksEnd makes links that are good no more once the password, the role or the account's state has changed.
func TestPasswordLinksEnd(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	by := chat.Actor{EID: "acme", UID: "ann", Addr: "127.0.0.1"}
	must(s.UpdateUser(ctx, "acme", "ann", chat.UserChange{Role: ptr(chat.Admin)}))(t)
	update := func(c chat.AccountChange) error {
		a := must(s.Account(ctx, "acme", "bo"))(t)
		_, err := s.UpdateAccount(ctx, chat.Actor{EID: "acme", Addr: chat.ActorShell}, "bo", a.Version, c)
		return err
	}
	for what, change := range map[string]func() error{
		"a new password": func() error { return s.SetPassword(ctx, "acme", "bo", "another hash", "") },
		"a higher role": func() error {
			return update(chat.AccountChange{UserChange: chat.UserChange{Role: ptr(chat.System)}})
		},
		"a disabled account": func() error { return update(chat.AccountChange{Disabled: ptr(true)}) },
	} {
		check(t, update(chat.AccountChange{UserChange: chat.UserChange{Role: ptr(chat.Member)}, Disabled: ptr(false)}))
		hash := []byte(what)
		must(s.CreatePasswordLink(ctx, by, "bo", hash))(t)
		must(s.PasswordLink(ctx, hash))(t)
		check(t, change())
		if _, err := s.UsePasswordLink(ctx, hash, "hash of the link", "127.0.0.1"); chat.CodeOf(err) != chat.NotFound {
			t.Errorf("after %s: %v", what, err)
		}
	}
}

// TestNobodyIsTheShell lets an actor without a name, but with an address of the network, change nothing.
func TestNobodyIsTheShell(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	nobody := chat.Actor{EID: "acme", Addr: "192.0.2.1"}
	_, err := s.CreateAccount(ctx, nobody, chat.User{UID: "eve", Name: "Eve"}, nil, "")
	refused(t, err, chat.NotFound)
	_, err = s.MayImport(ctx, nobody)
	refused(t, err, chat.NotFound)
	must(s.CreateAccount(ctx, chat.Actor{EID: "acme", Addr: chat.ActorShell}, chat.User{UID: "eve", Name: "Eve"}, nil, ""))(t)
}
