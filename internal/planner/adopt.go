package planner

import (
	"fmt"
	"slices"

	"orgflow"
)

// adoptOrgs binds departments the consumer has already, top down, so that a
// department is looked for below the one its parent was found to be. Ours is
// known by its key, anybody's by its name under the parent; one that bears
// another system's key, or several, are disputed and nothing is created.
func (b *builder) adoptOrgs(t tree) {
	side := &b.in.Orgs
	if side.Remote == nil {
		return
	}
	b.remoteOrgs = make(map[string]RemoteRecord, len(side.Remote))
	byKey, bySlot := map[string]RemoteRecord{}, map[place][]RemoteRecord{}
	for _, r := range side.Remote {
		b.remoteOrgs[r.ConsumerID] = r
	}
	all := b.remoteOrgs
	b.allRemoteOrgs = make(map[string]RemoteRecord, len(all))
	for id, r := range all {
		b.allRemoteOrgs[id] = r
	}
	b.dropStale(t)
	for _, bd := range b.bound {
		delete(b.remoteOrgs, bd.ConsumerID)
	}
	delete(b.remoteOrgs, b.in.Root.ID)
	for _, r := range side.Remote {
		if _, free := b.remoteOrgs[r.ConsumerID]; !free {
			continue
		}
		if r.Key != "" {
			byKey[r.Key] = r
		}
		names := b.in.Profile.OrgFields
		slot := place{plainText(r.Fields[names.Parent]), normalName(plainText(r.Fields[names.Name]))}
		bySlot[slot] = append(bySlot[slot], r)
	}
	for _, i := range t.order {
		it := b.orgItems[i]
		key := orgKey(it.SourceID)
		if b.bound[key] != nil || it.SourceID == b.root || !b.selected(key) || it.Issue != "" {
			continue
		}
		r, found := byKey[orgflow.EffectKey(b.in.Job.CompanyID, key)]
		if !found {
			if r, found = b.namesake(it, bySlot); !found {
				continue
			}
		}
		delete(b.remoteOrgs, r.ConsumerID)
		bd := &orgflow.Binding{Kind: orgflow.Org, SourceID: it.SourceID, ConsumerID: r.ConsumerID, Scope: b.in.Job.Params.Scope, State: orgflow.BindingActive}
		b.bound[key] = bd
		b.bindAs(bd, b.fromRemote(b.underRoot(it), orgflow.Payload{}, r))
		b.adopted, b.met[key] = append(b.adopted, *bd), true
	}
}

// namesake looks for an unbound department of the same name under the same
// parent.
func (b *builder) namesake(it Item, bySlot map[place][]RemoteRecord) (RemoteRecord, bool) {
	parent := b.in.Root.ID
	if it.ParentID != "" && !b.isRoot(it.ParentID) {
		bd := b.bound[orgKey(it.ParentID)]
		if bd == nil {
			return RemoteRecord{}, false
		}
		parent = bd.ConsumerID
	}
	found := bySlot[place{parent, normalName(plainText(it.Payload.Fields[b.in.Profile.OrgFields.Name]))}]
	found = slices.DeleteFunc(slices.Clone(found), func(r RemoteRecord) bool { _, free := b.remoteOrgs[r.ConsumerID]; return !free })
	var reason string
	switch {
	case len(found) == 0:
		return RemoteRecord{}, false
	case len(found) > 1:
		reason = fmt.Sprintf("the consumer has %d departments of this name under the parent; rename or delete all but one", len(found))
	case found[0].Key != "":
		reason = fmt.Sprintf("department %s at the consumer has this name under the parent and bears another system's key; rename one of the two, or clear that key", found[0].ConsumerID)
	default:
		return found[0], true
	}
	b.hold(orgKey(it.SourceID), nil, orgflow.Disputed, reason)
	return RemoteRecord{}, false
}

// dropStale forgets, in a reconcile run, bindings of departments that were
// deleted at the consumer: those in the source are inserted again.
func (b *builder) dropStale(t tree) {
	if b.in.Job.Params.Mode != orgflow.Reconcile {
		return
	}
	n := 0
	for _, i := range t.order {
		key := orgKey(b.orgItems[i].SourceID)
		bd := b.bound[key]
		if bd == nil || bd.State == orgflow.BindingRoot {
			continue
		}
		if _, there := b.allRemoteOrgs[bd.ConsumerID]; !there && b.selected(key) {
			delete(b.bound, key)
			b.stale[key] = bd.Hash
			n++
		}
	}
	b.noteStale(orgflow.Org, n)
}

func (b *builder) noteStale(kind orgflow.Kind, n int) {
	if n > 0 {
		b.notes = append(b.notes, fmt.Sprintf("%d %s records were deleted at the consumer and are inserted again", n, kind))
	}
}

// bindAs stores a payload as the one the consumer holds.
func (b *builder) bindAs(bd *orgflow.Binding, p orgflow.Payload) {
	if raw, err := p.Encode(); err == nil {
		bd.Payload, bd.Hash = raw, orgflow.Hash(raw)
	}
}

// beforeOrg is what a department's payload is compared with; drifted means
// that the consumer holds something else than it accepted last.
func (b *builder) beforeOrg(it Item, bd *orgflow.Binding, after orgflow.Payload) (before orgflow.Payload, drifted bool) {
	before = b.before(bd)
	r, read := b.allRemoteOrgs[bd.ConsumerID]
	if !read || b.in.Job.Params.Mode != orgflow.Reconcile {
		return before, false
	}
	now := b.fromRemote(after, before, r)
	if len(diff(before, now, nil, false)) == 0 {
		return before, false
	}
	b.here[it.SourceID] = b.placeOf(now, b.here[it.SourceID])
	b.drifted[orgKey(it.SourceID)] = now
	return now, true
}

// remotePlace is where an unmanaged department stands.
func (b *builder) remotePlace(r RemoteRecord) place {
	names := b.in.Profile.OrgFields
	at := place{"=" + plainText(r.Fields[names.Parent]), plainText(r.Fields[names.Name])}
	if at.parent == "="+b.in.Root.ID {
		at.parent = ""
		return at
	}
	if source, known := b.orgOf[at.parent]; known {
		at.parent = source
	}
	return at
}
