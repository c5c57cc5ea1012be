package payload

import (
	"unicode/utf8"

	"magpie/server/chat"
)

// Values of a presence's type and flag.
const (
	presenceBasic    = 1
	presenceDetailed = 2
	presencePlain    = 1
	presenceCustom   = 2
)

// DecodePresence reads a presence. A detailed one has a context of 1 to chat.MaxPresenceContext bytes and a basic one has
// none; the custom flag and the custom status go together.
func DecodePresence(b []byte) (chat.Presence, error) {
	if len(b) == 0 {
		return chat.Presence{}, malformed("The presence is too short.")
	}
	p := chat.Presence{Type: b[0] >> 6, Flag: b[0] >> 4 & 3, Status: b[0] & 0x0f, Context: string(b[1:])}
	return p, checkPresence(p)
}

// EncodePresence writes a presence; it refuses what DecodePresence would refuse.
func EncodePresence(p chat.Presence) ([]byte, error) {
	if err := checkPresence(p); err != nil {
		return nil, err
	}
	return append([]byte{p.Type<<6 | p.Flag<<4 | p.Status}, p.Context...), nil
}

func checkPresence(p chat.Presence) error {
	switch {
	case p.Type != presenceBasic && p.Type != presenceDetailed:
		return malformed("The presence's type must be 1 (basic) or 2 (detailed).")
	case p.Flag != presencePlain && p.Flag != presenceCustom:
		return malformed("The presence's flag must be 1 (not custom) or 2 (custom).")
	case p.Status != chat.StatusCustom && (p.Status < chat.StatusOnline || p.Status > chat.StatusAway):
		return malformed("The presence's status must be 1 to 4, or 15 for custom.")
	case (p.Flag == presenceCustom) != (p.Status == chat.StatusCustom):
		return malformed("The presence's custom flag and its status contradict each other.")
	case p.Type == presenceBasic && p.Context != "":
		return malformed("The presence has trailing bytes: only a detailed one has a context.")
	case p.Type == presenceDetailed && p.Context == "":
		return malformed("The detailed presence has no context.")
	case len(p.Context) > chat.MaxPresenceContext:
		return malformed("The presence's context has more than 140 bytes.")
	case !utf8.ValidString(p.Context):
		return malformed("The presence's context is not UTF-8.")
	}
	return nil
}
