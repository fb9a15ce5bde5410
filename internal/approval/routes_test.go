package approval_test

import (
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/approval"
)

// forked is 10 → fork 20 → (30, 40 → 50) → join 60 → 70.
func forked(mode approval.ForkMode) []approval.Node {
	fork := approval.Node{Seq: 20, Type: approval.NodeFork, Mode: mode, Next: []approval.Edge{{To: 30}, {To: 40}}}
	if mode != approval.ForkParallel {
		fork.Next = []approval.Edge{{To: 30, When: "c"}, {To: 40, Default: true}}
	}
	return []approval.Node{approve(10, 20, "", "a"), fork, approve(30, 60, "", "b"), approve(40, 50, "", "c"), approve(50, 60, "", "d"),
		{Seq: 60, Type: approval.NodeJoin, Of: 20, Next: []approval.Edge{{To: 70}}}, approve(70, 99, "", "e")}
}

func TestForksAndJoins(t *testing.T) {
	for _, c := range []struct {
		mode  approval.ForkMode
		holds bool
		taken []int
	}{
		{approval.ForkParallel, false, []int{30, 40}},
		{approval.ForkInclusive, true, []int{30}}, {approval.ForkInclusive, false, []int{40}},
		{approval.ForkExclusive, true, []int{30}}, {approval.ForkExclusive, false, []int{40}},
	} {
		w := newTown()
		w.holds["c"] = c.holds
		f := launched(t, w, forked(c.mode)...)
		f.yes("a", 10)
		f.at(orgflow.FlowRunning, c.taken...)
		for _, node := range c.taken {
			f.yes(map[int]string{30: "b", 40: "c"}[node], node)
			if node == 40 {
				f.yes("d", 50)
			}
		}
		f.at(orgflow.FlowRunning, 70)
		f.yes("e", 70)
		f.at(orgflow.FlowApproved)
	}
}

func TestEdgesAreTriedInTheirOrder(t *testing.T) {
	w := newTown()
	w.holds["yes"], w.holds["also"] = true, true
	n := approve(10, 0, "", "a")
	n.Next = []approval.Edge{{To: 40, Default: true}, {To: 30, When: "also", Order: 2}, {To: 20, When: "yes", Order: 1}}
	f := launched(t, w, n, approve(20, 99, "", "b"), approve(30, 99, "", "c"), approve(40, 99, "", "d"))
	f.yes("a", 10)
	f.at(orgflow.FlowRunning, 20)
}

func TestAFlowThatWalksInCirclesFaults(t *testing.T) {
	pass, back := approve(20, 30, ""), approve(30, 99, "")
	pass.ApproverMissing = &approval.Missing{Do: approval.MissingPass}
	back.ApproverMissing, back.OnReject = &approval.Missing{Do: approval.MissingReject}, &approval.Reject{To: approval.ToNode(20)}
	f := launched(t, newTown(), approve(10, 20, "", "a"), pass, back)
	f.yes("a", 10)
	f.at(orgflow.FlowFaulted)
	wantEqual(t, "fault", f.s.Fault.Code, approval.RouteLoop)
}

func TestAConditionWithoutAnAnswerFaultsAndARepairGoesOn(t *testing.T) {
	w := newTown()
	n := approve(10, 0, "", "a")
	n.Next = []approval.Edge{{To: 20, When: "form.amount > 5"}, {To: 99, Default: true}}
	f := launched(t, w, n, approve(20, 99, "", "b"))
	f.yes("a", 10)
	f.at(orgflow.FlowFaulted)
	wantEqual(t, "fault", f.s.Fault.Code, approval.ConditionFailed)
	f.refused(approval.DoRepair{By: "a", Action: approval.RepairRetry}, approval.NotAdmin)
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	f.at(orgflow.FlowFaulted) // nothing has changed
	w.holds["form.amount > 5"] = true
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	f.at(orgflow.FlowRunning, 20)
	if !f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry}).Answer.Already {
		t.Fatal("a double click repairs twice")
	}
	w.now = w.now.Add(time.Hour)
	f.refused(approval.DoRepair{By: "admin", Action: approval.RepairRetry}, approval.NotFaulted)
}

func TestARepairMayJump(t *testing.T) {
	f := inState[orgflow.FlowFaulted](t)
	f.refused(approval.DoRepair{By: "admin", Action: approval.RepairJump}, approval.BadParam)
	f.refused(approval.DoRepair{By: "admin", Action: "wait"}, approval.BadParam)
	f.refused(approval.DoRepair{By: "admin", Action: approval.RepairJump, To: new(55)}, approval.NodeNotFound)
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairJump, To: new(10)})
	f.at(orgflow.FlowRunning, 10)
}

func TestDecisionsAfterAFaultWaitForTheRepair(t *testing.T) {
	w := newTown()
	f := launched(t, w, forked(approval.ForkParallel)...)
	f.yes("a", 10)
	w.left["d"] = true
	first, second := f.row("c", orgflow.VerdictApprove, 40), f.row("b", orgflow.VerdictApprove, 30)
	out := f.must(approval.DoAudits{Rows: []approval.Decision{first, second}})
	f.at(orgflow.FlowFaulted, 30)
	wantEqual(t, "decisions worked on", len(out.Effect.Audits), 1)
	w.left["d"] = false
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	f.must(approval.DoAudits{Rows: []approval.Decision{second}})
	f.at(orgflow.FlowRunning, 50)
}

func TestARejectionToTheInitiatorEndsEveryBranch(t *testing.T) {
	f := launched(t, newTown(), forked(approval.ForkParallel)...)
	f.yes("a", 10)
	f.no("c", 40)
	f.at(orgflow.FlowReturned)
	wantEqual(t, "the sibling's task", f.taskState("b", 30), orgflow.TaskCancelled)
	wantEqual(t, "told", f.told(approval.OnReturned), []string{initiator, "b"})
	f.must(approval.DoRelaunch{})
	f.at(orgflow.FlowRunning, 10) // replay
}

func TestADirectRelaunchGoesToTheNodeThatRejectedSiblingsAndAll(t *testing.T) {
	nodes := forked(approval.ForkParallel)
	nodes[4].OnReject = &approval.Reject{To: approval.ToInitiator, Resume: approval.ResumeDirect}
	f := launched(t, newTown(), nodes...)
	f.yes("a", 10)
	f.yes("c", 40)
	f.no("d", 50)
	f.must(approval.DoRelaunch{})
	f.at(orgflow.FlowRunning, 30, 50)
	f.yes("d", 50)
	f.at(orgflow.FlowRunning, 30) // the join waits for the sibling still
	f.yes("b", 30)
	f.at(orgflow.FlowRunning, 70)

	f = launched(t, newTown(), nodes...)
	f.yes("a", 10)
	f.yes("b", 30) // has arrived at the join
	f.yes("c", 40)
	f.no("d", 50)
	f.must(approval.DoRelaunch{})
	f.at(orgflow.FlowRunning, 50)
	f.yes("d", 50)
	f.at(orgflow.FlowRunning, 70)
}

func TestWhereADirectRelaunchComesFrom(t *testing.T) {
	direct, replay := &approval.Reject{Resume: approval.ResumeDirect}, &approval.Reject{Resume: approval.ResumeReplay}
	for _, c := range []struct {
		node             *approval.Reject
		reject, relaunch approval.Resume
		at               int
	}{
		{nil, "", "", 10}, {direct, "", "", 20}, {nil, approval.ResumeDirect, "", 20}, {nil, "", approval.ResumeDirect, 20},
		{replay, approval.ResumeDirect, approval.ResumeDirect, 10},
	} {
		n := approve(20, 99, "", "b")
		n.OnReject = c.node
		def := define(approve(10, 20, "", "a"), n)
		def.Policy.Reject.Resume, def.Policy.Relaunch.Resume = c.reject, c.relaunch
		f := launch(t, newTown(), def)
		f.yes("a", 10)
		f.no("b", 20)
		f.must(approval.DoRelaunch{})
		f.at(orgflow.FlowRunning, c.at)
	}
}

func TestARelaunchOnANewerVersionWalks(t *testing.T) {
	n := approve(20, 99, "", "b")
	n.OnReject = &approval.Reject{To: approval.ToInitiator, Resume: approval.ResumeDirect}
	f := launched(t, newTown(), approve(10, 20, "", "a"), n)
	f.yes("a", 10)
	f.no("b", 20)
	newer := define(approve(15, 99, "", "z"))
	newer.Version = 2
	f.def = newer
	f.must(approval.DoRelaunch{})
	f.at(orgflow.FlowRunning, 15)
	wantEqual(t, "version", f.s.Version, 2)
}

func TestARejectionInABranchMovesThatBranchAlone(t *testing.T) {
	for resume, after := range map[approval.Resume]int{approval.ResumeReplay: 50, approval.ResumeDirect: 50} {
		nodes := forked(approval.ForkParallel)
		nodes[4].OnReject = &approval.Reject{To: approval.ToNode(40), Resume: resume}
		f := launched(t, newTown(), nodes...)
		f.yes("a", 10)
		f.yes("c", 40)
		f.no("d", 50)
		f.at(orgflow.FlowRunning, 30, 40)
		f.wantOpen(30, "b")
		f.yes("c", 40)
		f.at(orgflow.FlowRunning, 30, after)
	}
}

func TestARejectionOutOfABranchEndsItsSiblings(t *testing.T) {
	for resume, after := range map[approval.Resume][]int{approval.ResumeReplay: {30, 40}, approval.ResumeDirect: {30, 50}} {
		nodes := forked(approval.ForkParallel)
		nodes[4].OnReject = &approval.Reject{To: approval.ToNode(10), Resume: resume}
		f := launched(t, newTown(), nodes...)
		f.yes("a", 10)
		f.yes("c", 40)
		f.no("d", 50)
		f.at(orgflow.FlowRunning, 10)
		wantEqual(t, "the sibling's task", f.taskState("b", 30), orgflow.TaskCancelled)
		f.yes("a", 10)
		f.at(orgflow.FlowRunning, after...)
	}
}

func TestADirectSendBackSkipsWhatLiesBetween(t *testing.T) {
	n := approve(30, 99, "", "c")
	n.OnReject = &approval.Reject{To: approval.ToNode(10), Resume: approval.ResumeDirect}
	f := launched(t, newTown(), approve(10, 20, "", "a"), approve(20, 30, "", "b"), n)
	f.yes("a", 10)
	f.yes("b", 20)
	f.no("c", 30)
	f.yes("a", 10)
	f.at(orgflow.FlowRunning, 30)
	f.wantOpen(30, "c")
}

func TestReturnGoesToAnEarlierNodeOrTheInitiator(t *testing.T) {
	make := func() *flow {
		f := launched(t, newTown(), approve(10, 20, "", "a"), approve(20, 30, "", "b"), approve(30, 99, "", "c"))
		f.yes("a", 10)
		return f
	}
	f := make()
	for _, seq := range []int{20, 30, 99, 77} {
		if o := f.says("b", orgflow.VerdictReturn, 20, toNode(seq)); o != orgflow.AuditInvalid {
			t.Fatalf("return to %d is %s", seq, o)
		}
	}
	f.says("b", orgflow.VerdictReturn, 20, toNode(10))
	f.at(orgflow.FlowRunning, 10)
	wantEqual(t, "the task of b", f.taskState("b", 20), orgflow.TaskReturned)
	for _, more := range [][]func(*approval.Decision){nil, {toNode(0)}} {
		f := make()
		f.says("b", orgflow.VerdictReturn, 20, more...)
		f.at(orgflow.FlowReturned)
	}
}

func TestSubflows(t *testing.T) {
	node := approval.Node{Seq: 10, Type: approval.NodeSubflow, Flow: "g", DataField: "child", Wait: approval.WaitChild, OnChildReject: approval.ChildRejects, Next: []approval.Edge{{To: 20}}}
	for _, c := range []struct {
		wait  approval.Wait
		on    approval.ChildReject
		child orgflow.FlowState
		end   orgflow.FlowState
	}{
		{approval.WaitChild, approval.ChildRejects, orgflow.FlowApproved, orgflow.FlowRunning},
		{approval.WaitChild, approval.ChildRejects, orgflow.FlowRejected, orgflow.FlowReturned},
		{approval.WaitChild, approval.ChildPasses, orgflow.FlowDiscarded, orgflow.FlowRunning},
		{approval.WaitNot, approval.ChildRejects, "", orgflow.FlowRunning},
	} {
		node.Wait, node.OnChildReject = c.wait, c.on
		f := launched(t, newTown(), node, approve(20, 99, "", "a"))
		wantEqual(t, "children", f.last.Effect.Children, []approval.Child{{Visit: 2, Flow: "g", DataField: "child", Wait: c.wait == approval.WaitChild}})
		if c.wait == approval.WaitChild {
			f.at(orgflow.FlowRunning, 10)
			f.must(approval.ChildDone{Visit: 2, State: c.child})
		}
		if f.s.Flow != c.end {
			t.Errorf("%+v: the flow is %s", c, f.s.Flow)
		}
		if f.must(approval.ChildDone{Visit: 2, State: c.child}).Changed {
			t.Errorf("%+v: told twice, it counts twice", c)
		}
	}
	node.Wait = approval.WaitChild
	f := launched(t, newTown(), node, approve(20, 99, "", "a"))
	f.must(approval.DoDiscard{By: initiator})
	wantEqual(t, "orphans", f.last.Effect.Orphans, []int{2})
}

func TestTriggers(t *testing.T) {
	node := approval.Node{Seq: 10, Type: approval.NodeTrigger, OnFailure: approval.FailureFaults, Next: []approval.Edge{{To: 20}}}
	f := launched(t, newTown(), node, approve(20, 99, "", "a"))
	wantEqual(t, "calls", f.last.Effect.Triggers, []approval.Trigger{{Visit: 2, Node: 10, Round: 1}})
	f.must(approval.TriggerDone{Visit: 2, Message: "503"})
	f.at(orgflow.FlowFaulted)
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	wantEqual(t, "called again", f.last.Effect.Triggers, []approval.Trigger{{Visit: 3, Node: 10, Round: 1}})
	f.must(approval.TriggerDone{Visit: 3, OK: true})
	f.at(orgflow.FlowRunning, 20)

	node.OnFailure = approval.FailurePasses
	f = launched(t, newTown(), node, approve(20, 99, "", "a"))
	f.must(approval.TriggerDone{Visit: 2})
	f.at(orgflow.FlowRunning, 20)
}

func TestWhatTheServiceWaitsForMayComeWhilePeopleAreHeldUp(t *testing.T) {
	nodes := forked(approval.ForkParallel)
	nodes[2] = approval.Node{Seq: 30, Type: approval.NodeSubflow, Flow: "g", Next: []approval.Edge{{To: 60}}}
	f := launched(t, newTown(), nodes...)
	f.yes("a", 10)
	f.w.left["d"] = true
	f.yes("c", 40)
	f.at(orgflow.FlowFaulted, 30)
	child := f.s.Visits[len(f.s.Visits)-2]
	for _, v := range f.s.Visits {
		if v.Type == approval.NodeSubflow {
			child = v
		}
	}
	f.must(approval.ChildDone{Visit: child.ID, State: orgflow.FlowApproved})
	f.at(orgflow.FlowFaulted)
	f.w.left["d"] = false
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	f.yes("d", 50)
	f.at(orgflow.FlowRunning, 70)
}

func TestEndReturnAndDiscardTellInitiatorAndOpenPeople(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignAll, "a", "b"))
	f.must(approval.DoDiscard{By: "admin"})
	wantEqual(t, "told of the discard", f.told(approval.OnDiscarded), []string{initiator, "a", "b"})
	f.must(approval.DoRelaunch{})
	f.speak(10, "a+ b+")
	wantEqual(t, "told of the approval", f.told(approval.OnApproved), []string{initiator})
}

// A subflow that cannot be launched is nobody's rejection: the flow is FAULTED
// and says why, until a repair launches it again.
func TestASubflowThatCannotBeLaunchedFaults(t *testing.T) {
	node := approval.Node{Seq: 10, Type: approval.NodeSubflow, Flow: "g", Wait: approval.WaitChild, OnChildReject: approval.ChildPasses, Next: []approval.Edge{{To: 20}}}
	f := launched(t, newTown(), node, approve(20, 99, "", "a"))
	refused := approval.ChildDone{Visit: 2, Refused: "row 5 has a flow already"}
	f.must(refused)
	f.at(orgflow.FlowFaulted)
	wantEqual(t, "fault", *f.s.Fault, approval.Fault{Code: approval.SubflowFailed, Node: 10, Token: f.s.Fault.Token,
		Message: "the subflow of node 10 cannot be launched: row 5 has a flow already"})
	if f.must(refused).Changed {
		t.Error("told twice, it counts twice")
	}
	f.must(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	wantEqual(t, "launched again", f.last.Effect.Children, []approval.Child{{Visit: 3, Flow: "g", Wait: true}})
	f.must(approval.ChildDone{Visit: 3, State: orgflow.FlowApproved})
	f.at(orgflow.FlowRunning, 20)

	node.Wait = approval.WaitNot
	f = launched(t, newTown(), node, approve(20, 99, "", "a"))
	f.must(refused)
	f.at(orgflow.FlowRunning, 20)
	wantEqual(t, "timeline", f.last.Effect.Timeline[0].Data.Message, refused.Refused)
}

// A call that nobody waits for any more is given up.
func TestACallThatIsJumpedOverIsGivenUp(t *testing.T) {
	node := approval.Node{Seq: 10, Type: approval.NodeTrigger, OnFailure: approval.FailureFaults, Next: []approval.Edge{{To: 20}}}
	for _, end := range []approval.Command{approval.DoDiscard{By: initiator}, approval.DoJump{By: "admin", To: 20}} {
		f := launched(t, newTown(), node, approve(20, 99, "", "a"))
		f.must(end)
		wantEqual(t, "calls given up", f.last.Effect.Dropped, []int{2})
		if f.must(approval.TriggerDone{Visit: 2, OK: true}).Changed {
			t.Errorf("%T: a call nobody waits for counts", end)
		}
	}
}
