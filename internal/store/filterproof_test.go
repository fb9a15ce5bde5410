package store_test

import (
	"context"
	"slices"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// A filter that changed stays changed until a run's deletes have gone
// through with it, however often the parked ones are looked at again.
func TestFilterChanged(t *testing.T) {
	type read struct {
		filter string
		delete orgflow.State // state of the run's one delete; empty: none planned
		mutate func(*store.NewRun)
		status orgflow.Status // default completed
	}
	dry := func(n *store.NewRun) { n.Job.Params.DryRun = true }
	updates := func(n *store.NewRun) { n.Job.Params.Operations = []orgflow.Op{orgflow.Insert, orgflow.Update} }
	single := func(n *store.NewRun) { n.Job.Params.SourceIDs = []string{"person:1"} }
	for name, c := range map[string]struct {
		earlier []read
		ask     string
		want    bool
	}{
		"a first run":                          {nil, "f", false},
		"the same filter":                      {[]read{{filter: "f"}}, "f", false},
		"another filter":                       {[]read{{filter: "f"}}, "g", true},
		"asked again after its deletes parked": {[]read{{filter: "f"}, {filter: "g", delete: orgflow.Parked}}, "g", true},
		"asked again after a rejection":        {[]read{{filter: "f"}, {filter: "g", delete: orgflow.Skipped}}, "g", true},
		"after its deletes were approved":      {[]read{{filter: "f"}, {filter: "g", delete: orgflow.Done}}, "g", false},
		"a dry run proves nothing":             {[]read{{filter: "f"}, {filter: "g", mutate: dry}}, "g", true},
		"a run without deletes proves nothing": {[]read{{filter: "f"}, {filter: "g", mutate: updates}}, "g", true},
		"a run for one record proves nothing":  {[]read{{filter: "f"}, {filter: "g", mutate: single}}, "g", true},
		"a failed run proves nothing":          {[]read{{filter: "f"}, {filter: "g", status: orgflow.StatusFailed}}, "g", true},
		"only a failed run with another":       {[]read{{filter: "f", status: orgflow.StatusFailed}}, "g", true},
		"only a failed run with the same":      {[]read{{filter: "f", status: orgflow.StatusFailed}}, "f", false},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDB(t, func(t *testing.T, s *store.Store) {
				ctx := context.Background()
				for i, r := range c.earlier {
					n := store.NewRun{FirstRunID: string(rune('a' + i)), WorkflowID: string(rune('a' + i)), Job: job()}
					if r.mutate != nil {
						r.mutate(&n)
					}
					run, _, err := s.CreateRun(ctx, n)
					if err != nil {
						t.Fatal(err)
					}
					snap, err := s.BeginSnapshot(ctx, store.NewSnapshot{RunID: run.ID, Target: target, Scope: "default", Service: "person_new", Kind: orgflow.Person, FilterHash: r.filter})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := s.FinishSnapshot(ctx, snap.ID, store.SnapshotResult{Complete: true, Declared: -1}); err != nil {
						t.Fatal(err)
					}
					var changes []orgflow.Change
					if r.delete != "" {
						changes = []orgflow.Change{{ID: 1, Kind: orgflow.Person, Op: orgflow.Delete, SourceID: "1", State: r.delete}}
					}
					if err := s.SavePlan(ctx, run.ID, store.PlanMeta{Hash: run.ID}, slices.Values(changes)); err != nil {
						t.Fatal(err)
					}
					if err := s.SetStage(ctx, run.ID, store.Planned); err != nil {
						t.Fatal(err)
					}
					status := r.status
					if status == "" {
						status = orgflow.StatusCompleted
					}
					if _, err := s.FinishRun(ctx, run.ID, status, nil, nil); err != nil {
						t.Fatal(err)
					}
				}
				got, err := s.FilterChanged(ctx, store.FilterProof{Target: target, Scope: "default", Service: "person_new", Kind: orgflow.Person, ExceptRun: "now", FilterHash: c.ask})
				if err != nil || got != c.want {
					t.Errorf("changed = %v, %v; want %v", got, err, c.want)
				}
			})
		})
	}
}
