package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"magpie/server/chat"
)

// head returns where a stream stands in the transaction, and makes the stream if it does not exist.
func (t *tx) head(ref chat.StreamRef) (*head, error) {
	if h := t.w.heads[ref]; h != nil {
		return h, nil
	}
	h := &head{}
	var seq int64
	err := t.row(`SELECT id, head FROM streams WHERE eid = $1 AND kind = $2 AND key = $3`, ref.EID, int64(ref.Kind), ref.Key).Scan(&h.id, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		if err = t.row(`INSERT INTO streams (eid, kind, key, head) VALUES ($1, $2, $3, 0) RETURNING id`, ref.EID, int64(ref.Kind), ref.Key).Scan(&h.id); err == nil {
			err = t.begin(ref, h.id)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("find a stream: %w", err)
	}
	h.seq = uint64(seq)
	t.w.heads[ref] = h
	return h, nil
}

// begin puts a new conversation of two into their lists.
func (t *tx) begin(ref chat.StreamRef, id int64) error {
	if ref.Kind != chat.StreamPair {
		return nil
	}
	a, b, _ := strings.Cut(ref.Key, ":")
	for _, uid := range []string{a, b} {
		if err := t.participate(ref.EID, uid, id, 0); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) participate(eid, uid string, stream int64, read uint64) error {
	return t.exec(`INSERT INTO participants (eid, uid, stream, read_seq, muted, pinned, since) VALUES ($1, $2, $3, $4, 0, 0, $5)
		ON CONFLICT DO NOTHING`, eid, uid, stream, int64(read), time.Now().UnixMilli())
}

// userID returns the number of a sender in the log, 0 for the server.
func (t *tx) userID(eid, uid string) (int64, error) {
	if uid == "" {
		return 0, nil
	}
	key := [2]string{eid, uid}
	if id, ok := t.w.users[key]; ok {
		return id, nil
	}
	var id int64
	if err := t.row(`SELECT id FROM users WHERE eid = $1 AND uid = $2`, eid, uid).Scan(&id); err != nil {
		return 0, fmt.Errorf("find the sender: %w", err)
	}
	t.w.users[key] = id
	return id, nil
}

// append writes one entry at the head of its stream, unless it is a repeat.
func (t *tx) append(a *chat.Append) (chat.Appended, error) {
	var none chat.Appended
	if p := a.Packet; p != nil && (p.QoS2 || p.Dup) {
		res, known, err := t.packet(p)
		if err != nil || known {
			return res, err
		}
	}
	ms := a.Time
	if ms == 0 {
		ms = time.Now().UnixMilli()
	}
	res := chat.Appended{}
	if !a.Skip {
		var err error
		if res, err = t.insert(a, ms); err != nil {
			return none, err
		}
	}
	if a.Packet != nil {
		if err := t.exec(`INSERT INTO packets (session, pid, digest, stream, seq) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (session, pid) DO UPDATE SET digest = excluded.digest, stream = excluded.stream, seq = excluded.seq`,
			a.Packet.Session, int64(a.Packet.PacketID), int64(a.Packet.Digest), res.StreamID, int64(res.Seq)); err != nil {
			return none, fmt.Errorf("note a packet: %w", err)
		}
	}
	if a.Retain && !res.Repeat {
		if err := t.retain(a, ms); err != nil {
			return none, err
		}
	}
	return res, nil
}

func (t *tx) insert(a *chat.Append, ms int64) (chat.Appended, error) {
	var none chat.Appended
	author, err := t.userID(a.Stream.EID, a.Sender)
	if err != nil {
		return none, err
	}
	h, err := t.head(a.Stream)
	if err != nil {
		return none, err
	}
	if a.Stream.Kind != chat.StreamApp && len(a.Payload) >= 4 {
		binary.BigEndian.PutUint32(a.Payload, uint32(ms/1000))
	}
	var cid any // nil, not an empty blob: only then the index leaves the row out
	if len(a.CID) > 0 {
		cid = a.CID
	}
	got, err := t.w.insert.ExecContext(context.Background(), h.id, int64(h.seq+1), ms, author, cid, a.Origin, a.Topic, a.Payload, a.Props, a.Expires)
	if err != nil {
		return none, err
	}
	if n, err := got.RowsAffected(); err != nil {
		return none, err
	} else if n == 0 {
		return t.repeated(author, a)
	}
	h.seq++
	t.w.dirty[a.Stream] = struct{}{}
	for _, uid := range a.Mentions {
		if err := t.exec(`INSERT INTO mentions (stream, seq, uid) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, h.id, int64(h.seq), uid); err != nil {
			return none, fmt.Errorf("note a mention: %w", err)
		}
	}
	t.news = append(t.news, chat.Entry{Stream: a.Stream, StreamID: h.id, Seq: h.seq, Time: ms, Sender: a.Sender, CID: a.CID, Origin: a.Origin,
		Topic: a.Topic, Payload: a.Payload, Props: a.Props, Expires: a.Expires})
	return chat.Appended{StreamID: h.id, Seq: h.seq}, nil
}

// repeated finds the message that a repeat repeats.
func (t *tx) repeated(author int64, a *chat.Append) (chat.Appended, error) {
	res := chat.Appended{Repeat: true}
	var seq int64
	if err := t.w.repeat.QueryRowContext(context.Background(), author, a.CID).Scan(&res.StreamID, &seq); err != nil {
		return res, fmt.Errorf("find the repeated message: %w", err)
	}
	res.Seq = uint64(seq)
	return res, nil
}

// packet looks an inbound packet up among those of its session.
func (t *tx) packet(p *chat.PacketKey) (res chat.Appended, known bool, err error) {
	var digest, seq int64
	err = t.row(`SELECT digest, stream, seq FROM packets WHERE session = $1 AND pid = $2`, p.Session, int64(p.PacketID)).Scan(&digest, &res.StreamID, &seq)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !p.QoS2 && uint64(digest) != p.Digest {
		return chat.Appended{}, false, nil
	}
	if err != nil {
		return res, false, fmt.Errorf("look a packet up: %w", err)
	}
	res.Seq, res.Repeat = uint64(seq), true
	return res, true, nil
}

func (t *tx) retain(a *chat.Append, ms int64) error {
	var err error
	if len(a.Payload) == 0 {
		err = t.exec(`DELETE FROM retained WHERE eid = $1 AND topic = $2`, a.Stream.EID, a.Topic)
	} else {
		err = t.exec(`INSERT INTO retained (eid, topic, sender, payload, props, ts, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (eid, topic) DO UPDATE SET sender = excluded.sender, payload = excluded.payload, props = excluded.props,
			ts = excluded.ts, expires = excluded.expires`, a.Stream.EID, a.Topic, a.Sender, a.Payload, a.Props, ms, a.Expires)
	}
	if err != nil {
		return fmt.Errorf("retain a message: %w", err)
	}
	return nil
}

const entryColumns = `l.stream, s.eid, s.kind, s.key, l.seq, l.ts, COALESCE(u.uid, ''), l.cid, l.origin, l.topic, l.payload, l.props, l.expires`

const entryJoins = ` FROM log l JOIN streams s ON s.id = l.stream LEFT JOIN users u ON u.id = l.author `

func scanEntry(scan func(...any) error) (chat.Entry, error) {
	var e chat.Entry
	var kind, seq int64
	err := scan(&e.StreamID, &e.Stream.EID, &kind, &e.Stream.Key, &seq, &e.Time, &e.Sender, &e.CID, &e.Origin, &e.Topic, &e.Payload, &e.Props, &e.Expires)
	e.Stream.Kind, e.Seq = chat.StreamKind(kind), uint64(seq)
	return e, err
}

// Read returns the entries of a stream after a seq, in ascending order, limit at the most.
func (s *Store) Read(ctx context.Context, streamID int64, after uint64, limit int) ([]chat.Entry, error) {
	list, err := collect(ctx, s.read, scanEntry, `SELECT `+entryColumns+entryJoins+`WHERE l.stream = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3`,
		streamID, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	return list, nil
}

// Stream returns a stream and its head; one that has no entry yet has ID and Head 0.
func (s *Store) Stream(ctx context.Context, ref chat.StreamRef) (chat.Stream, error) {
	st := chat.Stream{StreamRef: ref}
	var head int64
	err := s.read.QueryRowContext(ctx, `SELECT id, head FROM streams WHERE eid = $1 AND kind = $2 AND key = $3`,
		ref.EID, int64(ref.Kind), ref.Key).Scan(&st.ID, &head)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return st, fmt.Errorf("find a stream: %w", err)
	}
	st.Head = uint64(head)
	return st, nil
}

// pruneStep is how many entries one transaction of PruneApp deletes.
const pruneStep = 500

// PruneApp deletes the entries of an organisation's application stream up to a seq, in small steps.
func (s *Store) PruneApp(ctx context.Context, eid string, upTo uint64) error {
	st, err := s.Stream(ctx, chat.StreamRef{EID: eid, Kind: chat.StreamApp})
	if err != nil || st.ID == 0 {
		return err
	}
	for {
		var n int64
		err := s.change(ctx, func(t *tx) (err error) {
			n, err = t.affect(`DELETE FROM log WHERE stream = $1 AND seq IN (SELECT seq FROM log WHERE stream = $1 AND seq <= $2 ORDER BY seq LIMIT $3)`,
				st.ID, int64(upTo), pruneStep)
			return err
		})
		if err != nil {
			return fmt.Errorf("prune application messages: %w", err)
		}
		if n < pruneStep {
			return nil
		}
	}
}

// Retained returns an organisation's retained messages.
func (s *Store) Retained(ctx context.Context, eid string) ([]chat.Retained, error) {
	list, err := collect(ctx, s.read, func(scan func(...any) error) (chat.Retained, error) {
		var r chat.Retained
		return r, scan(&r.Topic, &r.Sender, &r.Payload, &r.Props, &r.Time, &r.Expires)
	}, `SELECT topic, sender, payload, props, ts, expires FROM retained WHERE eid = $1 AND (expires = 0 OR expires > $2)`, eid, time.Now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read retained messages: %w", err)
	}
	return list, nil
}

// Events returns the oldest changes that the agent has still to tell.
func (s *Store) Events(ctx context.Context, limit int) ([]chat.Event, error) {
	list, err := collect(ctx, s.read, func(scan func(...any) error) (chat.Event, error) {
		var id, ts int64
		var eid, body string
		if err := scan(&id, &eid, &ts, &body); err != nil {
			return chat.Event{}, err
		}
		ev := chat.Event{}
		if err := json.Unmarshal([]byte(body), &ev); err != nil {
			return ev, fmt.Errorf("decode event %d: %w", id, err)
		}
		ev.ID, ev.EID, ev.Time = id, eid, ts
		return ev, nil
	}, `SELECT id, eid, ts, body FROM events ORDER BY id LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return list, nil
}

// FinishEvent appends the notices that an event means and takes it off the queue, in one transaction. An event that was finished
// before is left alone.
func (s *Store) FinishEvent(ctx context.Context, id int64, notices []chat.Append) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.affect(`DELETE FROM events WHERE id = $1`, id)
		if err != nil || n == 0 {
			return err
		}
		for i := range notices {
			if _, err := t.append(&notices[i]); err != nil {
				return fmt.Errorf("append a notice: %w", err)
			}
		}
		return nil
	})
}

// collect runs a query and scans its rows.
func collect[T any](ctx context.Context, q querier, scan func(func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		x, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, rows.Err()
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func scanString(scan func(...any) error) (string, error) {
	var s string
	return s, scan(&s)
}
