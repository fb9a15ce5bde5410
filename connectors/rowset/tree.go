package rowset

import "slices"

// TreeModel is the model whose rows say what child_include includes.
const TreeModel = "Organization"

// Tree is who stands below whom.
type Tree struct{ children map[string][]string }

// NewTree returns a tree without departments.
func NewTree() *Tree { return &Tree{children: map[string][]string{}} }

// Add adds a department's row: its origin_id, which survives history
// versions, else its id, below parent.origin_id, else parent_id.
func (t *Tree) Add(row map[string]any) {
	id, parent := first(row, idPaths), first(row, parentPaths)
	if id != "" && parent != "" {
		t.children[parent] = append(t.children[parent], id)
	}
}

var (
	idPaths     = [][]string{{"origin_id"}, {"id"}}
	parentPaths = [][]string{{"parent", "origin_id"}, {"parent_id"}}
)

func first(row map[string]any, paths [][]string) string {
	for _, path := range paths {
		for _, v := range at(row, path) {
			if names := forms(v); len(names) > 0 {
				return names[0]
			}
		}
	}
	return ""
}

// below is a department and all under it, known once a tree is planted.
type below struct {
	top string
	ids map[string]bool
}

func (b *below) holds(values []any) (bool, error) {
	return slices.ContainsFunc(values, func(v any) bool {
		return slices.ContainsFunc(forms(v), func(id string) bool { return b.ids[id] })
	}), nil
}

// NeedsTree tells whether the filter has a child_include, which matches
// nothing before Plant.
func (f *Filter) NeedsTree() bool { return len(f.trees) > 0 }

// Plant resolves every child_include. A circle of departments ends where it
// began.
func (f *Filter) Plant(t *Tree) {
	for _, b := range f.trees {
		b.ids = map[string]bool{b.top: true}
		for queue := []string{b.top}; len(queue) > 0; queue = queue[1:] {
			for _, child := range t.children[queue[0]] {
				if !b.ids[child] {
					b.ids[child] = true
					queue = append(queue, child)
				}
			}
		}
	}
}
