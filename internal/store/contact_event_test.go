package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func told(event, person string) store.ContactEvent {
	return store.ContactEvent{EventID: event, Type: "user_modify_org", Record: orgflow.RemoteKey{Kind: orgflow.Person, ID: person}}
}

func TestAnEventIsKeptOnceUntilItIsDealtWith(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		save := func(want int, events ...store.ContactEvent) {
			t.Helper()
			if open, err := s.SaveContactEvents(ctx, target, events); err != nil || open != want {
				t.Errorf("open %d, %v; want %d", open, err, want)
			}
		}
		open := func(run string, want ...string) (states map[int64]string) {
			t.Helper()
			events, err := s.ContactEvents(ctx, target, run, 10)
			must(t, err)
			got, states := []string(nil), map[int64]string{}
			for _, e := range events {
				got = append(got, e.EventID+" "+e.Record.ID+" "+e.State)
				states[e.ID] = store.EventTaken
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("run %s: %s", run, d)
			}
			return states
		}
		save(2, told("ev-1", "E1"), told("ev-1", "E2"))
		save(2, told("ev-1", "E1"), told("ev-1", "E2")) // delivered again before anybody looked
		if _, err := s.SaveContactEvents(ctx, orgflow.Target{CompanyID: 7, Consumer: "ding_talk"}, []store.ContactEvent{told("ev-1", "E1")}); err != nil {
			t.Fatal(err)
		}
		states := open("run-1", "ev-1 E1 open", "ev-1 E2 open")
		must(t, s.SettleContactEvents(ctx, "run-1", states))
		save(0, told("ev-1", "E1")) // and afterwards
		save(1, told("ev-2", "E1"))
		open("run-1", "ev-1 E1 taken", "ev-1 E2 taken", "ev-2 E1 open") // again, with what came meanwhile
		open("run-2", "ev-2 E1 open")
		later := func(days int) {
			t.Helper()
			_, err := s.Prune(ctx, orgflow.DefaultRetention(), newClock().now().AddDate(0, 0, days), func(orgflow.Pruned) {})
			must(t, err)
		}
		later(30) // known again for so long, whoever delivers it
		open("run-1", "ev-1 E1 taken", "ev-1 E2 taken", "ev-2 E1 open")
		later(31)
		open("run-1", "ev-2 E1 open")
	})
}

func TestOurOwnWritesAreKnown(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "run-1")
		changes := persons(2)
		for i := range changes {
			changes[i].ConsumerID = "E" + changes[i].SourceID
		}
		savePlan(t, s, "run-1", changes)
		one, two := orgflow.RemoteKey{Kind: orgflow.Person, ID: "E1000"}, orgflow.RemoteKey{Kind: orgflow.Person, ID: "E1001"}
		written := func(from, to time.Time) map[orgflow.RemoteKey][]time.Time {
			t.Helper()
			got, err := s.WrittenBetween(ctx, target, []orgflow.RemoteKey{one, two}, from, to)
			must(t, err)
			return got
		}
		far, ago := noon.Add(-365*24*time.Hour), noon.Add(365*24*time.Hour)
		if got := written(far, ago); len(got) != 0 {
			t.Errorf("planned is not written: %v", got)
		}
		claimed := claim(t, s, "run-1", 1, 0, 2)
		if got := written(far, far); len(got[one]) != 1 || len(got[two]) != 1 {
			t.Errorf("on its way: %v", got)
		}
		record(t, s, "run-1", done(claimed[0].Change))
		must(t, s.ReleaseClaims(ctx, "run-1", []int{2}))
		got := written(far, ago)
		if len(got[one]) != 1 || len(got[two]) != 0 {
			t.Errorf("recorded: %v", got)
		}
		if later := written(got[one][0].Add(time.Second), ago); len(later) != 0 {
			t.Errorf("outside the span: %v", later)
		}
		bound, err := s.BoundRemote(ctx, target, []orgflow.RemoteKey{one, two, {Kind: orgflow.Org, ID: "E1000"}})
		if err != nil || len(bound) != 1 || bound[one].SourceID != "1000" {
			t.Errorf("bound %v, %v", bound, err)
		}
	})
}
