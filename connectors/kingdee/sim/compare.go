package kdsim

import (
	"cmp"
	"fmt"
	"strings"
)

// literal is a text that may stand for a date or a number: what it is
// compared with decides.
const literal kind = 255

func literalCell(s string) cell {
	c := cell{kind: literal, s: s}
	c.n, _ = parseMoment(s)
	return c
}

// compareAs compares values of which one may be a literal.
func compareAs(a, b cell) int {
	if a.kind == literal && b.kind != literal {
		return -compareAs(b, a)
	}
	if b.kind != literal {
		return a.compare(b)
	}
	switch a.kind {
	case moment:
		if b.n != 0 || strings.HasPrefix(b.s, "1970-01-01") {
			return cmp.Compare(a.n, b.n)
		}
	case boolean:
		if b.s == "1" || strings.EqualFold(b.s, "true") {
			return cmp.Compare(a.n, 1)
		}
		return cmp.Compare(a.n, 0)
	case integer, number:
		if decimal.MatchString(b.s) {
			return a.compare(numberCell(b.s, 0))
		}
	default: // a text, or another literal
		return strings.Compare(a.s, b.s)
	}
	return strings.Compare(a.text(), b.s)
}

// unknownField is the error of a key that is not on the form (§ 3.2).
func unknownField(key string) error {
	return fmt.Errorf("元数据中标识为%s的字段不存在", key)
}
