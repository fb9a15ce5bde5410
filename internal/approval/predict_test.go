package approval_test

import (
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

// foretold writes a prediction as text: node, people, * for the next ones.
func foretold(t *testing.T, f *flow) []string {
	t.Helper()
	list, err := approval.Predict(f.def, f.s, initiator, f.w)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range list {
		line := ""
		if p.Next {
			line = "*"
		}
		for _, u := range p.Users {
			line += u
		}
		out = append(out, line+string(p.Skip)+string(p.Fault))
	}
	return out
}

func TestPrediction(t *testing.T) {
	nodes := forked(approval.ForkParallel)
	f := &flow{t: t, def: define(nodes...), w: newTown()}
	wantEqual(t, "before the launch", foretold(t, f), []string{"*a", "b", "c", "d", "e"})
	f.must(approval.DoLaunch{Number: "F1", Initiator: initiator})
	wantEqual(t, "at the first node", foretold(t, f), []string{"*b", "*c", "d", "e"})
	f.yes("a", 10)
	wantEqual(t, "in the branches", foretold(t, f), []string{"*d", "e"})
	f.w.left["e"] = true
	f.yes("b", 30)
	wantEqual(t, "with somebody missing", foretold(t, f), []string{"*d", "APPROVER_MISSING"})
	f.must(approval.DoDiscard{System: true})
	wantEqual(t, "after the end", foretold(t, f), []string(nil))
}

func TestPredictionSeesTheRouteThatWillBeTaken(t *testing.T) {
	w := newTown()
	f := &flow{t: t, def: define(forked(approval.ForkExclusive)...), w: w}
	w.holds["c"] = true
	wantEqual(t, "short way", foretold(t, f), []string{"*a", "b", "e"})
	w.holds["c"] = false
	wantEqual(t, "long way", foretold(t, f), []string{"*a", "c", "d", "e"})
	delete(w.holds, "c")
	wantEqual(t, "no answer", foretold(t, f), []string{"*a", "CONDITION_FAILED"})
	f.def.Policy.InitiatorIsApprover = approval.InitiatorSkip
	f.def.Nodes[1].Approvers[0].Users = []string{initiator}
	w.holds["c"] = true
	wantEqual(t, "skipped", foretold(t, f), []string{"*initiator", "*b", "e"})
}

func TestPredictionIsWhatHappens(t *testing.T) {
	f := launched(t, newTown(), forked(approval.ForkParallel)...)
	list, err := approval.Predict(f.def, f.s, initiator, f.w)
	if err != nil {
		t.Fatal(err)
	}
	f.yes("a", 10)
	for _, p := range list {
		if p.Next {
			f.wantOpen(p.Node, p.Users...)
		}
	}
	f.at(orgflow.FlowRunning, 30, 40)
}
