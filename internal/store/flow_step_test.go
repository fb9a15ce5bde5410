package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestAStepIsWrittenWhole(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := flowNo(t, s, "F1")
		d, err := s.PutDecision(ctx, store.NewDecision{FlowKey: k, NodeSeq: 10, UserCode: "E5", Verdict: orgflow.VerdictApprove})
		must(t, err)
		p := step(k)
		p.Audits = []store.AuditMark{{ID: d.ID, Outcome: orgflow.AuditApplied, Task: new(int64(1))}}
		if r := commit(t, s, p); r.Repeated || string(r.Answer) != `{"ok":1}` {
			t.Errorf("first commit: %+v", r)
		}
		loaded, err := s.LoadFlow(ctx, k)
		if err != nil || string(loaded.StateDoc) != `{"rev":1}` || loaded.Rev != 1 || loaded.State != orgflow.FlowRunning || loaded.StepKey != "launch" || loaded.NextWake == nil {
			t.Errorf("loaded %+v, %v", loaded, err)
		}
		got, err := s.GetFlow(ctx, k)
		must(t, err)
		for i := range p.Visits {
			if d := cmp.Diff(p.Visits[i], got.Visits[i]); d != "" {
				t.Errorf("visit: %s", d)
			}
		}
		if d := cmp.Diff(p.Tasks, got.Tasks); d != "" {
			t.Errorf("tasks: %s", d)
		}
		if d := cmp.Diff([]int{10}, got.CurrentNodes); d != "" {
			t.Errorf("current nodes: %s", d)
		}
		events, next, err := s.FlowEvents(ctx, k, "", 10)
		p.Events[0].Rev, p.Events[0].N, p.Events[1].Rev, p.Events[1].N = 1, 1, 1, 2
		if d := cmp.Diff(p.Events, events); d != "" || err != nil || next != "" {
			t.Errorf("timeline, next %q, %v: %s", next, err, d)
		}
		audits, err := s.Audits(ctx, k)
		if err != nil || len(audits) != 1 || audits[0].Outcome != orgflow.AuditApplied || audits[0].Rev != 1 || *audits[0].Task != 1 || audits[0].AppliedAt == nil {
			t.Errorf("decisions %+v, %v", audits, err)
		}
		messages, _, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company, No: k.No})
		if err != nil || len(messages) != 1 || messages[0].Body != p.Messages[0].Body {
			t.Errorf("messages %+v, %v", messages, err)
		}
	})
}

// The second step changes what the first one stored and leaves the rest.
func TestStepsFollowEachOther(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := flowNo(t, s, "F1")
		first := step(k)
		commit(t, s, first)
		second := store.FlowStep{
			FlowKey: k, Rev: 2, Key: "audit:1", State: orgflow.FlowReturned, Round: 2, Version: 4, Title: "neu", StateDoc: []byte(`2`), Answer: []byte(`b`),
			Visits: []store.FlowVisit{first.Visits[1], {ID: 3, Round: 2, NodeSeq: 20, State: orgflow.VisitActive, EnteredAt: noon}},
			Tasks:  []store.FlowTask{first.Tasks[0]},
		}
		second.Visits[0].State, second.Visits[0].LeftAt = orgflow.VisitRejected, noon
		second.Tasks[0].State, second.Tasks[0].Cause = orgflow.TaskRejected, "verdict"
		commit(t, s, second)
		got, err := s.GetFlow(ctx, k)
		must(t, err)
		if len(got.Visits) != 3 || got.Visits[1].State != orgflow.VisitRejected || got.CurrentNodes[0] != 20 {
			t.Errorf("visits %+v", got.Visits)
		}
		if len(got.Tasks) != 2 || got.Tasks[0].State != orgflow.TaskRejected || got.Tasks[0].Cause != "verdict" || got.Tasks[1].State != orgflow.TaskWaiting {
			t.Errorf("tasks %+v", got.Tasks)
		}
		if got.Version != 4 || got.Title != "neu" || got.Round != 2 || got.NextWake != nil {
			t.Errorf("flow %+v", got.Flow)
		}
	})
}

// An attempt whose answer was lost is repeated: it changes nothing and is
// answered as the first, however many attempts there are at one moment.
func TestAStepIsCommittedOnce(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			stores := twoStores(t, url(t))
			for r := range repetitions {
				k := flowNo(t, stores[0], fmt.Sprint("F", r))
				var fresh atomic.Int32
				race(6, func(i int) {
					res, err := stores[i%2].CommitStep(context.Background(), step(k))
					if err != nil || string(res.Answer) != `{"ok":1}` {
						t.Errorf("attempt: %+v, %v", res, err)
					}
					if !res.Repeated {
						fresh.Add(1)
					}
				})
				if fresh.Load() != 1 {
					t.Fatalf("%d attempts wrote", fresh.Load())
				}
			}
			before := dump(t, stores[0])
			again := step(store.FlowKey{CompanyID: company, No: "F0"})
			again.Answer = []byte("another")
			if r := commit(t, stores[1], again); !r.Repeated || string(r.Answer) != `{"ok":1}` {
				t.Errorf("a late attempt: %+v", r)
			}
			if d := cmp.Diff(before, dump(t, stores[0])); d != "" {
				t.Errorf("a late attempt wrote: %s", d)
			}
		})
	}
}

func TestForeignStepsAreRefused(t *testing.T) {
	cases := []struct {
		name string
		step func(p *store.FlowStep)
		want error
	}{
		{"a step ahead", func(p *store.FlowStep) { p.Rev = 4 }, store.ErrForeignRev},
		{"a step behind", func(p *store.FlowStep) { p.Rev = 1 }, store.ErrForeignRev},
		{"another step of the same revision", func(p *store.FlowStep) { p.Rev, p.Key = 2, "discard:1" }, store.ErrForeignRev},
		{"another flow", func(p *store.FlowStep) { p.Rev, p.No = 3, "F2" }, store.ErrNotFound},
		{"the flow of another company", func(p *store.FlowStep) { p.Rev, p.CompanyID = 3, 7 }, store.ErrNotFound},
	}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		k := flowNo(t, s, "F1")
		commit(t, s, step(k))
		second := store.FlowStep{FlowKey: k, Rev: 2, Key: "audit:1", State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`2`)}
		commit(t, s, second)
		before := dump(t, s)
		for _, c := range cases {
			p := step(k)
			p.Messages[0].DedupKey, p.Key = "foreign", "foreign"
			c.step(&p)
			_, err := s.CommitStep(context.Background(), p)
			wantErr(t, c.name, err, c.want)
		}
		if d := cmp.Diff(before, dump(t, s)); d != "" {
			t.Errorf("refused steps wrote: %s", d)
		}
	})
}

// Whatever part of a step fails, nothing of it is stored.
func TestAStepIsAllOrNothing(t *testing.T) {
	cases := map[string]func(p *store.FlowStep, audit int64){
		"flow":            func(p *store.FlowStep, _ int64) { p.State = "ODD" },
		"visit":           func(p *store.FlowStep, _ int64) { p.Visits[1].State = "ODD" },
		"task":            func(p *store.FlowStep, _ int64) { p.Tasks[1].State = "ODD" },
		"event":           func(p *store.FlowStep, _ int64) { p.Events[1].Actor = "\x00" },
		"message":         func(p *store.FlowStep, _ int64) { p.Messages[0].Body = "" },
		"decision":        func(p *store.FlowStep, id int64) { p.Audits = []store.AuditMark{{ID: id, Outcome: "odd"}} },
		"a visit twice":   func(p *store.FlowStep, _ int64) { p.Visits[1].ID = 1 },
		"a task twice":    func(p *store.FlowStep, _ int64) { p.Tasks[1].ID = 1 },
		"no state at all": func(p *store.FlowStep, _ int64) { p.StateDoc = nil },
	}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		k := flowNo(t, s, "F1")
		d, err := s.PutDecision(context.Background(), store.NewDecision{FlowKey: k, NodeSeq: 10, UserCode: "E5", Verdict: orgflow.VerdictApprove})
		must(t, err)
		before := dump(t, s)
		for name, spoil := range cases {
			p := step(k)
			spoil(&p, d.ID)
			if r, err := s.CommitStep(context.Background(), p); err == nil {
				t.Errorf("%s: %+v, want an error", name, r)
			}
			if diff := cmp.Diff(before, dump(t, s)); diff != "" {
				t.Errorf("%s: stored %s", name, diff)
			}
		}
		commit(t, s, step(k))
	})
}

func TestATaskHasOneEffectiveVerdict(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := flowNo(t, s, "F1")
		var ids []int64
		for range 3 {
			d, err := s.PutDecision(ctx, store.NewDecision{FlowKey: k, NodeSeq: 10, UserCode: "E5", Verdict: orgflow.VerdictApprove})
			must(t, err)
			ids = append(ids, d.ID)
		}
		p := step(k)
		p.Audits = []store.AuditMark{{ids[0], orgflow.AuditApplied, new(int64(1))}, {ids[1], orgflow.AuditDuplicate, new(int64(1))}}
		commit(t, s, p)
		p = store.FlowStep{FlowKey: k, Rev: 2, State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`2`), Audits: []store.AuditMark{{ids[2], orgflow.AuditApplied, new(int64(1))}}}
		_, err := s.CommitStep(ctx, p)
		wantErr(t, "a second verdict on the task", err, store.ErrSecondVerdict)
		p.Audits[0].Task = new(int64(2))
		commit(t, s, p)
	})
}

// The columns take every word of the vocabulary.
func TestAllStatesCanBeStored(t *testing.T) {
	flows := []orgflow.FlowState{orgflow.FlowStarting, orgflow.FlowRunning, orgflow.FlowReturned, orgflow.FlowApproved, orgflow.FlowRejected, orgflow.FlowDiscarded, orgflow.FlowFaulted}
	visits := []orgflow.VisitState{orgflow.VisitPending, orgflow.VisitActive, orgflow.VisitPassed, orgflow.VisitRejected, orgflow.VisitReturned, orgflow.VisitSkipped, orgflow.VisitTimedOut, orgflow.VisitCancelled}
	tasks := []orgflow.TaskState{orgflow.TaskWaiting, orgflow.TaskActive, orgflow.TaskApproved, orgflow.TaskRejected, orgflow.TaskReturned, orgflow.TaskTransferred, orgflow.TaskDelegated, orgflow.TaskDoneByOthers, orgflow.TaskTimedOut, orgflow.TaskCancelled}
	verdicts := []orgflow.Verdict{orgflow.VerdictApprove, orgflow.VerdictReject, orgflow.VerdictReturn, orgflow.VerdictTransfer, orgflow.VerdictDelegate, orgflow.VerdictResolve, orgflow.VerdictAddSign, orgflow.VerdictRemoveSign}
	outcomes := []orgflow.AuditOutcome{orgflow.AuditApplied, orgflow.AuditLate, orgflow.AuditNotAssignee, orgflow.AuditDuplicate, orgflow.AuditInvalid}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		k := flowNo(t, s, "F1")
		p := store.FlowStep{FlowKey: k, Round: 1, StateDoc: []byte(`{}`)}
		for i, state := range visits {
			p.Visits = append(p.Visits, store.FlowVisit{ID: int64(i), State: state})
		}
		for i, state := range tasks {
			p.Tasks = append(p.Tasks, store.FlowTask{ID: int64(i), State: state})
		}
		for i, v := range verdicts {
			d, err := s.PutDecision(context.Background(), store.NewDecision{FlowKey: k, UserCode: "E5", Verdict: v})
			must(t, err)
			p.Audits = append(p.Audits, store.AuditMark{ID: d.ID, Outcome: outcomes[i%len(outcomes)]})
		}
		for i, state := range flows {
			p.Rev, p.State = int64(i+1), state
			commit(t, s, p)
		}
	})
}
