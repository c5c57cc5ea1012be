package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"magpie/server/chat"
)

// head is where a stream stands within the open transaction.
type head struct {
	ref     chat.StreamRef
	id      int64
	seq     uint64
	changed int64 // time of the newest entry
	dirty   bool  // the streams row is behind
}

// Append queues an entry for the log; a.Done tells when it is durable. It waits while the queue is full. a.Payload belongs to the
// store from here on.
func (s *Store) Append(a chat.Append) {
	if err := s.w.queue.put(&op{append: a}); err != nil && a.Done != nil {
		a.Done(chat.Appended{Err: err})
	}
}

// append does what chat.Append says. The usual case is one INSERT: seq is the head's next, and the unique index finds repeats.
func (t *tx) append(a *chat.Append) (chat.Appended, error) {
	author, err := t.author(a.Stream.EID, a.Sender)
	if err != nil {
		return chat.Appended{Err: err}, failure(err)
	}
	if a.Packet != nil {
		if res, known, err := t.packet(a.Packet); err != nil || known {
			return res, err
		}
	}
	ts := a.Time
	if ts == 0 {
		ts = now()
	}
	var res chat.Appended
	if !a.Skip {
		if res, err = t.insert(a, author, ts); err != nil {
			return res, err
		}
	}
	if a.Packet != nil {
		if err := t.savePacket(a.Packet, res); err != nil {
			return res, err
		}
	}
	if a.Retain && !res.Repeat {
		err = t.retain(a, ts)
	}
	return res, err
}

// failure is err if the transaction can't go on after it: an error of the domain refuses one operation alone.
func failure(err error) error {
	var e *chat.Error
	if errors.As(err, &e) {
		return nil
	}
	return err
}

func (t *tx) insert(a *chat.Append, author, ts int64) (chat.Appended, error) {
	cid := a.CID
	if len(cid) == 0 || author == 0 {
		cid = nil
	}
	may, err := t.mayLink(a.Stream.EID, a.Sender, a.Files)
	if err != nil {
		return chat.Appended{}, err
	}
	if !may {
		res, known, err := t.repeat(author, cid)
		if err == nil && !known {
			res.Err = errNoFile()
		}
		return res, err
	}
	h, err := t.find(a.Stream)
	if err != nil {
		return chat.Appended{}, err
	}
	if h == nil {
		if res, known, err := t.repeat(author, cid); err != nil || known {
			return res, err
		}
		if h, err = t.begin(a.Stream, ts); err != nil {
			return chat.Appended{}, err
		}
	}
	if a.Stream.Kind != chat.StreamApp {
		if len(a.Payload) < 4 {
			return chat.Appended{Err: chat.Errorf(chat.Invalid, "The payload is too short.")}, nil
		}
		binary.BigEndian.PutUint32(a.Payload, uint32(ts/1000))
	}
	e := chat.Entry{Stream: a.Stream, StreamID: h.id, Seq: h.seq + 1, Time: ts, Sender: a.Sender, CID: cid, Origin: a.Origin,
		Payload: a.Payload, Expires: a.Expires}
	if a.Stream.Kind == chat.StreamApp {
		e.Topic, e.Props = a.Topic, a.Props
	}
	payload := e.Payload
	if payload == nil {
		payload = []byte{}
	}
	n, err := t.affect(`INSERT INTO log (stream, seq, ts, author, cid, origin, topic, payload, props, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		e.StreamID, int64(e.Seq), ts, author, null(cid), e.Origin, e.Topic, payload, null(e.Props), e.Expires)
	if err != nil {
		return chat.Appended{}, err
	}
	if n == 0 {
		res, known, err := t.repeat(author, cid)
		if err == nil && !known {
			err = fmt.Errorf("stream %d has an entry %d beyond its head", e.StreamID, e.Seq)
		}
		return res, err
	}
	h.seq, h.changed = e.Seq, ts
	t.touch(h)
	for _, uid := range a.Mentions {
		if err := t.exec(`INSERT INTO mentions (stream, seq, uid) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, h.id, int64(h.seq), uid); err != nil {
			return chat.Appended{}, fmt.Errorf("mention: %w", err)
		}
	}
	if err := t.linkFiles(h, a.Files); err != nil {
		return chat.Appended{}, err
	}
	if a.Tells != nil {
		err := t.exec(`INSERT INTO edit_notices (stream, seq, notice_stream, notice_seq) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			a.Tells.StreamID, int64(a.Tells.Seq), h.id, int64(h.seq))
		if err != nil {
			return chat.Appended{}, fmt.Errorf("note a notice: %w", err)
		}
	}
	t.entries = append(t.entries, e)
	t.note(false)
	return chat.Appended{StreamID: h.id, Seq: h.seq}, nil
}

// null makes an empty slice NULL. A []byte in an any would else not be nil.
func null(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// repeat finds the entry that a sender has stored with this Correlation Data before.
func (t *tx) repeat(author int64, cid []byte) (chat.Appended, bool, error) {
	if cid == nil {
		return chat.Appended{}, false, nil
	}
	res := chat.Appended{Repeat: true}
	err := t.row(`SELECT stream, seq FROM log WHERE author = $1 AND cid = $2`, author, cid).Scan(&res.StreamID, &res.Seq)
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Appended{}, false, nil
	}
	return res, err == nil, err
}

// author returns the id of a sender, 0 for the server.
func (t *tx) author(eid, uid string) (int64, error) {
	if uid == "" {
		return 0, nil
	}
	key := [2]string{eid, uid}
	if id, ok := t.w.users[key]; ok {
		return id, nil
	}
	id, err := userID(background, t, eid, uid)
	if err == nil {
		t.w.users[key] = id
	}
	return id, err
}

func userID(ctx context.Context, q querier, eid, uid string) (id int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT id FROM users WHERE eid = $1 AND uid = $2`, eid, uid).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errNoUser()
	}
	return id, err
}

// head returns a stream's head, and makes the stream if there is none.
func (t *tx) head(ref chat.StreamRef) (*head, error) {
	h, err := t.find(ref)
	if err == nil && h == nil {
		h, err = t.begin(ref, now())
	}
	return h, err
}

// find returns a stream's head, nil if there is no such stream yet.
func (t *tx) find(ref chat.StreamRef) (*head, error) {
	if h := t.w.heads[ref]; h != nil {
		return h, nil
	}
	st, err := findStream(background, t, ref)
	if err != nil || st.ID == 0 {
		return nil, err
	}
	h := &head{ref: ref, id: st.ID, seq: st.Head}
	t.w.heads[ref] = h
	return h, nil
}

// begin makes a stream. A pair's comes with the conversation in the lists of both sides.
func (t *tx) begin(ref chat.StreamRef, ts int64) (*head, error) {
	h := &head{ref: ref, changed: ts}
	err := t.row(`INSERT INTO streams (eid, kind, key, head, changed) SELECT eid, CAST($2 AS bigint), CAST($3 AS text), 0, CAST($4 AS bigint) FROM orgs WHERE eid = $1 RETURNING id`,
		ref.EID, int64(ref.Kind), ref.Key, ts).Scan(&h.id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, chat.Errorf(chat.NotFound, "There is no such organisation.")
	}
	if err != nil {
		return nil, fmt.Errorf("begin a stream: %w", err)
	}
	if ref.Kind == chat.StreamPair {
		a, b, _ := strings.Cut(ref.Key, ":")
		for _, uid := range []string{a, b} {
			if err := t.participate(ref.EID, uid, h, ts); err != nil {
				return nil, err
			}
		}
	}
	t.w.heads[ref] = h
	t.touch(h)
	return h, nil
}

// participate puts a conversation into a user's list, read up to its head.
func (t *tx) participate(eid, uid string, h *head, ts int64) error {
	err := t.exec(`INSERT INTO participants (eid, uid, stream, read_seq, muted, pinned, since) VALUES ($1, $2, $3, $4, 0, 0, $5)
		ON CONFLICT DO NOTHING`, eid, uid, h.id, int64(h.seq), ts)
	if err != nil {
		return fmt.Errorf("list a conversation: %w", err)
	}
	return nil
}

// touch notes that the head is to be written at the end of the transaction.
func (t *tx) touch(h *head) {
	if !h.dirty {
		h.dirty = true
		t.w.dirty = append(t.w.dirty, h)
	}
}

// packetMark is what is kept of a packet: its digest, and whether it came at QoS 2 in the lowest bit. An id that a QoS 1 packet had
// names a new message at QoS 2.
func packetMark(p *chat.PacketKey) int64 { return int64(p.Digest<<1) | flag(p.QoS2) }

// packet finds a packet that came before (MQTT 5 §4.3.2, §4.3.3, §4.4).
func (t *tx) packet(p *chat.PacketKey) (res chat.Appended, known bool, err error) {
	if !p.QoS2 && !p.Dup {
		return res, false, nil
	}
	var digest int64
	err = t.row(`SELECT digest, stream, seq FROM packets WHERE session = $1 AND pid = $2`, p.Session, int64(p.PacketID)).
		Scan(&digest, &res.StreamID, &res.Seq)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return chat.Appended{}, false, nil
	case err != nil:
		return res, false, fmt.Errorf("look for a packet: %w", err)
	case p.QoS2 && digest&1 == 0, !p.QoS2 && digest != packetMark(p):
		return chat.Appended{}, false, nil
	}
	res.Repeat = true
	return res, true, nil
}

// savePacket remembers a packet for as long as its session is kept.
func (t *tx) savePacket(p *chat.PacketKey, res chat.Appended) error {
	err := t.exec(`INSERT INTO packets (session, pid, digest, stream, seq)
		SELECT id, CAST($1 AS bigint), CAST($2 AS bigint), CAST($3 AS bigint), CAST($4 AS bigint) FROM sessions WHERE id = $5
		ON CONFLICT (session, pid) DO UPDATE SET digest = excluded.digest, stream = excluded.stream, seq = excluded.seq`,
		int64(p.PacketID), packetMark(p), res.StreamID, int64(res.Seq), p.Session)
	if err != nil {
		return fmt.Errorf("remember a packet: %w", err)
	}
	return nil
}

// retain keeps or clears the retained message of a topic (MQTT 5 §3.3.1.3).
func (t *tx) retain(a *chat.Append, ts int64) error {
	if len(a.Payload) == 0 {
		return t.exec(`DELETE FROM retained WHERE eid = $1 AND topic = $2`, a.Stream.EID, a.Topic)
	}
	err := t.exec(`INSERT INTO retained (eid, topic, sender, payload, props, ts, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (eid, topic) DO UPDATE SET sender = excluded.sender, payload = excluded.payload, props = excluded.props,
			ts = excluded.ts, expires = excluded.expires`,
		a.Stream.EID, a.Topic, a.Sender, a.Payload, null(a.Props), ts, a.Expires)
	if err != nil {
		return fmt.Errorf("retain: %w", err)
	}
	return nil
}

const entryColumns = `l.stream, s.eid, s.kind, s.key, l.seq, l.ts, COALESCE(u.uid, ''), l.cid, l.origin, l.topic, l.payload, l.props, l.expires`

func scanEntry(scan func(...any) error) (e chat.Entry, err error) {
	err = scan(&e.StreamID, &e.Stream.EID, &e.Stream.Kind, &e.Stream.Key, &e.Seq, &e.Time, &e.Sender, &e.CID, &e.Origin, &e.Topic,
		&e.Payload, &e.Props, &e.Expires)
	return e, err
}

const entriesAfter = `SELECT ` + entryColumns + ` FROM log l JOIN streams s ON s.id = l.stream LEFT JOIN users u ON u.id = l.author
	WHERE l.stream = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3`

// Read returns at most limit entries of a stream with a seq above after, in ascending order.
func (s *Store) Read(ctx context.Context, streamID int64, after uint64, limit int) ([]chat.Entry, error) {
	rows, err := s.after.QueryContext(ctx, streamID, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []chat.Entry
	for rows.Next() {
		e, err := scanEntry(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	return out, nil
}

// Stream returns a stream and its head. One that does not exist yet has ID 0.
func (s *Store) Stream(ctx context.Context, ref chat.StreamRef) (chat.Stream, error) {
	st, err := findStream(ctx, s.read, ref)
	if err != nil {
		return st, fmt.Errorf("find a stream: %w", err)
	}
	return st, nil
}

func findStream(ctx context.Context, q querier, ref chat.StreamRef) (chat.Stream, error) {
	st := chat.Stream{StreamRef: ref}
	err := q.QueryRowContext(ctx, `SELECT id, head FROM streams WHERE eid = $1 AND kind = $2 AND key = $3`, ref.EID, int64(ref.Kind), ref.Key).
		Scan(&st.ID, &st.Head)
	if errors.Is(err, sql.ErrNoRows) {
		return st, nil
	}
	return st, err
}

// PruneApp deletes the entries of an organisation's application stream up to a seq, in small steps that do not hold up the writer.
func (s *Store) PruneApp(ctx context.Context, eid string, upTo uint64) error {
	st, err := s.Stream(ctx, chat.StreamRef{EID: eid, Kind: chat.StreamApp})
	if err != nil || st.ID == 0 {
		return err
	}
	const step = 500
	for {
		var n int64
		err := s.change(ctx, func(t *tx) (err error) {
			n, err = t.affect(`DELETE FROM log WHERE stream = $1 AND seq IN (SELECT seq FROM log WHERE stream = $1 AND seq <= $2 ORDER BY seq LIMIT $3)`,
				st.ID, int64(upTo), step)
			return err
		})
		if err != nil {
			return fmt.Errorf("prune the application stream: %w", err)
		}
		if n < step {
			return nil
		}
	}
}
