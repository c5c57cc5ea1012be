package payload

import (
	"encoding/json"
	"fmt"

	"magpie/server/chat"
)

// Recall returns what is left of a message that by has recalled: an empty text of the same time and sender, whose content says who it was
// (docs/protocol.md §4). It is nil for one that was recalled before.
func Recall(b []byte, by string) ([]byte, error) {
	m, err := DecodeIM(b)
	if err != nil {
		return nil, err
	}
	if Recalled(m) != "" {
		return nil, nil
	}
	content, err := json.Marshal(struct {
		Text string `json:"co"`
		By   string `json:"rc"`
	}{"", by})
	if err != nil {
		return nil, fmt.Errorf("encode a recalled message: %w", err)
	}
	m.Media = []chat.Medium{{Type: chat.ContentText, Content: content}}
	return EncodeIM(m)
}

// Recalled returns who has recalled a message, "" if nobody has.
func Recalled(m chat.IM) string {
	if len(m.Media) != 1 || m.Media[0].Type != chat.ContentText {
		return ""
	}
	content, err := parseContent(m.Media[0])
	if err != nil {
		return ""
	}
	by, _ := content["rc"].(string)
	return by
}

// isServers is the rule of keys that the server alone writes.
func isServers(any) string { return "left out: only the server writes it" }
