package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// 64 activities at once, through two Stores as two processes would: nobody
// meets SQLITE_BUSY or a deadlock, and nothing is lost.
func TestManyWritersAtOnce(t *testing.T) {
	const writers, pages, perPage = 64, 3, 10
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			ctx, address := context.Background(), url(t)
			stores := []*store.Store{openMigrated(t, address), openMigrated(t, address)}
			newRun(t, stores[0], "shared")
			snap := begin(t, stores[0], "shared", "person_new")
			start := make(chan struct{})
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					s, run := stores[w%len(stores)], fmt.Sprintf("w%d", w)
					<-start
					if err := writeAll(ctx, s, run, snap.ID, w, pages, perPage); err != nil {
						t.Errorf("writer %d: %v", w, err)
					}
				})
			}
			close(start)
			wg.Wait()
			done, err := stores[1].FinishSnapshot(ctx, snap.ID, store.SnapshotResult{})
			if err != nil || done.Staged != writers*pages*perPage {
				t.Errorf("%d records staged, %v; want %d", done.Staged, err, writers*pages*perPage)
			}
			if n := len(bindings(t, stores[0])); n != writers*pages*perPage {
				t.Errorf("%d bindings, want %d", n, writers*pages*perPage)
			}
			sum, err := stores[0].Summary(ctx, "shared")
			if err != nil || sum.Calls != writers*pages {
				t.Errorf("%d calls counted, %v; want %d", sum.Calls, err, writers*pages)
			}
		})
	}
}

func writeAll(ctx context.Context, s *store.Store, run string, snapshot int64, w, pages, perPage int) error {
	if _, _, err := s.CreateRun(ctx, store.NewRun{FirstRunID: run, WorkflowID: run, Job: job()}); err != nil {
		return err
	}
	changes := persons(pages * perPage)
	for i := range changes {
		changes[i].SourceID = fmt.Sprintf("%d-%d", w, i)
	}
	err := s.SavePlan(ctx, run, store.PlanMeta{Hash: run}, slices.Values(changes))
	for p := 0; p < pages && err == nil; p++ {
		from := p * perPage
		var rows []store.StagedRow
		for _, c := range changes[from : from+perPage] {
			rows = append(rows, person(c.SourceID))
		}
		_, stageErr := s.StagePage(ctx, snapshot, rows)
		claimed, claimErr := s.ClaimPage(ctx, run, from+1, from+perPage)
		var outcomes []store.Outcome
		for _, c := range claimed {
			outcomes = append(outcomes, done(c.Change))
		}
		r, recordErr := s.RecordOutcomes(ctx, run, outcomes)
		if r.Recorded != perPage {
			recordErr = errors.Join(recordErr, fmt.Errorf("recorded %d of %d", r.Recorded, perPage))
		}
		err = errors.Join(stageErr, claimErr, recordErr, s.AddCounters(ctx, "shared", store.Counters{Calls: 1}))
	}
	return err
}

// Pages that several activities record in opposite orders must not wait for
// each other in a circle, and each change is recorded once.
func TestOverlappingPagesAreRecordedOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(40))
		page := claim(t, s, "r", 1, 0, 40)
		var mu sync.Mutex
		var wg sync.WaitGroup
		recorded := 0
		for w := range 8 {
			outcomes := make([]store.Outcome, len(page))
			for i, c := range page {
				outcomes[i] = done(c.Change)
			}
			if w%2 == 1 {
				slices.Reverse(outcomes)
			}
			wg.Go(func() {
				r, err := s.RecordOutcomes(context.Background(), "r", outcomes)
				mu.Lock()
				defer mu.Unlock()
				recorded += r.Recorded
				if err != nil || r.Recorded+len(r.Skipped) != len(page) {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
		wg.Wait()
		if recorded != len(page) || len(logOf(t, s, "1000")) != 1 {
			t.Errorf("recorded %d times, log of one record %d; want %d and 1", recorded, len(logOf(t, s, "1000")), len(page))
		}
	})
}

func TestCanceledContextStopsBeforeWriting(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(1))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.ClaimPage(ctx, "r", 1, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("claim: %v, want the context's error", err)
		}
		if got := claim(t, s, "r", 1, 0, 1); len(got) != 1 || got[0].InDoubt {
			t.Errorf("after the canceled claim: %+v; want one change without doubt", got)
		}
	})
}

// A database that is away is worth another try, whatever the driver says.
func TestClosedDatabaseIsTransient(t *testing.T) {
	url := databases["postgres"](t)
	s := openMigrated(t, url)
	newRun(t, s, "r")
	if _, err := s.DB().Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()`); err == nil {
		t.Fatal("the connection survived its own termination")
	}
	if _, err := s.GetRun(context.Background(), "r"); err != nil {
		if fault := orgflow.AsFault(err); fault.Code != orgflow.CodeUnavailable {
			t.Errorf("after a lost connection: %v, want CodeUnavailable", err)
		}
	}
	if _, err := s.GetRun(context.Background(), "r"); err != nil {
		t.Errorf("the pool does not recover: %v", err)
	}
}
