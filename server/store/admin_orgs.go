package store

import (
	"context"
	"encoding/json"
	"fmt"

	"magpie/server/chat"
)

// AddOrg makes an organisation with its first administrator, who has no password yet.
func (s *Store) AddOrg(ctx context.Context, by chat.Actor, o chat.Org, admin chat.User) (chat.Org, error) {
	err := s.administer(ctx, by, chat.ManageOrganisations, func(t *tx) (err error) {
		if err := t.createOrg(o); err != nil {
			return err
		}
		admin.EID, admin.Role = o.EID, chat.Admin
		if err := t.createUser(admin, ""); err != nil {
			return err
		}
		if o, err = readOrg(background, t, o.EID); err != nil {
			return err
		}
		own := by
		own.EID = o.EID // its log begins with this
		return t.audit(own, "org.create", o.EID, nil, map[string]any{"name": o.Name, "administrator": admin.UID})
	})
	if err != nil {
		return o, fmt.Errorf("add an organisation: %w", err)
	}
	return o, nil
}

// ChangeOrg renames or suspends an organisation, of which the caller knows version. Nobody of a suspended one may sign in, and who is connected
// is disconnected.
func (s *Store) ChangeOrg(ctx context.Context, by chat.Actor, eid string, version int64, c chat.OrgChange) (chat.Org, error) {
	var o chat.Org
	err := s.administer(ctx, by, chat.ManageOrganisations, func(t *tx) (err error) {
		if o, err = readOrg(background, t, eid); err != nil {
			return err
		}
		if o.Version != version {
			return changedMeanwhile(o)
		}
		before := orgRecord(o)
		if c.Name != nil {
			o.Name = *c.Name
		}
		if c.Suspended != nil && *c.Suspended != !o.Suspended.IsZero() {
			if by.EID == eid && *c.Suspended {
				return chat.Errorf(chat.Conflict, "This is your own organisation: you would lock yourself out.")
			}
			o.Suspended = fromMS(0)
			if *c.Suspended {
				o.Suspended = fromMS(now())
			}
		}
		from, to := difference(before, orgRecord(o))
		if to == nil {
			return nil
		}
		o.Version++
		if err := t.exec(`UPDATE orgs SET name = $1, suspended = $2, version = $3 WHERE eid = $4`, o.Name, ms(o.Suspended), o.Version, eid); err != nil {
			return err
		}
		own := by
		own.EID = eid
		if err := t.audit(own, "org.change", eid, from, to); err != nil {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventOrg})
	})
	if err != nil {
		return o, fmt.Errorf("change an organisation: %w", err)
	}
	return o, nil
}

func orgRecord(o chat.Org) map[string]any {
	settings, _ := json.Marshal(o.Settings) // a struct of plain values always encodes
	return map[string]any{"name": o.Name, "suspended": !o.Suspended.IsZero(), "policies": string(settings)}
}
