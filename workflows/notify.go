package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// shortestWait keeps a channel on which something is always about to become
// due from turning round and round.
const shortestWait = time.Second

// Notify brings the messages of a company's outbox to people over one
// channel: it sends what is due, asks what became of it, and waits for the
// next that will be due or for a signal. It ends when nothing is left;
// whoever stores messages starts it again, or signals it.
//
// Its input is a target, the channel being a consumer. The messages stand in
// the database; a signal only says that there are some, and one that is lost
// is made good for by whoever looks for messages that are due for long.
func Notify(ctx workflow.Context, state activities.NotifyState) (activities.MessageCounts, error) {
	n := &notify{state: state, told: workflow.GetSignalChannel(ctx, orgflow.SignalNotify)}
	if err := n.setup(ctx); err != nil {
		return n.state.Total, err
	}
	for {
		did, err := n.turn(ctx)
		if err != nil {
			return n.state.Total, err
		}
		n.hear()
		switch {
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return n.state.Total, workflow.NewContinueAsNewError(ctx, Notify, n.state)
		case did.Stopped == nil && (did.More || n.heard):
		case !did.Left:
			n.show(ctx, "nothing is left")
			return n.state.Total, nil
		default:
			if err := n.wait(ctx, did); err != nil {
				return n.state.Total, err
			}
		}
	}
}

type notify struct {
	state activities.NotifyState
	told  workflow.ReceiveChannel
	heard bool // since messages were sent
}

// setup makes the workflow readable and findable.
func (n *notify) setup(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, orgflow.QueryStatus,
		func() (activities.NotifyState, error) { return n.state, nil },
		workflow.QueryHandlerOptions{Description: "What became of the messages so far"})
	if err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(ctx,
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrCompany).ValueSet(fmt.Sprint(n.state.CompanyID)),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrKind).ValueSet("notify"),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrTarget).ValueSet(n.state.String()),
	)
}

// turn sends what is due and then asks for results, unless there is more to
// send, or a fault that the questions would meet too.
func (n *notify) turn(ctx workflow.Context) (activities.HandledMessages, error) {
	n.hear()
	n.heard = false
	n.show(ctx, "sending messages")
	did, err := n.handle(ctx, "send what is due", orgflow.ActivitySendMessages)
	if err != nil || did.More || did.Stopped != nil {
		return did, err
	}
	return n.handle(ctx, "ask what became of messages", orgflow.ActivityCheckMessages)
}

func (n *notify) handle(ctx workflow.Context, summary, name string) (did activities.HandledMessages, err error) {
	err = workflow.ExecuteActivity(remote(ctx, summary), name, n.state.Target).Get(ctx, &did)
	n.state.Total.Add(did.Count)
	return did, err
}

// hear takes the signals that are there.
func (n *notify) hear() {
	for n.told.ReceiveAsync(nil) {
		n.heard = true
	}
}

// wait waits until something is due, or somebody says that it is. A channel
// that had to stop is left alone all the while: what comes would meet the
// same fault.
func (n *notify) wait(ctx workflow.Context, did activities.HandledMessages) error {
	if did.Stopped != nil {
		n.show(ctx, fmt.Sprintf("stopped for %s: %s", did.Pause.Round(time.Second), did.Stopped))
		return workflow.Sleep(ctx, max(did.Pause, shortestWait))
	}
	pause := max(did.Wait, shortestWait)
	n.show(ctx, "waiting "+pause.Round(time.Second).String()+" for the next message that is due")
	_, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return n.told.Len() > 0 })
	return err
}

// show renders what a person reads in the Web UI: counts only.
func (n *notify) show(ctx workflow.Context, note string) {
	t := n.state.Total
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s**\n\n- sent: %d, of which delivered: %d, silently dropped: %d, not told: %d\n- put off or tried again: %d\n- not true any more: %d\n- given up: %d\n",
		note, t.Sent, t.Delivered, t.Dropped, t.Untold, t.Retried, t.Superseded, t.Dead))
}
