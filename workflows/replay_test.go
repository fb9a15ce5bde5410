package workflows

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// Every history recorded from a released build must replay on today's code:
// a failure means that running workflows would stop at the next deploy.
func TestReplay(t *testing.T) {
	for _, file := range fixtures(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			Register(replayer)
			if err := replay(replayer, recorded(t, file)); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every workflow has a history of a real run, or nobody would notice that a
// change of it stops those that run; and where it continues as new, one of an
// execution that did and one of an execution that goes on from there.
func TestEveryWorkflowHasARecordedHistory(t *testing.T) {
	found := map[string]map[string]bool{}
	for _, file := range fixtures(t) {
		h := recorded(t, file)
		first, last := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes(), h.GetEvents()[len(h.GetEvents())-1]
		name := first.GetWorkflowType().GetName()
		if found[name] == nil {
			found[name] = map[string]bool{}
		}
		found[name]["recorded"] = true
		if last.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW {
			found[name]["continues as new"] = true
		}
		if first.GetContinuedExecutionRunId() != "" {
			found[name]["continued"] = true
		}
	}
	endless := []string{"continued", "continues as new", "recorded"}
	for _, name := range registered() {
		want := endless
		switch name {
		case orgflow.WorkflowDataSync, orgflow.WorkflowDataRetention: // they do too little to outgrow a history
			want = []string{"recorded"}
		}
		if got := slices.Sorted(maps.Keys(found[name])); !slices.Equal(got, want) {
			t.Errorf("histories of %s in testdata/replay: %q, want %q", name, got, want)
		}
	}
}

// registered lists the workflows of a worker.
func registered() []string {
	var r names
	Register(&r)
	return r.list
}

// names is a registry that keeps the names.
type names struct {
	worker.WorkflowRegistry
	list []string
}

func (n *names) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	n.list = append(n.list, o.Name)
}

func fixtures(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/replay/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	return files
}

func recorded(t *testing.T, file string) *history.History {
	t.Helper()
	raw, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	h, err := client.HistoryFromJSON(raw, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return h
}

// replay runs a history under the id it was recorded with: some workflows
// look at it.
func replay(r worker.WorkflowReplayer, h *history.History) error {
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
