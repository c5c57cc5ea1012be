package store

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

// Bots returns the bots of an app by name.
func (s *Store) Bots(ctx context.Context, eid, app string) (list []chat.User, err error) {
	err = s.reading(ctx, func(q querier) error {
		if _, err := appOf(ctx, q, eid, app); err != nil {
			return err
		}
		uids, err := collect(ctx, q, scanString, `SELECT uid FROM app_bots WHERE app = $1`, app)
		if err != nil {
			return err
		}
		list, err = usersByID(ctx, q, eid, uids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read bots: %w", err)
	}
	return list, nil
}

// botOf reads a bot of an app of the actor's organisation.
func (t *tx) botOf(eid, app, uid string) (chat.User, error) {
	if _, err := appOf(background, t, eid, app); err != nil {
		return chat.User{}, err
	}
	var of string
	if err := t.row(`SELECT app FROM app_bots WHERE eid = $1 AND uid = $2 AND app = $3`, eid, uid, app).Scan(&of); err != nil {
		return chat.User{}, found(err, "bot")
	}
	return readUser(background, t, eid, uid)
}

// liveBot is botOf for a form that names one that may act.
func (t *tx) liveBot(eid, app, uid string) (chat.User, error) {
	u, err := t.botOf(eid, app, uid)
	if chat.CodeOf(err) == chat.NotFound {
		err = chat.FieldError("bot", chat.FieldNobody, "is not a bot of this app")
	}
	if err == nil && u.Disabled {
		err = chat.FieldError("bot", chat.FieldConflict, "is disabled: enable it first")
	}
	return u, err
}

// CreateBot makes a member that an app's programs act as. It has no password.
func (s *Store) CreateBot(ctx context.Context, by chat.Actor, app string, u chat.User) (chat.User, error) {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) (err error) {
		if _, err := appOf(background, t, by.EID, app); err != nil {
			return err
		}
		if err := t.room(`SELECT COUNT(*) FROM app_bots WHERE app = $1`, app, chat.MaxBots, "bots"); err != nil {
			return err
		}
		u.EID, u.Role, u.Service = by.EID, chat.Member, true
		if err := t.createUser(u, ""); err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO app_bots (eid, uid, app) VALUES ($1, $2, $3)`, by.EID, u.UID, app); err != nil {
			return err
		}
		if u, err = readUser(background, t, by.EID, u.UID); err != nil {
			return err
		}
		return t.audit(by, "app.bot.create", app, nil, botRecord(u))
	})
	if err != nil {
		return u, fmt.Errorf("make a bot: %w", err)
	}
	return u, nil
}

// UpdateBot changes a bot. A disabled one writes and hears nothing; its keys are good again when it is enabled.
func (s *Store) UpdateBot(ctx context.Context, by chat.Actor, app, uid string, c chat.BotChange) (u chat.User, err error) {
	err = s.administer(ctx, by, chat.ManageApps, func(t *tx) (err error) {
		if u, err = t.botOf(by.EID, app, uid); err != nil {
			return err
		}
		before := botRecord(u)
		if u, _, err = t.updateUser(u, chat.UserChange{Name: c.Name}); err != nil {
			return err
		}
		if c.Avatar != nil && *c.Avatar != u.Avatar {
			if err := t.changeAvatar(u.EID, by.UID, u.Avatar, *c.Avatar); err != nil { // the administrator's upload
				return err
			}
			u.Avatar = *c.Avatar
			u.Version++
			if err := t.exec(`UPDATE users SET avatar = $1, version = $2 WHERE eid = $3 AND uid = $4`, u.Avatar, u.Version, u.EID, uid); err != nil {
				return err
			}
			if err := t.event(chat.Event{EID: u.EID, Type: chat.EventProfile, UID: uid, Changed: []string{"avatar"}}); err != nil {
				return err
			}
		}
		if c.Disabled != nil && *c.Disabled != u.Disabled {
			if u, err = t.setDisabled(u, *c.Disabled); err != nil {
				return err
			}
		}
		from, to := difference(before, botRecord(u))
		if to == nil {
			return nil
		}
		from["bot"], to["bot"] = uid, uid
		return t.audit(by, "app.bot.change", app, from, to)
	})
	if err != nil {
		return u, fmt.Errorf("change a bot: %w", err)
	}
	return u, nil
}

// DeleteBot takes a bot from its app: its keys and webhooks end, and its account is disabled. What it has written stays.
func (s *Store) DeleteBot(ctx context.Context, by chat.Actor, app, uid string) error {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		u, err := t.botOf(by.EID, app, uid)
		if err != nil {
			return err
		}
		all, err := programLogins(background, t, app)
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.UID == uid {
				if err := t.endLogin(l, "revoked"); err != nil {
					return err
				}
			}
		}
		for _, q := range []string{`DELETE FROM incoming_hooks WHERE app = $1 AND bot = $2`, `DELETE FROM webhooks WHERE app = $1 AND bot = $2`} {
			if err := t.exec(q, app, uid); err != nil {
				return err
			}
		}
		if err := t.event(chat.Event{EID: by.EID, Type: chat.EventWebhooks, Other: app}); err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM app_bots WHERE eid = $1 AND uid = $2`, by.EID, uid); err != nil {
			return err
		}
		if !u.Disabled {
			if _, err := t.setDisabled(u, true); err != nil {
				return err
			}
		}
		return t.audit(by, "app.bot.delete", app, botRecord(u), nil)
	})
	if err != nil {
		return fmt.Errorf("delete a bot: %w", err)
	}
	return nil
}

func botRecord(u chat.User) map[string]any {
	return map[string]any{"bot": u.UID, "name": u.Name, "avatar": u.Avatar, "disabled": u.Disabled}
}
