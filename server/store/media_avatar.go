package store

import (
	"database/sql"
	"errors"

	"magpie/server/chat"
)

// changeAvatar follows the change of a user's or group's avatar, by a user whose own upload for that the new one must be. It is called when
// the change is written.
func (t *tx) changeAvatar(eid, by, from, to string) error {
	if from == to {
		return nil
	}
	if err := t.takeAvatar(eid, by, to, "avatar"); err != nil {
		return err
	}
	return t.looseAvatar(eid, from)
}

// changeLogo is changeAvatar of an organisation, whose logo is a picture that a system administrator, maybe of another one, has uploaded.
func (t *tx) changeLogo(by chat.Actor, from, to string) error {
	if from == to {
		return nil
	}
	if err := t.takeAvatar(by.EID, by.UID, to, "logo"); err != nil {
		return err
	}
	id, ours := chat.FileOf(from)
	if !ours {
		return nil
	}
	var owner string
	err := t.row(`SELECT eid FROM files WHERE id = $1`, id).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.looseAvatar(owner, from)
}

// takeAvatar marks a picture as used, if it is one of ours: then it must be a user's own upload for that.
func (t *tx) takeAvatar(eid, by, to, field string) error {
	if id, ours := chat.FileOf(to); ours {
		n, err := t.affect(`UPDATE files SET idle = 0 WHERE id = $1 AND eid = $2 AND uid = $3 AND purpose = $4`, id, eid, by, chat.ForAvatar)
		if err == nil && n == 0 {
			err = errNoAvatar(field)
		}
		return err
	}
	return nil
}

// looseAvatar notes the time of a picture that nobody uses any more.
func (t *tx) looseAvatar(eid, from string) error {
	id, ours := chat.FileOf(from)
	if !ours {
		return nil
	}
	return t.exec(`UPDATE files SET idle = $1 WHERE id = $2 AND purpose = $3 AND NOT EXISTS (SELECT 1 FROM users u WHERE u.eid = $4 AND u.avatar = $5)
		AND NOT EXISTS (SELECT 1 FROM chat_groups g WHERE g.eid = $4 AND g.avatar = $5) AND NOT EXISTS (SELECT 1 FROM orgs o WHERE o.logo = $5)`, now(), id, chat.ForAvatar, eid, from)
}

func errNoAvatar(field string) error {
	return chat.FieldError(field, chat.FieldUnknown, "must be a picture that you have uploaded for this")
}
