package activities

import (
	"fmt"
	"slices"
	"strings"

	"orgflow"
	"orgflow/connectors"
)

// resolver answers the consumer ids of records as they are bound now.
type resolver map[orgflow.RecordKey]string

func (r resolver) id(k orgflow.RecordKey) (string, bool) {
	id, ok := r[k]
	return id, ok
}

// prepared is a change made ready to be sent: its effect and the payload the
// consumer will have accepted if the effect succeeds.
type prepared struct {
	effect   connectors.Effect
	accepted orgflow.Payload
	dropped  []string        // soft references that could not be resolved
	nothing  bool            // without them there is nothing to send
	changes  map[string]bool // fields an update sends
}

// changedFields are the fields an update sends: those that differ, and those
// that the consumer takes only together with one of them.
func changedFields(c orgflow.Change, createOnly []string, together [][]string) map[string]bool {
	out := make(map[string]bool, len(c.Fields))
	for name := range c.Fields {
		out[name] = true
	}
	for _, group := range together {
		if slices.ContainsFunc(group, func(name string) bool { _, differs := c.Fields[name]; return differs }) {
			for _, name := range group {
				out[name] = out[name] || !slices.Contains(createOnly, name)
			}
		}
	}
	return out
}

// prepareEffect resolves a change's references. A missing leader or manager
// is left out and comes with a later run; any other missing reference blocks
// the change, and blocked says why.
//
// What an update leaves alone stays as bound says it was accepted: a field
// that an earlier pass could not set is not taken for set.
func prepareEffect(c orgflow.Change, bound orgflow.Binding, profile orgflow.Profile, ids resolver) (p prepared, blocked string, err error) {
	payload, err := orgflow.DecodePayload(orEmpty(c.Payload))
	if err != nil {
		return prepared{}, "", err
	}
	p.effect = connectors.Effect{Kind: c.Kind, Op: c.Op, ConsumerID: c.ConsumerID}
	p.accepted = payload
	if c.Op != orgflow.Insert {
		if id, ok := ids.id(c.Key()); ok {
			p.effect.ConsumerID = id
		}
		if p.effect.ConsumerID == "" {
			return p, fmt.Sprintf("%s %s is not at the consumer", c.Kind, c.SourceID), nil
		}
	}
	if c.Op == orgflow.Delete {
		if profile.WholeRecords {
			err = p.remains(bound, ids)
		}
		return p, "", err
	}
	p.changes = changedFields(c, payload.CreateOnly, profile.Together)
	blocked = p.resolve(c, payload, softFields(c.Kind, profile), ids)
	if c.Op == orgflow.Update && len(bound.Payload) > 0 {
		err = p.overlay(c, bound)
	}
	if c.Op == orgflow.Update && profile.WholeRecords && blocked == "" && err == nil {
		blocked = p.whole(ids)
	}
	return p, blocked, err
}

// whole makes an update carry every field the consumer shall have, for one
// that takes what is left out for a default.
func (p *prepared) whole(ids resolver) (blocked string) {
	for name, v := range p.accepted.Fields {
		if _, sent := p.effect.Fields[name]; sent || v == nil {
			continue
		}
		resolved, missing := resolveValue(v, ids)
		if len(missing) > 0 {
			return fmt.Sprintf("%s refers to %s, which is not at the consumer", name, missing[0])
		}
		p.effect.Fields[name] = resolved
	}
	return ""
}

// remains makes a delete carry the record as it was last accepted, for a
// consumer that knows no other way to say who leaves. References to what is
// gone already are left out.
func (p *prepared) remains(bound orgflow.Binding, ids resolver) error {
	before, err := orgflow.DecodePayload(orEmpty(bound.Payload))
	if err != nil {
		return err
	}
	p.accepted = before
	p.effect.Fields = make(map[string]any, len(before.Fields))
	for name, v := range before.Fields {
		if v == nil {
			continue
		}
		resolved, missing := resolveValue(v, ids)
		if len(missing) > 0 {
			resolved = resolveKnown(v, ids)
		}
		if resolved != nil {
			p.effect.Fields[name] = resolved
		}
	}
	return nil
}

// overlay keeps of an update's payload what it changes, on top of what the
// consumer had accepted before.
func (p *prepared) overlay(c orgflow.Change, bound orgflow.Binding) error {
	before, err := orgflow.DecodePayload(bound.Payload)
	if err != nil {
		return err
	}
	if before.Fields == nil {
		before.Fields = map[string]any{}
	}
	for name := range p.changes {
		if v, sent := p.accepted.Fields[name]; sent {
			before.Fields[name] = v
		} else if _, differs := c.Fields[name]; differs {
			delete(before.Fields, name)
		}
	}
	p.accepted.Fields = before.Fields
	if !anyExt(c.Fields) {
		p.accepted.Ext = before.Ext
	}
	return nil
}

// resolve fills the effect: every field of an insert, the differing ones of
// an update. Custom attributes go whole, because consumers replace them whole.
func (p *prepared) resolve(c orgflow.Change, payload orgflow.Payload, soft []string, ids resolver) (blocked string) {
	if blocked := p.resolveFields(c, payload, soft, ids); blocked != "" {
		return blocked
	}
	if c.Op == orgflow.Insert || anyExt(c.Fields) {
		if blocked := p.resolveExt(c, payload.Ext, ids); blocked != "" {
			return blocked
		}
	}
	e := p.effect
	if c.Op == orgflow.Update && len(e.Fields) == 0 && len(e.Ext) == 0 && len(e.Clear) == 0 && len(p.dropped) > 0 {
		p.nothing = true
		return strings.Join(p.dropped, ", ") + " refers to people who are not at the consumer"
	}
	return ""
}

func (p *prepared) resolveFields(c orgflow.Change, payload orgflow.Payload, soft []string, ids resolver) (blocked string) {
	p.effect.Fields = map[string]any{}
	accepted := make(map[string]any, len(payload.Fields))
	for name, v := range payload.Fields {
		accepted[name] = v
		if c.Op == orgflow.Update && !p.changes[name] {
			continue
		}
		if v == nil {
			if _, differs := c.Fields[name]; differs && c.Op == orgflow.Update {
				p.effect.Clear = append(p.effect.Clear, name)
			}
			continue
		}
		resolved, missing := resolveValue(v, ids)
		if len(missing) == 0 {
			p.effect.Fields[name] = resolved
			continue
		}
		if !slices.Contains(soft, name) {
			return fmt.Sprintf("%s refers to %s, which is not at the consumer", name, missing[0])
		}
		p.dropped = append(p.dropped, name)
		delete(accepted, name)
		if rest := resolveKnown(v, ids); rest != nil {
			p.effect.Fields[name] = rest
		}
	}
	slices.Sort(p.effect.Clear)
	p.accepted.Fields = accepted
	return ""
}

// resolveExt fills the effect's custom attributes. One that had a value and
// shall have none is named too: without it, the last one would never go.
func (p *prepared) resolveExt(c orgflow.Change, ext map[string]any, ids resolver) (blocked string) {
	p.effect.Ext = map[string]any{}
	for label, v := range ext {
		if _, differs := c.Fields[orgflow.ExtPrefix+label]; v == nil && differs && c.Op == orgflow.Update {
			p.effect.Clear = append(p.effect.Clear, orgflow.ExtPrefix+label)
		}
		resolved, missing := resolveValue(v, ids)
		if len(missing) > 0 {
			return fmt.Sprintf("%s refers to %s, which is not at the consumer", label, missing[0])
		}
		if resolved != nil {
			p.effect.Ext[label] = resolved
		}
	}
	slices.Sort(p.effect.Clear)
	return ""
}

// softFields are references a record can live without for a while.
func softFields(k orgflow.Kind, profile orgflow.Profile) []string {
	if k == orgflow.Org {
		return []string{profile.OrgFields.Leaders}
	}
	return []string{profile.PersonFields.Manager}
}

// resolveValue replaces references in texts and lists, and lists the records
// that are not bound.
func resolveValue(v any, ids resolver) (any, []orgflow.RecordKey) {
	switch v := v.(type) {
	case string:
		text, missing, ok := orgflow.ResolveRefs(v, ids.id)
		if !ok {
			return nil, []orgflow.RecordKey{missing}
		}
		return text, nil
	case []any:
		out := make([]any, 0, len(v))
		var missing []orgflow.RecordKey
		for _, e := range v {
			r, m := resolveValue(e, ids)
			missing = append(missing, m...)
			out = append(out, r)
		}
		return out, missing
	}
	return v, nil
}

// resolveKnown keeps those parts of a list, or of a comma-separated text,
// that can be resolved; nil when none can.
func resolveKnown(v any, ids resolver) any {
	switch v := v.(type) {
	case string:
		var known []string
		for part := range strings.SplitSeq(v, ",") {
			if text, _, ok := orgflow.ResolveRefs(part, ids.id); ok {
				known = append(known, text)
			}
		}
		if len(known) == 0 {
			return nil
		}
		return strings.Join(known, ",")
	case []any:
		var known []any
		for _, e := range v {
			if r, missing := resolveValue(e, ids); len(missing) == 0 {
				known = append(known, r)
			}
		}
		if len(known) == 0 {
			return nil
		}
		return known
	}
	return nil
}

// refsOf lists every record a payload refers to.
func refsOf(p orgflow.Payload) []orgflow.RecordKey {
	var keys []orgflow.RecordKey
	for _, v := range p.Fields {
		keys = append(keys, orgflow.RefsIn(v)...)
	}
	for _, v := range p.Ext {
		keys = append(keys, orgflow.RefsIn(v)...)
	}
	return keys
}

func anyExt(fields map[string]orgflow.Diff) bool {
	for name := range fields {
		if strings.HasPrefix(name, orgflow.ExtPrefix) {
			return true
		}
	}
	return false
}

func orEmpty(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte(`{"fields":{}}`)
	}
	return raw
}
