package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// The benchmarks move 10,000 persons through each step with the page sizes a
// run uses; ns/op is the time for all of them.
const (
	benchRecords = 10_000
	fetchPage    = 500
	applyPage    = 100
)

func benchRows() []store.StagedRow {
	rows := make([]store.StagedRow, benchRecords)
	for i := range rows {
		id := fmt.Sprint(100000 + i)
		field := func(v string) json.RawMessage { return json.RawMessage(`"` + v + `"`) }
		rows[i].Record = orgflow.Record{
			Kind: orgflow.Person, SourceID: id,
			Fields: map[string]json.RawMessage{
				"id": field(id), "name": field("员工" + id), "mobile": field("10000" + id), "email": field("e" + id + "@example.com"),
				"department_ids": json.RawMessage(`["11","12"]`), "title": field("工程师"), "number": field("E" + id),
				"begin_date": field("2020-01-01"), "manager_id": field("100001"), "gender": json.RawMessage("1"),
			},
			Raw: json.RawMessage(`{"id": ` + id + `, "number": "E` + id + `", "name": "员工` + id + `", "mobile": "10000` + id +
				`", "department": {"origin_id": 11, "name": "研发部"}, "job_info": {"position_status_id": 2, "on_job": 1}}`),
		}
	}
	return rows
}

func benchStage(b *testing.B, s *store.Store, run string, rows []store.StagedRow) store.Snapshot {
	ctx := context.Background()
	snap, err := s.BeginSnapshot(ctx, store.NewSnapshot{RunID: run, Target: target, Scope: "default", Service: "person_new", Kind: orgflow.Person})
	if err != nil {
		b.Fatal(err)
	}
	for page := range slices.Chunk(rows, fetchPage) {
		if n, err := s.StagePage(ctx, snap.ID, page); err != nil || n != len(page) {
			b.Fatal(n, err)
		}
	}
	if snap, err = s.FinishSnapshot(ctx, snap.ID, store.SnapshotResult{Read: len(rows), Declared: len(rows), Complete: true}); err != nil {
		b.Fatal(err)
	}
	return snap
}

func benchPlan(b *testing.B, s *store.Store, run string, changes []orgflow.Change) {
	if err := s.SavePlan(context.Background(), run, store.PlanMeta{Hash: "h-" + run}, slices.Values(changes)); err != nil {
		b.Fatal(err)
	}
}

// benchApply claims and records every change, binding and log included.
func benchApply(b *testing.B, s *store.Store, run string) {
	ctx, after := context.Background(), 0
	for {
		claimed, err := s.ClaimPage(ctx, run, after+1, after+applyPage)
		if err != nil {
			b.Fatal(err)
		}
		if len(claimed) == 0 {
			return
		}
		outcomes := make([]store.Outcome, len(claimed))
		for i, c := range claimed {
			outcomes[i] = store.Outcome{
				ChangeID: c.ID, State: orgflow.Done, ConsumerID: "E" + c.SourceID,
				Binding: &orgflow.Binding{ConsumerID: "E" + c.SourceID, Scope: "default", Hash: c.Hash, Payload: c.Payload},
				Log:     &store.LogEntry{Request: c.Payload, Calls: 1},
			}
		}
		if r, err := s.RecordOutcomes(ctx, run, outcomes); err != nil || r.Recorded != len(claimed) {
			b.Fatal(r, err)
		}
		after = claimed[len(claimed)-1].ID
	}
}

func benchOn(b *testing.B, f func(b *testing.B, s *store.Store, run func() string)) {
	for name, url := range databases {
		b.Run(name, func(b *testing.B) {
			s := openMigrated(b, url(b))
			n := 0
			f(b, s, func() string {
				n++
				id := fmt.Sprintf("run-%d", n)
				newRun(b, s, id)
				return id
			})
			b.ReportMetric(float64(benchRecords)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkStage(b *testing.B) {
	rows := benchRows()
	benchOn(b, func(b *testing.B, s *store.Store, run func() string) {
		for b.Loop() {
			benchStage(b, s, run(), rows)
		}
	})
}

func BenchmarkSavePlan(b *testing.B) {
	changes := persons(benchRecords)
	benchOn(b, func(b *testing.B, s *store.Store, run func() string) {
		for b.Loop() {
			benchPlan(b, s, run(), changes)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	changes := persons(benchRecords)
	benchOn(b, func(b *testing.B, s *store.Store, run func() string) {
		for b.Loop() {
			b.StopTimer()
			id := run()
			benchPlan(b, s, id, changes)
			b.StartTimer()
			benchApply(b, s, id)
		}
	})
}

func BenchmarkReadBack(b *testing.B) {
	rows := benchRows()
	benchOn(b, func(b *testing.B, s *store.Store, run func() string) {
		snap := benchStage(b, s, run(), rows)
		for b.Loop() {
			n := 0
			for _, err := range s.RecordsByID(context.Background(), snap.ID) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != benchRecords {
				b.Fatal(n)
			}
		}
	})
}
