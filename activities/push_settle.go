package activities

import (
	"context"
	"slices"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// settlePage is how many records of a push one activity settles at most.
const settlePage = 2000

// SettlePush records the outcomes of a completed push: what its changes
// became, and what the consumer has accepted. Nothing is sent. Repeating it
// finds recorded outcomes recorded and answers the same.
func (s *Sync) SettlePush(ctx context.Context, p PushParams) (SettledPage, error) {
	defer keepAlive(ctx)()
	out, err := s.settlePush(ctx, p)
	return out, temporalError(err)
}

func (s *Sync) settlePush(ctx context.Context, p PushParams) (SettledPage, error) {
	t, err := s.pushTarget(ctx, p.RunID)
	if err != nil {
		return SettledPage{}, err
	}
	push, err := s.Store.PushOf(ctx, p.RunID)
	if err != nil {
		return SettledPage{}, err
	}
	if push.State != store.PushCompleted && push.State != store.PushSettled {
		return SettledPage{}, orgflow.Faultf(orgflow.CodeInternal, "the push is %s, not completed: no outcome is known", push.State)
	}
	records, err := s.Store.PushPage(ctx, p.RunID, p.From, settlePage, false)
	if err != nil {
		return SettledPage{}, err
	}
	records = slices.DeleteFunc(records, func(r store.PushRecord) bool { return r.Change == nil })
	page, err := s.pushPage(ctx, t, records)
	if err != nil {
		return SettledPage{}, err
	}
	outcomes, err := page.outcomes(push.Round)
	if err != nil {
		return SettledPage{}, err
	}
	for chunk := range slices.Chunk(outcomes, outcomesOfBatch) {
		if _, err := s.Store.RecordOutcomes(ctx, p.RunID, chunk); err != nil {
			return SettledPage{}, err
		}
	}
	out := SettledPage{Next: min(p.From+settlePage, push.Total+1)}
	if out.Page, err = s.countSettled(ctx, p.RunID, records); err != nil {
		return SettledPage{}, err
	}
	if out.Next > push.Total {
		err = s.Store.AdvancePush(ctx, p.RunID, push.Round, store.PushSettled)
	}
	return out, err
}

// outcomes are those of the page's changes that have none yet.
func (p *pushPage) outcomes(round int) ([]store.Outcome, error) {
	out := make([]store.Outcome, 0, len(p.records))
	for _, r := range p.records {
		if r.Change.State != orgflow.Planned {
			continue
		}
		o, err := p.outcome(r)
		if err != nil {
			return nil, err
		}
		o.Attempts = round
		out = append(out, o)
	}
	return out, nil
}

func (p *pushPage) outcome(r store.PushRecord) (store.Outcome, error) {
	started := p.sync.Now()
	res := result{change: store.ClaimedChange{Change: *r.Change}, outcome: store.Outcome{ChangeID: r.ChangeID, ConsumerID: r.ConsumerID}}
	switch r.State {
	case store.PushMoved:
		res.outcome.State, res.outcome.Note = orgflow.Skipped, r.Fault.Message
		return res.outcome, nil
	case store.PushBlocked:
		return res.blocked(r.Fault.Message).outcome, nil
	case store.PushAdded, store.PushRefused: // below
	default: // it went along as last accepted: the change is still to be sent
		return store.Outcome{}, orgflow.Faultf(orgflow.CodeInternal, "change %d was not in the push", r.ChangeID)
	}
	ready, blocked, err := prepareEffect(*r.Change, p.bound[r.Key()], p.consumer.Profile(), p.ids)
	if err != nil {
		return store.Outcome{}, err
	}
	if blocked != "" {
		return store.Outcome{}, orgflow.Faultf(orgflow.CodeInternal, "change %d was pushed and is blocked now: %s", r.ChangeID, blocked)
	}
	p.judge(&res, ready, connectors.Receipt{ConsumerID: r.ConsumerID}, r.Fault)
	res.outcome.Log = p.logEntry(res.change, ready, res.outcome, started, 1)
	return res.outcome, nil
}

// countSettled counts the outcomes of records, whichever attempt recorded
// them.
func (s *Sync) countSettled(ctx context.Context, runID string, records []store.PushRecord) (PageResult, error) {
	ids := make([]int, len(records))
	for i, r := range records {
		ids[i] = r.ChangeID
	}
	states, err := s.Store.StatesOf(ctx, runID, ids)
	out := PageResult{Done: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{}}
	for _, r := range records {
		state := states[r.ChangeID].State
		if state.Final() {
			out.Settled++
		}
		if r.Change.Aspect != "" {
			continue
		}
		if out.Done[r.Kind] == nil {
			out.Done[r.Kind] = map[orgflow.Op]orgflow.Applied{}
		}
		n := out.Done[r.Kind][r.Change.Op]
		switch state {
		case orgflow.Done:
			n.Done++
		case orgflow.Failed:
			n.Failed++
		case orgflow.Blocked:
			n.Blocked++
		default:
			n.Pending++
		}
		out.Done[r.Kind][r.Change.Op] = n
	}
	return out, err
}
