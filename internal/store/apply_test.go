package store_test

import (
	"context"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

func TestClaimMarksAndDoubts(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(5))
		got, err := s.ClaimChanges(ctx, "r", 1, 0, 3)
		if err != nil || len(got) != 3 {
			t.Fatal(got, err)
		}
		res, err := s.RecordOutcomes(ctx, "r", []store.Outcome{{ChangeID: 1, State: orgflow.Done, ConsumerID: "E1", Binding: &orgflow.Binding{ConsumerID: "E1", Scope: "default"}, Log: &store.LogEntry{Calls: 1}}})
		if err != nil || res.Recorded != 1 {
			t.Fatal(res, err)
		}
		sum, err := s.Summary(ctx, "r")
		t.Log(sum, err)
	})
}
