package orgflow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// Payload is a record as a consumer shall hold it: the output of a template.
// Values are text, json.Number, bool, nil (to be cleared) or slices and maps
// of these; references to other records are symbolic (Ref).
type Payload struct {
	// Fields by target name.
	Fields map[string]any `json:"fields"`
	// Ext holds custom attributes by label.
	Ext map[string]any `json:"ext,omitempty"`
	// CreateOnly lists target names sent with an insert only (on_update: skip).
	CreateOnly []string `json:"create_only,omitempty"`
	// Sensitive lists target names and labels masked wherever they are shown.
	Sensitive []string `json:"sensitive,omitempty"`
}

// Encode returns the canonical JSON of the payload: object keys sorted, no
// insignificant space, numbers as they were written. Equal payloads have
// equal bytes.
func (p Payload) Encode() (json.RawMessage, error) {
	p.CreateOnly = sorted(p.CreateOnly)
	p.Sensitive = sorted(p.Sensitive)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return nil, fmt.Errorf("encode payload: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// DecodePayload reads what Encode wrote, numbers kept as written.
func DecodePayload(raw json.RawMessage) (Payload, error) {
	var p Payload
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&p); err != nil {
		return Payload{}, fmt.Errorf("decode payload: %w", err)
	}
	return p, nil
}

// Hash identifies canonical bytes: lower-case hex SHA-256.
func Hash(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

func sorted(names []string) []string {
	if slices.IsSorted(names) {
		return names
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}
