package planner

import (
	"fmt"
	"maps"
	"slices"

	"orgflow"
)

// state is the input in which everything is as it shall be again, and nobody
// else is touched.
func (u *undo) state() Input {
	in := u.in
	in.undoes, in.NoDepartmentRoot = u.run, false
	in.Orgs, in.People = u.side(in.Orgs), u.side(in.People)
	in.Job.Params.Mode = orgflow.Incremental
	var only []string
	for _, key := range u.order {
		t := u.traces[key]
		if t.want == nil && !t.drop {
			continue
		}
		only = append(only, key.String())
		side := &in.Orgs
		if key.Kind == orgflow.Person {
			side = &in.People
		}
		side.Present = true
		if key.Kind == orgflow.Person && t.want != nil {
			side.Records = append(side.Records, Item{SourceID: key.ID, Payload: *t.want})
		}
	}
	departments, again := u.departments()
	for _, id := range again {
		only = append(only, orgKey(id).String())
	}
	in.Orgs.Records, in.Orgs.Present = departments, in.Orgs.Present || len(again) > 0
	in.Job.Params.SourceIDs = only
	return in
}

// side is a kind read whole: only the bindings and what counts towards the
// limits stay.
func (u *undo) side(s Side) Side {
	return Side{
		Ops: []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete}, Complete: true,
		Bindings: s.Bindings, BindingSeq: s.BindingSeq, RecentDeletes: s.RecentDeletes,
	}
}

// departments lists all departments as they shall be: a tree cannot be judged
// in pieces. again are those that nothing happens to, but one of whose leaders
// comes back: who leaves a department stops leading it.
func (u *undo) departments() (items []Item, again []string) {
	payloads := u.orgPayloads()
	byConsumer, root := map[string]string{}, ""
	for id, bd := range u.orgs {
		byConsumer[bd.ConsumerID] = id
		if bd.State == orgflow.BindingRoot {
			root = id
		}
	}
	for _, id := range slices.Sorted(maps.Keys(payloads)) {
		it := Item{SourceID: id, Payload: payloads[id]}
		if id == root {
			items = append(items, it)
			continue
		}
		it.ParentID = u.parent(it.Payload, byConsumer, root)
		_, stands := payloads[it.ParentID]
		if _, bound := u.orgs[it.ParentID]; it.ParentID != "" && !stands && !bound {
			it.Issue = fmt.Sprintf("department %s above it is not at the consumer any more", it.ParentID)
			it.ParentID = root
		}
		items = append(items, it)
		if t := u.traces[orgKey(id)]; (t == nil || t.want == nil) && u.leadersReturn(id, it.Payload) {
			again = append(again, id)
		}
	}
	return items, again
}

// orgPayloads is what each department shall hold.
func (u *undo) orgPayloads() map[string]orgflow.Payload {
	payloads := make(map[string]orgflow.Payload, len(u.orgs))
	for id, bd := range u.orgs {
		payloads[id] = u.payload(&bd)
	}
	for key, t := range u.traces {
		switch {
		case key.Kind == orgflow.Org && t.drop:
			delete(payloads, key.ID)
		case key.Kind == orgflow.Org && t.want != nil:
			payloads[key.ID] = *t.want
		}
	}
	return payloads
}

// parent is the source id of the department above one; empty for the
// consumer's root where no department of the source is bound to it.
func (u *undo) parent(p orgflow.Payload, byConsumer map[string]string, root string) string {
	v := p.Fields[u.in.Profile.OrgFields.Parent]
	if refs := orgflow.RefsIn(v); len(refs) > 0 {
		return refs[0].ID
	}
	if id, known := byConsumer[plainText(v)]; known {
		return id
	}
	return root
}

// leadersReturn tells whether somebody who is named as a leader comes back
// into the department.
func (u *undo) leadersReturn(id string, p orgflow.Payload) bool {
	orgs := u.in.Profile.PersonFields.Orgs
	sits := func(p orgflow.Payload) bool { return slices.Contains(orgflow.RefsIn(p.Fields[orgs]), orgKey(id)) }
	return slices.ContainsFunc(orgflow.RefsIn(p.Fields[u.in.Profile.OrgFields.Leaders]), func(k orgflow.RecordKey) bool {
		t := u.traces[k]
		return t != nil && t.want != nil && sits(*t.want) && (t.now == nil || !sits(u.payload(t.now)))
	})
}
