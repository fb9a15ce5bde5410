package workflows

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
	"orgflow/activities"
)

// lost is what no undo of the parked plan would bring back.
var lost = []orgflow.Irreversible{{Kind: orgflow.Person, Op: orgflow.Delete, Count: 2, Why: "new members"}}

// parked is a run whose plan holds two deletes back.
func parked() *script {
	s := newScript()
	s.prepared.Approval = orgflow.ApprovalOnThreshold
	s.planned = activities.Planned{Total: 42, Parked: 2, ParkedDeletes: 2, Irreversible: lost, Waves: []activities.Wave{{No: 1, Phase: "org_insert", From: 1, To: 40}}}
	return s
}

// answer is what an update was answered with.
type answer struct {
	rejected, failed error
	done             bool
}

func (a *answer) Accept()                   {}
func (a *answer) Reject(err error)          { a.rejected = err }
func (a *answer) Complete(_ any, err error) { a.failed, a.done = err, true }

// decided runs the workflow and sends updates at workflow times.
func decided(t *testing.T, s *script, plan func(env *testsuite.TestWorkflowEnvironment)) orgflow.Summary {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.install(env)
	plan(env)
	env.ExecuteWorkflow(SyncRun, seedJob)
	var summary orgflow.Summary
	if err := env.GetWorkflowResult(&summary); err != nil {
		t.Fatal(err)
	}
	return summary
}

// tail is what a run did after it had sent everything that was not parked.
func tail(s *script) []string {
	for i, c := range s.did() {
		if c == "apply 1-40" {
			return s.did()[i+1:]
		}
	}
	return s.did()
}

func TestParkedDeletesWaitAndGoWhenApproved(t *testing.T) {
	s, yes, again := parked(), &answer{}, &answer{}
	summary := decided(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			value, _ := env.QueryWorkflow(orgflow.QueryStatus)
			var now orgflow.Summary
			if err := value.Get(&now); err != nil || now.Status != orgflow.StatusAwaitingApproval || now.ParkedDeletes != 2 || !slices.Equal(now.Irreversible, lost) {
				t.Errorf("while it waits: %+v, %v", now, err)
			}
			if shown := details(now, ""); !strings.Contains(shown, "No undo brings back:\n\n- person delete, 2: new members\n") {
				t.Errorf("whoever decides reads\n%s", shown)
			}
			env.UpdateWorkflow(orgflow.UpdateApprove, "1", yes, orgflow.Decision{By: "E1", Reason: "checked"})
			env.UpdateWorkflow(orgflow.UpdateReject, "2", again, orgflow.Decision{By: "E2"})
		}, 3*24*time.Hour)
	})
	if !yes.done || yes.failed != nil {
		t.Errorf("approval: %+v", yes)
	}
	if again.rejected == nil || !strings.Contains(again.rejected.Error(), "decided already by E1") {
		t.Errorf("a second decision is refused with the first one's name, got %v", again.rejected)
	}
	want := []string{"park", "hold", "release: approved by E1: checked", "apply 251-252", "finish"}
	if d := cmp.Diff(want, tail(s)); d != "" {
		t.Error(d)
	}
	if summary.Status != orgflow.StatusCompleted {
		t.Errorf("status = %s", summary.Status)
	}
}

func TestParkedDeletesAreGivenUp(t *testing.T) {
	cases := map[string]struct {
		plan   func(*testsuite.TestWorkflowEnvironment)
		note   string
		status orgflow.Status
	}{
		"when rejected": {func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() {
				env.UpdateWorkflow(orgflow.UpdateReject, "1", &answer{}, orgflow.Decision{By: "E1"})
			}, time.Hour)
		}, "rejected by E1", orgflow.StatusRejected},
		"when nobody decides": {func(*testsuite.TestWorkflowEnvironment) {}, "nobody decided within", orgflow.StatusRejected},
		"when a newer run computed them again": {func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() { env.SignalWorkflow(orgflow.SignalSupersede, "r2") }, time.Hour)
		}, "superseded by run r2", orgflow.StatusSuperseded},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := parked()
			summary := decided(t, s, c.plan)
			after := tail(s)
			if len(after) != 3 || after[0] != "park" || !strings.HasPrefix(after[1], "settle: "+c.note) || summary.Status != c.status {
				t.Errorf("did %v, status %s", after, summary.Status)
			}
		})
	}
}

func TestDecisionsNobodyWaitsForAreRefused(t *testing.T) {
	s, early, nameless := parked(), &answer{}, &answer{}
	decided(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(orgflow.UpdateApprove, "0", early, orgflow.Decision{By: "E1"})
		}, 0)
		env.RegisterDelayedCallback(func() {
			env.UpdateWorkflow(orgflow.UpdateApprove, "1", nameless, orgflow.Decision{})
			env.UpdateWorkflow(orgflow.UpdateReject, "2", &answer{}, orgflow.Decision{By: "E1"})
		}, time.Hour)
	})
	if early.rejected == nil || !strings.Contains(early.rejected.Error(), "does not wait") {
		t.Errorf("before it waits: %v", early.rejected)
	}
	if nameless.rejected == nil || !strings.Contains(nameless.rejected.Error(), `"by" is empty`) {
		t.Errorf("without a name: %v", nameless.rejected)
	}
}

func TestApprovalNeverLeavesDeletesOutAndWaitsForNobody(t *testing.T) {
	s := parked()
	s.prepared.Approval = orgflow.ApprovalNever
	run(t, s)
	if d := cmp.Diff([]string{"finish"}, tail(s)); d != "" {
		t.Error(d)
	}
}

func TestCancelledWhileItWaits(t *testing.T) {
	s := parked()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	s.install(env)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	env.ExecuteWorkflow(SyncRun, seedJob)
	if err := env.GetWorkflowError(); err == nil || errors.Is(err, nil) {
		t.Fatal("a cancelled run ends cancelled")
	}
	if !s.finish.Canceled {
		t.Errorf("finish = %+v", s.finish)
	}
}
