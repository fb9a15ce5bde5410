package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func beginRemote(t testing.TB, s *store.Store, run string) {
	t.Helper()
	newRun(t, s, run)
	if err := s.BeginRemote(context.Background(), run, "1"); err != nil {
		t.Fatal(err)
	}
}

func remoteStep(t testing.TB, s *store.Store, run string, step store.RemoteStep) {
	t.Helper()
	if err := s.SaveRemotePage(context.Background(), run, step); err != nil {
		t.Fatal(err)
	}
}

func toRead(t testing.TB, s *store.Store, run string) []store.RemoteDepartment {
	t.Helper()
	list, err := s.NextDepartments(context.Background(), run, 10)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func held(t testing.TB, s *store.Store, run string, kind orgflow.Kind) []store.RemoteRecord {
	t.Helper()
	var out []store.RemoteRecord
	for r, err := range s.RemoteRecords(context.Background(), run, kind) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func remoteState(t testing.TB, s *store.Store, run string) store.RemoteRead {
	t.Helper()
	state, err := s.RemoteDone(context.Background(), run)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func remoteDept(id string) store.RemoteRecord {
	return store.RemoteRecord{Kind: orgflow.Org, ConsumerID: id, Key: "orgflow:129:org:" + id, Fields: map[string]any{"name": "部门" + id}, Ext: map[string]any{}}
}

func remotePerson(id string) store.RemoteRecord {
	return store.RemoteRecord{Kind: orgflow.Person, ConsumerID: id, Fields: map[string]any{"userid": id}}
}

func TestARemoteReadGoesFromDepartmentToDepartment(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		beginRemote(t, s, "r")
		if diff := cmp.Diff([]store.RemoteDepartment{{ID: "1"}}, toRead(t, s, "r")); diff != "" {
			t.Error("at the beginning:", diff)
		}
		remoteStep(t, s, "r", store.RemoteStep{Department: "1", Found: []string{"3", "2"}, Calls: 2})
		remoteStep(t, s, "r", store.RemoteStep{Department: "2", Records: []store.RemoteRecord{remoteDept("2")}, Calls: 2})
		remoteStep(t, s, "r", store.RemoteStep{Department: "2", Records: []store.RemoteRecord{remotePerson("b"), remotePerson("a")}, Cursor: "100", Calls: 1})
		want := []store.RemoteDepartment{{ID: "1", Known: true}, {ID: "2", Known: true, Cursor: "100"}, {ID: "3"}}
		if diff := cmp.Diff(want, toRead(t, s, "r")); diff != "" {
			t.Error("in the middle:", diff)
		}
		if err := s.FinishRemote(context.Background(), "r", ""); err == nil {
			t.Error("a reading with open departments was called complete")
		}
		remoteStep(t, s, "r", store.RemoteStep{Department: "2", Records: []store.RemoteRecord{remotePerson("c")}, Done: true, Calls: 1})
		remoteStep(t, s, "r", store.RemoteStep{Department: "1", Done: true, Calls: 1})
		remoteStep(t, s, "r", store.RemoteStep{Department: "3", Gone: true, Calls: 1})
		if list := toRead(t, s, "r"); len(list) != 0 {
			t.Errorf("left at the end: %v", list)
		}
		if state := remoteState(t, s, "r"); state != (store.RemoteRead{Begun: true, Departments: 1, Persons: 3, Calls: 8}) {
			t.Errorf("before the end: %+v", state)
		}
		for range 2 {
			if err := s.FinishRemote(context.Background(), "r", ""); err != nil {
				t.Fatal(err)
			}
		}
		if state := remoteState(t, s, "r"); !state.Finished || !state.Complete || state.Cause != "" {
			t.Errorf("at the end: %+v", state)
		}
	})
}

func TestRemoteStepsMayBeRepeatedAndComeLate(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		beginRemote(t, s, "r")
		root := store.RemoteStep{Department: "1", Found: []string{"2", "2"}}
		page := store.RemoteStep{Department: "2", Records: []store.RemoteRecord{remoteDept("2"), remotePerson("a"), remotePerson("a")}, Cursor: "100"}
		last := store.RemoteStep{Department: "2", Records: []store.RemoteRecord{remotePerson("b")}, Done: true}
		for _, step := range []store.RemoteStep{root, root, page, page, last, last, page, root, {Department: "1", Done: true}} {
			remoteStep(t, s, "r", step)
			if err := s.BeginRemote(ctx, "r", "1"); err != nil { // as every attempt does
				t.Fatal(err)
			}
		}
		if list := toRead(t, s, "r"); len(list) != 0 {
			t.Errorf("a late step opened %v again", list)
		}
		if got := held(t, s, "r", orgflow.Person); len(got) != 2 {
			t.Errorf("persons %v", got)
		}
		// Deleted between its discovery and its members.
		remoteStep(t, s, "r", store.RemoteStep{Department: "2", Gone: true})
		if got := held(t, s, "r", orgflow.Org); len(got) != 0 {
			t.Errorf("departments %v", got)
		}
	})
}

func TestRemoteRecordsComeBackAsSaved(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		beginRemote(t, s, "r")
		beginRemote(t, s, "other")
		odd := store.RemoteRecord{
			Kind: orgflow.Person, ConsumerID: `O'Brien "x" {a,b}`, Key: "k\x00",
			Fields: map[string]any{"name": "王小明 <&> \x00 👩‍👩‍👧", "order": json.Number("176362815343598500"), "title": nil, "hide_mobile": true, "dept_id_list": "3,2"},
			Ext:    map[string]any{"爱好": "旅游"},
		}
		want := []store.RemoteRecord{odd, remotePerson("Z"), remotePerson("a")} // by bytes
		want[1].Ext = map[string]any{}
		remoteStep(t, s, "other", store.RemoteStep{Department: "1", Records: []store.RemoteRecord{remotePerson("x")}})
		remoteStep(t, s, "r", store.RemoteStep{Department: "1", Records: []store.RemoteRecord{want[2], want[0], want[1]}})
		want[0].Key = "k\uFFFD"
		if diff := cmp.Diff(want, held(t, s, "r", orgflow.Person)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRemoteRecordsStreamOverManyPages(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		beginRemote(t, s, "r")
		const n = 2501
		records := make([]store.RemoteRecord, n)
		for i := range records {
			records[i] = remotePerson(fmt.Sprintf("u%05d", n-i))
		}
		remoteStep(t, s, "r", store.RemoteStep{Department: "1", Records: records, Done: true})
		got := held(t, s, "r", orgflow.Person)
		sorted := slices.IsSortedFunc(got, func(a, b store.RemoteRecord) int { return strings.Compare(a.ConsumerID, b.ConsumerID) })
		if len(got) != n || !sorted {
			t.Errorf("%d records, sorted %v", len(got), sorted)
		}
	})
}

func TestARemoteReadThatIsNotWholeStaysSo(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		beginRemote(t, s, "r")
		if err := s.FinishRemote(ctx, "r", "department 7 cannot be seen"); err != nil {
			t.Fatal(err)
		}
		remoteStep(t, s, "r", store.RemoteStep{Department: "1", Done: true})
		if err := s.FinishRemote(ctx, "r", ""); err != nil {
			t.Fatal(err)
		}
		want := store.RemoteRead{Begun: true, Finished: true, Cause: "department 7 cannot be seen"}
		if diff := cmp.Diff(want, remoteState(t, s, "r")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDroppingARemoteReadLeavesNothingOfIt(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		beginRemote(t, s, "r")
		remoteStep(t, s, "r", store.RemoteStep{Department: "1", Found: []string{"2"}, Records: []store.RemoteRecord{remotePerson("a")}})
		for range 2 {
			if err := s.DropRemote(ctx, "r"); err != nil {
				t.Fatal(err)
			}
		}
		if state := remoteState(t, s, "r"); state != (store.RemoteRead{}) {
			t.Errorf("state %+v", state)
		}
		if got := held(t, s, "r", orgflow.Person); len(got) != 0 || len(toRead(t, s, "r")) != 0 {
			t.Errorf("left: %v", got)
		}
		if err := s.SaveRemotePage(ctx, "r", store.RemoteStep{Department: "1"}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a late step: %v", err)
		}
	})
}

func TestUnusableRemoteIDsAreRefused(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		beginRemote(t, s, "r")
		for _, step := range []store.RemoteStep{
			{Department: "1", Records: []store.RemoteRecord{remotePerson("")}},
			{Department: "1", Records: []store.RemoteRecord{remotePerson("a\x00")}},
			{Department: "1", Found: []string{""}},
			{Records: []store.RemoteRecord{remotePerson("a")}},
		} {
			if err := s.SaveRemotePage(context.Background(), "r", step); orgflow.AsFault(err).Code != orgflow.CodeInvalidRecord {
				t.Errorf("%+v: %v", step, err)
			}
		}
	})
}

// Several workers save pages that show the same persons.
func TestRemotePagesOfManyWorkers(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		beginRemote(t, s, "r")
		const workers, persons = 8, 60
		var depts []string
		for i := range workers {
			depts = append(depts, fmt.Sprint(100+i))
		}
		remoteStep(t, s, "r", store.RemoteStep{Department: "1", Found: depts, Done: true})
		var group sync.WaitGroup
		for i, dept := range depts {
			group.Go(func() {
				var records []store.RemoteRecord
				for p := range persons {
					records = append(records, remotePerson(fmt.Sprint((p*7+i)%persons)))
				}
				if err := s.SaveRemotePage(context.Background(), "r", store.RemoteStep{Department: dept, Records: records, Done: true, Calls: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if state := remoteState(t, s, "r"); state.Persons != persons || state.Calls != workers || len(toRead(t, s, "r")) != 0 {
			t.Errorf("state %+v", state)
		}
	})
}
