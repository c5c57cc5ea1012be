package webhook

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"magpie/server/chat"
	"magpie/server/payload"
)

// memberships are the events of notices about groups.
var memberships = map[chat.NoticeType]string{
	chat.NoticeGroupAdded:     "membership.added",
	chat.NoticeGroupJoined:    "membership.joined",
	chat.NoticeGroupLeft:      "membership.left",
	chat.NoticeGroupDissolved: "membership.dissolved",
	chat.NoticeGroupRole:      "membership.changed",
}

// classify returns the event that an entry is to a webhook, "" if it tells nothing of it, and the lane that it goes in: its conversation.
func classify(h chat.Webhook, e chat.Entry) (event, lane string) {
	switch e.Stream.Kind {
	case chat.StreamPair, chat.StreamGroup:
		if !h.Wants(chat.HookMessage) || e.Sender == h.Bot {
			return "", ""
		}
		return string(chat.HookMessage), conversation(h, e)
	}
	n, err := payload.DecodeNotice(e.Payload)
	if err != nil {
		return "", "" // no notice of this server's
	}
	var about struct {
		Conv string `json:"conv"`
		GID  string `json:"gid"`
		By   string `json:"by"`
		TS   int64  `json:"ts"`
	}
	if json.Unmarshal(n.Content, &about) != nil {
		return "", ""
	}
	switch n.Type {
	case chat.NoticeRecalled, chat.NoticeEdited:
		if !h.Wants(chat.HookMessage) || about.By == h.Bot {
			return "", ""
		}
		if n.Type == chat.NoticeRecalled {
			return chat.DeliveryRecalled, about.Conv
		}
		if about.TS == 0 { // something that came after it is told
			return "", ""
		}
		return chat.DeliveryEdited, about.Conv
	}
	if event = memberships[n.Type]; event == "" || !h.Wants(chat.HookMembership) {
		return "", ""
	}
	return event, "g:" + about.GID
}

// conversation is an entry's as the webhook's bot sees it.
func conversation(h chat.Webhook, e chat.Entry) string {
	if e.Stream.Kind == chat.StreamGroup {
		return "g:" + e.Stream.Key
	}
	return "u:" + chat.PairOther(e.Stream.Key, h.Bot)
}

// message is the data of a message, in the form of the HTTP API.
type message struct {
	Conv       string        `json:"conv"`
	Seq        uint64        `json:"seq"`
	TS         time.Time     `json:"ts"`
	Sender     string        `json:"sender"`
	ID         string        `json:"id"`
	Media      []chat.Medium `json:"media"`
	EditedAt   *time.Time    `json:"edited_at,omitempty"`
	Recalled   bool          `json:"recalled"`
	RecalledBy string        `json:"recalled_by,omitempty"`
}

// editedMessage names the message that the notice of an edit is about.
func editedMessage(h chat.Webhook, e chat.Entry) (ref chat.StreamRef, seq uint64, err error) {
	n, err := payload.DecodeNotice(e.Payload)
	if err != nil {
		return ref, 0, err
	}
	var about struct {
		Conv string `json:"conv"`
		Seq  uint64 `json:"seq"`
	}
	if err := json.Unmarshal(n.Content, &about); err != nil {
		return ref, 0, fmt.Errorf("read notice %d of stream %d: %w", e.Seq, e.StreamID, err)
	}
	if gid, ok := strings.CutPrefix(about.Conv, "g:"); ok {
		return chat.StreamRef{EID: h.EID, Kind: chat.StreamGroup, Key: gid}, about.Seq, nil
	}
	return chat.StreamRef{EID: h.EID, Kind: chat.StreamPair, Key: chat.PairKey(h.Bot, strings.TrimPrefix(about.Conv, "u:"))}, about.Seq, nil
}

// entryData is the data of a message or a notice: of a notice it is the content that every client gets (docs/protocol.md §8).
func entryData(h chat.Webhook, e chat.Entry) (json.RawMessage, error) {
	if e.Stream.Kind != chat.StreamPair && e.Stream.Kind != chat.StreamGroup {
		n, err := payload.DecodeNotice(e.Payload)
		return n.Content, err
	}
	im, err := payload.DecodeIM(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("decode message %d of stream %d: %w", e.Seq, e.StreamID, err)
	}
	m := message{Conv: conversation(h, e), Seq: e.Seq, TS: time.UnixMilli(e.Time).UTC(), Sender: e.Sender, ID: hex.EncodeToString(e.CID), Media: im.Media}
	if at := payload.EditedAt(im); !at.IsZero() {
		m.EditedAt = &at
	}
	if by := payload.Recalled(im); by != "" {
		m.Recalled, m.RecalledBy, m.Media = true, by, []chat.Medium{}
	}
	return encode(m)
}

var statuses = map[byte]string{chat.StatusOnline: "online", chat.StatusOffline: "offline", chat.StatusBusy: "busy", chat.StatusAway: "away", chat.StatusCustom: "custom"}

// presenceData is the data of what others see of a user.
func presenceData(uid string, b []byte) (json.RawMessage, error) {
	p, err := payload.DecodePresence(b)
	if err != nil {
		return nil, err
	}
	return encode(struct {
		UID    string `json:"uid"`
		Status string `json:"status"`
		Text   string `json:"text,omitempty"`
	}{uid, statuses[p.Status], p.Context})
}
