// Package outbound makes HTTP clients for addresses that users of the server chose: receivers of webhooks, key sets of apps. Such a client reaches
// the public internet and what the operator allows, and nothing else: who may name an address must not learn by it what is inside the network.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrRefused is in the error of a request to an address that may not be reached; errors.Is finds it.
var ErrRefused = errors.New("the address is private or reserved")

// Client returns a client whose requests, with the reading of their answers, take at most timeout. It follows no redirect (the answer is the 3xx), uses no proxy, asks for
// no compression, and connects to public addresses alone, and those in allow. The address is looked at when the connection is made, after the name
// was resolved, so that no name can lead elsewhere later.
func Client(allow []netip.Prefix, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrRefused, address)
		}
		return check(to.Addr(), allow)
	}}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			TLSHandshakeTimeout:    timeout,
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        30 * time.Second,
		},
	}
}

// check reports why an address may not be reached. What is allowed goes before what is refused.
func check(a netip.Addr, allow []netip.Prefix) error {
	to := reached(a)
	in := func(p netip.Prefix) bool { return p.Contains(to) }
	if slices.ContainsFunc(allow, in) {
		return nil
	}
	if slices.ContainsFunc(reserved, in) || to.Is6() && !global.Contains(to) {
		return fmt.Errorf("%w: %s", ErrRefused, to)
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("read the server's own addresses: %w", err)
	}
	for _, o := range own {
		if p, err := netip.ParsePrefix(o.String()); err == nil && p.Addr().Unmap() == to {
			return fmt.Errorf("%w: %s is the server's own", ErrRefused, to)
		}
	}
	return nil
}

// reached is the address where packets for a end: the IPv4 address within a mapped one (RFC 4291 §2.5.5.2), within NAT64's (RFC 6052 §2.2) and
// within 6to4's (RFC 3056 §2).
func reached(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if a.Is4() {
		return a
	}
	b := a.As16()
	switch {
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
	global    = netip.MustParsePrefix("2000::/3") // all that is given out of IPv6 for use between networks
)

// reserved is what the registries of special addresses hold that is not for use between networks (RFC 6890,
// https://www.iana.org/assignments/iana-ipv4-special-registry and …-ipv6-special-registry).
var reserved = prefixes(
	"0.0.0.0/8",         // this network
	"10.0.0.0/8",        // private
	"100.64.0.0/10",     // behind a provider's NAT
	"127.0.0.0/8",       // loopback
	"169.254.0.0/16",    // link-local, and the metadata services of clouds
	"172.16.0.0/12",     // private
	"192.0.0.0/24",      // protocol assignments
	"192.0.2.0/24",      // documentation
	"192.31.196.0/24",   // AS112
	"192.52.193.0/24",   // AMT
	"192.88.99.0/24",    // relays of 6to4
	"192.168.0.0/16",    // private
	"192.175.48.0/24",   // AS112
	"198.18.0.0/15",     // benchmarks
	"198.51.100.0/24",   // documentation
	"203.0.113.0/24",    // documentation
	"224.0.0.0/4",       // multicast
	"240.0.0.0/4",       // reserved, and broadcast
	"2001::/23",         // protocol assignments, Teredo among them
	"2001:db8::/32",     // documentation
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
