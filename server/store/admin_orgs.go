package store

import (
	"context"
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
		return t.auditOrg(by, o.EID, "org.create", nil, map[string]any{"name": o.Name, "administrator": admin.UID})
	})
	if err != nil {
		return o, fmt.Errorf("add an organisation: %w", err)
	}
	return o, nil
}

// ChangeOrg renames or suspends an organisation, of which the caller knows version, gives it a logo or bounds. Nobody of a suspended one may sign in, and who is
// connected is disconnected. What it has already stays, should a bound be lower.
func (s *Store) ChangeOrg(ctx context.Context, by chat.Actor, eid string, version int64, c chat.OrgChange) (chat.Org, error) {
	o, err := s.changeOrg(ctx, by, eid, "org.change", func(_ *tx, o *chat.Org) error {
		if o.Version != version {
			return changedMeanwhile(*o)
		}
		if c.Name != nil {
			o.Name = *c.Name
		}
		if c.Logo != nil {
			o.Logo = *c.Logo
		}
		if c.MaxPeople != nil {
			o.Limits.People = *c.MaxPeople
		}
		if c.MaxGroups != nil {
			o.Limits.Groups = *c.MaxGroups
		}
		if c.MaxStorage != nil {
			o.Limits.Storage = *c.MaxStorage
		}
		if c.Suspended != nil && *c.Suspended != !o.Suspended.IsZero() {
			if by.EID == eid && *c.Suspended {
				return chat.Errorf(chat.Conflict, "This is your own organisation: you would lock yourself out.").Named(chat.ProblemOwnOrg)
			}
			o.Suspended = fromMS(0)
			if *c.Suspended {
				o.Suspended = fromMS(now())
			}
		}
		return nil
	})
	if err != nil {
		return o, fmt.Errorf("change an organisation: %w", err)
	}
	return o, nil
}

func orgRecord(o chat.Org) map[string]any {
	record := map[string]any{"name": o.Name, "logo": o.Logo, "suspended": !o.Suspended.IsZero(), "delete_at": nil,
		"max_people": o.Limits.People, "max_groups": o.Limits.Groups, "max_storage": o.Limits.Storage}
	if !o.Doomed.IsZero() {
		record["delete_at"] = o.Doomed
	}
	return record
}
