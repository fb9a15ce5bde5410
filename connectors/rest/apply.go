package rest

import (
	"context"
	"errors"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
)

// Apply implements connectors.Consumer. The receipt counts calls beside an
// error too.
func (c *Client) Apply(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	out := connectors.Receipt{ConsumerID: e.ConsumerID}
	r, err := c.record(e)
	if err != nil {
		return out, err
	}
	err = c.applyRecord(ctx, &out, r)
	return out, veil.Fault(err, r.personal())
}

func (c *Client) applyRecord(ctx context.Context, out *connectors.Receipt, r *record) error {
	r.report(out)
	switch r.op {
	case orgflow.Insert:
		return c.insert(ctx, out, r)
	case orgflow.Update:
		return c.update(ctx, out, r)
	case orgflow.Delete:
		return c.remove(ctx, out, r)
	}
	return connectors.UnknownOp(r.op)
}

// insert creates a record, or takes over the one that is there already.
func (c *Client) insert(ctx context.Context, out *connectors.Receipt, r *record) error {
	call := r.entity.Insert
	if call == nil {
		return c.cannot("create", r)
	}
	if r.doubt && !call.Idempotent || r.entity.LookupFirst {
		found, err := c.lookup(ctx, out, r)
		if err != nil {
			return err
		}
		if found != nil {
			out.Adopted = !r.doubt && !found.ours
			return c.settle(ctx, out, r, found)
		}
	}
	a, no, err := c.write(ctx, out, call, r)
	switch {
	case err != nil:
		return err
	case no != nil && no.action == UpdateInstead:
		return c.takeOver(ctx, out, r, no)
	case no != nil:
		return c.give(out, r, no)
	}
	if err := c.newID(out, call, r, a); err != nil {
		return err
	}
	r.id = out.ConsumerID
	return unfinished(c.relate(ctx, out, r, nil))
}

// unfinished is the failure of what follows a record's creation: the next
// attempt must look for the record first.
func unfinished(err error) error {
	f, ok := errors.AsType[*orgflow.Fault](err)
	if !ok || f.Code != orgflow.CodeUnavailable {
		return err
	}
	again := *f
	again.Code = orgflow.CodeUnknownOutcome
	return &again
}

// cannot is a record's fault where the definition lacks the call.
func (c *Client) cannot(what string, r *record) error {
	return &orgflow.Fault{
		Code: orgflow.CodeNeedsHuman, Message: "the definition of " + c.name + " has no call to " + what + " a " + string(r.kind),
		Advice: "do it at the consumer, or add the call to the definition",
	}
}

// newID takes the id over that the consumer gave a record.
func (c *Client) newID(out *connectors.Receipt, call *Call, r *record, a *answer) error {
	if call.ID != "" && a != nil {
		if id := textAt(a.body, call.ID); id != "" {
			out.ConsumerID = id
		}
	}
	if out.ConsumerID == "" || r.entity.ID == "" && call.ID != "" && r.id == "" && textAt(a.body, call.ID) == "" {
		return &orgflow.Fault{
			Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed,
			Message: "the answer carries no id of the new record at " + call.ID,
			Advice:  "the record is looked for before anything is repeated",
		}
	}
	return nil
}

// takeOver answers "exists already": the record is looked up and changed.
func (c *Client) takeOver(ctx context.Context, out *connectors.Receipt, r *record, conflict *refusal) error {
	found, err := c.lookup(ctx, out, r)
	switch {
	case err != nil:
		return err
	case found == nil:
		return conflict.fault
	}
	out.Adopted = !found.ours
	return c.settle(ctx, out, r, found)
}

// settle makes a record that is there as wanted, without a write if it is
// already.
func (c *Client) settle(ctx context.Context, out *connectors.Receipt, r *record, found *found) error {
	if found.id == "" {
		return orgflow.Faultf(orgflow.CodeInternal, "the record that was found has no id at %s", r.entity.ReadID)
	}
	out.ConsumerID = found.id
	change := r.forUpdate(found.id)
	if r.entity.Update != nil && !found.holds(change) {
		if _, no, err := c.write(ctx, out, r.entity.Update, change); err != nil {
			return err
		} else if no != nil {
			return c.give(out, r, no)
		}
	}
	return c.relate(ctx, out, change, found)
}

// update changes a record. In doubt it is repeated, unless the record reads
// back as wanted.
func (c *Client) update(ctx context.Context, out *connectors.Receipt, r *record) error {
	call := r.entity.Update
	if call == nil {
		return c.cannot("change", r)
	}
	if r.empty() {
		return nil
	}
	var before *found
	if r.doubt && !call.Idempotent && r.entity.Get != nil {
		got, err := c.get(ctx, out, r)
		if err != nil {
			return err
		}
		before = got
	}
	if r.ownFields() && !(before != nil && before.holds(r)) {
		_, no, err := c.write(ctx, out, call, r)
		if err != nil {
			return err
		}
		if no != nil {
			return c.give(out, r, no)
		}
	}
	return c.relate(ctx, out, r, before)
}

// ownFields tells whether the record itself changes, not only its relations.
func (r *record) ownFields() bool {
	if r.extSent {
		return true
	}
	for name := range r.set {
		if r.entity.Fields[name].Relation == nil && name != r.entity.ID {
			return true
		}
	}
	return false
}

// remove deletes or disables a record; one that is gone is a success.
func (c *Client) remove(ctx context.Context, out *connectors.Receipt, r *record) error {
	call := r.entity.Delete
	switch r.entity.OnDelete {
	case "keep":
		addNote(out, "the definition keeps records of those who left; nothing was sent")
		return nil
	case "disable":
		call = r.entity.Disable
	}
	if call == nil {
		return c.cannot("delete", r)
	}
	_, no, err := c.write(ctx, out, call, r)
	switch {
	case err != nil:
		return err
	case no != nil && (no.action == Gone || no.action == InsertInstead):
		return nil
	case no != nil:
		return c.give(out, r, no)
	}
	return nil
}

// give is what becomes of a record whose call was refused.
func (c *Client) give(out *connectors.Receipt, r *record, no *refusal) error {
	if no.action != SkipRecord {
		return no.fault
	}
	addNote(out, "skipped as the definition says: "+no.fault.VendorCode)
	for name := range r.set {
		out.Dropped = append(out.Dropped, name)
	}
	return nil
}

const versionTries = 3

// write makes a call that writes a record, as a batch of one where it takes
// many, with the version it is based on where the consumer asks for it.
func (c *Client) write(ctx context.Context, out *connectors.Receipt, call *Call, r *record) (*answer, *refusal, error) {
	for try := 1; ; try++ {
		s := one{base{client: c}, r}
		if call.IfMatch {
			got, err := c.get(ctx, out, r)
			if err != nil {
				return nil, nil, err
			}
			if got == nil {
				return nil, c.gone(), nil
			}
			if got.etag != "" {
				s = s.with("etag", got.etag)
			}
		}
		a, no, err := c.settled(ctx, out, request{call: call, scope: many{s, []*record{r}}, write: true, op: r.op})
		if err == nil && no == nil && call.Batch != nil {
			no = c.results(request{call: call, write: true, op: r.op}, a, []*record{r})[0].no
		}
		if no == nil || no.action != ReadAgain || try == versionTries {
			return a, no, err
		}
	}
}

// gone is the refusal of a record that is not there.
func (c *Client) gone() *refusal {
	return &refusal{Gone, &orgflow.Fault{
		Code: orgflow.CodeNotFound, VendorCode: "gone", Message: "the record is not at " + c.name + " any more",
	}}
}
