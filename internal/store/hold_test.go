package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestConcurrentAcquireHasOneWinner(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		var last int64
		for round := range 3 {
			var mu sync.Mutex
			var wg sync.WaitGroup
			winners, losersSaw := map[string]int64{}, map[string]bool{}
			for i := range 16 {
				wg.Go(func() {
					run := fmt.Sprintf("run-%d-%d", round, i)
					fence, holder, ok, err := s.AcquireTarget(ctx, target, run, time.Minute, noon)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err != nil:
						t.Error(err)
					case ok:
						winners[run] = fence
					default:
						losersSaw[holder] = true
					}
				})
			}
			wg.Wait()
			if len(winners) != 1 || len(losersSaw) != 1 {
				t.Fatalf("round %d: winners %v, losers saw %v; want one run in both", round, winners, losersSaw)
			}
			for run, fence := range winners {
				if !losersSaw[run] {
					t.Errorf("losers saw %v, the winner is %s", losersSaw, run)
				}
				if fence <= last {
					t.Errorf("round %d: fence %d after %d, want larger", round, fence, last)
				}
				last = fence
				if err := s.ReleaseTarget(ctx, target, run); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestAcquireTarget(t *testing.T) {
	other := orgflow.Target{CompanyID: 129, Consumer: "we_com"}
	for name, c := range map[string]struct {
		before func(ctx context.Context, s *store.Store) error // after run a took the target at noon for a minute
		target orgflow.Target
		run    string
		at     time.Duration // after noon
		ok     bool
		fence  int64
	}{
		"held":                       {target: target, run: "b", at: 59 * time.Second},
		"expired exactly now":        {target: target, run: "b", at: time.Minute, ok: true, fence: 2},
		"re-entrant":                 {target: target, run: "a", at: time.Second, ok: true, fence: 1},
		"own hold, expired, untaken": {target: target, run: "a", at: time.Hour, ok: true, fence: 1},
		"another target":             {target: other, run: "b", at: time.Second, ok: true, fence: 1},
		"released":                   {before: func(ctx context.Context, s *store.Store) error { return s.ReleaseTarget(ctx, target, "a") }, target: target, run: "b", ok: true, fence: 2},
		"released and taken again":   {before: func(ctx context.Context, s *store.Store) error { return s.ReleaseTarget(ctx, target, "a") }, target: target, run: "a", ok: true, fence: 2},
		"released by somebody else":  {before: func(ctx context.Context, s *store.Store) error { return s.ReleaseTarget(ctx, target, "b") }, target: target, run: "b"},
		"renewed": {before: func(ctx context.Context, s *store.Store) error {
			return s.RenewTarget(ctx, target, "a", time.Hour, noon)
		}, target: target, run: "b", at: 2 * time.Minute},
		"holder ended": {before: finish, target: target, run: "b", at: time.Second, ok: true, fence: 2},
		"holder waits for an approval": {before: func(ctx context.Context, s *store.Store) error {
			return s.SetStatus(ctx, "a", orgflow.StatusAwaitingApproval)
		}, target: target, run: "b", at: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDB(t, func(t *testing.T, s *store.Store) {
				ctx := context.Background()
				newRun(t, s, "a")
				if _, _, ok, err := s.AcquireTarget(ctx, target, "a", time.Minute, noon); !ok || err != nil {
					t.Fatal(ok, err)
				}
				if c.before != nil {
					if err := c.before(ctx, s); err != nil {
						t.Fatal(err)
					}
				}
				fence, holder, ok, err := s.AcquireTarget(ctx, c.target, c.run, time.Minute, noon.Add(c.at))
				want := "a"
				if c.ok {
					want = c.run
				}
				if err != nil || ok != c.ok || fence != c.fence || holder != want {
					t.Errorf("fence %d, holder %q, ok %v, %v; want %d, %q, %v", fence, holder, ok, err, c.fence, want, c.ok)
				}
			})
		})
	}
}

func finish(ctx context.Context, s *store.Store) error {
	_, err := s.FinishRun(ctx, "a", orgflow.StatusCanceled, nil, nil)
	return err
}

func TestRenewTellsWhenTheHoldIsLost(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		if err := s.RenewTarget(ctx, target, "a", time.Minute, noon); !errors.Is(err, store.ErrHoldLost) {
			t.Errorf("never held: %v", err)
		}
		if _, _, ok, err := s.AcquireTarget(ctx, target, "a", time.Minute, noon); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if _, _, ok, err := s.AcquireTarget(ctx, target, "b", time.Minute, noon.Add(time.Hour)); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := s.RenewTarget(ctx, target, "a", time.Minute, noon.Add(time.Hour)); !errors.Is(err, store.ErrHoldLost) {
			t.Errorf("taken over: %v", err)
		}
		if run, fence, err := s.Holder(ctx, target, noon.Add(time.Hour)); run != "b" || fence != 2 || err != nil {
			t.Errorf("holder %q, fence %d, %v; want b, 2", run, fence, err)
		}
		if run, _, err := s.Holder(ctx, target, noon.Add(2*time.Hour)); run != "" || err != nil {
			t.Errorf("holder of an expired hold: %q, %v", run, err)
		}
	})
}
