package e2e

import (
	"regexp"
	"slices"
	"strings"
)

// metrics looks at what the program shows after the demo, one flow and a
// pull: a sample of each of its parts, and nothing of a person or a record.
func (w *world) metrics() {
	w.t.Helper()
	_, text, err := call("GET", "http://"+w.http+"/metrics", "")
	if err != nil {
		w.t.Fatal(err)
	}
	lines := strings.Split(text, "\n")
	for _, want := range []string{
		`orgflow_runs_total\{consumer="ding_talk",kind="sync",status="completed"\} 1`,
		`orgflow_runs_total\{consumer="ding_talk",kind="pull",status="completed"\} 1`,
		`orgflow_queue_read_ok 1`,
		`orgflow_queue_items\{consumer="",queue="decisions"\} 0`,
		`orgflow_flows_total\{state="RUNNING"\} 2`, // launched and relaunched
		`orgflow_flow_seconds_count\{state="DISCARDED"\} 1`,
		`orgflow_flow_decision_seconds_count 1`,
		`orgflow_messages_total\{outcome="sent"\} [1-9]\d*`,
		`orgflow_vendor_calls_total\{outcome="ok",path="/v1.0/oauth2/accessToken",vendor="ding_talk"\} [1-9]\d*`,
		`orgflow_vendor_calls_total\{outcome="ok",path="hcm.model.list",vendor="hcm"\} [1-9]\d*`,
		`orgflow_vendor_token_renewals_total\{outcome="ok",vendor="ding_talk"\} [1-9]\d*`,
		`orgflow_rate_turns_total\{company="129",consumer="ding_talk"\} [1-9]\d*`,
		`orgflow_rate_budget\{company="129",consumer="ding_talk"\} \d+`,
		`temporal_num_pollers\{poller_type="workflow_task"\} [1-9]\d*`,
		`temporal_worker_task_slots_available\{worker_type="ActivityWorker"\} \d+`,
		`temporal_activity_execution_latency_seconds_count\{activity_type="FetchPages",workflow_type="SyncRun"\} \d+`,
		`temporal_request_total\{operation="StartWorkflowExecution"\} [1-9]\d*`,
	} {
		line := regexp.MustCompile("^" + want + "$")
		if !slices.ContainsFunc(lines, line.MatchString) {
			w.t.Errorf("the metrics have no %s", want)
		}
	}
	for _, bad := range []string{"E1050", "purchase01", "sync-129", "notify-129", "员工", "10010"} {
		for _, line := range lines {
			if strings.Contains(line, bad) && !strings.HasPrefix(line, "#") {
				w.t.Errorf("the metrics show %s: %s", bad, line)
			}
		}
	}
	if len(lines) > 5000 {
		w.t.Errorf("%d lines of metrics", len(lines))
	}
}
