package wecom

import (
	"context"
	"slices"

	"orgflow"
	"orgflow/connectors"
)

var _ connectors.Remover = (*Client)(nil)

// batchDeleteMax is how many people one user/batchdelete takes (WeCom
// reference § 4.2).
const batchDeleteMax = 200

// RemoveLimit implements connectors.Remover.
func (c *Client) RemoveLimit() int { return batchDeleteMax }

// RemovePersons implements connectors.Remover by user/batchdelete. One id
// that WeCom refuses makes a whole call fail, so a refused one is halved
// until the bad id stands alone; with one bad id in 200 that costs 16 calls
// instead of 200. Somebody who is not there is a success. Deletes in doubt go
// one by one: those that took effect would make every common call fail.
func (c *Client) RemovePersons(ctx context.Context, effects []connectors.Effect) connectors.Batch {
	d := &removal{client: c, effects: effects, out: connectors.Batch{Results: make([]connectors.Result, len(effects))}}
	for from := 0; from < len(effects); from += batchDeleteMax {
		d.send(ctx, from, min(from+batchDeleteMax, len(effects)))
	}
	return d.out
}

// removal is a batch of deletes on its way.
type removal struct {
	client  *Client
	effects []connectors.Effect
	out     connectors.Batch
	halted  error // nothing more is sent; the rest shares this fate
}

// send deletes the people from one index to before another.
func (d *removal) send(ctx context.Context, from, to int) {
	if d.halted == nil && ctx.Err() != nil {
		d.halted = orgflow.Faultf(orgflow.CodeThrottled, "stopped before the call was made")
	}
	if d.halted != nil {
		d.settle(from, to, d.halted)
		return
	}
	half := from + (to-from)/2
	doubted := func(e connectors.Effect) bool { return e.InDoubt }
	if to-from > 1 && slices.ContainsFunc(d.effects[from:to], doubted) {
		d.send(ctx, from, half)
		d.send(ctx, half, to)
		return
	}
	spent := connectors.Receipt{}
	err := d.call(orgflow.WithOperation(context.WithoutCancel(ctx), ctx), &spent, from, to)
	d.out.Calls += spent.Calls
	d.out.Writes += spent.Writes
	switch f := orgflow.AsFault(err); {
	case f == nil, to-from == 1 && ofRecord(f):
		d.settle(from, to, err)
	case ofRecord(f):
		d.send(ctx, from, half)
		d.send(ctx, half, to)
	default:
		d.settle(from, to, err)
		d.halted = unsent(f)
	}
}

func (d *removal) call(ctx context.Context, r *connectors.Receipt, from, to int) error {
	if to-from == 1 {
		return d.client.deletePerson(ctx, r, d.effects[from])
	}
	ids := make([]string, 0, to-from)
	for _, e := range d.effects[from:to] {
		if e.ConsumerID == "" {
			return connectors.Refuse("userid", "is missing, a delete needs the id of the person") // found when it stands alone
		}
		ids = append(ids, e.ConsumerID)
	}
	_, err := d.client.call(ctx, r, request{path: pathUserBatchDelete, body: map[string]any{"useridlist": ids}, write: true}, nil)
	return err
}

func (d *removal) settle(from, to int, err error) {
	for i := from; i < to; i++ {
		d.out.Results[i] = connectors.Result{Receipt: connectors.Receipt{ConsumerID: d.effects[i].ConsumerID}, Err: err}
	}
}

// unsent is what becomes of deletes behind a call that failed as such: they
// were not sent, and would meet the same.
func unsent(f *orgflow.Fault) error {
	if f.Code != orgflow.CodeUnknownOutcome {
		return f
	}
	return &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: f.VendorCode, Advice: f.Advice,
		Message: "not sent, because the call before it was not answered", RetryAfter: f.RetryAfter}
}

// ofRecord tells whether a fault is about a record, not about every call.
func ofRecord(f *orgflow.Fault) bool { return !f.StopsRun() && !f.Transient() }
