package app

import (
	"context"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

// askTemporal bounds how long whoever looks at a load waits for Temporal's
// answer.
const askTemporal = 2 * time.Second

// asItIs returns loads as users see them. Whoever terminates a workflow in
// the Web UI leaves a record that says running, which the next load of the
// form ends; until then Temporal is asked. While it is away records are shown
// as they are.
func (l *Loads) asItIs(ctx context.Context, loads []store.Load) []orgflow.ERPRun {
	runs, asks := make([]orgflow.ERPRun, len(loads)), true
	for i, load := range loads {
		if runs[i] = load.Summary; load.Summary.Status.Terminal() || !asks {
			continue
		}
		now, err := l.now(ctx, load)
		if asks = err == nil; asks {
			runs[i] = now
		}
	}
	return runs
}

// now is a load whose record says that it goes on: as it is, as it has ended
// meanwhile, or as the next load of the form will record that it was
// terminated.
func (l *Loads) now(ctx context.Context, load store.Load) (orgflow.ERPRun, error) {
	cl, err := l.app.Dial(ctx)
	if err != nil {
		return orgflow.ERPRun{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTemporal)
	defer cancel()
	running, err := executions{cl}.Running(ctx, load.WorkflowID, load.FirstRunID)
	if err != nil || running {
		return load.Summary, err
	}
	// A load records its end before its workflow closes.
	if load, err = l.app.Store.GetLoad(ctx, load.ID); err != nil || load.Summary.Status.Terminal() {
		return load.Summary, err
	}
	if load.Swapped {
		load.Summary.Status = orgflow.StatusCompleted
		return load.Summary, nil
	}
	load.Summary.Status = orgflow.StatusCanceled
	load.Summary.Error = &orgflow.Fault{
		Code: orgflow.CodeCanceled, Message: "the workflow was terminated before the load ended",
		Advice: "start the load again: it takes the form over",
	}
	return load.Summary, nil
}
