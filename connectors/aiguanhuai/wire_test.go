package aiguanhuai_test

import (
	"bytes"
	"encoding/json"
)

// zero tells whether a text is JSON whose errno is the number 0.
func zero(raw []byte) bool {
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(bytes.TrimSpace(raw), []byte("\ufeff"))))
	dec.UseNumber()
	if dec.Decode(&m) != nil {
		return false
	}
	n, ok := m["errno"].(json.Number)
	if !ok {
		return false
	}
	v, err := n.Int64()
	return err == nil && v == 0
}
