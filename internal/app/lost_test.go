package app

import (
	"context"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// alike is a Temporal all of whose executions are as one is; each began with
// a run of its own.
type alike struct{ oneExecution }

func (a *alike) DescribeWorkflowExecution(ctx context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	got, err := a.oneExecution.DescribeWorkflowExecution(ctx, id, run)
	got.WorkflowExecutionInfo.FirstRunId += " of " + id
	return got, err
}

// A run that somebody has terminated does not run, whatever its record says
// until the next one of its target; while Temporal is away the record is what
// there is, and nobody waits for it once a run.
func TestATerminatedRunDoesNotRun(t *testing.T) {
	running, terminated := enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
	completed := enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	for name, c := range map[string]struct {
		temporal     oneExecution
		ends         bool // while Temporal is asked
		want         orgflow.Status
		code         orgflow.Code
		asked, lists int
	}{
		"it runs":                   {temporal: oneExecution{status: running, first: "first"}, want: orgflow.StatusRunning, asked: 1, lists: 2},
		"it was terminated":         {temporal: oneExecution{status: terminated, first: "first"}, want: orgflow.StatusCanceled, code: orgflow.CodeCanceled, asked: 1, lists: 2},
		"another one has its id":    {temporal: oneExecution{status: running, first: "other"}, want: orgflow.StatusCanceled, code: orgflow.CodeCanceled, asked: 1, lists: 2},
		"it ended at this moment":   {temporal: oneExecution{status: completed, first: "first"}, ends: true, want: orgflow.StatusCompleted, asked: 1},
		"Temporal is away":          {temporal: oneExecution{err: serviceerror.NewUnavailable("away")}, want: orgflow.StatusRunning, asked: 1, lists: 1},
		"Temporal has forgotten it": {temporal: oneExecution{err: serviceerror.NewNotFound("gone")}, want: orgflow.StatusCanceled, code: orgflow.CodeCanceled, asked: 1, lists: 2},
	} {
		t.Run(name, func(t *testing.T) {
			temporal := &alike{c.temporal}
			r := (&App{Store: outbox(t), temporal: temporal}).Runs()
			record := func(id string) {
				job := orgflow.Job{CompanyID: 7, Consumer: id, Services: []string{"person_new"}}
				if _, _, err := r.app.Store.CreateRun(t.Context(), store.NewRun{FirstRunID: "first of " + id, WorkflowID: id, Job: job}); err != nil {
					t.Fatal(err)
				}
			}
			record("a")
			if c.ends {
				temporal.meanwhile = func() {
					if _, err := r.app.Store.FinishRun(t.Context(), "a", orgflow.StatusCompleted, nil, nil); err != nil {
						t.Error(err)
					}
				}
			}
			one, err := r.Summary(t.Context(), "a")
			if err != nil || one.Status != c.want || (one.Error != nil) != (c.code != "") || one.Error != nil && one.Error.Code != c.code {
				t.Errorf("%+v, %v, %v", one, one.Error, err)
			}
			if temporal.asked != c.asked {
				t.Errorf("Temporal was asked %d times", temporal.asked)
			}
			if c.lists == 0 {
				return
			}
			record("b")
			temporal.asked = 0
			page, err := r.ListRuns(t.Context(), api.RunFilter{})
			if err != nil || len(page.Runs) != 2 || page.Runs[0].Status != c.want || page.Runs[1].Status != c.want {
				t.Errorf("%+v, %v", page, err)
			}
			if temporal.asked != c.lists {
				t.Errorf("Temporal was asked %d times for two runs", temporal.asked)
			}
		})
	}
}

// The same holds for a pull.
func TestATerminatedPullDoesNotRun(t *testing.T) {
	away := serviceerror.NewUnavailable("away")
	for name, c := range map[string]struct {
		temporal oneExecution
		want     orgflow.Status
	}{
		"it runs":           {oneExecution{status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING, first: "first"}, orgflow.StatusRunning},
		"it was terminated": {oneExecution{status: enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, first: "first"}, orgflow.StatusCanceled},
		"it ends":           {oneExecution{status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, first: "first"}, orgflow.StatusFailed},
		"Temporal is away":  {oneExecution{err: away}, orgflow.StatusRunning},
	} {
		t.Run(name, func(t *testing.T) {
			o := (&App{Store: outbox(t), temporal: &c.temporal}).Orgs()
			pull, _, err := o.app.Store.CreatePull(t.Context(), store.NewPull{FirstRunID: "first", WorkflowID: "p", Input: orgflow.PullInput{CompanyID: 7}.WithDefaults()})
			if err != nil {
				t.Fatal(err)
			}
			if c.want == orgflow.StatusFailed {
				c.temporal.meanwhile = func() {
					if _, err := o.app.Store.FinishPull(t.Context(), pull.ID, c.want, orgflow.Faultf(orgflow.CodeInternal, "x"), nil); err != nil {
						t.Error(err)
					}
				}
			}
			one, err := o.PullSummary(t.Context(), pull.ID)
			if err != nil || one.Status != c.want || (one.Error != nil) != (c.want != orgflow.StatusRunning) {
				t.Errorf("%+v, %v", one, err)
			}
			page, err := o.ListPulls(t.Context(), 7, "", 10)
			if err != nil || len(page.Pulls) != 1 || page.Pulls[0].Status != c.want {
				t.Errorf("%+v, %v", page, err)
			}
		})
	}
}
