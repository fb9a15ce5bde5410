package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/api"
)

// Somebody in two departments counts once in what is above both.
func TestNodeCountsEverybodyOnce(t *testing.T) {
	tree := orgflow.OrgTree{
		Units: []orgflow.OrgUnit{
			{ID: 3, ParentID: 1, Name: "B", Position: 1}, {ID: 1, Name: "root"}, {ID: 2, ParentID: 1, Name: "A", Position: 9}, {ID: 4, ParentID: 2, Name: "C"},
		},
		Seats: []orgflow.OrgSeat{{UnitID: 4, MemberID: 7}, {UnitID: 2, MemberID: 7}, {UnitID: 3, MemberID: 7}, {UnitID: 3, MemberID: 8}},
	}
	none := []api.OrgNode{}
	want := api.OrgNode{ID: 1, Name: "root", MemberCount: 2, Children: []api.OrgNode{
		{ID: 3, Name: "B", MemberCount: 2, DirectCount: 2, Children: none},
		{ID: 2, Name: "A", MemberCount: 1, DirectCount: 1, Children: []api.OrgNode{{ID: 4, Name: "C", MemberCount: 1, DirectCount: 1, Children: none}}},
	}}
	if diff := cmp.Diff(want, node(tree)); diff != "" {
		t.Error(diff)
	}
}
