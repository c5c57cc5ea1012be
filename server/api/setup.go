package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"

	"magpie/server/chat"
)

// SetupSetting is the key of the setting that holds the hash of the one-time setup token.
const SetupSetting = "setup"

// SetupHash is what the store keeps of the token in the one-time link: its SHA-256 digest in hex.
func SetupHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

type about struct {
	Name    string `json:"name" doc:"This server's name."`
	Version string `json:"version"`
	Demo    bool   `json:"demo" doc:"This is a demonstration: its passwords are public."`
	Setup   bool   `json:"setup" doc:"There is no organisation yet: the server's log has the link to make one."`
}

type setupBody struct {
	Token    string `json:"token" maxLength:"128" doc:"From the one-time link."`
	Org      string `json:"org" maxLength:"32" doc:"The organisation's id."`
	OrgName  string `json:"org_name" maxLength:"64"`
	Username string `json:"username" maxLength:"64" doc:"The first administrator's uid."`
	Name     string `json:"name" maxLength:"64"`
	Password string `json:"password" maxLength:"1024"`
}

type setupAnswer struct {
	Org      string `json:"org"`
	Username string `json:"username"`
}

func (a *api) setupRoutes() {
	route(a, op{method: "GET", path: "/about", id: "about", tag: "Sign-in", access: public, summary: "About this server"}, a.about)
	route(a, op{method: "POST", path: "/setup", id: "setup", tag: "Sign-in", access: sameSite, status: http.StatusCreated,
		summary: "Make the first organisation and its administrator", about: "Works once, with the token of the link that the server printed at its first start."}, a.setup)
}

func (a *api) about(ctx context.Context, _ *caller, _ *struct{}) (*answer[about], error) {
	empty, err := a.Store.Empty(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for organisations: %w", err)
	}
	return &answer[about]{about{Name: a.Name, Version: a.Version, Demo: a.Demo, Setup: empty}}, nil
}

func (a *api) setup(ctx context.Context, _ *caller, in *struct{ Body setupBody }) (*answer[setupAnswer], error) {
	b := in.Body
	// Looked at here too, so that nobody without the token makes the server hash passwords. CreateFirst decides.
	hash := SetupHash(b.Token)
	want, err := a.Store.Setting(ctx, SetupSetting)
	if err != nil {
		return nil, fmt.Errorf("read setting: %w", err)
	}
	if want == "" || subtle.ConstantTimeCompare([]byte(hash), []byte(want)) != 1 {
		return nil, chat.Errorf(chat.Forbidden, "This link is not valid, or has been used. The server prints a link at its first start.").Named(chat.ProblemSetupLink)
	}
	if !chat.ValidEID(b.Org) {
		return nil, chat.FieldError("org", chat.FieldFormat, "must start with a small letter or digit and have only small letters, digits, - and _, at most 32")
	}
	if !chat.ValidUID(b.Username) {
		return nil, chat.FieldError("username", chat.FieldFormat, "must start with a letter or digit and have only letters, digits, dots, - and _, at most 64")
	}
	orgName, err := chat.CleanName("org_name", b.OrgName, chat.MaxName)
	if err != nil {
		return nil, err
	}
	name, err := chat.CleanName("name", b.Name, chat.MaxName)
	if err != nil {
		return nil, err
	}
	password, err := a.Auth.NewPassword(b.Password, chat.PasswordRules{})
	if err != nil {
		return nil, err
	}
	org := chat.Org{EID: b.Org, Name: orgName}
	user := chat.User{EID: b.Org, UID: b.Username, Name: name, Role: chat.System}
	if err := a.Store.CreateFirst(ctx, hash, org, user, password); err != nil {
		return nil, fmt.Errorf("create the first organisation: %w", err)
	}
	return &answer[setupAnswer]{setupAnswer{Org: b.Org, Username: b.Username}}, nil
}
