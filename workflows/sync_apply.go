package workflows

import (
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

// apply sends the plan: wave after wave in canonical order, the pages of a
// wave in parallel.
func (r *syncRun) apply(ctx workflow.Context) error {
	for _, wave := range r.info.Plan.Waves {
		r.show(ctx, wave.Phase, "sending")
		if err := r.applyWave(ctx, wave); err != nil {
			return err
		}
	}
	return nil
}

// applyWave keeps pagesInFlight pages running until the wave is through. The
// first page that fails ends the wave; pages in flight are waited for, so
// that nothing runs unobserved.
func (r *syncRun) applyWave(ctx workflow.Context, wave activities.Wave) error {
	var failed error
	inFlight := 0
	results := workflow.NewSelector(ctx)
	send := func(from, to int) {
		inFlight++
		summary := fmt.Sprintf("%s: changes %d–%d", wave.Phase, from, to)
		page := workflow.ExecuteActivity(remote(ctx, summary), orgflow.ActivityApplyPage,
			activities.ApplyParams{RunID: r.info.RunID, Phase: wave.Phase, From: from, To: to})
		results.AddFuture(page, func(f workflow.Future) {
			inFlight--
			var got activities.PageResult
			if err := f.Get(ctx, &got); err != nil {
				if failed == nil {
					failed = err
				}
				return
			}
			r.record(ctx, wave.Phase, got)
			if failed == nil {
				failed = r.breaker.trip()
			}
		})
	}
	next := wave.From
	for {
		full := workflow.GetInfo(ctx).GetContinueAsNewSuggested()
		for next <= wave.To && inFlight < r.breaker.pages() && failed == nil && !full {
			to := min(next+pageSize-1, wave.To)
			send(next, to)
			next = to + 1
		}
		if inFlight == 0 {
			break
		}
		results.Select(ctx)
	}
	if failed == nil && next <= wave.To {
		// The history is long: go on in a new execution. Its Prepare answers
		// with the waves that are still open.
		return workflow.NewContinueAsNewError(ctx, orgflow.WorkflowSyncRun, r.job)
	}
	return failed
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
