package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
	"orgflow/workflows"
)

// Runs starts, steers and reads sync runs; HTTP and CLI share it.
type Runs struct {
	app *App

	mu       sync.Mutex
	progress map[string]progress

	pulls told // of changes, by events
}

// progress is a running run's summary as counted a moment ago: counting
// hundreds of thousands of changes for everybody who looks would slow the
// run down.
type progress struct {
	summary orgflow.Summary
	at      time.Time
}

// progressAge is how old a running run's counts may be.
const progressAge = time.Second

// Runs returns what starts, steers and reads runs.
func (a *App) Runs() *Runs { return &Runs{app: a, progress: map[string]progress{}} }

// Start starts a run of a valid job. raw is what the workflow gets, so that
// the Web UI shows the job as it was written.
func (r *Runs) Start(ctx context.Context, job orgflow.Job, raw json.RawMessage, opts api.StartOptions) (api.Started, error) {
	id := opts.WorkflowID
	if id == "" {
		suffix, err := randomSuffix()
		if err != nil {
			return api.Started{}, err
		}
		id = orgflow.SyncRunID(job.Target(), time.Now(), suffix)
	}
	cl, err := r.app.Dial(ctx)
	if err != nil {
		return api.Started{}, err
	}
	run, err := cl.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                r.app.Config.Temporal.TaskQueue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            headline(job),
		TypedSearchAttributes:                    workflows.RunAttributes("sync", job.Target(), orgflow.StatusRunning),
	}, orgflow.WorkflowSyncRun, raw)
	var taken *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &taken) && opts.IdempotencyKey != "":
		return r.started(id, taken.RunId), nil
	case errors.As(err, &taken):
		return api.Started{}, orgflow.Faultf(orgflow.CodeConflict, "a run with id %s exists already", id)
	case err != nil:
		return api.Started{}, unavailable("start the run", err)
	}
	return r.started(run.GetID(), run.GetRunID()), nil
}

// headline is a run on one line of the Web UI.
func headline(job orgflow.Job) string {
	line := fmt.Sprintf("%s → %s, company %d", strings.Join(job.Services, " + "), job.Consumer, job.CompanyID)
	if job.Params.Undo != "" {
		line = "undo of " + job.Params.Undo + ": " + line
	}
	return line
}

func (r *Runs) started(id, runID string) api.Started {
	return api.Started{ID: id, RunID: runID, URL: "/api/v1/sync-runs/" + url.PathEscape(id)}
}

// Summary returns a run as users see it. A run that was started a moment ago
// and has no record yet is shown from its workflow; so is the end of one that
// was terminated.
func (r *Runs) Summary(ctx context.Context, id string) (orgflow.Summary, error) {
	run, err := r.app.Store.GetRun(ctx, id)
	if isNotFound(err) {
		return r.unrecorded(ctx, id)
	}
	if err != nil {
		return orgflow.Summary{}, err
	}
	summary, err := r.counted(ctx, run)
	if err != nil || summary.Status.Terminal() {
		return summary, err
	}
	summary, _ = r.asItIs(ctx, run, summary) // else as its record says
	return summary, nil
}

// counted is a run as its record says, with counts that may be a moment old
// while it goes on.
func (r *Runs) counted(ctx context.Context, run store.Run) (orgflow.Summary, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run.Status.Terminal() {
		delete(r.progress, run.ID)
		return r.app.Store.Summary(ctx, run.ID)
	}
	if p, ok := r.progress[run.ID]; ok && time.Since(p.at) < progressAge {
		return p.summary, nil
	}
	summary, err := r.app.Store.Summary(ctx, run.ID)
	if err == nil {
		r.progress[run.ID] = progress{summary, time.Now()}
	}
	return summary, err
}

// unrecorded shows a workflow that has not written its record: it is about
// to, or its job was refused.
func (r *Runs) unrecorded(ctx context.Context, id string) (orgflow.Summary, error) {
	cl, err := r.app.Dial(ctx)
	if err != nil {
		return orgflow.Summary{}, err
	}
	info, err := unrecorded(ctx, cl, id, orgflow.WorkflowSyncRun)
	switch {
	case isNotFound(err):
		return orgflow.Summary{}, noRun(id, err)
	case err != nil:
		return orgflow.Summary{}, unavailable("look up run "+id, err)
	}
	if info.GetCloseTime() != nil {
		if summary, err := r.app.Store.Summary(ctx, id); !isNotFound(err) {
			return summary, err
		}
	}
	summary := api.Complete(orgflow.Summary{
		ID: id, RunID: info.GetFirstRunId(), Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare,
		StartedAt: info.GetStartTime().AsTime(),
	})
	if summary.FinishedAt, summary.Error, err = endOf(ctx, cl, info); summary.FinishedAt != nil {
		summary.Status = orgflow.StatusFailed
	}
	return summary, err
}

// workflowFault reads the fault a refused workflow ended with.
func workflowFault(err error) *orgflow.Fault {
	if err == nil {
		return nil
	}
	var app *temporal.ApplicationError
	var f orgflow.Fault
	if errors.As(err, &app) && app.HasDetails() && app.Details(&f) == nil {
		return &f
	}
	return orgflow.Faultf(orgflow.CodeInternal, "the workflow ended: %v", err)
}

// ListRuns lists runs, newest first.
func (r *Runs) ListRuns(ctx context.Context, f api.RunFilter) (api.RunPage, error) {
	filter := store.RunFilter{Company: f.CompanyID, Consumer: f.Consumer, Cursor: f.Cursor, Limit: f.Limit}
	if f.Status != "" {
		filter.Status = []orgflow.Status{f.Status}
	}
	runs, next, err := r.app.Store.ListRuns(ctx, filter)
	if err != nil {
		return api.RunPage{}, badCursor(err)
	}
	page, asks := api.RunPage{Runs: make([]orgflow.Summary, 0, len(runs)), NextCursor: next}, true
	for _, run := range runs {
		summary, err := r.app.Store.Summary(ctx, run.ID)
		if err != nil {
			return api.RunPage{}, err
		}
		if asks && !summary.Status.Terminal() {
			summary, err = r.asItIs(ctx, run, summary)
			asks = err == nil
		}
		page.Runs = append(page.Runs, summary)
	}
	return page, nil
}

// ListChanges lists a run's changes in canonical order.
func (r *Runs) ListChanges(ctx context.Context, id string, f api.ChangeFilter) (api.ChangePage, error) {
	if _, err := r.app.Store.GetRun(ctx, id); err != nil {
		return api.ChangePage{}, noRun(id, err)
	}
	changes, next, err := r.app.Store.ListChanges(ctx, id, store.ChangeFilter{
		State: f.State, Op: f.Op, Kind: f.Kind, Cursor: f.Cursor, Limit: f.Limit,
	})
	for i, c := range changes {
		changes[i] = c.Shown()
	}
	return api.ChangePage{Changes: changes, NextCursor: next}, badCursor(err)
}

// RecordLog lists what was sent for one record, newest first.
func (r *Runs) RecordLog(ctx context.Context, target orgflow.Target, key orgflow.RecordKey, cursor string, limit int) (api.LogPage, error) {
	entries, next, err := r.app.Store.RecordLog(ctx, target, key, cursor, limit)
	if err != nil {
		return api.LogPage{}, badCursor(err)
	}
	page := api.LogPage{Entries: make([]api.LogEntry, len(entries)), NextCursor: next}
	for i, e := range entries {
		page.Entries[i] = api.LogEntry{
			ID: e.ID, At: e.At, RunID: e.RunID, ChangeID: e.ChangeID, Op: e.Op, ConsumerID: e.ConsumerID,
			Attempt: e.Attempt, Outcome: e.Outcome, VendorCode: e.VendorCode, Message: e.Message,
			Request: e.Request, DurationMS: e.Duration.Milliseconds(), Calls: e.Calls,
		}
	}
	return page, nil
}

func randomSuffix() (string, error) {
	b := make([]byte, 2)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("random run id: %w", err)
	}
	return hex.EncodeToString(b), nil
}

func unavailable(what string, err error) error {
	return &orgflow.Fault{
		Code: orgflow.CodeUnavailable, Message: fmt.Sprintf("cannot %s: Temporal answered: %v", what, err),
		Advice: "check that Temporal runs and ORGFLOW_TEMPORAL_ADDR names it", Err: err,
	}
}

func noRun(id string, err error) error {
	if !isNotFound(err) {
		return err
	}
	return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: fmt.Sprintf("there is no run %q", id), Advice: "GET /api/v1/sync-runs or starter runs list shows all", Err: err}
}

func badCursor(err error) error {
	if errors.Is(err, store.ErrBadCursor) {
		return &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Message: err.Error(), Field: "cursor", Err: err}
	}
	return err
}
