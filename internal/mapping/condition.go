package mapping

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// condition is a compiled "when".
type condition func(*scope) bool

const allowedConditionOps = "eq, ne, in, notin, gt, gte, lt, lte, empty, notempty, prefix, match"

// condition compiles a "when" at a JSON pointer. A broken one is reported
// and holds nothing.
func (l *linter) condition(c Condition, at string) condition {
	forms := 0
	for _, set := range []bool{c.All != nil, c.Any != nil, c.Not != nil, c.Op != "" || c.Field != nil} {
		if set {
			forms++
		}
	}
	if forms != 1 {
		l.addf(at, "a condition is exactly one of all, any, not, or field with op")
		return never
	}
	switch {
	case c.All != nil:
		return l.group(c.All, at+"/all", true)
	case c.Any != nil:
		return l.group(c.Any, at+"/any", false)
	case c.Not != nil:
		inner := l.condition(*c.Not, at+"/not")
		return func(sc *scope) bool { return !inner(sc) }
	}
	return l.comparison(c, at)
}

func never(*scope) bool { return false }

// group holds when all (want true) or any (want false) of its parts do.
func (l *linter) group(parts []Condition, at string, all bool) condition {
	if len(parts) == 0 {
		l.addf(at, "the list of conditions is empty; give at least one")
	}
	compiled := make([]condition, len(parts))
	for i, p := range parts {
		compiled[i] = l.condition(p, fmt.Sprintf("%s/%d", at, i))
	}
	return func(sc *scope) bool {
		for _, holds := range compiled {
			if holds(sc) != all {
				return !all
			}
		}
		return all
	}
}

func (l *linter) comparison(c Condition, at string) condition {
	p := l.path(c.Field, at+"/field")
	l.use(c.Field)
	if p.empty() {
		l.addf(at+"/field", "a comparison needs a field, e.g. [\"status_id\"]")
	}
	if c.Op == "empty" || c.Op == "notempty" {
		if c.Value != nil {
			l.addf(at+"/value", "op %s takes no value", c.Op)
		}
		want := c.Op == "empty"
		return func(sc *scope) bool { return (sc.find(p) == nil) == want }
	}
	test := l.test(c, at)
	if c.Op == "ne" || c.Op == "notin" {
		return func(sc *scope) bool { return !test(sc.find(p)) }
	}
	return func(sc *scope) bool { return test(sc.find(p)) }
}

// test compiles what is asked of the value; for ne and notin of their
// opposites. Of a list, one element that passes is enough.
func (l *linter) test(c Condition, at string) func(any) bool {
	value := l.literal(c.Value, at+"/value")
	switch c.Op {
	case "eq", "ne":
		return anyOf(func(v any) bool { return equal(v, value) })
	case "in", "notin":
		list, ok := value.([]any)
		if !ok {
			l.addf(at+"/value", "op %s needs a list", c.Op)
		}
		return anyOf(func(v any) bool {
			return slices.ContainsFunc(list, func(w any) bool { return equal(v, settle(w)) })
		})
	case "gt", "gte", "lt", "lte":
		if _, ok := scalarText(value); !ok {
			l.addf(at+"/value", "op %s needs a number or a text", c.Op)
		}
		return anyOf(func(v any) bool { return ordered(v, value, c.Op) })
	case "prefix", "match":
		return l.textTest(c, value, at)
	}
	l.addf(at+"/op", "unknown op %q; allowed: %s", c.Op, allowedConditionOps)
	return func(any) bool { return false }
}

func (l *linter) textTest(c Condition, value any, at string) func(any) bool {
	text, ok := value.(string)
	if !ok {
		l.addf(at+"/value", "op %s needs a text", c.Op)
	}
	test := func(s string) bool { return strings.HasPrefix(s, text) }
	if c.Op == "match" {
		re, err := regexp.Compile(text)
		if err != nil {
			l.addf(at+"/value", "no regular expression (RE2 syntax): %v", err)
			return func(any) bool { return false }
		}
		test = re.MatchString
	}
	return anyOf(func(v any) bool {
		s, ok := scalarText(v)
		return ok && test(s)
	})
}

func anyOf(test func(any) bool) func(any) bool {
	return func(v any) bool {
		if list, ok := v.([]any); ok {
			return slices.ContainsFunc(list, func(e any) bool { return test(settle(e)) })
		}
		return test(v)
	}
}

// equal compares two values: numbers exactly, a number with a numeric text
// as numbers, everything else as text. No value equals only no value.
func equal(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if c, ok := compareNumbers(a, b); ok {
		return c == 0
	}
	x, okX := scalarText(a)
	y, okY := scalarText(b)
	return okX && okY && x == y
}

func ordered(a, b any, op string) bool {
	c, ok := compareNumbers(a, b)
	if !ok {
		x, okX := a.(string)
		y, okY := b.(string)
		if !okX || !okY {
			return false
		}
		c = strings.Compare(x, y)
	}
	switch op {
	case "gt":
		return c > 0
	case "gte":
		return c >= 0
	case "lt":
		return c < 0
	}
	return c <= 0
}

// compareNumbers compares where at least one side is a number and the other
// reads as one. Two texts are never numbers: "007" is not "7".
func compareNumbers(a, b any) (int, bool) {
	_, numA := a.(json.Number)
	_, numB := b.(json.Number)
	if !numA && !numB {
		return 0, false
	}
	x, okX := scalarText(a)
	y, okY := scalarText(b)
	if !okX || !okY {
		return 0, false
	}
	dx, okX := parseDecimal(x)
	dy, okY := parseDecimal(y)
	return dx.cmp(dy), okX && okY
}
