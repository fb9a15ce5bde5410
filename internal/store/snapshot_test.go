package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// reads makes a finished snapshot of one person per result, each in a run of
// its own, and ends the runs; the names are r1, r2 …
func reads(t testing.TB, s *store.Store, scope string, complete ...bool) []store.Snapshot {
	t.Helper()
	ctx := context.Background()
	var out []store.Snapshot
	for i, whole := range complete {
		run := fmt.Sprintf("%s-r%d", scope, i+1)
		newRun(t, s, run)
		snap, err := s.BeginSnapshot(ctx, store.NewSnapshot{RunID: run, Target: target, Scope: scope, Service: "person_new", Kind: orgflow.Person, FilterHash: "f-" + run})
		if err != nil {
			t.Fatal(err)
		}
		stage(t, s, snap, people(0, 1), 1)
		if snap, err = s.FinishSnapshot(ctx, snap.ID, store.SnapshotResult{Read: 1, Declared: -1, Complete: whole}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.FinishRun(ctx, run, orgflow.StatusCompleted, nil, nil); err != nil {
			t.Fatal(err)
		}
		out = append(out, snap)
	}
	return out
}

func TestLatestSnapshots(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		reads(t, s, "a", true, true, false)
		reads(t, s, "b", true)
		newRun(t, s, "unfinished")
		begin(t, s, "unfinished", "person_new")
		for name, c := range map[string]struct {
			filter store.SnapshotFilter
			want   []string // runs
		}{
			"every scope":       {store.SnapshotFilter{}, []string{"a-r3", "b-r1"}},
			"one scope":         {store.SnapshotFilter{Scope: "a", Kind: orgflow.Person}, []string{"a-r3"}},
			"complete ones":     {store.SnapshotFilter{Complete: true}, []string{"a-r2", "b-r1"}},
			"before this run":   {store.SnapshotFilter{Scope: "a", ExceptRun: "a-r3"}, []string{"a-r2"}},
			"of the other kind": {store.SnapshotFilter{Kind: orgflow.Org}, nil},
			"of nobody":         {store.SnapshotFilter{Target: orgflow.Target{CompanyID: 1, Consumer: "x"}}, nil},
		} {
			if c.filter.Target == (orgflow.Target{}) {
				c.filter.Target = target
			}
			got, err := s.LatestSnapshots(context.Background(), c.filter)
			var runs []string
			for _, snap := range got {
				runs = append(runs, snap.RunID)
				if snap.FilterHash != "f-"+snap.RunID {
					t.Errorf("filter hash %q", snap.FilterHash)
				}
			}
			if err != nil || !slices.Equal(runs, c.want) {
				t.Errorf("%s: %v, %v; want %v", name, runs, err, c.want)
			}
		}
	})
}

func TestRetentionKeepsWhatIsStillNeeded(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "waiting") // has not ended: its records may still be applied
		waiting := begin(t, s, "waiting", "person_new")
		stage(t, s, waiting, people(0, 1), 1)
		if _, err := s.FinishSnapshot(ctx, waiting.ID, store.SnapshotResult{}); err != nil {
			t.Fatal(err)
		}
		snaps := reads(t, s, "default", true, true, false, false, false)
		other := reads(t, s, "other", true, true, true)

		for round, want := range []int{2, 0} {
			if n, err := s.DropSnapshotsBefore(ctx, target, "default", 2); n != want || err != nil {
				t.Fatalf("round %d: dropped %d, %v; want %d", round, n, err, want)
			}
		}
		dropped := []bool{true, false, true, false, false} // the second is the newest complete one
		for i, snap := range snaps {
			got, err := s.GetSnapshot(ctx, snap.ID)
			if err != nil || got.Dropped != dropped[i] || got.Staged != 1 {
				t.Errorf("snapshot %d: dropped %v, staged %d, %v; want %v, 1", i+1, got.Dropped, got.Staged, err, dropped[i])
			}
			n, _, err := s.CountStaged(ctx, snap.ID)
			if err != nil || (n == 0) != dropped[i] {
				t.Errorf("snapshot %d holds %d records, %v", i+1, n, err)
			}
		}
		for _, err := range s.RecordsByID(ctx, snaps[0].ID) {
			if err == nil {
				t.Error("a dropped snapshot was read as if it were empty or whole")
			}
		}
		if n := len(ids(t, s, waiting.ID)) + len(ids(t, s, other[0].ID)); n != 2 {
			t.Errorf("%d records left of a waiting run and another scope, want 2", n)
		}
	})
}
