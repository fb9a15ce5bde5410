package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orgflow"
	"orgflow/internal/store"
)

// fail runs a plan with one change in run and records an outcome for it.
func fail(t testing.TB, s *store.Store, run string, c orgflow.Change, o store.Outcome) {
	t.Helper()
	newRun(t, s, run)
	c.ID, c.Wave, c.State = 1, 1, orgflow.Planned
	savePlan(t, s, run, []orgflow.Change{c})
	claim(t, s, run, 1, 0, 1)
	o.ChangeID = 1
	record(t, s, run, o)
}

func failures(t testing.TB, s *store.Store) []store.RecordFailure {
	t.Helper()
	list, err := s.Failures(context.Background(), target, orgflow.Person)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// refused is an outcome that counts.
func refused(code orgflow.Code) store.Outcome {
	return store.Outcome{State: orgflow.Failed, Fault: &orgflow.Fault{Code: code, VendorCode: "60104", Message: "taken\x00 " + strings.Repeat("长", 300)}}
}

func TestFailuresAreCountedOncePerRunWhileTheChangeIsTheSame(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		c := persons(1)[0]
		another := c
		another.Payload = []byte(`{"fields":{"name":"b"}}`)
		another.Hash = orgflow.Hash(another.Payload)
		update := c
		update.Op = orgflow.Update
		second := c
		second.Aspect = orgflow.AspectReferences
		look := c
		look.Aspect = orgflow.AspectInvitation
		steps := []struct {
			change  orgflow.Change
			outcome store.Outcome
			want    int // failures in a row; 0: not known
		}{
			{c, refused(orgflow.CodeConflict), 1},
			{c, refused(orgflow.CodeInvalidRecord), 2},
			{c, store.Outcome{State: orgflow.NeedsHuman, Fault: orgflow.Faultf(orgflow.CodeNeedsHuman, "12150")}, 3},
			{c, store.Outcome{State: orgflow.Disputed, Fault: orgflow.Faultf(orgflow.CodeConflict, "bound")}, 4},
			{c, refused(orgflow.CodeUnavailable), 4},
			{c, refused(orgflow.CodeUnknownOutcome), 4},
			{c, refused(orgflow.CodeQuota), 4},
			{c, refused(orgflow.CodeInternal), 4},
			{c, store.Outcome{State: orgflow.Blocked, Fault: orgflow.Faultf(orgflow.CodeBlocked, "waits")}, 4},
			{c, store.Outcome{State: orgflow.Skipped}, 4},
			{second, refused(orgflow.CodeConflict), 4},
			{second, store.Outcome{State: orgflow.Done}, 4},
			{look, refused(orgflow.CodeConflict), 5},
			{another, refused(orgflow.CodeNotFound), 1},
			{another, refused(orgflow.CodeNotFound), 2},
			{update, refused(orgflow.CodeNotFound), 1},
			{c, store.Outcome{State: orgflow.Done}, 0},
			{c, refused(orgflow.CodeConflict), 1},
			{look, store.Outcome{State: orgflow.PendingInvite}, 0},
		}
		for i, step := range steps {
			fail(t, s, fmt.Sprint("run", i), step.change, step.outcome)
			got := failures(t, s)
			n := 0
			if len(got) > 0 {
				n = got[0].Failures
			}
			if n != step.want {
				t.Fatalf("step %d: %+v; want %d failures", i, got, step.want)
			}
		}
	})
}

func TestAFailureSaysWhatFailedSinceWhenAndWhy(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		c := persons(1)[0]
		fail(t, s, "r1", c, refused(orgflow.CodeInvalidRecord))
		first := failures(t, s)[0]
		fail(t, s, "r2", c, refused(orgflow.CodeConflict))
		got := failures(t, s)
		want := []store.RecordFailure{{
			Kind: orgflow.Person, SourceID: c.SourceID, Scope: "default", Op: orgflow.Insert, Hash: c.Hash, Failures: 2,
			FirstAt: first.FirstAt, Code: orgflow.CodeConflict, VendorCode: "60104", Message: "taken\uFFFD " + strings.Repeat("长", 193),
		}}
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(store.RecordFailure{}, "LastAt")); d != "" {
			t.Error(d)
		}
		if !got[0].LastAt.After(first.LastAt) || time.Since(got[0].LastAt) > 365*24*time.Hour {
			t.Errorf("last at %s, first at %s", got[0].LastAt, first.LastAt)
		}
	})
}

func TestAPageTriedAgainCountsOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		changes := append(persons(2), persons(2)...) // two changes of each record
		for i := range changes {
			changes[i].ID = i + 1
		}
		savePlan(t, s, "r", changes)
		claim(t, s, "r", 1, 0, 4)
		outcomes := make([]store.Outcome, 4)
		for i := range outcomes {
			outcomes[i] = refused(orgflow.CodeConflict)
			outcomes[i].ChangeID = i + 1
		}
		record(t, s, "r", outcomes[:3]...)
		record(t, s, "r", outcomes...)
		record(t, s, "r", outcomes...)
		got := failures(t, s)
		if len(got) != 2 || got[0].Failures != 1 || got[1].Failures != 1 {
			t.Errorf("failures %+v", got)
		}
	})
}

func TestForgetFailures(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		c := persons(1)[0]
		fail(t, s, "r1", c, refused(orgflow.CodeConflict))
		forget := func(target orgflow.Target, keys ...orgflow.RecordKey) {
			t.Helper()
			if err := s.ForgetFailures(context.Background(), target, keys); err != nil {
				t.Fatal(err)
			}
		}
		forget(target)
		forget(target, orgflow.RecordKey{Kind: orgflow.Org, ID: c.SourceID}, orgflow.RecordKey{Kind: orgflow.Person, ID: "nobody"})
		forget(orgflow.Target{CompanyID: 1, Consumer: "ding_talk"}, c.Key())
		if len(failures(t, s)) != 1 {
			t.Error("another record's or target's failures are forgotten too")
		}
		forget(target, c.Key())
		if got := failures(t, s); len(got) != 0 {
			t.Errorf("left: %+v", got)
		}
	})
}
