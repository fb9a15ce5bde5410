package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// step is one compiled transform. A step that builds runs on "no value" too;
// the others pass it on.
type step struct {
	run    func(*scope, any) (any, error)
	builds bool
}

// opSpec says what a transform takes and how it is compiled.
type opSpec struct {
	args  string // names of the arguments it knows, separated by blanks
	build func(l *linter, t Transform, at string) step
}

// specs lists the transforms of HCM reference § 4.5.
func specs() map[string]opSpec {
	return map[string]opSpec{
		"value_map": {"map on_miss", buildValueMap},
		"date":      {"in out tz", buildDate},
		"join":      {"sep unique max", buildJoin},
		"split":     {"sep unique max", buildSplit},
		"concat":    {"parts sep skip_empty", buildConcat},
		"lookup":    {"model by emit on_miss with_parent sep", buildLookup},
		"bind":      {"kind", buildBind},
		"trim":      {"", buildTrim},
		"upper":     {"", buildUpper},
		"lower":     {"", buildLower},
		"prefix":    {"value", buildPrefix},
		"suffix":    {"value", buildSuffix},
		"replace":   {"old new", buildReplace},
		"substr":    {"start end", buildSubstr},
		"pad":       {"width side value", buildPad},
		"mask":      {"start end", buildMask},
		"digits":    {"", buildDigits},
		"phone":     {"default_country", buildPhone},
		"case":      {"cases else", buildCase},
		"cast":      {"to", buildCast},
	}
}

// afterBind are the transforms that keep a reference whole.
var afterBind = []string{"join", "prefix", "suffix", "case"}

// steps compiles a list of transforms.
func (l *linter) steps(list []Transform, at string) []step {
	known := specs()
	var out []step
	bound := false
	for i, t := range list {
		at := fmt.Sprintf("%s/%d", at, i)
		spec, ok := known[t.Op]
		if !ok {
			l.addf(at+"/op", "unknown transform %q; allowed: %s", t.Op, sortedNames(known))
			continue
		}
		if bound && !slices.Contains(afterBind, t.Op) {
			l.addf(at+"/op", "%s cannot follow bind, whose result is not known yet; allowed: %s", t.Op, strings.Join(afterBind, ", "))
		}
		bound = bound || t.Op == "bind"
		for _, name := range given(t) {
			if !slices.Contains(strings.Fields(spec.args), name) {
				l.addf(at+"/"+name, "%s takes no %s; allowed: %s", t.Op, name, orNone(spec.args))
			}
		}
		out = append(out, spec.build(l, t, at))
	}
	return out
}

func sortedNames(known map[string]opSpec) string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func orNone(args string) string {
	if args == "" {
		return "no arguments"
	}
	return strings.Join(strings.Fields(args), ", ")
}

// given lists the arguments a transform sets.
func given(t Transform) []string {
	var names []string
	for _, arg := range []struct {
		name string
		set  bool
	}{
		{"map", t.Map != nil}, {"on_miss", t.OnMiss != ""},
		{"in", t.In != nil}, {"out", t.Out != ""}, {"tz", t.TZ != ""},
		{"sep", t.Sep != ""}, {"unique", t.Unique}, {"max", t.Max != 0},
		{"parts", t.Parts != nil}, {"skip_empty", t.SkipEmpty},
		{"model", t.Model != ""}, {"by", t.By != ""}, {"emit", t.Emit != ""}, {"with_parent", t.WithParent},
		{"kind", t.Kind != ""}, {"value", t.Value != ""}, {"old", t.Old != ""}, {"new", t.New != ""},
		{"start", t.Start != 0}, {"end", t.End != 0}, {"width", t.Width != 0}, {"side", t.Side != ""},
		{"default_country", t.DefaultCountry != ""},
		{"cases", t.Cases != nil}, {"else", t.Else != nil}, {"to", t.To != ""},
	} {
		if arg.set {
			names = append(names, arg.name)
		}
	}
	return names
}

// each makes a step of a function on one value; a list passes element by
// element, and elements that lose their value leave it.
func each(fn func(*scope, any) (any, error)) step {
	return step{run: func(sc *scope, v any) (any, error) {
		list, ok := v.([]any)
		if !ok {
			return fn(sc, v)
		}
		out := make([]any, 0, len(list))
		for _, e := range list {
			if e = settle(e); e == nil {
				continue
			}
			r, err := fn(sc, e)
			if err != nil {
				return nil, err
			}
			if r = settle(r); r != nil {
				out = append(out, r)
			}
		}
		return out, nil
	}}
}

// eachText makes a step of a function on text; numbers and booleans pass as
// their text.
func eachText(op string, fn func(string) (any, error)) step {
	return each(func(_ *scope, v any) (any, error) {
		s, ok := scalarText(v)
		if !ok {
			return nil, fmt.Errorf("%s works on text, not on %s", op, describe(v))
		}
		return fn(s)
	})
}

func textStep(op string, fn func(string) string) step {
	return eachText(op, func(s string) (any, error) { return fn(s), nil })
}
