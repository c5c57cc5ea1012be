package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"magpie/server/chat"
)

// Cost of a password hash (RFC 9106 with the figures that OWASP recommends): about 30 ms and 19 MiB.
const (
	argonTime    = 2
	argonMemory  = 19 * 1024 // KiB
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// Lengths of a password, in characters. The upper one only keeps the work of hashing bounded.
const (
	MinPassword = chat.MinPassword
	MaxPassword = 256
)

// Hashing is bounded: at most one at a time for each processor, and only so many waiting, so that a flood of sign-ins can take
// neither the memory nor the time of everything else.
var (
	hashing    = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))
	hashWaits  atomic.Int64
	maxWaiting = int64(256)
)

// NewPassword checks a password that someone chooses by the rules of its organisation and returns its hash. The error is a FieldError about
// "password".
func (a *Auth) NewPassword(password string, rules chat.PasswordRules) (hash string, err error) {
	least := max(MinPassword, rules.Min)
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return "", chat.FieldError("password", chat.FieldFormat, "must be UTF-8 text")
	case n < least:
		return "", chat.FieldLimit("password", chat.FieldTooShort, "must have at least %d characters", least)
	case n > MaxPassword:
		return "", chat.FieldLimit("password", chat.FieldTooLong, "must have at most %d characters", MaxPassword)
	case rules.Mixed && (strings.IndexFunc(password, unicode.IsLetter) < 0 || strings.IndexFunc(password, func(r rune) bool { return !unicode.IsLetter(r) }) < 0):
		return "", chat.FieldError("password", chat.FieldFormat, "must have letters, and digits or signs")
	}
	return HashPassword(password)
}

// HashPassword returns the argon2id hash of a password in the PHC form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
func HashPassword(password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails (crypto/rand)
	hashing <- struct{}{}
	defer func() { <-hashing }()
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// noPassword is a hash that no password matches, of the same cost as a real one.
var noPassword = sync.OnceValue(func() phc {
	h := phc{time: argonTime, memory: argonMemory, threads: argonThreads, salt: make([]byte, argonSalt), key: make([]byte, argonKey)}
	rand.Read(h.salt)
	rand.Read(h.key)
	return h
})

// verifyPassword compares a password with a hash in constant time. An empty or unreadable hash costs the same and never matches.
// It fails with Unavailable when too many wait already.
func verifyPassword(ctx context.Context, hash, password string) (bool, error) {
	h, ok := parsePHC(hash)
	if !ok {
		h = noPassword()
	}
	if len(password) > 4*MaxPassword {
		password, ok = "", false
	}
	if hashWaits.Add(1) > maxWaiting {
		hashWaits.Add(-1)
		return false, busy(nil)
	}
	select {
	case hashing <- struct{}{}:
		hashWaits.Add(-1)
	case <-ctx.Done():
		hashWaits.Add(-1)
		return false, busy(ctx.Err())
	}
	defer func() { <-hashing }()
	key := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1 && ok, nil
}

func busy(cause error) error {
	e := chat.Errorf(chat.Unavailable, "Too many people sign in at the moment. Please try again in a few seconds.")
	e.RetryAfter, e.Err = 5, cause
	return e
}

type phc struct {
	time, memory uint32
	threads      uint8
	salt, key    []byte
}

func parsePHC(s string) (h phc, ok bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, false
	}
	var errSalt, errKey error
	h.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, errKey = base64.RawStdEncoding.DecodeString(parts[5])
	// Bounds, so that a damaged row can't ask for gigabytes.
	return h, errSalt == nil && errKey == nil && len(h.salt) >= 8 && len(h.key) >= 16 && len(h.key) <= 64 &&
		h.time >= 1 && h.time <= 16 && h.memory >= 8 && h.memory <= 256*1024 && h.threads >= 1
}
