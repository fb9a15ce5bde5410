package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// keeper stands for the database of one flow: it answers steps and remembers
// their order.
type keeper struct {
	mu     sync.Mutex
	steps  []string
	keys   []string
	status orgflow.FlowStatus
	// on says what a command does to the status; nil changes nothing.
	on map[orgflow.FlowCommandKind]func(*keeper, orgflow.FlowCommand, *orgflow.FlowStepped) error
	// rev is what somebody else has made of the revision, 0 if nobody wrote.
	foreign int64
	calls   []string // of triggers and children
	child   activities.FlowChildLaunched
}

type effects = map[orgflow.FlowCommandKind]func(*keeper, orgflow.FlowCommand, *orgflow.FlowStepped) error

// to is an effect that takes the flow to a state.
func to(state orgflow.FlowState) func(*keeper, orgflow.FlowCommand, *orgflow.FlowStepped) error {
	return func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
		k.status.State = state
		return nil
	}
}

func newKeeper(on effects) *keeper {
	k := &keeper{on: effects{orgflow.FlowBegin: to(orgflow.FlowRunning), orgflow.FlowDiscard: to(orgflow.FlowDiscarded)},
		status: orgflow.FlowStatus{No: "f1", State: orgflow.FlowStarting, Round: 1}}
	for kind, do := range on {
		k.on[kind] = do
	}
	return k
}

func (k *keeper) step(_ context.Context, p activities.FlowStepParams) (orgflow.FlowStepped, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	what := string(p.Command.Kind)
	if p.Command.By != "" {
		what += " by " + p.Command.By
	}
	k.steps, k.keys = append(k.steps, what), append(k.keys, p.Key)
	if k.foreign != 0 && p.Rev != 0 && p.Rev != k.foreign {
		f := orgflow.Faultf(orgflow.CodeConflict, "somebody else wrote")
		return orgflow.FlowStepped{}, temporal.NewNonRetryableApplicationError(f.Message, string(f.Code), nil, *f)
	}
	if k.foreign != 0 {
		k.status.Rev, k.foreign = k.foreign, 0
	} else if p.Rev != 0 && p.Rev != k.status.Rev {
		return orgflow.FlowStepped{}, fmt.Errorf("the step expects revision %d, it is %d", p.Rev, k.status.Rev)
	}
	out := orgflow.FlowStepped{FlowReply: orgflow.FlowReply{Answer: json.RawMessage(fmt.Sprintf("%q", what))}}
	if do := k.on[p.Command.Kind]; do != nil {
		if err := do(k, p.Command, &out); err != nil {
			return orgflow.FlowStepped{}, err
		}
	}
	if out.Refusal == nil {
		k.status.Rev++
	}
	out.Status = k.status
	return out, nil
}

func (k *keeper) install(env *testsuite.TestWorkflowEnvironment) {
	env.RegisterWorkflowWithOptions(ApprovalFlow, workflow.RegisterOptions{Name: orgflow.WorkflowApprovalFlow})
	on := func(name string, fn any) {
		env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
	on(orgflow.ActivityStepFlow, k.step)
	on(orgflow.ActivityCallTrigger, func(_ context.Context, p activities.FlowTriggerParams) (activities.FlowTriggered, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.calls = append(k.calls, fmt.Sprintf("call %d", p.Visit))
		return activities.FlowTriggered{OK: true}, nil
	})
	on(orgflow.ActivityLaunchChildFlow, func(_ context.Context, p activities.FlowChildParams) (activities.FlowChildLaunched, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.calls = append(k.calls, "launch "+p.Child.No)
		return k.child, nil
	})
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "f1", TaskQueue: orgflow.DefaultTaskQueue})
}

// answer is how an update ended.
type updateAnswer struct {
	reply    orgflow.FlowReply
	rejected error
	failed   error
	done     bool
}

func (a *updateAnswer) Accept()          {}
func (a *updateAnswer) Reject(err error) { a.rejected, a.done = err, true }
func (a *updateAnswer) Complete(v any, err error) {
	a.done, a.failed = true, err
	if reply, ok := v.(orgflow.FlowReply); ok {
		a.reply = reply
	}
}

// update sends an update after a time.
func update(env *testsuite.TestWorkflowEnvironment, after time.Duration, name string, c orgflow.FlowCommand) *updateAnswer {
	a := &updateAnswer{}
	env.RegisterDelayedCallback(func() { env.UpdateWorkflow(name, "", a, c) }, after)
	return a
}

func runFlow(t *testing.T, env *testsuite.TestWorkflowEnvironment) (orgflow.FlowStatus, error) {
	t.Helper()
	env.ExecuteWorkflow(orgflow.WorkflowApprovalFlow, orgflow.FlowRun{CompanyID: 129, No: "f1", Round: 1})
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow has not ended")
	}
	var s orgflow.FlowStatus
	if err := env.GetWorkflowError(); err != nil {
		return s, err
	}
	return s, env.GetWorkflowResult(&s)
}

func flowEnv(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	return suite.NewTestWorkflowEnvironment()
}

// Calls are carried out in their order, each with a key of its own, and each
// caller gets the answer of their own step.
func TestAFlowTakesCallsOneByOne(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	audit := update(env, time.Second, orgflow.UpdateFlowAudit, orgflow.FlowCommand{})
	urge := update(env, time.Second, orgflow.UpdateFlowUrge, orgflow.FlowCommand{Kind: orgflow.FlowUrge, By: "E1"})
	jump := update(env, time.Second, orgflow.UpdateFlowAdmin, orgflow.FlowCommand{Kind: orgflow.FlowJump, By: "E9", To: new(int)})
	discard := update(env, time.Second, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	s, err := runFlow(t, env)
	if err != nil || s.State != orgflow.FlowDiscarded {
		t.Fatalf("%+v %v", s, err)
	}
	if d := cmp.Diff([]string{"begin", "audit", "urge by E1", "jump by E9", "discard by E1"}, k.steps); d != "" {
		t.Error(d)
	}
	if slices.Sort(k.keys); len(slices.Compact(k.keys)) != 5 {
		t.Errorf("the steps have the keys %q", k.keys)
	}
	for name, a := range map[string]*updateAnswer{"audit": audit, "urge by E1": urge, "jump by E9": jump, "discard by E1": discard} {
		if string(a.reply.Answer) != fmt.Sprintf("%q", name) || a.rejected != nil || a.failed != nil {
			t.Errorf("%s was answered %s %v %v", name, a.reply.Answer, a.rejected, a.failed)
		}
	}
}

// Notifications that wait together are one step; one with an override is its
// own.
func TestNotificationsThatWaitAreOneStep(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	seq := 20
	var all []*updateAnswer
	for i := range 5 {
		c := orgflow.FlowCommand{Kind: orgflow.FlowAudit}
		if i == 3 {
			c.NextNodeSeq = &seq
		}
		all = append(all, update(env, time.Second, orgflow.UpdateFlowAudit, c))
	}
	update(env, time.Second, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	if n := len(k.steps); n < 4 || n > 6 {
		t.Errorf("five notifications made the steps %v", k.steps)
	}
	for i, a := range all {
		if string(a.reply.Answer) != `"audit"` {
			t.Errorf("notification %d: %+v", i, a)
		}
	}
}

// A refusal is an answer; the flow goes on.
func TestARefusalIsAnAnswer(t *testing.T) {
	env, k := flowEnv(t), newKeeper(effects{orgflow.FlowRelaunch: func(_ *keeper, _ orgflow.FlowCommand, out *orgflow.FlowStepped) error {
		out.Answer, out.Refusal = nil, &orgflow.FlowRefusal{Code: "STILL_RUNNING", Message: "no"}
		return nil
	}})
	k.install(env)
	relaunch := update(env, time.Second, orgflow.UpdateFlowRelaunch, orgflow.FlowCommand{})
	update(env, time.Minute, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	if relaunch.reply.Refusal == nil || relaunch.reply.Refusal.Code != "STILL_RUNNING" {
		t.Errorf("%+v", relaunch)
	}
}

// What makes no sense is turned away without a trace.
func TestUpdatesThatMakeNoSenseAreTurnedAway(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	bad := []*updateAnswer{
		update(env, time.Second, orgflow.UpdateFlowAudit, orgflow.FlowCommand{Kind: orgflow.FlowDiscard, By: "E1"}),
		update(env, time.Second, orgflow.UpdateFlowAdmin, orgflow.FlowCommand{}),
		update(env, time.Second, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{System: true}),
		update(env, time.Second, orgflow.UpdateFlowAdmin, orgflow.FlowCommand{Kind: orgflow.FlowBegin}),
	}
	update(env, time.Minute, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	for i, a := range bad {
		if a.rejected == nil {
			t.Errorf("update %d was taken", i)
		}
	}
	if d := cmp.Diff([]string{"begin", "discard by E1"}, k.steps); d != "" {
		t.Error(d)
	}
}

// More calls than may wait are turned away, for the caller to try again.
func TestTooManyCallsAreTurnedAway(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	var all []*updateAnswer
	seq := 1
	for range 3 * maxQueue {
		all = append(all, update(env, time.Second, orgflow.UpdateFlowAudit, orgflow.FlowCommand{NextNodeSeq: &seq}))
	}
	update(env, time.Minute, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	away := 0
	for _, a := range all {
		var app *temporal.ApplicationError
		if a.rejected != nil && errors.As(a.rejected, &app) && app.Type() == string(orgflow.CodeThrottled) {
			away++
		} else if !a.done || a.failed != nil {
			t.Errorf("%+v", a)
		}
	}
	if away == 0 || away > 2*maxQueue {
		t.Errorf("%d of %d were turned away", away, len(all))
	}
}

// One timer wakes the flow when something is due, again when it moves, and
// not any more when nothing is.
func TestAFlowWakesWhenSomethingIsDue(t *testing.T) {
	env := flowEnv(t)
	var woken []time.Duration
	begun := env.Now()
	due := func(k *keeper, after time.Duration) {
		at := begun.Add(after)
		k.status.NextWake = &at
	}
	k := newKeeper(effects{
		orgflow.FlowBegin: func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
			k.status.State = orgflow.FlowRunning
			due(k, 24*time.Hour)
			return nil
		},
		orgflow.FlowAudit: func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
			due(k, 48*time.Hour)
			return nil
		},
		orgflow.FlowWake: func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
			woken = append(woken, env.Now().Sub(begun).Round(time.Hour))
			if k.status.NextWake = nil; len(woken) == 1 {
				due(k, 72*time.Hour)
			}
			return nil
		},
	})
	k.install(env)
	update(env, time.Hour, orgflow.UpdateFlowAudit, orgflow.FlowCommand{})
	update(env, 1000*time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]time.Duration{48 * time.Hour, 72 * time.Hour}, woken); d != "" {
		t.Error(d)
	}
}

// A cancelled workflow discards its flow and ends as cancelled.
func TestCancellingDiscards(t *testing.T) {
	env, k := flowEnv(t), newKeeper(effects{orgflow.FlowDiscard: func(k *keeper, c orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
		if !c.System || c.By != "" {
			return fmt.Errorf("discarded by %+v", c)
		}
		k.status.State = orgflow.FlowDiscarded
		return nil
	}})
	k.install(env)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	if _, err := runFlow(t, env); !temporal.IsCanceledError(err) {
		t.Errorf("it ended with %v", err)
	}
	if d := cmp.Diff([]string{"begin", "discard"}, k.steps); d != "" {
		t.Error(d)
	}
}

// A flow that is relaunched goes on in an execution of its own, with the
// caller answered.
func TestARoundHasAnExecution(t *testing.T) {
	env, k := flowEnv(t), newKeeper(effects{
		orgflow.FlowBegin: to(orgflow.FlowReturned),
		orgflow.FlowRelaunch: func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
			k.status.State, k.status.Round = orgflow.FlowRunning, 2
			return nil
		},
	})
	k.install(env)
	relaunch := update(env, time.Second, orgflow.UpdateFlowRelaunch, orgflow.FlowCommand{})
	late := update(env, time.Second+restFor/2, orgflow.UpdateFlowUrge, orgflow.FlowCommand{})
	_, err := runFlow(t, env)
	var next *workflow.ContinueAsNewError
	if !errors.As(err, &next) {
		t.Fatalf("it ended with %v", err)
	}
	var in orgflow.FlowRun
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &in); err != nil || in != (orgflow.FlowRun{CompanyID: 129, No: "f1", Round: 2}) {
		t.Errorf("%+v %v", in, err)
	}
	for _, a := range []*updateAnswer{relaunch, late} {
		if !a.done || a.rejected != nil || a.failed != nil {
			t.Errorf("a caller is not answered: %+v", a)
		}
	}
}

// A long history goes on in another execution of the same round.
func TestALongHistoryContinuesAsNew(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	env.SetContinueAsNewSuggested(true)
	_, err := runFlow(t, env)
	var next *workflow.ContinueAsNewError
	if !errors.As(err, &next) {
		t.Fatalf("it ended with %v", err)
	}
}

// A relaunch that arrives while the flow's end is being told keeps the
// execution going.
func TestARelaunchMeetsTheEnd(t *testing.T) {
	env, k := flowEnv(t), newKeeper(effects{orgflow.FlowRelaunch: func(k *keeper, _ orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
		k.status.State = orgflow.FlowRunning
		return nil
	}})
	k.install(env)
	update(env, time.Second, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	relaunch := update(env, time.Second, orgflow.UpdateFlowRelaunch, orgflow.FlowCommand{})
	again := update(env, time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E9"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"begin", "discard by E1", "relaunch", "discard by E9"}, k.steps); d != "" {
		t.Error(d)
	}
	if !relaunch.done || !again.done {
		t.Error("somebody was not answered")
	}
}

// A flow tells the parent how it ended. A call that comes meanwhile has its
// answer before the execution ends; if it reopens the flow, the parent hears
// of the next end too.
func TestTheParentIsToldOfTheEnd(t *testing.T) {
	env, k := flowEnv(t), newKeeper(effects{
		orgflow.FlowDiscard: func(k *keeper, _ orgflow.FlowCommand, out *orgflow.FlowStepped) error {
			k.status.State, out.Parent = orgflow.FlowDiscarded, &orgflow.FlowParent{No: "p1", Visit: 4}
			return nil
		},
		orgflow.FlowRelaunch: to(orgflow.FlowRunning),
	})
	k.install(env)
	var told []string
	env.OnSignalExternalWorkflow(mock.Anything, "p1", "", orgflow.SignalFlow, mock.Anything).Return(
		func(_, _, _, _ string, arg any) error {
			c, ok := arg.(orgflow.FlowCommand)
			told = append(told, fmt.Sprintf("%s %d %s %v", c.Kind, c.Visit, c.State, ok))
			return nil
		}).After(time.Minute)
	update(env, time.Second, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	relaunch := update(env, 30*time.Second, orgflow.UpdateFlowRelaunch, orgflow.FlowCommand{})
	update(env, time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	if !relaunch.done || relaunch.failed != nil {
		t.Errorf("%+v", relaunch)
	}
	if d := cmp.Diff([]string{"child_done 4 DISCARDED true", "child_done 4 DISCARDED true"}, told); d != "" {
		t.Error(d)
	}
}

// Where somebody else wrote to the flow the workflow looks where it is, and
// carries the command out from there.
func TestAForeignWriterIsNoticed(t *testing.T) {
	env, k := flowEnv(t), newKeeper(nil)
	k.install(env)
	env.RegisterDelayedCallback(func() { k.foreign = 17 }, time.Minute)
	discard := update(env, time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	s, err := runFlow(t, env)
	if err != nil || s.Rev < 17 || discard.failed != nil {
		t.Fatalf("%+v %v %v", s, err, discard.failed)
	}
	if d := cmp.Diff([]string{"begin", "discard by E1", "begin", "discard by E1"}, k.steps); d != "" {
		t.Error(d)
	}
}

// Calls and children of nodes are made once each and reported back; why
// there can be no child is reported, too.
func TestCallsAndChildrenAreReportedBack(t *testing.T) {
	env := flowEnv(t)
	var seen []string
	note := func(k *keeper, c orgflow.FlowCommand, _ *orgflow.FlowStepped) error {
		seen = append(seen, fmt.Sprintf("%s %d %v%s%s", c.Kind, c.Visit, c.OK, c.State, c.Refused))
		return nil
	}
	k := newKeeper(effects{
		orgflow.FlowBegin: func(k *keeper, _ orgflow.FlowCommand, out *orgflow.FlowStepped) error {
			k.status.State = orgflow.FlowRunning
			out.Triggers = []int{3, 3}
			out.Children = []orgflow.FlowChild{{Visit: 4, No: "f1.4", Code: "c", Wait: true}}
			return nil
		},
		orgflow.FlowTriggerDone: note, orgflow.FlowChildDone: note,
	})
	k.child.Refused = "FLOW_DEF_NOT_FOUND"
	k.install(env)
	update(env, time.Hour, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
	if _, err := runFlow(t, env); err != nil {
		t.Fatal(err)
	}
	slices.Sort(seen)
	slices.Sort(k.calls)
	if d := cmp.Diff([]string{"child_done 4 falseFLOW_DEF_NOT_FOUND", "trigger_done 3 true"}, seen); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"call 3", "launch f1.4"}, k.calls); d != "" {
		t.Error(d)
	}
}

// Input that somebody mistyped in the Web UI is refused with what is wanted.
func TestAFlowRefusesBadInput(t *testing.T) {
	for _, in := range []orgflow.FlowRun{{}, {CompanyID: 129, No: "other", Round: 1}, {CompanyID: 129, No: "f1"}} {
		env, k := flowEnv(t), newKeeper(nil)
		k.install(env)
		env.ExecuteWorkflow(orgflow.WorkflowApprovalFlow, in)
		var app *temporal.ApplicationError
		if err := env.GetWorkflowError(); !errors.As(err, &app) || !app.NonRetryable() || !strings.Contains(app.Message(), "flow_running_number") {
			t.Errorf("%+v: %v", in, err)
		}
		if len(k.steps) > 0 {
			t.Errorf("%+v: steps %v", in, k.steps)
		}
	}
}
