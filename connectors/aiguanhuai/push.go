package aiguanhuai

import (
	"context"
	"net/http"
	"net/url"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

// BeginPush implements connectors.Pusher (reference § A.2, prepare). A task
// that is never completed has no effect, so that a lost answer is no harm.
func (c *Client) BeginPush(ctx context.Context) (connectors.PushTask, error) {
	var spent connectors.Receipt
	a, err := c.call(ctx, &spent, request{method: http.MethodGet, path: pathPrepare})
	task := connectors.PushTask{ID: a.task, Calls: spent.Calls}
	if err == nil && task.ID == "" {
		err = &orgflow.Fault{
			Code: orgflow.CodeUnavailable, VendorCode: vendorcode.Malformed, Message: "the answer has no body.taskId",
			Advice: "nothing was changed, the call is repeated",
		}
	}
	return task, err
}

// AddToPush implements connectors.Pusher (reference § A.2, data).
func (c *Client) AddToPush(ctx context.Context, task string, effects []connectors.Effect) connectors.Batch {
	return c.deliver(ctx, request{path: pathAdd, query: c.of(task), write: true}, effects)
}

// CompletePush implements connectors.Pusher (reference § A.2, finish).
func (c *Client) CompletePush(ctx context.Context, task string) (calls int, err error) {
	var spent connectors.Receipt
	_, err = c.call(ctx, &spent, request{method: http.MethodGet, path: pathComplete, query: c.of(task), write: true})
	return spent.Calls, err
}

// of is the parameter that names a task.
func (c *Client) of(task string) url.Values { return url.Values{c.cfg.TaskParam: {task}} }
