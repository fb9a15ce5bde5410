package dingtalk

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"orgflow/connectors/coerce"
	"orgflow/connectors/wire"
)

// coerce turns a payload's value into the documented wire form. Errors say
// what is allowed.
func (f field) coerce(v any) (any, error) {
	switch f.wire {
	case wireInt:
		return coerce.Int(v, f.min, 0)
	case wireBool:
		return coerce.Bool(v)
	case wireDeptIDs, wireUserIDs:
		return f.coerceList(v)
	case wireJSON:
		return f.coerceJSON(v)
	case wireRows:
		return f.coerceRows(v)
	default:
		return coerce.Text{Max: f.max, Required: f.required, Forbidden: f.forbidden, Enum: f.enum}.Read(v)
	}
}

// coerceList makes comma text, each entry once, in the order given.
func (f field) coerceList(v any) (string, error) {
	list, ok := coerce.Entries(v, coerce.ID)
	if !ok {
		return "", errors.New("must be a list of ids, or ids joined by commas")
	}
	for i := range list {
		if f.wire == wireDeptIDs {
			id, err := strconv.ParseInt(list[i], 10, 64)
			if err != nil || id < 1 {
				return "", errors.New("must be department ids, whole numbers of 1 or more, as a list or joined by commas")
			}
			list[i] = strconv.FormatInt(id, 10)
		}
	}
	list = coerce.Unique(list)
	return strings.Join(list, ","), coerce.Count(len(list), f.max, f.required)
}

// coerceJSON makes the text of an object, keys sorted.
func (f field) coerceJSON(v any) (string, error) {
	if v == "" {
		return "", nil
	}
	object, err := coerce.Object(v)
	if err != nil {
		return "", err
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
		if v == nil {
			continue
		}
		value, ok := wire.Scalar(v)
		if !ok {
			return "", fmt.Errorf("attribute %q must be text, a number or true/false", label)
		}
		labels[label] = value
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
