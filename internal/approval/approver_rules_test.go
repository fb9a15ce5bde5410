package approval_test

import (
	"slices"
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

// asks makes a node that finds its people by rules.
func asks(seq, next int, rules ...approval.Approver) approval.Node {
	return approval.Node{Seq: seq, Type: approval.NodeApprove, Approvers: rules, Sign: approval.Sign{Mode: approval.SignAll}, Next: []approval.Edge{{To: next}}}
}

// Every rule of approval reference B.2.
func TestApproverRules(t *testing.T) {
	w := newTown()
	w.roles["finance"] = []string{"f1", "f2"}
	w.members["D1"], w.members["D2"] = []string{"m1", "m2"}, []string{"m3"}
	w.managers["D1"], w.managers["D2"], w.managers["D9"] = []string{"b1"}, []string{"b2"}, []string{"b9"}
	w.names["Sales"], w.names["D3"], w.parents["D3"], w.parents["D1"] = "D2", "D3", "D9", "D9"
	w.supervisors[initiator] = []string{"s1", "s2", "s3"}
	w.fields["owner"], w.fields["dept"], w.fields["chosen"] = []string{"o1"}, []string{"Sales"}, []string{"x1", "x2"}
	w.people["form.who"] = []string{"e1", "e2"}
	for _, c := range []struct {
		rule approval.Approver
		want []string
	}{
		{approval.Approver{By: approval.RuleUser, Users: []string{"a", "b", "a"}}, []string{"a", "b"}},
		{approval.Approver{By: approval.RuleRole, Code: "finance"}, []string{"f1", "f2"}},
		{approval.Approver{By: approval.RuleDeptMembers}, []string{"m1", "m2"}},
		{approval.Approver{By: approval.RuleDeptMembers, Of: approval.OfList, Depts: []string{"D1", "Sales", "D2"}}, []string{"m1", "m2", "m3"}},
		{approval.Approver{By: approval.RuleDeptManager}, []string{"b1"}},
		{approval.Approver{By: approval.RuleDeptManager, Level: 2}, []string{"b9"}},
		{approval.Approver{By: approval.RuleDeptManager, Of: approval.OfList, Depts: []string{"D3"}, ClimbIfVacant: true}, []string{"b9"}},
		{approval.Approver{By: approval.RuleDeptManager, Of: approval.OfForm, Field: "dept"}, []string{"b2"}},
		{approval.Approver{By: approval.RuleSupervisor}, []string{"s1"}},
		{approval.Approver{By: approval.RuleSupervisor, Level: 3}, []string{"s3"}},
		{approval.Approver{By: approval.RuleSupervisorChain, From: 2, To: approval.ChainTop}, []string{"s2", "s3"}},
		{approval.Approver{By: approval.RuleSupervisorChain, From: 1, To: 2}, []string{"s1", "s2"}},
		{approval.Approver{By: approval.RuleInitiator}, []string{initiator}},
		{approval.Approver{By: approval.RuleInitiatorSelect, Field: "chosen", Min: 1, Max: 2}, []string{"x1", "x2"}},
		{approval.Approver{By: approval.RuleFormUser, Field: "owner"}, []string{"o1"}},
		{approval.Approver{By: approval.RuleFormDeptManager, Field: "dept"}, []string{"b2"}},
		{approval.Approver{By: approval.RuleExpr, Expr: "form.who"}, []string{"e1", "e2"}},
	} {
		f := launched(t, w, asks(10, 99, c.rule))
		if got := f.open(10); !slices.Equal(got, c.want) {
			t.Errorf("%+v finds %v, want %v", c.rule, got, c.want)
		}
	}
	for _, rule := range []approval.Approver{
		{By: approval.RuleDeptManager, Of: approval.OfList, Depts: []string{"D3"}}, // vacant, no climbing
		{By: approval.RuleInitiatorSelect, Field: "chosen", Max: 1},
		{By: approval.RuleInitiatorSelect, Field: "chosen", Min: 3},
		{By: approval.RuleInitiatorSelect, Field: "chosen", Scope: approval.People{Users: []string{"x1"}}},
		{By: approval.RuleRole, Code: "nobody"}, {By: approval.RulePreviousSelect}, {By: approval.RuleTaskDeptManagers},
	} {
		f := &flow{t: t, def: define(asks(10, 99, rule)), w: w}
		f.refused(approval.DoLaunch{Number: "F1", Initiator: initiator}, approval.ApproverMissing)
	}
}

func TestRulesAreUnitedInOrderAndEveryPersonIsAskedOnce(t *testing.T) {
	w := newTown()
	w.roles["r"] = []string{"c", "a", "d"}
	f := launched(t, w, asks(10, 99, approval.Approver{By: approval.RuleUser, Users: []string{"b", "a"}}, approval.Approver{By: approval.RuleRole, Code: "r"}))
	f.wantOpen(10, "b", "a", "c", "d")
}

func TestPreviousSelectTakesWhomTheDecisionNames(t *testing.T) {
	cc := approval.Node{Seq: 15, Type: approval.NodeCC, To: []approval.Approver{{By: approval.RuleInitiator}}, Next: []approval.Edge{{To: 20}}}
	f := launched(t, newTown(), approve(10, 15, "", "a"), cc, asks(20, 99, approval.Approver{By: approval.RulePreviousSelect}))
	f.says("a", orgflow.VerdictApprove, 10, to("x", "y"))
	f.wantOpen(20, "x", "y")
	wantEqual(t, "copies", f.told(approval.OnCC), []string{initiator})
}

func TestRandomPickIsTheSameWhenTheStepIsTriedAgain(t *testing.T) {
	picked := map[string]bool{}
	for _, no := range []string{"F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8"} {
		n := approve(10, 99, "", "a", "b", "c")
		n.Approvers[0].Pick = approval.PickRandom
		var who []string
		for range 3 {
			f := &flow{t: t, def: define(n), w: newTown()}
			f.w.left["b"] = true
			f.must(approval.DoLaunch{Number: no, Initiator: initiator})
			who = append(who, f.open(10)...)
		}
		if len(who) != 3 || who[0] != who[1] || who[1] != who[2] || who[0] == "b" {
			t.Fatalf("%s: picked %v", no, who)
		}
		picked[who[0]] = true
	}
	wantEqual(t, "people picked over eight flows", len(picked), 2)
}

func TestNobodyToApprove(t *testing.T) {
	for do, check := range map[approval.MissingAction]func(*flow){
		approval.MissingPass:    func(f *flow) { f.at(orgflow.FlowRunning, 30) },
		approval.MissingReject:  func(f *flow) { f.at(orgflow.FlowReturned) },
		approval.MissingToUsers: func(f *flow) { f.wantOpen(20, "x") },
		approval.MissingToAdmin: func(f *flow) { f.wantOpen(20, "admin") },
		approval.MissingError:   func(f *flow) { f.at(orgflow.FlowFaulted) },
	} {
		f := launched(t, newTown(), approve(10, 20, "", "a"), approve(20, 30, "", "gone"), approve(30, 99, "", "c"))
		f.w.left["gone"] = true
		f.def.Policy.ApproverMissing = approval.Missing{Do: do, Users: []string{"x"}}
		f.yes("a", 10)
		check(f)
	}
	n := approve(10, 99, "", "gone")
	f := launched(t, newTown(), n)
	f.wantOpen(10, "gone")
	f.def.Policy.InactiveUser = approval.InactiveKeep
	f.w.left["gone"] = true
	f.must(approval.DoDiscard{System: true})
	f.must(approval.DoRelaunch{})
	f.wantOpen(10, "gone")
}

func TestInitiatorAmongApprovers(t *testing.T) {
	for _, c := range []struct {
		policy approval.InitiatorApproval
		users  []string
		want   []string // nil: skipped
	}{
		{approval.InitiatorSelf, []string{initiator, "b"}, []string{initiator, "b"}},
		{approval.InitiatorSkip, []string{initiator, "b"}, []string{"b"}},
		{approval.InitiatorSkip, []string{initiator}, nil},
		{approval.InitiatorToManager, []string{initiator, "b"}, []string{"boss", "b"}},
		{approval.InitiatorToSupervisor, []string{initiator, "sup"}, []string{"sup"}},
		{approval.InitiatorToSupervisor, []string{initiator}, []string{"sup"}},
	} {
		w := newTown()
		w.managers["D1"], w.parents["D1"], w.managers["D0"] = []string{initiator}, "D0", []string{"boss"}
		w.supervisors[initiator] = []string{"sup"}
		def := define(approve(10, 20, approval.SignAll, c.users...), approve(20, 99, "", "z"))
		def.Policy.InitiatorIsApprover = c.policy
		f := launch(t, w, def)
		if c.want == nil {
			f.at(orgflow.FlowRunning, 20)
			wantEqual(t, "visit", f.s.Visits[1].State, orgflow.VisitSkipped)
			continue
		}
		f.wantOpen(10, c.want...)
	}
}

func TestDedupSparesASecondApproval(t *testing.T) {
	nodes := []approval.Node{approve(10, 20, "", "a"), approve(20, 30, "", "b"), approve(30, 99, approval.SignAll, "a", "b")}
	for policy, want := range map[approval.Dedup][]string{approval.DedupNone: {"a", "b"}, approval.DedupConsecutive: {"a"}, approval.DedupAny: nil} {
		def := define(nodes...)
		def.Policy.Dedup = policy
		f := launch(t, newTown(), def)
		f.yes("a", 10)
		f.yes("b", 20)
		f.wantOpen(30, want...)
		if want == nil {
			f.at(orgflow.FlowApproved)
			wantEqual(t, "visit", f.s.Visits[3].State, orgflow.VisitSkipped)
		}
	}
}

func TestAfterASendBackNobodyIsSpared(t *testing.T) {
	nodes := []approval.Node{approve(10, 20, "", "a"), approve(20, 30, "", initiator), approve(30, 40, "", "b"), approve(40, 99, "", "a")}
	nodes[2].OnReject = &approval.Reject{To: approval.ToNode(20)}
	def := define(nodes...)
	def.Policy.Dedup, def.Policy.InitiatorIsApprover = approval.DedupAny, approval.InitiatorSkip
	f := launch(t, newTown(), def)
	f.yes("a", 10)
	f.at(orgflow.FlowRunning, 30)
	f.no("b", 30)
	f.wantOpen(20, initiator) // not skipped again
	f.yes(initiator, 20)
	f.yes("b", 30)
	f.wantOpen(40, "a") // what was approved before the send-back is asked again
}

func TestWhoSentBackIsAskedAgainThoughApprovedBefore(t *testing.T) {
	last := approve(20, 99, approval.SignAll, "a", "b")
	last.OnReject = &approval.Reject{To: approval.ToNode(10), Resume: approval.ResumeDirect}
	def := define(approve(10, 20, "", "a"), last)
	def.Policy.Dedup = approval.DedupAny
	f := launch(t, newTown(), def)
	f.yes("a", 10)
	f.wantOpen(20, "b")
	f.no("b", 20)
	f.yes("a", 10)
	f.wantOpen(20, "a", "b")
}

func TestAgentsStandIn(t *testing.T) {
	w := newTown()
	w.agents["a"], w.agents["x"] = "x", "y"
	f := launched(t, w, approve(10, 99, approval.SignAll, "a", "b"))
	f.wantOpen(10, "y", "b")
	wantEqual(t, "stands in for", f.s.Tasks[0].For, "a")

	w.agents["b"] = "c" // from now on
	f.must(approval.AbsenceBegan{User: "b"})
	f.wantOpen(10, "y", "c")
	wantEqual(t, "the task of b", f.taskState("b", 10), orgflow.TaskTransferred)
	f.speak(10, "c+ y+")
	f.at(orgflow.FlowApproved)
}

func TestAnAgentWithASeatHasTwoVoicesAndOneTask(t *testing.T) {
	w := newTown()
	w.agents["a"] = "b"
	n := approve(10, 99, "", "a", "b", "c")
	n.Sign = vote(approval.Pass{Percent: "60"})
	f := launched(t, w, n)
	f.wantOpen(10, "b", "c")
	f.yes("b", 10)
	f.at(orgflow.FlowApproved)
}

func TestAgentsThatDoNotHelp(t *testing.T) {
	for name, set := range map[string]func(*town, *approval.Definition){
		"has left":     func(w *town, _ *approval.Definition) { w.agents["a"], w.left["x"] = "x", true },
		"each other's": func(w *town, _ *approval.Definition) { w.agents["a"], w.agents["x"] = "x", "a" },
		"not honoured": func(w *town, d *approval.Definition) {
			w.agents["a"], d.Policy.Substitution = "x", approval.SubstitutionIgnore
		},
		"would approve itself": func(w *town, d *approval.Definition) {
			w.agents["a"], d.Policy.InitiatorIsApprover = initiator, approval.InitiatorSkip
		},
	} {
		w, def := newTown(), define(approve(10, 99, "", "a"))
		set(w, def)
		f := launch(t, w, def)
		if got := f.open(10); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestUnderSequenceAgentsAreLookedUpWhenTheTurnComes(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignSequence, "a", "b"))
	f.w.agents["b"] = "x"
	f.yes("a", 10)
	f.wantOpen(10, "x")
}

func TestATaskThatIsHandedToSomebodyAbsentGoesToTheAgent(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, "", "a"))
	f.w.agents["b"] = "x"
	f.says("a", orgflow.VerdictTransfer, 10, to("b"))
	f.wantOpen(10, "x")
	wantEqual(t, "stands in for", f.s.Tasks[1].For, "b")

	f = launched(t, newTown(), approve(10, 99, "", "a"))
	f.w.agents["b"] = "a" // it would come straight back
	f.says("a", orgflow.VerdictTransfer, 10, to("b"))
	f.wantOpen(10, "b")
}

func TestTaskDeptManagersBecomeApproversWhereTheNodeAsksForThem(t *testing.T) {
	w := newTown()
	w.names["Sales"], w.managers["D1"], w.managers["D2"] = "D2", []string{"m1"}, []string{"m2"}
	nodes := []approval.Node{approve(10, 20, "", "a"), asks(20, 99, approval.Approver{By: approval.RuleTaskDeptManagers}, approval.Approver{By: approval.RuleUser, Users: []string{"z"}})}
	f := launched(t, w, nodes...)
	call := approval.DoAudits{Rows: []approval.Decision{f.row("a", orgflow.VerdictApprove, 10)}, TaskDeptManager: []string{" D1", "Sales ", "", "D2"}}
	f.must(call)
	f.wantOpen(20, "m1", "m2", "z")

	f = launched(t, w, nodes...)
	call.TaskDeptManager = []string{"D1", "Nowhere"}
	f.refused(call, approval.DeptNotFound)
	if r := f.refusal; r.Code.Status() != 404 {
		t.Fatalf("status %d", r.Code.Status())
	}
	f.at(orgflow.FlowRunning, 10)
	w.managers["D2"] = nil
	call.TaskDeptManager = []string{"D1", "D2"}
	f.refused(call, approval.DeptManagerMissing)
	f.def.Policy.ApproverMissing = approval.Missing{Do: approval.MissingToUsers, Users: []string{"deputy"}}
	f.must(call)
	f.wantOpen(20, "m1", "deputy", "z")
}

func TestTaskDeptManagersElsewhereGetTasksThatHoldNobodyUp(t *testing.T) {
	w := newTown()
	w.managers["D1"], w.managers["D2"] = []string{"m1"}, []string{"m2"}
	f := launched(t, w, approve(10, 20, "", "a"), approve(20, 30, "", "b"), approve(30, 99, "", "c"))
	call := approval.DoAudits{Rows: []approval.Decision{f.row("a", orgflow.VerdictApprove, 10)}, TaskDeptManager: []string{"D1", "D2"}}
	f.must(call)
	f.wantOpen(20, "b", "m1", "m2")
	f.yes("b", 20)
	f.at(orgflow.FlowRunning, 30)
	f.wantOpen(20, "m1", "m2")
	if o := f.says("m1", orgflow.VerdictReject, 20); o != orgflow.AuditInvalid {
		t.Fatalf("a side task takes a rejection: %s", o)
	}
	f.yes("m1", 20)
	f.at(orgflow.FlowRunning, 30)
	f.yes("c", 30)
	f.at(orgflow.FlowApproved)
	wantEqual(t, "the side task nobody did", f.taskState("m2", 20), orgflow.TaskCancelled)

	w.managers["D2"] = nil
	f = launched(t, w, approve(10, 20, "", "a"), approve(20, 99, "", "b"))
	f.refused(call, approval.DeptManagerMissing)
	f.at(orgflow.FlowRunning, 10)
}

func TestDepartmentsWaitForTheNodeToPass(t *testing.T) {
	w := newTown()
	w.managers["D1"] = []string{"m1"}
	f := launched(t, w, approve(10, 20, approval.SignAll, "a", "b"), asks(20, 99, approval.Approver{By: approval.RuleTaskDeptManagers}))
	f.must(approval.DoAudits{Rows: []approval.Decision{f.row("a", orgflow.VerdictApprove, 10)}, TaskDeptManager: []string{"D1"}})
	f.wantOpen(10, "b")
	f.yes("b", 10)
	f.wantOpen(20, "m1")
}
