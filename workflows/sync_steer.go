package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// steering is what people and other runs want of a run that sends.
type steering struct {
	pause  *orgflow.Pause      // somebody wants it to stand still
	by     string              // who resumed it last
	yield  bool                // a run for single records waits for the target
	insist bool                // it owes itself a page before it gives way again
	halt   workflow.CancelFunc // stops the pages in flight; nil before the first
	ending bool                // nothing can be steered any more
}

// steer accepts pause and resume by update, so that whoever asks is answered.
func (r *syncRun) steer(ctx workflow.Context) error {
	for _, verb := range []struct {
		name, does string
		validate   func(orgflow.Decision) error
		do         func(workflow.Context, orgflow.Decision)
	}{
		{orgflow.UpdatePause, "stops sending; the run keeps its target", r.mayPause, r.pause},
		{orgflow.UpdateResume, "lets a paused run go on", r.mayResume, r.resume},
	} {
		err := workflow.SetUpdateHandlerWithOptions(ctx, verb.name,
			func(ctx workflow.Context, d orgflow.Decision) (orgflow.Summary, error) {
				verb.do(ctx, d)
				return r.summary, nil
			},
			workflow.UpdateHandlerOptions{
				Validator:   verb.validate,
				Description: verb.name + ` ` + verb.does + `: {"by": "your account", "reason": "why"}`,
			})
		if err != nil {
			return err
		}
	}
	return nil
}

// pause takes effect before the next change: at once while the run sends,
// after the plan while it reads.
func (r *syncRun) pause(ctx workflow.Context, d orgflow.Decision) {
	r.steering.pause = &orgflow.Pause{By: d.By, Reason: d.Reason, At: workflow.Now(ctx).UTC()}
	if r.steering.halt != nil {
		r.steering.halt()
	}
	r.show(ctx, r.summary.Phase, "pause asked for "+r.steering.pause.String())
}

func (r *syncRun) resume(_ workflow.Context, d orgflow.Decision) {
	r.steering.pause, r.steering.by = nil, d.String()
}

// mayPause refuses what makes no sense; it changes nothing.
func (r *syncRun) mayPause(d orgflow.Decision) error {
	switch {
	case d.By == "":
		return refuse(`a pause needs a name: "by" is empty`)
	case r.info.RunID == "":
		return refuse("the run is only beginning: its job is being checked; try again in a moment")
	case r.steering.pause != nil:
		return refuse("the run is paused already, %s", r.steering.pause)
	case !r.info.Send || r.info.DryRun:
		return refuse("the run sends nothing, there is nothing to pause; cancel it to stop it")
	case r.approval.waiting:
		return refuse("the run waits for a decision and sends nothing; approve, reject or cancel it")
	case r.steering.ending:
		return refuse("the run is ending")
	}
	return nil
}

// mayResume refuses to resume what is not paused; it changes nothing.
func (r *syncRun) mayResume(d orgflow.Decision) error {
	switch {
	case d.By == "":
		return refuse(`resuming needs a name: "by" is empty`)
	case r.steering.pause == nil:
		return refuse("the run is not paused; it is %s", r.summary.Status)
	}
	return nil
}

// refuse answers an update that makes no sense.
func refuse(format string, args ...any) error {
	return refused(orgflow.Faultf(orgflow.CodeConflict, format, args...))
}

// refused is the error of what is not to be asked for again.
func refused(f *orgflow.Fault) error {
	return temporal.NewNonRetryableApplicationError(f.Message, string(f.Code), nil, *f)
}

// standBy is where a run stands between two changes: until somebody resumes
// it, or while a run for single records has the target. Then it takes up what
// is still open.
func (r *syncRun) standBy(ctx workflow.Context) error {
	params := activities.ResumeParams{RunID: r.info.RunID}
	for r.steering.pause != nil {
		if err := r.stand(ctx); err != nil {
			return err
		}
		params.By, r.steering.yield = r.steering.by, false // who still waits is found again
	}
	if r.steering.yield {
		if err := r.giveWay(ctx); err != nil {
			return err
		}
	}
	var planned activities.Planned
	err := workflow.ExecuteActivity(bookkeeping(ctx, "go on with what is open"), orgflow.ActivityResumeRun, params).Get(ctx, &planned)
	if err != nil {
		return err
	}
	r.adopt(&planned)
	r.summary.Status, r.summary.Paused = orgflow.StatusRunning, nil
	return r.tag(ctx, orgflow.StatusRunning)
}

// stand keeps a run paused, with its target, for as long as it takes.
func (r *syncRun) stand(ctx workflow.Context) error {
	pause := r.steering.pause
	err := workflow.ExecuteActivity(bookkeeping(ctx, "pause, keep the target"), orgflow.ActivityPauseRun,
		activities.PauseParams{RunID: r.info.RunID, Pause: *pause}).Get(ctx, nil)
	if err != nil {
		return err
	}
	r.summary.Status, r.summary.Paused = orgflow.StatusPaused, pause
	r.show(ctx, r.summary.Phase, fmt.Sprintf("paused %s: starter runs resume %s", pause, r.info.RunID))
	if err := r.tag(ctx, orgflow.StatusPaused); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return r.steering.pause != pause })
}

// giveWay lets the runs for single records that wait for the target go first.
// It comes after those that were waiting when it stopped, and before those
// that come later: they wait until it has sent a page.
func (r *syncRun) giveWay(ctx workflow.Context) error {
	r.show(ctx, r.summary.Phase, "giving way to a run for single records")
	params := activities.RunParams{RunID: r.info.RunID, Wait: true}
	err := workflow.ExecuteActivity(bookkeeping(ctx, "give way to a run for single records"), orgflow.ActivityYieldTarget, params).Get(ctx, nil)
	if err != nil {
		return err
	}
	r.steering.insist, r.steering.yield = true, false
	return workflow.ExecuteActivity(bookkeeping(ctx, "hold the target"), orgflow.ActivityHoldTarget, params).Get(ctx, nil)
}

// stopped tells whether an activity ended because it was asked to, or because
// it could not be tried again after it was asked to: its worker was killed,
// or stopped itself.
func stopped(err error) bool {
	var act *temporal.ActivityError
	return temporal.IsCanceledError(err) || errors.As(err, &act) && act.RetryState() == enums.RETRY_STATE_CANCEL_REQUESTED
}
