package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"magpie/server/chat"
)

// Bounds of hosts' tokens.
const (
	hostAudience    = "magpie"
	hostTokenSize   = 8 << 10 // bytes
	hostTokenLife   = 5 * time.Minute
	hostLeeway      = 30 * time.Second // that the host's clock may be ahead
	hostJTILeast    = 8
	hostJTIMost     = 128
	hostDepartments = 20
	latestSecond    = 1 << 36 // of a time in a token: beyond it no arithmetic is safe

	// testKey is the kid of tokens that the server signs itself, for an administrator who tries an app out.
	testKey     = "magpie-test"
	testKeyLife = time.Minute

	// pageRate is how often in a minute one person may sign in by an app's tokens: more than all the pages that it may have, opened at once.
	pageRate = 60
)

// hostClaims are those of a host's token (RFC 7519).
type hostClaims struct {
	Org         string   `json:"org"`
	Name        string   `json:"name,omitempty"`
	Email       string   `json:"email,omitempty"`
	Avatar      string   `json:"avatar,omitempty"`
	Departments []string `json:"departments,omitempty"`
	jwt.RegisteredClaims
}

// LiveApp returns an app that takes tokens, or chat.NotFound.
func (a *Auth) LiveApp(ctx context.Context, id string) (chat.App, error) {
	if !chat.ValidApp(id) {
		return chat.App{}, chat.Errorf(chat.NotFound, "There is no such app.")
	}
	return a.Store.LiveApp(ctx, id)
}

// Exchange makes a login of a page out of a token that the host's server has signed. running is the access token of the login that the page had so
// far, expired or not, or empty: the login goes on where it is the same person's. origin is this server's as the page knows it. Errors: chat.ProblemHostToken with a reason,
// chat.ProblemHostUser, RateLimited, chat.NotFound.
func (a *Auth) Exchange(ctx context.Context, app chat.App, token, running, agent, addr, origin string) (chat.SignIn, error) {
	x, err := a.hostToken(ctx, app, token, addr, origin)
	if err != nil {
		return chat.SignIn{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return chat.SignIn{}, fmt.Errorf("make a login id: %w", err)
	}
	x.Login = chat.Login{ID: id.String(), UID: x.User.UID, Terminal: chat.Widget,
		ClientID: chat.Widget.String() + "-" + strings.ReplaceAll(id.String(), "-", ""), Agent: clip(agent, 256), Addr: addr}
	x.Running = a.runningLogin(running)
	person := limitKey("app:"+app.ID, x.User.UID, "")
	if wait := a.pages.blocked(person, a.Now()); wait > 0 {
		return chat.SignIn{}, pagesTooOften(wait)
	}
	user, login, err := a.Store.Exchange(ctx, x)
	if err != nil {
		return chat.SignIn{}, err
	}
	// Counted now, as a token that was used before must hold up nobody.
	a.pages.count(person, a.Now(), true)
	user = user.Acting(chat.Member)
	return a.signIn(ctx, user, login, "")
}

func pagesTooOften(wait time.Duration) error {
	e := chat.Errorf(chat.RateLimited, "This person signs in by the app too often. Please try again in %d seconds.", seconds(wait))
	e.RetryAfter = seconds(wait)
	return e
}

// runningLogin reads which login an access token of ours is of, "" for none. Its time does not matter: a fresh token of the host's stands beside it.
func (a *Auth) runningLogin(access string) string {
	var c claims
	_, err := jwt.ParseWithClaims(access, &c, func(*jwt.Token) (any, error) { return a.Secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithoutClaimsValidation())
	if err != nil || c.Issuer != issuer {
		return ""
	}
	return c.LoginID
}

// hostToken verifies a host's token but for its being used once. Failures of one person from one address are counted.
func (a *Auth) hostToken(ctx context.Context, app chat.App, token, addr, origin string) (chat.Exchange, error) {
	x := chat.Exchange{App: app}
	var c hostClaims
	t, err := parseHostToken(token, &c)
	if err == nil {
		err = checkAddressee(app, origin, &c)
	}
	if err == nil {
		x.Key, err = a.checkSignature(ctx, app, token, t)
	}
	if err == nil {
		err = checkHostClaims(app, &c, a.Now())
	}
	if err == nil {
		x.User, err = hostUser(&c)
	}
	// A token that is sound is never held up: whom forged ones name is not the forger's to choose.
	var known *chat.Error
	if errors.As(err, &known) && known.Reason != chat.TokenKeys {
		if wait := a.hosts.count(limitKey("app:"+app.ID, c.Subject, addr), a.Now(), true); wait > 0 {
			return x, tooOften(wait)
		}
	}
	if err != nil {
		return x, err
	}
	sum := sha256.Sum256([]byte(c.ID))
	x.Hash, x.Expires = sum[:], c.ExpiresAt.Time
	return x, nil
}

// parseHostToken reads a token without believing it.
func parseHostToken(token string, c *hostClaims) (*jwt.Token, error) {
	malformed := func(err error) error {
		e := chat.HostToken(chat.TokenMalformed, "The token can't be read: it must be a signed JWT with the claims iss, aud, sub, org, jti, iat and exp.")
		e.Err = err
		return e
	}
	if len(token) > hostTokenSize {
		return nil, chat.HostToken(chat.TokenMalformed, "The token is larger than %d bytes. Leave out what is not needed.", hostTokenSize)
	}
	t, _, err := jwt.NewParser().ParseUnverified(token, c)
	if errors.Is(err, jwt.ErrTokenUnverifiable) { // an algorithm that nobody knows
		return nil, errAlgorithm()
	}
	if err != nil {
		return nil, malformed(err)
	}
	if _, extended := t.Header["crit"]; extended { // RFC 7515 §4.1.11
		return nil, malformed(errors.New("a critical header"))
	}
	if !slices.Contains(hostAlgorithms, t.Method.Alg()) {
		return nil, errAlgorithm()
	}
	return t, nil
}

var hostAlgorithms = []string{jwt.SigningMethodHS256.Alg(), jwt.SigningMethodES256.Alg(), jwt.SigningMethodRS256.Alg()}

func errAlgorithm() error {
	return chat.HostToken(chat.TokenAlgorithm, "The token must be signed by HS256 with a key of the app or, where the app has the address of a key set, by ES256 or RS256.")
}

// checkSignature verifies who signed a token, and returns which of the app's own keys it was. What the keys are decides the algorithm, so that a public key is
// never taken for a secret.
func (a *Auth) checkSignature(ctx context.Context, app chat.App, token string, t *jwt.Token) (string, error) {
	kid, _ := t.Header["kid"].(string)
	alg := t.Method.Alg()
	var keys []jwt.VerificationKey
	var ids []string
	switch {
	case alg == jwt.SigningMethodHS256.Alg() && kid == testKey:
		keys, ids = append(keys, a.derive("test token "+app.ID)), append(ids, "")
	case alg == jwt.SigningMethodHS256.Alg():
		for _, k := range app.Keys {
			if kid != "" && k.ID != kid {
				continue
			}
			secret, err := a.openKey(app.ID, k)
			if err != nil {
				return "", err
			}
			keys, ids = append(keys, secret), append(ids, k.ID)
		}
	case app.JWKSURL == "":
		return "", errAlgorithm()
	default:
		found, err := a.keys.find(ctx, app.JWKSURL, kid, alg)
		if err != nil {
			e := chat.HostToken(chat.TokenKeys, "The app's key set can't be read at the moment, so the token can't be verified. An administrator can see the address in the app's settings.")
			e.Err = err
			return "", e
		}
		keys = found
	}
	at := strings.LastIndexByte(token, '.')
	for i, key := range keys {
		if t.Method.Verify(token[:at], t.Signature, key) != nil {
			continue
		}
		if ids == nil {
			return "", nil
		}
		return ids[i], nil
	}
	return "", chat.HostToken(chat.TokenSignature, "The token's signature is not by a key of this app. Compare the key and its id (kid) with those of the app.")
}

// checkAddressee checks for whom a token is made. It comes before the signature, which says less to who has mixed two apps up.
func checkAddressee(app chat.App, origin string, c *hostClaims) error {
	here := origin != "" && slices.Contains(c.Audience, origin)
	switch {
	case c.Issuer != app.ID:
		return chat.HostToken(chat.TokenIssuer, "The token's iss must be the id of the app, %s.", app.ID)
	case app.OriginAudience && !here:
		return chat.HostToken(chat.TokenAudience, "The token's aud must be the address of this server, %s.", origin)
	case !here && !slices.Contains(c.Audience, hostAudience):
		return chat.HostToken(chat.TokenAudience, "The token's aud must be %s, or the address of this server.", hostAudience)
	}
	return nil
}

// checkHostClaims checks what else must be right of a token whose signature is.
func checkHostClaims(app chat.App, c *hostClaims, now time.Time) error {
	switch n := utf8.RuneCountInString(c.ID); {
	case c.Org != app.EID:
		return chat.HostToken(chat.TokenOrganisation, "The token's org must be the id of the app's organisation.")
	case n < hostJTILeast || n > hostJTIMost:
		return chat.HostToken(chat.TokenMalformed, "The token's jti must have %d to %d characters, and be another for each token.", hostJTILeast, hostJTIMost)
	case !sane(c.IssuedAt) || !sane(c.ExpiresAt) || c.NotBefore != nil && !sane(c.NotBefore):
		return chat.HostToken(chat.TokenMalformed, "The token must have iat and exp, in seconds since 1970.")
	case c.IssuedAt.After(now.Add(hostLeeway)):
		return chat.HostToken(chat.TokenNotYet, "The token was made in the future (iat). Set the clock of the server that signs.")
	case c.NotBefore != nil && c.NotBefore.After(now.Add(hostLeeway)):
		return chat.HostToken(chat.TokenNotYet, "The token does not hold yet (nbf).")
	case !c.ExpiresAt.After(now):
		return chat.HostToken(chat.TokenExpired, "The token has expired. Sign a new one each time one is asked for, and set the clock of the server that signs.")
	case c.ExpiresAt.Sub(c.IssuedAt.Time) > hostTokenLife:
		return chat.HostToken(chat.TokenTooLong, "The token lives too long: exp may be at most %d seconds after iat.", int(hostTokenLife.Seconds()))
	}
	return nil
}

// sane reports whether a time is there, and one that can be reckoned with.
func sane(t *jwt.NumericDate) bool {
	return t != nil && t.Unix() > 0 && t.Unix() < latestSecond
}

// hostUser reads whom a token speaks for.
func hostUser(c *hostClaims) (chat.HostUser, error) {
	u := chat.HostUser{UID: c.Subject, Avatar: c.Avatar}
	wrong := func(err error) (chat.HostUser, error) {
		return u, chat.HostToken(chat.TokenMalformed, "The token can't be taken: %s.", err.Error())
	}
	if !chat.ValidUID(u.UID) {
		return u, chat.HostToken(chat.TokenMalformed, "The token's sub must be a user name: it starts with a letter or digit and has only letters, digits, dots, - and _, at most 64.")
	}
	var err error
	if c.Name != "" {
		if u.Name, err = chat.CleanName("name", c.Name, chat.MaxName); err != nil {
			return wrong(err)
		}
	}
	if u.Email, err = chat.CleanEmail("email", c.Email); err != nil {
		return wrong(err)
	}
	if id, ours := chat.FileOf(c.Avatar); c.Avatar != "" && (!ours || c.Avatar != chat.FilePath+id) {
		return wrong(chat.FieldError("avatar", chat.FieldFormat, "must be the address of a picture that was uploaded here, such as %sid", chat.FilePath))
	}
	if len(c.Departments) > hostDepartments {
		return wrong(chat.FieldLimit("departments", chat.FieldTooMany, "must have at most %d entries", hostDepartments))
	}
	for _, path := range c.Departments {
		var names []string
		for name := range strings.SplitSeq(path, "/") {
			if name, err = chat.CleanDepartment("departments", name); err != nil {
				return wrong(err)
			}
			names = append(names, name)
		}
		if len(names) > chat.MaxDepartmentLevels {
			return wrong(chat.FieldLimit("departments", chat.FieldTooDeep, "may have %d levels", chat.MaxDepartmentLevels))
		}
		u.Departments = append(u.Departments, strings.Join(names, "/"))
	}
	return u, nil
}

// TestToken makes a token as a host's server would, for an administrator who tries an app out. It is good for a minute.
func (a *Auth) TestToken(app chat.App, uid, origin string) (string, error) {
	now := a.Now()
	c := hostClaims{Org: app.EID, RegisteredClaims: jwt.RegisteredClaims{Issuer: app.ID, Subject: uid, Audience: jwt.ClaimStrings{hostAudience, origin}, ID: uuid.NewString(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(testKeyLife))}}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	t.Header["kid"] = testKey
	token, err := t.SignedString(a.derive("test token " + app.ID))
	if err != nil {
		return "", fmt.Errorf("sign a test token: %w", err)
	}
	return token, nil
}
