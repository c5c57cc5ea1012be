package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"magpie/server/chat"
)

const conversationColumns = `s.id, s.kind, s.key, s.head, p.read_seq, p.muted, p.pinned, p.since,
	COALESCE(g.name, o.name, ''), COALESCE(g.avatar, o.avatar, ''), COALESCE(q.read_seq, 0),
	(SELECT COUNT(*) FROM (SELECT 1 FROM log x WHERE x.stream = s.id AND x.seq > p.read_seq AND x.author <> me.id LIMIT 1000) AS unread),
	(SELECT COUNT(*) FROM mentions n WHERE n.stream = s.id AND n.seq > p.read_seq AND n.uid IN (me.uid, '*')),
	COALESCE(l.seq, 0), COALESCE(l.ts, 0), COALESCE(a.uid, ''), l.cid, COALESCE(l.origin, 0), l.payload`

// The other side of a pair is found by taking the user's own name off the key.
const conversationJoins = ` FROM participants p
	JOIN users me ON me.eid = p.eid AND me.uid = p.uid
	JOIN streams s ON s.id = p.stream
	LEFT JOIN chat_groups g ON s.kind = 2 AND g.eid = s.eid AND g.gid = s.key
	LEFT JOIN users o ON s.kind = 1 AND o.eid = s.eid AND o.uid = CASE
		WHEN substr(s.key, 1, length(p.uid) + 1) = p.uid || ':' THEN substr(s.key, length(p.uid) + 2)
		ELSE substr(s.key, 1, length(s.key) - length(p.uid) - 1) END
	LEFT JOIN participants q ON s.kind = 1 AND q.stream = s.id AND q.eid = s.eid AND q.uid = o.uid AND q.uid <> p.uid
	LEFT JOIN log l ON l.stream = s.id AND l.seq = s.head
	LEFT JOIN users a ON a.id = l.author `

type conversation struct {
	chat.Conversation
	time int64 // of the last message, or of its beginning
	id   int64
}

func scanConversation(eid, uid string) func(func(...any) error) (conversation, error) {
	return func(scan func(...any) error) (conversation, error) {
		c := conversation{}
		e := chat.Entry{Stream: chat.StreamRef{EID: eid}}
		var kind, head, read, since, peer, seq int64
		var unread, mentions int
		err := scan(&c.id, &kind, &e.Stream.Key, &head, &read, &c.Muted, &c.Pinned, &since, &c.Name, &c.Avatar, &peer, &unread, &mentions,
			&seq, &e.Time, &e.Sender, &e.CID, &e.Origin, &e.Payload)
		e.Stream.Kind, e.StreamID, e.Seq = chat.StreamKind(kind), c.id, uint64(seq)
		c.Conv = "g:" + e.Stream.Key
		if e.Stream.Kind == chat.StreamPair {
			c.Conv = "u:" + chat.PairOther(e.Stream.Key, uid)
		}
		c.LastSeq, c.ReadSeq, c.PeerReadSeq = uint64(head), uint64(read), uint64(peer)
		c.Unread, c.Mentioned, c.time = unread, mentions > 0, since
		if seq > 0 {
			c.Last, c.time = &e, e.Time
		}
		return c, err
	}
}

// Conversations returns a page of a user's conversations, the newest first, groups without messages among them, and the cursor of
// the next page, "" at the end.
func (s *Store) Conversations(ctx context.Context, eid, uid, cursor string, limit int) ([]chat.Conversation, string, error) {
	var after [2]int64
	if err := decodeCursor(cursor, &after); err != nil {
		return nil, "", err
	}
	limit = clamp(limit, 100, 1000)
	list, err := collect(ctx, s.read, scanConversation(eid, uid), `SELECT `+conversationColumns+conversationJoins+`
		WHERE p.eid = $1 AND p.uid = $2 AND ($3 = 0 OR (COALESCE(l.ts, p.since), s.id) < ($3, $4))
		ORDER BY COALESCE(l.ts, p.since) DESC, s.id DESC LIMIT $5`, eid, uid, after[0], after[1], limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read conversations: %w", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = encodeCursor([2]int64{list[limit-1].time, list[limit-1].id})
	}
	out := make([]chat.Conversation, len(list))
	for i := range list {
		out[i] = list[i].Conversation
	}
	return out, next, nil
}

// Conversation returns one conversation of a user's; with somebody who was never written to it is empty. Who may not read it gets
// chat.NotFound.
func (s *Store) Conversation(ctx context.Context, eid, uid, conv string) (chat.Conversation, error) {
	ref, err := s.readable(ctx, eid, uid, conv)
	if err != nil {
		return chat.Conversation{}, err
	}
	c, err := scanConversation(eid, uid)(s.read.QueryRowContext(ctx, `SELECT `+conversationColumns+conversationJoins+`
		WHERE p.eid = $1 AND p.uid = $2 AND s.kind = $3 AND s.key = $4`, eid, uid, int64(ref.Kind), ref.Key).Scan)
	if errors.Is(err, sql.ErrNoRows) && ref.Kind == chat.StreamPair {
		u, err := readUser(ctx, s.read, eid, conv[2:])
		return chat.Conversation{Conv: conv, Name: u.Name, Avatar: u.Avatar}, err
	}
	return c.Conversation, found(err, "conversation")
}

// readable resolves a conversation that a user may read: with a user of its organisation, or of a group that it is a member of now.
func (s *Store) readable(ctx context.Context, eid, uid, conv string) (chat.StreamRef, error) {
	if other, ok := strings.CutPrefix(conv, "u:"); ok {
		_, err := readUser(ctx, s.read, eid, other)
		if chat.CodeOf(err) == chat.NotFound {
			err = found(sql.ErrNoRows, "conversation")
		}
		return chat.StreamRef{EID: eid, Kind: chat.StreamPair, Key: chat.PairKey(uid, other)}, err
	}
	if gid, ok := strings.CutPrefix(conv, "g:"); ok {
		_, err := readMembership(ctx, s.read, eid, gid, uid)
		if chat.CodeOf(err) == chat.NotFound {
			err = found(sql.ErrNoRows, "conversation")
		}
		return chat.StreamRef{EID: eid, Kind: chat.StreamGroup, Key: gid}, err
	}
	return chat.StreamRef{}, chat.FieldError("conv", "must be u:{uid} or g:{gid}")
}

// Messages returns messages of a conversation in ascending order: those after a seq, or those before one (the newest of them), or
// with both 0 the newest. Who may not read it gets chat.NotFound.
func (s *Store) Messages(ctx context.Context, eid, uid, conv string, before, after uint64, limit int) ([]chat.Entry, error) {
	ref, err := s.readable(ctx, eid, uid, conv)
	if err != nil {
		return nil, err
	}
	st, err := s.Stream(ctx, ref)
	if err != nil || st.ID == 0 {
		return nil, err
	}
	limit = clamp(limit, 50, 500)
	if after == 0 { // a page that ends before before, or at the head
		if before == 0 || before > st.Head+1 {
			before = st.Head + 1
		}
		if before > uint64(limit)+1 {
			after = before - uint64(limit) - 1
		}
	}
	list, err := s.Read(ctx, st.ID, after, limit)
	if before > 0 {
		for len(list) > 0 && list[len(list)-1].Seq >= before {
			list = list[:len(list)-1]
		}
	}
	return list, err
}

// participant finds a user's row for a conversation, and makes it for one that has no messages yet.
func (t *tx) participant(eid, uid string, ref chat.StreamRef) (*head, error) {
	h, err := t.head(ref)
	if err != nil {
		return nil, err
	}
	return h, t.participate(eid, uid, h.id, 0)
}

// MarkRead notes how far a user has read; never back, and not beyond the head.
func (s *Store) MarkRead(ctx context.Context, eid, uid, conv string, seq uint64) error {
	ref, err := s.readable(ctx, eid, uid, conv)
	if err != nil {
		return err
	}
	if st, err := s.Stream(ctx, ref); err != nil || st.ID == 0 {
		return err
	}
	return s.change(ctx, func(t *tx) error {
		h, err := t.participant(eid, uid, ref)
		if err != nil {
			return err
		}
		seq := min(seq, h.seq)
		n, err := t.affect(`UPDATE participants SET read_seq = $4 WHERE eid = $1 AND uid = $2 AND stream = $3 AND read_seq < $4`, eid, uid, h.id, int64(seq))
		if err != nil || n == 0 {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventRead, UID: uid, Conv: conv, Seq: seq})
	})
}

// SetConversation mutes or pins a conversation in a user's list; nil leaves as it is.
func (s *Store) SetConversation(ctx context.Context, eid, uid, conv string, muted, pinned *bool) error {
	ref, err := s.readable(ctx, eid, uid, conv)
	if err != nil {
		return err
	}
	return s.change(ctx, func(t *tx) error {
		h, err := t.participant(eid, uid, ref)
		if err != nil {
			return err
		}
		for column, v := range map[string]*bool{"muted": muted, "pinned": pinned} {
			if v == nil {
				continue
			}
			if err := t.exec(`UPDATE participants SET `+column+` = $4 WHERE eid = $1 AND uid = $2 AND stream = $3`, eid, uid, h.id, flag(*v)); err != nil {
				return err
			}
		}
		return nil
	})
}
