// Package workflows holds the durable orchestration: each file reads top to
// bottom like the business document it carries out. Everything that touches
// the world is an activity.
package workflows

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

// SyncRun carries out one job: prepare, fetch, plan, apply, finish. Its
// input is the job's JSON, so that a job can be pasted into the Web UI; its
// result is the run summary.
//
// Pages of work continue in a new execution when the history grows; what is
// done stands in the database, so that nothing but the job is carried over.
func SyncRun(ctx workflow.Context, job json.RawMessage) (orgflow.Summary, error) {
	run := &syncRun{job: job}
	if err := run.setup(ctx); err != nil {
		return orgflow.Summary{}, err
	}
	if err := run.prepare(ctx); err != nil {
		return orgflow.Summary{}, err
	}
	err := run.steps(ctx)
	if workflow.IsContinueAsNewError(err) {
		return orgflow.Summary{}, err
	}
	return run.finish(ctx, err)
}

// syncRun is the state of one execution: what its query and its details show.
type syncRun struct {
	job     json.RawMessage
	info    activities.Prepared
	summary orgflow.Summary
	note    string // what is being done, for the Web UI

	approval approval
	steering steering
	breaker  breaker
	ending   orgflow.Status // status to end with; empty: the outcomes decide
}

// setup makes the run readable before anything else happens.
func (r *syncRun) setup(ctx workflow.Context) error {
	info := workflow.GetInfo(ctx)
	r.summary = orgflow.Summary{
		ID: info.WorkflowExecution.ID, RunID: info.FirstRunID,
		Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare,
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, orgflow.QueryStatus,
		func() (orgflow.Summary, error) { return r.summary, nil },
		workflow.QueryHandlerOptions{Description: "The run summary: phase, progress, counts and outcomes"})
	if err != nil {
		return err
	}
	if err := r.listen(ctx); err != nil {
		return err
	}
	return r.steer(ctx)
}

// prepare checks the job and freezes its files. A job refused here has left
// no trace in the database. It runs even when the workflow is cancelled: its
// end has to be known, so that a run it has recorded is finished.
func (r *syncRun) prepare(ctx workflow.Context) error {
	r.show(ctx, orgflow.PhasePrepare, "checking the job and its files")
	info := workflow.GetInfo(ctx)
	detached, _ := workflow.NewDisconnectedContext(ctx)
	err := workflow.ExecuteActivity(bookkeeping(detached, "check the job, freeze its files"), orgflow.ActivityPrepareRun, activities.PrepareParams{
		Job: r.job, WorkflowID: info.WorkflowExecution.ID, FirstRunID: info.FirstRunID,
	}).Get(ctx, &r.info)
	if err != nil {
		r.summary.Status = orgflow.StatusFailed
		r.summary.Error = faultOf(err)
		r.show(ctx, orgflow.PhasePrepare, "refused: "+r.summary.Error.Error())
		return refusal(err)
	}
	r.summary = r.info.Summary
	if r.summary.Fetch == nil {
		r.summary.Fetch = map[orgflow.Kind]orgflow.FetchCount{}
	}
	r.steering.pause = r.summary.Paused // of the execution before
	return r.tag(ctx, r.summary.Status)
}

// steps is the work between prepare and finish.
func (r *syncRun) steps(ctx workflow.Context) error {
	if err := r.hold(ctx); err != nil {
		return err
	}
	if !r.info.Fetched {
		if err := r.fetch(ctx); err != nil {
			return err
		}
	}
	if !r.info.Send {
		return nil
	}
	if r.info.Plan == nil {
		if err := r.remote(ctx); err != nil {
			return err
		}
		if err := r.plan(ctx); err != nil {
			return err
		}
	}
	if r.info.DryRun {
		return nil
	}
	if err := r.apply(ctx); err != nil {
		return err
	}
	var err error
	r.ending, err = r.approve(ctx)
	return err
}

// hold takes the target for this run alone, waiting for its turn where the
// job says so, and proves that the consumer can be reached before anything
// is read or written.
func (r *syncRun) hold(ctx workflow.Context) error {
	params := activities.RunParams{RunID: r.info.RunID}
	r.show(ctx, orgflow.PhasePrepare, "waiting for the target "+r.info.Target.String())
	if err := workflow.ExecuteActivity(bookkeeping(ctx, "hold the target"), orgflow.ActivityHoldTarget, params).Get(ctx, nil); err != nil {
		return err
	}
	if !r.info.Send || r.info.DryRun || r.info.Plan != nil {
		return nil
	}
	r.show(ctx, orgflow.PhasePrepare, "checking address, credentials and permissions")
	return workflow.ExecuteActivity(reading(ctx, "check the consumer's credentials"), orgflow.ActivityCheckConsumer, params).Get(ctx, nil)
}

// fetch reads the kinds of the job into base_sync_data, departments first.
func (r *syncRun) fetch(ctx workflow.Context) error {
	for _, kind := range r.info.Kinds {
		r.show(ctx, orgflow.PhaseFetch, "reading "+string(kind)+" records")
		var cursor activities.FetchCursor
		for !cursor.Done {
			var got activities.Fetched
			err := workflow.ExecuteActivity(reading(ctx, "read "+string(kind)+" records from the source"), orgflow.ActivityFetchPages, activities.FetchParams{
				RunID: r.info.RunID, Kind: kind, From: cursor,
			}).Get(ctx, &got)
			if err != nil {
				return err
			}
			cursor = got.Cursor
			r.summary.Fetch[kind] = got.Count
			r.show(ctx, orgflow.PhaseFetch, "reading "+string(kind)+" records")
		}
	}
	return nil
}

// remote reads what the consumer holds, where the plan has to know it.
func (r *syncRun) remote(ctx workflow.Context) error {
	var read activities.RemoteCount
	for r.info.Remote && !read.Done {
		r.show(ctx, orgflow.PhasePlan, fmt.Sprintf("reading what the consumer holds: %d departments, %d persons so far", read.Departments, read.Persons))
		err := workflow.ExecuteActivity(remote(ctx, "read what the consumer holds"), orgflow.ActivityReadRemote,
			activities.RunParams{RunID: r.info.RunID}).Get(ctx, &read)
		if err != nil {
			return err
		}
	}
	return nil
}

// plan freezes all changes before the first is sent.
func (r *syncRun) plan(ctx workflow.Context) error {
	r.show(ctx, orgflow.PhasePlan, "comparing with what the consumer last accepted")
	var planned activities.Planned
	err := workflow.ExecuteActivity(planning(ctx, "plan all changes"), orgflow.ActivityPlanRun,
		activities.RunParams{RunID: r.info.RunID}).Get(ctx, &planned)
	if err != nil {
		return err
	}
	r.adopt(&planned)
	return nil
}

// adopt makes a plan, as it stands in the database, the one to carry out.
func (r *syncRun) adopt(planned *activities.Planned) {
	r.info.Plan = planned
	r.summary.Plan = planned.Counts
	r.summary.Applied = planned.Done
	r.summary.ParkedDeletes = planned.ParkedDeletes
	r.summary.Irreversible = planned.Irreversible
	r.summary.Progress = orgflow.Progress{Total: planned.Total, Done: planned.Settled}
}

// finish records how the run ended, whatever ended it, and releases the
// target. It runs even when the workflow is cancelled.
func (r *syncRun) finish(ctx workflow.Context, cause error) (orgflow.Summary, error) {
	r.steering.ending = true
	canceled := cause != nil && ctx.Err() != nil && stopped(cause)
	params := activities.FinishParams{RunID: r.info.RunID, Canceled: canceled, Status: r.ending}
	if cause != nil && !canceled {
		params.Fault = faultOf(cause)
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	var summary orgflow.Summary
	err := workflow.ExecuteActivity(bookkeeping(detached, "record the outcome, release the target"), orgflow.ActivityFinishRun, params).Get(detached, &summary)
	if err != nil {
		return orgflow.Summary{}, err
	}
	r.summary = summary
	r.show(ctx, summary.Phase, "ended: "+string(summary.Status))
	if err := r.tag(detached, summary.Status); err != nil {
		return summary, err
	}
	switch {
	case canceled:
		return summary, ctx.Err()
	case cause != nil:
		return summary, refusal(cause)
	}
	return summary, nil
}

// faultOf reads the fault an activity ended with.
func faultOf(err error) *orgflow.Fault {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		var f orgflow.Fault
		if app.HasDetails() && app.Details(&f) == nil && f.Code != "" {
			return &f
		}
		return &orgflow.Fault{Code: orgflow.CodeInternal, Message: app.Message()}
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "no worker answered in time: " + timeout.Message()}
	}
	return &orgflow.Fault{Code: orgflow.CodeInternal, Message: err.Error()}
}

// refusal makes the workflow fail with the fault's own words, not retried.
func refusal(err error) error {
	f := faultOf(err)
	return temporal.NewNonRetryableApplicationError(f.Error(), string(f.Code), nil, *f)
}
