package workflows

import (
	"cmp"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"orgflow"
	"orgflow/activities"
)

const (
	// pageSize is how many changes one activity handles: what a killed worker
	// has claimed without sending is read back, so a page is not large.
	pageSize = 64
	// pagesInFlight bounds the fan-out. Each page calls several records at a
	// time itself; there are more pages than the calls in flight need, so that
	// one page's beginning and end hide behind the others' calls.
	pagesInFlight = 6
)

// stop is why sending ended before everything was sent.
type stop int

const (
	through stop = iota // it did not: nothing is left
	steered             // somebody paused the run, or it gives way to another
	full                // the history is long
)

// apply sends the plan: wave after wave in canonical order, the pages of a
// wave in parallel. Where it stops between two changes, it goes on with what
// is open then.
func (r *syncRun) apply(ctx workflow.Context) error {
	for {
		why, err := r.send(ctx)
		switch {
		case err != nil || why == through:
			return err
		case why == full:
			// A new execution goes on; its Prepare answers with the waves
			// that are still open.
			return workflow.NewContinueAsNewError(ctx, orgflow.WorkflowSyncRun, r.job)
		}
		if err := r.standBy(ctx); err != nil {
			return err
		}
	}
}

// send sends what is open until something stops it: as a push of everybody
// where plan and consumer want one, else wave after wave.
func (r *syncRun) send(ctx workflow.Context) (stop, error) {
	pages, halt := workflow.WithCancel(ctx)
	defer halt()
	r.steering.halt = halt
	if r.info.Plan.Push {
		if why, err := r.push(ctx, pages); err != nil || why != through {
			return why, err
		}
	}
	for _, wave := range r.info.Plan.Waves {
		r.show(ctx, wave.Phase, "sending")
		if why, err := r.sendWave(ctx, pages, wave); err != nil || why != through {
			return why, err
		}
	}
	return through, nil
}

// sendWave keeps pagesInFlight pages running until the wave is through. The
// first page that fails ends the wave; pages in flight are waited for, so
// that nothing runs unobserved.
func (r *syncRun) sendWave(ctx, pages workflow.Context, wave activities.Wave) (stop, error) {
	var failed error
	cut := false // a page ended before it was through
	inFlight := 0
	results := workflow.NewSelector(ctx)
	begin := func(p activities.ApplyParams) {
		inFlight++
		summary := fmt.Sprintf("%s: changes %d–%d", p.Phase, p.From, p.To)
		page := workflow.ExecuteActivity(remote(pages, summary), orgflow.ActivityApplyPage, p)
		results.AddFuture(page, func(f workflow.Future) {
			inFlight--
			var got activities.PageResult
			err := f.Get(ctx, &got)
			switch {
			case stopped(err) && ctx.Err() == nil:
				cut = true // paused; what it sent is read when the run goes on
			case err != nil:
				failed = cmp.Or(failed, err)
			default:
				r.record(ctx, wave.Phase, got)
				cut, r.steering.yield = cut || got.Yield, r.steering.yield || got.Yield
				failed = cmp.Or(failed, r.breaker.trip())
			}
		})
	}
	next := wave.From
	var why stop
	for {
		why = r.mayNotSend(ctx, cut)
		for next <= wave.To && inFlight < r.pagesAtATime(wave) && failed == nil && why == through {
			to := min(next+cmp.Or(wave.Import, wave.PageSize, r.info.Plan.PageSize, pageSize)-1, wave.To)
			begin(activities.ApplyParams{RunID: r.info.RunID, Phase: wave.Phase, From: next, To: to, Insist: r.steering.insist, Import: wave.Import > 0})
			next = to + 1
		}
		if inFlight == 0 {
			break
		}
		results.Select(ctx)
		r.steering.insist = false
	}
	if failed == nil && !cut && next > wave.To {
		why = through // whoever wanted it to stop finds it at the end of the wave
	}
	return why, failed
}

// mayNotSend tells what keeps the next page from being sent, if anything.
func (r *syncRun) mayNotSend(ctx workflow.Context, cut bool) stop {
	switch {
	case cut || r.steering.pause != nil:
		return steered
	case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
		return full
	}
	return through
}

// pagesAtATime is how many pages may be in flight: one where the run owes
// itself a page before it gives way again, where most changes fail, and of
// import jobs, which consumers take one at a time.
func (r *syncRun) pagesAtATime(wave activities.Wave) int {
	if r.steering.insist || wave.Import > 0 {
		return 1
	}
	return r.breaker.pages()
}

// record adds a page's outcomes to what query and details show.
func (r *syncRun) record(ctx workflow.Context, phase orgflow.Phase, page activities.PageResult) {
	if r.summary.Applied == nil {
		r.summary.Applied = map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{}
	}
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		for _, op := range []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete} {
			add, ok := page.Done[kind][op]
			if !ok {
				continue
			}
			if r.summary.Applied[kind] == nil {
				r.summary.Applied[kind] = map[orgflow.Op]orgflow.Applied{}
			}
			sum := r.summary.Applied[kind][op]
			sum.Done += add.Done
			sum.Failed += add.Failed
			sum.Blocked += add.Blocked
			sum.Pending = max(0, sum.Pending-add.Done-add.Failed-add.Blocked)
			r.summary.Applied[kind][op] = sum
		}
	}
	r.summary.Progress.Done = min(r.summary.Progress.Total, r.summary.Progress.Done+page.Settled)
	r.summary.Calls += page.Calls
	r.breaker.add(page)
	r.show(ctx, phase, "sending")
}
