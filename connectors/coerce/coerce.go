// Package coerce turns a payload's values into the types that vendors
// document. Templates give text, numbers, booleans and lists; what cannot be
// read as the type is refused, never guessed. Errors say what is allowed and
// never show the value, which may be personal.
package coerce

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxExact is the largest number up to which a float64 holds every integer.
const maxExact = 1 << 53

// Whole reads the number types that JSON decoding and Go code give.
func Whole(v any) (n int64, ok bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int32:
		return int64(n), true
	case int64:
		return n, true
	case json.Number:
		i, err := strconv.ParseInt(string(n), 10, 64)
		return i, err == nil
	case float64:
		if n != math.Trunc(n) || math.Abs(n) > maxExact {
			return 0, false
		}
		return int64(n), true
	}
	return 0, false
}

// ID reads a text or a whole number as text.
func ID(v any) (id string, ok bool) {
	if s, isText := v.(string); isText {
		return s, true
	}
	n, ok := Whole(v)
	if !ok {
		return "", false
	}
	return strconv.FormatInt(n, 10), true
}

// Text says what a text may be. The zero value allows any.
type Text struct {
	Max       int // characters; 0 is no limit
	Required  bool
	Forbidden string   // characters
	Enum      []string // allowed texts, beside the empty one; none is any
}

// Read reads a text, or a whole number as one.
func (t Text) Read(v any) (string, error) {
	s, ok := ID(v)
	switch {
	case !ok:
		return "", errors.New("must be text")
	case s == "" && t.Required:
		return "", errors.New("must not be empty")
	case s == "":
		return "", nil
	case t.Max > 0 && utf8.RuneCountInString(s) > t.Max:
		return "", fmt.Errorf("must have at most %d characters", t.Max)
	case t.Forbidden != "" && strings.ContainsAny(s, t.Forbidden):
		return "", fmt.Errorf("must contain none of %s", strings.Join(strings.Split(t.Forbidden, ""), " "))
	case len(t.Enum) > 0 && !slices.Contains(t.Enum, s):
		return "", fmt.Errorf("must be one of %s", strings.Join(t.Enum, ", "))
	}
	return s, nil
}

// Int reads a whole number of least or more, also as text; most bounds it
// where it is above 0.
func Int(v any, least, most int64) (int64, error) {
	n, ok := Whole(v)
	if s, isText := v.(string); isText {
		parsed, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		n, ok = parsed, err == nil
	}
	switch {
	case !ok:
		return 0, errors.New("must be a whole number")
	case most > 0 && (n < least || n > most):
		return 0, fmt.Errorf("must be a whole number from %d to %d", least, most)
	case n < least:
		return 0, fmt.Errorf("must be a whole number of %d or more", least)
	}
	return n, nil
}

// Bool reads true and false, also as text, and 1 and 0.
func Bool(v any) (bool, error) {
	switch b := v.(type) {
	case bool:
		return b, nil
	case string:
		switch strings.ToLower(b) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
	}
	switch n, ok := Whole(v); {
	case ok && n == 1:
		return true, nil
	case ok && n == 0:
		return false, nil
	}
	return false, errors.New("must be true or false")
}

// Object reads a JSON object, or the text of one.
func Object(v any) (map[string]any, error) {
	object, ok := v.(map[string]any)
	if s, isText := v.(string); isText {
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		ok = dec.Decode(&object) == nil && object != nil && !dec.More()
	}
	if !ok {
		return nil, errors.New("must be a JSON object, or the text of one")
	}
	return object, nil
}
