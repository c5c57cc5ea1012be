package roster_test

import (
	"fmt"
	"testing"

	"magpie/server/chat"
)

// TestCompany imports 5,000 people into 300 departments that 200 groups follow, and looks whether each group has whom it should.
func TestCompany(t *testing.T) {
	w := newWorld(t)
	parent := map[int]int64{}
	var gids []string
	for i := range 300 { // as people writes them: Division i%10/Team i
		if parent[i%10] == 0 {
			d, err := w.store.CreateDepartment(t.Context(), shell, chat.Department{Name: fmt.Sprintf("Division %d", i%10), Position: -1})
			check(t, err)
			parent[i%10] = d.ID
		}
		d, err := w.store.CreateDepartment(t.Context(), shell, chat.Department{Name: fmt.Sprintf("Team %d", i), Parent: parent[i%10], Position: -1})
		check(t, err)
		if i < 200 {
			g, err := w.store.CreateGroupFor(t.Context(), shell, chat.Group{Name: fmt.Sprintf("Group %d", i), Owner: "ann", Follows: d.ID}, nil, "")
			check(t, err)
			gids = append(gids, g.GID)
		}
	}
	if j := w.take(people(5000), false); j.State != chat.JobDone || j.Result.Created != 5000 || len(j.Result.Errors) > 0 {
		t.Fatalf("%+v", j)
	}
	for i, gid := range gids {
		g, err := w.store.AnyGroup(t.Context(), "acme", gid)
		check(t, err)
		want := 1 + (5000-i+299)/300 // the owner, and each 300th from the i-th on
		if g.Members != want {
			t.Errorf("group %d has %d members, want %d", i, g.Members, want)
		}
	}
}
