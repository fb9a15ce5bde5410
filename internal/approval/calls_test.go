package approval_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/approval"
)

// inState brings a flow with one approver into a state.
var inState = map[orgflow.FlowState]func(rapid.TB) *flow{
	orgflow.FlowRunning: func(t rapid.TB) *flow { return launched(t, newTown(), approve(10, 99, "", "a")) },
	orgflow.FlowReturned: func(t rapid.TB) *flow {
		f := launched(t, newTown(), approve(10, 99, "", "a"))
		f.no("a", 10)
		return f
	},
	orgflow.FlowApproved: func(t rapid.TB) *flow {
		f := launched(t, newTown(), approve(10, 99, "", "a"))
		f.yes("a", 10)
		return f
	},
	orgflow.FlowRejected: func(t rapid.TB) *flow {
		n := approve(10, 99, "", "a")
		n.OnReject = &approval.Reject{To: approval.ToEnd}
		f := launched(t, newTown(), n)
		f.no("a", 10)
		return f
	},
	orgflow.FlowDiscarded: func(t rapid.TB) *flow {
		f := launched(t, newTown(), approve(10, 99, "", "a"))
		f.must(approval.DoDiscard{By: initiator})
		return f
	},
	orgflow.FlowFaulted: func(t rapid.TB) *flow {
		f := launched(t, newTown(), approve(10, 20, "", "a"), approve(20, 99, ""))
		f.yes("a", 10)
		return f
	},
}

// cell is an answer of the table of calls × states: a code, or a state and
// how the call was answered.
type cell struct {
	code  approval.RefusalCode
	state orgflow.FlowState
	round int
	flags string
}

func refuses(code approval.RefusalCode) cell { return cell{code: code} }

// The table of approval reference B.3. "late" has a decision stored that has
// not been worked on, "again" has none but the one before was just now,
// "later" neither.
func TestCallsInEveryState(t *testing.T) {
	const (
		launch   = "launch"
		late     = "onAudit, a decision waits"
		again    = "onAudit, just after the last decision"
		later    = "onAudit, long after the last decision"
		relaunch = "relaunch"
		discard  = "discard"
		urgent   = "urgent"
	)
	was := func(s orgflow.FlowState, round int, flags string) cell {
		return cell{state: s, round: round, flags: flags}
	}
	table := map[orgflow.FlowState]map[string]cell{
		orgflow.FlowRunning: {
			launch: was(orgflow.FlowRunning, 1, "existing"), late: was(orgflow.FlowApproved, 1, ""),
			again: refuses(approval.NoStoredDecision), later: refuses(approval.NoStoredDecision),
			relaunch: refuses(approval.StillRunning), discard: was(orgflow.FlowDiscarded, 1, ""), urgent: was(orgflow.FlowRunning, 1, "urged"),
		},
		orgflow.FlowReturned: {
			launch: refuses(approval.UseRelaunch), late: refuses(approval.NotUnderApproval),
			again: was(orgflow.FlowReturned, 1, "already"), later: refuses(approval.NotUnderApproval),
			relaunch: was(orgflow.FlowRunning, 2, ""), discard: was(orgflow.FlowDiscarded, 1, ""), urgent: refuses(approval.NotUnderApproval),
		},
		orgflow.FlowApproved: {
			launch: refuses(approval.FlowFinished), late: refuses(approval.FlowFinished),
			again: was(orgflow.FlowApproved, 1, "already"), later: refuses(approval.FlowFinished),
			relaunch: refuses(approval.FlowFinished), discard: was(orgflow.FlowDiscarded, 1, "afterApproval"), urgent: refuses(approval.FlowFinished),
		},
		orgflow.FlowRejected: {
			launch: refuses(approval.FlowFinished), late: refuses(approval.FlowFinished),
			again: was(orgflow.FlowRejected, 1, "already"), later: refuses(approval.FlowFinished),
			relaunch: refuses(approval.NotRelaunchable), discard: was(orgflow.FlowDiscarded, 1, ""), urgent: refuses(approval.FlowFinished),
		},
		orgflow.FlowDiscarded: {
			launch: refuses(approval.UseRelaunch), late: refuses(approval.FlowIsDiscarded),
			again: refuses(approval.FlowIsDiscarded), later: refuses(approval.FlowIsDiscarded),
			relaunch: was(orgflow.FlowRunning, 2, ""), discard: was(orgflow.FlowDiscarded, 1, "already"), urgent: refuses(approval.FlowIsDiscarded),
		},
		orgflow.FlowFaulted: {
			launch: refuses(approval.FlowIsFaulted), late: refuses(approval.FlowIsFaulted),
			again: refuses(approval.FlowIsFaulted), later: refuses(approval.FlowIsFaulted),
			relaunch: refuses(approval.FlowIsFaulted), discard: was(orgflow.FlowDiscarded, 1, ""), urgent: refuses(approval.FlowIsFaulted),
		},
	}
	for state, row := range table {
		for call, want := range row {
			t.Run(string(state)+"/"+call, func(t *testing.T) {
				f := inState[state](t)
				f.at(state, f.s.CurrentNodes()...)
				if call == later {
					f.w.now = f.w.now.Add(time.Hour)
				}
				commands := map[string]approval.Command{
					launch: approval.DoLaunch{Number: "F1", Initiator: initiator}, again: approval.DoAudits{}, later: approval.DoAudits{},
					late:     approval.DoAudits{Rows: []approval.Decision{f.row("a", orgflow.VerdictApprove, 10)}},
					relaunch: approval.DoRelaunch{}, discard: approval.DoDiscard{By: initiator}, urgent: approval.DoUrge{},
				}
				f.answers(commands[call], want)
			})
		}
	}
}

// answers carries a call out and, where it changes nothing, once more.
func (f *flow) answers(cmd approval.Command, want cell) {
	f.t.Helper()
	if want.code != "" {
		f.refused(cmd, want.code)
		return
	}
	out := f.must(cmd)
	if out.Answer.State != want.state || out.Answer.Round != want.round || flagsOf(out.Answer) != want.flags {
		f.t.Fatalf("answer %+v, want %+v", out.Answer, want)
	}
	if want.flags == "already" || want.flags == "existing" {
		if out.Changed || len(out.Effect.Messages) > 0 {
			f.t.Fatalf("a repeated call changes the flow: %+v", out.Effect)
		}
		wantEqual(f.t, "the same call again", f.must(cmd).Answer, out.Answer)
	}
}

func flagsOf(a approval.Answer) string {
	switch {
	case a.Already:
		return "already"
	case a.Existing:
		return "existing"
	case a.AfterApproval:
		return "afterApproval"
	case len(a.Urged) > 0:
		return "urged"
	}
	return ""
}

func TestEveryCallNeedsAFlow(t *testing.T) {
	for _, cmd := range []approval.Command{approval.DoAudits{}, approval.DoRelaunch{}, approval.DoDiscard{By: "admin"}, approval.DoUrge{},
		approval.DoWithdraw{By: initiator}, approval.DoRetract{By: "a"}, approval.DoJump{By: "admin"}, approval.DoRepair{By: "admin"},
		approval.Wake{}, approval.AbsenceBegan{User: "a"}, approval.ChildDone{}, approval.TriggerDone{}} {
		f := &flow{t: t, def: define(approve(10, 99, "", "a")), w: newTown()}
		f.refused(cmd, approval.FlowNotFound)
		if r := f.refusal; r.Code.Status() != 404 {
			t.Errorf("%T answers %d", cmd, r.Code.Status())
		}
	}
}

func TestLateDecisionsAreMarkedExceptThoseThatARepairNeeds(t *testing.T) {
	for state, want := range map[orgflow.FlowState]int{orgflow.FlowReturned: 1, orgflow.FlowApproved: 1, orgflow.FlowRejected: 1,
		orgflow.FlowDiscarded: 1, orgflow.FlowFaulted: 0} {
		f := inState[state](t)
		row := f.row("a", orgflow.VerdictApprove, 10)
		err := f.try(approval.DoAudits{Rows: []approval.Decision{row}})
		var r *approval.Refusal
		if !errors.As(err, &r) || len(r.Audits) != want {
			t.Errorf("%s: %d decisions are marked, want %d", state, len(r.Audits), want)
		}
		// The double of such a call finds the row marked and is refused as well.
		f.refused(approval.DoAudits{Newest: row.ID}, r.Code)
	}
}

func TestDiscardIsForInitiatorAndAdmins(t *testing.T) {
	for state, make := range inState {
		f := make(t)
		f.refused(approval.DoDiscard{By: "stranger"}, approval.NotInitiatorOrAdm)
		if r := f.refusal; r.Code.Status() != 403 {
			t.Errorf("%s: status %d", state, r.Code.Status())
		}
		f.refused(approval.DoDiscard{}, approval.NotInitiatorOrAdm)
		for _, by := range []approval.DoDiscard{{By: "admin"}, {System: true}} {
			f := make(t)
			f.must(by)
			f.at(orgflow.FlowDiscarded)
		}
	}
}

func TestDiscardAfterApprovalIsAPolicy(t *testing.T) {
	f := inState[orgflow.FlowApproved](t)
	f.def.Policy.DiscardAfterApproval = new(false)
	f.refused(approval.DoDiscard{By: initiator}, approval.FlowFinished)
}

func TestRelaunchTwiceIsOneClickUntilSomebodyDecides(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignAll, "a", "b"))
	f.no("a", 10)
	f.must(approval.DoRelaunch{})
	f.wantOpen(10, "a", "b")
	f.w.now = f.w.now.Add(59 * time.Second)
	f.answers(approval.DoRelaunch{}, cell{state: orgflow.FlowRunning, round: 2, flags: "already"})
	f.w.now = f.w.now.Add(time.Second)
	f.refused(approval.DoRelaunch{}, approval.StillRunning)

	f.must(approval.DoDiscard{By: initiator})
	f.must(approval.DoRelaunch{})
	f.yes("a", 10)
	f.refused(approval.DoRelaunch{}, approval.StillRunning)
}

func TestRelaunchFromIsAPolicy(t *testing.T) {
	f := inState[orgflow.FlowDiscarded](t)
	f.def.Policy.Relaunch.From = []orgflow.FlowState{orgflow.FlowReturned}
	f.refused(approval.DoRelaunch{}, approval.NotRelaunchable)
}

func TestLaunchIsRefusedWhereALaterStepFaults(t *testing.T) {
	nobody := define(approve(10, 99, ""))
	unclear := define(approval.Node{Seq: 5, Type: approval.NodeFork, Mode: approval.ForkExclusive,
		Next: []approval.Edge{{To: 10, When: "form.amount > 1"}, {To: 99, Default: true}}}, approve(10, 99, "", "a"))
	for code, def := range map[approval.RefusalCode]*approval.Definition{approval.ApproverMissing: nobody, approval.ConditionFailed: unclear} {
		f := &flow{t: t, def: def, w: newTown()}
		f.refused(approval.DoLaunch{Number: "F1", Initiator: initiator}, code)
		if r := f.refusal; r.Code.Status() != 422 {
			t.Errorf("%s answers %d", code, r.Code.Status())
		}
		f.must(approval.DoLaunch{Number: "F1", Initiator: initiator, Accepted: true})
		f.at(orgflow.FlowFaulted)
		wantEqual(t, "fault", f.s.Fault.Code, code)
		wantEqual(t, "told", f.told(approval.OnFaulted), []string{"admin"})
	}
}

func TestLaunchIsForWhomTheDefinitionSays(t *testing.T) {
	def := define(approve(10, 99, "", "a"))
	for _, c := range []struct {
		who approval.People
		may bool
	}{
		{approval.People{}, true}, {approval.People{Depts: []string{"*"}}, true}, {approval.People{Users: []string{initiator}}, true},
		{approval.People{Users: []string{"x"}}, false}, {approval.People{Roles: []string{"sales"}}, true}, {approval.People{Roles: []string{"hr"}}, false},
		{approval.People{Depts: []string{"D1"}}, true}, {approval.People{Depts: []string{"D2"}}, false},
	} {
		f := &flow{t: t, def: def, w: newTown()}
		f.w.roles["sales"], f.w.members["D1"] = []string{initiator}, []string{initiator}
		def.Launch.Who = c.who
		if c.may {
			f.must(approval.DoLaunch{Number: "F1", Initiator: initiator})
			continue
		}
		f.refused(approval.DoLaunch{Number: "F1", Initiator: initiator}, approval.MayNotLaunch)
	}
}

func TestWhatCannotBeLookedUpFailsTheStepAndNothingElse(t *testing.T) {
	f := launched(t, newTown(), approve(10, 20, "", "a"), approve(20, 99, "", "b"))
	f.w.broken = errors.New("directory is down")
	row := f.row("a", orgflow.VerdictApprove, 10)
	err := f.try(approval.DoAudits{Rows: []approval.Decision{row}})
	var r *approval.Refusal
	if !errors.Is(err, f.w.broken) || errors.As(err, &r) {
		t.Fatalf("a look-up that fails gives %v", err)
	}
	f.w.broken = nil
	f.must(approval.DoAudits{Rows: []approval.Decision{row}})
	f.at(orgflow.FlowRunning, 20)
}

func TestUrgeTellsWhoHasNotDecidedAndIsThrottled(t *testing.T) {
	f := launched(t, newTown(), approve(10, 20, approval.SignAll, "a", "b"), approve(20, 99, "", "c"))
	f.yes("a", 10)
	wantEqual(t, "urged", f.must(approval.DoUrge{}).Answer.Urged, []string{"b"})
	wantEqual(t, "told", f.told(approval.OnUrge), []string{"b"})
	f.refused(approval.DoUrge{}, approval.UrgedTooOften)
	if r := f.refusal; r.RetryAfter != 10*time.Minute || r.Code.Status() != 429 {
		t.Fatalf("retry after %v", r.RetryAfter)
	}
	counts := map[int]bool{}
	for range 4 {
		f.w.now = f.w.now.Add(10 * time.Minute)
		counts[f.must(approval.DoUrge{}).Effect.Messages[0].Count] = true
	}
	if len(counts) != 4 {
		t.Fatalf("urges share a text: %v", counts)
	}
	f.w.now = f.w.now.Add(10 * time.Minute)
	f.refused(approval.DoUrge{}, approval.UrgedTooOften)
	if r := f.refusal; r.RetryAfter != 24*time.Hour-50*time.Minute {
		t.Fatalf("after five in a day: retry after %v", r.RetryAfter)
	}
	f.yes("b", 10)
	wantEqual(t, "a new task is not throttled", f.must(approval.DoUrge{}).Answer.Urged, []string{"c"})
}

func TestNothingToUrgeWhereOnlyTheServiceWorks(t *testing.T) {
	f := launched(t, newTown(), approval.Node{Seq: 10, Type: approval.NodeDelay, After: approval.Duration{Days: 1}, Next: []approval.Edge{{To: 99}}})
	f.refused(approval.DoUrge{}, approval.NothingToUrge)
}

func TestAnAuditAfterALongTimeIsNoDouble(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignAll, "a", "b"))
	f.yes("a", 10)
	f.answers(approval.DoAudits{}, cell{state: orgflow.FlowRunning, round: 1, flags: "already"})
	f.w.now = f.w.now.Add(approval.RepeatWindow)
	f.refused(approval.DoAudits{}, approval.NoStoredDecision)
}
