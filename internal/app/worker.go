package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/api"
	"orgflow/internal/telemetry"
	"orgflow/internal/temporalx"
	"orgflow/internal/transport"
	"orgflow/internal/version"
	"orgflow/workflows"
)

const (
	// stopTimeout is how long a stopping worker waits for pages in flight.
	stopTimeout = 25 * time.Second
	// handOverAfter is how long they are waited for before another worker is
	// given what is left; the rest of stopTimeout is for the answers.
	handOverAfter = 20 * time.Second
	// hearEvery is how often a heartbeat goes to the server at most: it is
	// how soon an activity hears that its run is cancelled or paused.
	hearEvery = 2 * time.Second
)

// Tuning says how much a worker does at a time (Temporal reference § 3). What
// other values do is measured by "bench tune".
type Tuning struct {
	// Activities is how many run at a time, most of them waiting for a vendor.
	Activities int
	// Pollers is how many calls wait for activities, and as many others for
	// workflow tasks.
	Pollers int
	// Workflows is how many a process keeps in memory between their tasks, some
	// 45 KB each. Most wait for people for days; one that is not kept is read
	// again from its history.
	Workflows int
}

// UsualTuning is what every worker has.
func UsualTuning() Tuning { return Tuning{Activities: 32, Pollers: 4, Workflows: 1000} }

// WithTuning sets another tuning than the usual one, for measurements.
func WithTuning(t Tuning) Option {
	return func(a *App) { a.tuning = t }
}

// Worker returns a worker for all workflows and activities, not started.
func (a *App) Worker(cl client.Client) worker.Worker {
	worker.SetStickyWorkflowCacheSize(a.tuning.Workflows)
	w := worker.New(cl, a.Config.Temporal.TaskQueue, worker.Options{
		WorkerStopTimeout:                  stopTimeout,
		MaxConcurrentActivityExecutionSize: a.tuning.Activities,
		MaxConcurrentActivityTaskPollers:   a.tuning.Pollers,
		MaxConcurrentWorkflowTaskPollers:   a.tuning.Pollers,
		MaxHeartbeatThrottleInterval:       hearEvery,
		DefaultHeartbeatThrottleInterval:   hearEvery,
		Interceptors:                       []interceptor.WorkerInterceptor{activities.HandOver(handOverAfter)},
	})
	workflows.Register(w)
	a.Sync(cl).Register(w)
	a.messages().Register(w)
	a.orgActivities(cl).Register(w)
	a.loadActivities(cl).Register(w)
	a.FlowActivities().Register(w)
	a.Data().Register(w)
	return w
}

// Sync returns the activities of a sync run.
func (a *App) Sync(cl client.Client) *activities.Sync {
	return &activities.Sync{
		Store: a.counted(), Files: a.Meta, Connectors: a.Connectors,
		Executions: executions{cl}, Now: time.Now, Sleep: transport.Wait,
	}
}

// executions asks Temporal whether a run's workflow is still there.
type executions struct{ client client.Client }

// Running reports whether the workflow that began with firstRunID still
// runs; one that continued as new counts as the same.
func (e executions) Running(ctx context.Context, workflowID, firstRunID string) (bool, error) {
	d, err := e.client.DescribeWorkflowExecution(ctx, workflowID, "")
	var notFound *serviceerror.NotFound
	if errors.As(err, &notFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info := d.GetWorkflowExecutionInfo()
	return info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING && info.GetFirstRunId() == firstRunID, nil
}

// RunWorker checks database and Temporal and works until ctx ends. Pages in
// flight are finished or handed over before it returns.
func (a *App) RunWorker(ctx context.Context) error {
	cl, err := a.ready(ctx)
	if err != nil {
		return err
	}
	stopMetrics, err := a.serveMetrics(ctx)
	if err != nil {
		return err
	}
	defer stopMetrics()
	w := a.Worker(cl)
	if err := w.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	sweeping, watching := make(chan struct{}), make(chan struct{})
	go func() { defer close(sweeping); a.SweepFlows(ctx) }()
	a.ScheduleRetention(ctx, cl)
	a.Log.Info("worker started", "version", version.Number(), "task_queue", a.Config.Temporal.TaskQueue)
	go func() { defer close(watching); a.WatchSchedules(ctx, cl) }()
	a.WatchMessages(ctx, cl) // until the worker is to stop
	a.Log.Info("worker stopping, pages in flight are handed over")
	w.Stop()
	<-sweeping
	<-watching
	return nil
}

// ensureAttributes registers the search attributes without which no run can
// be started.
func (a *App) ensureAttributes(ctx context.Context, cl client.Client) error {
	return temporalx.EnsureSearchAttributes(ctx, cl, a.Config.Temporal.Namespace, orgflow.SearchAttributes())
}

// serveMetrics serves /metrics and /healthz where the settings say so, until
// stop: while pages in flight are finished too, when ctx has ended already.
func (a *App) serveMetrics(ctx context.Context) (stop func(), err error) {
	if a.Config.MetricsAddr == "" {
		return func() {}, nil
	}
	l, err := api.Listen(a.Config.MetricsAddr, "ORGFLOW_METRICS_ADDR")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", telemetry.MetricsHandler(a.Metrics))
	mux.HandleFunc("GET /healthz", a.healthz)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := api.ServeListener(ctx, l, mux, a.Log); err != nil {
			a.Log.Error("metrics endpoint ended", "error", err)
		}
	}()
	return func() { cancel(); <-done }, nil
}

// healthz answers 200 while database and Temporal answer.
func (a *App) healthz(w http.ResponseWriter, r *http.Request) {
	for _, check := range []func(context.Context) error{a.Store.CheckSchema, a.checkTemporal} {
		if err := check(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = io.WriteString(w, "ok\n") // a prober that went away needs no answer
}

// Supersede signals a waiting run.
func (e executions) Supersede(ctx context.Context, workflowID, byRun string) (bool, error) {
	err := e.client.SignalWorkflow(ctx, workflowID, "", orgflow.SignalSupersede, byRun)
	var notFound *serviceerror.NotFound
	if errors.As(err, &notFound) {
		return false, nil
	}
	return err == nil, err
}
