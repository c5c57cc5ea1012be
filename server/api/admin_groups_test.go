package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"magpie/server/chat"
)

func (w *world) membersOf(gid string) string {
	w.t.Helper()
	var out []string
	for _, i := range w.want(200, "acme/alice", "GET", admin+"/groups/"+gid+"/members", nil).items() {
		m := i.(map[string]any)
		out = append(out, fmt.Sprintf("%v:%v", m["uid"], m["role"]))
	}
	return strings.Join(out, " ")
}

func TestAdminGroups(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	g := w.want(201, a, "POST", admin+"/groups", map[string]any{"name": "Team", "owner": "bob", "members": []string{"carol"}})
	gid := g.body["gid"].(string)
	if g.body["owner"] != "bob" || g.body["version"] != 1.0 || w.membersOf(gid) != "bob:owner carol:member" {
		t.Errorf("made %s, %s", g.raw, w.membersOf(gid))
	}
	w.want(404, a, "GET", "/api/v1/groups/"+gid, nil) // to administer is not to be in it
	for field, body := range map[string]map[string]any{"owner": {"name": "x", "owner": "eve"}, "members": {"name": "x", "owner": "bob", "members": []string{"eve"}}, "follows": {"name": "x", "owner": "bob", "follows": "99"}} {
		if r := w.want(422, a, "POST", admin+"/groups", body); r.field("codes."+field) != "nobody" {
			t.Errorf("%s: %s", field, r.raw)
		}
	}
	w.want(200, a, "PATCH", admin+"/groups/"+gid, map[string]any{"name": "Crew", "muted_all": true}, match(1))
	if r := w.want(412, a, "PATCH", admin+"/groups/"+gid, map[string]any{"name": "Gang"}, match(1)); r.field("current.name") != "Crew" {
		t.Errorf("told %s", r.raw)
	}
	w.want(403, "acme/carol", "POST", "/api/v1/conversations/g:"+gid+"/messages", textMessage("hi"))
	w.want(200, a, "POST", admin+"/groups/"+gid+"/members", map[string]any{"uids": []string{"dave", "carol"}})
	w.want(409, a, "DELETE", admin+"/groups/"+gid+"/members/bob", nil)
	w.want(409, a, "PATCH", admin+"/groups/"+gid+"/members/bob", map[string]any{"role": "member"})
	w.want(204, a, "PATCH", admin+"/groups/"+gid+"/members/carol", map[string]any{"role": "owner"})
	w.want(204, a, "DELETE", admin+"/groups/"+gid+"/members/dave", nil)
	if got := w.membersOf(gid); got != "carol:owner bob:admin" {
		t.Errorf("members %s", got)
	}
	w.say("acme/carol", "g:"+gid, "kept")
	w.want(204, a, "DELETE", admin+"/groups/"+gid, nil)
	w.want(404, "acme/carol", "GET", "/api/v1/groups/"+gid, nil)
	if n := len(w.want(200, a, "GET", admin+"/groups", nil).items()); n != 0 {
		t.Errorf("%d groups", n)
	}
	if items := w.want(200, a, "GET", admin+"/groups?state=dissolved", nil).items(); len(items) != 1 || items[0].(map[string]any)["dissolved"] == nil {
		t.Errorf("dissolved %v", items)
	}
	w.want(200, a, "POST", admin+"/groups/"+gid+"/restore", nil)
	w.want(409, a, "POST", admin+"/groups/"+gid+"/restore", nil)
	if got := w.membersOf(gid); got != "carol:owner bob:admin" {
		t.Errorf("restored members %s", got)
	}
	if raw := w.want(200, "acme/bob", "GET", "/api/v1/conversations/g:"+gid+"/messages", nil).raw; !strings.Contains(raw, "kept") {
		t.Errorf("history %s", raw)
	}
	if items := w.want(200, a, "GET", admin+"/groups?q=rew", nil).items(); len(items) != 1 {
		t.Errorf("found %v", items)
	}
	if n := len(w.want(200, a, "GET", admin+"/audit?target="+gid, nil).items()); n != 7 {
		t.Errorf("%d audit entries", n)
	}
}

// TestSuccessor disables the owner of groups, which somebody else takes over: neither a program nor somebody who is disabled.
func TestSuccessor(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	for _, name := range []string{"Team", "Crew"} {
		w.want(201, "acme/bob", "POST", "/api/v1/groups", map[string]any{"name": name, "members": []string{"carol", "bot"}})
	}
	bob := w.want(200, a, "GET", admin+"/users/bob", nil)
	owns := bob.body["owns"].([]any)
	if len(owns) != 2 || owns[0].(map[string]any)["name"] != "Crew" {
		t.Fatalf("owns %v", owns)
	}
	gid := owns[0].(map[string]any)["gid"].(string)
	w.want(200, a, "PATCH", admin+"/users/carol", map[string]any{"disabled": true}, match(1))
	for _, uid := range []string{"carol", "bot"} {
		w.want(422, "acme/bob", "PATCH", "/api/v1/groups/"+gid+"/members/"+uid, map[string]any{"role": "owner"})
		w.want(422, a, "PATCH", admin+"/groups/"+gid+"/members/"+uid, map[string]any{"role": "owner"})
		w.want(422, a, "PATCH", admin+"/users/bob", map[string]any{"disabled": true, "successor": uid}, match(1))
	}
	if r := w.want(409, a, "PATCH", admin+"/users/bob", map[string]any{"disabled": true}, match(1)); r.body["type"] != "/problems/owns-groups" || !strings.Contains(r.raw, "Crew, Team") {
		t.Errorf("told %s", r.raw)
	}
	if r := w.want(200, a, "PATCH", admin+"/users/bob", map[string]any{"disabled": true, "successor": "dave"}, match(1)); r.body["disabled"] != true || r.body["owns"] != nil {
		t.Errorf("disabled %s", r.raw)
	}
	if got := w.membersOf(gid); got != "dave:owner bob:admin bot:member carol:member" {
		t.Errorf("members %s", got)
	}
	if r := w.want(200, a, "GET", admin+"/groups/"+gid, nil); r.body["owner"] != "dave" {
		t.Errorf("group %s", r.raw)
	}
	w.want(200, "acme/dave", "PATCH", "/api/v1/groups/"+gid, map[string]any{"name": "Gang"})
}

// TestRestoredByItsOwner brings a group back as who owned it, nobody else, and with its mutes.
func TestRestoredByItsOwner(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.want(201, "acme/bob", "POST", "/api/v1/groups", map[string]any{"name": "Team", "members": []string{"carol", "dave"}}).body["gid"].(string)
	at := "/api/v1/groups/" + gid
	until := map[string]any{"muted_until": time.Now().Add(time.Hour)}
	w.want(204, "acme/bob", "PATCH", at+"/members/carol", until)
	w.want(204, "acme/alice", "PATCH", admin+"/groups/"+gid+"/members/bob", until)
	w.want(409, "acme/bob", "POST", at+"/restore", nil)
	w.want(204, "acme/bob", "DELETE", at, nil)
	w.want(404, "acme/carol", "POST", at+"/restore", nil)
	for who, want := range map[string]int{"acme/bob": 1, "acme/carol": 0} {
		if n := len(w.want(200, who, "GET", "/api/v1/groups?state=dissolved", nil).items()); n != want {
			t.Errorf("%s may restore %d", who, n)
		}
	}
	w.want(200, "acme/bob", "POST", at+"/restore", nil)
	if got := w.membersOf(gid); got != "bob:owner carol:member dave:member" {
		t.Errorf("members %s", got)
	}
	for who, want := range map[string]int{"acme/bob": 403, "acme/carol": 403, "acme/dave": 201} {
		w.want(want, who, "POST", "/api/v1/conversations/g:"+gid+"/messages", textMessage("hi"))
	}
}

// TestDepthOfTheTree moves departments until the tree has as many levels as it may have.
func TestDepthOfTheTree(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	department := func(status int, name, parent string) string {
		id, _ := w.want(status, a, "POST", admin+"/departments", map[string]any{"name": name, "parent": parent}).body["id"].(string)
		return id
	}
	chain := func(name string, n int) (first, last string) {
		for i := range n {
			last = department(201, fmt.Sprint(name, i), last)
			if i == 0 {
				first = last
			}
		}
		return first, last
	}
	_, deep := chain("a", chat.MaxDepartmentLevels-2)
	two, twoEnd := chain("b", 2)
	three, _ := chain("c", 3)
	w.want(422, a, "PATCH", admin+"/departments/"+three, map[string]any{"parent": deep}, match(1))
	w.want(200, a, "PATCH", admin+"/departments/"+two, map[string]any{"parent": deep}, match(1))
	department(422, "beyond", twoEnd)
	version := w.want(200, a, "PATCH", admin+"/departments/"+twoEnd, map[string]any{"name": "named anew"}, match(1)).body["version"]
	w.want(200, a, "PATCH", admin+"/departments/"+twoEnd, map[string]any{"parent": ""}, match(version))
}

// TestFollowedDepartmentGoes deletes a department that a group follows: the group stays, and the audit log says so.
func TestFollowedDepartmentGoes(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	eng := w.want(201, a, "POST", admin+"/departments", map[string]any{"name": "Engineering"}).body["id"].(string)
	w.want(200, a, "PATCH", admin+"/users/bob", map[string]any{"departments": []string{eng}}, match(1))
	gid := w.want(201, a, "POST", admin+"/groups", map[string]any{"name": "All of it", "owner": "alice", "follows": eng}).body["gid"].(string)
	if items := w.want(200, a, "GET", admin+"/departments/"+eng+"/groups", nil).items(); len(items) != 1 || items[0].(map[string]any)["name"] != "All of it" {
		t.Errorf("followed by %v", items)
	}
	w.want(204, a, "DELETE", admin+"/departments/"+eng, nil, match(1))
	if g := w.want(200, a, "GET", admin+"/groups/"+gid, nil); g.body["follows"] != "" || w.membersOf(gid) != "alice:owner bob:member" {
		t.Errorf("%s %s", g.raw, w.membersOf(gid))
	}
	if items := w.want(200, a, "GET", admin+"/audit?action=group.change&target="+gid, nil).items(); len(items) != 1 {
		t.Errorf("audited %v", items)
	}
	events, err := w.store.Events(t.Context(), 1000)
	must(t, err)
	if !slices.ContainsFunc(events, func(e chat.Event) bool {
		return e.Type == chat.EventGroupData && e.GID == gid && slices.Contains(e.Changed, "by_department")
	}) {
		t.Error("its members are not told")
	}
}

// TestRepeatedForms sends forms again whose answers were lost.
func TestRepeatedForms(t *testing.T) {
	w := newWorld(t, nil)
	eng := w.want(201, "acme/alice", "POST", admin+"/departments", map[string]any{"name": "Engineering"}).body["id"].(string)
	for _, uid := range []string{"bob", "bot"} {
		w.want(200, "acme/alice", "PATCH", admin+"/users/"+uid, map[string]any{"departments": []string{eng}}, match(1))
	}
	for path, body := range map[string]map[string]any{
		"/announcements": {"title": "News", "text": "x", "departments": []string{eng}},
		"/groups":        {"name": "Team", "owner": "bob", "members": []string{"carol"}},
	} {
		id := map[string]string{"/announcements": "id", "/groups": "gid"}[path]
		first := w.want(201, "acme/alice", "POST", admin+path, body, headers{"Idempotency-Key": "k"})
		again := w.want(201, "acme/alice", "POST", admin+path, body, headers{"Idempotency-Key": "k"})
		if first.body[id] == nil || again.raw != first.raw {
			t.Errorf("%s: first %s, again %s", path, first.raw, again.raw)
		}
		if other := w.want(201, "acme/alice", "POST", admin+path, body, headers{"Idempotency-Key": "l"}); other.body[id] == first.body[id] {
			t.Errorf("%s: another key gives %s", path, other.raw)
		}
		if n := len(w.want(200, "acme/alice", "GET", admin+path, nil).items()); n != 2 {
			t.Errorf("%s: %d are there", path, n)
		}
		if path == "/announcements" && first.body["people"] != 1.0 {
			t.Errorf("a program is counted: %s", first.raw)
		}
	}
	for action, want := range map[string]int{"announcement.create": 2, "group.create": 2} {
		if n := len(w.want(200, "acme/alice", "GET", admin+"/audit?action="+action, nil).items()); n != want {
			t.Errorf("%s: %d entries", action, n)
		}
	}
}

// TestMutedInEveryRole mutes a group's owner, who stays so when the group is handed over.
func TestMutedInEveryRole(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	gid := w.want(201, a, "POST", admin+"/groups", map[string]any{"name": "Team", "owner": "bob", "members": []string{"carol"}}).body["gid"].(string)
	at, conv := admin+"/groups/"+gid+"/members/", "/api/v1/conversations/g:"+gid+"/messages"
	w.want(204, a, "PATCH", at+"bob", map[string]any{"muted_until": time.Now().Add(time.Hour)})
	muted := func() {
		t.Helper()
		if r := w.want(403, "acme/bob", "POST", conv, textMessage("hi")); r.body["type"] != "/problems/muted" {
			t.Errorf("told %s", r.raw)
		}
	}
	muted()
	w.want(204, a, "PATCH", at+"carol", map[string]any{"role": "owner"})
	muted() // as an administrator now
	w.want(403, "acme/bob", "PATCH", "/api/v1/groups/"+gid+"/members/bob", map[string]any{"muted_until": nil})
	w.want(204, "acme/carol", "PATCH", "/api/v1/groups/"+gid+"/members/bob", map[string]any{"muted_until": nil})
	w.want(201, "acme/bob", "POST", conv, textMessage("hi"))
}

// TestGroupFollowsDepartment moves people and departments, and looks who is in the group.
func TestGroupFollowsDepartment(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	department := func(name, parent string) string {
		return w.want(201, a, "POST", admin+"/departments", map[string]any{"name": name, "parent": parent}).body["id"].(string)
	}
	eng := department("Engineering", "")
	back := department("Backend", eng)
	put := func(uid string, version int, departments ...string) {
		t.Helper()
		if departments == nil {
			departments = []string{}
		}
		w.want(200, a, "PATCH", admin+"/users/"+uid, map[string]any{"departments": departments}, match(version))
	}
	put("bob", 1, back)
	gid := w.want(201, a, "POST", admin+"/groups", map[string]any{"name": "All of it", "owner": "alice", "follows": eng}).body["gid"].(string)
	members := func(want string) {
		t.Helper()
		if got := w.membersOf(gid); got != want {
			t.Errorf("members %s, want %s", got, want)
		}
	}
	members("alice:owner bob:member")
	if r := w.want(200, "acme/bob", "GET", "/api/v1/groups/"+gid, nil); r.body["by_department"] != true {
		t.Errorf("its members are told %s", r.raw)
	}
	put("carol", 1, eng)
	members("alice:owner bob:member carol:member")
	put("carol", 2)
	members("alice:owner bob:member")
	w.want(200, a, "PATCH", admin+"/departments/"+back, map[string]any{"parent": ""}, match(1))
	members("alice:owner")
	w.want(200, a, "PATCH", admin+"/departments/"+back, map[string]any{"parent": eng}, match(2))
	members("alice:owner bob:member")
	for _, r := range []reply{
		w.want(409, a, "POST", "/api/v1/groups/"+gid+"/members", map[string]any{"uids": []string{"dave"}}),
		w.want(409, a, "POST", admin+"/groups/"+gid+"/members", map[string]any{"uids": []string{"dave"}}),
		w.want(409, "acme/bob", "DELETE", "/api/v1/groups/"+gid+"/members/bob", nil),
	} {
		if r.body["type"] != "/problems/group-follows" {
			t.Errorf("told %s", r.raw)
		}
	}
	version := w.want(200, a, "GET", admin+"/groups/"+gid, nil).body["version"]
	w.want(200, a, "PATCH", admin+"/groups/"+gid, map[string]any{"follows": ""}, match(version))
	w.want(200, a, "POST", admin+"/groups/"+gid+"/members", map[string]any{"uids": []string{"dave"}})
	members("alice:owner bob:member dave:member")
}

func TestWaysIntoAGroup(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.group()
	at := "/api/v1/groups/" + gid
	w.want(200, "acme/alice", "PATCH", at, map[string]any{"join": "approval"})
	w.want(200, "acme/dave", "POST", at+"/join", map[string]any{"message": "please"})
	w.want(403, "acme/bob", "GET", at+"/requests", nil)
	w.want(403, "acme/bob", "PUT", at+"/requests/dave", nil)
	if items := w.want(200, "acme/alice", "GET", at+"/requests", nil).items(); len(items) != 1 || items[0].(map[string]any)["message"] != "please" {
		t.Errorf("requests %v", items)
	}
	for who, want := range map[string]float64{"acme/alice": 1, "acme/bob": 0, "acme/dave": 0} { // only who decides it is told how many
		if r := w.want(200, who, "GET", at, nil); r.body["requests"] != want {
			t.Errorf("%s reads of %v requests", who, r.body["requests"])
		}
	}
	if items := w.want(200, "acme/alice", "GET", "/api/v1/groups", nil).items(); items[0].(map[string]any)["requests"] != 1.0 {
		t.Errorf("groups %v", items)
	}
	w.want(204, "acme/alice", "DELETE", at+"/requests/dave", nil)
	w.want(404, "acme/alice", "PUT", at+"/requests/dave", nil)
	w.want(200, "acme/dave", "POST", at+"/join", map[string]any{})
	w.want(204, "acme/alice", "PUT", at+"/requests/dave", nil)
	w.want(200, "acme/dave", "GET", at, nil)
	w.want(204, "acme/dave", "DELETE", at+"/members/dave", nil)

	// Links.
	w.want(403, "acme/bob", "POST", at+"/links", map[string]any{})
	link := w.want(201, "acme/alice", "POST", at+"/links", map[string]any{"days": 1}).body
	_, token, _ := strings.Cut(link["url"].(string), "/join#")
	body := map[string]any{"token": token}
	w.want(404, "other/eve", "POST", "/api/v1/join/look", body)
	w.want(404, "other/eve", "POST", "/api/v1/join", body)
	w.want(404, "acme/dave", "POST", "/api/v1/join", map[string]any{"token": "x"})
	if r := w.want(200, "acme/dave", "POST", "/api/v1/join/look", body); r.body["name"] != "Team" {
		t.Errorf("leads to %s", r.raw)
	}
	w.want(200, "acme/dave", "POST", "/api/v1/join", body)
	w.want(200, "acme/dave", "POST", "/api/v1/join", body)
	items := w.want(200, "acme/alice", "GET", at+"/links", nil).items()
	if len(items) != 1 || items[0].(map[string]any)["uses"] != 1.0 || items[0].(map[string]any)["url"] != nil {
		t.Errorf("links %v", items)
	}
	w.want(204, "acme/alice", "DELETE", at+"/links/"+link["id"].(string), nil)
	w.want(404, "acme/bot", "POST", "/api/v1/join", body)
	// One that has expired.
	hash := []byte("expired one")
	must(t, w.store.CreateGroupLink(t.Context(), "acme", gid, "alice", "old", hash, time.Now().Add(-time.Second)))
	if _, err := w.store.JoinByLink(t.Context(), "acme", "bot", hash); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("an expired link: %v", err)
	}
}

// TestAnyGroupsWaysIn lets an administrator who is not in the group do what its own ones do, and audits it.
func TestAnyGroupsWaysIn(t *testing.T) {
	w := newWorld(t, nil)
	gid := w.want(201, "acme/bob", "POST", "/api/v1/groups", map[string]any{"name": "Theirs", "members": []string{"carol"}, "join": "approval"}).body["gid"].(string)
	own, at := "/api/v1/groups/"+gid, admin+"/groups/"+gid
	w.want(200, "acme/dave", "POST", own+"/join", map[string]any{"message": "let me in"})
	w.want(404, "acme/alice", "PUT", own+"/requests/dave", nil)
	w.want(404, "acme/bob", "GET", at+"/requests", nil)
	w.want(404, "other/alice", "PUT", at+"/requests/dave", nil)
	if items := w.want(200, "acme/alice", "GET", at+"/requests", nil).items(); len(items) != 1 {
		t.Errorf("requests %v", items)
	}
	w.want(204, "acme/alice", "DELETE", at+"/requests/dave", nil)
	w.want(404, "acme/alice", "PUT", at+"/requests/dave", nil)
	w.want(200, "acme/dave", "POST", own+"/join", map[string]any{})
	w.want(204, "acme/alice", "PUT", at+"/requests/dave", nil)
	if r := w.want(200, "acme/dave", "GET", own, nil); r.body["role"] != "member" {
		t.Errorf("dave is %v", r.body["role"])
	}
	link := w.want(201, "acme/alice", "POST", at+"/links", map[string]any{"days": 3}).body
	w.want(404, "other/alice", "DELETE", at+"/links/"+link["id"].(string), nil)
	if items := w.want(200, "acme/bob", "GET", own+"/links", nil).items(); len(items) != 1 || items[0].(map[string]any)["maker"] != "alice" {
		t.Errorf("links %v", items)
	}
	w.want(204, "acme/alice", "DELETE", at+"/links/"+link["id"].(string), nil)
	if items := w.want(200, "acme/alice", "GET", at+"/links", nil).items(); len(items) != 0 {
		t.Errorf("links %v", items)
	}
	var done []string
	for _, e := range w.want(200, "acme/alice", "GET", admin+"/audit?target="+gid, nil).items() {
		done = append(done, e.(map[string]any)["action"].(string))
	}
	if got := strings.Join(done, " "); got != "group.unlink group.link group.accept group.decline" {
		t.Errorf("audited: %s", got)
	}
}

func TestAnnouncements(t *testing.T) {
	w := newWorld(t, nil)
	a := "acme/alice"
	eng := w.want(201, a, "POST", admin+"/departments", map[string]any{"name": "Engineering"}).body["id"].(string)
	back := w.want(201, a, "POST", admin+"/departments", map[string]any{"name": "Backend", "parent": eng}).body["id"].(string)
	w.want(200, a, "PATCH", admin+"/users/bob", map[string]any{"departments": []string{back}}, match(1))
	w.want(422, a, "POST", admin+"/announcements", map[string]any{"title": "x", "text": "", "departments": []string{"99"}})
	all := w.want(201, a, "POST", admin+"/announcements", map[string]any{"title": "Holiday", "text": "Monday\nis free"})
	one := w.want(201, a, "POST", admin+"/announcements", map[string]any{"title": "Deploy", "text": "", "departments": []string{eng}})
	if all.body["people"] != 4.0 || one.body["people"] != 1.0 { // programs are told nothing
		t.Errorf("%s %s", all.raw, one.raw)
	}
	for who, want := range map[string]int{"acme/bob": 2, "acme/carol": 1, "acme/bot": 0, "other/eve": 0} {
		if n := len(w.want(200, who, "GET", "/api/v1/announcements", nil).items()); n != want {
			t.Errorf("%s has %d", who, n)
		}
	}
	id := one.body["id"].(string)
	w.want(404, "acme/carol", "PUT", "/api/v1/announcements/"+id+"/read", nil)
	for range 2 {
		w.want(204, "acme/bob", "PUT", "/api/v1/announcements/"+id+"/read", nil)
	}
	if r := w.want(200, a, "GET", admin+"/announcements/"+one.body["id"].(string), nil); r.body["title"] != "Deploy" || r.body["people"] != one.body["people"] {
		t.Errorf("by its id: %s", r.raw)
	}
	w.want(404, "other/alice", "GET", admin+"/announcements/"+one.body["id"].(string), nil)
	items := w.want(200, a, "GET", admin+"/announcements", nil).items()
	if first := items[0].(map[string]any); first["readers"] != 1.0 || first["people"] != 1.0 || len(items) != 2 {
		t.Errorf("read by %v", items)
	}
	events, err := w.store.Events(t.Context(), 1000)
	must(t, err)
	n, read := 0, 0
	for _, e := range events {
		switch {
		case e.Type == chat.EventAnnounce:
			n += len(e.Members)
		case e.Type == chat.EventAnnounceRead && e.UID == "bob":
			read++
		}
	}
	if n != 5 || read != 1 {
		t.Errorf("%d are told, %d times that it was read", n, read)
	}
}
