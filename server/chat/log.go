package chat

import (
	"strings"
	"time"
)

// StreamKind says what a stream of the log carries and what its Key means.
type StreamKind int16

const (
	StreamPair           StreamKind = 1 // IM of two users; Key is PairKey
	StreamGroup          StreamKind = 2 // IM of a group; Key is the gid
	StreamUserNotice     StreamKind = 3 // notices to one user; Key is the uid
	StreamGroupNotice    StreamKind = 4 // notices to a group; Key is the gid
	StreamTerminalNotice StreamKind = 5 // notice 0x31 about one user; Key is the uid
	StreamApp            StreamKind = 6 // /e/{eid}/app/#; Key is empty
)

// StreamRef names a stream.
type StreamRef struct {
	EID  string
	Kind StreamKind
	Key  string
}

// Stream is a stream of the log and its position.
type Stream struct {
	StreamRef
	ID   int64
	Head uint64 // seq of the newest entry, 0 if there is none
}

// PairKey is the key of the conversation of two users, the same from either side. A user may write to itself.
func PairKey(a, b string) string {
	if b < a {
		a, b = b, a
	}
	return a + ":" + b
}

// PairOther returns the other side of a pair as uid sees it.
func PairOther(key, uid string) string {
	a, b, _ := strings.Cut(key, ":")
	if a == uid {
		return b
	}
	return a
}

// Topic returns the topic on which an entry of the stream travels. sender matters for pairs alone: the topic
// names the side that receives.
func (s StreamRef) Topic(sender string) string {
	base := "/e/" + s.EID
	switch s.Kind {
	case StreamPair:
		return base + "/im/u/" + PairOther(s.Key, sender)
	case StreamGroup:
		return base + "/im/g/" + s.Key
	case StreamUserNotice:
		return base + "/notice/u/" + s.Key
	case StreamGroupNotice:
		return base + "/notice/g/" + s.Key
	case StreamTerminalNotice:
		return base + "/notice/p/" + s.Key
	}
	return ""
}

// TopicFor returns the topic on which somebody receives the stream. Of a pair it is the other side that it names.
func (s StreamRef) TopicFor(uid string) string {
	switch s.Kind {
	case StreamPair:
		return "/e/" + s.EID + "/im/u/" + PairOther(s.Key, uid)
	case StreamApp:
		return "/e/" + s.EID + "/app/#"
	}
	return s.Topic("")
}

// Entry is one message or notice of the log. Entries are immutable and shared: nobody writes to the slices.
type Entry struct {
	Stream   StreamRef
	StreamID int64
	Seq      uint64 // 1, 2, 3, … without gaps in the stream
	Time     int64  // ms since 1970 UTC, by the server's clock
	Sender   string // uid, empty for the server
	CID      []byte // Correlation Data of the publisher, nil if it gave none
	Origin   int64  // MQTT session that published it, 0 for none
	Topic    string // for StreamApp; elsewhere Stream.Topic(Sender)
	Payload  []byte
	Props    []byte // for StreamApp: the broker's encoding of MQTT properties
	Expires  int64  // ms since 1970 UTC after which it is not delivered, 0 for never
}

// Append is one entry to be made durable.
type Append struct {
	Stream   StreamRef
	Sender   string
	CID      []byte // 8–16 bytes: a repeat of (Sender, CID) is not stored again
	Origin   int64
	Topic    string
	Time     int64  // ms since 1970 UTC of acceptance; 0 is the time of the append, and all but an import of history leave it so
	Payload  []byte // IM and notices: bytes 0–3 are overwritten with the time of acceptance, in seconds
	Props    []byte
	Expires  int64
	Mentions []string  // uids mentioned, "*" for all: they show in the conversation list
	Files    []FileRef // files that it links to: the sender must be one who may read them
	Tells    *Entry    // a notice repeats what this message says: it is blanked when the message changes, and not stored where it has changed already

	// Packet makes retries of clients without Correlation Data recognisable; nil for none.
	Packet *PacketKey
	// Retain also sets (or, with an empty payload, clears) the retained message of Topic.
	Retain bool
	// Skip appends nothing: only Retain and Packet take effect.
	Skip bool

	// Done is called once, in commit order, when the entry is durable or has been refused for good. It must not block.
	// While the disk is full or unwritable the store holds the entry and tries again: Done is not called.
	Done func(Appended)
}

// PacketKey identifies an inbound MQTT packet within a kept session.
type PacketKey struct {
	Session  int64
	PacketID uint16
	Dup      bool   // MQTT DUP flag: only then is a QoS 1 packet looked for among the earlier ones
	QoS2     bool   // looked for always, until released by ReleasePacket
	Digest   uint64 // of topic and payload: a DUP with another digest is a new message
}

// Appended is the outcome of an Append.
type Appended struct {
	StreamID int64
	Seq      uint64
	Repeat   bool // the message had been stored before; Seq is the first one's
	Err      error
}

// Session is the stored part of an MQTT session that outlives its connection (MQTT 5 §4.1).
type Session struct {
	ID       int64 // assigned by the store
	EID, UID string
	ClientID string
	Terminal Terminal
	LoginID  string
	Expires  time.Time // when a session that is away ends; zero while it is connected
	Expiry   uint32    // seconds it is kept once away
	App      bool      // it has subscriptions below /e/{eid}/app/
	State    []byte    // cursors, inflight, subscriptions, will: the broker's encoding
}

// Retained is the retained message of an application topic (MQTT 5 §3.3.1.3).
type Retained struct {
	Topic   string
	Sender  string
	Payload []byte
	Props   []byte
	Time    int64 // ms
	Expires int64 // ms, 0 for never
	QoS     byte
}

// Presubscription is what the broker needs to bring a session up: one consistent read.
type Presubscription struct {
	User     User
	Org      Org
	Contacts []string             // uids the user has in its contacts
	Groups   []GroupSub           // groups it is a member of
	Streams  map[StreamRef]Stream // every existing stream that concerns the user, with its head
	Cleared  map[StreamRef]uint64 // up to where the user has cleared its copy of conversations
}

// GroupSub is a membership as the broker needs it.
type GroupSub struct {
	GroupMembership
	MutedAll        bool
	JoinedSeq       uint64 // head of the group's IM stream when the user joined
	JoinedNoticeSeq uint64 // head of its notice stream then
}
