package app

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/activities"
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
		Store: a.Store, Files: a.Meta, Connectors: a.Connectors, Now: time.Now,
		People: activities.LocalPeople{Store: a.Store},
	}
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

// WatchMessages looks now and then, until ctx ends, for messages that are due
// and that nobody deals with: whoever stored them died before saying so, or
// their workflow was terminated. Every worker may do so.
func (a *App) WatchMessages(ctx context.Context, cl client.Client) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if err := a.remindOfMessages(ctx, cl); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "messages that are due could not be looked for; it is tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) remindOfMessages(ctx context.Context, cl client.Client) error {
	due, err := a.Store.DueMessages(ctx, overdue)
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
