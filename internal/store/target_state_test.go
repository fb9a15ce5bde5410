package store_test

import (
	"context"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

func TestTheStateOfARateBudget(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		if _, _, used, err := s.RateState(ctx, target.String()); used || err != nil {
			t.Errorf("before the first call: %v %v", used, err)
		}
		if err := s.HoldRate(ctx, target.String(), time.Hour); err != nil {
			t.Fatal(err)
		}
		next, now, used, err := s.RateState(ctx, target.String())
		if d := next.Sub(now); err != nil || !used || d > time.Hour || d < 50*time.Minute {
			t.Errorf("held for an hour, it is %v, %v", d, err)
		}
	})
}

func TestLastTroublesAreTheTargetsNewestFailures(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(4))
		page := claim(t, s, "r", 1, 0, 4)
		failure := func(id int, code string) store.Outcome {
			return store.Outcome{ChangeID: id, State: orgflow.Failed, Log: &store.LogEntry{Request: []byte(`{"mobile":"10000000000"}`)},
				Fault: &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: code, Message: "taken"}}
		}
		record(t, s, "r", done(page[0].Change), failure(2, "60104"))
		record(t, s, "r", failure(3, "60121"), done(page[3].Change))
		got, err := s.LastTroubles(context.Background(), target, 5)
		if err != nil || len(got) != 2 || got[0].VendorCode != "60121" || got[1].VendorCode != "60104" || got[0].RunID != "r" || got[0].SourceID != "1002" {
			t.Errorf("%+v %v", got, err)
		}
		for _, e := range got {
			if e.Request != nil {
				t.Errorf("what was sent is shown: %s", e.Request)
			}
		}
		if got, err := s.LastTroubles(context.Background(), target, 1); err != nil || len(got) != 1 {
			t.Errorf("at most one: %+v %v", got, err)
		}
		if got, err := s.LastTroubles(context.Background(), orgflow.Target{CompanyID: 129, Consumer: "we_com"}, 5); err != nil || len(got) > 0 {
			t.Errorf("another target's: %+v %v", got, err)
		}
	})
}
