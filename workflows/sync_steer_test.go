package workflows

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
	"orgflow/activities"
)

var (
	maintenance = orgflow.Decision{By: "E1", Reason: "maintenance"}
	afterwards  = orgflow.Decision{By: "E2"}
)

// gate is an update whose answer somebody waits for.
type gate struct {
	answer
	once sync.Once
	open chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) Reject(err error) { g.answer.Reject(err); g.once.Do(func() { close(g.open) }) }
func (g *gate) Complete(v any, err error) {
	g.answer.Complete(v, err)
	g.once.Do(func() { close(g.open) })
}

// acted is a run on which somebody acts.
func acted(t *testing.T, s *script, plan func(*testsuite.TestWorkflowEnvironment)) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.install(env)
	plan(env)
	env.ExecuteWorkflow(SyncRun, seedJob)
	return env
}

// when does something as soon as an activity has begun the n-th time: on the
// loop of the environment, and before it hears of the activity's result.
func when(env *testsuite.TestWorkflowEnvironment, s *script, activity string, n int, do func()) {
	s.cue = func(begun string) {
		if begun == activity {
			if n--; n == 0 {
				done := make(chan struct{})
				env.RegisterDelayedCallback(func() { do(); close(done) }, 0)
				<-done
			}
		}
	}
}

// since is what a run did from a call on.
func since(t *testing.T, s *script, call string) []string {
	t.Helper()
	did := s.did()
	i := slices.Index(did, call)
	if i < 0 {
		t.Fatalf("it never did %q: %v", call, did)
	}
	return did[i:]
}

func TestAPausedRunStopsInTheMiddleAndGoesOnWithWhatIsOpen(t *testing.T) {
	s, asked, again := newScript(), newGate(), &answer{}
	s.open = activities.Planned{Total: 250, Settled: 119, Waves: []activities.Wave{{No: 2, Phase: "person_insert", From: 120, To: 250}}}
	s.during = func(p activities.ApplyParams) {
		if p.From == 41 {
			<-asked.open // it is in the middle when the pause arrives
		}
	}
	env := acted(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		when(env, s, "apply", 2, func() { env.UpdateWorkflow(orgflow.UpdatePause, "1", asked, maintenance) })
		env.RegisterDelayedCallback(func() { // nothing ends a pause by itself
			var now orgflow.Summary
			value, err := env.QueryWorkflow(orgflow.QueryStatus)
			if err != nil || value.Get(&now) != nil || now.Status != orgflow.StatusPaused || now.Paused == nil || now.Paused.By != "E1" {
				t.Errorf("while it is paused: %+v, %v", now, err)
			}
			env.UpdateWorkflow(orgflow.UpdatePause, "2", again, afterwards)
			env.UpdateWorkflow(orgflow.UpdateResume, "3", &answer{}, afterwards)
		}, 90*24*time.Hour)
	})
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if again.rejected == nil || !strings.Contains(again.rejected.Error(), "paused already, by E1: maintenance") {
		t.Errorf("a second pause: %v", again.rejected)
	}
	// A page that was asked for when the pause came may begin after it.
	underWay := []string{"apply 41-104", "apply 105-168", "apply 169-232", "apply 233-250"}
	got := slices.DeleteFunc(since(t, s, "pause by E1: maintenance"), func(call string) bool { return slices.Contains(underWay, call) })
	slices.Sort(got[2:5]) // pages run at the same time
	want := []string{"pause by E1: maintenance", "go on E2", "apply 120-183", "apply 184-247", "apply 248-250", "finish"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAPauseWhileReadingTakesEffectBeforeTheFirstChange(t *testing.T) {
	for name, c := range map[string]struct {
		withdrawn bool
		want      []string
	}{
		"until it is resumed":    {false, []string{"plan", "pause by E1: maintenance", "go on E2", "apply 1-40", "finish"}},
		"unless it is withdrawn": {true, []string{"plan", "apply 1-40", "finish"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript()
			s.planned.Waves = s.planned.Waves[:1]
			s.open = s.planned
			env := acted(t, s, func(env *testsuite.TestWorkflowEnvironment) {
				when(env, s, "fetch", 1, func() {
					env.UpdateWorkflow(orgflow.UpdatePause, "1", &answer{}, maintenance)
					if c.withdrawn {
						env.UpdateWorkflow(orgflow.UpdateResume, "2", &answer{}, afterwards)
					}
				})
				env.RegisterDelayedCallback(func() { env.UpdateWorkflow(orgflow.UpdateResume, "3", &answer{}, afterwards) }, time.Hour)
			})
			if err := env.GetWorkflowError(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, since(t, s, "plan")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAPausedRunCanBeCancelled(t *testing.T) {
	s := newScript()
	env := acted(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		when(env, s, "fetch", 1, func() { env.UpdateWorkflow(orgflow.UpdatePause, "1", &answer{}, maintenance) })
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	})
	if err := env.GetWorkflowError(); !temporal.IsCanceledError(err) || !s.finish.Canceled {
		t.Errorf("%v, finish %+v", err, s.finish)
	}
	if d := cmp.Diff([]string{"pause by E1: maintenance", "finish"}, since(t, s, "pause by E1: maintenance")); d != "" {
		t.Error(d)
	}
}

func TestAPauseSurvivesContinueAsNew(t *testing.T) {
	s := newScript()
	s.open = s.planned
	env := acted(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.SetContinueAsNewSuggested(true)
		when(env, s, "fetch", 1, func() { env.UpdateWorkflow(orgflow.UpdatePause, "1", &answer{}, maintenance) })
		env.RegisterDelayedCallback(func() { env.UpdateWorkflow(orgflow.UpdateResume, "2", &answer{}, afterwards) }, time.Hour)
	})
	if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "continue as new") {
		t.Errorf("err = %v", err)
	}
	if d := cmp.Diff([]string{"pause by E1: maintenance", "go on E2"}, since(t, s, "pause by E1: maintenance")); d != "" {
		t.Error(d)
	}
	// An execution that finds its run paused stays so.
	next := newScript()
	next.prepared.Fetched, next.prepared.Plan = true, &next.planned
	next.prepared.Summary.Status, next.prepared.Summary.Paused = orgflow.StatusPaused, &orgflow.Pause{By: "E1", Reason: "maintenance"}
	acted(t, next, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.UpdateWorkflow(orgflow.UpdateResume, "2", &answer{}, afterwards) }, time.Hour)
	})
	if got := next.did()[:4]; !slices.Equal(got, []string{"prepare", "hold", "pause by E1: maintenance", "go on E2"}) {
		t.Errorf("it did %v", got)
	}
}

func TestARunThatIsAskedToGivesWayAndInsistsOnOnePage(t *testing.T) {
	s := newScript()
	s.open = activities.Planned{Total: 250, Waves: []activities.Wave{{No: 2, Phase: "person_insert", From: 50, To: 250}}}
	s.planned.Waves = s.planned.Waves[:1]
	s.before = func(p activities.ApplyParams) bool {
		return p.From == 1 || p.From == 50 && !p.Insist
	}
	env := acted(t, s, func(*testsuite.TestWorkflowEnvironment) {})
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	got := since(t, s, "yielding 1-40")
	slices.Sort(got[5:8])
	want := []string{"yielding 1-40", "yield", "hold", "go on ", "insist on 50-113", "apply 114-177", "apply 178-241", "apply 242-250", "finish"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSteeringThatMakesNoSenseIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		run    func() *script
		update string
		by     orgflow.Decision
		during string // the first word of a call
		want   string
	}{
		"a pause without a name":      {newScript, orgflow.UpdatePause, orgflow.Decision{}, "fetch", `"by" is empty`},
		"resuming without a name":     {newScript, orgflow.UpdateResume, orgflow.Decision{}, "fetch", `"by" is empty`},
		"resuming what runs":          {newScript, orgflow.UpdateResume, afterwards, "fetch", "not paused; it is running"},
		"before the job is checked":   {newScript, orgflow.UpdatePause, afterwards, "prepare", "only beginning"},
		"when the run is ending":      {newScript, orgflow.UpdatePause, afterwards, "finish", "is ending"},
		"of a run that sends nothing": {dryRun, orgflow.UpdatePause, afterwards, "fetch", "sends nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			s, asked := c.run(), &answer{}
			acted(t, s, func(env *testsuite.TestWorkflowEnvironment) {
				when(env, s, c.during, 1, func() { env.UpdateWorkflow(c.update, "1", asked, c.by) })
			})
			if asked.rejected == nil || !strings.Contains(asked.rejected.Error(), c.want) {
				t.Errorf("answered %+v, want a refusal with %q", asked, c.want)
			}
		})
	}
	s, asked := parked(), &answer{}
	decided(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.UpdateWorkflow(orgflow.UpdatePause, "1", asked, afterwards) }, time.Hour)
		env.RegisterDelayedCallback(func() { env.UpdateWorkflow(orgflow.UpdateReject, "2", &answer{}, afterwards) }, 2*time.Hour)
	})
	if asked.rejected == nil || !strings.Contains(asked.rejected.Error(), "waits for a decision") {
		t.Errorf("while it waits for a decision: %+v", asked)
	}
}

func dryRun() *script {
	s := newScript()
	s.prepared.DryRun = true
	return s
}
