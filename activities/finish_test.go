package activities

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func TestVerdict(t *testing.T) {
	fault := orgflow.Faultf(orgflow.CodeUnauthorized, "no")
	partial := orgflow.Summary{Fetch: map[orgflow.Kind]orgflow.FetchCount{orgflow.Org: {Complete: true}, orgflow.Person: {Cause: "stopped"}}}
	whole := orgflow.Summary{Fetch: map[orgflow.Kind]orgflow.FetchCount{orgflow.Person: {Complete: true}}}
	dry, dryPartial := orgflow.Summary{DryRun: true}, partial
	dryPartial.DryRun = true
	bad := map[orgflow.State]int{orgflow.Failed: 1}
	cases := []struct {
		name    string
		summary orgflow.Summary
		states  map[orgflow.State]int
		params  FinishParams
		status  orgflow.Status
		fault   *orgflow.Fault
		notes   int
	}{
		{name: "nothing to do", status: orgflow.StatusCompleted},
		{name: "all done", summary: whole, states: map[orgflow.State]int{orgflow.Done: 9}, status: orgflow.StatusCompleted},
		{name: "an invitation is no failure", states: map[orgflow.State]int{orgflow.PendingInvite: 1}, status: orgflow.StatusCompleted},
		{name: "skipped changes are no failure", states: map[orgflow.State]int{orgflow.Skipped: 1}, status: orgflow.StatusCompleted},
		{name: "failed", states: bad, status: orgflow.StatusCompletedWithFailures},
		{name: "blocked", states: map[orgflow.State]int{orgflow.Blocked: 1}, status: orgflow.StatusCompletedWithFailures},
		{name: "held", states: map[orgflow.State]int{orgflow.Held: 1}, status: orgflow.StatusCompletedWithFailures},
		{name: "disputed", states: map[orgflow.State]int{orgflow.Disputed: 1}, status: orgflow.StatusCompletedWithFailures},
		{name: "needs a person", states: map[orgflow.State]int{orgflow.NeedsHuman: 1}, status: orgflow.StatusCompletedWithFailures},
		{name: "parked", states: map[orgflow.State]int{orgflow.Parked: 1}, status: orgflow.StatusCompletedWithFailures},
		{name: "a read that is not whole", summary: partial, status: orgflow.StatusCompletedWithFailures, notes: 1},
		{name: "a dry run", summary: dry, states: map[orgflow.State]int{orgflow.Planned: 9, orgflow.Held: 1}, status: orgflow.StatusCompleted},
		{name: "a dry run of a read that is not whole", summary: dryPartial, status: orgflow.StatusCompletedWithFailures, notes: 1},
		{name: "a fault", states: bad, params: FinishParams{Fault: fault}, status: orgflow.StatusFailed, fault: fault},
		{name: "a cancellation", states: bad, params: FinishParams{Canceled: true}, status: orgflow.StatusCanceled},
		{name: "a cancellation wins over the fault it caused", params: FinishParams{Canceled: true, Fault: fault}, status: orgflow.StatusCanceled},
		{name: "a rejection", states: map[orgflow.State]int{orgflow.Done: 3, orgflow.Skipped: 2}, params: FinishParams{Status: orgflow.StatusRejected}, status: orgflow.StatusRejected},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, fault, notes := verdict(c.summary, c.states, c.params)
			if status != c.status || fault != c.fault || len(notes) != c.notes {
				t.Errorf("verdict = %s, %v, %q", status, fault, notes)
			}
		})
	}
}

func TestFinishingAgainChangesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		w.source.hold(team(2))
		run, planned := w.planned(bothKinds(""))
		first := w.rest(run, planned)
		if first.Status != orgflow.StatusCompleted || first.FinishedAt == nil || first.Phase != "person_insert" {
			t.Errorf("summary = %+v", first)
		}
		again := w.finish(FinishParams{RunID: run, Fault: orgflow.Faultf(orgflow.CodeInternal, "late")})
		if d := cmp.Diff(first, again); d != "" {
			t.Error(d)
		}
		w.begin(bothKinds("")) // the target is free
	})
}

func TestOldReadsAreRemovedAndTheirCountsStay(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(2))
	var runs []string
	for range keepSnapshots + 2 {
		run, planned := w.planned(bothKinds(""))
		w.rest(run, planned)
		runs = append(runs, run)
	}
	for i, run := range runs {
		snapshots, err := w.db.SnapshotsOfRun(context.Background(), run)
		if err != nil || len(snapshots) != 2 {
			t.Fatal(snapshots, err)
		}
		if s := snapshots[1]; s.Dropped != (i < 2) || s.Staged != 2 {
			t.Errorf("read %d of %d: dropped %v, %d staged", i+1, len(runs), s.Dropped, s.Staged)
		}
	}
}
