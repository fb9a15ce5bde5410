package coerce

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Entries takes a list, or entries joined by commas, apart: trimmed, empty
// ones left out, in the order given. item writes one entry of a list as text;
// ok is false where it cannot write one of them.
func Entries(v any, item func(any) (string, bool)) (entries []string, ok bool) {
	var items []any
	switch l := v.(type) {
	case string:
		return trimmed(strings.Split(l, ",")), true
	case []string:
		return trimmed(l), true
	case []int64:
		for _, n := range l {
			entries = append(entries, strconv.FormatInt(n, 10))
		}
		return trimmed(entries), true
	case []any:
		items = l
	default:
		items = []any{v}
	}
	entries = make([]string, 0, len(items))
	for _, one := range items {
		s, ok := item(one)
		if !ok {
			return nil, false
		}
		entries = append(entries, s)
	}
	return trimmed(entries), true
}

func trimmed(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Unique keeps the first of equal entries.
func Unique[T comparable](in []T) []T {
	out := make([]T, 0, len(in))
	for _, v := range in {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// Count checks how many entries a list has; most of 0 is no limit.
func Count(n, most int, required bool) error {
	switch {
	case most > 0 && n > most:
		return fmt.Errorf("must have at most %d entries", most)
	case required && n == 0:
		return errors.New("must have at least one entry")
	}
	return nil
}
