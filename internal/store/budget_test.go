package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"orgflow/internal/store"
)

// Leases of one budget never overlap, whoever asks and however many at once,
// and leave no gap while they are taken faster than they pass.
func TestLeasesFollowEachOther(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		const callers, each, slots, every = 4, 5, 10, 100 * time.Millisecond
		var wg sync.WaitGroup
		var mu sync.Mutex
		var firsts []time.Time
		for range callers {
			wg.Go(func() {
				for range each {
					first, now, err := s.LeaseRate(context.Background(), "9/ding_talk", slots, every)
					if err != nil {
						t.Error(err)
						return
					}
					if first.Before(now.Add(-time.Second)) {
						t.Errorf("a slot of %v at %v", first, now)
					}
					mu.Lock()
					firsts = append(firsts, first)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.SortFunc(firsts, time.Time.Compare)
		for i := 1; i < len(firsts); i++ {
			if d := firsts[i].Sub(firsts[i-1]); d != slots*every {
				t.Errorf("lease %d begins %v after the one before, want %v", i+1, d, slots*every)
			}
		}
		if first, now, err := s.LeaseRate(context.Background(), "8/ding_talk", slots, every); err != nil || first.Sub(now) > every {
			t.Errorf("another budget's first slot is at %v, now is %v, %v", first, now, err)
		}
	})
}

func TestHoldRate(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for _, d := range []time.Duration{time.Hour, time.Minute} { // the longer pause stays
			if err := s.HoldRate(ctx, "9/ding_talk", d); err != nil {
				t.Fatal(err)
			}
		}
		first, now, err := s.LeaseRate(ctx, "9/ding_talk", 1, time.Second)
		if d := first.Sub(now); err != nil || d > time.Hour || d < 50*time.Minute {
			t.Errorf("first slot after %v, %v; want an hour", d, err)
		}
	})
}
