package flow_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/flow"
)

// Steps are told with what they changed and how long their decisions had
// waited, each once, and none that was not committed.
func TestStepsAreWatched(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		var seen []flow.Stepped
		d.Watch = func(s flow.Stepped) { seen = append(seen, s) }
		f, err := d.store.GetFlow(context.Background(), d.key)
		if err != nil {
			t.Fatal(err)
		}
		d.begin()
		d.begin() // changes nothing
		d.decide("E9", orgflow.VerdictApprove, 10)
		d.decide("E2", orgflow.VerdictApprove, 10)
		for i, stored := range []time.Time{d.now.Add(-time.Minute), d.now.Add(time.Minute)} { // the second by a clock that is ahead
			if _, err := d.store.DB().Exec(d.store.DB().Rebind(`UPDATE flow_audit SET created_at = ? WHERE user_code = ?`), stored, []string{"E9", "E2"}[i]); err != nil {
				t.Fatal(err)
			}
		}
		d.step(orgflow.FlowCommand{Kind: orgflow.FlowAudit})
		d.step(orgflow.FlowCommand{Kind: orgflow.FlowAudit}) // finds nothing
		want := []flow.Stepped{
			{From: orgflow.FlowStarting, To: orgflow.FlowRunning, Launched: f.StartedAt, At: d.now},
			{From: orgflow.FlowRunning, To: orgflow.FlowApproved, Closed: true, Launched: f.StartedAt, At: d.now, Waited: []time.Duration{time.Minute, 0}},
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
	})
}
