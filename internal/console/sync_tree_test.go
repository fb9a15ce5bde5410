package console

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/api"
)

// Whatever parents departments name, themselves and each other included, each
// of them is shown exactly once, or is behind one link, and everybody is
// counted once.
func TestATreeLosesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tree api.PlanTree
		people := 0
		n := rapid.IntRange(0, 400).Draw(t, "departments")
		for i := range n {
			d := api.PlanDepartment{SourceID: fmt.Sprint(i)}
			if rapid.Bool().Draw(t, "has a parent") {
				d.ParentID = fmt.Sprint(rapid.IntRange(0, n+3).Draw(t, "parent"))
			}
			for range rapid.IntRange(0, 2).Draw(t, "people") {
				d.People = append(d.People, api.PlanLine{Op: orgflow.Insert})
				people++
			}
			tree.Departments = append(tree.Departments, d)
		}
		f := grow(tree, "/sync/x", orgflow.Target{})
		if shown := seen(t, f.roots); len(shown) != n {
			t.Fatalf("%d of %d departments", len(shown), n)
		}
		counted := 0
		for _, root := range f.roots {
			counted += root.Insert
		}
		if counted != people {
			t.Fatalf("%d people are counted, there are %d", counted, people)
		}
		for _, b := range f.at {
			f.above(b) // ends, whatever the circle
		}
		prune(f.roots)
		if shown := seen(t, f.roots); len(shown) > max(treeLength, len(f.roots)) {
			t.Fatalf("%d departments on a page", len(shown))
		}
	})
}

// seen are the departments of branches; one that is met twice is a circle.
func seen(t *rapid.T, level []*branch) map[*branch]bool {
	out := map[*branch]bool{}
	for len(level) > 0 {
		var next []*branch
		for _, b := range level {
			if out[b] {
				t.Fatalf("department %s is shown twice", b.SourceID)
			}
			out[b] = true
			next = append(next, b.Children...)
		}
		level = next
	}
	return out
}
