package simctl

import (
	"crypto/sha256"
	"encoding/json"
)

// Words tells contents of messages apart. Escapes that a journal adds make no
// difference.
func Words(content json.RawMessage) [sha256.Size]byte {
	raw, err := json.Marshal(content)
	if err != nil {
		raw = content
	}
	return sha256.Sum256(raw)
}
