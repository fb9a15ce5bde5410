package kdsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow/connectors/conformance"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/simctl"
)

// ask makes a call in a session.
func ask(sim *kdsim.Sim, session, service, body string) string {
	c := call(service, body)
	c.Header = map[string][]string{"Kdservice-Sessionid": {session}}
	rec := c.Do(sim)
	if rec.Code != http.StatusOK {
		return fmt.Sprintf("%d %s", rec.Code, strings.TrimSpace(rec.Body.String()))
	}
	return strings.TrimSpace(rec.Body.String())
}

// rows asks for rows; further parameters are JSON.
func rows(sim *kdsim.Sim, session, fields, filter, order, more string) string {
	data := fmt.Sprintf(`{"FormId":"SAL_SaleOrder","FieldKeys":%s,"FilterString":%s,"OrderString":%s%s}`, quoted(fields), quoted(filter), quoted(order), more)
	out := ask(sim, session, "DynamicFormService.ExecuteBillQuery", `{"parameters":[`+quoted(data)+`]}`)
	if _, text, failed := strings.Cut(out, `"Message":"`); failed {
		text, _, _ = strings.Cut(text, `"`)
		return text
	}
	return out
}

func TestFilters(t *testing.T) {
	sim, session := server(t, "")
	for filter, want := range map[string]string{
		"":                        "[[1],[2],[3]]",
		"FID = 1":                 "[[1]]",
		"FID='1' or FID = 3":      "[[1],[3]]",
		"FID <> 1 and FID != '2'": "[[3]]",
		"FID > 1 and FID <= 3":    "[[2],[3]]",
		"FBillNo = 'O''B'":        "[[2]]",
		"FBillNo = ''":            "[[3]]",
		"FBillNo like 'A%' or FBillNo like '_''B'": "[[1],[2]]",
		"FBillNo not like 'A%'":                    "[[2],[3]]",
		"FID in ('1', 3)":                          "[[1],[3]]",
		"FID not in (1)":                           "[[2],[3]]",
		"FAmount is null":                          "[[2]]",
		"FAmount IS NOT NULL AND FAmount >= 10.50": "[[1]]",
		"FAmount = '2.00'":                         "[[3]]",
		"FAmount < 100":                            "[[1],[3]]",
		"not (FID = 1 or FID = 2)":                 "[[3]]",
		"FModifyDate >= '2026-01-16 10:00:00' and FModifyDate < '2026-01-16T10:00:01'": "[[1],[2]]",
		"FModifyDate > '2026-01-16 10:00:00'":                                          "[[2],[3]]",
		"FDate = '2026-01-15'":                                                         "[[1]]",
		"FCustId.FNumber = 'C7'":                                                       "[[1]]",
		"FCustId = 8":                                                                  "[[2]]",
		"1 = 1":                                                                        "[[1],[2],[3]]",
		"FNone = 1":                                                                    "元数据中标识为FNone的字段不存在",
		"fid = 1":                                                                      "元数据中标识为fid的字段不存在",
		"FID = ":                                                                       "当前查询串无法解析",
		"FID = 'a":                                                                     "当前查询串无法解析",
		"FID between 1 and 2":                                                          "当前查询串无法解析",
		"(FID = 1":                                                                     "当前查询串无法解析",
		"FID = 1; drop table x":                                                        "当前查询串无法解析",
		"FID in ()":                                                                    "当前查询串无法解析",
	} {
		if got := rows(sim, session, "FID", filter, "FID ASC", ""); got != want {
			t.Errorf("%s: %s, want %s", filter, got, want)
		}
	}
	if got := rows(sim, session, "FID", strings.Repeat("(", 100_000), "FID", ""); got != "当前查询串无法解析" {
		t.Errorf("deep nesting: %s", got)
	}
}

func TestCells(t *testing.T) {
	sim, session := server(t, "")
	for fields, want := range map[string]string{
		"FID,FBillNo,FDate,FModifyDate,FAmount":  `[[1,"A1","2026-01-15T00:00:00","2026-01-16T10:00:00",10.5000000000],[2,"O'B",null,"2026-01-16T10:00:00.25",null],[3,"",null,"2026-03-01T00:00:00",2.0000000000]]`,
		"FCustId,FCustId.FNumber,FCustId.FName":  `[[7,"C7","测试客户"],[8,null,null],[null,null,null]]`,
		"FElse.FNumber":                          `[["x9"],[null],[null]]`,
		"FOld":                                   `[[null],[null],[null]]`,
		"FAuxPropId.FF100001.FName":              `[[null],[null],["红"]]`,
		"FQty,FSaleOrderEntry_FEntryID":          `[[2.0000000000,11],[3.0000000000,12],[null,null],[null,null]]`,
		"FPlan_FPlanID,FSaleOrderEntry_FEntryID": `[[21,11],[22,11],[21,12],[22,12],[null,null],[null,null]]`,
		"FRate":                                  `[[null],[null],[null]]`,
		"FAuxPropId":                             "500 未将对象引用设置到对象的实例。", "FAUXPROPID__FF100001": "500 未将对象引用设置到对象的实例。",
		"FEntryID": "元数据中标识为FEntryID的字段不存在", "FCustId.FNone": "元数据中标识为FCustId.FNone的字段不存在", "FBillNo.FName": "元数据中标识为FBillNo.FName的字段不存在", "": "参数错误",
	} {
		if got := rows(sim, session, fields, "", "FID ASC", ""); got != want {
			t.Errorf("%s: %s, want %s", fields, got, want)
		}
	}
	for order, want := range map[string]string{"FID DESC": "[[3],[2],[1]]", "FAmount, FID desc": "[[2],[3],[1]]", "FBillNo": "[[3],[1],[2]]", "FID UP": "当前查询串无法解析", "FNone": "元数据中标识为FNone的字段不存在"} {
		if got := rows(sim, session, "FID", "", order, ""); got != want {
			t.Errorf("by %s: %s, want %s", order, got, want)
		}
	}
}

// TopRowCount set to the size of a page makes the second page come back
// empty, and a page has 2000 rows at most.
func TestPagingPitfalls(t *testing.T) {
	sim, session := server(t, `{"max_rows": 2}`)
	for more, want := range map[string]string{
		"": "[[1],[2]]", `,"StartRow":1`: "[[2],[3]]", `,"Limit":1`: "[[1]]", `,"Limit":0`: "[[1],[2]]", `,"Limit":3`: "[[1],[2]]", `,"StartRow":2,"Limit":2`: "[[3]]",
		`,"StartRow":3,"Limit":2`: "[]", `,"StartRow":9`: "[]",
		`,"StartRow":1,"Limit":1,"TopRowCount":1`: "[]", `,"StartRow":1,"Limit":1,"TopRowCount":2`: "[[2]]", `,"TopRowCount":1`: "[[1]]",
		`,"StartRow":-1`: "参数错误",
	} {
		if got := rows(sim, session, "FID", "", "FID", more); got != want {
			t.Errorf("%s: %s, want %s", more, got, want)
		}
	}
	if err := sim.SetOptions(json.RawMessage(`{"top_row": "count"}`)); err != nil {
		t.Fatal(err)
	}
	if got := rows(sim, session, "FID", "", "FID", `,"StartRow":1,"Limit":1,"TopRowCount":1`); got != "[[2]]" {
		t.Errorf("as a count: %s", got)
	}
}

// Without an order no two pages belong together.
func TestWithoutAnOrderRowsCome(t *testing.T) {
	sim, session := server(t, "")
	seen := map[string]bool{}
	for range 200 {
		got := rows(sim, session, "FID", "", "", "")
		seen[got] = true
		for _, id := range []string{"[1]", "[2]", "[3]"} {
			if strings.Count(got, id) != 1 {
				t.Fatal(got)
			}
		}
	}
	if len(seen) < 3 {
		t.Errorf("200 queries show %d orders", len(seen))
	}
	if err := sim.SetOptions(json.RawMessage(`{"stable_without_order": true}`)); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got := rows(sim, session, "FID", "", "", ""); got != "[[1],[2],[3]]" {
			t.Error(got)
		}
	}
}

// All shapes of a body mean the same; a bare list is refused.
func TestShapesOfBodies(t *testing.T) {
	sim, session := server(t, "")
	data := `{"FormId":"SAL_SaleOrder","FieldKeys":"FID","OrderString":"FID","Limit":1}`
	for body, want := range map[string]string{
		`{"parameters":[` + quoted(data) + `]}`:         "[[1]]",
		`{"parameters":[` + data + `]}`:                 "[[1]]",
		`{"parameters":` + quoted("["+data+"]") + `}`:   "[[1]]",
		`{"data":` + quoted(data) + `}`:                 "[[1]]",
		`{"formid":"X","data":` + quoted(data) + `}`:    "[[1]]",
		`{"Parameters":[` + quoted(data) + `],"v":"1"}`: "[[1]]",
		`{"format":1,"useragent":"ApiClient","rid":"1","parameters":[` + quoted(data) + `],"timestamp":"2026","v":"1.0"}`: "[[1]]",
		`[` + quoted(data) + `]`: "500 Additional text found",
		`x`:                      "500 Additional text found",
	} {
		if got := ask(sim, session, "DynamicFormService.ExecuteBillQuery", body); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
	if got := ask(sim, session, "DynamicFormService.ExecuteBillQuery", `{"data":`+data+`}`); !strings.Contains(got, "接口参数 data 不能为空") {
		t.Errorf("an object by name: %s", got)
	}
	c := conformance.Call{Method: "POST", Path: path("DynamicFormService.ExecuteBillQuery"), Type: "application/x-www-form-urlencoded",
		Body: []byte("data=" + strings.ReplaceAll(data, `"`, "%22")), Header: map[string][]string{"Cookie": {"kdservice-sessionid=" + session}}}
	if got := c.Do(sim).Body.String(); got != "[[1]]" {
		t.Errorf("a form, and the session as a cookie: %s", got)
	}
}

func TestAddresses(t *testing.T) {
	sim, session := server(t, "")
	for p, want := range map[string]int{
		strings.Replace(path("DynamicFormService.View"), "k3cloud", "K3Cloud", 1): 200, "/Kingdee.BOS.WebApi.ServicesStub.AuthService.ValidateUser.common.kdsvc": 403,
		"/k3cloud/other": 404, path("DynamicFormService.None"): 404, path("AuthService.None"): 404,
	} {
		c := conformance.Call{Method: "POST", Path: p, Header: map[string][]string{"Kdservice-Sessionid": {session}}}
		if rec := c.Do(sim); rec.Code != want || want == 403 && rec.Body.Len() > 0 {
			t.Errorf("%s: %d %s", p, rec.Code, rec.Body)
		}
	}
	req := httptest.NewRequest(http.MethodPost, path("AuthService.ValidateUser"), nil)
	req.ProtoMajor = 2
	rec := httptest.NewRecorder()
	sim.ServeHTTP(rec, req)
	if rec.Code != http.StatusBadGateway {
		t.Errorf("over HTTP/2: %d", rec.Code)
	}
}

func TestSessionsSlide(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	sim := kdsim.New(kdsim.Options{Now: func() time.Time { return now }})
	login := func() string {
		var got struct{ KDSVCSessionID string }
		body := ask(sim, "", "AuthService.ValidateUser", `{"acctid":"kingdee-sim-account-set","username":"orgflow","password":"kingdee-sim-password","lcid":2052}`)
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(body)
		}
		return got.KDSVCSessionID
	}
	info := func(session string) string {
		return ask(sim, session, "DynamicFormService.QueryBusinessInfo", `{"parameters":["{\"FormId\":\"X\"}"]}`)
	}
	session := login()
	for range 5 {
		now = now.Add(19 * time.Minute)
		if got := info(session); !strings.Contains(got, "业务对象不存在") {
			t.Error(got)
		}
	}
	now = now.Add(20 * time.Minute)
	if got := info(session); !strings.Contains(got, "会话信息已丢失，请重新登录") || !strings.Contains(got, `"MsgCode":1`) {
		t.Error(got)
	}
	a, b := login(), login()
	if strings.Contains(info(a), "丢失") || strings.Contains(info(b), "丢失") {
		t.Error("two sessions do not live beside each other")
	}
	if err := sim.ExpireTokens(); err != nil || !strings.Contains(info(a), "丢失") {
		t.Error("expire-tokens leaves a session")
	}
	if err := sim.SetOptions(json.RawMessage(`{"one_session": true}`)); err != nil {
		t.Fatal(err)
	}
	a, b = login(), login()
	if !strings.Contains(info(a), "丢失") || strings.Contains(info(b), "丢失") {
		t.Error("one_session keeps the first")
	}
	ask(sim, b, "AuthService.Logout", `{}`)
	if !strings.Contains(info(b), "丢失") {
		t.Error("a logout leaves the session")
	}
}

func TestShapesOfALostSession(t *testing.T) {
	const lost = `{"Result":{"ResponseStatus":{"ErrorCode":500`
	for shape, want := range map[string][3]string{
		"service": {"[[" + lost, "[" + lost, lost}, "nested": {"[[" + lost, "[[" + lost, "[[" + lost}, "list": {"[" + lost, "[" + lost, "[" + lost},
		"object": {lost, lost, lost}, "empty": {"", "", ""},
	} {
		sim, _ := server(t, `{"lost_shape": "`+shape+`"}`)
		for i, service := range []string{"ExecuteBillQuery", "BillQuery", "Save"} {
			if got := ask(sim, "none", "DynamicFormService."+service, `{}`); !strings.HasPrefix(got, want[i]) || want[i] == "" && got != "" {
				t.Errorf("%s, %s: %s", shape, service, got)
			}
		}
	}
	sim, _ := server(t, "")
	if got := ask(sim, "none", "DynamicFormService.View", `{}`); got != "" {
		t.Errorf("View without a session: %s", got)
	}
}

func TestLockout(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	sim := kdsim.New(kdsim.Options{Now: func() time.Time { return now }})
	login := func(password string) string {
		return ask(sim, "", "AuthService.ValidateUser", `{"parameters":["kingdee-sim-account-set","orgflow","`+password+`",2052]}`)
	}
	for range 4 {
		login("wrong")
	}
	if got := login("kingdee-sim-password"); !strings.Contains(got, `"LoginResultType":1`) {
		t.Errorf("after four wrong ones: %s", got)
	}
	for i := range 5 {
		if got := login("wrong"); !strings.Contains(got, `"LoginResultType":0`) {
			t.Errorf("wrong one %d: %s", i, got)
		}
	}
	if got := login("kingdee-sim-password"); !strings.Contains(got, "次数超限") {
		t.Errorf("after five: %s", got)
	}
	now = now.Add(30 * time.Minute)
	if got := login("kingdee-sim-password"); !strings.Contains(got, `"LoginResultType":1`) {
		t.Errorf("after half an hour: %s", got)
	}
}

func TestViewAndSave(t *testing.T) {
	sim, session := server(t, `{"conflict_every": 3}`)
	if got := ask(sim, session, "DynamicFormService.View", `{"parameters":["SAL_SaleOrder","{\"Number\":\"A1\"}"]}`); !strings.Contains(got, `"/Date(1768406400000)/"`) || // 2026-01-15 00:00 in China
		!strings.Contains(got, `"SaleOrderEntry":[{"Id":11`) || !strings.Contains(got, `"BillNo":"A1"`) {
		t.Errorf("View: %s", got)
	}
	save := func(model string) string {
		return ask(sim, session, "DynamicFormService.Save", `{"parameters":["SAL_SaleOrder",`+quoted(`{"Model":`+model+`}`)+`]}`)
	}
	if got := save(`{"FID":1,"FBillNo":"A1x"}`); !strings.Contains(got, `"IsSuccess":true`) {
		t.Errorf("Save: %s", got)
	}
	if got := save(`{"FBillNo":"new"}`); !strings.Contains(got, `"Id":4`) {
		t.Logf("a new bill: %s", got)
	}
	if got := save(`{"FBillNo":"conflict"}`); !strings.Contains(got, "冲突，请稍候再使用") || !strings.Contains(got, `"MsgCode":13`) {
		t.Errorf("the third: %s", got)
	}
	if got := rows(sim, session, "FBillNo,FAmount,FModifyDate", "FID = 1", "FID", ""); got != `[["A1x",10.5000000000,"2026-09-21T22:13:20"]]` {
		t.Errorf("after the change: %s", got)
	}
	ask(sim, session, "DynamicFormService.Audit", `{"parameters":["SAL_SaleOrder","{\"Ids\":\"1,2\"}"]}`)
	if got := rows(sim, session, "FDocumentStatus", "FID in (1,2)", "FID", ""); got != `[["C"],["C"]]` {
		t.Errorf("audited: %s", got)
	}
	ask(sim, session, "DynamicFormService.Delete", `{"parameters":["SAL_SaleOrder","{\"Ids\":\"1\"}"]}`)
	if got := rows(sim, session, "FBillNo", "FBillNo <> 'new'", "FID", ""); got != `[["O'B"],[""]]` {
		t.Errorf("after the deletion: %s", got)
	}
}

func TestGeneratedRows(t *testing.T) {
	sim, session := server(t, "")
	put := func(generate, more string) {
		t.Helper()
		if err := sim.PutState(json.RawMessage(`{"forms": {"SAL_SaleOrder": {"fields": [{"key": "FBillNo"}, {"key": "FModifyDate", "type": 61}, {"key": "FAmount", "type": 106}],
		  "entries": [{"key": "FE", "fields": [{"key": "FQty", "type": 106}]}], "generate": ` + generate + more + `}}}`)); err != nil {
			t.Fatal(err)
		}
	}
	const recipe = `{"count": 1000, "from": "2026-01-01", "until": "2026-01-03", "same": 7, "seed": 3}`
	put(recipe, "")
	first := rows(sim, session, "FID,FBillNo,FModifyDate,FAmount,FE_FEntryID", "", "FID", "")
	put(recipe, "")
	if again := rows(sim, session, "FID,FBillNo,FModifyDate,FAmount,FE_FEntryID", "", "FID", ""); again != first {
		t.Error("one recipe makes two kinds of rows")
	}
	day1 := strings.Count(rows(sim, session, "FID", "FModifyDate >= '2026-01-01' and FModifyDate < '2026-01-02'", "FID", ""), "[") - 1
	day2 := strings.Count(rows(sim, session, "FID", "FModifyDate >= '2026-01-02' and FModifyDate < '2026-01-03'", "FID", ""), "[") - 1
	if day1+day2 != 1000 || day1 < 300 || day2 < 300 {
		t.Errorf("%d and %d rows on the two days", day1, day2)
	}
	put(recipe, `, "rows": [{"FID": 100002, "FBillNo": "mine"}, {"FID": 7, "FBillNo": "other"}], "deleted": ["100003"]`)
	if got := rows(sim, session, "FID,FBillNo", "FID < 100005", "FID", ""); got != `[[7,"other"],[100001,"SO000001"],[100002,"mine"],[100004,"SO000004"]]` {
		t.Error(got)
	}
	if _, err := sim.Actions()["rows"](json.RawMessage(`{"form_id": "SAL_SaleOrder", "upsert": [{"FID": 100001, "FBillNo": "new"}], "delete": [100004, 7]}`)); err != nil {
		t.Fatal(err)
	}
	if got := rows(sim, session, "FID,FBillNo", "FID < 100006", "FID", ""); got != `[[100001,"new"],[100002,"mine"],[100005,"SO000005"]]` {
		t.Error(got)
	}
}

// A million rows are a recipe.
func TestAMillionRowsCostLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a million rows")
	}
	sim, session := server(t, "")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := sim.PutState(json.RawMessage(`{"forms": {"SAL_SaleOrder": {"fields": [{"key": "FBillNo"}, {"key": "FModifyDate", "type": 61}], "generate": {"count": 1000000, "from": "2024-11-21", "until": "2026-11-21"}}}}`)); err != nil {
		t.Fatal(err)
	}
	got := rows(sim, session, "FID,FBillNo,FModifyDate", "FModifyDate >= '2026-10-21' and FModifyDate < '2026-11-21'", "FID ASC", `,"StartRow":40000,"Limit":2000`)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if mb := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20; mb > 20 || strings.Count(got, "[") != 2001 {
		t.Errorf("%d MB, a page of %d rows", mb, strings.Count(got, "[")-1)
	}
}

func TestFieldsAreFoundFromRows(t *testing.T) {
	sim, session := server(t, "")
	if err := sim.PutState(json.RawMessage(`{"forms": {"X": {"rows": [{"FID": 1, "FA": 1, "FB": "a", "FC": "2026-01-01", "FD": 1.5, "FE": true, "FL": [{"FEntryID": 1, "FQ": 2}]}, {"FID": 2, "FA": 2.5, "FB": null, "FC": null}]}}}`)); err != nil {
		t.Fatal(err)
	}
	got := ask(sim, session, "DynamicFormService.QueryBusinessInfo", `{"parameters":["{\"FormId\":\"X\"}"]}`)
	for key, typ := range map[string]int{"FA": 106, "FB": 231, "FC": 61, "FD": 106, "FE": 104, "FQ": 127} {
		if !strings.Contains(got, fmt.Sprintf(`"FieldType":%d,"IsViewVisible":true,"Key":%q`, typ, key)) {
			t.Errorf("%s is not of type %d in %s", key, typ, got)
		}
	}
}

func TestStatesThatAreRefused(t *testing.T) {
	sim, session := server(t, "")
	for _, bad := range []string{
		`{"forms": {"a b": {}}}`, `{"form": {}}`, `{"forms": {"X": {"rows": [1]}}}`, `{"forms": {"X": {"rows": [{"FA": 1}]}}}`,
		`{"forms": {"X": {"fields": [{"key": "FA"}], "rows": [{"FID": 1, "FB": 1}]}}}`, `{"forms": {"X": {"fields": [{"key": "FA"}, {"key": "FA"}]}}}`,
		`{"forms": {"X": {"rows": [{"FID": 1}, {"FID": 1}]}}}`, `{"forms": {"X": {"fields": [{"key": "FD", "type": 61}], "rows": [{"FID": 1, "FD": "soon"}]}}}`,
		`{"forms": {"X": {"fields": [], "generate": {"count": -1}}}}`, `{"forms": {"X": {"fields": [], "generate": {"count": 1, "from": "2026-02-01", "until": "2026-01-01"}}}}`,
		`{"forms": {"X": {"entries": [{"key": ""}]}}}`, `{"forms": {"X": {"rows": [{"FID": 1, "FA.FName": "x"}]}}}`,
	} {
		if err := sim.PutState(json.RawMessage(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if got := rows(sim, session, "FID", "", "FID", ""); got != "[[1],[2],[3]]" {
		t.Errorf("a refused state leaves %s", got)
	}
	for _, bad := range []string{`{"lost_shape": "x"}`, `{"max_rows": 0}`, `{"nope": 1}`, `{"qps": -1}`} {
		if err := sim.SetOptions(json.RawMessage(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// What it holds survives the death of the process; sessions do not.
func TestStateSurvives(t *testing.T) {
	dir := t.TempDir()
	open := func() (*kdsim.Sim, *simctl.Host) {
		sim := kdsim.New(kdsim.Options{})
		host := simctl.NewHost(sim)
		if err := host.Persist(dir); err != nil {
			t.Fatal(err)
		}
		return sim, host
	}
	sim, host := open()
	demo := kdsim.Demo(time.Unix(1_790_000_000, 0))
	if err := sim.Put(demo); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Actions()["rows"](json.RawMessage(`{"form_id": "SAL_SaleOrder", "upsert": [{"FID": 100001, "FBillNo": "changed"}], "delete": [100002]}`)); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(sim.State())
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	again, host := open()
	got, err := json.Marshal(again.State())
	if err != nil || string(got) != string(want) {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); !slices.Equal(files, []string{filepath.Join(dir, "kingdee.journal.jsonl")}) {
		t.Error(files)
	}
}

func TestThrottling(t *testing.T) {
	sim, session := server(t, "")
	if err := sim.SetOptions(json.RawMessage(`{"qps": 2}`)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 3 {
		got = append(got, rows(sim, session, "FID", "FID = 1", "FID", ""))
	}
	if !slices.Equal(got, []string{"[[1]]", "[[1]]", "调用次数超过限制，请稍候再试"}) || sim.Desk().Requests().Throttled != 1 {
		t.Error(got)
	}
}
