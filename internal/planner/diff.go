package planner

import (
	"encoding/json"
	"slices"
	"strings"

	"orgflow"
)

// diff compares what the consumer last accepted with what it should hold.
// A field the source has no value for stays as it is, unless its entry says
// on_update "clear" (then its value is nil). Create-only fields and those in
// skip never differ. all lists every field, changed or not.
func diff(before, after orgflow.Payload, skip []string, all bool) map[string]orgflow.Diff {
	var out map[string]orgflow.Diff
	masked := func(name string, v any) any {
		if v != nil && slices.Contains(after.Sensitive, name) {
			return orgflow.Masked
		}
		return orgflow.ShowValue(v)
	}
	compare := func(prefix, name string, old, now any, had bool) {
		if now == nil && (!had || old == nil) {
			return
		}
		if !all && had && same(old, now) {
			return
		}
		if out == nil {
			out = map[string]orgflow.Diff{}
		}
		out[prefix+name] = orgflow.Diff{Before: masked(name, old), After: masked(name, now)}
	}
	for name, now := range after.Fields {
		if slices.Contains(skip, name) || (before.Fields != nil && slices.Contains(after.CreateOnly, name)) {
			continue
		}
		old, had := before.Fields[name]
		compare("", name, old, now, had)
	}
	for label, now := range after.Ext {
		old, had := before.Ext[label]
		compare(orgflow.ExtPrefix, label, old, now, had)
	}
	return out
}

// same compares values as JSON, so that 1 and json.Number("1") are one.
func same(a, b any) bool {
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return ok && x == y
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// differs lists the changed fields as a sentence: "name, title differ".
func differs(fields map[string]orgflow.Diff) string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, strings.TrimPrefix(name, orgflow.ExtPrefix))
	}
	slices.Sort(names)
	if len(names) == 1 {
		return names[0] + " differs"
	}
	return strings.Join(names, ", ") + " differ"
}

// refsIn lists the records a payload value refers to.
func refsIn(v any) []orgflow.RecordKey {
	switch v := v.(type) {
	case string:
		return orgflow.Refs(v)
	case []any:
		var keys []orgflow.RecordKey
		for _, e := range v {
			keys = append(keys, refsIn(e)...)
		}
		return keys
	}
	return nil
}

// keepRefs drops from a list, or a comma-separated text, the parts that refer
// to a record keep refuses, and counts them; nil when nothing is left.
func keepRefs(v any, keep func(orgflow.RecordKey) bool) (kept any, left int) {
	all := func(v any) bool {
		return !slices.ContainsFunc(refsIn(v), func(k orgflow.RecordKey) bool { return !keep(k) })
	}
	switch v := v.(type) {
	case string:
		var parts []string
		for part := range strings.SplitSeq(v, ",") {
			if all(part) {
				parts = append(parts, part)
			} else {
				left++
			}
		}
		if len(parts) == 0 {
			return nil, left
		}
		return strings.Join(parts, ","), left
	case []any:
		var parts []any
		for _, part := range v {
			if all(part) {
				parts = append(parts, part)
			} else {
				left++
			}
		}
		if len(parts) == 0 {
			return nil, left
		}
		return parts, left
	}
	return v, 0
}

// without returns the payload less one field.
func without(p orgflow.Payload, field string) orgflow.Payload {
	if _, ok := p.Fields[field]; !ok {
		return p
	}
	fields := make(map[string]any, len(p.Fields))
	for k, v := range p.Fields {
		if k != field {
			fields[k] = v
		}
	}
	p.Fields = fields
	return p
}

// text returns a payload value that is a text.
func text(v any) string {
	s, _ := v.(string)
	return s
}
