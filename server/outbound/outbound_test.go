package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	intranet := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}
	for _, c := range []struct {
		addr string
		ok   bool
	}{
		{"1.1.1.1", true}, {"93.184.216.34", true}, {"2606:4700:4700::1111", true}, {"::ffff:1.1.1.1", true},
		{"64:ff9b::101:101", true}, {"2002:101:101::1", true},
		{"127.0.0.1", false}, {"127.9.9.9", false}, {"0.0.0.0", false}, {"10.0.0.1", false}, {"172.31.255.255", false}, {"192.168.1.1", false},
		{"100.64.0.1", false}, {"169.254.169.254", false}, {"224.0.0.1", false}, {"255.255.255.255", false}, {"198.19.0.1", false},
		{"::1", false}, {"::", false}, {"::7f00:1", false}, {"fe80::1", false}, {"fe80::1%eth0", false}, {"fd00::1", false}, {"ff02::1", false},
		{"fec0::1", false}, {"2001:db8::1", false}, {"2001:0:4136:e378::1", false},
		{"::ffff:127.0.0.1", false}, {"::ffff:a00:1", false}, {"64:ff9b::7f00:1", false}, {"64:ff9b::a9fe:a9fe", false}, {"64:ff9b:1::a00:1", false},
		{"2002:7f00:1::", false}, {"2002:c0a8:101::1", false},
		{"10.1.2.3", true}, {"::ffff:10.1.2.3", true}, {"64:ff9b::a01:203", true}, {"10.2.0.1", false}, {"fd00:1::5", true}, {"fd00:2::5", false},
	} {
		err := check(netip.MustParseAddr(c.addr), intranet)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", c.addr, err)
		}
	}
}

func TestCheckRefusesOwnAddresses(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range own {
		if err := check(netip.MustParsePrefix(o.String()).Addr(), nil); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", o, err)
		}
	}
}

func TestClient(t *testing.T) {
	reached := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached <- r.URL.Path
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	get := func(c *http.Client, url string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		return res, err
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433"} {
		if _, err := get(Client(nil, 10*time.Second), "http://"+host+port); err == nil || len(reached) > 0 {
			t.Fatalf("%s was reached: %v", host, err)
		} else if host != "2130706433" && !errors.Is(err, ErrRefused) { // a number is a name that nobody has, on most systems
			t.Errorf("%s: %v", host, err)
		}
	}
	// A proxy of the environment would reach what we may not.
	t.Setenv("HTTP_PROXY", server.URL)
	if _, err := get(Client(nil, 10*time.Second), "http://10.0.0.1/"); !errors.Is(err, ErrRefused) || len(reached) > 0 {
		t.Errorf("by a proxy: %v", err)
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	res, err := get(Client(loopback, 10*time.Second), server.URL+"/here")
	if err != nil || res.StatusCode != http.StatusFound || <-reached != "/here" || len(reached) > 0 {
		t.Errorf("a redirect: %v %v", res, err)
	}
	if _, err := get(Client(loopback, 50*time.Millisecond), server.URL+"/hang"); err == nil {
		t.Error("a server that does not answer held the client up")
	}
}
