package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

const (
	// quietFor is how long nothing may be told before what was is dealt with:
	// who moves a department changes many records. quietMost bounds it.
	quietFor  = 5 * time.Second
	quietMost = time.Minute
	// lookAgain is how often is looked whether a run of before has ended.
	lookAgain = 15 * time.Second
)

// ContactEvents gathers what a consumer tells of changes made at it, until
// nothing is told for a while, and starts one run for the records concerned;
// the next one when that has ended. It ends when nothing is left; whoever
// stores an event starts it again, or signals it.
//
// Its input is a target. The events stand in the database, a signal only
// says that there are some, so that a burst of them costs little history.
func ContactEvents(ctx workflow.Context, state activities.EventsState) (activities.EventCounts, error) {
	w := &contactEvents{state: state, told: workflow.GetSignalChannel(ctx, orgflow.SignalContactEvent)}
	if err := w.setup(ctx); err != nil {
		return w.state.Total, err
	}
	for {
		w.show(ctx, "waiting until nothing more is told")
		if err := w.quiet(ctx); err != nil {
			return w.state.Total, err
		}
		taken, err := w.take(ctx)
		if err != nil {
			return w.state.Total, err
		}
		if err := w.start(ctx, taken.Jobs); err != nil {
			return w.state.Total, err
		}
		switch w.hear(); {
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return w.state.Total, workflow.NewContinueAsNewError(ctx, ContactEvents, w.state)
		case len(taken.Running) > 0:
			w.show(ctx, "waiting for run "+taken.Running[0].ID)
			if err := workflow.Sleep(ctx, lookAgain); err != nil {
				return w.state.Total, err
			}
		case taken.Taken == 0 && !w.heard:
			w.show(ctx, "nothing is left")
			return w.state.Total, nil
		}
	}
}

type contactEvents struct {
	state activities.EventsState
	told  workflow.ReceiveChannel
	heard bool // since the events were taken
	takes int
}

// setup makes the workflow readable and findable.
func (w *contactEvents) setup(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, orgflow.QueryStatus,
		func() (activities.EventsState, error) { return w.state, nil },
		workflow.QueryHandlerOptions{Description: "What came of the events so far, and the runs that are not over"})
	if err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(ctx,
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrCompany).ValueSet(fmt.Sprint(w.state.CompanyID)),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrKind).ValueSet("contact_events"),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrTarget).ValueSet(w.state.String()),
	)
}

// quiet waits until nothing more is told, or long enough.
func (w *contactEvents) quiet(ctx workflow.Context) error {
	until := workflow.Now(ctx).Add(quietMost)
	for {
		w.hear()
		wait := min(quietFor, until.Sub(workflow.Now(ctx)))
		more, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return w.told.Len() > 0 })
		if err != nil || !more {
			return err
		}
	}
}

// hear takes the signals that are there.
func (w *contactEvents) hear() {
	for w.told.ReceiveAsync(nil) {
		w.heard = true
	}
}

// take takes the events that are open.
func (w *contactEvents) take(ctx workflow.Context) (activities.TakenEvents, error) {
	w.heard = false
	w.takes++
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	params := activities.TakeParams{
		Target: w.state.Target, Runs: w.state.Runs,
		RunID: orgflow.SyncRunID(w.state.Target, workflow.Now(ctx), fmt.Sprintf("ev-%s-%d", run[:min(8, len(run))], w.takes)),
	}
	var taken activities.TakenEvents
	err := workflow.ExecuteActivity(bookkeeping(ctx, "take the events that are open"), orgflow.ActivityTakeContactEvents, params).Get(ctx, &taken)
	if err == nil {
		w.state.Runs = taken.Running
		w.state.Total.Add(taken.Count)
	}
	return taken, err
}

// start starts the runs. They outlive this workflow; the next look asks
// whether they have ended.
func (w *contactEvents) start(ctx workflow.Context, jobs []activities.EventJob) error {
	for _, job := range jobs {
		w.show(ctx, "starting run "+job.ID)
		child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID:            job.ID,
			WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
			StaticSummary:         "changed at " + w.state.Consumer + ", company " + fmt.Sprint(w.state.CompanyID),
		}), orgflow.WorkflowSyncRun, job.Job)
		var run workflow.Execution
		err := child.GetChildWorkflowExecution().Get(ctx, &run)
		if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			continue // of an execution that was reset: it looks at the records
		}
		if err != nil {
			return err
		}
		w.state.Runs = append(w.state.Runs, activities.StartedRun{ID: run.ID, FirstRunID: run.RunID})
	}
	return nil
}

// show renders what a person reads in the Web UI: counts only.
func (w *contactEvents) show(ctx workflow.Context, note string) {
	t := w.state.Total
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s**\n\n- records looked at: %d, in %d runs\n- events of our own writes: %d\n- about records nobody manages: %d\n- left alone, events are off or nothing was read: %d\n",
		note, t.Records, t.Runs, t.Own, t.Unbound, t.Off))
}
