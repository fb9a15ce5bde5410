package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"orgflow"
)

func TestTheStartPageShowsWhatNeedsSomebody(t *testing.T) {
	w := newOpsWorld(t, false)
	w.shows("/", "Nothing waits for anybody", "Nothing is under way", "/openapi.json", "http://temporal.example")
	w.run("sync-1")
	w.load("run-1", orgflow.StatusFailed, orgflow.Faultf(orgflow.CodeForbidden, "no"))
	body := w.shows("/", "/sync/sync-1", "129/ding_talk", "/erp/loads/erp-129-SAL_SaleOrder~1")
	if waiting, running, _ := strings.Cut(body, "Under way"); !strings.Contains(waiting, "SAL_SaleOrder~1") || !strings.Contains(running, "/sync/sync-1") || strings.Contains(waiting, "/sync/sync-1") {
		t.Errorf("%s", body)
	}
	ctx := context.Background()
	if _, err := w.app.Store.FinishRun(ctx, "sync-1", orgflow.StatusFailed, orgflow.Faultf(orgflow.CodeForbidden, "no"), nil); err != nil {
		t.Fatal(err)
	}
	if waiting, _, _ := strings.Cut(w.shows("/"), "Under way"); !strings.Contains(waiting, "/sync/sync-1") {
		t.Error("a failed run needs nobody")
	}
	// What a later run or load has made good needs nobody any more.
	w.run("sync-2")
	w.load("run-2", orgflow.StatusCompleted, nil)
	if waiting, running, _ := strings.Cut(w.shows("/?live"), "Under way"); strings.Contains(waiting, "/sync/sync-1") || strings.Contains(waiting, "SAL_SaleOrder~1") || !strings.Contains(running, "/sync/sync-2") {
		t.Errorf("%s", waiting)
	}
}

func TestTheStartPageShowsNobodyWhatGoesOn(t *testing.T) {
	w := newOpsWorld(t, true)
	w.run("sync-1")
	status, body, _ := w.page("/", nil)
	if status != http.StatusOK || strings.Contains(body, "sync-1") || !strings.Contains(body, "/api/v1/sync-runs") || !strings.Contains(body, "/signin") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, to := w.page("/?live", nil); status != http.StatusSeeOther || to != "/signin" {
		t.Errorf("the fragment: %d %s", status, to)
	}
	status, body, _ = w.page("/", w.signIn("E1"))
	if status != http.StatusOK || !strings.Contains(body, "/sync/sync-1") || strings.Contains(body, opsEvil) {
		t.Errorf("signed in: %d %s", status, body)
	}
}

// E1 may look, E2 may operate; what a page of another origin sends is nobody's.
func TestWhoMaySteer(t *testing.T) {
	w := newOpsWorld(t, true)
	w.load("run-1", orgflow.StatusRunning, nil)
	w.schedules.detail.ID = "129-sale"
	reader, operator := w.signIn("E1"), w.signIn("E2")
	pages := []string{"/erp", opsForm, "/erp/loads/erp-129-SAL_SaleOrder~1", "/schedules", "/schedules/129-sale", "/consumers", "/consumers/129/ding_talk"}
	for _, page := range pages {
		if status, _, to := w.page(page, nil); status != http.StatusSeeOther || !strings.HasPrefix(to, "/signin") {
			t.Errorf("%s shows nobody: %d %s", page, status, to)
		}
		status, body, _ := w.page(page, reader)
		if status != http.StatusOK || strings.Contains(body, `method="post"`) {
			t.Errorf("%s shows who may look: %d", page, status)
		}
	}
	acts := []string{"/erp/loads", "/erp/loads/erp-129-SAL_SaleOrder~1/cancel", "/schedules/129-sale/pause", "/schedules/129-sale/resume", "/schedules/129-sale/trigger"}
	form := url.Values{"company_id": {"129"}, "form_id": {"SAL_SaleOrder"}, "kind": {"create"}, "reason": {"why"}, "by": {"E1"}}
	for _, act := range acts {
		if status, _, _ := w.form(act, form, w.server.URL, reader); status != http.StatusForbidden {
			t.Errorf("%s by who may look: %d", act, status)
		}
		for _, origin := range []string{"https://evil.example", ""} {
			if status, _, _ := w.form(act, form, origin, operator); status != http.StatusForbidden {
				t.Errorf("%s from %q: %d", act, origin, status)
			}
		}
	}
	if len(w.loads.started)+len(w.loads.canceled)+len(w.schedules.done)+len(w.audits) > 0 {
		t.Fatalf("something was done: %v %v %v", w.loads, w.schedules.done, w.audits)
	}
	for _, act := range acts {
		if status, body, _ := w.form(act, form, w.server.URL, operator); status != http.StatusSeeOther {
			t.Errorf("%s by who may: %d %s", act, status, body)
		}
	}
	if w.loads.canceled[0] != "erp-129-SAL_SaleOrder~1 E2 why" || w.schedules.done[0] != "pause 129-sale E2 why" || w.audits[0] != "E2 start erp-129-SAL_SaleOrder~1" {
		t.Errorf("not in their own name: %v %v %v", w.loads.canceled, w.schedules.done, w.audits)
	}
}
