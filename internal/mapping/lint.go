package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"orgflow"
)

// linter collects findings while a file is compiled, and the fields that
// conditions and parts read beside the entries' own.
type linter struct {
	problems []orgflow.Problem
	template bool
	lookup   Lookup
	used     [][]string
}

func (l *linter) addf(at, format string, args ...any) {
	l.problems = append(l.problems, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(format, args...)})
}

func (l *linter) warnf(at, format string, args ...any) {
	l.problems = append(l.problems, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(format, args...), Warning: true})
}

// broken tells whether anything but warnings was found.
func (l *linter) broken() bool {
	return slices.ContainsFunc(l.problems, func(p orgflow.Problem) bool { return !p.Warning })
}

func (l *linter) use(field []string) {
	if len(field) > 0 {
		l.used = append(l.used, field)
	}
}

func (l *linter) path(field []string, at string) path {
	p, err := compilePath(field)
	if err != nil {
		l.addf(at, "%v", err)
	}
	return p
}

// literal decodes a value of the file itself; null and absent are no value.
func (l *linter) literal(raw json.RawMessage, at string) any {
	if raw == nil {
		return nil
	}
	v, err := decodeValue(raw)
	if err == nil {
		v, err = clean(v)
	}
	if err != nil {
		l.addf(at, "%v", err)
		return nil
	}
	return settle(v)
}

// text checks a text argument of a transform.
func (l *linter) text(s, at string) string {
	s, err := cleanText(s)
	if err != nil {
		l.addf(at, "%v", err)
	}
	return s
}

// CheckStandard finds what is wrong with a standard format's entries: keys
// missing or given twice, unknown types. Pointers are relative to the file.
func CheckStandard(entries []Entry) []orgflow.Problem {
	l := &linter{}
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		at := fmt.Sprintf("/fields/%d", i)
		switch {
		case e.Key == "":
			l.addf(at+"/key", "key is missing; it names the standard field")
		case seen[e.Key]:
			l.addf(at+"/key", "key %q stands here twice", e.Key)
		}
		seen[e.Key] = true
		l.types(e, at)
	}
	return l.problems
}

func (l *linter) types(e Entry, at string) {
	if !knownType(e.Type) {
		l.addf(at+"/type", "unknown type %q; allowed: %s", e.Type, allowedTypes)
	}
	if e.ItemType == "" {
		return
	}
	if e.Type != typeArray {
		l.addf(at+"/item_type", "item_type goes with type array only")
	}
	if !knownType(e.ItemType) {
		l.addf(at+"/item_type", "unknown type %q; allowed: %s", e.ItemType, allowedTypes)
	}
}

// pointer escapes one segment of a JSON pointer (RFC 6901).
func pointer(segment string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(segment)
}
