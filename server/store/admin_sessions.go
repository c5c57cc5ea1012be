package store

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

// NoteKick checks that an actor may end a connection, and writes it to the audit log.
func (s *Store) NoteKick(ctx context.Context, by chat.Actor, live chat.LiveSession) error {
	err := s.administer(ctx, by, chat.ManageSessions, func(t *tx) error {
		if _, err := t.administrable(by, live.UID); err != nil {
			return err
		}
		return t.audit(by, "session.kick", live.UID, map[string]any{"client_id": live.ClientID, "terminal": live.Terminal.String(), "address": live.Addr}, nil)
	})
	if err != nil {
		return fmt.Errorf("end a connection: %w", err)
	}
	return nil
}
