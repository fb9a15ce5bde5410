package scimsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orgflow/connectors/conformance"
	"orgflow/connectors/rest/scimsim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

const scimState = `{"orgs": [{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g1", "displayName": "研发", "members": [{"value": "u1"}], "meta": {"version": "W/\"1\""}}],
  "persons": [{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "u1", "userName": "E1", "active": true, "emails": [{"value": "e1@example.com", "type": "work"}], "meta": {"version": "W/\"1\""}}]}`

func simulated() conformance.Simulated {
	call := func(method, path, query, body string) conformance.Call {
		c := conformance.Call{Method: method, Path: path, Query: query, Body: []byte(body)}
		if body != "" {
			c.Type = "application/scim+json"
		}
		return c
	}
	const patch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`
	return conformance.Simulated{
		New: func(t testing.TB) (simctl.Simulator, func(*conformance.Call)) {
			sim := scimsim.New(simbase.Options{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
			if err := sim.PutState(json.RawMessage(scimState)); err != nil {
				t.Fatal(err)
			}
			return sim, func(c *conformance.Call) { c.Header = map[string][]string{"Authorization": {"Bearer scimsim-token"}} }
		},
		Calls: []conformance.Call{
			call("GET", "/ServiceProviderConfig", "", ""), call("GET", "/Users", `filter=userName+eq+"E1"&startIndex=1&count=1`, ""), call("GET", "/Groups", `filter=displayName+eq+"x"`, ""),
			call("GET", "/Users/u1", "", ""), call("GET", "/Groups/g1", "excludedAttributes=members", ""), call("DELETE", "/Users/u1", "", ""), call("DELETE", "/Groups/g1", "", ""),
			call("POST", "/Users", "", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"k","userName":"E2","displayName":"乙","name":{"formatted":"乙"},"active":true,"emails":[{"value":"e2@example.com","type":"work","primary":true}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E2","manager":{"value":"u1"}}}`),
			call("POST", "/Groups", "", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"k","displayName":"新部"}`),
			call("PATCH", "/Users/u1", "", patch+`[{"op":"replace","path":"title","value":"主管"},{"op":"replace","path":"name.formatted","value":"甲"},{"op":"remove","path":"emails"}]}`),
			call("PATCH", "/Users/u1", "", patch+`[{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":{"value":"u1"}}]}`),
			call("PUT", "/Users/u1", "", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"E1","displayName":"甲"}`),
			call("PATCH", "/Groups/g1", "", patch+`[{"op":"add","path":"members","value":[{"value":"u1"}]},{"op":"remove","path":"members[value eq \"u1\"]"}]}`),
		},
		Flaw: func(_ conformance.Call, rec *httptest.ResponseRecorder) string {
			switch {
			case rec.Code == http.StatusNoContent && rec.Body.Len() == 0:
			case len(conformance.Look(rec.Body.Bytes(), "schemas")) == 0 && len(conformance.Look(rec.Body.Bytes(), "access_token")) == 0 && len(conformance.Look(rec.Body.Bytes(), "error")) == 0:
				return "it is no resource, list or error of SCIM"
			}
			return ""
		},
		Refused: func(rec *httptest.ResponseRecorder) bool { return rec.Code >= 400 },
	}
}

func TestBrokenCalls(t *testing.T) { conformance.TestBrokenCalls(t, simulated()) }

// Whatever is called, the answer is one of SCIM's, and a refusal changes
// nothing.
func FuzzAnything(f *testing.F) { conformance.FuzzCalls(f, simulated()) }
