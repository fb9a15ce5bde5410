package embedded_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow/internal/temporalx"
)

// waiting goes on until somebody signals it, as a run that awaits approval.
func waiting(ctx workflow.Context, _ any) error {
	workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	return nil
}

// A trigger that the overlap policy skips says which run is in its way; with
// allow_all the next run starts beside one that waits.
func TestATriggerThatStartsNothingSaysSo(t *testing.T) {
	cl := connect(t, startServer(t), payloadKeys(t, "k"))
	w := worker.New(cl, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(waiting, workflow.RegisterOptions{Name: "Waiting"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	own := schedules(t, cl, "company-129")
	want := nightly("s")
	want.Workflow, want.Spec.Cron = "Waiting", []string{"30 2 1 1 *"}
	apply(t, own, plan(t, own, []temporalx.Schedule{want}, "create s"))
	started := func() []string {
		t.Helper()
		d, err := cl.ScheduleClient().GetHandle(t.Context(), "s").Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, a := range d.Info.RecentActions {
			ids = append(ids, a.StartWorkflowResult.WorkflowID)
		}
		return ids
	}

	if err := own.Trigger(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	first := started()
	err := own.Trigger(t.Context(), "s")
	var skipped *temporalx.SkippedError
	if !errors.As(err, &skipped) || !slices.Equal(skipped.Running, first) || !strings.Contains(err.Error(), first[0]) {
		t.Errorf("a second trigger beside %v: %v", first, err)
	}
	var list []temporalx.ScheduleEntry
	err = temporalx.Poll(t.Context(), func() (listed bool, err error) {
		list, err = own.Counted(t.Context())
		return len(list) == 1, err
	})
	if err != nil || list[0].Counts.Starts != 1 || list[0].Counts.Skipped != 1 || list[0].Counts.Late+list[0].Counts.Dropped != 0 || list[0].Counts.Made.IsZero() {
		t.Errorf("counted: %+v, %v", list, err)
	}
	want.Overlap = "allow_all"
	apply(t, own, plan(t, own, []temporalx.Schedule{want}, "update s"))
	second := time.Now().Unix() // which stands in the run's id: a second one of it would be the same run
	if err := temporalx.Poll(t.Context(), func() (bool, error) { return time.Now().Unix() > second, nil }); err != nil {
		t.Fatal(err)
	}
	if err := own.Trigger(t.Context(), "s"); err != nil {
		t.Errorf("with allow_all: %v", err)
	}
	both := started()
	if len(both) != 2 || both[0] == both[1] {
		t.Fatalf("runs %v", both)
	}
	for _, id := range both {
		if err := cl.SignalWorkflow(t.Context(), id, "", "end", nil); err != nil {
			t.Errorf("%s does not wait: %v", id, err)
		}
	}
}
