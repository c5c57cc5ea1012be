package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"magpie/server/chat"
)

// Recall takes a message back: its author within the time that the organisation allows, and in groups who may recall others'. blank makes what
// stays in its place. To repeat it changes nothing.
func (s *Store) Recall(ctx context.Context, eid, uid, conv string, seq uint64, blank chat.Blank) error {
	err := s.change(ctx, func(t *tx) error {
		ref, err := readable(background, t, eid, uid, conv)
		if err != nil {
			return err
		}
		e, err := t.entry(ref, seq)
		if err != nil {
			return err
		}
		if err := t.mayRecall(ref, uid, e); err != nil {
			return err
		}
		_, err = t.recall(e, uid, blank)
		return err
	})
	if err != nil {
		return fmt.Errorf("recall a message: %w", err)
	}
	return nil
}

func (t *tx) mayRecall(ref chat.StreamRef, uid string, e chat.Entry) error {
	if ref.Kind == chat.StreamGroup {
		m, err := readMembership(background, t, ref.EID, ref.Key, uid)
		if err != nil || m.Role.Has(chat.GroupRecall) {
			return err
		}
	}
	if e.Sender != uid {
		return chat.Errorf(chat.Forbidden, "You can recall your own messages only.").Named(chat.ProblemNotYours)
	}
	org, err := readOrg(background, t, ref.EID)
	if err != nil {
		return err
	}
	if most := org.Settings.Recall(); time.Since(time.UnixMilli(e.Time)) > most {
		refused := chat.Errorf(chat.Forbidden, "This message can't be recalled any more: your organisation allows it for %d seconds.", int(most.Seconds())).Named(chat.ProblemTooLate)
		refused.Limit = int(most.Seconds())
		return refused
	}
	return nil
}

// entry reads a message of a stream, or chat.NotFound.
func (t *tx) entry(ref chat.StreamRef, seq uint64) (chat.Entry, error) {
	return readEntry(background, t, `s.eid = $1 AND s.kind = $2 AND s.key = $3 AND l.seq = $4`, ref.EID, int64(ref.Kind), ref.Key, int64(seq))
}

func readEntry(ctx context.Context, q querier, where string, args ...any) (chat.Entry, error) {
	e, err := scanEntry(q.QueryRowContext(ctx, `SELECT `+entryColumns+` FROM log l JOIN streams s ON s.id = l.stream LEFT JOIN users u ON u.id = l.author WHERE `+where, args...).Scan)
	return e, found(err, "message")
}

// recall puts what is left into the place of a message. It reports false for one that was recalled before.
func (t *tx) recall(e chat.Entry, by string, blank chat.Blank) (bool, error) {
	left, err := blank(e.Payload, by)
	if err != nil || left == nil {
		return false, err
	}
	e.Payload = left
	t.forget()
	if err := t.exec(`UPDATE log SET payload = $1 WHERE stream = $2 AND seq = $3`, left, e.StreamID, int64(e.Seq)); err != nil {
		return false, err
	}
	if err := t.exec(`DELETE FROM mentions WHERE stream = $1 AND seq = $2`, e.StreamID, int64(e.Seq)); err != nil {
		return false, err
	}
	if _, err := t.unlinkFiles(e.StreamID, int64(e.Seq), int64(e.Seq)); err != nil {
		return false, err
	}
	if err := t.blankNotices(e.StreamID, int64(e.Seq), int64(e.Seq)); err != nil {
		return false, err
	}
	return true, t.event(chat.Event{EID: e.Stream.EID, Type: chat.EventRecall, UID: e.Sender, By: by, Kind: e.Stream.Kind, Key: e.Stream.Key, Seq: e.Seq, Entry: &e})
}

// unlinkFiles takes the files off the messages of a stream from one seq to another: who could read them there can't any more. It counts those that nothing carries
// now.
func (t *tx) unlinkFiles(stream, from, to int64) (loose int, err error) {
	files, err := collect(background, t, scanString, `DELETE FROM file_refs WHERE stream = $1 AND seq >= $2 AND seq <= $3 RETURNING file`, stream, from, to)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		if file == "" {
			continue
		}
		is, err := t.loosen(file)
		if err != nil {
			return 0, err
		}
		if is {
			loose++
		}
	}
	return loose, nil
}

// RecallAsModerator takes back any message of the organisation.
func (s *Store) RecallAsModerator(ctx context.Context, by chat.Actor, stream int64, seq uint64, blank chat.Blank) error {
	err := s.administer(ctx, by, chat.Moderate, func(t *tx) error {
		e, err := readEntry(background, t, `l.stream = $1 AND l.seq = $2 AND s.eid = $3 AND s.kind IN (1, 2)`, stream, int64(seq), by.EID)
		if err != nil {
			return err
		}
		who := by.UID
		if who == "" {
			who = e.Sender // the shell has no name that could show
		}
		fresh, err := t.recall(e, who, blank)
		if err != nil || !fresh {
			return err
		}
		return t.audit(by, "message.recall", fmt.Sprintf("%d/%d", stream, seq), map[string]any{"sender": e.Sender, "conversation": e.Stream.Key, "ts": fromMS(e.Time)}, nil)
	})
	if err != nil {
		return fmt.Errorf("recall a message: %w", err)
	}
	return nil
}

// ReportMessage keeps somebody's word about a message that it may read. A second word of the same person about it changes nothing.
func (s *Store) ReportMessage(ctx context.Context, eid, uid, conv string, seq uint64, reason string) error {
	err := s.change(ctx, func(t *tx) error {
		ref, err := readable(background, t, eid, uid, conv)
		if err != nil {
			return err
		}
		e, err := t.entry(ref, seq)
		if err != nil {
			return err
		}
		ids, err := collect(background, t, scanInt, `INSERT INTO reports (eid, stream, seq, reporter, reason, state, note, closer, created, closed, payload)
			VALUES ($1, $2, $3, $4, $5, 'open', '', '', $6, 0, $7) ON CONFLICT DO NOTHING RETURNING id`, eid, e.StreamID, int64(seq), uid, reason, now(), e.Payload)
		if err != nil || len(ids) == 0 {
			return err
		}
		return t.holdFiles(ids[0], e.StreamID, seq)
	})
	if err != nil {
		return fmt.Errorf("report a message: %w", err)
	}
	return nil
}

// holdFiles keeps the files of a reported message until the report is closed, whatever becomes of the message.
func (t *tx) holdFiles(report, stream int64, seq uint64) error {
	return t.exec(`INSERT INTO report_files (report, file) SELECT DISTINCT CAST($1 AS bigint), file FROM file_refs WHERE stream = $2 AND seq = $3 AND file <> '' ON CONFLICT DO NOTHING`,
		report, stream, int64(seq))
}

// releaseFiles lets the files of a report go, where nothing else carries them.
func (t *tx) releaseFiles(report int64) error {
	files, err := collect(background, t, scanString, `DELETE FROM report_files WHERE report = $1 RETURNING file`, report)
	if err != nil {
		return err
	}
	for _, file := range files {
		if _, err := t.loosen(file); err != nil {
			return err
		}
	}
	return nil
}

// ReportFile says who uploaded a file of a message that is reported, to somebody who looks into that; the audit log notes it.
func (s *Store) ReportFile(ctx context.Context, by chat.Actor, report int64, file string) (uploader string, err error) {
	err = s.administer(ctx, by, chat.ReadReports, func(t *tx) error {
		err := t.row(`SELECT f.uid FROM report_files p JOIN reports r ON r.id = p.report JOIN files f ON f.id = p.file WHERE r.eid = $1 AND r.id = $2 AND p.file = $3`,
			by.EID, report, file).Scan(&uploader)
		if err != nil {
			return found(err, "file")
		}
		return t.audit(by, "report.file", strconv.FormatInt(report, 10), nil, map[string]any{"file": file})
	})
	if err != nil {
		return "", fmt.Errorf("find a reported file: %w", err)
	}
	return uploader, nil
}

const reportColumns = `r.id, r.stream, s.eid, s.kind, s.key, s.head, COALESCE(g.name, ''), r.seq, COALESCE(l.ts, r.created), COALESCE(u.uid, ''), r.payload, r.reporter, r.reason, r.state, r.note, r.closer, r.created, r.closed, r.version`

const reportTables = ` FROM reports r JOIN streams s ON s.id = r.stream LEFT JOIN log l ON l.stream = r.stream AND l.seq = r.seq LEFT JOIN users u ON u.id = l.author
	LEFT JOIN chat_groups g ON s.kind = 2 AND g.eid = s.eid AND g.gid = s.key `

func scanReport(scan func(...any) error) (r chat.Report, err error) {
	var created, closed int64
	err = scan(&r.ID, &r.Stream.ID, &r.Stream.EID, &r.Stream.Kind, &r.Stream.Key, &r.Stream.Head, &r.Group, &r.Seq, &r.Message.Time, &r.Message.Sender, &r.Message.Payload,
		&r.Reporter, &r.Reason, &r.State, &r.Note, &r.Closer, &created, &closed, &r.Version)
	r.Created, r.Closed = fromMS(created), fromMS(closed)
	r.Message.Stream, r.Message.StreamID, r.Message.Seq = r.Stream.StreamRef, r.Stream.ID, r.Seq
	return r, err
}

// Reports returns a page of reports, the newest first; state "" is all of them.
func (s *Store) Reports(ctx context.Context, eid string, state chat.ReportState, cursor string, limit int) ([]chat.Report, string, error) {
	var before int64
	if err := decodeCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = clamp(limit, 50, 200)
	list, err := collect(ctx, s.read, scanReport, `SELECT `+reportColumns+reportTables+`WHERE r.eid = $1 AND (r.state = $2 OR $2 = '') AND ($3 = 0 OR r.id < $3)
		ORDER BY r.id DESC LIMIT $4`, eid, string(state), before, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read reports: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], encodeCursor(list[limit-1].ID), nil
}

// reportContext is how many messages before and after a reported one are shown.
const reportContext = 5

// Report returns a report, with the messages around the one it is about as they are now.
func (s *Store) Report(ctx context.Context, eid string, id int64) (chat.Report, []chat.Entry, error) {
	r, err := readReport(ctx, s.read, eid, id)
	if err != nil {
		return r, nil, err
	}
	from := uint64(0)
	if r.Seq > reportContext {
		from = r.Seq - reportContext - 1
	}
	around, err := s.Read(ctx, r.Stream.ID, from, 2*reportContext+1)
	return r, around, err
}

func readReport(ctx context.Context, q querier, eid string, id int64) (chat.Report, error) {
	r, err := scanReport(q.QueryRowContext(ctx, `SELECT `+reportColumns+reportTables+`WHERE r.eid = $1 AND r.id = $2`, eid, id).Scan)
	return r, found(err, "report")
}

// UpdateReport closes a report, or opens it again. The caller knows version.
func (s *Store) UpdateReport(ctx context.Context, by chat.Actor, id, version int64, state chat.ReportState, note string) (chat.Report, error) {
	var r chat.Report
	err := s.administer(ctx, by, chat.Moderate, func(t *tx) (err error) {
		if r, err = readReport(background, t, by.EID, id); err != nil {
			return err
		}
		if r.Version != version {
			return changedMeanwhile(r)
		}
		before := map[string]any{"state": string(r.State), "note": r.Note}
		closed := int64(0)
		r.State, r.Note, r.Closer = state, note, ""
		if state == chat.ReportClosed {
			closed, r.Closer = now(), by.UID
		}
		r.Closed = fromMS(closed)
		r.Version++
		err = t.exec(`UPDATE reports SET state = $1, note = $2, closer = $3, closed = $4, version = $5 WHERE id = $6`, string(state), note, r.Closer, closed, r.Version, id)
		if err != nil {
			return err
		}
		if state == chat.ReportClosed {
			err = t.releaseFiles(id)
		} else {
			err = t.holdFiles(id, r.Stream.ID, r.Seq)
		}
		if err != nil {
			return err
		}
		return t.audit(by, "report.change", strconv.FormatInt(id, 10), before, map[string]any{"state": string(state), "note": note})
	})
	if err != nil {
		return r, fmt.Errorf("change a report: %w", err)
	}
	return r, nil
}
