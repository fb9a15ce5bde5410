package kdsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Types of fields, the ids of SQL Server (§ 5).
const (
	typeText     = 231
	typeInteger  = 56
	typeLong     = 127
	typeBit      = 104
	typeDecimal  = 106
	typeFloat    = 62
	typeTime     = 61
	typeTime2    = 42
	typeDate     = 40
	typeLongText = 99
	typeTiny     = 48
	typeSmall    = 52
)

func isTime(typ int) bool { return typ == typeTime || typ == typeTime2 || typ == typeDate }

func isInteger(typ int) bool {
	return typ == typeInteger || typ == typeLong || typ == typeTiny || typ == typeSmall
}

type kind uint8

const (
	null kind = iota
	boolean
	integer
	number // any other, as it is written
	moment // nanoseconds of the server's clock, as if it were UTC
	words
)

// cell is a value of a row.
type cell struct {
	kind kind
	n    int64
	s    string
}

var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// layouts of dates, in rows and literals.
var layouts = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

func parseMoment(s string) (int64, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil { // fractions are accepted behind seconds
			return t.UnixNano(), t.Year() > 1700 && t.Year() < 2250
		}
	}
	return 0, false
}

// parseCell reads a value of a row into a column of the type.
func parseCell(raw json.RawMessage, typ int) (cell, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return cell{}, err
	}
	switch v := v.(type) {
	case nil:
		return cell{}, nil
	case bool:
		c := cell{kind: boolean}
		if v {
			c.n = 1
		}
		return c, nil
	case json.Number:
		return numberCell(v.String(), typ), nil
	case string:
		switch {
		case v != "" && isTime(typ):
			n, ok := parseMoment(v)
			if !ok {
				return cell{}, fmt.Errorf("%q is no date such as 2026-01-15T10:00:00", v)
			}
			return cell{kind: moment, n: n}, nil
		case decimal.MatchString(v) && (typ == typeDecimal || typ == typeFloat || isInteger(typ)):
			return numberCell(v, typ), nil
		}
		return cell{kind: words, s: v}, nil
	}
	return cell{}, fmt.Errorf("a text, number, boolean or null is expected")
}

// numberCell writes decimals with 10 digits, as the platform does (§ 4.4).
func numberCell(s string, typ int) cell {
	if typ == typeDecimal && decimal.MatchString(s) {
		whole, fraction, _ := strings.Cut(s, ".")
		if len(fraction) < 10 {
			s = whole + "." + fraction + strings.Repeat("0", 10-len(fraction))
		}
		return cell{kind: number, s: s}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return cell{kind: integer, n: n}
	}
	return cell{kind: number, s: s}
}

// append writes a value as queries answer it.
func (c cell) append(b []byte) []byte {
	switch c.kind {
	case boolean:
		return strconv.AppendBool(b, c.n == 1)
	case integer:
		return strconv.AppendInt(b, c.n, 10)
	case number:
		return append(b, c.s...)
	case moment:
		b = append(b, '"')
		b = time.Unix(0, c.n).UTC().AppendFormat(b, "2006-01-02T15:04:05.999")
		return append(b, '"')
	case words:
		raw, err := json.Marshal(c.s)
		if err != nil {
			return append(b, "null"...)
		}
		return append(b, raw...)
	default:
		return append(b, "null"...)
	}
}

// text is the value as text, empty for null.
func (c cell) text() string {
	switch c.kind {
	case null:
		return ""
	case words, number:
		return c.s
	case integer, boolean:
		return strconv.FormatInt(c.n, 10)
	default:
	}
	return time.Unix(0, c.n).UTC().Format("2006-01-02T15:04:05.999")
}

// compare orders two values; null is before everything.
func (c cell) compare(d cell) int {
	switch {
	case c.kind == null || d.kind == null:
		return cmp.Compare(c.kind, d.kind) // null is the least kind
	case c.kind == words || d.kind == words:
		return strings.Compare(c.text(), d.text())
	case c.kind != number && d.kind != number:
		return cmp.Compare(c.n, d.n)
	}
	a, okA := new(big.Rat).SetString(c.text())
	b, okB := new(big.Rat).SetString(d.text())
	if !okA || !okB {
		return strings.Compare(c.text(), d.text())
	}
	return a.Cmp(b)
}
