package media

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanName(t *testing.T) {
	long := strings.Repeat("长", 300)
	for name, want := range map[string]string{
		"photo.jpg":                     "photo.jpg",
		"日记 2026.txt":                   "日记 2026.txt",
		"/etc/passwd":                   "passwd",
		`C:\Users\ann\a.doc`:            "a.doc",
		"../../x":                       "x",
		"..":                            "file",
		"":                              "file",
		"a/":                            "file",
		".htaccess":                     "htaccess",
		"photo\u202egpj.exe":            "photogpj.exe", // would show as photoexe.jpg
		"a\u2066b\u200fc.txt":           "abc.txt",
		"a\x00b\x1b[31m.txt":            "ab[31m.txt",
		"two\r\nlines.txt":              "two lines.txt",
		"a:b*c?.txt":                    "a_b_c_.txt",
		"end. . ":                       "end",
		"family 👨‍👩‍👧.png":              "family 👨‍👩‍👧.png",
		"\xff\xfebad.txt":               "bad.txt",
		long + ".pptx":                  strings.Repeat("长", 78) + ".pptx",
		strings.Repeat("a", 300):        strings.Repeat("a", 150),
		"a." + strings.Repeat("b", 300): "a." + strings.Repeat("b", 148),
		"archive.tar.gz":                "archive.tar.gz",
		"\u200b\u200b":                  "file",
	} {
		if got := CleanName(name); got != want {
			t.Errorf("%.40q: %q, want %q", name, got, want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"a.txt", "../a", "\u202ea", strings.Repeat("é", 200) + ".jpeg", "\xff", "a . b . ", "a." + strings.Repeat(" ", 20)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := CleanName(s)
		switch {
		case name == "" || len(name) > 255 || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name):
			t.Errorf("%q has %d bytes", name, len(name))
		case strings.ContainsAny(name, "/\\<>:\"|?*\x00\r\n") || name[0] == '.' || name[0] == ' ' || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
			t.Errorf("%q is no name that every system takes", name)
		case CleanName(name) != name:
			t.Errorf("%q becomes %q", name, CleanName(name))
		}
		for _, r := range name {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q has the character %U", name, r)
			}
		}
	})
}
