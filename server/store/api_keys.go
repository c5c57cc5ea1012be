package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"magpie/server/chat"
)

// rotateTime is how long a key that was rotated goes on beside the new one.
const rotateTime = 24 * time.Hour

// usedEach is how exactly the last use of a key or webhook is known: more would be a write for each call.
const usedEach = time.Minute

// An API key is a login of its bot too, by the key's id: it is seen, expires and ends as any other.
const apiKeyColumns = `k.id, k.app, k.eid, k.name, l.uid, k.scopes, k.hash, k.created, l.seen, l.expires`

const apiKeysLive = `FROM api_keys k JOIN logins l ON l.id = k.id WHERE l.ended = 0`

func scanAPIKey(scan func(...any) error) (k chat.APIKey, err error) {
	var scopes string
	var created, seen, expires int64
	if err := scan(&k.ID, &k.App, &k.EID, &k.Name, &k.Bot, &scopes, &k.Hash, &created, &seen, &expires); err != nil {
		return k, err
	}
	k.Created, k.Expires = fromMS(created), fromMS(expires)
	if seen > created { // when it is made it was seen, so to speak
		k.Used = fromMS(seen)
	}
	var names []string
	if err := json.Unmarshal([]byte(scopes), &names); err != nil {
		return k, fmt.Errorf("read scopes: %w", err)
	}
	k.Scopes, _ = chat.MakeScopeSet(names) // written from one
	return k, nil
}

// APIKey returns an API key that is good now, by its id; chat.NotFound when there is none.
func (s *Store) APIKey(ctx context.Context, id string) (k chat.APIKey, err error) {
	err = s.reading(ctx, func(q querier) error {
		if _, err := findLogin(ctx, q, id); err != nil {
			return err
		}
		k, err = scanAPIKey(q.QueryRowContext(ctx, `SELECT `+apiKeyColumns+` `+apiKeysLive+` AND k.id = $1`, id).Scan)
		return found(err, "key")
	})
	if err != nil {
		return chat.APIKey{}, fmt.Errorf("read an API key: %w", err)
	}
	return k, nil
}

// NoteAPIKey notes that a key was used; known is what the caller has read of it.
func (s *Store) NoteAPIKey(known chat.APIKey) {
	ts := now()
	if ts-ms(known.Used) < usedEach.Milliseconds() {
		return
	}
	s.changeLater(func(t *tx) error {
		return t.exec(`UPDATE logins SET seen = $1 WHERE id = $2 AND seen < $3`, ts, known.ID, ts-usedEach.Milliseconds()/2)
	}, nil)
}

// APIKeys returns the keys of an app that are good, the newest last.
func (s *Store) APIKeys(ctx context.Context, eid, app string) (list []chat.APIKey, err error) {
	err = s.reading(ctx, func(q querier) error {
		if _, err := appOf(ctx, q, eid, app); err != nil {
			return err
		}
		list, err = collect(ctx, q, scanAPIKey, `SELECT `+apiKeyColumns+` `+apiKeysLive+` AND k.app = $1 AND (l.expires = 0 OR l.expires > $2) ORDER BY k.created, k.id`, app, now())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	return list, nil
}

// CreateAPIKey makes a key for one of an app's bots.
func (s *Store) CreateAPIKey(ctx context.Context, by chat.Actor, k chat.APIKey) error {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		if _, err := appOf(background, t, by.EID, k.App); err != nil {
			return err
		}
		if err := t.room(`SELECT COUNT(*) `+apiKeysLive+` AND k.app = $1`, k.App, chat.MaxAPIKeys, "API keys"); err != nil {
			return err
		}
		return t.createAPIKey(by, k, "app.api_key.create")
	})
	if err != nil {
		return fmt.Errorf("make an API key: %w", err)
	}
	return nil
}

func (t *tx) createAPIKey(by chat.Actor, k chat.APIKey, action string) error {
	bot, err := t.liveBot(by.EID, k.App, k.Bot)
	if err != nil {
		return err
	}
	ts := now()
	err = t.exec(`INSERT INTO logins (id, eid, uid, terminal, client_id, agent, addr, created, seen, ended, app, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0, $9, 0)`,
		k.ID, by.EID, bot.UID, int64(chat.Service), chat.Service.String()+"-"+k.ID, k.Name, by.Addr, ts, k.App)
	if err != nil {
		return err
	}
	scopes := jsonList(k.Scopes.List())
	err = t.exec(`INSERT INTO api_keys (id, app, eid, name, scopes, hash, created) VALUES ($1, $2, $3, $4, $5, $6, $7)`, k.ID, k.App, by.EID, k.Name, scopes, k.Hash, ts)
	if err != nil {
		return err
	}
	return t.audit(by, action, k.App, nil, apiKeyRecord(k))
}

func apiKeyRecord(k chat.APIKey) map[string]any {
	return map[string]any{"key": k.ID, "name": k.Name, "bot": k.Bot, "scopes": jsonList(k.Scopes.List())}
}

// apiKeyOf reads a key of an app that is good.
func (t *tx) apiKeyOf(by chat.Actor, app, id string) (chat.APIKey, chat.Login, error) {
	if _, err := appOf(background, t, by.EID, app); err != nil {
		return chat.APIKey{}, chat.Login{}, err
	}
	k, err := scanAPIKey(t.row(`SELECT `+apiKeyColumns+` `+apiKeysLive+` AND k.id = $1 AND k.app = $2`, id, app).Scan)
	if err != nil {
		return k, chat.Login{}, found(err, "key")
	}
	l, err := scanLogin(t.row(`SELECT `+loginColumns+` FROM logins WHERE id = $1`, id).Scan)
	return k, l, err
}

// RotateAPIKey puts a new key, of which id and hash are given, into the place of another, which works for a day on. It returns the new one.
func (s *Store) RotateAPIKey(ctx context.Context, by chat.Actor, app, old, id string, hash []byte) (k chat.APIKey, err error) {
	err = s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		var l chat.Login
		if k, l, err = t.apiKeyOf(by, app, old); err != nil {
			return err
		}
		if !k.Expires.IsZero() {
			return chat.Errorf(chat.Conflict, "This key has been replaced already. Rotate the one that took its place.")
		}
		if err := t.exec(`UPDATE logins SET expires = $1 WHERE id = $2`, now()+rotateTime.Milliseconds(), l.ID); err != nil {
			return err
		}
		k.ID, k.Hash = id, hash
		return t.createAPIKey(by, k, "app.api_key.rotate")
	})
	if err != nil {
		return k, fmt.Errorf("rotate an API key: %w", err)
	}
	return k, nil
}

// DeleteAPIKey ends a key at once, with what it has connected.
func (s *Store) DeleteAPIKey(ctx context.Context, by chat.Actor, app, id string) error {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		k, l, err := t.apiKeyOf(by, app, id)
		if err != nil {
			return err
		}
		if err := t.endLogin(l, "revoked"); err != nil {
			return err
		}
		return t.audit(by, "app.api_key.delete", app, apiKeyRecord(k), nil)
	})
	if err != nil {
		return fmt.Errorf("delete an API key: %w", err)
	}
	return nil
}
