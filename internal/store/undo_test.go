package store_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// What an undo has to know comes back: changes that took effect, or may have,
// each with what was there before it.
func TestEffectsAreWhatAnUndoTakesBack(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		changes := persons(8)
		changes[1].Before, changes[1].Adopted = json.RawMessage(`{"fields":{"name":"N"}}`), true
		changes[3].Op = orgflow.Update
		changes[6].State = orgflow.Held
		savePlan(t, s, "r", changes)
		claim(t, s, "r", 1, 0, 8)
		taken := done(changes[1])
		taken.Adopted = true
		invited, waits := done(changes[2]), done(changes[3])
		invited.State, waits.State = orgflow.PendingInvite, orgflow.PendingInvite
		lost := store.Outcome{ChangeID: 6, State: orgflow.Failed, Fault: orgflow.Faultf(orgflow.CodeUnknownOutcome, "no answer"), InDoubt: true}
		record(t, s, "r", done(changes[0]), taken, invited, waits,
			store.Outcome{ChangeID: 5, State: orgflow.Failed, Fault: orgflow.Faultf(orgflow.CodeInvalidRecord, "no")}, lost)

		var ids []int
		for c, err := range s.Effects(ctx, "r") {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, c.ID)
			if c.ID == 2 && (string(c.Before) != `{"fields":{"name":"N"}}` || !c.Adopted) {
				t.Errorf("before %s, adopted %v", c.Before, c.Adopted)
			}
			if (c.State == orgflow.Failed) != (c.ID == 6) {
				t.Errorf("change %d is %s", c.ID, c.State)
			}
		}
		n, err := s.CountEffects(ctx, "r")
		if want := []int{1, 2, 3, 6}; !slices.Equal(ids, want) || err != nil || n != len(want) {
			t.Errorf("effects %v, counted %d (%v), want %v", ids, n, err, want)
		}
	})
}

// What an undo could not bring back is stored with the plan, and so is known
// before anybody approves it.
func TestTheSummaryShowsWhatIsIrreversible(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		meta := store.PlanMeta{Hash: "h", Content: json.RawMessage(`{"irreversible":[{"kind":"org","op":"delete","count":2,"why":"another id"}],"notes":["n"]}`)}
		if err := s.SavePlan(context.Background(), "r", meta, slices.Values(persons(1))); err != nil {
			t.Fatal(err)
		}
		sum, err := s.Summary(context.Background(), "r")
		want := []orgflow.Irreversible{{Kind: orgflow.Org, Op: orgflow.Delete, Count: 2, Why: "another id"}}
		if d := cmp.Diff(want, sum.Irreversible); d != "" || err != nil {
			t.Errorf("%s %v", d, err)
		}
	})
}
