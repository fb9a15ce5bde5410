package transport

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// slotClock is a time that moves only when somebody sleeps.
type slotClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *slotClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *slotClock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > 0 {
		c.at = c.at.Add(d)
	}
	return ctx.Err()
}

// ledger is a database: one schedule for all limiters that share it.
type ledger struct {
	clock  *slotClock
	next   time.Time
	leases int
	err    error
}

func (l *ledger) Lease(_ context.Context, n int, every time.Duration) (time.Duration, error) {
	if l.err != nil {
		return 0, l.err
	}
	l.leases++
	now := l.clock.now()
	if l.next.Before(now) {
		l.next = now
	}
	start := l.next
	l.next = start.Add(time.Duration(n) * every)
	return start.Sub(now), nil
}

func (l *ledger) Hold(_ context.Context, d time.Duration) error {
	if until := l.clock.now().Add(d); until.After(l.next) {
		l.next = until
	}
	return l.err
}

func shared(l *ledger, n float64) *Shared {
	s := NewShared(l, n)
	s.now, s.sleep = l.clock.now, l.clock.sleep
	return s
}

func newLedger() *ledger {
	return &ledger{clock: &slotClock{at: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)}}
}

// most is the largest number of times in any one second.
func most(times []time.Time) int {
	slices.SortFunc(times, time.Time.Compare)
	best := 0
	for i := range times {
		n := 0
		for _, t := range times[i:] {
			if t.Sub(times[i]) < time.Second {
				n++
			}
		}
		best = max(best, n)
	}
	return best
}

func TestSeveralWorkersStayBelowOneBudgetAndUseIt(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		l := newLedger()
		began := l.clock.now()
		var calls []time.Time
		limiters := make([]*Shared, workers)
		for i := range limiters {
			limiters[i] = shared(l, 18)
		}
		for i := range 360 {
			slot, err := limiters[i%workers].take(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			calls = append(calls, slot)
			if i%workers == workers-1 { // all have a slot: let time go on to the earliest
				l.clock.mu.Lock()
				if slot.After(l.clock.at) {
					l.clock.at = slot.Add(-100 * time.Millisecond)
				}
				l.clock.mu.Unlock()
			}
		}
		if n := most(calls); n > 18 {
			t.Errorf("%d workers: %d calls in one second, the budget is 18", workers, n)
		}
		last := slices.MaxFunc(calls, time.Time.Compare)
		if used := float64(len(calls)) / last.Sub(began).Seconds() / 18; used < 0.94 {
			t.Errorf("%d workers use %.0f %% of the budget", workers, used*100)
		}
	}
}

func TestSlotsThatPassedAreNotMadeUpFor(t *testing.T) {
	l := newLedger()
	s := shared(l, 18)
	if err := s.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.clock.at = l.clock.at.Add(time.Minute)
	var calls []time.Time
	for range 40 {
		if err := s.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, l.clock.now())
	}
	if n := most(calls); n > 18 {
		t.Errorf("%d calls in the second after a pause", n)
	}
}

func TestAHoldStopsEverybody(t *testing.T) {
	l := newLedger()
	a, b := shared(l, 18), shared(l, 18)
	for _, s := range []*Shared{a, b} {
		if err := s.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	at := l.clock.now()
	if err := a.Hold(context.Background(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	slot, err := a.take(context.Background())
	if err != nil || slot.Before(at.Add(30*time.Second)) {
		t.Errorf("the one who was told goes after %v, %v", slot.Sub(at), err)
	}
	for range b.lease { // b may use up what it has leased, no more
		if slot, err = b.take(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if slot.Before(at.Add(30 * time.Second)) {
		t.Errorf("another worker goes after %v", slot.Sub(at))
	}
}

func TestWaitSaysWhenTheDeadlineIsTooNear(t *testing.T) {
	l := newLedger()
	l.clock.at = time.Now() // a context's deadline is a real time
	s := shared(l, 1)
	if err := s.Hold(context.Background(), time.Hour); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Wait(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("err = %v; want a refusal before the deadline", err)
	}
}

func TestWithoutALedgerNothingGoes(t *testing.T) {
	l := newLedger()
	l.err = errors.New("database is away")
	if err := shared(l, 18).Wait(context.Background()); !errors.Is(err, l.err) {
		t.Errorf("err = %v", err)
	}
}
