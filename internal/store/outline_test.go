package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

func TestPlanLinesAreTheFirstOfThePlan(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		changes := persons(2500) // more than are read at a time
		changes[1].Aspect = orgflow.AspectReferences
		changes[2].Op, changes[2].Payload, changes[2].Before = orgflow.Delete, nil, json.RawMessage(`{"fields":{"name":"x"}}`)
		savePlan(t, s, "r", changes)
		lines, more, err := s.PlanLines(t.Context(), "r", 2000)
		if err != nil || len(lines) != 2000 || !more || lines[0].ID != 1 || lines[1].ID != 3 || lines[1999].ID != 2001 {
			t.Fatalf("%d lines, more %v, %v", len(lines), more, err)
		}
		if lines[1].Payload != nil || string(lines[1].Before) != `{"fields":{"name":"x"}}` || lines[0].Before != nil || lines[0].State != orgflow.Planned {
			t.Errorf("%+v", lines[:2])
		}
		if lines, more, err := s.PlanLines(t.Context(), "r", 2499); err != nil || len(lines) != 2499 || more {
			t.Errorf("all: %d lines, more %v, %v", len(lines), more, err)
		}
		some, err := s.PlanLinesOf(t.Context(), "r", []int{3, 1, 9999})
		if err != nil || len(some) != 2 || some[0].ID != 1 || some[1].Op != orgflow.Delete {
			t.Errorf("%+v %v", some, err)
		}
		if none, err := s.PlanLinesOf(t.Context(), "r", nil); err != nil || len(none) != 0 {
			t.Errorf("%+v %v", none, err)
		}
	})
}

func TestStagedDepartments(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		newRun(t, s, "r")
		snap, err := s.BeginSnapshot(t.Context(), store.NewSnapshot{RunID: "r", Target: target, Scope: "default", Service: "org_new", Kind: orgflow.Org})
		if err != nil {
			t.Fatal(err)
		}
		var rows []store.StagedRow
		for i, reject := range []string{"", "", "no name"} {
			rows = append(rows, store.StagedRow{Reject: reject, Record: orgflow.Record{
				Kind: orgflow.Org, SourceID: fmt.Sprint(20 - i), ParentID: "1", Fields: map[string]json.RawMessage{"name": json.RawMessage(fmt.Sprintf("%q", fmt.Sprint("部门", i)))},
			}})
		}
		if _, err := s.StagePage(t.Context(), snap.ID, rows); err != nil {
			t.Fatal(err)
		}
		want := []store.StagedDepartment{{SourceID: "20", ParentID: "1", Name: "部门0"}, {SourceID: "19", ParentID: "1", Name: "部门1"}}
		if got, err := s.StagedDepartments(t.Context(), snap.ID, 10); err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v %v", got, err)
		}
		if got, err := s.StagedDepartments(t.Context(), snap.ID, 1); err != nil || !slices.Equal(got, want[:1]) {
			t.Errorf("the first: %+v %v", got, err)
		}
	})
}
