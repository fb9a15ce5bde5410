package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// stateOf is a step that takes a flow to a state.
func stateOf(t *testing.T, s *store.Store, k store.FlowKey, state orgflow.FlowState) store.FlowStep {
	t.Helper()
	p := next(t, s, k, "")
	if p.State = state; state != orgflow.FlowRunning && state != orgflow.FlowReturned && state != orgflow.FlowFaulted {
		p.ClosedAt = november
	}
	return p
}

func outcomes(t *testing.T, s *store.Store, k store.FlowKey) (out []orgflow.AuditOutcome) {
	t.Helper()
	list, err := s.Audits(context.Background(), k)
	must(t, err)
	for _, d := range list {
		out = append(out, d.Outcome)
	}
	return out
}

// Decisions on a flow whose tasks are all closed are settled as late; those of
// a flow that goes on, or waits for its repair, and those of a round to come
// are left alone.
func TestDecisionsThatCannotCountAnyMoreAreSettled(t *testing.T) {
	for state, late := range map[orgflow.FlowState]bool{
		orgflow.FlowReturned: true, orgflow.FlowApproved: true, orgflow.FlowRejected: true, orgflow.FlowDiscarded: true,
		orgflow.FlowRunning: false, orgflow.FlowFaulted: false,
	} {
		for _, sweep := range []bool{false, true} {
			t.Run(fmt.Sprint(state, sweep), func(t *testing.T) {
				forEachDB(t, func(t *testing.T, s *store.Store) {
					ctx := context.Background()
					s.SetDatabaseClock(november)
					k := flowNo(t, s, "F1")
					commit(t, s, stateOf(t, s, k, state))
					for _, round := range []int{1, 2} {
						d := approve(k)
						d.Round = round
						_, err := s.PutDecision(ctx, d)
						must(t, err)
					}
					_, err := s.DB().Exec(`UPDATE flow_audit SET company_id = 0`) // as a board may store it
					must(t, err)
					want := []orgflow.AuditOutcome{"", ""}
					if late {
						want[0] = orgflow.AuditLate
					}
					if late && state != orgflow.FlowReturned {
						want[1] = orgflow.AuditLate
					}
					settle := func() (int, error) { return s.MarkLate(ctx, k) }
					if sweep {
						settle = func() (int, error) { return s.SettleLate(ctx, time.Minute, 10) }
						if n, err := settle(); n != 0 || err != nil {
							t.Errorf("settled at once: %d %v", n, err)
						}
					}
					s.SetDatabaseClock(november.Add(2 * time.Minute))
					_, err = settle()
					must(t, err)
					if d := cmp.Diff(want, outcomes(t, s, k)); d != "" {
						t.Error(d)
					}
					if n, err := settle(); n != 0 || err != nil {
						t.Errorf("settled again: %d %v", n, err)
					}
				})
			})
		}
	}
}

// What a call asks for stands with the decision until it is dealt with.
func TestWhatACallAsksForStandsWithTheDecision(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := flowNo(t, s, "F1")
		commit(t, s, stateOf(t, s, k, orgflow.FlowRunning))
		d, err := s.PutDecision(ctx, approve(k))
		if must(t, err); d.Asked != nil {
			t.Errorf("nothing was asked: %+v", d.Asked)
		}
		for _, a := range []store.Asked{{NextNodeSeq: new(0)}, {NextNodeSeq: new(20), Depts: []string{"D1", "研发部"}}, {Depts: []string{"D2"}}} {
			for range 2 {
				if ok, err := s.AskBeside(ctx, k, d.ID, a); !ok || err != nil {
					t.Fatalf("%v %v", ok, err)
				}
			}
			got, err := s.PendingAudits(ctx, k)
			if must(t, err); len(got) != 1 || !cmp.Equal(got[0].Asked.Depts, append([]string{}, a.Depts...)) || !cmp.Equal(got[0].Asked.NextNodeSeq, a.NextNodeSeq) || got[0].Defect != "" {
				t.Errorf("%+v, want %+v", got, a)
			}
		}
		commit(t, s, next(t, s, k, orgflow.AuditApplied, d.ID))
		if ok, err := s.AskBeside(ctx, k, d.ID, store.Asked{NextNodeSeq: new(1)}); ok || err != nil {
			t.Errorf("after it was dealt with: %v %v", ok, err)
		}
		other := flowNo(t, s, "F2")
		d, err = s.PutDecision(ctx, approve(other))
		must(t, err)
		if ok, err := s.AskBeside(ctx, k, d.ID, store.Asked{NextNodeSeq: new(1)}); ok || err != nil {
			t.Errorf("of another flow: %v %v", ok, err)
		}
	})
}

// Flows whose deadline, call or child nobody has seen to for too long are
// found, in pages, and no others.
func TestFlowsThatNobodyWakesAreFound(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		s.SetDatabaseClock(november)
		wakes := func(no string, at time.Time, state orgflow.FlowState) store.FlowKey {
			k := flowNo(t, s, no)
			p := stateOf(t, s, k, state)
			p.NextWake = at
			commit(t, s, p)
			return k
		}
		at := func(no, typ string) store.FlowKey {
			k := flowNo(t, s, no)
			p := stateOf(t, s, k, orgflow.FlowRunning)
			p.Visits = []store.FlowVisit{{ID: 7, Round: 1, NodeSeq: 10, Type: typ, State: orgflow.VisitActive, EnteredAt: november}}
			commit(t, s, p)
			return k
		}
		due := wakes("due", november.Add(-time.Minute), orgflow.FlowRunning)
		wakes("later", november.Add(time.Hour), orgflow.FlowRunning)
		wakes("just", november.Add(-time.Second), orgflow.FlowRunning)
		wakes("rests", time.Time{}, orgflow.FlowRunning)
		trigger, parent := at("calls", "trigger"), at("parent", "subflow")
		at("parent of one that runs", "subflow")
		at("asks", "approve")
		wakes("parent.7", time.Time{}, orgflow.FlowApproved)
		wakes("parent of one that runs.7", time.Time{}, orgflow.FlowRunning)
		found := func(behind store.FlowKey, limit int) (keys []store.FlowKey) {
			t.Helper()
			o := store.Overdue{Deadline: 30 * time.Second, Child: time.Minute, Trigger: 10 * time.Minute}
			list, err := s.OverdueFlows(context.Background(), o, behind, limit)
			must(t, err)
			for _, f := range list {
				keys = append(keys, f.FlowKey)
			}
			return keys
		}
		for _, c := range []struct {
			after  time.Duration
			behind store.FlowKey
			limit  int
			want   []store.FlowKey
		}{
			{0, store.FlowKey{}, 10, []store.FlowKey{due}},
			{time.Minute + time.Second, store.FlowKey{}, 1, []store.FlowKey{due}},
			{11 * time.Minute, due, 10, []store.FlowKey{{CompanyID: company, No: "just"}, parent}},
			{11 * time.Minute, store.FlowKey{CompanyID: company, No: "a"}, 1, []store.FlowKey{trigger}},
		} {
			s.SetDatabaseClock(november.Add(c.after))
			if d := cmp.Diff(c.want, found(c.behind, c.limit)); d != "" {
				t.Errorf("after %s: %s", c.after, d)
			}
		}
	})
}

// The sweep reads short indexes, not all flows there ever were.
func TestFlowsThatNobodyWakesAreFoundByIndex(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		plan := s.ExplainOverdue(t)
		for _, index := range []string{"flow_instance_wake", "flow_node_visit_errand"} {
			if !strings.Contains(plan, index) {
				t.Errorf("%s is not used:\n%s", index, plan)
			}
		}
		for _, all := range []string{"SCAN flow_instance", "SCAN flow_node_visit", "Seq Scan"} {
			if strings.Contains(plan, all) {
				t.Errorf("%s:\n%s", all, plan)
			}
		}
	})
}

// A flow keeps the workflow id it was launched with, however many companies
// there are later, and no two flows share one.
func TestWorkflowIdsAreGivenOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		id := func(company int64, no string, several bool) string {
			n := newFlow("row of " + no)
			n.CompanyID, n.No, n.Qualify = company, no, several
			f := launch(t, s, n)
			loaded, err := s.LoadFlow(context.Background(), f.FlowKey)
			must(t, err)
			if again, outcome, err := s.LaunchFlow(context.Background(), n); err != nil || outcome != store.LaunchExisting || again.WorkflowID != f.WorkflowID {
				t.Errorf("launched again: %+v %s %v", again, outcome, err)
			}
			if loaded.WorkflowID != f.WorkflowID {
				t.Errorf("%q is loaded as %q", f.WorkflowID, loaded.WorkflowID)
			}
			return f.WorkflowID
		}
		var got []string
		got = append(got, id(129, "a_0001", false)) // the only company
		got = append(got, id(200, "a_0001", true), id(129, "a_0002", true))
		got = append(got, id(200, "a_0002", false)) // alone again; nobody else runs as a_0002
		got = append(got, id(300, "a_0001", false)) // alone, but another company's flow may run still
		got = append(got, id(129, "300-a_0001", false))
		want := []string{"a_0001", "200-a_0001", "129-a_0002", "a_0002", "300-a_0001", "129-300-a_0001"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		n := newFlow("child")
		n.No, n.WorkflowID, n.Qualify = "a_0001.4", "a_0001.4", true
		if f := launch(t, s, n); f.WorkflowID != "a_0001.4" {
			t.Errorf("a child runs as %q, not as its parent does", f.WorkflowID)
		}
	})
}

// Urges are counted in the flow's state; the projection shows the newest, also
// when the state has forgotten it.
func TestUrgesAreShown(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		k := flowNo(t, s, "F1")
		p := step(k)
		commit(t, s, p)
		p.Rev, p.Key, p.Events, p.Messages = 2, "urge", nil, nil
		p.Tasks = p.Tasks[:1]
		p.Tasks[0].LastUrgedAt, p.Tasks[0].Urges = noon, 1
		commit(t, s, p)
		p.Rev, p.Key = 3, "later"
		p.Tasks[0].LastUrgedAt = time.Time{}
		commit(t, s, p)
		f, err := s.GetFlow(context.Background(), k)
		if must(t, err); !f.Tasks[0].LastUrgedAt.Equal(noon) || f.Tasks[0].Urges != 1 {
			t.Errorf("%+v", f.Tasks[0])
		}
	})
}
