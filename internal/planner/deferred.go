package planner

import (
	"maps"
	"slices"

	"orgflow"
)

func (b *builder) side(k orgflow.Kind) *Side {
	if k == orgflow.Org {
		return &b.in.Orgs
	}
	return &b.in.People
}

// whole tells whether a change is about the record itself, and so one of
// those whose failures are counted.
func (d *draft) whole() bool { return d.Aspect == "" || d.Aspect == orgflow.AspectInvitation }

// is tells whether a change is the one that failed.
func (d *draft) is(f Failure) bool { return d.Op == f.Op && d.Hash == f.Hash }

// findDeferred notes the records whose change is one that failed and is not
// to be tried again yet, and tells whether it found any new.
func (b *builder) findDeferred() bool {
	found := false
	for _, d := range b.drafts {
		f, failed := b.side(d.Kind).Failed[d.SourceID]
		if failed && !b.deferred[d.Key()] && f.Deferred != "" && d.whole() && d.open() && d.is(f) {
			b.deferred[d.Key()], found = true, true
		}
	}
	return found
}

// deferral is why a record is held because of its failures.
func (b *builder) deferral(k orgflow.RecordKey) (reason string, deferred bool) {
	if !b.deferred[k] {
		return "", false
	}
	return b.side(k.Kind).Failed[k.ID].Deferred, true
}

// forget lists the records whose failures mean nothing any more: their change
// is another one now, or they need none. What a held or blocked change would
// be is not known.
func (b *builder) forget() []orgflow.RecordKey {
	drafts := map[orgflow.RecordKey][]*draft{}
	for _, d := range b.drafts {
		if _, failed := b.side(d.Kind).Failed[d.SourceID]; failed {
			drafts[d.Key()] = append(drafts[d.Key()], d)
		}
	}
	var out []orgflow.RecordKey
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		for _, id := range slices.Sorted(maps.Keys(b.side(kind).Failed)) {
			k := orgflow.RecordKey{Kind: kind, ID: id}
			if b.settled(k, drafts[k]) {
				out = append(out, k)
			}
		}
	}
	return out
}

// settled tells whether nothing of this plan is the change that failed.
func (b *builder) settled(k orgflow.RecordKey, drafts []*draft) bool {
	side := b.side(k.Kind)
	f := side.Failed[k.ID]
	if len(drafts) > 0 {
		return !slices.ContainsFunc(drafts, func(d *draft) bool { return !d.open() || d.whole() && d.is(f) })
	}
	if !side.Present || !side.allows(f.Op) || !b.selected(k) {
		return false
	}
	if b.read(k) {
		return true
	}
	_, rejected := side.Rejected[k.ID]
	return side.Complete && !rejected && f.Scope == b.in.Job.Params.Scope
}

// read tells whether this run's read has the record.
func (b *builder) read(k orgflow.RecordKey) bool {
	if k.Kind == orgflow.Person {
		m := b.people.touched[k.ID]
		return b.idle[k] || m != nil && m.has
	}
	return slices.ContainsFunc(b.orgItems, func(it Item) bool { return it.SourceID == k.ID })
}
