package rest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
	"orgflow/connectors"
)

// record is an effect ready for the wire.
type record struct {
	entity *Entity
	kind   orgflow.Kind
	op     orgflow.Op
	id     string
	key    string
	set    map[string]any // by target, wire values; what is cleared has its empty value
	ext    map[string]any // custom attributes by label
	// cleared are the targets of set that shall have no value.
	cleared []string
	dropped []string // shall have no value and cannot be cleared
	doubt   bool
	extSent bool // the custom attributes are part of the effect
}

// refuse is connectors.Refuse with a formatted message.
func refuse(name, format string, args ...any) *orgflow.Fault {
	return connectors.Refuse(name, fmt.Sprintf(format, args...))
}

// entity returns the definition of a kind.
func (c *Client) entity(kind orgflow.Kind) (*Entity, error) {
	e := c.def.Person
	if kind == orgflow.Org {
		e = c.def.Org
	} else if kind != orgflow.Person {
		return nil, connectors.UnknownKind(kind)
	}
	if e == nil {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "the definition of %s has no %s", c.name, kind)
	}
	return e, nil
}

// record checks and converts an effect. It makes no call.
func (c *Client) record(e connectors.Effect) (*record, error) {
	entity, err := c.entity(e.Kind)
	if err != nil {
		return nil, err
	}
	r := &record{
		entity: entity, kind: e.Kind, op: e.Op, id: e.ConsumerID, key: e.Key, doubt: e.InDoubt,
		set: map[string]any{}, ext: e.Ext, extSent: e.Ext != nil,
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if err := c.set(r, name, e.Fields[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range e.Clear {
		if err := r.clear(name); err != nil {
			return nil, err
		}
	}
	if len(e.Ext) > 0 && !entity.takesExt() {
		return nil, refuse("ext", "the definition of %s sends no custom attributes; take is_extattr out of the template", c.name)
	}
	if err := r.settleID(); err != nil {
		return nil, err
	}
	return r, r.require()
}

// set takes one field over. An absent value is not sent; neither is an empty
// text on an insert, where there is nothing to clear.
func (c *Client) set(r *record, name string, v any) error {
	f, known := r.entity.Fields[name]
	if !known {
		return refuse(name, "the definition of %s has no such field, allowed are %s", c.name, strings.Join(slices.Sorted(maps.Keys(r.entity.Fields)), ", "))
	}
	if v == nil || !f.takenBy(r.op) {
		return nil
	}
	if v == "" && !f.isList() {
		if r.op == orgflow.Insert {
			return nil
		}
		return r.clear(name)
	}
	wire, err := f.convert(v, c.root)
	if err != nil {
		return refuse(name, "%s", err)
	}
	r.set[name] = wire
	return nil
}

// takenBy tells whether an operation sends the field. A delete that states
// the whole record sends all.
func (f Field) takenBy(op orgflow.Op) bool {
	switch f.When {
	case "insert":
		return op != orgflow.Update
	case "update":
		return op != orgflow.Insert
	}
	return true
}

func (r *record) clear(name string) error {
	f, known := r.entity.Fields[name]
	switch {
	case !known: // the label of a custom attribute, which is cleared by sending the others
		r.extSent = true
		return nil
	case r.op == orgflow.Insert:
		return nil
	case f.Required:
		return refuse(name, "cannot be cleared, the consumer needs it")
	}
	empty, possible := f.empty()
	if !possible || !f.takenBy(r.op) {
		r.dropped = append(r.dropped, name)
		return nil
	}
	r.set[name] = empty
	r.cleared = append(r.cleared, name)
	return nil
}

// settleID finds the id: ours to choose on an insert, never changed later.
func (r *record) settleID() error {
	if r.entity.ID == "" {
		return nil
	}
	given := plain(r.set[r.entity.ID])
	switch {
	case r.id == "":
		r.id = given
	case r.op == orgflow.Insert || given == "":
		if f := r.entity.Fields[r.entity.ID]; f.takenBy(r.op) && given == "" {
			r.set[r.entity.ID] = r.id
		}
	case given != r.id:
		return refuse(r.entity.ID, "differs from the id under which the record is known; an id does not change")
	}
	return nil
}

// require names what an operation cannot do without.
func (r *record) require() error {
	if r.op != orgflow.Insert {
		if r.id == "" {
			return refuse(r.entity.ID, "is missing, a change needs the id of the record")
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.entity.Fields)) {
		f := r.entity.Fields[name]
		v, given := r.set[name]
		if f.Required && (!given || blank(v) && f.Root == nil) {
			return refuse(name, "is missing, the consumer needs it")
		}
	}
	return nil
}

// takesExt tells whether any call sends custom attributes.
func (e *Entity) takesExt() bool {
	for _, c := range []*Call{e.Insert, e.Update} {
		if c != nil && (uses(c.Body, "ext") || refersToExt(c.Body)) {
			return true
		}
	}
	return false
}

func refersToExt(t any) bool {
	return slices.ContainsFunc(refsIn(t), func(ref string) bool { return strings.HasPrefix(ref, "ext.") })
}

// report tells the receipt what cannot be done.
func (r *record) report(out *connectors.Receipt) {
	out.ConsumerID = r.id
	if len(r.dropped) > 0 {
		out.Dropped = append(out.Dropped, r.dropped...)
		addNote(out, "the consumer offers no way to clear "+strings.Join(r.dropped, ", "))
	}
}

func addNote(r *connectors.Receipt, note string) {
	if r.Note != "" {
		r.Note += "; "
	}
	r.Note += note
}

// forUpdate is the whole record of an insert as that of an update.
func (r *record) forUpdate(id string) *record {
	out := *r
	out.op, out.id, out.doubt = orgflow.Update, id, false
	out.set = maps.Clone(r.set)
	maps.DeleteFunc(out.set, func(name string, _ any) bool {
		return !r.entity.Fields[name].takenBy(orgflow.Update) || name == r.entity.ID
	})
	return &out
}

// empty tells whether there is nothing to change.
func (r *record) empty() bool {
	return len(r.set) == 0 && !r.extSent || len(r.set) == 1 && !r.extSent && r.entity.ID != "" && r.set[r.entity.ID] != nil
}

// personal lists what we know of the person.
func (r *record) personal() []string {
	var values []string
	p := r.entity.Profile
	for name, v := range r.set {
		if r.entity.Fields[name].Personal || r.kind == orgflow.Person && slices.Contains([]string{p.Name, p.Mobile, p.Email}, name) {
			values = append(values, plain(v))
		}
	}
	for _, v := range r.ext {
		values = append(values, plain(v))
	}
	return values
}
