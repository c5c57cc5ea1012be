package broker

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"magpie/server/chat"
)

// signIn brings a session up: who it is, what it continues, and its subscriptions, all before CONNACK, so that nothing
// falls between (docs/protocol.md §3). On failure s.refused holds the CONNACK reason.
func (b *Broker) signIn(s *session, pk *packets.Packet, w *will) bool {
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Limits.StoreWait)
	defer cancel()
	if err := b.bringUp(ctx, s, pk, w); err != nil {
		s.refused = connackReason(err)
		if s.refused == packets.ErrServerUnavailable.Code {
			b.log.Error("bringing a session up", "err", err)
		}
		return false
	}
	return true
}

// connackReason translates an error to a CONNACK reason code (MQTT 5 §3.2.2.2).
func connackReason(err error) byte {
	var code packets.Code
	if errors.As(err, &code) {
		return code.Code
	}
	switch chat.CodeOf(err) {
	case chat.Unauthenticated, chat.NotFound, chat.Invalid:
		return packets.ErrBadUsernameOrPassword.Code
	case chat.Forbidden:
		return packets.ErrNotAuthorized.Code
	case chat.RateLimited:
		return packets.ErrConnectionRateExceeded.Code
	}
	return packets.ErrServerUnavailable.Code
}

func (b *Broker) bringUp(ctx context.Context, s *session, pk *packets.Packet, w *will) error {
	if pk.Properties.AuthenticationMethod != "" {
		return packets.ErrBadAuthenticationMethod
	}
	eid, uid, ok := strings.Cut(string(pk.Connect.Username), "/")
	if !ok || !pk.Connect.PasswordFlag {
		return packets.ErrBadUsernameOrPassword
	}
	verify := func() (chat.Identity, error) {
		return b.opt.Auth.Connect(ctx, eid, uid, string(pk.Connect.Password), s.conn.remoteAddr())
	}
	changes := b.live(eid).changes()
	who, err := verify()
	if err != nil {
		return err
	}
	if err := b.mayConnectFrom(ctx, who.App, s.conn.origin); err != nil {
		return err
	}
	s.who, s.terminal, s.loginID = who, who.Terminal, who.LoginID
	if s.org, err = b.org(ctx, who.EID); err != nil {
		return err
	}
	if w != nil && (w.QoS > 2 || !b.mayWill(s.org, who.UID, w)) {
		return packets.ErrNotAuthorized
	}
	s.will = w

	// Connections of one user come up one after the other: a client id has one session, whatever races.
	lock := b.userLock(who.EID, who.UID)
	lock.Lock()
	defer lock.Unlock()
	if err := b.takeOver(ctx, s); err != nil {
		return err
	}
	stored, err := b.resume(ctx, s, pk.Connect.Clean)
	if err != nil {
		return err
	}
	if err := b.subscribeAll(ctx, s, stored); err != nil {
		b.detach(s)
		return err
	}
	// From now on the end of its login would reach the session, but it may have come before.
	if s.loginID != "" {
		_, err = b.opt.Store.Login(ctx, s.loginID)
	} else if changes != s.org.changes() {
		_, err = verify()
	}
	if chat.CodeOf(err) == chat.NotFound {
		err = packets.ErrBadUsernameOrPassword
	}
	if err != nil {
		b.detach(s)
		return err
	}
	if s.kept() {
		if err := s.saveNow(); err != nil { // a session that the client believes kept must survive a crash
			b.detach(s)
			return err
		}
	}
	s.up.Store(true)
	return nil
}

// mayConnectFrom checks that a page of another origin connects for an app that allows it.
func (b *Broker) mayConnectFrom(ctx context.Context, app, origin string) error {
	if origin == "" {
		return nil
	}
	if app == "" || b.opt.Origin == nil {
		return packets.ErrNotAuthorized
	}
	ok, err := b.opt.Origin(ctx, app, origin)
	if err == nil && !ok {
		err = packets.ErrNotAuthorized
	}
	return err
}

// changes counts the changes of account passwords in an organisation; it is negative where nobody has counted yet.
func (o *org) changes() int {
	if o == nil {
		return -1
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.changed
}

// userLock is the lock of a user's sign-ins, one of a fixed number.
func (b *Broker) userLock(eid, uid string) *sync.Mutex {
	h := fnv.New32a()
	_, _ = h.Write([]byte(eid + "/" + uid))
	return &b.signIns[h.Sum32()%uint32(len(b.signIns))]
}

// alone reports whether a user has one session of a kind of terminal, where the organisation does not allow several.
func alone(t chat.Terminal) bool { return t != chat.Service && t != chat.Widget }

// forceOff ends sessions for another of their kind.
func (b *Broker) forceOff(list []*session) {
	for _, x := range list {
		x.notify(chat.NoticeForcedOffline, nil)
		x.disconnect(packets.ErrSessionTakenOver.Code)
		b.detach(x)
	}
}

// endSurplus leaves each user the newest session of a kind of terminal, after the organisation has ceased to allow several.
func (o *org) endSurplus() {
	o.mu.RLock()
	var uids []string
	for uid, u := range o.users {
		if len(u.sessions) > 1 {
			uids = append(uids, uid)
		}
	}
	o.mu.RUnlock()
	for _, uid := range uids {
		// Who was connecting while that changed is there by the time the lock is ours, and who comes later ends the others itself.
		lock := o.b.userLock(o.eid, uid)
		lock.Lock()
		o.b.forceOff(o.surplus(uid))
		lock.Unlock()
	}
}

// surplus lists a user's sessions that a newer one of their kind stands beside.
func (o *org) surplus(uid string) (list []*session) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	u := o.users[uid]
	if u == nil || o.settings.SeveralSessions {
		return nil
	}
	var seen [len(u.terminals)]bool
	for _, s := range slices.Backward(u.sessions) {
		if !alone(s.terminal) {
			continue
		}
		if seen[s.terminal] {
			list = append(list, s)
		}
		seen[s.terminal] = true
	}
	return list
}

// takeOver ends the user's sessions that the new one replaces: the one with its client id, and those of its terminal kind
// where the organisation allows one.
func (b *Broker) takeOver(ctx context.Context, s *session) error {
	s.org.mu.RLock()
	var same, kind []*session
	if u := s.org.users[s.who.UID]; u != nil {
		for _, x := range u.sessions {
			switch {
			case x.clientID == s.clientID:
				same = append(same, x)
			case x.terminal == s.terminal && alone(s.terminal) && !s.org.settings.SeveralSessions:
				kind = append(kind, x)
			}
		}
	}
	s.org.mu.RUnlock()
	b.forceOff(kind)
	for _, x := range same {
		x.disconnect(packets.ErrSessionTakenOver.Code)
		b.detach(x)
	}
	// What the last connection with this client id left must be in the store before it is read.
	b.mu.Lock()
	saved := b.saving[sessionKey{s.who.EID, s.who.UID, s.clientID}]
	b.mu.Unlock()
	if saved == nil {
		return nil
	}
	select {
	case <-saved:
		return nil
	case <-ctx.Done():
		return packets.ErrServerUnavailable
	}
}

// resume reads the stored session of the client id, and drops it when the client wants a clean start (MQTT 5 §3.1.2.4).
func (b *Broker) resume(ctx context.Context, s *session, clean bool) (*storedState, error) {
	row, err := b.opt.Store.Session(ctx, s.who.EID, s.who.UID, s.clientID)
	if chat.CodeOf(err) == chat.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	expired := !row.Expires.IsZero() && !row.Expires.After(b.now())
	b.cancelWill(row.ID)
	if clean || expired {
		s.org.unshareRow(&row)
		return nil, b.deleteSession(ctx, row.ID)
	}
	st, err := s.restore(row.State)
	if err != nil {
		b.log.Error("reading a stored session; the client starts anew", "err", err)
		return nil, b.deleteSession(ctx, row.ID)
	}
	s.present = true
	if s.kept() {
		s.id = row.ID
		return st, nil
	}
	// The client continues the session, and this connection is its last.
	s.org.unshareRow(&row)
	return st, b.deleteSession(ctx, row.ID)
}

func (b *Broker) deleteSession(ctx context.Context, id int64) error {
	done := make(chan error, 1)
	b.opt.Store.DeleteSession(id, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return packets.ErrServerUnavailable
	}
}

// subscribeAll makes the session's subscriptions. From its first step nothing that concerns the user is missed: while the
// subscriptions are read, changes wait in s.missed and conversations that begin in s.late.
func (b *Broker) subscribeAll(ctx context.Context, s *session, stored *storedState) error {
	o := s.org
	o.mu.Lock()
	if b.closing.Load() {
		o.mu.Unlock()
		return packets.ErrServerUnavailable
	}
	u := o.user(s.who.UID)
	s.user = u
	s.loading = true
	o.loading++
	u.sessions = append(u.sessions, s)
	b.sessions.Add(1)
	o.mu.Unlock()

	pre, err := b.opt.Store.Presubscribe(ctx, s.who.EID, s.who.UID)

	o.mu.Lock()
	defer o.mu.Unlock()
	o.loading--
	s.loading = false
	if err != nil {
		return err
	}
	if pre.User.Disabled {
		return packets.ErrNotAuthorized
	}
	o.settings = pre.Org.Settings
	u.role, u.service = pre.User.Role, pre.User.Service
	if u.chosen == nil {
		u.chosen = pre.User.Presence
	}
	places := place{s: s, pre: &pre}
	if stored != nil {
		places.cursors, places.unborn = stored.cursors(), map[string]bool{}
		for _, uid := range stored.Unborn {
			places.unborn[uid] = true
		}
	}
	o.setContacts(u, pre.Contacts)
	places.join(o.ref(chat.StreamUserNotice, u.uid), 0)
	for uid := range u.contacts {
		places.join(o.ref(chat.StreamTerminalNotice, uid), 0)
	}
	for i := range pre.Groups {
		g := &pre.Groups[i]
		o.enter(u, g.GID, &member{role: g.Role, mutedUntil: g.MutedUntil}, g.MutedAll)
		places.join(o.ref(chat.StreamGroup, g.GID), g.JoinedSeq)
		places.join(o.ref(chat.StreamGroupNotice, g.GID), g.JoinedNoticeSeq)
	}
	for ref := range pre.Streams {
		if ref.Kind == chat.StreamPair {
			places.join(ref, 0)
		}
	}
	for _, st := range s.late {
		st.join(s, 0)
	}
	s.late = nil
	for _, f := range s.filters {
		o.addFilter(s, f)
	}
	if s.followsApp() {
		places.join(o.ref(chat.StreamApp, ""), 0)
	}
	if stored != nil {
		s.mu.Lock()
		s.restoreInflight(stored)
		s.mu.Unlock()
	}
	missed := s.missed
	s.missed = nil
	for i := range missed {
		o.changeLocked(&missed[i])
	}
	return nil
}

// place finds where a session begins in a stream.
type place struct {
	s       *session
	pre     *chat.Presubscription
	cursors map[int64]uint64 // of the stored session; nil for a new one
	unborn  map[string]bool
}

// join puts the session into a stream. A new session begins at the head; one that continues begins where it was, or, in a stream
// that is new to it, at since.
func (p place) join(ref chat.StreamRef, since uint64) {
	st := p.s.org.streamFor(ref)
	info := p.pre.Streams[ref]
	st.advance(info.ID, info.Head)
	at := info.Head
	if p.cursors != nil {
		seq, known := p.cursors[info.ID]
		switch {
		case known:
			at = max(seq, since)
		case ref.Kind == chat.StreamTerminalNotice && !p.unborn[ref.Key]:
			at = info.Head // a contact made meanwhile: what it did before is of no interest
		default:
			at = since
		}
	}
	st.join(p.s, min(at, info.Head))
	if seq := p.pre.Cleared[ref]; seq > 0 {
		st.pass(p.s, seq)
	}
}

// established goes on once CONNACK is out: news of the user, retained presence, what was missed, live delivery.
func (b *Broker) established(s *session) {
	o := s.org
	o.mu.Lock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		o.mu.Unlock()
		return
	}
	s.ready = true
	if s.present || len(s.resend) > 0 {
		s.startReplay()
	}
	s.pump()
	s.mu.Unlock()
	o.arrive(s.user, s.terminal)
	for uid := range s.user.contacts {
		if c := o.users[uid]; c != nil && c.shown {
			o.tellPresence(s, c, true)
		}
	}
	o.tellPresence(s, s.user, true)
	watching := make([]*session, 0, len(o.watch))
	for w := range o.watch {
		watching = append(watching, w)
	}
	o.mu.Unlock()
	if s.present {
		// Who went offline while this client was away is still online to it; who is only coming back with it is left out.
		time.AfterFunc(b.opt.PresenceGrace, s.tellAbsent)
	}
	b.announceConnect(s, watching)
}

// tellAbsent sends offline for all contacts that are not connected, and not only for those that went while this client was away: what it
// was told before its connection broke, it may not have received, as presence is not acknowledged.
func (s *session) tellAbsent() {
	s.org.mu.Lock()
	defer s.org.mu.Unlock()
	if s.user == nil {
		return
	}
	for uid := range s.user.contacts {
		if c := s.org.users[uid]; c != nil && !c.shown {
			s.org.tellPresence(s, c, true)
		}
	}
}
