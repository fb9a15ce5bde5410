package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
	"orgflow/activities"
)

// loadScript answers the activities of a load and remembers what was called.
type loadScript struct {
	kind     orgflow.LoadKind
	calls    []string
	catchUps int // that are found to be needed
	fail     map[string][]error
	cue      func(activity string)
	end      activities.LoadEnd
	swapped  bool
}

func (s *loadScript) call(name string) error {
	s.calls = append(s.calls, name)
	if s.cue != nil {
		s.cue(name)
	}
	if list := s.fail[name]; len(list) > 0 {
		s.fail[name] = list[1:]
		return list[0]
	}
	return nil
}

func (s *loadScript) share(windows ...activities.WindowRef) activities.LoadShare {
	return activities.LoadShare{
		Summary: orgflow.ERPRun{ID: "erp-1", CompanyID: 129, FormID: "SAL_SaleOrder", Kind: s.kind, Status: orgflow.StatusRunning, Rows: 4711},
		Windows: windows,
	}
}

func (s *loadScript) run(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	if s.kind == "" {
		s.kind = orgflow.LoadCreate
	}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	on := func(name string, fn any) { env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	step := func(name string, windows func() []activities.WindowRef) func(context.Context, activities.LoadParams) (activities.LoadShare, error) {
		return func(_ context.Context, p activities.LoadParams) (activities.LoadShare, error) {
			if p.LoadID != "erp-1" {
				t.Errorf("%s of %q", name, p.LoadID)
			}
			err := s.call(name)
			return s.share(windows()...), err
		}
	}
	none := func() []activities.WindowRef { return nil }
	on(orgflow.ActivityPrepareLoad, func(_ context.Context, p activities.LoadStart) (activities.LoadShare, error) {
		return s.share(), s.call("prepare " + string(p.Input))
	})
	on(orgflow.ActivityOpenLoad, step("open", func() []activities.WindowRef { return []activities.WindowRef{{Seq: 1}, {Seq: 2}, {Table: 1, Seq: 1}} }))
	on(orgflow.ActivityReadWindow, func(_ context.Context, p activities.WindowParams) (activities.LoadShare, error) {
		return s.share(), s.call(fmt.Sprintf("read %d/%d", p.Window.Table, p.Window.Seq))
	})
	on(orgflow.ActivityCatchUp, step("catch up", func() []activities.WindowRef {
		if s.catchUps--; s.catchUps >= 0 {
			return []activities.WindowRef{{Seq: 9}}
		}
		return nil
	}))
	on(orgflow.ActivitySwapTables, step("swap", none))
	on(orgflow.ActivitySettleUnseen, step("settle", none))
	on(orgflow.ActivityFinishLoad, func(_ context.Context, p activities.LoadEnd) (orgflow.ERPRun, error) {
		s.end = p
		out := s.share().Summary
		switch {
		case s.swapped:
			out.Status = orgflow.StatusCompleted
		case p.Canceled:
			out.Status = orgflow.StatusCanceled
		case p.Fault != nil:
			out.Status, out.Error = orgflow.StatusFailed, p.Fault
		default:
			out.Status = orgflow.StatusCompleted
		}
		return out, s.call("finish")
	})
	return env
}

const loadInput = `{"company_id":129,"form_id":"SAL_SaleOrder","kind":"create"}`

func TestALoadGoesStepByStep(t *testing.T) {
	read := []string{"prepare " + loadInput, "open", "read 0/1", "read 0/2", "read 1/1", "catch up", "read 0/9", "catch up", "read 0/9", "catch up"}
	for kind, last := range map[orgflow.LoadKind]string{orgflow.LoadCreate: "swap", orgflow.LoadUpdate: "settle"} {
		t.Run(string(kind), func(t *testing.T) {
			s := &loadScript{kind: kind, catchUps: 2}
			env := s.run(t)
			env.ExecuteWorkflow(DataSync, json.RawMessage(loadInput))
			var got orgflow.ERPRun
			if err := env.GetWorkflowResult(&got); err != nil || got.Status != orgflow.StatusCompleted {
				t.Errorf("%+v, %v", got, err)
			}
			if diff := cmp.Diff(append(read[:len(read):len(read)], last, "finish"), s.calls); diff != "" {
				t.Error(diff)
			}
			value, err := env.QueryWorkflow(orgflow.QueryStatus)
			if err != nil || value.Get(&got) != nil || got.Rows != 4711 {
				t.Errorf("status %+v, %v", got, err)
			}
		})
	}
}

func TestARefusedLoadDoesNothing(t *testing.T) {
	s := &loadScript{fail: map[string][]error{"prepare {}": {
		temporal.NewNonRetryableApplicationError("x", string(orgflow.CodeTargetBusy), nil, orgflow.Fault{Code: orgflow.CodeTargetBusy, Message: "loaded by erp-0"}),
	}}}
	env := s.run(t)
	env.ExecuteWorkflow(DataSync, json.RawMessage(`{}`))
	var app *temporal.ApplicationError
	if err := env.GetWorkflowError(); !errors.As(err, &app) || app.Type() != string(orgflow.CodeTargetBusy) || !app.NonRetryable() || !strings.Contains(app.Message(), "erp-0") {
		t.Errorf("got %v", err)
	}
	if len(s.calls) != 1 {
		t.Errorf("called %v", s.calls)
	}
}

// An ERP that is away for a while is waited for, window by window; one that
// stays away fails the load with the window's name.
func TestALoadWaitsForTheERP(t *testing.T) {
	away := func(n int) (list []error) {
		for range n {
			list = append(list, temporal.NewApplicationErrorWithOptions("x", string(orgflow.CodeUnavailable),
				temporal.ApplicationErrorOptions{Details: []any{orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "window 2 of ERP_SAL_SaleOrder: connection refused"}}}))
		}
		return list
	}
	s := &loadScript{fail: map[string][]error{"read 0/2": away(6)}}
	env := s.run(t)
	env.ExecuteWorkflow(DataSync, json.RawMessage(loadInput))
	if err := env.GetWorkflowError(); err != nil {
		t.Error(err)
	}
	s = &loadScript{fail: map[string][]error{"read 0/2": away(7)}}
	env = s.run(t)
	env.ExecuteWorkflow(DataSync, json.RawMessage(loadInput))
	if err := env.GetWorkflowError(); err == nil || s.end.Fault == nil || !strings.Contains(s.end.Fault.Message, "window 2 of ERP_SAL_SaleOrder") {
		t.Errorf("%v, ended with %+v", err, s.end)
	}
	if last := s.calls[len(s.calls)-2:]; !cmp.Equal(last, []string{"read 0/2", "finish"}) {
		t.Errorf("called %v", s.calls)
	}
}

func TestACancelledLoadIsRecorded(t *testing.T) {
	s := &loadScript{}
	env := s.run(t)
	s.cue = func(name string) {
		if name == "read 0/1" {
			env.CancelWorkflow()
		}
	}
	env.ExecuteWorkflow(DataSync, json.RawMessage(loadInput))
	if err := env.GetWorkflowError(); !temporal.IsCanceledError(errors.Unwrap(err)) || !s.end.Canceled {
		t.Errorf("%v, ended with %+v", err, s.end)
	}
	if last := s.calls[len(s.calls)-1]; last != "finish" {
		t.Errorf("called %v", s.calls)
	}
}

// Who cancels while the load is being created leaves no form held.
func TestALoadThatIsCancelledAtOnceIsRecorded(t *testing.T) {
	s := &loadScript{}
	env := s.run(t)
	s.cue = func(name string) {
		if strings.HasPrefix(name, "prepare") {
			env.CancelWorkflow()
		}
	}
	env.ExecuteWorkflow(DataSync, json.RawMessage(loadInput))
	if err := env.GetWorkflowError(); !temporal.IsCanceledError(errors.Unwrap(err)) || !s.end.Canceled {
		t.Errorf("%v, ended with %+v", err, s.end)
	}
	if diff := cmp.Diff([]string{"prepare " + loadInput, "finish"}, s.calls); diff != "" {
		t.Error(diff)
	}
}

// Who cancels while the tables are swapped is too late: what was done is said.
func TestALoadThatHasSwappedIsDone(t *testing.T) {
	s := &loadScript{swapped: true}
	env := s.run(t)
	s.cue = func(name string) {
		if name == "swap" {
			env.CancelWorkflow()
		}
	}
	env.ExecuteWorkflow(DataSync, json.RawMessage(loadInput))
	var got orgflow.ERPRun
	if err := env.GetWorkflowResult(&got); err != nil || got.Status != orgflow.StatusCompleted {
		t.Errorf("%+v, %v", got, err)
	}
}
