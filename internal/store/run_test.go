package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestCreateRunIsIdempotentByFirstRunID(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		n := store.NewRun{FirstRunID: "0123456789ab", WorkflowID: "sync-129", Job: job(), RetryOf: "older",
			Files: []orgflow.UsedFile{{Name: "a.json", Layer: "company", SHA256: "00"}}, Frozen: []byte(`{ "b":1, "a":2 }`)}
		n.Job.Params.DryRun = true
		first, created, err := s.CreateRun(ctx, n)
		if err != nil || !created || first.ID != "sync-129" || first.Status != orgflow.StatusRunning || first.Phase != orgflow.PhasePrepare {
			t.Fatalf("first: %+v, created %v, %v", first, created, err)
		}
		n.Job.CompanyID = 1
		again, created, err := s.CreateRun(ctx, n)
		if err != nil || created {
			t.Fatalf("again: created %v, %v", created, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Error("the repeated call answers another run:", diff)
		}
		if string(again.Frozen) != string(n.Frozen) || again.RetryOf != "older" || !again.Job.Params.DryRun {
			t.Errorf("stored run lost something: %+v", again)
		}

		n.FirstRunID = "ffff0000eeee" // the same workflow id, started again
		second, created, err := s.CreateRun(ctx, n)
		if err != nil || !created || second.ID != "sync-129~ffff0000" {
			t.Errorf("second execution: id %q, created %v, %v", second.ID, created, err)
		}
		n.FirstRunID = "ffff0000dddd" // even the shortened id is taken
		third, created, err := s.CreateRun(ctx, n)
		if err != nil || !created || third.ID != "sync-129~ffff0000dddd" {
			t.Errorf("third execution: id %q, created %v, %v", third.ID, created, err)
		}
	})
}

func TestConcurrentCreateRunMakesOneRun(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		creators, ids := 0, map[string]bool{}
		for range 16 {
			wg.Go(func() {
				run, created, err := s.CreateRun(context.Background(), store.NewRun{FirstRunID: "f", WorkflowID: "w", Job: job()})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if created {
					creators++
				}
				ids[run.ID] = true
			})
		}
		wg.Wait()
		if creators != 1 || !cmp.Equal(ids, map[string]bool{"w": true}) {
			t.Errorf("%d creators, ids %v; want one run w", creators, ids)
		}
	})
}

func TestJobKeepsItsBytes(t *testing.T) {
	// jsonb would sort keys and rewrite numbers; extra_property goes to the
	// gateway unchanged and the filter is hashed.
	raw := json.RawMessage(`{"z":1.0,"a":1e2,"<":"&"}`)
	forEachDB(t, func(t *testing.T, s *store.Store) {
		j := job()
		j.Params.ExtraProperty = map[string]json.RawMessage{"state": raw}
		run, _, err := s.CreateRun(context.Background(), store.NewRun{FirstRunID: "f", WorkflowID: "w", Job: j})
		if err != nil || string(run.Job.Params.ExtraProperty["state"]) != string(raw) {
			t.Errorf("stored %s, %v; want %s", run.Job.Params.ExtraProperty["state"], err, raw)
		}
	})
}

func TestFinishRunKeepsTheFirstFinalStatus(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		if err := errors.Join(
			s.SetStatus(ctx, "r", orgflow.StatusAwaitingApproval), s.SetPhase(ctx, "r", orgflow.PhaseFetch),
			s.SetStage(ctx, "r", store.Fetched), s.AddCounters(ctx, "r", store.Counters{Calls: 3, Throttled: 1}),
			s.AddCounters(ctx, "r", store.Counters{Calls: 2, TokenRenewals: 1})); err != nil {
			t.Fatal(err)
		}
		fault := &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: "40014", Message: "odd \x00 text \xff", Advice: "look"}
		run, err := s.FinishRun(ctx, "r", orgflow.StatusFailed, fault, []string{"note"})
		if err != nil {
			t.Fatal(err)
		}
		if run.Status != orgflow.StatusFailed || !run.Fetched || run.Planned || run.FinishedAt == nil ||
			run.Counters != (store.Counters{Calls: 5, Throttled: 1, TokenRenewals: 1}) {
			t.Errorf("finished run: %+v", run)
		}
		if run.Fault == nil || run.Fault.Message != "odd \uFFFD text \uFFFD" || run.Fault.VendorCode != "40014" {
			t.Errorf("fault of the run: %+v", run.Fault)
		}
		again, err := s.FinishRun(ctx, "r", orgflow.StatusCompleted, nil, nil)
		if err != nil || cmp.Diff(run, again) != "" {
			t.Errorf("second FinishRun changed the run: %v %s", err, cmp.Diff(run, again))
		}
		if err := errors.Join(s.SetStatus(ctx, "r", orgflow.StatusRunning), s.SetPhase(ctx, "r", orgflow.PhasePlan)); err != nil {
			t.Fatal(err)
		}
		if after, _ := s.GetRun(ctx, "r"); cmp.Diff(run, after) != "" {
			t.Error("a finished run was moved:", cmp.Diff(run, after))
		}
	})
}

func TestUnknownRunsAreNotFound(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for what, err := range map[string]error{
			"GetRun":          second(s.GetRun(ctx, "x")),
			"GetRun NUL":      second(s.GetRun(ctx, "x\x00")),
			"GetRunByFirstID": second(s.GetRunByFirstID(ctx, "x")),
			"FinishRun":       second(s.FinishRun(ctx, "x", orgflow.StatusFailed, nil, nil)),
			"Summary":         second(s.Summary(ctx, "x")),
			"Plan":            second(s.Plan(ctx, "x")),
			"SetPhase":        s.SetPhase(ctx, "x", orgflow.PhasePlan),
			"RecordOutcomes":  second(s.RecordOutcomes(ctx, "x", []store.Outcome{{ChangeID: 1, State: orgflow.Done}})),
			"GetSnapshot":     second(s.GetSnapshot(ctx, 1)),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", what, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestListRunsPagesAreStable(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		start := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		create := func(i int, started time.Time) {
			id := fmt.Sprintf("run-%02d", i)
			if _, _, err := s.CreateRun(ctx, store.NewRun{FirstRunID: id, WorkflowID: id, Job: job(), StartedAt: started}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 11 {
			create(i, start.Add(time.Duration(i/3)*time.Microsecond)) // many start at the same instant
		}
		var got []string
		for cursor := ""; ; {
			runs, next, err := s.ListRuns(ctx, store.RunFilter{Company: 129, Consumer: "ding_talk", Cursor: cursor, Limit: 4})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range runs {
				got = append(got, r.ID)
			}
			create(50+len(got), start.Add(time.Hour)) // newer runs must not shift the pages
			if cursor = next; cursor == "" {
				break
			}
		}
		want := []string{"run-10", "run-09", "run-08", "run-07", "run-06", "run-05", "run-04", "run-03", "run-02", "run-01", "run-00"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestListRunsFilters(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "a")
		newRun(t, s, "b")
		if _, err := s.FinishRun(ctx, "b", orgflow.StatusCompleted, nil, nil); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			filter store.RunFilter
			want   int
		}{
			"all":            {store.RunFilter{}, 2},
			"running":        {store.RunFilter{Status: []orgflow.Status{orgflow.StatusRunning}}, 1},
			"two statuses":   {store.RunFilter{Status: []orgflow.Status{orgflow.StatusRunning, orgflow.StatusCompleted}}, 2},
			"other company":  {store.RunFilter{Company: 1}, 0},
			"other consumer": {store.RunFilter{Consumer: "we_com"}, 0},
			"scope":          {store.RunFilter{Scope: "default"}, 2},
		} {
			if runs, _, err := s.ListRuns(ctx, c.filter); err != nil || len(runs) != c.want {
				t.Errorf("%s: %d runs, %v; want %d", name, len(runs), err, c.want)
			}
		}
		if _, _, err := s.ListRuns(ctx, store.RunFilter{Cursor: "nonsense"}); !errors.Is(err, store.ErrBadCursor) {
			t.Errorf("bad cursor: %v", err)
		}
	})
}
