package broker

import (
	"context"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// org is what the broker knows of an organisation while it runs: who is connected, and what they follow.
type org struct {
	b   *Broker
	eid string

	mu        sync.RWMutex // guards all below, and comes before every other lock
	settings  chat.OrgSettings
	users     map[string]*user
	groups    map[string]*group
	streams   map[chat.StreamRef]*stream
	loading   int // sessions that are reading their subscriptions
	shares    map[string]*shared
	retained  map[string]*chat.Retained
	pruned    uint64               // of the application stream; the house-keeper's
	known     map[writing]bool     // who may write to whom; forgotten when it grows, and when something changes that it depends on
	forgotten int                  // how often it was forgotten for a change
	changed   int                  // times that the sessions of somebody's account password were ended
	watch     map[*session]*filter // sessions that subscribe to connect/new
}

// user is someone who is connected, was a moment ago, or is in the contacts of someone who is.
type user struct {
	uid       string
	sessions  []*session
	watchers  map[*user]struct{} // connected users who have this one in their contacts
	contacts  map[string]struct{}
	groups    map[string]struct{}
	role      chat.Role
	service   bool   // a program's account
	chosen    []byte // presence the user chose; nil means online
	shown     bool   // others see it as connected
	terminals [5]terminal
	leaving   *time.Timer // says offline when the user does not come back
}

// terminal is one terminal kind of a user as others see it.
type terminal struct {
	shown   bool
	leaving *time.Timer
}

// group is a group with connected members.
type group struct {
	mutedAll bool
	members  map[string]*member // the connected ones
}

type member struct {
	role       chat.GroupRole
	mutedUntil time.Time
}

func (o *org) ref(kind chat.StreamKind, key string) chat.StreamRef {
	return chat.StreamRef{EID: o.eid, Kind: kind, Key: key}
}

// org returns an organisation, read from the store at its first use.
func (b *Broker) org(ctx context.Context, eid string) (*org, error) {
	b.mu.Lock()
	o := b.orgs[eid]
	b.mu.Unlock()
	if o != nil {
		return o, nil
	}
	data, err := b.opt.Store.Org(ctx, eid)
	if err != nil {
		return nil, err
	}
	retained, err := b.opt.Store.Retained(ctx, eid)
	if err != nil {
		return nil, err
	}
	o = &org{b: b, eid: eid, settings: data.Settings, users: map[string]*user{}, groups: map[string]*group{},
		streams: map[chat.StreamRef]*stream{}, shares: map[string]*shared{},
		retained: map[string]*chat.Retained{}, known: map[writing]bool{}, watch: map[*session]*filter{}}
	for i := range retained {
		r := &retained[i]
		r.QoS = decodeAppProps(r.Props).QoS
		o.retained[r.Topic] = r
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if other := b.orgs[eid]; other != nil {
		return other, nil
	}
	b.orgs[eid] = o
	return o, nil
}

// live returns an organisation that somebody has used since the start, or nil.
func (b *Broker) live(eid string) *org {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.orgs[eid]
}

// stream returns a stream somebody follows, or nil.
func (o *org) stream(ref chat.StreamRef) *stream {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.streams[ref]
}

// streamFor makes the stream if it is not there. The caller holds o.mu for writing.
func (o *org) streamFor(ref chat.StreamRef) *stream {
	st := o.streams[ref]
	if st == nil {
		st = &stream{ref: ref}
		o.streams[ref] = st
	}
	return st
}

// user makes the user's place if it is not there. The caller holds o.mu for writing.
func (o *org) user(uid string) *user {
	u := o.users[uid]
	if u == nil {
		u = &user{uid: uid}
		o.users[uid] = u
	}
	return u
}

// drop forgets a user of whom nothing is to be known. The caller holds o.mu for writing.
func (o *org) drop(u *user) {
	if len(u.sessions)+len(u.watchers) > 0 || u.shown {
		return
	}
	for _, t := range u.terminals {
		if t.shown {
			return
		}
	}
	delete(o.users, u.uid)
}

// setContacts makes u watch its contacts' presence. The caller holds o.mu for writing.
func (o *org) setContacts(u *user, uids []string) {
	if u.contacts != nil {
		return
	}
	u.contacts = make(map[string]struct{}, len(uids))
	for _, uid := range uids {
		o.addContact(u, uid)
	}
}

func (o *org) addContact(u *user, uid string) {
	if _, ok := u.contacts[uid]; ok || u.contacts == nil {
		return
	}
	u.contacts[uid] = struct{}{}
	c := o.user(uid)
	if c.watchers == nil {
		c.watchers = map[*user]struct{}{}
	}
	c.watchers[u] = struct{}{}
}

func (o *org) removeContact(u *user, uid string) {
	if _, ok := u.contacts[uid]; !ok {
		return
	}
	delete(u.contacts, uid)
	if c := o.users[uid]; c != nil {
		delete(c.watchers, u)
		o.drop(c)
	}
}

// enter notes a connected user's membership. The caller holds o.mu for writing.
func (o *org) enter(u *user, gid string, m *member, mutedAll bool) {
	g := o.groups[gid]
	if g == nil {
		g = &group{members: map[string]*member{}}
		o.groups[gid] = g
	}
	g.mutedAll = mutedAll
	g.members[u.uid] = m
	if u.groups == nil {
		u.groups = map[string]struct{}{}
	}
	u.groups[gid] = struct{}{}
}

func (o *org) exit(u *user, gid string) {
	delete(u.groups, gid)
	if g := o.groups[gid]; g != nil {
		delete(g.members, u.uid)
		if len(g.members) == 0 {
			delete(o.groups, gid)
		}
	}
}

// retire forgets what only a connected user needs. The caller holds o.mu for writing.
func (o *org) retire(u *user) {
	for uid := range u.contacts {
		o.removeContact(u, uid)
	}
	u.contacts = nil
	for gid := range u.groups {
		o.exit(u, gid)
	}
	u.groups = nil
}

func errNotMember() error { return chat.Errorf(chat.NotFound, "You are not a member of this group.") }

func (o *org) mayWriteGroup(uid, gid string, now time.Time) error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	g := o.groups[gid]
	if g == nil || g.members[uid] == nil {
		return errNotMember()
	}
	m := g.members[uid]
	return chat.MayWriteGroup(m.role, m.mutedUntil, g.mutedAll, now)
}

// knownMax bounds the memory of who may be written to.
const knownMax = 20000

// writing is who writes to whom, by a session of which role.
type writing struct {
	from, to string
	as       chat.Role
}

// mayWriteUser checks that a user may write to another, and remembers it until something changes that it depends on. s is the session that writes; a will has none
// any more, and so none of the rights of administrators.
func (b *Broker) mayWriteUser(o *org, s *session, from, to string) error {
	pair := writing{from, to, chat.Member}
	o.mu.RLock()
	if s != nil {
		pair.as = s.role()
	}
	ok, forgotten := o.known[pair], o.forgotten
	o.mu.RUnlock()
	if ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Limits.StoreWait)
	defer cancel()
	if err := b.opt.Store.MayMessage(ctx, o.eid, from, pair.as, to); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.forgotten != forgotten {
		return nil // it may be about these two, after it was read: the next message looks again
	}
	if len(o.known) >= knownMax {
		clear(o.known)
	}
	o.known[pair] = true
	return nil
}

// forgetKnown looks again who may write to whom. The caller holds o.mu for writing.
func (o *org) forgetKnown() {
	o.forgotten++
	clear(o.known)
}

// groupSessions lists the connected sessions of a group's members.
func (o *org) groupSessions(gid string) []*session {
	o.mu.RLock()
	defer o.mu.RUnlock()
	g := o.groups[gid]
	if g == nil {
		return nil
	}
	var list []*session
	for uid := range g.members {
		if u := o.users[uid]; u != nil {
			list = append(list, u.sessions...)
		}
	}
	return list
}

// userSessions lists the connected sessions of some users, each once.
func (o *org) userSessions(uids ...string) []*session {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var list []*session
	for i, uid := range uids {
		if u := o.users[uid]; u != nil && (i == 0 || uid != uids[0]) {
			list = append(list, u.sessions...)
		}
	}
	return list
}

// reload reads the organisation's settings again.
func (o *org) reload() {
	ctx, cancel := context.WithTimeout(context.Background(), o.b.opt.Limits.StoreWait)
	defer cancel()
	data, err := o.b.opt.Store.Org(ctx, o.eid)
	if chat.CodeOf(err) == chat.NotFound { // it was deleted, and nobody is connected since long
		o.b.mu.Lock()
		delete(o.b.orgs, o.eid)
		o.b.mu.Unlock()
		return
	}
	if err != nil {
		o.b.log.Error("reading an organisation's settings", "err", err, "eid", o.eid)
		return
	}
	o.apply(data)
	if !data.Settings.SeveralSessions {
		o.endSurplus()
	}
}

// apply takes an organisation's settings on, and ends the sessions that they allow no more.
func (o *org) apply(data chat.Org) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.settings
	o.settings = data.Settings
	o.forgetKnown()
	for _, u := range o.users {
		for _, s := range u.sessions {
			why := "Your organisation is suspended."
			switch {
			case data.Closed():
			case before.MQTTPasswords && !data.Settings.MQTTPasswords && s.loginID == "": // signed in by the account's password
				why = "Your organisation does not allow this kind of sign-in any more."
				s.expire()
			default:
				continue
			}
			s.notify(chat.NoticeAdminOffline, reason{Reason: why})
			s.disconnect(packets.ErrAdministrativeAction.Code)
		}
	}
}
