package rest

import (
	"context"
	"slices"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

const (
	defaultInterval = 2 * time.Second
	defaultMax      = 2 * time.Minute
)

// settled makes a call and, where it only begins something, waits for its
// end. The answer is then the last one of the task.
//
// A task that does not end in time is an unknown outcome: the caller reads
// the record back.
func (c *Client) settled(ctx context.Context, out *connectors.Receipt, q request) (*answer, *refusal, error) {
	a, no, err := c.try(ctx, out, q)
	p := q.call.Poll
	if p == nil || no != nil || err != nil {
		return a, no, err
	}
	task := textAt(a.body, p.Task)
	if task == "" {
		return a, &refusal{Unknown, &orgflow.Fault{
			Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Message: q.call.Path + " answers no task at " + p.Task,
		}}, nil
	}
	look := request{call: p.Request, scope: inner{q.scope, map[string]any{"task": task}}, op: q.op}
	interval, limit := seconds(p.IntervalSeconds, defaultInterval), seconds(p.MaxSeconds, defaultMax)
	for waited := time.Duration(0); waited < limit; waited += interval {
		if err := c.sleep(ctx, interval); err != nil {
			return nil, nil, unsettled(q, "was not waited for: "+err.Error())
		}
		a, no, err := c.try(ctx, out, look)
		switch {
		case err != nil && orgflow.AsFault(err).Transient(), no != nil && no.fault.Transient():
			continue // the task goes on without being looked at
		case err != nil:
			return nil, nil, err
		case no != nil:
			return a, no, nil
		}
		status := textAt(a.body, p.Status)
		switch {
		case slices.Contains(p.Done, status):
			return a, nil, nil
		case slices.Contains(p.Running, status):
			continue
		case slices.Contains(p.Failed, status):
			return a, c.taskFailed(q, a, status), nil
		}
		return nil, nil, unsettled(q, "has a status the definition does not know")
	}
	return nil, nil, unsettled(q, "has not ended in time")
}

// taskFailed judges a task that failed like an answer of the call.
func (c *Client) taskFailed(q request, a *answer, status string) *refusal {
	rules := append(slices.Clone(q.call.Errors), c.def.Errors...)
	for i := range rules {
		if r := &rules[i]; !r.Always && len(r.Codes) > 0 && r.holds(a) {
			if no := c.apply(r, q, a); no != nil {
				return no
			}
		}
	}
	return &refusal{FailRecord, &orgflow.Fault{
		Code: orgflow.CodeInvalidRecord, VendorCode: status, Message: c.words(a), Advice: "the consumer took the call and could not do it",
	}}
}

func unsettled(q request, what string) error {
	return &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, VendorCode: "task", Message: "the task of " + q.call.Path + " " + what}
}

func seconds(n float64, fallback time.Duration) time.Duration {
	if n <= 0 {
		return fallback
	}
	return time.Duration(n * float64(time.Second))
}
