// Package wire is JSON as vendors write it: numbers and booleans may come as
// text, lists as joined text, and behind a byte order mark. It knows no
// vendor; what a connector makes of a value is the connector's business.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// ErrType is a value that is not of the type that was asked for. It does not
// show the value, which may be personal.
var ErrType = errors.New("not the documented type")

// Trim cuts a byte order mark and white space off both ends.
func Trim(b []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\ufeff")))
}

// Encode writes JSON without escaping <, > and &, so that lengths and texts
// are what the caller sees.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Decode reads exactly one JSON value, numbers as json.Number.
func Decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one JSON value")
	}
	return v, nil
}

// Blank tells whether a field is absent, null, an empty text or list.
func Blank(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", `""`, "[]":
		return true
	}
	return false
}

// Field decodes one field of an answer into out; an absent one like null.
func Field(raw json.RawMessage, out any) error {
	if len(raw) == 0 {
		raw = json.RawMessage("null")
	}
	return json.Unmarshal(raw, out)
}

// Scalar writes a text, a number or a boolean as text: what JSON decoding and
// Go code give for one. ok is false for null, lists and objects.
func Scalar(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case int32:
		return strconv.FormatInt(int64(v), 10), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}
