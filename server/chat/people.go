package chat

import "time"

// Role is what a user may do in the organisation.
type Role string

const (
	Member  Role = "member"
	Auditor Role = "auditor" // reads what administrators read, changes nothing
	Admin   Role = "admin"   // administers the organisation
	System  Role = "system"  // administers all organisations
)

// Who may do something, in the policies. The empty string is everyone.
const (
	ForEveryone    = "everyone"
	ForAdmins      = "admins"
	ForContacts    = "contacts"
	ForDepartments = "departments"
)

// DefaultRecall is how long an author may recall a message where the organisation says nothing else.
const DefaultRecall = 2 * time.Minute

// DefaultEdit is how long an author may edit a message where the organisation says nothing else.
const DefaultEdit = 24 * time.Hour

// Org is an organisation ("enterprise"), the unit of isolation.
type Org struct {
	EID      string
	Name     string
	Settings OrgSettings
	Logo     string // URL path or empty
	Version  int64  // counts the changes
	// Suspended is since when nobody may sign in, and Doomed when everything of it is deleted; zero for not.
	Suspended, Doomed time.Time
	People, Groups    int // people who are not disabled, groups that are not dissolved
	Limits            OrgLimits
}

// OrgLimits bound what an organisation may have; 0 is no bound. System administrators set them.
type OrgLimits struct {
	People, Groups int
	Storage        int64 // bytes of files of everyone together
}

// Closed reports whether nobody of the organisation may sign in.
func (o Org) Closed() bool { return !o.Suspended.IsZero() || !o.Doomed.IsZero() }

// Over reports whether an organisation is being deleted, which nobody can stop any more.
func (o Org) Over(now time.Time) bool { return !o.Doomed.IsZero() && !o.Doomed.After(now) }

// OrgDelay is how long an organisation stays after somebody has said that it is to be deleted.
const OrgDelay = 7 * 24 * time.Hour

// OrgSettings are an organisation's policies; the zero value is the default. Stored as JSON.
type OrgSettings struct {
	SeveralSessions bool  `json:"several_sessions,omitempty"` // many sessions of one terminal kind
	ContactApproval bool  `json:"contact_approval,omitempty"` // adding a contact asks the other side
	MQTTPasswords   bool  `json:"mqtt_passwords,omitempty"`   // account passwords are taken at MQTT CONNECT
	StorageQuota    int64 `json:"storage_quota,omitempty"`    // bytes of files of everyone together; 0 as the server's setting
	UserQuota       int64 `json:"user_quota,omitempty"`       // bytes of files of one user; 0 as the server's setting
	FileLimit       int64 `json:"file_limit,omitempty"`       // bytes of one file; 0 as the server's setting
	FileKinds       Kinds `json:"file_kinds,omitempty"`       // what may be uploaded

	CreateGroups string `json:"create_groups,omitempty"` // ForEveryone, or ForAdmins
	MessageWhom  string `json:"message_whom,omitempty"`  // ForEveryone, ForContacts or ForDepartments

	RecallSeconds  int `json:"recall_seconds,omitempty"`  // how long an author may recall a message: 0 for DefaultRecall, -1 for never
	EditSeconds    int `json:"edit_seconds,omitempty"`    // how long an author may edit a message: 0 for DefaultEdit, -1 for never
	RetentionPair  int `json:"retention_pair,omitempty"`  // days after which messages of two people are deleted; 0 for never
	RetentionGroup int `json:"retention_group,omitempty"` // the same of groups

	PasswordMin   int  `json:"password_min,omitempty"`   // characters; 0 for MinPassword
	PasswordMixed bool `json:"password_mixed,omitempty"` // letters and others both
}

// User is a person or service of an organisation.
type User struct {
	EID        string
	UID        string
	Name       string
	Email      string
	Avatar     string // URL path or empty
	Department string // name of the main one; where a user is made, a path such as "Engineering/Backend", which is made too
	Title      string
	Role       Role
	Service    bool // a program's account: no limit on its sessions
	Disabled   bool
	Presence   []byte // the chosen presence payload; nil means online
	Created    time.Time
	Seen       time.Time // the last sign-in or renewal of one; zero for never
	Version    int64     // counts the changes
}

// Login is one signed-in device: the session that refresh tokens renew and that an access token names.
type Login struct {
	ID       string // uuid v7
	EID, UID string
	Terminal Terminal
	ClientID string // the MQTT client id the server proposed for this device
	Agent    string // User-Agent
	Addr     string // IP address
	Created  time.Time
	Seen     time.Time
	App      string    // the app whose page or program it is, or empty
	Expires  time.Time // when it ends by itself, however often it is seen; zero for never
}

// Identity is who a verified sign-in or token speaks for.
type Identity struct {
	EID, UID string
	Role     Role
	Terminal Terminal
	LoginID  string   // empty for account passwords over MQTT
	App      string   // the app whose page or program it is, or empty
	Scopes   ScopeSet // what an API key may do; 0 for a person, who may all that the role allows
}

// GroupRole is a member's role in a group.
type GroupRole string

const (
	GroupOwner  GroupRole = "owner"
	GroupAdmin  GroupRole = "admin"
	GroupMember GroupRole = "member"
)

// JoinPolicy says how people enter a group.
type JoinPolicy string

const (
	JoinOpen     JoinPolicy = "open"     // anyone of the organisation
	JoinApproval JoinPolicy = "approval" // an owner or administrator accepts
	JoinInvite   JoinPolicy = "invite"   // members add people
)

// Group is a group of an organisation's users.
type Group struct {
	EID          string
	GID          string
	Name         string
	Avatar       string
	Announcement string
	Join         JoinPolicy
	MutedAll     bool // only the owner and administrators may write
	Owner        string
	Members      int
	Created      time.Time
	Follows      int64     // the department whose people are its members, 0 for none
	Version      int64     // counts the changes of its data
	Dissolved    time.Time // zero for one that lives
	Requests     int       // who ask to join, where the reader decides it
}

// GroupMembership is one user's place in a group.
type GroupMembership struct {
	GID        string
	UID        string
	Role       GroupRole
	MutedUntil time.Time // zero: not muted
	Joined     time.Time
}
