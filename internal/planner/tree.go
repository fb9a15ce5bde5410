package planner

import (
	"fmt"
	"slices"
	"strings"
)

// tree is the desired department tree, parents before children.
type tree struct {
	order  []int          // indexes into the records, roots first, level by level
	level  map[string]int // by source id, roots are 0
	roots  []string
	broken map[string]string // records outside the tree, and why
}

// growTree orders records root first without recursion, so that no depth
// exhausts the stack. Records whose parent is unknown and records on or
// below a cycle are broken; known tells whether a parent outside the read
// may be built on.
func growTree(items []Item, known func(id string) bool) tree {
	t := tree{level: make(map[string]int, len(items)), broken: map[string]string{}}
	index := make(map[string]int, len(items))
	for i, it := range items {
		index[it.SourceID] = i
	}
	children := make(map[string][]int, len(items))
	var queue []int
	for i, it := range items {
		_, inRead := index[it.ParentID]
		switch {
		case it.ParentID == "":
			t.roots = append(t.roots, it.SourceID)
			queue = append(queue, i)
		case inRead:
			children[it.ParentID] = append(children[it.ParentID], i)
		case known(it.ParentID):
			queue = append(queue, i)
		default:
			t.broken[it.SourceID] = fmt.Sprintf("parent department %s is not in the source", it.ParentID)
			queue = append(queue, i)
		}
	}
	for head := 0; head < len(queue); head++ {
		it := items[queue[head]]
		if cause, bad := t.broken[it.SourceID]; bad {
			for _, c := range children[it.SourceID] {
				t.broken[items[c].SourceID] = fmt.Sprintf("below department %s: %s", it.SourceID, cause)
			}
		} else {
			t.order = append(t.order, queue[head])
		}
		for _, c := range children[it.SourceID] {
			t.level[items[c].SourceID] = t.level[it.SourceID] + 1
			queue = append(queue, c)
		}
	}
	if len(queue) < len(items) {
		t.markCycles(items, index)
	}
	return t
}

// markCycles finds what no root reaches: members of a cycle and what hangs
// below them. Each walk up the parents ends at a record seen before, so the
// whole costs one visit per record.
func (t *tree) markCycles(items []Item, index map[string]int) {
	const onPath, settled = 1, 2
	state := make(map[string]int8, len(items))
	for _, it := range items {
		if _, bad := t.broken[it.SourceID]; bad || slices.Contains(t.roots, it.SourceID) {
			state[it.SourceID] = settled
		}
	}
	for _, i := range t.order {
		state[items[i].SourceID] = settled
	}
	for _, it := range items {
		var path []string
		id := it.SourceID
		for state[id] == 0 {
			state[id] = onPath
			path = append(path, id)
			id = items[index[id]].ParentID
		}
		if state[id] == onPath {
			at := slices.Index(path, id)
			cycle := strings.Join(append(slices.Clone(path[at:]), id), " → ")
			for _, member := range path[at:] {
				t.broken[member] = "parent departments form a cycle: " + cycle
			}
		}
		for k := len(path) - 1; k >= 0; k-- {
			if _, bad := t.broken[path[k]]; !bad {
				parent := items[index[path[k]]].ParentID
				t.broken[path[k]] = fmt.Sprintf("below department %s: %s", parent, t.broken[parent])
			}
			state[path[k]] = settled
		}
	}
}
