package rest

import (
	"context"
	"errors"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// batcher sends many records in a call, where the definition says how.
type batcher struct{ c *Client }

// BatchLimit implements connectors.Batcher: the largest batch of all calls.
func (b batcher) BatchLimit() int {
	limit := 1
	for _, e := range []*Entity{b.c.def.Org, b.c.def.Person} {
		if e == nil {
			continue
		}
		for _, call := range []*Call{e.Insert, e.Update, e.Delete, e.Disable} {
			if call != nil && call.Batch != nil {
				limit = max(limit, call.Batch.MaxRecords)
			}
		}
	}
	return limit
}

// ApplyBatch implements connectors.Batcher. Records whose call takes one
// only, and those that must be looked for first, go singly.
func (b batcher) ApplyBatch(ctx context.Context, effects []connectors.Effect) connectors.Batch {
	d := b.c.delivery(effects)
	for from := 0; from < len(d.ready); {
		call := b.c.callOf(d.records[d.ready[from]])
		to := from + 1
		if call != nil && call.Batch != nil {
			for to < len(d.ready) && b.c.callOf(d.records[d.ready[to]]) == call {
				to++
			}
			d.send(ctx, request{call: call, write: true}, d.ready[from:to])
		} else {
			d.single(ctx, d.ready[from])
		}
		from = to
	}
	return d.out
}

// callOf is the common call a record can go in; nil for one that goes alone.
func (c *Client) callOf(r *record) *Call {
	call := r.ownCall()
	if call == nil || call.Batch == nil || call.IfMatch || r.op == orgflow.Update && r.empty() {
		return nil
	}
	if r.op == orgflow.Insert && (r.entity.LookupFirst || r.doubt && !call.Idempotent) {
		return nil
	}
	for name := range r.set {
		if r.entity.Fields[name].Relation != nil {
			return nil
		}
	}
	return call
}

// ownCall is the call of a record's operation, nil for none.
func (r *record) ownCall() *Call {
	switch {
	case r.op == orgflow.Insert:
		return r.entity.Insert
	case r.op == orgflow.Update:
		return r.entity.Update
	case r.entity.OnDelete == "disable":
		return r.entity.Disable
	case r.entity.OnDelete == "keep":
		return nil
	}
	return r.entity.Delete
}

// delivery is a batch on its way.
type delivery struct {
	client  *Client
	records []*record // by index of the effect
	ready   []int
	out     connectors.Batch
	halted  error // nothing more is sent; the rest shares this fate
	task    string
}

func (c *Client) delivery(effects []connectors.Effect) *delivery {
	d := &delivery{client: c, records: make([]*record, len(effects))}
	d.out.Results = make([]connectors.Result, len(effects))
	for i, e := range effects {
		r, err := c.record(e)
		if err != nil {
			d.out.Results[i].Err = err
			continue
		}
		d.records[i] = r
		r.report(&d.out.Results[i].Receipt)
		d.ready = append(d.ready, i)
	}
	return d
}

// stopped tells whether nothing more may be sent.
func (d *delivery) stopped(ctx context.Context, group []int) bool {
	if d.halted == nil && ctx.Err() != nil {
		d.halted = orgflow.Faultf(orgflow.CodeThrottled, "stopped before the call was made")
	}
	if d.halted != nil {
		d.fail(group, d.halted)
	}
	return d.halted != nil
}

func (d *delivery) fail(group []int, err error) {
	for _, i := range group {
		d.out.Results[i].Err = err
	}
}

// single sends one record by itself.
func (d *delivery) single(ctx context.Context, i int) {
	if d.stopped(ctx, []int{i}) {
		return
	}
	r, res := d.records[i], &d.out.Results[i]
	res.Receipt = connectors.Receipt{}
	res.Err = veil.Fault(d.client.applyRecord(context.WithoutCancel(ctx), &res.Receipt, r), r.personal())
	d.out.Calls += res.Receipt.Calls
	d.out.Writes += res.Receipt.Writes
	res.Receipt.Calls, res.Receipt.Writes = 0, 0
	d.halt(res.Err)
}

// halt stops behind a failure that every further call would meet.
func (d *delivery) halt(err error) {
	f, isFault := errors.AsType[*orgflow.Fault](err)
	switch {
	case err == nil, isFault && !f.Transient() && !f.StopsRun():
		return
	case isFault && f.Code == orgflow.CodeUnknownOutcome:
		d.halted = &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: f.VendorCode, RetryAfter: f.RetryAfter,
			Message: "not sent, because the call before it was not answered"}
	default:
		d.halted = err
	}
}

// send makes the calls for records that share one.
func (d *delivery) send(ctx context.Context, q request, group []int) {
	for len(group) > 0 {
		n := d.fits(q.call, group)
		d.part(ctx, q, group[:n])
		group = group[n:]
	}
}

// fits says how many of the records go into one call: at least one. The
// envelope is counted with every record, so that the body is never longer.
func (d *delivery) fits(call *Call, group []int) int {
	b := call.Batch
	size := 0
	for n := range group {
		if b.MaxRecords > 0 && n == b.MaxRecords {
			return n
		}
		if b.MaxBytes == 0 {
			continue
		}
		v, err := render(call.Body, d.scope(group[n:n+1]))
		raw, encodeErr := wire.Encode(v)
		if err != nil || encodeErr != nil {
			return max(n, 1) // what is wrong is said when it is sent
		}
		if size += len(raw); n > 0 && size > b.MaxBytes {
			return n
		}
	}
	return len(group)
}

func (d *delivery) scope(group []int) scope {
	records := make([]*record, len(group))
	for n, i := range group {
		records[n] = d.records[i]
	}
	s := one{base{client: d.client}, records[0]}
	if d.task != "" {
		s = s.with("task", d.task)
	}
	return many{s, records}
}

// part makes one call, and halves what the consumer refuses for what is in
// it, until the record to blame stands alone.
func (d *delivery) part(ctx context.Context, q request, group []int) {
	if d.stopped(ctx, group) {
		return
	}
	s := d.scope(group).(many)
	q.scope, q.op = s, s.records[0].op
	var spent connectors.Receipt
	a, no, err := d.client.settled(context.WithoutCancel(ctx), &spent, q)
	d.out.Calls += spent.Calls
	d.out.Writes += spent.Writes
	switch {
	case err != nil:
		d.fail(group, err)
		d.halt(err)
	case no == nil:
		d.settle(ctx, group, d.client.results(q, a, s.records))
	case no.action == Bisect && len(group) > 1:
		half := len(group) / 2
		d.part(ctx, q, group[:half])
		d.part(ctx, q, group[half:])
	case len(group) == 1:
		d.settle(ctx, group, []outcome{{no: no}})
	default:
		d.fail(group, no.fault)
		d.halt(no.fault)
	}
}

// settle takes over what became of each record.
func (d *delivery) settle(ctx context.Context, group []int, outcomes []outcome) {
	for n, i := range group {
		r, res, got := d.records[i], &d.out.Results[i], outcomes[n]
		if got.id != "" {
			res.Receipt.ConsumerID = got.id
		}
		switch {
		case got.no == nil && res.Receipt.ConsumerID == "":
			res.Err = &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Message: "the answer carries no id of the new record"}
		case got.no == nil, got.no.action == Gone && r.op == orgflow.Delete:
		case got.no.action == UpdateInstead && r.op == orgflow.Insert:
			res.Err = veil.Fault(d.client.takeOver(context.WithoutCancel(ctx), &res.Receipt, r, got.no), r.personal())
			d.out.Calls += res.Receipt.Calls
			d.out.Writes += res.Receipt.Writes
			res.Receipt.Calls, res.Receipt.Writes = 0, 0
		default:
			res.Err = veil.Fault(d.client.give(&res.Receipt, r, got.no), r.personal())
			d.halt(res.Err)
		}
	}
}
