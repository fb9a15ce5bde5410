package app

import (
	"context"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

// askTemporal bounds how long whoever looks at a run waits for Temporal's
// answer.
const askTemporal = 2 * time.Second

// running reports whether the workflow that began with firstRunID goes on.
func (a *App) running(ctx context.Context, workflowID, firstRunID string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTemporal)
	defer cancel()
	cl, err := a.Dial(ctx)
	if err != nil {
		return false, err
	}
	return executions{cl}.Running(ctx, workflowID, firstRunID)
}

// asItIs is a run as users see it. Whoever terminates its workflow in the Web
// UI leaves a record that says running, which the next run of the target
// ends; until then Temporal is asked. While it is away, which is the error,
// the record is shown.
func (r *Runs) asItIs(ctx context.Context, run store.Run, summary orgflow.Summary) (orgflow.Summary, error) {
	running, err := r.app.running(ctx, run.WorkflowID, run.FirstRunID)
	if err != nil || running {
		return summary, err
	}
	// A run records its end before its workflow closes.
	now, err := r.app.Store.Summary(ctx, run.ID)
	switch {
	case err != nil:
		return summary, err
	case now.Status.Terminal():
		return now, nil
	}
	now.Status = orgflow.StatusCanceled
	now.Error = terminated("run", "start a run again: it takes the target over and reads back what was in flight")
	return now, nil
}

// asItIs does the same for a pull.
func (o *Orgs) asItIs(ctx context.Context, pull store.Pull) (orgflow.PullSummary, error) {
	if pull.Summary.Status.Terminal() {
		return pull.Summary, nil
	}
	running, err := o.app.running(ctx, pull.WorkflowID, pull.FirstRunID)
	if err != nil || running {
		return pull.Summary, err
	}
	now, err := o.app.Store.GetPull(ctx, pull.ID)
	switch {
	case err != nil:
		return pull.Summary, err
	case now.Summary.Status.Terminal():
		return now.Summary, nil
	}
	now.Summary.Status = orgflow.StatusCanceled
	now.Summary.Error = terminated("pull", "start a pull again: it reads the organisation anew")
	return now.Summary, nil
}

func terminated(what, advice string) *orgflow.Fault {
	return &orgflow.Fault{Code: orgflow.CodeCanceled, Message: "the workflow was terminated before the " + what + " ended", Advice: advice}
}
