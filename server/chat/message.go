package chat

import "encoding/json"

// Most media one message carries, and the types of IM (docs/protocol.md §4).
const (
	MaxMedia = 7
	IMPair   = 1
	IMGroup  = 2
)

// Content types of a medium (docs/protocol.md §4).
const (
	ContentText        = 0x00
	ContentImage       = 0x01
	ContentAudio       = 0x02
	ContentVideo       = 0x03
	ContentDocument    = 0x04
	ContentSlides      = 0x05
	ContentSpreadsheet = 0x06
	ContentPDF         = 0x07
	ContentFile        = 0x0f
	ContentLocation    = 0x10
	ContentContact     = 0x11
)

// Medium is one part of a message: a content type and a JSON object, whose bytes are kept as they came.
type Medium struct {
	Type    byte            `json:"type"`
	Content json.RawMessage `json:"content"`
}

// IM is an instant message (docs/protocol.md §4).
type IM struct {
	TS     uint32 // seconds since 1970 UTC
	Type   byte   // IMPair or IMGroup
	Media  []Medium
	Sender string // uid
}

// NoticeType is the kind of a notice (docs/protocol.md §8).
type NoticeType byte

const (
	NoticeRefused        NoticeType = 0x20
	NoticeForcedOffline  NoticeType = 0x28
	NoticeAdminOffline   NoticeType = 0x29
	NoticeContacts       NoticeType = 0x30
	NoticeTerminals      NoticeType = 0x31
	NoticeProfile        NoticeType = 0x32
	NoticeContactRequest NoticeType = 0x33
	NoticeGroupAdded     NoticeType = 0x35
	NoticeGroupData      NoticeType = 0x36
	NoticeGroupJoined    NoticeType = 0x37
	NoticeGroupLeft      NoticeType = 0x38
	NoticeGroupDissolved NoticeType = 0x39
	NoticeGroupRole      NoticeType = 0x3a
	NoticeRecalled       NoticeType = 0x40
	NoticeEdited         NoticeType = 0x41
	NoticeRead           NoticeType = 0x43
	NoticeAnnouncement   NoticeType = 0x50
	NoticeConversation   NoticeType = 0x45
)

// Notice tells clients of a change (docs/protocol.md §8). Content is a JSON object or nil.
type Notice struct {
	TS      uint32
	Type    NoticeType
	Content json.RawMessage
}

// Presence statuses (docs/protocol.md §7).
const (
	StatusOnline  = 1
	StatusOffline = 2
	StatusBusy    = 3
	StatusAway    = 4
	StatusCustom  = 15
)

// MaxPresenceContext is the most bytes a presence context may have.
const MaxPresenceContext = 140

// Presence is a user's status (docs/protocol.md §7).
type Presence struct {
	Type    byte // 1 basic, 2 detailed: a context follows
	Flag    byte // 1 not custom, 2 custom
	Status  byte
	Context string
}

// PresencePayloads of the plain statuses.
var (
	PresenceOnline  = []byte{0x51}
	PresenceOffline = []byte{0x52}
)
