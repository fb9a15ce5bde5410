package app_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/flow"
	"orgflow/internal/flowcall"
	"orgflow/internal/store"
)

// office has whoever is asked for; departments are not there.
type office struct{ *store.Store }

func (office) UsersByCodes(_ context.Context, _ int64, codes []string) (map[string]orgflow.OrgMember, error) {
	out := map[string]orgflow.OrgMember{}
	for i, c := range codes {
		out[c] = orgflow.OrgMember{ID: int64(i + 1), UserID: c, JobNumber: c, Name: "员工" + c}
	}
	return out, nil
}

// TestPagesOfferWhatWouldBeDone: to each person what the rules would carry
// out now, and nothing is changed by looking.
func TestPagesOfferWhatWouldBeDone(t *testing.T) { eachDesk(t, testPagesOfferWhatWouldBeDone) }

func testPagesOfferWhatWouldBeDone(t *testing.T, d *desk) {
	ctx, flows, keeper := t.Context(), d.Flows(), d.FlowCalls().Keeper
	keeper.Store = office{d.Store}
	d.publish("ztbxx01", "审批")
	d.call("PUT", "/api/v1/boards/ztbxx/rows/5", `{"amount": 1.50}`)
	draft, err := keeper.TryLaunch(ctx, flow.Launch{CompanyID: 129, No: "n1", Code: "ztbxx01", DataID: "5", Initiator: store.Initiator{Code: "E1"}})
	if err != nil {
		t.Fatal(err)
	}
	launched, _, err := keeper.Launch(ctx, draft, 0)
	if err != nil {
		t.Fatal(err)
	}
	if may, err := flows.FlowChoices(ctx, 0, "n1", "E1"); err != nil || len(may) > 0 {
		t.Errorf("before its workflow has begun: %v %v", may, err)
	}
	step := func(key string, c orgflow.FlowCommand) {
		t.Helper()
		if s, err := keeper.Step(ctx, flow.Request{FlowKey: launched.FlowKey, Key: key, Command: c}); err != nil || s.Refusal != nil {
			t.Fatalf("%s: %+v %v", key, s.Refusal, err)
		}
	}
	step("begin", orgflow.FlowCommand{Kind: orgflow.FlowBegin, Round: 1})
	before := d.call("GET", "/api/v1/flows/n1", "").Body.String()
	offers := func(want map[string][]orgflow.FlowCommandKind) {
		t.Helper()
		for user, kinds := range want {
			may, err := flows.FlowChoices(ctx, 0, "n1", user)
			if diff := cmp.Diff(kinds, may); diff != "" || err != nil {
				t.Errorf("%s: %v %s", user, err, diff)
			}
		}
	}
	offers(map[string][]orgflow.FlowCommandKind{
		"E1": {orgflow.FlowUrge, orgflow.FlowWithdraw, orgflow.FlowDiscard}, "E5": {orgflow.FlowUrge}, "": {orgflow.FlowUrge},
	})
	if after := d.call("GET", "/api/v1/flows/n1", "").Body.String(); after != before {
		t.Errorf("looking changed the flow:\n%s\n%s", before, after)
	}
	step("urge", orgflow.FlowCommand{Kind: orgflow.FlowUrge})
	offers(map[string][]orgflow.FlowCommandKind{"E5": {orgflow.FlowUrge}}) // it is told when again

	if page, err := flows.OpenTasks(ctx, 0, "E5", "", 10); err != nil || len(page.Tasks) != 1 || page.Tasks[0].Flow.No != "n1" || page.Tasks[0].Node != "部门负责人" || page.Tasks[0].Task.Urges != 1 {
		t.Errorf("%+v %v", page, err)
	}
	if b, err := flows.FlowBackground(ctx, 129, "n1"); err != nil || string(b.Form) != `{"amount": 1.50}` && string(b.Form) != `{"amount":1.50}` || b.WorkflowID != "n1" || b.Fault != "" {
		t.Errorf("%+v %v, form %s", b, err, b.Form)
	}
	badWays(t, flows.CheckWay)

	step("withdraw", orgflow.FlowCommand{Kind: orgflow.FlowWithdraw, By: "E1"})
	offers(map[string][]orgflow.FlowCommandKind{"E1": {orgflow.FlowRelaunch, orgflow.FlowDiscard}, "E5": {orgflow.FlowRelaunch}})
	for name, err := range map[string]error{
		"choices":    second(flows.FlowChoices(ctx, 0, "no", "E1")),
		"background": second(flows.FlowBackground(ctx, 0, "no")),
		"way":        flows.CheckWay(ctx, 0, "no", nil, ""),
	} {
		if fault, ok := errors.AsType[*orgflow.Fault](err); !ok || fault.Code != api.CodeFlowNotFound {
			t.Errorf("%s of no flow: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// badWays asks what a decision may want besides.
func badWays(t *testing.T, check func(ctx context.Context, company int64, no string, next *int, depts string) error) {
	t.Helper()
	for _, c := range []struct {
		next  *int
		depts string
		want  string
	}{
		{nil, "", ""}, {nil, " ，, ", ""}, {new(99), "", ""}, {new(0), "", ""}, {new(77), "", "NODE_NOT_FOUND"}, {nil, "没有部", "DEPT_NOT_FOUND"},
	} {
		err := check(t.Context(), 0, "n1", c.next, c.depts)
		refused, _ := errors.AsType[*flowcall.Error](err)
		if c.want == "" && err != nil || c.want != "" && (refused == nil || refused.Code != c.want || refused.Status != 404) {
			t.Errorf("%v %q: %v, want %q", c.next, c.depts, err, c.want)
		}
	}
}
