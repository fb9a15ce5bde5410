package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// temporaryName is legal for the consumer and unlike any other name: the
// name, cut where needed, the run's token and a number.
func (b *builder) temporaryName(name string) string {
	b.tempNames++
	token := strings.Map(func(r rune) rune {
		if strings.ContainsRune(b.in.Profile.OrgNameForbidden, r) {
			return -1
		}
		return r
	}, b.in.RunToken)
	if token == "" {
		token = "tmp"
	}
	sep := ""
	for _, s := range []string{"~", "_", "."} {
		if !strings.Contains(b.in.Profile.OrgNameForbidden, s) {
			sep = s
			break
		}
	}
	tail := []rune(fmt.Sprintf("%s%s%s%d", sep, token, sep, b.tempNames))
	keep := []rune(strings.TrimSpace(name))
	if limit := b.in.Profile.OrgNameMax; limit > 0 {
		tail = tail[max(0, len(tail)-limit):]
		keep = keep[:min(len(keep), limit-len(tail))]
	}
	return string(keep) + string(tail)
}

// hopName drafts a temporary name for a department, so that its own is free
// for another. Nil if the department cannot be renamed.
func (b *builder) hopName(d *draft) *draft {
	bd := b.bound[d.Key()]
	if bd == nil || !d.open() || !b.in.Orgs.allows(orgflow.Update) {
		return nil
	}
	field, was := b.in.Profile.OrgFields.Name, b.here[d.SourceID]
	temp := b.temporaryName(was.name)
	hop := b.add(&draft{
		phase: phaseOrgUpdate, rank: d.rank, pos: d.pos, places: true, to: place{was.parent, temp},
		Change: change(d.Key(), orgflow.Update, bd.ConsumerID, with(b.before(bd), field, temp)),
	})
	hop.serve(d)
	hop.Fields = map[string]orgflow.Diff{field: {Before: was.name, After: temp}}
	hop.Reason = "a temporary name, because another department takes the name before this one can give it up"
	d.restore(field, temp, d.to.name)
	b.hops[d] = hop
	return hop
}

// restore makes an update send a field that a temporary change has set.
func (d *draft) restore(field string, temp, value any) {
	if _, listed := d.Fields[field]; d.Op == orgflow.Update && !listed {
		d.Fields[field] = orgflow.Diff{Before: temp, After: value}
	}
}

// relocate makes room under a parent that is full: a department that leaves
// it, but waits for d itself, stands under another one for a while. It tells
// whether there is such a department and such a place.
func (b *builder) relocate(w *world, d *draft) bool {
	for _, id := range slices.Sorted(maps.Keys(b.here)) {
		other := b.orgDraft[id]
		if other == nil || other == d || b.here[id].parent != d.to.parent || !other.open() || d.runs() && !other.runs() || b.relocated[other] {
			continue
		}
		if other.Op == orgflow.Update && (!other.places || other.to.parent == d.to.parent) || !b.in.Orgs.allows(orgflow.Update) {
			continue
		}
		refuge, found := b.refuge(w, id, d.to.parent)
		if !found {
			continue
		}
		b.relocated[other] = true
		hop := b.hops[other]
		if hop == nil {
			if hop = b.hopName(other); hop == nil {
				continue
			}
			other.require(hop, needs, "")
		}
		b.moveHop(hop, other, refuge)
		d.require(hop, needs, "")
		return true
	}
	return false
}

// moveHop makes a temporary rename a temporary move as well.
func (b *builder) moveHop(hop, d *draft, refuge string) {
	field := b.in.Profile.OrgFields.Parent
	parent := orgflow.Ref(orgflow.Org, refuge)
	if refuge == "" {
		parent = b.in.Root.ID
	}
	p := with(b.before(b.bound[d.Key()]), b.in.Profile.OrgFields.Name, hop.to.name)
	hop.Fields[field] = orgflow.Diff{Before: orgflow.ShowValue(p.Fields[field]), After: orgflow.ShowValue(parent)}
	hop.Reason = "a temporary place, because the parent is full and another department takes the place before this one can leave it"
	hop.to.parent = refuge
	hop.put(with(p, field, parent))
	if after, err := orgflow.DecodePayload(d.Payload); err == nil && d.Op == orgflow.Update {
		d.restore(field, orgflow.ShowValue(parent), orgflow.ShowValue(after.Fields[field]))
	}
}

// refuge finds a department with room for another one and all below it.
func (b *builder) refuge(w *world, id, full string) (string, bool) {
	p := b.in.Profile
	quiet := w.scene(nil, nil)
	for _, place := range append([]string{""}, slices.Sorted(maps.Keys(b.here))...) {
		d := b.orgDraft[place]
		switch {
		case place == full, place == id, b.below(place, id, b.hereParent), d != nil && (d.Op == orgflow.Delete || d.places):
			continue
		case len(w.kids[place])+1 >= p.ChildrenMax:
			continue
		}
		if p.DepthMax == 0 || levels(quiet.above, place, p.DepthMax, quiet.upward)+levels(quiet.below, id, p.DepthMax, quiet.downward) <= p.DepthMax {
			return place, true
		}
	}
	return "", false
}
