package activities

import (
	"context"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"orgflow/internal/store"
)

// send works through the claimed changes, recordsInFlight at a time, and
// records outcomes as they come. It returns early, with the rest unclaimed
// again, when the run is cancelled, the worker stops or the consumer refuses
// everything.
func (p *page) send(ctx context.Context) error {
	if common := p.together(); common != nil {
		return p.sendBatch(ctx, common)
	}
	work := make(chan store.ClaimedChange)
	results := make(chan result, len(p.changes)) // calls go on while outcomes are written
	sending, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	go func() {
		defer close(work)
		for _, c := range p.changes {
			select {
			case work <- c:
			case <-sending.Done():
				return
			case <-activity.GetWorkerStopChannel(ctx):
				halt(stopFault())
				return
			}
		}
	}()
	var workers errgroup.Group
	for range recordsInFlight {
		workers.Go(func() error {
			for c := range work {
				if sending.Err() != nil {
					continue // handed out in the moment of the stop; its claim is given back
				}
				r := p.one(sending, c)
				if r.stop != nil {
					halt(r.stop)
				}
				results <- r
			}
			return nil
		})
	}
	go func() { _ = workers.Wait(); close(results) }()
	err := p.collect(context.WithoutCancel(ctx), results, halt)
	if err != nil {
		return err
	}
	if cause := context.Cause(sending); cause != nil {
		return cause
	}
	return nil
}

// collect records outcomes in batches until all workers are through, and
// gives back the claim on changes of which it is certain that no call took
// effect. Those in doubt stay claimed: the next attempt reads them back.
func (p *page) collect(ctx context.Context, results <-chan result, halt context.CancelCauseFunc) error {
	open := make(map[int]bool, len(p.changes))
	for _, c := range p.changes {
		open[c.ID] = !c.InDoubt
	}
	var batch []store.Outcome
	var failed error
	perWrite := outcomesPerWrite
	if p.together() != nil {
		perWrite = outcomesOfBatch // they come all at once
	}
	written := p.sync.Now()
	flush := func() {
		if len(batch) > 0 && failed == nil {
			if _, failed = p.sync.Store.RecordOutcomes(ctx, p.run.ID, batch); failed != nil {
				halt(failed)
			} else if err := p.mayGoOn(ctx); err != nil {
				halt(err)
			}
		}
		batch = batch[:0]
	}
	for r := range results {
		p.counters.Calls += r.calls
		p.counters.Throttled += r.throttled
		if r.stop != nil {
			open[r.change.ID] = !r.doubt
			continue
		}
		delete(open, r.change.ID)
		batch = append(batch, r.outcome)
		if now := p.sync.Now(); len(batch) >= perWrite || now.Sub(written) >= outcomesWithin {
			flush()
			written = now
		}
	}
	flush()
	if failed != nil {
		return failed
	}
	p.counters.TokenRenewals = p.sync.renewals(p.consumer)
	if err := p.sync.Store.AddCounters(ctx, p.run.ID, p.counters); err != nil {
		return err
	}
	untried := make([]int, 0, len(open))
	for id, certain := range open {
		if certain {
			untried = append(untried, id)
		}
	}
	return p.sync.Store.ReleaseClaims(ctx, p.run.ID, untried)
}
