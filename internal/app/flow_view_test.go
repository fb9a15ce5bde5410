package app_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// TestAFlowIsShownAsTheContractSays: the golden file is the shape others
// program against.
func TestAFlowIsShownAsTheContractSays(t *testing.T) { eachDesk(t, testAFlowIsShownAsTheContractSays) }

func testAFlowIsShownAsTheContractSays(t *testing.T, d *desk) {
	d.publish("ztbxx01", "招投标信息审批")
	d.launch("ztbxx01_202611_0001", "5")
	res := d.call("GET", "/api/v1/flows/ztbxx01_202611_0001", "")
	golden(t, "flow_detail.json", res.Body.Bytes())
	var contract struct {
		No           string            `json:"flow_running_number"`
		Code         string            `json:"flow_code"`
		Version      int               `json:"version"`
		State        orgflow.FlowState `json:"state"`
		Round        int               `json:"round"`
		StateRev     int64             `json:"state_rev"`
		CurrentNodes []int             `json:"current_nodes"`
		Nodes        []json.RawMessage `json:"nodes"`
		Tasks        []struct {
			NodeSeq  int               `json:"node_seq"`
			Round    int               `json:"round"`
			UserCode string            `json:"user_code"`
			State    orgflow.TaskState `json:"state"`
		} `json:"tasks"`
		Timeline []json.RawMessage `json:"timeline"`
	}
	if err := json.Unmarshal(res.Body.Bytes(), &contract); err != nil {
		t.Fatal(err)
	}
	if contract.No != "ztbxx01_202611_0001" || contract.Code != "ztbxx01" || contract.Version != 1 || contract.State != orgflow.FlowRunning ||
		contract.Round != 1 || contract.StateRev != 1 || len(contract.CurrentNodes) != 1 || contract.CurrentNodes[0] != 10 || len(contract.Nodes) != 2 ||
		len(contract.Timeline) != 3 || contract.Tasks[0].NodeSeq != 10 || contract.Tasks[0].Round != 1 || contract.Tasks[0].UserCode != "E5" || contract.Tasks[0].State != orgflow.TaskActive {
		t.Errorf("%+v", contract)
	}
}

// TestAFlowThatStarts has no step yet; its lists are empty, not null.
func TestAFlowThatStarts(t *testing.T) { eachDesk(t, testAFlowThatStarts) }

func testAFlowThatStarts(t *testing.T, d *desk) {
	if _, _, err := d.Store.LaunchFlow(t.Context(), store.NewFlow{CompanyID: 129, No: "n1", Code: "ztbxx01", Version: 1, DataID: "5", StateDoc: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	body := d.call("GET", "/api/v1/flows/n1", "").Body.String()
	for _, want := range []string{`"state":"STARTING"`, `"current_nodes":[]`, `"nodes":[]`, `"tasks":[]`, `"timeline":[]`, `"closed_at":null`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
	if page := d.call("GET", "/api/v1/flows", "").Body.String(); strings.Contains(page, "null,\"") && !strings.Contains(page, `"current_nodes":[]`) {
		t.Errorf("list: %s", page)
	}
	if lines := d.call("GET", "/api/v1/flow-export", "").Body.String(); !strings.Contains(lines, `"current_nodes":[]`) || !strings.Contains(lines, `"tasks":[]`) {
		t.Errorf("export: %s", lines)
	}
}

func TestATimelineIsPaged(t *testing.T) { eachDesk(t, testATimelineIsPaged) }

func testATimelineIsPaged(t *testing.T, d *desk) {
	k := d.launch("n1", "5")
	d.finish(k, 1)
	var types []string
	pages := 0
	for cursor := ""; ; {
		page := get[api.TimelinePage](d, "GET", "/api/v1/flows/n1/timeline?limit=3&cursor="+cursor, "")
		pages++
		for _, e := range page.Timeline {
			types = append(types, e.Type)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if got := strings.Join(types, " "); got != "launched node_entered task_opened approved" || pages != 2 {
		t.Errorf("%d pages: %s", pages, got)
	}
}

// TestALongTimelineIsShownFromItsBeginning and goes on at its cursor.
func TestALongTimelineIsShownFromItsBeginning(t *testing.T) {
	eachDesk(t, testALongTimelineIsShownFromItsBeginning)
}

func testALongTimelineIsShownFromItsBeginning(t *testing.T, d *desk) {
	k := d.launch("n1", "5")
	events := make([]store.FlowEvent, 1200)
	for i := range events {
		events[i] = store.FlowEvent{Type: "reminded", Round: 1, At: noon}
	}
	d.step(store.FlowStep{FlowKey: k, Rev: 2, Key: "long", State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`{}`), Events: events})
	shown := get[api.FlowDetail](d, "GET", "/api/v1/flows/n1", "")
	rest := get[api.TimelinePage](d, "GET", "/api/v1/flows/n1/timeline?limit=500&cursor="+shown.TimelineCursor, "")
	if len(shown.Timeline) != 1000 || len(rest.Timeline) != 203 || rest.NextCursor != "" {
		t.Errorf("%d shown, then %d", len(shown.Timeline), len(rest.Timeline))
	}
}

func TestFlowsAreFilteredAndPaged(t *testing.T) { eachDesk(t, testFlowsAreFilteredAndPaged) }

func testFlowsAreFilteredAndPaged(t *testing.T, d *desk) {
	for i := range 5 {
		d.launch(fmt.Sprintf("n%d", i), fmt.Sprint(i))
	}
	d.finish(store.FlowKey{CompanyID: 129, No: "n1"}, 1)
	list := func(query string) string {
		var numbers []string
		for _, f := range get[api.FlowPage](d, "GET", "/api/v1/flows?"+query, "").Flows {
			numbers = append(numbers, f.No)
		}
		return strings.Join(numbers, " ")
	}
	for query, want := range map[string]string{
		"":                             "n4 n3 n2 n1 n0",
		"state=APPROVED":               "n1",
		"state=APPROVED,REJECTED":      "n1",
		"state=RUNNING&data_id=3":      "n3",
		"assignee=E5":                  "n4 n3 n2 n0",
		"assignee=E9":                  "",
		"initiator=E1&flow_code=other": "",
		"company_id=130":               "",
		"to=2020-01-01T00:00:00Z":      "",
		"from=2020-01-01T00:00:00Z&state=RUNNING,APPROVED": "n4 n3 n2 n1 n0",
	} {
		if got := list(query); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	var seen []string
	for cursor := ""; ; {
		page := get[api.FlowPage](d, "GET", "/api/v1/flows?limit=2&cursor="+cursor, "")
		for _, f := range page.Flows {
			seen = append(seen, f.No)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "n4 n3 n2 n1 n0" {
		t.Errorf("pages: %s", got)
	}
}

func TestStatisticsOfACode(t *testing.T) { eachDesk(t, testStatisticsOfACode) }

func testStatisticsOfACode(t *testing.T, d *desk) {
	d.publish("ztbxx01", "审批")
	d.finish(d.launch("n1", "1"), 1)
	d.launch("n2", "2")
	s := get[api.FlowStats](d, "GET", "/api/v1/flow-definitions/ztbxx01/stats", "")
	if s.States[orgflow.FlowApproved] != 1 || s.States[orgflow.FlowRunning] != 1 || len(s.Nodes) != 2 {
		t.Fatalf("%+v", s)
	}
	node := s.Nodes[1]
	if node.NodeSeq != 10 || node.Name != "部门负责人" || node.Waiting.Count != 1 || node.Waiting.P50 != 3600 || node.Waiting.P90 != 3600 || node.Waiting.Mean != 3600 || node.Open != 1 {
		t.Errorf("%+v", node)
	}
	empty := get[api.FlowStats](d, "GET", "/api/v1/flow-definitions/ztbxx01/stats?to=2020-01-01T00:00:00Z", "")
	if len(empty.States) != 0 || empty.Nodes == nil {
		t.Errorf("%+v", empty)
	}
}

func TestExports(t *testing.T) { eachDesk(t, testExports) }

func testExports(t *testing.T, d *desk) {
	for i := range 3 {
		d.launch(fmt.Sprintf("n%d", i), fmt.Sprint(i))
	}
	if _, _, err := d.Store.LaunchFlow(t.Context(), store.NewFlow{CompanyID: 129, No: "n3", Code: "ztbxx01", Version: 1, DataID: "+1", Title: "=cmd|x", StateDoc: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	res := d.call("GET", "/api/v1/flow-export", "")
	lines := strings.Split(strings.TrimSpace(res.Body.String()), "\n")
	if len(lines) != 4 || res.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d lines, %s\n%s", len(lines), res.Header().Get("Content-Type"), res.Body)
	}
	golden(t, "flow_export.json", []byte(lines[3]))

	res = d.call("GET", "/api/v1/flow-export?format=csv&state=RUNNING,STARTING", "")
	text, marked := strings.CutPrefix(res.Body.String(), "\uFEFF")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked || !strings.HasPrefix(res.Header().Get("Content-Type"), "text/csv") {
		t.Fatalf("%v: %s", err, res.Body)
	}
	if len(rows) != 1+1+3*2 || rows[1][0] != "n3" || rows[1][3] != "'+1" || rows[1][4] != "'=cmd|x" || rows[1][12] != "" {
		t.Errorf("%d rows: %q", len(rows), rows)
	}
	last := rows[len(rows)-1]
	if last[0] != "n0" || last[12] != "10" || last[13] != "部门负责人" || last[18] != "E6" || last[19] != "'=员工六" || last[22] != "2026-11-22T04:00:00Z" {
		t.Errorf("%q", last)
	}
	if res = d.call("GET", "/api/v1/flow-export?format=csv&company_id=7", ""); !strings.HasPrefix(res.Body.String(), "\uFEFFflow_running_number,") {
		t.Errorf("an empty export has no header: %q", res.Body)
	}
}

// TestWhoComesNext is told for flows that run; where it cannot be told, the
// rest is shown, and the log has no names.
func TestWhoComesNext(t *testing.T) { eachDesk(t, testWhoComesNext) }

func testWhoComesNext(t *testing.T, d *desk) {
	k := d.launch("n1", "5")
	asked := 0
	var failure error
	flows := d.Flows().WithPredictor(func(_ context.Context, key store.FlowKey) ([]approval.Predicted, error) {
		asked++
		if key != k {
			t.Errorf("asked about %v", key)
		}
		return []approval.Predicted{{Node: 20, Name: "会签", Users: []string{"E7"}, Sign: approval.SignAll, Next: true}}, failure
	})
	detail, err := flows.GetFlow(t.Context(), 0, "n1")
	if err != nil || len(detail.Upcoming) != 1 || detail.Upcoming[0].NodeSeq != 20 || detail.Upcoming[0].Users[0] != "E7" || detail.Upcoming[0].Sign != "all" || !detail.Upcoming[0].Next {
		t.Errorf("%+v %v", detail.Upcoming, err)
	}
	failure = errors.New("no organisation")
	if detail, err = flows.GetFlow(t.Context(), 0, "n1"); err != nil || detail.Upcoming != nil || len(detail.Tasks) != 2 {
		t.Errorf("%+v %v", detail, err)
	}
	d.finish(k, 1)
	if _, err = flows.GetFlow(t.Context(), 0, "n1"); err != nil || asked != 2 {
		t.Errorf("asked %d times about a closed flow, %v", asked, err)
	}
}

// TestLogsHoldNoNames: names of people and texts of forms are in answers
// only.
func TestLogsHoldNoNames(t *testing.T) { eachDesk(t, testLogsHoldNoNames) }

func testLogsHoldNoNames(t *testing.T, d *desk) {
	d.publish("ztbxx01", "审批")
	d.launch("n1", "5")
	for _, c := range [][3]string{
		{"GET", "/api/v1/flows/n1", ""}, {"GET", "/api/v1/flows", ""}, {"GET", "/api/v1/flow-export?format=csv", ""},
		{"POST", "/api/v1/flows/n1/decisions", `{"node_seq":10,"user_code":"E5","user_name":"员工五","decision":"approve","comment":"员工五同意"}`},
		{"POST", "/api/v1/flows/n1/decisions", `{"node_seq":"员工五"}`},
		{"PUT", "/api/v1/boards/b/rows/1", `{"name":"员工五"}`}, {"PUT", "/api/v1/boards/b/rows/1", `员工五`},
		{"PUT", "/api/v1/boards/tasks/1", `{"status":"submitted","assignee":"E5","title":"员工五的任务"}`},
	} {
		d.call(c[0], c[1], c[2])
	}
	if log := d.logs.String(); strings.Contains(log, "员工") || !strings.Contains(log, "path=/api/v1/flows/n1") {
		t.Errorf("%s", log)
	}
}

// TestMessagesShowWhatBecameOfThem, not what they say.
func TestMessagesShowWhatBecameOfThem(t *testing.T) { eachDesk(t, testMessagesShowWhatBecameOfThem) }

func testMessagesShowWhatBecameOfThem(t *testing.T, d *desk) {
	d.launch("n1", "5")
	list := []store.NewMessage{
		{DedupKey: "n1:1", Channel: "ding_talk", ToUser: "E5", Subject: "n1", Kind: "onTask", No: "n1", Task: new(int64(1)), Body: `{"text":"secret"}`},
		{DedupKey: "n1:2", Channel: "we_com", ToUser: "E6", Subject: "n1", Kind: "onTask", No: "n1", Body: `{"text":"secret"}`},
	}
	if _, err := d.Store.Enqueue(t.Context(), 129, list); err != nil {
		t.Fatal(err)
	}
	res := d.call("GET", "/api/v1/flows/n1/messages?limit=1", "")
	golden(t, "flow_messages.json", res.Body.Bytes())
	next := get[api.MessagePage](d, "GET", "/api/v1/flows/n1/messages?cursor="+get[api.MessagePage](d, "GET", "/api/v1/flows/n1/messages?limit=1", "").NextCursor, "")
	if len(next.Messages) != 1 || next.Messages[0].UserCode != "E6" || next.NextCursor != "" || strings.Contains(res.Body.String(), "secret") {
		t.Errorf("%+v", next)
	}
	if res := d.call("GET", "/api/v1/flows/no/messages", ""); res.Code != 404 || !strings.Contains(res.Body.String(), "FLOW_NOT_FOUND") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}
