package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"magpie/server/chat"
)

// derive makes a key of 32 bytes for one purpose out of the server's secret (RFC 5869).
func (a *Auth) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, a.Secret, nil, "magpie "+purpose, 32)
	if err != nil {
		panic(err) // for a length that SHA-256 can't give
	}
	return key
}

func (a *Auth) sealer() cipher.AEAD {
	block, err := aes.NewCipher(a.derive("app keys"))
	if err == nil {
		var gcm cipher.AEAD
		if gcm, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return gcm
		}
	}
	panic(err) // for a key of another length
}

// NewSigningKey makes a secret of 256 bits by which an app's server signs, and the form in which it is kept: sealed by AES-256-GCM under the server's
// secret, for this app and key alone.
func (a *Auth) NewSigningKey(app string) (key chat.SigningKey, secret string) {
	b := make([]byte, 5+32)
	rand.Read(b) // never fails (crypto/rand)
	key.ID, secret = strings.ToLower(apiKeyText.EncodeToString(b[:5])), base64.RawURLEncoding.EncodeToString(b[5:])
	key.Sealed = a.sealer().Seal(nil, nil, []byte(secret), []byte(app+"\x00"+key.ID))
	return key, secret
}

var errSealed = errors.New("a signing key can't be read: the server's secret is another than the one that sealed it")

func (a *Auth) openKey(app string, key chat.SigningKey) ([]byte, error) {
	secret, err := a.sealer().Open(nil, nil, key.Sealed, []byte(app+"\x00"+key.ID))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSealed, err)
	}
	return secret, nil
}

// NewWebhookSecret makes a secret of 256 bits that a webhook's requests are signed with, and the form in which it is kept: sealed for this webhook alone.
func (a *Auth) NewWebhookSecret(id string) (secret string, sealed []byte) {
	b := make([]byte, 32)
	rand.Read(b) // never fails (crypto/rand)
	secret = "mgw_" + base64.RawURLEncoding.EncodeToString(b)
	return secret, a.sealer().Seal(nil, nil, []byte(secret), []byte("webhook\x00"+id))
}

// WebhookSecret opens what seals a webhook's secret.
func (a *Auth) WebhookSecret(w chat.Webhook) (string, error) {
	secret, err := a.sealer().Open(nil, nil, w.Sealed, []byte("webhook\x00"+w.ID))
	if err != nil {
		return "", fmt.Errorf("a webhook's secret can't be read: the server's secret is another than the one that sealed it: %w", err)
	}
	return string(secret), nil
}
