package transport

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// leaseTime is how much of the budget a worker takes at a time at most: so
	// little that a pause reaches everybody soon, enough that the database is
	// asked some ten times a second and may take its time to answer.
	leaseTime = 100 * time.Millisecond
	// n+1 calls, evenly spaced at the steady share, take 41.7 ms more than a
	// second: so much later than others may a call arrive. Three quarters are
	// for what nobody here can see. The rest is slotPatience, how late
	// a slot may be used, and wirePatience, how long after that a call may be
	// on the wire; boardPatience is when its connection must be there.
	// Beyond, a slot is given up.
	slotPatience  = 5 * time.Millisecond
	boardPatience = 3 * time.Millisecond
	wirePatience  = 5 * time.Millisecond
	// clockReadings are taken before the ledger's clock is trusted.
	clockReadings = 8
	// repayWithin bounds a lease that pays for a late call while nobody waits.
	repayWithin = 5 * time.Second
)

// Ledger hands out the slots of one budget over all processes.
type Ledger interface {
	// Lease takes the next n slots, every apart, or with 0 none. It returns
	// when the first is and what time it is, both by the ledger's clock.
	Lease(ctx context.Context, n int, every time.Duration) (first, now time.Time, err error)
	// Hold lets nobody take a slot before d has passed.
	Hold(ctx context.Context, d time.Duration) error
}

// Shared is a Limiter whose budget is shared with other processes through a
// ledger: the sum over all of them stays below n calls in every second.
//
// Callers wait in line, and only the first of them holds a slot. A slot
// whose time has passed, for whatever reason the caller was not there, is
// never used: made up for, it would come on top of the others'.
type Shared struct {
	ledger Ledger
	every  time.Duration
	lease  int // slots at a time, at most
	sleep  func(context.Context, time.Duration) error

	waiting atomic.Int64 // callers in line
	owed    atomic.Int64 // slots to be given up for calls that left late

	turn   chan struct{} // holds one token: who has it owns the fields below
	next   time.Time     // the next slot
	left   int           // slots of the lease that are not used
	leased int           // pauses before the lease
	clock  offset        // the ledger's

	mu     sync.Mutex
	wake   context.CancelFunc // ends the sleep of who has the turn; nil if nobody sleeps
	pauses int                // asked for so far: what was leased before one is void
}

// NewShared returns a limiter of n calls a second, n above 0.
func NewShared(ledger Ledger, n float64) *Shared {
	s := &Shared{
		ledger: ledger, every: time.Duration(float64(time.Second) / (n * steady)),
		lease: max(1, int(n*leaseTime.Seconds())), sleep: Wait, turn: make(chan struct{}, 1),
	}
	s.turn <- struct{}{}
	return s
}

// TooLate is the error of a wait whose deadline comes before its turn.
type TooLate struct {
	// In is how long the turn is away, roughly.
	In time.Duration
}

func (e *TooLate) Error() string {
	return fmt.Sprintf("the next slot is %v away, behind the deadline", e.In.Round(time.Millisecond))
}

// Wait implements Limiter. Its errors are the context's, the ledger's, and
// *TooLate at once if the deadline is too near.
func (s *Shared) Wait(ctx context.Context) error {
	line := s.waiting.Add(1)
	defer s.waiting.Add(-1)
	if err := reachable(ctx, time.Now().Add(time.Duration(line-1)*s.every)); err != nil {
		return err
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	for {
		usable, err := s.slot(ctx)
		if err != nil || usable {
			return err
		}
	}
}

// reachable tells whether a slot comes before the context's deadline.
func reachable(ctx context.Context, slot time.Time) error {
	if deadline, ok := ctx.Deadline(); ok && slot.After(deadline) {
		return &TooLate{In: time.Until(slot)}
	}
	return nil
}

// slot waits for the next slot and takes it. It is not usable if its time
// has passed meanwhile, if a pause was asked for, or if it is owed.
func (s *Shared) slot(ctx context.Context) (usable bool, err error) {
	if s.left == 0 {
		if err := s.take(ctx); err != nil {
			return false, err
		}
	}
	if err := reachable(ctx, s.next); err != nil {
		return false, err // somebody with more time may have it
	}
	void, err := s.doze(ctx, time.Until(s.next))
	if err != nil {
		return false, err
	}
	if void {
		s.left = 0
		return false, nil
	}
	late := time.Since(s.next) > slotPatience
	s.use()
	return !late && !s.repaid(), nil
}

// take leases slots and translates them to our clock.
func (s *Shared) take(ctx context.Context) error {
	s.mu.Lock()
	s.leased = s.pauses
	s.mu.Unlock()
	for s.clock.readings < clockReadings {
		if _, err := s.ask(ctx, 0); err != nil {
			return err
		}
	}
	n := min(s.lease, int(s.waiting.Load())) // as many as are sure to be used
	first, err := s.ask(ctx, n)
	if err != nil {
		return err
	}
	s.next, s.left = s.clock.local(first), n
	return nil
}

// ask leases n slots, none to read the clock only.
func (s *Shared) ask(ctx context.Context, n int) (first time.Time, err error) {
	asked := time.Now()
	first, now, err := s.ledger.Lease(ctx, n, s.every)
	if err != nil {
		return first, fmt.Errorf("lease of the rate budget: %w", err)
	}
	s.clock.read(now, asked, time.Now())
	return first, nil
}

// use takes the next slot off the lease.
func (s *Shared) use() { s.next, s.left = s.next.Add(s.every), s.left-1 }

// doze sleeps. The lease is void if a pause was asked for since it was taken.
func (s *Shared) doze(ctx context.Context, d time.Duration) (void bool, err error) {
	sleeping, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.wake = cancel
	void = s.leased != s.pauses
	s.mu.Unlock()
	if !void {
		err = s.sleep(sleeping, d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = nil
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case s.leased != s.pauses: // which is why the sleep ended
		return true, nil
	}
	return false, err
}

// Hold pauses everybody: the vendor answered that calls come too fast. Other
// processes may still use what they have leased, which is a slot or two.
func (s *Shared) Hold(ctx context.Context, d time.Duration) error {
	err := s.ledger.Hold(ctx, d)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauses++
	if s.wake != nil {
		s.wake()
	}
	return err
}

// Late tells that a call left, or may have left, after its slot: whatever
// held it up between its turn and the wire. It shares a second with calls it
// should not have met, so the next slot stays unused.
func (s *Shared) Late() {
	s.owed.Add(1)
	select {
	case <-s.turn: // nobody waits who could pay
		go func() {
			defer func() { s.turn <- struct{}{} }()
			s.repay()
		}()
	default:
	}
}

// repaid tells whether the slot in hand pays a debt.
func (s *Shared) repaid() bool {
	if s.owed.Load() == 0 {
		return false
	}
	s.owed.Add(-1) // who has the turn is the only one who does
	return true
}

// repay gives up the next slot of everybody. The caller has the turn.
func (s *Shared) repay() {
	if !s.repaid() {
		return
	}
	for s.left > 0 && time.Since(s.next) > slotPatience { // worth nothing any more
		s.use()
	}
	if s.left > 0 {
		s.use()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), repayWithin)
	defer cancel()
	// A ledger that is away hands out nothing to anybody else either.
	_, _, _ = s.ledger.Lease(ctx, 1, s.every)
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
