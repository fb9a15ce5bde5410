package app

import (
	"testing"

	"orgflow"
	"orgflow/internal/api"
)

func TestTreesKeepThoseAskedForLast(t *testing.T) {
	var kept trees
	a, b := orgflow.Target{CompanyID: 1, Consumer: "ding_talk"}, orgflow.Target{CompanyID: 2, Consumer: "ding_talk"}
	for version := range int64(treesKept) {
		kept.put(a, version, api.OrgNode{ID: version + 1})
	}
	if got, ok := kept.get(a, 0); !ok || got.ID != 1 {
		t.Errorf("the first: %+v %v", got, ok)
	}
	kept.put(b, 0, api.OrgNode{ID: 100}) // in the place of version 1: version 0 was just asked for
	for version, want := range []bool{true, false, true} {
		got, ok := kept.get(a, int64(version))
		if ok != want || ok && got.ID != int64(version)+1 {
			t.Errorf("version %d: %+v %v", version, got, ok)
		}
	}
	if got, ok := kept.get(b, 0); !ok || got.ID != 100 {
		t.Errorf("of another company: %+v %v", got, ok)
	}
}
