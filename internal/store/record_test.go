package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/store"
)

func person(id string) store.StagedRow {
	return store.StagedRow{Record: orgflow.Record{
		Kind: orgflow.Person, SourceID: id, Fields: map[string]json.RawMessage{"name": json.RawMessage(`"员工"`)}, Raw: json.RawMessage(`{"id": 1}`),
	}}
}

func people(from, to int) []store.StagedRow {
	var rows []store.StagedRow
	for i := from; i < to; i++ {
		rows = append(rows, person(fmt.Sprint(i)))
	}
	return rows
}

func begin(t testing.TB, s *store.Store, run, service string) store.Snapshot {
	t.Helper()
	snap, err := s.BeginSnapshot(context.Background(), store.NewSnapshot{
		RunID: run, Target: target, Scope: "default", Service: service, Kind: orgflow.Person, FilterHash: "f-" + run, MetaHash: "m"})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func stage(t testing.TB, s *store.Store, snap store.Snapshot, rows []store.StagedRow, fresh int) {
	t.Helper()
	if n, err := s.StagePage(context.Background(), snap.ID, rows); err != nil || n != fresh {
		t.Fatalf("StagePage: %d fresh, %v; want %d", n, err, fresh)
	}
}

// records reads a snapshot's good records back, in the order they were read.
func records(t testing.TB, s *store.Store, snapshot int64) []orgflow.Record {
	t.Helper()
	var staged []store.StagedRecord
	for r, err := range s.RecordsByID(context.Background(), snapshot) {
		if err != nil {
			t.Fatal(err)
		}
		staged = append(staged, r)
	}
	slices.SortFunc(staged, func(a, b store.StagedRecord) int { return a.Position - b.Position })
	out := make([]orgflow.Record, len(staged))
	for i, r := range staged {
		out[i] = r.Record
	}
	return out
}

func ids(t testing.TB, s *store.Store, snapshot int64) []string {
	t.Helper()
	var out []string
	for _, r := range records(t, s, snapshot) {
		out = append(out, r.SourceID)
	}
	return out
}

func TestStagePageMayBeRepeated(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		snap := begin(t, s, "r", "person_new")
		if again := begin(t, s, "r", "person_new"); again.ID != snap.ID {
			t.Errorf("BeginSnapshot again made snapshot %d beside %d", again.ID, snap.ID)
		}
		bad := store.StagedRow{Record: orgflow.Record{SourceID: "x1", Raw: json.RawMessage(`{"mobile":null}`)}, Reject: "mobile is missing"}

		stage(t, s, snap, append(people(10, 13), bad), 4)
		stage(t, s, snap, append(people(10, 13), bad), 0)                                                 // the same page again
		stage(t, s, snap, append(people(12, 15), person("14"), person("2")), 3)                           // overlaps, and repeats itself
		stage(t, s, snap, []store.StagedRow{{Record: orgflow.Record{SourceID: "10"}, Reject: "late"}}, 0) // cannot unmake a record
		stage(t, s, snap, nil, 0)

		if staged, rejected, err := s.CountStaged(ctx, snap.ID); staged != 6 || rejected != 1 || err != nil {
			t.Errorf("so far %d staged, %d rejected, %v; want 6, 1", staged, rejected, err)
		}
		done, err := s.FinishSnapshot(ctx, snap.ID, store.SnapshotResult{Read: 9, Declared: 7, Complete: true})
		if err != nil || done.Read != 9 || done.Staged != 6 || done.Rejected != 1 || done.Declared != 7 || !done.Complete || done.FinishedAt == nil {
			t.Errorf("finished %+v, %v", done, err)
		}
		again, err := s.FinishSnapshot(ctx, snap.ID, store.SnapshotResult{Read: 1, Cause: "late"})
		if err != nil || cmp.Diff(done, again) != "" {
			t.Error("a repeated FinishSnapshot changed the result", err, cmp.Diff(done, again))
		}
		if diff := cmp.Diff([]string{"10", "11", "12", "13", "14", "2"}, ids(t, s, snap.ID)); diff != "" {
			t.Error("records in reading order:", diff)
		}
		if _, err := s.StagePage(ctx, snap.ID, people(90, 91)); err == nil {
			t.Error("a finished snapshot took more records")
		}
		if has, err := s.HasRecords(ctx, snap.ID, []string{"10", "x1", "99", "\x00"}); err != nil || cmp.Diff(map[string]bool{"10": true, "x1": true}, has) != "" {
			t.Errorf("HasRecords %v, %v; want 10 and the rejected x1", has, err)
		}
	})
}

func TestRecordsComeBackAsStaged(t *testing.T) {
	names := []string{`O'Brien; DROP TABLE binding;--`, `"quoted" \ back\\slash {a,b} NULL`, "王小明👩‍👩‍👧", "", " ", "\uE000org:11\uE001", "a\nb\tc", "%_?$1"}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		snap := begin(t, s, "r", "person_new")
		var rows []store.StagedRow
		for i, name := range names {
			text, err := json.Marshal(name)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, store.StagedRow{Record: orgflow.Record{
				Kind: orgflow.Person, SourceID: fmt.Sprintf("%d %s", i, name), ParentID: name,
				Fields: map[string]json.RawMessage{"name": text, "n": json.RawMessage("1.50"), "<": json.RawMessage(`{"b":1,"a":[2]}`)},
				Raw:    json.RawMessage(`{ "z": ` + string(text) + `, "a": 1e2, "nul": "\u0000" }`), // jsonb would refuse or rewrite it
			}})
		}
		stage(t, s, snap, rows, len(rows))
		got := records(t, s, snap.ID)
		if len(got) != len(names) {
			t.Fatalf("%d records came back, want %d", len(got), len(names))
		}
		for i, r := range got {
			if diff := cmp.Diff(rows[i].Record, r); diff != "" {
				t.Errorf("record %d: %s", i, diff)
			}
		}
	})
}

func TestUnusableTextsAreRefusedCleanly(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		snap := begin(t, s, "r", "person_new")
		for name, row := range map[string]store.StagedRow{
			"NUL in the id":     person("a\x00b"),
			"broken UTF-8":      person("a\xffb"),
			"no id":             person(""),
			"NUL in the parent": {Record: orgflow.Record{SourceID: "1", ParentID: "\x00"}},
			"NUL in the row":    {Record: orgflow.Record{SourceID: "1", Raw: json.RawMessage("\"\x00\"")}},
		} {
			_, err := s.StagePage(ctx, snap.ID, []store.StagedRow{person("ok"), row})
			var fault *orgflow.Fault
			if !errors.As(err, &fault) || fault.Code != orgflow.CodeInvalidRecord || fault.Field == "" {
				t.Errorf("%s: %v; want a CodeInvalidRecord fault with the field", name, err)
			}
		}
		if got := ids(t, s, snap.ID); len(got) != 0 {
			t.Errorf("refused pages left %v", got)
		}
	})
}

func TestRecordsStreamOverManyPages(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		snap := begin(t, s, "r", "person_new")
		rows := people(1, 2502)
		stage(t, s, snap, rows, len(rows))
		got := ids(t, s, snap.ID)
		if len(got) != len(rows) || got[0] != "1" || got[2500] != "2501" {
			t.Fatalf("%d records from %s to %s", len(got), got[0], got[len(got)-1])
		}
		for r, err := range s.RecordsByID(context.Background(), snap.ID) { // a reader may write meanwhile, and stop early
			if err != nil {
				t.Fatal(err)
			}
			stage(t, s, snap, []store.StagedRow{person("new " + r.SourceID)}, 1)
			break
		}
	})
}

// The planner compares records with bindings side by side, so both databases
// have to sort ids as Go compares them, whatever the locale.
func TestRecordsAndBindingsComeInByteOrder(t *testing.T) {
	unsorted := []string{"中", "2", "a", "é", "10", "A", "e", "Z", "z", "_", "-", "10a", "𠀀", "\uFFFD", "1", "e\u0301", " 1", "文"}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		snap := begin(t, s, "r", "person_new")
		var rows []store.StagedRow
		var bindings []orgflow.Binding
		for _, id := range unsorted {
			rows = append(rows, person(id), store.StagedRow{Record: orgflow.Record{SourceID: "x" + id}, Reject: "no name"})
			bindings = append(bindings, orgflow.Binding{Kind: orgflow.Person, SourceID: id, ConsumerID: "E" + id})
		}
		stage(t, s, snap, rows, len(rows))
		if err := s.PutBindings(ctx, target, "r", bindings); err != nil {
			t.Fatal(err)
		}
		want := slices.Sorted(slices.Values(unsorted))
		for range 2 { // a stream may be read again
			got := []string{}
			for r, err := range s.RecordsByID(ctx, snap.ID) {
				if err != nil {
					t.Fatal(err)
				}
				if place := 2*slices.Index(unsorted, r.SourceID) + 1; r.Position != place || r.Kind != orgflow.Person || len(r.Fields) != 1 {
					t.Errorf("%q comes as %+v, want position %d", r.SourceID, r, place)
				}
				got = append(got, r.SourceID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error("records:", diff)
			}
		}
		got := []string{}
		for b, err := range s.Bindings(ctx, target, orgflow.Person) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b.SourceID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("bindings:", diff)
		}
		if diff := cmp.Diff(want, collect(t, s.RecordIDs(ctx, snap.ID))); diff != "" {
			t.Error("ids:", diff)
		}
		aside := collect(t, s.RejectedIDs(ctx, snap.ID))
		for i := range aside {
			aside[i] = aside[i][1:]
		}
		if diff := cmp.Diff(want, aside); diff != "" {
			t.Error("rejected ids:", diff)
		}
	})
}

func collect(t testing.TB, seq iter.Seq2[string, error]) []string {
	t.Helper()
	var out []string
	for id, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	return out
}

func TestRecordsByIDStreamOverManyPages(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		snap := begin(t, s, "r", "person_new")
		rows := people(1, 2001) // exactly two pages
		stage(t, s, snap, rows, len(rows))
		got := collect(t, s.RecordIDs(context.Background(), snap.ID))
		if len(got) != 2000 || !slices.IsSorted(got) {
			t.Fatalf("%d ids, sorted %v", len(got), slices.IsSorted(got))
		}
		n := 0
		for _, err := range s.RecordsByID(context.Background(), snap.ID) {
			if n++; err != nil || n == 1500 {
				break
			}
		}
		if n != 1500 {
			t.Errorf("stopped after %d", n)
		}
	})
}

// A stream that retention cut short must not look like people who left.
func TestRecordsRemovedWhileTheyAreReadAreAnError(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		var snaps []store.Snapshot
		for _, run := range []string{"r1", "r2"} {
			newRun(t, s, run)
			snap := begin(t, s, run, "person_new")
			stage(t, s, snap, people(1, 1501), 1500)
			if _, err := s.FinishSnapshot(ctx, snap.ID, store.SnapshotResult{Read: 1500, Complete: true}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.FinishRun(ctx, run, orgflow.StatusCompleted, nil, nil); err != nil {
				t.Fatal(err)
			}
			snaps = append(snaps, snap)
		}
		var last error
		n := 0
		for _, err := range s.RecordsByID(ctx, snaps[0].ID) {
			if n++; n == 10 {
				if dropped, err := s.DropSnapshotsBefore(ctx, target, "default", 1); err != nil || dropped != 1 {
					t.Fatal(dropped, err)
				}
			}
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), "removed by retention") {
			t.Errorf("after %d records: %v", n, last)
		}
	})
}

func TestRejectedRecordsPages(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		snap := begin(t, s, "r", "person_new")
		rows := people(1, 8)
		for i := range rows {
			if i != 3 {
				rows[i].Reject = "reason \x00 " + rows[i].Record.SourceID
			}
		}
		stage(t, s, snap, rows, 7)
		var got []string
		for cursor, pages := "", 0; ; pages++ {
			page, next, err := s.RejectedRecords(context.Background(), snap.ID, cursor, 2)
			if err != nil || pages > 3 {
				t.Fatal(pages, err)
			}
			for _, r := range page {
				got = append(got, r.Reason)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if want := []string{"reason \uFFFD 1", "reason \uFFFD 2", "reason \uFFFD 3", "reason \uFFFD 5", "reason \uFFFD 6", "reason \uFFFD 7"}; !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

// However a source repeats and overlaps its pages, every record is stored
// once, at its first place, and counted as fresh once.
func TestStagingDeduplicates(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			run := fmt.Sprintf("r%d", n)
			newRun(t, s, run)
			snap := begin(t, s, run, "person_new")
			var want []string
			total := 0
			for _, page := range rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 30), 0, 20), 1, 5).Draw(rt, "pages") {
				var rows []store.StagedRow
				for _, id := range page {
					rows = append(rows, person(fmt.Sprint(id)))
					if !slices.Contains(want, fmt.Sprint(id)) {
						want = append(want, fmt.Sprint(id))
					}
				}
				fresh, err := s.StagePage(context.Background(), snap.ID, rows)
				if err != nil {
					rt.Fatal(err)
				}
				total += fresh
			}
			if got := ids(t, s, snap.ID); !slices.Equal(got, want) || total != len(want) {
				rt.Fatalf("stored %v, %d fresh; want %v", got, total, want)
			}
		})
	})
}
