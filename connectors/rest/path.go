package rest

import (
	"fmt"
	"strconv"
	"strings"

	"orgflow/connectors/wire"
)

// path leads into JSON: a JSON pointer whose segments may also be * (every
// entry of a list) and [name=value] (the first entry of a list that has the
// value). An empty path is the whole.
type path []segment

type segment struct {
	name        string
	all         bool
	field, want string // of [name=value]
}

// parsePath reads a path.
func parsePath(s string) (path, error) {
	if s == "" {
		return nil, nil
	}
	if s[0] != '/' {
		return nil, fmt.Errorf(`must be a path such as "/data/id"`)
	}
	var out path
	for raw := range strings.SplitSeq(s[1:], "/") {
		seg := segment{name: strings.NewReplacer("~1", "/", "~0", "~").Replace(raw)}
		switch {
		case raw == "*":
			seg.all = true
		case strings.HasPrefix(raw, "[") && strings.HasSuffix(raw, "]"):
			field, want, found := strings.Cut(raw[1:len(raw)-1], "=")
			if !found || field == "" {
				return nil, fmt.Errorf("has the segment %q, which is not [name=value]", raw)
			}
			seg.field, seg.want = field, want
		}
		out = append(out, seg)
	}
	return out, nil
}

// at returns what stands at a path; found is false where nothing does. Paths
// of a checked definition always parse.
func at(v any, s string) (_ any, found bool) {
	p, err := parsePath(s)
	if err != nil {
		return nil, false
	}
	return p.in(v)
}

func (p path) in(v any) (any, bool) {
	if len(p) == 0 {
		return v, true
	}
	seg, rest := p[0], p[1:]
	switch v := v.(type) {
	case map[string]any:
		next, found := v[seg.name]
		if !found || seg.all || seg.field != "" {
			return nil, false
		}
		return rest.in(next)
	case []any:
		return seg.entry(v, rest)
	}
	return nil, false
}

func (s segment) entry(list []any, rest path) (any, bool) {
	switch {
	case s.all:
		out := []any{}
		for _, one := range list {
			if v, found := rest.in(one); found {
				out = append(out, v)
			}
		}
		return out, true
	case s.field != "":
		for _, one := range list {
			if m, isObject := one.(map[string]any); isObject && plain(m[s.field]) == s.want {
				return rest.in(one)
			}
		}
		return nil, false
	}
	i, err := strconv.Atoi(s.name)
	if err != nil || i < 0 || i >= len(list) {
		return nil, false
	}
	return rest.in(list[i])
}

// textAt is what stands at a path, as text; numbers and booleans too.
func textAt(v any, p string) string {
	if p == "" {
		return ""
	}
	got, _ := at(v, p)
	return plain(got)
}

// plain writes a scalar as text; anything else is empty.
func plain(v any) string {
	text, _ := wire.Scalar(v)
	return text
}
