package activities

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"orgflow"
)

// What still runs when the time of a stopping worker is nearly over is cut
// off, and that is a failure which is tried again, whatever the activity makes
// of it; what ends by itself is left alone.
func TestAStoppingWorkerHandsOverWhatDoesNotEnd(t *testing.T) {
	final := temporal.NewNonRetryableApplicationError("refused", "invalid_record", nil)
	for _, c := range []struct {
		name   string
		stops  time.Duration // after the activity's begin; 0: never
		takes  time.Duration
		answer error // of an activity that was cut off
		wants  time.Duration
		handed bool
	}{
		{"ends in time", time.Second, 20 * time.Second, nil, 20 * time.Second, false},
		{"does not end", time.Second, time.Hour, context.Canceled, 21 * time.Second, true},
		{"takes the cut for a failure for good", time.Second, time.Hour, final, 21 * time.Second, true},
		{"the worker does not stop", 0, time.Minute, nil, time.Minute, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stopping := make(chan struct{})
				if c.stops > 0 {
					time.AfterFunc(c.stops, func() { close(stopping) })
				}
				began := time.Now()
				err := workOn(stopping, func(ctx context.Context) error {
					select {
					case <-time.After(c.takes):
						return nil
					case <-ctx.Done():
						return c.answer
					}
				})
				if took := time.Since(began); took != c.wants {
					t.Errorf("it took %s, want %s", took, c.wants)
				}
				var app *temporal.ApplicationError
				switch handed := errors.As(err, &app) && app.Type() == string(orgflow.CodeUnavailable) && !app.NonRetryable(); {
				case handed != c.handed:
					t.Errorf("it ended with %v", err)
				case !c.handed && err != nil:
					t.Error(err)
				}
			})
		})
	}
}

// An activity that was asked to end for another reason ends with its own words.
func TestACancelledActivityIsNotHandedOver(t *testing.T) {
	stopping := make(chan struct{})
	close(stopping)
	own := temporal.NewNonRetryableApplicationError("own words", "canceled", nil)
	err := workOn(stopping, func(context.Context) error { return own })
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != "canceled" || !app.NonRetryable() {
		t.Errorf("got %v", err)
	}
}

// workOn performs an activity in a worker that hands over after 20 seconds.
func workOn(stopping chan struct{}, do func(context.Context) error) error {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{HandOver(20 * time.Second)}})
	env.SetWorkerStopChannel(stopping)
	env.RegisterActivity(do)
	_, err := env.ExecuteActivity(do)
	return err
}
