package planner

import (
	"orgflow"
)

// draft is a change whose id and wave are not known yet: a node of the graph.
type draft struct {
	orgflow.Change
	phase int // canonical phase, see the phase constants
	rank  int // order inside a wave: tree level
	pos   int // order inside a wave: source order
	in    []edge
	cause string // root cause of a state other than planned
	// unit is the other half of a recreate: neither goes without the other.
	unit *draft
	// serves is the change a temporary one is made for: without it there is
	// nothing that would undo the temporary one.
	serves *draft

	to     place // where an insert or update puts a department
	places bool  // it changes name or parent

	index, eff, level int // of the last layering
}

// open tells whether a change runs, now or once it is approved.
func (d *draft) open() bool { return d.State == orgflow.Planned || d.State == orgflow.Parked }

// runs tells whether a change runs without being asked.
func (d *draft) runs() bool { return d.State == orgflow.Planned }

// serve makes d a temporary change for another one.
func (d *draft) serve(other *draft) {
	d.Aspect, d.serves = orgflow.AspectTemporary, other
	d.State, d.cause = other.State, other.cause
}

// edge says that from has to be over before its owner.
type edge struct {
	from  *draft
	kind  edgeKind
	field string // of a released value
}

// edgeKind says why, and so what can be done if edges form a circle.
type edgeKind uint8

const (
	needs        edgeKind = iota // from must have succeeded
	follows                      // from must be over, whatever came of it
	helps                        // like needs, as long as it causes no circle
	freesName                    // from gives up the name its owner takes
	freesValue                   // from gives up a unique value its owner takes
	bringsLeader                 // from inserts the manager its owner names
)

// binds tells whether the owner cannot go when from did not.
func (k edgeKind) binds() bool { return k == needs || k == helps || k == freesName || k == freesValue }

// require adds an edge; a draft never waits for itself.
func (d *draft) require(from *draft, kind edgeKind, field string) {
	if from != nil && from != d {
		d.in = append(d.in, edge{from, kind, field})
	}
}

// Phases in canonical order (spec § 3.4). References come when the people
// they name exist, and before anybody is deleted.
const (
	phaseOrgInsert = iota
	phaseOrgUpdate
	phaseRecreateDelete
	phasePersonInsert
	phasePersonUpdate
	phaseReferences
	phasePersonDelete
	phaseOrgDelete
)

// updateAfterInsert is the distance of the update phase of a kind from its
// insert phase; both kinds have the same.
func updateAfterInsert(orgflow.Kind) int { return phaseOrgUpdate - phaseOrgInsert }

// circles returns the groups of drafts that wait for each other.
func circles(drafts []*draft) [][]*draft {
	for i, d := range drafts {
		d.index = i
	}
	t := tarjan{drafts: drafts, low: make([]int, len(drafts)), num: make([]int, len(drafts)), open: make([]bool, len(drafts))}
	for start := range drafts {
		if t.num[start] == 0 {
			t.search(start)
		}
	}
	return t.found
}

// tarjan finds strongly connected components without recursion, so that no
// chain exhausts the stack.
type tarjan struct {
	drafts   []*draft
	low, num []int // num 0 is not seen yet
	open     []bool
	stack    []int
	clock    int
	found    [][]*draft
}

func (t *tarjan) enter(n int) {
	t.clock++
	t.num[n], t.low[n], t.open[n] = t.clock, t.clock, true
	t.stack = append(t.stack, n)
}

func (t *tarjan) search(start int) {
	type frame struct{ node, next int }
	t.enter(start)
	path := []frame{{node: start}}
	for len(path) > 0 {
		f := &path[len(path)-1]
		if in := t.drafts[f.node].in; f.next < len(in) {
			to := in[f.next].from.index
			f.next++
			if t.num[to] == 0 {
				t.enter(to)
				path = append(path, frame{node: to})
			} else if t.open[to] {
				t.low[f.node] = min(t.low[f.node], t.num[to])
			}
			continue
		}
		node := f.node
		if path = path[:len(path)-1]; len(path) > 0 {
			up := path[len(path)-1].node
			t.low[up] = min(t.low[up], t.low[node])
		}
		if t.low[node] == t.num[node] {
			t.leave(node)
		}
	}
}

// leave closes the component whose first node is given.
func (t *tarjan) leave(node int) {
	var group []*draft
	for {
		n := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.open[n] = false
		group = append(group, t.drafts[n])
		if n == node {
			break
		}
	}
	if len(group) > 1 {
		t.found = append(t.found, group)
	}
}

// topological returns the drafts so that each comes after all it waits for.
// The graph has no circles any more.
func topological(drafts []*draft) []*draft {
	waits := make([]int, len(drafts))
	followers := make([][]int, len(drafts))
	for i, d := range drafts {
		d.index = i
	}
	for i, d := range drafts {
		waits[i] = len(d.in)
		for _, e := range d.in {
			followers[e.from.index] = append(followers[e.from.index], i)
		}
	}
	out := make([]*draft, 0, len(drafts))
	for i := range drafts {
		if waits[i] == 0 {
			out = append(out, drafts[i])
		}
	}
	for head := 0; head < len(out); head++ {
		for _, f := range followers[out[head].index] {
			if waits[f]--; waits[f] == 0 {
				out = append(out, drafts[f])
			}
		}
	}
	return out
}
