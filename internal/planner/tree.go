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
// exhausts the stack. Records whose parent is unknown, that occur twice, or
// that stand on or below a cycle are broken, and so is all below them; known
// tells whether a parent outside the read may be built on.
func growTree(items []Item, known func(id string) bool) tree {
	t := tree{level: make(map[string]int, len(items)), broken: map[string]string{}}
	index := make(map[string]int, len(items))
	copies := map[string]int{}
	for i, it := range items {
		if _, twice := index[it.SourceID]; twice {
			copies[it.SourceID]++
			continue
		}
		index[it.SourceID] = i
	}
	children := make(map[string][]int, len(items))
	var queue []int
	for i, it := range items {
		if index[it.SourceID] != i {
			continue
		}
		_, inRead := index[it.ParentID]
		switch {
		case copies[it.SourceID] > 0:
			t.broken[it.SourceID] = fmt.Sprintf("the source has this id %d times", copies[it.SourceID]+1)
			queue = append(queue, i)
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
	t.walk(items, children, queue)
	if reached := len(t.order) + len(t.broken); reached < len(index) {
		t.markCycles(items, index)
	}
	return t
}

// walk goes down from the tops. Below a broken record everything is broken,
// with the top of it as the cause.
func (t *tree) walk(items []Item, children map[string][]int, queue []int) {
	top := map[string]string{}
	for head := 0; head < len(queue); head++ {
		it := items[queue[head]]
		cause, bad := t.broken[it.SourceID]
		if !bad {
			t.order = append(t.order, queue[head])
		} else if top[it.SourceID] == "" {
			top[it.SourceID] = it.SourceID
		}
		for _, c := range children[it.SourceID] {
			child := items[c].SourceID
			if bad {
				top[child] = top[it.SourceID]
				if top[it.SourceID] == it.SourceID {
					t.broken[child] = fmt.Sprintf("below department %s: %s", it.SourceID, cause)
				} else {
					t.broken[child] = cause // names the top already
				}
			}
			t.level[child] = t.level[it.SourceID] + 1
			queue = append(queue, c)
		}
	}
}

// markCycles finds what no root reaches: members of a cycle and what hangs
// below them. Each walk up the parents ends at a record seen before, so the
// whole costs one visit per record.
func (t *tree) markCycles(items []Item, index map[string]int) {
	const onPath, settled = 1, 2
	state := make(map[string]int8, len(items))
	for id := range t.broken {
		state[id] = settled
	}
	for _, i := range t.order {
		state[items[i].SourceID] = settled
	}
	onCycle := map[string]bool{}
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
			cause := "parent departments form a cycle: " + showCycle(path[at:])
			for _, member := range path[at:] {
				t.broken[member], onCycle[member] = cause, true
			}
		}
		for _, id := range slices.Backward(path) {
			if _, bad := t.broken[id]; !bad {
				parent := items[index[id]].ParentID
				if t.broken[id] = t.broken[parent]; onCycle[parent] {
					t.broken[id] = fmt.Sprintf("below department %s: %s", parent, t.broken[parent])
				}
			}
			state[id] = settled
		}
	}
}

// showCycle writes a cycle as "2 → 3 → 2", a long one shortened.
func showCycle(ids []string) string {
	const shown = 12
	if len(ids) <= shown {
		return strings.Join(append(slices.Clone(ids), ids[0]), " → ")
	}
	return fmt.Sprintf("%s → … → %s (%d departments)", strings.Join(ids[:shown], " → "), ids[0], len(ids))
}
