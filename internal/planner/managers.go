package planner

import (
	"fmt"
	"slices"

	"orgflow"
)

// linkManager lets a person who names a manager wait until that person is
// inserted.
func (b *builder) linkManager(p *member) {
	field := b.in.Profile.PersonFields.Manager
	if field == "" {
		return
	}
	if _, listed := p.draft.Fields[field]; p.draft.Op == orgflow.Update && !listed {
		return
	}
	for _, ref := range p.managers {
		if m := b.people.touched[ref.ID]; m != nil && !m.invited() && m.draft != nil && m.draft.Op == orgflow.Insert {
			p.draft.require(m.draft, bringsLeader, "")
		}
	}
}

// managerLater takes the manager out of a change, because both wait for each
// other, and sets it in a second pass.
func (b *builder) managerLater(d, boss *draft) {
	field := b.in.Profile.PersonFields.Manager
	p := b.people.touched[d.SourceID]
	whole := d.decoded()
	b.dropManager(p, d)
	later := b.add(&draft{phase: phaseReferences, pos: d.pos, Change: change(d.Key(), orgflow.Update, d.ConsumerID, whole)})
	later.Aspect = orgflow.AspectReferences
	later.Fields = map[string]orgflow.Diff{field: {Before: orgflow.ShowValue(p.before.Fields[field]), After: orgflow.ShowValue(whole.Fields[field])}}
	later.Reason = field + " is set once the people exist"
	later.require(d, needs, "")
	later.require(boss, follows, "")
	if d.Op == orgflow.Insert {
		later.ConsumerID = ""
		b.count(orgflow.Person).References++
	}
	p.later = later
}

// dropManager leaves the manager of a person as it is at the consumer.
func (b *builder) dropManager(p *member, d *draft) {
	field := b.in.Profile.PersonFields.Manager
	rest := without(d.decoded(), field)
	if old := p.before.Fields[field]; old != nil && d.Op == orgflow.Update {
		rest = with(rest, field, old)
	}
	d.put(rest)
	delete(d.Fields, field)
	if d.Op == orgflow.Update && len(d.Fields) > 0 {
		d.Reason = because(d.Fields, p.drifted)
	}
}

// finishManagers leaves out managers who will not be at the consumer. The
// run that brings them finds the difference and sets it then.
func (b *builder) finishManagers() {
	field := b.in.Profile.PersonFields.Manager
	if field == "" {
		return
	}
	unknown := 0
	empty := map[*draft]bool{}
	for _, p := range b.people.order {
		d := p.draft
		if p.later != nil {
			d = p.later
		}
		if d == nil || !p.has || !d.open() {
			continue
		}
		if _, listed := d.Fields[field]; d.Op == orgflow.Update && !listed {
			continue
		}
		missing := func(k orgflow.RecordKey) bool { return k == d.Key() || !b.willBeThere(k.ID, d.State) }
		if !slices.ContainsFunc(p.managers, missing) || len(orgflow.RefsIn(d.decoded().Fields[field])) == 0 {
			continue
		}
		unknown++
		b.dropManager(p, d)
		if d.Op == orgflow.Update && len(d.Fields) == 0 {
			empty[d] = true
			if d.Aspect == "" {
				b.count(orgflow.Person).Update--
				b.count(orgflow.Person).Unchanged++
			}
		}
	}
	b.drafts = slices.DeleteFunc(b.drafts, func(d *draft) bool { return empty[d] })
	if unknown > 0 {
		b.notes = append(b.notes, fmt.Sprintf("%d persons name a manager who is not at the consumer and does not come with this run; it is set by the run that brings them", unknown))
	}
}

// willBeThere tells whether somebody can be referred to once people are in
// place.
func (b *builder) willBeThere(id string, waiter orgflow.State) bool {
	p := b.people.touched[id]
	switch {
	case p == nil:
		return b.people.known[id]
	case p.gone, p.invited():
		return false // whoever has joined can be named in the next run
	case p.draft != nil && p.draft.Op == orgflow.Insert:
		if p.draft.State == orgflow.Planned || p.draft.State == orgflow.Parked && (waiter == orgflow.Parked || p.bd != nil) {
			return true
		}
	}
	return p.bd != nil
}
