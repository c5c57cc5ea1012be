package chat

import "time"

// UserQuery asks for a page of an organisation's directory.
type UserQuery struct {
	Text       string // what a word of the name, uid, department or title begins with, or their pinyin; empty for all
	Department int64  // directly in this one; 0 for all
	Cursor     string // of the page before; empty for the first
	Limit      int
}

// UserChange changes the fields that are not nil.
type UserChange struct {
	Name, Avatar, Email, Title *string
	Role                       *Role
}

// ContactRequest is somebody's wish to be in the user's contacts.
type ContactRequest struct {
	UID     string // who asks
	Message string
	Created time.Time
}

// GroupChange changes the fields that are not nil.
type GroupChange struct {
	Name, Avatar, Announcement *string
	Join                       *JoinPolicy
	MutedAll                   *bool
}

// MemberProfile is a member of a group as others see it.
type MemberProfile struct {
	UID        string
	Name       string
	Avatar     string
	Role       GroupRole
	MutedUntil time.Time // zero: not muted
	Joined     time.Time
}

// Conversation is one line of a user's list of conversations.
type Conversation struct {
	Conv        string // u:{uid} or g:{gid}
	Name        string
	Avatar      string
	Last        *Entry // nil: no message yet
	LastSeq     uint64
	ReadSeq     uint64
	PeerReadSeq uint64 // how far the other side of a pair has read
	Unread      int    // messages of others after ReadSeq, 1,000 at most
	Mentioned   bool   // one of them mentions the user
	Muted       bool
	Pinned      bool
	ClearedSeq  uint64 // the user has cleared its copy up to here
}

// History is a page of a conversation, in ascending order.
type History struct {
	Messages []Entry
	More     bool    // there are more beyond, in the direction that was asked for
	Notices  []Entry // of a group: what happened in it during the page, the newest MaxPageNotices
}

// MaxPageNotices is the most notices that come with a page of a conversation.
const MaxPageNotices = 200
