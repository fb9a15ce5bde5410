package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"orgflow/internal/config"
	"orgflow/internal/doctor"
	"orgflow/internal/testgolden"
)

// Examine implements api.Doctor.
func (w *world) Examine(_ context.Context, r doctor.Request) doctor.Report {
	w.examined = r
	return w.report
}

func reportOf(findings ...doctor.Finding) (r doctor.Report) {
	r.Add(findings...)
	return r
}

var (
	fine    = doctor.Finding{State: doctor.OK, Area: "database", Check: "schema", Found: "up to date"}
	doubt   = doctor.Finding{State: doctor.Warning, Area: "temporal", Check: "schedules", Found: "not as the files say; to be done: create 129-x", Advice: "starter schedules apply"}
	broken  = doctor.Finding{State: doctor.Failed, Area: "ding_talk", CompanyID: 129, Check: "token", Found: "unauthorized 40089: 不合法的\x1b[31mappSecret\nsecond line", Advice: "check appsecret"}
	skipped = doctor.Finding{State: doctor.Skipped, Area: "ding_talk", CompanyID: 129, Check: "members", Found: "not tried after what failed before"}
)

// Each finding is one line; what failed makes the exit code, what is to be
// looked at does not.
func TestDoctor(t *testing.T) {
	w := world{report: reportOf(fine, doubt, broken, skipped)}
	if code := w.run("doctor", "--company", "129"); code != ExitFailed || w.err.Len() > 0 || w.closed != 1 {
		t.Errorf("exit code %d, closed %d: %s", code, w.closed, &w.err)
	}
	if w.examined.CompanyID != 129 || !slices.Equal(w.opened, []config.Role{config.RoleDoctor}) {
		t.Errorf("asked for %+v as %v", w.examined, w.opened)
	}
	if strings.Contains(w.out.String(), "\x1b") {
		t.Errorf("a vendor's control character went through: %q", &w.out)
	}
	testgolden.Check(t, "doctor.golden", w.out.String())

	w = world{report: reportOf(fine, doubt)}
	if code := w.run("doctor"); code != ExitCompleted || !strings.HasSuffix(w.out.String(), "2 findings: 1 ok, 1 to look at.\n") {
		t.Errorf("exit code %d: %s", code, &w.out)
	}
}

func TestDoctorForPrograms(t *testing.T) {
	w := world{report: reportOf(fine, broken)}
	if code := w.run("doctor", "--json"); code != ExitFailed {
		t.Errorf("exit code %d", code)
	}
	var got doctor.Report
	if err := json.Unmarshal(w.out.Bytes(), &got); err != nil || got.Failed != 1 || got.Findings[1] != broken {
		t.Errorf("%v: %s", err, &w.out)
	}
}

// Settings that keep every other command from starting are findings here.
func TestDoctorWithBadSettings(t *testing.T) {
	w := world{settings: &config.Error{Problems: []config.Problem{{Variable: "ORGFLOW_A", Message: "is bad"}, {Variable: "ORGFLOW_B", Message: "too"}}}}
	w.run("doctor")
	if !slices.Equal(w.examined.Settings, []string{"ORGFLOW_A: is bad", "ORGFLOW_B: too"}) {
		t.Errorf("%q, %s", w.examined.Settings, &w.err)
	}
}
