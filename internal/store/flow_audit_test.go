package store_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func approve(k store.FlowKey) store.NewDecision {
	return store.NewDecision{FlowKey: k, NodeSeq: 10, UserCode: "E5", Verdict: orgflow.VerdictApprove}
}

func pending(t *testing.T, s *store.Store, k store.FlowKey) (ids []int64) {
	t.Helper()
	list, err := s.PendingAudits(context.Background(), k)
	must(t, err)
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

// next is a step after those the flow had that deals with decisions.
func next(t *testing.T, s *store.Store, k store.FlowKey, outcome orgflow.AuditOutcome, ids ...int64) store.FlowStep {
	t.Helper()
	f, err := s.LoadFlow(context.Background(), k)
	must(t, err)
	p := store.FlowStep{FlowKey: k, Rev: f.Rev + 1, State: orgflow.FlowRunning, Round: f.Round, StateDoc: []byte(`{}`)}
	for _, id := range ids {
		p.Audits = append(p.Audits, store.AuditMark{ID: id, Outcome: outcome})
	}
	return p
}

func TestADecisionIsStoredAsItWasMade(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := flowNo(t, s, "F1")
		p := step(k)
		p.Round = 3
		commit(t, s, p)
		full := store.NewDecision{
			FlowKey: k, Round: 2, NodeSeq: 10, Task: new(int64(7)), UserCode: "nobody", UserName: "员工", Verdict: orgflow.VerdictAddSign,
			TargetSeq: new(20), TargetUsers: []string{"E8", "E9"}, Opinion: "请会签\x00", Attachments: json.RawMessage(`[{"n": 1.50}]`), FormRev: new(int64(4)),
		}
		d, err := s.PutDecision(ctx, full) // by a stranger, for a round that is over: stored all the same
		must(t, err)
		if _, err := s.PutDecision(ctx, approve(k)); err != nil {
			t.Fatal(err)
		}
		got, err := s.PendingAudits(ctx, k)
		if err != nil || len(got) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		full.Opinion, full.Attachments = "请会签\uFFFD", got[0].Attachments
		if diff := cmp.Diff(full, got[0].NewDecision); diff != "" || got[0].ID != d.ID || got[0].Defect != "" {
			t.Errorf("decision %+v: %s", got[0], diff)
		}
		if string(got[0].Attachments) == `[]` {
			t.Error("the attachments are gone")
		}
		if got[1].Round != 3 || got[1].Task != nil || got[1].TargetUsers != nil {
			t.Errorf("a decision without a round: %+v, want the current round", got[1])
		}
		_, err = s.PutDecision(ctx, approve(store.FlowKey{CompanyID: company, No: "F2"}))
		wantErr(t, "no such flow", err, store.ErrNotFound)
		for _, bad := range []store.NewDecision{
			{FlowKey: k, Verdict: orgflow.VerdictApprove}, {FlowKey: k, UserCode: "E5"}, {FlowKey: k, UserCode: "E5", Verdict: "odd"},
			{FlowKey: k, UserCode: "E5", Verdict: orgflow.VerdictApprove, Attachments: json.RawMessage(`{}`)},
			{FlowKey: k, UserCode: "E5", Verdict: orgflow.VerdictTransfer, TargetUsers: []string{""}},
		} {
			if _, err := s.PutDecision(ctx, bad); err == nil {
				t.Errorf("%+v was stored", bad)
			}
		}
	})
}

// A row with a smaller id may become visible after a larger one was dealt
// with. It must not be lost.
func TestDecisionsThatBecomeVisibleLateAreNotLost(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		k := flowNo(t, s, "F1")
		insert := func(id int64) {
			t.Helper()
			_, err := s.DB().Exec(s.DB().Rebind(`INSERT INTO flow_audit (id, company_id, flow_no, node_seq, user_code, decision) VALUES (?, ?, ?, 10, 'E5', 'approve')`), id, company, k.No)
			must(t, err)
		}
		insert(42)
		commit(t, s, next(t, s, k, orgflow.AuditApplied, 42))
		insert(41)
		if d := cmp.Diff([]int64{41}, pending(t, s, k)); d != "" {
			t.Fatalf("pending: %s", d)
		}
		commit(t, s, next(t, s, k, orgflow.AuditLate, 41, 42)) // 42 stays as it was
		audits, err := s.Audits(context.Background(), k, 41, 42)
		if err != nil || len(audits) != 2 || audits[0].Outcome != orgflow.AuditLate || audits[1].Outcome != orgflow.AuditApplied || audits[1].Rev != 1 {
			t.Errorf("%+v, %v", audits, err)
		}
		if got := pending(t, s, k); got != nil {
			t.Errorf("still pending: %v", got)
		}
	})
}

// The same with two transactions that overlap as they do on a server.
func TestADecisionThatCommitsLateIsNotLost(t *testing.T) {
	s := openMigrated(t, databases["postgres"](t))
	k := flowNo(t, s, "F1")
	slow, err := s.DB().Beginx()
	must(t, err)
	_, err = slow.Exec(slow.Rebind(`INSERT INTO flow_audit (flow_no, node_seq, user_code, decision) VALUES (?, 10, 'E5', 'approve')`), k.No)
	must(t, err)
	quick, err := s.PutDecision(context.Background(), approve(k))
	must(t, err)
	if d := cmp.Diff([]int64{quick.ID}, pending(t, s, k)); d != "" {
		t.Fatalf("before the slow commit: %s", d)
	}
	commit(t, s, next(t, s, k, orgflow.AuditApplied, quick.ID))
	must(t, slow.Commit())
	if got := pending(t, s, k); len(got) != 1 || got[0] >= quick.ID {
		t.Errorf("after the slow commit: %v, want one below %d", got, quick.ID)
	}
}

// A board that knows no companies means the only flow of the number.
func TestDecisionsWithoutACompany(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		insert := func(no string) {
			t.Helper()
			_, err := s.DB().Exec(s.DB().Rebind(`INSERT INTO flow_audit (flow_no, node_seq, user_code, decision, target_users, attachments) VALUES (?, 10, 'E5', 'transfer', '{"a": 1}', '[]')`), no)
			must(t, err)
		}
		k, shared := flowNo(t, s, "F1"), flowNo(t, s, "F2")
		n := newFlow("5")
		n.CompanyID, n.No = 7, "F2"
		other := launch(t, s, n).FlowKey
		insert("F1")
		insert("F2")
		got, err := s.PendingAudits(context.Background(), k)
		if err != nil || len(got) != 1 || got[0].CompanyID != company || got[0].Round != 1 || got[0].Defect == "" {
			t.Errorf("%+v, %v; want one with a defect", got, err)
		}
		if a, b := pending(t, s, shared), pending(t, s, other); a != nil || b != nil {
			t.Errorf("a decision on two flows: %v, %v", a, b)
		}
		commit(t, s, next(t, s, k, orgflow.AuditInvalid, got[0].ID))
		var of int64
		if err := s.DB().Get(&of, `SELECT company_id FROM flow_audit WHERE flow_no = 'F1'`); err != nil || of != company {
			t.Errorf("the decision is one of company %d, %v", of, err)
		}
	})
}

// A decision that comes after the flow's end is settled, and moves nothing.
func TestDecisionsAfterTheEndAreLate(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := flowNo(t, s, "F1")
		d, err := s.PutDecision(ctx, approve(k))
		must(t, err)
		commit(t, s, next(t, s, k, orgflow.AuditNotAssignee, d.ID))
		if _, err := s.PutDecision(ctx, approve(k)); err != nil {
			t.Fatal(err)
		}
		if n, err := s.MarkLate(ctx, k); n != 0 || err != nil {
			t.Errorf("on a running flow %d decisions were late, %v", n, err)
		}
		p := next(t, s, k, "")
		p.State, p.ClosedAt = orgflow.FlowDiscarded, noon
		commit(t, s, p)
		for _, n := range []int{1, 0} {
			if got, err := s.MarkLate(ctx, k); got != n || err != nil {
				t.Errorf("%d decisions were late, %v; want %d", got, err, n)
			}
		}
		audits, err := s.Audits(ctx, k)
		if err != nil || len(audits) != 2 || audits[1].Outcome != orgflow.AuditLate || audits[1].Rev != 0 {
			t.Errorf("%+v, %v", audits, err)
		}
	})
}

func TestFlowsWhoseNotificationWasLostAreFound(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		s.SetDatabaseClock(november)
		var keys []store.FlowKey
		for _, no := range []string{"1", "2", "3", "4"} {
			keys = append(keys, flowNo(t, s, no))
		}
		for _, k := range keys[:3] { // 4 is starting
			commit(t, s, next(t, s, k, ""))
		}
		var ids []int64
		for _, k := range append(keys, keys[0]) {
			d, err := s.PutDecision(ctx, approve(k))
			must(t, err)
			ids = append(ids, d.ID)
		}
		commit(t, s, next(t, s, keys[1], orgflow.AuditApplied, ids[1]))
		want := func(behind store.FlowKey, want ...store.FlowKey) {
			t.Helper()
			got, err := s.UnappliedFlows(ctx, 30*time.Second, behind, 10)
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("%v: %s", err, d)
			}
		}
		s.SetDatabaseClock(november.Add(30 * time.Second))
		want(store.FlowKey{})
		s.SetDatabaseClock(november.Add(31 * time.Second))
		want(store.FlowKey{}, keys[0], keys[2])
		want(keys[0], keys[2])
		want(keys[2])
	})
}
