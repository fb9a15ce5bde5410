package flowcall_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/flowcall"
	"orgflow/internal/store"
	"orgflow/meta"
)

// later makes everything in the database older.
func (d *desk) later(seconds int) {
	d.t.Helper()
	for _, column := range []string{"flow_audit SET created_at = created_at", "flow_instance SET next_wake = next_wake", "flow_instance SET closed_at = closed_at",
		"flow_node_visit SET entered_at = entered_at"} {
		if _, err := d.store.DB().Exec(`UPDATE `+column+` - ?`, seconds*1_000_000); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *desk) publish(code, definition string) {
	d.t.Helper()
	_, _, err := d.store.PublishDefinition(context.Background(), store.NewDefinition{CompanyID: 129, Code: code, Name: "测试", By: "test", Body: json.RawMessage(definition)})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) state() orgflow.FlowState {
	d.t.Helper()
	f, err := d.Keeper.Load(context.Background(), store.FlowKey{CompanyID: 129, No: "f1"})
	if err != nil || f.State == nil {
		d.t.Fatalf("%+v %v", f, err)
	}
	return f.State.Flow
}

// A call that is lost on its way to the workflow takes what it asked for not
// with it: the sweeper, or any other call, does what it wanted.
func TestWhatALostCallAskedForIsNotForgotten(t *testing.T) {
	ctx := context.Background()
	back := flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "0"}
	for name, c := range map[string]struct {
		then func(d *desk) error
		want orgflow.FlowState
	}{
		"swept":             {func(d *desk) error { d.later(60); _, err := d.Sweep(ctx); return err }, orgflow.FlowReturned},
		"called for others": {func(d *desk) error { _, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1}); return err }, orgflow.FlowReturned},
		"called again":      {func(d *desk) error { _, err := d.OnAudit(ctx, back); return err }, orgflow.FlowReturned},
		"asked for another": {func(d *desk) error {
			_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "99"})
			return err
		}, orgflow.FlowApproved},
		"taken back": {func(d *desk) error {
			_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "-1"})
			return err
		}, orgflow.FlowApproved},
	} {
		for _, lost := range []error{flowcall.ErrUnavailable, flowcall.ErrNoAnswer} {
			t.Run(name+" "+lost.Error(), func(t *testing.T) {
				d := newDesk(t)
				d.launched()
				d.decide("E2", orgflow.VerdictApprove)
				d.engine.down = lost
				a, err := d.OnAudit(ctx, back)
				if errors.Is(lost, flowcall.ErrNoAnswer) != (err == nil && a.Accepted) {
					t.Fatalf("%+v %v", a, err)
				}
				d.engine.down = nil
				if err := c.then(d); err != nil || d.state() != c.want {
					t.Errorf("the flow is %s, want %s; %v", d.state(), c.want, err)
				}
			})
		}
	}
}

// A call that is refused leaves nothing behind.
func TestARefusedCallAsksForNothing(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	d.decide("E2", orgflow.VerdictApprove)
	_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "77"})
	refusedWith(t, "no such node", err, 404, "NODE_NOT_FOUND")
	pending, err := d.store.PendingAudits(ctx, store.FlowKey{CompanyID: 129, No: "f1"})
	if err != nil || len(pending) != 1 || pending[0].Asked != nil {
		t.Errorf("%+v %v", pending, err)
	}
}

// What travels to the workflow names no department.
func TestDepartmentsDoNotTravel(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	d.decide("E2", orgflow.VerdictApprove)
	d.engine.before = func(c orgflow.FlowCommand) {
		if d := cmp.Diff(orgflow.FlowCommand{Kind: orgflow.FlowAudit, MaxAudit: 1, Asked: true}, c); d != "" {
			t.Error(d)
		}
	}
	if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "0", TaskDeptManager: "研发部"}); err != nil || a.State != orgflow.FlowReturned {
		t.Errorf("%+v %v", a, err)
	}
}

// Decisions on a flow that is with its initiator can never count: whoever
// calls is told, and if nobody does the sweeper marks them.
func TestDecisionsOnAReturnedFlowAreLate(t *testing.T) {
	for _, called := range []bool{true, false} {
		ctx, d := context.Background(), newDesk(t)
		d.launched()
		d.decide("E2", orgflow.VerdictReject)
		if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1}); err != nil || a.State != orgflow.FlowReturned {
			t.Fatalf("%+v %v", a, err)
		}
		d.decide("E3", orgflow.VerdictApprove)
		if called {
			_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1})
			refusedWith(t, "onAudit", err, 409, "NOT_UNDER_APPROVAL")
		} else {
			d.later(60)
			if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{Late: 1}) {
				t.Errorf("swept: %+v %v", n, err)
			}
		}
		list, err := d.store.Audits(ctx, store.FlowKey{CompanyID: 129, No: "f1"})
		if err != nil || list[1].Outcome != orgflow.AuditLate || list[1].AppliedAt == nil {
			t.Errorf("%+v %v", list, err)
		}
		if a, err := d.Relaunch(ctx, f1); err != nil || a.State != orgflow.FlowRunning {
			t.Errorf("relaunch: %+v %v", a, err)
		}
		d.decide("E3", orgflow.VerdictApprove)
		if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1}); err != nil || a.State != orgflow.FlowApproved {
			t.Errorf("the next round: %+v %v", a, err)
		}
	}
}

// A flow whose workflow was terminated keeps its deadlines: the sweeper starts
// the workflow, which sees to them. A flow that is not due is left alone.
func TestADeadlineOutlivesTheWorkflow(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.publish("plain", strings.Replace(definition, `"sign":`, `"timeouts":[{"after":"PT1H","do":"pass"}],"sign":`, 1))
	d.launched()
	delete(d.engine.starts, "f1")
	if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{}) || len(d.engine.starts) > 0 {
		t.Errorf("before it is due: %+v %v, started %v", n, err, d.engine.starts)
	}
	d.later(3700)
	if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{Flows: 1}) || d.engine.starts["f1"].Round != 1 {
		t.Errorf("when it is due: %+v %v, started %v", n, err, d.engine.starts)
	}
	d.now = d.now.Add(2 * time.Hour)
	if _, err := d.engine.step(ctx, 129, "f1", orgflow.FlowCommand{Kind: orgflow.FlowWake}); err != nil || d.state() != orgflow.FlowApproved {
		t.Errorf("%s %v", d.state(), err)
	}
	if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{}) {
		t.Errorf("afterwards: %+v %v", n, err)
	}
}

// Many overdue flows are started page by page, the ones that were not reached
// by the next sweep.
func TestASweepIsBounded(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	d.engine.idle = true
	many := &manyOverdue{Store: d.store, n: 1100}
	svc := d.Service
	svc.Store = struct {
		office
		overdueFlows
	}{office{d.store}, many}
	for i, want := range []int{1000, 1100, 2100} {
		if _, err := d.Sweep(ctx); err != nil || many.started != want {
			t.Fatalf("sweep %d: %d flows, want %d, %v", i, many.started, want, err)
		}
	}
}

type overdueFlows interface {
	OverdueFlows(context.Context, store.Overdue, store.FlowKey, int) ([]store.Flow, error)
}

// manyOverdue is a database with many flows that are overdue for ever.
type manyOverdue struct {
	*store.Store
	n, started int
}

func (m *manyOverdue) OverdueFlows(_ context.Context, _ store.Overdue, behind store.FlowKey, limit int) ([]store.Flow, error) {
	at := int(behind.CompanyID)
	n := min(limit, m.n-at)
	out := make([]store.Flow, n)
	for i := range out {
		out[i] = store.Flow{FlowKey: store.FlowKey{CompanyID: int64(at + i + 1), No: "f1"}, WorkflowID: "f1"}
	}
	m.started += n
	return out, nil
}

// Whoever goes away while a flow's workflow is lost hands the task over all
// the same.
func TestAnAbsenceFindsAWorkflowThatIsGone(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	delete(d.engine.starts, "f1")
	d.engine.gone = true
	_, err := d.store.PutAbsence(ctx, 129, store.Absence{UserCode: "E2", Agent: "E4", From: time.Now().Add(-time.Hour), Till: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{Flows: 1}) || d.engine.starts["f1"].No != "f1" {
		t.Errorf("swept: %+v %v, started %v", n, err, d.engine.starts)
	}
	f, err := d.store.GetFlow(ctx, store.FlowKey{CompanyID: 129, No: "f1"})
	if err != nil || f.Tasks[len(f.Tasks)-1].UserCode != "E4" {
		t.Errorf("%+v %v", f.Tasks, err)
	}
}

// growing is a configuration to which companies are added.
type growing struct {
	*meta.Store
	companies []int64
}

func (g *growing) Companies() []int64 { return g.companies }

// A second company changes no id of a workflow that runs; its own flows have
// ids that cannot be taken for others'.
func TestASecondCompanyRenamesNothing(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	files, err := meta.Open("", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	all := &growing{files, []int64{129}}
	d.Files, d.Keeper.Files = all, all
	d.launched()
	all.companies = []int64{129, 200}
	second := launch
	second.Number, second.Company = "f2", "129"
	if _, err := d.Launch(ctx, second); err != nil {
		t.Fatal(err)
	}
	first := flowcall.FlowParams{Number: "f1", Company: "129"}
	if _, err := d.Urgent(ctx, first); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"129-f2", "f1"}, slices.Sorted(maps.Keys(d.engine.starts))); diff != "" {
		t.Errorf("started: %s", diff)
	}
	if diff := cmp.Diff([]string{"f1"}, d.engine.ids); diff != "" {
		t.Errorf("asked: %s", diff)
	}
}

func (office) DepartmentByCodeOrName(_ context.Context, _ int64, name string) (orgflow.OrgUnit, error) {
	if name != "研发部" {
		return orgflow.OrgUnit{}, store.ErrNotFound
	}
	return orgflow.OrgUnit{ID: 1, Code: "D1", Name: name}, nil
}
