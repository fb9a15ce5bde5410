package transport

import (
	"context"
	"fmt"
	"time"
)

// leaseTime is how much of the budget a worker takes at a time: short enough
// that an idle worker wastes little and a pause reaches everybody soon, long
// enough that the database is asked a few times a second only.
const leaseTime = 200 * time.Millisecond

// Ledger hands out the slots of one budget over all processes.
type Ledger interface {
	// Lease takes the next n slots, every apart, and tells how long to wait
	// for the first.
	Lease(ctx context.Context, n int, every time.Duration) (time.Duration, error)
	// Hold lets nobody take a slot before d has passed.
	Hold(ctx context.Context, d time.Duration) error
}

// Shared is a Limiter whose budget is shared with other processes through a
// ledger: the sum over all of them stays below n calls in every second.
type Shared struct {
	ledger Ledger
	every  time.Duration
	lease  int
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error

	turn chan struct{} // holds one token: who has it owns the fields below
	next time.Time     // the next slot
	left int           // slots of the lease that are not handed out
}

// NewShared returns a limiter of n calls a second, n above 0.
func NewShared(ledger Ledger, n float64) *Shared {
	s := &Shared{
		ledger: ledger, every: time.Duration(float64(time.Second) / (n * steady)),
		lease: max(1, int(n*leaseTime.Seconds())), now: time.Now, sleep: Wait,
		turn: make(chan struct{}, 1),
	}
	s.turn <- struct{}{}
	return s
}

// Wait implements Limiter.
func (s *Shared) Wait(ctx context.Context) error {
	slot, err := s.take(ctx)
	if err != nil {
		return err
	}
	d := slot.Sub(s.now())
	if deadline, ok := ctx.Deadline(); ok && slot.After(deadline) {
		return fmt.Errorf("the next slot is %v away, behind the deadline", d.Round(time.Millisecond))
	}
	return s.sleep(ctx, d)
}

// take hands out the next slot. Slots that have passed are dropped: made up
// for, they would come as a burst.
func (s *Shared) take(ctx context.Context) (time.Time, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	for s.left > 0 && s.now().After(s.next.Add(s.every)) {
		s.next, s.left = s.next.Add(s.every), s.left-1
	}
	if s.left == 0 {
		d, err := s.ledger.Lease(ctx, s.lease, s.every)
		if err != nil {
			return time.Time{}, fmt.Errorf("lease of the rate budget: %w", err)
		}
		s.next, s.left = s.now().Add(d), s.lease
	}
	slot := s.next
	s.next, s.left = s.next.Add(s.every), s.left-1
	return slot, nil
}

// Hold pauses everybody: the vendor answered that calls come too fast.
func (s *Shared) Hold(ctx context.Context, d time.Duration) error {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	s.left = 0 // what is leased already must not go either
	return s.ledger.Hold(ctx, d)
}

// Wait waits, or returns the context's error if that ends first.
func Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
