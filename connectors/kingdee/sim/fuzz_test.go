package kdsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orgflow/connectors/conformance"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/simctl"
)

const small = `{"forms": {"SAL_SaleOrder": {"name": "销售订单",
  "fields": [{"key": "FBillNo"}, {"key": "FDocumentStatus", "type": 175}, {"key": "FDate", "type": 61}, {"key": "FModifyDate", "type": 61}, {"key": "FAmount", "type": 106},
    {"key": "FCustId", "type": 56, "lookup": "BD_Customer"}, {"key": "FElse", "lookup": "BD_Else"}, {"key": "FOld", "hidden": true}, {"key": "FAuxPropId", "flex": true}],
  "entries": [{"key": "FSaleOrderEntry", "fields": [{"key": "FQty", "type": 106}]}, {"key": "FPlan", "pk": "FPlanID", "fields": [{"key": "FDue", "type": 61}]}, {"key": "FSub", "parent": "FSaleOrderEntry", "fields": [{"key": "FRate"}]}],
  "rows": [
    {"FID": 1, "FBillNo": "A1", "FDocumentStatus": "C", "FDate": "2026-01-15", "FModifyDate": "2026-01-16 10:00:00", "FAmount": 10.5, "FCustId": 7, "FElse": "x9",
     "FSaleOrderEntry": [{"FEntryID": 11, "FQty": 2}, {"FEntryID": 12, "FQty": 3}], "FPlan": [{"FPlanID": 21, "FDue": "2026-02-01"}, {"FPlanID": 22}]},
    {"FID": 2, "FBillNo": "O'B", "FDocumentStatus": "A", "FDate": null, "FModifyDate": "2026-01-16T10:00:00.250", "FAmount": null, "FCustId": 8},
    {"FID": 3, "FBillNo": "", "FAmount": "2", "FModifyDate": "2026-03-01", "FCustId": null, "FAuxPropId.FF100001.FName": "红"}]},
  "BD_Customer": {"key": "FCUSTID", "fields": [{"key": "FNumber"}, {"key": "FName"}], "rows": [{"FCUSTID": 7, "FNumber": "C7", "FName": "测试客户"}]},
  "BD_Secret": {"rows": [{"FID": 1}], "forbidden": true}}}`

func path(service string) string {
	return "/k3cloud/Kingdee.BOS.WebApi.ServicesStub." + service + ".common.kdsvc"
}

// server holds the small state; its session is good for any call.
func server(t testing.TB, options string) (*kdsim.Sim, string) {
	t.Helper()
	sim := kdsim.New(kdsim.Options{Now: func() time.Time { return time.Unix(1_790_000_000, 0) }})
	if err := sim.PutState(json.RawMessage(small)); err != nil {
		t.Fatal(err)
	}
	if options != "" {
		if err := sim.SetOptions(json.RawMessage(options)); err != nil {
			t.Fatal(err)
		}
	}
	rec := call("AuthService.ValidateUser", `{"parameters": ["kingdee-sim-account-set", "orgflow", "kingdee-sim-password", 2052]}`).Do(sim)
	var got struct{ KDSVCSessionID string }
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.KDSVCSessionID == "" {
		t.Fatal(rec.Body, err)
	}
	return sim, got.KDSVCSessionID
}

func call(service, body string) conformance.Call {
	return conformance.Call{Method: "POST", Path: path(service), Type: "application/json", Body: []byte(body)}
}

// quoted is an argument as services want it.
func quoted(arg string) string {
	raw, err := json.Marshal(arg)
	if err != nil {
		return ""
	}
	return string(raw)
}

func simulated() conformance.Simulated {
	form := func(service, data string) conformance.Call {
		return call("DynamicFormService."+service, `{"parameters": ["SAL_SaleOrder", `+quoted(data)+`]}`)
	}
	query := func(service, data string) conformance.Call {
		return call("DynamicFormService."+service, `{"parameters": [`+quoted(data)+`]}`)
	}
	return conformance.Simulated{
		New: func(t testing.TB) (simctl.Simulator, func(*conformance.Call)) {
			sim, session := server(t, "")
			return sim, func(c *conformance.Call) { c.Header = map[string][]string{"Kdservice-Sessionid": {session}} }
		},
		Calls: []conformance.Call{
			call("AuthService.ValidateUser", `{"parameters": ["kingdee-sim-account-set", "orgflow", "kingdee-sim-password", 2052]}`),
			call("AuthService.LoginByAppSecret", `{"parameters": ["kingdee-sim-account-set", "orgflow", "219001_kingdeesim", "kingdee-sim-app-secret", 2052]}`),
			call("AuthService.Logout", `{}`),
			query("ExecuteBillQuery", `{"FormId":"SAL_SaleOrder","FieldKeys":"FID,FBillNo,FCustId.FName,FQty","FilterString":"FModifyDate >= '2026-01-01' and (FBillNo like 'A%' or FID in (1,'2')) and not FAmount is null","OrderString":"FID ASC","TopRowCount":0,"StartRow":0,"Limit":10}`),
			query("BillQuery", `{"FormId":"SAL_SaleOrder","FieldKeys":"FID,FElse.FNumber","StartRow":1,"Limit":1}`),
			query("QueryBusinessInfo", `{"FormId":"SAL_SaleOrder"}`), query("SwitchOrg", `{"OrgNumber":"100"}`),
			form("View", `{"Number":"A1"}`), form("Save", `{"Model":{"FID":2,"FBillNo":"B2","FAmount":3.5,"FSaleOrderEntry":[{"FEntryID":13,"FQty":1}]}}`),
			form("Audit", `{"Ids":"1,2"}`), form("Delete", `{"Numbers":["A1"]}`),
		},
		Flaw: func(_ conformance.Call, rec *httptest.ResponseRecorder) string {
			body := rec.Body.Bytes()
			if rec.Code != http.StatusOK || len(body) == 0 {
				return "" // status and words, or a lost session
			}
			if !json.Valid(body) {
				return "it is no JSON"
			}
			return ""
		},
		Refused: func(rec *httptest.ResponseRecorder) bool {
			body := rec.Body.String()
			return rec.Code != http.StatusOK || body == "" || strings.Contains(body, `"IsSuccess":false`) || strings.Contains(body, `"IsSuccessByAPI":false`)
		},
	}
}

func TestBrokenCalls(t *testing.T) { conformance.TestBrokenCalls(t, simulated()) }

// Whatever is called, the answer is one of the vendor's, and a refusal
// changes nothing.
func FuzzAnything(f *testing.F) { conformance.FuzzCalls(f, simulated()) }
