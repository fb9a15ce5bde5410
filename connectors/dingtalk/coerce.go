package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"orgflow/connectors/wire"
)

// Coercion: a payload's value → the documented wire form. Templates give
// text, numbers, booleans and lists; what cannot be read as the documented
// type is refused, never guessed. Errors say what is allowed.

func (f field) coerce(v any) (any, error) {
	switch f.wire {
	case wireInt:
		return f.coerceInt(v)
	case wireBool:
		return coerceBool(v)
	case wireDeptIDs, wireUserIDs:
		return f.coerceList(v)
	case wireJSON:
		return f.coerceJSON(v)
	case wireRows:
		return f.coerceRows(v)
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
	if f.max > 0 && utf8.RuneCountInString(s) > f.max {
		return "", fmt.Errorf("must have at most %d characters", f.max)
	}
	if f.required && s == "" {
		return "", errors.New("must not be empty")
	}
	if f.forbidden != "" && strings.ContainsAny(s, f.forbidden) {
		return "", fmt.Errorf("must contain none of %s", strings.Join(strings.Split(f.forbidden, ""), " "))
	}
	if len(f.enum) > 0 && s != "" && !slices.Contains(f.enum, s) {
		return "", fmt.Errorf("must be one of %s", strings.Join(f.enum, ", "))
	}
	return s, nil
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
	if n < f.min {
		return 0, fmt.Errorf("must be a whole number of %d or more", f.min)
	}
	return n, nil
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

// coerceList makes comma text, each entry once, in the order given.
func (f field) coerceList(v any) (string, error) {
	entries, err := listEntries(v)
	if err != nil {
		return "", err
	}
	list := make([]string, 0, len(entries))
	for _, entry := range entries {
		if f.wire == wireDeptIDs {
			id, err := strconv.ParseInt(entry, 10, 64)
			if err != nil || id < 1 {
				return "", errors.New("must be department ids, whole numbers of 1 or more, as a list or joined by commas")
			}
			entry = strconv.FormatInt(id, 10)
		}
		if !slices.Contains(list, entry) {
			list = append(list, entry)
		}
	}
	if f.max > 0 && len(list) > f.max {
		return "", fmt.Errorf("must have at most %d entries", f.max)
	}
	if f.required && len(list) == 0 {
		return "", errors.New("must have at least one entry")
	}
	return strings.Join(list, ","), nil
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
		s, ok := item.(string)
		if !ok {
			n, isInt := wholeNumber(item)
			if !isInt {
				return nil, errors.New("must be a list of ids, or ids joined by commas")
			}
			s = strconv.FormatInt(n, 10)
		}
		entries = append(entries, s)
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

// coerceJSON makes the text of an object, keys sorted.
func (f field) coerceJSON(v any) (string, error) {
	object, ok := v.(map[string]any)
	if s, isText := v.(string); isText {
		if s == "" {
			return "", nil
		}
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		ok = dec.Decode(&object) == nil && object != nil && !dec.More()
	}
	if !ok {
		return "", errors.New("must be a JSON object, or the text of one")
	}
	encoded, err := wire.Encode(object)
	if err != nil {
		return "", errors.New("must be a JSON object, or the text of one")
	}
	if f.max > 0 && utf8.RuneCount(encoded) > f.max {
		return "", fmt.Errorf("must have at most %d characters as JSON text", f.max)
	}
	return string(encoded), nil
}

func (f field) coerceRows(v any) ([]map[string]any, error) {
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("must be a list of objects with %s", strings.Join(slices.Sorted(maps.Keys(f.rows)), ", "))
	}
	rows := make([]map[string]any, 0, len(items))
	for _, item := range items {
		row, err := f.coerceRow(item)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (f field) coerceRow(v any) (map[string]any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("must be a list of objects")
	}
	row := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		column, known := f.rows[name]
		if !known {
			return nil, fmt.Errorf("has the unknown key %q in a row, allowed are %s", name, strings.Join(slices.Sorted(maps.Keys(f.rows)), ", "))
		}
		value, err := column.coerce(object[name])
		if err != nil {
			return nil, fmt.Errorf("key %q of a row %w", name, err)
		}
		row[name] = value
	}
	for name, column := range f.rows {
		if _, given := row[name]; column.required && !given {
			return nil, fmt.Errorf("key %q is missing in a row", name)
		}
	}
	return row, nil
}

// extension makes the custom attributes' JSON text: keys sorted, values as
// text, because DingTalk's attributes are texts (DingTalk reference § 4.6).
func extension(ext map[string]any, max int) (string, error) {
	labels := make(map[string]string, len(ext))
	for label, v := range ext {
		switch value := v.(type) {
		case nil:
			continue
		case string:
			labels[label] = value
		case bool:
			labels[label] = strconv.FormatBool(value)
		case json.Number:
			labels[label] = value.String()
		case float64:
			labels[label] = strconv.FormatFloat(value, 'f', -1, 64)
		default:
			n, ok := wholeNumber(v)
			if !ok {
				return "", fmt.Errorf("attribute %q must be text, a number or true/false", label)
			}
			labels[label] = strconv.FormatInt(n, 10)
		}
	}
	encoded, err := wire.Encode(labels)
	if err != nil {
		return "", errors.New("must be texts")
	}
	if max > 0 && utf8.RuneCount(encoded) > max {
		return "", fmt.Errorf("all custom attributes together must have at most %d characters as JSON text", max)
	}
	return string(encoded), nil
}
