package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"magpie/server/chat"
)

// MayMessage reports why somebody, by a login of the role as, may not write to somebody else. Nobody of that name is chat.NotFound.
func (s *Store) MayMessage(ctx context.Context, eid, from string, as chat.Role, to string) error {
	return s.reading(ctx, func(q querier) error {
		org, err := readOrg(ctx, q, eid)
		if err != nil {
			return err
		}
		target, err := readUser(ctx, q, eid, to)
		if chat.CodeOf(err) == chat.NotFound {
			return chat.Errorf(chat.NotFound, "There is nobody of this name whom you may write to.")
		}
		if err != nil {
			return err
		}
		sender, err := readUser(ctx, q, eid, from)
		if err != nil {
			return err
		}
		return mayMessage(ctx, q, org, sender.Acting(as), target)
	})
}

func mayMessage(ctx context.Context, q querier, org chat.Org, from, to chat.User) error {
	var contact, together bool
	if org.Settings.MessageWhom != "" {
		err := q.QueryRowContext(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM contacts WHERE eid = $1 AND uid = $2 AND other = $3)
				OR EXISTS (SELECT 1 FROM contacts WHERE eid = $1 AND uid = $3 AND other = $2) THEN 1 ELSE 0 END,
			CASE WHEN EXISTS (SELECT 1 FROM department_members a JOIN department_members b ON b.eid = a.eid AND b.department = a.department
				WHERE a.eid = $1 AND a.uid = $2 AND b.uid = $3) THEN 1 ELSE 0 END`, org.EID, from.UID, to.UID).Scan(&contact, &together)
		if err != nil {
			return fmt.Errorf("look whether two people know each other: %w", err)
		}
	}
	return org.Settings.MayMessage(from, to, contact, together)
}

// mayBring checks that somebody may bring others into a group: to be written to there is to be written to.
func (t *tx) mayBring(eid, gid, by string, as chat.Role, uids []string) error {
	org, err := readOrg(background, t, eid)
	if err != nil || org.Settings.MessageWhom == "" {
		return err
	}
	sender, err := readUser(background, t, eid, by)
	if err != nil {
		return err
	}
	var refused []string
	for _, uid := range uids {
		if _, err := readMembership(background, t, eid, gid, uid); chat.CodeOf(err) != chat.NotFound {
			if err != nil {
				return err
			}
			continue // is there already
		}
		target, err := readUser(background, t, eid, uid)
		if err == nil {
			err = mayMessage(background, t, org, sender.Acting(as), target)
		}
		if chat.CodeOf(err) == chat.Forbidden {
			refused = append(refused, uid)
		} else if err != nil {
			return err
		}
	}
	if len(refused) > 0 {
		return chat.Errorf(chat.Forbidden, "Your organisation does not allow you to write to %s, and so not to add them to a group.", strings.Join(refused, ", ")).Named(chat.ProblemMayNotAdd)
	}
	return nil
}

// mayCreateGroup checks the organisation's policy.
func (t *tx) mayCreateGroup(eid, uid string, as chat.Role) error {
	org, err := readOrg(background, t, eid)
	if err != nil || org.Settings.CreateGroups != chat.ForAdmins {
		return err
	}
	u, err := readUser(background, t, eid, uid)
	if err == nil && !u.Acting(as).Role.Has(chat.ManageGroups) {
		err = chat.Errorf(chat.Forbidden, "Only administrators may create groups in your organisation.").Named(chat.ProblemGroupsByAdmins)
	}
	return err
}

// UpdatePolicies changes an organisation's policies, of which the caller knows version. change may run more than once.
func (s *Store) UpdatePolicies(ctx context.Context, by chat.Actor, version int64, change func(*chat.OrgSettings) error) (chat.Org, error) {
	var o chat.Org
	err := s.administer(ctx, by, chat.ManagePolicies, func(t *tx) (err error) {
		if o, err = readOrg(background, t, by.EID); err != nil {
			return err
		}
		if o.Version != version {
			return changedMeanwhile(o)
		}
		before := o.Settings
		if err := change(&o.Settings); err != nil || o.Settings == before {
			return err
		}
		settings, err := json.Marshal(o.Settings)
		if err != nil {
			return err
		}
		o.Version++
		if err := t.exec(`UPDATE orgs SET settings = $1, version = $2 WHERE eid = $3`, string(settings), o.Version, o.EID); err != nil {
			return err
		}
		from, to := difference(policyRecord(before), policyRecord(o.Settings))
		if err := t.audit(by, "policies.change", o.EID, from, to); err != nil {
			return err
		}
		return t.event(chat.Event{EID: o.EID, Type: chat.EventOrg})
	})
	if err != nil {
		return o, fmt.Errorf("change the policies: %w", err)
	}
	return o, nil
}

// policyRecord is what the audit log says of policies: every field by its name.
func policyRecord(s chat.OrgSettings) map[string]any {
	return map[string]any{"several_sessions": s.SeveralSessions, "contact_approval": s.ContactApproval, "mqtt_passwords": s.MQTTPasswords,
		"quota_org": s.StorageQuota, "quota_user": s.UserQuota, "file_limit": s.FileLimit, "file_kinds": s.FileKinds.List(),
		"create_groups": s.CreateGroups, "message_whom": s.MessageWhom, "recall_seconds": int(s.Recall().Seconds()), "edit_seconds": int(s.Edit().Seconds()),
		"retention_pair": s.RetentionPair, "retention_group": s.RetentionGroup, "password_min": s.PasswordMin, "password_mixed": s.PasswordMixed}
}
