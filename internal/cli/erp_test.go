package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/erp"
	"orgflow/internal/testgolden"
)

// erpLoads is what commands ask of loads, by hand.
type erpLoads struct {
	input     string
	polls     []any // orgflow.ERPRun or error; the last stays
	filter    api.LoadFilter
	page      api.LoadPage
	cancelled string
	inspected string
	found     Inspection
	err       error
}

func (l *erpLoads) StartLoad(_ context.Context, raw json.RawMessage) (api.Started, error) {
	l.input = string(raw)
	return api.Started{ID: "erp-129-SAL_SaleOrder~1", RunID: "r"}, l.err
}

func (l *erpLoads) LoadRun(context.Context, string) (orgflow.ERPRun, error) {
	next := l.polls[0]
	if len(l.polls) > 1 {
		l.polls = l.polls[1:]
	}
	if err, failed := next.(error); failed {
		return orgflow.ERPRun{}, err
	}
	return next.(orgflow.ERPRun), nil
}

func (l *erpLoads) ListLoads(_ context.Context, f api.LoadFilter) (api.LoadPage, error) {
	l.filter = f
	return l.page, l.err
}

func (l *erpLoads) CancelLoad(_ context.Context, id string, s api.Steering) error {
	l.cancelled = id + " by " + s.By + " because " + s.Reason
	return l.err
}

func (l *erpLoads) InspectForm(_ context.Context, _ int64, form string) (Inspection, error) {
	l.inspected = form
	return l.found, l.err
}

func TestLoad(t *testing.T) {
	left := int64(90)
	started := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	ended := started.Add(2 * time.Minute)
	running := orgflow.ERPRun{ID: "x", Status: orgflow.StatusRunning, Phase: orgflow.PhaseFetch, Rows: 34000, RowsPerSecond: 2310.4,
		Windows: orgflow.Progress{Done: 17, Total: 24}, RemainingSeconds: &left}
	done := func(s orgflow.Status) orgflow.ERPRun {
		return orgflow.ERPRun{ID: "erp-129-SAL_SaleOrder~1", FormID: "SAL_SaleOrder", Kind: orgflow.LoadUpdate, Deep: true, Status: s, Phase: orgflow.PhaseSwap, Rows: 48001,
			Windows: orgflow.Progress{Done: 24, Total: 24}, MarkedGone: 3, NewColumns: []string{"FNew"}, StartedAt: started, FinishedAt: &ended}
	}
	failed := done(orgflow.StatusFailed)
	failed.Error = orgflow.Faultf(orgflow.CodeUnauthorized, "wrong password")
	for name, c := range map[string]struct {
		polls    []any
		code     int
		out, err string
	}{
		"completed": {[]any{running, errors.New("database away"), running, done(orgflow.StatusCompleted)}, ExitCompleted,
			"erp-129-SAL_SaleOrder~1  completed\n  deep update of SAL_SaleOrder: 24 of 24 windows, 48,001 rows, took 2 min 0 s\n  3 rows no longer in the ERP: marked\n  columns of the ERP that the local table lacked: FNew\n",
			"17 of 24 windows, 34,000 rows, 2,310 a second, about 1 min 30 s left\n"},
		"with failures":  {[]any{done(orgflow.StatusCompletedWithFailures)}, ExitIncomplete, "completed_with_failures", ""},
		"failed":         {[]any{failed}, ExitFailed, "error: unauthorized: wrong password", ""},
		"database stays": {[]any{errors.New("database away")}, ExitFailed, "", "the load itself goes on"},
	} {
		t.Run(name, func(t *testing.T) {
			loads := &erpLoads{polls: c.polls}
			w := &world{loads: loads}
			if code := w.run("erp", "update", "--form", "SAL_SaleOrder", "--deep", "--wait"); code != c.code || !strings.Contains(w.out.String(), c.out) || !strings.Contains(w.err.String(), c.err) {
				t.Errorf("code %d\n%s%s", code, w.out.String(), w.err.String())
			}
			if loads.input != `{"form_id":"SAL_SaleOrder","kind":"update","deep":true}` {
				t.Errorf("started %s", loads.input)
			}
		})
	}
}

func TestLoadsAreStartedAndNamed(t *testing.T) {
	loads := &erpLoads{}
	w := &world{loads: loads}
	if code := w.run("erp", "create", "--form", "SAL_SaleOrder", "--company", "129"); code != ExitCompleted ||
		loads.input != `{"company_id":129,"form_id":"SAL_SaleOrder","kind":"create"}` || w.out.String() != "Started erp-129-SAL_SaleOrder~1\n" {
		t.Errorf("code %d, started %s\n%s", code, loads.input, w.out.String())
	}
	if w := (&world{loads: loads}); w.run("erp", "create") != ExitFailed || !strings.Contains(w.err.String(), "form") {
		t.Errorf("without a form: %s", w.err.String())
	}
	if w := (&world{loads: loads}); w.run("erp", "create", "--form", "A", "--deep") != ExitFailed {
		t.Error("a create knows no --deep")
	}
	loads.err = &orgflow.Fault{Code: orgflow.CodeTargetBusy, Message: "form SAL_SaleOrder is being loaded by erp-129-SAL_SaleOrder~0"}
	if w := (&world{loads: loads}); w.run("erp", "create", "--form", "SAL_SaleOrder") != ExitFailed || !strings.Contains(w.err.String(), "erp-129-SAL_SaleOrder~0") {
		t.Errorf("a second load: %s", w.err.String())
	}
}

func TestLoadsAreListedAndCancelled(t *testing.T) {
	loads := &erpLoads{page: api.LoadPage{NextCursor: "n", Runs: []orgflow.ERPRun{{ID: "a~1", Kind: orgflow.LoadCreate, Status: orgflow.StatusCompleted,
		Rows: 1234567, Windows: orgflow.Progress{Done: 24, Total: 24}, StartedAt: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}}}}
	w := &world{loads: loads}
	if code := w.run("erp", "list", "--form", "SAL_SaleOrder", "--limit", "5"); code != ExitCompleted ||
		!strings.Contains(w.out.String(), "a~1  create  completed    24/24  1,234,567") || !strings.Contains(w.err.String(), "--cursor n") {
		t.Errorf("code %d\n%s%s", code, w.out.String(), w.err.String())
	}
	if diff := cmp.Diff(api.LoadFilter{FormID: "SAL_SaleOrder", Limit: 5}, loads.filter); diff != "" {
		t.Error(diff)
	}
	if code := (&world{loads: loads}).run("erp", "cancel", "a~1", "--reason", "wrong form"); code != ExitCompleted || loads.cancelled != "a~1 by tester because wrong form" {
		t.Errorf("code %d, cancelled %s", code, loads.cancelled)
	}
}

func TestInspect(t *testing.T) {
	loads := &erpLoads{found: Inspection{
		Name: "销售订单", Config: erp.Config{FormID: "SAL_SaleOrder", DateField: "FModifyDate", Key: "FID", PageSize: 2000}, File: "companies/129/forms/SAL_SaleOrder.json",
		Tables: []erp.Table{{Name: "ERP_SAL_SaleOrder", Key: []string{"FID"}, Columns: []erp.Column{
			{Name: "FID", Field: "FID", Type: orgflow.ERPInteger}, {Name: "FCustId", Field: "FCustId", Type: orgflow.ERPInteger, Lookup: true},
			{Name: "FCustId_FNumber", Field: "FCustId.FNumber", Type: orgflow.ERPText},
		}}},
		Entries:  []InspectedEntry{{ID: "FSaleOrderEntry", Name: "订单明细", Fields: 12}},
		Notes:    []string{"FBillHead.FOld: left out: not visible at the ERP"},
		Problems: []orgflow.Problem{{Pointer: "/fields", Message: "31 lookups are read", Warning: true}},
	}}
	w := &world{loads: loads}
	if code := w.run("erp", "inspect", "--form", "SAL_SaleOrder"); code != ExitCompleted || loads.inspected != "SAL_SaleOrder" {
		t.Errorf("code %d, inspected %s", code, loads.inspected)
	}
	testgolden.Check(t, "erp_inspect.txt", w.out.String()+"---\n"+w.err.String())

	loads.found.Problems[0].Warning = false
	w = &world{loads: loads}
	if code := w.run("erp", "inspect", "--form", "SAL_SaleOrder", "--json"); code != ExitFailed || !strings.Contains(w.out.String(), `"date_field": "FModifyDate"`) {
		t.Errorf("code %d %s", code, w.out.String())
	}
}
