package activities

import (
	"encoding/json"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

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
