package mapping

import (
	"encoding/json"
	"fmt"

	"orgflow"
)

// TraceLine shows one entry's way from source to target, for a preview.
// Values of sensitive entries are masked; references read "@org:11".
type TraceLine struct {
	Pointer   string `json:"pointer"` // of the entry in its file
	Key       string `json:"key"`
	Map       string `json:"map"`
	IsExtattr bool   `json:"is_extattr,omitempty"`
	Sensitive bool   `json:"sensitive,omitempty"`
	From      string `json:"from,omitempty"` // field, key, raw or default; empty where nothing was found
	Source    any    `json:"source"`         // as found
	After     any    `json:"after"`          // behind the transforms
	Target    any    `json:"target"`         // in the declared type
	Used      bool   `json:"used"`           // this entry supplied the value
	Note      string `json:"note,omitempty"` // why it did not, or what is wrong
}

// Trace shows every entry's way for one source row, in the file's order. A
// row that is no object is an error.
func (s *Standard) Trace(row json.RawMessage) ([]TraceLine, error) {
	obj, err := decodeObject(row)
	if err != nil {
		return nil, fmt.Errorf("the row is no JSON object: %w", err)
	}
	return trace(&scope{row: obj}, s.entries, s.groups), nil
}

// Trace shows every entry's way for one standard record, in the file's order.
func (t *Template) Trace(r orgflow.Record) []TraceLine {
	return trace(t.scope(r), t.entries, t.groups)
}

func trace(sc *scope, entries []*entry, groups []*group) []TraceLine {
	winners := make(map[*entry]bool)
	required := make(map[*entry]bool)
	for _, g := range groups {
		winners[g.eval(sc).by] = true
		required[g.entries[0]] = g.required
	}
	lines := make([]TraceLine, len(entries))
	for i, e := range entries {
		lines[i] = e.trace(sc, required[e])
		lines[i].Used = winners[e]
	}
	return lines
}

func (e *entry) trace(sc *scope, required bool) TraceLine {
	line := TraceLine{Pointer: e.at, Key: e.key, Map: e.target, IsExtattr: e.ext, Sensitive: e.sensitive}
	if e.when != nil && !e.when(sc) {
		line.Note = "its condition does not hold"
		return line
	}
	warned := len(sc.issues)
	source, from, err := e.read(sc)
	line.From, line.Source = from, e.shown(source)
	var after, target any
	if err == nil {
		after, err = e.transform(sc, source)
		line.After = e.shown(after)
	}
	if err == nil {
		target, err = e.finish(after)
		line.Target = e.shown(target)
	}
	switch {
	case err != nil:
		line.Note = err.Error()
	case len(sc.issues) > warned:
		line.Note = sc.issues[len(sc.issues)-1].Message
	case target == nil && (required || e.required):
		line.Note = missing(e).Message
	}
	return line
}

func (e *entry) shown(v any) any {
	if e.sensitive {
		return maskValue(v)
	}
	return showRefs(v)
}

func showRefs(v any) any {
	switch v := v.(type) {
	case string:
		return orgflow.ShowRefs(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = showRefs(item)
		}
		return out
	}
	return v
}
