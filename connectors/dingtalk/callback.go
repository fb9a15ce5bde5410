package dingtalk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the vendor's choice (DingTalk reference § 9.3)
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"orgflow/connectors"
)

const (
	seasoning = 16 // random bytes in front of a message
	prefix    = seasoning + 4
	padTo     = 32 // PKCS#7; some senders pad to 16
)

// callback proves, opens and seals what an event callback carries (DingTalk
// reference § 9.3).
type callback struct {
	token string
	block cipher.Block
	iv    []byte
	owner string
}

// newCallback takes a complete configuration.
func newCallback(cfg Config) (*callback, error) {
	key, err := base64.StdEncoding.DecodeString(cfg.Events.AESKey + "=")
	if err != nil {
		return nil, fmt.Errorf("aes_key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("aes_key: %w", err)
	}
	c := &callback{token: cfg.Events.Token, block: block, iv: key[:aes.BlockSize], owner: cfg.AppKey}
	if cfg.Events.Owner == ownerCorp {
		c.owner = cfg.CorpID
	}
	return c, nil
}

// receive proves a call and returns the message in it. An error says that it
// cannot be believed, and nothing of what it holds.
func (c *callback) receive(query url.Values, body []byte) ([]byte, error) {
	var in struct {
		Encrypt string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Encrypt == "" {
		return nil, fmt.Errorf("%w: the body is no {\"encrypt\": \"…\"}", connectors.ErrNotAuthentic)
	}
	signature := first(query, "signature", "msg_signature")
	want := c.sign(first(query, "timestamp", "timeStamp"), query.Get("nonce"), in.Encrypt)
	if subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(signature))) != 1 {
		return nil, fmt.Errorf("%w: the signature does not match; check token of the event callback (900005)", connectors.ErrNotAuthentic)
	}
	message, owner, err := c.open(in.Encrypt)
	if err != nil {
		return nil, err
	}
	if owner != c.owner {
		return nil, fmt.Errorf("%w: the owner key is another one; check events.owner (900010)", connectors.ErrNotAuthentic)
	}
	return message, nil
}

func first(query url.Values, names ...string) string {
	for _, name := range names {
		if v := query.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// sign is the lower-hex SHA-1 of the four texts, sorted by bytes and joined.
func (c *callback) sign(timestamp, nonce, encrypted string) string {
	parts := []string{c.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// open decrypts a text into message and owner key.
func (c *callback) open(encrypted string) (message []byte, owner string, err error) {
	unreadable := fmt.Errorf("%w: it cannot be decrypted; check aes_key of the event callback (900008)", connectors.ErrNotAuthentic)
	raw, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(raw) == 0 || len(raw)%aes.BlockSize != 0 {
		return nil, "", unreadable
	}
	plain := make([]byte, len(raw))
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(plain, raw)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > padTo || pad > len(plain) || !bytes.Equal(plain[len(plain)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, "", unreadable
	}
	plain = plain[:len(plain)-pad]
	if len(plain) < prefix {
		return nil, "", unreadable
	}
	length := uint64(binary.BigEndian.Uint32(plain[seasoning:prefix]))
	rest := plain[prefix:]
	if length > uint64(len(rest)) {
		return nil, "", unreadable
	}
	return rest[:length], string(rest[length:]), nil
}

// seal encrypts a message behind 16 random bytes.
func (c *callback) seal(random, message []byte) string {
	var plain bytes.Buffer
	plain.Write(random)
	_ = binary.Write(&plain, binary.BigEndian, uint32(len(message))) // a Buffer takes all; messages are short
	plain.Write(message)
	plain.WriteString(c.owner)
	pad := padTo - plain.Len()%padTo
	plain.Write(bytes.Repeat([]byte{byte(pad)}, pad))
	out := make([]byte, plain.Len())
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(out, plain.Bytes())
	return base64.StdEncoding.EncodeToString(out)
}

// reply is the answer by which DingTalk knows that an event has arrived.
type reply struct {
	Signature string `json:"msg_signature"`
	Timestamp string `json:"timeStamp"`
	Nonce     string `json:"nonce"`
	Encrypt   string `json:"encrypt"`
}

// success is the sealed answer "success", with a nonce and time of its own.
func (c *callback) success(now time.Time) ([]byte, error) {
	random := make([]byte, seasoning)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("random bytes: %w", err)
	}
	r := reply{
		Timestamp: strconv.FormatInt(now.UnixMilli(), 10), Nonce: rand.Text(),
		Encrypt: c.seal(random, []byte("success")),
	}
	r.Signature = c.sign(r.Timestamp, r.Nonce, r.Encrypt)
	return json.Marshal(r)
}
