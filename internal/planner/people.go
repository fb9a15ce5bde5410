package planner

import (
	"fmt"
	"slices"

	"orgflow"
)

// planPeople plans inserts and updates of persons.
func (b *builder) planPeople() {
	claims := b.claims()
	for _, p := range b.people.order {
		if !p.has {
			continue
		}
		key := personKey(p.id)
		if p.dispute != "" {
			p.draft = b.hold(key, p.bd, orgflow.Disputed, p.dispute)
			continue
		}
		reason, held := b.deferral(key)
		if !held {
			reason = b.personProblem(p, claims)
		}
		if reason != "" {
			p.draft = b.hold(key, p.bd, orgflow.Held, reason)
			p.draft.pos = p.position
			continue
		}
		if p.bd != nil {
			b.planBound(p)
			continue
		}
		if !b.in.People.allows(orgflow.Insert) {
			continue
		}
		p.draft = b.insertPacked(p, b.said("new in the source", "was deleted by run %s, which is undone"))
		b.count(orgflow.Person).Insert++
	}
}

// insertPerson drafts an insert; the id at the consumer is the template's.
func (b *builder) insertPerson(p *member, payload orgflow.Payload, reason string) *draft {
	id := text(payload.Fields[b.in.Profile.PersonFields.ID])
	d := b.add(&draft{phase: phasePersonInsert, pos: p.position, Change: change(personKey(p.id), orgflow.Insert, id, payload)})
	d.Reason = reason
	return d
}

// insertPacked drafts the insert of somebody the consumer does not know.
func (b *builder) insertPacked(p *member, reason string) *draft {
	d := b.add(&draft{phase: phasePersonInsert, pos: p.position, Change: changeOf(personKey(p.id), orgflow.Insert, p.userid, p.packed)})
	d.Reason = reason
	return d
}

// planBound plans for somebody the consumer knows.
func (b *builder) planBound(p *member) {
	if p.invited() {
		b.lookFor(p)
		return
	}
	b.updatePerson(p)
}

// updatePerson plans the difference of a bound person.
func (b *builder) updatePerson(p *member) {
	full := b.in.Job.Params.Mode == orgflow.Full
	fields := diff(p.before, p.after, []string{b.in.Profile.PersonFields.ID}, full)
	for name := range fields {
		if _, said := p.said.Fields[name]; full && !said && p.before.Fields[name] != nil {
			delete(fields, name) // kept, not wanted: nothing to send again
		}
	}
	fixed := b.splitImmutable(p, fields)
	if len(fields)+len(fixed) == 0 || !b.in.People.allows(orgflow.Update) {
		b.count(orgflow.Person).Unchanged++
		return
	}
	b.count(orgflow.Person).Update++
	if len(fixed) > 0 && b.recreates(p) {
		b.recreate(p, fixed)
		return
	}
	rest := p.after
	for name := range fixed {
		rest = with(rest, name, p.before.Fields[name])
	}
	if len(fixed) > 0 {
		p.human = b.personUpdate(p, p.after, fixed)
		p.human.State = orgflow.NeedsHuman
		p.human.Reason = differs(fixed) + "; the consumer cannot change it"
		p.human.cause = p.human.Reason
		b.shall(p, rest)
	}
	if len(fields) == 0 {
		return
	}
	if p.human != nil {
		p.human.Aspect = orgflow.AspectImmutable
	}
	p.draft = b.personUpdate(p, rest, fields)
	p.draft.Reason = because(fields, p.drifted)
}

func (b *builder) personUpdate(p *member, payload orgflow.Payload, fields map[string]orgflow.Diff) *draft {
	d := b.add(&draft{
		phase: phasePersonUpdate, pos: p.position,
		Change: change(personKey(p.id), orgflow.Update, p.bd.ConsumerID, payload),
	})
	d.Fields = fields
	return d
}

// splitImmutable takes the differences an update cannot make out of fields.
func (b *builder) splitImmutable(p *member, fields map[string]orgflow.Diff) map[string]orgflow.Diff {
	var fixed map[string]orgflow.Diff
	for _, name := range b.in.Profile.PersonImmutable {
		d, listed := fields[name]
		if !listed {
			continue
		}
		delete(fields, name)
		old := p.before.Fields[name]
		if old == nil || b.normalValue(name, old) == b.normalValue(name, p.after.Fields[name]) {
			continue
		}
		if fixed == nil {
			fixed = map[string]orgflow.Diff{}
		}
		fixed[name] = d
	}
	return fixed
}

// recreates tells whether a person whose immutable field differs is deleted
// and inserted again. Somebody adopted in this run never is: nothing says
// that the number changed, only that it is another.
func (b *builder) recreates(p *member) bool {
	return b.in.Job.Params.MobileChange != orgflow.MobileReport && !p.adopted && !p.drifted &&
		b.in.People.allows(orgflow.Insert) && b.in.People.allows(orgflow.Delete)
}

// recreate deletes a person and inserts them again as one unit (seed 4): the
// way to change what an update cannot.
func (b *builder) recreate(p *member, fixed map[string]orgflow.Diff) {
	what := differs(fixed)
	// The id stays what it was: deleted and re-created under the same one.
	payload := with(p.said, b.in.Profile.PersonFields.ID, p.bd.ConsumerID)
	p.del = b.add(&draft{phase: phaseRecreateDelete, pos: p.position, Change: change(personKey(p.id), orgflow.Delete, p.bd.ConsumerID, orgflow.Payload{})})
	p.del.Reason = what + "; the consumer cannot change it, so the person is deleted and inserted again"
	p.draft = b.insertPerson(p, payload, "inserted again, because "+what)
	p.draft.require(p.del, needs, "")
	p.del.unit, p.draft.unit = p.draft, p.del
}

// personProblem tells why the consumer would refuse a person.
func (b *builder) personProblem(p *member, claims map[value]string) string {
	if p.problem != "" {
		return p.problem
	}
	if reason := b.seatProblem(p); reason != "" {
		return reason
	}
	for _, v := range p.wants {
		if owner := claims[v]; owner != p.id {
			return fmt.Sprintf("has the same %s as person %s", v.field, owner)
		}
	}
	return ""
}

// seatProblem tells why a person cannot sit where the source says.
func (b *builder) seatProblem(p *member) string {
	for _, dept := range p.orgs {
		if b.orgDelete[dept.ID] {
			return fmt.Sprintf("department %s is no longer in the source", dept.ID)
		}
		if b.bound[dept] != nil || b.planned[dept] != nil || dept.ID == b.root {
			continue
		}
		if h, bad := b.held[dept]; bad {
			return fmt.Sprintf("department %s is held: %s", dept.ID, h.cause)
		}
		return fmt.Sprintf("department %s is neither in the source nor known at the consumer", dept.ID)
	}
	return ""
}

// inRoot puts a person without a department under the root where the
// consumer's settings say so.
func (b *builder) inRoot(p orgflow.Payload) orgflow.Payload {
	orgs := b.in.Profile.PersonFields.Orgs
	if v := p.Fields[orgs]; !b.in.NoDepartmentRoot || (v != nil && v != "") {
		return p
	}
	return with(p, orgs, b.in.Root.ID)
}

// linkPeople says which changes have to be over before a person's: their
// departments and managers exist, the values they take are free; and that a
// department is deleted when everybody has left it.
func (b *builder) linkPeople() {
	for _, p := range b.people.order {
		if p.has && p.draft != nil {
			for _, dept := range p.orgs {
				p.draft.require(b.planned[dept], needs, "")
			}
			b.linkManager(p)
		}
		b.linkSeats(p)
	}
	b.linkValues()
	for dept, members := range b.people.stay {
		if d := b.orgDraft[dept]; d != nil {
			b.stop(d, orgflow.Held, fmt.Sprintf("%d members stay in it, person %s among them", len(members), members[0]))
		}
	}
}

// linkSeats lets departments that are deleted wait for a member to leave.
func (b *builder) linkSeats(p *member) {
	if p.bd == nil || len(b.orgDelete) == 0 {
		return
	}
	leave := p.draft
	if p.del != nil {
		leave = p.del
	}
	for _, dept := range b.orgsOf(p.before) {
		d := b.orgDraft[dept.ID]
		if !b.orgDelete[dept.ID] || d == nil {
			continue
		}
		if leave == nil || !p.gone && slices.Contains(p.orgs, dept) && leave.State == orgflow.Planned {
			b.stop(d, orgflow.Held, fmt.Sprintf("person %s stays in it", p.id))
			continue
		}
		d.require(leave, needs, "")
	}
}
