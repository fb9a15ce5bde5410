package api

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"orgflow/internal/doctor"
)

// Examine implements Doctor.
func (w *world) Examine(ctx context.Context, r doctor.Request) doctor.Report {
	w.examined = r
	w.examineBy, _ = ctx.Deadline()
	var report doctor.Report
	report.Add(doctor.Finding{State: doctor.OK, Area: "database", Check: "schema", Found: "up to date"},
		doctor.Finding{State: doctor.Failed, Area: "ding_talk", CompanyID: 129, Check: "token", Found: "unauthorized", Advice: "mend it"})
	return report
}

// A failed check is no failed request.
func TestDoctor(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	began := time.Now()
	res := call(h, "GET", "/api/v1/doctor?company_id=129", "")
	var got doctor.Report
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != 200 || got.OK != 1 || got.Failed != 1 || len(got.Findings) != 2 || got.Findings[1].Advice != "mend it" {
		t.Errorf("%d %s %v", res.Code, res.Body, err)
	}
	if w.examined.CompanyID != 129 {
		t.Errorf("asked for %+v", w.examined)
	}
	if left := w.examineBy.Sub(began); left <= 0 || left > time.Minute-2*time.Second { // the world's timeout is a minute
		t.Errorf("the checks have %s of the request's minute: none is left for the answer", left)
	}
	if res := call(h, "GET", "/api/v1/doctor?company=129", ""); res.Code != 422 {
		t.Errorf("an unknown parameter: %d", res.Code)
	}
}
