package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"orgflow"
)

// errWorkerStops is the cause of what ends early, whatever attempt it is,
// because this worker stops: another one goes on at once.
var errWorkerStops = errors.New("the worker is stopping; another one goes on")

// stopFault is errWorkerStops as the fault of a page.
func stopFault() *orgflow.Fault {
	return &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: errWorkerStops.Error(), Err: errWorkerStops}
}

// workerStops tells whether the worker takes no new work any more.
func workerStops(ctx context.Context) bool {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// HandOver gives activities that still run so long after their worker began
// to stop to another one: their context ends, and what they fail with then is
// tried again, whatever it is. Without it they would be cut off when the
// worker's stop time-out is over, and nobody would go on before their
// heartbeat or start-to-close time-out (Temporal reference § 3). So after must
// leave the rest of the stop time-out for the answer to reach the server.
// An activity may be cut off anywhere, as by a kill, and every one may run twice.
func HandOver(after time.Duration) interceptor.WorkerInterceptor { return &handOver{after: after} }

type handOver struct {
	interceptor.WorkerInterceptorBase
	after time.Duration
}

// InterceptActivity puts the hand-over around every activity.
func (h *handOver) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &handedOver{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, after: h.after}
}

type handedOver struct {
	interceptor.ActivityInboundInterceptorBase
	after time.Duration
}

// ExecuteActivity runs the activity under a context that ends in time.
func (h *handedOver) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go h.watch(ctx, end)
	out, err := h.Next.ExecuteActivity(ctx, in)
	if err == nil || !errors.Is(context.Cause(ctx), errWorkerStops) {
		return out, err
	}
	// Whatever it says, it was cut off: not the run's failure.
	return nil, temporal.NewApplicationErrorWithOptions(errWorkerStops.Error(), string(orgflow.CodeUnavailable),
		temporal.ApplicationErrorOptions{Category: temporal.ApplicationErrorCategoryBenign, Details: []any{*stopFault()}})
}

// watch ends the context when its time is over; it returns with the activity.
func (h *handedOver) watch(ctx context.Context, end context.CancelCauseFunc) {
	select {
	case <-activity.GetWorkerStopChannel(ctx):
	case <-ctx.Done():
		return
	}
	timer := time.NewTimer(h.after)
	defer timer.Stop()
	select {
	case <-timer.C:
		end(errWorkerStops)
	case <-ctx.Done():
	}
}
