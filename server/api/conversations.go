package api

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

// conversation is a conversation as the caller sees it.
type conversation struct {
	Conv        string   `json:"conv" doc:"u:{uid} or g:{gid}"`
	Name        string   `json:"name"`
	Avatar      string   `json:"avatar"`
	Last        *message `json:"last" doc:"The newest message, or null."`
	LastSeq     uint64   `json:"last_seq"`
	ReadSeq     uint64   `json:"read_seq" doc:"The caller has read up to here."`
	PeerReadSeq uint64   `json:"peer_read_seq" doc:"The other side of a pair has read up to here."`
	Unread      int      `json:"unread"`
	Mentioned   bool     `json:"mentioned" doc:"An unread message mentions the caller."`
	Muted       bool     `json:"muted" doc:"Shows no notifications."`
	Pinned      bool     `json:"pinned"`
	ClearedSeq  uint64   `json:"cleared_seq" doc:"The caller has cleared its own copy up to here."`
}

// ConvPath names a conversation as the caller sees it.
type ConvPath struct {
	Conv string `path:"conv" maxLength:"66" doc:"u:{uid} or g:{gid}"`
}

type convChangeInput struct {
	ConvPath
	Body struct {
		Muted  *bool `json:"muted,omitempty"`
		Pinned *bool `json:"pinned,omitempty"`
	}
}

// seqInput says up to which message something goes.
type seqInput struct {
	ConvPath
	Body struct {
		Seq uint64 `json:"seq" minimum:"0" maximum:"9007199254740991"`
	}
}

func (a *api) conversationRoutes() {
	route(a, op{method: "GET", path: "/conversations", id: "list-conversations", tag: "Conversations", summary: "One's conversations, newest first"}, a.conversations)
	route(a, op{method: "GET", path: "/conversations/{conv}", id: "get-conversation", tag: "Conversations", summary: "One conversation"}, a.conversation)
	route(a, op{method: "PATCH", path: "/conversations/{conv}", id: "update-conversation", tag: "Conversations", summary: "Mute or pin a conversation"}, a.updateConversation)
	route(a, op{method: "PUT", path: "/conversations/{conv}/read", id: "mark-read", tag: "Conversations", summary: "Say up to where one has read", about: "It never goes back."}, a.markRead)
	route(a, op{method: "PUT", path: "/conversations/{conv}/cleared", id: "clear-conversation", tag: "Conversations", summary: "Clear one's own copy of a conversation",
		about: "Hides the messages up to seq from the caller, on all of its devices and for ever. Others keep theirs."}, a.clearConversation)
}

func (a *api) conversations(ctx context.Context, c *caller, in *Paging) (*answer[list[conversation]], error) {
	convs, next, err := a.Store.Conversations(ctx, c.EID, c.UID, in.Cursor, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	items := make([]conversation, len(convs))
	for i, conv := range convs {
		if items[i], err = conversationOf(conv); err != nil {
			return nil, err
		}
	}
	return page(items, next), nil
}

func (a *api) conversation(ctx context.Context, c *caller, in *ConvPath) (*answer[conversation], error) {
	conv, err := a.Store.Conversation(ctx, c.EID, c.UID, in.Conv)
	if err != nil {
		return nil, fmt.Errorf("read conversation: %w", err)
	}
	out, err := conversationOf(conv)
	return &answer[conversation]{out}, err
}

func (a *api) updateConversation(ctx context.Context, c *caller, in *convChangeInput) (*answer[conversation], error) {
	if err := a.Store.SetConversation(ctx, c.EID, c.UID, in.Conv, in.Body.Muted, in.Body.Pinned); err != nil {
		return nil, fmt.Errorf("change conversation: %w", err)
	}
	return a.conversation(ctx, c, &in.ConvPath)
}

func (a *api) markRead(ctx context.Context, c *caller, in *seqInput) (*none, error) {
	if err := a.Store.MarkRead(ctx, c.EID, c.UID, in.Conv, in.Body.Seq); err != nil {
		return nil, fmt.Errorf("mark read: %w", err)
	}
	return nil, nil
}

func (a *api) clearConversation(ctx context.Context, c *caller, in *seqInput) (*none, error) {
	if err := a.Store.ClearConversation(ctx, c.EID, c.UID, in.Conv, in.Body.Seq); err != nil {
		return nil, fmt.Errorf("clear conversation: %w", err)
	}
	return nil, nil
}

func conversationOf(c chat.Conversation) (conversation, error) {
	out := conversation{
		Conv: c.Conv, Name: c.Name, Avatar: c.Avatar, LastSeq: c.LastSeq, ReadSeq: c.ReadSeq, PeerReadSeq: c.PeerReadSeq,
		Unread: c.Unread, Mentioned: c.Mentioned, Muted: c.Muted, Pinned: c.Pinned, ClearedSeq: c.ClearedSeq,
	}
	if c.Last != nil {
		m, err := messageOf(*c.Last)
		if err != nil {
			return out, err
		}
		out.Last = &m
	}
	return out, nil
}
