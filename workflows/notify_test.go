package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// courier is a Notify whose activities give what they are told to; when that
// is over, nothing is left.
type courier struct {
	env    *testsuite.TestWorkflowEnvironment
	send   []activities.HandledMessages
	check  []activities.HandledMessages
	calls  []string // "send 0s", at the time since the start
	during func()   // done in the first call
	fail   error
}

func newCourier() *courier {
	var suite testsuite.WorkflowTestSuite
	c := &courier{env: suite.NewTestWorkflowEnvironment()}
	began := c.env.Now()
	register := func(word, name string, list *[]activities.HandledMessages) {
		c.env.RegisterActivityWithOptions(func(_ context.Context, target orgflow.Target) (out activities.HandledMessages, err error) {
			if target != eventsTarget {
				return out, temporal.NewNonRetryableApplicationError("another target", "test", nil)
			}
			c.calls = append(c.calls, word+" "+c.env.Now().Sub(began).Round(time.Second).String())
			if c.during != nil {
				c.during()
				c.during = nil
			}
			if len(*list) > 0 {
				out, *list = (*list)[0], (*list)[1:]
			}
			return out, c.fail
		}, activity.RegisterOptions{Name: name})
	}
	register("send", orgflow.ActivitySendMessages, &c.send)
	register("check", orgflow.ActivityCheckMessages, &c.check)
	return c
}

func (c *courier) tell(at time.Duration) {
	c.env.RegisterDelayedCallback(func() { c.env.SignalWorkflow(orgflow.SignalNotify, nil) }, at)
}

func (c *courier) run(t *testing.T) activities.MessageCounts {
	t.Helper()
	c.env.ExecuteWorkflow(Notify, activities.NotifyState{Target: eventsTarget})
	var counts activities.MessageCounts
	if err := c.env.GetWorkflowResult(&counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

func (c *courier) want(t *testing.T, calls ...string) {
	t.Helper()
	if d := cmp.Diff(calls, c.calls); d != "" {
		t.Error(d)
	}
}

func TestMessagesAreSentAndTheirResultsAskedForWhenTheyAreDue(t *testing.T) {
	c := newCourier()
	c.send = []activities.HandledMessages{{Count: activities.MessageCounts{Sent: 3, Retried: 1}, More: true}, {Count: activities.MessageCounts{Sent: 1}}}
	c.check = []activities.HandledMessages{{Left: true, Wait: time.Minute}, {Count: activities.MessageCounts{Delivered: 3, Dropped: 1}, Left: true}}
	if got, want := c.run(t), (activities.MessageCounts{Sent: 4, Retried: 1, Delivered: 3, Dropped: 1}); got != want {
		t.Errorf("counts %+v", got)
	}
	c.want(t, "send 0s", "send 0s", "check 0s", "send 1m0s", "check 1m0s", "send 1m1s", "check 1m1s") // a wait of nothing is a second
}

func TestASignalEndsTheWaiting(t *testing.T) {
	c := newCourier()
	c.check = []activities.HandledMessages{{Left: true, Wait: time.Hour}, {Left: true, Wait: time.Hour}}
	c.tell(10 * time.Minute)
	c.run(t)
	c.want(t, "send 0s", "check 0s", "send 10m0s", "check 10m0s", "send 1h10m0s", "check 1h10m0s")
}

// Messages may be stored after it was looked for them and before the end.
func TestASignalThatComesWhileNothingIsLeftIsHeard(t *testing.T) {
	c := newCourier()
	c.during = func() { c.env.SignalWorkflow(orgflow.SignalNotify, nil) }
	c.run(t)
	c.want(t, "send 0s", "check 0s", "send 0s", "check 0s")
}

// A channel that had to stop is not tried again before its time, whatever is
// said; and not at all where nothing is left.
func TestAStoppedChannelRests(t *testing.T) {
	c := newCourier()
	fault := &orgflow.Fault{Code: orgflow.CodeForbidden, VendorCode: "60020", Message: "not in the whitelist"}
	stopped := activities.HandledMessages{Stopped: fault, Pause: 5 * time.Minute, Left: true, More: true}
	c.send = []activities.HandledMessages{stopped, {}, {Stopped: fault, Pause: time.Hour}}
	c.check = []activities.HandledMessages{{Stopped: fault, Pause: 10 * time.Minute, Left: true}}
	c.tell(time.Minute)
	c.tell(7 * time.Minute)
	c.run(t)
	c.want(t, "send 0s", "send 5m0s", "check 5m0s", "send 15m0s")
}

func TestTheStatusOfMessagesCanBeAskedFor(t *testing.T) {
	c := newCourier()
	c.send = []activities.HandledMessages{{Count: activities.MessageCounts{Sent: 2}}}
	c.check = []activities.HandledMessages{{Left: true, Wait: time.Minute}}
	var state activities.NotifyState
	c.env.RegisterDelayedCallback(func() {
		value, err := c.env.QueryWorkflow(orgflow.QueryStatus)
		if err == nil {
			err = value.Get(&state)
		}
		if err != nil {
			t.Error(err)
		}
	}, 30*time.Second)
	c.run(t)
	if want := (activities.NotifyState{Target: eventsTarget, Total: activities.MessageCounts{Sent: 2}}); state != want {
		t.Errorf("%+v", state)
	}
}

// The history does not grow for ever: the next execution goes on with the
// counts, and sends at once.
func TestNotifyContinuesAsNew(t *testing.T) {
	c := newCourier()
	c.send = []activities.HandledMessages{{Count: activities.MessageCounts{Sent: 2}}}
	c.check = []activities.HandledMessages{{Left: true, Wait: time.Hour}}
	c.env.SetContinueAsNewSuggested(true)
	c.env.ExecuteWorkflow(Notify, activities.NotifyState{Target: eventsTarget, Total: activities.MessageCounts{Sent: 5}})
	var next *workflow.ContinueAsNewError
	if err := c.env.GetWorkflowError(); !errors.As(err, &next) {
		t.Fatalf("ended with %v", err)
	}
	var state activities.NotifyState
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &state); err != nil {
		t.Fatal(err)
	}
	if want := (activities.NotifyState{Target: eventsTarget, Total: activities.MessageCounts{Sent: 7}}); state != want {
		t.Errorf("goes on with %+v", state)
	}
}

func TestNotifyFailsWithTheDatabaseForGood(t *testing.T) {
	c := newCourier()
	c.fail = temporal.NewNonRetryableApplicationError("the database is away", "internal", nil)
	c.env.ExecuteWorkflow(Notify, activities.NotifyState{Target: eventsTarget})
	if err := c.env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "the database is away") {
		t.Errorf("ended with %v", err)
	}
}
