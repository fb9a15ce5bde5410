package app

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/internal/store"
)

// unrecorded describes the newest execution of a workflow that has not
// written its record: it is about to, or its input was refused.
// store.ErrNotFound tells that there is none of this type.
func unrecorded(ctx context.Context, cl client.Client, id, workflowType string) (*workflow.WorkflowExecutionInfo, error) {
	d, err := cl.DescribeWorkflowExecution(ctx, id, "")
	info := d.GetWorkflowExecutionInfo()
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) || err == nil && info.GetType().GetName() != workflowType {
		return nil, store.ErrNotFound
	}
	return info, err
}

// endOf tells when an execution ended without a record, and with what; nothing
// while it runs. Whoever asks has looked for the record once more after info
// was read: one that was written between the two looks is no refusal.
func endOf(ctx context.Context, cl client.Client, info *workflow.WorkflowExecutionInfo) (*time.Time, *orgflow.Fault, error) {
	if info.GetCloseTime() == nil {
		return nil, nil, nil
	}
	closed := info.GetCloseTime().AsTime()
	execution := info.GetExecution()
	err := cl.GetWorkflow(ctx, execution.GetWorkflowId(), execution.GetRunId()).Get(ctx, nil)
	var ended *temporal.WorkflowExecutionError
	if err != nil && !errors.As(err, &ended) { // Temporal did not tell
		return nil, nil, unavailable("look up how "+execution.GetWorkflowId()+" ended", err)
	}
	return &closed, workflowFault(err), nil
}
