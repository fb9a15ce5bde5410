package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// TestDecisionsAreStoredAsBoardsDo: whoever decides and in whatever state the
// flow is, the row is stored, is of the current round, and moves nothing.
func TestDecisionsAreStoredAsBoardsDo(t *testing.T) { eachDesk(t, testDecisionsAreStoredAsBoardsDo) }

func testDecisionsAreStoredAsBoardsDo(t *testing.T, d *desk) {
	d.publish("ztbxx01", "审批")
	k := d.launch("n1", "5")
	before := d.call("GET", "/api/v1/flows/n1", "").Body.String()
	const path = "/api/v1/flows/n1/decisions"
	res := d.call("POST", path, `{"node_seq":10,"user_code":"E5","decision":"approve","comment":"同意\n继续","to_node_seq":null,
		"target_users":["E8"],"attachments":[{"url":"https://example.com/a"}],"form_rev":3}`)
	if res.Code != 201 || res.Header().Get("Location") != path {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	golden(t, "flow_decision.json", res.Body.Bytes())
	stranger := get[api.FlowDecision](d, "POST", path, `{"node_seq":20,"user_code":"stranger","decision":"reject"}`)
	back := get[api.FlowDecision](d, "POST", path, `{"node_seq":10,"user_code":"E6","decision":"return","to_node_seq":0}`)
	if stranger.ID == 0 || stranger.Round != 1 || back.ToNodeSeq == nil || *back.ToNodeSeq != 0 {
		t.Errorf("%+v %+v", stranger, back)
	}
	if after := d.call("GET", "/api/v1/flows/n1", "").Body.String(); after != before {
		t.Errorf("storing moved the flow:\n%s\n%s", before, after)
	}
	d.finish(k, 1)
	late := get[api.FlowDecision](d, "POST", path, `{"node_seq":10,"user_code":"E6","decision":"approve"}`)
	if late.ID == 0 {
		t.Errorf("%+v", late)
	}
	d.step(store.FlowStep{FlowKey: k, Rev: 3, Key: "relaunch", State: orgflow.FlowRunning, Round: 2, StateDoc: []byte(`{}`)})
	if next := get[api.FlowDecision](d, "POST", path, `{"node_seq":10,"user_code":"E6","decision":"approve"}`); next.Round != 2 {
		t.Errorf("not of the current round: %+v", next)
	}
	list := get[struct{ Decisions []api.FlowDecision }](d, "GET", path, "").Decisions
	if len(list) != 5 || list[0].Outcome != orgflow.AuditApplied || list[0].AppliedAt == nil || list[0].TaskID == nil || list[1].Outcome != "" || list[0].Comment != "同意\n继续" {
		t.Errorf("%+v", list)
	}
	if events := get[api.FlowDetail](d, "GET", "/api/v1/flows/n1", "").StateRev; events != 3 {
		t.Errorf("revision %d", events)
	}
}

func TestBoardRows(t *testing.T) { eachDesk(t, testBoardRows) }

func testBoardRows(t *testing.T, d *desk) {
	const path = "/api/v1/boards/%E6%8B%9B%E6%A0%87/rows/a%2Fb"
	raw := ` {"amount": 1.10, "big": 12345678901234567890, "b": 1, "a": "<甲>"} `
	for i, step := range []struct {
		body string
		rev  int64
	}{{raw, 1}, {raw, 1}, {`{"amount": 1.1}`, 2}, {raw, 3}} {
		if got := get[api.BoardRow](d, "PUT", path, step.body); got.Rev != step.rev || got.Board != "招标" || got.DataID != "a/b" || got.Row != nil {
			t.Errorf("%d: %+v", i, got)
		}
	}
	body := d.call("GET", path, "").Body.String()
	if !strings.Contains(body, `"row":{"amount":1.10,"big":12345678901234567890,"b":1,"a":"<甲>"}`) {
		t.Errorf("numbers or order changed: %s", body)
	}
	golden(t, "board_row.json", []byte(body))
}

// TestCompaniesDoNotShareRows, and one with a broken file still stores.
func TestCompaniesDoNotShareRows(t *testing.T) {
	draftDir(t, map[string]string{"../8/company.json": `{"company_id": 8, broken`}) // companies 7 and 8 beside the shipped 129
	d := openDesk(t)
	for _, company := range []string{"7", "8", "129"} {
		path := "/api/v1/boards/b/rows/1?company_id=" + company
		if row := get[api.BoardRow](d, "PUT", path, `{"of":`+company+`}`); row.Rev != 1 {
			t.Errorf("company %s: %+v", company, row)
		}
	}
	if row := get[api.BoardRow](d, "GET", "/api/v1/boards/b/rows/1?company_id=7", ""); string(row.Row) != `{"of":7}` {
		t.Errorf("%s", row.Row)
	}
}

func TestBoardTasks(t *testing.T) { eachDesk(t, testBoardTasks) }

func testBoardTasks(t *testing.T, d *desk) {
	const path = "/api/v1/boards/tasks/RW202107280"
	first := get[api.BoardTask](d, "PUT", path, `{"status": "draft", "title": "盘点", "due": "2026-12-01"}`)
	if first.Rev != 1 || first.SubmittedAt != nil {
		t.Errorf("%+v", first)
	}
	sent := get[api.BoardTask](d, "PUT", path, `{"status": "submitted", "assignee": "E5", "title": "盘点", "due": "2026-12-01"}`)
	again := get[api.BoardTask](d, "PUT", path, `{"status": "submitted", "assignee": "E5", "title": "盘点", "due": "2026-12-01"}`)
	if sent.Rev != 2 || sent.SubmittedAt == nil || again.Rev != 2 || !again.SubmittedAt.Equal(*sent.SubmittedAt) {
		t.Errorf("%+v, then %+v", sent, again)
	}
	golden(t, "board_task.json", d.call("GET", path, "").Body.Bytes())
	// A board called "tasks" is a board all the same.
	if row := get[api.BoardRow](d, "PUT", "/api/v1/boards/tasks/rows/1", `{}`); row.Board != "tasks" {
		t.Errorf("%+v", row)
	}
}

func TestAbsences(t *testing.T) { eachDesk(t, testAbsences) }

func testAbsences(t *testing.T, d *desk) {
	const path = "/api/v1/absences"
	put := func(body string) api.Absence { t.Helper(); return get[api.Absence](d, "PUT", path, body) }
	first := put(`{"user_code":"E5","agent":"E6","from":"2026-12-01T00:00:00+08:00","till":"2026-12-05T00:00:00+08:00"}`)
	longer := put(`{"user_code":"E5","agent":"E6","from":"2026-11-30T16:00:00Z","till":"2026-12-08T00:00:00+08:00","flow_codes":["ztbxx01"]}`)
	put(`{"user_code":"E7","agent":"E8","from":"2026-12-03T00:00:00Z","till":"2026-12-04T00:00:00Z"}`)
	if first.ID == 0 || first.ID != longer.ID {
		t.Errorf("the same begin made another absence: %+v %+v", first, longer)
	}
	list := func(query string) []api.Absence {
		t.Helper()
		return get[struct{ Absences []api.Absence }](d, "GET", path+"?from=2026-12-01T00:00:00Z&till=2027-01-01T00:00:00Z"+query, "").Absences
	}
	golden(t, "absences.json", d.call("GET", path+"?from=2026-12-01T00:00:00Z", "").Body.Bytes())
	if got := list("&user_code=E5"); len(got) != 1 || len(got[0].Flows) != 1 || !got[0].Till.Equal(time.Date(2026, 12, 7, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", got)
	}
	for range 2 { // the second finds nothing to remove
		if res := d.call("DELETE", fmt.Sprintf("%s/%d", path, first.ID), ""); res.Code != 204 || res.Body.Len() > 0 {
			t.Errorf("%d %s", res.Code, res.Body)
		}
	}
	if got := list(""); len(got) != 1 || got[0].UserCode != "E7" {
		t.Errorf("%+v", got)
	}
}

// TestRefusals is the catalogue of errors of these routes: status, code and
// the field to blame. Nothing is stored.
func TestRefusals(t *testing.T) { eachDesk(t, testRefusals) }

func testRefusals(t *testing.T, d *desk) {
	d.publish("ztbxx01", "审批")
	d.launch("n1", "5")
	long := strings.Repeat("长", 4001)
	decision := func(rest string) string { return `{"node_seq":10,"user_code":"E5",` + rest + `}` }
	absence := func(rest string) string { return `{"user_code":"E5","agent":"E6",` + rest + `}` }
	const flow, row, task, away = "/api/v1/flows/n1/decisions", "/api/v1/boards/b/rows/1", "/api/v1/boards/tasks/1", "/api/v1/absences"
	for _, c := range []struct {
		method, path, body string
		status             int
		code, field        string
	}{
		{"GET", "/api/v1/flows/no", "", 404, "FLOW_NOT_FOUND", ""},
		{"GET", "/api/v1/flows/n1?company_id=130", "", 404, "FLOW_NOT_FOUND", ""},
		{"GET", "/api/v1/flows/n%00", "", 404, "FLOW_NOT_FOUND", ""},
		{"GET", "/api/v1/flows/no/timeline", "", 404, "FLOW_NOT_FOUND", ""},
		{"GET", "/api/v1/flows/no/decisions", "", 404, "FLOW_NOT_FOUND", ""},
		{"POST", "/api/v1/flows/no/decisions", decision(`"decision":"approve"`), 404, "FLOW_NOT_FOUND", ""},
		{"GET", "/api/v1/flow-definitions/no", "", 404, "FLOW_DEF_NOT_FOUND", ""},
		{"GET", "/api/v1/flow-definitions/ztbxx01?version=9", "", 404, "FLOW_DEF_NOT_FOUND", ""},
		{"GET", "/api/v1/flow-definitions/no/versions", "", 404, "FLOW_DEF_NOT_FOUND", ""},
		{"GET", "/api/v1/flow-definitions/no/export", "", 404, "FLOW_DEF_NOT_FOUND", ""},
		{"GET", "/api/v1/flow-definitions/no/stats", "", 404, "FLOW_DEF_NOT_FOUND", ""},
		{"GET", "/api/v1/flows?state=DONE", "", 422, "invalid_parameter", "state[0]"},
		{"GET", "/api/v1/flows?limit=0", "", 422, "invalid_parameter", "limit"},
		{"GET", "/api/v1/flows?from=yesterday", "", 422, "invalid_parameter", "from"},
		{"GET", "/api/v1/flows?flowcode=x", "", 422, "invalid_parameter", "flowcode"},
		{"GET", "/api/v1/flows?cursor=x", "", 422, "invalid_record", "cursor"},
		{"GET", "/api/v1/flows/n1/timeline?cursor=x", "", 422, "invalid_record", "cursor"},
		{"GET", "/api/v1/flow-export?format=xml", "", 422, "invalid_parameter", "format"},
		{"PUT", "/api/v1/flow-definitions/ztbxx01?company_id=130", fmt.Sprintf(simple, "ztbxx01", "n"), 400, "BAD_PARAM", "company_id"},
		{"PUT", "/api/v1/flow-definitions/ztbxx01", "{", 422, "DEFINITION_INVALID", ""},
		{"PUT", "/api/v1/flow-definitions/ztbxx01", "", 400, "invalid_body", ""},

		{"POST", flow, `{}`, 400, "BAD_PARAM", "/node_seq"},
		{"POST", flow, `{"node_seq":"10"}`, 400, "BAD_PARAM", "/node_seq"},
		{"POST", flow, `{"node_seq":1.5}`, 400, "BAD_PARAM", "/node_seq"},
		{"POST", flow, decision(`"decision":"approve","nodeSeq":1`), 400, "BAD_PARAM", "/nodeSeq"},
		{"POST", flow, `[1]`, 400, "BAD_PARAM", ""},
		{"POST", flow, `{"node_seq":10} {}`, 400, "BAD_PARAM", ""},
		{"POST", flow, `{"node_seq":10,"user_code":" ","decision":"approve"}`, 400, "BAD_PARAM", "/user_code"},
		{"POST", flow, `{"node_seq":10,"user_code":"E\u0000","decision":"approve"}`, 400, "BAD_PARAM", "/user_code"},
		{"POST", flow, decision(`"decision":"agree"`), 400, "BAD_PARAM", "/decision"},
		{"POST", flow, decision(`"decision":"approve","comment":"` + long + `"`), 400, "BAD_PARAM", "/comment"},
		{"POST", flow, decision(`"decision":"approve","comment":"a\u0000"`), 400, "BAD_PARAM", "/comment"},
		{"POST", flow, decision(`"decision":"approve","attachments":{}`), 400, "BAD_PARAM", "/attachments"},
		{"POST", flow, decision(`"decision":"approve","to_node_seq":20`), 400, "BAD_PARAM", "/to_node_seq"},
		{"POST", flow, decision(`"decision":"reject","target_users":["E8"]`), 400, "BAD_PARAM", "/target_users"},
		{"POST", flow, decision(`"decision":"transfer"`), 400, "BAD_PARAM", "/target_users"},
		{"POST", flow, decision(`"decision":"delegate","target_users":["E8","E9"]`), 400, "BAD_PARAM", "/target_users"},
		{"POST", flow, decision(`"decision":"add_sign"`), 400, "BAD_PARAM", "/target_users"},
		{"POST", flow, decision(`"decision":"remove_sign","target_users":[""]`), 400, "BAD_PARAM", "/target_users/0"},
		{"POST", flow, `{"node_seq":77,"user_code":"E5","decision":"approve"}`, 404, "NODE_NOT_FOUND", "/node_seq"},
		{"POST", flow, decision(`"decision":"return","to_node_seq":77`), 404, "NODE_NOT_FOUND", "/to_node_seq"},
		{"POST", flow, decision(`"decision":"return","to_node_seq":-1`), 404, "NODE_NOT_FOUND", "/to_node_seq"},
		{"POST", flow, decision(`"decision":"return","to_node_seq":99`), 422, "NODE_NOT_JUMPABLE", "/to_node_seq"},
		{"POST", flow, decision(`"decision":"return","to_node_seq":10`), 422, "NODE_NOT_JUMPABLE", "/to_node_seq"},
		{"POST", flow, `{"node_seq":20,"user_code":"E7","decision":"transfer","target_users":["E8"]}`, 409, "NOT_ALLOWED", "/decision"},

		{"GET", row, "", 404, "DATA_NOT_FOUND", ""},
		{"PUT", row, `[]`, 400, "BAD_PARAM", ""},
		{"PUT", row, `null`, 400, "BAD_PARAM", ""},
		{"PUT", row, `{"a":1} x`, 400, "BAD_PARAM", ""},
		{"PUT", "/api/v1/boards/" + strings.Repeat("b", 65) + "/rows/1", `{}`, 400, "BAD_PARAM", "board"},
		{"PUT", "/api/v1/boards/b/rows/" + strings.Repeat("1", 256), `{}`, 400, "BAD_PARAM", "dataId"},
		{"PUT", "/api/v1/boards/b/rows/a%0Ab", `{}`, 400, "BAD_PARAM", "dataId"},
		{"PUT", row, `{"a":"` + strings.Repeat("x", api.MaxBody) + `"}`, 413, "body_too_large", ""},
		{"PUT", row + "?company_id=130", `{}`, 400, "BAD_PARAM", "company_id"},
		{"PUT", task + "?company_id=130", `{"status":"draft"}`, 400, "BAD_PARAM", "company_id"},
		{"PUT", away + "?company_id=130", absence(`"from":"2026-12-01T00:00:00Z","till":"2026-12-02T00:00:00Z"`), 400, "BAD_PARAM", "company_id"},
		{"GET", task, "", 404, "TASK_NOT_FOUND", ""},
		{"PUT", task, `{"title":"t"}`, 400, "BAD_PARAM", "/status"},
		{"PUT", task, `{"status":"submitted"}`, 400, "BAD_PARAM", "/assignee"},
		{"PUT", task, `{"status":1}`, 400, "BAD_PARAM", ""},
		{"PUT", task, `{"status":"draft","title":"` + strings.Repeat("x", 501) + `"}`, 400, "BAD_PARAM", "/title"},

		{"PUT", away, absence(`"till":"2026-12-01T00:00:00Z"`), 400, "BAD_PARAM", "/from"},
		{"PUT", away, absence(`"from":"2026-12-01T00:00:00Z"`), 400, "BAD_PARAM", "/till"},
		{"PUT", away, absence(`"from":"2026-12-01T00:00:00Z","till":"2026-12-01T00:00:00Z"`), 400, "BAD_PARAM", "/till"},
		{"PUT", away, absence(`"from":"2026-12-01"`), 400, "BAD_PARAM", ""},
		{"PUT", away, `{"user_code":"E5","agent":"E5","from":"2026-12-01T00:00:00Z","till":"2026-12-02T00:00:00Z"}`, 400, "BAD_PARAM", "/agent"},
		{"GET", away + "?from=2026-12-02T00:00:00Z&till=2026-12-01T00:00:00Z", "", 400, "BAD_PARAM", "till"},
	} {
		res := d.call(c.method, c.path, c.body)
		var e api.Error
		if err := json.Unmarshal(res.Body.Bytes(), &e); err != nil {
			t.Errorf("%s %s: %d %.200s", c.method, c.path, res.Code, res.Body)
			continue
		}
		if res.Code != c.status || string(e.Code) != c.code || e.Field != c.field || e.Message == "" {
			t.Errorf("%s %.60s %.80s: %d %s %q, want %d %s %q\n%s", c.method, c.path, c.body, res.Code, e.Code, e.Field, c.status, c.code, c.field, e.Message)
		}
	}
	for _, empty := range []string{flow, away} {
		if body := d.call("GET", empty, "").Body.String(); !strings.Contains(body, "[]") {
			t.Errorf("something was stored: %s", body)
		}
	}
}

// TestSeveralCompaniesMustBeNamed: without company_id only the only
// configured company is meant.
func TestSeveralCompaniesMustBeNamed(t *testing.T) {
	draftDir(t, map[string]string{}) // company 7 beside the shipped 129
	d := openDesk(t)
	for _, c := range [][3]string{
		{"GET", "/api/v1/flows", ""}, {"GET", "/api/v1/flows/n1", ""}, {"GET", "/api/v1/flows/n1/timeline", ""}, {"GET", "/api/v1/flow-export", ""},
		{"POST", "/api/v1/flows/n1/decisions", `{"node_seq":10,"user_code":"E5","decision":"approve"}`}, {"GET", "/api/v1/flows/n1/decisions", ""},
		{"GET", "/api/v1/flow-definitions", ""}, {"GET", "/api/v1/flow-definitions/x", ""}, {"PUT", "/api/v1/flow-definitions/x", "{}"},
		{"GET", "/api/v1/flow-definitions/x/versions", ""}, {"GET", "/api/v1/flow-definitions/x/export", ""}, {"GET", "/api/v1/flow-definitions/x/stats", ""},
		{"PUT", "/api/v1/boards/b/rows/1", "{}"}, {"GET", "/api/v1/boards/b/rows/1", ""}, {"PUT", "/api/v1/boards/tasks/1", `{"status":"x"}`}, {"GET", "/api/v1/boards/tasks/1", ""},
		{"PUT", "/api/v1/absences", `{"user_code":"E5","agent":"E6","from":"2026-12-01T00:00:00Z","till":"2026-12-02T00:00:00Z"}`},
		{"GET", "/api/v1/absences", ""}, {"DELETE", "/api/v1/absences/1", ""},
	} {
		if res := d.call(c[0], c[1], c[2]); res.Code != 400 || !strings.Contains(res.Body.String(), `"field":"company_id"`) {
			t.Errorf("%s %s: %d %s", c[0], c[1], res.Code, res.Body)
		}
	}
	if res := d.call("GET", "/api/v1/flows?company_id=7", ""); res.Code != 200 {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}
