// Package auth signs people in: passwords, access tokens, refresh tokens, and the limit on failed attempts.
//
// An access token is a JWT that lives for minutes and is checked against the stored login session on each use, so that a sign-out
// takes effect at once. A refresh token is 32 random bytes of which only the SHA-256 digest is stored; each is used once.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"magpie/server/chat"
)

// Store is what signing in needs of the database.
type Store interface {
	Org(ctx context.Context, eid string) (chat.Org, error)
	User(ctx context.Context, eid, uid string) (chat.User, error)
	// Credentials finds a user by uid or e-mail address, with the password hash.
	Credentials(ctx context.Context, eid, username string) (chat.User, string, error)
	Login(ctx context.Context, id string) (chat.Login, error)
	// CreateLogin refuses with chat.Unauthenticated when the password that was verified is not the user's any more.
	CreateLogin(ctx context.Context, l chat.Login, passwordHash string, refreshHash []byte) error
	RefreshLogin(ctx context.Context, hash []byte) (chat.Login, error)
	RotateRefresh(ctx context.Context, old, next []byte) (chat.Login, error)
	EndLogin(ctx context.Context, eid, uid, id, why string) error
	// LiveApp returns an app that is not disabled, or chat.NotFound.
	LiveApp(ctx context.Context, id string) (chat.App, error)
	// APIKey returns an API key that is good now, or chat.NotFound.
	APIKey(ctx context.Context, id string) (chat.APIKey, error)
	// NoteAPIKey notes that a key was used. It does not wait.
	NoteAPIKey(known chat.APIKey)
	// Exchange uses a host's token up, and makes or prolongs the login of a page.
	Exchange(ctx context.Context, x chat.Exchange) (chat.User, chat.Login, error)
}

// Options configure an Auth.
type Options struct {
	Store     Store
	Secret    []byte        // HS256 key, at least 32 bytes
	AccessTTL time.Duration // life of an access token, default 15 minutes
	LoginRate int           // failures in 5 minutes an account and address; 0 for no limit
	Outbound  *http.Client  // reads the key sets of apps; nil: none can be read
	Log       *slog.Logger
	Now       func() time.Time // default time.Now
}

// Auth signs people in and verifies tokens. It is safe for use by many goroutines.
type Auth struct {
	Options
	failures *limiter // of passwords
	hosts    *limiter // of hosts' tokens
	pages    *limiter // counts the sign-ins of one person by an app's tokens, not failures
	keys     *keySets
	verify   func(ctx context.Context, hash, password string) (bool, error)
}

// New makes an Auth.
func New(o Options) (*Auth, error) {
	if len(o.Secret) < 32 {
		return nil, errors.New("auth: the secret must have at least 32 bytes")
	}
	if o.AccessTTL <= 0 {
		o.AccessTTL = 15 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Outbound == nil {
		o.Outbound = &http.Client{Transport: unreachable{}}
	}
	return &Auth{Options: o, failures: newLimiter(o.LoginRate, 5*time.Minute), hosts: newLimiter(o.LoginRate, 5*time.Minute),
		pages: newLimiter(pageRate, time.Minute),
		keys:  &keySets{client: o.Outbound, now: o.Now, log: o.Log, sets: map[string]*keySet{}}, verify: verifyPassword}, nil
}

// errWrong is the one answer for an unknown organisation, an unknown or disabled user, and a wrong password.
func errWrong() error {
	return chat.Errorf(chat.Unauthenticated, "The organisation, user name or password is wrong.").Named(chat.ProblemWrongPassword)
}

func errSignedOut() error {
	return chat.Errorf(chat.Unauthenticated, "You are signed out. Please sign in again.")
}

// Login signs a user in by password and starts a login session. username is the uid or the e-mail address; agent and
// addr (an IP address) describe the device.
func (a *Auth) Login(ctx context.Context, eid, username, password string, t chat.Terminal, agent, addr string) (chat.SignIn, error) {
	user, verified, err := a.password(ctx, eid, username, password, addr)
	if err != nil {
		return chat.SignIn{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return chat.SignIn{}, fmt.Errorf("make a login id: %w", err)
	}
	now := a.Now()
	login := chat.Login{
		ID: id.String(), EID: user.EID, UID: user.UID, Terminal: t,
		ClientID: t.String() + "-" + strings.ReplaceAll(id.String(), "-", ""),
		Agent:    clip(agent, 256), Addr: addr, Created: now, Seen: now,
	}
	refresh, hash := newRefresh()
	err = a.Store.CreateLogin(ctx, login, verified, hash)
	if chat.CodeOf(err) == chat.Unauthenticated { // changed meanwhile
		return chat.SignIn{}, errWrong()
	}
	if err != nil {
		return chat.SignIn{}, fmt.Errorf("create login: %w", err)
	}
	return a.signIn(ctx, user, login, refresh)
}

// Refresh takes a refresh token, uses it up, and returns a new pair of tokens for the same login session.
func (a *Auth) Refresh(ctx context.Context, refresh string) (chat.SignIn, error) {
	old, ok := refreshHash(refresh)
	if !ok {
		return chat.SignIn{}, errSignedOut()
	}
	next, hash := newRefresh()
	login, err := a.Store.RotateRefresh(ctx, old, hash)
	if err != nil {
		return chat.SignIn{}, signedOut(err, "rotate refresh token")
	}
	user, err := a.Store.User(ctx, login.EID, login.UID)
	if err != nil {
		return chat.SignIn{}, signedOut(err, "read user")
	}
	suspended, err := a.suspended(ctx, user)
	if err != nil {
		return chat.SignIn{}, err
	}
	if user.Disabled || suspended {
		return chat.SignIn{}, errSignedOut()
	}
	return a.signIn(ctx, user, login, next)
}

// LoginOf returns the login session that a refresh token, used or not, belongs to. chat.NotFound when there is none, or it has ended.
func (a *Auth) LoginOf(ctx context.Context, refresh string) (chat.Login, error) {
	hash, ok := refreshHash(refresh)
	if !ok {
		return chat.Login{}, chat.Errorf(chat.NotFound, "There is no such login.")
	}
	login, err := a.Store.RefreshLogin(ctx, hash)
	if err != nil {
		return login, fmt.Errorf("read refresh token: %w", err)
	}
	return login, nil
}

// End ends a login session; why is "logout" or "revoked". One that has ended already is no error.
func (a *Auth) End(ctx context.Context, eid, uid, id, why string) error {
	if err := a.Store.EndLogin(ctx, eid, uid, id, why); err != nil && chat.CodeOf(err) != chat.NotFound {
		return fmt.Errorf("end login: %w", err)
	}
	return nil
}

// CheckPassword verifies the password of a user that is signed in already. It counts as a sign-in for the limit.
func (a *Auth) CheckPassword(ctx context.Context, eid, uid, password, addr string) error {
	_, _, err := a.password(ctx, eid, uid, password, addr)
	return err
}

// Connect verifies the credentials of an MQTT CONNECT: an access token, an API key or, where the organisation allows it, the account
// password. The error is Unauthenticated (wrong, expired or revoked), Forbidden (another's token), or RateLimited.
func (a *Auth) Connect(ctx context.Context, eid, uid, password, addr string) (chat.Identity, error) {
	if isKey := apiKeyForm.MatchString(password); isKey || looksLikeToken(password) {
		id, err := a.Verify(ctx, password)
		if err != nil {
			return chat.Identity{}, err
		}
		if isKey && !id.Scopes.Has(chat.ScopeMQTT) {
			return chat.Identity{}, chat.Errorf(chat.Forbidden, "This API key may not connect: it lacks the scope %s.", chat.ScopeMQTT)
		}
		if id.EID != eid || id.UID != uid {
			return chat.Identity{}, chat.Errorf(chat.Forbidden, "This token belongs to another user.")
		}
		return id, nil
	}
	user, _, err := a.password(ctx, eid, uid, password, addr)
	if err != nil {
		return chat.Identity{}, err
	}
	org, err := a.Store.Org(ctx, eid)
	if err != nil {
		return chat.Identity{}, fmt.Errorf("read organisation: %w", err)
	}
	// An e-mail address is no MQTT user name: topics are made of uids.
	if !org.Settings.MQTTPasswords || user.UID != uid {
		return chat.Identity{}, errWrong()
	}
	terminal := chat.PC
	if user.Service {
		terminal = chat.Service
	}
	return chat.Identity{EID: eid, UID: uid, Role: user.Role, Terminal: terminal}, nil
}

// password is the one way in for every password. Unknown users take the same way, and so the same time, as known ones:
// their password is compared with a hash that nothing matches. It returns the hash that was compared, too.
func (a *Auth) password(ctx context.Context, eid, username, password, addr string) (chat.User, string, error) {
	user, hash, err := a.Store.Credentials(ctx, eid, username)
	known := err == nil
	if err != nil && chat.CodeOf(err) != chat.NotFound {
		return chat.User{}, "", fmt.Errorf("read credentials: %w", err)
	}
	account := strings.ToLower(user.UID) // as of a name that nobody has, so that the limit does not tell them apart; the uid and the e-mail address of one account share one count
	if !known {
		account, hash = strings.ToLower(username), ""
	}
	key := limitKey(eid, account, addr)
	if wait := a.failures.blocked(key, a.Now()); wait > 0 {
		return chat.User{}, "", tooOften(wait)
	}
	right, err := a.verify(ctx, hash, password)
	if err != nil {
		return chat.User{}, "", err
	}
	suspended, err := a.suspended(ctx, user)
	if err != nil {
		return chat.User{}, "", err
	}
	// Attempts that ran side by side with this one may have used the limit up: then neither a wrong nor the right password may show.
	wrong := !known || !right || user.Disabled || suspended
	if wait := a.failures.count(key, a.Now(), wrong); wait > 0 {
		return chat.User{}, "", tooOften(wait)
	}
	if wrong {
		return chat.User{}, "", errWrong()
	}
	return user, hash, nil
}

func (a *Auth) signIn(ctx context.Context, user chat.User, login chat.Login, refresh string) (chat.SignIn, error) {
	org, err := a.Store.Org(ctx, login.EID)
	if err != nil {
		return chat.SignIn{}, fmt.Errorf("read organisation: %w", err)
	}
	access, err := a.token(login, issuer, a.AccessTTL)
	if err != nil {
		return chat.SignIn{}, fmt.Errorf("sign access token: %w", err)
	}
	media, err := a.token(login, mediaIssuer, mediaTTL)
	if err != nil {
		return chat.SignIn{}, fmt.Errorf("sign media token: %w", err)
	}
	return chat.SignIn{Access: access, Media: media, ExpiresIn: a.AccessTTL, Refresh: refresh, User: user, Org: org, Login: login}, nil
}

// suspended reports whether nobody of a user's organisation may sign in. Of somebody who is not known it is false.
func (a *Auth) suspended(ctx context.Context, u chat.User) (bool, error) {
	if u.EID == "" {
		return false, nil
	}
	org, err := a.Store.Org(ctx, u.EID)
	if err != nil {
		return false, fmt.Errorf("read organisation: %w", err)
	}
	return org.Closed(), nil
}

func tooOften(wait time.Duration) error {
	e := chat.Errorf(chat.RateLimited, "Too many failed sign-ins. Please try again in %d seconds.", seconds(wait)).Named(chat.ProblemTooManySignIns)
	e.RetryAfter = seconds(wait)
	return e
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// signedOut turns "not there" of any kind into one answer and wraps the rest.
func signedOut(err error, tried string) error {
	switch chat.CodeOf(err) {
	case chat.Unauthenticated, chat.NotFound:
		return errSignedOut()
	}
	return fmt.Errorf("%s: %w", tried, err)
}

const refreshBytes = 32

func newRefresh() (token string, hash []byte) {
	b := make([]byte, refreshBytes)
	rand.Read(b) // never fails (crypto/rand)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(b), sum[:]
}

func refreshHash(token string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != refreshBytes {
		return nil, false
	}
	sum := sha256.Sum256(b)
	return sum[:], true
}

// clip cuts s to at most n bytes of valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
