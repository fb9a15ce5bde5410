package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// The types of this file read values in whatever form they come. A null
// leaves the zero value; what is of another type is ErrType.

// Text reads a string, a number or a boolean as text.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0 || bytes.Equal(b, []byte("null")):
		*t = ""
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = Text(s)
	case b[0] == '{' || b[0] == '[':
		return ErrType
	default:
		*t = Text(b)
	}
	return nil
}

// Int reads a whole number, also as text. It never goes through a float:
// some vendors' numbers have up to 18 digits.
type Int int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *Int) UnmarshalJSON(b []byte) error {
	var t Text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	if t == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(t)), 10, 64)
	if err != nil {
		return ErrType
	}
	*n = Int(v)
	return nil
}

// Bool reads true and false, also as text, and 1 and 0.
type Bool bool

// UnmarshalJSON implements json.Unmarshaler.
func (v *Bool) UnmarshalJSON(b []byte) error {
	var t Text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	switch strings.ToLower(string(t)) {
	case "true", "1":
		*v = true
	case "false", "0", "":
		*v = false
	default:
		return ErrType
	}
	return nil
}

// Texts reads a list of texts or numbers, also as joined text ("u1,u2",
// "1|2", "[1,2]") or as one scalar.
type Texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *Texts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		var items []Text
		if err := json.Unmarshal(b, &items); err != nil {
			return err
		}
		*l = make(Texts, 0, len(items))
		for _, item := range items {
			*l = append(*l, string(item))
		}
		return nil
	}
	var t Text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*l = Split(string(t))
	return nil
}

// Ints reads a list of whole numbers in any of the forms of Texts.
type Ints []int64

// UnmarshalJSON implements json.Unmarshaler.
func (l *Ints) UnmarshalJSON(b []byte) error {
	var items Texts
	if err := items.UnmarshalJSON(b); err != nil {
		return err
	}
	*l = make(Ints, 0, len(items))
	for _, item := range items {
		n, err := strconv.ParseInt(item, 10, 64)
		if err != nil {
			return ErrType
		}
		*l = append(*l, n)
	}
	return nil
}

// Split takes joined text apart; empty parts are left out.
func Split(s string) []string {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "["), "]")
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '|' })
	list := make([]string, 0, len(parts))
	for _, p := range parts {
		if p = strings.Trim(strings.TrimSpace(p), `"`); p != "" {
			list = append(list, p)
		}
	}
	return list
}

// SameSet tells whether two lists have the same entries, in any order and
// however often.
func SameSet[T cmp.Ordered](a, b []T) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}
