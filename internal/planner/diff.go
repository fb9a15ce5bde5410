package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
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

// with returns the payload with one field set.
func with(p orgflow.Payload, field string, v any) orgflow.Payload {
	fields := make(map[string]any, len(p.Fields)+1)
	for k, old := range p.Fields {
		fields[k] = old
	}
	fields[field] = v
	p.Fields = fields
	return p
}

// before is what the consumer last accepted of a record.
func (b *builder) before(bd *orgflow.Binding) orgflow.Payload {
	p, err := orgflow.DecodePayload(bd.Payload)
	if err != nil || p.Fields == nil {
		// An unreadable or missing payload means nothing is known to be
		// accepted: everything differs.
		return orgflow.Payload{Fields: map[string]any{}}
	}
	return p
}

func change(k orgflow.RecordKey, op orgflow.Op, consumerID string, p orgflow.Payload) orgflow.Change {
	raw, err := p.Encode()
	if err == nil {
		return changeOf(k, op, consumerID, raw)
	}
	return orgflow.Change{Kind: k.Kind, Op: op, SourceID: k.ID, ConsumerID: consumerID, State: orgflow.Held, Reason: err.Error()}
}

// changeOf is change with a payload that is encoded already.
func changeOf(k orgflow.RecordKey, op orgflow.Op, consumerID string, raw json.RawMessage) orgflow.Change {
	return orgflow.Change{Kind: k.Kind, Op: op, SourceID: k.ID, ConsumerID: consumerID, Payload: raw, Hash: orgflow.Hash(raw)}
}

// put replaces what a draft sends.
func (d *draft) put(p orgflow.Payload) {
	c := change(d.Key(), d.Op, d.ConsumerID, p)
	d.Payload, d.Hash = c.Payload, c.Hash
}

// decoded is what a draft sends.
func (d *draft) decoded() orgflow.Payload {
	p, err := orgflow.DecodePayload(d.Payload)
	if err != nil {
		return orgflow.Payload{} // it never is: change has encoded it
	}
	return p
}

// plainText writes a value as the text the consumer would show.
func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = plainText(e)
		}
		return strings.Join(parts, ",")
	}
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func orgKey(id string) orgflow.RecordKey    { return orgflow.RecordKey{Kind: orgflow.Org, ID: id} }
func personKey(id string) orgflow.RecordKey { return orgflow.RecordKey{Kind: orgflow.Person, ID: id} }

func firstN(s []string, n int) []string {
	if len(s) > n {
		return append(s[:n:n], "…")
	}
	return s
}
