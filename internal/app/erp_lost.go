package app

import (
	"context"

	"orgflow"
	"orgflow/internal/store"
)

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
	running, err := l.app.running(ctx, load.WorkflowID, load.FirstRunID)
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
	load.Summary.Error = terminated("load", "start the load again: it takes the form over")
	return load.Summary, nil
}
