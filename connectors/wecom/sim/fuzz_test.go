package wcsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orgflow/connectors/conformance"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
)

const weComState = `{"departments": [{"id": 1, "name": "公司"}, {"id": 5, "name": "研发", "parentid": 1}, {"id": 6, "name": "空", "parentid": 1}],
  "users": [{"userid": "E1", "name": "甲", "mobile": "10000000001", "department": [5], "is_leader_in_dept": [1], "order": [0], "main_department": 5, "status": 4}],
  "messages": [{"msgid": "MSG1", "agentid": 1000002, "userid": "E1", "msgtype": "text", "content": {"content": "a"}, "sent_at": "2023-11-14T22:00:00Z", "state": "delivered"}]}`

const multipart = "--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"import.csv\"; filelength=62\r\nContent-Type: application/octet-stream\r\n\r\n" +
	"姓名,帐号,手机号,所在部门\n乙,E2,10000000002,5\n\r\n--b--\r\n"

func simulated() conformance.Simulated {
	post := func(path, body string) conformance.Call {
		return conformance.Call{Method: "POST", Path: "/cgi-bin/" + path, Type: "application/json", Body: []byte(body)}
	}
	get := func(path, query string) conformance.Call {
		return conformance.Call{Method: "GET", Path: "/cgi-bin/" + path, Query: query}
	}
	upload := conformance.Call{Method: "POST", Path: "/cgi-bin/media/upload", Query: "type=file", Type: "multipart/form-data; boundary=b", Body: []byte(multipart)}
	return conformance.Simulated{
		New: func(t testing.TB) (simctl.Simulator, func(*conformance.Call)) {
			sim := wcsim.New(wcsim.Options{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
			if err := sim.PutState(json.RawMessage(weComState)); err != nil {
				t.Fatal(err)
			}
			set := wcsim.DefaultSettings()
			var got struct {
				Token   string `json:"access_token"`
				MediaID string `json:"media_id"`
				JobID   string `json:"jobid"`
			}
			do := func(c conformance.Call) {
				rec := c.Do(sim)
				if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
					t.Fatal(rec.Body, err)
				}
			}
			do(get("gettoken", "corpid="+set.CorpID+"&corpsecret="+set.Secrets[1].Secret))
			app := got.Token
			do(get("gettoken", "corpid="+set.CorpID+"&corpsecret="+set.Secrets[0].Secret))
			contacts := got.Token
			sign := func(c *conformance.Call) {
				if strings.HasPrefix(c.Path, "/cgi-bin/message/") {
					c.Query += "&access_token=" + app
					return
				}
				c.Query += "&access_token=" + contacts
			}
			for _, c := range []conformance.Call{upload, post("batch/syncuser", `{"media_id":"MEDIA"}`), get("batch/getresult", "jobid=JOB")} {
				sign(&c)
				c.Body = []byte(strings.ReplaceAll(string(c.Body), "MEDIA", got.MediaID))
				do(c)
			}
			return sim, func(c *conformance.Call) {
				sign(c)
				c.Query = strings.ReplaceAll(c.Query, "JOB", got.JobID)
				c.Body = []byte(strings.ReplaceAll(string(c.Body), "MEDIA", got.MediaID))
			}
		},
		Calls: []conformance.Call{
			get("gettoken", "corpid="+wcsim.DefaultSettings().CorpID+"&corpsecret="+wcsim.DefaultSettings().Secrets[0].Secret),
			post("department/create", `{"name":"新部","name_en":"new","parentid":1,"order":1,"id":77}`), post("department/update", `{"id":5,"name":"新名","parentid":6,"order":7}`),
			get("department/delete", "id=6"), get("department/get", "id=5"), get("department/list", "id=1"), get("department/simplelist", "id=1"),
			post("user/create", `{"userid":"E3","name":"丙","mobile":"10000000003","department":[5,6],"order":[1,2],"is_leader_in_dept":[0,1],"main_department":6,"direct_leader":["E1"],"position":"p","gender":"1","email":"e3@example.com","telephone":"1","alias":"a","enable":1,"to_invite":false,"extattr":{"attrs":[{"type":0,"name":"工号","text":{"value":"E3"}},{"type":1,"name":"w","web":{"url":"http://a","title":"t"}}]}}`),
			post("user/update", `{"userid":"E1","name":"新","department":[5,6],"is_leader_in_dept":[1,0],"order":[3,4],"extattr":{"attrs":[{"type":0,"name":"工号","text":{"value":"E1"}}]}}`),
			get("user/delete", "userid=E1"), post("user/batchdelete", `{"useridlist":["E1","E2"]}`), get("user/get", "userid=E1"), get("user/list", "department_id=5&fetch_child=1"),
			get("user/simplelist", "department_id=5"), post("user/list_id", `{"cursor":"","limit":10}`), post("user/getuserid", `{"mobile":"10000000001"}`),
			upload, post("batch/syncuser", `{"media_id":"MEDIA","to_invite":false}`), get("batch/getresult", "jobid=JOB"),
			post("message/send", `{"touser":"e1|E9","agentid":1000002,"msgtype":"textcard","textcard":{"title":"待审批","description":"编号 1","url":"http://a"},"enable_duplicate_check":1,"duplicate_check_interval":600}`),
		},
		Flaw: func(_ conformance.Call, rec *httptest.ResponseRecorder) string {
			if rec.Code == http.StatusNotFound && rec.Header().Get("Content-Type") == "text/plain" {
				return "" // no API of this path
			}
			var m map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil || m == nil {
				return "it is no JSON object"
			}
			if _, isNumber := m["errcode"].(float64); !isNumber || rec.Code != http.StatusOK {
				return "WeCom answers with 200 and an errcode"
			}
			if failed := m["errcode"].(float64) != 0; failed != (rec.Header().Get("Error-Code") != "") {
				return "the header Error-Code is not the answer's"
			}
			return ""
		},
		Refused: func(rec *httptest.ResponseRecorder) bool {
			return !conformance.Says(rec.Body.Bytes(), []string{"0"}, "errcode")
		},
	}
}

func TestBrokenCalls(t *testing.T) { conformance.TestBrokenCalls(t, simulated()) }

// Whatever is called, the answer is one of the vendor's, and a refusal
// changes nothing.
func FuzzAnything(f *testing.F) { conformance.FuzzCalls(f, simulated()) }
