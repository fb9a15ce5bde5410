package dingtalk

import (
	"maps"
	"slices"
	"strings"

	"orgflow"
	"orgflow/connectors"
)

// payload is an effect's fields in wire form.
type payload struct {
	body    map[string]any
	later   map[string]any // department fields that create does not take
	dropped []string       // fields that shall have no value and cannot be cleared
}

// build checks and converts an effect's fields. It makes no call; its fault
// names the field and what is allowed.
func (t fieldTable) build(e connectors.Effect) (payload, error) {
	p := payload{body: make(map[string]any, len(e.Fields)+2), later: map[string]any{}}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if err := t.place(&p, e.Op, name, e.Fields[name]); err != nil {
			return payload{}, err
		}
	}
	relabel := false
	for _, name := range e.Clear {
		isField, err := t.clear(&p, e.Op, name)
		if err != nil {
			return payload{}, err
		}
		relabel = relabel || !isField
	}
	if err := t.extend(&p, e, relabel); err != nil {
		return payload{}, err
	}
	return p, nil
}

// place puts one field where it belongs. An absent value (null) is not sent;
// neither is an empty text on an insert, where there is nothing to clear.
func (t fieldTable) place(p *payload, op orgflow.Op, name string, v any) error {
	f, known := t.fields[name]
	if !known {
		return connectors.Refuse(name, t.unknown(name))
	}
	if v == nil || !f.takenBy(op) {
		return nil
	}
	if op == orgflow.Insert && f.insertMax > 0 {
		f.max = f.insertMax
	}
	value, err := f.coerce(v)
	if err != nil {
		return connectors.Refuse(name, err.Error())
	}
	if empty := value == ""; empty && op == orgflow.Insert {
		return nil
	} else if empty && f.forced {
		p.force(name)
		return nil
	}
	switch {
	case f.when == withPeople && op == orgflow.Insert:
		return connectors.Refuse(name, "cannot be set by the insert of a department, only by an update once these people are its members")
	case f.when == afterwards && op == orgflow.Insert:
		p.later[name] = value
	default:
		p.body[name] = value
	}
	return nil
}

// takenBy tells whether the call of an operation knows the field.
func (f field) takenBy(op orgflow.Op) bool {
	switch f.when {
	case insertOnly:
		return op == orgflow.Insert
	case updateOnly:
		return op != orgflow.Insert
	default:
		return true
	}
}

// clear makes a field empty. A name that is no field is the label of a
// custom attribute, which is cleared by sending the attributes without it.
func (t fieldTable) clear(p *payload, op orgflow.Op, name string) (isField bool, err error) {
	f, known := t.fields[name]
	if t.absent[name] != "" && op != orgflow.Insert { // set while the company used another dialect
		p.dropped = append(p.dropped, name)
		return true, nil
	}
	if !known {
		return false, nil
	}
	if op == orgflow.Insert {
		return true, nil
	}
	if _, given := p.body[name]; given {
		return true, connectors.Refuse(name, "is both set and cleared")
	}
	switch {
	case f.required:
		return true, connectors.Refuse(name, "cannot be cleared, DingTalk needs it")
	case f.forced:
		p.force(name)
	case f.stays():
		p.dropped = append(p.dropped, name)
	case f.wire == wireBool:
		p.body[name] = false
	case f.wire == wireJSON:
		p.body[name] = "{}"
	default:
		p.body[name] = ""
	}
	return true, nil
}

// stays tells whether a field, once set, always has some value.
func (f field) stays() bool {
	return f.when == insertOnly || f.wire == wireInt || f.wire == wireRows || len(f.enum) > 0
}

// unclearable lists the fields that can be set but not cleared, in this
// dialect or at all.
func (t fieldTable) unclearable() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(t.fields)) {
		if f := t.fields[name]; f.required || f.stays() && !f.forced {
			names = append(names, name)
		}
	}
	return append(names, slices.Sorted(maps.Keys(t.absent))...)
}

// force clears a field by naming it in force_update_fields and leaving it
// out (DingTalk reference § 4.2, § 4.7).
func (p *payload) force(name string) {
	if listed, ok := p.body[forceFields].(string); ok {
		name = listed + "," + name
	}
	p.body[forceFields] = name
}

// extend adds the custom attributes. Sent in mode 0, the default, they
// replace all the person has, so that a removed one disappears.
func (t fieldTable) extend(p *payload, e connectors.Effect, relabel bool) error {
	if len(e.Ext) == 0 && (!relabel || e.Op == orgflow.Insert) {
		return nil
	}
	if _, given := p.body["extension"]; given {
		return connectors.Refuse("extension", "is given both as a field and by custom attributes")
	}
	value, err := extension(e.Ext, t.fields["extension"].max)
	if err != nil {
		return connectors.Refuse("extension", err.Error())
	}
	if value != "{}" || e.Op == orgflow.Update {
		p.body["extension"] = value
	}
	return nil
}

// forUpdate returns the whole payload of an insert as the body of an update.
func (t fieldTable) forUpdate(p payload) map[string]any {
	body := maps.Clone(p.body)
	maps.Copy(body, p.later)
	maps.DeleteFunc(body, func(name string, _ any) bool { return t.fields[name].when == insertOnly })
	return body
}

// report tells the receipt what cannot be done.
func (p payload) report(r *connectors.Receipt) {
	if r.Dropped = p.dropped; len(p.dropped) > 0 {
		r.Note = "DingTalk offers no way to clear " + strings.Join(p.dropped, ", ")
	}
}

// personal are the fields whose values are kept out of DingTalk's texts.
var personal = []string{"mobile", "telephone", "email", "name", "exclusive_mobile", "login_email"}
