package temporalx

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

const (
	// encodingEncrypted marks an encrypted payload; wire data, never change.
	encodingEncrypted = "binary/encrypted"
	// metadataKeyID names the key a payload was encrypted with.
	metadataKeyID = "encryption-key-id"
	keyBytes      = 32
)

// codec encrypts payloads with AES-256-GCM. The data of an encrypted payload
// is the nonce followed by the sealed payload message, bound to the key id.
type codec struct {
	aead  cipher.AEAD
	keyID string
}

var _ converter.PayloadCodec = (*codec)(nil)

// newCodec reads a base64 encoded 32-byte key. Errors never show the key.
func newCodec(encoded string) (*codec, error) {
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("ORGFLOW_PAYLOAD_KEY is not base64: make one with 'openssl rand -base64 32'")
	}
	if len(key) != keyBytes {
		return nil, fmt.Errorf("ORGFLOW_PAYLOAD_KEY holds %d bytes, %d are needed: make one with 'openssl rand -base64 32'", len(key), keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("payload encryption: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("payload encryption: %w", err)
	}
	sum := sha256.Sum256(key)
	return &codec{aead: aead, keyID: hex.EncodeToString(sum[:6])}, nil
}

// Encode implements converter.PayloadCodec.
func (c *codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		nonce := make([]byte, c.aead.NonceSize(), c.aead.NonceSize()+len(plain)+c.aead.Overhead())
		if _, err := rand.Read(nonce); err != nil {
			return nil, fmt.Errorf("encrypt payload: %w", err)
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encodingEncrypted),
				metadataKeyID:              []byte(c.keyID),
			},
			Data: c.aead.Seal(nonce, nonce, plain, []byte(c.keyID)),
		}
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. Payloads that are not encrypted
// pass unchanged, so that histories from before the key was set stay readable.
func (c *codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := slices.Clone(payloads)
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			continue
		}
		plain, err := c.open(p)
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, out[i]); err != nil {
			return nil, fmt.Errorf("decrypt payload: %w", err)
		}
	}
	return out, nil
}

func (c *codec) open(p *commonpb.Payload) ([]byte, error) {
	id := string(p.GetMetadata()[metadataKeyID])
	if id != c.keyID {
		return nil, fmt.Errorf("payload was encrypted with key %q, ORGFLOW_PAYLOAD_KEY is key %q", id, c.keyID)
	}
	size := c.aead.NonceSize()
	if len(p.GetData()) < size {
		return nil, errors.New("decrypt payload: too short")
	}
	plain, err := c.aead.Open(nil, p.GetData()[:size], p.GetData()[size:], []byte(id))
	if err != nil {
		return nil, fmt.Errorf("decrypt payload: %w", err)
	}
	return plain, nil
}
