package e2e

import (
	"encoding/json"
	"strings"
)

// simulated are the demo company's secrets, which standalone gives its own
// process only.
func (w *world) simulated() []string {
	return []string{
		"ORGFLOW_DATABASE_URL=" + w.database(), "SIM_URL=http://" + w.sims, "HCM_TOKEN=" + hcmToken,
		"DINGTALK_APPKEY=" + appKey, "DINGTALK_APPSECRET=" + appSecret,
		"WECOM_CORPID=wwsim0000000000001", "WECOM_CORPSECRET=wecomsim-contacts",
		"EMM_CLIENT_ID=restsim-client", "EMM_CLIENT_SECRET=restsim-secret", "SCIM_TOKEN=scimsim-token", "K3_PASSWORD=kingdee-sim-password",
	}
}

// examined is what the doctor finds.
type examined struct {
	OK, Warnings, Failed, Skipped int
	Findings                      []struct{ State, Area, Check, Found, Advice string }
}

// doctor runs the command with settings of its own.
func (w *world) doctor(code int, settings ...string) (r examined, out string) {
	w.t.Helper()
	got := run(w.t, w.environment(append(w.simulated(), settings...)...), "starter", "doctor", "--json")
	if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.code != code || got.err != "" {
		w.t.Fatalf("starter doctor: exit code %d, want %d, %v: %s%s", got.code, code, err, got.err, got.out)
	}
	return r, got.out
}

// doctors look at the demo from outside and from inside: everything is in
// order but what somebody breaks.
func (w *world) doctors() {
	w.t.Helper()
	if got := w.starter("schedules", "apply"); got.code != 0 {
		w.t.Fatalf("schedules apply: %s", got.err)
	}
	healthy, out := w.doctor(0)
	if healthy.Warnings+healthy.Failed+healthy.Skipped > 0 || healthy.OK < 30 {
		w.t.Errorf("the demo is not in order: %s", out)
	}
	var inside examined
	must(w.t, "GET", "http://"+w.http+"/api/v1/doctor", "", &inside)
	if inside.Warnings+inside.Failed+inside.Skipped > 0 || inside.OK != healthy.OK {
		w.t.Errorf("the server sees something else: %+v", inside)
	}

	const wrong = "this-is-wrong-77"
	broken, out := w.doctor(1, "DINGTALK_APPSECRET="+wrong, "ORGFLOW_TEMPORAL_TASK_QUEUE=nobody", "ORGFLOW_API_KEYS=bad")
	var failed []string
	for _, f := range broken.Findings {
		if f.State == "failed" {
			failed = append(failed, f.Area+" "+f.Check)
		}
	}
	if got := strings.Join(failed, ", "); got != "settings environment, temporal workers, ding_talk token" {
		w.t.Errorf("failed: %s\n%s", got, out)
	}
	if strings.Contains(out, wrong) {
		w.t.Error("it shows a secret")
	}
}
