package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"magpie/server/chat"
)

// Issuers tell what a token is for: one of the media cookie is none for the API.
const (
	issuer      = "magpie"
	mediaIssuer = "magpie-media"
)

// mediaTTL is the life of a media token. It is renewed with each access token.
const mediaTTL = 24 * time.Hour

// claims are those of an access token (RFC 7519): sub is the uid.
type claims struct {
	EID      string `json:"eid"`
	Terminal string `json:"term"`
	LoginID  string `json:"sid"`
	jwt.RegisteredClaims
}

func (a *Auth) token(l chat.Login, issuer string, ttl time.Duration) (string, error) {
	now := a.Now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		EID: l.EID, Terminal: l.Terminal.String(), LoginID: l.ID,
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: l.UID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
		},
	}).SignedString(a.Secret)
}

// Verify returns whom an access token speaks for. It checks the signature (HS256 and nothing else), the expiry, that the login session
// still lives, and that the user is not disabled. Any of these failing is Unauthenticated.
//
// It takes an API key in the same place.
func (a *Auth) Verify(ctx context.Context, access string) (chat.Identity, error) {
	if apiKeyForm.MatchString(access) {
		return a.verifyAPIKey(ctx, access)
	}
	return a.verifyToken(ctx, access, issuer)
}

// VerifyMedia is Verify for a token of the media cookie, which is good for reading files alone.
func (a *Auth) VerifyMedia(ctx context.Context, token string) (chat.Identity, error) {
	return a.verifyToken(ctx, token, mediaIssuer)
}

func (a *Auth) verifyToken(ctx context.Context, token, issuer string) (chat.Identity, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return a.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(a.Now))
	if err != nil {
		return chat.Identity{}, &chat.Error{Code: chat.Unauthenticated, Message: "The access token is not valid or has expired. Please sign in again.", Err: err}
	}
	login, err := a.Store.Login(ctx, c.LoginID)
	if err != nil {
		return chat.Identity{}, signedOut(err, "read login")
	}
	if login.EID != c.EID || login.UID != c.Subject {
		return chat.Identity{}, errSignedOut()
	}
	user, err := a.Store.User(ctx, login.EID, login.UID)
	if err != nil {
		return chat.Identity{}, signedOut(err, "read user")
	}
	suspended, err := a.suspended(ctx, user)
	if err != nil {
		return chat.Identity{}, err
	}
	if user.Disabled || suspended {
		return chat.Identity{}, errSignedOut()
	}
	terminal, err := chat.ParseTerminal(c.Terminal)
	if err != nil {
		return chat.Identity{}, fmt.Errorf("terminal of a token: %w", err)
	}
	role := user.Role
	if login.App != "" { // who has the app's keys must not have its users' rights as administrators
		role = chat.Member
	}
	return chat.Identity{EID: login.EID, UID: login.UID, Role: role, Terminal: terminal, LoginID: login.ID, App: login.App}, nil
}

// looksLikeToken tells a JWT (three parts, the first a JSON object in base64) from an account password.
func looksLikeToken(s string) bool {
	return strings.HasPrefix(s, "eyJ") && strings.Count(s, ".") == 2
}
