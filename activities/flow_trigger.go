package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// triggerAttempts is how often a system that does not answer is called before
// the node counts as failed: some minutes.
const triggerAttempts = 10

// Caller makes the calls of trigger nodes.
type Caller interface {
	// Call sends a body and returns the status of the answer. An error means
	// that nothing is known: no answer, or none that can be read. One with
	// CodeInvalidConfig is a call that must not be made, and was not.
	Call(ctx context.Context, c TriggerCall) (status int, err error)
}

// TriggerCall is an HTTP call of a trigger node, its references resolved.
type TriggerCall struct {
	Method, URL string
	Headers     map[string]string
	// Key is the same at every attempt: the called system knows a repetition
	// by it, in the header Idempotency-Key.
	Key   string
	Body  []byte
	Hosts approval.Hosts // that the company may call
}

// FlowTriggerParams names a trigger node's visit.
type FlowTriggerParams struct {
	CompanyID int64  `json:"company_id"`
	No        string `json:"flow_running_number"`
	Visit     int    `json:"visit"`
}

// FlowTriggered says how the call ended.
type FlowTriggered struct {
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"` // why it failed; statuses only
}

// triggerBody is what a trigger sends.
type triggerBody struct {
	No       string          `json:"flowRunningNumber"`
	FlowCode string          `json:"flowCode"`
	DataID   string          `json:"dataId"`
	Round    int             `json:"round"`
	Node     int             `json:"nodeSeq"`
	Visit    int             `json:"visit"`
	Form     json.RawMessage `json:"form"`
}

// CallTrigger makes the call of a trigger node. 2xx is success; 4xx, a
// redirect, and a host that the company does not list are a failure at once;
// 408, 429, 5xx and silence are tried again. A repetition
// carries the same Idempotency-Key and the same body, so that the called
// system can tell; whether it does is its own affair, as the handbook says.
func (a *Flows) CallTrigger(ctx context.Context, p FlowTriggerParams) (FlowTriggered, error) {
	defer keepAlive(ctx)() // and hear that nobody waits for the call any more
	call, err := a.triggerCall(ctx, p)
	if message := mustNotCall(err); message != "" {
		return FlowTriggered{Message: message}, nil
	}
	if err != nil {
		return FlowTriggered{}, flowError(err)
	}
	out, again := triggered(a.Caller.Call(ctx, call))
	switch {
	case !again:
		return out, nil
	case ctx.Err() != nil:
		return FlowTriggered{}, ctx.Err()
	case activity.GetInfo(ctx).Attempt >= triggerAttempts:
		return out, nil
	}
	return FlowTriggered{}, temporal.NewApplicationError(out.Message, string(orgflow.CodeUnavailable))
}

// triggered tells how a call has ended, and whether another attempt may end
// otherwise.
func triggered(status int, err error) (out FlowTriggered, again bool) {
	if err != nil {
		message := mustNotCall(err)
		return FlowTriggered{Message: cmp.Or(message, "did not answer")}, message == ""
	}
	answered := fmt.Sprintf("answered with status %d", status)
	switch {
	case status/100 == 2:
		return FlowTriggered{OK: true}, false
	case status/100 == 3:
		return FlowTriggered{Message: answered + "; redirects are not followed, name the address they lead to"}, false
	case status/100 == 4 && status != 408 && status != 429:
		return FlowTriggered{Message: answered}, false
	}
	return FlowTriggered{Message: answered}, true
}

// mustNotCall returns why a call must not be made, "" for other errors.
func mustNotCall(err error) string {
	if fault, ok := errors.AsType[*orgflow.Fault](err); ok && fault.Code == orgflow.CodeInvalidConfig {
		return fault.Message
	}
	return ""
}

func (a *Flows) triggerCall(ctx context.Context, p FlowTriggerParams) (TriggerCall, error) {
	f, err := a.Keeper.Load(ctx, store.FlowKey{CompanyID: p.CompanyID, No: p.No})
	if err != nil {
		return TriggerCall{}, err
	}
	node, round, ok := f.VisitedNode(p.Visit)
	if !ok || node.Type != approval.NodeTrigger || node.HTTP == nil {
		return TriggerCall{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "visit %d is not of a trigger node", p.Visit)
	}
	var spec approval.HTTPCall
	if err := f.Company.Expand(node.HTTP, &spec); err != nil {
		return TriggerCall{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "node %d: %s", node.Seq, err)
	}
	hosts, err := f.Company.TriggerHosts()
	if err != nil {
		return TriggerCall{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "node %d: %s", node.Seq, err)
	}
	body, err := json.Marshal(triggerBody{No: f.No, FlowCode: f.Code, DataID: f.DataID, Round: round, Node: node.Seq, Visit: p.Visit, Form: f.Form})
	if err != nil {
		return TriggerCall{}, fmt.Errorf("body of node %d: %w", node.Seq, err)
	}
	method := spec.Method
	if method == "" {
		method = "POST"
	}
	return TriggerCall{
		Method: method, URL: spec.URL, Headers: spec.Headers, Key: fmt.Sprintf("%d:%s:%d", p.CompanyID, p.No, p.Visit), Body: body, Hosts: hosts,
	}, nil
}
