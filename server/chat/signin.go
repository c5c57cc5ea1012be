package chat

import "time"

// SignIn is what a successful sign-in hands out, and whom it is for.
type SignIn struct {
	Access    string        // access token (JWT)
	ExpiresIn time.Duration // of the access token
	Refresh   string        // refresh token, to be used once
	Media     string        // token of the media cookie: it reads files and nothing else
	User      User
	Org       Org
	Login     Login
}
