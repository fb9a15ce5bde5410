package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// listen accepts decisions on parked removals by update, so that whoever
// decides is answered, and word of a newer pull by signal.
func (p *orgPull) listen(ctx workflow.Context) error {
	for _, verdict := range []struct {
		name     string
		approved bool
	}{{orgflow.UpdateApprove, true}, {orgflow.UpdateReject, false}} {
		err := workflow.SetUpdateHandlerWithOptions(ctx, verdict.name,
			func(_ workflow.Context, d orgflow.Decision) (orgflow.PullSummary, error) {
				p.approval.decision, p.approval.approved, p.approval.waiting = &d, verdict.approved, false
				return p.summary, nil
			},
			workflow.UpdateHandlerOptions{
				Validator:   p.undecided,
				Description: verdict.name + ` the parked removals: {"by": "your account", "reason": "why"}`,
			})
		if err != nil {
			return err
		}
	}
	newer := workflow.GetSignalChannelWithOptions(ctx, orgflow.SignalSupersede,
		workflow.SignalChannelOptions{Description: "a newer pull has computed the removals again"})
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var pull string
			if !newer.Receive(ctx, &pull) {
				return
			}
			// Only pulls that are seen to wait are told, perhaps before this one
			// knows that it waits.
			if p.approval.decision == nil {
				p.approval.superseded, p.approval.waiting = pull, false
			}
		}
	})
	return nil
}

// undecided refuses a decision nobody waits for; it changes nothing.
func (p *orgPull) undecided(d orgflow.Decision) error {
	switch a := p.approval; {
	case d.By == "":
		return refuse(`a decision needs a name: "by" is empty`)
	case a.decision != nil:
		return refuse("the pull was decided already by %s", a.decision.By)
	case !a.waiting:
		return refuse("the pull does not wait for a decision; it is %s", p.summary.Status)
	}
	return nil
}

// approve waits for a decision on removals that a safeguard has parked. Other
// pulls may run meanwhile; a newer one computes the removals anew.
func (p *orgPull) approve(ctx workflow.Context) error {
	if p.summary.ParkedRemovals == 0 {
		return nil
	}
	err := workflow.ExecuteActivity(bookkeeping(ctx, "park the removals"), orgflow.ActivityParkPull,
		activities.PullParams{PullID: p.summary.ID}).Get(ctx, nil)
	if err != nil {
		return err
	}
	p.approval.waiting, p.summary.Status = true, orgflow.StatusAwaitingApproval
	p.show(ctx, fmt.Sprintf("waiting for a decision on %d removals: starter pull approve %s", p.summary.ParkedRemovals, p.summary.ID))
	if err := p.tag(ctx); err != nil {
		return err
	}
	_, err = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      approvalTimeout,
		TimerOptions: workflow.TimerOptions{Summary: "a decision on the parked removals"},
	}, func() bool { return p.approval.decision != nil || p.approval.superseded != "" })
	p.approval.waiting = false
	if err != nil {
		return err
	}
	switch a := p.approval; {
	case a.superseded != "":
		p.ending = orgflow.StatusSuperseded
		p.notes = append(p.notes, "superseded by pull "+a.superseded)
	case a.decision == nil:
		p.ending = orgflow.StatusRejected
		p.notes = append(p.notes, fmt.Sprintf("nobody decided within %v; nobody was removed", approvalTimeout))
	case !a.approved:
		p.ending = orgflow.StatusRejected
		p.notes = append(p.notes, "rejected by "+a.decision.String()+"; nobody was removed")
	default:
		p.notes = append(p.notes, "approved by "+a.decision.String())
		return p.merge(ctx, true)
	}
	return nil
}
