package workflows

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// Every history recorded from a released build must replay on today's code:
// a failure means that running workflows would stop at the next deploy.
func TestReplay(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/replay/*.json")
	if err != nil || len(fixtures) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range fixtures {
		t.Run(filepath.Base(file), func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflowWithOptions(SyncRun, workflow.RegisterOptions{Name: orgflow.WorkflowSyncRun})
			replayer.RegisterWorkflowWithOptions(OrgPull, workflow.RegisterOptions{Name: orgflow.WorkflowOrgPull})
			replayer.RegisterWorkflowWithOptions(DataSync, workflow.RegisterOptions{Name: orgflow.WorkflowDataSync})
			replayer.RegisterWorkflowWithOptions(ApprovalFlow, workflow.RegisterOptions{Name: orgflow.WorkflowApprovalFlow})
			replayer.RegisterWorkflowWithOptions(ContactEvents, workflow.RegisterOptions{Name: orgflow.WorkflowContactEvents})
			replayer.RegisterWorkflowWithOptions(ContactPull, workflow.RegisterOptions{Name: orgflow.WorkflowContactPull})
			replayer.RegisterWorkflowWithOptions(Notify, workflow.RegisterOptions{Name: orgflow.WorkflowNotify})
			replayer.RegisterWorkflowWithOptions(DataRetention, workflow.RegisterOptions{Name: orgflow.WorkflowDataRetention})
			if err := replay(replayer, file); err != nil {
				t.Error(err)
			}
		})
	}
}

// replay runs a history under the id it was recorded with: some workflows
// look at it.
func replay(r worker.WorkflowReplayer, file string) error {
	raw, err := os.Open(file)
	if err != nil {
		return err
	}
	defer raw.Close()
	h, err := client.HistoryFromJSON(raw, client.HistoryJSONOptions{})
	if err != nil {
		return err
	}
	id := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()
	return r.ReplayWorkflowHistoryWithOptions(nil, h, worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}})
}

// The replay test itself must be able to fail: a history without its plan
// does not fit the workflow.
func TestReplayNoticesAChange(t *testing.T) {
	raw, err := os.ReadFile("testdata/replay/sync_completed.json")
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.json")
	if err := os.WriteFile(changed, bytes.ReplaceAll(raw, []byte("PlanRun"), []byte("PlanRunOld")), 0o600); err != nil {
		t.Fatal(err)
	}
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(SyncRun, workflow.RegisterOptions{Name: orgflow.WorkflowSyncRun})
	if err := replayer.ReplayWorkflowHistoryFromJSONFile(nil, changed); err == nil {
		t.Error("a renamed activity replays")
	}
}
