package aiguanhuai

import (
	"bytes"
	"context"
	"errors"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
)

// Paths of the interface (reference § A.2).
const (
	pathPrepare  = "/v3/oms/add-prepare"
	pathAdd      = "/v3/oms/add"
	pathComplete = "/v3/oms/add-complete"
	pathUpdate   = "/v3/oms/update"
)

// BatchLimit implements connectors.Batcher.
func (c *Client) BatchLimit() int { return c.cfg.BatchSize }

// ApplyBatch implements connectors.Batcher: incremental update.
func (c *Client) ApplyBatch(ctx context.Context, effects []connectors.Effect) connectors.Batch {
	return c.deliver(ctx, request{path: pathUpdate, write: true}, effects)
}

// delivery is a batch on its way.
type delivery struct {
	client  *Client
	request request // without its body
	kind    string
	records []record // by index of the effect
	out     connectors.Batch
	halted  error // nothing more is sent; the rest shares this fate
}

// deliver sends effects in as many calls as count and bytes want.
func (c *Client) deliver(ctx context.Context, q request, effects []connectors.Effect) connectors.Batch {
	d := &delivery{client: c, request: q, kind: persons.kind, records: make([]record, len(effects))}
	if len(effects) > 0 && effects[0].Kind == orgflow.Org {
		d.kind = departments.kind
	}
	d.out.Results = make([]connectors.Result, len(effects))
	ready := make([]int, 0, len(effects))
	for i, e := range effects {
		r, err := c.record(e)
		switch {
		case err == nil && e.Kind != effects[0].Kind:
			err = orgflow.Faultf(orgflow.CodeInternal, "a batch has records of one kind")
		case err == nil && len(envelope(d.kind))+len(r.json) > c.cfg.MaxBytes:
			err = refuse("", "the record alone is longer than max_bytes (%d)", c.cfg.MaxBytes)
		}
		if err != nil {
			d.out.Results[i].Err = err
			continue
		}
		d.records[i] = r
		ready = append(ready, i)
	}
	for len(ready) > 0 {
		n := d.fits(ready)
		d.send(ctx, ready[:n])
		ready = ready[n:]
	}
	return d.out
}

// envelope is a body without records.
func envelope(kind string) []byte { return []byte(`{"type":"` + kind + `","data":[]}`) }

// fits says how many of the records go into one call: at least one.
func (d *delivery) fits(ready []int) int {
	size := len(envelope(d.kind))
	for n, i := range ready {
		size += len(d.records[i].json) + len(",")
		if n == d.client.cfg.BatchSize || n > 0 && size-1 > d.client.cfg.MaxBytes {
			return n
		}
	}
	return len(ready)
}

// send makes one call, and halves what the consumer refuses for its data
// until the record to blame stands alone (reference § A.3 no. 10).
func (d *delivery) send(ctx context.Context, group []int) {
	if d.halted == nil && ctx.Err() != nil {
		d.halted = orgflow.Faultf(orgflow.CodeThrottled, "stopped before the call was made")
	}
	if d.halted != nil {
		d.settle(group, d.halted)
		return
	}
	q := d.request
	q.body = d.body(group)
	spent := connectors.Receipt{}
	_, err := d.client.call(context.WithoutCancel(ctx), &spent, q)
	d.out.Calls += spent.Calls
	d.out.Writes += spent.Writes
	switch {
	case err == nil:
		d.settle(group, nil)
	case !blamesData(err):
		d.settle(group, err)
		d.halted = rest(err)
	case len(group) == 1:
		f := *orgflow.AsFault(err)
		f.Message = veil.Text(f.Message, d.records[group[0]].hide)
		d.settle(group, &f)
	default:
		half := len(group) / 2
		d.send(ctx, group[:half])
		d.send(ctx, group[half:])
	}
}

// rest is what becomes of records behind a call that failed as such: they
// were not sent, and would meet the same.
func rest(err error) error {
	f := orgflow.AsFault(err)
	if f.Code == orgflow.CodeUnknownOutcome {
		return &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: f.VendorCode, Advice: f.Advice,
			Message: "not sent, because the call before it was not answered", RetryAfter: f.RetryAfter}
	}
	return err
}

// body writes the records of a call.
func (d *delivery) body(group []int) []byte {
	size := len(envelope(d.kind))
	for _, i := range group {
		size += len(d.records[i].json) + len(",")
	}
	var b bytes.Buffer
	b.Grow(size)
	b.WriteString(`{"type":"` + d.kind + `","data":[`)
	for n, i := range group {
		if n > 0 {
			b.WriteByte(',')
		}
		b.Write(d.records[i].json)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func (d *delivery) settle(group []int, err error) {
	for _, i := range group {
		d.out.Results[i] = connectors.Result{Receipt: connectors.Receipt{ConsumerID: d.records[i].id}, Err: err}
	}
}

// blamesData tells whether a batch was refused for what is in it.
func blamesData(err error) bool {
	var f *orgflow.Fault
	if !errors.As(err, &f) {
		return false
	}
	switch f.VendorCode {
	case codeFormat, codeEmpty, vendorcode.HTTP + "413":
		return true
	}
	return false
}
