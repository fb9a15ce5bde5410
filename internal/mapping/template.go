package mapping

import (
	"fmt"
	"slices"
	"strings"

	"orgflow"
)

// Template turns standard records into a consumer's payloads. It is
// immutable and safe for use by several goroutines.
type Template struct {
	kind    orgflow.Kind
	groups  []*group
	entries []*entry
	raw     []Column
}

// TemplateOptions adjusts CompileTemplate.
type TemplateOptions struct {
	// Lookup makes the transform "lookup" available.
	Lookup Lookup
	// Required lists target names an insert must carry; a template without
	// an entry for one of them is refused.
	Required []string
}

// CompileTemplate compiles a template's entries. Problems carry JSON
// pointers relative to the template file; if one is no warning, the Template
// is nil.
//
// Several entries may fill one target name: the first that yields a value
// wins.
func CompileTemplate(kind orgflow.Kind, entries []Entry, standard []Entry, opts TemplateOptions) (*Template, []orgflow.Problem) {
	l := &linter{template: true, lookup: opts.Lookup}
	l.kind(kind)
	known := byKey(standard)
	t := &Template{kind: kind, entries: l.entries(entries, known)}
	t.groups = grouped(t.entries, func(e *entry) string {
		if e.ext {
			return "ext:" + e.target
		}
		return "std:" + e.target
	})
	for i, e := range entries {
		if _, ok := known[e.Key]; !ok && e.Key != "" && !strings.HasPrefix(e.Key, extPrefix) {
			l.warnf(fmt.Sprintf("/fields/%d/key", i), "%q is no standard key; its value is read from ext.%s, if a fetch meta fills that", e.Key, e.Key)
		}
	}
	for _, name := range opts.Required {
		if !slices.ContainsFunc(t.entries, func(e *entry) bool { return !e.ext && e.target == name }) {
			l.addf("/fields", "no entry fills %q, which the consumer requires; add one with \"map\": %q", name, name)
		}
	}
	t.raw = rawColumns(l.used, known)
	if l.broken() {
		return nil, l.problems
	}
	return t, l.problems
}

// rawColumns are the fields that no standard key can supply.
func rawColumns(used [][]string, known map[string]Entry) []Column {
	var rest [][]string
	for _, field := range used {
		first, _, _ := strings.Cut(field[0], ".")
		if _, ok := known[first]; !ok && first != extKey {
			rest = append(rest, field)
		}
	}
	all := columns(nil, rest)
	return all[: len(all)-1 : len(all)-1] // without id, which every fetch asks for
}

// RawColumns returns the fields that the template can only read from the raw
// row, so that a fetch may ask the source for them too.
func (t *Template) RawColumns() []Column { return slices.Clone(t.raw) }

// Targets lists the name that each entry fills, in the order of the file;
// the empty name is a custom attribute's.
func (t *Template) Targets() []string {
	names := make([]string, len(t.entries))
	for i, e := range t.entries {
		if !e.ext {
			names[i] = e.target
		}
	}
	return names
}

// Payload turns a standard record into what the consumer shall hold. With a
// fatal issue it must not be sent. Equal records give payloads with equal
// canonical bytes; its values are shared and must not be changed.
func (t *Template) Payload(r orgflow.Record) (orgflow.Payload, []Issue) {
	p := orgflow.Payload{Fields: make(map[string]any, len(t.groups))}
	sc := t.scope(r)
	for _, g := range t.groups {
		out := g.eval(sc)
		if out.by == nil && !out.clear {
			continue
		}
		e := g.entries[0]
		if e.ext {
			if p.Ext == nil {
				p.Ext = make(map[string]any)
			}
			p.Ext[e.target] = out.value
		} else {
			p.Fields[e.target] = out.value
		}
		if out.by != nil && out.by.createOnly {
			p.CreateOnly = append(p.CreateOnly, e.target)
		}
		if slices.ContainsFunc(g.entries, func(e *entry) bool { return e.sensitive }) {
			p.Sensitive = append(p.Sensitive, e.target)
		}
	}
	slices.Sort(p.CreateOnly)
	slices.Sort(p.Sensitive)
	return p, sc.issues
}

func (t *Template) scope(r orgflow.Record) *scope {
	return &scope{record: &recordView{record: r, decoded: make(map[string]any, len(r.Fields))}}
}
