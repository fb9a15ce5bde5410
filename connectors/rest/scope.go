package rest

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// base answers what belongs to no record. The values of earlier calls and of
// paging are put into extra.
type base struct {
	client *Client
	extra  map[string]any
}

func (b base) value(name string) any {
	if v, given := b.extra[name]; given {
		return v
	}
	if setting, found := strings.CutPrefix(name, "settings."); found {
		if v, given := b.client.settings[setting]; given {
			return v
		}
		return absent
	}
	switch name {
	case "root":
		return b.client.root
	case "now":
		return b.client.link.Now().Unix()
	case "uuid":
		return uuid()
	}
	return absent
}

func (b base) fields() map[string]any { return nil }
func (b base) each(string) []scope    { return nil }

// with returns the scope with one more value.
func (b base) with(name string, v any) base {
	extra := maps.Clone(b.extra)
	if extra == nil {
		extra = map[string]any{}
	}
	extra[name] = v
	return base{b.client, extra}
}

// uuid is a random one (RFC 9562 § 5.4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// inner is a scope inside $each.
type inner struct {
	scope
	values map[string]any
}

func (i inner) value(name string) any {
	if v, given := i.values[name]; given {
		return v
	}
	return i.scope.value(name)
}

// one is the scope of a record.
type one struct {
	base
	record *record
}

func (o one) value(name string) any {
	r := o.record
	if field, found := strings.CutPrefix(name, "field."); found {
		if v, given := r.set[field]; given {
			return v
		}
		return absent
	}
	if label, found := strings.CutPrefix(name, "ext."); found {
		if v, given := r.ext[label]; given {
			return v
		}
		return absent
	}
	switch name {
	case "id":
		return orAbsent(r.id)
	case "key":
		return orAbsent(r.key)
	case "ext":
		if r.extSent {
			return true
		}
		return absent
	case "kind":
		return string(r.kind)
	case "op":
		return string(r.op)
	}
	return o.base.value(name)
}

func orAbsent(s string) any {
	if s == "" {
		return absent
	}
	return s
}

func (o one) with(name string, v any) one { return one{o.base.with(name, v), o.record} }

// fields are those of the record itself, by wire name.
func (o one) fields() map[string]any {
	out := map[string]any{}
	for name, v := range o.record.set {
		if f := o.record.entity.Fields[name]; f.Relation == nil {
			out[f.wireName(name)] = o.shaped(f, v)
		}
	}
	return out
}

// shaped puts a value into its field's shape; one that is cleared has none.
func (o one) shaped(f Field, v any) any {
	if f.Shape == nil || blank(v) {
		return v
	}
	out, err := render(f.Shape, inner{o, map[string]any{"value": v}})
	if err != nil { // the definition was checked
		return v
	}
	return out
}

func (o one) each(what string) []scope {
	r := o.record
	var out []scope
	add := func(values map[string]any) { out = append(out, inner{o, values}) }
	switch what {
	case "fields":
		for _, name := range slices.Sorted(maps.Keys(r.set)) {
			if f := r.entity.Fields[name]; f.Relation == nil && !slices.Contains(r.cleared, name) && f.Path != "" {
				add(map[string]any{"name": f.wireName(name), "path": f.Path, "value": o.shaped(f, r.set[name])})
			}
		}
	case "cleared":
		for _, name := range r.cleared {
			if f := r.entity.Fields[name]; f.Relation == nil && f.Path != "" {
				add(map[string]any{"name": f.wireName(name), "path": f.Path, "value": r.set[name]})
			}
		}
	case "ext":
		for _, label := range slices.Sorted(maps.Keys(r.ext)) {
			add(map[string]any{"name": label, "value": r.ext[label]})
		}
	default:
		if list, isList := o.value(what).([]any); isList {
			for _, item := range list {
				add(map[string]any{"item": item})
			}
		}
	}
	return out
}

// many is the scope of a call that carries several records; outside of $each
// it answers for the first.
type many struct {
	one
	records []*record
}

func (m many) each(what string) []scope {
	if what != "records" {
		return m.one.each(what)
	}
	out := make([]scope, len(m.records))
	for i, r := range m.records {
		out[i] = one{m.base, r}
	}
	return out
}
