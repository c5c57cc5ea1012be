package api

import (
	"cmp"
	"context"
	"fmt"

	"magpie/server/chat"
)

// policies are an organisation's.
type policies struct {
	SeveralSessions bool     `json:"several_sessions" doc:"Many sessions of one kind of terminal, or one."`
	ContactApproval bool     `json:"contact_approval" doc:"Adding a contact asks the other side."`
	MQTTPasswords   bool     `json:"mqtt_passwords" doc:"Account passwords are taken at MQTT CONNECT."`
	CreateGroups    string   `json:"create_groups" enum:"everyone,admins"`
	MessageWhom     string   `json:"message_whom" enum:"everyone,contacts,departments" doc:"To whom people may write: everyone; their contacts; their contacts and who is in one of their departments. Administrators and programs may write to everyone, and be written to."`
	RecallSeconds   int      `json:"recall_seconds" minimum:"0" maximum:"31536000" doc:"How long an author may recall a message; 0 for never."`
	EditSeconds     int      `json:"edit_seconds" minimum:"0" maximum:"31536000" doc:"How long an author may edit a message; 0 for never."`
	RetentionDays   days     `json:"retention_days" doc:"After how many days messages are deleted; 0 for never."`
	FileKinds       []string `json:"file_kinds" doc:"Of image, audio, video, document, other."`
	FileLimit       int64    `json:"file_limit" minimum:"0" doc:"Bytes of one file; 0: the server's setting alone holds."`
	QuotaOrg        int64    `json:"quota_org" minimum:"0" doc:"Bytes of everyone's files; 0 as the server's setting."`
	QuotaUser       int64    `json:"quota_user" minimum:"0" doc:"Bytes of one user's files; 0 as the server's setting."`
	PasswordMin     int      `json:"password_min" minimum:"8" maximum:"128" doc:"Characters of a new password."`
	PasswordMixed   bool     `json:"password_mixed" doc:"A new password has letters, and digits or signs."`
	Version         int64    `json:"version"`
}

type days struct {
	Pair  int `json:"pair" minimum:"0" maximum:"36500"`
	Group int `json:"group" minimum:"0" maximum:"36500"`
}

type policyChange struct {
	SeveralSessions *bool     `json:"several_sessions,omitempty"`
	ContactApproval *bool     `json:"contact_approval,omitempty"`
	MQTTPasswords   *bool     `json:"mqtt_passwords,omitempty"`
	CreateGroups    *string   `json:"create_groups,omitempty" enum:"everyone,admins"`
	MessageWhom     *string   `json:"message_whom,omitempty" enum:"everyone,contacts,departments"`
	RecallSeconds   *int      `json:"recall_seconds,omitempty" minimum:"0" maximum:"31536000"`
	EditSeconds     *int      `json:"edit_seconds,omitempty" minimum:"0" maximum:"31536000"`
	RetentionDays   *days     `json:"retention_days,omitempty"`
	FileKinds       *[]string `json:"file_kinds,omitempty" maxItems:"5"`
	FileLimit       *int64    `json:"file_limit,omitempty" minimum:"0"`
	QuotaOrg        *int64    `json:"quota_org,omitempty" minimum:"0"`
	QuotaUser       *int64    `json:"quota_user,omitempty" minimum:"0"`
	PasswordMin     *int      `json:"password_min,omitempty" minimum:"8" maximum:"128"`
	PasswordMixed   *bool     `json:"password_mixed,omitempty"`
}

func (a *api) policyRoutes() {
	route(a, op{method: "GET", path: "/admin/policies", id: "admin-get-policies", tag: "Administration", right: chat.ReadOrganisation, summary: "The organisation's policies"}, a.policies)
	route(a, op{method: "PATCH", path: "/admin/policies", id: "admin-update-policies", tag: "Administration", right: chat.ManagePolicies, summary: "Change policies",
		about: "They hold for live sessions at once."}, a.updatePolicies)
}

func (a *api) policies(ctx context.Context, c *caller, _ *struct{}) (*answer[policies], error) {
	org, err := a.Store.Org(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read organisation: %w", err)
	}
	return &answer[policies]{policiesOf(org)}, nil
}

func policiesOf(o chat.Org) policies {
	s := o.Settings
	return policies{SeveralSessions: s.SeveralSessions, ContactApproval: s.ContactApproval, MQTTPasswords: s.MQTTPasswords,
		CreateGroups: cmp.Or(s.CreateGroups, chat.ForEveryone), MessageWhom: cmp.Or(s.MessageWhom, chat.ForEveryone),
		RecallSeconds: int(s.Recall().Seconds()), EditSeconds: int(s.Edit().Seconds()), RetentionDays: days{s.RetentionPair, s.RetentionGroup}, FileKinds: s.FileKinds.List(),
		FileLimit: s.FileLimit, QuotaOrg: s.StorageQuota, QuotaUser: s.UserQuota, PasswordMin: cmp.Or(s.PasswordMin, chat.MinPassword),
		PasswordMixed: s.PasswordMixed, Version: o.Version}
}

func (a *api) updatePolicies(ctx context.Context, c *caller, in *struct {
	Version
	Body policyChange
}) (*answer[policies], error) {
	version, err := in.number()
	if err != nil {
		return nil, err
	}
	o, err := a.Store.UpdatePolicies(ctx, c.actor(), version, in.Body.apply)
	if err != nil {
		return nil, fmt.Errorf("change policies: %w", current(err, policiesOf))
	}
	return &answer[policies]{policiesOf(o)}, nil
}

func (p policyChange) apply(s *chat.OrgSettings) error {
	set(&s.SeveralSessions, p.SeveralSessions)
	set(&s.ContactApproval, p.ContactApproval)
	set(&s.MQTTPasswords, p.MQTTPasswords)
	set(&s.FileLimit, p.FileLimit)
	set(&s.StorageQuota, p.QuotaOrg)
	set(&s.UserQuota, p.QuotaUser)
	set(&s.PasswordMin, p.PasswordMin)
	set(&s.PasswordMixed, p.PasswordMixed)
	set(&s.CreateGroups, p.CreateGroups)
	set(&s.MessageWhom, p.MessageWhom)
	for _, v := range []*string{&s.CreateGroups, &s.MessageWhom} {
		if *v == chat.ForEveryone { // the zero value
			*v = ""
		}
	}
	for to, from := range map[*int]*int{&s.RecallSeconds: p.RecallSeconds, &s.EditSeconds: p.EditSeconds} {
		if set(to, from); from != nil && *from == 0 { // 0 is the default, which is not never
			*to = -1
		}
	}
	if p.RetentionDays != nil {
		s.RetentionPair, s.RetentionGroup = p.RetentionDays.Pair, p.RetentionDays.Group
	}
	if p.FileKinds != nil {
		kinds, err := chat.MakeKinds(*p.FileKinds)
		if err != nil {
			return err
		}
		s.FileKinds = kinds
	}
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// newPassword checks a new password by the rules of an organisation, and hashes it.
func (a *api) newPassword(ctx context.Context, eid, password string) (string, error) {
	org, err := a.Store.Org(ctx, eid)
	if err != nil {
		return "", fmt.Errorf("read organisation: %w", err)
	}
	return a.Auth.NewPassword(password, org.Settings.Passwords())
}
