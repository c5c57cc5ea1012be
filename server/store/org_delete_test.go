package store

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

// count returns how many rows each table has.
func count(t *testing.T, s *Store) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range must(collect(t.Context(), s.read, scanString, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`))(t) {
		n := 0
		check(t, s.read.QueryRow(`SELECT COUNT(*) FROM `+table).Scan(&n))
		out[table] = n
	}
	return out
}

// addFile stores a file of a user, as an upload would.
func addFile(t *testing.T, s *Store, eid, uid, id, purpose string) {
	t.Helper()
	hash := sha256.Sum256([]byte(id))
	check(t, s.NoteKeys(t.Context(), time.Now().Add(time.Hour), "key-"+id))
	check(t, s.AddFile(t.Context(), chat.File{ID: id, EID: eid, UID: uid, Purpose: purpose, Name: id, Type: "image/png", Kind: chat.ContentImage,
		Blobs: []chat.Blob{{Type: "image/png", Key: "key-" + id, Hash: hash[:], Size: 100}}}, chat.Quota{}, ""))
}

// fill gives an organisation something in every table.
func fill(t *testing.T, s *Store, eid string) {
	t.Helper()
	ctx, by := t.Context(), chat.Actor{EID: eid, Addr: chat.ActorShell}
	check(t, s.CreateOrg(ctx, chat.Org{EID: eid, Name: "Gone"}))
	for _, uid := range []string{"ann", "bo", "cy"} {
		check(t, s.CreateUser(ctx, chat.User{EID: eid, UID: uid, Name: "Name of " + uid, Department: "Lab/Deep"}, "hash of "+uid))
	}
	for i := range 300 {
		say(t, s, chat.Append{Stream: chat.StreamRef{EID: eid, Kind: chat.StreamPair, Key: "ann:bo"}, Sender: "ann", Mentions: []string{"bo"}, CID: fmt.Appendf(nil, "%d", i)})
	}
	addFile(t, s, eid, "ann", eid+"-picture", chat.ForMessage)
	addFile(t, s, eid, "ann", eid+"-face", chat.ForAvatar)
	say(t, s, chat.Append{Stream: chat.StreamRef{EID: eid, Kind: chat.StreamPair, Key: "ann:cy"}, Sender: "ann", Files: []chat.FileRef{{Type: chat.ContentImage, File: eid + "-picture", Main: true}}})
	check(t, s.ClearConversation(ctx, eid, "bo", "u:ann", 4))
	check(t, s.ReportMessage(ctx, eid, "bo", "u:ann", 9, "rude"))
	check(t, s.CreateUpload(ctx, chat.Upload{ID: eid + "-up", EID: eid, UID: "ann", Key: "up-" + eid, Size: 9, Expires: time.Now().Add(time.Hour)}, time.Now().Add(time.Hour)))
	for _, gid := range []string{"g1", "g2"} {
		must(s.CreateGroup(ctx, eid, "ann", chat.Member, chat.Group{GID: gid, Name: gid, Join: chat.JoinApproval}, []string{"bo"}, gid))(t)
		check(t, s.CreateGroupLink(ctx, eid, gid, "ann", eid+gid, []byte(eid+gid), time.Now().Add(time.Hour)))
	}
	must(s.Join(ctx, eid, "g1", "cy", ""))(t)
	check(t, s.DissolveGroup(ctx, eid, "g2", "ann"))
	must(s.PutContact(ctx, eid, "ann", chat.Member, "bo", ""))(t)
	check(t, s.CreateLogin(ctx, chat.Login{ID: eid + "-login", EID: eid, UID: "ann"}, "hash of ann", []byte(eid)))
	saved := make(chan error, 1)
	s.SaveSession(&chat.Session{EID: eid, UID: "ann", ClientID: "c", LoginID: eid + "-login"}, func(err error) { saved <- err })
	check(t, <-saved)
	session := must(s.Session(ctx, eid, "ann", "c"))(t)
	say(t, s, chat.Append{Stream: chat.StreamRef{EID: eid, Kind: chat.StreamApp}, Topic: "a", Retain: true, Sender: "ann", Packet: &chat.PacketKey{Session: session.ID, PacketID: 7}})
	must(s.Announce(ctx, by, chat.Announcement{Title: "T", Text: "t"}, ""))(t)
	check(t, s.ReadAnnouncement(ctx, eid, "bo", latest(t, s, eid)))
	must(s.CreatePasswordLink(ctx, by, "cy", []byte("link of "+eid)))(t)
	check(t, s.SaveJob(ctx, chat.Job{ID: eid + "-job", By: by, Kind: chat.JobImport, State: chat.JobDone}))
	check(t, s.AddFigures(ctx, []chat.DayFigures{{EID: eid, Day: 1, Messages: 1}}))
	var stream int64
	check(t, s.read.QueryRow(`SELECT id FROM streams WHERE eid = $1 AND kind = 1 ORDER BY id`, eid).Scan(&stream))
	for _, table := range tablesOf(t, s, "eid") {
		invent(t, s, table, eid, "eid = '"+eid+"'", 0)
	}
	for _, table := range tablesOf(t, s, "stream") {
		// Packets are a session's and go with it; deliveries have a sweep of their own.
		if !slices.Contains(tablesOf(t, s, "eid"), table) && table != "packets" && table != "deliveries" {
			invent(t, s, table, eid, fmt.Sprint("stream = ", stream), stream)
		}
	}
}

// tablesOf returns the tables with a column: their rows are an organisation's, or belong to one of its conversations.
func tablesOf(t *testing.T, s *Store, column string) []string {
	t.Helper()
	return must(collect(t.Context(), s.read, scanString, `SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.name = $1 AND m.name NOT IN ('orgs', 'past_orgs') ORDER BY m.rowid`, column))(t)
}

// invent puts a row into a table that has none yet, by which one knows the organisation's: texts are the same everywhere, so that one row refers to another.
func invent(t *testing.T, s *Store, table, eid, by string, stream int64) {
	t.Helper()
	columns := must(collect(t.Context(), s.read, scanString, `SELECT name || ' ' || type FROM pragma_table_info($1)`, table))(t)
	var names, values []string
	for _, column := range columns {
		name, kind, _ := strings.Cut(column, " ")
		value := "'" + eid + "'"
		switch {
		case kind == "INTEGER": // it numbers itself
			continue
		case name == "stream" && stream > 0:
			value = fmt.Sprint(stream)
		case kind == "BIGINT":
			value = fmt.Sprint(1_000_000 + int(eid[0]))
		case name != "eid":
			value = "'" + eid + "-x'"
		}
		names, values = append(names, name), append(values, value)
	}
	check(t, s.change(t.Context(), func(t *tx) error {
		return t.exec(`INSERT INTO ` + table + ` (` + strings.Join(names, ", ") + `) SELECT ` + strings.Join(values, ", ") + ` WHERE NOT EXISTS (SELECT 1 FROM ` + table + ` WHERE ` + by + `)`)
	}))
}

func latest(t *testing.T, s *Store, eid string) int64 {
	t.Helper()
	list, _, err := s.Announcements(t.Context(), eid, "", 1)
	check(t, err)
	return list[0].ID
}

func TestDeletedOrganisationLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	check(t, s.CreateUser(ctx, chat.User{EID: "acme", UID: "root", Name: "Root", Role: chat.System}, "h"))
	fill(t, s, "twin") // has the same in every table, and loses nothing
	before := count(t, s)
	ids := func() map[string]bool {
		out := map[string]bool{}
		for _, key := range must(collect(ctx, s.read, scanString, `SELECT key FROM spare_keys WHERE due <= $1`, now()))(t) {
			out[key] = true
		}
		return out
	}
	fill(t, s, "gone")
	root := chat.Actor{EID: "acme", UID: "root", Addr: "10.0.0.1"}
	addFile(t, s, "gone", "ann", "logo", chat.ForAvatar)

	// Every table with a column for the organisation has something of it, so that what is left behind is seen.
	tables := tablesOf(t, s, "eid")
	rows := func(table string) (n int) {
		check(t, s.read.QueryRow(`SELECT COUNT(*) FROM `+table+` WHERE eid = 'gone'`).Scan(&n))
		return n
	}
	for _, table := range tables {
		if rows(table) == 0 {
			t.Errorf("fill puts nothing into %s", table)
		}
	}

	org := must(s.Org(ctx, "gone"))(t)
	refused(t, second(s.DoomOrg(ctx, root, "gone", org.Version+1)), chat.Changed)
	refused(t, second(s.DoomOrg(ctx, root, "acme", must(s.Org(ctx, "acme"))(t).Version)), chat.Conflict) // its own
	refused(t, second(s.DoomOrg(ctx, chat.Actor{Addr: chat.ActorShell}, "acme", must(s.Org(ctx, "acme"))(t).Version)), chat.Conflict)
	refused(t, second(s.DoomOrg(ctx, chat.Actor{EID: "acme", UID: "ann"}, "gone", org.Version)), chat.NotFound)

	org = must(s.DoomOrg(ctx, root, "gone", org.Version))(t)
	if !org.Closed() || org.Over(time.Now()) {
		t.Fatalf("a doomed organisation is open, or gone already: %+v", org)
	}
	if n := must(s.RemoveOrgs(ctx, time.Now().Add(chat.OrgDelay-time.Minute)))(t); n != 0 {
		t.Fatal("it is deleted before its time")
	}
	org = must(s.KeepOrg(ctx, root, "gone"))(t)
	if org.Closed() {
		t.Fatal("what is kept is closed")
	}
	must(s.DoomOrg(ctx, root, "gone", org.Version))(t)
	if n := must(s.RemoveOrgs(ctx, time.Now().Add(chat.OrgDelay+time.Minute)))(t); n != 1 {
		t.Fatalf("%d organisations were deleted", n)
	}

	for _, table := range tables {
		if n := rows(table); n > 0 && table != "events" { // that it is gone is told like any change
			t.Errorf("%d rows of %s are left: does orgTables have it?", n, table)
		}
	}
	after := count(t, s)
	for _, table := range slices.Sorted(maps.Keys(after)) {
		switch more := after[table] - before[table]; table {
		case "audit": // what was done stays with whoever did it
		case "events", "spare_keys": // what is still to be told, and to be removed from the media store
		case "past_apps": // looked at below
		case "past_orgs":
			if more != 1 {
				t.Error("nothing notes that the name was used")
			}
		default:
			if more != 0 {
				t.Errorf("%s has %+d rows", table, more)
			}
		}
	}
	for _, key := range []string{"key-gone-picture", "key-gone-face", "key-logo", "up-gone"} {
		if !ids()[key] {
			t.Errorf("the bytes under %s stay", key)
		}
	}
	if ids()["key-twin-picture"] {
		t.Error("somebody else's bytes go")
	}
	entries, _, err := s.Audit(ctx, "acme", chat.AuditQuery{Target: "gone"})
	check(t, err)
	var said []string
	for _, e := range entries {
		said = append(said, e.Action+" by "+e.Actor)
	}
	if got := strings.Join(said, ", "); got != "org.deleted by , org.delete by root, org.keep by root, org.delete by root" {
		t.Errorf("the system administrators' log says: %s", got)
	}

	// The ids of its apps are never used again, by nobody.
	_, err = s.CreateApp(ctx, chat.Actor{EID: "twin", Addr: chat.ActorShell}, chat.App{ID: "gone-x", Name: "Office"})
	refused(t, err, chat.Conflict)
	must(s.CreateApp(ctx, chat.Actor{EID: "twin", Addr: chat.ActorShell}, chat.App{ID: "gone-y", Name: "Office"}))(t)

	// Its name is never used again, and nothing can be said in it.
	refused(t, s.CreateOrg(ctx, chat.Org{EID: "gone", Name: "Again"}), chat.Conflict)
	if r := say(t, s, chat.Append{Stream: chat.StreamRef{EID: "gone", Kind: chat.StreamUserNotice, Key: "ann"}}); r.Err == nil {
		t.Error("a notice to nobody is stored")
	}
	if r := say(t, s, chat.Append{Stream: chat.StreamRef{EID: "gone", Kind: chat.StreamPair, Key: "ann:bo"}, Sender: "ann"}); r.Err == nil {
		t.Error("a message of nobody is stored")
	}
	if r := say(t, s, chat.Append{Stream: chat.StreamRef{EID: "twin", Kind: chat.StreamPair, Key: "ann:bo"}, Sender: "ann"}); r.Err != nil || r.Seq != 301 {
		t.Errorf("the other organisation goes on with %+v", r)
	}
}

func second[T any](_ T, err error) error { return err }

func TestLastOrganisationStays(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, "")
	shell := chat.Actor{Addr: chat.ActorShell}
	for _, eid := range []string{"one", "two"} {
		check(t, s.CreateOrg(ctx, chat.Org{EID: eid, Name: eid}))
	}
	must(s.DoomOrg(ctx, shell, "one", 1))(t)
	refused(t, second(s.DoomOrg(ctx, shell, "two", 1)), chat.Conflict)
	must(s.KeepOrg(ctx, shell, "one"))(t)
	must(s.DoomOrg(ctx, shell, "two", 1))(t)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), world(t)
	shell := chat.Actor{EID: "acme", Addr: chat.ActorShell}
	set := func(l chat.OrgLimits) {
		t.Helper()
		must(s.ChangeOrg(ctx, shell, "acme", must(s.Org(ctx, "acme"))(t).Version, chat.OrgChange{MaxPeople: &l.People, MaxGroups: &l.Groups, MaxStorage: &l.Storage}))(t)
	}
	state := func() string {
		o := must(s.Org(ctx, "acme"))(t)
		return fmt.Sprint(o.People, " people, ", o.Groups, " groups")
	}
	set(chat.OrgLimits{People: 5, Groups: 1})
	add := func(uid string) error { return s.CreateUser(ctx, chat.User{EID: "acme", UID: uid, Name: uid}, "") }
	check(t, add("ed"))
	refused(t, add("fay"), chat.Conflict)
	check(t, s.SetDisabled(ctx, "acme", "ed", true)) // makes room
	check(t, s.SetDisabled(ctx, "acme", "ed", true))
	check(t, add("fay"))
	refused(t, s.SetDisabled(ctx, "acme", "ed", false), chat.Conflict)

	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g1", Name: "G"}, []string{"bo"}, ""))(t)
	refused(t, second(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g2", Name: "G"}, []string{"bo"}, "")), chat.Conflict)
	check(t, s.DissolveAnyGroup(ctx, shell, "g1"))
	must(s.CreateGroup(ctx, "acme", "ann", chat.Member, chat.Group{GID: "g2", Name: "G"}, []string{"bo"}, ""))(t)
	refused(t, second(s.RestoreGroup(ctx, shell, "g1")), chat.Conflict)
	if got := state(); got != "5 people, 1 groups" {
		t.Error(got)
	}

	// A bound below what is there lets nobody go, and nobody in.
	set(chat.OrgLimits{People: 2})
	refused(t, add("gil"), chat.Conflict)
	must(s.RestoreGroup(ctx, shell, "g1"))(t)
	if got := state(); got != "5 people, 2 groups" {
		t.Error(got)
	}
	check(t, add2(s, "other"))
}

func add2(s *Store, eid string) error {
	return s.CreateUser(background, chat.User{EID: eid, UID: "gil", Name: "Gil"}, "")
}
