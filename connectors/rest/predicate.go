package rest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"orgflow/connectors/wire"
)

// holds tells whether the condition is met by an answer.
func (p *Predicate) holds(a *answer) bool {
	if p == nil {
		return true
	}
	if len(p.Status) > 0 && !slices.ContainsFunc(p.Status, func(s Status) bool { return s.holds(a.status) }) {
		return false
	}
	if (p.Path != "" || p.Header != "") && !p.value(a) {
		return false
	}
	for i := range p.All {
		if !p.All[i].holds(a) {
			return false
		}
	}
	if len(p.Any) > 0 && !slices.ContainsFunc(p.Any, func(q Predicate) bool { return q.holds(a) }) {
		return false
	}
	return p.Not == nil || !p.Not.holds(a)
}

// value looks at one place of the answer.
func (p *Predicate) value(a *answer) bool {
	var got any
	var found bool
	if p.Header != "" {
		got = a.header.Get(p.Header)
		found = got != ""
	} else {
		got, found = at(a.body, p.Path)
	}
	switch {
	case p.Absent:
		return !found
	case p.Present:
		return found && got != nil
	case !found:
		return false
	case p.Contains != "":
		text, isText := got.(string)
		return isText && strings.Contains(text, p.Contains)
	case len(p.In) > 0:
		return slices.ContainsFunc(p.In, func(raw json.RawMessage) bool { return same(raw, got) })
	}
	return same(p.Equals, got)
}

// same compares strictly: 0 is neither "0" nor 0.0.
func same(want json.RawMessage, got any) bool {
	v, err := wire.Decode(want)
	return err == nil && reflect.DeepEqual(v, got)
}
