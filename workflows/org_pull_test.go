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
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// pullScript answers the activities of a pull and remembers what was called.
type pullScript struct {
	calls  []string
	shares int // of the reading
	parked int // removals that a safeguard stops
	stale  bool
	fail   map[string]error
	cue    func(activity string)
	end    activities.PullEnd
}

func (s *pullScript) call(name string) error {
	s.calls = append(s.calls, name)
	if s.cue != nil {
		s.cue(name)
	}
	return s.fail[name]
}

func (s *pullScript) summary() orgflow.PullSummary {
	return orgflow.PullSummary{ID: "p1", CompanyID: 129, Origin: "ding_talk", Status: orgflow.StatusRunning, Departments: 41, Members: 299}
}

func (s *pullScript) run(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	on := func(name string, fn any) {
		env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
	on(orgflow.ActivityPreparePull, func(_ context.Context, p activities.PullStart) (activities.PulledShare, error) {
		return activities.PulledShare{Summary: s.summary()}, s.call("prepare " + string(p.Input))
	})
	on(orgflow.ActivityReadOrganisation, func(context.Context, activities.PullParams) (activities.PulledShare, error) {
		s.shares--
		return activities.PulledShare{Summary: s.summary(), Done: s.shares < 0}, s.call("read")
	})
	on(orgflow.ActivityMergePull, func(_ context.Context, p activities.PullParams) (activities.MergedPull, error) {
		out := activities.MergedPull{Summary: s.summary()}
		out.Summary.Version = 1
		if p.Approved {
			out.Superseded = s.stale
			return out, s.call("merge approved")
		}
		out.Summary.ParkedRemovals = s.parked
		return out, s.call("merge")
	})
	on(orgflow.ActivityParkPull, func(context.Context, activities.PullParams) error { return s.call("park") })
	on(orgflow.ActivityFinishPull, func(_ context.Context, p activities.PullEnd) (orgflow.PullSummary, error) {
		s.end = p
		out := s.summary()
		out.Status = orgflow.StatusCompleted
		if p.Status != "" {
			out.Status = p.Status
		}
		return out, s.call("finish")
	})
	return env
}

const pullInput = `{"company_id":129}`

func TestAPullGoesStepByStep(t *testing.T) {
	s := &pullScript{shares: 2}
	env := s.run(t)
	env.ExecuteWorkflow(OrgPull, json.RawMessage(pullInput))
	var got orgflow.PullSummary
	if err := env.GetWorkflowResult(&got); err != nil || got.Status != orgflow.StatusCompleted {
		t.Errorf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"prepare " + pullInput, "read", "read", "read", "merge", "finish"}, s.calls); diff != "" {
		t.Error(diff)
	}
	value, err := env.QueryWorkflow(orgflow.QueryStatus)
	if err != nil || value.Get(&got) != nil || got.Members != 299 {
		t.Errorf("status %+v, %v", got, err)
	}
}

func TestARefusedPullDoesNothing(t *testing.T) {
	s := &pullScript{fail: map[string]error{
		"prepare {}": temporal.NewNonRetryableApplicationError("x", string(orgflow.CodeInvalidJob), nil,
			orgflow.Fault{Code: orgflow.CodeInvalidJob, Message: "/company_id: is required"}),
	}}
	env := s.run(t)
	env.ExecuteWorkflow(OrgPull, json.RawMessage(`{}`))
	var app *temporal.ApplicationError
	if err := env.GetWorkflowError(); !errors.As(err, &app) || app.Type() != string(orgflow.CodeInvalidJob) || !app.NonRetryable() || !strings.Contains(app.Message(), "/company_id") {
		t.Errorf("got %v", err)
	}
	if len(s.calls) != 1 {
		t.Errorf("called %v", s.calls)
	}
}

func TestAPullThatFailsSaysSo(t *testing.T) {
	s := &pullScript{fail: map[string]error{
		"read": temporal.NewNonRetryableApplicationError("x", string(orgflow.CodeUnauthorized), nil, orgflow.Fault{Code: orgflow.CodeUnauthorized, Message: "wrong secret"}),
	}}
	env := s.run(t)
	env.ExecuteWorkflow(OrgPull, json.RawMessage(pullInput))
	if err := env.GetWorkflowError(); err == nil || s.end.Fault == nil || s.end.Fault.Code != orgflow.CodeUnauthorized {
		t.Errorf("%v, ended with %+v", err, s.end)
	}
}

func TestALongPullContinuesAsNew(t *testing.T) {
	s := &pullScript{shares: 5}
	env := s.run(t)
	s.cue = func(name string) {
		if len(s.calls) == 3 {
			env.SetContinueAsNewSuggested(true)
		}
	}
	env.ExecuteWorkflow(OrgPull, json.RawMessage(pullInput))
	var again *workflow.ContinueAsNewError
	if err := env.GetWorkflowError(); !errors.As(err, &again) {
		t.Fatalf("got %v", err)
	}
	if len(s.calls) != 3 { // nothing is finished
		t.Errorf("called %v", s.calls)
	}
}

func TestACancelledPullIsRecorded(t *testing.T) {
	s := &pullScript{shares: 5}
	env := s.run(t)
	s.cue = func(name string) {
		if name == "read" {
			env.CancelWorkflow()
		}
	}
	env.ExecuteWorkflow(OrgPull, json.RawMessage(pullInput))
	if err := env.GetWorkflowError(); !temporal.IsCanceledError(errors.Unwrap(err)) || !s.end.Canceled {
		t.Errorf("%v, ended with %+v", err, s.end)
	}
	if last := s.calls[len(s.calls)-1]; last != "finish" {
		t.Errorf("called %v", s.calls)
	}
}

// Who cancels while the pull is being created leaves nothing held.
func TestAPullThatIsCancelledAtOnceIsRecorded(t *testing.T) {
	s := &pullScript{}
	env := s.run(t)
	s.cue = func(name string) {
		if strings.HasPrefix(name, "prepare") {
			env.CancelWorkflow()
		}
	}
	env.ExecuteWorkflow(OrgPull, json.RawMessage(pullInput))
	if err := env.GetWorkflowError(); !temporal.IsCanceledError(errors.Unwrap(err)) || !s.end.Canceled {
		t.Errorf("%v, ended with %+v", err, s.end)
	}
	if last := s.calls[len(s.calls)-1]; len(s.calls) != 2 || last != "finish" {
		t.Errorf("called %v", s.calls)
	}
}

func TestParkedRemovalsWaitForSomebody(t *testing.T) {
	decide := func(env *testsuite.TestWorkflowEnvironment, verb, by string) *testsuite.TestUpdateCallback {
		out := &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: func(error) {}, OnComplete: func(any, error) {}}
		env.UpdateWorkflow(verb, verb, out, orgflow.Decision{By: by, Reason: "they left"})
		return out
	}
	for name, c := range map[string]struct {
		act    func(*testsuite.TestWorkflowEnvironment)
		stale  bool
		calls  string
		status orgflow.Status
		note   string
	}{
		"approved":         {func(e *testsuite.TestWorkflowEnvironment) { decide(e, orgflow.UpdateApprove, "hr") }, false, "park merge approved finish", "", "approved by hr: they left"},
		"approved, stale":  {func(e *testsuite.TestWorkflowEnvironment) { decide(e, orgflow.UpdateApprove, "hr") }, true, "park merge approved finish", orgflow.StatusSuperseded, "a newer pull"},
		"rejected":         {func(e *testsuite.TestWorkflowEnvironment) { decide(e, orgflow.UpdateReject, "hr") }, false, "park finish", orgflow.StatusRejected, "rejected by hr: they left"},
		"nobody decides":   {func(*testsuite.TestWorkflowEnvironment) {}, false, "park finish", orgflow.StatusRejected, "nobody decided"},
		"without a name":   {func(e *testsuite.TestWorkflowEnvironment) { decide(e, orgflow.UpdateApprove, "") }, false, "park finish", orgflow.StatusRejected, "nobody decided"},
		"a newer one runs": {func(e *testsuite.TestWorkflowEnvironment) { e.SignalWorkflow(orgflow.SignalSupersede, "p2") }, false, "park finish", orgflow.StatusSuperseded, "superseded by pull p2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &pullScript{parked: 7, stale: c.stale}
			env := s.run(t)
			env.RegisterDelayedCallback(func() { c.act(env) }, time.Hour)
			env.ExecuteWorkflow(OrgPull, json.RawMessage(pullInput))
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			if calls := strings.Join(s.calls[3:], " "); calls != c.calls || s.end.Status != c.status {
				t.Errorf("called %s, ended %+v", calls, s.end)
			}
			if len(s.end.Notes) == 0 || !strings.Contains(s.end.Notes[len(s.end.Notes)-1], c.note) {
				t.Errorf("notes %q, want %q", s.end.Notes, c.note)
			}
		})
	}
}
