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

// errands are what a flow has others do while it goes on.
type errands struct {
	open    int                         // under way; an execution does not end before they have
	calls   map[int]workflow.CancelFunc // by visit whose call or child is under way
	orphans map[string]bool             // numbers of children that are no longer wanted
}

// alarm is the one timer of a flow: the earliest instant at which something
// is due, whichever task or visit it belongs to.
type alarm struct {
	at     time.Time           // of the timer that runs
	cancel workflow.CancelFunc // nil: no timer runs
	rang   bool
	failed int // wakes in a row that could not be carried out
}

const (
	// soonest keeps a flow whose clock is behind the database's from waking over
	// and over.
	soonest = time.Second
	// mostPatient bounds how long a wake that failed waits for the next one.
	mostPatient = 15 * time.Minute
)

// answered notes how a wake ended: one that fails is tried again, ever later,
// so that its history does not grow without bounds.
func (a *alarm) answered(err error) {
	if a.failed++; err == nil {
		a.failed = 0
	}
}

// patience is how long the next wake waits at least.
func (a *alarm) patience() time.Duration { return min(soonest<<min(a.failed, 20), mostPatient) }

// set makes the alarm ring at an instant, and no other time.
func (a *alarm) set(ctx workflow.Context, at *time.Time) {
	armed := at != nil && a.cancel != nil && a.at.Equal(*at)
	if armed || a.rang { // it rang: whatever is due is found then
		return
	}
	if a.cancel != nil {
		a.cancel()
		a.cancel = nil
	}
	if at == nil {
		return
	}
	a.at = *at
	timed, cancel := workflow.WithCancel(ctx)
	a.cancel = cancel
	wait := max(at.Sub(workflow.Now(ctx)), a.patience())
	workflow.Go(timed, func(ctx workflow.Context) {
		if workflow.NewTimerWithOptions(ctx, wait, workflow.TimerOptions{Summary: "next deadline"}).Get(ctx, nil) == nil {
			a.rang, a.cancel = true, nil // set again, even for the same instant
		}
	})
}

// see has done what a step asks for besides: calls and children.
func (f *approvalFlow) see(ctx workflow.Context, out orgflow.FlowStepped) {
	for _, visit := range out.Triggers {
		f.errand(ctx, visit, func(ctx workflow.Context) { f.call(ctx, visit) })
	}
	for _, child := range out.Children {
		f.errand(ctx, child.Visit, func(ctx workflow.Context) { f.startChild(ctx, child) })
	}
	for _, visit := range out.Dropped {
		if giveUp := f.errands.calls[visit]; giveUp != nil {
			giveUp()
		}
	}
	for _, no := range out.Orphans {
		f.errands.orphans[no] = true
		f.cancelChild(ctx, no)
	}
}

// errand does something beside the flow's steps, once at a time per visit.
func (f *approvalFlow) errand(ctx workflow.Context, visit int, do func(workflow.Context)) {
	if f.errands.calls[visit] != nil {
		return
	}
	ctx, f.errands.calls[visit] = workflow.WithCancel(ctx)
	f.errands.open++
	workflow.Go(ctx, func(ctx workflow.Context) {
		do(ctx)
		f.errands.open--
		delete(f.errands.calls, visit)
	})
}

// call makes the call of a trigger node and reports how it ended, unless
// nobody waits for it any more.
func (f *approvalFlow) call(ctx workflow.Context, visit int) {
	var got activities.FlowTriggered
	err := workflow.ExecuteActivity(calling(ctx, "call of a trigger node"), orgflow.ActivityCallTrigger,
		activities.FlowTriggerParams{CompanyID: f.in.CompanyID, No: f.in.No, Visit: visit}).Get(ctx, &got)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		got = activities.FlowTriggered{Message: faultOf(err).Message}
	}
	f.enqueue(orgflow.FlowCommand{Kind: orgflow.FlowTriggerDone, Visit: visit, OK: got.OK, Message: got.Message})
}

// startChild launches the flow of a subflow node. The child tells its parent
// by signal when it has ended, so that either may continue as new or be
// started again meanwhile.
func (f *approvalFlow) startChild(ctx workflow.Context, child orgflow.FlowChild) {
	var got activities.FlowChildLaunched
	err := workflow.ExecuteActivity(stepping(ctx, "launch "+child.No), orgflow.ActivityLaunchChildFlow,
		activities.FlowChildParams{CompanyID: f.in.CompanyID, No: f.in.No, Child: child}).Get(ctx, &got)
	if err != nil {
		got.Refused = faultOf(err).Message
	}
	switch closed := (orgflow.FlowStatus{State: got.State}).Closed(); {
	case got.Refused != "": // also where nobody waits: the timeline says so
		f.enqueue(orgflow.FlowCommand{Kind: orgflow.FlowChildDone, Visit: child.Visit, Refused: got.Refused})
		return
	case closed && child.Wait:
		f.enqueue(orgflow.FlowCommand{Kind: orgflow.FlowChildDone, Visit: child.Visit, State: string(got.State)})
		return
	case closed:
		return
	}
	run := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            f.prefix + child.No,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         "subflow of " + f.in.No,
		TypedSearchAttributes: FlowAttributes(f.in.CompanyID, orgflow.FlowRunning),
	}), orgflow.WorkflowApprovalFlow, orgflow.FlowRun{CompanyID: f.in.CompanyID, No: child.No, Round: max(got.Round, 1)})
	err = run.GetChildWorkflowExecution().Get(ctx, nil)
	if err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		workflow.GetLogger(ctx).Error("a subflow did not start; it is stored, and started by the sweeper", "flow", child.No, "error", err)
	}
	if f.errands.orphans[child.No] { // meanwhile
		f.cancelChild(ctx, child.No)
	}
}

// cancelChild discards a child that nobody waits for any more. One that has
// ended, or has not begun, is left alone.
func (f *approvalFlow) cancelChild(ctx workflow.Context, no string) {
	_ = workflow.RequestCancelExternalWorkflow(ctx, f.prefix+no, "").Get(ctx, nil) // gone is as good
}

// tellParent reports the end of the flow to the one that started it. One that
// has ended too needs to know nothing.
func (f *approvalFlow) tellParent(ctx workflow.Context) {
	if f.parent == nil {
		return
	}
	err := workflow.SignalExternalWorkflow(ctx, f.prefix+f.parent.No, "", orgflow.SignalFlow, orgflow.FlowCommand{
		Kind: orgflow.FlowChildDone, Visit: f.parent.Visit, State: string(f.status.State),
	}).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Info("the parent of a subflow was not told, it has ended", "flow", f.in.No, "parent", f.parent.No)
	}
}

// show makes the flow readable in the Web UI: codes and counts only.
func (f *approvalFlow) show(ctx workflow.Context) {
	s := f.status
	text := fmt.Sprintf("**%s**\n\n- round: %d\n- current nodes: %v\n- open tasks: %d\n- revision: %d\n", s.State, s.Round, s.CurrentNodes, s.OpenTasks, s.Rev)
	if s.NextWake != nil {
		text += fmt.Sprintf("- next deadline: %s\n", s.NextWake.UTC().Format(time.RFC3339))
	}
	workflow.SetCurrentDetails(ctx, text)
	if f.shown == s.State {
		return
	}
	f.shown = s.State
	if err := workflow.UpsertTypedSearchAttributes(ctx, FlowAttributes(f.in.CompanyID, s.State).Copy()); err != nil {
		workflow.GetLogger(ctx).Error("the search attributes of a flow were not set", "flow", f.in.No, "error", err)
	}
}
