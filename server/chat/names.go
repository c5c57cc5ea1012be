package chat

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	eidForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)
	uidForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// ValidEID reports whether s may name an organisation (docs/protocol.md §1).
func ValidEID(s string) bool { return eidForm.MatchString(s) }

// ValidUID reports whether s may name a user (docs/protocol.md §1).
func ValidUID(s string) bool { return uidForm.MatchString(s) }

// ValidGID reports whether s may name a group (docs/protocol.md §1).
func ValidGID(s string) bool { return uidForm.MatchString(s) }

// Longest names that people may give, in characters.
const (
	MaxName         = 64
	MaxAnnouncement = 2000
	MaxText         = 16384 // text of one message
)

// CleanName trims a display name and refuses one that is empty, longer than most characters, or that
// holds control characters, line breaks or bidirectional overrides, which can disguise it.
// The error is a FieldError about field.
func CleanName(field, s string, most int) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", FieldError(field, FieldRequired, "must not be empty")
	case !utf8.ValidString(s):
		return "", FieldError(field, FieldFormat, "must be UTF-8 text")
	case utf8.RuneCountInString(s) > most:
		return "", FieldLimit(field, FieldTooLong, "must have at most %d characters", most)
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return "", FieldError(field, FieldCharacters, "must not contain control characters")
		}
	}
	return s, nil
}

// CleanText is CleanName for text of several lines that may be empty: line feeds and tabs are allowed.
func CleanText(field, s string, most int) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	switch {
	case !utf8.ValidString(s):
		return "", FieldError(field, FieldFormat, "must be UTF-8 text")
	case utf8.RuneCountInString(s) > most:
		return "", FieldLimit(field, FieldTooLong, "must have at most %d characters", most)
	}
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return "", FieldError(field, FieldCharacters, "must not contain control characters")
		}
	}
	return s, nil
}

// Terminal is the kind of device a session runs on (docs/protocol.md §1).
type Terminal byte

const (
	PC Terminal = iota
	Phone
	Web
	Widget
	Service
)

var terminalNames = [...]string{"pc", "phone", "web", "widget", "service"}

func (t Terminal) String() string {
	if int(t) < len(terminalNames) {
		return terminalNames[t]
	}
	return "unknown"
}

// ParseTerminal reads a terminal's name; empty means web.
func ParseTerminal(s string) (Terminal, error) {
	if s == "" {
		return Web, nil
	}
	for i, n := range terminalNames {
		if n == s {
			return Terminal(i), nil
		}
	}
	return 0, FieldError("terminal", FieldChoice, "must be one of %s", strings.Join(terminalNames[:], ", "))
}

// CleanDepartment is CleanName for a department's name. A path of names is written with "/", a list of paths with "|".
func CleanDepartment(field, s string) (string, error) {
	s, err := CleanName(field, s, MaxName)
	if err == nil && strings.ContainsAny(s, "/|") {
		err = FieldError(field, FieldFormat, "must not contain / or |")
	}
	return s, err
}

// MinPassword is the fewest characters of a password, whatever an organisation's policies say.
const MinPassword = 8

// MaxEmail is the longest e-mail address that is taken, in bytes (RFC 5321 §4.5.3.1).
const MaxEmail = 254

// CleanEmail trims an e-mail address, which may be empty, and puts it in lower case. It must be a bare one, such as ann@example.com.
func CleanEmail(field, s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return "", nil
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || len(s) > MaxEmail {
		return "", FieldError(field, FieldFormat, "must be an e-mail address such as ann@example.com")
	}
	return s, nil
}
