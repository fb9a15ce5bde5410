package transport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"time"

	"golang.org/x/time/rate"

	"orgflow"
)

// Limiter lets one call go. *rate.Limiter is one; a budget shared by several
// processes (Shared) is another.
type Limiter interface {
	// Wait returns when the call may be made, or with an error if the
	// context ends first.
	Wait(ctx context.Context) error
}

// Holder is a Limiter that can let everybody who shares it pause.
type Holder interface {
	// Hold lets no call go before d has passed.
	Hold(ctx context.Context, d time.Duration) error
}

// steady is the share of a budget that evenly spaced calls use: the rest
// absorbs that calls leave and arrive some milliseconds early or late, so
// that no second ever sees more than the budget.
const steady = 0.96

// PerSecond returns a limiter that lets no second have more than n calls,
// evenly spaced, or one that never waits when n is 0 or less.
func PerSecond(n float64) Limiter {
	if n <= 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(n*steady), 1)
}

// Rate waits for the limiter before each request. A deadline too near to
// get a turn is answered as CodeThrottled, an effect that is called
// off before its first call (orgflow.WithOperation) as CodeUnavailable;
// nothing was sent then.
//
// The turn is for now, not for later: where a request reaches its connection
// late (a new one had to be made, the machine was busy) it waits for another
// turn there, and one that is late on the wire all the same is reported to
// the limiter. Rate must stand outside BodyCap, like Timeout.
func Rate(l Limiter) Layer {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			if err := turn(req.Context(), l); err != nil {
				closeBody(req)
				return nil, err
			}
			ctx, cancel := context.WithCancelCause(req.Context())
			defer cancel(nil)
			d := departure{limiter: l, at: time.Now()}
			res, err := next.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, d.trace(ctx, cancel))))
			if missed := (*noTurn)(nil); err != nil && errors.As(context.Cause(ctx), &missed) {
				return nil, waitError(req.Context(), missed.err)
			}
			return res, err
		})
	}
}

type patienceKey struct{}

// WithPatience bounds how long each call of ctx waits for its turn: one that
// gets none is CodeThrottled. It is for whoever only wants to know how things
// are, beside a run that uses the budget up or a pause of minutes.
func WithPatience(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, d)
}

// turn waits for the limiter, as long as the call is wanted.
func turn(ctx context.Context, l Limiter) error {
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if d, bounded := ctx.Value(patienceKey{}).(time.Duration); bounded {
		var end context.CancelFunc
		waiting, end = context.WithTimeout(waiting, d)
		defer end()
	}
	if off := orgflow.CalledOff(ctx); off != nil {
		go func() {
			select {
			case <-off:
				cancel(errCalledOff)
			case <-waiting.Done():
			}
		}()
	}
	err := l.Wait(waiting)
	if errors.Is(context.Cause(waiting), errCalledOff) {
		return errCalledOff
	}
	if err != nil {
		return waitError(ctx, err)
	}
	orgflow.Begin(ctx)
	return nil
}

var errCalledOff = orgflow.Faultf(orgflow.CodeUnavailable, "not sent: the run stopped before the call's turn came")

func waitError(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if f := (*orgflow.Fault)(nil); errors.As(err, &f) {
		return f
	}
	f := &orgflow.Fault{
		Code:    orgflow.CodeThrottled,
		Message: "the rate budget gave the call no turn in time; nothing was sent",
	}
	if late := (*TooLate)(nil); errors.As(err, &late) {
		f.RetryAfter = late.In
	}
	if !errors.Is(err, context.DeadlineExceeded) { // which would say that a call was cut short
		f.Err = err
	}
	return f
}

// closeBody honours RoundTripper's duty to close the request's body.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
