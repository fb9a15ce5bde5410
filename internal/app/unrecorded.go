package app

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

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

// endOf tells when an execution ended and with what; nothing while it runs.
func endOf(ctx context.Context, cl client.Client, info *workflow.WorkflowExecutionInfo) (*time.Time, *orgflow.Fault) {
	if info.GetCloseTime() == nil {
		return nil, nil
	}
	closed := info.GetCloseTime().AsTime()
	execution := info.GetExecution()
	return &closed, workflowFault(cl.GetWorkflow(ctx, execution.GetWorkflowId(), execution.GetRunId()).Get(ctx, nil))
}
