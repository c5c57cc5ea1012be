package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"magpie/server/chat"
)

const appColumns = `id, eid, name, create_users, jwks_url, disabled, origin_audience, created, version`

func scanApp(scan func(...any) error) (a chat.App, err error) {
	var created int64
	err = scan(&a.ID, &a.EID, &a.Name, &a.CreateUsers, &a.JWKSURL, &a.Disabled, &a.OriginAudience, &created, &a.Version)
	a.Created = fromMS(created)
	return a, err
}

// fillApp reads the origins and keys of an app.
func fillApp(ctx context.Context, q querier, a *chat.App) (err error) {
	if a.Origins, err = collect(ctx, q, scanString, `SELECT origin FROM app_origins WHERE app = $1 ORDER BY place`, a.ID); err != nil {
		return err
	}
	a.Keys, err = collect(ctx, q, func(scan func(...any) error) (k chat.SigningKey, err error) {
		var created, used int64
		err = scan(&k.ID, &k.Sealed, &created, &used)
		k.Created, k.Used = fromMS(created), fromMS(used)
		return k, err
	}, `SELECT id, sealed, created, used FROM app_keys WHERE app = $1 ORDER BY created, id`, a.ID)
	return err
}

func readApp(ctx context.Context, q querier, id string) (chat.App, error) {
	a, err := scanApp(q.QueryRowContext(ctx, `SELECT `+appColumns+` FROM apps WHERE id = $1 AND deleted = 0`, id).Scan)
	if err != nil {
		return a, found(err, "app")
	}
	return a, fillApp(ctx, q, &a)
}

// LiveApp returns an app that is not disabled, of an organisation that is open; chat.NotFound otherwise.
func (s *Store) LiveApp(ctx context.Context, id string) (a chat.App, err error) {
	err = s.reading(ctx, func(q querier) error {
		a, err = liveApp(ctx, q, id)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("read an app: %w", err)
	}
	return a, nil
}

func liveApp(ctx context.Context, q querier, id string) (chat.App, error) {
	a, err := readApp(ctx, q, id)
	if err != nil {
		return a, err
	}
	org, err := readOrg(ctx, q, a.EID)
	if err == nil && (a.Disabled || org.Closed()) {
		err = chat.Errorf(chat.NotFound, "There is no such app.")
	}
	return a, err
}

// AllowsOrigin reports whether pages of an origin may show the chat of an app that lives; of any, where app is empty.
func (s *Store) AllowsOrigin(ctx context.Context, app, origin string) (ok bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM app_origins o JOIN apps a ON a.id = o.app
		WHERE o.origin = $1 AND (CAST($2 AS text) = '' OR a.id = $2) AND a.disabled = 0 AND a.deleted = 0) THEN 1 ELSE 0 END`, origin, app).Scan(&ok)
	if err != nil {
		return false, fmt.Errorf("look for an origin: %w", err)
	}
	return ok, nil
}

// Apps returns an organisation's apps by name.
func (s *Store) Apps(ctx context.Context, eid string) (list []chat.App, err error) {
	err = s.reading(ctx, func(q querier) error {
		if list, err = collect(ctx, q, scanApp, `SELECT `+appColumns+` FROM apps WHERE eid = $1 AND deleted = 0 ORDER BY name, id`, eid); err != nil {
			return err
		}
		for i := range list {
			if err := fillApp(ctx, q, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read apps: %w", err)
	}
	return list, nil
}

// App returns an app of an organisation, or chat.NotFound.
func (s *Store) App(ctx context.Context, eid, id string) (a chat.App, err error) {
	err = s.reading(ctx, func(q querier) error {
		a, err = appOf(ctx, q, eid, id)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("read an app: %w", err)
	}
	return a, nil
}

func appOf(ctx context.Context, q querier, eid, id string) (chat.App, error) {
	a, err := readApp(ctx, q, id)
	if err == nil && a.EID != eid {
		a, err = chat.App{}, chat.Errorf(chat.NotFound, "There is no such app.")
	}
	return a, err
}

// CreateApp makes an app. chat.Conflict when the id was ever used on this server.
func (s *Store) CreateApp(ctx context.Context, by chat.Actor, a chat.App) (chat.App, error) {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) (err error) {
		if err := t.room(`SELECT COUNT(*) FROM apps WHERE eid = $1 AND deleted = 0`, by.EID, chat.MaxApps, "apps"); err != nil {
			return err
		}
		n, err := t.affect(`INSERT INTO apps (id, eid, name, create_users, jwks_url, disabled, created)
			SELECT $1, $2, $3, $4, $5, 0, $6 WHERE NOT EXISTS (SELECT 1 FROM past_apps WHERE id = $1) ON CONFLICT DO NOTHING`,
			a.ID, by.EID, a.Name, flag(a.CreateUsers), a.JWKSURL, now())
		if err == nil && n == 0 {
			err = conflict("id", "is taken on this server. Choose another.")
		}
		if err != nil {
			return err
		}
		a.EID = by.EID
		if err := t.setOrigins(a); err != nil {
			return err
		}
		if a, err = readApp(background, t, a.ID); err != nil {
			return err
		}
		return t.audit(by, "app.create", a.ID, nil, appRecord(a))
	})
	if err != nil {
		return chat.App{}, fmt.Errorf("make an app: %w", err)
	}
	return a, nil
}

// room refuses one more where there are already as many as there may be: query counts what belongs to owner.
func (t *tx) room(query, owner string, most int, what string) error {
	var n int
	if err := t.row(query, owner).Scan(&n); err != nil {
		return err
	}
	if n >= most {
		return chat.Errorf(chat.Conflict, "There are %d %s, which is the most. Delete one first.", n, what)
	}
	return nil
}

func (t *tx) setOrigins(a chat.App) error {
	if err := t.exec(`DELETE FROM app_origins WHERE app = $1`, a.ID); err != nil {
		return err
	}
	for i, o := range a.Origins {
		if err := t.exec(`INSERT INTO app_origins (origin, app, eid, place) VALUES ($1, $2, $3, $4)`, o, a.ID, a.EID, i); err != nil {
			return err
		}
	}
	return nil
}

// UpdateApp changes an app, of which the caller knows version. To take an origin away ends the logins of its pages; to disable it ends what its
// programs have connected too. Pages end in steps: those of a disabled app can do nothing from the first moment.
func (s *Store) UpdateApp(ctx context.Context, by chat.Actor, id string, version int64, c chat.AppChange) (chat.App, error) {
	var a chat.App
	var left []steps
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) (err error) {
		left = nil
		if a, err = appOf(background, t, by.EID, id); err != nil {
			return err
		}
		if a.Version != version {
			return changedMeanwhile(a)
		}
		before := a
		set(&a.Name, c.Name)
		set(&a.Origins, c.Origins)
		set(&a.CreateUsers, c.CreateUsers)
		set(&a.JWKSURL, c.JWKSURL)
		set(&a.Disabled, c.Disabled)
		set(&a.OriginAudience, c.OriginAudience)
		from, to := difference(appRecord(before), appRecord(a))
		if to == nil {
			return nil
		}
		a.Version++
		err = t.exec(`UPDATE apps SET name = $1, create_users = $2, jwks_url = $3, disabled = $4, version = $5, origin_audience = $7 WHERE id = $6`,
			a.Name, flag(a.CreateUsers), a.JWKSURL, flag(a.Disabled), a.Version, id, flag(a.OriginAudience))
		if err != nil {
			return err
		}
		if err := t.setOrigins(a); err != nil {
			return err
		}
		if err := t.audit(by, "app.change", id, from, to); err != nil {
			return err
		}
		lost := slices.ContainsFunc(before.Origins, func(o string) bool { return !slices.Contains(a.Origins, o) })
		if lost || a.Disabled && !before.Disabled {
			if left, err = t.endPages(a); err != nil {
				return err
			}
		}
		if a.Disabled && !before.Disabled {
			if err := t.dropPrograms(id); err != nil {
				return err
			}
		}
		return t.event(chat.Event{EID: a.EID, Type: chat.EventWebhooks, Other: id})
	})
	if err != nil {
		return a, fmt.Errorf("change an app: %w", err)
	}
	s.complete(ctx, left...)
	return a, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// DeleteApp ends an app, of which the caller knows version: its logins, keys and webhooks go. Its bots stay in their conversations, disabled.
func (s *Store) DeleteApp(ctx context.Context, by chat.Actor, id string, version int64) error {
	var left []steps
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		a, err := appOf(background, t, by.EID, id)
		if err != nil {
			return err
		}
		if a.Version != version {
			return changedMeanwhile(a)
		}
		if left, err = t.endPages(a); err != nil {
			return err
		}
		keys, err := programLogins(background, t, id)
		if err != nil {
			return err
		}
		for _, l := range keys {
			if err := t.endLogin(l, "revoked"); err != nil {
				return err
			}
		}
		bots, err := collect(background, t, scanString, `SELECT uid FROM app_bots WHERE app = $1`, id)
		if err != nil {
			return err
		}
		for _, uid := range bots {
			u, err := readUser(background, t, a.EID, uid)
			if err == nil && !u.Disabled {
				_, err = t.setDisabled(u, true)
			}
			if err != nil {
				return err
			}
		}
		for _, q := range []string{
			`DELETE FROM app_origins WHERE app = $1`, `DELETE FROM app_keys WHERE app = $1`, `DELETE FROM app_bots WHERE app = $1`,
			`DELETE FROM api_keys WHERE app = $1`, `DELETE FROM incoming_hooks WHERE app = $1`, `DELETE FROM webhooks WHERE app = $1`,
		} {
			if err := t.exec(q, id); err != nil {
				return err
			}
		}
		if err := t.exec(`UPDATE apps SET deleted = $1, version = version + 1 WHERE id = $2`, now(), id); err != nil {
			return err
		}
		if err := t.audit(by, "app.delete", id, appRecord(a), nil); err != nil {
			return err
		}
		return t.event(chat.Event{EID: a.EID, Type: chat.EventWebhooks, Other: id})
	})
	if err != nil {
		return fmt.Errorf("delete an app: %w", err)
	}
	s.complete(ctx, left...)
	return nil
}

// programLogins returns the logins of an app's API keys.
func programLogins(ctx context.Context, q querier, app string) ([]chat.Login, error) {
	return collect(ctx, q, scanLogin, `SELECT `+loginColumns+` FROM logins WHERE app = $1 AND app <> '' AND ended = 0 AND terminal = $2`, app, int64(chat.Service))
}

// endPages plans to end the logins that an app's pages have now.
func (t *tx) endPages(a chat.App) ([]steps, error) {
	p, err := t.plan(steps{eid: a.EID, kind: stepPages, target: a.ID, moment: now()})
	return []steps{p}, err
}

// dropPrograms ends the MQTT sessions of an app's keys, and leaves the keys for when it is enabled again.
func (t *tx) dropPrograms(app string) error {
	all, err := programLogins(background, t, app)
	if err != nil {
		return err
	}
	for _, l := range all {
		if err := t.event(chat.Event{EID: l.EID, Type: chat.EventLoginEnded, UID: l.UID, Login: l.ID, Text: "revoked"}); err != nil {
			return err
		}
	}
	return nil
}

func appRecord(a chat.App) map[string]any {
	origins, _ := json.Marshal(a.Origins) // strings always encode
	return map[string]any{"name": a.Name, "origins": string(origins), "create_users": a.CreateUsers, "jwks_url": chat.RedactQuery(a.JWKSURL), "disabled": a.Disabled,
		"origin_audience": a.OriginAudience}
}
