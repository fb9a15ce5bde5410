package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

// inviteEvery is the shortest time between two invitations of a person
// (spec § 3.6), counted from the last one that was sent.
const inviteEvery = 7 * 24 * time.Hour

// addInvitation tells the consumer what is special about somebody who was
// invited: they are looked for first, whatever is to be done.
func (p *page) addInvitation(ready *prepared, c store.ClaimedChange) {
	bound := p.bound[c.Key()]
	if bound.State != orgflow.BindingPending {
		ready.effect.Invited = c.Aspect == orgflow.AspectInvitation // whoever has joined since the plan is brought up to date
		return
	}
	switch c.Op {
	case orgflow.Insert:
		ready.effect.Invited = true
		ready.effect.Reinvite = p.invitable(c, bound)
	case orgflow.Delete:
		ready.effect.Invited = true
		ready.effect.Fields = p.recognised(bound)
	default: // an update of somebody who is not there is not sent, see notThere
	}
}

// invitable tells whether somebody may be invited (again): the last
// invitation is old enough, or went to another number.
func (p *page) invitable(c store.ClaimedChange, bound orgflow.Binding) bool {
	if _, moved := c.Fields[p.consumer.Profile().PersonFields.Mobile]; moved {
		return true
	}
	return p.sync.Now().Sub(bound.InvitedAt) >= inviteEvery
}

// recognised are the fields by which a person is recognised whose id at the
// consumer may be another than the one asked for.
func (p *page) recognised(bound orgflow.Binding) map[string]any {
	names := p.consumer.Profile().PersonFields
	payload, err := orgflow.DecodePayload(orEmpty(bound.Payload))
	if err != nil {
		return nil
	}
	out := map[string]any{}
	for _, name := range []string{names.Name, names.Mobile} {
		if v := payload.Fields[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

// refuse takes out of an accepted payload what the consumer did not take.
// What somebody who has joined was invited with stays: a later run finds the
// difference.
func (p *page) refuse(c store.ClaimedChange, accepted *orgflow.Payload, dropped []string) {
	var before orgflow.Payload
	if c.Aspect == orgflow.AspectInvitation && len(dropped) > 0 {
		if payload, err := orgflow.DecodePayload(orEmpty(p.bound[c.Key()].Payload)); err == nil {
			before = payload
		}
	}
	for _, name := range dropped {
		if old := before.Fields[name]; old != nil {
			accepted.Fields[name] = old
		} else {
			delete(accepted.Fields, name)
		}
	}
}

// notThere tells whether a change is an update of somebody who was invited,
// perhaps by an earlier change of this plan, and cannot be updated yet. The
// run that finds them joined brings everything up to date.
func (p *page) notThere(c store.ClaimedChange) bool {
	return c.Op == orgflow.Update && p.bound[c.Key()].State == orgflow.BindingPending
}

// waits ends a change that costs no call until somebody has joined.
func (r result) waits() result {
	r.outcome.State, r.outcome.InDoubt = orgflow.PendingInvite, r.doubt
	r.outcome.Note = "waits until the person has joined"
	return r
}

// orWaits ends a change that refers to records which are not at the consumer:
// blocked, or waiting where all of them are persons who were invited. A
// department then is known to have none of these leaders, so that the run
// that finds them joined sets them.
func (p *page) orWaits(ctx context.Context, r result, ready prepared, blocked string) result {
	invited, err := p.allInvited(ctx, r.change, ready.dropped)
	if err != nil {
		r.stop = err
		return r
	}
	if !ready.nothing || !invited {
		return r.blocked(blocked)
	}
	r = r.waits()
	bound, exists := p.bound[r.change.Key()]
	raw, err := ready.accepted.Encode()
	if !exists || err != nil {
		return r
	}
	bound.Payload, bound.Hash = raw, orgflow.Hash(raw)
	r.outcome.Binding = &bound
	return r
}

// allInvited tells whether everybody whom the fields refer to and who is not
// at the consumer was invited.
func (p *page) allInvited(ctx context.Context, c store.ClaimedChange, fields []string) (bool, error) {
	payload, err := orgflow.DecodePayload(orEmpty(c.Payload))
	if err != nil || len(fields) == 0 {
		return false, err
	}
	var missing []orgflow.RecordKey
	for _, name := range fields {
		missing = append(missing, orgflow.RefsIn(payload.Fields[name])...)
	}
	missing = slices.DeleteFunc(missing, func(k orgflow.RecordKey) bool { _, there := p.ids.id(k); return there })
	found, err := p.sync.Store.BindingsOf(ctx, p.target, missing)
	if err != nil {
		return false, fmt.Errorf("look for invited persons: %w", err)
	}
	for _, k := range missing {
		if found[k].State != orgflow.BindingPending {
			return false, nil
		}
	}
	return true, nil
}
