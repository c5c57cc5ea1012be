package chat

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// App is the entry of an organisation by which another system takes part: its pages show the chat, and its programs call.
type App struct {
	ID          string // unique on the server, never used again
	EID         string
	Name        string
	Origins     []string // of pages that may show the chat, such as https://oa.example
	CreateUsers bool     // who signs in for the first time becomes a user
	JWKSURL     string   // where the public keys are that its tokens are signed by; empty for none
	Keys        []SigningKey
	Disabled    bool
	// OriginAudience makes its tokens name the server's own address in aud, so that none of another server's is taken.
	OriginAudience bool
	Created        time.Time
	Version        int64
}

// SigningKey is a secret by which an app's server signs tokens (HS256).
type SigningKey struct {
	ID      string
	Sealed  []byte // as package auth keeps it
	Created time.Time
	Used    time.Time // zero for never
}

// MaxSigningKeys is how many keys an app has at most: the one that is used, and the one that takes its place.
const MaxSigningKeys = 2

// AppChange changes the fields that are not nil.
type AppChange struct {
	Name        *string
	Origins     *[]string
	CreateUsers *bool
	JWKSURL     *string
	Disabled    *bool

	OriginAudience *bool
}

// Most apps of an organisation, and most of each of what belongs to one.
const (
	MaxApps     = 100
	MaxOrigins  = 50
	MaxBots     = 100
	MaxAPIKeys  = 100
	MaxIncoming = 200
	maxJWKSURL  = 2048 // bytes
)

// HostUser is whom a host's token speaks for. What goes beyond UID counts when the user is made.
type HostUser struct {
	UID         string
	Name        string
	Email       string
	Avatar      string   // a link that may be one of a picture of ours; all others are nothing
	Departments []string // paths such as "Engineering/Backend", the main one first
}

// Exchange is a host's token that was verified, on its way to become a login.
type Exchange struct {
	App     App // as it was when the token was verified
	Key     string
	Hash    []byte // of the token's jti
	Expires time.Time
	User    HostUser
	Login   Login  // the login to be made
	Running string // the id of the login that the page had so far, or empty
}

// Scope is what an API key may do.
type Scope string

const (
	ScopeRead   Scope = "read"   // read people, groups, conversations, messages, files
	ScopeWrite  Scope = "write"  // send, edit and recall messages, upload files, say what is read
	ScopeGroups Scope = "groups" // make and change groups
	ScopeMQTT   Scope = "mqtt"   // connect by MQTT
)

// Scopes are all that there are, in the order of the documentation.
var Scopes = []Scope{ScopeRead, ScopeWrite, ScopeGroups, ScopeMQTT}

// ScopeSet is some scopes, of which each is a bit in the order of Scopes.
type ScopeSet uint8

// MakeScopeSet makes a set of scopes; ok is false where one is not known.
func MakeScopeSet(list []string) (set ScopeSet, ok bool) {
	for _, s := range list {
		i := slices.Index(Scopes, Scope(s))
		if i < 0 {
			return 0, false
		}
		set |= 1 << i
	}
	return set, true
}

// Has reports whether a scope is in the set.
func (s ScopeSet) Has(one Scope) bool {
	i := slices.Index(Scopes, one)
	return i >= 0 && s&(1<<i) != 0
}

// List returns the names of the scopes.
func (s ScopeSet) List() []string {
	out := []string{}
	for _, one := range Scopes {
		if s.Has(one) {
			out = append(out, string(one))
		}
	}
	return out
}

// APIKey lets a program act as one of an app's bots.
type APIKey struct {
	ID      string // what the key begins with
	App     string
	EID     string
	Name    string
	Bot     string // uid
	Scopes  ScopeSet
	Hash    []byte // SHA-256 of the whole key
	Created time.Time
	Used    time.Time // zero for never
	Expires time.Time // when a key that was rotated ends; zero for one that lives on
}

// Incoming is a URL by which a program posts to one conversation, as a bot.
type Incoming struct {
	ID      string
	App     string
	EID     string
	Name    string
	Bot     string // uid
	Conv    string // as the bot sees it
	Hash    []byte // SHA-256 of the URL's secret
	Created time.Time
	Used    time.Time // zero for never
}

// BotChange changes the fields that are not nil.
type BotChange struct {
	Name     *string
	Avatar   *string
	Disabled *bool
}

var appForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{1,38})[a-z0-9]$`)

// ValidApp reports whether s may name an app.
func ValidApp(s string) bool { return appForm.MatchString(s) }

// CleanOrigins checks a list of origins as browsers write them (RFC 6454 §6.2), and returns it without repeats.
func CleanOrigins(field string, list []string) ([]string, error) {
	if len(list) > MaxOrigins {
		return nil, FieldLimit(field, FieldTooMany, "must have at most %d entries", MaxOrigins)
	}
	out := []string{}
	for _, s := range list {
		o, ok := cleanOrigin(s)
		if !ok {
			return nil, FieldError(field, FieldFormat, "must be origins such as https://oa.example or http://localhost:3000, without a path")
		}
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out, nil
}

// originHost is a name in ASCII or an IPv4 address, or an IPv6 address in brackets, and a port. It has nothing that would mean something in a
// Content-Security-Policy: no blank, semicolon, comma, quote or asterisk.
var originHost = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$`)

func cleanOrigin(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(s), "/"))
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Scheme+"://"+u.Host != s || !originHost.MatchString(u.Host) {
		return "", false
	}
	if p := u.Port(); p == map[string]string{"https": "443", "http": "80"}[u.Scheme] && p != "" {
		s = strings.TrimSuffix(s, ":"+p)
	}
	return s, true
}

// CleanJWKSURL checks the address of a key set, which may be empty. It must be https: whoever could change the answer could sign anybody in.
func CleanJWKSURL(field, s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(s) > maxJWKSURL {
		return "", FieldError(field, FieldFormat, "must be an https address such as https://oa.example/.well-known/jwks.json")
	}
	return u.String(), nil
}

// RedactQuery is an address for logs: of what its query says the names alone, as values may be secrets. A digest tells two apart.
func RedactQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if u.RawQuery == "" {
		return address
	}
	sum := sha256.Sum256([]byte(u.RawQuery))
	parts := strings.Split(u.RawQuery, "&")
	for i, part := range parts {
		if name, _, ok := strings.Cut(part, "="); ok {
			parts[i] = name + "=…"
		} else {
			parts[i] = "…"
		}
	}
	u.RawQuery = ""
	return fmt.Sprintf("%s?%s (%x)", u, strings.Join(parts, "&"), sum[:4])
}

// CleanScopes checks a list of scopes.
func CleanScopes(field string, list []string) (ScopeSet, error) {
	set, ok := MakeScopeSet(list)
	switch {
	case !ok:
		return 0, FieldError(field, FieldChoice, "must be some of read, write, groups and mqtt")
	case set == 0:
		return 0, FieldError(field, FieldTooFew, "must name at least one scope")
	}
	return set, nil
}
