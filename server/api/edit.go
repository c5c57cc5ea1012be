package api

import (
	"context"
	"fmt"
	"time"

	"magpie/server/chat"
	"magpie/server/payload"
)

type editInput struct {
	MessagePath
	Body struct {
		Media []medium `json:"media" minItems:"1" maxItems:"7" doc:"All media of the message. Only texts, and whom the first medium mentions, may be others than before."`
	}
}

func (a *api) editRoutes() {
	route(a, op{method: "PATCH", path: "/conversations/{conv}/messages/{seq}", id: "edit-message", tag: "Conversations", summary: "Edit a message of one's own",
		about: "Within the time that the organisation allows. A repeat changes nothing."}, a.edit)
}

func (a *api) edit(ctx context.Context, c *caller, in *editInput) (*answer[message], error) {
	if wait := a.throttle.take(c.EID+"/"+c.UID, time.Now()); wait > 0 {
		return nil, tooFast("You send messages too fast. Please wait a moment.", wait).Named(chat.ProblemSendingTooFast)
	}
	if _, _, err := a.mayWrite(ctx, c, in.Conv); err != nil {
		return nil, err
	}
	media := mediaOf(in.Body.Media)
	e, err := a.Store.Edit(ctx, c.EID, c.UID, in.Conv, in.Seq, func(old []byte, at time.Time) (*chat.Revision, error) {
		im, err := payload.Edit(old, media, a.Limits.Text, at)
		if err != nil || im == nil {
			return nil, err
		}
		b, err := a.encode(*im)
		if err != nil {
			return nil, err
		}
		return &chat.Revision{Payload: b, Mentions: payload.Mentions(*im), Files: payload.Files(*im)}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("edit a message: %w", err)
	}
	m, err := messageOf(e)
	return &answer[message]{m}, err
}

func mediaOf(list []medium) []chat.Medium {
	out := make([]chat.Medium, len(list))
	for i, m := range list {
		out[i] = chat.Medium{Type: byte(m.Type), Content: m.Content.RawMessage}
	}
	return out
}

// encode writes a message that is not too large.
func (a *api) encode(im chat.IM) ([]byte, error) {
	b, err := payload.EncodeIM(im)
	if err != nil {
		return nil, err
	}
	if len(b) > a.Limits.Message {
		e := chat.Errorf(chat.TooLarge, "The message is too large: at most %d bytes.", a.Limits.Message).Named(chat.ProblemMessageTooLarge)
		e.Limit = a.Limits.Message
		return nil, e
	}
	return b, nil
}
