package store_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestSummaryOfANewRun(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		run := newRun(t, s, "r")
		got, err := s.Summary(context.Background(), "r")
		want := orgflow.Summary{
			ID: "r", RunID: "first-r", CompanyID: 129, Consumer: "ding_talk", Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare, StartedAt: run.StartedAt,
			Fetch: map[orgflow.Kind]orgflow.FetchCount{}, Plan: map[orgflow.Kind]orgflow.PlanCount{}, Applied: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{},
			Files: []orgflow.UsedFile{}, Notes: []string{},
		}
		if err != nil || cmp.Diff(want, got) != "" {
			t.Error(err, cmp.Diff(want, got))
		}
	})
}

func TestSummaryCountsExactly(t *testing.T) {
	files := []orgflow.UsedFile{{Name: "HcmDingSyncService.person_new.json", Layer: "shipped", SHA256: "00"}}
	counts := map[orgflow.Kind]orgflow.PlanCount{
		orgflow.Org:    {Insert: 2, Unchanged: 5},
		orgflow.Person: {Insert: 4, Update: 3, Delete: 3, Unchanged: 290, Held: 1, References: 2},
	}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "another") // must not be counted
		savePlan(t, s, "another", persons(3))
		run := newRun(t, s, "r")
		if err := s.FreezeFiles(ctx, "r", files, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := s.FreezeFiles(ctx, "r", nil, []byte("late")); err != nil {
			t.Fatal(err)
		}
		stageForSummary(t, s)
		if err := s.SavePlan(ctx, "r", store.PlanMeta{Hash: "h", Counts: counts}, changesForSummary()); err != nil {
			t.Fatal(err)
		}
		if err := s.AddCounters(ctx, "r", store.Counters{Calls: 341, Throttled: 2, TokenRenewals: 1}); err != nil {
			t.Fatal(err)
		}
		finished, err := s.FinishRun(ctx, "r", orgflow.StatusFailed, &orgflow.Fault{Code: orgflow.CodeForbidden, Message: "no"}, []string{"one", "two"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Summary(ctx, "r")
		want := orgflow.Summary{
			ID: "r", RunID: "first-r", CompanyID: 129, Consumer: "ding_talk", Status: orgflow.StatusFailed, Phase: orgflow.PhasePrepare,
			Progress: orgflow.Progress{Done: 12, Total: 15}, StartedAt: run.StartedAt, FinishedAt: finished.FinishedAt,
			Fetch: map[orgflow.Kind]orgflow.FetchCount{
				orgflow.Org:    {Read: 2, Staged: 2, Complete: true},
				orgflow.Person: {Read: 5, Staged: 3, Rejected: 1, Complete: false, Cause: "gateway stopped"},
			},
			Plan: counts,
			Applied: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{
				orgflow.Org: {orgflow.Insert: {Done: 1, Failed: 1}},
				orgflow.Person: {
					orgflow.Insert: {Done: 1, Blocked: 1, Pending: 2}, // planned, invited
					orgflow.Update: {Done: 1, Pending: 2},             // disputed, needs_human
					orgflow.Delete: {Pending: 2},                      // parked; the skipped one is nowhere
				},
			},
			ParkedDeletes: 2, Calls: 341, Throttled: 2, TokenRenewals: 1,
			Error: &orgflow.Fault{Code: orgflow.CodeForbidden, Message: "no"}, Files: files, Notes: []string{"one", "two"},
		}
		if err != nil || cmp.Diff(want, got) != "" {
			t.Error(err, cmp.Diff(want, got))
		}
	})
}

func stageForSummary(t testing.TB, s *store.Store) {
	t.Helper()
	ctx := context.Background()
	org, err := s.BeginSnapshot(ctx, store.NewSnapshot{RunID: "r", Target: target, Scope: "default", Service: "org_new", Kind: orgflow.Org})
	if err != nil {
		t.Fatal(err)
	}
	stage(t, s, org, people(1, 3), 2)
	rows := people(1, 5)
	rows[2].Reject = "no name"
	person := begin(t, s, "r", "person_new")
	stage(t, s, person, rows, 4)
	for id, result := range map[int64]store.SnapshotResult{
		org.ID:    {Read: 2, Declared: 2, Complete: true},
		person.ID: {Read: 5, Declared: 9, Cause: "gateway stopped"},
	} {
		if _, err := s.FinishSnapshot(ctx, id, result); err != nil {
			t.Fatal(err)
		}
	}
}

func changesForSummary() func(func(orgflow.Change) bool) {
	type line struct {
		kind   orgflow.Kind
		op     orgflow.Op
		state  orgflow.State
		aspect string
	}
	lines := []line{
		{orgflow.Org, orgflow.Insert, orgflow.Done, ""},
		{orgflow.Org, orgflow.Insert, orgflow.Failed, ""},
		{orgflow.Person, orgflow.Insert, orgflow.Done, ""},
		{orgflow.Person, orgflow.Insert, orgflow.Blocked, ""},
		{orgflow.Person, orgflow.Insert, orgflow.Planned, ""},
		{orgflow.Person, orgflow.Insert, orgflow.PendingInvite, ""},
		{orgflow.Person, orgflow.Insert, orgflow.Held, ""},
		{orgflow.Person, orgflow.Update, orgflow.Done, ""},
		{orgflow.Person, orgflow.Update, orgflow.Disputed, ""},
		{orgflow.Person, orgflow.Update, orgflow.NeedsHuman, ""},
		{orgflow.Person, orgflow.Delete, orgflow.Parked, ""},
		{orgflow.Person, orgflow.Delete, orgflow.Parked, ""},
		{orgflow.Person, orgflow.Delete, orgflow.Skipped, ""},
		{orgflow.Person, orgflow.Update, orgflow.Done, orgflow.AspectReferences},
		{orgflow.Person, orgflow.Update, orgflow.Failed, orgflow.AspectReferences},
	}
	return func(yield func(orgflow.Change) bool) {
		for i, l := range lines {
			if !yield(orgflow.Change{ID: i + 1, Kind: l.kind, Op: l.op, SourceID: "x", State: l.state, Aspect: l.aspect, Wave: 1}) {
				return
			}
		}
	}
}

func TestClaimPageAndCountPage(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(6))
		page, err := s.ClaimPage(ctx, "r", 2, 4)
		if err != nil || len(page) != 3 || page[0].ID != 2 || page[0].InDoubt || page[0].Attempts != 1 {
			t.Fatalf("%v, %v", claimIDs(page), err)
		}
		if err := s.ReleaseClaims(ctx, "r", []int{3}); err != nil {
			t.Fatal(err)
		}
		page, err = s.ClaimPage(ctx, "r", 2, 4)
		if err != nil || !page[0].InDoubt || page[1].InDoubt || !page[2].InDoubt {
			t.Errorf("in doubt %v %v %v, %v; want all but the released 3", page[0].InDoubt, page[1].InDoubt, page[2].InDoubt, err)
		}
		record(t, s, "r", done(page[0].Change), store.Outcome{ChangeID: 3, State: orgflow.Blocked})
		counts, settled, err := s.CountPage(ctx, "r", 2, 4)
		want := map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{orgflow.Person: {orgflow.Insert: {Done: 1, Blocked: 1, Pending: 1}}}
		if err != nil || settled != 2 || cmp.Diff(want, counts) != "" {
			t.Errorf("settled %d, %v: %s", settled, err, cmp.Diff(want, counts))
		}
	})
}

func TestRememberKeepsTheFirstAnswer(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for i, value := range []string{"first", "second"} {
			stored, fresh, err := s.Remember(ctx, "key", value)
			if stored != "first" || fresh != (i == 0) || err != nil {
				t.Errorf("call %d: %q, fresh %v, %v", i, stored, fresh, err)
			}
		}
		if _, _, err := s.Remember(ctx, "a\x00", "x"); err == nil {
			t.Error("a key with NUL was accepted")
		}
		if err := s.Exec(ctx, `DELETE FROM idempotency_key`); err != nil {
			t.Fatal(err)
		}
		if stored, fresh, err := s.Remember(ctx, "key", "third"); stored != "third" || !fresh || err != nil {
			t.Errorf("after forgetting: %q, %v, %v", stored, fresh, err)
		}
	})
}

func TestAuditLogNewestFirst(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for _, action := range []string{"approve", "cancel", "retry"} {
			e := store.AuditEntry{CompanyID: 129, Who: "王\x00", Action: action, Subject: "r", From: "cli", Detail: "why", At: noon}
			if err := s.Audit(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		got, next, err := s.AuditLog(ctx, "r", "", 2)
		if err != nil || len(got) != 2 || next == "" {
			t.Fatal(got, next, err)
		}
		want := store.AuditEntry{ID: got[0].ID, CompanyID: 129, Who: "王\uFFFD", Action: "retry", Subject: "r", From: "cli", Detail: "why", At: noon}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
		if got, next, err = s.AuditLog(ctx, "r", next, 2); err != nil || len(got) != 1 || got[0].Action != "approve" || next != "" {
			t.Error(got, next, err)
		}
	})
}

// An act that is asked for many times at once has one entry.
func TestAnActIsWrittenDownOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for _, act := range []string{"a", "b"} {
					if err := s.AuditOnce(ctx, "audit:"+act, store.AuditEntry{Who: "E1", Action: act, Subject: "r"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got, _, err := s.AuditLog(ctx, "r", "", 99); err != nil || len(got) != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		if err := s.AuditOnce(ctx, "", store.AuditEntry{Subject: "r"}); err == nil {
			t.Error("an act without a key")
		}
	})
}
