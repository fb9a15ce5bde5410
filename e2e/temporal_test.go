package e2e

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// temporalClient looks into the installation's Temporal as an operator would.
func (w *world) temporalClient() client.Client {
	w.t.Helper()
	c, err := client.DialContext(w.t.Context(), client.Options{
		HostPort: w.temporal, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		w.t.Fatalf("connect to Temporal: %v", err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// executions lists every execution of the namespace once want of them are
// visible: visibility is a step behind.
func (w *world) executions(c client.Client, want int) []*workflow.WorkflowExecutionInfo {
	w.t.Helper()
	var list []*workflow.WorkflowExecutionInfo
	eventually(w.t, 30*time.Second, 100*time.Millisecond, "the executions", func() error {
		res, err := c.ListWorkflow(w.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500})
		if err != nil {
			return err
		}
		if list = res.GetExecutions(); len(list) < want {
			return errNotYet
		}
		return nil
	})
	return list
}

// events reads a whole history.
func events(t *testing.T, c client.Client, workflowID, runID string) []*history.HistoryEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	iter := c.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var list []*history.HistoryEvent
	for iter.HasNext() {
		e, err := iter.Next()
		if err != nil {
			t.Fatalf("history of %s: %v", workflowID, err)
		}
		list = append(list, e)
	}
	return list
}
