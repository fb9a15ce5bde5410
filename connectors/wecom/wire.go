package wecom

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// The types of this file read values tolerantly: what WeCom sends them: numbers
// and booleans may come as text, lists as joined text (DingTalk reference,
// "How to read it"). A null leaves the zero value.

var errWire = errors.New("not the documented type")

// text reads a string, a number or a boolean as text.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) == 0 || bytes.Equal(b, []byte("null")):
		*t = ""
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
	case b[0] == '{' || b[0] == '[':
		return errWire
	default:
		*t = text(b)
	}
	return nil
}

// integer reads a whole number, also as text. It never goes through a
// float: dept_order has up to 18 digits.
type integer int64

func (n *integer) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	if t == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(strings.TrimSpace(string(t)), 10, 64)
	if err != nil {
		return errWire
	}
	*n = integer(v)
	return nil
}

// texts reads a list of texts or numbers, also as joined text ("u1,u2",
// "1|2", "[1,2]") or as one scalar.
type texts []string

func (l *texts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		var items []text
		if err := json.Unmarshal(b, &items); err != nil {
			return err
		}
		*l = make(texts, 0, len(items))
		for _, item := range items {
			*l = append(*l, string(item))
		}
		return nil
	}
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*l = splitList(string(t))
	return nil
}

// ints reads a list of whole numbers in any of the forms of texts.
type ints []int64

func (l *ints) UnmarshalJSON(b []byte) error {
	var items texts
	if err := items.UnmarshalJSON(b); err != nil {
		return err
	}
	*l = make(ints, 0, len(items))
	for _, item := range items {
		n, err := strconv.ParseInt(item, 10, 64)
		if err != nil {
			return errWire
		}
		*l = append(*l, n)
	}
	return nil
}

// splitList takes joined text apart; empty parts are left out.
func splitList(s string) []string {
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

// trimJSON cuts a byte order mark and white space off both ends.
func trimJSON(b []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\ufeff")))
}
