package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"magpie/server/chat"
)

const announcementColumns = `a.id, a.author, a.title, a.text, a.departments, a.created, a.told,
	(SELECT COUNT(*) FROM announcement_readers r WHERE r.announcement = a.id AND r.read > 0)`

func scanAnnouncement(scan func(...any) error) (a chat.Announcement, err error) {
	var created int64
	var departments string
	if err = scan(&a.ID, &a.Author, &a.Title, &a.Text, &departments, &created, &a.People, &a.Readers); err != nil {
		return a, err
	}
	a.Created = fromMS(created)
	return a, json.Unmarshal([]byte(departments), &a.Departments)
}

// announceStep is for how many people one event is: their notices are stored in one transaction.
const announceStep = 500

// Announce writes an announcement to the people of departments and of those below them, or to everyone for none. Whom it is for is decided at
// once; they are told in steps. A repeat with the same key by the same author returns the first one.
func (s *Store) Announce(ctx context.Context, by chat.Actor, a chat.Announcement, key string) (chat.Announcement, error) {
	departments, err := json.Marshal(a.Departments)
	if err != nil {
		return a, fmt.Errorf("announce: %w", err)
	}
	query := `SELECT uid FROM users WHERE eid = $1 AND disabled = 0 AND service = 0 AND json_array_length(CAST($2 AS text)) = 0`
	if len(a.Departments) > 0 {
		query = `WITH RECURSIVE below (id) AS (SELECT value FROM json_each(CAST($2 AS text)) UNION SELECT d.id FROM departments d JOIN below b ON d.parent = b.id)
			SELECT DISTINCT m.uid FROM below b JOIN department_members m ON m.department = b.id AND m.hidden = 0 AND m.eid = $1
			JOIN users u ON u.eid = m.eid AND u.uid = m.uid AND u.service = 0`
	}
	uids, err := collect(ctx, s.read, scanString, query, by.EID, string(departments))
	if err != nil {
		return a, fmt.Errorf("announce: %w", err)
	}
	var left []steps
	err = s.administer(ctx, by, chat.Announce, func(t *tx) error {
		left = nil
		if key != "" {
			first, err := scanAnnouncement(t.row(`SELECT `+announcementColumns+` FROM announcements a WHERE a.eid = $1 AND a.author = $2 AND a.author_key = $3`, by.EID, by.UID, key).Scan)
			if !errors.Is(err, sql.ErrNoRows) {
				a = first
				return err
			}
		}
		for _, id := range a.Departments {
			if _, err := readDepartment(background, t, by.EID, id); chat.CodeOf(err) == chat.NotFound {
				return chat.FieldError("departments", chat.FieldNobody, "must name departments of your organisation")
			} else if err != nil {
				return err
			}
		}
		if len(uids) == 0 {
			return chat.FieldError("departments", chat.FieldTooFew, "must have somebody in them")
		}
		created := now()
		err := t.row(`INSERT INTO announcements (eid, author, title, text, departments, created, told, author_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
			by.EID, by.UID, a.Title, a.Text, string(departments), created, len(uids), key).Scan(&a.ID)
		if err != nil {
			return err
		}
		a.People, a.Created, a.Author = len(uids), fromMS(created), by.UID
		for from := 0; from < len(uids); from += announceStep {
			err := t.exec(`INSERT INTO announcement_parts (announcement, part, eid, uids) VALUES ($1, $2, $3, $4)`, a.ID, from, by.EID, jsonList(uids[from:min(from+announceStep, len(uids))]))
			if err != nil {
				return err
			}
		}
		tell, err := t.plan(steps{eid: by.EID, kind: stepAnnouncement, target: strconv.FormatInt(a.ID, 10), actor: by.UID})
		if err != nil {
			return err
		}
		left = []steps{tell}
		return t.audit(by, "announcement.create", strconv.FormatInt(a.ID, 10), nil, map[string]any{"title": a.Title, "text": a.Text, "departments": a.Departments, "people": a.People})
	})
	if err != nil {
		return a, fmt.Errorf("announce: %w", err)
	}
	s.complete(ctx, left...)
	return a, nil
}

// Announcement returns an announcement, or chat.NotFound.
func (s *Store) Announcement(ctx context.Context, eid string, id int64) (chat.Announcement, error) {
	a, err := scanAnnouncement(s.read.QueryRowContext(ctx, `SELECT `+announcementColumns+` FROM announcements a WHERE a.eid = $1 AND a.id = $2`, eid, id).Scan)
	return a, found(err, "announcement")
}

// Announcements returns a page of an organisation's announcements, the newest first.
func (s *Store) Announcements(ctx context.Context, eid, cursor string, limit int) ([]chat.Announcement, string, error) {
	return s.announcements(ctx, cursor, limit, scanAnnouncement, `SELECT `+announcementColumns+` FROM announcements a WHERE a.eid = $1 AND ($2 = 0 OR a.id < $2) ORDER BY a.id DESC LIMIT $3`, eid)
}

// AnnouncementsFor returns a page of the announcements that are for somebody, the newest first, and whether it has read them.
func (s *Store) AnnouncementsFor(ctx context.Context, eid, uid, cursor string, limit int) ([]chat.Announcement, string, error) {
	return s.announcements(ctx, cursor, limit, func(scan func(...any) error) (a chat.Announcement, err error) {
		var created, read int64
		err = scan(&a.ID, &a.Author, &a.Title, &a.Text, &created, &read)
		a.Created, a.Read = fromMS(created), fromMS(read)
		return a, err
	}, `SELECT a.id, a.author, a.title, a.text, a.created, r.read FROM announcement_readers r JOIN announcements a ON a.id = r.announcement
		WHERE r.eid = $1 AND r.uid = $4 AND ($2 = 0 OR a.id < $2) ORDER BY r.announcement DESC LIMIT $3`, eid, uid)
}

func (s *Store) announcements(ctx context.Context, cursor string, limit int, scan func(func(...any) error) (chat.Announcement, error), query, eid string, more ...any) ([]chat.Announcement, string, error) {
	var before int64
	if err := decodeCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = clamp(limit, 50, 200)
	list, err := collect(ctx, s.read, scan, query, append([]any{eid, before, limit + 1}, more...)...)
	if err != nil {
		return nil, "", fmt.Errorf("read announcements: %w", err)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], encodeCursor(list[limit-1].ID), nil
}

// ReadAnnouncement notes that somebody has read an announcement that is for it, which its other devices are told.
func (s *Store) ReadAnnouncement(ctx context.Context, eid, uid string, id int64) error {
	err := s.change(ctx, func(t *tx) error {
		var read int64
		err := t.row(`SELECT read FROM announcement_readers WHERE announcement = $1 AND eid = $2 AND uid = $3`, id, eid, uid).Scan(&read)
		if err != nil || read > 0 {
			return found(err, "announcement")
		}
		if err := t.exec(`UPDATE announcement_readers SET read = $1 WHERE announcement = $2 AND eid = $3 AND uid = $4`, now(), id, eid, uid); err != nil {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventAnnounceRead, UID: uid, Seq: uint64(id)})
	})
	if err != nil {
		return fmt.Errorf("read an announcement: %w", err)
	}
	return nil
}
