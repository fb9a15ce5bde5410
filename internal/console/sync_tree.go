package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"orgflow"
	"orgflow/internal/api"
)

const (
	// treeLength is how many departments a page of a tree shows; what is below
	// them has pages of its own.
	treeLength = 200
	// peopleLength is how many people of a department it lists.
	peopleLength = 200
)

// A branch is a department of a plan with what is below it.
type branch struct {
	api.PlanDepartment
	Link     string // the page of the department alone
	Record   string // its log
	Insert   int    // of people and departments, in it and below it
	Update   int
	Delete   int
	Children []*branch
	Hidden   bool // it has children that are not shown here
	Open     bool
}

// A personRow is a change of somebody in a department.
type personRow struct {
	api.PlanLine
	Record string
}

// tree is a run's plan by department.
func (c *Console) tree(r *http.Request) (content, error) {
	s, err := c.Runs.Summary(r.Context(), inPath(r, "id"))
	if err != nil {
		return content{}, err
	}
	t, err := c.Plans.Tree(r.Context(), s.ID)
	if err != nil {
		return content{}, err
	}
	target := orgflow.Target{CompanyID: s.CompanyID, Consumer: s.Consumer}
	f := grow(t, runLink(s.ID), target)
	data := struct {
		orgflow.Summary
		Link   string
		Roots  []*branch
		Here   *branch
		Above  []*branch // of the department chosen, from the top
		People []personRow
		More   int // people that are not listed
		Cut    bool
	}{Summary: s, Link: runLink(s.ID), Roots: f.roots, Cut: t.Cut}
	people := t.Elsewhere
	if here, ok := f.at[r.URL.Query().Get("department")]; ok {
		data.Here, data.Roots, people = here, []*branch{here}, here.People
		data.Above = f.above(here)
	}
	data.More = max(0, len(people)-peopleLength)
	for _, p := range people[:len(people)-data.More] {
		data.People = append(data.People, personRow{p, recordLink(target, orgflow.RecordKey{Kind: orgflow.Person, ID: p.SourceID})})
	}
	prune(data.Roots)
	return content{template: "sync-tree", title: "plan", section: "sync", data: data}, nil
}

// forest is a plan's departments by their place.
type forest struct {
	roots []*branch
	at    map[string]*branch
}

// grow hangs departments below their parents. Whatever is in a circle hangs
// nowhere and becomes a root of its own, cut where the circle closes.
func grow(t api.PlanTree, link string, target orgflow.Target) forest {
	f := forest{at: map[string]*branch{}}
	for _, d := range t.Departments {
		f.at[d.SourceID] = &branch{
			PlanDepartment: d, Link: link + "/tree?" + url.Values{"department": {d.SourceID}}.Encode(),
			Record: recordLink(target, orgflow.RecordKey{Kind: orgflow.Org, ID: d.SourceID}),
		}
	}
	for _, d := range t.Departments {
		b := f.at[d.SourceID]
		parent, there := f.at[d.ParentID]
		if !there || f.circular(b) {
			f.roots = append(f.roots, b)
			continue
		}
		parent.Children = append(parent.Children, b)
	}
	for _, root := range f.roots {
		root.count()
	}
	return f
}

// circular tells whether the way up from a department comes back to it.
func (f forest) circular(b *branch) bool {
	for up, steps := f.at[b.ParentID], 0; up != nil && steps <= len(f.at); up, steps = f.at[up.ParentID], steps+1 {
		if up == b {
			return true
		}
	}
	return false
}

// above are the departments from the top down to b's parent.
func (f forest) above(b *branch) []*branch {
	var way []*branch
	for up := f.at[b.ParentID]; up != nil && !slices.Contains(way, up) && up != b; up = f.at[up.ParentID] {
		way = append(way, up)
	}
	slices.Reverse(way)
	return way
}

func (b *branch) count() {
	if b.Change != nil {
		b.add(b.Change.Op, 1)
	}
	for _, p := range b.People {
		b.add(p.Op, 1)
	}
	for _, child := range b.Children {
		child.count()
		b.Insert, b.Update, b.Delete = b.Insert+child.Insert, b.Update+child.Update, b.Delete+child.Delete
	}
	slices.SortStableFunc(b.Children, func(x, y *branch) int { return cmp.Compare(x.Name, y.Name) })
}

func (b *branch) add(op orgflow.Op, n int) {
	switch op {
	case orgflow.Insert:
		b.Insert += n
	case orgflow.Update:
		b.Update += n
	case orgflow.Delete:
		b.Delete += n
	}
}

// prune leaves as many levels as a page has room for, and opens the first.
func prune(roots []*branch) {
	room := treeLength - len(roots)
	for level, depth := roots, 0; len(level) > 0; depth++ {
		var next []*branch
		for _, b := range level {
			b.Open = depth < 2
			if len(b.Children) > room {
				b.Children, b.Hidden = nil, true
				continue
			}
			room -= len(b.Children)
			next = append(next, b.Children...)
		}
		level = next
	}
}
