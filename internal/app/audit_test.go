package app

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/api"
	"orgflow/internal/store"
	"orgflow/internal/temporalx"
)

// obedient is a Temporal that does what it is asked, or nothing at all.
type obedient struct {
	client.Client
	client.WorkflowRun
	err error
}

func (o obedient) CancelWorkflow(context.Context, string, string) error { return o.err }
func (o obedient) UpdateWorkflow(context.Context, client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	return done{}, o.err
}
func (o obedient) ExecuteWorkflow(context.Context, client.StartWorkflowOptions, any, ...any) (client.WorkflowRun, error) {
	return o, o.err
}
func (o obedient) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING, FirstRunId: "l",
	}}, o.err
}
func (obedient) GetID() string    { return "started" }
func (obedient) GetRunID() string { return "r" }

type done struct{ client.WorkflowUpdateHandle }

func (done) Get(context.Context, any) error { return nil }

// steeredWorld has a run that goes on, an ended one with a held change, a pull
// and a load.
func steeredWorld(t *testing.T) (a *App, load string) {
	t.Helper()
	ctx, db := t.Context(), outbox(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	job := orgflow.Job{Services: []string{"person_new"}, Consumer: "ding_talk", CompanyID: 129}.WithDefaults()
	for _, id := range []string{"going", "ended"} {
		_, _, err := db.CreateRun(ctx, store.NewRun{FirstRunID: "first-" + id, WorkflowID: id, Job: job})
		must(err)
	}
	held := orgflow.Change{ID: 1, Op: orgflow.Insert, Kind: orgflow.Person, SourceID: "1", State: orgflow.Held}
	must(db.SavePlan(ctx, "ended", store.PlanMeta{Hash: "h"}, slices.Values([]orgflow.Change{held})))
	_, err := db.FinishRun(ctx, "ended", orgflow.StatusFailed, nil, nil)
	must(err)
	_, _, err = db.CreatePull(ctx, store.NewPull{FirstRunID: "p", WorkflowID: "pull", Input: orgflow.PullInput{CompanyID: 129}.WithDefaults()})
	must(err)
	l, _, err := db.CreateLoad(ctx, store.NewLoad{FirstRunID: "l", WorkflowID: "load", Input: orgflow.LoadInput{CompanyID: 129, FormID: "F", Kind: orgflow.LoadUpdate}})
	must(err)
	return &App{Store: db, temporal: obedient{}}, l.ID
}

// TestSteeringIsWrittenDownOnce: with who, from where and why, whatever it
// was asked by; what failed leaves no row that says it was done.
func TestSteeringIsWrittenDownOnce(t *testing.T) {
	a, load := steeredWorld(t)
	schedules := a.Schedules()
	schedules.made = temporalx.NewSchedules(nil, nil, "", "orgflow")
	failing := &App{Store: a.Store, temporal: obedient{err: errors.New("no answer")}}
	for name, c := range map[string]struct {
		subject string
		act     func(ctx context.Context, a *App, s api.Steering) error
	}{
		"cancel":  {"going", func(ctx context.Context, a *App, s api.Steering) error { return a.Runs().Cancel(ctx, "going", s) }},
		"pause":   {"going", func(ctx context.Context, a *App, s api.Steering) error { return a.Runs().Pause(ctx, "going", s) }},
		"resume":  {"going", func(ctx context.Context, a *App, s api.Steering) error { return a.Runs().Resume(ctx, "going", s) }},
		"approve": {"going", func(ctx context.Context, a *App, s api.Steering) error { return a.Runs().Approve(ctx, "going", s) }},
		"reject":  {"going", func(ctx context.Context, a *App, s api.Steering) error { return a.Runs().Reject(ctx, "going", s) }},
		"retry": {"ended", func(ctx context.Context, a *App, s api.Steering) error {
			_, err := a.Runs().Retry(ctx, "ended", s)
			return err
		}},
		"cancel pull": {"pull", func(ctx context.Context, a *App, s api.Steering) error { return a.Orgs().CancelPull(ctx, "pull", s) }},
		"approve pull": {"pull", func(ctx context.Context, a *App, s api.Steering) error {
			return a.Orgs().DecidePull(ctx, "pull", true, s)
		}},
		"reject pull": {"pull", func(ctx context.Context, a *App, s api.Steering) error {
			return a.Orgs().DecidePull(ctx, "pull", false, s)
		}},
		"cancel load": {load, func(ctx context.Context, a *App, s api.Steering) error { return a.Loads().CancelLoad(ctx, load, s) }},
		"schedule": {"schedule s", func(ctx context.Context, a *App, s api.Steering) error {
			return schedules.steer(ctx, "pause", "s", s, func(*temporalx.Schedules, string) error { return a.temporal.(obedient).err })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rows := func() []store.AuditEntry {
				list, _, err := a.Store.AuditLog(t.Context(), c.subject, "", 1000)
				if err != nil {
					t.Fatal(err)
				}
				return list
			}
			before := len(rows())
			if err := c.act(t.Context(), a, api.Steering{By: "E1", Key: "boards", From: "192.0.2.1", Reason: "why"}); err != nil {
				t.Fatal(err)
			}
			after := rows()
			if len(after) != before+1 {
				t.Fatalf("%d rows, want one", len(after)-before)
			}
			if e := after[0]; e.Who != "E1" || e.From != "boards 192.0.2.1" || e.Detail != "why" || e.Action == "" || e.At.IsZero() {
				t.Errorf("%+v", e)
			}
			if err := c.act(t.Context(), failing, api.Steering{By: "E2"}); err == nil {
				t.Fatal("it did not fail")
			}
			// A cancellation is announced before it is asked for: the run's last step
			// names who asked. Where that fails, a second row says so.
			last := rows()[0]
			if added := len(rows()) - len(after); added != 0 && (name != "cancel" || added != 2 || last.Action != activities.AuditCancelFailed) {
				t.Errorf("failed, and %d rows are new: %+v", added, last)
			}
		})
	}
}
