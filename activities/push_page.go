package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// AddToPush puts the next records of a push into its task. Repeating it adds
// the same records again, which changes nothing: a task takes a record once,
// by its id, and has no effect before it is completed.
func (s *Sync) AddToPush(ctx context.Context, p PushParams) (Pushing, error) {
	defer keepAlive(ctx)()
	out, err := s.addToPush(ctx, p)
	return out, temporalError(err)
}

func (s *Sync) addToPush(ctx context.Context, p PushParams) (Pushing, error) {
	t, err := s.pushTarget(ctx, p.RunID)
	if err != nil {
		return Pushing{}, err
	}
	push, err := s.Store.PushOf(ctx, p.RunID)
	switch {
	case err != nil:
		return Pushing{}, err
	case push.State != store.PushOpen:
		return pushing(push), nil
	case push.Round != p.Round || push.Task == "":
		return Pushing{Lost: true}, nil // an earlier attempt has given it up
	}
	records, err := s.Store.PushPage(ctx, p.RunID, push.Next, t.consumer.BatchLimit(), true)
	if err != nil || len(records) == 0 {
		return pushing(push), err
	}
	page, err := s.pushPage(ctx, t, records)
	if err != nil {
		return Pushing{}, err
	}
	if err := s.Store.SetPhase(ctx, p.RunID, orgflow.PhaseOf(records[0].Kind, orgflow.Insert)); err != nil {
		return Pushing{}, err
	}
	declined, err := page.add(ctx, t.consumer, push.Task)
	calls := page.counters.Calls
	if counted := s.Store.AddCounters(context.WithoutCancel(ctx), p.RunID, page.counters); counted != nil {
		return Pushing{}, counted
	}
	switch {
	case errors.Is(err, connectors.ErrTaskGone):
		return Pushing{Lost: true, Calls: calls}, s.Store.LosePush(ctx, p.RunID, p.Round, false)
	case err != nil:
		return Pushing{}, err
	case declined != "":
		return Pushing{Declined: declined, Calls: calls}, s.Store.DeclinePush(ctx, p.RunID, declined)
	}
	push.Next = records[len(records)-1].Pos + 1
	out := pushing(push)
	out.Kind, out.Calls = records[0].Kind, calls
	return out, s.Store.SavePushPage(ctx, p.RunID, p.Round, push.Next, page.records)
}

// pushPage is one activity's share of a push.
type pushPage struct {
	*page
	records []store.PushRecord
}

// pushPage loads what records and their changes refer to.
func (s *Sync) pushPage(ctx context.Context, t pushTarget, records []store.PushRecord) (*pushPage, error) {
	pg := &page{sync: s, run: t.run, target: t.run.Job.Target(), consumer: t.consumer, calls: s.callsOf(t.consumer)}
	var own, refs []orgflow.RecordKey
	var depends []int
	for _, r := range records {
		own = append(own, r.Key())
		if r.Change == nil {
			continue
		}
		depends = append(depends, r.Change.DependsOn...)
		payload, err := orgflow.DecodePayload(orEmpty(r.Change.Payload))
		if err != nil {
			return nil, err
		}
		refs = append(refs, refsOf(payload)...)
	}
	var err error
	if pg.bound, err = s.Store.BindingsOf(ctx, pg.target, own); err != nil {
		return nil, err
	}
	for _, b := range pg.bound {
		payload, err := orgflow.DecodePayload(orEmpty(b.Payload))
		if err != nil {
			return nil, err
		}
		refs = append(refs, refsOf(payload)...)
	}
	if pg.ids, err = s.Store.BindingIDs(ctx, pg.target, append(own, refs...)); err != nil {
		return nil, err
	}
	pushed, err := s.Store.PushIDs(ctx, t.run.ID, refs)
	if err != nil {
		return nil, err
	}
	maps.Copy(pg.ids, pushed)
	pg.states, err = s.Store.StatesOf(ctx, t.run.ID, depends)
	return &pushPage{page: pg, records: records}, err
}

// add puts the page into a task and notes what became of each record.
// declined says why the push must not be completed.
func (p *pushPage) add(ctx context.Context, consumer connectors.Pusher, task string) (declined string, err error) {
	var load, kept []outgoing
	for i := range p.records {
		if e, goes, err := p.outgoing(i); err != nil {
			return "", err
		} else if goes {
			load = append(load, e)
		}
	}
	refused, err := p.send(ctx, consumer, task, load)
	if err != nil {
		return "", err
	}
	for _, o := range refused {
		r := &p.records[o.index]
		again, known := p.asAccepted(o.index)
		switch {
		case !o.changed:
			return unkeepable(*r, o.fault), nil
		case r.Change.Op == orgflow.Delete || !known: // absent is what it shall be, or was
		default:
			kept = append(kept, again)
		}
		r.State, r.Fault = store.PushRefused, o.fault
	}
	refused, err = p.send(ctx, consumer, task, kept)
	if err == nil && len(refused) > 0 {
		return unkeepable(p.records[refused[0].index], refused[0].fault), nil
	}
	return "", err
}

// unkeepable is why a push is given up: it would disable somebody.
func unkeepable(r store.PushRecord, f *orgflow.Fault) string {
	return fmt.Sprintf("%s %s was refused even as it was last accepted (%s %s), and without it the push would disable it", r.Kind, r.SourceID, f.VendorCode, f.Message)
}

// outgoing is a record on its way into the task.
type outgoing struct {
	index   int
	effect  connectors.Effect
	changed bool // as its change wants it, not as last accepted
	fault   *orgflow.Fault
}

// outgoing decides how a record goes into the task; goes is false for one
// that nobody knows and that cannot come.
func (p *pushPage) outgoing(i int) (o outgoing, goes bool, err error) {
	r := &p.records[i]
	r.State, r.Fault = store.PushKept, nil
	if r.Change != nil && r.Change.State == orgflow.Planned {
		ready, cause, err := p.wanted(*r)
		if err != nil {
			return o, false, err
		}
		if cause == nil {
			r.State = store.PushAdded
			return outgoing{index: i, effect: ready.effect, changed: true}, true, nil
		}
		r.State, r.Fault = store.PushBlocked, cause
		if cause.Code != orgflow.CodeBlocked {
			r.State = store.PushMoved
		}
	}
	o, goes = p.asAccepted(i)
	return o, goes, nil
}

// wanted makes a record's change ready; cause says why it does not go.
func (p *pushPage) wanted(r store.PushRecord) (ready prepared, cause *orgflow.Fault, err error) {
	if moved := p.moved(store.ClaimedChange{Change: *r.Change}); moved != "" {
		return ready, orgflow.Faultf(orgflow.CodeConflict, "%s", moved), nil
	}
	ready, blocked, err := prepareEffect(*r.Change, p.bound[r.Key()], p.consumer.Profile(), p.ids)
	if err != nil || blocked == "" {
		ready.effect.Key = orgflow.EffectKey(p.target.CompanyID, r.Key())
		return ready, nil, err
	}
	return ready, &orgflow.Fault{Code: orgflow.CodeBlocked, Message: blocked, Advice: "settle that first, then run again"}, nil
}

// asAccepted is a record as the consumer last accepted it; known is false for
// one that it never did.
func (p *pushPage) asAccepted(i int) (o outgoing, known bool) {
	r := p.records[i]
	bound, known := p.bound[r.Key()]
	var ready prepared
	if !known || ready.remains(bound, p.ids) != nil {
		return o, false
	}
	ready.effect.Kind, ready.effect.Op, ready.effect.ConsumerID = r.Kind, orgflow.Update, bound.ConsumerID
	ready.effect.Key = orgflow.EffectKey(p.target.CompanyID, r.Key())
	return outgoing{index: i, effect: ready.effect}, true
}

// send adds records to the task and returns those that were refused.
func (p *pushPage) send(ctx context.Context, consumer connectors.Pusher, task string, load []outgoing) (refused []outgoing, err error) {
	if len(load) == 0 {
		return nil, nil
	}
	effects := make([]connectors.Effect, len(load))
	for i, o := range load {
		effects[i] = o.effect
	}
	courier := courier{sync: p.sync, calls: p.calls, stopping: activity.GetWorkerStopChannel(ctx), send: func(ctx context.Context, e []connectors.Effect) connectors.Batch {
		return consumer.AddToPush(ctx, task, e)
	}}
	parcels, open := courier.deliver(ctx, effects)
	p.counters.Calls += courier.spent.Calls
	p.counters.Throttled += courier.throttled
	if open != nil {
		return nil, worn(open)
	}
	for i, parcel := range parcels {
		switch {
		case parcel.fault == nil:
		case errors.Is(parcel.fault, connectors.ErrTaskGone):
			return nil, parcel.fault
		default:
			load[i].fault = parcel.fault
			refused = append(refused, load[i])
		}
	}
	return refused, nil
}
