package cli

import (
	"encoding/json"
	"errors"

	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/testgolden"
)

func at(minutes int) *time.Time {
	return new(time.Date(2026, 11, 21, 1, minutes, 0, 0, time.UTC))
}

// someFlow is a flow at its first node.
func someFlow() api.FlowDetail {
	return api.FlowDetail{
		Flow: api.Flow{
			No: "ztbxx01_202611_0001", Code: "ztbxx01", Version: 3, CompanyID: 129, DataID: "5", Title: "员工一的招投标信息审批",
			Initiator: api.FlowPerson{UserCode: "E1", UserName: "员工一", DeptName: "人力中心"},
			State:     orgflow.FlowRunning, Round: 2, StateRev: 7, CurrentNodes: []int{10}, StartedAt: *at(0),
		},
		Nodes: []api.FlowNode{
			{ID: 1, NodeSeq: 0, Round: 1, Type: "start", Name: "从前", State: orgflow.VisitPassed, EnteredAt: at(0), LeftAt: at(0)},
			{ID: 2, NodeSeq: 10, Round: 2, Type: "approve", Name: "部门负责人", State: orgflow.VisitActive, EnteredAt: at(1)},
		},
		Tasks: []api.FlowTask{
			{ID: 1, NodeSeq: 10, Round: 1, Kind: "approve", UserCode: "E4", State: orgflow.TaskReturned},
			{ID: 2, NodeSeq: 10, Round: 2, Visit: 2, Kind: "approve", UserCode: "E5", UserName: "员工五", State: orgflow.TaskActive, OpenedAt: at(1), DueAt: at(30), Urges: 2},
			{ID: 3, NodeSeq: 10, Round: 2, Visit: 2, Kind: "approve", UserCode: "E6", State: orgflow.TaskCancelled, Cause: "removed", OpenedAt: at(1), DoneAt: at(2)},
		},
		Timeline: []api.FlowEvent{
			{Rev: 1, N: 1, Type: "launched", Round: 1, Actor: "E1", ActorName: "员工一", At: *at(0)},
			{Rev: 1, N: 2, Type: "node_entered", Round: 1, NodeSeq: new(0), At: *at(0)},
			{Rev: 2, N: 1, Type: "task_opened", Round: 1, NodeSeq: new(10), Task: new(int64(2)), At: *at(1), Data: []byte(`{"users":["E5","E6"]}`)},
			{Rev: 3, N: 1, Type: "urged", Round: 1, NodeSeq: new(10), At: *at(2), Data: []byte(`{"count":2}`)},
			{Rev: 4, N: 1, Type: "urged", Round: 1, NodeSeq: new(10), At: *at(3), Data: []byte(`{"count":3,"message":"bell\u0007"}`)},
			{Rev: 5, N: 1, Type: "decision_ignored", Round: 2, NodeSeq: new(10), Actor: "E9", At: *at(4), Data: []byte(`{"outcome":"ignored_not_assignee"}`)},
		},
		Upcoming: []api.NextApprovers{
			{NodeSeq: 20, Name: "会签", Users: []string{"E7", "E8"}, Sign: "all", Next: true},
			{NodeSeq: 30, Name: "抄送", Users: []string{}, Skip: "missing"},
			{NodeSeq: 40, Name: "总裁", Users: []string{}, Fault: "APPROVER_MISSING"},
		},
	}
}

func TestFlowList(t *testing.T) {
	t.Setenv("TZ", "UTC")
	done := someFlow().Flow
	done.No, done.State, done.CurrentNodes, done.ClosedAt = "n2", orgflow.FlowApproved, nil, at(9)
	w := world{flows: &flowWorld{page: api.FlowPage{Flows: []api.Flow{someFlow().Flow, done}, NextCursor: "c2"}}}
	if code := w.run("flow", "list", "--company", "129", "--code", "ztbxx01", "--state", "running,FAULTED", "--assignee", "E5", "--initiator", "E1", "--data", "5",
		"--from", "2026-11-01T00:00:00Z", "--limit", "3", "--cursor", "c1"); code != 0 {
		t.Fatal(w.err.String())
	}
	f := w.flows.filter
	if f.CompanyID != 129 || f.Code != "ztbxx01" || len(f.States) != 2 || f.States[0] != orgflow.FlowRunning || f.Assignee != "E5" || f.Initiator != "E1" ||
		f.DataID != "5" || !f.From.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || !f.To.IsZero() || f.Limit != 3 || f.Cursor != "c1" {
		t.Errorf("%+v", f)
	}
	testgolden.Check(t, "flow_list.golden", strings.ReplaceAll(w.out.String(), minute(at(0)), "2026-11-21 01:00"))
	if !strings.Contains(w.err.String(), "More:  --cursor c2") {
		t.Error(w.err.String())
	}
	w.out.Reset()
	if w.run("flow", "list", "--json"); !json.Valid(w.out.Bytes()) || !strings.Contains(w.out.String(), `"next_cursor": "c2"`) {
		t.Errorf("%s", &w.out)
	}
	empty := world{flows: &flowWorld{}}
	if code := empty.run("flow", "list"); code != 0 || empty.out.Len() > 0 || !strings.Contains(empty.err.String(), "No flows.") {
		t.Errorf("%s", &empty.err)
	}
}

// inUTC makes output independent of where the test runs.
func inUTC(t *testing.T) {
	t.Helper()
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
}

func TestFlowShow(t *testing.T) {
	inUTC(t)
	w := world{flows: &flowWorld{detail: someFlow()}}
	if code := w.run("flow", "show", "ztbxx01_202611_0001"); code != 0 {
		t.Fatal(w.err.String())
	}
	testgolden.Check(t, "flow_show.golden", w.out.String())
	if strings.Contains(w.out.String(), "从前") || strings.Contains(w.out.String(), "E4") || !strings.Contains(w.err.String(), "starter flow timeline ztbxx01_202611_0001") {
		t.Errorf("earlier rounds are shown, or the rest is not named:\n%s%s", &w.out, &w.err)
	}
	w.out.Reset()
	if w.run("flow", "show", "x", "--json"); !strings.Contains(w.out.String(), `"flow_running_number": "ztbxx01_202611_0001"`) {
		t.Errorf("%s", &w.out)
	}
	w = world{flows: &flowWorld{err: orgflow.Faultf(api.CodeFlowNotFound, `company 129 has no flow "x"`)}}
	if code := w.run("flow", "show", "x"); code != ExitFailed || !strings.Contains(w.err.String(), "FLOW_NOT_FOUND") {
		t.Errorf("%d %s", code, &w.err)
	}
}

func TestFlowTimeline(t *testing.T) {
	inUTC(t)
	pages := func() []api.TimelinePage {
		all := someFlow().Timeline
		return []api.TimelinePage{{Timeline: all[:4], NextCursor: "c"}, {Timeline: all[4:]}}
	}
	w := world{flows: &flowWorld{timeline: pages()}}
	if code := w.run("flow", "timeline", "n1"); code != 0 {
		t.Fatal(w.err.String())
	}
	testgolden.Check(t, "flow_timeline.golden", w.out.String())
	w = world{flows: &flowWorld{timeline: pages()}}
	w.run("flow", "timeline", "n1", "--json")
	for i, line := range strings.Split(strings.TrimSpace(w.out.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("line %d: %s", i, line)
		}
	}
	w = world{flows: &flowWorld{}}
	if code := w.run("flow", "timeline", "n1"); code != 0 || !strings.Contains(w.err.String(), "Nothing has happened yet.") {
		t.Errorf("%d %s", code, &w.err)
	}
}

func TestFlowStats(t *testing.T) {
	w := world{flows: &flowWorld{stats: api.FlowStats{
		FlowCode: "ztbxx01",
		States:   map[orgflow.FlowState]int{orgflow.FlowRunning: 2, orgflow.FlowApproved: 1300},
		Duration: map[orgflow.FlowState]api.Spread{orgflow.FlowApproved: {Count: 1300, P50: 90, P90: 7200, Mean: 0.4}},
		Nodes: []api.FlowNodeStats{
			{NodeSeq: 10, Name: "部门负责人", Waiting: api.Spread{Count: 1300, P50: 30, P90: 3600, Mean: 60}, Open: 2, Oldest: 86400},
			{NodeSeq: 20, Name: "会签"},
		},
	}}}
	if code := w.run("flow", "stats", "ztbxx01", "--from", "2026-11-01T00:00:00Z", "--to", "2026-12-01T00:00:00Z"); code != 0 {
		t.Fatal(w.err.String())
	}
	testgolden.Check(t, "flow_stats.golden", w.out.String())
	if from := w.flows.span[0]; !from.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v", w.flows.span)
	}
	empty := world{flows: &flowWorld{}}
	if code := empty.run("flow", "stats", "x"); code != 0 || !strings.Contains(empty.err.String(), "No flows.") {
		t.Errorf("%s", &empty.err)
	}
}

func TestFlowExport(t *testing.T) {
	w := world{flows: &flowWorld{}}
	if code := w.run("flow", "export", "--state", "APPROVED", "--format", "csv"); code != 0 || w.out.String() != "exported\n" || w.flows.format != api.ExportCSV || len(w.flows.filter.States) != 1 {
		t.Errorf("%d %s%s", code, &w.out, &w.err)
	}
	w = world{flows: &flowWorld{err: errors.New("disk full")}}
	if code := w.run("flow", "export"); code != ExitFailed || !strings.Contains(w.err.String(), "disk full") || w.flows.format != api.ExportNDJSON {
		t.Errorf("%d %s", code, &w.err)
	}
}

func TestFlowDecide(t *testing.T) {
	w := world{flows: &flowWorld{}}
	if code := w.run("flow", "decide", "n1", "--company", "129", "--node", "10", "--user", "E5", "--decision", "return", "--to-node", "0", "--comment", "重做"); code != 0 {
		t.Fatal(w.err.String())
	}
	d := w.flows.decision
	if d.No != "n1" || d.CompanyID != 129 || d.NodeSeq != 10 || d.UserCode != "E5" || d.Decision != orgflow.VerdictReturn || d.ToNodeSeq == nil || *d.ToNodeSeq != 0 || d.Comment != "重做" ||
		w.out.String() != "Stored decision 17 of E5 on node 10 in round 2: return.\n" {
		t.Errorf("%+v\n%s", d, &w.out)
	}
	w.out.Reset()
	w.run("flow", "decide", "n1", "--node", "10", "--user", "E5", "--decision", "add_sign", "--target", "E7,E8", "--json")
	if d := w.flows.decision; d.ToNodeSeq != nil || len(d.TargetUsers) != 2 || !strings.Contains(w.out.String(), `"id": 17`) {
		t.Errorf("%+v %s", d, &w.out)
	}
}

func TestFlowArgumentsAreCheckedBeforeAnythingIsOpened(t *testing.T) {
	for line, want := range map[string]string{
		"flow show":                                              "needs exactly one flow number",
		"flow stats":                                             "needs exactly one flow code",
		"flow list --state DONE":                                 `--state "DONE" is not one of STARTING, RUNNING`,
		"flow list --limit 0":                                    "--limit must be 1 to 500",
		"flow list --from yesterday":                             `--from "yesterday" is not a time such as`,
		"flow stats x --to soon":                                 `--to "soon" is not a time such as`,
		"flow export --format xml":                               `--format "xml" is not one of ndjson, csv`,
		"flow decide n1 --node 10":                               `required flag(s) "decision", "user" not set`,
		"flow definitions show":                                  "needs exactly one flow code",
		"flow definitions import":                                "needs exactly one file",
		"flow definitions import /no/pe":                         "read /no/pe: no such file or directory",
		"flow definitions publish x.json":                        `unknown command "x.json"`,
		"flow decide n1 --node 10 --user E5 --decision maybe":    "--decision must be one of approve, reject",
		"flow decide n1 --node 10 --user E5 --decision transfer": "--target must name one person to transfer to; there are 0",
		"flow decide n1 --node 10 --user E5 --decision approve --to-node 20": `--to-node goes with the decision "return" only`,
		"flow decide n1 --node 10 --user E5 --decision reject --target E7":   `--target does not go with the decision "reject"`,
		"flow decide n1 --node ten --user E5 --decision approve":             `invalid argument "ten"`,
	} {
		var w world
		if code := w.run(strings.Fields(line)...); code != ExitFailed || !strings.Contains(w.err.String(), want) || len(w.opened) > 0 || w.out.Len() > 0 {
			t.Errorf("%q: %d, opened %v\n%s%s\nwant %s", line, code, w.opened, &w.err, &w.out, want)
		}
	}
}

func TestFlowMessages(t *testing.T) {
	inUTC(t)
	message := func(id int64, state, note string) api.FlowMessage {
		return api.FlowMessage{ID: id, Channel: "ding_talk", UserCode: "E5", Kind: "onTask", State: state, Tries: 1, Note: note, CreatedAt: *at(1), SentAt: at(2)}
	}
	w := world{flows: &flowWorld{messages: []api.MessagePage{
		{Messages: []api.FlowMessage{message(1, "delivered", ""), message(2, "dropped", "the same text went to this person today")}, NextCursor: "2"},
		{Messages: []api.FlowMessage{message(3, "superseded", ""), message(4, "pending", "")}},
	}}}
	if code := w.run("flow", "messages", "n1"); code != 0 {
		t.Fatal(w.err.String())
	}
	testgolden.Check(t, "flow_messages.golden", w.out.String())
	empty := world{flows: &flowWorld{}}
	if code := empty.run("flow", "messages", "n1"); code != 0 || !strings.Contains(empty.err.String(), "No messages.") {
		t.Errorf("%d %s", code, &empty.err)
	}
}
