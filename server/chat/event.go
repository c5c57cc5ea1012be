package chat

// EventType names a change of data that the broker and the agent follow.
type EventType string

const (
	EventContactAdd     EventType = "c_add"      // UID has Other in its contacts
	EventContactRemove  EventType = "c_remove"   // UID has Other in its contacts no more
	EventContactRequest EventType = "c_request"  // UID asks Other to become contacts; Text is its message
	EventProfile        EventType = "u_profile"  // UID's name, avatar or the like changed
	EventUserCreated    EventType = "u_create"   // UID is new
	EventUserRole       EventType = "u_role"     // UID's role in the organisation changed; Text is the new one
	EventUserDisabled   EventType = "u_disable"  // UID was disabled (On true) or enabled again
	EventLoginEnded     EventType = "login_end"  // login session Login of UID ended; Text says why: "logout", "revoked", "password", "reuse"
	EventGroupCreate    EventType = "g_create"   // GID was made by UID (its members follow as g_join)
	EventGroupJoin      EventType = "g_join"     // UID joined GID, added by By (By == UID: by itself); Text is "create" for those whom GID was made with
	EventGroupLeave     EventType = "g_leave"    // UID left GID, or was removed by By
	EventGroupDissolve  EventType = "g_dissolve" // GID is no more; Members had been its members
	EventGroupData      EventType = "g_data"     // GID's data changed: Changed lists the fields by their JSON names
	EventGroupRole      EventType = "g_role"     // UID's role or mute in GID was changed by By
	EventGroupRequest   EventType = "g_request"  // UID asks to join GID; Text is its message. With By: By has declined it
	EventRead           EventType = "read"       // UID has read Conv up to Seq
	EventConversation   EventType = "conv"       // UID has muted, pinned or cleared Conv, up to Seq
	EventRecall         EventType = "m_recall"   // By took back the message Seq of UID in the stream of Kind and Key; Entry is what is left
	EventEdit           EventType = "m_edit"     // UID has edited its message Seq in the stream of Kind and Key; Entry is what it is now
	EventNoticesBlanked EventType = "n_blank"    // notices say less than they did: Entries are what is left of them
	EventAnnounce       EventType = "announce"   // the announcement Seq is for Members
	EventAnnounceRead   EventType = "a_read"     // UID has read the announcement Seq
	EventOrg            EventType = "org"        // the organisation's settings changed, or who is in which of its departments
	EventWebhooks       EventType = "webhooks"   // webhooks of the app Other changed
)

// Event is one change. It is written in the transaction that makes the change, handed to the observer when that is durable,
// and kept in a queue until the agent has published what it means. It names things and leaves their details to the database.
type Event struct {
	ID    int64     `json:"-"`
	EID   string    `json:"-"`
	Time  int64     `json:"-"` // ms
	Type  EventType `json:"type"`
	UID   string    `json:"uid,omitempty"`
	Other string    `json:"other,omitempty"`
	By    string    `json:"by,omitempty"`
	GID   string    `json:"gid,omitempty"`
	Login string    `json:"login,omitempty"`
	Text  string    `json:"text,omitempty"`
	Conv  string    `json:"conv,omitempty"` // as the user sees it: u:{uid} or g:{gid}
	Seq   uint64    `json:"seq,omitempty"`
	On    bool      `json:"on,omitempty"`

	Kind StreamKind `json:"kind,omitempty"`
	Key  string     `json:"key,omitempty"`

	// For the observers alone.
	Entry   *Entry  `json:"-"`
	Entries []Entry `json:"-"`

	Changed []string `json:"changed,omitempty"`
	Members []string `json:"members,omitempty"`

	Role       GroupRole `json:"role,omitempty"`        // g_join, g_role
	MutedUntil int64     `json:"muted_until,omitempty"` // g_role: ms, 0 for not muted
	MutedAll   bool      `json:"muted_all,omitempty"`   // g_join, g_data
	Head       uint64    `json:"head,omitempty"`        // g_join: JoinedSeq
	NoticeHead uint64    `json:"notice_head,omitempty"` // g_join: JoinedNoticeSeq; contact_add: head of the other's terminal notices
}

// Observer follows what the store makes durable. Both methods are called from the store's writer in commit order: an entry
// appended after a member left comes after the event of its leaving. They must not block.
type Observer interface {
	Appended([]Entry)
	Changed([]Event)
}
