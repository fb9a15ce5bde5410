package wecom

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

// Coercion: a payload's value → the documented wire form. Templates give
// text, numbers, booleans and lists; what cannot be read as the documented
// type is refused, never guessed, because WeCom ignores a field of a wrong
// type and answers success (WeCom reference § 1). Errors say what is allowed.

func (f field) coerce(v any) (any, error) {
	switch f.wire {
	case wireInt:
		return f.coerceInt(v)
	case wireBool:
		return coerceBool(v)
	case wireDeptIDs, wireOrders, wireFlags:
		return f.coerceNumbers(v)
	case wireUserIDs:
		return f.coerceIDs(v)
	case wireObject:
		return coerceObject(v)
	default:
		return f.coerceText(v)
	}
}

func (f field) coerceText(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		n, isInt := wholeNumber(v)
		if !isInt {
			return "", errors.New("must be text")
		}
		s = strconv.FormatInt(n, 10)
	}
	if s == "" {
		if f.required {
			return "", errors.New("must not be empty")
		}
		return "", nil
	}
	return s, f.fits(s)
}

// fits checks a text that is not empty.
func (f field) fits(s string) error {
	switch {
	case f.max > 0 && utf8.RuneCountInString(s) > f.max:
		return fmt.Errorf("must have at most %d characters", f.max)
	case f.bytes > 0 && (len(s) > f.bytes || len(s) < f.minBytes):
		return fmt.Errorf("must have %d to %d bytes", max(f.minBytes, 1), f.bytes)
	case f.forbidden != "" && strings.ContainsAny(s, f.forbidden):
		return fmt.Errorf("must contain none of %s", strings.Join(strings.Split(f.forbidden, ""), " "))
	case f.pattern != nil && !f.pattern.MatchString(s):
		return fmt.Errorf("must be %s", f.allowed)
	case len(f.enum) > 0 && !slices.Contains(f.enum, s):
		return fmt.Errorf("must be one of %s", strings.Join(f.enum, ", "))
	}
	return nil
}

func (f field) coerceInt(v any) (int64, error) {
	n, ok := wholeNumber(v)
	if s, isText := v.(string); isText {
		parsed, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		n, ok = parsed, err == nil
	}
	if !ok {
		return 0, errors.New("must be a whole number")
	}
	if n < f.least || f.most > 0 && n > f.most {
		return 0, fmt.Errorf("must be a whole number%s", f.span())
	}
	return n, nil
}

func (f field) span() string {
	if f.most > 0 {
		return fmt.Sprintf(" from %d to %d", f.least, f.most)
	}
	return fmt.Sprintf(" of %d or more", f.least)
}

// maxExact is the largest number up to which a float64 holds every integer.
const maxExact = 1 << 53

// wholeNumber reads the number types that JSON decoding and Go code give.
func wholeNumber(v any) (int64, bool) {
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

func coerceBool(v any) (bool, error) {
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
	switch n, ok := wholeNumber(v); {
	case ok && n == 1:
		return true, nil
	case ok && n == 0:
		return false, nil
	}
	return false, errors.New("must be true or false")
}

// coerceNumbers makes a list of numbers in the order given: departments once
// each, orders and flags one for each department.
func (f field) coerceNumbers(v any) ([]int64, error) {
	entries, err := listEntries(v)
	if err != nil {
		return nil, err
	}
	item := field{least: f.least, most: f.most}
	if f.wire == wireDeptIDs {
		item.least, item.most = 1, maxDepartmentID
	}
	list := make([]int64, 0, len(entries))
	for _, entry := range entries {
		if f.wire == wireFlags {
			if yes, err := coerceBool(entry); err == nil {
				entry = map[bool]string{true: "1", false: "0"}[yes]
			}
		}
		n, err := item.coerceInt(entry)
		if err != nil {
			return nil, fmt.Errorf("must be a list, or joined by commas, of entries that each %w", err)
		}
		if f.wire != wireDeptIDs || !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list, f.countEntries(len(list))
}

func (f field) coerceIDs(v any) ([]string, error) {
	entries, err := listEntries(v)
	if err != nil {
		return nil, err
	}
	id := field{bytes: 64, pattern: userIDPattern, allowed: "a userid"}
	list := make([]string, 0, len(entries))
	for _, entry := range entries {
		if _, err := id.coerceText(entry); err != nil {
			return nil, errors.New("must be userids, as a list or joined by commas")
		}
		if !slices.Contains(list, entry) {
			list = append(list, entry)
		}
	}
	return list, f.countEntries(len(list))
}

func (f field) countEntries(n int) error {
	switch {
	case f.max > 0 && n > f.max:
		return fmt.Errorf("must have at most %d entries", f.max)
	case f.required && n == 0:
		return errors.New("must have at least one entry")
	}
	return nil
}

func listEntries(v any) ([]string, error) {
	var items []any
	switch l := v.(type) {
	case string:
		return trimmedEntries(strings.Split(l, ",")), nil
	case []string:
		return trimmedEntries(l), nil
	case []int64:
		for _, n := range l {
			items = append(items, n)
		}
	case []any:
		items = l
	default:
		items = []any{v}
	}
	entries := make([]string, 0, len(items))
	for _, item := range items {
		switch item := item.(type) {
		case string:
			entries = append(entries, item)
		case bool:
			entries = append(entries, strconv.FormatBool(item))
		default:
			n, isInt := wholeNumber(item)
			if !isInt {
				return nil, errors.New("must be a list, or entries joined by commas")
			}
			entries = append(entries, strconv.FormatInt(n, 10))
		}
	}
	return trimmedEntries(entries), nil
}

func trimmedEntries(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func coerceObject(v any) (map[string]any, error) {
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
