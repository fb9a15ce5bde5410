package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"orgflow"
)

// stamp is a time as both databases keep it: UTC, microseconds. The zero
// stamp is NULL. SQLite's driver writes it as an integer (see openSQLite).
type stamp struct{ time.Time }

func at(t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	return stamp{t.UTC().Truncate(time.Microsecond)}
}

// Value implements driver.Valuer.
func (t stamp) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.Time, nil
}

// Scan implements sql.Scanner.
func (t *stamp) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = stamp{}
	case int64:
		*t = stamp{time.UnixMicro(v).UTC()}
	case time.Time:
		*t = stamp{v.UTC()}
	default:
		return fmt.Errorf("a time cannot be read from %T", v)
	}
	return nil
}

// optional returns nil for the zero time.
func (t stamp) optional() *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t.Time
}

// encode returns v as JSON without HTML escapes, so that raw JSON inside it
// keeps its bytes but for insignificant space.
func encode(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("encode %T: %w", v, err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// decode reads JSON, numbers kept as written; an empty text is nothing.
func decode(text string, v any) error {
	if text == "" {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}

// faultJSON is a fault for an error column, nil for none.
func faultJSON(f *orgflow.Fault) (any, error) {
	if f == nil {
		return nil, nil
	}
	c := *f
	c.VendorCode, c.Message, c.Advice, c.Field = clean(c.VendorCode), clean(c.Message), clean(c.Advice), clean(c.Field)
	return encode(&c)
}

// clean repairs an explaining text: no NUL, valid UTF-8.
func clean(s string) string {
	if sound(s) {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

func cleanAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return out
}

func sound(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// check refuses texts no database can hold. Pairs of name and text.
func check(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if !sound(pairs[i+1]) {
			return &orgflow.Fault{
				Code:    orgflow.CodeInvalidRecord,
				Field:   pairs[i],
				Message: "the text is not valid UTF-8 or contains a NUL character",
				Advice:  "correct the value at its source",
			}
		}
	}
	return nil
}

// required is check for texts that must not be empty either.
func required(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Field: pairs[i], Message: "must not be empty"}
		}
	}
	return check(pairs...)
}

// parseCursor reads a cursor that is a number; an empty one is def.
func parseCursor(cursor string, def int64) (int64, error) {
	if cursor == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 0 {
		return 0, ErrBadCursor
	}
	return n, nil
}

// pageSize bounds a list's limit; zero or less is the default.
func pageSize(limit int) int {
	switch {
	case limit <= 0:
		return 100
	case limit > 1000:
		return 1000
	}
	return limit
}

// cut ends a page that was read with one row more than its limit: the rows
// of the page and the cursor after its last one, empty when that is all.
func cut[T any](rows []T, limit int, cursor func(last T) string) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], cursor(rows[limit-1])
}

// anys widens a slice for a condition over a list.
func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}
