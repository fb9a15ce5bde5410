package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// Cancel asks a run to stop at the next operation boundary. Who asks is
// written down first: the run's last step puts the name into its notes.
func (r *Runs) Cancel(ctx context.Context, id string, s api.Steering) error {
	return r.ask(ctx, activities.AuditCancel, id, func(cl client.Client, run store.Run) error {
		if err := r.audit(ctx, run, activities.AuditCancel, s); err != nil {
			return err
		}
		err := cl.CancelWorkflow(ctx, run.WorkflowID, "")
		if err != nil {
			err = errors.Join(err, r.audit(ctx, run, activities.AuditCancelFailed, s))
		}
		return err
	})
}

// Pause makes a run stop sending and keep its target.
func (r *Runs) Pause(ctx context.Context, id string, s api.Steering) error {
	return r.decide(ctx, orgflow.UpdatePause, id, s)
}

// Resume lets a paused run go on.
func (r *Runs) Resume(ctx context.Context, id string, s api.Steering) error {
	return r.decide(ctx, orgflow.UpdateResume, id, s)
}

// Approve lets a run's parked changes go.
func (r *Runs) Approve(ctx context.Context, id string, s api.Steering) error {
	return r.decide(ctx, orgflow.UpdateApprove, id, s)
}

// Reject gives a run's parked changes up.
func (r *Runs) Reject(ctx context.Context, id string, s api.Steering) error {
	return r.decide(ctx, orgflow.UpdateReject, id, s)
}

// decide sends a decision and returns when the run has taken it.
func (r *Runs) decide(ctx context.Context, update, id string, s api.Steering) error {
	return r.ask(ctx, update, id, func(cl client.Client, run store.Run) error {
		handle, err := cl.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: run.WorkflowID, UpdateName: update,
			Args:         []any{orgflow.Decision{By: who(s), Reason: s.Reason}},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err != nil {
			return err
		}
		if err := handle.Get(ctx, nil); err != nil {
			return err
		}
		return r.audit(ctx, run, update, s)
	})
}

// ask does something to a run that has not ended.
func (r *Runs) ask(ctx context.Context, action, id string, do func(client.Client, store.Run) error) error {
	run, err := r.app.Store.GetRun(ctx, id)
	if err != nil {
		return noRun(id, err)
	}
	if run.Status.Terminal() {
		return orgflow.Faultf(orgflow.CodeConflict, "run %s has ended already: %s", id, run.Status)
	}
	cl, err := r.app.Dial(ctx)
	if err != nil {
		return err
	}
	err = do(cl, run)
	var gone *serviceerror.NotFound
	var refused *temporal.ApplicationError
	var ours *orgflow.Fault
	switch {
	case errors.As(err, &gone):
		return orgflow.Faultf(orgflow.CodeConflict, "the workflow of run %s has ended", id)
	case errors.As(err, &refused):
		return workflowFault(err)
	case errors.As(err, &ours): // the database's
		return err
	case err != nil:
		return unavailable(action+" run "+id, err)
	}
	return nil
}

func (r *Runs) audit(ctx context.Context, run store.Run, action string, s api.Steering) error {
	return r.app.Store.Audit(ctx, auditOf(run, action, s))
}

// auditAct writes down an act that is repeated under a key, if it has one,
// once: its repetition writes what the first time was killed before.
func (r *Runs) auditAct(ctx context.Context, key string, e store.AuditEntry) error {
	if key == "" {
		return r.app.Store.Audit(ctx, e)
	}
	return r.app.Store.AuditOnce(ctx, "audit:"+key, e)
}

func auditOf(run store.Run, action string, s api.Steering) store.AuditEntry {
	return store.AuditEntry{
		CompanyID: run.Job.CompanyID, Who: who(s), Action: action, Subject: run.ID, From: s.Origin(), Detail: s.Reason,
	}
}

func who(s api.Steering) string { return cmp.Or(s.By, s.Key, "unknown") }

// Retry starts the run's job again for the records that did not succeed.
func (r *Runs) Retry(ctx context.Context, id string, s api.Steering) (api.Started, error) {
	run, err := r.app.Store.GetRun(ctx, id)
	if err != nil {
		return api.Started{}, noRun(id, err)
	}
	if !run.Status.Terminal() {
		return api.Started{}, orgflow.Faultf(orgflow.CodeConflict, "run %s has not ended: %s", id, run.Status)
	}
	if run.Job.Params.Undo != "" {
		return r.undoAgain(ctx, run, s)
	}
	job := run.Job
	if job.Params.SourceIDs, err = r.unsuccessful(ctx, id); err != nil {
		return api.Started{}, err
	}
	if len(job.Params.SourceIDs) == 0 {
		return api.Started{}, orgflow.Faultf(orgflow.CodeConflict, "nothing failed in run %s", id)
	}
	return r.startFor(ctx, "retry", run, job, s)
}

// startFor starts a job that somebody wants because of an ended run, once for
// the text that stands for the act. The id is stored before the start: if that
// fails, its repetition uses the same one.
func (r *Runs) startFor(ctx context.Context, act string, run store.Run, job orgflow.Job, s api.Steering) (api.Started, error) {
	raw, err := json.Marshal(job)
	if err != nil {
		return api.Started{}, fmt.Errorf("job for the %s of run %s: %w", act, run.ID, err)
	}
	opts := api.StartOptions{By: who(s)}
	if s.Once != "" {
		sum := sha256.Sum256([]byte(strings.Join([]string{act, run.ID, string(raw), s.Key, s.Once}, "\x00")))
		opts.IdempotencyKey = "act:" + hex.EncodeToString(sum[:])
		if opts.WorkflowID, _, err = r.app.Store.Remember(ctx, opts.IdempotencyKey, api.RunID(job, time.Now())); err != nil {
			return api.Started{}, fmt.Errorf("remember the %s of run %s: %w", act, run.ID, err)
		}
	}
	started, err := r.Start(ctx, job, raw, opts)
	if err != nil {
		return api.Started{}, err
	}
	return started, r.auditAct(ctx, opts.IdempotencyKey, auditOf(run, act+" as "+started.ID, s))
}

// unsuccessful lists the records whose change failed, was blocked or held.
func (r *Runs) unsuccessful(ctx context.Context, id string) ([]string, error) {
	var keys []string
	seen := map[orgflow.RecordKey]bool{}
	for _, state := range []orgflow.State{orgflow.Failed, orgflow.Blocked, orgflow.Held, orgflow.Disputed} {
		for cursor := ""; ; {
			changes, next, err := r.app.Store.ListChanges(ctx, id, store.ChangeFilter{State: state, Cursor: cursor, Limit: 1000})
			if err != nil {
				return nil, err
			}
			for _, c := range changes {
				if !seen[c.Key()] {
					seen[c.Key()] = true
					keys = append(keys, c.Key().String())
				}
			}
			if next == "" {
				break
			}
			cursor = next
		}
	}
	return keys, nil
}
