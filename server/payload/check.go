package payload

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"magpie/server/chat"
)

// maxMentions is the most uids that one message may mention.
const maxMentions = 200

// keyRules says which type each known key of a content has (docs/protocol.md §4). Keys that are not here are left alone.
var keyRules = map[string]func(value any) string{
	"co": isString,
	"th": isString,
	"or": isString,
	"fn": isString,
	"ml": isSize,
	"si": isAmount,
	"w":  isAmount,
	"h":  isAmount,
	"la": isDegrees(90),
	"lo": isDegrees(180),
}

// firstRules are those of the keys that the first medium alone may carry.
var firstRules = map[string]func(value any) string{
	"re": isSeq,
	"at": isMentions,
	"fw": isForward,
	"rc": isServers,
	"ed": isServers,
}

// CheckIM refuses a message whose form is right but whose content is not: no text where one belongs, a text of more than
// maxText characters, a known key of the wrong type. The error is a *chat.Error whose message says what is wrong.
func CheckIM(m chat.IM, maxText int) error {
	if err := checkHead(m.Type, len(m.Media)); err != nil {
		return err
	}
	if err := checkSender(m.Sender); err != nil {
		return err
	}
	for i, medium := range m.Media {
		content, err := parseContent(medium)
		if err != nil {
			return err
		}
		if known(medium.Type) {
			if _, ok := content["co"]; !ok {
				return chat.FieldError("media", chat.FieldInvalid, "“co” of medium %d is missing", i+1)
			}
			if err := checkKeys(keyRules, content, i); err != nil {
				return err
			}
		}
		if i == 0 {
			if err := checkKeys(firstRules, content, i); err != nil {
				return err
			}
		}
		if text, _ := content["co"].(string); medium.Type == chat.ContentText && utf8.RuneCountInString(text) > maxText {
			e := chat.Errorf(chat.TooLarge, "The text is too long: a message may have at most %d characters. Send it in parts.", maxText).Named(chat.ProblemTextTooLong)
			e.Limit = maxText
			return e
		}
	}
	return nil
}

// Mentions returns whom the first medium mentions: uids, or "*" for everyone.
func Mentions(m chat.IM) []string {
	if len(m.Media) == 0 {
		return nil
	}
	content, err := parseContent(m.Media[0])
	if err != nil || isMentions(content["at"]) != "" {
		return nil
	}
	var uids []string
	for _, v := range content["at"].([]any) {
		uids = append(uids, v.(string))
	}
	return uids
}

// Files returns which files the message links to: by “co”, “th” and “or” of media that are files. Of a link that leads elsewhere the id is
// empty; of one that begins as ours do, but is none, it is what follows.
func Files(m chat.IM) []chat.FileRef {
	var refs []chat.FileRef
	for i, medium := range m.Media {
		if !known(medium.Type) || medium.Type == chat.ContentText || medium.Type > chat.ContentFile {
			continue
		}
		content, err := parseContent(medium)
		if err != nil {
			continue
		}
		for _, key := range []string{"co", "th", "or"} {
			link, _ := content[key].(string)
			id, ours := chat.FileOf(link)
			if !ours && key != "co" {
				continue
			}
			same := func(r chat.FileRef) bool { return r.Index == i && r.File == id }
			if !slices.ContainsFunc(refs, same) {
				refs = append(refs, chat.FileRef{Index: i, Type: medium.Type, File: id, Main: key == "co"})
			}
		}
	}
	return refs
}

// Text returns the text of the message's text media in one line.
func Text(m chat.IM) string {
	var words []string
	for _, medium := range m.Media {
		if medium.Type != chat.ContentText {
			continue
		}
		if content, err := parseContent(medium); err == nil {
			text, _ := content["co"].(string)
			words = append(words, strings.Fields(text)...)
		}
	}
	return strings.Join(words, " ")
}

// parseContent reads a content as a map: unlike a struct, that tells keys of different case apart, as other readers do.
// Of repeated keys the last counts.
func parseContent(medium chat.Medium) (map[string]any, error) {
	if err := checkObject(medium.Content); err != nil {
		return nil, err
	}
	var content map[string]any
	d := json.NewDecoder(strings.NewReader(string(medium.Content)))
	d.UseNumber()
	if err := d.Decode(&content); err != nil {
		return nil, malformed("A content is not valid JSON.")
	}
	return content, nil
}

func checkKeys(rules map[string]func(any) string, content map[string]any, i int) error {
	for key, value := range content {
		if rule := rules[key]; rule != nil {
			if wrong := rule(value); wrong != "" {
				return chat.FieldError("media", chat.FieldInvalid, "“%s” of medium %d must be %s.", key, i+1, wrong)
			}
		}
	}
	return nil
}

func known(contentType byte) bool {
	switch contentType {
	case chat.ContentText, chat.ContentImage, chat.ContentAudio, chat.ContentVideo, chat.ContentDocument, chat.ContentSlides,
		chat.ContentSpreadsheet, chat.ContentPDF, chat.ContentFile, chat.ContentLocation, chat.ContentContact:
		return true
	}
	return false
}

// The rules return what the value should have been, and "" if it is that.

func isString(value any) string {
	if _, ok := value.(string); !ok {
		return "a string"
	}
	return ""
}

// isSize takes a number of bytes: digits in a string, or a number.
func isSize(value any) string {
	text, _ := value.(string)
	if n, ok := value.(json.Number); ok {
		text = n.String()
	}
	if _, err := strconv.ParseUint(text, 10, 63); err != nil {
		return "a whole number of bytes"
	}
	return ""
}

func isAmount(value any) string {
	if f, ok := number(value); !ok || f < 0 {
		return "a number, not negative"
	}
	return ""
}

func isDegrees(most float64) func(any) string {
	return func(value any) string {
		if f, ok := number(value); !ok || math.Abs(f) > most {
			return "a number of degrees, at most " + strconv.Itoa(int(most))
		}
		return ""
	}
}

func isSeq(value any) string {
	n, _ := value.(json.Number)
	if seq, err := strconv.ParseUint(n.String(), 10, 53); err != nil || seq == 0 {
		return "the number of a message"
	}
	return ""
}

func isMentions(value any) string {
	const wrong = "a list of at most 200 user ids, or “*”"
	list, ok := value.([]any)
	if !ok || len(list) > maxMentions {
		return wrong
	}
	for _, v := range list {
		if uid, ok := v.(string); !ok || uid != "*" && !chat.ValidUID(uid) {
			return wrong
		}
	}
	return ""
}

func isForward(value any) string {
	from, _ := value.(map[string]any)
	if uid, _ := from["from"].(string); !chat.ValidUID(uid) {
		return "an object whose “from” is a user id"
	}
	return ""
}

func number(value any) (float64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}
