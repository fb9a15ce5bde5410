package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"orgflow"
)

// Inside this package a value is one of: nil (no value), string, json.Number,
// bool, []any, map[string]any. "No value" is written nil throughout.

// decodeObject reads one JSON object, numbers kept as written.
func decodeObject(raw []byte) (map[string]any, error) {
	v, err := decodeValue(raw)
	if err != nil {
		return nil, err
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is %s", describe(v))
	}
	return obj, nil
}

// decodeValue reads one JSON value. Short texts and numbers, the bulk of a
// standard record, take a path without a decoder.
func decodeValue(raw []byte) (any, error) {
	if s, ok := plainText(raw); ok {
		return s, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return v, nil
}

// plainText reads a JSON text that has no escapes.
func plainText(raw []byte) (string, bool) {
	n := len(raw)
	if n < 2 || raw[0] != '"' || raw[n-1] != '"' {
		return "", false
	}
	inner := raw[1 : n-1]
	for _, c := range inner {
		if c == '"' || c == '\\' || c < ' ' {
			return "", false
		}
	}
	if !utf8.Valid(inner) {
		return "", false
	}
	return string(inner), true
}

// appendJSON writes a value as canonical JSON: keys sorted, no space,
// numbers as they are.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendText(dst, v)
	case json.Number:
		return append(dst, v...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, item)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, key), ':')
			dst = appendJSON(dst, v[key])
		}
		return append(dst, '}')
	}
	return append(dst, "null"...) // unreachable: values are of the kinds above
}

func appendText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	return append(append(dst, s[start:]...), '"')
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// settle turns what counts as "no value" into nil: null, the empty text and
// a list with nothing in it. 0 and false are values.
func settle(v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	}
	return v
}

var errRefMark = errors.New("the text carries a character reserved for references (U+E000 or U+E001); remove it at the source")

// clean brings text into NFC (object keys excepted) and refuses the characters reserved for
// references, at any depth. Values are copied only where they change.
func clean(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return cleanText(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			c, err := clean(item)
			if err != nil {
				return nil, err
			}
			out[i] = c
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			if hasRef(key) {
				return nil, errRefMark
			}
			c, err := clean(item)
			if err != nil {
				return nil, err
			}
			out[key] = c
		}
		return out, nil
	}
	return v, nil
}

func cleanText(s string) (string, error) {
	for i := 0; i < len(s); i++ {
		if s[i] < utf8.RuneSelf {
			continue
		}
		if hasRef(s) {
			return "", errRefMark
		}
		return norm.NFC.String(s), nil
	}
	return s, nil
}

// hasRef is orgflow.HasRefMark behind a cheap test for the first two bytes
// that both reserved characters share.
func hasRef(s string) bool {
	return strings.Contains(s, "\xee\x80") && orgflow.HasRefMark(s)
}

// describe names a value's kind without showing it: values may be personal.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "no value"
	case string:
		return fmt.Sprintf("a text of %d characters", utf8.RuneCountInString(v))
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	}
	return "an object"
}

// scalarText is the text of a text, number or boolean. Numbers are written
// in plain digits: 7001.0 is "7001".
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return numberText(v), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
