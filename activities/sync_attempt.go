package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/connectors"
)

const (
	// callTimeout bounds one record's calls once they have begun; a cancelled
	// run lets them end, so that it stops at an operation boundary.
	callTimeout = 2 * time.Minute
	// callGrace is how long a call in flight may go on once its run is
	// cancelled or paused. Cut off, its change stays in doubt: whoever claims
	// the record next reads it back.
	callGrace = 5 * time.Second
	// busyTries and doubtTries bound the attempts of one record.
	busyTries  = 3
	doubtTries = 4
	// patientAttempts is how many times an activity waits for a consumer that
	// does not answer at all before single records are failed for it.
	patientAttempts = 6
)

// attempt calls the consumer until the outcome is known. Throttling is
// waited out and never counts as a try; an unknown outcome is read back
// before the effect is repeated.
func (p *page) attempt(ctx context.Context, e connectors.Effect, r *result) (connectors.Receipt, *orgflow.Fault) {
	busy, doubt := 0, 0
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		receipt, err := p.call(ctx, e)
		if err == nil {
			return receipt, nil
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, Message: "no answer within " + callTimeout.String(), Err: err}
		}
		fault := orgflow.AsFault(err)
		switch fault.Code {
		case orgflow.CodeThrottled:
			r.throttled++
		case orgflow.CodeUnavailable:
			busy++
		case orgflow.CodeUnknownOutcome:
			e.InDoubt, r.doubt = true, true
			doubt++
		default:
			return receipt, fault
		}
		if busy >= busyTries || doubt >= doubtTries {
			return receipt, fault
		}
		r.calls += receipt.Calls
		if p.sync.Sleep(ctx, max(wait, fault.RetryAfter)) != nil {
			return connectors.Receipt{}, fault
		}
	}
}

// call makes one attempt, when the target has room for it. A run that stops
// calls off what still waits for its turn, and lets calls that have begun end.
func (p *page) call(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	if err := p.calls.Acquire(ctx, 1); err != nil {
		return connectors.Receipt{}, orgflow.Faultf(orgflow.CodeUnavailable, "stopped before the call was made")
	}
	defer p.calls.Release(1)
	call, cancel := context.WithTimeout(orgflow.WithOperation(context.WithoutCancel(ctx), ctx), callTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if canceled(ctx) && p.sync.Sleep(call, callGrace) == nil {
			cancel()
		}
	})
	defer stop()
	receipt, err := p.consumer.Apply(call, e)
	if errors.Is(err, context.Canceled) {
		err = &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, Message: "the run stopped and did not wait longer for the answer", Err: err}
	}
	return receipt, err
}

// canceled tells whether a page ends because its run is cancelled or paused,
// and not because the worker stops or somebody else goes first.
func canceled(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return errors.Is(cause, context.Canceled) || temporal.IsCanceledError(cause)
}

// stops tells whether a fault is about more than its record: it would meet
// every other record too, or the consumer does not answer at all.
func (p *page) stops(ctx context.Context, f *orgflow.Fault) bool {
	if f.StopsRun() || ctx.Err() != nil && f.Transient() || f.Code == orgflow.CodeThrottled {
		return true
	}
	silent := f.Code == orgflow.CodeUnavailable && f.VendorCode == ""
	return (silent || f.Code == orgflow.CodeUnknownOutcome) && activity.GetInfo(ctx).Attempt < patientAttempts
}
