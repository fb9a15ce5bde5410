package dtsim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the vendor's choice (§ 9.3)
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sealer encrypts and signs for the event callback (§ 9.3).
type sealer struct {
	token, owner string
	block        cipher.Block
	iv           []byte
}

// letter is a sealed message with its proof, as answers carry it.
type letter struct {
	Signature string `json:"msg_signature"`
	Timestamp string `json:"timeStamp"`
	Nonce     string `json:"nonce"`
	Encrypt   string `json:"encrypt"`
}

func newSealer(token, aesKey, owner string) (*sealer, error) {
	if len(token) < 3 {
		return nil, errors.New("events.token needs 3 letters or digits at least")
	}
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil || len(key) != 32 {
		return nil, errors.New("events.aes_key has to be 43 letters and digits")
	}
	block, err := aes.NewCipher(key)
	return &sealer{token, owner, block, key[:16]}, err
}

func (s *sealer) letter(message []byte, now time.Time) letter {
	plain := make([]byte, 20, 64+len(message))
	_, _ = rand.Read(plain[:16]) // never fails
	binary.BigEndian.PutUint32(plain[16:], uint32(len(message)))
	plain = append(append(plain, message...), s.owner...)
	pad := 32 - len(plain)%32
	plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(s.block, s.iv).CryptBlocks(plain, plain)
	l := letter{Timestamp: strconv.FormatInt(now.UnixMilli(), 10), Nonce: rand.Text()[:8], Encrypt: base64.StdEncoding.EncodeToString(plain)}
	l.Signature = s.sign(l)
	return l
}

func (s *sealer) sign(l letter) string {
	parts := []string{s.token, l.Timestamp, l.Nonce, l.Encrypt}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// read opens an answer.
func (s *sealer) read(l letter) (string, error) {
	if l.Signature != s.sign(l) {
		return "", errors.New("900005: the signature does not match")
	}
	raw, err := base64.StdEncoding.DecodeString(l.Encrypt)
	if err != nil || len(raw) == 0 || len(raw)%16 != 0 {
		return "", errors.New("900008: cannot be decrypted")
	}
	cipher.NewCBCDecrypter(s.block, s.iv).CryptBlocks(raw, raw)
	end := len(raw) - int(raw[len(raw)-1])
	if end < 20 {
		return "", errors.New("900008: cannot be decrypted")
	}
	length := int(binary.BigEndian.Uint32(raw[16:20]))
	if length < 0 || 20+length > end {
		return "", errors.New("900008: cannot be decrypted")
	}
	if owner := string(raw[20+length : end]); owner != s.owner {
		return "", fmt.Errorf("900010: the owner key is another one")
	}
	return string(raw[20 : 20+length]), nil
}
