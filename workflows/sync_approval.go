package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// approvalTimeout is how long parked changes wait for a decision. After it
// they count as rejected: a plan grows stale.
const approvalTimeout = 7 * 24 * time.Hour

// approval is what a run that waits knows of its decision.
type approval struct {
	waiting    bool
	decision   *orgflow.Decision
	approved   bool
	superseded string // the run that replaced this one
}

// listen accepts decisions by update, so that whoever decides is answered,
// and word of a newer run by signal.
func (r *syncRun) listen(ctx workflow.Context) error {
	for _, verdict := range []struct {
		name     string
		approved bool
	}{{orgflow.UpdateApprove, true}, {orgflow.UpdateReject, false}} {
		err := workflow.SetUpdateHandlerWithOptions(ctx, verdict.name,
			func(_ workflow.Context, d orgflow.Decision) (orgflow.Summary, error) {
				r.approval.decision, r.approval.approved, r.approval.waiting = &d, verdict.approved, false
				return r.summary, nil
			},
			workflow.UpdateHandlerOptions{
				Validator:   r.undecided,
				Description: verdict.name + ` the parked changes: {"by": "your account", "reason": "why"}`,
			})
		if err != nil {
			return err
		}
	}
	newer := workflow.GetSignalChannelWithOptions(ctx, orgflow.SignalSupersede,
		workflow.SignalChannelOptions{Description: "a newer run of the same scope has computed the deletes again"})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var run string
			if !newer.Receive(ctx, &run) {
				return
			}
			if r.approval.waiting {
				r.approval.superseded, r.approval.waiting = run, false
			}
		}
	})
	return nil
}

// undecided refuses a decision nobody waits for; it changes nothing.
func (r *syncRun) undecided(d orgflow.Decision) error {
	a := r.approval
	switch {
	case d.By == "":
		return refuse(`a decision needs a name: "by" is empty`)
	case a.decision != nil:
		return refuse("the run was decided already by %s", a.decision.By)
	case !a.waiting:
		return refuse("the run does not wait for a decision; it is %s", r.summary.Status)
	}
	return nil
}

// approve waits for a decision on parked changes and carries it out. The
// target is free meanwhile; the result is the status to end with, empty to
// let the outcomes decide.
func (r *syncRun) approve(ctx workflow.Context) (orgflow.Status, error) {
	if r.info.Plan.Parked == 0 || r.info.Approval == orgflow.ApprovalNever {
		return "", nil
	}
	if err := r.await(ctx); err != nil {
		return "", err
	}
	a := r.approval
	switch {
	case a.superseded != "":
		return orgflow.StatusSuperseded, r.settle(ctx, "superseded by run "+a.superseded)
	case a.decision == nil:
		return orgflow.StatusRejected, r.settle(ctx, fmt.Sprintf("nobody decided within %v", approvalTimeout))
	case !a.approved:
		return orgflow.StatusRejected, r.settle(ctx, "rejected by "+a.decision.String())
	}
	return "", r.release(ctx)
}

// await parks the run: status for everybody to see, target free.
func (r *syncRun) await(ctx workflow.Context) error {
	err := workflow.ExecuteActivity(bookkeeping(ctx, "park the run, free the target"), orgflow.ActivityParkRun,
		activities.RunParams{RunID: r.info.RunID}).Get(ctx, nil)
	if err != nil {
		return err
	}
	r.approval.waiting = true
	r.summary.Status = orgflow.StatusAwaitingApproval
	r.show(ctx, r.summary.Phase, fmt.Sprintf("waiting for a decision on %d parked changes: starter runs approve %s%s", r.info.Plan.Parked, r.info.RunID, r.beyondUndo()))
	if err := r.tag(ctx, orgflow.StatusAwaitingApproval); err != nil {
		return err
	}
	_, err = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      approvalTimeout,
		TimerOptions: workflow.TimerOptions{Summary: "a decision on the parked changes"},
	}, func() bool { return r.approval.decision != nil || r.approval.superseded != "" })
	r.approval.waiting = false
	return err
}

// beyondUndo reminds whoever decides of what cannot be taken back.
func (r *syncRun) beyondUndo() string {
	if len(r.info.Plan.Irreversible) == 0 {
		return ""
	}
	return "; see below what of the plan no undo brings back"
}

// settle gives parked changes up.
func (r *syncRun) settle(ctx workflow.Context, note string) error {
	return workflow.ExecuteActivity(bookkeeping(ctx, "give the parked changes up"), orgflow.ActivitySettleParked,
		activities.SettleParams{RunID: r.info.RunID, Note: note}).Get(ctx, nil)
}

// release takes the target again and sends what was approved.
func (r *syncRun) release(ctx workflow.Context) error {
	r.summary.Status = orgflow.StatusRunning
	if err := r.tag(ctx, orgflow.StatusRunning); err != nil {
		return err
	}
	r.show(ctx, r.summary.Phase, "approved; waiting for the target "+r.info.Target.String())
	err := workflow.ExecuteActivity(bookkeeping(ctx, "hold the target"), orgflow.ActivityHoldTarget,
		activities.RunParams{RunID: r.info.RunID, Wait: true}).Get(ctx, nil)
	if err != nil {
		return err
	}
	var planned activities.Planned
	err = workflow.ExecuteActivity(bookkeeping(ctx, "release the parked changes"), orgflow.ActivityReleaseParked,
		activities.SettleParams{RunID: r.info.RunID, Note: "approved by " + r.approval.decision.String()}).Get(ctx, &planned)
	if err != nil {
		return err
	}
	r.adopt(&planned)
	return r.apply(ctx)
}
