package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"magpie/server/chat"
)

// noticeDepth is by how much a content nests deeper in the notice of an edit.
const noticeDepth = 3

// Edit returns the message b with the texts of media, edited at a time (docs/protocol.md §4). What it answers and forwards, and its media that
// are no texts, stay as they were. It is nil where the message says just that already. Errors are *chat.Error: the message was recalled, the
// media are not valid, or they differ in more than texts.
func Edit(b []byte, media []chat.Medium, maxText int, at time.Time) (*chat.IM, error) {
	old, err := DecodeIM(b)
	if err != nil {
		return nil, err
	}
	if Recalled(old) != "" {
		return nil, chat.Errorf(chat.Conflict, "This message was recalled.").Named(chat.ProblemEditRecalled)
	}
	if old.Media, err = plain(old.Media); err != nil {
		return nil, err
	}
	if media, err = plain(media); err != nil {
		return nil, err
	}
	edited := old
	if edited.Media, err = merge(old.Media, media); err != nil {
		return nil, err
	}
	if err := CheckIM(edited, maxText); err != nil {
		return nil, err
	}
	if equal(old.Media, edited.Media) {
		return nil, nil
	}
	for i, medium := range edited.Media {
		if depth(medium.Content) > maxDepth-noticeDepth {
			return nil, chat.FieldError("media", chat.FieldInvalid, "has content %d nested too deeply", i+1)
		}
	}
	edited.Media[0].Content, err = with(edited.Media[0].Content, map[string]json.RawMessage{"ed": fmt.Append(nil, at.UnixMilli())})
	return &edited, err
}

// EditedAt returns when a message was last edited, zero for never.
func EditedAt(m chat.IM) time.Time {
	content, err := parseContent(m.Media[0])
	if err != nil {
		return time.Time{}
	}
	n, _ := content["ed"].(json.Number)
	if ms, err := n.Int64(); err == nil && ms > 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

// merge takes the texts of edited, and all else of old: both have the same media beside texts, in the same order.
func merge(old, edited []chat.Medium) ([]chat.Medium, error) {
	changed := func() error {
		return chat.Errorf(chat.Invalid, "Only the texts of a message can be edited: what else is in it stays as it is.").Named(chat.ProblemEditFiles)
	}
	var kept []chat.Medium
	for _, m := range old {
		if m.Type != chat.ContentText {
			kept = append(kept, m)
		}
	}
	out := make([]chat.Medium, 0, len(edited))
	for _, m := range edited {
		if m.Type == chat.ContentText {
			out = append(out, m)
			continue
		}
		if len(kept) == 0 || kept[0].Type != m.Type || link(kept[0]) != link(m) {
			return nil, changed()
		}
		out, kept = append(out, kept[0]), kept[1:]
	}
	if len(kept) > 0 || len(out) == 0 {
		return nil, changed()
	}
	// The keys of the first medium are the message's own: whom it mentions may change.
	first, err := fields(old[0])
	if err != nil {
		return nil, err
	}
	next, err := fields(edited[0])
	if err != nil {
		return nil, err
	}
	own := map[string]json.RawMessage{"re": first["re"], "fw": first["fw"], "at": next["at"]}
	for i := range out {
		if i > 0 {
			own = map[string]json.RawMessage{"re": nil, "fw": nil, "at": nil}
		}
		if out[i].Content, err = with(out[i].Content, own); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func equal(a, b []chat.Medium) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || !bytes.Equal(a[i].Content, b[i].Content) {
			return false
		}
	}
	return true
}

// plain returns media without what the server notes of edits, with their keys in order.
func plain(media []chat.Medium) ([]chat.Medium, error) {
	out := make([]chat.Medium, len(media))
	for i, m := range media {
		content, err := with(m.Content, map[string]json.RawMessage{"ed": nil})
		if err != nil {
			return nil, err
		}
		out[i] = chat.Medium{Type: m.Type, Content: content}
	}
	return out, nil
}

func link(m chat.Medium) string {
	content, err := parseContent(m)
	if err != nil {
		return ""
	}
	co, _ := content["co"].(string)
	return co
}

func fields(m chat.Medium) (map[string]json.RawMessage, error) {
	if err := checkObject(m.Content); err != nil {
		return nil, err
	}
	var content map[string]json.RawMessage
	if err := json.Unmarshal(m.Content, &content); err != nil {
		return nil, malformed("A content is not valid JSON.")
	}
	return content, nil
}

// with returns a content with other values of some keys, nil for none of that key. Values that stay keep their bytes but for white space.
func with(content json.RawMessage, values map[string]json.RawMessage) (json.RawMessage, error) {
	all, err := fields(chat.Medium{Content: content})
	if err != nil {
		return nil, err
	}
	for key, value := range values {
		if value == nil {
			delete(all, key)
		} else {
			all[key] = value
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // it would only make the message longer
	if err := enc.Encode(all); err != nil {
		return nil, malformed("A content is not valid JSON.")
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}
