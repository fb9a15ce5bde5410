package approval_test

import (
	"slices"
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

func TestTransferGivesTheTaskAway(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignAll, "a", "b"))
	f.w.left["gone"] = true
	for _, c := range []struct {
		to   []string
		want orgflow.AuditOutcome
	}{{nil, orgflow.AuditInvalid}, {[]string{"x", "y"}, orgflow.AuditInvalid}, {[]string{"gone"}, orgflow.AuditInvalid},
		{[]string{"b"}, orgflow.AuditInvalid}, {[]string{"a"}, orgflow.AuditInvalid}, {[]string{"x"}, orgflow.AuditApplied}} {
		if o := f.says("a", orgflow.VerdictTransfer, 10, to(c.to...)); o != c.want {
			t.Fatalf("transfer to %v is %s, want %s", c.to, o, c.want)
		}
	}
	wantEqual(t, "the task of a", f.taskState("a", 10), orgflow.TaskTransferred)
	f.wantOpen(10, "b", "x")
	wantEqual(t, "told", f.told(approval.OnTask), []string{"x"})
	f.speak(10, "b+ x+")
	f.at(orgflow.FlowApproved)
}

func TestDelegateAdvisesAndTheOwnerDecides(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, "", "a"))
	f.says("a", orgflow.VerdictDelegate, 10, to("x"))
	wantEqual(t, "the task of a", f.taskState("a", 10), orgflow.TaskDelegated)
	if o := f.says("x", orgflow.VerdictApprove, 10); o != orgflow.AuditInvalid {
		t.Fatalf("advice that approves is %s", o)
	}
	if o := f.says("a", orgflow.VerdictApprove, 10); o != orgflow.AuditDuplicate {
		t.Fatalf("the owner decides meanwhile: %s", o)
	}
	f.says("x", orgflow.VerdictTransfer, 10, to("y"))
	f.says("y", orgflow.VerdictResolve, 10)
	f.wantOpen(10, "a")
	wantEqual(t, "told", f.told(approval.OnTask), []string{"a"})
	f.yes("a", 10)
	f.at(orgflow.FlowApproved)
}

func TestAddSignLetsOthersSignBefore(t *testing.T) {
	for says, want := range map[string]orgflow.FlowState{"x+ y+ a+": orgflow.FlowApproved, "x+ y+ a-": orgflow.FlowReturned, "x-": orgflow.FlowReturned} {
		f := launched(t, newTown(), approve(10, 99, "", "a"))
		f.says("a", orgflow.VerdictAddSign, 10, to("x", "y"))
		f.wantOpen(10, "x", "y")
		wantEqual(t, "the task of a", f.taskState("a", 10), orgflow.TaskWaiting)
		f.speak(10, says)
		if f.s.Flow != want {
			t.Errorf("%s: the flow is %s, want %s", says, f.s.Flow, want)
		}
	}
}

func TestRemoveSignTakesSignersAwayAndMayDecide(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignAll, "a", "b", "c"))
	f.yes("b", 10)
	if o := f.says("a", orgflow.VerdictRemoveSign, 10, to("b")); o != orgflow.AuditInvalid {
		t.Fatalf("removing who has signed is %s", o)
	}
	f.says("a", orgflow.VerdictAddSign, 10, to("x"))
	f.says("c", orgflow.VerdictRemoveSign, 10, to("x"))
	f.wantOpen(10, "a", "c")
	f.says("a", orgflow.VerdictRemoveSign, 10, to("c"))
	f.wantOpen(10, "a")
	f.yes("a", 10)
	f.at(orgflow.FlowApproved)
}

func TestRemovingAnAdviserGivesTheTaskBack(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignAll, "a", "b"))
	f.says("a", orgflow.VerdictDelegate, 10, to("x"))
	f.says("x", orgflow.VerdictTransfer, 10, to("y"))
	f.says("b", orgflow.VerdictRemoveSign, 10, to("y"))
	f.wantOpen(10, "a", "b")
	f.says("a", orgflow.VerdictDelegate, 10, to("z"))
	f.says("b", orgflow.VerdictRemoveSign, 10, to("a")) // and z, who advises a
	f.wantOpen(10, "b")
}

func TestActionsNeedToBeAllowed(t *testing.T) {
	for _, v := range []orgflow.Verdict{orgflow.VerdictTransfer, orgflow.VerdictDelegate, orgflow.VerdictAddSign, orgflow.VerdictRemoveSign, orgflow.VerdictReturn} {
		n := approve(10, 99, "", "a", "b")
		n.Allow = []approval.Action{}
		f := launched(t, newTown(), n)
		if o := f.says("a", v, 10, to("b")); o != orgflow.AuditInvalid {
			t.Errorf("%s is %s", v, o)
		}
	}
	n := approve(10, 99, "", "a")
	n.Allow = []approval.Action{}
	f := launched(t, newTown(), n)
	f.refused(approval.DoWithdraw{By: initiator}, approval.NotAllowed)
	f.refused(approval.DoAudits{Rows: []approval.Decision{f.row("a", orgflow.VerdictApprove, 10)}, NextNodeSeq: new(0)}, approval.NotAllowed)
}

func TestClaimIsForWhoActsFirst(t *testing.T) {
	n := approve(10, 99, approval.SignAny, "a", "b")
	n.Approvers[0].Pick = approval.PickClaim
	f := launched(t, newTown(), n)
	f.wantOpen(10, "a", "b")
	f.says("b", orgflow.VerdictDelegate, 10, to("x"))
	wantEqual(t, "the task of a", f.taskState("a", 10), orgflow.TaskDoneByOthers)
	f.says("x", orgflow.VerdictResolve, 10)
	f.yes("b", 10)
	f.at(orgflow.FlowApproved)
}

func TestRetractAsksAgain(t *testing.T) {
	t.Run("while the node runs", func(t *testing.T) {
		f := launched(t, newTown(), approve(10, 99, approval.SignAll, "a", "b"))
		f.refused(approval.DoRetract{By: "a"}, approval.NotRetractable)
		f.yes("a", 10)
		f.must(approval.DoRetract{By: "a"})
		f.wantOpen(10, "b", "a")
		if out := f.must(approval.DoRetract{By: "a"}); !out.Answer.Already {
			t.Fatal("a double click retracts twice")
		}
		f.speak(10, "b+ a-")
		f.at(orgflow.FlowReturned)
	})
	t.Run("while the next one waits", func(t *testing.T) {
		f := launched(t, newTown(), approve(10, 20, approval.SignAll, "a", "b"), approve(20, 99, "", "c"))
		f.speak(10, "a+ b+")
		f.must(approval.DoRetract{By: "a"})
		f.at(orgflow.FlowRunning, 10)
		f.wantOpen(10, "a")
		wantEqual(t, "the task of c", f.taskState("c", 20), orgflow.TaskCancelled)
		f.yes("a", 10)
		f.wantOpen(20, "c")
	})
	t.Run("not after the next has decided", func(t *testing.T) {
		f := launched(t, newTown(), approve(10, 20, "", "a"), approve(20, 30, approval.SignAll, "b", "c"), approve(30, 99, "", "d"))
		f.yes("a", 10)
		f.yes("b", 20)
		f.refused(approval.DoRetract{By: "a"}, approval.NotRetractable)
	})
	t.Run("under sequence the next waits again", func(t *testing.T) {
		f := launched(t, newTown(), approve(10, 99, approval.SignSequence, "a", "b"))
		f.yes("a", 10)
		f.must(approval.DoRetract{By: "a"})
		f.wantOpen(10, "a")
		f.speak(10, "a+ b+")
		f.at(orgflow.FlowApproved)
	})
}

func TestWithdrawTakesTheFlowBack(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, "", "a"))
	f.refused(approval.DoWithdraw{By: "a"}, approval.NotInitiator)
	f.must(approval.DoWithdraw{By: initiator})
	f.at(orgflow.FlowReturned)
	wantEqual(t, "told", slices.Sorted(slices.Values(f.told(approval.OnReturned))), []string{"a", initiator})
	if !f.must(approval.DoWithdraw{By: initiator}).Answer.Already {
		t.Fatal("a double click withdraws twice")
	}
	f.must(approval.DoRelaunch{})
	f.at(orgflow.FlowRunning, 10)
}
