package dtsim_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
)

// old makes an authorised call of v1: a GET without a body.
func (w *world) old(path, body string) answer {
	w.t.Helper()
	method, sep := "GET", "?"
	if body != "" {
		method = "POST"
	}
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return w.do(method, path+sep+"access_token="+w.token, body)
}

func (w *world) oldMust(path, body string) answer {
	w.t.Helper()
	a := w.old(path, body)
	if a.code() != "0" {
		w.t.Fatalf("%s %s: %s", path, body, a.body)
	}
	return a
}

// v1 shows the organisation in the shapes of § 3: payloads at the top level,
// lists joined by |, maps as texts with unquoted keys.
func TestV1Shapes(t *testing.T) {
	w := newWorld(t, "")
	w.must("/v2/department/create", `{"name":"别处","parent_id":1}`)
	id := w.oldMust("/department/create", `{"name":"研发","parentid":"1","order":"7","createDeptGroup":true,"deptHiding":true,"userPermits":"E2|E3","sourceIdentifier":"k","autoAddUser":true}`).text("id")
	w.oldMust("/user/create", fmt.Sprintf(`{"userid":"E1","name":"测试","mobile":%q,"department":[%s],"orderInDepts":"{%s:176362815343598512}","position":"工程师","tel":"010-1","jobnumber":"7","isHide":true,"extattr":{"爱好":"旅游"},"hiredDate":1597573616828,"workPlace":"A"}`, mobile(1), id, id))
	w.oldMust("/user/create", fmt.Sprintf(`{"userid":"E2","name":"测试","mobile":%q,"department":"[%s,1]","extattr":"{\"年龄\":\"24\"}","managerUserid":"E1"}`, mobile(2), id))
	if got := w.oldMust("/department/update", `{"id":`+id+`,"deptManagerUseridList":"E1|E2","orgDeptOwner":"E1"}`).text("id"); got != id {
		t.Errorf("updated %s", got)
	}

	for path, want := range map[string]map[string]string{
		"/department/get?id=" + id: {
			"id": id, "name": "研发", "parentid": "1", "order": "7", "sourceIdentifier": "k", "createDeptGroup": "true", "autoAddUser": "false", "deptHiding": "true",
			"userPermits": "E2|E3", "deptPermits": "", "deptManagerUseridList": "E1|E2", "orgDeptOwner": "E1", "outerPermitUsers": "", "request_id": "", "result": "",
		},
		"/department/list?id=1":                                {"department.0.name": "研发", "department.0.parentid": "1", "department.0.sourceIdentifier": "k", "department.1.name": "别处", "department.2": ""},
		"/department/list_ids?id=1":                            {"sub_dept_id_list.0": id},
		"/department/list_parent_depts_by_dept?id=" + id:       {"parentIds": "[" + id + ",1]"},
		"/department/list_parent_depts?userId=E1":              {"department": "[[" + id + ",1]]"},
		"/user/get_by_mobile?mobile=" + mobile(1):              {"userid": "E1"},
		"/user/get_org_user_count?onlyActive=0":                {"count": "2"},
		"/user/getDeptMember?deptId=" + id:                     {"userIds": `["E1","E2"]`},
		"/user/simplelist?department_id=" + id:                 {"userlist.0.userid": "E1", "hasMore": "false", "next_cursor": ""},
		"/user/listbypage?size=1&offset=0&department_id=" + id: {"userlist.0.userid": "E1", "userlist.0.isLeader": "true", "userlist.0.order": "176362815343598512", "userlist.0.position": "工程师", "hasMore": "true", "userlist.0.leader": ""},
		"/user/listbypage?size=1&offset=1&department_id=" + id: {"userlist.0.userid": "E2", "hasMore": "false"},
		"/user/get?userid=E1": {
			"userid": "E1", "position": "工程师", "tel": "010-1", "jobnumber": "7", "isHide": "true", "active": "false", "department": "[" + id + "]", "hiredDate": "1597573616828",
			"orderInDepts": "{" + id + ":176362815343598512}", "isLeaderInDepts": "{" + id + ":true}", "extattr.爱好": "旅游", "stateCode": "86", "workPlace": "A", "title": "",
		},
		"/user/get?userid=E2": {"managerUserid": "E1", "extattr.年龄": "24", "department": "[" + id + ",1]"},
	} {
		a := w.oldMust(path, "")
		for name, value := range want {
			if got := a.text(name); got != value {
				t.Errorf("%s: %s is %q, want %q in %s", path, name, got, value, a.body)
			}
		}
	}
}

func TestV1ListsBelowOnlyWhenAsked(t *testing.T) {
	w := newWorld(t, "")
	rd := w.dept("研发", 1)
	w.dept("组", rd)
	if a := w.oldMust("/department/list", ""); a.text("department.0.name") != "研发" || a.text("department.1") != "" {
		t.Errorf("direct: %s", a.body)
	}
	if a := w.oldMust("/department/list?fetch_child=true", ""); a.text("department.1.name") != "组" {
		t.Errorf("all: %s", a.body)
	}
}

// Refusals are bare, never wrapped in 88, with the limits of § 3.
func TestV1Refusals(t *testing.T) {
	w := newWorld(t, "")
	w.user("E1", 1, "1")
	w.user("E2", 2, "1")
	long := func(n int) string { return strings.Repeat("长", n) }
	create := func(fields string) string {
		return `{"userid":"E9","name":"测试","mobile":"` + mobile(9) + `","department":[1]` + fields + `}`
	}
	for i, c := range []struct{ path, body, code string }{
		{"/department/create", `{"name":"A"}`, "40035"},
		{"/department/create", `{"name":"A-B","parentid":"1"}`, "60009"},
		{"/department/create", `{"name":"A","parentid":"99"}`, "60004"},
		{"/department/create", `{"name":"A","parentid":"1","deptPermits":[1]}`, "40035"},
		{"/department/create", `{"name":"A","parentid":"1","userPermits":"` + strings.TrimSuffix(strings.Repeat("u|", 201), "|") + `"}`, "600109"},
		{"/department/create", `x`, "43009"},
		{"/department/get?id=99", "", "60003"},
		{"/department/delete?id=1", "", "60007"},
		{"/user/create", create(`,"x":1`), "0"},
		{"/user/create", create(``), "60102"},
		{"/user/create", `{"name":"A","mobile":"10000000010"}`, "40035"},
		{"/user/create", `{"name":"A","mobile":"10000000010","department":"1,2"}`, "40025"},
		{"/user/create", `{"name":"A","mobile":"` + mobile(1) + `","department":[1]}`, "60104"},
		{"/user/update", `{"userid":"E1","name":"` + long(65) + `"}`, "60112"},
		{"/user/update", `{"userid":"E1","name":"` + long(64) + `"}`, "0"},
		{"/user/update", `{"userid":"E1","position":"` + long(65) + `"}`, "40067"},
		{"/user/update", `{"userid":"E1","workPlace":"` + long(51) + `"}`, "40064"},
		{"/user/update", `{"userid":"E1","remark":"` + long(1001) + `"}`, "40065"},
		{"/user/update", `{"userid":"E1","jobnumber":"` + long(64) + `"}`, "0"},
		{"/user/update", `{"userid":"E1","orderInDepts":"1:1"}`, "40035"},
		{"/user/update", `{"userid":"E1","orderInDepts":{"1":1}}`, "40035"},
		{"/user/update", `{"userid":"E1","extattr":[1]}`, "40035"},
		{"/user/update", `{"userid":"E0","name":"A"}`, "60121"},
		{"/user/get?userid=E0", "", "60121"},
		{"/user/delete?userid=E0", "", "60121"},
		{"/user/listbypage?department_id=1&offset=0&size=101", "", "40035"},
		{"/user/get_by_mobile?mobile=x", "", "40104"},
		{"/user/get_org_user_count?onlyActive=2", "", "40035"},
		{"/user/nothing", "", "404"},
		{"/user/get", `{"userid":"E1"}`, "404"}, // a GET is no POST
	} {
		a := w.old(c.path, c.body)
		if a.code() != c.code || a.status != 200 || a.text("sub_code") != "" {
			t.Errorf("%d %s %s: %d %s, want %s", i, c.path, c.body, a.status, a.body, c.code)
		}
	}
	if a := w.do("GET", "/user/get?userid=E1&access_token=x", ""); a.text("errcode") != "40014" {
		t.Errorf("a wrong token: %s", a.body)
	}
}

// Both families accept a token of either call (§ 2.4); v1 needs a permission
// that no new application gets (§ 0).
func TestV1PermissionAndTokens(t *testing.T) {
	w := newWorld(t, "")
	w.token = w.do("POST", "/v1.0/oauth2/accessToken", `{"appKey":"dingsim-app","appSecret":"dingsim-secret"}`).text("accessToken")
	w.oldMust("/department/get?id=1", "")
	w.must("/v2/department/get", `{"dept_id":1}`)
	w.options(`{"v1": false}`)
	if a := w.old("/department/get?id=1", ""); a.text("errcode") != "60011" {
		t.Errorf("without the permission: %s", a.body)
	}
	w.must("/v2/department/get", `{"dept_id":1}`)
	w.options(`{"v1": true, "missing_permissions": ["qyapi_get_member"]}`)
	if a := w.old("/user/get?userid=E1", ""); a.text("errcode") != "60011" {
		t.Errorf("without a permission of both: %s", a.body)
	}
}

// Who has not logged in yet could get another number (§ 5.1); an update
// without custom attributes keeps them, one with some replaces all (§ 3.4).
func TestV1Update(t *testing.T) {
	w := newWorld(t, `{"protected_mobiles": ["`+mobile(7)+`"]}`)
	w.user("E1", 1, "1")
	w.oldMust("/user/update", `{"userid":"E1","extattr":{"a":"1","b":"2"},"managerUserid":"E1"}`)
	w.oldMust("/user/update", `{"userid":"E1","position":"x"}`)
	if a := w.oldMust("/user/get?userid=E1", ""); a.text("extattr") != `{"a":"1","b":"2"}` {
		t.Errorf("kept: %s", a.body)
	}
	w.oldMust("/user/update", `{"userid":"E1","extattr":{"b":"3"},"managerUserid":"","mobile":"`+mobile(3)+`"}`)
	if a := w.oldMust("/user/get?userid=E1", ""); a.text("extattr") != `{"b":"3"}` || a.text("managerUserid") != "" || a.text("mobile") != mobile(3) {
		t.Errorf("replaced: %s", a.body)
	}
	if a := w.old("/user/create", `{"userid":"E7","name":"测试","mobile":"`+mobile(7)+`","department":[1]}`); a.code() != "40103" {
		t.Errorf("invited: %s", a.body)
	}
	if code, body := w.control("POST", "accept", `{"userid":"E7"}`); code != 200 {
		t.Fatalf("accept: %s", body)
	}
	if a := w.old("/user/update", `{"userid":"E7","mobile":"`+mobile(8)+`"}`); a.code() != "40022" {
		t.Errorf("who has logged in: %s", a.body)
	}
}

// Whatever is sent, the answer is JSON with an errcode, and nobody panics.
func FuzzV1(f *testing.F) {
	f.Add("/user/create", `{"userid":"E1","name":"测试","mobile":"10000000001","department":[1],"orderInDepts":"{1:2}","extattr":{"a":1}}`, "")
	f.Add("/department/update", `{"id":1,"deptManagerUseridList":"a|b"}`, "")
	f.Add("/user/listbypage", ``, "department_id=1&offset=0&size=1")
	f.Add("/department/list", ``, "id=x&fetch_child=true")
	sim := dtsim.New(dtsim.Options{})
	if err := sim.SetOptions(json.RawMessage(`{"qps": 0}`)); err != nil {
		f.Fatal(err)
	}
	ask := func(method, target, body string) map[string]any {
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
		rec := httptest.NewRecorder()
		sim.ServeHTTP(rec, r)
		var out map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			f.Fatalf("%s: %s", target, rec.Body)
		}
		return out
	}
	token, _ := ask("GET", "/gettoken?appkey=dingsim-app&appsecret=dingsim-secret", "")["access_token"].(string)
	f.Fuzz(func(t *testing.T, path, body, query string) {
		method := "POST"
		if body == "" {
			method = "GET"
		}
		if strings.HasPrefix(path, "/v1.0/") || strings.Contains(path, "?") {
			return // the other family's answers
		}
		if _, ok := ask(method, path+"?access_token="+token+"&"+query, body)["errcode"]; !ok {
			t.Fatalf("%s %s: no errcode", path, body)
		}
	})
}
