package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"orgflow/internal/store"
)

// Leases of one budget never overlap, whoever asks and however many at once:
// the slots of n leases last n times as long as one.
func TestLeasesFollowEachOther(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		const callers, each, slots, every = 4, 5, 10, 100 * time.Millisecond
		var wg sync.WaitGroup
		var mu sync.Mutex
		furthest := time.Duration(0)
		for range callers {
			wg.Go(func() {
				for range each {
					d, err := s.LeaseRate(context.Background(), "9/ding_talk", slots, every)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					furthest = max(furthest, d)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		// All leases were taken within a moment, so the last begins after the
		// length of all others, less the time this test took (a generous half).
		whole := (callers*each - 1) * slots * every
		if furthest > whole || furthest < whole/2 {
			t.Errorf("the last of %d leases begins after %v, want about %v", callers*each, furthest, whole)
		}
		if d, err := s.LeaseRate(context.Background(), "8/ding_talk", slots, every); err != nil || d > every {
			t.Errorf("another budget waits %v, %v", d, err)
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
		d, err := s.LeaseRate(ctx, "9/ding_talk", 1, time.Second)
		if err != nil || d > time.Hour || d < 50*time.Minute {
			t.Errorf("first slot after %v, %v; want an hour", d, err)
		}
	})
}
