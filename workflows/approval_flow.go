package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// ApprovalFlow carries on one approval flow: it takes calls one by one, wakes
// when something is due, starts subflows and calls, and ends with the flow.
// Its id is the flow's number, its input names the flow and the round.
//
// What the flow is stands in the database: an execution that was killed,
// reset or terminated is started again with the same input and goes on. A
// cancelled one discards the flow.
func ApprovalFlow(ctx workflow.Context, in orgflow.FlowRun) (orgflow.FlowStatus, error) {
	f := newApprovalFlow(ctx, in)
	if err := f.setup(ctx); err != nil {
		return f.status, err
	}
	steps, _ := workflow.NewDisconnectedContext(ctx) // a cancelled flow is discarded in order
	if err := f.begin(steps); err != nil {
		return f.status, err
	}
	for {
		if err := f.await(steps); err != nil {
			return f.status, err
		}
		f.work(steps)
		switch {
		case f.status.Closed() && f.idle():
			if f.end(steps) {
				return f.status, ctx.Err()
			}
		case f.outgrown(steps) && f.idle():
			if f.rest(steps) {
				return f.status, workflow.NewContinueAsNewError(ctx, ApprovalFlow, orgflow.FlowRun{
					CompanyID: in.CompanyID, No: in.No, Round: f.status.Round,
				})
			}
		}
	}
}

// approvalFlow is the state of one execution. Everything else is in the
// database.
type approvalFlow struct {
	in     orgflow.FlowRun
	prefix string // of workflow ids, before the flow's number
	runID  string

	status orgflow.FlowStatus
	parent *orgflow.FlowParent
	shown  orgflow.FlowState // what the search attribute says

	queue    []*ticket
	steps    int  // done in this execution
	resting  bool // takes nothing new, to continue as new
	restless int  // times something came up before it could
	alarm    alarm
	errands  errands
}

// ticket is a command that waits for its turn, with whoever waits for it.
type ticket struct {
	command orgflow.FlowCommand
	done    bool
	reply   orgflow.FlowReply
	err     error
}

func newApprovalFlow(ctx workflow.Context, in orgflow.FlowRun) *approvalFlow {
	info := workflow.GetInfo(ctx)
	return &approvalFlow{
		in: in, prefix: strings.TrimSuffix(info.WorkflowExecution.ID, in.No), runID: info.WorkflowExecution.RunID,
		shown:   startedAs(ctx),
		status:  orgflow.FlowStatus{No: in.No, State: orgflow.FlowStarting, Round: in.Round, CurrentNodes: []int{}},
		errands: errands{calls: map[int]workflow.CancelFunc{}, orphans: map[string]bool{}},
	}
}

// setup checks the input and takes calls before anything else happens, so
// that the first ones find somebody.
func (f *approvalFlow) setup(ctx workflow.Context) error {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	if f.in.CompanyID < 1 || f.in.No == "" || f.in.Round < 1 || !strings.HasSuffix(id, f.in.No) {
		return refused(orgflow.Faultf(orgflow.CodeInvalidRecord,
			`the input must be {"company_id", "flow_running_number", "round"}, and the workflow id must end in the number; flows are launched by /flow/launch`))
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, orgflow.QueryStatus,
		func() (orgflow.FlowStatus, error) { return f.status, nil },
		workflow.QueryHandlerOptions{Description: "Where the flow is: state, round, revision, current nodes"})
	if err != nil {
		return err
	}
	if err := f.listen(ctx); err != nil {
		return err
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		if ctx.Done().Receive(ctx, nil); ctx.Err() != nil {
			f.enqueue(orgflow.FlowCommand{Kind: orgflow.FlowDiscard, System: true})
		}
	})
	return nil
}

// begin launches the flow, opens its round, or finds out where it is.
func (f *approvalFlow) begin(ctx workflow.Context) error {
	reply, err := f.step(ctx, orgflow.FlowCommand{Kind: orgflow.FlowBegin, Round: f.in.Round}, 0)
	switch {
	case err != nil:
		return refusal(err)
	case reply.Refusal != nil && f.status.State == orgflow.FlowStarting:
		return temporal.NewNonRetryableApplicationError(reply.Refusal.Message, reply.Refusal.Code, nil)
	}
	return nil
}

// await waits until there is something to do.
func (f *approvalFlow) await(ctx workflow.Context) error {
	f.alarm.set(ctx, f.status.NextWake)
	return workflow.Await(ctx, func() bool {
		return len(f.queue) > 0 || f.alarm.rang || f.idle() && (f.status.Closed() || f.outgrown(ctx))
	})
}

// work carries out what waits, one command at a time.
func (f *approvalFlow) work(ctx workflow.Context) {
	if len(f.queue) == 0 && f.alarm.rang {
		f.alarm.rang = false
		f.enqueue(orgflow.FlowCommand{Kind: orgflow.FlowWake})
	}
	if len(f.queue) == 0 {
		return
	}
	turn := f.next()
	kind := turn[0].command.Kind
	reply, err := f.stepOrLook(ctx, turn[0].command)
	if err != nil { // nobody else may ever hear of it
		workflow.GetLogger(ctx).Error("a command on a flow was not carried out", "flow", f.in.No, "command", kind, "error", err)
	}
	if kind == orgflow.FlowWake {
		f.alarm.answered(err)
	}
	for _, t := range turn {
		t.reply, t.err, t.done = reply, err, true
	}
}

// next takes the first command, and with a notification about decisions all
// that follow and ask for the same: one step works on everything stored.
func (f *approvalFlow) next() []*ticket {
	n := 1
	for n < len(f.queue) && plainAudit(f.queue[0].command) && plainAudit(f.queue[n].command) {
		n++
	}
	turn := slices.Clone(f.queue[:n])
	f.queue = slices.Delete(f.queue, 0, n)
	return turn
}

func plainAudit(c orgflow.FlowCommand) bool {
	return c.Kind == orgflow.FlowAudit && c.NextNodeSeq == nil && len(c.Depts) == 0 && !c.Asked
}

// stepOrLook carries out a command. Where somebody else wrote to the flow (it
// was discarded after its end, or this execution was reset) it looks where
// the flow is and tries again from there.
func (f *approvalFlow) stepOrLook(ctx workflow.Context, c orgflow.FlowCommand) (orgflow.FlowReply, error) {
	reply, err := f.step(ctx, c, f.status.Rev)
	if err == nil || faultOf(err).Code != orgflow.CodeConflict {
		return reply, err
	}
	if reply, err = f.step(ctx, orgflow.FlowCommand{Kind: orgflow.FlowBegin, Round: f.status.Round}, 0); err != nil {
		return reply, err
	}
	return f.step(ctx, c, f.status.Rev)
}

// step is one transaction on the flow. Its key is the same whenever the
// activity is tried again.
func (f *approvalFlow) step(ctx workflow.Context, c orgflow.FlowCommand, rev int64) (orgflow.FlowReply, error) {
	f.steps++
	var out orgflow.FlowStepped
	err := workflow.ExecuteActivity(stepping(ctx, string(c.Kind)), orgflow.ActivityStepFlow, activities.FlowStepParams{
		CompanyID: f.in.CompanyID, No: f.in.No, Rev: rev, Key: fmt.Sprintf("%s:%d", f.runID, f.steps), Command: c,
	}).Get(ctx, &out)
	if err != nil {
		return orgflow.FlowReply{}, err
	}
	f.status, f.parent = out.Status, out.Parent
	f.show(ctx)
	f.see(ctx, out)
	return out.FlowReply, nil
}

func (f *approvalFlow) enqueue(c orgflow.FlowCommand) *ticket {
	t := &ticket{command: c}
	f.queue = append(f.queue, t)
	return t
}

// idle tells whether nothing is under way and nobody waits.
func (f *approvalFlow) idle() bool { return len(f.queue) == 0 && f.errands.open == 0 }

// end tells the parent, and lets whoever still waits have their answers. It
// returns false when another call came meanwhile, which may be a relaunch.
func (f *approvalFlow) end(ctx workflow.Context) bool {
	f.tellParent(ctx)
	_ = workflow.Await(ctx, func() bool { return len(f.queue) > 0 || workflow.AllHandlersFinished(ctx) }) // never cancelled
	return f.idle()
}

// outgrown tells whether the flow should go on in another execution: its
// history is long, or a new round has begun.
func (f *approvalFlow) outgrown(ctx workflow.Context) bool {
	return !f.status.Closed() && (f.status.Round > f.in.Round || workflow.GetInfo(ctx).GetContinueAsNewSuggested())
}

const (
	// restFor is how long nothing may come up before an execution continues as
	// new: an answer given in the very task that continues may be lost on its
	// way (approval reference C.3).
	restFor = time.Second
	// maxRestless is how often something may come up before callers are asked
	// to wait: an execution takes 2,000 calls.
	maxRestless = 5
)

// rest makes sure that everybody has their answer. It returns false when
// something came up.
func (f *approvalFlow) rest(ctx workflow.Context) bool {
	f.resting = f.restless >= maxRestless
	defer func() { f.resting = false }()
	up, _ := workflow.AwaitWithTimeout(ctx, restFor, func() bool { return len(f.queue) > 0 }) // never cancelled
	if !up {
		_ = workflow.Await(ctx, func() bool { return len(f.queue) > 0 || workflow.AllHandlersFinished(ctx) }) // never cancelled
	}
	if f.idle() && !f.status.Closed() {
		return true
	}
	f.restless++
	return false
}
