package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// pulling is a ContactPull whose pulls take some minutes.
type pulling struct {
	env    *testsuite.TestWorkflowEnvironment
	began  time.Time
	takes  time.Duration // of a pull
	refuse int           // pulls that find another one's beginning
	off    bool
	onPull func() // done when a pull begins

	running string
	pulls   []time.Duration // when they began, since the start
	inputs  []string
}

func newPulling() *pulling {
	var suite testsuite.WorkflowTestSuite
	p := &pulling{env: suite.NewTestWorkflowEnvironment(), takes: 4 * time.Minute}
	p.began = p.env.Now()
	p.env.RegisterActivityWithOptions(func(_ context.Context, target orgflow.Target) (activities.PullTurn, error) {
		if target != eventsTarget {
			return activities.PullTurn{}, errors.New("whose turn?")
		}
		return activities.PullTurn{Off: p.off, Busy: p.running}, nil
	}, activity.RegisterOptions{Name: orgflow.ActivityCheckPullTurn})
	p.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, input json.RawMessage) (orgflow.PullSummary, error) {
		p.pulls, p.inputs = append(p.pulls, p.env.Now().Sub(p.began)), append(p.inputs, string(input))
		if p.onPull != nil {
			p.onPull()
		}
		if p.refuse > 0 {
			p.refuse--
			busy := orgflow.Faultf(orgflow.CodeTargetBusy, "being pulled")
			return orgflow.PullSummary{}, temporal.NewNonRetryableApplicationError(busy.Error(), string(busy.Code), nil, *busy)
		}
		p.running = workflow.GetInfo(ctx).WorkflowExecution.ID
		err := workflow.Sleep(ctx, p.takes)
		p.running = ""
		return orgflow.PullSummary{}, err
	}, workflow.RegisterOptions{Name: orgflow.WorkflowOrgPull})
	return p
}

func (p *pulling) tell(at time.Duration) {
	p.env.RegisterDelayedCallback(func() { p.env.SignalWorkflow(orgflow.SignalContactEvent, nil) }, at)
}

func (p *pulling) run(t *testing.T) {
	t.Helper()
	p.env.ExecuteWorkflow(ContactPull, activities.PullGathering{Target: eventsTarget})
	var out activities.PullGathering
	if err := p.env.GetWorkflowResult(&out); err != nil {
		t.Fatal(err)
	}
	if out.Pulls != len(p.pulls) {
		t.Errorf("started %d, counts %d", len(p.pulls), out.Pulls)
	}
}

func TestABurstOfEventsIsOnePull(t *testing.T) {
	p := newPulling()
	for s := range 60 {
		p.tell(time.Duration(s) * time.Second)
	}
	p.run(t)
	if len(p.pulls) != 1 || p.pulls[0] < 59*time.Second+pullQuiet || p.pulls[0] > 59*time.Second+2*pullQuiet {
		t.Errorf("pulls began at %v", p.pulls)
	}
	if want := `{"company_id":129,"origin":"ding_talk"}`; p.inputs[0] != want {
		t.Errorf("asked for %s, want %s", p.inputs[0], want)
	}
}

// However much is told while a pull reads, one pull follows, and it begins
// when that has ended.
func TestWhatIsToldDuringAPullIsOnePullMore(t *testing.T) {
	p := newPulling()
	p.tell(0)
	for s := 60; s < 120; s += 7 {
		p.tell(time.Duration(s) * time.Second)
	}
	p.run(t)
	if len(p.pulls) != 2 || p.pulls[1] < p.pulls[0]+p.takes || p.pulls[1] > p.pulls[0]+p.takes+pullLookAgain {
		t.Errorf("pulls of %s began at %v", p.takes, p.pulls)
	}
}

// A pull that waits for a decision reads nothing: it keeps nobody waiting.
func TestAPullThatWaitsForPeopleDelaysNoOther(t *testing.T) {
	p := newPulling()
	p.takes = 7 * 24 * time.Hour
	p.onPull = func() {
		if len(p.pulls) == 1 {
			p.tell(time.Hour)
			p.env.RegisterDelayedCallback(func() { p.running = "" }, time.Minute)
		}
	}
	p.tell(0)
	p.run(t)
	if len(p.pulls) != 2 || p.pulls[1] > 2*time.Hour {
		t.Errorf("pulls began at %v", p.pulls)
	}
}

// Where something is told all the time, a pull does not wait for the end of
// it, and because a signal stands for what is told soon after it, another one
// follows even if no further signal comes.
func TestEventsWithoutEndArePulledAllTheSame(t *testing.T) {
	p := newPulling()
	for s := time.Duration(0); s < pullQuietMost; s += ToldFor {
		p.tell(s)
	}
	p.run(t)
	if len(p.pulls) != 2 || p.pulls[0] > pullQuietMost+time.Second || p.pulls[1] < p.pulls[0]+p.takes {
		t.Errorf("pulls began at %v", p.pulls)
	}
}

func TestAnEventAtTheBeginningOfAPullIsNotLost(t *testing.T) {
	p := newPulling()
	p.onPull = func() {
		if len(p.pulls) == 1 {
			p.env.SignalWorkflow(orgflow.SignalContactEvent, nil)
		}
	}
	p.tell(0)
	p.run(t)
	if len(p.pulls) != 2 {
		t.Errorf("pulls began at %v", p.pulls)
	}
}

// Somebody starts a pull in the moment between the look and the start.
func TestARefusedPullIsTriedAgain(t *testing.T) {
	p := newPulling()
	p.refuse = 1
	p.tell(0)
	p.run(t)
	if len(p.pulls) != 2 {
		t.Errorf("pulls began at %v", p.pulls)
	}
}

func TestEventsThatAreSwitchedOffPullNothing(t *testing.T) {
	p := newPulling()
	p.off = true
	p.tell(0)
	p.run(t)
	if len(p.pulls) != 0 {
		t.Errorf("pulls began at %v", p.pulls)
	}
}

// A new execution pulls, whatever it is told: it was asked to.
func TestALongContactPullContinuesAsNew(t *testing.T) {
	p := newPulling()
	p.env.SetContinueAsNewSuggested(true)
	p.tell(0)
	p.env.ExecuteWorkflow(ContactPull, activities.PullGathering{Target: eventsTarget, Pulls: 7})
	again, ok := errors.AsType[*workflow.ContinueAsNewError](p.env.GetWorkflowError())
	if !ok || len(p.pulls) != 0 {
		t.Fatal(p.env.GetWorkflowError(), p.pulls)
	}
	var state activities.PullGathering
	if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &state); err != nil || state.Target != eventsTarget || state.Pulls != 7 {
		t.Errorf("handed on %+v, %v", state, err)
	}

	p = newPulling()
	p.run(t) // not told anything
	if len(p.pulls) != 1 || slices.ContainsFunc(p.inputs, func(s string) bool { return !strings.Contains(s, "129") }) {
		t.Errorf("pulls began at %v", p.pulls)
	}
}
