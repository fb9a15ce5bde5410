package hcmsim_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"orgflow/connectors/conformance"
	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/connectors/simctl"
)

func simulated() conformance.Simulated {
	post := func(path, body string) conformance.Call {
		return conformance.Call{Method: "POST", Path: path, Type: "application/json", Body: []byte(body)}
	}
	return conformance.Simulated{
		New: func(t testing.TB) (simctl.Simulator, func(*conformance.Call)) {
			sim := hcmsim.New(hcmsim.Options{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
			if err := sim.PutState(json.RawMessage(rows)); err != nil {
				t.Fatal(err)
			}
			return sim, func(c *conformance.Call) { c.Header = map[string][]string{"Authorization": {"Bearer hcm-sim-token"}} }
		},
		Calls: []conformance.Call{
			post("/api/hcm.model.list", `{"model":"Employee","filter_dict":{"job_info.position_status_id":[2,7],"id":{"gte":1,"lte":99}},"filter_str":null,"page_index":1,"page_size":2,"extra_property":{"fields":[{"key":"id","field":["id"]},{"key":"d","field":["department","name"]}],"only_list":true,"sorts":[{"key":"id","type":"asc"}]}}`),
			post("/api/hcm.model.list", `{"model":"Employee","filter_dict":{"department.origin_id":{"child_include":300}}}`),
			post("/api/hcm.model.get", `{"model":"Employee","id_":11}`), post("/api/hcm.model.meta", `{"model":"Employee","meta_key":"list"}`),
			post("/api/hcm.company.meta.load", `{"meta_key":"Employee.meta.list"}`),
			{Method: "POST", Path: "/oauth/token", Type: "application/x-www-form-urlencoded", Body: []byte("grant_type=client_credentials&client_id=hcm-client&client_secret=hcm-secret")},
		},
		Flaw: func(_ conformance.Call, rec *httptest.ResponseRecorder) string {
			if !conformance.Object(rec.Body.Bytes()) {
				return "it is no JSON object"
			}
			return ""
		},
		Refused: func(rec *httptest.ResponseRecorder) bool {
			return rec.Code >= 400 || len(conformance.Look(rec.Body.Bytes(), "errcode")) > 0 || len(conformance.Look(rec.Body.Bytes(), "error")) > 0
		},
	}
}

func TestBrokenCalls(t *testing.T) { conformance.TestBrokenCalls(t, simulated()) }

// Whatever is called, the answer is one of the gateway's, and what it holds
// stays as it is.
func FuzzAnything(f *testing.F) { conformance.FuzzCalls(f, simulated()) }
