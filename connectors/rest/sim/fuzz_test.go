package restsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"orgflow/connectors/conformance"
	"orgflow/connectors/rest"
	restsim "orgflow/connectors/rest/sim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

const cloudState = `{"orgs": [{"id": "D1", "fields": {"id": "D1", "name": "研发", "parentId": "root"}}, {"id": "D2", "fields": {"id": "D2", "name": "空", "parentId": "root"}}],
  "persons": [{"id": "E1", "fields": {"userId": "E1", "name": "甲", "mobile": "10000000001", "departmentIds": ["D1"]}}]}`

func simulated(t testing.TB) conformance.Simulated {
	t.Helper()
	raw, err := os.ReadFile("../../../meta/emm_cloud.consumer.json")
	if err != nil {
		t.Fatal(err)
	}
	def, err := rest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, path, query, body string) conformance.Call {
		c := conformance.Call{Method: method, Path: "/api/sys/v6.0/" + path, Query: query, Body: []byte(body)}
		if body != "" {
			c.Type = "application/json"
		}
		return c
	}
	return conformance.Simulated{
		New: func(t testing.TB) (simctl.Simulator, func(*conformance.Call)) {
			sim := restsim.New("emmcloud", def, simbase.Options{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
			if err := sim.PutState(json.RawMessage(cloudState)); err != nil {
				t.Fatal(err)
			}
			return sim, func(c *conformance.Call) { c.Header = map[string][]string{"Authorization": {"Bearer restsim-token"}} }
		},
		Calls: []conformance.Call{
			call("GET", "departments", "parentId=root&page=1&size=2", ""), call("GET", "users", "departmentId=D1&cursor=&size=2", ""),
			call("POST", "departments", "", `{"id":"D3","name":"新部","parentId":"D1","order":1}`), call("PUT", "departments/D1", "", `{"name":"新名","order":2}`),
			call("GET", "departments/D1", "", ""), call("DELETE", "departments/D2", "", ""),
			call("POST", "users/batch", "", `{"users":[{"userId":"E2","name":"乙","mobile":"10000000002","departmentIds":["D1","D2"],"gender":"male","title":"p","entryDate":"20200101","managerId":"E1"}]}`),
			call("PUT", "users/E1", "", `{"title":"主管","departmentIds":["D2"]}`), call("GET", "users/E1", "", ""), call("DELETE", "users/E1", "", ""),
		},
		Flaw: func(_ conformance.Call, rec *httptest.ResponseRecorder) string {
			if rec.Code == http.StatusNotFound && !conformance.Object(rec.Body.Bytes()) {
				return "" // the page of an unknown path
			}
			if !conformance.Object(rec.Body.Bytes()) {
				return "it is no JSON object"
			}
			return ""
		},
		// A batch is a success as a whole, with an outcome for each record.
		Refused: func(rec *httptest.ResponseRecorder) bool {
			return !conformance.Says(rec.Body.Bytes(), []string{"0"}, "code")
		},
	}
}

func TestBrokenCalls(t *testing.T) { conformance.TestBrokenCalls(t, simulated(t)) }

// Whatever is called, the answer is one of the definition's, and a refusal
// changes nothing.
func FuzzAnything(f *testing.F) { conformance.FuzzCalls(f, simulated(f)) }
