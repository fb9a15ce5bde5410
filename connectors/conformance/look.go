package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"orgflow"
)

// Trim cuts a byte order mark and white space off both ends.
func Trim(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}

// Object tells whether a body is one JSON object, and so can be an answer.
func Object(body []byte) bool {
	body = Trim(body)
	return len(body) > 0 && body[0] == '{' && json.Valid(body)
}

// Look returns every value that stands at a path of keys. Keys match
// without regard to case, and one that stands twice has two values: a reader
// may go by either.
func Look(body []byte, path ...string) []json.RawMessage {
	body = Trim(body)
	if len(path) == 0 {
		return []json.RawMessage{body}
	}
	if !Object(body) {
		return nil
	}
	var out []json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(body))
	_, _ = dec.Token() // the brace
	for dec.More() {
		key, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return out
		}
		if name, isText := key.(string); isText && strings.EqualFold(name, path[0]) {
			out = append(out, Look(value, path[1:]...)...)
		}
	}
	return out
}

// Says tells whether one of the values at a path is one of the texts or
// numbers.
func Says(body []byte, wanted []string, path ...string) bool {
	for _, raw := range Look(body, path...) {
		text := string(raw)
		var s string
		if json.Unmarshal(raw, &s) == nil {
			text = s
		}
		for _, w := range wanted {
			if strings.TrimSpace(text) == w {
				return true
			}
		}
	}
	return false
}

// Lists returns the lists at a path with their entries.
func Lists(body []byte, path ...string) [][]json.RawMessage {
	var out [][]json.RawMessage
	for _, raw := range Look(body, path...) {
		var list []json.RawMessage
		if len(raw) > 0 && raw[0] == '[' && json.Unmarshal(raw, &list) == nil {
			out = append(out, list)
		}
	}
	return out
}

// Unsound says what is wrong with the error of a connector: it must be a
// fault with a code and words. Empty is nothing.
func Unsound(err error) string {
	var f *orgflow.Fault
	switch {
	case err == nil:
		return "there is no error"
	case !errors.As(err, &f):
		return "the error is no fault: " + err.Error()
	case f.Code == "":
		return "the fault has no code"
	case f.Message == "":
		return "the fault has no words"
	}
	return ""
}

// Endless is a body of some megabytes: head, filling, tail.
func Endless(head, tail string, size int) []byte {
	var b bytes.Buffer
	b.Grow(size + len(head) + len(tail))
	b.WriteString(head)
	_, _ = io.CopyN(&b, filling{}, int64(size))
	b.WriteString(tail)
	return b.Bytes()
}

type filling struct{}

func (filling) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
