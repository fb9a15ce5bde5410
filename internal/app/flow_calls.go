package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/flowcall"
	"orgflow/internal/transport"
	"orgflow/workflows"
)

// sweepPause is how long a worker waits between two looks for lost calls.
const sweepPause = 30 * time.Second

// FlowCalls returns what answers the calls of boards on approval flows.
func (a *App) FlowCalls() *flowcall.Service {
	return &flowcall.Service{
		Keeper: a.flows, Store: a.Store, Files: a.Meta, Engine: flowEngine{a}, Log: a.Log, Sleep: transport.Wait,
	}
}

// FlowActivities returns the activities of approval flows.
func (a *App) FlowActivities() *activities.Flows {
	return &activities.Flows{Keeper: a.flows, Caller: newTriggerCaller(&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}, a.Config.Egress)}
}

// SweepFlows makes up for lost calls on approval flows until ctx ends.
func (a *App) SweepFlows(ctx context.Context) { a.FlowCalls().SweepEvery(ctx, sweepPause) }

// flowEngine runs the workflows of approval flows on Temporal.
type flowEngine struct{ app *App }

// Start starts a flow's workflow unless it runs.
func (e flowEngine) Start(ctx context.Context, id string, run orgflow.FlowRun) error {
	cl, err := e.app.Dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", flowcall.ErrUnavailable, err)
	}
	_, err = cl.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: e.app.Config.Temporal.TaskQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            fmt.Sprintf("approval flow %s, company %d", run.No, run.CompanyID),
		TypedSearchAttributes:    workflows.FlowAttributes(run.CompanyID, orgflow.FlowRunning),
	}, orgflow.WorkflowApprovalFlow, run)
	if err != nil {
		return fmt.Errorf("%w: start flow %s: %w", flowcall.ErrUnavailable, run.No, err)
	}
	return nil
}

// Update asks a flow's workflow and waits for the answer.
func (e flowEngine) Update(ctx context.Context, id, updateID, name string, c orgflow.FlowCommand) (orgflow.FlowReply, error) {
	var reply orgflow.FlowReply
	cl, err := e.app.Dial(ctx)
	if err != nil {
		return reply, fmt.Errorf("%w: %w", flowcall.ErrUnavailable, err)
	}
	handle, err := cl.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateID: updateID, UpdateName: name, Args: []any{c}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &reply)
	}
	return reply, e.updateError(ctx, cl, err)
}

// Signal tells a flow's workflow what nobody is answered.
func (e flowEngine) Signal(ctx context.Context, id string, c orgflow.FlowCommand) error {
	cl, err := e.app.Dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", flowcall.ErrUnavailable, err)
	}
	return e.updateError(ctx, cl, cl.SignalWorkflow(ctx, id, "", orgflow.SignalFlow, c))
}

// updateError is the one table from what Temporal answers to what calls do.
func (e flowEngine) updateError(ctx context.Context, cl client.Client, err error) error {
	var notFound *serviceerror.NotFound
	var late *client.WorkflowUpdateServiceTimeoutOrCanceledError
	var exhausted *serviceerror.ResourceExhausted
	var unavailable *serviceerror.Unavailable
	var refused *temporal.ApplicationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &notFound):
		return flowcall.ErrGone
	case errors.As(err, &exhausted):
		return flowcall.ErrBusy
	case errors.As(err, &unavailable):
		return fmt.Errorf("%w: %w", flowcall.ErrUnavailable, err)
	case errors.As(err, &refused) && refused.Type() == acceptedAndEnded:
		return flowcall.ErrGone
	case errors.As(err, &refused) && refused.Type() == string(orgflow.CodeThrottled):
		return flowcall.ErrBusy
	case errors.As(err, &refused):
		return workflowFault(err)
	case errors.As(err, &late), errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		return e.silence(ctx, cl)
	}
	return fmt.Errorf("%w: %w", flowcall.ErrUnavailable, err)
}

// acceptedAndEnded is the type of the failure of an update whose workflow
// ended before its handler did (approval reference C.3).
const acceptedAndEnded = "AcceptedUpdateCompletedWorkflow"

// silence tells a service that is down from one that has not come to the
// update yet.
func (e flowEngine) silence(ctx context.Context, cl client.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := cl.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("%w: %w", flowcall.ErrUnavailable, err)
	}
	return flowcall.ErrNoAnswer
}
