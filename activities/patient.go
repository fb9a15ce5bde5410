package activities

import (
	"context"
	"iter"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"orgflow"
)

// remoteTries bounds the attempts of one call that reads; throttling does not
// count.
const remoteTries = 3

// patiently repeats a call that reads while it fails for a passing reason,
// and returns how many calls that took and how often it was throttled.
func patiently(ctx context.Context, sleep func(context.Context, time.Duration) error, call func() (calls int, err error)) (spent, throttled int, err error) {
	tries := 1
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		calls, err := call()
		spent += calls
		if err == nil || ctx.Err() != nil {
			return spent, throttled, err
		}
		fault := orgflow.AsFault(err)
		switch {
		case fault.Code == orgflow.CodeThrottled:
			throttled++
		case !fault.Transient() || tries == remoteTries:
			return spent, throttled, err
		default:
			tries++
		}
		if err := sleep(ctx, max(wait, fault.RetryAfter)); err != nil {
			return spent, throttled, err
		}
	}
}

// each is a sequence that needs nobody to wait for it.
func each[T any](list []T) func(context.Context) iter.Seq[T] {
	return func(context.Context) iter.Seq[T] { return slices.Values(list) }
}

// inParallel does something for each of a sequence, so many at a time, until
// one fails, the activity is cancelled or the worker stops: then what has begun
// comes to its end, and errWorkerStops is the cause of what is returned. The
// sequence's context ends with the first failure, too.
func inParallel[T any](ctx context.Context, limit int, all func(context.Context) iter.Seq[T], do func(context.Context, T) error) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	stopped := false
	for one := range all(inner) {
		if stopped = workerStops(ctx); stopped || inner.Err() != nil {
			break
		}
		group.Go(func() error {
			if inner.Err() != nil {
				return inner.Err()
			}
			return do(inner, one)
		})
	}
	if err := group.Wait(); err != nil || !stopped {
		return err
	}
	return stopFault()
}
