package broker

import (
	"strings"
	"unicode/utf8"

	"magpie/server/chat"
)

// class says what a topic of the tree carries (docs/protocol.md §3).
type class byte

const (
	classNone         class = iota
	classIMUser             // /e/{eid}/im/u/{uid}
	classIMGroup            // /e/{eid}/im/g/{gid}
	classNoticeUser         // /e/{eid}/notice/u/{uid}
	classNoticeGroup        // /e/{eid}/notice/g/{gid}
	classNoticePerson       // /e/{eid}/notice/p/{uid}
	classPresence           // /e/{eid}/pres/u/{uid}
	classTypingUser         // /e/{eid}/typing/u/{uid}
	classTypingGroup        // /e/{eid}/typing/g/{gid}
	classApp                // /e/{eid}/app/#
	classConnect            // /e/{eid}/connect/new
)

var classes = map[string]class{
	"im/u": classIMUser, "im/g": classIMGroup,
	"notice/u": classNoticeUser, "notice/g": classNoticeGroup, "notice/p": classNoticePerson,
	"pres/u":   classPresence,
	"typing/u": classTypingUser, "typing/g": classTypingGroup,
}

// parseTopic splits a topic name into its organisation, class and key (a uid, a gid, or what follows app/).
// classNone means that no such topic exists.
func parseTopic(topic string) (eid string, c class, key string) {
	rest, ok := strings.CutPrefix(topic, "/e/")
	if !ok {
		return "", classNone, ""
	}
	eid, rest, ok = strings.Cut(rest, "/")
	if !ok || !chat.ValidEID(eid) {
		return "", classNone, ""
	}
	if key, ok := strings.CutPrefix(rest, "app/"); ok && key != "" {
		return eid, classApp, key
	}
	if rest == "connect/new" {
		return eid, classConnect, ""
	}
	i := strings.LastIndexByte(rest, '/')
	if i < 0 {
		return eid, classNone, ""
	}
	c, key = classes[rest[:i]], rest[i+1:]
	if c == classNone || !chat.ValidUID(key) {
		return eid, classNone, ""
	}
	return eid, c, key
}

func appPrefix(eid string) string      { return "/e/" + eid + "/app/" }
func connectTopic(eid string) string   { return "/e/" + eid + "/connect/new" }
func noticeTopic(eid, u string) string { return "/e/" + eid + "/notice/u/" + u }
func presTopic(eid, u string) string   { return "/e/" + eid + "/pres/u/" + u }

// validTopic reports whether s may be the topic name of a PUBLISH (MQTT 5 §4.7.3).
func validTopic(s string) bool {
	return s != "" && len(s) <= 1024 && utf8.ValidString(s) && !strings.ContainsAny(s, "+#\x00")
}

// validFilter reports whether s is a well-formed topic filter (MQTT 5 §4.7.1); shared ones are cut by splitShare first.
func validFilter(s string) bool {
	if s == "" || len(s) > 1024 || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return false
	}
	levels := strings.Split(s, "/")
	for i, l := range levels {
		if strings.ContainsAny(l, "+#") && len(l) > 1 || l == "#" && i < len(levels)-1 {
			return false
		}
	}
	return true
}

// splitShare takes "$share/{name}/{filter}" apart (MQTT 5 §4.8.2). For other filters name is empty.
func splitShare(s string) (name, filter string, ok bool) {
	rest, shared := strings.CutPrefix(s, "$share/")
	if !shared {
		return "", s, s != "$share"
	}
	name, filter, ok = strings.Cut(rest, "/")
	return name, filter, ok && name != "" && !strings.ContainsAny(name, "+#") && filter != ""
}

// matches reports whether a topic filter matches a topic name (MQTT 5 §4.7).
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return false // MQTT 5 §4.7.2
	}
	for {
		f, frest, fmore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, trest, tmore := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		if !tmore {
			return !fmore || frest == "#" // "a/#" matches "a" too
		}
		if !fmore {
			return false
		}
		filter, topic = frest, trest
	}
}

// reaches reports whether a topic filter can match some topic that begins with prefix, which ends with a slash.
func reaches(filter, prefix string) bool {
	for prefix != "" {
		f, frest, fmore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		p, prest, _ := strings.Cut(prefix, "/")
		if f != "+" && f != p || !fmore {
			return false
		}
		filter, prefix = frest, prest
	}
	return true
}
