package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretFile is its name in the data folder.
const secretFile = "secret.key"

// loadSecret returns the 32 bytes in the file secret.key of the data folder, which the first call makes at random. Nobody but
// the owner may read the file. It must be called by the process that holds the folder's lock.
func loadSecret(dir string) ([]byte, error) {
	path := filepath.Join(dir, secretFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("%s is damaged: it must hold 64 hexadecimal digits. Restore it from a backup, or remove it: everyone must then sign in again", path)
	}
	return secret, os.Chmod(path, 0o600)
}

func makeSecret(path string) ([]byte, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	// Written aside and renamed: a crash leaves no half of it.
	f, err := os.CreateTemp(filepath.Dir(path), "secret-*") // made with 0600
	if err != nil {
		return nil, fmt.Errorf("make the secret: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(secret) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return nil, fmt.Errorf("make the secret: %w", err)
	}
	return secret, nil
}

// newSetupToken makes the token of the link where the first administrator is made.
func newSetupToken() string {
	b := make([]byte, 24)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
