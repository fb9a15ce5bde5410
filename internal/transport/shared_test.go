package transport

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
)

// ledger is a database: one schedule for all limiters that share it, by a
// clock of its own.
type ledger struct {
	ahead time.Duration        // its clock, of ours
	delay func() time.Duration // on the way there, and on the way back
	err   error

	mu     sync.Mutex
	next   time.Time
	leases int
}

func (l *ledger) Lease(_ context.Context, n int, every time.Duration) (first, now time.Time, err error) {
	if l.delay != nil {
		time.Sleep(l.delay())
		defer func() { time.Sleep(l.delay()) }()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leases++
	now = time.Now().Add(l.ahead)
	if l.next.Before(now) {
		l.next = now
	}
	first = l.next
	l.next = first.Add(time.Duration(n) * every)
	return first, now, l.err
}

func (l *ledger) Hold(_ context.Context, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(l.ahead + d); until.After(l.next) {
		l.next = until
	}
	return l.err
}

func TestSlotsThatPassedAreNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(&ledger{}, 100)
		var calls []time.Time
		slept := 0
		s.sleep = func(ctx context.Context, d time.Duration) error {
			if slept++; slept == 25 { // in the middle of a lease
				d = time.Minute
			}
			return Wait(ctx, d)
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 250 {
			wg.Go(func() {
				mustWait(t, s)
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, time.Now())
			})
		}
		wg.Wait()
		if n := most(calls); n > 100 {
			t.Errorf("%d calls in the second after a pause, the budget is 100", n)
		}
	})
}

// A caller that wakes late does not use its slot: in the same second others
// use theirs.
func TestASlotIsNotUsedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		s := NewShared(l, 10)
		mustWait(t, s)
		overslept := false
		s.sleep = func(ctx context.Context, d time.Duration) error {
			if !overslept {
				overslept, d = true, d+20*time.Millisecond
			}
			return Wait(ctx, d)
		}
		began := time.Now()
		mustWait(t, s)
		if took := time.Since(began); took != 2*s.every {
			t.Errorf("waited %v, want the slot after the one overslept, %v", took, 2*s.every)
		}
	})
}

func TestAHoldStopsEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{ahead: time.Hour}
		told, other := NewShared(l, 100), NewShared(l, 100)
		mustWait(t, told)
		mustWait(t, other)
		began := time.Now()
		if err := told.Hold(t.Context(), 30*time.Second); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for s, leased := range map[*Shared]int{told: 0, other: other.left} {
			wg.Go(func() {
				for range leased { // what it has in hand, no more
					mustWait(t, s)
				}
				mustWait(t, s)
				if d := time.Since(began); d < 30*time.Second {
					t.Errorf("a call after %v", d)
				}
			})
		}
		wg.Wait()
	})
}

// Who waits for a slot already, waits for the end of the pause.
func TestAHoldReachesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(&ledger{}, 1)
		mustWait(t, s)
		began := time.Now()
		done := make(chan time.Duration)
		go func() {
			mustWait(t, s)
			done <- time.Since(began)
		}()
		synctest.Wait()
		if err := s.Hold(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if d := <-done; d < time.Minute {
			t.Errorf("a call after %v", d)
		}
	})
}

func TestWaitSaysWhenTheDeadlineIsTooNear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(&ledger{}, 1)
		if err := s.Hold(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		late := (*TooLate)(nil)
		if err := s.Wait(ctx); !errors.As(err, &late) || late.In != time.Hour || time.Since(began) != 0 {
			t.Errorf("err = %v after %v; want at once that the turn is an hour away", err, time.Since(began))
		}
		f := orgflow.AsFault(waitError(ctx, late))
		if f.Code != orgflow.CodeThrottled || f.RetryAfter != time.Hour {
			t.Errorf("fault %+v, want to come back in an hour", f)
		}
	})
}

// A line that is longer than the deadline is not worth standing in.
func TestWaitCountsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(&ledger{}, 1)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { mustWait(t, s) })
		}
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		late := (*TooLate)(nil)
		if err := s.Wait(ctx); !errors.As(err, &late) || time.Since(began) != 0 {
			t.Errorf("err = %v after %v; want a refusal at once", err, time.Since(began))
		}
		wg.Wait()
	})
}

// A wait that is cut short has sent nothing, and says so.
func TestTheEndOfAWaitIsNoUnknownOutcome(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	err := waitError(ctx, ctx.Err())
	if f := orgflow.AsFault(err); f.Code != orgflow.CodeThrottled || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutALedgerNothingGoes(t *testing.T) {
	l := &ledger{err: errors.New("database is away")}
	if err := NewShared(l, 18).Wait(context.Background()); !errors.Is(err, l.err) {
		t.Errorf("err = %v", err)
	}
}

func mustWait(t *testing.T, s Limiter) {
	t.Helper()
	if err := s.Wait(context.Background()); err != nil {
		t.Error(err)
	}
}
