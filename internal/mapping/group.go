package mapping

import "fmt"

// group is all entries that fill one standard key, or one target name: the
// first that yields a value wins.
type group struct {
	name     string
	entries  []*entry
	required bool // whatever the entries say
	merge    bool // objects of several entries become one
}

// grouped collects entries by name, in order of first appearance.
func grouped(list []*entry, nameOf func(*entry) string) []*group {
	var out []*group
	index := make(map[string]*group)
	for _, e := range list {
		name := nameOf(e)
		g, ok := index[name]
		if !ok {
			g = &group{name: name}
			index[name] = g
			out = append(out, g)
		}
		g.entries = append(g.entries, e)
	}
	return out
}

// outcome is what a group made of one record.
type outcome struct {
	value any
	by    *entry // who supplied the value; nil where there is none
	clear bool   // no value, and the consumer shall be told so
}

// eval runs the entries whose condition holds. A failing entry is an issue
// and ends the group: a later entry must not hide a broken value.
func (g *group) eval(sc *scope) outcome {
	required := g.required
	var out outcome
	blame := g.entries[0]
	for _, e := range g.entries {
		if e.when != nil && !e.when(sc) {
			continue
		}
		if e.required && !required {
			required, blame = true, e
		}
		out.clear = out.clear || e.clear
		v, err := e.value(sc)
		if err != nil {
			sc.issues = append(sc.issues, e.fatal(err))
			return outcome{}
		}
		if v == nil {
			continue
		}
		if out.by == nil {
			out.value, out.by = v, e
		} else {
			out.value = merged(out.value, v)
		}
		if !g.merge {
			break
		}
	}
	if out.by == nil && required {
		sc.issues = append(sc.issues, missing(blame))
		return outcome{}
	}
	return out
}

func missing(e *entry) Issue {
	return Issue{Key: e.key, Map: e.target, Fatal: true,
		Message: fmt.Sprintf("required field %q (%q) has no value; fill it at the source, or give the entry a default", e.key, e.target)}
}

// merged joins two objects deeply; what the first has stays.
func merged(first, second any) any {
	a, okA := first.(map[string]any)
	b, okB := second.(map[string]any)
	if !okA || !okB {
		return first
	}
	out := make(map[string]any, len(a)+len(b))
	for k, v := range b {
		out[k] = v
	}
	for k, v := range a {
		if other, ok := b[k]; ok && settle(v) != nil {
			v = merged(v, other)
		} else if ok {
			v = other
		}
		out[k] = v
	}
	return out
}
