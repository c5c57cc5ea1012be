package api

import (
	"context"
	"fmt"

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
	uid := c.UID
	if in.UID != "" && in.UID != c.UID {
		uid = in.UID
		if _, err := a.Store.User(ctx, c.EID, uid); err != nil {
			return nil, fmt.Errorf("read user: %w", err)
		}
		self, err := a.Store.User(ctx, c.EID, c.UID)
		if err != nil {
			return nil, fmt.Errorf("read user: %w", err)
		}
		if !self.Role.Administers() && !self.Service {
			return nil, chat.Errorf(chat.Forbidden, "Only administrators and service accounts may ask for another user's subscriptions.")
		}
	}
	topics, err := a.Presubscriptions(ctx, c.EID, uid, in.ClientID)
	if err != nil {
		return nil, fmt.Errorf("read presubscriptions: %w", err)
	}
	if topics == nil {
		topics = []Topic{}
	}
	return &answer[presubscriptions]{presubscriptions{ClientID: in.ClientID, Action: "sub", Count: len(topics), Topics: topics}}, nil
}
