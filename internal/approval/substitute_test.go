package approval_test

import (
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

// Somebody goes away with a task open. Whatever the sign mode, and whether the
// agent signs there too or not, the flow never waits for who is away, and
// counts as many voices as before.
func TestAnAbsenceBeginsUnderEverySignMode(t *testing.T) {
	quorum := func(n int) approval.Sign { return vote(approval.Pass{Count: n}) }
	weighted := vote(approval.Pass{Weights: map[string]int{"a": 3, "b": 1, "c": 1}, Threshold: 4})
	for name, c := range map[string]struct {
		sign  approval.Sign
		agent string // of a
		open  []string
		after []struct {
			says string
			end  orgflow.FlowState
		}
	}{
		"any":                  {mode(approval.SignAny), "x", []string{"b", "c", "x"}, says("x+", orgflow.FlowApproved)},
		"any, signs too":       {mode(approval.SignAny), "b", []string{"b", "c"}, says("b+", orgflow.FlowApproved)},
		"all":                  {mode(approval.SignAll), "x", []string{"b", "c", "x"}, says("b+ c+", orgflow.FlowRunning, "x+", orgflow.FlowApproved)},
		"all, signs too":       {mode(approval.SignAll), "b", []string{"b", "c"}, says("c+", orgflow.FlowRunning, "b+", orgflow.FlowApproved)},
		"all, rejects":         {mode(approval.SignAll), "b", []string{"b", "c"}, says("b-", orgflow.FlowReturned)},
		"sequence":             {mode(approval.SignSequence), "x", []string{"x"}, says("x+ b+", orgflow.FlowRunning, "c+", orgflow.FlowApproved)},
		"sequence, signs next": {mode(approval.SignSequence), "b", []string{"b"}, says("b+", orgflow.FlowRunning, "c+", orgflow.FlowApproved)},
		"sequence, signs last": {mode(approval.SignSequence), "c", []string{"c"}, says("c+", orgflow.FlowRunning, "b+", orgflow.FlowApproved)},
		"vote":                 {quorum(2), "x", []string{"b", "c", "x"}, says("x+", orgflow.FlowRunning, "c+", orgflow.FlowApproved)},
		"vote, two voices":     {quorum(2), "b", []string{"b", "c"}, says("b+", orgflow.FlowApproved)},
		"vote, two against":    {quorum(2), "b", []string{"b", "c"}, says("b-", orgflow.FlowReturned)},
		"weights":              {weighted, "x", []string{"b", "c", "x"}, says("b+", orgflow.FlowRunning, "x+", orgflow.FlowApproved)},
		"weights together":     {weighted, "b", []string{"b", "c"}, says("b+", orgflow.FlowApproved)},
	} {
		t.Run(name, func(t *testing.T) {
			n := approve(10, 99, "", "a", "b", "c")
			n.Sign = c.sign
			f := launched(t, newTown(), n)
			f.w.agents["a"] = c.agent
			f.must(approval.AbsenceBegan{User: "a"})
			f.wantOpen(10, c.open...)
			wantEqual(t, "the task of a", f.taskState("a", 10), orgflow.TaskTransferred)
			if f.must(approval.AbsenceBegan{User: "a"}).Changed {
				t.Error("told twice, it counts twice")
			}
			delete(f.w.agents, "a") // the absence ends: what was handed over stays there
			f.must(approval.AbsenceBegan{User: "a"})
			f.wantOpen(10, c.open...)
			for _, a := range c.after {
				f.speak(10, a.says)
				if f.s.Flow != a.end {
					t.Fatalf("after %q it is %s, want %s", a.says, f.s.Flow, a.end)
				}
			}
		})
	}
}

func mode(m approval.SignMode) approval.Sign { return approval.Sign{Mode: m} }

func says(pairs ...any) (out []struct {
	says string
	end  orgflow.FlowState
}) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, struct {
			says string
			end  orgflow.FlowState
		}{pairs[i].(string), pairs[i+1].(orgflow.FlowState)})
	}
	return out
}

// One who was asked for advice, or to sign before, goes away.
func TestAnAbsenceOfWhoWasAsked(t *testing.T) {
	for name, c := range map[string]struct {
		verdict orgflow.Verdict
		agent   string
		then    func(f *flow)
	}{
		"before": {orgflow.VerdictAddSign, "x", func(f *flow) { f.speak(10, "x+ a+ b+") }},
		"before, the agent signs too": {orgflow.VerdictAddSign, "b", func(f *flow) { // once for d, once for b
			f.speak(10, "b+ a+")
			f.at(orgflow.FlowRunning, 10)
			f.yes("b", 10)
		}},
		"before, the agent has asked": {orgflow.VerdictAddSign, "a", func(f *flow) { f.speak(10, "a+ b+") }},
		"advice": {orgflow.VerdictDelegate, "x", func(f *flow) {
			f.says("x", orgflow.VerdictResolve, 10)
			f.speak(10, "a+ b+")
		}},
		"advice, the agent signs too": {orgflow.VerdictDelegate, "b", func(f *flow) {
			f.yes("b", 10) // is about b's own task: advice takes no approval
			f.says("b", orgflow.VerdictResolve, 10)
			f.yes("a", 10)
		}},
		"advice, the agent has asked": {orgflow.VerdictDelegate, "a", func(f *flow) { f.speak(10, "a+ b+") }},
	} {
		t.Run(name, func(t *testing.T) {
			n := approve(10, 99, approval.SignAll, "a", "b")
			n.Allow = []approval.Action{approval.ActionAddSign, approval.ActionDelegate}
			f := launched(t, newTown(), n)
			f.says("a", c.verdict, 10, to("d"))
			f.w.agents["d"] = c.agent
			f.must(approval.AbsenceBegan{User: "d"})
			wantEqual(t, "the task of d", f.taskState("d", 10), orgflow.TaskTransferred)
			c.then(f)
			f.at(orgflow.FlowApproved)
		})
	}
}

// Of those who may claim a task one goes away: the others, agent or not, may
// still claim it, once.
func TestAnAbsenceOfWhoMayClaim(t *testing.T) {
	for agent, open := range map[string][]string{"b": {"b", "c"}, "x": {"b", "c", "x"}} {
		n := approve(10, 99, "", "a", "b", "c")
		n.Approvers[0].Pick = approval.PickClaim
		f := launched(t, newTown(), n)
		f.w.agents["a"] = agent
		f.must(approval.AbsenceBegan{User: "a"})
		f.wantOpen(10, open...)
		f.yes(agent, 10)
		f.at(orgflow.FlowApproved)
	}
}
