package planner

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"orgflow"
)

// planPeople plans inserts and updates of persons.
func (b *builder) planPeople() {
	side := &b.in.People
	if !side.Present {
		return
	}
	claims := b.claims()
	var inserts []*draft
	for _, it := range side.Records {
		key := personKey(it.SourceID)
		if !b.selected(key) {
			continue
		}
		it.Payload = b.knownPeople(b.inRoot(it.Payload), b.in.Profile.PersonFields.Manager)
		if reason := b.personProblem(it, claims); reason != "" {
			b.hold(key, reason)
			continue
		}
		if bd := b.bound[key]; bd != nil {
			b.updatePerson(it, bd)
			continue
		}
		if !side.allows(orgflow.Insert) {
			continue
		}
		d := b.insertPerson(it, phasePersonInsert, "new in the source")
		b.count(orgflow.Person).Insert++
		inserts = append(inserts, d)
	}
	b.orderByManager(inserts)
}

// insertPerson drafts an insert; the id at the consumer is the template's.
func (b *builder) insertPerson(it Item, phase int, reason string) *draft {
	key := personKey(it.SourceID)
	d := b.add(&draft{phase: phase, payload: it.Payload, Change: change(key, orgflow.Insert, text(it.Payload.Fields[b.in.Profile.PersonFields.ID]), it.Payload)})
	d.Reason = reason
	for _, dept := range refsIn(it.Payload.Fields[b.in.Profile.PersonFields.Orgs]) {
		if insert := b.planned[dept]; insert != nil {
			d.needs = append(d.needs, insert)
		}
	}
	b.planned[key] = d
	return d
}

// updatePerson plans the difference of a bound person.
func (b *builder) updatePerson(it Item, bd *orgflow.Binding) {
	names := b.in.Profile.PersonFields
	before := b.before(bd)
	fields := diff(before, it.Payload, []string{names.ID}, b.in.Job.Params.Mode == orgflow.Full)
	if bd.Scope != b.in.Job.Params.Scope && len(fields) == 0 {
		b.count(orgflow.Person).Unchanged++
		return
	}
	if len(fields) == 0 || !b.in.People.allows(orgflow.Update) {
		b.count(orgflow.Person).Unchanged++
		return
	}
	b.count(orgflow.Person).Update++
	for _, name := range b.in.Profile.PersonImmutable {
		if _, listed := fields[name]; listed && before.Fields[name] != nil && !same(before.Fields[name], it.Payload.Fields[name]) {
			b.changeImmutable(it, bd, name, fields)
			return
		}
	}
	for _, name := range b.in.Profile.PersonImmutable {
		delete(fields, name)
	}
	if len(fields) == 0 {
		return
	}
	d := b.add(&draft{phase: phasePersonUpdate, Change: change(personKey(it.SourceID), orgflow.Update, bd.ConsumerID, it.Payload)})
	d.Fields, d.Reason = fields, differs(fields)
	for _, dept := range refsIn(it.Payload.Fields[names.Orgs]) {
		if insert := b.planned[dept]; insert != nil {
			d.needs = append(d.needs, insert)
		}
	}
}

// changeImmutable handles a field the consumer cannot update: the person is
// deleted and inserted again as one unit (seed 4), or reported.
func (b *builder) changeImmutable(it Item, bd *orgflow.Binding, name string, fields map[string]orgflow.Diff) {
	key := personKey(it.SourceID)
	if b.in.Job.Params.MobileChange == orgflow.MobileReport || !b.mayRecreate() {
		d := b.add(&draft{phase: phasePersonUpdate, Change: change(key, orgflow.Update, bd.ConsumerID, it.Payload)})
		d.State, d.Fields = orgflow.NeedsHuman, fields
		d.Reason = name + " differs; the consumer cannot change it"
		return
	}
	// The id stays what it was: deleted and re-created under the same one.
	it.Payload = with(it.Payload, b.in.Profile.PersonFields.ID, bd.ConsumerID)
	del := b.add(&draft{phase: phaseRecreateDelete, Change: change(key, orgflow.Delete, bd.ConsumerID, orgflow.Payload{})})
	del.Reason = name + " differs; the consumer cannot change it, so the person is deleted and inserted again"
	ins := b.insertPerson(it, phasePersonInsert, "inserted again with the new "+name)
	ins.needs = append(ins.needs, del)
}

func (b *builder) mayRecreate() bool {
	return b.in.People.allows(orgflow.Insert) && b.in.People.allows(orgflow.Delete)
}

// personProblem tells why the consumer would refuse a person.
func (b *builder) personProblem(it Item, claims map[string]string) string {
	if it.Issue != "" {
		return it.Issue
	}
	p, names := b.in.Profile, b.in.Profile.PersonFields
	name := text(it.Payload.Fields[names.Name])
	if p.PersonNameMax > 0 && utf8.RuneCountInString(name) > p.PersonNameMax {
		return fmt.Sprintf("name has %d characters, the consumer allows %d", utf8.RuneCountInString(name), p.PersonNameMax)
	}
	for _, field := range p.RequiredPerson {
		if v := it.Payload.Fields[field]; v == nil || v == "" {
			return fmt.Sprintf("has no %s, which the consumer requires", field)
		}
	}
	depts := refsIn(it.Payload.Fields[names.Orgs])
	if p.PersonNeedsOrg && len(depts) == 0 && it.Payload.Fields[names.Orgs] == nil {
		return "belongs to no department"
	}
	for _, dept := range depts {
		if b.bound[dept] != nil || b.planned[dept] != nil || dept.ID == b.root {
			continue
		}
		if cause, bad := b.held[dept]; bad {
			return fmt.Sprintf("department %s is held: %s", dept.ID, cause)
		}
		return fmt.Sprintf("department %s is neither in the source nor known at the consumer", dept.ID)
	}
	for _, field := range slices.Concat([]string{names.ID}, p.UniquePersonFields) {
		v := text(it.Payload.Fields[field])
		if v == "" {
			continue
		}
		if owner := claims[field+"\x00"+v]; owner != it.SourceID {
			return fmt.Sprintf("has the same %s as person %s", field, owner)
		}
	}
	return ""
}

// claims says who owns each unique value: a person the consumer already has
// under it first, else the first in source order.
func (b *builder) claims() map[string]string {
	names := slices.Concat([]string{b.in.Profile.PersonFields.ID}, b.in.Profile.UniquePersonFields)
	owner := make(map[string]string, len(b.in.People.Records)*len(names))
	claim := func(onlyBound bool) {
		for _, it := range b.in.People.Records {
			if onlyBound && b.bound[personKey(it.SourceID)] == nil {
				continue
			}
			for _, field := range names {
				v := text(it.Payload.Fields[field])
				if _, taken := owner[field+"\x00"+v]; v != "" && !taken {
					owner[field+"\x00"+v] = it.SourceID
				}
			}
		}
	}
	claim(true)
	claim(false)
	return owner
}

// knownPeople takes references out of a field to persons who are neither at
// the consumer nor in this run's read: a department job that runs before the
// people, a manager outside the filter. A run that knows them sets them.
func (b *builder) knownPeople(p orgflow.Payload, field string) orgflow.Payload {
	v, ok := p.Fields[field]
	if !ok || v == nil {
		return p
	}
	known := func(ref orgflow.RecordKey) bool { return b.bound[ref] != nil || b.present[ref.ID] }
	kept, left := keepRefs(v, known)
	if left == 0 {
		return p
	}
	b.absent += left
	if kept == nil {
		return without(p, field)
	}
	return with(p, field, kept)
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

// orderByManager gives each insert a level below its manager's, so that the
// manager exists when the person is inserted. Where managers form a cycle
// the field is left to a second pass.
func (b *builder) orderByManager(inserts []*draft) {
	field := b.in.Profile.PersonFields.Manager
	if field == "" {
		return
	}
	manager := func(d *draft) *draft {
		for _, ref := range refsIn(d.payload.Fields[field]) {
			return b.planned[ref] // one manager
		}
		return nil
	}
	bosses := make(map[*draft]*draft, len(inserts))
	for _, d := range inserts {
		bosses[d] = manager(d)
	}
	const walking = -1
	level := make(map[*draft]int, len(inserts))
	for _, d := range inserts {
		var path []*draft
		for d != nil && level[d] == 0 {
			level[d] = walking
			path = append(path, d)
			d = bosses[d]
		}
		base := 0
		if d != nil {
			base = level[d]
		}
		if base == walking {
			b.cutCycle(path[len(path)-1], field)
			base = 0
		}
		for i := len(path) - 1; i >= 0; i-- {
			base++
			level[path[i]] = base
			path[i].level = base
		}
	}
}

// cutCycle takes the manager out of an insert and sets it afterwards.
func (b *builder) cutCycle(d *draft, field string) {
	cut := change(d.Key(), d.Op, d.ConsumerID, without(d.payload, field))
	d.Payload, d.Hash = cut.Payload, cut.Hash
	b.reference(d, d.payload, field)
}

func personKey(id string) orgflow.RecordKey { return orgflow.RecordKey{Kind: orgflow.Person, ID: id} }
