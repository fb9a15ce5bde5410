package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/api"
	"orgflow/internal/store"
	"orgflow/internal/transport"
	"orgflow/workflows"
)

// Orgs pulls organisations and shows the local one; HTTP and CLI share it.
type Orgs struct {
	app   *App
	trees trees
}

// Orgs returns what pulls and shows organisations.
func (a *App) Orgs() *Orgs { return &Orgs{app: a} }

// orgActivities are the activities of a pull.
func (a *App) orgActivities(cl client.Client) *activities.Org {
	return &activities.Org{
		Store: a.counted(), Files: a.Meta, Connectors: a.Connectors,
		Executions: executions{cl}, Now: time.Now, Sleep: transport.Wait,
	}
}

// StartPull starts a pull. raw is what the workflow gets.
func (o *Orgs) StartPull(ctx context.Context, raw json.RawMessage, opts api.StartOptions) (api.Started, error) {
	in, err := o.app.Meta.DecodePull(raw)
	if err != nil {
		return api.Started{}, err
	}
	id := opts.WorkflowID
	if id == "" {
		id = api.PullID(in, time.Now())
	}
	cl, err := o.app.Dial(ctx)
	if err != nil {
		return api.Started{}, err
	}
	run, err := cl.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: o.app.Config.Temporal.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            fmt.Sprintf("%s → local organisation, company %d", in.Origin, in.CompanyID),
		TypedSearchAttributes:                    workflows.RunAttributes("org_pull", in.Target(), orgflow.StatusRunning),
	}, orgflow.WorkflowOrgPull, raw)
	var taken *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &taken) && opts.IdempotencyKey != "":
		return pullStarted(id, taken.RunId), nil
	case errors.As(err, &taken):
		return api.Started{}, orgflow.Faultf(orgflow.CodeConflict, "a pull with id %s exists already", id)
	case err != nil:
		return api.Started{}, unavailable("start the pull", err)
	}
	return pullStarted(id, run.GetRunID()), nil
}

func pullStarted(id, runID string) api.Started {
	return api.Started{ID: id, RunID: runID, URL: "/api/v1/org/pulls/" + url.PathEscape(id)}
}

// PullSummary returns a pull as users see it. One that was started a moment
// ago, or was refused, has no record and is shown from its workflow; so is
// the end of one that was terminated.
func (o *Orgs) PullSummary(ctx context.Context, id string) (orgflow.PullSummary, error) {
	pull, err := o.app.Store.GetPull(ctx, id)
	if err == nil {
		summary, _ := o.asItIs(ctx, pull) // else as its record says
		return summary, nil
	}
	if !isNotFound(err) {
		return orgflow.PullSummary{}, err
	}
	cl, err := o.app.Dial(ctx)
	if err != nil {
		return orgflow.PullSummary{}, err
	}
	info, err := unrecorded(ctx, cl, id, orgflow.WorkflowOrgPull)
	switch {
	case isNotFound(err):
		return orgflow.PullSummary{}, noPull(id, err)
	case err != nil:
		return orgflow.PullSummary{}, unavailable("look up pull "+id, err)
	}
	if info.GetCloseTime() != nil {
		if pull, err := o.app.Store.GetPull(ctx, id); !isNotFound(err) {
			return pull.Summary, err
		}
	}
	s := orgflow.PullSummary{
		ID: id, RunID: info.GetFirstRunId(), Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare,
		StartedAt: info.GetStartTime().AsTime(), Changes: map[orgflow.Kind]orgflow.OrgCount{},
	}
	if s.FinishedAt, s.Error, err = endOf(ctx, cl, info); s.FinishedAt != nil {
		s.Status = orgflow.StatusFailed
	}
	return s, err
}

func noPull(id string, err error) error {
	if !isNotFound(err) {
		return err
	}
	return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: fmt.Sprintf("there is no pull %q", id), Advice: "GET /api/v1/org/pulls shows all", Err: err}
}

// ListPulls lists pulls, newest first.
func (o *Orgs) ListPulls(ctx context.Context, company int64, cursor string, limit int) (api.PullPage, error) {
	pulls, next, err := o.app.Store.ListPulls(ctx, company, cursor, limit)
	page, asks := api.PullPage{Pulls: make([]orgflow.PullSummary, len(pulls)), NextCursor: next}, true
	for i, p := range pulls {
		page.Pulls[i] = p.Summary
		if asks {
			now, err := o.asItIs(ctx, p)
			page.Pulls[i], asks = now, err == nil
		}
	}
	return page, badCursor(err)
}

// CancelPull asks a pull to stop.
func (o *Orgs) CancelPull(ctx context.Context, id string, s api.Steering) error {
	return o.ask(ctx, "cancel", id, s, func(cl client.Client, p store.Pull) error {
		return cl.CancelWorkflow(ctx, p.WorkflowID, "")
	})
}

// DecidePull sends a decision on parked removals and returns when the pull
// has taken it.
func (o *Orgs) DecidePull(ctx context.Context, id string, approve bool, s api.Steering) error {
	update := orgflow.UpdateReject
	if approve {
		update = orgflow.UpdateApprove
	}
	return o.ask(ctx, update, id, s, func(cl client.Client, p store.Pull) error {
		handle, err := cl.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: p.WorkflowID, UpdateName: update,
			Args:         []any{orgflow.Decision{By: who(s), Reason: s.Reason}},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err != nil {
			return err
		}
		return handle.Get(ctx, nil)
	})
}

// ask does something to a pull that has not ended, and writes down who did.
func (o *Orgs) ask(ctx context.Context, action, id string, s api.Steering, do func(client.Client, store.Pull) error) error {
	pull, err := o.app.Store.GetPull(ctx, id)
	if err != nil {
		return noPull(id, err)
	}
	if pull.Summary.Status.Terminal() {
		return orgflow.Faultf(orgflow.CodeConflict, "pull %s has ended already: %s", id, pull.Summary.Status)
	}
	cl, err := o.app.Dial(ctx)
	if err != nil {
		return err
	}
	var gone *serviceerror.NotFound
	var refused *temporal.ApplicationError
	switch err := do(cl, pull); {
	case errors.As(err, &gone):
		return orgflow.Faultf(orgflow.CodeConflict, "the workflow of pull %s has ended", id)
	case errors.As(err, &refused):
		return workflowFault(err)
	case err != nil:
		return unavailable(action+" pull "+id, err)
	}
	return o.app.Store.Audit(ctx, store.AuditEntry{
		CompanyID: pull.Input.CompanyID, Who: who(s), Action: action, Subject: pull.ID, From: s.Origin(), Detail: s.Reason,
	})
}
