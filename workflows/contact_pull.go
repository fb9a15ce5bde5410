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
	// ToldFor is for how long a signal to ContactPull stands: whoever has just
	// signalled need not signal what is told within this time after it.
	ToldFor = 10 * time.Second
	// toldForSure is the same as the workflow counts it: a signal takes time to
	// arrive.
	toldForSure = ToldFor + 5*time.Second
	// pullQuiet is how long nothing may be told before a pull begins: it reads
	// everything, and a reorganisation by hand goes on for minutes.
	// pullQuietMost bounds the wait.
	pullQuiet     = 30 * time.Second
	pullQuietMost = 5 * time.Minute
	// pullLookAgain is how often is looked whether a running pull has ended.
	pullLookAgain = 30 * time.Second
)

// ContactPull gathers that a consumer tells of changes made at it, until
// nothing is told for a while, and pulls its organisation once; again after
// that pull if something was told meanwhile. There is one for each target, so
// that one pull at most waits. It ends when a pull has ended since which
// nothing was told; whoever is told then starts it again.
//
// What was changed is nobody's business here: a pull reads everything.
func ContactPull(ctx workflow.Context, state activities.PullGathering) (activities.PullGathering, error) {
	w := &contactPull{state: state, told: workflow.GetSignalChannel(ctx, orgflow.SignalContactEvent)}
	if err := w.setup(ctx); err != nil {
		return w.state, err
	}
	w.heard = workflow.Now(ctx)
	for {
		if err := w.quiet(ctx); err != nil {
			return w.state, err
		}
		off, err := w.turn(ctx)
		switch {
		case err != nil:
			return w.state, err
		case off:
			w.show(ctx, "events start no pull any more")
			return w.state, nil
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return w.state, workflow.NewContinueAsNewError(ctx, ContactPull, w.state)
		}
		again, err := w.pull(ctx)
		if err != nil || !again {
			return w.state, err
		}
	}
}

type contactPull struct {
	state activities.PullGathering
	told  workflow.ReceiveChannel
	heard time.Time // when the last signal was taken
}

// setup makes the workflow readable and findable.
func (w *contactPull) setup(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, orgflow.QueryStatus,
		func() (activities.PullGathering, error) { return w.state, nil },
		workflow.QueryHandlerOptions{Description: "How many pulls the events have started"})
	if err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(ctx,
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrCompany).ValueSet(fmt.Sprint(w.state.CompanyID)),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrKind).ValueSet("contact_pull"),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrTarget).ValueSet(w.state.String()),
	)
}

// hear takes the signals that are there.
func (w *contactPull) hear(ctx workflow.Context) {
	for w.told.ReceiveAsync(nil) {
		w.heard = workflow.Now(ctx)
	}
}

// quiet waits until nothing more is told, or long enough.
func (w *contactPull) quiet(ctx workflow.Context) error {
	w.show(ctx, "waiting until nothing more is told")
	until := workflow.Now(ctx).Add(pullQuietMost)
	for {
		w.hear(ctx)
		wait := min(pullQuiet, until.Sub(workflow.Now(ctx)))
		more, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return w.told.Len() > 0 })
		if err != nil || !more {
			return err
		}
	}
}

// turn waits while the company's organisation is being pulled, by whomever:
// what was told since that began needs another pull. off: nobody wants pulls
// because of events any more.
func (w *contactPull) turn(ctx workflow.Context) (off bool, err error) {
	for {
		var turn activities.PullTurn
		err := workflow.ExecuteActivity(bookkeeping(ctx, "look whether the organisation is being pulled"), orgflow.ActivityCheckPullTurn, w.state.Target).Get(ctx, &turn)
		if err != nil || turn.Off || turn.Busy == "" {
			return turn.Off, err
		}
		w.show(ctx, "waiting for pull "+turn.Busy)
		if err := workflow.Sleep(ctx, pullLookAgain); err != nil {
			return false, err
		}
	}
}

// pull starts a pull and waits until it has ended or something is told. again
// tells whether another one is needed. The pull outlives this workflow.
func (w *contactPull) pull(ctx workflow.Context) (again bool, err error) {
	w.hear(ctx) // the pull sees what these tell of, but for what they stand for and comes only now
	again = workflow.Now(ctx).Sub(w.heard) < toldForSure
	w.state.Pulls++
	id := orgflow.OrgPullID(w.state.Target, workflow.Now(ctx), fmt.Sprintf("ev-%s-%d", workflow.GetInfo(ctx).WorkflowExecution.RunID[:8], w.state.Pulls))
	w.show(ctx, "pulling: "+id)
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            id,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         fmt.Sprintf("changed at %s → local organisation, company %d", w.state.Consumer, w.state.CompanyID),
	}), orgflow.WorkflowOrgPull, orgflow.PullInput{CompanyID: w.state.CompanyID, Origin: w.state.Consumer})
	err = child.GetChildWorkflowExecution().Get(ctx, nil)
	switch {
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		return true, nil // by an execution that was reset
	case err != nil:
		return false, err
	case again:
		return true, nil
	}
	err = workflow.Await(ctx, func() bool { return child.IsReady() || w.told.Len() > 0 })
	if err != nil || w.told.Len() > 0 {
		return true, err
	}
	return busy(child.Get(ctx, nil)), nil // another failure is the pull's own, and shown there
}

// busy tells whether a pull was refused because another one of the company
// had begun in the moment before.
func busy(err error) bool { return err != nil && faultOf(err).Code == orgflow.CodeTargetBusy }

// show renders what a person reads in the Web UI: counts only.
func (w *contactPull) show(ctx workflow.Context, note string) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s**\n\n- pulls started: %d\n", note, w.state.Pulls))
}
