package planner

import (
	"fmt"
	"slices"

	"orgflow"
)

// indexRemotePeople makes the persons at the consumer findable by what
// identifies them.
func (b *builder) indexRemotePeople() error {
	side := &b.in.People
	if side.Remote == nil {
		return nil
	}
	bound := map[string]bool{}
	for bd, err := range side.bindings() {
		if err != nil {
			return fmt.Errorf("person bindings: %w", err)
		}
		b.people.ids[bd.SourceID] = bd.ConsumerID
		bound[bd.ConsumerID] = true
	}
	b.remote = &remoteIndex{all: map[string]*RemoteRecord{}, free: map[value][]*RemoteRecord{}, taken: map[string][]*member{}}
	for i := range side.Remote {
		r := &side.Remote[i]
		b.remote.all[r.ConsumerID] = r
		if bound[r.ConsumerID] {
			continue
		}
		for _, v := range b.marks(r.ConsumerID, r.Fields) {
			b.remote.free[v] = append(b.remote.free[v], r)
		}
	}
	return nil
}

// remoteIndex is the persons at the consumer.
type remoteIndex struct {
	all   map[string]*RemoteRecord  // by consumer id
	free  map[value][]*RemoteRecord // unbound, by what identifies them
	taken map[string][]*member      // who correlates with an unbound record
	stale int
}

// marks are what tells people apart, the unique values and the job number.
func (b *builder) marks(id string, fields map[string]any) []value {
	out := b.values(orgflow.Payload{Fields: fields}, id)
	names := b.in.Profile.PersonFields
	for _, f := range []string{names.JobNumber, names.Mobile, names.Email} {
		v := value{f, b.normalValue(f, fields[f])}
		if f != "" && v.text != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// correlate looks for the one unbound person at the consumer who is this
// one: by userid, else by job number and name, else by mobile and name. Any
// weaker or ambiguous likeness is a dispute, and nothing is created.
func (b *builder) correlate(t *member) (*RemoteRecord, string) {
	names := b.in.Profile.PersonFields
	fields := t.said.Fields
	for _, tier := range []struct {
		field string
		named bool
	}{{names.ID, false}, {names.JobNumber, true}, {names.Mobile, true}} {
		v := value{tier.field, b.normalValue(tier.field, fields[tier.field])}
		if v.field == "" || v.text == "" {
			continue
		}
		var found []*RemoteRecord
		for _, r := range b.remote.free[v] {
			if !tier.named || normalName(plainText(r.Fields[names.Name])) == normalName(plainText(fields[names.Name])) {
				found = append(found, r)
			}
		}
		if len(found) == 1 {
			return found[0], ""
		}
		if len(found) > 1 {
			return nil, fmt.Sprintf("%d persons at the consumer have the same %s and name; bind one by hand", len(found), tier.field)
		}
	}
	for _, v := range b.marks("", fields) {
		if found := b.remote.free[v]; len(found) > 0 {
			return nil, fmt.Sprintf("person %s at the consumer has the same %s, but not the same name; bind or correct one of the two by hand", found[0].ConsumerID, v.field)
		}
	}
	return nil, ""
}

// meetRemote compares a person with what the consumer holds now, where that
// was read.
func (b *builder) meetRemote(t *member) {
	if b.remote == nil {
		return
	}
	if t.bd == nil {
		r, dispute := b.correlate(t)
		if t.dispute = dispute; r != nil {
			t.met = true
			b.remote.taken[r.ConsumerID] = append(b.remote.taken[r.ConsumerID], t)
		}
		return
	}
	r, there := b.remote.all[t.bd.ConsumerID]
	reconcile := b.in.Job.Params.Mode == orgflow.Reconcile
	switch {
	case !there && reconcile && t.bd.State != orgflow.BindingPending:
		b.remote.stale++
		t.bd = nil
	case there && t.bd.State == orgflow.BindingPending:
		t.bd.State = orgflow.BindingActive // has joined
		t.joined = true
	case there && reconcile:
		was := b.before(t.bd)
		if now := b.fromRemote(t.said, was, *r); len(diff(was, now, nil, false)) > 0 {
			t.before, t.drifted = now, true
		}
	}
}

// settleAdoptions binds who was found, unless two source records claim one
// person.
func (b *builder) settleAdoptions() {
	if b.remote == nil {
		return
	}
	b.noteStale(orgflow.Person, b.remote.stale)
	for id, claimants := range b.remote.taken {
		if len(claimants) > 1 {
			for _, t := range claimants {
				t.dispute = fmt.Sprintf("%d persons of the source are like person %s at the consumer; correct the source or bind one by hand", len(claimants), id)
			}
			continue
		}
		b.people.ids[claimants[0].id] = id
	}
	for _, t := range b.people.order {
		if t.joined {
			b.adopted = append(b.adopted, *t.bd)
		}
	}
	for _, t := range b.people.order {
		id := b.people.ids[t.id]
		if !t.has || t.bd != nil || t.dispute != "" || id == "" || len(b.remote.taken[id]) != 1 || b.remote.taken[id][0] != t {
			continue
		}
		t.adopted = true
		t.bd = &orgflow.Binding{Kind: orgflow.Person, SourceID: t.id, ConsumerID: id, Scope: b.in.Job.Params.Scope, State: orgflow.BindingActive}
		t.before = b.fromRemote(t.said, orgflow.Payload{}, *b.remote.all[id])
		b.shall(t, b.keep(t.before, t.said))
		b.bindAs(t.bd, t.before)
		t.base = t.bd.Hash
		b.adopted, b.met[personKey(t.id)] = append(b.adopted, *t.bd), true
	}
}

// keepRemoteValues notes wanted values that persons nobody manages have.
func (b *builder) keepRemoteValues(wanted map[value]bool) {
	if b.remote == nil {
		return
	}
	for v := range wanted {
		for _, r := range b.remote.free[v] {
			if claimants := b.remote.taken[r.ConsumerID]; len(claimants) != 1 {
				b.people.kept[v] = r.ConsumerID + " at the consumer"
			}
		}
	}
}
