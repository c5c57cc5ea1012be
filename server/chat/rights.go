package chat

import (
	"slices"
	"time"
)

// Right is something that a role of the organisation allows. docs/administration.md lists the same table.
type Right string

// Rights in the organisation.
const (
	ReadOrganisation    Right = "read"          // see what administrators see: people, departments, groups, policies, sessions, figures
	ReadAudit           Right = "audit"         // read who changed what
	ReadReports         Right = "reports"       // read reported messages with their context
	ManagePeople        Right = "people"        // create, change, disable, import people, give them new passwords
	ManageDepartments   Right = "departments"   // the tree of departments
	ManageGroups        Right = "groups"        // any group, without being in it
	ManagePolicies      Right = "policies"      // the organisation's settings
	Announce            Right = "announce"      // announcements to everyone or to departments
	Moderate            Right = "moderate"      // recall others' messages, close reports
	ManageSessions      Right = "sessions"      // sign others out
	ManageApps          Right = "apps"          // apps with their keys, bots and webhooks
	ManageOrganisations Right = "organisations" // every organisation of the server
	Backup              Right = "backup"        // copy the whole server
)

// Rights is which roles have which right, in the order of the documentation.
var Rights = []struct {
	Right Right
	Roles []Role
}{
	{ReadOrganisation, []Role{System, Admin, Auditor}},
	{ReadAudit, []Role{System, Admin, Auditor}},
	{ReadReports, []Role{System, Admin, Auditor}},
	{ManagePeople, []Role{System, Admin}},
	{ManageDepartments, []Role{System, Admin}},
	{ManageGroups, []Role{System, Admin}},
	{ManagePolicies, []Role{System, Admin}},
	{Announce, []Role{System, Admin}},
	{Moderate, []Role{System, Admin}},
	{ManageSessions, []Role{System, Admin}},
	{ManageApps, []Role{System, Admin}},
	{ManageOrganisations, []Role{System}},
	{Backup, []Role{System}},
}

// Has reports whether a role has a right.
func (r Role) Has(right Right) bool {
	for _, row := range Rights {
		if row.Right == right {
			return slices.Contains(row.Roles, r)
		}
	}
	return false
}

// Acting is a user as it acts by a login of a role: a page of an app has no rights of administrators (Identity.Role), whatever its user's account has. A login
// never has more than the account.
func (u User) Acting(as Role) User {
	if as != u.Role {
		u.Role = Member
	}
	return u
}

// May is nil if a role has a right. Who has none at all learns nothing (NotFound); who may read is told that it may not do this.
func (r Role) May(right Right) error {
	switch {
	case r.Has(right):
		return nil
	case r.Has(ReadOrganisation) && right != ManageOrganisations && right != Backup:
		return Errorf(Forbidden, "Your role does not allow this.")
	}
	return Errorf(NotFound, "There is nothing at this address.")
}

// MayAdministerUser reports why somebody with the role actor may not change an account with the role target: an account of a higher
// role would lend its rights to whoever gives it a new password.
func MayAdministerUser(actor, target Role) error {
	if target == System && actor != System {
		return Errorf(Forbidden, "Only a system administrator may change this account.").Named(ProblemSystemOnly)
	}
	return nil
}

// GroupRight is something that a role in a group allows.
type GroupRight string

// Rights in a group.
const (
	GroupRead     GroupRight = "read"     // read its messages and members
	GroupSpeak    GroupRight = "speak"    // write although everyone is muted
	GroupManage   GroupRight = "manage"   // its name, picture, announcement, join policy; join requests and links
	GroupMembers  GroupRight = "members"  // mute and remove plain members
	GroupRecall   GroupRight = "recall"   // recall others' messages
	GroupRoles    GroupRight = "roles"    // make and unmake administrators, hand it over
	GroupDissolve GroupRight = "dissolve" // end it
)

// GroupRights is which roles in a group have which right, in the order of the documentation.
var GroupRights = []struct {
	Right GroupRight
	Roles []GroupRole
}{
	{GroupRead, []GroupRole{GroupOwner, GroupAdmin, GroupMember}},
	{GroupSpeak, []GroupRole{GroupOwner, GroupAdmin}},
	{GroupManage, []GroupRole{GroupOwner, GroupAdmin}},
	{GroupMembers, []GroupRole{GroupOwner, GroupAdmin}},
	{GroupRecall, []GroupRole{GroupOwner, GroupAdmin}},
	{GroupRoles, []GroupRole{GroupOwner}},
	{GroupDissolve, []GroupRole{GroupOwner}},
}

// Has reports whether a role in a group has a right.
func (r GroupRole) Has(right GroupRight) bool {
	for _, row := range GroupRights {
		if row.Right == right {
			return slices.Contains(row.Roles, r)
		}
	}
	return false
}

// MayWriteGroup reports why a member may not write to a group now; nil means that it may. Who has been muted itself is so in every
// role: whoever moderates the organisation must be able to silence a group's owner.
func MayWriteGroup(role GroupRole, mutedUntil time.Time, mutedAll bool, now time.Time) error {
	if mutedUntil.After(now) {
		return Errorf(Forbidden, "You are muted in this group until %s.", mutedUntil.UTC().Format(time.RFC3339)).Named(ProblemMuted)
	}
	if mutedAll && !role.Has(GroupSpeak) {
		return Errorf(Forbidden, "Only the group's administrators may write at the moment.").Named(ProblemGroupMuted)
	}
	return nil
}

// MayManageMember reports why a member with role actor may not change (or remove) one with role target.
func MayManageMember(actor, target GroupRole) error {
	if actor.Has(GroupMembers) && target == GroupMember || actor.Has(GroupRoles) && target != GroupOwner {
		return nil
	}
	return Errorf(Forbidden, "Only the group's owner, or an administrator for plain members, may do this.").Named(ProblemGroupAdminsOnly)
}

// MayManageGroup reports why a member may not change the group's data; nil means that it may.
func MayManageGroup(role GroupRole) error {
	if role.Has(GroupManage) {
		return nil
	}
	return Errorf(Forbidden, "Only the group's owner and administrators may do this.").Named(ProblemGroupAdminsOnly)
}
