package rowset

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"unicode/utf8"

	"orgflow/connectors/wire"
)

// A value is nil, string, json.Number, bool, []any or map[string]any.

// Decode reads one JSON object, numbers as written. Errors do not show what
// was read: it may be personal.
func Decode(raw []byte) (map[string]any, error) {
	v, ok := decode(raw)
	row, isObject := v.(map[string]any)
	if !ok || !isObject {
		return nil, errors.New("is no JSON object")
	}
	return row, nil
}

func decode(raw []byte) (any, bool) {
	if !utf8.Valid(raw) {
		return nil, false
	}
	v, err := wire.Decode(raw)
	return v, err == nil
}

// Encode writes a row on one line, keys sorted, so that equal rows are equal
// bytes.
func Encode(row map[string]any) (json.RawMessage, error) {
	return wire.Encode(row)
}

// Text is the value of a text in a column: nil for the empty text, and what
// it says where it is a JSON object or list as a whole, so that a column can
// hold many-valued fields ([{"origin_id": 11}, {"origin_id": 12}]).
func Text(s string) any {
	if s == "" {
		return nil
	}
	trimmed := strings.Trim(s, " \t\r\n")
	if trimmed == "" || (trimmed[0] != '{' && trimmed[0] != '[') {
		return s
	}
	if v, ok := decode([]byte(trimmed)); ok {
		return v
	}
	return s
}

// JSON is the value of a column of a JSON type.
func JSON(s string) (any, error) {
	v, ok := decode([]byte(s))
	if !ok {
		return nil, errors.New("is no JSON")
	}
	return v, nil
}

// Number tells whether a text is a number as JSON writes it.
func Number(s string) bool {
	if s == "" || (s[0] != '-' && (s[0] < '0' || s[0] > '9')) {
		return false
	}
	var n json.Number
	return json.Unmarshal([]byte(s), &n) == nil && n.String() == s
}

// forms are the texts under which a value is known: a number in plain
// digits, so that 2, 2.0 and "2" are alike; a boolean also as 1 or 0, as
// code columns write it.
func forms(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case json.Number:
		return []string{digits(v)}
	case bool:
		if v {
			return []string{"true", "1"}
		}
		return []string{"false", "0"}
	}
	return nil // objects and lists equal nothing
}

// digits writes a number without exponent, leading + and needless zeros.
func digits(n json.Number) string {
	s := n.String()
	if !strings.ContainsAny(s, ".eE") && s != "-0" {
		return s
	}
	r, ok := rational(s)
	if !ok {
		return s
	}
	if r.IsInt() {
		return r.Num().String()
	}
	// Decimal fractions of this length end: nothing is rounded.
	return strings.TrimRight(r.FloatString(maxNumber+maxExponent), "0")
}

const (
	maxNumber   = 100 // characters
	maxExponent = 99  // digits a number may be moved by
)

// rational reads a number exactly. Absurd exponents, which would need
// gigabytes, are left to others.
func rational(s string) (*big.Rat, bool) {
	if len(s) > maxNumber {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 2 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// at returns what stands at a path: nothing where it is absent, null or an
// empty text, several through lists.
func at(v any, path []string) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []any
		for _, item := range v {
			out = append(out, at(item, path)...)
		}
		return out
	case map[string]any:
		if len(path) == 0 {
			return []any{v}
		}
		return at(v[path[0]], path[1:])
	}
	if len(path) > 0 || v == "" {
		return nil
	}
	return []any{v}
}
