package app

import (
	"context"
	"testing"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// oneExecution is a Temporal with one execution, of the status it has; meanwhile
// is done before it answers.
type oneExecution struct {
	client.Client
	status    enums.WorkflowExecutionStatus
	first     string
	err       error
	meanwhile func()
	asked     int
}

func (o *oneExecution) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if o.asked++; o.meanwhile != nil {
		o.meanwhile()
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: id}, Status: o.status, FirstRunId: o.first,
	}}, o.err
}

// A load that somebody has terminated does not run, whatever its record says
// until the next one; while Temporal is away the record is what there is.
func TestATerminatedLoadDoesNotRun(t *testing.T) {
	running, terminated := enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
	for name, c := range map[string]struct {
		temporal oneExecution
		ends     bool
		want     orgflow.Status
		code     orgflow.Code
	}{
		"it runs":                      {temporal: oneExecution{status: running, first: "run-1"}, want: orgflow.StatusRunning},
		"it was terminated":            {temporal: oneExecution{status: terminated, first: "run-1"}, want: orgflow.StatusCanceled, code: orgflow.CodeCanceled},
		"another one has its id":       {temporal: oneExecution{status: running, first: "run-2"}, want: orgflow.StatusCanceled, code: orgflow.CodeCanceled},
		"Temporal has forgotten it":    {temporal: oneExecution{err: serviceerror.NewNotFound("gone")}, want: orgflow.StatusCanceled, code: orgflow.CodeCanceled},
		"it has ended at this moment":  {temporal: oneExecution{status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, first: "run-1"}, ends: true, want: orgflow.StatusCompleted},
		"Temporal is away":             {temporal: oneExecution{err: serviceerror.NewUnavailable("away")}, want: orgflow.StatusRunning},
		"its record says it has ended": {temporal: oneExecution{err: serviceerror.NewUnavailable("away"), asked: -1}, ends: true, want: orgflow.StatusCompleted},
	} {
		t.Run(name, func(t *testing.T) {
			temporal := &c.temporal
			l := (&App{Store: outbox(t), temporal: temporal}).Loads()
			load, _, err := l.app.Store.CreateLoad(t.Context(), store.NewLoad{
				FirstRunID: "run-1", WorkflowID: orgflow.ERPWorkflowID(7, "F"), Input: orgflow.LoadInput{CompanyID: 7, FormID: "F", Kind: orgflow.LoadUpdate},
			})
			if err != nil {
				t.Fatal(err)
			}
			end := func() {
				if _, err := l.app.Store.FinishLoad(t.Context(), load.ID, orgflow.StatusCompleted, nil); err != nil {
					t.Error(err)
				}
			}
			switch {
			case c.ends && temporal.asked < 0:
				end()
			case c.ends:
				temporal.meanwhile = end
			}
			one, err := l.LoadRun(t.Context(), load.ID)
			if err != nil {
				t.Fatal(err)
			}
			page, err := l.ListLoads(t.Context(), api.LoadFilter{})
			if err != nil || len(page.Runs) != 1 {
				t.Fatalf("%+v, %v", page, err)
			}
			for _, run := range []orgflow.ERPRun{one, page.Runs[0]} {
				if run.ID != load.ID || run.FormID != "F" || run.Status != c.want || (run.Error != nil) != (c.code != "") || run.Error != nil && run.Error.Code != c.code {
					t.Errorf("%+v, %v", run, run.Error)
				}
			}
			if temporal.asked == -1 != (name == "its record says it has ended") {
				t.Errorf("Temporal was asked: %d", temporal.asked)
			}
		})
	}
}
