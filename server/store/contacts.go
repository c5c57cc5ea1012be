package store

import (
	"context"
	"fmt"
	"time"

	"magpie/server/chat"
)

// Contacts returns the users that a user has in its contacts, by name.
func (s *Store) Contacts(ctx context.Context, eid, uid string) ([]chat.User, error) {
	list, err := collect(ctx, s.read, scanUser, `SELECT `+userColumns+` FROM users WHERE eid = $1
		AND uid IN (SELECT other FROM contacts WHERE eid = $1 AND uid = $2) ORDER BY name, uid`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return list, nil
}

// ContactOf returns who has a user in its contacts.
func (s *Store) ContactOf(ctx context.Context, eid, uid string) ([]string, error) {
	list, err := collect(ctx, s.read, scanString, `SELECT uid FROM contacts WHERE eid = $1 AND other = $2`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read who has a contact: %w", err)
	}
	return list, nil
}

// PutContact adds a contact. Where the organisation wants that the other side agrees, it asks (pending), and answers
// a question of the other side: then both have each other.
func (s *Store) PutContact(ctx context.Context, eid, uid, other, message string) (pending bool, err error) {
	if uid == other {
		return false, chat.Errorf(chat.Invalid, "You can't be your own contact.")
	}
	err = s.change(ctx, func(t *tx) error {
		pending = false
		u, err := readUser(ctx, t.w.conn, eid, other)
		if err != nil {
			return err
		}
		if u.Disabled {
			return chat.Errorf(chat.NotFound, "There is no such user.")
		}
		org, err := readOrg(ctx, t.w.conn, eid)
		if err != nil {
			return err
		}
		var have int
		if err := t.row(`SELECT COUNT(*) FROM contacts WHERE eid = $1 AND uid = $2 AND other = $3`, eid, uid, other).Scan(&have); err != nil || have > 0 {
			return err
		}
		asked, err := t.affect(`DELETE FROM contact_requests WHERE eid = $1 AND uid = $2 AND sender = $3`, eid, uid, other)
		if err != nil {
			return err
		}
		switch {
		case asked > 0:
			if err := t.addContact(eid, other, uid); err != nil {
				return err
			}
		case org.Settings.ContactApproval:
			pending = true
			n, err := t.affect(`INSERT INTO contact_requests (eid, uid, sender, message, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				eid, other, uid, message, time.Now().UnixMilli())
			if err != nil || n == 0 {
				return err
			}
			return t.event(chat.Event{EID: eid, Type: chat.EventContactRequest, UID: uid, Other: other, Text: message})
		}
		return t.addContact(eid, uid, other)
	})
	return pending, err
}

func (t *tx) addContact(eid, uid, other string) error {
	n, err := t.affect(`INSERT INTO contacts (eid, uid, other, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, eid, uid, other, time.Now().UnixMilli())
	if err != nil || n == 0 {
		return err
	}
	return t.event(chat.Event{EID: eid, Type: chat.EventContactAdd, UID: uid, Other: other})
}

// DeleteContact removes a contact, or declines a question of the other side. Where neither is there, nothing happens.
func (s *Store) DeleteContact(ctx context.Context, eid, uid, other string) error {
	return s.change(ctx, func(t *tx) error {
		if err := t.exec(`DELETE FROM contact_requests WHERE eid = $1 AND uid = $2 AND sender = $3`, eid, uid, other); err != nil {
			return err
		}
		n, err := t.affect(`DELETE FROM contacts WHERE eid = $1 AND uid = $2 AND other = $3`, eid, uid, other)
		if err != nil || n == 0 {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventContactRemove, UID: uid, Other: other})
	})
}

// ContactRequests returns who asks to become a user's contact, the oldest first.
func (s *Store) ContactRequests(ctx context.Context, eid, uid string) ([]chat.ContactRequest, error) {
	list, err := collect(ctx, s.read, func(scan func(...any) error) (chat.ContactRequest, error) {
		var r chat.ContactRequest
		var created int64
		err := scan(&r.UID, &r.Message, &created)
		r.Created = fromMS(created)
		return r, err
	}, `SELECT sender, message, created FROM contact_requests WHERE eid = $1 AND uid = $2 ORDER BY created, sender`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read contact requests: %w", err)
	}
	return list, nil
}
