package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/console"
)

// inChina is a moment on China's clock.
func inChina(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, time.FixedZone("UTC+8", 8*60*60))
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func TestSchedulesAreShownWithTheirStarts(t *testing.T) {
	w := newOpsWorld(t, false)
	w.shows("/schedules", "Temporal has no schedules")
	w.load("run-1", orgflow.StatusFailed, orgflow.Faultf(orgflow.CodeForbidden, "no"))
	w.schedules.list = []api.Schedule{
		{ID: "129-sale", Workflow: orgflow.WorkflowDataSync, Note: opsEvil,
			Next:   []time.Time{inChina(t, "2031-03-01 00:30"), inChina(t, "2031-03-31 23:30")},
			Recent: []api.ScheduleStart{{StartedAt: inChina(t, "2031-03-01 00:10"), WorkflowID: "erp-129-SAL_SaleOrder", RunID: "run-1"}, {StartedAt: inChina(t, "2031-02-28 23:59"), WorkflowID: "erp-129-gone", RunID: "run-0"}}},
		{ID: "129-night", Workflow: orgflow.WorkflowSyncRun, Paused: true, Missed: api.MissedRuns{CatchupWindow: 2, Overlap: 1}, Note: "pause by E1: stocktaking", Next: []time.Time{inChina(t, "2031-03-05 02:10")}},
	}
	body := w.shows("/schedules?month=2031-03", "2031-03-01 00:30:00", "&lt;script&gt;", "pause by E1: stocktaking", "3 not started", `datetime="2031-03-31"`,
		`00:30 <a href="/schedules/129-sale">`, `class="past">00:10`, `<span class="bad">failed</span>`, "/erp/loads/erp-129-SAL_SaleOrder~1", "month=2031-02", "month=2031-04",
		"http://temporal.example/namespaces/default/workflows/erp-129-gone/run-0/history")
	if strings.Contains(body, "2031-03-05 02:10") || strings.Contains(body, ">02:10") {
		t.Error("a paused schedule has starts to come")
	}
	if strings.Contains(body, "23:59 <a") {
		t.Error("another month's start is in the calendar")
	}
	w.shows("/schedules?month=%3Cscript%3Ealert(1)", "Calendar · "+time.Now().In(time.FixedZone("", 8*60*60)).Format("2006-01"))
}

func TestAScheduleIsShownAndSteered(t *testing.T) {
	w := newOpsWorld(t, false)
	w.schedules.detail = console.ScheduleDetail{
		Schedule: api.Schedule{ID: "129-sale", Workflow: orgflow.WorkflowDataSync, Next: []time.Time{inChina(t, "2031-03-01 00:30")}}, Description: opsEvil,
		Calendars: []string{"0 30 0 1 * * *"}, Facts: []console.ScheduleFact{{Name: "overlap", Value: "skip"}}, Job: `{"form_id":"SAL_SaleOrder"}`, Running: []string{"erp-129-SAL_SaleOrder-sale"},
	}
	w.schedules.detail.Starts, w.schedules.detail.Missed = 7, api.MissedRuns{CatchupWindow: 2, Overlap: 1, Buffer: 4}
	w.shows("/schedules/129-sale", "0 30 0 1 * * *", "Overlap policy", "7 started, 2 missed, 1 skipped because of another run, 4 dropped", "2031-03-01 00:30:00", "SAL_SaleOrder-sale", "/schedules/129-sale/pause", "/schedules/129-sale/trigger",
		"http://temporal.example/namespaces/default/schedules/129-sale", "It has started nothing yet")
	for _, verb := range []string{"pause", "resume", "trigger"} {
		if status, _, to := w.form("/schedules/129-sale/"+verb, url.Values{"reason": {"stocktaking"}}, w.server.URL, nil); status != http.StatusSeeOther || to != "/schedules/129-sale" {
			t.Errorf("%s: %d %s", verb, status, to)
		}
	}
	if diff := cmp.Diff([]string{"pause 129-sale local stocktaking", "resume 129-sale local stocktaking", "trigger 129-sale local stocktaking"}, w.schedules.done); diff != "" {
		t.Error(diff)
	}
	w.schedules.detail.Paused = true
	if body := w.shows("/schedules/129-sale", "/schedules/129-sale/resume", "paused"); strings.Contains(body, "/129-sale/pause") || strings.Contains(body, "Coming starts") {
		t.Error("a paused one is as if it went on")
	}
	w.schedules.err = orgflow.Faultf(orgflow.CodeTargetBusy, "its run has not ended")
	if status, body, _ := w.form("/schedules/129-sale/trigger", nil, w.server.URL, nil); status != http.StatusConflict || !strings.Contains(body, "its run has not ended") {
		t.Errorf("a start that is skipped: %d %s", status, body)
	}
	w.schedules.err = nil
	if status, body, _ := w.page("/schedules/none", nil); status != http.StatusNotFound || !strings.Contains(body, `there is no schedule`) {
		t.Errorf("an unknown one: %d %s", status, body)
	}
	// Temporal is away: what can be said is said.
	w.schedules.err = &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "Temporal gives no answer", Advice: "start it"}
	if status, body, _ := w.page("/schedules", nil); status != http.StatusServiceUnavailable || !strings.Contains(body, "Temporal gives no answer") {
		t.Errorf("without Temporal: %d %s", status, body)
	}
}
