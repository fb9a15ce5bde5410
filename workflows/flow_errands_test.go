package workflows

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// A call that nobody waits for any more is given up: the flow ends at once and
// nothing is reported.
func TestACallIsGivenUp(t *testing.T) {
	env, k := flowEnv(t), newKeeper(effects{
		orgflow.FlowBegin: func(k *keeper, _ orgflow.FlowCommand, out *orgflow.FlowStepped) error {
			k.status.State, out.Triggers = orgflow.FlowRunning, []int{3}
			return nil
		},
		orgflow.FlowDiscard: func(k *keeper, _ orgflow.FlowCommand, out *orgflow.FlowStepped) error {
			k.status.State, out.Dropped = orgflow.FlowDiscarded, []int{3, 4}
			return nil
		},
	})
	k.install(env)
	env.OnActivity(orgflow.ActivityCallTrigger, mock.Anything, mock.Anything).After(24*time.Hour).Return(activities.FlowTriggered{OK: true}, nil)
	begun := env.Now()
	update(env, time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if s, err := runFlow(t, env); err != nil || s.State != orgflow.FlowDiscarded {
		t.Fatalf("%+v %v", s, err)
	}
	if d := cmp.Diff([]string{"begin", "discard by E1"}, k.steps); d != "" {
		t.Error(d)
	}
	if took := env.Now().Sub(begun); took > 2*time.Hour {
		t.Errorf("the flow waited for %s", took)
	}
}

// A wake that cannot be carried out is tried again ever later: the history of
// a flow nobody can help does not grow without bounds.
func TestAWakeThatFailsIsPatient(t *testing.T) {
	env := flowEnv(t)
	wakes := 0
	k := newKeeper(effects{
		orgflow.FlowBegin: func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
			at := env.Now()
			k.status.State, k.status.NextWake = orgflow.FlowRunning, &at
			return nil
		},
		orgflow.FlowWake: func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
			if wakes++; wakes == 50 {
				k.status.NextWake = nil
				return nil
			}
			return temporal.NewNonRetryableApplicationError("no", string(orgflow.CodeInvalidRecord), nil)
		},
	})
	k.install(env)
	update(env, 6*time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	if wakes < 20 || wakes > 40 {
		t.Errorf("%d wakes in six hours", wakes)
	}
}

// Calls that come faster than the flow finds rest do not keep it from going on
// in another execution, and each has its answer or is asked to come back.
func TestCallersDoNotKeepALongHistoryGrowing(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	env.SetContinueAsNewSuggested(true)
	var all []*updateAnswer
	for i := range 80 {
		all = append(all, update(env, time.Duration(i)*restFor/4, orgflow.UpdateFlowUrge, orgflow.FlowCommand{By: fmt.Sprint("E", i)}))
	}
	_, err := runFlow(t, env)
	var next *workflow.ContinueAsNewError
	if !errors.As(err, &next) {
		t.Fatalf("it ended with %v", err)
	}
	answered, away, unheard := 0, 0, 0
	for i, a := range all {
		var app *temporal.ApplicationError
		switch {
		case !a.done:
			unheard++ // came after the end of this execution
		case errors.As(a.rejected, &app) && app.Type() == string(orgflow.CodeThrottled):
			away++
		case a.failed == nil && a.reply.Answer != nil && unheard == 0:
			answered++
		default:
			t.Errorf("call %d: %+v", i, a)
		}
	}
	if answered == 0 || away == 0 || answered+away == len(all) {
		t.Errorf("%d answered, %d asked to come back, %d for the next execution", answered, away, unheard)
	}
}

// What a command lacks is told before it is taken.
func TestAJumpWithoutATargetIsTurnedAway(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	jump := update(env, time.Second, orgflow.UpdateFlowAdmin, orgflow.FlowCommand{Kind: orgflow.FlowJump, By: "E9"})
	update(env, time.Minute, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil || jump.rejected == nil {
		t.Errorf("%v, %+v", err, jump)
	}
}

// A child that cannot be stored is not waited for, and nobody has rejected it.
func TestAChildThatCannotBeStored(t *testing.T) {
	for _, wait := range []bool{true, false} {
		env, k := flowEnv(t), newKeeper(nil)
		var told []orgflow.FlowCommand
		k.on[orgflow.FlowBegin] = func(k *keeper, _ orgflow.FlowCommand, out *orgflow.FlowStepped) error {
			k.status.State, out.Children = orgflow.FlowRunning, []orgflow.FlowChild{{Visit: 4, No: "f1.4", Code: "c", Wait: wait}}
			return nil
		}
		k.on[orgflow.FlowChildDone] = func(_ *keeper, c orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
			told = append(told, c)
			return nil
		}
		k.install(env)
		env.RegisterActivityWithOptions(func(context.Context, activities.FlowChildParams) (activities.FlowChildLaunched, error) {
			return activities.FlowChildLaunched{}, temporal.NewNonRetryableApplicationError("the parent is gone", string(orgflow.CodeNotFound), nil)
		}, activity.RegisterOptions{Name: orgflow.ActivityLaunchChildFlow, DisableAlreadyRegisteredCheck: true})
		update(env, time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
		if _, err := runFlow(t, env); err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 || told[0].State != "" || told[0].Refused == "" || told[0].Visit != 4 {
			t.Errorf("wait %v: %+v", wait, told)
		}
	}
}
