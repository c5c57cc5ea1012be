package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"magpie/server/chat"
	"magpie/server/payload"
)

// message is a stored message.
type message struct {
	Seq        uint64     `json:"seq"`
	TS         time.Time  `json:"ts"`
	Type       byte       `json:"type" enum:"1,2" doc:"1 one to one, 2 group"`
	Sender     string     `json:"sender"`
	Media      []medium   `json:"media"`
	ID         string     `json:"id" doc:"The sender's id of the message (MQTT Correlation Data) in hex, or empty."`
	EditedAt   *time.Time `json:"edited_at" doc:"When its author has changed it last, or null."`
	Recalled   bool       `json:"recalled" doc:"It was taken back: there are no media."`
	RecalledBy string     `json:"recalled_by,omitempty" doc:"The uid of who took it back."`
	Reactions  []struct{} `json:"reactions"`
}

// notice is something that happened in a group.
type notice struct {
	Seq  uint64    `json:"seq" doc:"Its number among the group's notices."`
	TS   time.Time `json:"ts"`
	Type byte      `json:"type" doc:"54 data changed, 55 a member joined, 56 left, 58 a role or mute changed (docs/protocol.md §8)"`
	Data object    `json:"data"`
}

// History is a page of a conversation.
type History struct {
	Items   []message `json:"items"`
	Next    *string   `json:"next" doc:"The cursor of the next page in the same direction, null at the end."`
	Notices []notice  `json:"notices,omitempty" doc:"Of a group: what happened in it from the page's first message up to the message after its last; the newest 200."`
}

// medium is one part of a message.
type medium struct {
	Type    int    `json:"type" minimum:"0" maximum:"255" doc:"The content type: 0 text, 1 image, …"`
	Content object `json:"content"`
}

// object is a JSON object whose bytes are kept as they came.
type object struct{ json.RawMessage }

// Schema describes it to huma.
func (object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

type messagesInput struct {
	ConvPath
	Paging
	Before uint64 `query:"before" maximum:"9007199254740991" doc:"Only messages with a smaller seq: the newest of those."`
	After  uint64 `query:"after" maximum:"9007199254740991" doc:"Only messages with a greater seq: the oldest of those."`
}

type sendInput struct {
	ConvPath
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Where there is no id: a repeat with the same key is stored once."`
	Body struct {
		Media []medium `json:"media" minItems:"1" maxItems:"7"`
		ID    string   `json:"id,omitempty" pattern:"^([0-9a-fA-F]{2}){8,16}$" patternDescription:"the hex digits of 8 to 16 bytes" doc:"The sender's own id of the message, in hex: a repeat is stored once."`
	}
}

type sent struct {
	Conv string `json:"conv"`
	Seq  uint64 `json:"seq"`
	ID   string `json:"id"`
}

func (a *api) messageRoutes() {
	route(a, op{method: "GET", path: "/conversations/{conv}/messages", id: "list-messages", tag: "Conversations", summary: "Messages by seq, ascending",
		about: "With neither before nor after: the newest. next leads further in the same direction."}, a.messages)
	route(a, op{method: "POST", path: "/conversations/{conv}/messages", id: "send-message", tag: "Conversations", summary: "Send a message", status: http.StatusCreated,
		about: "The answer comes when the message is durable. After a 503 it may have been stored all the same: a repeat with the same id or Idempotency-Key is safe."}, a.send)
}

func (a *api) messages(ctx context.Context, c *caller, in *messagesInput) (*answer[History], error) {
	before, after := in.Before, in.After
	if in.Cursor != "" {
		var ok bool
		if before, after, ok = parseSeqCursor(in.Cursor); !ok {
			return nil, chat.FieldError("cursor", chat.FieldFormat, "is not a cursor of this list")
		}
	}
	if before > 0 && after > 0 {
		return nil, chat.FieldError("before", chat.FieldConflict, "can't be used together with after")
	}
	found, err := a.Store.Messages(ctx, c.EID, c.UID, in.Conv, before, after, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	out := History{Items: make([]message, len(found.Messages))}
	for i, e := range found.Messages {
		if out.Items[i], err = messageOf(e); err != nil {
			return nil, err
		}
	}
	for _, e := range found.Notices {
		n, err := payload.DecodeNotice(e.Payload)
		if err != nil {
			return nil, fmt.Errorf("decode notice %d of stream %d: %w", e.Seq, e.StreamID, err)
		}
		out.Notices = append(out.Notices, notice{Seq: e.Seq, TS: time.UnixMilli(e.Time).UTC(), Type: byte(n.Type), Data: object{n.Content}})
	}
	if n := len(found.Messages); found.More {
		next := "b" + strconv.FormatUint(found.Messages[0].Seq, 10)
		if after > 0 {
			next = "a" + strconv.FormatUint(found.Messages[n-1].Seq, 10)
		}
		out.Next = &next
	}
	return &answer[History]{out}, nil
}

func parseSeqCursor(s string) (before, after uint64, ok bool) {
	seq, err := strconv.ParseUint(s[1:], 10, 63)
	switch {
	case err != nil || seq == 0:
		return 0, 0, false
	case s[0] == 'b':
		return seq, 0, true
	case s[0] == 'a':
		return 0, seq, true
	}
	return 0, 0, false
}

func messageOf(e chat.Entry) (message, error) {
	im, err := payload.DecodeIM(e.Payload)
	if err != nil {
		return message{}, fmt.Errorf("decode message %d of stream %d: %w", e.Seq, e.StreamID, err)
	}
	m := message{
		Seq: e.Seq, TS: time.UnixMilli(e.Time).UTC(), Type: im.Type, Sender: im.Sender, ID: hex.EncodeToString(e.CID),
		Media: make([]medium, len(im.Media)), Reactions: []struct{}{},
	}
	for i, part := range im.Media {
		m.Media[i] = medium{Type: int(part.Type), Content: object{part.Content}}
	}
	m.EditedAt = timeOrNull(payload.EditedAt(im))
	if by := payload.Recalled(im); by != "" {
		m.Recalled, m.RecalledBy, m.Media = true, by, []medium{}
	}
	return m, nil
}

func (a *api) send(ctx context.Context, c *caller, in *sendInput) (*answer[sent], error) {
	if wait := a.throttle.take(c.EID+"/"+c.UID, time.Now()); wait > 0 {
		return nil, tooFast("You send messages too fast. Please wait a moment.", wait).Named(chat.ProblemSendingTooFast)
	}
	cid := messageID(in.Body.ID, in.Conv, in.Key)
	done, err := a.post(ctx, c, in.Conv, in.Body.Media, cid)
	if err != nil {
		return nil, err
	}
	return &answer[sent]{sent{Conv: in.Conv, Seq: done.Seq, ID: hex.EncodeToString(cid)}}, nil
}

// post makes a message durable that the caller writes to a conversation. cid is its own id of the message.
func (a *api) post(ctx context.Context, c *caller, conv string, media []medium, cid []byte) (chat.Appended, error) {
	var none chat.Appended
	ref, imType, err := a.mayWrite(ctx, c, conv)
	if err != nil {
		return none, err
	}
	im := chat.IM{Type: imType, Sender: c.UID, Media: mediaOf(media)}
	if err := payload.CheckIM(im, a.Limits.Text); err != nil {
		return none, err
	}
	b, err := a.encode(im)
	if err != nil {
		return none, err
	}
	done, err := a.append(ctx, chat.Append{Stream: ref, Sender: c.UID, CID: cid, Payload: b, Mentions: payload.Mentions(im), Files: payload.Files(im)})
	if err != nil {
		return none, err
	}
	if done.Repeat {
		stream, err := a.Store.Stream(ctx, ref)
		if err != nil {
			return none, fmt.Errorf("read stream: %w", err)
		}
		if stream.ID != done.StreamID {
			return none, chat.Errorf(chat.Conflict, "You have used this id for a message in another conversation. Please choose a new one.").Named(chat.ProblemMessageIDUsed)
		}
	}
	return done, nil
}

// mayWrite finds the stream of a conversation and checks that the caller may write to it.
func (a *api) mayWrite(ctx context.Context, c *caller, conv string) (ref chat.StreamRef, imType byte, err error) {
	kind, name, _ := strings.Cut(conv, ":")
	switch {
	case kind == "u" && chat.ValidUID(name):
		if err := a.Store.MayMessage(ctx, c.EID, c.UID, c.Role, name); err != nil {
			return ref, 0, fmt.Errorf("look whom the caller may write to: %w", err)
		}
		return chat.StreamRef{EID: c.EID, Kind: chat.StreamPair, Key: chat.PairKey(c.UID, name)}, chat.IMPair, nil
	case kind == "g" && chat.ValidGID(name):
		g, m, err := a.Store.Group(ctx, c.EID, name, c.UID)
		if err != nil {
			return ref, 0, fmt.Errorf("read group: %w", err)
		}
		if m.Role == "" {
			return ref, 0, chat.Errorf(chat.Forbidden, "You are not in this group. Join it first.").Named(chat.ProblemNotMember)
		}
		if err := chat.MayWriteGroup(m.Role, m.MutedUntil, g.MutedAll, time.Now()); err != nil {
			return ref, 0, err
		}
		return chat.StreamRef{EID: c.EID, Kind: chat.StreamGroup, Key: name}, chat.IMGroup, nil
	}
	return ref, 0, chat.Errorf(chat.NotFound, "There is no such conversation.")
}

// messageID returns the Correlation Data of a message: the caller's id in hex, or one that repeats with a key for the conversation, or a new one.
func messageID(own, conv, key string) []byte {
	if own != "" {
		id, _ := hex.DecodeString(own) // huma has checked the form
		return id
	}
	if key != "" {
		sum := sha256.Sum256([]byte(conv + "\x00" + key))
		return slices.Clone(sum[:16])
	}
	id := make([]byte, 16)
	rand.Read(id) // never fails (crypto/rand)
	return id
}

// append waits until a message is durable. When the store can't say so in time the message may be stored later all the same.
func (a *api) append(ctx context.Context, e chat.Append) (chat.Appended, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Limits.SendWait)
	defer cancel()
	done := make(chan chat.Appended, 1)
	e.Done = func(r chat.Appended) { done <- r }
	select {
	case a.sends <- struct{}{}:
	default:
		return chat.Appended{}, cannotStore()
	}
	go func() { // the store blocks while its queue is full, and knows no deadline
		a.Store.Append(e)
		<-a.sends
	}()
	select {
	case r := <-done:
		if r.Err != nil {
			return r, fmt.Errorf("append message: %w", r.Err)
		}
		return r, nil
	case <-ctx.Done():
		return chat.Appended{}, cannotStore()
	}
}

func cannotStore() error {
	e := chat.Errorf(chat.Unavailable, "The server can't store messages at the moment. It may still store this one: send it again with the same id and it will be there once.").Named(chat.ProblemNotStored)
	e.RetryAfter = 5
	return e
}
