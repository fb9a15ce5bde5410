package rest

import (
	"context"
	"slices"

	"orgflow"
	"orgflow/connectors"
)

// pusher states everybody who shall exist, in one task.
type pusher struct{ c *Client }

// BeginPush implements connectors.Pusher. A task that is never completed has
// no effect, so that a lost answer is no harm.
func (p pusher) BeginPush(ctx context.Context) (connectors.PushTask, error) {
	var spent connectors.Receipt
	push := p.c.def.Push
	a, err := p.c.call(ctx, &spent, request{call: push.Begin, scope: base{client: p.c}})
	task := connectors.PushTask{Calls: spent.Calls}
	if err != nil {
		return task, err
	}
	if task.ID = textAt(a.body, push.Task); task.ID == "" {
		return task, p.c.malformed(push.Begin, "answers no task at "+push.Task)
	}
	return task, nil
}

// AddToPush implements connectors.Pusher. A record that shall go is left
// out: who is not in the task is disabled when it is completed.
func (p pusher) AddToPush(ctx context.Context, task string, effects []connectors.Effect) connectors.Batch {
	d := p.c.delivery(effects)
	d.task = task
	d.ready = slices.DeleteFunc(d.ready, func(i int) bool {
		d.out.Results[i].Receipt.ConsumerID = d.records[i].id
		return d.records[i].op == orgflow.Delete
	})
	for from := 0; from < len(d.ready); {
		kind := d.records[d.ready[from]].kind
		to := from + 1
		for to < len(d.ready) && d.records[d.ready[to]].kind == kind {
			to++
		}
		call := p.c.def.Push.Person
		if kind == orgflow.Org {
			call = p.c.def.Push.Org
		}
		d.send(ctx, request{call: call, write: true}, d.ready[from:to])
		from = to
	}
	return d.out
}

// CompletePush implements connectors.Pusher.
func (p pusher) CompletePush(ctx context.Context, task string) (calls int, err error) {
	var spent connectors.Receipt
	s := base{client: p.c}.with("task", task)
	_, err = p.c.call(ctx, &spent, request{call: p.c.def.Push.Complete, scope: s, write: true})
	return spent.Calls, err
}
