package planner

import (
	"fmt"
	"maps"
	"slices"

	"orgflow"
)

// tryTree runs the planned department changes, wave by wave, on a model of
// the consumer's tree. The changes of a wave may come in any order, so that
// each is judged against everything the others of its wave may or may not
// have done yet. The first wave that breaks a rule is corrected, and the
// answer is false.
func (b *builder) tryTree() bool {
	w := b.newWorld()
	// What is parked runs after everything else.
	return b.tryWaves(w, (*draft).runs) && b.tryWaves(w, func(d *draft) bool { return d.State == orgflow.Parked })
}

func (b *builder) tryWaves(w *world, admit func(*draft) bool) bool {
	for wave := range b.waves {
		s := w.scene(wave, admit)
		sound := b.judge(s, b.tryLoop) && b.judge(s, b.tryMove)
		if !sound {
			return false
		}
		s.play()
	}
	return true
}

// judge looks at the changes of a wave and corrects those in a loop, or the
// first that breaks another rule: the next may not need it any more.
func (b *builder) judge(s *scene, try func(*scene, *draft) violation) bool {
	sound := true
	for _, d := range s.moves {
		v := try(s, d)
		if v.problem == "" {
			continue
		}
		sound = false
		if b.correct(s, d, v); v.rule != ruleLoop {
			break
		}
	}
	return sound
}

// tryLoop tells whether a move may put a department below itself.
func (b *builder) tryLoop(s *scene, d *draft) violation {
	if _, moves := s.parents[d.SourceID]; moves && s.isAbove(d.to.parent, d.SourceID) {
		return violation{problem: "its new parent stands below it then", rule: ruleLoop}
	}
	return violation{}
}

// violation is a rule a change may break.
type violation struct {
	problem string // empty for none
	rule    rule
	excess  int // sub-departments too many
}

type rule uint8

const (
	ruleOther rule = iota
	ruleLoop
	ruleDepth
	ruleChildren
)

// tryMove tells which rule one change of a wave may break.
func (b *builder) tryMove(s *scene, d *draft) violation {
	p, w := b.in.Profile, s.world
	if d.Op == orgflow.Delete {
		if len(w.kids[d.SourceID]) > 0 {
			return violation{problem: "still has sub-departments when it is deleted"}
		}
		return violation{}
	}
	if _, known := w.at[d.to.parent]; !known && d.to.parent != "" && d.to.parent[0] != '=' {
		return violation{problem: fmt.Sprintf("its parent department %s does not exist then", d.to.parent)}
	}
	if holder, taken := w.name[d.to.slot()]; p.SiblingNamesUnique && (taken && holder != d.SourceID || s.names[d.to.slot()] > 1) {
		return violation{problem: "its name is taken under the parent then"}
	}
	if _, moves := s.parents[d.SourceID]; !moves {
		return violation{}
	}
	if n := len(w.kids[d.to.parent]) + len(s.arriving[d.to.parent]); p.ChildrenMax > 0 && n > p.ChildrenMax {
		problem := fmt.Sprintf("its parent has %d sub-departments then, the consumer allows %d", n, p.ChildrenMax)
		return violation{problem, ruleChildren, n - p.ChildrenMax}
	}
	if p.DepthMax > 0 {
		depth := levels(s.above, d.to.parent, p.DepthMax, s.upward) + levels(s.below, d.SourceID, p.DepthMax, s.downward)
		if depth > p.DepthMax { // the root is one of the levels above
			return violation{problem: fmt.Sprintf("reaches level %d then, the consumer allows %d", depth, p.DepthMax), rule: ruleDepth}
		}
	}
	return violation{}
}

// correct lets a change that breaks a rule wait for those that may help, at
// its second failure for everything else of its wave. Where that was no help
// either, the change is held.
func (b *builder) correct(s *scene, d *draft, v violation) {
	b.strikes[strike{d, v.rule}]++
	switch n := b.strikes[strike{d, v.rule}]; {
	case n == 3 && v.rule == ruleChildren && b.relocate(s.world, d):
	case n > 2 || v.rule == ruleOther:
		b.giveUp(d, orgflow.Held, v.problem+"; move it in two steps in the source")
	case n == 2:
		for _, other := range s.moves {
			if other != d && !waits(other, d) {
				d.require(other, helps, "")
			}
		}
	case v.rule == ruleLoop && b.rounds < singly:
		b.fromTheTop(s.world, d, needs)
	case v.rule == ruleLoop:
		b.allFromTheTop(s.world)
	case v.rule == ruleChildren:
		b.afterLeavers(d, v.excess, func(id string, other *draft) bool { return b.here[id].parent == d.to.parent })
	case v.rule == ruleDepth:
		b.fromTheTop(s.world, d, helps)
		b.afterLeavers(d, len(b.here), func(id string, other *draft) bool { return b.leavesBelow(id, other, d.SourceID) })
	}
}

// leavesBelow tells whether a change takes a department away from below another.
func (b *builder) leavesBelow(id string, change *draft, above string) bool {
	return b.below(id, above, b.hereParent) && (change.Op == orgflow.Delete || !b.below(id, above, b.thereParent))
}

// singly is how many rounds moves are corrected one by one; a reorganisation
// that needs more is ordered as a whole.
const singly = 8

// allFromTheTop orders every move by the tree that shall be.
func (b *builder) allFromTheTop(w *world) {
	for _, id := range slices.Sorted(maps.Keys(b.orgDraft)) {
		d := b.orgDraft[id]
		if !d.open() || !d.places || d.to.parent == b.here[id].parent {
			continue
		}
		if n := b.strikes[strike{d, ruleLoop}]; n == 0 {
			b.strikes[strike{d, ruleLoop}]++
			b.fromTheTop(w, d, needs)
		}
	}
}

// strike is a rule a change was found to break.
type strike struct {
	d    *draft
	rule rule
}

// fromTheTop lets a move wait for the moves of all departments that shall
// stand above it: then its way to the root is final, and it is not on it.
func (b *builder) fromTheTop(w *world, d *draft, kind edgeKind) {
	for id, steps := d.to.parent, 0; id != "" && steps <= len(b.there)+len(b.here); steps++ {
		if above := b.orgDraft[id]; above != nil && above.places && above.to.parent != b.here[id].parent {
			d.require(above, kind, "")
		}
		if to, moves := b.there[id]; moves {
			id = to.parent
		} else {
			id = w.at[id].parent
		}
	}
}

// afterLeavers lets a change wait for up to n departments that leave a place,
// moves before deletes, but for none that waits for it.
func (b *builder) afterLeavers(d *draft, n int, of func(string, *draft) bool) {
	for _, op := range []orgflow.Op{orgflow.Update, orgflow.Delete} {
		for _, id := range slices.Sorted(maps.Keys(b.here)) {
			other := b.orgDraft[id]
			if n <= 0 {
				return
			}
			if other == nil || other == d || other.Op != op || !other.open() || d.runs() && !other.runs() || !of(id, other) {
				continue
			}
			if other.Op == orgflow.Update && (!other.places || other.to.parent == b.here[id].parent) || waits(other, d) {
				continue
			}
			d.require(other, helps, "")
			n--
		}
	}
}

// waits tells whether a draft waits for another, however indirectly.
func waits(d, on *draft) bool {
	seen := map[*draft]bool{d: true}
	for queue := []*draft{d}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == on {
			return true
		}
		for _, e := range queue[0].in {
			if !seen[e.from] {
				seen[e.from] = true
				queue = append(queue, e.from)
			}
		}
	}
	return false
}

// below tells whether a department stands below another.
func (b *builder) below(id, top string, parent func(string) string) bool {
	for steps := 0; id != "" && steps <= len(b.here)+len(b.there); steps++ {
		if id = parent(id); id == top {
			return true
		}
	}
	return false
}

func (b *builder) hereParent(id string) string { return b.here[id].parent }

func (b *builder) thereParent(id string) string {
	if d := b.orgDraft[id]; d != nil && d.places && d.Op != orgflow.Delete {
		return d.to.parent
	}
	return b.here[id].parent
}
