package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// linkOrgs says which department changes have to be over before which.
func (b *builder) linkOrgs() {
	holder := b.slotHolders()
	for _, id := range slices.Sorted(maps.Keys(b.orgDraft)) {
		d := b.orgDraft[id]
		if d.Op == orgflow.Delete || d.State == orgflow.Held || d.State == orgflow.Disputed {
			continue
		}
		d.require(b.planned[orgKey(d.to.parent)], needs, "")
		if !d.places || !b.in.Profile.SiblingNamesUnique {
			continue
		}
		other, taken := holder[d.to.slot()]
		if !taken || other == id {
			continue
		}
		if by := b.orgDraft[other]; by != nil && b.leavesSlot(by, d.to.slot()) {
			d.require(by, freesName, "")
			continue
		}
		b.stop(d, orgflow.Held, fmt.Sprintf("its name is taken by department %s, which stays where it is", strings.TrimPrefix(other, "=")))
	}
	b.linkOrgDeletes()
}

// linkOrgDeletes lets what leaves a department, or goes with it, go first.
func (b *builder) linkOrgDeletes() {
	for _, id := range slices.Sorted(maps.Keys(b.here)) {
		at := b.here[id]
		above := b.orgDraft[at.parent]
		if above == nil || above.Op != orgflow.Delete {
			continue
		}
		d := b.orgDraft[id]
		if d == nil || d.Op == orgflow.Update && d.State == orgflow.Planned && d.to.parent == at.parent {
			b.stop(above, orgflow.Held, fmt.Sprintf("department %s below it stays", id))
			continue
		}
		above.require(d, needs, "")
	}
}

// slotHolders says who has a name under a parent now.
func (b *builder) slotHolders() map[place]string {
	holder := make(map[place]string, len(b.here))
	for _, r := range b.remoteOrgs {
		holder[b.remotePlace(r).slot()] = "=" + r.ConsumerID
	}
	for id, at := range b.here {
		if at.name != "" {
			holder[at.slot()] = id
		}
	}
	return holder
}

// leavesSlot tells whether a change gives a name up, or would if it were not
// held.
func (b *builder) leavesSlot(d *draft, slot place) bool {
	return d.Op == orgflow.Delete || d.State == orgflow.Held || d.State == orgflow.Disputed || d.places && d.to.slot() != slot
}
