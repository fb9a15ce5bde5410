package aghsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/connectors/conformance"
	"orgflow/connectors/simctl"
)

const guanHuaiState = `{"departments": [{"departmentId": "D1", "departmentName": "研发", "status": 1, "parentId": ""}],
  "persons": [{"userId": "E1", "account": "E1", "realName": "甲", "status": 1, "departmentId": ["D1"], "orgSource": 11}]}`

func simulated() conformance.Simulated {
	const who = "corpId=aghsim-corp&partnerId=aghsim-partner"
	people := []byte(`{"type":"person","data":[{"userId":"E2","account":"E2","realName":"乙","gender":1,"email":"e2@example.com","mobile":"10000000002","position":"p","status":1,"departmentId":["D1"],"birthday":"19900101","joinDate":"20200101","orgSource":11}]}`)
	departments := []byte(`{"type":"department","data":[{"departmentId":"D2","departmentName":"新部","status":1,"parentId":"D1"}]}`)
	call := func(method, name string, body []byte) conformance.Call {
		c := conformance.Call{Method: method, Path: "/v3/oms/" + name, Query: who, Body: body}
		if body != nil {
			c.Type = "application/json"
		}
		return c
	}
	return conformance.Simulated{
		New: func(t testing.TB) (simctl.Simulator, func(*conformance.Call)) {
			sim := aghsim.New(aghsim.Options{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
			if err := sim.PutState(json.RawMessage(guanHuaiState)); err != nil {
				t.Fatal(err)
			}
			var got struct {
				Body struct{ TaskID string }
			}
			rec := call("GET", "add-prepare", nil).Do(sim)
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Body.TaskID == "" {
				t.Fatal(rec.Body, err)
			}
			sign := func(c *conformance.Call) { c.Query += "&taskId=" + got.Body.TaskID }
			first := call("POST", "add", []byte(`{"type":"department","data":[{"departmentId":"D1","departmentName":"研发","status":1,"parentId":""}]}`))
			sign(&first)
			if rec := first.Do(sim); !conformance.Says(rec.Body.Bytes(), []string{"0"}, "errno") {
				t.Fatal(rec.Body)
			}
			return sim, sign
		},
		Calls: []conformance.Call{
			call("GET", "add-prepare", nil), call("POST", "add", people), call("POST", "add", departments), call("GET", "add-complete", nil),
			call("POST", "update", people), call("POST", "update", departments),
		},
		Flaw: func(_ conformance.Call, rec *httptest.ResponseRecorder) string {
			if rec.Code == http.StatusNotFound || rec.Code == http.StatusRequestEntityTooLarge {
				return "" // a page
			}
			var m map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil || rec.Code != http.StatusOK {
				return "it is no JSON object under 200"
			}
			if _, isNumber := m["errno"].(float64); !isNumber {
				return "it has no errno"
			}
			return ""
		},
		Refused: func(rec *httptest.ResponseRecorder) bool {
			return !conformance.Says(rec.Body.Bytes(), []string{"0"}, "errno")
		},
	}
}

func TestBrokenCalls(t *testing.T) { conformance.TestBrokenCalls(t, simulated()) }

// Whatever is called, the answer is one of the vendor's, and a refusal
// changes nothing.
func FuzzAnything(f *testing.F) { conformance.FuzzCalls(f, simulated()) }
