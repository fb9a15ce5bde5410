package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// push tells the consumer everybody who shall exist, in one task: prepare,
// add, complete, then record what became of each change. Until it is
// completed it has no effect, so that it can be given up and begun again at
// any point. Where there is no push, the waves that follow send the changes.
func (r *syncRun) push(ctx, pages workflow.Context) (stop, error) {
	for {
		if why := r.mayNotSend(ctx, false); why != through {
			return why, nil
		}
		var at activities.Pushing
		err := workflow.ExecuteActivity(remote(ctx, "list everybody who shall exist, begin the push"), orgflow.ActivityPreparePush,
			activities.RunParams{RunID: r.info.RunID}).Get(ctx, &at)
		if err != nil {
			return through, err
		}
		if !at.Completed && at.Declined == "" {
			why, err := r.fill(ctx, pages, &at)
			if err != nil || why != through {
				return why, err
			}
		}
		switch {
		case at.Lost: // prepared again, or given up there
		case at.Declined != "":
			r.info.Plan.Push = false
			r.show(ctx, r.summary.Phase, "no full push: "+at.Declined)
			return through, nil
		default:
			return through, r.settlePush(ctx, at)
		}
	}
}

// fill adds page after page to the task and completes it. What at says in the
// end is how it stands.
func (r *syncRun) fill(ctx, pages workflow.Context, at *activities.Pushing) (stop, error) {
	params := activities.PushParams{RunID: r.info.RunID, Round: at.Round}
	for at.Next <= at.Total {
		if why := r.mayNotSend(ctx, false); why != through {
			return why, nil
		}
		var got activities.Pushing
		summary := fmt.Sprintf("add to the push: from record %d of %d", at.Next, at.Total)
		err := workflow.ExecuteActivity(remote(pages, summary), orgflow.ActivityAddToPush, params).Get(ctx, &got)
		if stopped(err) && ctx.Err() == nil {
			return steered, nil // paused; the page is added when the run goes on
		}
		if err != nil {
			return through, err
		}
		r.summary.Calls += got.Calls
		if *at = got; at.Lost || at.Declined != "" || at.Completed {
			return through, nil
		}
		r.show(ctx, orgflow.PhaseOf(at.Kind, orgflow.Insert), fmt.Sprintf("pushing everybody: %d of %d records", at.Next-1, at.Total))
	}
	var got activities.Pushing
	err := workflow.ExecuteActivity(remote(ctx, "complete the push"), orgflow.ActivityCompletePush, params).Get(ctx, &got)
	*at = got
	return through, err
}

// settlePush records the outcomes of a completed push, whatever happens to
// the run meanwhile: the consumer holds them.
func (r *syncRun) settlePush(ctx workflow.Context, at activities.Pushing) error {
	detached, _ := workflow.NewDisconnectedContext(ctx)
	for next := 1; next <= at.Total; {
		var settled activities.SettledPage
		summary := fmt.Sprintf("record the push: from record %d of %d", next, at.Total)
		err := workflow.ExecuteActivity(planning(detached, summary), orgflow.ActivitySettlePush,
			activities.PushParams{RunID: r.info.RunID, Round: at.Round, From: next}).Get(detached, &settled)
		if err != nil {
			return err
		}
		next = settled.Next
		r.record(ctx, r.summary.Phase, settled.Page)
	}
	r.info.Plan.Push, r.info.Plan.Waves = false, nil
	return nil
}
