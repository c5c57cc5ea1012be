package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"magpie/server/chat"
)

const (
	refreshCookie = "magpie_refresh"
	refreshPath   = prefix + "/auth"
	// The cookie lives this long after its last use, and so does the login session.
	refreshAge = 90 * 24 * time.Hour

	// By this one the pages' pictures and players read files.
	mediaCookie = "magpie_media"

	// markCookie says to the pages that there may be a login: without it they don't ask, as browsers note each refusal in their console.
	markCookie = "magpie_login"
	mediaPath  = "/media"
	mediaAge   = 24 * time.Hour
)

type loginBody struct {
	Org      string `json:"org" maxLength:"64" doc:"The organisation's id."`
	Username string `json:"username" maxLength:"254" doc:"The uid or the e-mail address."`
	Password string `json:"password" maxLength:"1024"`
	Terminal string `json:"terminal,omitempty" doc:"pc, phone, web, widget or service; web if left out."`
}

type refreshBody struct {
	RefreshToken string `json:"refresh_token,omitempty" maxLength:"128"`
}

// RefreshInput carries a refresh token in either way.
type RefreshInput struct {
	Cookie string       `cookie:"magpie_refresh" doc:"In place of the body."`
	Body   *refreshBody `required:"false"`
}

func (in *RefreshInput) token() string {
	if in.Body != nil && in.Body.RefreshToken != "" {
		return in.Body.RefreshToken
	}
	return in.Cookie
}

// signInAnswer is what login and refresh answer.
type signInAnswer struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in" doc:"Seconds."`
	RefreshToken string `json:"refresh_token,omitempty" doc:"Left out for browsers, which have it in a cookie that scripts can't read."`
	User         struct {
		UID    string    `json:"uid"`
		Name   string    `json:"name"`
		Avatar string    `json:"avatar"`
		Role   chat.Role `json:"role" enum:"member,auditor,admin,system"`
	} `json:"user"`
	Org struct {
		EID           string `json:"eid"`
		Name          string `json:"name"`
		Logo          string `json:"logo" doc:"The address of a picture, or empty."`
		RecallSeconds int    `json:"recall_seconds" doc:"How long an author may recall a message; 0 for never."`
		EditSeconds   int    `json:"edit_seconds" doc:"How long an author may edit a message; 0 for never."`
	} `json:"org"`
	MQTT struct {
		URL      string `json:"url" doc:"MQTT over WebSocket."`
		TCPURL   string `json:"tcp_url" doc:"MQTT over TCP or TLS; empty where there is none."`
		ClientID string `json:"client_id" doc:"The client id proposed for this device."`
		Username string `json:"username"`
	} `json:"mqtt"`
}

type signInOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      signInAnswer
}

type cookieOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (a *api) signInRoutes() {
	route(a, op{method: "POST", path: "/auth/login", id: "login", tag: "Sign-in", access: sameSite, summary: "Sign in",
		about: "An unknown organisation, an unknown user and a wrong password get one and the same answer."}, a.login)
	route(a, op{method: "POST", path: "/auth/refresh", id: "refresh", tag: "Sign-in", access: sameSite, summary: "Renew the tokens",
		about: "Takes the refresh token from the body or the cookie and uses it up. Its second use ends the whole login session."}, a.refresh)
	route(a, op{method: "POST", path: "/auth/logout", id: "logout", tag: "Sign-in", access: leaving, summary: "Sign out", status: http.StatusNoContent,
		about: "Ends the login session of the access token or, without a valid one, of the refresh token, and its MQTT session. The cookie goes with its own login alone."}, a.logout)
}

func (a *api) login(ctx context.Context, c *caller, in *struct{ Body loginBody }) (*signInOutput, error) {
	terminal, err := chat.ParseTerminal(in.Body.Terminal)
	if err != nil {
		return nil, err
	}
	s, err := a.Auth.Login(ctx, in.Body.Org, in.Body.Username, in.Body.Password, terminal, c.agent, c.addr)
	if err != nil {
		return nil, err
	}
	return a.signedIn(c, s), nil
}

func (a *api) refresh(ctx context.Context, c *caller, in *RefreshInput) (*signInOutput, error) {
	s, err := a.Auth.Refresh(ctx, in.token())
	if err != nil {
		return nil, err
	}
	return a.signedIn(c, s), nil
}

type logoutInput struct {
	RefreshInput
	Authorization string `header:"Authorization" hidden:"true"`
}

func (a *api) logout(ctx context.Context, c *caller, in *logoutInput) (*cookieOutput, error) {
	ended, err := a.endLogin(ctx, in)
	if err != nil {
		return nil, err
	}
	// The cookie may be of another login, which goes on: nobody has signed out of that.
	if l, err := a.Auth.LoginOf(ctx, in.Cookie); err == nil && l.ID != ended {
		return &cookieOutput{}, nil
	}
	gone := a.cookies(c, "", "")
	for i := range gone {
		gone[i].MaxAge = -1
	}
	return &cookieOutput{gone}, nil
}

// endLogin ends the login of the access token or, where there is no valid one, of the refresh token, and returns its id. One that is over
// already is what the caller wants.
func (a *api) endLogin(ctx context.Context, in *logoutInput) (string, error) {
	id := chat.Identity{}
	var err error
	if _, token, ok := strings.Cut(in.Authorization, " "); ok {
		if id, err = a.Auth.Verify(ctx, token); err != nil && chat.CodeOf(err) != chat.Unauthenticated {
			return "", err
		}
	}
	if id.Scopes != 0 {
		return "", chat.Errorf(chat.Forbidden, "An API key does not sign out. An administrator deletes it.").Named(chat.ProblemKeyScope)
	}
	if id.LoginID == "" {
		l, err := a.Auth.LoginOf(ctx, in.token())
		if chat.CodeOf(err) == chat.NotFound {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		id = chat.Identity{EID: l.EID, UID: l.UID, LoginID: l.ID}
	}
	return id.LoginID, a.Auth.End(ctx, id.EID, id.UID, id.LoginID, "logout")
}

func (a *api) signedIn(c *caller, s chat.SignIn) *signInOutput {
	out := &signInOutput{SetCookie: a.cookies(c, s.Refresh, s.Media), Body: a.signInAnswer(c, s)}
	if !c.browser {
		out.Body.RefreshToken = s.Refresh
	}
	return out
}

// signInAnswer is what every sign-in answers, without a refresh token.
func (a *api) signInAnswer(c *caller, s chat.SignIn) (b signInAnswer) {
	b.AccessToken, b.ExpiresIn = s.Access, int(s.ExpiresIn/time.Second)
	b.User.UID, b.User.Name, b.User.Avatar, b.User.Role = s.User.UID, s.User.Name, s.User.Avatar, s.User.Role
	b.Org.EID, b.Org.Name, b.Org.Logo = s.Org.EID, s.Org.Name, s.Org.Logo
	b.Org.RecallSeconds, b.Org.EditSeconds = int(s.Org.Settings.Recall().Seconds()), int(s.Org.Settings.Edit().Seconds())
	b.MQTT.URL, b.MQTT.TCPURL = a.mqttURLs(c)
	b.MQTT.ClientID = s.Login.ClientID
	b.MQTT.Username = s.User.EID + "/" + s.User.UID
	return b
}

func (a *api) cookies(c *caller, refresh, media string) []http.Cookie {
	return []http.Cookie{
		{Name: refreshCookie, Value: refresh, Path: refreshPath, MaxAge: int(refreshAge / time.Second),
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.secure},
		{Name: mediaCookie, Value: media, Path: mediaPath, MaxAge: int(mediaAge / time.Second),
			HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.secure},
		{Name: markCookie, Value: "1", Path: "/", MaxAge: int(refreshAge / time.Second), SameSite: http.SameSiteStrictMode, Secure: c.secure},
	}
}

// mqttURLs returns the broker's addresses under the host name that the caller uses.
func (a *api) mqttURLs(c *caller) (ws, tcp string) {
	host := c.host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ws = "ws://" + c.host + "/mqtt"
	if c.secure {
		ws = "wss://" + c.host + "/mqtt"
	}
	switch {
	case a.MQTTSPort != 0:
		tcp = fmt.Sprintf("mqtts://%s", net.JoinHostPort(host, strconv.Itoa(a.MQTTSPort)))
	case a.MQTTPort != 0:
		tcp = fmt.Sprintf("mqtt://%s", net.JoinHostPort(host, strconv.Itoa(a.MQTTPort)))
	}
	return ws, tcp
}
