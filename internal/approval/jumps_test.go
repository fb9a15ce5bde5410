package approval_test

import (
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

// nextNodeSeq, approval reference B.4.
func TestNextNodeSeq(t *testing.T) {
	nodes := append(forked(approval.ForkParallel), approval.Node{Seq: 80, Type: approval.NodeCC, Next: []approval.Edge{{To: 99}}})
	for _, c := range []struct {
		seq  int
		code approval.RefusalCode
		at   []int
		end  orgflow.FlowState
	}{
		{seq: -1, at: []int{30, 40}}, {seq: 70, at: []int{70}}, {seq: 10, at: []int{10}}, {seq: 50, at: []int{50}},
		{seq: 0, end: orgflow.FlowReturned}, {seq: 99, end: orgflow.FlowApproved},
		{seq: -2, code: approval.NodeNotFound}, {seq: 11, code: approval.NodeNotFound},
		{seq: 20, code: approval.NodeNotJumpable}, {seq: 60, code: approval.NodeNotJumpable}, {seq: 80, code: approval.NodeNotJumpable},
	} {
		f := launched(t, newTown(), nodes...)
		call := approval.DoAudits{Rows: []approval.Decision{f.row("a", orgflow.VerdictApprove, 10)}, NextNodeSeq: new(c.seq)}
		if c.code != "" {
			f.refused(call, c.code)
			f.at(orgflow.FlowRunning, 10)
			continue
		}
		f.must(call)
		if c.end == "" {
			c.end = orgflow.FlowRunning
		}
		f.at(c.end, c.at...)
	}
}

func TestMinusOneIsAPolicy(t *testing.T) {
	for policy, want := range map[approval.MinusOne]orgflow.FlowState{approval.MinusOneEnd: orgflow.FlowApproved, approval.MinusOneInitiator: orgflow.FlowReturned} {
		f := launched(t, newTown(), forked(approval.ForkParallel)...)
		f.def.Policy.MinusOne = policy
		f.must(approval.DoAudits{Rows: []approval.Decision{f.row("a", orgflow.VerdictApprove, 10)}, NextNodeSeq: new(-1)})
		f.at(want)
	}
}

func TestAJumpWaitsForTheOtherSignersAndTheLastOneWins(t *testing.T) {
	f := launched(t, newTown(), approve(10, 20, approval.SignAll, "a", "b", "c"), approve(20, 30, "", "d"), approve(30, 99, "", "e"))
	for i, call := range []struct {
		user string
		to   *int
		want approval.JumpAnswer
	}{{"a", new(20), approval.JumpPending}, {"b", new(30), approval.JumpPending}, {"c", nil, approval.JumpDone}} {
		f.must(approval.DoAudits{Rows: []approval.Decision{f.row(call.user, orgflow.VerdictApprove, 10)}, NextNodeSeq: call.to})
		if f.last.Answer.Jump != call.want {
			t.Fatalf("call %d: jump %s, want %s", i, f.last.Answer.Jump, call.want)
		}
	}
	f.at(orgflow.FlowRunning, 30)
}

func TestAJumpBelongsToTheNewestDecisionThatCounts(t *testing.T) {
	f := launched(t, newTown(), forked(approval.ForkParallel)...)
	f.yes("a", 10)
	rows := []approval.Decision{f.row("b", orgflow.VerdictApprove, 30), f.row("c", orgflow.VerdictApprove, 40), f.row("x", orgflow.VerdictApprove, 30)}
	f.must(approval.DoAudits{Rows: rows, NextNodeSeq: new(70)})
	f.at(orgflow.FlowRunning, 70) // from 40, out of the branch

	f = launched(t, newTown(), forked(approval.ForkParallel)...)
	f.must(approval.DoAudits{Rows: []approval.Decision{f.row("x", orgflow.VerdictApprove, 10)}, NextNodeSeq: new(70)})
	wantEqual(t, "a stranger's jump", f.last.Answer.Jump, approval.JumpDropped)
	f.at(orgflow.FlowRunning, 10)
}

func TestJumpsInsideAndOutsideOfABranch(t *testing.T) {
	make := func() *flow {
		f := launched(t, newTown(), forked(approval.ForkParallel)...)
		f.yes("a", 10)
		return f
	}
	jump := func(f *flow, user string, from, to int) {
		f.must(approval.DoAudits{Rows: []approval.Decision{f.row(user, orgflow.VerdictApprove, from)}, NextNodeSeq: new(to)})
	}
	f := make()
	jump(f, "c", 40, 50) // inside: the sibling goes on
	f.at(orgflow.FlowRunning, 30, 50)
	f = make()
	jump(f, "c", 40, 70) // outside: the sibling is cancelled
	f.at(orgflow.FlowRunning, 70)
	wantEqual(t, "sibling", f.taskState("b", 30), orgflow.TaskCancelled)
	f = make()
	jump(f, "b", 30, 40) // into the sibling branch: its token too is replaced
	f.at(orgflow.FlowRunning, 40)
	f.yes("c", 40)
	f.yes("d", 50)
	f.at(orgflow.FlowRunning, 70)
	f = launched(t, newTown(), forked(approval.ForkParallel)...)
	jump(f, "a", 10, 30) // from before the fork: the join waits for nobody else
	f.yes("b", 30)
	f.at(orgflow.FlowRunning, 70)
}

func TestAdminsJump(t *testing.T) {
	f := launched(t, newTown(), forked(approval.ForkParallel)...)
	f.yes("a", 10)
	f.refused(approval.DoJump{By: "b", To: 70}, approval.NotAdmin)
	f.refused(approval.DoJump{By: "admin", To: 11}, approval.NodeNotFound)
	f.refused(approval.DoJump{By: "admin", To: -1}, approval.NodeNotFound)
	f.refused(approval.DoJump{By: "admin", From: new(10), To: 70}, approval.NodeNotFound)
	f.must(approval.DoJump{By: "admin", From: new(40), To: 50})
	f.at(orgflow.FlowRunning, 30, 50)
	f.must(approval.DoJump{By: "admin", To: 70})
	f.at(orgflow.FlowRunning, 70)
	if !f.must(approval.DoJump{By: "admin", To: 70}).Answer.Already {
		t.Fatal("a double click jumps twice")
	}
	f.must(approval.DoJump{By: "admin", To: 0})
	f.at(orgflow.FlowReturned)
}

// What calls asked for that were lost is stored with their decisions: whoever
// works on them, in one step or several, does each as its call wanted.
func TestWhatLostCallsAskedForIsDone(t *testing.T) {
	to := func(f *flow, user string, at int, seq int) approval.Decision {
		row := f.row(user, orgflow.VerdictApprove, at)
		row.Asked = &approval.Asked{NextNodeSeq: new(seq)}
		return row
	}
	nodes := []approval.Node{approve(10, 20, "", "a"), approve(20, 30, "", "b"), approve(30, 40, "", "c"), approve(40, 99, "", "d")}
	f := launched(t, newTown(), nodes...)
	f.must(approval.DoAudits{Rows: []approval.Decision{to(f, "a", 10, 30)}})
	f.at(orgflow.FlowRunning, 30) // not 20

	f = launched(t, newTown(), nodes...)
	f.must(approval.DoAudits{Rows: []approval.Decision{to(f, "a", 10, 30), to(f, "c", 30, 20), f.row("b", orgflow.VerdictApprove, 20)}, NextNodeSeq: new(40)})
	f.at(orgflow.FlowRunning, 40) // over 30 and 20, and the call's own way from there
	wantEqual(t, "decisions that counted", f.last.Answer.Applied, 3)

	f = launched(t, newTown(), nodes...)
	lost := to(f, "a", 10, 0)
	lost.Asked.TaskDeptManager = []string{"no such"}
	f.refused(approval.DoAudits{Rows: []approval.Decision{lost}}, approval.DeptNotFound)
	f.at(orgflow.FlowRunning, 10) // never without what was asked for
}
