package app

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/activities"
	"orgflow/connectors"
	"orgflow/connectors/webhook"
	"orgflow/internal/transport"
	"orgflow/meta"
)

const (
	// watchEvery is how often a worker looks for messages that nobody deals
	// with, overdue how long they are due by then.
	watchEvery = 30 * time.Second
	overdue    = 15 * time.Second
)

// messages returns the activities that bring messages to people.
func (a *App) messages() *activities.Messages {
	return &activities.Messages{
		Store: a.counted(), Files: a.Meta, Connectors: a.Connectors, Now: time.Now,
		People: activities.LocalPeople{Store: a.Store}, Webhook: a.webhook,
	}
}

// webhook returns what posts notices to a company's operators.
func (a *App) webhook(w meta.Webhook) (connectors.Messenger, error) {
	return webhook.New(w.URL, w.Secret, transport.Options{Allowed: a.Config.Egress, Logger: a.Log, Metrics: a.calls}), nil
}

// Notify tells the Notify workflow of a channel that messages were stored,
// and starts it where it does not run. Repeating it changes nothing.
func (a *App) Notify(ctx context.Context, cl client.Client, target orgflow.Target) error {
	id := orgflow.NotifyID(target)
	_, err := cl.SignalWithStartWorkflow(ctx, id, orgflow.SignalNotify, nil, client.StartWorkflowOptions{
		ID: id, TaskQueue: a.Config.Temporal.TaskQueue,
		StaticSummary: fmt.Sprintf("messages over %s, company %d", target.Consumer, target.CompanyID),
	}, orgflow.WorkflowNotify, target)
	if err != nil {
		return unavailable("bring messages over "+target.String(), err)
	}
	return nil
}

// messagesStored says that messages of a channel were stored. Where this
// process watches the outbox it does not wait, and many are told at once.
func (a *App) messagesStored(ctx context.Context, target orgflow.Target) {
	if a.watching.Load() {
		a.wake()
		return
	}
	cl, err := a.Dial(ctx)
	if err == nil {
		err = a.Notify(ctx, cl, target)
	}
	if err != nil {
		a.Log.WarnContext(ctx, "messages are stored; a worker notices them later", "target", target.String(), "error", err)
	}
}

// wake has the watcher of this process look, if there is one.
func (a *App) wake() {
	select {
	case a.stored <- struct{}{}:
	default: // it is about to look
	}
}

// WatchMessages has operators told how runs ended and messages sent until ctx
// ends: at once what was stored in this process; and now and then what is due and nobody deals with, because
// whoever stored it died before saying so, or its workflow was terminated.
// Every worker may do so.
func (a *App) WatchMessages(ctx context.Context, cl client.Client) {
	a.watching.Store(true)
	defer a.watching.Store(false)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for late := overdue; ; {
		told, err := a.tellOperators(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "what operators are to be told could not be looked for; it is tried again", "error", err)
		}
		if told {
			late = 0
		}
		if err := a.remindOfMessages(ctx, cl, late); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "messages that are due could not be looked for; it is tried again", "error", err)
		}
		select {
		case <-tick.C:
			late = overdue
		case <-a.stored:
			late = 0
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) remindOfMessages(ctx context.Context, cl client.Client, late time.Duration) error {
	due, err := a.Store.DueMessages(ctx, late)
	if err != nil {
		return err
	}
	for _, target := range due {
		if err := a.Notify(ctx, cl, target); err != nil {
			return err
		}
	}
	return nil
}
