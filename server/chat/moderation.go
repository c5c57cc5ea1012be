package chat

import "time"

// ReportState says whether somebody still has to look at a report.
type ReportState string

const (
	ReportOpen   ReportState = "open"
	ReportClosed ReportState = "closed"
)

// Report is somebody's word about a message.
type Report struct {
	ID       int64
	Stream   Stream
	Group    string // its name, where the conversation is one
	Seq      uint64
	Message  Entry // as it was when it was reported
	Reporter string
	Reason   string
	State    ReportState
	Note     string // of who closed it
	Closer   string
	Created  time.Time
	Closed   time.Time // zero while it is open
	Version  int64
}

// Revision is what an edited message becomes.
type Revision struct {
	Payload  []byte
	Mentions []string
	Files    []FileRef
}

// Revise makes an edited message of its payload at a time; nil where it is that already.
type Revise func(payload []byte, at time.Time) (*Revision, error)

// Blank makes what is left of a recalled message from its payload; nil for one that was recalled before.
type Blank func(payload []byte, by string) ([]byte, error)
