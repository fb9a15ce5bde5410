package deploy_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// expression is what a PromQL expression refers to. It is read by a tokenizer
// and not by Prometheus' parser, which is not among the modules: names,
// labels, functions and brackets are checked, types are not.
type expression struct {
	metrics []metricRef
	grouped []string // labels of by, without, on, ignoring
}

type metricRef struct {
	name     string
	matchers []matcher
}

type matcher struct{ label, op, value string }

var (
	token     = regexp.MustCompile(`^(\s+|"(?:[^"\\]|\\.)*"|(?:\d+(?:ms|[smhdwy]))+|\d+(?:\.\d+)?|[A-Za-z_:][A-Za-z0-9_:]*|=~|!~|!=|==|>=|<=|[-+*/%^<>=(){}\[\],])`)
	duration  = regexp.MustCompile(`^(\d+(ms|[smhdwy]))+$`)
	word      = regexp.MustCompile(`^[A-Za-z_:]`)
	grouping  = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
	operators = []string{"and", "or", "unless", "bool", "offset"}
	functions = []string{
		"sum", "min", "max", "avg", "count", "topk", "rate", "increase", "histogram_quantile", "absent", "clamp_min", "time", "changes", "label_replace", "vector",
	}
)

// parse reads an expression.
func parse(text string) (expression, error) {
	tokens, err := split(text)
	if err != nil {
		return expression{}, err
	}
	var e expression
	var open []string
	for i := 0; i < len(tokens); i++ {
		t, next := tokens[i], ""
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		switch {
		case t == "(":
			open = append(open, ")")
		case t == ")":
			if len(open) == 0 {
				return e, fmt.Errorf("%q closes nothing", t)
			}
			open = open[:len(open)-1]
		case t == "[":
			if i+2 >= len(tokens) || !duration.MatchString(next) || tokens[i+2] != "]" || len(e.metrics) == 0 {
				return e, fmt.Errorf("after [ a duration and ] are due, not %q", next)
			}
			i += 2
		case strings.ContainsAny(t, "{}[]"):
			return e, fmt.Errorf("%q without a metric before it", t)
		case !word.MatchString(t) || slices.Contains(operators, t):
		case slices.Contains(grouping, t):
			labels, n, err := list(tokens[i+1:])
			if err != nil {
				return e, err
			}
			e.grouped, i = append(e.grouped, labels...), i+n
		case next == "(" || slices.Contains(grouping, next):
			if !slices.Contains(functions, t) {
				return e, fmt.Errorf("unknown function %q", t)
			}
		default:
			m := metricRef{name: t}
			if next == "{" {
				var n int
				if m.matchers, n, err = matchers(tokens[i+2:]); err != nil {
					return e, err
				}
				i += n + 1
			}
			e.metrics = append(e.metrics, m)
		}
	}
	if len(open) > 0 || len(e.metrics) == 0 {
		return e, fmt.Errorf("%d brackets are open, %d metrics named", len(open), len(e.metrics))
	}
	return e, nil
}

func split(text string) (tokens []string, err error) {
	for rest := text; rest != ""; {
		t := token.FindString(rest)
		if t == "" {
			return nil, fmt.Errorf("no token at %q", rest)
		}
		if strings.TrimSpace(t) != "" {
			tokens = append(tokens, t)
		}
		rest = rest[len(t):]
	}
	return tokens, nil
}

// list reads labels in brackets and returns how many tokens they are.
func list(tokens []string) (labels []string, n int, err error) {
	end := slices.Index(tokens, ")")
	if len(tokens) == 0 || tokens[0] != "(" || end < 0 {
		return nil, 0, fmt.Errorf("labels in brackets are due, not %q", tokens)
	}
	for i, t := range tokens[1:end] {
		if (i%2 == 0) != word.MatchString(t) || i%2 == 1 && t != "," {
			return nil, 0, fmt.Errorf("%q is no list of labels", tokens[1:end])
		}
		if i%2 == 0 {
			labels = append(labels, t)
		}
	}
	return labels, end + 1, nil
}

// matchers reads what follows a { and returns how many tokens that are.
func matchers(tokens []string) (list []matcher, n int, err error) {
	end := slices.Index(tokens, "}")
	if end < 0 {
		return nil, 0, fmt.Errorf("{ is not closed")
	}
	for part := range slices.Chunk(tokens[:end], 4) {
		if len(part) < 3 || !word.MatchString(part[0]) || !slices.Contains([]string{"=", "!=", "=~", "!~"}, part[1]) || part[2][0] != '"' || len(part) == 4 && part[3] != "," {
			return nil, 0, fmt.Errorf("%q is no matcher", part)
		}
		list = append(list, matcher{part[0], part[1], strings.Trim(part[2], `"`)})
	}
	return list, end + 1, nil
}

// metric is one that the program has.
type metric struct {
	histogram, other bool                       // neither where it is not known
	labels           map[string]map[string]bool // with the values seen so far
}

// check says what is wrong with an expression for somebody who has the metrics.
func check(text string, known map[string]metric) error {
	e, err := parse(text)
	if err != nil {
		return err
	}
	labels := map[string]bool{"job": true, "instance": true}
	for _, ref := range e.metrics {
		m, bucket, err := find(ref.name, known)
		if err != nil {
			return err
		}
		own := map[string]bool{"job": true, "instance": true, "le": bucket}
		for l := range m.labels {
			own[l] = true
		}
		for _, match := range ref.matchers {
			if !own[match.label] {
				return fmt.Errorf("%s has no label %q, but %q", ref.name, match.label, slices.Sorted(maps.Keys(m.labels)))
			}
			if err := m.may(ref.name, match); err != nil {
				return err
			}
		}
		for l, has := range own {
			labels[l] = labels[l] || has
		}
	}
	for _, l := range e.grouped {
		if !labels[l] {
			return fmt.Errorf("it groups by %q, which no metric in it has", l)
		}
	}
	return nil
}

// find looks a series up: of a histogram they end with what they count.
func find(name string, known map[string]metric) (m metric, bucket bool, err error) {
	if m, ok := known[name]; ok && !m.histogram {
		return m, false, nil
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, cut := strings.CutSuffix(name, suffix)
		if m, ok := known[base]; cut && ok && !m.other && !strings.HasSuffix(base, "_total") {
			return m, suffix == "_bucket", nil
		}
	}
	return metric{}, false, fmt.Errorf("the program has no metric %q", name)
}

// may says whether a matcher can match: where values of the label are known,
// what it asks for has to be one of them.
func (m metric) may(name string, match matcher) error {
	values := m.labels[match.label]
	if len(values) == 0 || match.op[0] == '!' || match.label == "vendor" || match.label == "consumer" {
		return nil
	}
	for _, v := range strings.Split(match.value, "|") {
		if !values[v] {
			return fmt.Errorf("%s has no %s %q, but %q", name, match.label, v, slices.Sorted(maps.Keys(values)))
		}
	}
	return nil
}
