package store

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

// CreateSigningKey gives an app one more key to sign with, of two at most.
func (s *Store) CreateSigningKey(ctx context.Context, by chat.Actor, app string, k chat.SigningKey) error {
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		a, err := appOf(background, t, by.EID, app)
		if err != nil {
			return err
		}
		if len(a.Keys) >= chat.MaxSigningKeys {
			return chat.Errorf(chat.Conflict, "There are two keys already. Delete the one that is not used any more first.")
		}
		if err := t.exec(`INSERT INTO app_keys (app, id, eid, sealed, created, used) VALUES ($1, $2, $3, $4, $5, 0)`, app, k.ID, a.EID, k.Sealed, now()); err != nil {
			return err
		}
		return t.audit(by, "app.key.create", app, nil, map[string]any{"key": k.ID})
	})
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	return nil
}

// DeleteSigningKey takes a key from an app: what is signed with it is refused from now on. Logins that it has made go on until they end, or end now, in
// steps, with all others of the app's pages: endPages is for a key that somebody else has.
func (s *Store) DeleteSigningKey(ctx context.Context, by chat.Actor, app, id string, endPages bool) error {
	var left []steps
	err := s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		left = nil
		a, err := appOf(background, t, by.EID, app)
		if err != nil {
			return err
		}
		n, err := t.affect(`DELETE FROM app_keys WHERE app = $1 AND id = $2`, app, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return chat.Errorf(chat.NotFound, "There is no such key.")
		}
		if !endPages {
			return t.audit(by, "app.key.delete", app, map[string]any{"key": id}, nil)
		}
		if left, err = t.endPages(a); err != nil {
			return err
		}
		return t.audit(by, "app.key.delete", app, map[string]any{"key": id}, map[string]any{"end_pages": true})
	})
	if err != nil {
		return fmt.Errorf("delete a signing key: %w", err)
	}
	s.complete(ctx, left...)
	return nil
}

// NoteTestToken writes into the audit log that an administrator lets an app's token be made for somebody, and returns the app.
func (s *Store) NoteTestToken(ctx context.Context, by chat.Actor, app, uid string) (a chat.App, err error) {
	err = s.administer(ctx, by, chat.ManageApps, func(t *tx) error {
		if a, err = appOf(background, t, by.EID, app); err != nil {
			return err
		}
		if _, err := t.administrable(by, uid); err != nil && chat.CodeOf(err) != chat.NotFound { // whom the app may make
			return err
		}
		return t.audit(by, "app.test_token", app, nil, map[string]any{"uid": uid})
	})
	if err != nil {
		return a, fmt.Errorf("note a test token: %w", err)
	}
	return a, nil
}
