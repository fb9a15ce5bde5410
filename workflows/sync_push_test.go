package workflows

import (
	gocmp "cmp"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
	"orgflow/activities"
)

// pusher answers the activities of a push of 5 records, 2 a page.
type pusher struct {
	*script
	round    int
	next     int
	done     bool
	declined string
	add      func(at *activities.Pushing) error // changes an answer
	complete func(at *activities.Pushing) error
}

func newPusher() *pusher {
	p := &pusher{script: newScript(), next: 1}
	p.planned.Push = true
	p.open = p.planned
	return p
}

const pushTotal = 5

func firstOf(errs ...error) error { return gocmp.Or(errs...) }

func (p *pusher) at() activities.Pushing {
	return activities.Pushing{Round: p.round, Next: p.next, Total: pushTotal, Completed: p.done, Declined: p.declined, Kind: orgflow.Person, Calls: 1}
}

func (p *pusher) install(env *testsuite.TestWorkflowEnvironment) {
	p.script.install(env)
	on := func(name string, fn any) { env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	lose := func(at *activities.Pushing) {
		if at.Lost {
			p.round = 0
		}
	}
	begun := 0
	on(orgflow.ActivityPreparePush, func(context.Context, activities.RunParams) (activities.Pushing, error) {
		if p.round == 0 {
			begun++
			p.round, p.next = begun, 1
		}
		return p.at(), p.call("push %d", p.round)
	})
	on(orgflow.ActivityAddToPush, func(_ context.Context, in activities.PushParams) (activities.Pushing, error) {
		failed := p.call("add to %d from %d", in.Round, p.next)
		p.next = min(p.next+2, pushTotal+1)
		at := p.at()
		var err error
		if p.add != nil {
			err = p.add(&at)
		}
		lose(&at)
		return at, firstOf(failed, err)
	})
	on(orgflow.ActivityCompletePush, func(_ context.Context, in activities.PushParams) (activities.Pushing, error) {
		at := p.at()
		at.Completed = true
		var err error
		if p.complete != nil {
			err = p.complete(&at)
		}
		p.done = at.Completed
		lose(&at)
		return at, firstOf(p.call("complete %d", in.Round), err)
	})
	on(orgflow.ActivitySettlePush, func(_ context.Context, in activities.PushParams) (activities.SettledPage, error) {
		return activities.SettledPage{Next: in.From + 3, Page: activities.PageResult{Settled: 2}}, p.call("settle push from %d", in.From)
	})
}

func (p *pusher) run(t *testing.T, plan func(*testsuite.TestWorkflowEnvironment)) (*testsuite.TestWorkflowEnvironment, []string) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	p.install(env)
	if plan != nil {
		plan(env)
	}
	env.ExecuteWorkflow(SyncRun, seedJob)
	return env, since(t, p.script, "push 1")
}

func TestAPushIsPreparedFilledCompletedAndRecorded(t *testing.T) {
	p := newPusher()
	env, got := p.run(t, nil)
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"push 1", "add to 1 from 1", "add to 1 from 3", "add to 1 from 5", "complete 1",
		"settle push from 1", "settle push from 4", "finish",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A task that is lost, while it is filled or when it is completed, is begun
// again, with everything.
func TestALostPushIsBegunAgain(t *testing.T) {
	p, lost := newPusher(), 0
	p.add = func(at *activities.Pushing) error {
		if lost == 0 && at.Next == 5 {
			lost++
			*at = activities.Pushing{Lost: true}
		}
		return nil
	}
	p.complete = func(at *activities.Pushing) error {
		if lost == 1 {
			lost++
			*at = activities.Pushing{Lost: true}
		}
		return nil
	}
	env, got := p.run(t, nil)
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"push 1", "add to 1 from 1", "add to 1 from 3",
		"push 2", "add to 2 from 1", "add to 2 from 3", "add to 2 from 5", "complete 2",
		"push 3", "add to 3 from 1", "add to 3 from 3", "add to 3 from 5", "complete 3",
		"settle push from 1", "settle push from 4", "finish",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A push that is declined, before or while it is filled, is never completed;
// the changes go by themselves.
func TestADeclinedPushLeavesTheChangesToTheWaves(t *testing.T) {
	for name, when := range map[string]int{"before": 0, "in the middle": 3} {
		t.Run(name, func(t *testing.T) {
			p := newPusher()
			want := []string{"push 1"}
			if when == 0 {
				p.declined = "somebody would be disabled"
			} else {
				p.add = func(at *activities.Pushing) error { at.Declined = "somebody would be disabled"; return nil }
				want = append(want, "add to 1 from 1")
			}
			env, got := p.run(t, nil)
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got[:len(want)]); d != "" || got[len(want)] != "apply 1-40" {
				t.Errorf("%v", got)
			}
		})
	}
}

// A page that cannot be added ends the run, and nothing is completed.
func TestAFailedPageIsNeverCompleted(t *testing.T) {
	p := newPusher()
	p.add = func(at *activities.Pushing) error {
		if at.Next < 5 {
			return nil
		}
		return temporal.NewNonRetryableApplicationError("system error", string(orgflow.CodeTooManyFailures), nil,
			orgflow.Fault{Code: orgflow.CodeTooManyFailures, VendorCode: "200007", Message: "system error"})
	}
	env, got := p.run(t, nil)
	if env.GetWorkflowError() == nil {
		t.Fatal("the run must fail")
	}
	if d := cmp.Diff([]string{"push 1", "add to 1 from 1", "add to 1 from 3", "finish"}, got); d != "" || p.finish.Fault == nil || p.finish.Fault.VendorCode != "200007" {
		t.Errorf("%s %+v", d, p.finish)
	}
}

// A pause holds between two pages and keeps what is in the task.
func TestAPausedPushGoesOnWhereItWas(t *testing.T) {
	p, asked := newPusher(), newGate()
	p.add = func(at *activities.Pushing) error {
		if at.Next == 3 {
			<-asked.open // the first page is on its way when the pause arrives
		}
		return nil
	}
	env, got := p.run(t, func(env *testsuite.TestWorkflowEnvironment) {
		when(env, p.script, "add", 1, func() { env.UpdateWorkflow(orgflow.UpdatePause, "1", asked, maintenance) })
		env.RegisterDelayedCallback(func() { env.UpdateWorkflow(orgflow.UpdateResume, "2", &answer{}, afterwards) }, time.Hour)
	})
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"push 1", "add to 1 from 1", "pause by E1: maintenance", "go on E2", "push 1", "add to 1 from 3", "add to 1 from 5", "complete 1",
		"settle push from 1", "settle push from 4", "finish",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
