package activities

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"orgflow"
	"orgflow/connectors"
)

// courier brings effects to a consumer in common calls until each has an
// outcome, or nothing more can be done. What is sent again is an idempotent
// upsert, so that no outcome has to be read back.
type courier struct {
	sync     *Sync
	calls    *semaphore.Weighted
	stopping <-chan struct{} // of the worker
	send     func(context.Context, []connectors.Effect) connectors.Batch

	spent     connectors.Receipt // calls and writes
	throttled int
}

// parcel is one effect's way.
type parcel struct {
	receipt connectors.Receipt
	fault   *orgflow.Fault // nil: delivered
	open    bool           // not decided: fault is transient, or would meet everything
	doubt   bool           // a call may have taken effect
}

// deliver returns what became of each effect, and the fault that keeps some
// open; nil if none is. Whatever is open has a fault.
func (c *courier) deliver(ctx context.Context, effects []connectors.Effect) (parcels []parcel, open *orgflow.Fault) {
	parcels, open = c.attempt(ctx, effects)
	for i := range parcels {
		if parcels[i].open && parcels[i].fault == nil {
			parcels[i].fault = open
		}
	}
	return parcels, open
}

func (c *courier) attempt(ctx context.Context, effects []connectors.Effect) (parcels []parcel, open *orgflow.Fault) {
	parcels = make([]parcel, len(effects))
	rest := make([]int, len(effects))
	for i := range rest {
		rest[i] = i
		parcels[i].open = true
	}
	busy, doubt := 0, 0
	for wait := time.Second; len(rest) > 0; wait = min(2*wait, 30*time.Second) {
		select {
		case <-c.stopping:
			return parcels, stopFault()
		default:
		}
		if rest, open = c.call(ctx, effects, parcels, rest); open == nil {
			return parcels, nil
		}
		switch open.Code {
		case orgflow.CodeUnavailable:
			busy++
		case orgflow.CodeUnknownOutcome:
			doubt++
		default: // waited out, or final
		}
		if busy >= busyTries || doubt >= doubtTries || ctx.Err() != nil || !open.Transient() {
			return parcels, open
		}
		if c.sync.Sleep(ctx, max(wait, open.RetryAfter)) != nil {
			return parcels, open
		}
	}
	return parcels, nil
}

// call sends what is left once and returns what is still open, with the worst
// fault that keeps it so.
func (c *courier) call(ctx context.Context, effects []connectors.Effect, parcels []parcel, rest []int) ([]int, *orgflow.Fault) {
	if err := c.calls.Acquire(ctx, 1); err != nil {
		return rest, orgflow.Faultf(orgflow.CodeUnavailable, "stopped before the call was made")
	}
	load := make([]connectors.Effect, len(rest))
	for n, i := range rest {
		load[n] = effects[i]
		load[n].InDoubt = load[n].InDoubt || parcels[i].doubt
	}
	got := c.send(ctx, load)
	c.calls.Release(1)
	c.spent.Calls += got.Calls
	c.spent.Writes += got.Writes
	var left []int
	var worst *orgflow.Fault
	for n, i := range rest {
		p := &parcels[i]
		p.receipt, p.fault = got.Results[n].Receipt, faultIn(got.Results[n].Err)
		p.open = p.fault != nil && (p.fault.Transient() || p.fault.StopsRun())
		if !p.open {
			continue
		}
		p.doubt = p.doubt || p.fault.Code == orgflow.CodeUnknownOutcome
		if worst == nil || severity(p.fault) > severity(worst) {
			worst = p.fault
		}
		left = append(left, i)
	}
	if worst != nil && worst.Code == orgflow.CodeThrottled {
		c.throttled++
	}
	return left, worst
}

// faultIn is a batch's error as a fault.
func faultIn(err error) *orgflow.Fault {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, Message: "no answer in time", Err: err}
	}
	return orgflow.AsFault(err)
}

// severity orders what keeps effects open: what ends the run first, then an
// unknown outcome.
func severity(f *orgflow.Fault) int {
	switch {
	case f.StopsRun():
		return 3
	case f.Code == orgflow.CodeUnknownOutcome:
		return 2
	case f.Code == orgflow.CodeUnavailable:
		return 1
	}
	return 0
}
