package broker

import "testing"

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a/b/c", false}, {"a/b/c", "a/b", false},
		{"a/+", "a/b", true}, {"a/+", "a/b/c", false}, {"a/+", "a", false}, {"a/+", "a/", true},
		{"#", "a/b", true}, {"#", "/e/x", true}, {"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false},
		{"x/+/#", "x/a", true}, {"x/+/#", "x", false}, {"+/+", "/a", true}, {"/+", "/a", true}, {"+", "/a", false},
		{"#", "$SYS/x", false}, {"+/x", "$SYS/x", false}, {"$SYS/#", "$SYS/x", true},
	} {
		if got := matches(c.filter, c.topic); got != c.want {
			t.Errorf("matches(%q, %q) = %v", c.filter, c.topic, got)
		}
	}
}

func TestReaches(t *testing.T) {
	for filter, want := range map[string]bool{
		"#": true, "/#": true, "/e/#": true, "/e/demo/#": true, "/e/+/app/#": true, "/e/demo/app/x": true, "/e/demo/app/+/y": true,
		"/e/demo/app": false, "/e/demo/im/#": false, "/e/other/#": false, "+/e/#": true, "+/+/+/+/x": true, "app/#": false, "/e/demo/+": false,
	} {
		if got := reaches(filter, "/e/demo/app/"); got != want {
			t.Errorf("reaches(%q) = %v", filter, got)
		}
	}
}

func TestValidFilter(t *testing.T) {
	for filter, want := range map[string]bool{"a": true, "/": true, "#": true, "+": true, "a/+/b": true, "a/#": true,
		"": false, "a+": false, "a#": false, "a/#/b": false, "a/b#": false, "\xff": false, "a\x00": false} {
		if got := validFilter(filter); got != want {
			t.Errorf("validFilter(%q) = %v", filter, got)
		}
	}
	for s, want := range map[string]bool{"$share/g/a": true, "$share//a": false, "$share/g": false, "$share/g/": false, "$share/g+/a": false, "a/b": true} {
		if _, _, ok := splitShare(s); ok != want {
			t.Errorf("splitShare(%q) ok = %v", s, ok)
		}
	}
}

func TestParseTopic(t *testing.T) {
	for topic, want := range map[string]class{
		"/e/demo/im/u/bob": classIMUser, "/e/demo/im/g/g1": classIMGroup, "/e/demo/notice/p/bob": classNoticePerson,
		"/e/demo/app/x/y": classApp, "/e/demo/app/": classNone, "/e/demo/connect/new": classConnect, "/e/demo/typing/g/g1": classTypingGroup,
		"/e/Demo/im/u/bob": classNone, "/e/demo/im/u/": classNone, "/e/demo/im/x/bob": classNone, "e/demo/im/u/bob": classNone, "/e/demo/im/u/a/b": classNone,
	} {
		if _, got, _ := parseTopic(topic); got != want {
			t.Errorf("parseTopic(%q) = %v, want %v", topic, got, want)
		}
	}
}
