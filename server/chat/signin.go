package chat

import (
	"net/netip"
	"time"
)

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

// Network is what counts as one sender: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber has. What is no address stays as it is.
func Network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.WithZone("").Prefix(64)
	return prefix.String()
}
