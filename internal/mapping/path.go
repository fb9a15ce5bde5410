package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// path is a compiled field: segments through objects and arrays.
type path struct {
	segments []segment
	// dotted is the one segment as written when it has dots: a flat row
	// (CSV, SQL) may really have a column of that name.
	dotted string
}

type segment struct {
	name  string
	index int // of an array element; -1 when the name is no number
	all   bool
}

// compilePath reads a field: path segments, or one dotted segment (HCM
// reference § 1.4). An empty field is the empty path, which finds nothing.
func compilePath(field []string) (path, error) {
	var p path
	if len(field) == 1 && strings.Contains(field[0], ".") {
		p.dotted = field[0]
		field = strings.Split(field[0], ".")
	}
	for i, name := range field {
		if name == "" {
			return path{}, errors.New("a segment is empty; allowed: names, numbers and \"*\"")
		}
		if hasRef(name) {
			return path{}, fmt.Errorf("segment %d carries a reserved character", i)
		}
		p.segments = append(p.segments, segment{name: name, index: arrayIndex(name), all: name == "*"})
	}
	return p, nil
}

func arrayIndex(name string) int {
	if !allDigits(name) || len(name) > 9 {
		return -1
	}
	n, err := strconv.Atoi(name)
	if err != nil {
		return -1
	}
	return n
}

func (p path) empty() bool { return len(p.segments) == 0 }

// from finds the path's value in an object; nil is no value.
func (p path) from(obj map[string]any) any {
	if len(p.segments) == 0 || obj == nil {
		return nil
	}
	if p.dotted != "" {
		if v := settle(obj[p.dotted]); v != nil {
			return v
		}
	}
	return settle(walk(obj, p.segments))
}

// behind finds the value of the path's remainder behind its first segment.
func (p path) behind(first any) any {
	if len(p.segments) == 0 {
		return nil
	}
	return settle(walk(first, p.segments[1:]))
}

func walk(v any, segments []segment) any {
	for i, s := range segments {
		switch at := v.(type) {
		case map[string]any:
			if s.all { // an object where a list was expected counts as a list of one
				return collect([]any{at}, segments[i+1:])
			}
			v = at[s.name]
		case []any:
			switch {
			case s.all:
				return collect(at, segments[i+1:])
			case s.index >= len(at), len(at) == 0:
				return nil
			case s.index >= 0:
				v = at[s.index]
			default:
				return walk(at[0], segments[i:])
			}
		default:
			return nil
		}
	}
	return v
}

// collect follows the rest of a path in every element, leaves out what is
// empty, and flattens lists of lists that a second "*" yields.
func collect(list []any, rest []segment) any {
	nested := false
	for _, s := range rest {
		nested = nested || s.all
	}
	out := make([]any, 0, len(list))
	for _, item := range list {
		v := settle(walk(item, rest))
		if inner, ok := v.([]any); ok && nested {
			out = append(out, inner...)
		} else if v != nil {
			out = append(out, v)
		}
	}
	return out
}

// column is the path as a source is asked for it: without the segments that
// only select among array elements.
func column(field []string) []string {
	var names []string
	for _, name := range field {
		if len(field) == 1 && strings.Contains(name, ".") {
			return columnOfDotted(name)
		}
		if name != "*" && arrayIndex(name) < 0 {
			names = append(names, name)
		}
	}
	return names
}

func columnOfDotted(name string) []string {
	parts := strings.Split(name, ".")
	kept := column(parts)
	if len(kept) == len(parts) {
		return []string{name}
	}
	return []string{strings.Join(kept, ".")}
}
