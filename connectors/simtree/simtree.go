// Package simtree is the tree of departments that a simulator holds, with
// what its rules ask of it: names under a parent, levels, what lies below
// what. Which rules there are is each simulator's own.
package simtree

// Node is a department.
type Node interface {
	comparable
	// Place is its id, its parent's, and its name there.
	Place() (id, parent int64, name string)
}

// Tree holds departments by id. Nodes are never modified, only replaced by
// Put: a reader may keep them after the simulator's lock is gone.
type Tree[N Node] struct {
	// Depts are the departments; Kids their children by parent and name. Both
	// are for reading.
	Depts map[int64]N
	Kids  map[int64]map[string]int64

	root int64
}

// New returns a tree with its root.
func New[N Node](root N) Tree[N] {
	id, _, _ := root.Place()
	t := Tree[N]{Depts: map[int64]N{}, Kids: map[int64]map[string]int64{}, root: id}
	t.Put(root)
	return t
}

// Put adds a department, or replaces the one with its id.
func (t *Tree[N]) Put(n N) {
	id, parent, name := n.Place()
	t.unlink(id)
	t.Depts[id] = n
	if id == t.root {
		return
	}
	if t.Kids[parent] == nil {
		t.Kids[parent] = map[string]int64{}
	}
	t.Kids[parent][name] = id
}

// Drop removes a department; those below it are left hanging.
func (t *Tree[N]) Drop(id int64) {
	if _, there := t.Depts[id]; !there {
		return
	}
	t.unlink(id)
	delete(t.Depts, id)
	delete(t.Kids, id)
}

func (t *Tree[N]) unlink(id int64) {
	old, there := t.Depts[id]
	if !there {
		return
	}
	_, parent, name := old.Place()
	if kids := t.Kids[parent]; kids[name] == id {
		delete(kids, name)
	}
}

// above is a department's parent; the root's is none.
func (t *Tree[N]) above(id int64) (parent int64, there bool) {
	n, there := t.Depts[id]
	if !there || id == t.root {
		return 0, false
	}
	_, parent, _ = n.Place()
	return parent, true
}

// Depth is a department's level; the root's is 1.
func (t *Tree[N]) Depth(id int64) int {
	levels := 1
	for up, there := t.above(id); there; up, there = t.above(up) {
		levels++
	}
	return levels
}

// Height is the number of levels of a department's subtree, itself included.
func (t *Tree[N]) Height(id int64) int {
	h := 0
	for _, kid := range t.Kids[id] {
		h = max(h, t.Height(kid))
	}
	return h + 1
}

// Within tells whether a department is another or lies below it.
func (t *Tree[N]) Within(id, other int64) bool {
	for there := true; there; id, there = t.above(id) {
		if id == other {
			return true
		}
	}
	return false
}
