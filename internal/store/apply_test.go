package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// claim claims the next limit planned changes of a wave behind an id.
func claim(t testing.TB, s *store.Store, run string, wave, after, limit int) []store.ClaimedChange {
	t.Helper()
	var ids []int
	for _, c := range list(t, s, run) {
		if c.Wave == wave && c.ID > after && c.State == orgflow.Planned && len(ids) < limit {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	claimed, err := s.ClaimPage(context.Background(), run, ids[0], ids[len(ids)-1])
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func record(t testing.TB, s *store.Store, run string, outcomes ...store.Outcome) store.Recorded {
	t.Helper()
	r, err := s.RecordOutcomes(context.Background(), run, outcomes)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func list(t testing.TB, s *store.Store, run string) []orgflow.Change {
	t.Helper()
	changes, next, err := s.ListChanges(context.Background(), run, store.ChangeFilter{Limit: 1000})
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	return changes
}

func bindings(t testing.TB, s *store.Store) map[string]string {
	t.Helper()
	out := map[string]string{}
	for b, err := range s.Bindings(context.Background(), target, orgflow.Person) {
		if err != nil {
			t.Fatal(err)
		}
		out[b.SourceID] = b.ConsumerID
	}
	return out
}

func logOf(t testing.TB, s *store.Store, source string) []store.LogEntry {
	t.Helper()
	entries, _, err := s.RecordLog(context.Background(), target, orgflow.RecordKey{Kind: orgflow.Person, ID: source}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// done is a successful insert of the change's person, as an activity records it.
func done(c orgflow.Change) store.Outcome {
	return store.Outcome{
		ChangeID: c.ID, State: orgflow.Done, ConsumerID: "E" + c.SourceID,
		Binding: &orgflow.Binding{ConsumerID: "E" + c.SourceID, Scope: "default", Hash: c.Hash, Payload: c.Payload},
		Log:     &store.LogEntry{Request: json.RawMessage(`{"mobile":"100****0000"}`), Duration: 1234 * time.Millisecond, Calls: 2},
	}
}

func TestClaimStoresTheIntentBeforeTheCall(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		changes := persons(6)
		changes[2].State = orgflow.Held
		changes[5].Wave = 2
		savePlan(t, s, "r", changes)

		first := claim(t, s, "r", 1, 0, 2)
		if got := claimIDs(first); !slices.Equal(got, []int{1, 2}) || first[0].InDoubt || first[0].Attempts != 1 {
			t.Fatalf("first page %v, in doubt %v, attempts %d", got, first[0].InDoubt, first[0].Attempts)
		}
		if string(first[0].Payload) != string(changes[0].Payload) || orgflow.Hash(first[0].Payload) != first[0].Hash {
			t.Errorf("payload came back as %s", first[0].Payload)
		}
		if got := claimIDs(claim(t, s, "r", 1, 2, 10)); !slices.Equal(got, []int{4, 5}) {
			t.Errorf("second page %v; want 4 and 5, without the held one and the next wave", got)
		}
		if got := claim(t, s, "r", 1, 5, 10); len(got) != 0 {
			t.Errorf("after the last: %v", claimIDs(got))
		}
		if stored := list(t, s, "r"); stored[0].Attempts != 1 || stored[2].Attempts != 0 || stored[5].Attempts != 0 {
			t.Errorf("attempts stored: %d %d %d", stored[0].Attempts, stored[2].Attempts, stored[5].Attempts)
		}
	})
}

func claimIDs(list []store.ClaimedChange) []int {
	out := make([]int, len(list))
	for i, c := range list {
		out[i] = c.ID
	}
	return out
}

func TestCrashBetweenClaimAndOutcomeLeavesDoubt(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(4))
		page := claim(t, s, "r", 1, 0, 4)
		record(t, s, "r", done(page[0].Change), store.Outcome{ChangeID: 2, State: orgflow.Planned, Fault: orgflow.Faultf(orgflow.CodeThrottled, "slow down")})
		// The worker dies here: 3 and 4 may have been sent.
		again := claim(t, s, "r", 1, 0, 4)
		if got := claimIDs(again); !slices.Equal(got, []int{2, 3, 4}) {
			t.Fatalf("claimed again: %v", got)
		}
		if again[0].InDoubt || !again[1].InDoubt || !again[2].InDoubt {
			t.Errorf("in doubt %v %v %v; want only 3 and 4, 2 was given back", again[0].InDoubt, again[1].InDoubt, again[2].InDoubt)
		}
		if again[0].Error == nil || again[0].Error.Code != orgflow.CodeThrottled || again[1].Attempts != 2 {
			t.Errorf("error %v, attempts %d", again[0].Error, again[1].Attempts)
		}
	})
}

func TestRecordOutcomesTwiceChangesNothing(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(3))
		page := claim(t, s, "r", 1, 0, 3)
		failed := store.Outcome{ChangeID: 2, State: orgflow.Failed, Log: &store.LogEntry{},
			Fault: &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: "60104", Message: "手机号码\x00在公司中已存在", Advice: "look"}}
		noted := done(page[2].Change)
		noted.Note, noted.Adopted = "taken over", true
		first := []store.Outcome{done(page[0].Change), failed, noted}
		if r := record(t, s, "r", first...); r.Recorded != 3 || r.Skipped != nil || r.Disputed != nil {
			t.Fatalf("first: %+v", r)
		}
		before := list(t, s, "r")
		if before[0].State != orgflow.Done || before[0].ConsumerID != "E1000" || before[1].State != orgflow.Failed ||
			before[1].Error.VendorCode != "60104" || before[1].Error.Message != "手机号码\uFFFD在公司中已存在" || before[2].Reason != "new; taken over" || !before[2].Adopted || before[0].Adopted || before[0].Base != "base1000" {
			t.Fatalf("stored: %+v", before)
		}
		other := done(page[0].Change)
		other.State, other.ConsumerID, other.Binding.ConsumerID, other.Unbind = orgflow.Failed, "X", "X", true
		if r := record(t, s, "r", other, failed); r.Recorded != 0 || !slices.Equal(r.Skipped, []int{1, 2}) {
			t.Errorf("again: %+v; want both skipped", r)
		}
		if diff := cmp.Diff(before, list(t, s, "r")); diff != "" {
			t.Error("a final change moved:", diff)
		}
		if got := bindings(t, s); cmp.Diff(map[string]string{"1000": "E1000", "1002": "E1002"}, got) != "" {
			t.Errorf("bindings %v", got)
		}
		entries := logOf(t, s, "1000")
		if len(entries) != 1 {
			t.Fatalf("%d log entries, want 1", len(entries))
		}
		e := entries[0]
		if e.RunID != "r" || e.ChangeID != 1 || e.Op != orgflow.Insert || e.ConsumerID != "E1000" || e.Attempt != 1 ||
			e.Outcome != orgflow.Done || e.Duration != 1234*time.Millisecond || e.Calls != 2 || e.At.IsZero() {
			t.Errorf("log entry %+v", e)
		}
		if e := logOf(t, s, "1001")[0]; e.VendorCode != "60104" || e.Outcome != orgflow.Failed || e.Message == "" {
			t.Errorf("log entry of a failure %+v", e)
		}
	})
}

func TestRecordOutcomesIsAllOrNothing(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		savePlan(t, s, "r", persons(2))
		page := claim(t, s, "r", 1, 0, 2)
		for name, bad := range map[string]store.Outcome{
			"unknown change":    {ChangeID: 99, State: orgflow.Done},
			"no state":          {ChangeID: 2},
			"twice in the page": {ChangeID: 1, State: orgflow.Failed},
			"NUL in the id":     {ChangeID: 2, State: orgflow.Done, ConsumerID: "a\x00"},
			"binding to nobody": {ChangeID: 2, State: orgflow.Done, Binding: &orgflow.Binding{}},
		} {
			if _, err := s.RecordOutcomes(ctx, "r", []store.Outcome{done(page[0].Change), bad}); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if stored := list(t, s, "r"); stored[0].State != orgflow.Planned || len(bindings(t, s)) != 0 || len(logOf(t, s, "1000")) != 0 {
			t.Errorf("a refused page left something behind: %+v", stored[0])
		}
	})
}

func TestOneConsumerRecordIsNeverBoundTwice(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		if err := s.PutBindings(ctx, target, "r", []orgflow.Binding{{Kind: orgflow.Person, SourceID: "old", ConsumerID: "E1000"}, {Kind: orgflow.Person, SourceID: "1003", ConsumerID: "gone"}}); err != nil {
			t.Fatal(err)
		}
		savePlan(t, s, "r", persons(4))
		page := claim(t, s, "r", 1, 0, 4)
		same := done(page[2].Change)
		same.Binding.ConsumerID = "E1001" // as the change before it
		reborn := store.Outcome{ChangeID: 4, State: orgflow.Done, Unbind: true}
		r := record(t, s, "r", done(page[0].Change), done(page[1].Change), same, reborn)
		if r.Recorded != 4 || !slices.Equal(r.Disputed, []int{1, 3}) {
			t.Errorf("recorded %+v; want 1 and 3 disputed", r)
		}
		stored := list(t, s, "r")
		if stored[0].State != orgflow.Disputed || stored[0].Error.Code != orgflow.CodeConflict || stored[1].State != orgflow.Done || stored[2].State != orgflow.Disputed {
			t.Errorf("stored %+v", stored)
		}
		if got := bindings(t, s); cmp.Diff(map[string]string{"old": "E1000", "1001": "E1001"}, got) != "" {
			t.Errorf("bindings %v", got)
		}
		var fault *orgflow.Fault
		err := s.PutBindings(ctx, target, "r", []orgflow.Binding{{Kind: orgflow.Person, SourceID: "new", ConsumerID: "E1000"}})
		if !errors.As(err, &fault) || fault.Code != orgflow.CodeConflict {
			t.Errorf("PutBindings: %v, want a conflict", err)
		}
	})
}

func TestUnbindMakesRoomInTheSamePage(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		if err := s.PutBindings(ctx, target, "r", []orgflow.Binding{{Kind: orgflow.Person, SourceID: "1000", ConsumerID: "E1"}}); err != nil {
			t.Fatal(err)
		}
		changes := persons(2)
		changes[0].Op = orgflow.Delete
		savePlan(t, s, "r", changes)
		claim(t, s, "r", 1, 0, 2)
		record(t, s, "r", store.Outcome{ChangeID: 2, State: orgflow.Done, Binding: &orgflow.Binding{ConsumerID: "E1"}}, store.Outcome{ChangeID: 1, State: orgflow.Done, Unbind: true})
		if got := bindings(t, s); cmp.Diff(map[string]string{"1001": "E1"}, got) != "" {
			t.Errorf("bindings %v; want E1 moved to 1001", got)
		}
	})
}

func TestDeletesSinceCountsOnlyThoseDone(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		changes := persons(4)
		for i := range 3 {
			changes[i].Op = orgflow.Delete
		}
		savePlan(t, s, "r", changes)
		claim(t, s, "r", 1, 0, 4)
		record(t, s, "r",
			store.Outcome{ChangeID: 1, State: orgflow.Done, Unbind: true, Log: &store.LogEntry{At: noon}},
			store.Outcome{ChangeID: 2, State: orgflow.Done, Unbind: true, Log: &store.LogEntry{At: noon.Add(-time.Microsecond)}},
			store.Outcome{ChangeID: 3, State: orgflow.Failed, Log: &store.LogEntry{At: noon}},
			store.Outcome{ChangeID: 4, State: orgflow.Done, Log: &store.LogEntry{At: noon}})
		if n, err := s.DeletesSince(context.Background(), target, orgflow.Person, noon); n != 1 || err != nil {
			t.Errorf("%d deletes, %v; want 1", n, err)
		}
	})
}

func TestRecordLogPagesNewestFirst(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		for _, run := range []string{"r1", "r2", "r3"} {
			newRun(t, s, run)
			savePlan(t, s, run, persons(1))
			claim(t, s, run, 1, 0, 1)
			record(t, s, run, store.Outcome{ChangeID: 1, State: orgflow.Failed, Log: &store.LogEntry{}})
		}
		key := orgflow.RecordKey{Kind: orgflow.Person, ID: "1000"}
		first, next, err := s.RecordLog(context.Background(), target, key, "", 2)
		if err != nil || len(first) != 2 || first[0].RunID != "r3" || next == "" {
			t.Fatalf("first page %+v, next %q, %v", first, next, err)
		}
		rest, next, err := s.RecordLog(context.Background(), target, key, next, 2)
		if err != nil || len(rest) != 1 || rest[0].RunID != "r1" || next != "" {
			t.Errorf("second page %+v, next %q, %v", rest, next, err)
		}
	})
}
