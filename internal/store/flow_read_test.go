package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// flowAt launches a flow at an instant of the database's clock.
func flowAt(t *testing.T, s *store.Store, no string, at time.Time, change func(*store.NewFlow)) store.FlowKey {
	t.Helper()
	s.SetDatabaseClock(at)
	n := newFlow("row of " + no)
	n.No = no
	if change != nil {
		change(&n)
	}
	return launch(t, s, n).FlowKey
}

func TestFlowsAreListedByWhatIsAsked(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		hour := func(n int) time.Time { return november.Add(time.Duration(n) * time.Hour) }
		one := flowAt(t, s, "1", hour(1), nil)
		flowAt(t, s, "2", hour(2), func(n *store.NewFlow) { n.Code = "other" })
		flowAt(t, s, "3.x", hour(2), func(n *store.NewFlow) { n.Initiator.Code = "E2" }) // at the same instant
		flowAt(t, s, "4", hour(3), func(n *store.NewFlow) { n.CompanyID = 7 })
		commit(t, s, step(one))
		cases := []struct {
			name   string
			filter store.FlowFilter
			want   []string
		}{
			{"all", store.FlowFilter{}, []string{"4", "3.x", "2", "1"}},
			{"one by one", store.FlowFilter{Limit: 1}, []string{"4", "3.x", "2", "1"}},
			{"company", store.FlowFilter{CompanyID: 7}, []string{"4"}},
			{"code", store.FlowFilter{CompanyID: company, Code: "ztbxx01"}, []string{"3.x", "1"}},
			{"states", store.FlowFilter{States: []orgflow.FlowState{orgflow.FlowRunning, orgflow.FlowApproved}}, []string{"1"}},
			{"initiator", store.FlowFilter{Initiator: "E2"}, []string{"3.x"}},
			{"somebody with an open task", store.FlowFilter{Assignee: "E5"}, []string{"1"}},
			{"somebody who waits", store.FlowFilter{Assignee: "E6"}, nil},
			{"form row", store.FlowFilter{DataID: "row of 2"}, []string{"2"}},
			{"span", store.FlowFilter{From: hour(2), To: hour(3)}, []string{"3.x", "2"}},
			{"no text a flow can have", store.FlowFilter{Code: "\x00"}, nil},
		}
		for _, c := range cases {
			var got []string
			for f := c.filter; ; {
				flows, next, err := s.ListFlows(context.Background(), f)
				must(t, err)
				for _, flow := range flows {
					got = append(got, flow.No)
					if (flow.No == "1") != (len(flow.CurrentNodes) == 1) {
						t.Errorf("flow %s is at %v", flow.No, flow.CurrentNodes)
					}
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s: %s", c.name, d)
			}
		}
		var exported []string
		for f, err := range s.ExportFlows(context.Background(), store.FlowFilter{CompanyID: company}) {
			must(t, err)
			exported = append(exported, fmt.Sprintf("%s %d %d", f.No, len(f.Visits), len(f.Tasks)))
		}
		if d := cmp.Diff([]string{"3.x 0 0", "2 0 0", "1 2 2"}, exported); d != "" {
			t.Errorf("exported: %s", d)
		}
		for _, cursor := range []string{"x", "1.2", "1.x.3", "1.2.\x00"} {
			_, _, err := s.ListFlows(context.Background(), store.FlowFilter{Cursor: cursor})
			wantErr(t, "cursor "+cursor, err, store.ErrBadCursor)
		}
	})
}

func TestTheTimelineHasPages(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := flowNo(t, s, "F1")
		commit(t, s, step(k))
		p := next(t, s, k, "")
		for i := range 3 {
			p.Events = append(p.Events, store.FlowEvent{Type: fmt.Sprint("e", i), Round: 1, At: noon})
		}
		commit(t, s, p)
		var got []string
		for cursor := ""; ; {
			events, next, err := s.FlowEvents(ctx, k, cursor, 2)
			must(t, err)
			for _, e := range events {
				got = append(got, fmt.Sprintf("%d.%d %s", e.Rev, e.N, e.Type))
			}
			if cursor = next; next == "" {
				break
			}
		}
		if d := cmp.Diff([]string{"1.1 launched", "1.2 opened", "2.1 e0", "2.2 e1", "2.3 e2"}, got); d != "" {
			t.Error(d)
		}
		_, _, err := s.FlowEvents(ctx, k, "1", 2)
		wantErr(t, "a cursor of another list", err, store.ErrBadCursor)
		if events, _, err := s.FlowEvents(ctx, store.FlowKey{CompanyID: 7, No: "F1"}, "", 2); len(events) > 0 || err != nil {
			t.Errorf("another company's timeline: %v, %v", events, err)
		}
		_, err = s.GetFlow(ctx, store.FlowKey{CompanyID: 7, No: "F1"})
		wantErr(t, "another company's flow", err, store.ErrNotFound)
		_, err = s.LoadFlow(ctx, store.FlowKey{CompanyID: company, No: "\x00"})
		wantErr(t, "a number no flow can have", err, store.ErrNotFound)
	})
}

// Ten flows that took 1…10 hours, one that runs, and one of another month.
func TestStatisticsOfACode(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for i := range 10 {
			k := flowAt(t, s, fmt.Sprint("F", i), november, nil)
			end := november.Add(time.Duration(i+1) * time.Hour)
			state := orgflow.FlowApproved
			if i == 9 {
				state = orgflow.FlowRejected
			}
			commit(t, s, store.FlowStep{FlowKey: k, Rev: 1, State: state, Round: 1, StateDoc: []byte(`{}`), ClosedAt: end, Visits: []store.FlowVisit{
				{ID: 1, NodeSeq: 10, Name: "经理", State: orgflow.VisitPassed, EnteredAt: november, LeftAt: end},
				{ID: 2, NodeSeq: 20, Name: "财务", State: orgflow.VisitSkipped, EnteredAt: end, LeftAt: end},
			}})
		}
		open := flowAt(t, s, "open", november, nil)
		commit(t, s, store.FlowStep{FlowKey: open, Rev: 1, State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`{}`), Visits: []store.FlowVisit{
			{ID: 1, NodeSeq: 10, Name: "部门经理", State: orgflow.VisitActive, EnteredAt: november.Add(time.Hour)},
			{ID: 2, NodeSeq: 30, Name: "later", State: orgflow.VisitPending},
		}})
		flowAt(t, s, "old", november.AddDate(0, -1, 0), nil)
		flowAt(t, s, "other", november, func(n *store.NewFlow) { n.Code = "other" })
		s.SetDatabaseClock(november.Add(5 * time.Hour))
		got, err := s.FlowStats(ctx, company, "ztbxx01", november, november.Add(time.Hour))
		must(t, err)
		h := time.Hour
		want := store.FlowStats{
			States: map[orgflow.FlowState]int{orgflow.FlowApproved: 9, orgflow.FlowRejected: 1, orgflow.FlowRunning: 1},
			Duration: map[orgflow.FlowState]store.Spread{
				orgflow.FlowApproved: {N: 9, P50: 5 * h, P90: 9 * h, Mean: 5 * h},
				orgflow.FlowRejected: {N: 1, P50: 10 * h, P90: 10 * h, Mean: 10 * h},
			},
			Nodes: []store.NodeStats{
				{Seq: 10, Name: "部门经理", Waiting: store.Spread{N: 10, P50: 5 * h, P90: 9 * h, Mean: 5*h + h/2}, Open: 1, Oldest: 4 * h},
				{Seq: 20, Name: "财务"},
			},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if all, err := s.FlowStats(ctx, company, "ztbxx01", time.Time{}, time.Time{}); err != nil || all.States[orgflow.FlowStarting] != 1 {
			t.Errorf("without bounds %+v, %v", all.States, err)
		}
		if none, err := s.FlowStats(ctx, 7, "ztbxx01", time.Time{}, time.Time{}); err != nil || len(none.States)+len(none.Nodes) > 0 {
			t.Errorf("of another company %+v, %v", none, err)
		}
	})
}
