package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow"
)

// TestWhoPublishes: the named person, else the key, else whoever uses an open
// API.
func TestWhoPublishes(t *testing.T) {
	w := newWorld()
	d := w.deps()
	call(New(d), "PUT", "/api/v1/flow-definitions/ztbxx01?company_id=129", `{"a":1}`)
	if p := w.flows.publication; p.By != localUser || p.Code != "ztbxx01" || p.CompanyID != 129 || string(p.Raw) != `{"a":1}` || p.DryRun {
		t.Errorf("%+v", p)
	}
	d = w.deps()
	d.Keys = keys(t)
	h := New(d)
	call(h, "POST", "/api/v1/flow-definitions?dry_run=true", `{}`, "X-API-Key: admin-token")
	if p := w.flows.publication; p.By != "admin-key" || p.Code != "" || !p.DryRun {
		t.Errorf("%+v", p)
	}
	call(h, "PUT", "/api/v1/flow-definitions/x?by=E1", `{}`, "X-API-Key: admin-token")
	if p := w.flows.publication; p.By != "E1" {
		t.Errorf("%+v", p)
	}
}

func TestFlowQueriesAreHandedOn(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	call(h, "GET", "/api/v1/flows?company_id=7&flow_code=c&state=RUNNING,FAULTED&initiator=E1&assignee=E2&data_id=5&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00%2B08:00&cursor=x&limit=7", "")
	want := FlowFilter{
		CompanyID: 7, Code: "c", States: []orgflow.FlowState{orgflow.FlowRunning, orgflow.FlowFaulted}, Initiator: "E1", Assignee: "E2", DataID: "5",
		From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC), Cursor: "x", Limit: 7,
	}
	got := w.flows.filter
	if !got.From.Equal(want.From) || !got.To.Equal(want.To) || !slices.Equal(got.States, want.States) {
		t.Errorf("%+v", got)
	}
	got.From, got.To, got.States, want.From, want.To, want.States = time.Time{}, time.Time{}, nil, time.Time{}, time.Time{}, nil
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
	call(h, "GET", "/api/v1/flow-export?state=APPROVED&format=csv", "")
	if w.flows.format != ExportCSV || len(w.flows.filter.States) != 1 {
		t.Errorf("%+v %s", w.flows.filter, w.flows.format)
	}
	call(h, "GET", "/api/v1/absences", "")
	if now := w.deps().Now(); w.flows.span != [2]time.Time{now, now.AddDate(1, 0, 0)} {
		t.Errorf("%v", w.flows.span)
	}
}

// TestListsAreNeverNull: programs iterate over them.
func TestListsOfFlowsAreNeverNull(t *testing.T) {
	h := New(newWorld().deps())
	for path, want := range map[string]string{
		"/api/v1/flow-definitions":   `"definitions":[]`,
		"/api/v1/flows":              `"current_nodes":[]`,
		"/api/v1/flows/n1":           `"timeline":[]`,
		"/api/v1/flows/n1/timeline":  `"timeline":[]`,
		"/api/v1/flows/n1/decisions": `"decisions":[]`,
		"/api/v1/flows/n1/messages":  `"messages":[]`,
		"/api/v1/absences":           `"absences":[]`,
	} {
		if res := call(h, "GET", path, ""); res.Code != 200 || !strings.Contains(res.Body.String(), want) {
			t.Errorf("%s: %d %s", path, res.Code, res.Body)
		}
	}
}

func TestAnExportThatFails(t *testing.T) {
	w := newWorld()
	h := New(w.deps())

	// Before the first byte it is an error as any other.
	w.flows.exportErr = orgflow.Faultf(orgflow.CodeUnavailable, "database away")
	if res := call(h, "GET", "/api/v1/flow-export", ""); res.Code != 503 || errorOf(t, res).Code != orgflow.CodeUnavailable {
		t.Errorf("%d %s", res.Code, res.Body)
	}

	// After it the connection is cut: a part must not pass for the whole.
	srv := httptest.NewServer(h)
	defer srv.Close()
	w.flows.pieces = []string{strings.Repeat("{}\n", 4000)}
	w.flows.exportErr = errors.New("cut")
	res, err := srv.Client().Get(srv.URL + "/api/v1/flow-export")
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	if err == nil {
		t.Error("a cut-off export looks whole")
	}
	w.flows.exportErr = nil
	res, err = srv.Client().Get(srv.URL + "/api/v1/flow-export?format=csv")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || len(body) != 12000 || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%v: %d bytes, %s", err, len(body), res.Header.Get("Content-Type"))
	}
	if log := w.logs.String(); !strings.Contains(log, "export of flows was cut off") {
		t.Errorf("the log does not say so: %s", log)
	}
}

func TestADefinitionHasItsHashAsTag(t *testing.T) {
	res := call(New(newWorld().deps()), "GET", "/api/v1/flow-definitions/ztbxx01?version=2", "")
	if res.Code != 200 || res.Header().Get("ETag") != `"ab"` || strings.TrimSpace(res.Body.String()) != `{"flowCode":"ztbxx01"}` {
		t.Errorf("%d %v %s", res.Code, res.Header(), res.Body)
	}
}
