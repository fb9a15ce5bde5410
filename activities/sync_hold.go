package activities

import (
	"context"
	"fmt"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

const (
	// holdFor outlives every run: a hold ends when its run does, or when its
	// workflow turns out to have ended without saying so.
	holdFor = 10 * 365 * 24 * time.Hour
	// lookEvery is how often a run looks whether it is its turn, queueEvery
	// one in the queue, for which somebody may be making room.
	lookEvery  = 5 * time.Second
	queueEvery = time.Second
)

// HoldTarget takes the target for this run. Repeating it by the same run
// answers at once. A target held by a run whose workflow has ended, or was
// terminated, is taken over; so is the place of such a run in the queue.
func (s *Sync) HoldTarget(ctx context.Context, p RunParams) error {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return temporalError(err)
	}
	target := run.Job.Target()
	for {
		_, holder, ok, err := s.Store.AcquireTarget(ctx, target, run.ID, holdFor, s.Now())
		if err != nil || ok {
			return temporalError(err)
		}
		other, gone, err := s.buried(ctx, target, holder)
		if err != nil {
			return temporalError(err)
		}
		if !gone {
			return temporalError(s.wait(ctx, run, other, p.Wait))
		}
	}
}

// buried records the end of a run whose workflow was terminated, releases its
// target and takes it out of the queue.
func (s *Sync) buried(ctx context.Context, target orgflow.Target, holder string) (store.Run, bool, error) {
	run, err := s.Store.GetRun(ctx, holder)
	if err != nil {
		return run, false, err
	}
	running, err := s.Executions.Running(ctx, run.WorkflowID, run.FirstRunID)
	if err != nil || running {
		return run, false, err
	}
	fault := orgflow.Faultf(orgflow.CodeCanceled, "the workflow was terminated before the run ended")
	if _, err := s.Store.FinishRun(ctx, holder, orgflow.StatusCanceled, fault, nil); err != nil {
		return run, false, err
	}
	if err := s.Store.Dequeue(ctx, holder); err != nil {
		return run, false, err
	}
	return run, true, s.Store.ReleaseTarget(ctx, target, holder)
}

// wait decides what a run does that cannot have its target now: it is tried
// again where the run waits for its turn, and is final otherwise.
//
// A run for single records waits in the queue, ahead of others, whatever its
// job says, when what it finds gives way. One that is in the queue stays
// there, except behind a paused run, which may stand there for days. Others
// that wait come after the queue: a run of everything must not come between
// one that has given way and its rest.
func (s *Sync) wait(ctx context.Context, run, holder store.Run, wait bool) error {
	queued, err := s.Store.KeepPlace(ctx, run.Job.Target(), run.ID, s.Now())
	if err != nil {
		return err
	}
	f := busy(run.Job, holder)
	first := urgent(run.Job) && givesWay(holder)
	patient := wait || run.Job.Params.OnRunning == orgflow.RunningWait
	if !patient && !first && (!queued || holder.Status == orgflow.StatusPaused) {
		if err := s.Store.Dequeue(ctx, run.ID); err != nil {
			return err
		}
		return f
	}
	f.Code, f.RetryAfter = orgflow.CodeThrottled, lookEvery
	if urgent(run.Job) && !queued {
		queued = true
		err = s.Store.QueueForTarget(ctx, run.Job.Target(), run.ID, true, s.Now())
	}
	if queued {
		f.RetryAfter = queueEvery
	}
	if err != nil {
		return err
	}
	return f
}

// urgent tells whether a job is for single records that somebody waits for.
func urgent(job orgflow.Job) bool {
	return len(job.Params.SourceIDs) > 0 && job.Has(orgflow.StageSend) && !job.Params.DryRun
}

// givesWay tells whether a run stops between two changes, or ends, to let one
// for single records go first. A paused one keeps what it has.
func givesWay(r store.Run) bool { return !urgent(r.Job) && r.Status == orgflow.StatusRunning }

// busy names the run that holds the target, and says what to do.
func busy(job orgflow.Job, holder store.Run) *orgflow.Fault {
	f := &orgflow.Fault{
		Code:    orgflow.CodeTargetBusy,
		Message: fmt.Sprintf("%s is held by run %s", job.Target(), holder.ID),
		Advice:  `wait for it, cancel it, or start with params.on_running "wait"`,
	}
	if holder.Status == orgflow.StatusPaused && holder.Paused != nil {
		f.Message += ", which is paused " + holder.Paused.String()
		f.Advice = fmt.Sprintf("resume it (starter runs resume %s) or cancel it (starter runs cancel %s)", holder.ID, holder.ID)
	}
	return f
}
