package approval

import (
	"fmt"
	"strings"
)

// pattern is a text with placeholders in braces: "{flowCode}_{seq:4}". A
// brace that is meant is written twice.
type pattern []segment

// segment is literal text, or a placeholder if name is not empty.
type segment struct {
	text string
	name string // "seq"
	arg  string // "4"
}

// parsePattern reads a pattern.
func parsePattern(text string) (pattern, error) {
	var p pattern
	var literal strings.Builder
	for text != "" {
		switch {
		case strings.HasPrefix(text, "{{"), strings.HasPrefix(text, "}}"):
			literal.WriteByte(text[0])
			text = text[2:]
		case text[0] == '}':
			return nil, fmt.Errorf(`has a "}" without "{"; write "}}" for the sign itself`)
		case text[0] == '{':
			end := strings.IndexAny(text[1:], "{}")
			if end < 0 || text[1+end] != '}' {
				return nil, fmt.Errorf(`has a "{" without "}"; write "{{" for the sign itself`)
			}
			inside := text[1 : 1+end]
			name, arg, _ := strings.Cut(inside, ":")
			if name == "" {
				return nil, fmt.Errorf("has an empty placeholder {%s}", inside)
			}
			if literal.Len() > 0 {
				p = append(p, segment{text: literal.String()})
				literal.Reset()
			}
			p = append(p, segment{name: name, arg: arg})
			text = text[end+2:]
		default:
			end := strings.IndexAny(text, "{}")
			if end < 0 {
				end = len(text)
			}
			literal.WriteString(text[:end])
			text = text[end:]
		}
	}
	if literal.Len() > 0 {
		p = append(p, segment{text: literal.String()})
	}
	return p, nil
}

// render fills in the placeholders.
func (p pattern) render(value func(name string) string) string {
	var b strings.Builder
	for _, s := range p {
		if s.name == "" {
			b.WriteString(s.text)
			continue
		}
		b.WriteString(value(s.name))
	}
	return b.String()
}
