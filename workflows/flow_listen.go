package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// maxQueue is how many calls may wait in one flow. Ten updates may be under
// way in one execution; beyond that callers would wait without an answer
// (approval reference C.3).
const maxQueue = 8

// flowUpdates lists the updates of a flow, and the commands each takes.
var flowUpdates = []struct {
	name, does string
	takes      []orgflow.FlowCommandKind
}{
	{orgflow.UpdateFlowAudit, `works on the decisions that are stored: {}`, []orgflow.FlowCommandKind{orgflow.FlowAudit}},
	{orgflow.UpdateFlowRelaunch, `opens the next round: {}`, []orgflow.FlowCommandKind{orgflow.FlowRelaunch}},
	{orgflow.UpdateFlowDiscard, `ends the flow: {"by": "user code of the initiator or an admin"}`, []orgflow.FlowCommandKind{orgflow.FlowDiscard}},
	{orgflow.UpdateFlowUrge, `reminds whoever has an open task: {}`, []orgflow.FlowCommandKind{orgflow.FlowUrge}},
	{orgflow.UpdateFlowAdmin, `steers the flow: {"kind": "withdraw" | "retract" | "jump" | "repair", "by": "user code", "action": "retry" | "jump", "to": 20}`,
		[]orgflow.FlowCommandKind{orgflow.FlowWithdraw, orgflow.FlowRetract, orgflow.FlowJump, orgflow.FlowRepair}},
}

// listen takes calls as updates, which are answered, and as signals what
// nobody is answered. Handlers only enqueue: one loop applies.
func (f *approvalFlow) listen(ctx workflow.Context) error {
	for _, u := range flowUpdates {
		err := workflow.SetUpdateHandlerWithOptions(ctx, u.name,
			func(ctx workflow.Context, c orgflow.FlowCommand) (orgflow.FlowReply, error) {
				t := f.enqueue(kindOf(c, u.takes))
				detached, _ := workflow.NewDisconnectedContext(ctx)
				_ = workflow.Await(detached, func() bool { return t.done }) // never cancelled
				return t.reply, t.err
			},
			workflow.UpdateHandlerOptions{
				Validator:   func(c orgflow.FlowCommand) error { return f.mayTake(c, u.takes) },
				Description: u.name + " " + u.does,
			})
		if err != nil {
			return err
		}
	}
	signals := workflow.GetSignalChannel(ctx, orgflow.SignalFlow)
	detached, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(detached, func(ctx workflow.Context) {
		for {
			var c orgflow.FlowCommand
			signals.Receive(ctx, &c)
			if c.Kind == orgflow.FlowChildDone || c.Kind == orgflow.FlowAbsence {
				f.enqueue(c)
			}
		}
	})
	return nil
}

// kindOf fills in the kind where an update takes only one.
func kindOf(c orgflow.FlowCommand, takes []orgflow.FlowCommandKind) orgflow.FlowCommand {
	if c.Kind == "" && len(takes) == 1 {
		c.Kind = takes[0]
	}
	return c
}

// mayTake refuses what makes no sense and what would wait for too long; it
// changes nothing.
func (f *approvalFlow) mayTake(c orgflow.FlowCommand, takes []orgflow.FlowCommandKind) error {
	c = kindOf(c, takes)
	switch {
	case !slices.Contains(takes, c.Kind):
		return refused(orgflow.Faultf(orgflow.CodeInvalidRecord, "%q is none of the commands %q that this update takes", c.Kind, takes))
	case c.Kind == orgflow.FlowJump && c.To == nil:
		return refused(orgflow.Faultf(orgflow.CodeInvalidRecord, `a jump needs "to", the seq of a node`))
	case c.System:
		return refused(orgflow.Faultf(orgflow.CodeInvalidRecord, `"system" is the service's own; cancel the workflow instead`))
	case f.resting || len(f.queue) >= maxQueue:
		return refused(orgflow.Faultf(orgflow.CodeThrottled, "the flow has much to do; try again in a moment"))
	}
	return nil
}
