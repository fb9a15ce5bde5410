package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/internal/api"
)

// Receive takes an event of a consumer: it is stored, and the gatherer of
// the target told, before the consumer gets its answer. Whatever fails on
// the way makes the consumer send it again.
func (r *Runs) Receive(ctx context.Context, target orgflow.Target, query url.Values, body []byte) ([]byte, error) {
	listener, err := r.listener(target)
	if err != nil {
		return nil, err
	}
	notice, err := listener.Hear(connectors.Push{Query: query, Body: body})
	if errors.Is(err, connectors.ErrNotAuthentic) {
		return nil, fmt.Errorf("%w: %w", api.ErrNotAuthentic, err)
	}
	if err != nil {
		return nil, err
	}
	sync := &activities.Sync{Store: r.app.Store, Files: r.app.Meta, Connectors: r.app.Connectors, Now: time.Now}
	open, err := sync.Receive(ctx, target, notice)
	if err != nil {
		return nil, err
	}
	r.app.Log.InfoContext(ctx, "event received", "target", target.String(), "type", notice.Type, "records", len(notice.Records), "to_do", open)
	if !open {
		return notice.Answer, nil
	}
	return notice.Answer, r.gather(ctx, target)
}

// listener returns the connector that understands the target's events.
func (r *Runs) listener(target orgflow.Target) (connectors.Listener, error) {
	company, err := r.app.Meta.Company(target.CompanyID)
	if err != nil {
		return nil, err
	}
	none := orgflow.Faultf(orgflow.CodeNotFound, "no events of %s are received", target)
	if !company.HasConsumer(target.Consumer) {
		return nil, none
	}
	var raw json.RawMessage
	if err := company.Connection(target.Consumer, &raw); err != nil {
		return nil, err
	}
	consumer, err := r.app.Connectors.Consumer(connectors.Settings{CompanyID: target.CompanyID, Name: target.Consumer, JSON: raw})
	if err != nil {
		return nil, err
	}
	listener, ok := consumer.(connectors.Listener)
	if !ok {
		return nil, none
	}
	return listener, nil
}

// gather tells the target's gatherer that there is something, and starts it
// where it does not run.
func (r *Runs) gather(ctx context.Context, target orgflow.Target) error {
	cl, err := r.app.Dial(ctx)
	if err != nil {
		return err
	}
	id := orgflow.ContactEventsID(target)
	_, err = cl.SignalWithStartWorkflow(ctx, id, orgflow.SignalContactEvent, nil, client.StartWorkflowOptions{
		ID: id, TaskQueue: r.app.Config.Temporal.TaskQueue,
		StaticSummary: fmt.Sprintf("changes made at %s, company %d", target.Consumer, target.CompanyID),
	}, orgflow.WorkflowContactEvents, target)
	if err != nil {
		return unavailable("gather events of "+target.String(), err)
	}
	return nil
}
