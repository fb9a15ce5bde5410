package activities

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// outcomesOfBatch is how many outcomes of a batch one transaction records.
const outcomesOfBatch = 500

// refer loads what the records' last accepted states refer to, for a consumer
// that is sent whole records.
func (p *page) refer(ctx context.Context) error {
	if !p.consumer.Profile().WholeRecords {
		return nil
	}
	var keys []orgflow.RecordKey
	for _, b := range p.bound {
		payload, err := orgflow.DecodePayload(orEmpty(b.Payload))
		if err != nil {
			return err
		}
		keys = append(keys, refsOf(payload)...)
	}
	more, err := p.sync.Store.BindingIDs(ctx, p.target, keys)
	maps.Copy(p.ids, more)
	return err
}

// together is the call that takes all changes of the page at once; nil where
// each goes by itself.
func (p *page) together() func(context.Context, []connectors.Effect) connectors.Batch {
	switch c := p.consumer.(type) {
	case connectors.Batcher:
		return c.ApplyBatch
	case connectors.Remover:
		if !slices.ContainsFunc(p.changes, func(c store.ClaimedChange) bool { return c.Kind != orgflow.Person || c.Op != orgflow.Delete }) {
			return c.RemovePersons
		}
	}
	return nil
}

// sendBatch sends the claimed changes in as few calls as the consumer takes
// them in, and records outcomes like send.
func (p *page) sendBatch(ctx context.Context, common func(context.Context, []connectors.Effect) connectors.Batch) error {
	results := make(chan result, len(p.changes))
	sending, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	go func() {
		defer close(results)
		d := &batch{page: p, common: common, results: results, halt: halt, started: p.sync.Now()}
		for _, c := range p.changes {
			d.admit(sending, c)
		}
		d.deliver(sending, activity.GetWorkerStopChannel(ctx))
	}()
	if err := p.collect(context.WithoutCancel(ctx), results, halt); err != nil {
		return err
	}
	return context.Cause(sending)
}

// batch is a page's changes on their way in common calls.
type batch struct {
	*page
	common  func(context.Context, []connectors.Effect) connectors.Batch
	results chan<- result
	halt    context.CancelCauseFunc
	started time.Time
	open    []waiting // not decided yet
}

// waiting is a change that is ready to be sent.
type waiting struct {
	result
	ready prepared
}

// admit makes a change ready or decides it without a call.
func (d *batch) admit(ctx context.Context, c store.ClaimedChange) {
	r, decided := d.judgeBefore(c)
	if decided {
		d.results <- r
		return
	}
	r, ready, decided := d.ready(ctx, r)
	if r.stop != nil {
		d.halt(r.stop)
	}
	if decided {
		d.results <- r
		return
	}
	d.open = append(d.open, waiting{r, ready})
}

// deliver sends what is open until the outcome of every change is known, or
// nothing more can be done.
func (d *batch) deliver(ctx context.Context, stopping <-chan struct{}) {
	effects := make([]connectors.Effect, len(d.open))
	for i, w := range d.open {
		effects[i] = w.ready.effect
	}
	courier := courier{sync: d.sync, calls: d.calls, stopping: stopping, send: d.common}
	parcels, open := courier.deliver(ctx, effects)
	stop := error(nil)
	if open != nil && (d.stops(ctx, open) || errors.Is(open, errWorkerStops)) {
		stop = open
	}
	if stop != nil {
		d.halt(stop)
	}
	for i, w := range d.open {
		p := parcels[i]
		w.doubt = w.doubt || p.doubt
		if i == 0 { // common calls are counted once
			w.calls, w.throttled = courier.spent.Calls, courier.throttled
		}
		if p.open && stop != nil {
			w.stop = stop
		} else {
			d.judge(&w.result, w.ready, p.receipt, p.fault)
			w.outcome.Log = d.logEntry(w.change, w.ready, w.outcome, d.started, 1)
		}
		d.results <- w.result
	}
}
