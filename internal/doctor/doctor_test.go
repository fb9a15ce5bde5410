package doctor_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/doctor"
)

func says(text string) func(context.Context) []doctor.Finding {
	return func(context.Context) []doctor.Finding { return []doctor.Finding{{State: doctor.OK, Found: text}} }
}

// Every check is made whatever the others do, each within its own limit, and
// the findings stand in the order of the checks.
func TestNoCheckKeepsAnotherFromBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		began := time.Now()
		found := doctor.Run(t.Context(), []doctor.Check{
			{Area: "a", CompanyID: 7, Name: "deaf", Limit: 3 * time.Second, Look: func(context.Context) []doctor.Finding {
				<-release // whatever the context says
				return nil
			}},
			{Area: "b", Name: "obedient", Limit: 2 * time.Second, Look: func(ctx context.Context) []doctor.Finding {
				<-ctx.Done()
				return doctor.Faulted("step", ctx.Err())
			}},
			{Area: "c", Name: "quick", Look: says("fine")},
			{Area: "d", Name: "own words", Look: func(context.Context) []doctor.Finding {
				return []doctor.Finding{{State: doctor.Warning, Area: "x", CompanyID: 9, Check: "y", Found: "z"}}
			}},
		})
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("took %s: the longest limit and a second are right", took)
		}
		want := []doctor.Finding{
			{State: doctor.Failed, Area: "a", CompanyID: 7, Check: "deaf", Found: "gave no answer within 3s"},
			{State: doctor.Failed, Area: "b", Check: "step", Found: "unavailable: no answer in time"},
			{State: doctor.OK, Area: "c", Check: "quick", Found: "fine"},
			{State: doctor.Warning, Area: "x", CompanyID: 9, Check: "y", Found: "z"},
		}
		for i := range found[:2] {
			if !strings.Contains(found[i].Advice, "firewall") {
				t.Errorf("no advice: %+v", found[i])
			}
			found[i].Advice = ""
		}
		if d := cmp.Diff(want, found); d != "" {
			t.Error(d)
		}
	})
}

// Checks beyond those made at once wait for their turn with their whole time.
func TestManyChecksAreAllMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks []doctor.Check
		for range 50 {
			checks = append(checks, doctor.Check{Limit: time.Second, Look: func(ctx context.Context) []doctor.Finding {
				select {
				case <-ctx.Done():
					return doctor.Faulted("", ctx.Err())
				case <-time.After(900 * time.Millisecond):
					return says("made")(ctx)
				}
			}})
		}
		found := doctor.Run(t.Context(), checks)
		if len(found) != 50 || slices.ContainsFunc(found, func(f doctor.Finding) bool { return f.Found != "made" }) {
			t.Errorf("%d findings: %+v", len(found), found)
		}
	})
}

func TestReportCounts(t *testing.T) {
	var r doctor.Report
	for _, s := range []doctor.State{doctor.OK, doctor.OK, doctor.OK, doctor.Warning, doctor.Warning, doctor.Failed, doctor.Skipped} {
		r.Add(doctor.Finding{State: s})
	}
	if r.OK != 3 || r.Warnings != 2 || r.Failed != 1 || r.Skipped != 1 || len(r.Findings) != 7 {
		t.Errorf("%+v", r)
	}
}

func TestWhatIsNotLookedAtIsNamed(t *testing.T) {
	got := doctor.Not([]doctor.Check{{Area: "database", Name: "schema"}, {Area: "database", Name: "clock"}}, "the database cannot be used")
	want := doctor.Finding{State: doctor.Skipped, Area: "database", Check: "the rest", Found: "not looked at, because the database cannot be used: schema, clock"}
	if got != want {
		t.Errorf("%+v", got)
	}
}
