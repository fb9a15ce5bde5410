package workflows

import (
	"strings"
	"testing"

	"orgflow"
	"orgflow/activities"
)

func outcome(done, failed, blocked int) activities.PageResult {
	return activities.PageResult{Done: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{
		orgflow.Person: {orgflow.Insert: {Done: done, Failed: failed, Blocked: blocked}},
	}}
}

func TestBreakerSlowsThenStops(t *testing.T) {
	for name, c := range map[string]struct {
		done, failed, blocked int
		pages                 int
		trips                 bool
	}{
		"all is well":                             {300, 0, 0, pagesInFlight, false},
		"a few failures in a small run":           {3, 19, 0, pagesInFlight, false},
		"many failures in a large run":            {1000, 90, 0, pagesInFlight, false},
		"more than a tenth fails":                 {150, 20, 0, 1, false},
		"most of a small number fails":            {10, 49, 0, 1, false},
		"most fails":                              {49, 50, 0, 1, true},
		"half fails, half is done":                {50, 50, 0, 1, false},
		"what is blocked is nobody's own failure": {100, 5, 900, pagesInFlight, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b breaker
			b.add(outcome(c.done, c.failed, c.blocked))
			if b.pages() != c.pages || (b.trip() != nil) != c.trips {
				t.Errorf("pages %d, trip %v", b.pages(), b.trip())
			}
		})
	}
}

func TestARunWhereMostFailsStopsBeforeEverythingWasTried(t *testing.T) {
	s := newScript()
	s.page = func(n int) activities.PageResult { return outcome(0, n, 0) }
	s.planned.Waves = []activities.Wave{{No: 1, Phase: "person_insert", From: 1, To: 10_000}}
	err := run(t, s).GetWorkflowError()
	if err == nil || !strings.Contains(err.Error(), "changes tried so far failed") {
		t.Fatalf("err = %v", err)
	}
	pages := 0
	for _, c := range s.did() {
		if strings.HasPrefix(c, "apply") {
			pages++
		}
	}
	if pages > pagesInFlight {
		t.Errorf("%d pages were sent, want no more than the first %d", pages, pagesInFlight)
	}
	if s.finish.Fault == nil || s.finish.Fault.Code != orgflow.CodeTooManyFailures {
		t.Errorf("finish = %+v", s.finish)
	}
}
