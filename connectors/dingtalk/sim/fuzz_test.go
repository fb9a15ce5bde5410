package dtsim_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orgflow/connectors/conformance"
	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
)

const dingState = `{"departments": [{"dept_id": 5, "name": "研发", "parent_id": 1, "dept_manager_userid_list": ["E1"]}, {"dept_id": 6, "name": "空", "parent_id": 1}],
  "users": [{"userid": "E1", "name": "甲", "mobile": "10000000001", "dept_id_list": [5]}],
  "messages": [{"task_id": 256271667001, "agent_id": 1000001, "userid": "E1", "msg": {"msgtype": "text"}, "sent_at": "2023-11-14T22:00:00Z", "state": "delivered"}],
  "attendance": [{"userId": "E1", "workDate": "2023-11-14", "checkType": "OnDuty"}, {"userId": "E1", "workDate": "2023-11-14", "checkType": "OffDuty", "timeResult": "NotSigned"}]}`

func simulated() conformance.Simulated {
	post := func(path, body string) conformance.Call {
		return conformance.Call{Method: "POST", Path: path, Type: "application/json", Body: []byte(body)}
	}
	get := func(path, query string) conformance.Call {
		return conformance.Call{Method: "GET", Path: path, Query: query}
	}
	return conformance.Simulated{
		New: func(t testing.TB) (simctl.Simulator, func(*conformance.Call)) {
			sim := dtsim.New(dtsim.Options{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
			if err := sim.PutState(json.RawMessage(dingState)); err != nil {
				t.Fatal(err)
			}
			rec := post("/v1.0/oauth2/accessToken", `{"appKey":"dingsim-app","appSecret":"dingsim-secret"}`).Do(sim)
			var token struct{ AccessToken string }
			if err := json.Unmarshal(rec.Body.Bytes(), &token); err != nil || token.AccessToken == "" {
				t.Fatal(rec.Body, err)
			}
			return sim, func(c *conformance.Call) {
				c.Query += "&access_token=" + token.AccessToken
				c.Header = map[string][]string{"X-Acs-Dingtalk-Access-Token": {token.AccessToken}}
			}
		},
		Calls: []conformance.Call{
			post("/v1.0/oauth2/accessToken", `{"appKey":"dingsim-app","appSecret":"dingsim-secret"}`),
			get("/gettoken", "appkey=dingsim-app&appsecret=dingsim-secret"), get("/auth/scopes", ""),
			post("/topapi/v2/department/create", `{"name":"新部","parent_id":1,"order":1,"source_identifier":"k","hide_dept":true,"dept_permits":"5","dept_manager_userid_list":"E1"}`),
			post("/topapi/v2/department/update", `{"dept_id":5,"name":"新名","parent_id":6,"dept_manager_userid_list":"E1"}`),
			post("/topapi/v2/department/delete", `{"dept_id":6}`), post("/topapi/v2/department/get", `{"dept_id":5}`),
			post("/topapi/v2/department/listsub", `{"dept_id":1}`), post("/topapi/v2/department/listsubid", `{"dept_id":1}`),
			post("/topapi/v2/user/create", `{"userid":"E2","name":"乙","mobile":"10000000002","dept_id_list":"5,6","dept_order_list":[{"dept_id":5,"order":1}],"extension":"{\"a\":\"b\"}","hired_date":1597573616828,"manager_userid":"E1"}`),
			post("/topapi/v2/user/update", `{"userid":"E1","title":"主管","dept_id_list":"5,6","dept_order_list":[{"dept_id":5,"order":1}],"extension":"{\"a\":\"b\"}","ext_attrs_update_mode":1}`),
			post("/topapi/v2/user/delete", `{"userid":"E1"}`), post("/topapi/v2/user/get", `{"userid":"E1"}`),
			post("/topapi/v2/user/list", `{"dept_id":5,"cursor":0,"size":10}`), post("/topapi/v2/user/getbymobile", `{"mobile":"10000000001"}`),
			post("/topapi/message/corpconversation/asyncsend_v2", `{"agent_id":1000001,"userid_list":"E1,E9","msg":{"msgtype":"markdown","markdown":{"title":"待审批","text":"编号 1"}}}`),
			post("/topapi/message/corpconversation/getsendresult", `{"agent_id":1000001,"task_id":256271667001}`),
			post("/topapi/message/corpconversation/getsendprogress", `{"agent_id":1000001,"task_id":256271667001}`),
			post("/department/create", `{"name":"新部","parentid":"1","order":"1","createDeptGroup":true,"deptPermits":"5|6"}`),
			post("/department/update", `{"id":5,"name":"新名","deptManagerUseridList":"E1"}`),
			post("/attendance/list", `{"workDateFrom":"2023-11-13 00:00:00","workDateTo":"2023-11-15 00:00:00","userIdList":["E1"],"offset":0,"limit":50,"isI18n":false}`),
			get("/department/delete", "id=6"), get("/department/get", "id=5"), get("/department/list", "id=1&fetch_child=true"), get("/department/list_ids", "id=1"),
			post("/user/create", `{"userid":"E2","name":"乙","mobile":"10000000002","department":[5],"orderInDepts":"{5:1}","extattr":{"a":"b"}}`),
			post("/user/update", `{"userid":"E1","position":"主管","department":[5],"orderInDepts":"{5:1}"}`),
			get("/user/delete", "userid=E1"), get("/user/get", "userid=E1"), get("/user/listbypage", "department_id=5&offset=0&size=10"), get("/user/get_by_mobile", "mobile=10000000001"),
		},
		Flaw: func(c conformance.Call, rec *httptest.ResponseRecorder) string {
			var m map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil || m == nil {
				return "it is no JSON object"
			}
			_, isNumber := m["errcode"].(float64)
			switch words, isText := m["code"].(string); {
			case strings.HasPrefix(c.Path, "/v1.0/") && rec.Code >= 400 && (!isText || words == ""):
				return "a failure of the new family without a code"
			case !strings.HasPrefix(c.Path, "/v1.0/") && (rec.Code != 200 || !isNumber):
				return "the old family answers with 200 and an errcode"
			}
			return ""
		},
		// 40103 is an invitation, which is kept.
		Refused: func(rec *httptest.ResponseRecorder) bool {
			return rec.Code >= 400 || conformance.Object(rec.Body.Bytes()) && len(conformance.Look(rec.Body.Bytes(), "errcode")) > 0 &&
				!conformance.Says(rec.Body.Bytes(), []string{"0", "40103"}, "errcode")
		},
	}
}

func TestBrokenCalls(t *testing.T) { conformance.TestBrokenCalls(t, simulated()) }

// Whatever is called, the answer is one of the vendor's, and a refusal
// changes nothing.
func FuzzAnything(f *testing.F) { conformance.FuzzCalls(f, simulated()) }
