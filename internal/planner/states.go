package planner

import (
	"fmt"

	"orgflow"
)

// settle makes an order exist: circles are cut, what is out of the run is
// passed on to what waits for it, and the department moves are tried on a
// model of the consumer's tree until none breaks a rule at any point.
func (b *builder) settle() {
	const patience = 300 // rounds; each one corrects or holds at least one change
	for b.rounds = range patience {
		b.cutCircles()
		b.propagate()
		b.layer()
		if b.tryTree() {
			return
		}
	}
	b.cutCircles()
	b.propagate()
}

// propagate passes states on: what waits for a parked change is parked with
// it, what waits for one that is held, disputed or given to a person is
// blocked. The halves of a recreate share their state. Nothing of it costs a
// call.
func (b *builder) propagate() {
	followers := map[*draft][]*draft{}
	var queue []*draft
	for _, d := range b.drafts {
		for _, e := range d.in {
			if e.kind.binds() {
				followers[e.from] = append(followers[e.from], d)
			}
		}
		if d.unit != nil {
			followers[d.unit] = append(followers[d.unit], d)
		}
		if d.serves != nil {
			followers[d.serves] = append(followers[d.serves], d)
		}
		if d.State != orgflow.Planned {
			queue = append(queue, d)
		}
	}
	for head := 0; head < len(queue); head++ {
		from := queue[head]
		for _, d := range followers[from] {
			if inherit(d, from) {
				queue = append(queue, d)
			}
		}
	}
}

// inherit gives d the state that follows from that of a change it needs, and
// tells whether it is another than before.
func inherit(d, from *draft) bool {
	state := orgflow.Blocked
	switch from.State {
	case orgflow.Parked, orgflow.PendingInvite:
		state = from.State
	case orgflow.Planned, orgflow.Done, orgflow.Skipped:
		return false
	default: // it will not be done, so d is blocked
	}
	if d.State != orgflow.Planned && (d.State != orgflow.Parked || state == orgflow.Parked) {
		return false
	}
	cause := from.cause
	if cause == "" {
		cause = from.Reason
	}
	d.State, d.cause = state, cause
	d.Reason = fmt.Sprintf("%s; waits for the %s of %s, which is %s: %s", d.Reason, from.Op, from.Key(), from.State, cause)
	return true
}

// cutCircles breaks every group of changes that wait for each other, one
// edge of each group at a time, until there is none.
func (b *builder) cutCircles() {
	for {
		groups := circles(b.drafts)
		if len(groups) == 0 {
			return
		}
		for _, group := range groups {
			b.cut(group)
		}
	}
}

// cut takes the cheapest edge out of a circle: a manager is set later, a
// name or value is given up for a while. Where the consumer allows none of
// it, one change of the circle is left to a person.
func (b *builder) cut(group []*draft) {
	inside := make(map[*draft]bool, len(group))
	for _, d := range group {
		inside[d] = true
	}
	if inheritInside(group, inside) {
		return
	}
	for _, kind := range []edgeKind{bringsLeader, freesName, freesValue, helps} {
		for _, d := range group {
			for i, e := range d.in {
				if e.kind == kind && inside[e.from] && b.release(d, i) {
					return
				}
			}
		}
	}
	for _, d := range group {
		for _, e := range d.in {
			if e.kind == freesValue && inside[e.from] {
				b.giveUp(d, orgflow.NeedsHuman, fmt.Sprintf("%s is exchanged in a circle, and the consumer cannot be without it for a while; change one of them at the consumer by hand", e.field))
				return
			}
		}
	}
	b.giveUp(group[0], orgflow.Held, "no order of this and the changes it depends on keeps the consumer's rules; make it in two steps in the source")
}

// inheritInside takes one change out of a circle that waits for a change
// which is not done, and tells whether there was one.
func inheritInside(group []*draft, inside map[*draft]bool) bool {
	for _, d := range group {
		for _, e := range d.in {
			if inside[e.from] && e.kind.binds() && !e.from.open() {
				inherit(d, e.from)
				d.in = nil // it goes nowhere, and so waits for nobody
				return true
			}
		}
	}
	return false
}

func (b *builder) giveUp(d *draft, state orgflow.State, reason string) {
	b.stop(d, state, reason)
	d.in = nil
}

// release replaces edge i of d by a temporary change that frees the name or
// value early, or sets the manager later.
func (b *builder) release(d *draft, i int) bool {
	e := d.in[i]
	if e.kind == bringsLeader || e.kind == helps {
		d.in = append(d.in[:i:i], d.in[i+1:]...)
		if e.kind == bringsLeader {
			b.managerLater(d, e.from)
		}
		return true
	}
	hop := b.hops[e.from]
	if hop == nil {
		if e.kind == freesName {
			hop = b.hopName(e.from)
		} else {
			hop = b.hopValue(e.from, e.field)
		}
		if hop == nil {
			return false
		}
		e.from.require(hop, needs, "")
	} else if e.kind == freesValue && !b.widenHop(hop, e.from, e.field) {
		return false
	}
	d.in[i].from = hop
	return true
}
