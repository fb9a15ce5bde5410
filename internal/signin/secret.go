package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

// newSecret returns 256 random bits as 43 characters that need no escaping.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashOf is what of a secret is stored. A fast hash will do: a secret of 256
// random bits cannot be guessed from it.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// matches compares a secret with a stored hash, in a time that tells nothing.
func matches(secret, hash string) bool {
	return secret != "" && subtle.ConstantTimeCompare([]byte(hashOf(secret)), []byte(hash)) == 1
}

// plausible tells whether a text can be a secret of ours, before a database
// is asked for it.
func plausible(s string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(raw) == 32
}
