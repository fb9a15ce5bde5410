package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// Register makes every workflow known to a worker under its wire name.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(SyncRun, workflow.RegisterOptions{Name: orgflow.WorkflowSyncRun})
	r.RegisterWorkflowWithOptions(OrgPull, workflow.RegisterOptions{Name: orgflow.WorkflowOrgPull})
	r.RegisterWorkflowWithOptions(DataSync, workflow.RegisterOptions{Name: orgflow.WorkflowDataSync})
	r.RegisterWorkflowWithOptions(ApprovalFlow, workflow.RegisterOptions{Name: orgflow.WorkflowApprovalFlow})
	r.RegisterWorkflowWithOptions(ContactEvents, workflow.RegisterOptions{Name: orgflow.WorkflowContactEvents})
	r.RegisterWorkflowWithOptions(ContactPull, workflow.RegisterOptions{Name: orgflow.WorkflowContactPull})
	r.RegisterWorkflowWithOptions(Notify, workflow.RegisterOptions{Name: orgflow.WorkflowNotify})
	r.RegisterWorkflowWithOptions(DataRetention, workflow.RegisterOptions{Name: orgflow.WorkflowDataRetention})
}
