package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// gathering is a gatherer whose activity gives what it is told to, and
// nothing when that is over.
type gathering struct {
	env   *testsuite.TestWorkflowEnvironment
	first func() // done during the first call of the activity
	give  []activities.TakenEvents
	asked []activities.TakeParams
	at    []time.Duration // since the start
	runs  []string
}

func newGathering(give ...activities.TakenEvents) *gathering {
	var suite testsuite.WorkflowTestSuite
	g := &gathering{env: suite.NewTestWorkflowEnvironment(), give: give}
	began := g.env.Now()
	g.env.RegisterActivityWithOptions(func(_ context.Context, p activities.TakeParams) (out activities.TakenEvents, err error) {
		if len(g.asked) == 0 && g.first != nil {
			g.first()
		}
		g.asked, g.at = append(g.asked, p), append(g.at, g.env.Now().Sub(began))
		if len(g.give) > 0 {
			out, g.give = g.give[0], g.give[1:]
		}
		return out, nil
	}, activity.RegisterOptions{Name: orgflow.ActivityTakeContactEvents})
	g.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, job json.RawMessage) (orgflow.Summary, error) {
		g.runs = append(g.runs, workflow.GetInfo(ctx).WorkflowExecution.ID+" "+string(job))
		return orgflow.Summary{}, workflow.Sleep(ctx, time.Hour)
	}, workflow.RegisterOptions{Name: orgflow.WorkflowSyncRun})
	return g
}

func (g *gathering) tell(at time.Duration) {
	g.env.RegisterDelayedCallback(func() { g.env.SignalWorkflow(orgflow.SignalContactEvent, nil) }, at)
}

var eventsTarget = orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}

func (g *gathering) run(t *testing.T) activities.EventCounts {
	t.Helper()
	g.env.ExecuteWorkflow(ContactEvents, activities.EventsState{Target: eventsTarget})
	var counts activities.EventCounts
	if err := g.env.GetWorkflowResult(&counts); err != nil {
		t.Fatal(err)
	}
	return counts
}

// one is what an activity answers that took events for one run.
func one(id string) activities.TakenEvents {
	return activities.TakenEvents{Taken: 3, Count: activities.EventCounts{Records: 2, Own: 1, Runs: 1},
		Jobs: []activities.EventJob{{ID: id, Job: json.RawMessage(`{"n":1}`)}}}
}

func TestABurstOfEventsIsWaitedOutAndStartsOneRun(t *testing.T) {
	g := newGathering(one("run-a"))
	g.tell(0)
	for s := 1; s <= 8; s++ {
		g.tell(time.Duration(s) * time.Second)
	}
	counts := g.run(t)
	if d := cmp.Diff([]string{`run-a {"n":1}`}, g.runs); d != "" {
		t.Error(d)
	}
	if want := (activities.EventCounts{Records: 2, Own: 1, Runs: 1}); counts != want {
		t.Errorf("counts %+v", counts)
	}
	if g.at[0] < 8*time.Second+quietFor || g.at[0] > 8*time.Second+2*quietFor {
		t.Errorf("took the events after %s", g.at[0])
	}
	if len(g.asked) != 2 || g.asked[0].Target != eventsTarget || g.asked[0].RunID == g.asked[1].RunID || !strings.HasPrefix(g.asked[0].RunID, "sync-129-ding_talk-") {
		t.Errorf("asked %+v", g.asked)
	}
	if len(g.asked[1].Runs) != 1 || g.asked[1].Runs[0].ID != "run-a" || g.asked[1].Runs[0].FirstRunID == "" {
		t.Errorf("the run is not asked about: %+v", g.asked[1])
	}
}

func TestEventsWithoutEndAreTakenAllTheSame(t *testing.T) {
	g := newGathering(one("run-a"))
	for s := range 100 {
		g.tell(time.Duration(s) * time.Second)
	}
	g.run(t)
	if g.at[0] > 65*time.Second {
		t.Errorf("took the first events after %s", g.at[0])
	}
}

func TestEventsWaitForTheRunOfBefore(t *testing.T) {
	busy := activities.TakenEvents{Running: []activities.StartedRun{{ID: "run-a", FirstRunID: "f"}}}
	g := newGathering(one("run-a"), busy, busy, one("run-b"))
	g.run(t)
	if len(g.runs) != 2 || len(g.asked) != 5 || g.asked[3].Runs[0].ID != "run-a" {
		t.Errorf("runs %v, asked %+v", g.runs, g.asked)
	}
	if pause := g.at[3] - g.at[2]; pause < 10*time.Second {
		t.Errorf("looks again after %s", pause)
	}
}

// What is told while the events are being taken may have come too late for
// that: it is looked at before the end.
func TestAnEventInTheLastMomentIsNotLost(t *testing.T) {
	g := newGathering(activities.TakenEvents{}, one("run-a"))
	g.first = func() { g.env.SignalWorkflow(orgflow.SignalContactEvent, nil) }
	g.run(t)
	if len(g.runs) != 1 {
		t.Errorf("runs %v", g.runs)
	}
}

func TestALongGatheringContinuesAsNew(t *testing.T) {
	g := newGathering(one("run-a"))
	g.env.SetContinueAsNewSuggested(true)
	g.env.ExecuteWorkflow(ContactEvents, activities.EventsState{Target: eventsTarget})
	again, ok := errors.AsType[*workflow.ContinueAsNewError](g.env.GetWorkflowError())
	if !ok {
		t.Fatal(g.env.GetWorkflowError())
	}
	var state activities.EventsState
	if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &state); err != nil {
		t.Fatal(err)
	}
	if state.Target != eventsTarget || len(state.Runs) != 1 || state.Total.Records != 2 {
		t.Errorf("handed on %+v", state)
	}
}
