package approval_test

import (
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

// What a visit's tasks become, for every sign mode (approval reference B.2 and
// Settled 8). A word says who decides what, in order: "a+ b-".
func TestSignModes(t *testing.T) {
	for _, c := range []struct {
		name   string
		sign   approval.Sign
		says   string
		end    orgflow.FlowState
		states string // of a's, b's and c's task, by first letters
	}{
		{"any: the first approval passes", approval.Sign{Mode: approval.SignAny}, "b+", orgflow.FlowApproved, "DONE_BY_OTHERS APPROVED DONE_BY_OTHERS"},
		{"any: the first rejection rejects", approval.Sign{Mode: approval.SignAny}, "b-", orgflow.FlowReturned, "DONE_BY_OTHERS REJECTED DONE_BY_OTHERS"},
		{"all: everybody", approval.Sign{Mode: approval.SignAll}, "c+ a+ b+", orgflow.FlowApproved, "APPROVED APPROVED APPROVED"},
		{"all: the first rejection rejects", approval.Sign{Mode: approval.SignAll}, "a+ b-", orgflow.FlowReturned, "APPROVED REJECTED CANCELLED"},
		{"all, not early: a rejection waits for everybody", approval.Sign{Mode: approval.SignAll, Early: new(false)}, "a-", orgflow.FlowRunning, "REJECTED ACTIVE ACTIVE"},
		{"all, not early: then rejects", approval.Sign{Mode: approval.SignAll, Early: new(false)}, "a- b+ c+", orgflow.FlowReturned, "REJECTED APPROVED APPROVED"},
		{"sequence: one after the other", approval.Sign{Mode: approval.SignSequence}, "a+", orgflow.FlowRunning, "APPROVED ACTIVE WAITING"},
		{"sequence: to the end", approval.Sign{Mode: approval.SignSequence}, "a+ b+ c+", orgflow.FlowApproved, "APPROVED APPROVED APPROVED"},
		{"sequence: a rejection stops the chain", approval.Sign{Mode: approval.SignSequence}, "a+ b-", orgflow.FlowReturned, "APPROVED REJECTED CANCELLED"},
		{"vote: early as soon as fixed", vote(approval.Pass{Percent: "60"}), "a+ c+", orgflow.FlowApproved, "APPROVED DONE_BY_OTHERS APPROVED"},
		{"vote: early against", vote(approval.Pass{Percent: "60"}), "a- c-", orgflow.FlowReturned, "REJECTED DONE_BY_OTHERS REJECTED"},
		{"vote: weights", vote(approval.Pass{Weights: map[string]int{"a": 3, "b": 1, "c": 1}, Threshold: 3}), "a+", orgflow.FlowApproved, "APPROVED DONE_BY_OTHERS DONE_BY_OTHERS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := approve(10, 99, "", "a", "b", "c")
			n.Sign = c.sign
			f := launched(t, newTown(), n)
			f.speak(10, c.says)
			if f.s.Flow != c.end {
				t.Fatalf("the flow is %s, want %s", f.s.Flow, c.end)
			}
			got := string(f.taskState("a", 10) + " " + f.taskState("b", 10) + " " + f.taskState("c", 10))
			wantEqual(t, "tasks of a, b, c", got, c.states)
		})
	}
}

func vote(p approval.Pass) approval.Sign { return approval.Sign{Mode: approval.SignVote, Pass: &p} }

// speak lets people decide: "a+ b-".
func (f *flow) speak(node int, words string) {
	f.t.Helper()
	for len(words) >= 2 {
		if words[1] == '+' {
			f.yes(words[:1], node)
		} else {
			f.no(words[:1], node)
		}
		words = words[min(3, len(words)):]
	}
}

func TestUnderSequenceOnlyTheNextIsTold(t *testing.T) {
	f := launched(t, newTown(), approve(10, 99, approval.SignSequence, "a", "b", "c"))
	wantEqual(t, "told at launch", f.told(approval.OnTask), []string{"a"})
	if o := f.says("b", orgflow.VerdictApprove, 10); o != orgflow.AuditNotAssignee {
		t.Fatalf("out of turn: %s", o)
	}
	f.yes("a", 10)
	wantEqual(t, "told then", f.told(approval.OnTask), []string{"b"})
}

func TestDecisionsThatDoNotCountAreMarkedAndInert(t *testing.T) {
	f := launched(t, newTown(), approve(10, 20, approval.SignAny, "a", "b"), approve(20, 99, "", "c"))
	f.yes("a", 10)
	for _, c := range []struct {
		what string
		row  approval.Decision
		want orgflow.AuditOutcome
	}{
		{"a stranger", approval.Decision{User: "x", NodeSeq: 20}, orgflow.AuditNotAssignee},
		{"somebody of another node", approval.Decision{User: "b", NodeSeq: 20}, orgflow.AuditNotAssignee},
		{"who was overtaken", approval.Decision{User: "b", NodeSeq: 10}, orgflow.AuditLate},
		{"who has decided", approval.Decision{User: "a", NodeSeq: 10}, orgflow.AuditDuplicate},
		{"another one's task", approval.Decision{User: "c", NodeSeq: 20, Task: 1}, orgflow.AuditNotAssignee},
		{"an earlier round", approval.Decision{User: "c", NodeSeq: 20, Round: -1}, orgflow.AuditLate},
		{"a later round", approval.Decision{User: "c", NodeSeq: 20, Round: 2}, orgflow.AuditInvalid},
		{"no such node", approval.Decision{User: "c", NodeSeq: 21}, orgflow.AuditInvalid},
		{"a verdict that is for advisers", approval.Decision{User: "c", NodeSeq: 20, Verdict: orgflow.VerdictResolve}, orgflow.AuditInvalid},
	} {
		c.row.ID = 100
		if c.row.Verdict == "" {
			c.row.Verdict = orgflow.VerdictApprove
		}
		out := f.must(approval.DoAudits{Rows: []approval.Decision{c.row}})
		if a := out.Effect.Audits[0]; a.Outcome != c.want || out.Answer.Applied != 0 || a.Message == "" {
			t.Errorf("%s: %+v, want %s", c.what, a, c.want)
		}
		if len(out.Effect.Tasks)+len(out.Effect.Visits)+len(out.Effect.Messages) > 0 {
			t.Errorf("%s moved something: %+v", c.what, out.Effect)
		}
	}
	f.at(orgflow.FlowRunning, 20)
}

func TestTheLowestStoredDecisionWinsAnyAndTheOthersLearnBywhom(t *testing.T) {
	f := launched(t, newTown(), approve(10, 20, approval.SignAny, "a", "b"), approve(20, 99, "", "c"))
	first, second := f.row("b", orgflow.VerdictApprove, 10), f.row("a", orgflow.VerdictReject, 10)
	out := f.must(approval.DoAudits{Rows: []approval.Decision{second, first}})
	f.at(orgflow.FlowRunning, 20)
	wantEqual(t, "outcomes", []orgflow.AuditOutcome{out.Effect.Audits[0].Outcome, out.Effect.Audits[1].Outcome}, []orgflow.AuditOutcome{orgflow.AuditApplied, orgflow.AuditLate})
	wantEqual(t, "message", out.Effect.Audits[1].Message, "already handled by b")
}

func TestTwelveSignersAtOnceAllCount(t *testing.T) {
	var users []string
	for c := 'a'; c <= 'l'; c++ {
		users = append(users, string(c))
	}
	f := launched(t, newTown(), approve(10, 99, approval.SignAll, users...))
	var rows []approval.Decision
	for _, u := range users {
		rows = append(rows, f.row(u, orgflow.VerdictApprove, 10))
	}
	wantEqual(t, "applied", f.must(approval.DoAudits{Rows: rows}).Answer.Applied, 12)
	f.at(orgflow.FlowApproved)
}

func TestOpinionsMayBeWanted(t *testing.T) {
	n := approve(10, 99, "", "a")
	n.Opinion = approval.OpinionRequiredOnReject
	f := launched(t, newTown(), n)
	if o := f.says("a", orgflow.VerdictReject, 10); o != orgflow.AuditInvalid {
		t.Fatalf("a rejection without an opinion is %s", o)
	}
	if o := f.says("a", orgflow.VerdictReject, 10, func(d *approval.Decision) { d.HasOpinion = true }); o != orgflow.AuditApplied {
		t.Fatalf("a rejection with an opinion is %s", o)
	}
}

func TestHandleTakesNoRejection(t *testing.T) {
	n := approve(10, 99, "", "a")
	n.Type = approval.NodeHandle
	f := launched(t, newTown(), n)
	if o := f.says("a", orgflow.VerdictReject, 10); o != orgflow.AuditInvalid {
		t.Fatalf("a rejection is %s", o)
	}
	f.yes("a", 10)
	f.at(orgflow.FlowApproved)
}
