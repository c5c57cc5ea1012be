package store

import "magpie/server/chat"

// countPeople counts people of an organisation on or off, as far as its limit lets it.
func (t *tx) countPeople(eid string, n int) error {
	counted, err := t.affect(`UPDATE orgs SET people = people + $2 WHERE eid = $1 AND ($2 < 0 OR max_people = 0 OR people + $2 <= max_people)`, eid, n)
	if err != nil || counted > 0 {
		return err
	}
	o, err := readOrg(background, t, eid)
	if err != nil {
		return err
	}
	e := chat.Errorf(chat.Conflict, "Your organisation may have %d people, and has them. Disable who is no longer there, or ask whoever runs the server for more.", o.Limits.People)
	e.Limit = o.Limits.People
	return e.Named(chat.ProblemPeopleLimit)
}

// countGroups counts groups of an organisation on or off, as far as its limit lets it.
func (t *tx) countGroups(eid string, n int) error {
	counted, err := t.affect(`UPDATE orgs SET live_groups = live_groups + $2 WHERE eid = $1 AND ($2 < 0 OR max_groups = 0 OR live_groups + $2 <= max_groups)`, eid, n)
	if err != nil || counted > 0 {
		return err
	}
	o, err := readOrg(background, t, eid)
	if err != nil {
		return err
	}
	e := chat.Errorf(chat.Conflict, "Your organisation may have %d groups, and has them. Dissolve one that nobody needs, or ask whoever runs the server for more.", o.Limits.Groups)
	e.Limit = o.Limits.Groups
	return e.Named(chat.ProblemGroupsLimit)
}
