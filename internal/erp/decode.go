package erp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"orgflow"
)

// Decimal is a number as the digits it was sent with: no exponent, no sign on
// zero, every digit of its scale. It never was a float.
type Decimal string

// Decode returns what a cell of the ERP holds, as a database takes it:
// string, int64, bool, Decimal, time.Time (in UTC, showing the ERP's clock,
// to the microsecond) or nil. It changes nothing about a value; a value that
// does not fit the type exactly is an error.
//
// null is nil. An empty text is one in a column of text, so that it stays
// apart from null, and nil in any other. The id of an empty lookup stays as
// it comes, 0, "" or null, as far as the column's type can hold it.
//
// The error says what came and what was expected, and never repeats a value:
// it may be somebody's name.
func Decode(cell json.RawMessage, typ orgflow.ERPType) (any, error) {
	v, err := scalar(cell)
	if err != nil || v.kind == none {
		return nil, err
	}
	full := v
	if v.text = strings.TrimSpace(v.text); v.text == "" && typ != orgflow.ERPText && typ != orgflow.ERPLongText {
		return nil, nil
	}
	switch typ {
	case orgflow.ERPText, orgflow.ERPLongText:
		return full.asText()
	case orgflow.ERPInteger:
		return v.asInteger()
	case orgflow.ERPDecimal, orgflow.ERPFloat:
		return v.asDecimal()
	case orgflow.ERPBoolean:
		return v.asBoolean()
	case orgflow.ERPDate, orgflow.ERPTime:
		return v.asTime(typ)
	}
	return nil, fmt.Errorf("%q is no type of a column", typ)
}

// Decode returns the value of the column's cell; the error names the field.
func (c Column) Decode(cell json.RawMessage) (any, error) {
	v, err := Decode(cell, c.Type)
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", c.Field, err)
	}
	return v, nil
}

// DecodeRow returns the values of a row, one a column.
func (t Table) DecodeRow(cells []json.RawMessage) ([]any, error) {
	if len(cells) != len(t.Columns) {
		return nil, fmt.Errorf("form %s: a row has %d values, %d fields were asked for", t.Form, len(cells), len(t.Columns))
	}
	out := make([]any, len(cells))
	for i, c := range t.Columns {
		v, err := c.Decode(cells[i])
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

type scalarKind string

const (
	none    scalarKind = "null"
	text    scalarKind = "text"
	number  scalarKind = "number"
	boolean scalarKind = "boolean"
)

// value is a JSON scalar: a number as its literal, a boolean as true or false.
type value struct {
	kind scalarKind
	text string
}

func scalar(cell json.RawMessage) (value, error) {
	cell = bytes.TrimSpace(cell)
	if s, ok := plainText(cell); ok {
		return value{text, s}, nil
	}
	if len(cell) == 0 || !json.Valid(cell) {
		return value{}, fmt.Errorf("is not JSON (%d bytes)", len(cell))
	}
	switch cell[0] {
	case 'n':
		return value{kind: none}, nil
	case 't', 'f':
		return value{boolean, string(cell)}, nil
	case '"':
		var s string
		if err := json.Unmarshal(cell, &s); err != nil {
			return value{}, fmt.Errorf("is not a text: %w", err)
		}
		return value{text, s}, nil
	case '[', '{':
		return value{}, fmt.Errorf("holds a list or an object (%d bytes); a single value was expected", len(cell))
	}
	return value{number, string(cell)}, nil
}

// plainText reads a JSON text that has nothing to unescape, as most have: a
// load decodes millions of them.
func plainText(cell []byte) (string, bool) {
	if len(cell) < 2 || cell[0] != '"' || cell[len(cell)-1] != '"' {
		return "", false
	}
	inside := cell[1 : len(cell)-1]
	for _, c := range inside {
		if c < ' ' || c == '"' || c == '\\' {
			return "", false
		}
	}
	if !utf8.Valid(inside) {
		return "", false
	}
	return string(inside), true
}

// wrong says what was expected and what came, without repeating it.
func (v value) wrong(expected string) error {
	came := "a " + string(v.kind)
	if v.kind != boolean {
		came += fmt.Sprintf(" of %d characters", len([]rune(v.text)))
	}
	return fmt.Errorf("expected %s, got %s", expected, came)
}

// asText keeps every character but NUL, which PostgreSQL cannot store. A
// number stays the digits it was sent with: ids of lookups are either.
func (v value) asText() (any, error) { return strings.ReplaceAll(v.text, "\x00", ""), nil }

func (v value) asInteger() (any, error) {
	if v.kind == boolean {
		return nil, v.wrong("an integer")
	}
	d, err := v.digits("an integer")
	if err != nil {
		return nil, err
	}
	whole, fraction, _ := strings.Cut(string(d), ".")
	if strings.Trim(fraction, "0") != "" {
		return nil, v.wrong("an integer without a fraction")
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return nil, v.wrong("an integer of 64 bits")
	}
	return n, nil
}

func (v value) asDecimal() (any, error) {
	if v.kind == boolean {
		return nil, v.wrong("a number")
	}
	return v.digits("a number")
}

func (v value) asBoolean() (any, error) {
	switch strings.ToLower(v.text) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return nil, v.wrong("true, false, 1 or 0")
}

func (v value) asTime(typ orgflow.ERPType) (any, error) {
	const expected = "a date such as 2026-01-15T00:00:00"
	if v.kind != text {
		return nil, v.wrong(expected)
	}
	t, ok := parseTime(v.text)
	if !ok {
		return nil, v.wrong(expected)
	}
	if typ == orgflow.ERPDate && !t.Equal(midnight(t)) {
		return nil, v.wrong("a date without a time of day (the type timestamp keeps it)")
	}
	return t.Truncate(time.Microsecond), nil
}
