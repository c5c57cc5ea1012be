package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"magpie/server/chat"
)

// The inner query finds the page, so that the rest is computed for its rows alone. The other side of a pair is found by taking the
// user's own name off the key.
const conversationsFrom = `SELECT p.id, p.kind, p.key, p.head, p.read_seq, p.cleared, p.muted, p.pinned, p.at,
		COALESCE(g.name, o.name, ''), COALESCE(g.avatar, o.avatar, ''), COALESCE(q.read_seq, 0),
		(SELECT COUNT(*) FROM (SELECT 1 FROM log x WHERE x.stream = p.id AND x.seq > p.seen AND x.author <> p.me LIMIT 1000) AS unread),
		CASE WHEN EXISTS (SELECT 1 FROM mentions n JOIN log x ON x.stream = n.stream AND x.seq = n.seq
			WHERE n.stream = p.id AND n.seq > p.seen AND n.uid IN (p.uid, '*') AND x.author <> p.me) THEN 1 ELSE 0 END,
		COALESCE(l.seq, 0), COALESCE(l.ts, 0), COALESCE(a.uid, ''), l.cid, COALESCE(l.origin, 0), l.payload
	FROM (SELECT s.id, s.eid, s.kind, s.key, s.head, r.uid, r.read_seq, r.muted, r.pinned, me.id AS me, COALESCE(d.seq, 0) AS cleared,
			CASE WHEN d.seq > r.read_seq THEN d.seq ELSE r.read_seq END AS seen, CASE WHEN s.head > 0 THEN s.changed ELSE r.since END AS at
		FROM participants r JOIN users me ON me.eid = r.eid AND me.uid = r.uid JOIN streams s ON s.id = r.stream
			LEFT JOIN cleared d ON d.eid = r.eid AND d.uid = r.uid AND d.stream = r.stream
		WHERE r.eid = $1 AND r.uid = $2 `

const conversationsJoins = `) AS p
	LEFT JOIN chat_groups g ON p.kind = 2 AND g.eid = p.eid AND g.gid = p.key
	LEFT JOIN users o ON p.kind = 1 AND o.eid = p.eid AND o.uid = CASE
		WHEN substr(p.key, 1, length(p.uid) + 1) = p.uid || ':' THEN substr(p.key, length(p.uid) + 2)
		ELSE substr(p.key, 1, length(p.key) - length(p.uid) - 1) END
	LEFT JOIN participants q ON p.kind = 1 AND q.stream = p.id AND q.eid = p.eid AND q.uid = o.uid AND q.uid <> p.uid
	LEFT JOIN log l ON l.stream = p.id AND l.seq = p.head AND p.head > p.cleared
	LEFT JOIN users a ON a.id = l.author ORDER BY p.at DESC, p.id DESC`

type conversation struct {
	chat.Conversation
	at int64 // time of the last message, or of the beginning
	id int64
}

func scanConversation(eid, uid string) func(func(...any) error) (conversation, error) {
	return func(scan func(...any) error) (conversation, error) {
		c := conversation{}
		e := chat.Entry{Stream: chat.StreamRef{EID: eid}}
		err := scan(&c.id, &e.Stream.Kind, &e.Stream.Key, &c.LastSeq, &c.ReadSeq, &c.ClearedSeq, &c.Muted, &c.Pinned, &c.at, &c.Name, &c.Avatar, &c.PeerReadSeq,
			&c.Unread, &c.Mentioned, &e.Seq, &e.Time, &e.Sender, &e.CID, &e.Origin, &e.Payload)
		e.StreamID = c.id
		c.Conv = "g:" + e.Stream.Key
		if e.Stream.Kind == chat.StreamPair {
			c.Conv = "u:" + chat.PairOther(e.Stream.Key, uid)
		}
		if e.Seq > 0 {
			c.Last = &e
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
	list, err := collect(ctx, s.read, scanConversation(eid, uid), conversationsFrom+`
		AND ($3 = 0 OR (CASE WHEN s.head > 0 THEN s.changed ELSE r.since END, s.id) < ($3, $4)) ORDER BY at DESC, s.id DESC LIMIT $5`+conversationsJoins,
		eid, uid, after[0], after[1], limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read conversations: %w", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = encodeCursor([2]int64{list[limit-1].at, list[limit-1].id})
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
	ref, err := readable(ctx, s.read, eid, uid, conv)
	if err != nil {
		return chat.Conversation{}, err
	}
	c, err := scanConversation(eid, uid)(s.read.QueryRowContext(ctx, conversationsFrom+`
		AND s.kind = $3 AND s.key = $4`+conversationsJoins, eid, uid, int64(ref.Kind), ref.Key).Scan)
	if errors.Is(err, sql.ErrNoRows) && ref.Kind == chat.StreamPair {
		u, err := readUser(ctx, s.read, eid, conv[2:])
		return chat.Conversation{Conv: conv, Name: u.Name, Avatar: u.Avatar}, err
	}
	return c.Conversation, found(err, "conversation")
}

// readable resolves a conversation that a user may read: with a user of its organisation, or of a group that it is a member of now.
func readable(ctx context.Context, q querier, eid, uid, conv string) (chat.StreamRef, error) {
	if other, ok := strings.CutPrefix(conv, "u:"); ok {
		_, err := readUser(ctx, q, eid, other)
		if chat.CodeOf(err) == chat.NotFound {
			err = found(sql.ErrNoRows, "conversation")
		}
		return chat.StreamRef{EID: eid, Kind: chat.StreamPair, Key: chat.PairKey(uid, other)}, err
	}
	if gid, ok := strings.CutPrefix(conv, "g:"); ok {
		_, err := readMembership(ctx, q, eid, gid, uid)
		if chat.CodeOf(err) == chat.NotFound {
			err = found(sql.ErrNoRows, "conversation")
		}
		return chat.StreamRef{EID: eid, Kind: chat.StreamGroup, Key: gid}, err
	}
	return chat.StreamRef{}, chat.FieldError("conv", chat.FieldFormat, "must be u:{uid} or g:{gid}")
}

// MarkRead notes how far a user has read; never back, and not beyond the head. Who may not read the conversation gets chat.NotFound.
func (s *Store) MarkRead(ctx context.Context, eid, uid, conv string, seq uint64) error {
	err := s.change(ctx, func(t *tx) error {
		h, err := t.listed(eid, uid, conv)
		if err != nil || h == nil {
			return err
		}
		to := min(seq, h.seq)
		n, err := t.affect(`UPDATE participants SET read_seq = $1 WHERE eid = $2 AND uid = $3 AND stream = $4 AND read_seq < $1`, int64(to), eid, uid, h.id)
		if err != nil || n == 0 {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventRead, UID: uid, Conv: conv, Seq: to})
	})
	if err != nil {
		return fmt.Errorf("mark read: %w", err)
	}
	return nil
}

// listed returns the head of a conversation that a user may read; nil for a pair that has no messages yet, and is in no list.
func (t *tx) listed(eid, uid, conv string) (*head, error) {
	ref, err := readable(background, t, eid, uid, conv)
	if err != nil {
		return nil, err
	}
	return t.find(ref)
}

// SetConversation mutes or pins a conversation in a user's list; nil leaves as it is. chat.NotFound when it is not in the list.
func (s *Store) SetConversation(ctx context.Context, eid, uid, conv string, muted, pinned *bool) error {
	err := s.change(ctx, func(t *tx) error {
		h, err := t.listed(eid, uid, conv)
		if err == nil && h == nil {
			err = found(sql.ErrNoRows, "conversation")
		}
		if err != nil {
			return err
		}
		var changed int64
		for _, f := range []struct {
			query string
			v     *bool
		}{
			{`UPDATE participants SET muted = $1 WHERE eid = $2 AND uid = $3 AND stream = $4 AND muted <> $1`, muted},
			{`UPDATE participants SET pinned = $1 WHERE eid = $2 AND uid = $3 AND stream = $4 AND pinned <> $1`, pinned},
		} {
			if f.v == nil {
				continue
			}
			n, err := t.affect(f.query, flag(*f.v), eid, uid, h.id)
			if err != nil {
				return err
			}
			changed += n
		}
		if changed == 0 {
			return nil
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventConversation, UID: uid, Conv: conv})
	})
	if err != nil {
		return fmt.Errorf("change a conversation: %w", err)
	}
	return nil
}

// ClearConversation hides a conversation's messages up to seq from a user, for ever: never back, and not beyond the head. Who may not read
// the conversation gets chat.NotFound.
func (s *Store) ClearConversation(ctx context.Context, eid, uid, conv string, seq uint64) error {
	err := s.change(ctx, func(t *tx) error {
		h, err := t.listed(eid, uid, conv)
		if err != nil || h == nil || seq == 0 {
			return err
		}
		to, at := min(seq, h.seq), now()
		if to < h.seq {
			err := t.row(`SELECT COALESCE((SELECT ts FROM log WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT 1), CAST($3 AS bigint))`, h.id, int64(to), at).Scan(&at)
			if err != nil {
				return fmt.Errorf("read the first message that stays: %w", err)
			}
		}
		n, err := t.affect(`INSERT INTO cleared (eid, uid, stream, seq, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (eid, uid, stream) DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > cleared.seq`, eid, uid, h.id, int64(to), at)
		if err != nil || n == 0 {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventConversation, UID: uid, Conv: conv, Seq: to})
	})
	if err != nil {
		return fmt.Errorf("clear a conversation: %w", err)
	}
	return nil
}

// clearedUpTo returns up to where a user has cleared a stream, and from when on a group's notices are shown; zeros if it has not.
func clearedUpTo(ctx context.Context, q querier, eid, uid string, stream int64) (seq uint64, at int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT seq, at FROM cleared WHERE eid = $1 AND uid = $2 AND stream = $3`, eid, uid, stream).Scan(&seq, &at)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return seq, at, err
}
