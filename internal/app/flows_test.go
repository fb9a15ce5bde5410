package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/store"
	"orgflow/internal/testgolden"
	"orgflow/internal/testpg"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// desk is the program without Temporal, over a database of its own.
type desk struct {
	*app.App
	h    http.Handler
	t    *testing.T
	logs *bytes.Buffer
}

// eachDesk runs a test on each database.
func eachDesk(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openDesk(t)) })
	t.Run("postgres", func(t *testing.T) {
		url := testpg.URL(t)
		settings(t)
		t.Setenv("ORGFLOW_DATABASE_URL", url)
		test(t, seat(t))
	})
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	settings(t)
	return seat(t)
}

// seat is a desk with the settings as they are.
func seat(t *testing.T) *desk {
	t.Helper()
	cfg, err := config.Load(config.RoleStarter)
	if err != nil {
		t.Fatal(err)
	}
	logs := &bytes.Buffer{}
	a, err := app.Open(t.Context(), cfg, slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if err := a.Store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &desk{App: a, h: a.Handler(""), t: t, logs: logs}
}

// call sends one request to the HTTP API.
func (d *desk) call(method, path, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	res := httptest.NewRecorder()
	d.h.ServeHTTP(res, httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body)))
	return res
}

// get is call that must succeed, decoded.
func get[T any](d *desk, method, path, body string) T {
	d.t.Helper()
	res := d.call(method, path, body)
	var v T
	if err := json.Unmarshal(res.Body.Bytes(), &v); res.Code >= 300 || err != nil {
		d.t.Fatalf("%s %s: %d %s (%v)", method, path, res.Code, res.Body, err)
	}
	return v
}

var instant = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)"|"oldest_seconds": [\d.e-]+`)

// golden compares JSON with a checked-in file, instants aside.
func golden(t *testing.T, name string, raw []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	b.WriteByte('\n')
	testgolden.Check(t, name, instant.ReplaceAllString(b.String(), `"<time>"`))
}

// simple is a definition of two approvals; code and name are filled in.
const simple = `{"schema": "flow-def/1", "flowCode": %q, "name": %q, "form": {"board": "ztbxx"},
 "nodes": [
  {"seq": 0, "type": "start", "next": [{"to": 10}]},
  {"seq": 10, "type": "approve", "name": "部门负责人", "approvers": [{"by": "user", "users": ["E5", "E6"]}], "next": [{"to": 20}]},
  {"seq": 20, "type": "approve", "name": "会签", "approvers": [{"by": "user", "users": ["E7"]}], "allow": [], "next": [{"to": 99}]},
  {"seq": 99, "type": "end"}]}`

func (d *desk) publish(code, name string) {
	d.t.Helper()
	if res := d.call("PUT", "/api/v1/flow-definitions/"+code, fmt.Sprintf(simple, code, name)); res.Code != 200 {
		d.t.Fatalf("publish: %d %s", res.Code, res.Body)
	}
}

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// launch stores a flow that runs, at node 10, as its workflow does.
func (d *desk) launch(no, dataID string) store.FlowKey {
	d.t.Helper()
	ctx := context.Background()
	flow, _, err := d.Store.LaunchFlow(ctx, store.NewFlow{
		CompanyID: 129, No: no, Code: "ztbxx01", Version: 1, DataID: dataID, Title: "员工一的招投标信息审批",
		Initiator: store.Initiator{Code: "E1", Name: "员工一", Dept: "人力中心"}, StateDoc: []byte(`{}`),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.step(store.FlowStep{
		FlowKey: flow.FlowKey, Rev: 1, Key: "launch", State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`{}`),
		Visits: []store.FlowVisit{
			{ID: 1, Round: 1, NodeSeq: 0, Type: "start", State: orgflow.VisitPassed, EnteredAt: noon, LeftAt: noon},
			{ID: 2, Round: 1, NodeSeq: 10, Type: "approve", Name: "部门负责人", State: orgflow.VisitActive, EnteredAt: noon},
		},
		Tasks: []store.FlowTask{
			{ID: 1, Visit: 2, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E5", UserName: "员工五", State: orgflow.TaskActive, OpenedAt: noon, DueAt: noon.Add(24 * time.Hour)},
			{ID: 2, Visit: 2, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E6", UserName: "=员工六", State: orgflow.TaskActive, OpenedAt: noon},
		},
		Events: []store.FlowEvent{
			{Type: "launched", Round: 1, Actor: "E1", ActorName: "员工一", At: noon},
			{Type: "node_entered", Round: 1, NodeSeq: new(10), Visit: new(int64(2)), At: noon},
			{Type: "task_opened", Round: 1, NodeSeq: new(10), Visit: new(int64(2)), Task: new(int64(1)), At: noon, Data: []byte(`{"users":["E5"]}`)},
		},
	})
	return flow.FlowKey
}

func (d *desk) step(p store.FlowStep) {
	d.t.Helper()
	if _, err := d.Store.CommitStep(context.Background(), p); err != nil {
		d.t.Fatal(err)
	}
}

// finish approves a flow.
func (d *desk) finish(k store.FlowKey, audit int64) {
	d.t.Helper()
	d.step(store.FlowStep{
		FlowKey: k, Rev: 2, Key: "audit", State: orgflow.FlowApproved, Round: 1, StateDoc: []byte(`{}`), ClosedAt: noon.Add(2 * time.Hour),
		Visits: []store.FlowVisit{{ID: 2, Round: 1, NodeSeq: 10, Type: "approve", Name: "部门负责人", State: orgflow.VisitPassed, EnteredAt: noon, LeftAt: noon.Add(time.Hour)}},
		Tasks: []store.FlowTask{
			{ID: 1, Visit: 2, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E5", UserName: "员工五", State: orgflow.TaskApproved, OpenedAt: noon, DoneAt: noon.Add(time.Hour)},
			{ID: 2, Visit: 2, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E6", UserName: "=员工六", State: orgflow.TaskDoneByOthers, Cause: "decided", OpenedAt: noon, DoneAt: noon.Add(time.Hour)},
		},
		Events: []store.FlowEvent{{Type: "approved", Round: 1, Actor: "E5", ActorName: "员工五", At: noon.Add(time.Hour)}},
		Audits: []store.AuditMark{{ID: audit, Outcome: orgflow.AuditApplied, Task: new(int64(1))}},
	})
}
