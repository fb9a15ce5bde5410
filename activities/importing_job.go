package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
)

const (
	// importPoll and importPollMost are the pace at which a job is asked for,
	// slower and slower: jobs take seconds to minutes.
	importPoll     = time.Second
	importPollMost = 10 * time.Second
	// importGrace is how long a cancelled or paused run waits for the job
	// under way, so that its outcomes are known. What it leaves behind is
	// waited for by whoever sends next.
	importGrace = 5 * time.Minute
)

// errNotStarted is the cause of a fault that says that a run stopped before
// a job began.
var errNotStarted = errors.New("the run stopped before the import began")

// start begins a job. While another import runs at the consumer it waits.
func (s *slice) start(ctx context.Context, file connectors.Import, in map[int]bool) (connectors.ImportJob, *orgflow.Fault) {
	busy, doubt := 0, 0
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		if f := stoppedWorker(ctx); f != nil {
			return connectors.ImportJob{}, f
		}
		if ctx.Err() != nil {
			return connectors.ImportJob{}, &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: errNotStarted.Error(), Err: errNotStarted}
		}
		job, fault := s.call(orgflow.WithOperation(context.WithoutCancel(ctx), ctx), func(ctx context.Context) (job connectors.ImportJob, r connectors.Receipt, err error) {
			return s.importer.StartImport(ctx, file)
		})
		if fault == nil || fault.Code == orgflow.CodeUnknownOutcome {
			for id := range in {
				s.sent[id] = true
			}
		}
		if fault == nil {
			return job, nil
		}
		switch fault.Code {
		case orgflow.CodeThrottled: // waited out
		case orgflow.CodeUnavailable:
			busy++
		case orgflow.CodeUnknownOutcome:
			doubt++
		default:
			return job, fault
		}
		if busy >= busyTries || doubt >= doubtTries {
			return job, fault
		}
		_ = s.sync.Sleep(ctx, max(wait, fault.RetryAfter)) // why it ends is looked at above
	}
}

// await asks for a job until it is done and returns its lines; none where
// nobody knows them any more.
func (s *slice) await(ctx context.Context, job connectors.ImportJob) ([]connectors.ImportLine, error) {
	busy, grace := 0, time.Duration(0)
	for wait := importPoll; ; wait = min(2*wait, importPollMost) {
		if f := stoppedWorker(ctx); f != nil {
			return nil, f
		}
		if err := s.sync.Store.RenewTarget(context.WithoutCancel(ctx), s.target, s.run.ID, holdFor, s.sync.Now()); err != nil {
			return nil, holdLost(err)
		}
		result, fault := s.poll(ctx, job)
		pause := wait
		switch {
		case fault == nil && result.Done:
			return result.Lines, nil
		case fault == nil:
			busy = 0
		case fault.Code == orgflow.CodeNotFound:
			return nil, nil
		case fault.Code == orgflow.CodeThrottled:
			pause = max(wait, fault.RetryAfter)
		case fault.Transient():
			if busy++; busy >= busyTries {
				return nil, fault
			}
		default:
			return nil, fault
		}
		if ctx.Err() != nil {
			if grace += pause; grace > importGrace {
				return nil, context.Cause(ctx)
			}
		}
		s.nap(ctx, pause)
	}
}

// poll asks for a job, also for a run that has been stopped: its turn comes.
func (s *slice) poll(ctx context.Context, job connectors.ImportJob) (result connectors.ImportResult, fault *orgflow.Fault) {
	_, fault = s.call(context.WithoutCancel(ctx), func(ctx context.Context) (_ connectors.ImportJob, r connectors.Receipt, err error) {
		result, r, err = s.importer.PollImport(ctx, job)
		return job, r, err
	})
	return result, fault
}

// call makes a call of a job. ctx outlives a stop of the run; where it names
// the run's operation, a stop calls off what still waits for its turn.
func (s *slice) call(ctx context.Context, do func(context.Context) (connectors.ImportJob, connectors.Receipt, error)) (connectors.ImportJob, *orgflow.Fault) {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	job, receipt, err := do(call)
	fault := faultIn(err)
	s.counters.Calls += receipt.Calls
	if fault != nil && fault.Code == orgflow.CodeThrottled {
		s.counters.Throttled++
	}
	return job, fault
}

// nap waits, whether or not the run is cancelled, until the worker stops.
func (s *slice) nap(ctx context.Context, d time.Duration) {
	asleep, wake := context.WithCancel(context.WithoutCancel(ctx))
	defer wake()
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			wake()
		case <-asleep.Done():
		}
	}()
	_ = s.sync.Sleep(asleep, d) // why it ends is looked at by the caller
}

// stoppedWorker is the fault of a worker that stops: another one goes on.
func stoppedWorker(ctx context.Context) *orgflow.Fault {
	if workerStops(ctx) {
		return stopFault()
	}
	return nil
}
