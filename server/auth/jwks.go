package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	neturl "net/url"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"

	"magpie/server/chat"
)

// Bounds of key sets.
const (
	jwksSize    = 256 << 10   // bytes of an answer
	jwksKeys    = 100         // keys of a set that are looked at
	jwksAge     = time.Hour   // after which a set is read again: a key that was withdrawn is good no longer than that
	jwksPause   = time.Minute // between two readings of one set, whatever is asked for and however the last ended
	jwksKept    = 1000        // sets in memory
	rsaLeast    = 2048        // bits
	rsaMost     = 8192        // bits: verifying takes the longer the more
	jwksTimeout = 10 * time.Second
)

// keySets reads the public keys of apps from the addresses that they name (RFC 7517 §5), and keeps them for a while.
type keySets struct {
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	flight singleflight.Group

	mu   sync.Mutex // guards sets
	sets map[string]*keySet
}

type keySet struct {
	keys  []publicKey
	tried time.Time // the last reading, or try
	read  time.Time // the last reading; zero for none
	err   error     // of the last try
}

type publicKey struct {
	id, alg string
	key     any // *rsa.PublicKey or *ecdsa.PublicKey of P-256
}

// find returns the keys of a set that may have signed a token: those with its kid, or all where it has none. An error says that the set can't be
// read.
func (k *keySets) find(ctx context.Context, url, kid, alg string) ([]jwt.VerificationKey, error) {
	set := k.known(url)
	now := k.now()
	// Without a kid any of the keys may be meant, a new one too.
	if set != nil && now.Sub(set.read) < jwksAge && (kid != "" || now.Sub(set.tried) < jwksPause) {
		if keys := set.fitting(kid, alg); len(keys) > 0 {
			return keys, nil
		}
	}
	if set == nil || now.Sub(set.tried) >= jwksPause {
		// Many pages open at once: they wait for one reading, which goes on when who began it is gone.
		done := k.flight.DoChan(url, func() (any, error) { return k.refresh(url), nil })
		select {
		case r := <-done:
			set = r.Val.(*keySet)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if set.read.IsZero() || k.now().Sub(set.read) >= jwksAge {
		return nil, set.err
	}
	return set.fitting(kid, alg), nil
}

func (k *keySets) known(url string) *keySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sets[url]
}

func (s *keySet) fitting(kid, alg string) []jwt.VerificationKey {
	var out []jwt.VerificationKey
	for _, p := range s.keys {
		if p.alg == alg && (kid == "" || p.id == kid) {
			out = append(out, p.key)
		}
	}
	return out
}

// refresh reads a set. Where that fails the keys that are known stay until they are too old.
func (k *keySets) refresh(url string) *keySet {
	ctx, cancel := context.WithTimeout(context.Background(), jwksTimeout)
	defer cancel()
	keys, err := k.fetch(ctx, url)
	if err != nil {
		k.log.Warn("reading a key set", "url", chat.RedactQuery(url), "err", err)
	}
	now := k.now()
	next := &keySet{keys: keys, tried: now, read: now, err: err}
	k.mu.Lock()
	defer k.mu.Unlock()
	if old := k.sets[url]; err != nil {
		next.read = time.Time{}
		if old != nil {
			next.keys, next.read = old.keys, old.read
		}
	}
	if len(k.sets) >= jwksKept {
		clear(k.sets)
	}
	k.sets[url] = next
	return next
}

func (k *keySets) fetch(ctx context.Context, url string) ([]publicKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := k.client.Do(r)
	var asked *neturl.Error
	if errors.As(err, &asked) {
		err = asked.Err // without the address, which may have a secret
	}
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return nil, fmt.Errorf("the address redirects (%s), which is not followed: name the one where the keys are", answer.Status)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the address answers %s", answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, jwksSize+1))
	if err != nil {
		return nil, err
	}
	if len(body) > jwksSize {
		return nil, fmt.Errorf("the answer is larger than %d bytes", jwksSize)
	}
	return parseKeySet(body)
}

// parseKeySet reads those keys of a set that tokens may be signed with: RSA of a sound size, and P-256. Others are passed over (RFC 7517 §5).
func parseKeySet(body []byte) ([]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, errors.New("the answer is no key set (RFC 7517)")
	}
	out := []publicKey{}
	for _, raw := range set.Keys[:min(len(set.Keys), jwksKeys)] {
		var m jwkset.JWKMarshal
		if json.Unmarshal(raw, &m) != nil || m.USE != "" && m.USE != jwkset.UseSig {
			continue
		}
		m.X5U, m.X5C, m.X5T, m.X5TS256 = "", nil, "", "" // the key itself counts, and nothing else is asked for
		j, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil {
			continue
		}
		p := publicKey{id: m.KID, key: j.Key()}
		switch key := p.key.(type) {
		case *rsa.PublicKey:
			if bits := key.N.BitLen(); bits < rsaLeast || bits > rsaMost {
				continue
			}
			p.alg = jwt.SigningMethodRS256.Alg()
		case *ecdsa.PublicKey:
			if key.Curve != elliptic.P256() {
				continue
			}
			p.alg = jwt.SigningMethodES256.Alg()
		default:
			continue
		}
		if m.ALG == "" || string(m.ALG) == p.alg {
			out = append(out, p)
		}
	}
	return out, nil
}

// unreachable is the network of who has none.
type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("this server reads no key sets")
}
