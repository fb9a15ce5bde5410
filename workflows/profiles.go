package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Activity options come from these few profiles; a workflow never writes its
// own.

// heartbeatTimeout is how long a killed worker's page waits for another one.
// Activities heartbeat every two seconds.
const heartbeatTimeout = 20 * time.Second

// bookkeeping is for short steps against our own database and files.
func bookkeeping(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         retry(30*time.Second, 0),
		Summary:             summary,
	})
}

// planning may take minutes on a large organisation and proves its life.
func planning(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retry(30*time.Second, 5),
		Summary:             summary,
	})
}

// remote is for pages of remote calls. A vendor that is down is waited for:
// about an hour and a half of attempts, then the run fails with its words.
func remote(ctx workflow.Context, summary string) workflow.Context {
	return paged(ctx, summary, 2*time.Hour, retry(2*time.Minute, 50))
}

// reading is for pages of the source: repeating is free of effects, but an
// operator who typed a wrong address wants to know soon.
func reading(ctx workflow.Context, summary string) workflow.Context {
	return paged(ctx, summary, 2*time.Hour, retry(time.Minute, 4))
}

// loading is for windows of an ERP, and for what else of a load may take long.
// An ERP that is away is waited for, about a minute and a half a window; then
// the load fails and leaves the local table as it was.
func loading(ctx workflow.Context, summary string) workflow.Context {
	return paged(ctx, summary, 12*time.Hour, retry(time.Minute, 7))
}

// paged is for pages of somebody else's system: they prove their life, and a
// cancelled page is waited for, because what it did must be known.
func paged(ctx workflow.Context, summary string, most time.Duration, policy *temporal.RetryPolicy) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: most,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         policy,
		WaitForCancellation: true,
		Summary:             summary,
	})
}

// stepping is for the steps of an approval flow: one transaction each. A
// database that is down is waited for. The timeout is how long a step of a
// killed worker waits for another one.
func stepping(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 20 * time.Second,
		},
		Summary: summary,
	})
}

// calling is for the calls of trigger nodes: the activity itself gives up. It
// proves its life, so that a call is given up at once when nobody waits for it.
func calling(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retry(time.Minute, 0),
		Summary:             summary,
	})
}

func retry(most time.Duration, attempts int32) *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    time.Second,
		BackoffCoefficient: 2,
		MaximumInterval:    most,
		MaximumAttempts:    attempts,
	}
}
