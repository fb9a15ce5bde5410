package e2e

import (
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
)

// A run's history grows with its pages, not with its people.
func TestHistoryOfALargeRunStaysSmall(t *testing.T) {
	t.Parallel()
	const people, departments, most = 2000, 200, 5000
	w := newFastWorld(t)
	w.serve()
	w.unlimited()
	w.load(generated(t, departments, people))
	began := time.Now()
	s := w.sync(demoJob)
	took := time.Since(began)
	if s.Plan["person"].Insert != people || s.Plan["org"].Insert != departments {
		t.Fatalf("plan %+v", s.Plan)
	}
	w.inStep()

	c := w.temporalClient()
	d, err := c.DescribeWorkflowExecution(t.Context(), s.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	info := d.GetWorkflowExecutionInfo()
	if info.GetExecution().GetRunId() != info.GetFirstRunId() || info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		t.Errorf("it continued as new, or ended %s", info.GetStatus())
	}
	list := events(t, c, s.ID, "")
	t.Logf("%d people and %d departments: %d events, %d bytes of history, %d calls, %s",
		people, departments, len(list), info.GetHistorySizeBytes(), s.Calls, took.Round(100*time.Millisecond))
	if len(list) >= most {
		t.Errorf("%d events, want fewer than %d", len(list), most)
	}
}
