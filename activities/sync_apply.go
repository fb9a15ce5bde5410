package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/semaphore"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

const (
	// recordsInFlight is how many records of a page are sent at a time,
	// callsInFlight how many of a target over all pages of this worker.
	recordsInFlight = 8
	callsInFlight   = 32
	// outcomesPerWrite is how many outcomes one transaction records at most,
	// outcomesWithin how long one waits for others where calls are slow: it
	// is what a watcher sees, and what a killed worker has to read back.
	outcomesPerWrite = 50
	outcomesWithin   = time.Second
	// heartbeatEvery keeps an activity alive while it waits for its budget,
	// and is how soon it hears that the run is cancelled or paused.
	heartbeatEvery = 2 * time.Second
)

// errYield ends a page before which a run for single records goes.
var errYield = errors.New("a run for single records waits for the target")

// ApplyPage sends a range of planned changes, several at a time, and records
// each outcome with its binding and log line in one transaction.
//
// Repeating is harmless: changes with a final state are skipped, and a change
// that an earlier attempt had claimed without recording its outcome is read
// back at the consumer before it is sent again.
//
// Where a run for single records waits for the target, the page of any other
// run stops between two changes and says so.
func (s *Sync) ApplyPage(ctx context.Context, p ApplyParams) (PageResult, error) {
	stop := keepAlive(ctx)
	defer stop()
	page, err := s.page(ctx, p)
	if errors.Is(err, errYield) {
		return PageResult{Yield: true}, nil
	}
	if err != nil {
		return PageResult{}, temporalError(err)
	}
	if importer, files := page.consumer.(connectors.Importer); files {
		err = page.imports(ctx, importer, p.Import)
	}
	if err == nil {
		err = page.send(ctx)
	}
	yield := errors.Is(err, errYield)
	if err != nil && !yield {
		return PageResult{}, temporalError(err)
	}
	done, settled, err := s.Store.CountPage(ctx, p.RunID, p.From, p.To)
	if err != nil {
		return PageResult{}, temporalError(err)
	}
	return PageResult{Settled: settled, Done: done, Calls: page.counters.Calls, Yield: yield}, nil
}

// page is one activity's share of a wave.
type page struct {
	sync     *Sync
	run      store.Run
	target   orgflow.Target
	consumer connectors.Consumer
	changes  []store.ClaimedChange
	ids      resolver
	bound    map[orgflow.RecordKey]orgflow.Binding // of the records themselves
	states   map[int]store.ChangeState             // of the changes these depend on
	quota    sync.Map                              // kind → fault that ended its inserts
	counters store.Counters
	calls    *semaphore.Weighted // the target's calls in flight, over all pages
	insist   bool                // give way to nobody
}

// page claims the changes that are still open and loads what they refer to.
func (s *Sync) page(ctx context.Context, p ApplyParams) (*page, error) {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return nil, err
	}
	if err := s.Store.RenewTarget(ctx, run.Job.Target(), run.ID, holdFor, s.Now()); err != nil {
		return nil, holdLost(err)
	}
	pg := &page{sync: s, run: run, target: run.Job.Target(), insist: p.Insist}
	if err := pg.mayGoOn(ctx); err != nil {
		return nil, err
	}
	if err := s.Store.SetPhase(ctx, run.ID, p.Phase); err != nil {
		return nil, err
	}
	consumer, _, err := s.consumer(run.Job)
	if err != nil {
		return nil, err
	}
	changes, err := s.Store.ClaimPage(ctx, run.ID, p.From, p.To)
	if err != nil {
		return nil, err
	}
	pg.consumer, pg.changes, pg.calls = consumer, changes, s.callsOf(consumer)
	var keys, own []orgflow.RecordKey
	var depends []int
	for _, c := range changes {
		keys, own = append(keys, c.Key()), append(own, c.Key())
		depends = append(depends, c.DependsOn...)
		if payload, err := orgflow.DecodePayload(orEmpty(c.Payload)); err == nil {
			keys = append(keys, refsOf(payload)...)
		}
	}
	if pg.ids, err = s.Store.BindingIDs(ctx, pg.target, keys); err != nil {
		return nil, err
	}
	if pg.bound, err = s.Store.BindingsOf(ctx, pg.target, own); err != nil {
		return nil, err
	}
	if err := pg.refer(ctx); err != nil {
		return nil, err
	}
	pg.states, err = s.Store.StatesOf(ctx, run.ID, depends)
	return pg, err
}

// mayGoOn returns errYield where a run for single records waits, and ends a
// run that does not hold its target any more. It is asked before a page and
// whenever outcomes are recorded: once a second at most, but before much more
// is sent.
func (p *page) mayGoOn(ctx context.Context) error {
	wanted, err := p.sync.Store.Wanted(ctx, p.target, p.run.ID, p.sync.Now())
	if err != nil {
		return holdLost(err)
	}
	if wanted && !p.insist && !urgent(p.run.Job) {
		return errYield
	}
	return nil
}

// holdLost ends a run whose target another run has taken.
func holdLost(err error) error {
	if !errors.Is(err, store.ErrHoldLost) {
		return err
	}
	return &orgflow.Fault{Code: orgflow.CodeTargetBusy, Message: err.Error(), Advice: "look at the runs of this target; start the job again", Err: err}
}

// keepAlive heartbeats until stopped: a page may wait long for its rate
// budget or a slow answer, and cancellation reaches an activity through
// heartbeats only. details, if any, go along: the next attempt gets the last
// ones.
func keepAlive(ctx context.Context, details ...func() any) (stop func()) {
	ctx, stop = context.WithCancel(ctx)
	beat := func() {
		values := make([]any, len(details))
		for i, d := range details {
			values[i] = d()
		}
		activity.RecordHeartbeat(ctx, values...)
	}
	go func() {
		tick := time.NewTicker(heartbeatEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				beat()
			}
		}
	}()
	return stop
}
