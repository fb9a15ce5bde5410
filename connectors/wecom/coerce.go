package wecom

import (
	"errors"
	"fmt"
	"strconv"

	"orgflow/connectors/coerce"
)

// coerce turns a payload's value into the documented wire form. What cannot
// be read as the documented type is refused, because WeCom ignores a field of
// a wrong type and answers success (WeCom reference § 1).
func (f field) coerce(v any) (any, error) {
	switch f.wire {
	case wireInt:
		return coerce.Int(v, f.least, f.most)
	case wireBool:
		return coerce.Bool(v)
	case wireDeptIDs, wireOrders, wireFlags:
		return f.coerceNumbers(v)
	case wireUserIDs:
		return f.coerceIDs(v)
	case wireObject:
		return coerce.Object(v)
	default:
		return f.coerceText(v)
	}
}

func (f field) coerceText(v any) (string, error) {
	s, err := coerce.Text{Max: f.max, Required: f.required, Forbidden: f.forbidden, Enum: f.enum}.Read(v)
	switch {
	case err != nil || s == "":
		return "", err
	case f.bytes > 0 && (len(s) > f.bytes || len(s) < f.minBytes):
		return "", fmt.Errorf("must have %d to %d bytes", max(f.minBytes, 1), f.bytes)
	case f.pattern != nil && !f.pattern.MatchString(s):
		return "", fmt.Errorf("must be %s", f.allowed)
	}
	return s, nil
}

// coerceNumbers makes a list of numbers in the order given: departments once
// each, orders and flags one for each department.
func (f field) coerceNumbers(v any) ([]int64, error) {
	entries, ok := coerce.Entries(v, scalarEntry)
	if !ok {
		return nil, errEntries
	}
	least, most := f.least, f.most
	if f.wire == wireDeptIDs {
		least, most = 1, maxDepartmentID
	}
	list := make([]int64, 0, len(entries))
	for _, entry := range entries {
		if f.wire == wireFlags {
			if yes, err := coerce.Bool(entry); err == nil {
				entry = map[bool]string{true: "1", false: "0"}[yes]
			}
		}
		n, err := coerce.Int(entry, least, most)
		if err != nil {
			return nil, fmt.Errorf("must be a list, or joined by commas, of entries that each %w", err)
		}
		list = append(list, n)
	}
	if f.wire == wireDeptIDs {
		list = coerce.Unique(list)
	}
	return list, coerce.Count(len(list), f.max, f.required)
}

func (f field) coerceIDs(v any) ([]string, error) {
	entries, ok := coerce.Entries(v, scalarEntry)
	if !ok {
		return nil, errEntries
	}
	id := field{bytes: 64, pattern: userIDPattern, allowed: "a userid"}
	for _, entry := range entries {
		if _, err := id.coerceText(entry); err != nil {
			return nil, errors.New("must be userids, as a list or joined by commas")
		}
	}
	list := coerce.Unique(entries)
	return list, coerce.Count(len(list), f.max, f.required)
}

var errEntries = errors.New("must be a list, or entries joined by commas")

// scalarEntry writes an entry of a list: an id, or a flag.
func scalarEntry(v any) (string, bool) {
	if b, isBool := v.(bool); isBool {
		return strconv.FormatBool(b), true
	}
	return coerce.ID(v)
}
