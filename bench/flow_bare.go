package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow/internal/store"
)

// bare is the least that could carry a flow durably: a workflow whose update
// runs one activity, which commits one row to orgflow's database, and whose
// first activity does the same. Callers use Temporal's client directly.
//
// It is a little better off than it could be: whoever launches is told of the
// first row inside the process, without asking anybody.
type bare struct {
	client    client.Client
	worker    worker.Worker
	store     *store.Store
	decisions int

	mu      sync.Mutex
	waiting map[string]chan struct{} // for the first row of a flow
}

const (
	bareQueue  = "bench-bare"
	bareFlow   = "BareFlow"
	bareDecide = "decide"
	bareCommit = "commit"
)

// newBare connects to a running installation and its database, with a worker
// that is set up as orgflow's.
func newBare(ctx context.Context, p *process, database string, decisions int) (*bare, error) {
	s, err := store.Open(ctx, database, store.Options{})
	if err != nil {
		return nil, err
	}
	b := &bare{store: s, decisions: decisions, waiting: map[string]chan struct{}{}}
	if _, err := b.db().ExecContext(ctx, `CREATE TABLE bench_row (flow text NOT NULL, n bigint NOT NULL, at bigint NOT NULL, PRIMARY KEY (flow, n))`); err != nil {
		return nil, err
	}
	if b.client, err = client.DialContext(ctx, client.Options{HostPort: p.temporal, Logger: quiet{}}); err != nil {
		return nil, err
	}
	b.worker = worker.New(b.client, bareQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: 32, MaxConcurrentActivityTaskPollers: 4, MaxConcurrentWorkflowTaskPollers: 4,
	})
	b.worker.RegisterWorkflowWithOptions(b.flow, workflow.RegisterOptions{Name: bareFlow})
	b.worker.RegisterActivityWithOptions(b.commit, activity.RegisterOptions{Name: bareCommit})
	return b, b.worker.Start()
}

func (b *bare) db() *sqlx.DB { return b.store.DB() }

func (b *bare) close() {
	b.worker.Stop()
	b.client.Close()
	_ = b.store.Close() // what was measured is measured
}

// flow commits a row, and another one per decision.
func (b *bare) flow(ctx workflow.Context, id string) error {
	commit := func(ctx workflow.Context, n int) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
		return workflow.ExecuteActivity(ctx, bareCommit, id, n).Get(ctx, nil)
	}
	decided := 0
	err := workflow.SetUpdateHandler(ctx, bareDecide, func(ctx workflow.Context, n int) (int, error) {
		defer func() { decided++ }()
		return n, commit(ctx, n)
	})
	if err != nil {
		return err
	}
	if err := commit(ctx, 0); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return decided == b.decisions && workflow.AllHandlersFinished(ctx) })
}

// commit may be repeated: the row is there then.
func (b *bare) commit(ctx context.Context, id string, n int) error {
	_, err := b.db().ExecContext(ctx, b.db().Rebind(`INSERT INTO bench_row (flow, n, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`), id, n, time.Now().UnixMicro())
	if err == nil && n == 0 {
		b.first(id)
	}
	return err
}

// first tells whoever launched.
func (b *bare) first(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if done, ok := b.waiting[id]; ok {
		close(done)
		delete(b.waiting, id)
	}
}

func (b *bare) prepare(context.Context, string) error { return nil }

func (b *bare) launch(ctx context.Context, flow string) error {
	done := make(chan struct{})
	b.mu.Lock()
	b.waiting[flow] = done
	b.mu.Unlock()
	if _, err := b.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: flow, TaskQueue: bareQueue}, bareFlow, flow); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *bare) decide(ctx context.Context, flow string, n int) error {
	handle, err := b.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: flow, UpdateID: fmt.Sprint("decide:", n), UpdateName: bareDecide, Args: []any{n + 1}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	var got int
	return handle.Get(ctx, &got)
}
