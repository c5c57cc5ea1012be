package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"magpie/server/chat"
)

// Edit puts another text into the place of somebody's own message, within the time that the organisation allows, and returns the message as
// it is then. Nothing of the older text stays. To repeat it changes nothing.
func (s *Store) Edit(ctx context.Context, eid, uid, conv string, seq uint64, revise chat.Revise) (chat.Entry, error) {
	var e chat.Entry
	err := s.change(ctx, func(t *tx) error {
		ref, err := readable(background, t, eid, uid, conv)
		if err != nil {
			return err
		}
		if e, err = t.entry(ref, seq); err != nil {
			return err
		}
		if e.Sender != uid {
			return chat.Errorf(chat.Forbidden, "You can edit your own messages only.").Named(chat.ProblemNotYours)
		}
		at := time.UnixMilli(now())
		r, err := revise(e.Payload, at)
		if err != nil || r == nil {
			return err
		}
		org, err := readOrg(background, t, eid)
		if err != nil {
			return err
		}
		if most := org.Settings.Edit(); at.Sub(time.UnixMilli(e.Time)) > most {
			return editTooLate(most)
		}
		return t.edit(&e, *r)
	})
	if err != nil {
		return e, fmt.Errorf("edit a message: %w", err)
	}
	return e, nil
}

func editTooLate(most time.Duration) error {
	refused := chat.Errorf(chat.Forbidden, "Your organisation does not allow editing messages.")
	if most > 0 {
		refused = chat.Errorf(chat.Forbidden, "This message can't be edited any more: your organisation allows it for %d seconds.", int(most.Seconds()))
	}
	refused.Limit = int(most.Seconds())
	return refused.Named(chat.ProblemEditTooLate)
}

func (t *tx) edit(e *chat.Entry, r chat.Revision) error {
	may, err := t.mayLink(e.Stream.EID, e.Sender, r.Files)
	if err != nil {
		return err
	}
	if !may {
		return errNoFile()
	}
	seq := int64(e.Seq)
	e.Payload = r.Payload
	t.forget()
	if err := t.exec(`UPDATE log SET payload = $1 WHERE stream = $2 AND seq = $3`, e.Payload, e.StreamID, seq); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM mentions WHERE stream = $1 AND seq = $2`, e.StreamID, seq); err != nil {
		return err
	}
	for _, uid := range r.Mentions {
		if err := t.exec(`INSERT INTO mentions (stream, seq, uid) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, e.StreamID, seq, uid); err != nil {
			return err
		}
	}
	if _, err := t.unlinkFiles(e.StreamID, seq, seq); err != nil {
		return err
	}
	if err := t.linkFiles(&head{id: e.StreamID, seq: e.Seq}, r.Files); err != nil {
		return err
	}
	if err := t.blankNotices(e.StreamID, seq, seq); err != nil {
		return err
	}
	after := *e
	return t.event(chat.Event{EID: e.Stream.EID, Type: chat.EventEdit, UID: e.Sender, By: e.Sender, Kind: e.Stream.Kind, Key: e.Stream.Key, Seq: e.Seq, Entry: &after})
}

// blankNotices takes the texts out of the notices that have told of edits of messages of a stream, from one seq to another: what they
// said is no more.
func (t *tx) blankNotices(stream, from, to int64) error {
	type row struct{ seq, noticeStream, noticeSeq int64 }
	rows, err := collect(background, t, func(scan func(...any) error) (r row, err error) {
		err = scan(&r.seq, &r.noticeStream, &r.noticeSeq)
		return r, err
	}, `DELETE FROM edit_notices WHERE stream = $1 AND seq >= $2 AND seq <= $3 RETURNING seq, notice_stream, notice_seq`, stream, from, to)
	if err != nil || len(rows) == 0 {
		return err
	}
	var ref chat.StreamRef
	if err := t.row(`SELECT eid, kind, key FROM streams WHERE id = $1`, stream).Scan(&ref.EID, &ref.Kind, &ref.Key); err != nil {
		return err
	}
	var blanked []chat.Entry
	for _, r := range rows {
		e, err := readEntry(background, t, `l.stream = $1 AND l.seq = $2`, r.noticeStream, r.noticeSeq)
		if chat.CodeOf(err) == chat.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		conv := "g:" + ref.Key
		if ref.Kind == chat.StreamPair {
			conv = "u:" + chat.PairOther(ref.Key, e.Stream.Key)
		}
		left, err := json.Marshal(struct {
			Conv string `json:"conv"`
			Seq  int64  `json:"seq"`
		}{conv, r.seq})
		if err != nil {
			return err
		}
		e.Payload = append(bytes.Clone(e.Payload[:5]), left...)
		if err := t.exec(`UPDATE log SET payload = $1 WHERE stream = $2 AND seq = $3`, e.Payload, r.noticeStream, r.noticeSeq); err != nil {
			return err
		}
		blanked = append(blanked, e)
	}
	return t.event(chat.Event{EID: ref.EID, Type: chat.EventNoticesBlanked, Entries: blanked})
}

// stale reports whether a message is not any more what a notice is to tell of it.
func (t *tx) stale(e *chat.Entry) (bool, error) {
	if e == nil {
		return false, nil
	}
	is, err := readEntry(background, t, `l.stream = $1 AND l.seq = $2`, e.StreamID, int64(e.Seq))
	if chat.CodeOf(err) == chat.NotFound {
		return true, nil
	}
	return !bytes.Equal(is.Payload, e.Payload), err
}

// Message returns a message of a stream as it is now, or chat.NotFound.
func (s *Store) Message(ctx context.Context, ref chat.StreamRef, seq uint64) (chat.Entry, error) {
	return readEntry(ctx, s.read, `s.eid = $1 AND s.kind = $2 AND s.key = $3 AND l.seq = $4`, ref.EID, int64(ref.Kind), ref.Key, int64(seq))
}
