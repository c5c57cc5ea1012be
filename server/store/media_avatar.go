package store

import "magpie/server/chat"

// changeAvatar follows the change of a user's or group's avatar, by a user whose own upload for that the new one must be. It is called when
// the change is written.
func (t *tx) changeAvatar(eid, by, from, to string) error {
	if from == to {
		return nil
	}
	if id, ours := chat.FileOf(to); ours {
		n, err := t.affect(`UPDATE files SET idle = 0 WHERE id = $1 AND eid = $2 AND uid = $3 AND purpose = $4`, id, eid, by, chat.ForAvatar)
		if err == nil && n == 0 {
			err = errNoAvatar()
		}
		if err != nil {
			return err
		}
	}
	id, ours := chat.FileOf(from)
	if !ours {
		return nil
	}
	return t.exec(`UPDATE files SET idle = $1 WHERE id = $2 AND purpose = $3 AND NOT EXISTS (SELECT 1 FROM users u WHERE u.eid = $4 AND u.avatar = $5)
		AND NOT EXISTS (SELECT 1 FROM chat_groups g WHERE g.eid = $4 AND g.avatar = $5)`, now(), id, chat.ForAvatar, eid, from)
}

func errNoAvatar() error {
	return chat.FieldError("avatar", chat.FieldUnknown, "must be a picture that you have uploaded for this")
}
