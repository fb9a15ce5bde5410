package planner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"orgflow"
)

// member is someone a change may be about. A first push keeps one of
// everybody, so that of somebody the consumer does not know nothing is kept
// but the encoded payload and what other changes depend on.
type member struct {
	id       string
	position int    // of the record, in source order
	has      bool   // in the read
	problem  string // why the record alone cannot be written
	dispute  string
	gone     bool
	adopted  bool
	drifted  bool
	joined   bool // was invited, and is in the directory now
	met      bool // is like somebody at the consumer, and may be adopted

	bd   *orgflow.Binding
	base string // the binding's hash as it is stored, or will be with the plan
	*content

	// What they shall have, as after says.
	wants    []value             // unique values
	orgs     []orgflow.RecordKey // departments
	managers []orgflow.RecordKey

	userid string          // of who is packed: the template's
	packed json.RawMessage // what an insert sends; content is empty then

	draft *draft // insert, update, delete, or what holds the person
	del   *draft // of a recreate, whose insert draft is
	human *draft // the part of a difference that is left to a person
	later *draft // sets the manager in a second pass
}

// content is a member's record, and what the consumer holds.
type content struct {
	said   orgflow.Payload // by the source
	before orgflow.Payload
	after  orgflow.Payload // said, with what stays at the consumer
}

// newMember is the person of a record.
func (b *builder) newMember(p *Pair) *member {
	t := &member{
		id: p.Record.SourceID, position: p.Record.Position, has: true,
		problem: b.recordProblem(p), content: &content{said: p.Record.Payload},
	}
	if p.HasBinding {
		bd := p.Binding
		t.bd, t.base = &bd, bd.Hash
	}
	return t
}

// shall sets what the consumer shall hold of a person.
func (b *builder) shall(p *member, after orgflow.Payload) {
	names, id := b.in.Profile.PersonFields, ""
	if p.bd != nil {
		id = p.bd.ConsumerID
	}
	p.after = after
	p.wants, p.orgs, p.managers = b.values(after, id), b.orgsOf(after), nil
	if names.Manager != "" {
		p.managers = orgflow.RefsIn(after.Fields[names.Manager])
	}
}

// pack leaves the encoded payload alone of a person the consumer does not
// know.
func (b *builder) pack(p *member) {
	if p.packed != nil {
		return
	}
	raw, err := p.after.Encode()
	if err != nil {
		p.problem = cmp.Or(p.problem, err.Error())
		return
	}
	p.packed, p.userid = raw, text(p.after.Fields[b.in.Profile.PersonFields.ID])
	p.content = &b.people.nothing
}

// named lists the managers the source names.
func (b *builder) named(p *member) []orgflow.RecordKey {
	if p.packed != nil {
		return p.managers // nothing of theirs is kept
	}
	return orgflow.RefsIn(p.said.Fields[b.in.Profile.PersonFields.Manager])
}

// recordProblem tells why the consumer would refuse a record, whatever else
// the plan does.
func (b *builder) recordProblem(r *Pair) string {
	it, p, names := r.Record, b.in.Profile, b.in.Profile.PersonFields
	if it.Issue != "" {
		return it.Issue
	}
	if r.Copies > 0 {
		return fmt.Sprintf("the source has this id %d times", r.Copies+1)
	}
	if n := utf8.RuneCountInString(text(it.Payload.Fields[names.Name])); p.PersonNameMax > 0 && n > p.PersonNameMax {
		return fmt.Sprintf("name has %d characters, the consumer allows %d", n, p.PersonNameMax)
	}
	for _, field := range p.RequiredPerson {
		if v := it.Payload.Fields[field]; v == nil || v == "" {
			return fmt.Sprintf("has no %s, which the consumer requires", field)
		}
	}
	if p.PersonNeedsOrg && it.Payload.Fields[names.Orgs] == nil {
		return "belongs to no department"
	}
	return ""
}
