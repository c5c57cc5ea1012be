package media

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest file name that is kept, in characters and in bytes of UTF-8: file systems take 255 bytes.
const (
	maxName      = 150
	maxNameBytes = 240
	maxExtension = 12
)

// CleanName makes a file name fit to be shown and saved: without a path before it, control characters, those that turn the direction
// of writing or can't be seen, and those that a file system may refuse. One that is too long is shortened, but keeps its extension. There
// is always a name: "file" where nothing is left.
func CleanName(s string) string {
	s = strings.ToValidUTF8(s, "")
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u00a0':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200d', unicode.Is(unicode.Co, r), !unicode.IsPrint(r) && r != '\u200d' && r != ' ' && !unicode.IsSpace(r):
			return -1 // the joiner holds emoji and scripts together
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	s = strings.TrimRight(strings.TrimLeft(s, ". "), ". ") // hidden files, and what Windows drops
	if s == "" {
		return "file"
	}
	ext := path.Ext(s)
	if utf8.RuneCountInString(ext) > maxExtension || ext == s {
		ext = ""
	}
	return clip(strings.TrimSuffix(s, ext), maxName-utf8.RuneCountInString(ext), maxNameBytes-len(ext)) + ext
}

// clip cuts s to so many characters and bytes.
func clip(s string, runes, bytes int) string {
	n := 0
	for i, r := range s {
		if n == runes || i+utf8.RuneLen(r) > bytes {
			return strings.TrimRight(s[:i], " .")
		}
		n++
	}
	return s
}
