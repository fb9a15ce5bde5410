package kdsim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// errSyntax is a filter or an order that is none.
var errSyntax = errors.New("当前查询串无法解析")

// token is a piece of a filter.
type token struct {
	kind byte // 'n' name, 's' text, 'd' number, 'o' operator, 0 the end
	text string
}

var tokens = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_.]*)|([Nn]?'(?:[^']|'')*')|(-?[0-9]+(?:\.[0-9]+)?)|(<>|!=|>=|<=|[=<>(),]))`)

func tokenize(text string) ([]token, error) {
	var out []token
	for rest := strings.TrimLeft(text, " \t\r\n"); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		m := tokens.FindStringSubmatch(rest)
		if m == nil {
			return nil, errSyntax
		}
		name, quoted := m[1], m[2]
		switch {
		case quoted != "":
			body := strings.TrimLeft(quoted, "Nn")
			out = append(out, token{'s', strings.ReplaceAll(body[1:len(body)-1], "''", "'")})
		case name != "":
			out = append(out, token{'n', name})
		case m[3] != "":
			out = append(out, token{'d', m[3]})
		default:
			out = append(out, token{'o', m[4]})
		}
		rest = rest[len(m[0]):]
	}
	return out, nil
}

// condition tells whether a row is wanted.
type condition func(row) bool

// getter shows a value of a row.
type getter func(row) cell

// parser reads a filter: comparisons, in, like, is null, with and, or, not
// and parentheses (§ 4.3). resolve finds the fields.
type parser struct {
	left    []token
	depth   int
	resolve func(key string) (getter, error)
}

func parseFilter(text string, resolve func(string) (getter, error)) (condition, error) {
	if strings.TrimSpace(text) == "" {
		return func(row) bool { return true }, nil
	}
	list, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	p := &parser{left: list, resolve: resolve}
	cond, err := p.or()
	if err == nil && len(p.left) > 0 {
		err = errSyntax
	}
	return cond, err
}

func (p *parser) peek() token {
	if len(p.left) == 0 {
		return token{}
	}
	return p.left[0]
}

func (p *parser) take() token {
	t := p.peek()
	if len(p.left) > 0 {
		p.left = p.left[1:]
	}
	return t
}

// word takes a key word, if it is the next.
func (p *parser) word(w string) bool {
	if t := p.peek(); t.kind == 'n' && strings.EqualFold(t.text, w) {
		p.take()
		return true
	}
	return false
}

// mark takes an operator, if it is the next.
func (p *parser) mark(m string) bool {
	if t := p.peek(); t.kind == 'o' && t.text == m {
		p.take()
		return true
	}
	return false
}

func (p *parser) or() (condition, error) {
	a, err := p.and()
	for err == nil && p.word("or") {
		var b condition
		left := a
		b, err = p.and()
		a = func(r row) bool { return left(r) || b(r) }
	}
	return a, err
}

func (p *parser) and() (condition, error) {
	a, err := p.not()
	for err == nil && p.word("and") {
		var b condition
		left := a
		b, err = p.not()
		a = func(r row) bool { return left(r) && b(r) }
	}
	return a, err
}

// maxDepth bounds parentheses and negations.
const maxDepth = 200

func (p *parser) not() (condition, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errSyntax
	}
	defer func() { p.depth-- }()
	if p.word("not") {
		a, err := p.not()
		return func(r row) bool { return !a(r) }, err
	}
	if p.mark("(") {
		a, err := p.or()
		if err == nil && !p.mark(")") {
			err = errSyntax
		}
		return a, err
	}
	return p.comparison()
}

func (p *parser) comparison() (condition, error) {
	value, err := p.operand()
	if err != nil {
		return nil, err
	}
	switch {
	case p.word("is"):
		not := p.word("not")
		if !p.word("null") {
			return nil, errSyntax
		}
		return func(r row) bool { return (value(r).kind == null) != not }, nil
	case p.word("not"):
		cond, err := p.set(value)
		return func(r row) bool { return value(r).kind != null && !cond(r) }, err
	}
	if t := p.peek(); t.kind == 'n' {
		return p.set(value)
	}
	holds, ok := operators[p.take().text]
	if !ok {
		return nil, errSyntax
	}
	other, err := p.operand()
	if err != nil {
		return nil, err
	}
	return func(r row) bool {
		a, b := value(r), other(r)
		return a.kind != null && b.kind != null && holds(compareAs(a, b))
	}, nil
}

var operators = map[string]func(int) bool{
	"=": func(n int) bool { return n == 0 }, "<>": func(n int) bool { return n != 0 }, "!=": func(n int) bool { return n != 0 },
	"<": func(n int) bool { return n < 0 }, "<=": func(n int) bool { return n <= 0 },
	">": func(n int) bool { return n > 0 }, ">=": func(n int) bool { return n >= 0 },
}

// set is what follows behind a value: in (…) or like '…'.
func (p *parser) set(value getter) (condition, error) {
	switch {
	case p.word("like"):
		t := p.take()
		if t.kind != 's' {
			return nil, errSyntax
		}
		pattern, err := likePattern(t.text)
		if err != nil {
			return nil, err
		}
		return func(r row) bool { c := value(r); return c.kind != null && pattern.MatchString(c.text()) }, nil
	case p.word("in"):
		if !p.mark("(") {
			return nil, errSyntax
		}
		var list []getter
		for {
			item, err := p.operand()
			if err != nil {
				return nil, err
			}
			list = append(list, item)
			if p.mark(")") {
				break
			}
			if !p.mark(",") {
				return nil, errSyntax
			}
		}
		return func(r row) bool {
			a := value(r)
			return a.kind != null && slices.ContainsFunc(list, func(g getter) bool { b := g(r); return b.kind != null && compareAs(a, b) == 0 })
		}, nil
	}
	return nil, errSyntax
}

// likePattern translates % and _.
func likePattern(s string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("(?s)^")
	for _, r := range s {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	pattern, err := regexp.Compile(b.String() + "$")
	if err != nil {
		return nil, errSyntax
	}
	return pattern, nil
}

// operand is a field, a text or a number.
func (p *parser) operand() (getter, error) {
	switch t := p.take(); t.kind {
	case 's':
		return constant(literalCell(t.text)), nil
	case 'd':
		return constant(numberCell(t.text, 0)), nil
	case 'n':
		if slices.Contains([]string{"and", "or", "not", "in", "like", "is", "null", "between"}, strings.ToLower(t.text)) {
			return nil, errSyntax
		}
		return p.resolve(t.text)
	}
	return nil, errSyntax
}

func constant(c cell) getter { return func(row) cell { return c } }

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
			return sign64(a.n, b.n)
		}
	case boolean:
		if b.s == "1" || strings.EqualFold(b.s, "true") {
			return sign64(a.n, 1)
		}
		return sign64(a.n, 0)
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
