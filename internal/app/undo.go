package app

import (
	"context"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// Undo starts a run that takes back what an ended one did.
func (r *Runs) Undo(ctx context.Context, id string, o api.UndoOptions) (api.Started, error) {
	run, err := activities.Undoable(ctx, r.app.Store, id)
	if err != nil {
		return api.Started{}, err
	}
	return r.startFor(ctx, "undo", run, undoJob(run, o), o.Steering)
}

// undoAgain starts an undo once more: what it has taken back already is as
// it was before, so that only the rest is planned.
func (r *Runs) undoAgain(ctx context.Context, run store.Run, s api.Steering) (api.Started, error) {
	left, err := r.unsuccessful(ctx, run.ID)
	if err != nil {
		return api.Started{}, err
	}
	if len(left) == 0 {
		return api.Started{}, orgflow.Faultf(orgflow.CodeConflict, "nothing failed in run %s", run.ID)
	}
	undone, err := activities.Undoable(ctx, r.app.Store, run.Job.Params.Undo)
	if err != nil {
		return api.Started{}, err
	}
	job := undoJob(undone, api.UndoOptions{DryRun: run.Job.Params.DryRun, Approval: run.Job.Params.Approval})
	return r.startFor(ctx, "retry", run, job, s)
}

// undoJob is the job that takes a run back: its target and scope, its limits.
// A tripped limit parks the deletes, whatever the run's job says, because the
// rest of an undo is better than nothing of it.
func undoJob(run store.Run, o api.UndoOptions) orgflow.Job {
	was := run.Job.Params
	approval := o.Approval
	if approval == "" {
		approval = orgflow.ApprovalOnThreshold
		if was.Approval == orgflow.ApprovalAlways {
			approval = was.Approval
		}
	}
	return orgflow.Job{
		Services: run.Job.Services, Consumer: run.Job.Consumer, CompanyID: run.Job.CompanyID,
		Params: orgflow.Params{
			Undo: run.ID, Scope: was.Scope, DryRun: o.DryRun, Approval: approval,
			DeleteLimit: was.DeleteLimit, MobileChange: was.MobileChange,
		},
	}
}
