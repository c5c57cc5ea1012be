package api

import (
	"context"
	"fmt"
	"slices"

	"magpie/server/chat"
)

type presubscriptionInput struct {
	ClientID string `query:"client_id" maxLength:"256" doc:"The MQTT client id of the session."`
	UID      string `query:"uid" maxLength:"64" doc:"Another user, for administrators and service accounts; oneself if left out."`
}

type presubscriptions struct {
	ClientID string  `json:"client_id"`
	Action   string  `json:"action" enum:"sub"`
	Count    int     `json:"count"`
	Topics   []Topic `json:"topics"`
}

func (a *api) presubscriptionRoutes() {
	route(a, op{method: "GET", path: "/presubscriptions", id: "list-presubscriptions", tag: "MQTT", summary: "The subscriptions that the broker makes for a session"}, a.presubscriptions)
}

func (a *api) presubscriptions(ctx context.Context, c *caller, in *presubscriptionInput) (*answer[presubscriptions], error) {
	uid, err := a.presubscribed(ctx, c, in)
	if err != nil {
		return nil, err
	}
	topics, err := a.Presubscriptions(ctx, c.EID, uid)
	if err != nil {
		return nil, fmt.Errorf("read presubscriptions: %w", err)
	}
	if topics == nil {
		topics = []Topic{}
	}
	return &answer[presubscriptions]{presubscriptions{ClientID: in.ClientID, Action: "sub", Count: len(topics), Topics: topics}}, nil
}

// presubscribed says whose subscriptions are asked for: the caller's own, or for administrators and service accounts those of a
// named user, or of the user whose connected session has the client id.
func (a *api) presubscribed(ctx context.Context, c *caller, in *presubscriptionInput) (string, error) {
	self, err := a.Store.User(ctx, c.EID, c.UID)
	if err != nil {
		return "", fmt.Errorf("read user: %w", err)
	}
	others := c.Role.Has(chat.ManageSessions) || self.Service && c.App == ""
	if in.UID != "" && in.UID != c.UID {
		if _, err := a.Store.User(ctx, c.EID, in.UID); err != nil {
			return "", fmt.Errorf("read user: %w", err)
		}
		if !others {
			return "", chat.Errorf(chat.Forbidden, "Only administrators and service accounts may ask for another user's subscriptions.")
		}
		return in.UID, nil
	}
	if in.UID != "" || in.ClientID == "" || !others {
		return c.UID, nil
	}
	switch uids := a.SessionUsers(c.EID, in.ClientID); {
	case slices.Contains(uids, c.UID):
		return c.UID, nil
	case len(uids) == 1:
		return uids[0], nil
	case len(uids) == 0:
		return "", chat.Errorf(chat.NotFound, "No connected session has this client id.")
	}
	return "", chat.FieldError("uid", chat.FieldRequired, "is needed: several users have a session with this client id")
}
