package workflows

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow/activities"
)

// A wave that goes as import jobs is cut into slices of the consumer's size,
// one at a time; every other wave goes in pages as before.
func TestAnImportedWaveGoesInSlices(t *testing.T) {
	s := newScript()
	s.planned.Waves = []activities.Wave{{No: 1, Phase: "org_insert", From: 1, To: 40}, {No: 2, Phase: "person_insert", From: 41, To: 10_041, Import: 5000}}
	var mu sync.Mutex
	var imported []int
	s.before = func(p activities.ApplyParams) bool {
		mu.Lock()
		defer mu.Unlock()
		if p.Import {
			imported = append(imported, p.From)
		}
		return false
	}
	if err := run(t, s).GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	from := slices.Index(s.calls, "apply 1-40")
	want := []string{"apply 1-40", "apply 41-5040", "apply 5041-10040", "apply 10041-10041", "finish"}
	if d := cmp.Diff(want, s.calls[from:]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{41, 5041, 10041}, imported); d != "" {
		t.Error(d)
	}
	r := &syncRun{}
	if one, many := r.pagesAtATime(activities.Wave{Import: 5000}), r.pagesAtATime(activities.Wave{}); one != 1 || many != pagesInFlight {
		t.Errorf("%d slices and %d pages at a time", one, many)
	}
}
