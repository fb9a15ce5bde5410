package app

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orgflow"
	"orgflow/internal/store"
)

// closing is a Temporal whose workflow runs to its end, and writes its record,
// between the moment in which somebody looks for the record and the one in
// which Temporal is asked.
type closing struct {
	client.Client
	client.WorkflowRun
	kind    string
	records func()
	silent  error // instead of how it ended
}

func (c *closing) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if c.records != nil {
		c.records()
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: id, RunId: "run-1"}, FirstRunId: "run-1",
		Type: &common.WorkflowType{Name: c.kind}, StartTime: timestamppb.Now(), CloseTime: timestamppb.Now(),
	}}, nil
}

func (c *closing) GetWorkflow(context.Context, string, string) client.WorkflowRun { return c }
func (c *closing) Get(context.Context, any) error                                 { return c.silent }

// What completes while somebody looks is not taken for what was refused, which
// is what a closed workflow without a record means.
func TestWhatEndsWhileSomebodyLooksHasNotFailed(t *testing.T) {
	db, ctx := outbox(t), t.Context()
	done := orgflow.StatusCompleted
	temporal := &closing{}
	a := &App{Store: db, temporal: temporal}
	for _, c := range []struct {
		kind    string
		records func() error
		looks   func() (orgflow.Status, error)
	}{
		{orgflow.WorkflowSyncRun, func() error {
			run, _, err := db.CreateRun(ctx, store.NewRun{FirstRunID: "run-1", WorkflowID: "sync", Job: orgflow.Job{CompanyID: 129, Consumer: "ding_talk"}, StartedAt: time.Now()})
			if err == nil {
				_, err = db.FinishRun(ctx, run.ID, done, nil, nil)
			}
			return err
		}, func() (orgflow.Status, error) { s, err := (&Runs{app: a}).Summary(ctx, "sync"); return s.Status, err }},
		{orgflow.WorkflowOrgPull, func() error {
			pull, _, err := db.CreatePull(ctx, store.NewPull{FirstRunID: "run-1", WorkflowID: "pull", Input: orgflow.PullInput{CompanyID: 129, Origin: "ding_talk"}})
			if err == nil {
				_, err = db.FinishPull(ctx, pull.ID, done, nil, nil)
			}
			return err
		}, func() (orgflow.Status, error) {
			s, err := (&Orgs{app: a}).PullSummary(ctx, "pull")
			return s.Status, err
		}},
		{orgflow.WorkflowDataSync, func() error {
			load, _, err := db.CreateLoad(ctx, store.NewLoad{FirstRunID: "run-1", WorkflowID: "load", Input: orgflow.LoadInput{CompanyID: 129, FormID: "F", Kind: orgflow.LoadUpdate}})
			if err == nil {
				_, err = db.FinishLoad(ctx, load.ID, done, nil)
			}
			return err
		}, func() (orgflow.Status, error) {
			s, err := (&Loads{app: a}).LoadRun(ctx, orgflow.ERPRunID("load", "run-1"))
			return s.Status, err
		}},
	} {
		temporal.kind, temporal.records = c.kind, nil
		temporal.silent = serviceerror.NewUnavailable("away")
		if status, err := c.looks(); err == nil || orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
			t.Errorf("%s, Temporal does not tell: %s %v", c.kind, status, err)
		}
		temporal.silent = nil
		temporal.records = func() {
			if err := c.records(); err != nil {
				t.Error(err)
			}
		}
		if status, err := c.looks(); err != nil || status != done {
			t.Errorf("%s: %s %v", c.kind, status, err)
		}
	}
}
