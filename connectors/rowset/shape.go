package rowset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Shape is how flat columns make nested rows: "department.origin_id" is the
// origin_id inside department, "departments.0.origin_id" that of the first
// element of the list departments.
type Shape struct {
	root  *node
	width int
}

type node struct {
	column int // of a leaf; -1 for objects, lists and the root
	list   bool
	index  int // position in a list
	name   string
	kids   []*node
}

// NewShape reads column names; an empty one belongs to no value. problems
// says what is wrong with them, all at once: a name twice, a name that is a
// value here and an object there, an empty segment.
func NewShape(names []string) (s *Shape, problems []string) {
	s = &Shape{root: &node{column: -1}, width: len(names)}
	for i, name := range names {
		if name == "" {
			continue
		}
		path := strings.Split(name, ".")
		problem := "a number is no name of a value"
		if _, isIndex := listIndex(path[0]); !isIndex {
			problem = s.root.add(path, i)
		}
		if problem != "" {
			problems = append(problems, fmt.Sprintf("column %d, %q: %s", i+1, name, problem))
		}
	}
	if len(s.root.kids) == 0 && len(problems) == 0 {
		problems = append(problems, "there are no named columns")
	}
	s.root.order()
	return s, problems
}

func (n *node) add(path []string, column int) (problem string) {
	if path[0] == "" {
		return "a part between the dots is empty"
	}
	index, isIndex := listIndex(path[0])
	if len(n.kids) > 0 && n.list != isIndex {
		return "another column has a name where this one has a position in a list, or the other way round"
	}
	if n.column >= 0 {
		return "another column holds the value this one is a part of"
	}
	n.list = isIndex
	i := slices.IndexFunc(n.kids, func(k *node) bool {
		return k.name == path[0] || (isIndex && k.index == index)
	})
	switch {
	case len(path) > 1 && i >= 0:
		return n.kids[i].add(path[1:], column)
	case len(path) > 1:
		kid := &node{column: -1, name: path[0], index: index}
		n.kids = append(n.kids, kid)
		return kid.add(path[1:], column)
	case i >= 0 && n.kids[i].column >= 0:
		return fmt.Sprintf("is column %d already", n.kids[i].column+1)
	case i >= 0:
		return "other columns hold parts of the value this one holds"
	}
	n.kids = append(n.kids, &node{column: column, name: path[0], index: index})
	return ""
}

// maxIndex bounds positions in lists.
const maxIndex = 9999

func listIndex(s string) (int, bool) {
	i, err := strconv.Atoi(s)
	return i, err == nil && i >= 0 && i <= maxIndex
}

func (n *node) order() {
	if n.list {
		slices.SortFunc(n.kids, func(a, b *node) int { return a.index - b.index })
	}
	for _, k := range n.kids {
		k.order()
	}
}

// Row nests one value per column. Columns without a value are left out, and
// so are objects and elements of lists that have none at all.
func (s *Shape) Row(values []any) map[string]any {
	row, _ := s.root.build(values).(map[string]any)
	if row == nil {
		return map[string]any{}
	}
	return row
}

func (n *node) build(values []any) any {
	if n.column >= 0 {
		if n.column >= len(values) {
			return nil
		}
		return values[n.column]
	}
	if n.list {
		var list []any
		for _, k := range n.kids {
			if v := k.build(values); v != nil {
				list = append(list, v)
			}
		}
		if list == nil {
			return nil
		}
		return list
	}
	object := make(map[string]any, len(n.kids))
	for _, k := range n.kids {
		if v := k.build(values); v != nil {
			object[k.name] = v
		}
	}
	if len(object) == 0 {
		return nil
	}
	return object
}

// Missing returns the first of the filter's keys that no column can fill. A
// slip in a key would otherwise match nobody, and a read of nobody is a read
// that says everybody left.
func (s *Shape) Missing(f *Filter) (key string, missing bool) {
	for _, key := range f.Keys() {
		if !s.root.fills(strings.Split(key, ".")) {
			return key, true
		}
	}
	return "", false
}

// fills tells whether a value may stand at the path: at a column, or inside
// one that holds JSON.
func (n *node) fills(path []string) bool {
	if n.column >= 0 {
		return true
	}
	if n.list {
		return slices.ContainsFunc(n.kids, func(k *node) bool { return k.fills(path) })
	}
	if len(path) == 0 {
		return false
	}
	return slices.ContainsFunc(n.kids, func(k *node) bool { return k.name == path[0] && k.fills(path[1:]) })
}
