package temporalx

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// UnknownKeyError says that a payload was encrypted with a key that the
// settings do not hold (any more, or yet). Trying again helps only where the
// settings change or another process has the key.
type UnknownKeyError struct {
	ID   string   // of the payload's key
	Have []string // ids of the keys there are; the first encrypts
}

// Error names the keys by their ids, which tell nothing of the keys.
func (e *UnknownKeyError) Error() string {
	have := "it is not set"
	if len(e.Have) > 0 {
		have = "it has " + strings.Join(e.Have, ", ")
	}
	return fmt.Sprintf("payload was encrypted with key %.64q, which ORGFLOW_PAYLOAD_KEY does not have (%s): "+
		"add that key behind the others; a retired key is needed as long as payloads of its time are read", e.ID, have)
}

// payloadKey encrypts and decrypts with AES-256-GCM. The data of an encrypted
// payload is the nonce followed by the sealed payload message, bound to the
// key's id.
type payloadKey struct {
	aead cipher.AEAD
	id   string
}

// newPayloadKey's errors never show the key.
func newPayloadKey(key []byte) (payloadKey, error) {
	if len(key) != keyBytes {
		return payloadKey{}, fmt.Errorf("a key of ORGFLOW_PAYLOAD_KEY has %d bytes, %d are needed", len(key), keyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return payloadKey{}, fmt.Errorf("payload encryption: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return payloadKey{}, fmt.Errorf("payload encryption: %w", err)
	}
	sum := sha256.Sum256(key)
	return payloadKey{aead: aead, id: hex.EncodeToString(sum[:6])}, nil
}

func (k payloadKey) seal(p *commonpb.Payload) (*commonpb.Payload, error) {
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encrypt payload: %w", err)
	}
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("encrypt payload: %w", err)
	}
	return &commonpb.Payload{
		Metadata: map[string][]byte{
			converter.MetadataEncoding: []byte(encodingEncrypted),
			metadataKeyID:              []byte(k.id),
		},
		Data: k.aead.Seal(nonce, nonce, plain, []byte(k.id)),
	}, nil
}

func (k payloadKey) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	size := k.aead.NonceSize()
	if len(p.GetData()) < size {
		return nil, errors.New("decrypt payload: too short")
	}
	plain, err := k.aead.Open(nil, p.GetData()[:size], p.GetData()[size:], []byte(k.id))
	if err != nil {
		return nil, fmt.Errorf("decrypt payload: %w", err)
	}
	out := &commonpb.Payload{}
	if err := proto.Unmarshal(plain, out); err != nil {
		return nil, fmt.Errorf("decrypt payload: %w", err)
	}
	return out, nil
}

// keyID is the id of the key a payload was encrypted with; empty for none.
func keyID(p *commonpb.Payload) string {
	if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
		return ""
	}
	return string(p.GetMetadata()[metadataKeyID])
}

// codec encrypts payloads with the first of the keys there are at that moment.
type codec struct{ keys *PayloadKeys }

var _ converter.PayloadCodec = codec{}

// Encode implements converter.PayloadCodec. Without keys payloads stay as
// they are.
func (c codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	keys := c.keys.now()
	if len(keys) == 0 {
		return payloads, nil
	}
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		var err error
		if out[i], err = keys[0].seal(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. Payloads that are not encrypted
// pass unchanged, so that histories from before there was a key stay readable.
// A payload of a key that is not there is an *UnknownKeyError.
func (c codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := slices.Clone(payloads)
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			continue
		}
		key, err := c.keys.find(keyID(p))
		if err != nil {
			return nil, err
		}
		if out[i], err = key.open(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}
