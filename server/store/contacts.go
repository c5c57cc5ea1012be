package store

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

// Contacts returns the users that uid has in its contacts, by name.
func (s *Store) Contacts(ctx context.Context, eid, uid string) ([]chat.User, error) {
	users, err := collect(ctx, s.read, scanUser, `SELECT `+userColumns+` FROM users
		WHERE eid = $1 AND uid IN (SELECT other FROM contacts WHERE eid = $1 AND uid = $2)`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	sortUsers(users)
	return users, nil
}

// ContactsAmong returns those of others whom uid has in its contacts.
func (s *Store) ContactsAmong(ctx context.Context, eid, uid string, others []string) ([]string, error) {
	uids, err := collect(ctx, s.read, scanString, `SELECT other FROM contacts WHERE eid = $1 AND uid = $2
		AND other IN (SELECT value FROM json_each(CAST($3 AS text)))`, eid, uid, jsonList(others))
	if err != nil {
		return nil, fmt.Errorf("look for contacts: %w", err)
	}
	return uids, nil
}

// ContactOf returns the uids of those who have uid in their contacts.
func (s *Store) ContactOf(ctx context.Context, eid, uid string) ([]string, error) {
	uids, err := collect(ctx, s.read, scanString, `SELECT uid FROM contacts WHERE eid = $1 AND other = $2 ORDER BY uid`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read whose contact a user is: %w", err)
	}
	return uids, nil
}

func (t *tx) isContact(eid, uid, other string) (yes bool, err error) {
	err = t.row(`SELECT CASE WHEN EXISTS (SELECT 1 FROM contacts WHERE eid = $1 AND uid = $2 AND other = $3) THEN 1 ELSE 0 END`, eid, uid, other).Scan(&yes)
	return yes, err
}

func (t *tx) addContact(eid, uid, other string) error {
	n, err := t.affect(`INSERT INTO contacts (eid, uid, other, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, eid, uid, other, now())
	if err != nil || n == 0 {
		return err
	}
	ev := chat.Event{EID: eid, Type: chat.EventContactAdd, UID: uid, Other: other}
	h, err := t.find(chat.StreamRef{EID: eid, Kind: chat.StreamTerminalNotice, Key: other})
	if err != nil {
		return err
	}
	if h != nil {
		ev.NoticeHead = h.seq
	}
	return t.event(ev)
}

// dropRequest forgets that sender asked uid.
func (t *tx) dropRequest(eid, uid, sender string) (was bool, err error) {
	n, err := t.affect(`DELETE FROM contact_requests WHERE eid = $1 AND uid = $2 AND sender = $3`, eid, uid, sender)
	return n > 0, err
}

// PutContact puts other into uid's contacts. Where the organisation wants approval it asks other instead (pending), unless other has
// uid already; when other asked before, both then have each other. To repeat it changes nothing.
func (s *Store) PutContact(ctx context.Context, eid, uid string, as chat.Role, other, message string) (pending bool, err error) {
	if uid == other {
		return false, chat.Errorf(chat.Invalid, "You can't have yourself in your contacts.").Named(chat.ProblemOwnContact)
	}
	err = s.change(ctx, func(t *tx) error {
		pending = false
		u, err := readUser(background, t, eid, other)
		if err != nil {
			return err
		}
		have, err := t.isContact(eid, uid, other)
		if err != nil || have {
			return err
		}
		if u.Disabled {
			return errNoUser()
		}
		org, err := readOrg(background, t, eid)
		if err != nil {
			return err
		}
		asked, err := t.dropRequest(eid, uid, other)
		if err != nil {
			return err
		}
		known, err := t.isContact(eid, other, uid)
		if err != nil {
			return err
		}
		if org.Settings.ContactApproval && !asked && !known {
			pending = true
			if message, err = t.requestText(org, uid, as, u, message); err != nil {
				return err
			}
			n, err := t.affect(`INSERT INTO contact_requests (eid, uid, sender, message, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				eid, other, uid, message, now())
			if err != nil || n == 0 {
				return err
			}
			return t.event(chat.Event{EID: eid, Type: chat.EventContactRequest, UID: uid, Other: other, Text: message})
		}
		if _, err := t.dropRequest(eid, other, uid); err != nil {
			return err
		}
		if err := t.addContact(eid, uid, other); err != nil || !asked {
			return err
		}
		return t.addContact(eid, other, uid)
	})
	if err != nil {
		return false, fmt.Errorf("add a contact: %w", err)
	}
	return pending, nil
}

// requestText is what a request may say: nothing to somebody whom the sender may not write to.
func (t *tx) requestText(org chat.Org, uid string, as chat.Role, to chat.User, message string) (string, error) {
	if org.Settings.MessageWhom == "" || message == "" {
		return message, nil
	}
	from, err := readUser(background, t, org.EID, uid)
	if err == nil {
		err = mayMessage(background, t, org, from.Acting(as), to)
	}
	if chat.CodeOf(err) == chat.Forbidden {
		return "", nil
	}
	return message, err
}

// DeleteContact takes other out of uid's contacts, and forgets what one of them asked the other: it withdraws or declines a request
// too. To repeat it changes nothing.
func (s *Store) DeleteContact(ctx context.Context, eid, uid, other string) error {
	err := s.change(ctx, func(t *tx) error {
		if _, err := t.dropRequest(eid, uid, other); err != nil {
			return err
		}
		if _, err := t.dropRequest(eid, other, uid); err != nil {
			return err
		}
		n, err := t.affect(`DELETE FROM contacts WHERE eid = $1 AND uid = $2 AND other = $3`, eid, uid, other)
		if err != nil || n == 0 {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventContactRemove, UID: uid, Other: other})
	})
	if err != nil {
		return fmt.Errorf("remove a contact: %w", err)
	}
	return nil
}

// ContactRequests returns who asks to be in uid's contacts, oldest first.
func (s *Store) ContactRequests(ctx context.Context, eid, uid string) ([]chat.ContactRequest, error) {
	out, err := collect(ctx, s.read, func(scan func(...any) error) (c chat.ContactRequest, err error) {
		var created int64
		err = scan(&c.UID, &c.Message, &created)
		c.Created = fromMS(created)
		return c, err
	}, `SELECT sender, message, created FROM contact_requests WHERE eid = $1 AND uid = $2 ORDER BY created, sender`, eid, uid)
	if err != nil {
		return nil, fmt.Errorf("read contact requests: %w", err)
	}
	return out, nil
}
