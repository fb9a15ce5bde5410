package simtree_test

import (
	"testing"

	"pgregory.net/rapid"

	"orgflow/connectors/simtree"
)

type dept struct {
	id, parent int64
	name       string
}

func (d *dept) Place() (id, parent int64, name string) { return d.id, d.parent, d.name }

// chain is 1 > 2 > 3, and 4 beside 2.
func chain() simtree.Tree[*dept] {
	t := simtree.New(&dept{id: 1, name: "root"})
	t.Put(&dept{2, 1, "a"})
	t.Put(&dept{3, 2, "b"})
	t.Put(&dept{4, 1, "c"})
	return t
}

func TestLevels(t *testing.T) {
	tree := chain()
	for id, want := range map[int64][2]int{1: {1, 3}, 2: {2, 2}, 3: {3, 1}, 4: {2, 1}} {
		if depth, height := tree.Depth(id), tree.Height(id); depth != want[0] || height != want[1] {
			t.Errorf("department %d: depth %d, height %d; want %v", id, depth, height, want)
		}
	}
}

func TestWithin(t *testing.T) {
	tree := chain()
	for _, tc := range []struct {
		id, other int64
		want      bool
	}{
		{3, 3, true}, {3, 2, true}, {3, 1, true}, {1, 1, true}, {3, 4, false}, {1, 3, false}, {2, 3, false},
	} {
		if got := tree.Within(tc.id, tc.other); got != tc.want {
			t.Errorf("%d within %d: %v", tc.id, tc.other, got)
		}
	}
}

func TestANameBelongsToWhoeverHasItNow(t *testing.T) {
	tree := chain()
	tree.Put(&dept{2, 1, "d"}) // renamed: a is free
	tree.Put(&dept{4, 1, "a"})
	tree.Put(&dept{2, 4, "d"}) // moved
	if got := tree.Kids[1]; len(got) != 1 || got["a"] != 4 {
		t.Errorf("below the root: %v", got)
	}
	if tree.Kids[4]["d"] != 2 || !tree.Within(3, 4) {
		t.Errorf("below 4: %v, 3 is not there", tree.Kids[4])
	}
	tree.Drop(3)
	tree.Drop(3)
	if tree.Depts[3] != nil || len(tree.Kids[2]) != 0 || tree.Height(2) != 1 {
		t.Errorf("3 is still there: %v", tree.Kids)
	}
}

func TestTwoSwapTheirNames(t *testing.T) {
	tree := chain()
	tree.Put(&dept{2, 1, "c"})
	tree.Put(&dept{4, 1, "a"})
	if got := tree.Kids[1]; len(got) != 2 || got["c"] != 2 || got["a"] != 4 {
		t.Errorf("below the root: %v", got)
	}
}

// Whatever was put, moved, renamed and dropped: who is listed below a
// department names it as the parent.
func TestKidsAreThoseThatNameTheirParent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := simtree.New(&dept{id: 1})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			id := rapid.Int64Range(2, 6).Draw(t, "id")
			parent := rapid.SampledFrom([]int64{1, 2, 3}).Draw(t, "parent")
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
			taken := tree.Kids[parent][name]
			switch {
			case rapid.Bool().Draw(t, "drop"):
				tree.Drop(id)
			case taken == 0 || taken == id:
				tree.Put(&dept{id, parent, name})
			}
		}
		for parent, kids := range tree.Kids {
			for name, id := range kids {
				if d := tree.Depts[id]; d == nil || d.parent != parent || d.name != name {
					t.Fatalf("%d is listed below %d as %s, and is %+v", id, parent, name, d)
				}
			}
		}
	})
}
