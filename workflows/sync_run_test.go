package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
	"orgflow/activities"
)

// seedJob is the job of the seed document, as somebody would paste it.
var seedJob = json.RawMessage(`{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":129,"params":{}}`)

// script answers the activities of a run and remembers the order of calls.
type script struct {
	mu       sync.Mutex // pages of a wave run at the same time
	calls    []string
	prepared activities.Prepared
	fetched  map[orgflow.Kind][]activities.Fetched // one per call
	planned  activities.Planned
	fail     map[string]error
	finish   activities.FinishParams
	outcome  orgflow.Status
	page     func(changes int) activities.PageResult // default: all done
	open     activities.Planned                      // what is open when a run goes on
	before   func(activities.ApplyParams) (yield bool)
	during   func(activities.ApplyParams) // the rest of a page, which may wait
	cue      func(activity string)        // acts on the run as soon as an activity has begun
}

func newScript() *script {
	target := orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}
	return &script{
		prepared: activities.Prepared{
			RunID: "r1", Target: target, Send: true,
			Kinds: []orgflow.Kind{orgflow.Org, orgflow.Person},
			Summary: orgflow.Summary{ID: "r1", CompanyID: 129, Consumer: "ding_talk", Status: orgflow.StatusRunning,
				Fetch: map[orgflow.Kind]orgflow.FetchCount{}},
		},
		fetched: map[orgflow.Kind][]activities.Fetched{
			orgflow.Org:    {{Cursor: activities.FetchCursor{Done: true}, Count: orgflow.FetchCount{Read: 41, Staged: 41, Complete: true}}},
			orgflow.Person: {{Cursor: activities.FetchCursor{Page: "2"}}, {Cursor: activities.FetchCursor{Done: true}, Count: orgflow.FetchCount{Read: 300, Staged: 300, Complete: true}}},
		},
		planned: activities.Planned{Total: 250, Waves: []activities.Wave{
			{No: 1, Phase: "org_insert", From: 1, To: 40}, {No: 2, Phase: "person_insert", From: 41, To: 250},
		}},
		fail:    map[string]error{},
		outcome: orgflow.StatusCompleted,
	}
}

func (s *script) call(format string, args ...any) error {
	name := fmt.Sprintf(format, args...)
	activity := strings.Fields(name)[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	if s.cue != nil {
		s.cue(activity)
	}
	return s.fail[activity]
}

// did is what was called so far. An activity that was cancelled may still be
// at work: the test environment does not wait for it, as the server does.
func (s *script) did() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *script) install(env *testsuite.TestWorkflowEnvironment) {
	env.RegisterWorkflow(SyncRun)
	on := func(name string, fn any) {
		env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
	on(orgflow.ActivityPrepareRun, func(_ context.Context, p activities.PrepareParams) (activities.Prepared, error) {
		return s.prepared, s.call("prepare")
	})
	on(orgflow.ActivityHoldTarget, func(context.Context, activities.RunParams) error { return s.call("hold") })
	on(orgflow.ActivityCheckConsumer, func(context.Context, activities.RunParams) error { return s.call("check") })
	on(orgflow.ActivityFetchPages, func(_ context.Context, p activities.FetchParams) (activities.Fetched, error) {
		err := s.call("fetch %s from %q", p.Kind, p.From.Page)
		answers := s.fetched[p.Kind]
		s.fetched[p.Kind] = answers[1:]
		return answers[0], err
	})
	on(orgflow.ActivityPlanRun, func(context.Context, activities.RunParams) (activities.Planned, error) {
		return s.planned, s.call("plan")
	})
	on(orgflow.ActivityApplyPage, func(_ context.Context, p activities.ApplyParams) (activities.PageResult, error) {
		if s.during != nil {
			defer s.during(p)
		}
		n := p.To - p.From + 1
		if s.before != nil && s.before(p) {
			return activities.PageResult{Yield: true}, s.call("yielding %d-%d", p.From, p.To)
		}
		if p.Insist {
			return activities.PageResult{Settled: n}, s.call("insist on %d-%d", p.From, p.To)
		}
		if s.page != nil {
			return s.page(n), s.call("apply %d-%d", p.From, p.To)
		}
		return activities.PageResult{Settled: n, Calls: n, Done: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{
			orgflow.Person: {orgflow.Insert: {Done: n}},
		}}, s.call("apply %d-%d", p.From, p.To)
	})
	on(orgflow.ActivityPauseRun, func(_ context.Context, p activities.PauseParams) error { return s.call("pause %s", p.Pause) })
	on(orgflow.ActivityYieldTarget, func(context.Context, activities.RunParams) error { return s.call("yield") })
	on(orgflow.ActivityResumeRun, func(_ context.Context, p activities.ResumeParams) (activities.Planned, error) {
		return s.open, s.call("go on %s", p.By)
	})
	on(orgflow.ActivityParkRun, func(context.Context, activities.RunParams) error { return s.call("park") })
	on(orgflow.ActivitySettleParked, func(_ context.Context, p activities.SettleParams) error { return s.call("settle: %s", p.Note) })
	on(orgflow.ActivityReleaseParked, func(_ context.Context, p activities.SettleParams) (activities.Planned, error) {
		return activities.Planned{Total: 252, Waves: []activities.Wave{{No: 3, Phase: "person_delete", From: 251, To: 252}}}, s.call("release: %s", p.Note)
	})
	on(orgflow.ActivityFinishRun, func(_ context.Context, p activities.FinishParams) (orgflow.Summary, error) {
		s.finish = p
		status := s.outcome
		if p.Status != "" {
			status = p.Status
		}
		if p.Fault != nil {
			status = orgflow.StatusFailed
		}
		if p.Canceled {
			status = orgflow.StatusCanceled
		}
		return orgflow.Summary{ID: "r1", Status: status, Error: p.Fault}, s.call("finish")
	})
	env.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil)
}

func run(t *testing.T, s *script) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.install(env)
	env.ExecuteWorkflow(SyncRun, seedJob)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	return env
}

func TestSyncRunFollowsTheDocument(t *testing.T) {
	s := newScript()
	env := run(t, s)
	var summary orgflow.Summary
	if err := env.GetWorkflowResult(&summary); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"prepare", "hold", "check",
		`fetch org from ""`, `fetch person from ""`, `fetch person from "2"`,
		"plan", "apply 1-40",
	}
	did := s.did()
	if d := cmp.Diff(want, did[:len(want)]); d != "" {
		t.Error(d)
	}
	pages := did[len(want) : len(did)-1]
	seen := map[string]bool{}
	for _, p := range pages {
		seen[p] = true
	}
	if len(pages) != 4 || !seen["apply 41-104"] || !seen["apply 105-168"] || !seen["apply 169-232"] || !seen["apply 233-250"] {
		t.Errorf("pages of the second wave = %v", pages)
	}
	if did[len(did)-1] != "finish" || summary.Status != orgflow.StatusCompleted {
		t.Errorf("ended with %v, status %s", did[len(did)-1], summary.Status)
	}
}

func TestStatusQueryShowsCountsWhileItRuns(t *testing.T) {
	s := newScript()
	env := run(t, s)
	value, err := env.QueryWorkflow(orgflow.QueryStatus)
	if err != nil {
		t.Fatal(err)
	}
	var summary orgflow.Summary
	if err := value.Get(&summary); err != nil || summary.ID != "r1" {
		t.Errorf("status = %+v, %v", summary, err)
	}
}

func TestARefusedJobLeavesNoRecordAndFailsWithItsPointer(t *testing.T) {
	s := newScript()
	fault := &orgflow.Fault{Code: orgflow.CodeInvalidJob, Message: `/consumer: must be one of "ding_talk"`, Field: "/consumer"}
	s.fail["prepare"] = temporal.NewNonRetryableApplicationError(fault.Error(), string(fault.Code), nil, fault)
	err := run(t, s).GetWorkflowError()
	if err == nil || !strings.Contains(err.Error(), "/consumer") {
		t.Errorf("err = %v", err)
	}
	if d := cmp.Diff([]string{"prepare"}, s.did()); d != "" {
		t.Error(d)
	}
}

func TestAnyLaterFaultIsRecordedBeforeTheWorkflowFails(t *testing.T) {
	for _, step := range []string{"hold", "check", "fetch", "plan", "apply"} {
		t.Run(step, func(t *testing.T) {
			s := newScript()
			fault := &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: "40096", Message: "不合法的appKey或appSecret"}
			s.fail[step] = temporal.NewNonRetryableApplicationError(fault.Error(), string(fault.Code), nil, fault)
			err := run(t, s).GetWorkflowError()
			if did := s.did(); did[len(did)-1] != "finish" || s.finish.Fault == nil || s.finish.Fault.VendorCode != "40096" {
				t.Errorf("calls %v, finish %+v", s.did(), s.finish)
			}
			if err == nil || !strings.Contains(err.Error(), "40096") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func TestDryRunPlansAndSendsNothing(t *testing.T) {
	s := newScript()
	s.prepared.DryRun = true
	run(t, s)
	for _, c := range s.did() {
		if strings.HasPrefix(c, "apply") || c == "check" {
			t.Errorf("a dry run called %s", c)
		}
	}
}

func TestFetchAndSendRunAlone(t *testing.T) {
	fetch := newScript()
	fetch.prepared.Send = false
	run(t, fetch)
	if d := cmp.Diff([]string{"prepare", "hold", `fetch org from ""`, `fetch person from ""`, `fetch person from "2"`, "finish"}, fetch.did()); d != "" {
		t.Error(d)
	}
	send := newScript()
	send.prepared.Fetched = true
	run(t, send)
	if d := cmp.Diff([]string{"prepare", "hold", "check", "plan", "apply 1-40"}, send.did()[:5]); d != "" {
		t.Error(d)
	}
}

func TestALongHistoryContinuesAsNewAtAPageBoundary(t *testing.T) {
	s := newScript()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.install(env)
	env.SetContinueAsNewSuggested(true)
	env.ExecuteWorkflow(SyncRun, seedJob)
	err := env.GetWorkflowError()
	if err == nil || !strings.Contains(err.Error(), "continue as new") {
		t.Fatalf("err = %v", err)
	}
	for _, c := range s.did() {
		if strings.HasPrefix(c, "apply") || c == "finish" {
			t.Errorf("nothing more is started in a full history, got %s", c)
		}
	}
	// The next execution is told by Prepare what is still open.
	next := newScript()
	next.prepared.Fetched = true
	next.prepared.Plan = &activities.Planned{Total: 250, Waves: []activities.Wave{{No: 2, Phase: "person_insert", From: 141, To: 250}}}
	run(t, next)
	if next.did()[2] == "plan" || next.did()[1] != "hold" {
		t.Errorf("calls = %v", next.did())
	}
	if got := strings.Join(next.did(), " "); strings.Contains(got, "apply 41-") || !strings.Contains(got, "apply 141-204") {
		t.Errorf("calls = %v", next.did())
	}
}

func TestCancelStopsAtABoundaryAndRecordsIt(t *testing.T) {
	s := newScript()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.install(env)
	when(env, s, "plan", 1, env.CancelWorkflow)
	env.ExecuteWorkflow(SyncRun, seedJob)
	if !temporal.IsCanceledError(env.GetWorkflowError()) {
		t.Errorf("err = %v", env.GetWorkflowError())
	}
	if did := s.did(); !s.finish.Canceled || did[len(did)-1] != "finish" {
		t.Errorf("calls %v, finish %+v", did, s.finish)
	}
}

// Who cancels while the run is being recorded leaves no run without an end.
func TestARunThatIsCancelledAtOnceIsRecorded(t *testing.T) {
	s := newScript()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.install(env)
	when(env, s, "prepare", 1, env.CancelWorkflow)
	env.ExecuteWorkflow(SyncRun, seedJob)
	if !temporal.IsCanceledError(env.GetWorkflowError()) || !s.finish.Canceled {
		t.Errorf("err = %v, finish %+v", env.GetWorkflowError(), s.finish)
	}
	if did := strings.Join(s.did(), " "); did != "prepare finish" {
		t.Errorf("calls %s", did)
	}
}
