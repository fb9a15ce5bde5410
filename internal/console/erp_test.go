package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

const opsForm = "/erp/forms/129/SAL_SaleOrder"

func TestFormsAreShownWithTheirLastLoads(t *testing.T) {
	w := newOpsWorld(t, false)
	w.shows("/erp", "SAL_SaleOrder", "FModifyDate", "2 years / 2 months, by 31 days", "never loaded", "There are no loads yet", "&lt;script&gt;",
		"BD_Broken.json", "date_field") // what is wrong with the broken one
	w.load("run-1", orgflow.StatusFailed, &orgflow.Fault{Code: orgflow.CodeForbidden, VendorCode: "403", Message: opsEvil, Advice: "grant the form", Field: "FNote"})
	body := w.shows("/erp", "failed", "/erp/loads/erp-129-SAL_SaleOrder~1", "1 / 2")
	if strings.Contains(body, "clear-password") {
		t.Error("a password is shown")
	}
	w.shows(opsForm, "ERP_SAL_SaleOrder__FEntry", "when the ERP saved the row", "a create reads 2 years, an update 2 months", "as the metadata say", `value="deep"`)
	w.shows("/erp/loads/erp-129-SAL_SaleOrder~1", "failed", "&lt;script&gt;", "grant the form", "403", "FNote",
		"http://temporal.example/namespaces/default/workflows/erp-129-SAL_SaleOrder/run-1/history", "class=\"state over\"")
}

func TestALoadIsWatchedUntilItEnds(t *testing.T) {
	w := newOpsWorld(t, false)
	w.load("run-1", orgflow.StatusRunning, nil, []any{int64(1), nil, "a"}, []any{int64(2), nil, nil})
	body := w.shows("/erp/loads/erp-129-SAL_SaleOrder~1?live", `max="2" value="1"`, "</strong> · reading", "Remaining", "<dd>2 ·")
	if strings.Contains(body, "<html") {
		t.Error("the fragment is a whole page")
	}
	w.shows("/erp/loads/erp-129-SAL_SaleOrder~1", `action="/erp/loads/erp-129-SAL_SaleOrder~1/cancel"`)
	res, err := http.Get(w.server.URL + "/erp/loads/erp-129-SAL_SaleOrder~1?live")
	if err != nil || res.Header.Get("Orgflow-Live") != "" {
		t.Errorf("while it runs: %v %v", res, err)
	}
	_ = res.Body.Close()
	if _, err := w.app.Store.FinishLoad(t.Context(), "erp-129-SAL_SaleOrder~1", orgflow.StatusCanceled, nil); err != nil {
		t.Fatal(err)
	}
	res, err = http.Get(w.server.URL + "/erp/loads/erp-129-SAL_SaleOrder~1?live")
	if err != nil || res.Header.Get("Orgflow-Live") != "over" {
		t.Errorf("when it has ended: %v %v", res, err)
	}
	_ = res.Body.Close()
	if body := w.shows("/erp/loads/erp-129-SAL_SaleOrder~1"); strings.Contains(body, "/cancel") {
		t.Error("what has ended can be cancelled")
	}
}

func TestLoadsAreStartedAndCancelled(t *testing.T) {
	w := newOpsWorld(t, false)
	start := func(kind string) (int, string, string) {
		return w.form("/erp/loads", url.Values{"company_id": {"129"}, "form_id": {"SAL_SaleOrder"}, "kind": {kind}}, w.server.URL, nil)
	}
	for _, kind := range []string{"create", "update", "deep"} {
		if status, body, to := start(kind); status != http.StatusSeeOther || to != "/erp/loads/erp-129-SAL_SaleOrder~1" {
			t.Errorf("%s: %d %s %s", kind, status, to, body)
		}
	}
	want := []string{`{"company_id":129,"form_id":"SAL_SaleOrder","kind":"create"}`, `{"company_id":129,"form_id":"SAL_SaleOrder","kind":"update"}`, `{"company_id":129,"form_id":"SAL_SaleOrder","kind":"update","deep":true}`}
	if diff := cmp.Diff(want, w.loads.started); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"local start erp-129-SAL_SaleOrder~1"}, w.audits[:1]); diff != "" || len(w.audits) != 3 {
		t.Errorf("the audit log: %v", w.audits)
	}
	w.loads.err = orgflow.Faultf(orgflow.CodeTargetBusy, "form %s is being loaded", opsEvil)
	if status, body, _ := start("create"); status != http.StatusConflict || !strings.Contains(body, "is being loaded") || strings.Contains(body, opsEvil) || !strings.Contains(body, `href="/erp"`) {
		t.Errorf("a second one: %d %s", status, body)
	}
	if len(w.audits) != 3 {
		t.Errorf("what was not started is in the audit log: %v", w.audits)
	}
	w.loads.err = nil
	status, _, to := w.form("/erp/loads/erp-129-SAL_SaleOrder~1/cancel", url.Values{"reason": {"wrong form"}}, w.server.URL, nil)
	if diff := cmp.Diff([]string{"erp-129-SAL_SaleOrder~1 local wrong form"}, w.loads.canceled); status != http.StatusSeeOther || to != "/erp/loads/erp-129-SAL_SaleOrder~1" || diff != "" {
		t.Errorf("%d %s %s", status, to, diff)
	}
}

func TestALocalTableIsShownPageByPage(t *testing.T) {
	w := newOpsWorld(t, false)
	if status, body, _ := w.page(opsForm+"/rows", nil); status != http.StatusNotFound || !strings.Contains(body, "ERP_SAL_SaleOrder") {
		t.Errorf("before the first load: %d %s", status, body)
	}
	var rows [][]any
	for id := range int64(30) {
		rows = append(rows, []any{id, time.Date(2026, 10, 2, 3, 4, 5, 0, time.UTC), fmt.Sprintf("note %d %s", id, opsEvil)})
	}
	rows[3][2] = nil
	w.load("run-1", orgflow.StatusCompleted, nil, rows...)
	if _, err := w.app.Store.DB().Exec(`UPDATE "ERP_SAL_SaleOrder" SET orgflow_gone_at = '2026-11-01 00:00:00.000000' WHERE "FID" = 4`); err != nil {
		t.Fatal(err)
	}
	body := w.shows(opsForm+"/rows", "INTEGER", "note 24", `class="gone"`, "gone from the ERP since 2026-11-01 08:00:00", ">null<", "2026-10-02 03:04:05", opsForm+"/rows?cursor=24")
	if strings.Contains(body, "note 25") || strings.Count(body, `class="gone"`) != 1 {
		t.Errorf("more than a page: %s", body)
	}
	if body := w.shows(opsForm+"/rows?cursor=24", "note 25", "note 29"); strings.Contains(body, "note 24") || strings.Count(body, "cursor=") != 1 { // the switch of language stays here
		t.Errorf("the rest: %s", body)
	}
}

// A table's name is made from configured forms only, and shown to those whose
// table it is.
func TestOtherTablesAreNotShown(t *testing.T) {
	w := newOpsWorld(t, false)
	w.load("run-1", orgflow.StatusCompleted, nil, []any{int64(1), nil, "a"})
	w.put("companies/130/company.json", `{"company_id": 130, "erp": {"type": "kingdee", "base_url": "https://erp.example/k3cloud/"}}`)
	w.put("companies/130/forms/SAL_SaleOrder.json", `{"form_id": "SAL_SaleOrder", "date_field": "FModifyDate"}`)
	for _, query := range []string{`CREATE TABLE "ERP_SAL_SaleOrder__new" (a text)`, `INSERT INTO "ERP_SAL_SaleOrder__new" VALUES ('half')`} { // of a create that runs
		if _, err := w.app.Store.DB().Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	for name, path := range map[string]string{
		"a table of the program":     "/erp/forms/129/audit_log/rows",
		"SQL":                        "/erp/forms/129/" + url.PathEscape(`SAL_SaleOrder";DROP TABLE x;--`) + "/rows",
		"a path":                     "/erp/forms/129/" + url.PathEscape("../company") + "/rows",
		"an entry the file has not":  opsForm + "/rows?entry=new",
		"an entry that is SQL":       opsForm + "/rows?entry=" + url.QueryEscape(`FEntry" UNION SELECT 1 --`),
		"an entry nothing is of yet": opsForm + "/rows?entry=FEntry",
		"another company's":          "/erp/forms/130/SAL_SaleOrder/rows",
		"a company that is none":     "/erp/forms/x/SAL_SaleOrder/rows",
	} {
		if status, body, _ := w.page(path, nil); status != http.StatusNotFound || strings.Contains(body, "<td>") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	w.shows(opsForm + "/rows")
}
