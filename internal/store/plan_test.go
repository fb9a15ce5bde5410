package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestPlanComesBackAsSaved(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		want := []orgflow.Change{
			{ID: 1, Kind: orgflow.Org, Op: orgflow.Insert, SourceID: "11", State: orgflow.Planned, Wave: 1, Reason: "new",
				Payload: json.RawMessage(`{"fields":{"z":1.0,"a":"<\u0000>"}}`), Hash: "h1"},
			{ID: 2, Kind: orgflow.Person, Op: orgflow.Update, SourceID: `O'Brien "{}",\`, ConsumerID: "王👩‍👩‍👧", State: orgflow.Planned, Wave: 2,
				Aspect: orgflow.AspectReferences, DependsOn: []int{1}, Reason: "title differs",
				Fields: map[string]orgflow.Diff{"title": {Before: json.Number("1.50"), After: []any{"@org:11", nil, true}}, "x\x00": {After: "\x00"}}},
			{ID: 3, Kind: orgflow.Person, Op: orgflow.Delete, SourceID: "3", State: orgflow.Held, Wave: 3,
				Error: &orgflow.Fault{Code: orgflow.CodeNeedsHuman, Message: "held", Advice: "ask"}},
		}
		meta := store.PlanMeta{Hash: "h", SnapshotIDs: []int64{4, 2}, Content: json.RawMessage(`{ "b": 1, "a": 2 }`), CreatedAt: noon,
			Counts: map[orgflow.Kind]orgflow.PlanCount{orgflow.Org: {Insert: 1}, orgflow.Person: {Update: 1, Unchanged: 7}}}
		if err := s.SavePlan(ctx, "r", meta, slices.Values(want)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Plan(ctx, "r")
		if err != nil || cmp.Diff(meta, got) != "" {
			t.Error("head:", err, cmp.Diff(meta, got))
		}
		changes := list(t, s, "r")
		for i := range changes {
			if changes[i].UpdatedAt.IsZero() {
				t.Errorf("change %d has no time", changes[i].ID)
			}
			changes[i].UpdatedAt = time.Time{}
		}
		if diff := cmp.Diff(want, changes); diff != "" {
			t.Error("changes:", diff)
		}
		if run, err := s.GetRun(ctx, "r"); run.PlanHash != "h" || err != nil {
			t.Errorf("the run's plan hash is %q, %v", run.PlanHash, err)
		}
	})
}

func TestSavePlanAgain(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		save := func(hash string, n int) error {
			return s.SavePlan(ctx, "r", store.PlanMeta{Hash: hash}, slices.Values(persons(n)))
		}
		if err := errors.Join(save("a", 3), save("a", 5)); err != nil || len(list(t, s, "r")) != 3 {
			t.Errorf("the same hash again: %v, %d changes; want the first plan of 3", err, len(list(t, s, "r")))
		}
		if err := save("b", 2); err != nil || len(list(t, s, "r")) != 2 {
			t.Errorf("another plan: %v, %d changes; want it to replace the first", err, len(list(t, s, "r")))
		}
		twice := persons(2)
		twice[1].ID = 1
		if err := s.SavePlan(ctx, "r", store.PlanMeta{Hash: "c"}, slices.Values(twice)); err == nil || len(list(t, s, "r")) != 2 {
			t.Errorf("a plan with a repeated id: %v; want an error and the old plan kept", err)
		}
		claim(t, s, "r", 1, 0, 1)
		if err := save("d", 1); !errors.Is(err, store.ErrPlanStarted) {
			t.Errorf("a plan that was begun: %v, want ErrPlanStarted", err)
		}
		if err := save("b", 1); err != nil {
			t.Errorf("the begun plan itself: %v, want nothing to do", err)
		}
	})
}

func TestWavesAndStates(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		changes := persons(6)
		for i := range changes {
			changes[i].Wave = 1 + i/2
		}
		changes[2].Op = orgflow.Update // wave 2 mixes operations
		changes[4].Kind, changes[4].State = orgflow.Org, orgflow.Parked
		changes[4].Op, changes[5].Op = orgflow.Delete, orgflow.Delete // wave 3 mixes kinds
		savePlan(t, s, "r", changes)
		waves, err := s.Waves(ctx, "r")
		want := []store.Wave{
			{No: 1, Total: 2, Open: 2, FirstID: 1, LastID: 2, Kind: orgflow.Person, Op: orgflow.Insert},
			{No: 2, Total: 2, Open: 2, FirstID: 3, LastID: 4, Kind: orgflow.Person},
			{No: 3, Total: 2, Open: 1, FirstID: 6, LastID: 6, Op: orgflow.Delete},
		}
		if err != nil || cmp.Diff(want, waves) != "" {
			t.Error(err, cmp.Diff(want, waves))
		}
		states, err := s.StatesOf(ctx, "r", []int{1, 5, 77})
		if err != nil || cmp.Diff(map[int]store.ChangeState{
			1: {Key: changes[0].Key(), State: orgflow.Planned}, 5: {Key: changes[4].Key(), State: orgflow.Parked},
		}, states) != "" {
			t.Errorf("StatesOf %v, %v", states, err)
		}
		if n, err := s.SetStates(ctx, "r", orgflow.Delete, orgflow.Parked, orgflow.Planned, "approved"); n != 1 || err != nil {
			t.Errorf("approved %d, %v; want 1", n, err)
		}
		if n, err := s.SetStates(ctx, "r", orgflow.Delete, orgflow.Parked, orgflow.Skipped, "rejected"); n != 0 || err != nil {
			t.Errorf("then rejected %d, %v; want 0", n, err)
		}
		if _, err := s.SetStates(ctx, "r", "", orgflow.Done, orgflow.Planned, ""); err == nil {
			t.Error("a final state was left")
		}
		counts, err := s.CountByState(ctx, "r")
		if err != nil || cmp.Diff(map[orgflow.State]int{orgflow.Planned: 6}, counts) != "" {
			t.Errorf("CountByState %v, %v", counts, err)
		}
	})
}

func TestListChangesFiltersAndPages(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		changes := persons(9)
		for i := range changes {
			if i%2 == 1 {
				changes[i].Op, changes[i].State = orgflow.Delete, orgflow.Parked
			}
		}
		savePlan(t, s, "r", changes)
		for name, c := range map[string]struct {
			filter store.ChangeFilter
			want   []int
		}{
			"all":     {store.ChangeFilter{}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}},
			"parked":  {store.ChangeFilter{State: orgflow.Parked}, []int{2, 4, 6, 8}},
			"inserts": {store.ChangeFilter{Op: orgflow.Insert, Kind: orgflow.Person}, []int{1, 3, 5, 7, 9}},
			"orgs":    {store.ChangeFilter{Kind: orgflow.Org}, nil},
		} {
			var got []int
			for f := c.filter; ; {
				f.Limit = 2
				page, next, err := s.ListChanges(ctx, "r", f)
				if err != nil || len(page) > 2 {
					t.Fatal(len(page), err)
				}
				for _, change := range page {
					got = append(got, change.ID)
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		if _, _, err := s.ListChanges(ctx, "r", store.ChangeFilter{Cursor: "-1"}); !errors.Is(err, store.ErrBadCursor) {
			t.Errorf("bad cursor: %v", err)
		}
	})
}

func TestLargePlanIsSavedWhole(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(5003)) // several chunks of each kind, and a rest
		waves, err := s.Waves(context.Background(), "r")
		if err != nil || len(waves) != 1 || waves[0].Total != 5003 || waves[0].LastID != 5003 {
			t.Errorf("waves %+v, %v", waves, err)
		}
	})
}

func TestBindingsStreamInKeyOrder(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		var put []orgflow.Binding
		for i := range 1203 {
			put = append(put, orgflow.Binding{Kind: orgflow.Person, SourceID: fmt.Sprint(i), ConsumerID: fmt.Sprint("E", i),
				Scope: "default", Hash: "h", Payload: json.RawMessage(`{"b":1,"a":1.0}`), State: orgflow.BindingActive})
		}
		odd := orgflow.Binding{Kind: orgflow.Person, SourceID: "é'B", ConsumerID: "a b", Scope: "s2", State: orgflow.BindingPending,
			InvitedAt: time.Date(2026, 11, 1, 9, 30, 0, 123000, time.UTC)}
		if err := s.PutBindings(ctx, target, "r1", append(put, odd)); err != nil {
			t.Fatal(err)
		}
		put[7].ConsumerID, put[7].Hash = "moved", "h2"
		if err := s.PutBindings(ctx, target, "r2", put[7:8]); err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(put), odd)
		for i := range want {
			want[i].LastRun = "r1"
		}
		want[7].LastRun = "r2"
		slices.SortFunc(want, func(a, b orgflow.Binding) int { // by bytes on both databases
			if a.SourceID < b.SourceID {
				return -1
			}
			return 1
		})
		var got []orgflow.Binding
		for b, err := range s.Bindings(ctx, target, orgflow.Person) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		key := func(kind orgflow.Kind, id string) orgflow.RecordKey { return orgflow.RecordKey{Kind: kind, ID: id} }
		if err := s.RemoveBindings(ctx, target, []orgflow.RecordKey{key(orgflow.Person, "8"), key(orgflow.Org, "9")}); err != nil {
			t.Fatal(err)
		}
		found, err := s.BindingIDs(ctx, target, []orgflow.RecordKey{key(orgflow.Person, "7"), key(orgflow.Person, "8"), key(orgflow.Org, "9"), key(orgflow.Person, "é'B"), key(orgflow.Person, "\x00")})
		if err != nil || cmp.Diff(map[orgflow.RecordKey]string{key(orgflow.Person, "7"): "moved"}, found) != "" {
			t.Errorf("BindingIDs %v, %v", found, err)
		}
	})
}
