package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"

	"magpie/server/chat"
)

// An API key is mgp_, 8 characters that name it, an underscore, and 256 random bits. The prefix lets people and scanners see what it is.
const (
	apiKeyPrefix = "mgp_"
	apiKeyIDSize = len(apiKeyPrefix) + 8
)

var (
	apiKeyForm = regexp.MustCompile(`^mgp_[a-z2-7]{8}_[a-z2-7]{52}$`)
	apiKeyText = base32.StdEncoding.WithPadding(base32.NoPadding)
)

// NewAPIKey makes an API key: the id by which it is known, what its program is given, and the digest that is kept.
func (a *Auth) NewAPIKey() (id, key string, hash []byte) {
	b := make([]byte, 5+32)
	rand.Read(b) // never fails (crypto/rand)
	text := func(b []byte) string { return strings.ToLower(apiKeyText.EncodeToString(b)) }
	id = apiKeyPrefix + text(b[:5])
	key = id + "_" + text(b[5:])
	sum := sha256.Sum256([]byte(key))
	return id, key, sum[:]
}

func (a *Auth) verifyAPIKey(ctx context.Context, key string) (chat.Identity, error) {
	wrong := chat.Errorf(chat.Unauthenticated, "The API key is not valid, or was deleted. Make a new one in the app's settings.")
	k, err := a.Store.APIKey(ctx, key[:apiKeyIDSize])
	if chat.CodeOf(err) == chat.NotFound {
		return chat.Identity{}, wrong
	}
	if err != nil {
		return chat.Identity{}, fmt.Errorf("read an API key: %w", err)
	}
	sum := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(sum[:], k.Hash) != 1 {
		return chat.Identity{}, wrong
	}
	bot, err := a.Store.User(ctx, k.EID, k.Bot)
	if err != nil {
		return chat.Identity{}, fmt.Errorf("read a bot: %w", err)
	}
	suspended, err := a.suspended(ctx, bot)
	if err != nil {
		return chat.Identity{}, err
	}
	if bot.Disabled || suspended {
		return chat.Identity{}, wrong
	}
	a.Store.NoteAPIKey(k)
	return chat.Identity{EID: k.EID, UID: k.Bot, Role: chat.Member, Terminal: chat.Service, LoginID: k.ID, App: k.App, Scopes: k.Scopes}, nil
}
