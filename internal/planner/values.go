package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// value is one no two persons may share, in comparable form.
type value struct{ field, text string }

// normalValue makes unique values comparable: case and surrounding space do
// not count, and of a mobile number only the digits, without the prefix of
// the mainland.
func (b *builder) normalValue(field string, v any) string {
	s := strings.ToLower(plainText(v))
	if field != b.in.Profile.PersonFields.Mobile || s == "" {
		return s
	}
	return cmp.Or(orgflow.BareMobile(s), s)
}

// values lists the unique values of a payload; id is the one at the
// consumer, which wins over the template's.
func (b *builder) values(p orgflow.Payload, id string) []value {
	field := b.in.Profile.PersonFields.ID
	if id == "" {
		id = text(p.Fields[field])
	}
	var out []value
	if id != "" && field != "" {
		out = append(out, value{field, b.normalValue(field, id)})
	}
	for _, f := range b.in.Profile.UniquePersonFields {
		if s := b.normalValue(f, p.Fields[f]); s != "" && f != field {
			out = append(out, value{f, s})
		}
	}
	return out
}

// has lists the unique values a person has at the consumer.
func (b *builder) has(p *member) []value {
	if p.bd == nil {
		return nil
	}
	return b.values(p.before, p.bd.ConsumerID)
}

// keep returns what the consumer holds once it has accepted after: unique
// values the source is silent about stay as they are.
func (b *builder) keep(before, after orgflow.Payload) orgflow.Payload {
	names := append(slices.Clone(b.in.Profile.UniquePersonFields), b.in.Profile.PersonFields.Manager)
	for _, f := range names {
		old := before.Fields[f]
		if _, said := after.Fields[f]; old != nil && f != "" && (!said || slices.Contains(after.CreateOnly, f)) {
			after = with(after, f, old)
		}
	}
	return after
}

// claims says who owns each unique value: who has it and keeps it, a person
// the consumer knows, else the first in source order.
func (b *builder) claims() map[value]string {
	owner := maps.Clone(b.people.kept)
	claim := func(admit func(*member, value) bool) {
		for _, p := range b.people.order {
			if !p.has {
				continue
			}
			for _, v := range p.wants {
				if _, taken := owner[v]; !taken && admit(p, v) {
					owner[v] = p.id
				}
			}
		}
	}
	claim(func(p *member, v value) bool { return slices.Contains(b.has(p), v) })
	claim(func(p *member, _ value) bool { return p.bd != nil })
	claim(func(*member, value) bool { return true })
	return owner
}

// linkValues lets whoever takes a value wait for the one who gives it up.
func (b *builder) linkValues() {
	holder := map[value]*member{}
	for _, p := range b.people.order {
		for _, v := range b.has(p) {
			holder[v] = p
		}
	}
	for _, p := range b.people.order {
		d := p.draft
		if !p.has || d == nil || !d.open() {
			continue
		}
		for _, v := range p.wants {
			if _, listed := d.Fields[v.field]; d.Op == orgflow.Update && !listed {
				continue
			}
			h := holder[v]
			if h == nil || h == p {
				continue
			}
			if from := h.givesUp(v.field); from != nil {
				d.require(from, freesValue, v.field)
				continue
			}
			b.stop(d, orgflow.Held, fmt.Sprintf("has the same %s as person %s, who keeps it", v.field, h.id))
		}
	}
}

// givesUp returns the change by which a person stops having a value, or the
// one that would if it were not held; nil if there is none.
func (p *member) givesUp(field string) *draft {
	if p.human != nil {
		if _, listed := p.human.Fields[field]; listed {
			return p.human
		}
	}
	switch d := p.draft; {
	case p.del != nil:
		return p.del
	case d == nil:
		return nil
	case d.Op == orgflow.Delete || d.State == orgflow.Held || d.State == orgflow.Disputed:
		return d
	default:
		if _, listed := d.Fields[field]; listed {
			return d
		}
		return nil
	}
}

// hopValue drafts that a person has no value in a field for a while. Nil if
// the consumer needs one, or a planned update does not give it back.
func (b *builder) hopValue(d *draft, field string) *draft {
	p := b.people.touched[d.SourceID]
	if p == nil || p.bd == nil || d.Op != orgflow.Update || !d.open() || !b.clearable(field) {
		return nil
	}
	hop := b.add(&draft{phase: phasePersonUpdate, pos: d.pos, Change: change(d.Key(), orgflow.Update, d.ConsumerID, orgflow.Payload{})})
	hop.serve(d)
	hop.put(with(p.before, field, nil))
	hop.Fields = map[string]orgflow.Diff{field: b.cleared(p, field)}
	hop.Reason = field + " is cleared for a while, because another person takes it before this one has a new one"
	b.hops[d] = hop
	return hop
}

// widenHop clears one more field with a change that clears another already.
func (b *builder) widenHop(hop, d *draft, field string) bool {
	if !b.clearable(field) {
		return false
	}
	hop.put(with(hop.decoded(), field, nil))
	hop.Fields[field] = b.cleared(b.people.touched[d.SourceID], field)
	return true
}

func (b *builder) clearable(field string) bool {
	p := b.in.Profile
	return field != p.PersonFields.ID && !slices.Contains(p.RequiredPerson, field) && !slices.Contains(p.PersonImmutable, field)
}

func (b *builder) cleared(p *member, field string) orgflow.Diff {
	if slices.Contains(p.after.Sensitive, field) || slices.Contains(p.before.Sensitive, field) {
		return orgflow.Diff{Before: orgflow.Masked}
	}
	return orgflow.Diff{Before: orgflow.ShowValue(p.before.Fields[field])}
}
