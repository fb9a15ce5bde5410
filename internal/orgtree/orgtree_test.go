package orgtree_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/orgtree"
)

const root = "1"

// organisation draws a tree of departments with people in them.
func organisation(t *rapid.T, label string) orgflow.OrgTree {
	tree := orgflow.OrgTree{Units: []orgflow.OrgUnit{{RemoteID: root, Name: "公司"}}}
	for i := range rapid.IntRange(0, 6).Draw(t, label+" departments") {
		id := fmt.Sprint(10 + i)
		if !rapid.Bool().Draw(t, label+" has "+id) {
			continue
		}
		parent := tree.Units[rapid.IntRange(0, len(tree.Units)-1).Draw(t, label+" parent of "+id)].RemoteID
		tree.Units = append(tree.Units, orgflow.OrgUnit{RemoteID: id, ParentRemoteID: parent, Name: rapid.SampledFrom([]string{"研发", "销售"}).Draw(t, label+" name of "+id)})
	}
	for i := range rapid.IntRange(0, 6).Draw(t, label+" people") {
		id := fmt.Sprint("E", i)
		if !rapid.Bool().Draw(t, label+" has "+id) {
			continue
		}
		tree.Members = append(tree.Members, orgflow.OrgMember{UserID: id, Name: id, Title: rapid.SampledFrom([]string{"工程师", "经理"}).Draw(t, label+" title of "+id)})
		in := rapid.IntRange(1, min(2, len(tree.Units))).Draw(t, label+" places of "+id)
		first := rapid.IntRange(0, len(tree.Units)-1).Draw(t, label+" department of "+id)
		for n := range in {
			tree.Seats = append(tree.Seats, orgflow.OrgSeat{
				UnitRemoteID: tree.Units[(first+n)%len(tree.Units)].RemoteID, UserID: id, Main: n == 0,
				Leader: rapid.Bool().Draw(t, label+" leads "+id),
			})
		}
	}
	orgtree.Sort(&tree)
	return tree
}

// whole is a read that has seen everything.
func whole(tree orgflow.OrgTree) orgtree.Read {
	read := orgtree.Read{Tree: tree, Root: root, Whole: true, Unread: map[string]bool{}, Supervisors: map[string]bool{}}
	for _, m := range tree.Members {
		read.Supervisors[m.UserID] = true
	}
	return read
}

func allGone(missing []orgflow.RemoteKey) orgtree.Gone {
	gone := orgtree.Gone{}
	for _, key := range missing {
		gone[key] = true
	}
	return gone
}

func TestAWholeReadOfBMakesB(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := organisation(t, "A"), organisation(t, "B")
		read := whole(b)
		after := orgtree.Merge(a, read, allGone(orgtree.Missing(a, read)))
		if diff := cmp.Diff(b, after); diff != "" {
			t.Fatalf("pulling B onto A differs from B:\n%s", diff)
		}
		if missing := orgtree.Missing(after, read); len(missing) > 0 {
			t.Fatalf("missing after the pull: %v", missing)
		}
		if changes := orgtree.Diff(after, orgtree.Merge(after, read, nil)); len(changes) > 0 {
			t.Fatalf("pulled again, it changes %v", changes)
		}
	})
}

// Whatever part of B was read, and whatever of A is not proved to be gone:
// nobody is lost, and the tree stays a tree.
func TestWhatIsNotProvedToBeGoneStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := organisation(t, "A"), organisation(t, "B")
		read := part(t, b)
		gone := orgtree.Gone{}
		for _, key := range orgtree.Missing(a, read) {
			gone[key] = rapid.Bool().Draw(t, fmt.Sprint("gone ", key))
		}
		after := orgtree.Merge(a, read, gone)
		for _, tree := range []orgflow.OrgTree{a, read.Tree} {
			for _, u := range tree.Units {
				key := orgflow.RemoteKey{Kind: orgflow.Org, ID: u.RemoteID}
				if (!gone[key] || !read.Whole) && !slices.ContainsFunc(after.Units, func(o orgflow.OrgUnit) bool { return o.RemoteID == u.RemoteID }) {
					t.Fatalf("department %s is lost", u.RemoteID)
				}
			}
			for _, m := range tree.Members {
				key := orgflow.RemoteKey{Kind: orgflow.Person, ID: m.UserID}
				if (!gone[key] || !read.Whole) && !slices.ContainsFunc(after.Members, func(o orgflow.OrgMember) bool { return o.UserID == m.UserID }) {
					t.Fatalf("member %s is lost", m.UserID)
				}
			}
		}
		checkTree(t, after)
		if again := orgtree.Merge(after, read, gone); len(orgtree.Diff(after, again)) > 0 {
			t.Fatalf("merged again, it differs:\n%s", cmp.Diff(after, again))
		}
	})
}

// part is a read that could not see everything: some departments were not
// read, so that those below them are unknown too.
func part(t *rapid.T, tree orgflow.OrgTree) orgtree.Read {
	read := whole(orgflow.OrgTree{})
	seen := map[string]bool{}
	for _, u := range tree.Units { // parents have smaller ids, except the root, which comes first
		if u.RemoteID != root && !seen[u.ParentRemoteID] || read.Unread[u.ParentRemoteID] {
			continue
		}
		seen[u.RemoteID] = true
		read.Tree.Units = append(read.Tree.Units, u)
		if u.RemoteID != root && rapid.IntRange(0, 3).Draw(t, "unread "+u.RemoteID) == 0 {
			read.Unread[u.RemoteID] = true
		}
	}
	for _, s := range tree.Seats {
		if !seen[s.UnitRemoteID] || read.Unread[s.UnitRemoteID] {
			continue
		}
		read.Tree.Seats = append(read.Tree.Seats, s)
		at := slices.IndexFunc(tree.Members, func(m orgflow.OrgMember) bool { return m.UserID == s.UserID })
		if !slices.Contains(read.Tree.Members, tree.Members[at]) {
			read.Tree.Members = append(read.Tree.Members, tree.Members[at])
		}
	}
	read.Whole = len(read.Unread) == 0
	return read
}

// checkTree: every department leads to the root, every seat is between a
// department and a member that are there, and nobody has two main departments.
func checkTree(t *rapid.T, tree orgflow.OrgTree) {
	parent, people := map[string]string{}, map[string]bool{}
	for _, u := range tree.Units {
		parent[u.RemoteID] = u.ParentRemoteID
	}
	for id := range parent {
		at := id
		for range len(parent) + 1 {
			if at == root {
				break
			}
			up, ok := parent[at]
			if !ok {
				t.Fatalf("department %s hangs on %s, which is not there", id, at)
			}
			at = up
		}
		if at != root {
			t.Fatalf("department %s does not lead to the root", id)
		}
	}
	for _, m := range tree.Members {
		people[m.UserID] = true
	}
	main := map[string]bool{}
	for _, s := range tree.Seats {
		if _, ok := parent[s.UnitRemoteID]; !ok || !people[s.UserID] {
			t.Fatalf("seat %+v has no department or member", s)
		}
		if s.Main && main[s.UserID] {
			t.Fatalf("%s has two main departments", s.UserID)
		}
		main[s.UserID] = main[s.UserID] || s.Main
	}
}

func TestASupervisorNobodySpeaksOfStays(t *testing.T) {
	before := orgflow.OrgTree{Units: []orgflow.OrgUnit{{RemoteID: root}}, Members: []orgflow.OrgMember{{UserID: "E1", Supervisor: "E9"}}}
	read := orgtree.Read{Tree: orgflow.OrgTree{Units: before.Units, Members: []orgflow.OrgMember{{UserID: "E1"}}}, Root: root, Whole: true}
	if got := orgtree.Merge(before, read, nil).Members[0].Supervisor; got != "E9" {
		t.Errorf("got %q", got)
	}
	read.Supervisors = map[string]bool{"E1": true} // known: nobody
	if got := orgtree.Merge(before, read, nil).Members[0].Supervisor; got != "" {
		t.Errorf("got %q", got)
	}
}

func TestDiffShowsWhatChanged(t *testing.T) {
	unit := func(id int64, remote, parent, name string) orgflow.OrgUnit {
		return orgflow.OrgUnit{ID: id, RemoteID: remote, ParentRemoteID: parent, Name: name}
	}
	a := orgflow.OrgTree{
		Units:   []orgflow.OrgUnit{unit(1, "1", "", "公司"), unit(2, "10", "1", "研发部")},
		Members: []orgflow.OrgMember{{ID: 3, UserID: "E1", Name: "员工", Mobile: "10000000001"}, {ID: 4, UserID: "E2"}},
		Seats:   []orgflow.OrgSeat{{UnitRemoteID: "1", UserID: "E1", Main: true}},
	}
	b := orgflow.OrgTree{
		Units:   []orgflow.OrgUnit{unit(1, "1", "", "公司"), {ID: 2, RemoteID: "10", ParentRemoteID: "1", Name: "研究院", Position: 5}},
		Members: []orgflow.OrgMember{{ID: 3, UserID: "E1", Name: "员工", Mobile: "10000000009"}},
		Seats:   []orgflow.OrgSeat{{UnitRemoteID: "10", UserID: "E1", Main: true, Position: 9}},
	}
	want := []orgflow.OrgChange{
		{Kind: orgflow.Org, Op: orgflow.Update, ID: 2, Remote: "10", Name: "研究院", Fields: map[string]orgflow.Diff{"name": {Before: "研发部", After: "研究院"}}},
		{Kind: orgflow.Person, Op: orgflow.Update, ID: 3, Remote: "E1", Name: "员工", Fields: map[string]orgflow.Diff{
			"departments": {Before: "公司 (1)", After: "研究院 (10)"}, "main_department": {Before: "公司 (1)", After: "研究院 (10)"},
			"mobile": {Before: "…", After: "…"},
		}},
		{Kind: orgflow.Person, Op: orgflow.Delete, ID: 4, Remote: "E2"},
	}
	if diff := cmp.Diff(want, orgtree.Diff(a, b)); diff != "" {
		t.Error(diff)
	}
	b = a
	b.Units = slices.Clone(a.Units)
	b.Units[1].Position = 7
	if changes := orgtree.Diff(a, b); len(changes) > 0 {
		t.Errorf("a place among siblings alone is no difference: %v", changes)
	}
}

// Somebody who was seen in one department keeps the place in another that
// could not be read, and loses the one in a department that was.
func TestPlacesInDepartmentsThatWereNotReadStay(t *testing.T) {
	units := []orgflow.OrgUnit{{RemoteID: root}, {RemoteID: "10", ParentRemoteID: root}, {RemoteID: "20", ParentRemoteID: root}, {RemoteID: "30", ParentRemoteID: "20"}}
	people := []orgflow.OrgMember{{UserID: "E1"}}
	before := orgflow.OrgTree{Units: units, Members: people, Seats: []orgflow.OrgSeat{
		{UnitRemoteID: "10", UserID: "E1", Main: true}, {UnitRemoteID: "20", UserID: "E1"}, {UnitRemoteID: "30", UserID: "E1"},
	}}
	read := orgtree.Read{Root: root, Unread: map[string]bool{"20": true}, Tree: orgflow.OrgTree{
		Units: units[:3], Members: people, Seats: []orgflow.OrgSeat{{UnitRemoteID: root, UserID: "E1", Main: true}},
	}}
	want := []orgflow.OrgSeat{{UnitRemoteID: root, UserID: "E1", Main: true}, {UnitRemoteID: "20", UserID: "E1"}, {UnitRemoteID: "30", UserID: "E1"}}
	if diff := cmp.Diff(want, orgtree.Merge(before, read, nil).Seats); diff != "" {
		t.Error(diff)
	}
}
