package chat

import (
	"encoding/json"
	"time"
)

// LiveSession is a connected MQTT session, as administrators see it.
type LiveSession struct {
	ID            string // names it as long as it is connected
	UID           string
	ClientID      string
	Terminal      Terminal
	Addr          string
	LoginID       string
	Kept          bool // it outlives its connection
	Subscriptions int
	Lag           uint64 // entries of its streams that it has not been sent yet
	InFlight      int    // messages that its client has not acknowledged
	Topics        []TopicLag
}

// TopicLag is a subscription of a live session.
type TopicLag struct {
	Topic string
	QoS   byte
	Lag   uint64
}

// DayFigures are what passed in an organisation on a day, UTC.
type DayFigures struct {
	EID      string
	Day      int64 // days since 1970
	Messages int64
	Media    int64 // files and pictures in them
	Bytes    int64 // of the messages themselves
}

// OrgFigures are the sums of an organisation.
type OrgFigures struct {
	People, Disabled int
	Groups           int
	Messages         int64 // in all conversations, those that were deleted since among them
	Files            int64
	FileBytes        int64
	Database         int64 // bytes of the whole server's database
	Events           int64 // changes that wait to be told, of the whole server
	Reports          int   // that are open
	Deliveries       int64 // of webhooks, that wait
	Days             []DayFigures
}

// FeedItem is a notice that was published.
type FeedItem struct {
	Time    time.Time
	Topic   string
	Seq     uint64
	Type    NoticeType
	Content json.RawMessage // a JSON object, or nil
	Missed  int             // notices before this one that the reader was too slow for
}
