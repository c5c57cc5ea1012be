package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"

	"magpie/server/chat"
)

// fold makes texts that people take for the same the same: letter case, full-width and compatibility forms, white space.
func fold(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(s))), " ")
}

// maxWord bounds a word of the index, and what somebody may type to find one, in characters.
const maxWord = chat.MaxName

// words is what somebody may begin to type to find a user: its name from each of its words on, and from each Han character on; the
// same of the uid and the title; the pinyin of the name from each syllable on, and its initials. The database keeps one row of each,
// so that a search reads no more rows than it shows.
func words(name, uid, title string) []string {
	var out []string
	for _, line := range []string{name, uid, title} {
		out = append(out, beginnings(fold(line))...)
	}
	for _, line := range initials(name) {
		for i := range line { // all of it is ASCII
			out = append(out, line[i:])
		}
	}
	out = append(out, spelled(name)...)
	for i, w := range out {
		out[i] = clipWord(w)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// clipWord cuts a word at maxWord characters.
func clipWord(w string) string {
	n := 0
	for i := range w {
		if n == maxWord {
			return w[:i]
		}
		n++
	}
	return w
}

// beginnings returns a folded line from each place on that somebody may take for its beginning: the first letter or digit of a word,
// each character of scripts that are written without spaces, each sign.
func beginnings(line string) []string {
	var out []string
	joined := false // the character before belongs to a word that goes on
	for i, r := range line {
		alone := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
		word := !alone && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
		if !unicode.IsSpace(r) && !(word && joined) {
			out = append(out, line[i:])
		}
		joined = word
	}
	return out
}

// spelled returns the pinyin of a name with Han characters, in full, from each of its syllables on.
func spelled(name string) []string {
	args := pinyin.NewArgs()
	var syllables []string
	han := false
	for _, r := range fold(name) {
		s := string(r)
		if p := pinyin.SinglePinyin(r, args); len(p) > 0 {
			s, han = p[0], true
		}
		syllables = append(syllables, s)
	}
	if !han {
		return nil
	}
	var out []string
	for i := range syllables {
		if s := strings.TrimSpace(strings.Join(syllables[i:], "")); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// typed folds what somebody typed as words are folded. ok is false when it is longer than any of them.
func typed(text string) (q string, ok bool) {
	q = fold(text)
	return q, utf8.RuneCountInString(q) <= maxWord
}

// index puts a user into the directory's index, which must not have it yet.
func (t *tx) index(u chat.User) error {
	list := jsonList(words(u.Name, u.UID, u.Title))
	err := t.exec(`INSERT INTO user_words (eid, hidden, word, name, uid) SELECT $1, $2, value, $3, $4 FROM json_each(CAST($5 AS text))`,
		u.EID, flag(u.Disabled), u.Name, u.UID, list)
	if err != nil {
		return fmt.Errorf("index a user: %w", err)
	}
	if err := t.exec(`UPDATE users SET search = $1 WHERE eid = $2 AND uid = $3`, list, u.EID, u.UID); err != nil {
		return fmt.Errorf("index a user: %w", err)
	}
	return t.exec(`UPDATE department_members SET name = $1, hidden = $2 WHERE eid = $3 AND uid = $4 AND (name <> $1 OR hidden <> $2)`,
		u.Name, flag(u.Disabled), u.EID, u.UID)
}

// unindex takes a user out of the index. It goes by what the row says of its words, so it comes before the row is changed.
func (t *tx) unindex(eid, uid string) error {
	err := t.exec(`DELETE FROM user_words WHERE (eid, hidden, word, name, uid) IN
		(SELECT users.eid, users.disabled, j.value, users.name, users.uid FROM users, json_each(users.search) j WHERE users.eid = $1 AND users.uid = $2)`, eid, uid)
	if err != nil {
		return fmt.Errorf("take a user out of the index: %w", err)
	}
	return nil
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
