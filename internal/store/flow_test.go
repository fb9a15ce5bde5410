package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

const company = 129

// monthly makes numbers of months in Shanghai.
type monthly func(month string, seq int64) string

func (monthly) PeriodKey(at time.Time) string {
	return at.In(time.FixedZone("CST", 8*60*60)).Format("200601")
}

func (m monthly) Number(at time.Time, seq int64) string { return m(m.PeriodKey(at), seq) }

// numbersOf are those of a code of its own.
func numbersOf(code string) monthly {
	return func(month string, seq int64) string { return fmt.Sprintf("%s_%s_%04d", code, month, seq) }
}

func newFlow(data string) store.NewFlow {
	return store.NewFlow{
		CompanyID: company, Numbering: numbersOf("ztbxx01"), Code: "ztbxx01", Version: 1, DataID: data, Title: "招投标信息审批",
		Initiator: store.Initiator{Code: "E1", Name: "员工一", Dept: "人力中心"}, StateDoc: []byte(`{"rev":0}`),
	}
}

func launch(t testing.TB, s *store.Store, n store.NewFlow) store.Flow {
	t.Helper()
	f, outcome, err := s.LaunchFlow(context.Background(), n)
	if err != nil || outcome != store.LaunchCreated {
		t.Fatalf("launch: %q, %v", outcome, err)
	}
	return f
}

// flowNo launches a flow with a number.
func flowNo(t testing.TB, s *store.Store, no string) store.FlowKey {
	t.Helper()
	n := newFlow("row of " + no)
	n.No = no
	return launch(t, s, n).FlowKey
}

// november is within the month of the numbers that tests expect.
var november = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)

// step is the first step of a flow, with something of everything.
func step(k store.FlowKey) store.FlowStep {
	return store.FlowStep{
		FlowKey: k, Rev: 1, Key: "launch", State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`{"rev":1}`), Answer: []byte(`{"ok":1}`),
		NextWake: noon.Add(time.Hour),
		Visits: []store.FlowVisit{
			{ID: 1, Round: 1, NodeSeq: 0, Type: "start", Name: "发起", State: orgflow.VisitPassed, EnteredAt: noon, LeftAt: noon},
			{ID: 2, Round: 1, NodeSeq: 10, Type: "approve", Name: "部门负责人", State: orgflow.VisitActive, EnteredAt: noon},
		},
		Tasks: []store.FlowTask{
			{ID: 1, Visit: 2, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E5", UserName: "员工五", State: orgflow.TaskActive, OpenedAt: noon, DueAt: noon.Add(time.Hour)},
			{ID: 2, Visit: 2, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E6", State: orgflow.TaskWaiting},
		},
		Events: []store.FlowEvent{
			{Type: "launched", Round: 1, Actor: "E1", ActorName: "员工一", At: noon},
			{Type: "opened", Round: 1, NodeSeq: new(10), Visit: new(int64(2)), Task: new(int64(1)), At: noon, Data: []byte(`{"to": "E5"}`)},
		},
		Messages: []store.NewMessage{todo(k.No, 1, "E5")},
	}
}

func todo(no string, task int64, user string) store.NewMessage {
	return store.NewMessage{
		DedupKey: fmt.Sprintf("%s:1:%d", no, task), Channel: "ding_talk", ToUser: user, Subject: no, Kind: "todo", No: no, Task: &task,
		Body: `{"text":"` + no + ` 第1轮 待审批"}`,
	}
}

func commit(t testing.TB, s *store.Store, p store.FlowStep) store.StepResult {
	t.Helper()
	r, err := s.CommitStep(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// flowTables are all tables that a step may write.
var flowTables = []string{"flow_instance", "flow_node_visit", "flow_task", "flow_audit", "flow_event", "outbox", "flow_serial"}

// dump is everything that stands in the flow tables.
func dump(t testing.TB, s *store.Store) string {
	t.Helper()
	var b strings.Builder
	for _, table := range flowTables {
		rows, err := s.DB().Queryx(`SELECT * FROM ` + table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			row, err := rows.SliceScan()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s\n", table, row)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
