package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/internal/api"
	"orgflow/workflows"
)

// Receive takes an event of a consumer: it is stored, and the gatherers of
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
	if open {
		if err := r.gather(ctx, target, orgflow.ContactEventsID(target), orgflow.WorkflowContactEvents); err != nil {
			return nil, err
		}
	}
	if notice.Pull {
		if err := r.pulls.tell(target, func() error {
			return r.gather(ctx, target, orgflow.ContactPullID(target), orgflow.WorkflowContactPull)
		}); err != nil {
			return nil, err
		}
	}
	return notice.Answer, nil
}

// told is which targets' ContactPull was told a moment ago: a run of ours
// alone causes some ten events a second for minutes.
type told struct {
	mu sync.Mutex
	at map[orgflow.Target]time.Time
}

// tell tells, unless what was told last stands for this too.
func (t *told) tell(target orgflow.Target, signal func() error) error {
	now := time.Now()
	t.mu.Lock()
	at, known := t.at[target]
	t.mu.Unlock()
	if known && now.Sub(at) < workflows.ToldFor {
		return nil
	}
	if err := signal(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at == nil {
		t.at = map[orgflow.Target]time.Time{}
	}
	t.at[target] = now // from before the signal: its time stands from then on
	return nil
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

// gather tells a gatherer of the target that there is something, and starts
// it where it does not run.
func (r *Runs) gather(ctx context.Context, target orgflow.Target, id, gatherer string) error {
	cl, err := r.app.Dial(ctx)
	if err != nil {
		return err
	}
	_, err = cl.SignalWithStartWorkflow(ctx, id, orgflow.SignalContactEvent, nil, client.StartWorkflowOptions{
		ID: id, TaskQueue: r.app.Config.Temporal.TaskQueue,
		StaticSummary: fmt.Sprintf("changes made at %s, company %d", target.Consumer, target.CompanyID),
	}, gatherer, target)
	if err != nil {
		return unavailable("gather events of "+target.String(), err)
	}
	return nil
}
