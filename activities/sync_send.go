package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

const (
	// callTimeout bounds one record's calls once they have begun; a cancelled
	// run lets them end, so that it stops at an operation boundary.
	callTimeout = 2 * time.Minute
	// callGrace is how long a call in flight may go on once its run is
	// cancelled or paused. Cut off, its change stays in doubt: whoever claims
	// the record next reads it back.
	callGrace = 5 * time.Second
	// busyTries and doubtTries bound the attempts of one record.
	busyTries  = 3
	doubtTries = 4
	// patientAttempts is how many times an activity waits for a consumer that
	// does not answer at all before single records are failed for it.
	patientAttempts = 6
)

// result is one record's way through the consumer.
type result struct {
	change    store.ClaimedChange
	outcome   store.Outcome
	calls     int
	throttled int
	stop      error // the page cannot go on
	doubt     bool  // a call of this or an earlier attempt may have taken effect
	again     bool  // an update whose record was gone, sent as an insert
}

// send works through the claimed changes, recordsInFlight at a time, and
// records outcomes as they come. It returns early, with the rest unclaimed
// again, when the run is cancelled, the worker stops or the consumer refuses
// everything.
func (p *page) send(ctx context.Context) error {
	if b, many := p.consumer.(connectors.Batcher); many {
		return p.sendBatch(ctx, b)
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
				halt(orgflow.Faultf(orgflow.CodeUnavailable, "the worker is stopping; another one goes on"))
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
	if _, many := p.consumer.(connectors.Batcher); many {
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

// one sends one change and decides its state.
func (p *page) one(ctx context.Context, c store.ClaimedChange) result {
	started := p.sync.Now()
	r, decided := p.judgeBefore(c)
	if decided {
		return r
	}
	return p.deliver(ctx, r, started)
}

// judgeBefore decides what needs no call.
func (p *page) judgeBefore(c store.ClaimedChange) (r result, decided bool) {
	r = result{change: c, outcome: store.Outcome{ChangeID: c.ID, ConsumerID: c.ConsumerID}}
	r.doubt = c.InDoubt
	if full := p.full(c); full != nil {
		r.outcome.State, r.outcome.Fault = orgflow.Failed, full
		return r, true
	}
	if cause := p.moved(c); cause != "" {
		r.outcome.State, r.outcome.Note = orgflow.Skipped, cause
		return r, true
	}
	if cause := p.blockedBy(c); cause != "" {
		return r.blocked(cause), true
	}
	if p.notThere(c) {
		return r.waits(), true
	}
	return r, false
}

// deliver brings a change to the consumer and decides its state.
func (p *page) deliver(ctx context.Context, r result, started time.Time) result {
	r, ready, decided := p.ready(ctx, r)
	if decided {
		return r
	}
	receipt, fault := p.attempt(ctx, ready.effect, &r)
	r.calls += receipt.Calls
	if again, lost := p.lost(r, fault); lost {
		return p.deliver(ctx, again, started)
	}
	if fault != nil && p.stops(ctx, fault) {
		r.stop = fault
		return r
	}
	if fault != nil && fault.Code == orgflow.CodeQuota && r.change.Op == orgflow.Insert {
		p.quota.Store(r.change.Kind, fault)
	}
	p.judge(&r, ready, receipt, fault)
	if r.change.Aspect == orgflow.AspectInvitation && receipt.Writes == 0 {
		ready.effect.Fields, ready.effect.Ext = nil, nil // the log shows what was sent
	}
	r.outcome.Log = p.logEntry(r.change, ready, r.outcome, started, r.calls)
	return r
}

// ready makes a change's effect, or decides the change.
func (p *page) ready(ctx context.Context, r result) (_ result, ready prepared, decided bool) {
	c := r.change
	ready, blocked, err := prepareEffect(c.Change, p.bound[c.Key()], p.consumer.Profile(), p.ids)
	if err != nil {
		r.stop = err
		return r, ready, true
	}
	if blocked != "" {
		return p.orWaits(ctx, r, ready, blocked), ready, true
	}
	p.addInvitation(&ready, c)
	ready.effect.Key = orgflow.EffectKey(p.target.CompanyID, c.Key())
	ready.effect.InDoubt = r.doubt
	return r, ready, false
}

// full returns the fault that ended the inserts of the change's kind: where
// one record met the consumer's size cap, every other would too.
func (p *page) full(c store.ClaimedChange) *orgflow.Fault {
	if c.Op != orgflow.Insert || c.InDoubt || c.Aspect == orgflow.AspectInvitation {
		return nil
	}
	if f, ok := p.quota.Load(c.Kind); ok {
		return f.(*orgflow.Fault)
	}
	return nil
}

// blockedBy tells which change this one had to wait for did not succeed.
func (p *page) blockedBy(c store.ClaimedChange) string {
	for _, id := range c.DependsOn {
		switch st := p.states[id].State; st {
		case orgflow.Done, orgflow.Skipped, orgflow.PendingInvite:
		default:
			return fmt.Sprintf("change %d, which this one depends on, is %s", id, st)
		}
	}
	return ""
}

// attempt calls the consumer until the outcome is known. Throttling is
// waited out and never counts as a try; an unknown outcome is read back
// before the effect is repeated.
func (p *page) attempt(ctx context.Context, e connectors.Effect, r *result) (connectors.Receipt, *orgflow.Fault) {
	busy, doubt := 0, 0
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		receipt, err := p.call(ctx, e)
		if err == nil {
			return receipt, nil
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, Message: "no answer within " + callTimeout.String(), Err: err}
		}
		fault := orgflow.AsFault(err)
		switch fault.Code {
		case orgflow.CodeThrottled:
			r.throttled++
		case orgflow.CodeUnavailable:
			busy++
		case orgflow.CodeUnknownOutcome:
			e.InDoubt, r.doubt = true, true
			doubt++
		default:
			return receipt, fault
		}
		if busy >= busyTries || doubt >= doubtTries {
			return receipt, fault
		}
		r.calls += receipt.Calls
		if p.sync.Sleep(ctx, max(wait, fault.RetryAfter)) != nil {
			return connectors.Receipt{}, fault
		}
	}
}

// call makes one attempt, when the target has room for it. A run that stops
// calls off what still waits for its turn, and lets calls that have begun end.
func (p *page) call(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	if err := p.calls.Acquire(ctx, 1); err != nil {
		return connectors.Receipt{}, orgflow.Faultf(orgflow.CodeUnavailable, "stopped before the call was made")
	}
	defer p.calls.Release(1)
	call, cancel := context.WithTimeout(orgflow.WithOperation(context.WithoutCancel(ctx), ctx), callTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if canceled(ctx) && p.sync.Sleep(call, callGrace) == nil {
			cancel()
		}
	})
	defer stop()
	receipt, err := p.consumer.Apply(call, e)
	if errors.Is(err, context.Canceled) {
		err = &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, Message: "the run stopped and did not wait longer for the answer", Err: err}
	}
	return receipt, err
}

// canceled tells whether a page ends because its run is cancelled or paused,
// and not because the worker stops or somebody else goes first.
func canceled(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return errors.Is(cause, context.Canceled) || temporal.IsCanceledError(cause)
}

// stops tells whether a fault is about more than its record: it would meet
// every other record too, or the consumer does not answer at all.
func (p *page) stops(ctx context.Context, f *orgflow.Fault) bool {
	if f.StopsRun() || ctx.Err() != nil && f.Transient() || f.Code == orgflow.CodeThrottled {
		return true
	}
	silent := f.Code == orgflow.CodeUnavailable && f.VendorCode == ""
	return (silent || f.Code == orgflow.CodeUnknownOutcome) && activity.GetInfo(ctx).Attempt < patientAttempts
}

// judge turns an answer into the change's state and binding.
func (p *page) judge(r *result, ready prepared, receipt connectors.Receipt, fault *orgflow.Fault) {
	o, c := &r.outcome, r.change
	if receipt.ConsumerID != "" {
		o.ConsumerID = receipt.ConsumerID
	} else if o.ConsumerID == "" {
		o.ConsumerID = ready.effect.ConsumerID
	}
	if fault != nil {
		o.State, o.Fault, o.InDoubt = orgflow.Failed, fault, r.doubt
		switch fault.Code {
		case orgflow.CodeBlocked:
			o.State = orgflow.Blocked
		case orgflow.CodeNeedsHuman:
			o.State = orgflow.NeedsHuman
		default: // failed, as above
		}
		return
	}
	o.State = orgflow.Done
	if c.Op == orgflow.Delete {
		o.Unbind = true
		return
	}
	binding := &orgflow.Binding{
		Kind: c.Kind, SourceID: c.SourceID, ConsumerID: o.ConsumerID,
		Scope: p.run.Job.Params.Scope, State: orgflow.BindingActive,
	}
	if receipt.Pending {
		o.State, binding.State, binding.InvitedAt = orgflow.PendingInvite, orgflow.BindingPending, p.sync.Now()
	}
	if c.Aspect == orgflow.AspectInvitation && receipt.Pending && !receipt.Invited {
		o.Note = note(receipt, nil, false)
		return // nothing was sent: what is known of the invitation stays
	}
	p.refuse(c, &ready.accepted, receipt.Dropped)
	raw, err := ready.accepted.Encode()
	if err != nil {
		o.State, o.Fault = orgflow.Failed, orgflow.AsFault(err)
		return
	}
	binding.Payload, binding.Hash = raw, orgflow.Hash(raw)
	o.Binding, o.Adopted = binding, c.Adopted || c.Op == orgflow.Insert && receipt.Adopted
	o.Note = note(receipt, ready.dropped, r.again)
	if c.Aspect == orgflow.AspectInvitation && !receipt.Pending {
		o.Note = strings.TrimSuffix("has joined; "+o.Note, "; ")
	}
}

// note says what deviated from a plain success.
func note(receipt connectors.Receipt, soft []string, again bool) string {
	var out string
	add := func(s string) {
		if out != "" {
			out += "; "
		}
		out += s
	}
	if again {
		add("was no longer at the consumer and is inserted again; a reconcile run finds what else is missing there")
	}
	if receipt.Note != "" {
		add(receipt.Note)
	}
	if receipt.Adopted {
		add("was there already and was taken over")
	}
	for _, name := range receipt.Dropped {
		add(name + " was refused by the consumer and left out")
	}
	for _, name := range soft {
		add(name + " names somebody who is not at the consumer yet; a later run sets it")
	}
	return out
}

// logEntry is the provisioning log's line: what was sent, what came back.
// Sensitive values are masked.
func (p *page) logEntry(c store.ClaimedChange, ready prepared, o store.Outcome, started time.Time, calls int) *store.LogEntry {
	shown := map[string]any{}
	for name, v := range ready.effect.Fields {
		shown[name] = v
	}
	for label, v := range ready.effect.Ext {
		shown["ext."+label] = v
	}
	for _, name := range ready.accepted.Sensitive {
		for _, key := range []string{name, "ext." + name} {
			if _, ok := shown[key]; ok {
				shown[key] = "***"
			}
		}
	}
	request, err := json.Marshal(shown)
	if err != nil {
		request = nil
	}
	entry := &store.LogEntry{
		Kind: c.Kind, SourceID: c.SourceID, ConsumerID: o.ConsumerID, ChangeID: c.ID, Op: c.Op,
		Attempt: c.Attempts, Outcome: o.State, Message: o.Note, Request: request,
		Duration: p.sync.Now().Sub(started), Calls: calls,
	}
	if o.Fault != nil {
		entry.VendorCode, entry.Message = o.Fault.VendorCode, o.Fault.Message
	}
	return entry
}

// blocked ends a change whose prerequisite is missing; it costs no call.
func (r result) blocked(cause string) result {
	r.outcome.State, r.outcome.InDoubt = orgflow.Blocked, r.doubt
	r.outcome.Fault = &orgflow.Fault{Code: orgflow.CodeBlocked, Message: cause, Advice: "settle that first, then run again"}
	return r
}
