package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// Register makes every workflow known to a worker under its wire name.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(SyncRun, workflow.RegisterOptions{Name: orgflow.WorkflowSyncRun})
<<<<<<< HEAD
	r.RegisterWorkflowWithOptions(OrgPull, workflow.RegisterOptions{Name: orgflow.WorkflowOrgPull})
=======
	r.RegisterWorkflowWithOptions(ApprovalFlow, workflow.RegisterOptions{Name: orgflow.WorkflowApprovalFlow})
>>>>>>> c3a18d5 (Carry approval flows on in a workflow of their own)
	r.RegisterWorkflowWithOptions(ContactEvents, workflow.RegisterOptions{Name: orgflow.WorkflowContactEvents})
}
