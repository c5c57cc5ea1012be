package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"magpie/server/chat"
)

// Incoming webhooks: /hooks/{id}/{secret} posts to one conversation as a bot. Routes are logged, and never paths, so that the secret is in no log.

const (
	incomingPath = "/hooks/"
	hookRate     = 1 // posts a second of one webhook …
	hookBurst    = 20
)

// hookPost is the body of a post: a text or media, as those of a message.
type hookPost struct {
	Text  string   `json:"text"`
	Media []medium `json:"media"`
	ID    string   `json:"id"`
}

// hookPosted is the answer.
type hookPosted struct {
	Seq uint64 `json:"seq"`
}

func (a *api) incomingRoutes(e *echo.Echo) {
	e.POST(incomingPath+":id/:secret", func(c echo.Context) error {
		posted, err := a.postHook(c)
		var problem *Problem
		switch {
		case errors.As(err, &problem):
			return err
		case err != nil:
			return a.translate(c.Request().Context(), "POST "+c.Path(), err)
		}
		return c.JSON(http.StatusOK, posted)
	})
}

func (a *api) postHook(c echo.Context) (*hookPosted, error) {
	r := c.Request()
	ctx := r.Context()
	hook, err := a.incomingHook(ctx, c.Param("id"), c.Param("secret"))
	if err != nil {
		return nil, err
	}
	if wait := a.hooks.take(hook.ID, time.Now()); wait > 0 {
		return nil, tooFast("This webhook posts too fast. Please wait a moment.", wait).Named(chat.ProblemSendingTooFast)
	}
	post, err := a.readHookPost(c)
	if err != nil {
		return nil, err
	}
	key := ""
	if post.ID != "" {
		key = hook.ID + "\x00" + post.ID
	}
	bot := &caller{Identity: chat.Identity{EID: hook.EID, UID: hook.Bot, Role: chat.Member, Terminal: chat.Service, App: hook.App}}
	done, err := a.post(ctx, bot, hook.Conv, post.Media, messageID("", hook.Conv, key))
	if err != nil {
		return nil, err
	}
	a.Store.NoteIncoming(hook)
	return &hookPosted{done.Seq}, nil
}

// incomingHook finds a webhook by both parts of its address. Whatever is wrong, there is nothing at that address.
func (a *api) incomingHook(ctx context.Context, id, secret string) (chat.Incoming, error) {
	hook, err := a.Store.Incoming(ctx, id)
	if err != nil && chat.CodeOf(err) != chat.NotFound {
		return hook, fmt.Errorf("find an incoming webhook: %w", err)
	}
	sum := sha256.Sum256([]byte(secret))
	if err != nil || subtle.ConstantTimeCompare(sum[:], hook.Hash) != 1 {
		return hook, chat.Errorf(chat.NotFound, "There is nothing at this address.")
	}
	return hook, nil
}

func (a *api) readHookPost(c echo.Context) (post hookPost, err error) {
	r := c.Request()
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(contentType), "application/json") {
		return post, newProblem(http.StatusUnsupportedMediaType, problemMediaType, "The body must be JSON, with Content-Type application/json.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, a.Limits.Body))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return post, newProblem(http.StatusRequestEntityTooLarge, chat.ProblemTooLarge, "The request is too large.")
	}
	if err != nil {
		return post, newProblem(http.StatusBadRequest, problemMalformed, "The body did not arrive whole.")
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&post); err != nil || d.More() {
		return post, newProblem(http.StatusBadRequest, problemMalformed, `The body must be a JSON object such as {"text":"Hello"}, with text or media, and id.`)
	}
	switch {
	case len(post.ID) > 255:
		return post, chat.FieldLimit("id", chat.FieldTooLong, "must have at most %d bytes", 255)
	case post.Text != "" && post.Media != nil:
		return post, chat.FieldError("media", chat.FieldConflict, "does not go together with text: put the text among the media")
	case post.Text != "":
		content, err := json.Marshal(map[string]string{"co": post.Text})
		if err != nil {
			return post, fmt.Errorf("encode a text: %w", err)
		}
		post.Media = []medium{{Type: chat.ContentText, Content: object{content}}}
	case len(post.Media) == 0:
		return post, chat.FieldError("text", chat.FieldRequired, "must not be empty")
	case len(post.Media) > chat.MaxMedia:
		return post, chat.FieldLimit("media", chat.FieldTooMany, "must have at most %d entries", chat.MaxMedia)
	}
	for _, m := range post.Media {
		if m.Type < 0 || m.Type > 255 {
			return post, chat.FieldLimit("media", chat.FieldTooBig, "must have types from 0 to %d", 255)
		}
	}
	return post, nil
}
