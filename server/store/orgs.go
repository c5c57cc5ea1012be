package store

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"magpie/server/chat"
)

// Empty reports whether there is no organisation yet.
func (s *Store) Empty(ctx context.Context) (empty bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM orgs) THEN 0 ELSE 1 END`).Scan(&empty)
	if err != nil {
		return false, fmt.Errorf("look for organisations: %w", err)
	}
	return empty, nil
}

// Setting returns a setting of the server, "" when it is not set.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	v, err := setting(ctx, s.read, key)
	if err != nil {
		return "", fmt.Errorf("read a setting: %w", err)
	}
	return v, nil
}

func setting(ctx context.Context, q querier, key string) (v string, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM settings WHERE key = $1`, key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SetSetting sets a setting of the server, or removes it when value is "".
func (s *Store) SetSetting(ctx context.Context, key, value string) error {
	err := s.change(ctx, func(t *tx) error {
		if value == "" {
			return t.exec(`DELETE FROM settings WHERE key = $1`, key)
		}
		return t.exec(`INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	})
	if err != nil {
		return fmt.Errorf("set a setting: %w", err)
	}
	return nil
}

// Org returns an organisation, or chat.NotFound.
func (s *Store) Org(ctx context.Context, eid string) (chat.Org, error) {
	o, err := readOrg(ctx, s.read, eid)
	if err != nil {
		return o, fmt.Errorf("read an organisation: %w", err)
	}
	return o, nil
}

func readOrg(ctx context.Context, q querier, eid string) (chat.Org, error) {
	o := chat.Org{EID: eid}
	var settings string
	var suspended, doomed int64
	err := q.QueryRowContext(ctx, `SELECT name, settings, logo, version, suspended, doomed, people, live_groups, max_people, max_groups, max_storage FROM orgs WHERE eid = $1`, eid).
		Scan(&o.Name, &settings, &o.Logo, &o.Version, &suspended, &doomed, &o.People, &o.Groups, &o.Limits.People, &o.Limits.Groups, &o.Limits.Storage)
	if err != nil {
		return o, found(err, "organisation")
	}
	o.Suspended, o.Doomed = fromMS(suspended), fromMS(doomed)
	return o, json.Unmarshal([]byte(settings), &o.Settings)
}

// CreateOrg makes an organisation. chat.Conflict when the eid was ever used.
func (s *Store) CreateOrg(ctx context.Context, o chat.Org) error {
	if err := s.change(ctx, func(t *tx) error { return t.createOrg(o) }); err != nil {
		return fmt.Errorf("make an organisation: %w", err)
	}
	return nil
}

func (t *tx) createOrg(o chat.Org) error {
	settings, err := json.Marshal(o.Settings)
	if err != nil {
		return err
	}
	n, err := t.affect(`INSERT INTO orgs (eid, name, settings, created) SELECT $1, $2, $3, CAST($4 AS bigint) WHERE NOT EXISTS (SELECT 1 FROM past_orgs WHERE eid = $1)
		ON CONFLICT DO NOTHING`, o.EID, o.Name, string(settings), now())
	if err == nil && n == 0 {
		return conflict("org", "is taken. Choose another short name.")
	}
	return err
}

// UpdateOrg changes an organisation's name and settings.
func (s *Store) UpdateOrg(ctx context.Context, o chat.Org) error {
	settings, err := json.Marshal(o.Settings)
	if err != nil {
		return fmt.Errorf("encode the settings: %w", err)
	}
	err = s.change(ctx, func(t *tx) error {
		n, err := t.affect(`UPDATE orgs SET name = $1, settings = $2, version = version + 1 WHERE eid = $3`, o.Name, string(settings), o.EID)
		if err != nil {
			return err
		}
		if n == 0 {
			return chat.Errorf(chat.NotFound, "There is no such organisation.")
		}
		return t.event(chat.Event{EID: o.EID, Type: chat.EventOrg})
	})
	if err != nil {
		return fmt.Errorf("change an organisation: %w", err)
	}
	return nil
}

// CreateFirst makes the first organisation and its administrator, once: setupHash must be what the setting "setup" holds, which
// is then removed. chat.Forbidden when it is not.
func (s *Store) CreateFirst(ctx context.Context, setupHash string, o chat.Org, u chat.User, passwordHash string) error {
	err := s.change(ctx, func(t *tx) error {
		want, err := setting(background, t, "setup")
		if err != nil {
			return err
		}
		if want == "" || subtle.ConstantTimeCompare([]byte(setupHash), []byte(want)) != 1 {
			return chat.Errorf(chat.Forbidden, "This link is not valid, or has been used. The server prints a link at its first start.").Named(chat.ProblemSetupLink)
		}
		if err := t.exec(`DELETE FROM settings WHERE key = 'setup'`); err != nil {
			return err
		}
		if err := t.createOrg(o); err != nil {
			return err
		}
		u.EID = o.EID
		return t.createUser(u, passwordHash)
	})
	if err != nil {
		return fmt.Errorf("make the first administrator: %w", err)
	}
	return nil
}
