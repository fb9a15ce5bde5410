package mapping

import (
	"fmt"
	"strings"
)

// buildCase picks a value by conditions; where none holds and there is no
// else, the value stays as it was.
func buildCase(l *linter, t Transform, at string) step {
	if len(t.Cases) == 0 {
		l.addf(at+"/cases", "case needs cases: [{\"when\": …, \"then\": …}]")
	}
	holds := make([]condition, len(t.Cases))
	then := make([]any, len(t.Cases))
	for i, c := range t.Cases {
		at := fmt.Sprintf("%s/cases/%d", at, i)
		holds[i] = l.condition(c.When, at+"/when")
		then[i] = l.literal(c.Then, at+"/then")
	}
	otherwise := l.literal(t.Else, at+"/else")
	return step{builds: true, run: func(sc *scope, v any) (any, error) {
		for i := range holds {
			if holds[i](sc) {
				return then[i], nil
			}
		}
		if t.Else != nil {
			return otherwise, nil
		}
		return v, nil
	}}
}

// buildConcat makes a text of several parts. Where no field part has a
// value the text would be nothing but its literals, so the value stays as it
// was: the entry's own field or default.
func buildConcat(l *linter, t Transform, at string) step {
	if len(t.Parts) == 0 {
		l.addf(at+"/parts", "concat needs parts: texts or {\"field\": […]}")
	}
	parts := make([]part, len(t.Parts))
	fields := 0
	for i, p := range t.Parts {
		at := fmt.Sprintf("%s/parts/%d", at, i)
		if p.Text != "" && len(p.Field) > 0 {
			l.addf(at, "a part is either a text or a field")
		}
		parts[i] = part{text: l.text(p.Text, at+"/text"), field: l.path(p.Field, at+"/field")}
		l.use(p.Field)
		if len(p.Field) > 0 {
			fields++
		}
	}
	sep := l.text(t.Sep, at+"/sep")
	return step{builds: true, run: func(sc *scope, v any) (any, error) {
		texts := make([]string, 0, len(parts))
		filled := 0
		for _, p := range parts {
			text, err := p.of(sc)
			if err != nil {
				return nil, err
			}
			if text != "" && !p.field.empty() {
				filled++
			}
			if text != "" || !t.SkipEmpty {
				texts = append(texts, text)
			}
		}
		if fields > 0 && filled == 0 {
			return v, nil
		}
		return strings.Join(texts, sep), nil
	}}
}

type part struct {
	text  string
	field path
}

func (p part) of(sc *scope) (string, error) {
	if p.field.empty() {
		return p.text, nil
	}
	v := sc.find(p.field)
	if v == nil {
		return "", nil
	}
	text, ok := scalarText(v)
	if !ok {
		return "", fmt.Errorf("concat takes texts and numbers, not %s", describe(v))
	}
	return cleanText(text)
}
