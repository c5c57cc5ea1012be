package chat

import (
	"encoding/json"
	"time"
)

// Actor is on whose behalf an organisation is administered. An empty UID is the shell on the server's machine, or the server itself,
// which may do everything; Addr then says which of them.
type Actor struct {
	EID  string
	UID  string
	Addr string // IP address, ActorShell or ActorServer
}

// Machine reports whether this is the shell, or the server itself. Nobody who comes from the network is.
func (a Actor) Machine() bool {
	return a.UID == "" && (a.Addr == ActorShell || a.Addr == ActorServer)
}

// Addresses of actors without a uid.
const (
	ActorShell  = "shell"
	ActorServer = "server"
)

// AuditEntry is one change that somebody made.
type AuditEntry struct {
	ID            int64
	Time          time.Time
	Actor         string // uid, or empty
	Addr          string
	Action        string          // such as "user.disable"
	Target        string          // what was changed: a uid, a gid, an id
	Before, After json.RawMessage // JSON objects, or nil
}

// AuditQuery asks for a page of the audit log, the newest first. What is empty does not matter.
type AuditQuery struct {
	Actor, Action, Target string
	After, Before         time.Time
	Cursor                string
	Limit                 int
}

// MaxDepartmentLevels bounds the depth of the tree of departments.
const MaxDepartmentLevels = 20

// Department is a place in an organisation's tree.
type Department struct {
	ID       int64
	Parent   int64 // 0 at the top
	Name     string
	Position int // among its sisters, from 0
	Version  int64
	Members  int // people who are in it directly, and not disabled
	People   int // the same with those of the departments below it, each person once; only DepartmentPeople fills it
}

// DepartmentChange changes the fields that are not nil.
type DepartmentChange struct {
	Name     *string
	Parent   *int64
	Position *int
}

// Account is a user as administrators see it.
type Account struct {
	User
	Departments []int64 // the main one first
	Invited     bool    // has never chosen a password
	Owns        []OwnedGroup
}

// OwnedGroup is a group that somebody owns.
type OwnedGroup struct{ GID, Name string }

// AccountQuery asks for a page of an organisation's people.
type AccountQuery struct {
	Text       string // as of UserQuery: then the order is the search's
	Department int64  // directly in this one; 0 for all
	Role       Role   // "" for all
	Disabled   *bool  // nil for all
	Sort       string // name, uid, created or seen; "" is name
	Descending bool
	Cursor     string
	Limit      int
}

// AccountChange changes the fields that are not nil.
type AccountChange struct {
	UserChange
	Departments *[]int64
	Disabled    *bool
	Successor   string // who takes over the groups of somebody who is disabled
}

// Total is how many there are. Where Exact is false there are more.
type Total struct {
	Count int
	Exact bool
}

// GroupLink is a link by which people of an organisation enter a group.
type GroupLink struct {
	ID      string
	Maker   string
	Uses    int
	Created time.Time
	Expires time.Time
}

// Announcement is a word to everyone, or to departments.
type Announcement struct {
	ID          int64
	Author      string
	Title, Text string
	Departments []int64 // empty: everyone
	Created     time.Time
	People      int       // whom it is for
	Readers     int       // who have read it
	Read        time.Time // when the viewer did; zero for not yet
}

// OrgChange changes the fields that are not nil.
type OrgChange struct {
	Name      *string
	Logo      *string // a picture that the actor has uploaded, or empty
	Suspended *bool
	// Of OrgLimits.
	MaxPeople, MaxGroups *int
	MaxStorage           *int64
}
