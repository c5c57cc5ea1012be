package store

import (
	"strings"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"

	"magpie/server/chat"
)

// fold makes texts that people take for the same the same: letter case, and full-width and compatibility forms.
func fold(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// searchText is what the directory looks in for a user, a line each: names, uid, pinyin in initials and in full, department, title.
func searchText(u chat.User) string {
	lines := []string{fold(u.Name), fold(u.UID)}
	if spellings := initials(u.Name); spellings != nil {
		args := pinyin.NewArgs()
		args.Fallback = func(r rune, _ pinyin.Args) []string { return []string{string(r)} }
		lines = append(append(lines, spellings...), strings.Join(pinyin.LazyPinyin(fold(u.Name), args), ""))
	}
	return strings.Join(append(lines, fold(u.Department), fold(u.Title)), "\n")
}

// containing is a LIKE pattern with the escape character "!" for texts that contain what somebody typed.
func containing(typed string) string {
	typed = strings.ReplaceAll(fold(strings.TrimSpace(typed)), "\n", " ")
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(typed) + "%"
}

// maxReadings bounds the ways to read a name that has characters of several pronunciations.
const maxReadings = 8

// initials returns the first letters of the pinyin of the name's Han characters, such as "lh" for 李华, in each way to read them.
// Other letters and digits stand for themselves. Names without Han characters have none.
func initials(name string) []string {
	args := pinyin.NewArgs()
	args.Style, args.Heteronym = pinyin.FirstLetter, true
	readings, han := []string{""}, false
	for _, r := range fold(name) {
		letters := pinyin.SinglePinyin(r, args)
		switch {
		case len(letters) > 0:
			han = true
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			letters = []string{string(r)}
		default:
			continue
		}
		if len(readings)*len(letters) > maxReadings {
			letters = letters[:1]
		}
		var longer []string
		for _, l := range letters {
			for _, before := range readings {
				longer = append(longer, before+l)
			}
		}
		readings = longer
	}
	if !han {
		return nil
	}
	return readings
}
