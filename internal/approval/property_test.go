package approval_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/approval"
)

// Whatever happens in whatever order, no step panics, the state is one that
// Check knows, survives storing, and what the outside was told agrees with it.
func TestAnyCommandsKeepEveryInvariant(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWalk(rt)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			w.any()
		}
	})
}

// Whatever has happened, a flow that was not ended can still be brought to its
// end: no join, timer or fault holds it for ever.
func TestEveryFlowCanStillEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWalk(rt)
		for range rapid.IntRange(0, 12).Draw(rt, "steps") {
			w.any()
		}
		mend(w.w, w.def)
		w.def.Policy.ApproverMissing, w.def.Policy.InitiatorIsApprover = approval.Missing{Do: approval.MissingToAdmin}, approval.InitiatorSelf
		for i := range w.def.Nodes {
			w.def.Nodes[i].ApproverMissing = nil
		}
		for range 400 {
			if w.s.Flow == orgflow.FlowApproved || w.s.Flow == orgflow.FlowRejected {
				return
			}
			w.w.now = w.w.now.Add(time.Second)
			w.goOn()
		}
		rt.Fatalf("the flow does not end: %s", bytesOf(rt, w.s))
	})
}

// goOn does what lets the flow go on.
func (w *walk) goOn() {
	switch w.s.Flow {
	case orgflow.FlowReturned, orgflow.FlowDiscarded:
		w.mustStep(approval.DoRelaunch{})
	case orgflow.FlowFaulted:
		w.mustStep(approval.DoRepair{By: "admin", Action: approval.RepairRetry})
	default:
		if tasks := w.openTasks(); len(tasks) > 0 {
			d := w.row(tasks[0].User, orgflow.VerdictApprove, tasks[0].Node)
			if d.Task = tasks[0].ID; tasks[0].Kind == approval.TaskDelegate {
				d.Verdict = orgflow.VerdictResolve
			}
			w.mustStep(approval.DoAudits{Rows: []approval.Decision{d}})
			return
		}
		for _, v := range w.s.Visits {
			if v.State != orgflow.VisitActive {
				continue
			}
			switch v.Type {
			case approval.NodeSubflow:
				w.mustStep(approval.ChildDone{Visit: v.ID, State: orgflow.FlowApproved})
			case approval.NodeTrigger:
				w.mustStep(approval.TriggerDone{Visit: v.ID, OK: true})
			default:
				w.w.now = w.s.NextWake()
				w.mustStep(approval.Wake{})
			}
			return
		}
		w.t.Fatalf("nothing moves the flow: %s", bytesOf(w.t, w.s))
	}
}

func (w *walk) mustStep(cmd approval.Command) {
	if !w.step(cmd) {
		w.t.Fatalf("%#v: %v", cmd, w.refusal)
	}
}

// However many calls the same stored decisions are worked on in, the flow ends
// up the same, and so does every decision.
func TestDecisionsGiveTheSameHoweverTheCallsFall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWalk(rt)
		for range rapid.IntRange(0, 8).Draw(rt, "steps") {
			w.any()
		}
		rows := w.rows(2, 10)
		at := *w.flow
		whole, marks := inOneCall(rt, at, rows)
		for len(rows) > 0 {
			n := rapid.IntRange(1, len(rows)).Draw(rt, "call")
			for id, o := range audit(rt, &at, rows[:n]) {
				if marks[id] != o {
					rt.Fatalf("decision %d is %s in one call and %s in several", id, marks[id], o)
				}
				delete(marks, id)
			}
			rows = rows[n:]
		}
		if len(marks) > 0 {
			rt.Fatalf("decisions %v count in one call only", marks)
		}
		if a, b := bytesOf(rt, timeless(whole)), bytesOf(rt, timeless(at.s)); a != b {
			rt.Fatalf("one call:\n%s\nseveral:\n%s", a, b)
		}
	})
}

// Calls that were lost, and what they asked for, give in one step what they
// would have given one by one.
func TestLostCallsGiveWhatTheyWouldHaveGiven(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWalk(rt)
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			w.any()
		}
		rows, whole, one := w.rows(1, 8), *w.flow, *w.flow
		var last *int
		for i := range rows {
			if !rapid.Bool().Draw(rt, "asked") {
				continue
			}
			node := rapid.SampledFrom(w.def.Nodes).Draw(rt, "to").Seq
			rows[i].Asked = &approval.Asked{NextNodeSeq: &node}
			if i == len(rows)-1 {
				last, rows[i].Asked = &node, nil
			}
		}
		if err := whole.try(approval.DoAudits{Rows: rows, NextNodeSeq: last}); err != nil {
			return // refused as a whole, or too late for all
		}
		for first, i := 0, 0; i < len(rows); i++ {
			call := approval.DoAudits{Rows: slices.Clone(rows[first : i+1])}
			switch {
			case rows[i].Asked != nil:
				call.NextNodeSeq, call.Rows[i-first].Asked = rows[i].Asked.NextNodeSeq, nil
			case i == len(rows)-1:
				call.NextNodeSeq = last
			default:
				continue
			}
			first = i + 1
			var refusal *approval.Refusal
			if err := one.try(call); err != nil && !(errors.As(err, &refusal) && one.s.Flow != orgflow.FlowRunning) {
				rt.Fatal(err)
			}
		}
		if a, b := bytesOf(rt, timeless(whole.s)), bytesOf(rt, timeless(one.s)); a != b {
			rt.Fatalf("in one step:\n%s\none by one:\n%s", a, b)
		}
	})
}

func inOneCall(rt *rapid.T, f flow, rows []approval.Decision) (*approval.State, map[int64]orgflow.AuditOutcome) {
	marks := audit(rt, &f, rows)
	return f.s, marks
}

// audit works on decisions and returns how they are marked.
func audit(rt *rapid.T, f *flow, rows []approval.Decision) map[int64]orgflow.AuditOutcome {
	marks := map[int64]orgflow.AuditOutcome{}
	var results []approval.AuditResult
	if err := f.try(approval.DoAudits{Rows: rows}); err != nil {
		var r *approval.Refusal
		if !errors.As(err, &r) {
			rt.Fatal(err)
		}
		results = r.Audits
	} else {
		results = f.last.Effect.Audits
	}
	for _, a := range results {
		marks[a.ID] = a.Outcome
	}
	return marks
}

// timeless leaves out of a state how many steps it took, and which late
// decision was the last to be looked at.
func timeless(s *approval.State) *approval.State {
	out := *s
	out.Rev, out.Decided.Rev, out.LastAudit = 1, 0, 0
	return &out
}

// The order in which rows are handed over does not matter, only that of their
// ids.
func TestDecisionsCountInTheOrderTheyWereStored(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWalk(rt)
		rows := w.rows(2, 6)
		a, b := *w.flow, *w.flow
		audit(rt, &a, rows)
		audit(rt, &b, rapid.Permutation(rows).Draw(rt, "order"))
		if bytesOf(rt, a.s) != bytesOf(rt, b.s) {
			rt.Fatalf("in order:\n%s\nout of order:\n%s", bytesOf(rt, a.s), bytesOf(rt, b.s))
		}
	})
}

func TestPredictionChangesNothingAndEnds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWalk(rt)
		for range rapid.IntRange(0, 8).Draw(rt, "steps") {
			w.any()
		}
		before := bytesOf(rt, w.s)
		list, err := approval.Predict(w.def, w.s, initiator, w.w)
		if err != nil {
			rt.Fatal(err)
		}
		if bytesOf(rt, w.s) != before {
			rt.Fatal("the prediction changed the state")
		}
		if len(list) > 2*len(w.def.Nodes) {
			rt.Fatalf("the prediction walks in circles: %+v", list)
		}
	})
}
