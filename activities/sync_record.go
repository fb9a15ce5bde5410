package activities

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"orgflow"
	"orgflow/internal/store"
	"orgflow/internal/trail"
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

// one sends one change and decides its state.
func (p *page) one(ctx context.Context, c store.ClaimedChange) result {
	ctx = trail.With(ctx, slog.String("record", c.Key().String()), slog.Int("change", c.ID))
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

// blocked ends a change whose prerequisite is missing; it costs no call.
func (r result) blocked(cause string) result {
	r.outcome.State, r.outcome.InDoubt = orgflow.Blocked, r.doubt
	r.outcome.Fault = &orgflow.Fault{Code: orgflow.CodeBlocked, Message: cause, Advice: "settle that first, then run again"}
	return r
}
