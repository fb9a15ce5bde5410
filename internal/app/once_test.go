package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// starts is a Temporal that keeps which workflows were started.
type starts struct {
	client.Client
	ids []string
}

// aRun is one of them.
type aRun struct {
	client.WorkflowRun
	id string
}

func (r aRun) GetID() string    { return r.id }
func (r aRun) GetRunID() string { return "first" }

func (s *starts) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	if slices.Contains(s.ids, o.ID) {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("running", "", "first")
	}
	s.ids = append(s.ids, o.ID)
	return aRun{id: o.ID}, nil
}

// A button pressed twice, or a request sent again because its answer was lost,
// is one act, and one entry in the audit log.
func TestWhatIsAskedForTwiceIsStartedOnce(t *testing.T) {
	temporal := &starts{}
	runs := (&App{Store: outbox(t), temporal: temporal}).Runs()
	endedWithAFailure(t, runs.app.Store)
	operator, other := api.Steering{By: "E1", Key: "user:E1"}, api.Steering{By: "E2", Key: "user:E2"}
	retry := func(s api.Steering) (api.Started, error) { return runs.Retry(t.Context(), "r", s) }
	undo := func(s api.Steering) (api.Started, error) {
		return runs.Undo(t.Context(), "r", api.UndoOptions{Steering: s})
	}
	dry := func(s api.Steering) (api.Started, error) {
		return runs.Undo(t.Context(), "r", api.UndoOptions{Steering: s, DryRun: true})
	}
	seen := map[string]string{}
	for name, c := range map[string]struct {
		do   func(api.Steering) (api.Started, error)
		who  api.Steering
		once string
	}{
		"retry": {retry, operator, "a"}, "retry of another page": {retry, operator, "b"}, "somebody else's retry": {retry, other, "a"},
		"undo": {undo, operator, "a"}, "dry undo": {dry, operator, "a"},
	} {
		c.who.Once = c.once
		first, err := c.do(c.who)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := len(temporal.ids)
		second, err := c.do(c.who)
		if err != nil || second != first || len(temporal.ids) != before {
			t.Errorf("%s: %+v and then %+v, %v", name, first, second, err)
		}
		if of, taken := seen[first.ID]; taken {
			t.Errorf("%s is taken for %s", name, of)
		}
		seen[first.ID] = name
	}
	for range 2 {
		if _, err := retry(operator); err != nil {
			t.Fatal(err)
		}
	}
	if len(temporal.ids) != len(seen)+2 {
		t.Errorf("without a word each is an act of its own: %d starts", len(temporal.ids))
	}
	written, _, err := runs.app.Store.AuditLog(t.Context(), "r", "", 99)
	if err != nil || len(written) != len(temporal.ids) {
		t.Errorf("%d acts, %d entries in the audit log: %+v, %v", len(temporal.ids), len(written), written, err)
	}
}

// endedWithAFailure stores run "r", of whose two changes one failed.
func endedWithAFailure(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	job := orgflow.Job{Services: []string{"person_new"}, Consumer: "ding_talk", CompanyID: 129}.WithDefaults()
	_, _, err := s.CreateRun(ctx, store.NewRun{FirstRunID: "f", WorkflowID: "r", Job: job, StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	changes := []orgflow.Change{
		{ID: 1, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "1", Wave: 1, State: orgflow.Failed},
		{ID: 2, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "2", Wave: 1, State: orgflow.Done},
	}
	if err := s.SavePlan(ctx, "r", store.PlanMeta{Hash: "h"}, slices.Values(changes)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FinishRun(ctx, "r", orgflow.StatusCompletedWithFailures, nil, nil); err != nil {
		t.Fatal(err)
	}
}
