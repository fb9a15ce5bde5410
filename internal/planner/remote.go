package planner

import (
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// fromRemote writes what the consumer holds as the payload that would have
// put it there: a value that means the same as the wanted one is the wanted
// one, references are symbolic again where the record is known, and fields
// the read does not show are those accepted last.
func (b *builder) fromRemote(wanted, accepted orgflow.Payload, r RemoteRecord) orgflow.Payload {
	out := orgflow.Payload{
		Fields: map[string]any{}, CreateOnly: wanted.CreateOnly, Sensitive: wanted.Sensitive,
		Ext: maps.Clone(accepted.Ext),
	}
	maps.Copy(out.Fields, accepted.Fields)
	for name, v := range r.Fields {
		_, want := wanted.Fields[name]
		_, had := accepted.Fields[name]
		switch {
		case want && b.means(name, wanted.Fields[name], v):
			out.Fields[name] = wanted.Fields[name]
		case had && b.means(name, accepted.Fields[name], v):
		case want || had || b.matters(name):
			out.Fields[name] = b.symbolic(name, v)
		}
	}
	for label, v := range r.Ext {
		if out.Ext == nil {
			out.Ext = map[string]any{}
		}
		if want, ok := wanted.Ext[label]; ok && plainText(want) == plainText(v) {
			v = want
		}
		out.Ext[label] = v
	}
	return out
}

// matters tells whether the planner has to know a field even where no
// template sets it.
func (b *builder) matters(name string) bool {
	p := b.in.Profile
	return name == p.OrgFields.Name || name == p.OrgFields.Parent || slices.Contains(p.UniquePersonFields, name)
}

// means tells whether a payload's value and the consumer's are the same.
func (b *builder) means(name string, want, have any) bool {
	text, known := b.resolved(want)
	if !known {
		return false
	}
	if name == b.in.Profile.PersonFields.Mobile {
		return b.normalValue(name, text) == b.normalValue(name, have)
	}
	now := plainText(have)
	return text == now || (strings.Contains(text, ",") || strings.Contains(now, ",")) && sameSet(text, now)
}

// resolved writes a payload's value with the ids that are known now.
func (b *builder) resolved(v any) (string, bool) {
	text := plainText(v)
	if !orgflow.HasRefMark(text) {
		return text, true
	}
	out, _, ok := orgflow.ResolveRefs(text, func(k orgflow.RecordKey) (string, bool) {
		if k.Kind == orgflow.Person {
			id, known := b.people.ids[k.ID]
			return id, known
		}
		if b.isRoot(k.ID) {
			return b.in.Root.ID, true
		}
		if bd := b.bound[k]; bd != nil {
			return bd.ConsumerID, true
		}
		return "", false
	})
	return out, ok
}

// symbolic writes references to departments by source id where they are
// bound; those to persons stay as the consumer has them, which differs from
// any wanted one.
func (b *builder) symbolic(name string, v any) any {
	if name != b.in.Profile.PersonFields.Orgs && name != b.in.Profile.OrgFields.Parent {
		return v
	}
	parts := strings.Split(plainText(v), ",")
	for i, id := range parts {
		if source, known := b.orgOf["="+strings.TrimSpace(id)]; known {
			parts[i] = orgflow.Ref(orgflow.Org, source)
		}
	}
	return strings.Join(parts, ",")
}

// sameSet compares lists of references whatever their order.
func sameSet(a, b any) bool {
	x, y := strings.Split(plainText(a), ","), strings.Split(plainText(b), ",")
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
