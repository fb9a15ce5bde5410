package dtsim_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRouting(t *testing.T) {
	w := newWorld(t, "")
	a := w.do("POST", "/topapi/v2/user/notexist", "{}")
	if a.status != 200 || a.text("errcode") != "22" || a.text("sub_msg") != "不合法ApiName，ApiName = dingtalk.oapi.v2.user.notexist" {
		t.Errorf("§13 unknown topapi path: %s", a.body)
	}
	if a = w.do("GET", "/user/nothing", ""); a.status != 200 || a.text("errcode") != "404" || a.text("request_id") != "" {
		t.Errorf("§13 unknown URI: %s", a.body)
	}
	if a = w.do("POST", "/v1.0/nothing", "{}"); a.status != 404 || a.text("code") != "InvalidAction.NotFound" || a.text("errcode") != "" {
		t.Errorf("§13 unknown new path: %d %s", a.status, a.body)
	}
}

func TestEnvelopes(t *testing.T) {
	w := newWorld(t, "")
	a := w.must("/v2/department/listsub", `{}`)
	if a.text("errmsg") != "ok" || a.text("result") != "[]" || !regexp.MustCompile(`^[0-9a-z]{12,13}$`).MatchString(a.text("request_id")) {
		t.Errorf("§1.1 success: %s", a.body)
	}
	a = w.do("POST", "/topapi/v2/department/get?access_token=bad", `{"dept_id":1}`)
	if a.text("errcode") != "88" || a.fields["sub_code"] != "40014" || a.text("errmsg") != "ding talk error[subcode=40014,submsg=不合法的access_token]" {
		t.Errorf("§1.1 wrapped, sub_code a string: %s", a.body)
	}
	if a = w.call("/v2/user/get", `{"userid":"x"}`); a.text("errcode") != "60121" || a.text("sub_code") != "" {
		t.Errorf("§1.1 business error: %s", a.body)
	}
	if a = w.do("GET", "/auth/scopes?access_token=bad", ""); a.text("errcode") != "40014" {
		t.Errorf("§1.1 bare outside topapi: %s", a.body)
	}
	if a = w.call("/v2/department/update", `{"dept_id":`+w.dept("A", 1)+`}`); strings.Contains(a.body, "result") {
		t.Errorf("§4.1 update has no result: %s", a.body)
	}
	a = w.do("POST", "/topapi/v2/department/create?access_token="+w.token, "name=B&parent_id=1&hide_dept=true", "Content-Type", "application/x-www-form-urlencoded")
	if a.code() != "0" {
		t.Errorf("§1 form body: %s", a.body)
	}
}

func TestGetToken(t *testing.T) {
	w := newWorld(t, "")
	for query, want := range map[string]string{
		"appkey=dingsim-app&appsecret=wrong": "40096", "appkey=other&appsecret=dingsim-secret": "40096",
		"": "40035", "corpid=c&corpsecret=s": "40089", "appkey=dingsim-app&appsecret=dingsim-secret": "0",
	} {
		if a := w.do("GET", "/gettoken?"+query, ""); a.text("errcode") != want {
			t.Errorf("§2.1 %s: %s, want %s", query, a.body, want)
		}
	}
	if a := w.do("GET", "/gettoken", "appkey=dingsim-app&appsecret=dingsim-secret", "Content-Type", "application/x-www-form-urlencoded"); a.text("errcode") != "40035" {
		t.Errorf("§1 parameters in the body: %s", a.body)
	}
	a := w.do("POST", "/v1.0/oauth2/accessToken", `{"appKey":"dingsim-app","appSecret":"dingsim-secret"}`)
	if a.text("accessToken") != w.token || a.text("expireIn") != "7200" {
		t.Errorf("§2.2, §2.4 one token for both hosts: %s", a.body)
	}
	for _, c := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"accessToken", `{"appKey":"dingsim-app","appSecret":"x"}`, 400, "invalidClientIdOrSecret"},
		{"accessToken", ``, 400, "Missingbody"},
		{"accessToken", `{"appSecret":"x"}`, 400, "MissingappKey"},
		{"corp/token", `{"client_id":"dingsim-app","client_secret":"dingsim-secret","grant_type":"client_credentials"}`, 200, ""},
		{"corp/token", `{"client_id":"dingsim-app","client_secret":"dingsim-secret","grant_type":"x"}`, 400, "unsupported.grant.type"},
		{"corp/token", `{"client_id":"x","client_secret":"x","grant_type":"client_credentials"}`, 400, "invalid.client"},
		{"corp/token", `{"client_id":"dingsim-app","client_secret":"x","grant_type":"client_credentials"}`, 401, "unauthorized.client"},
	} {
		if a := w.do("POST", "/v1.0/oauth2/"+c.path, c.body); a.status != c.status || a.text("code") != c.code {
			t.Errorf("§2.2, §2.3 %s %s: %d %s", c.path, c.body, a.status, a.body)
		}
	}
	w.options(`{"corp_id":"ding1"}`)
	if a := w.do("POST", "/v1.0/oauth2/corp/token", `{"grant_type":"client_credentials"}`); a.status != 500 || a.text("code") != "unknownError" {
		t.Errorf("§2.3 bad corpId: %s", a.body)
	}
}

func TestTokenLife(t *testing.T) {
	w := newWorld(t, `{"token_seconds":100}`)
	first := w.token
	w.clock.Pass(99 * time.Second)
	if w.login() != first {
		t.Error("§2.1 inside its life the token changed")
	}
	w.clock.Pass(99 * time.Second) // the repetition renewed it
	if got := w.call("/v2/department/listsub", "{}").code(); got != "0" {
		t.Errorf("§2.1 the renewed token answers %s", got)
	}
	w.clock.Pass(time.Second)
	if got := w.call("/v2/department/listsub", "{}").code(); got != "40014" {
		t.Errorf("§2.1 an expired token answers %s", got)
	}
	w.options(`{"expired_code":42001}`)
	if got := w.call("/v2/department/listsub", "{}").code(); got != "42001" {
		t.Errorf("§13 with the switch it answers %s", got)
	}
	if w.token = w.login(); w.token == first {
		t.Error("§2.1 after its life the token is the same")
	}
	if code, _ := w.control("POST", "expire-tokens", ""); code != 200 {
		t.Fatal("expire-tokens failed")
	}
	if got := w.call("/v2/department/listsub", "{}").code(); got != "42001" {
		t.Errorf("expired by hand it answers %s", got)
	}
	if !strings.Contains(w.state(), `"tokens_issued":2`) {
		t.Error("two tokens were issued")
	}
}

// TestCheckOrder lets each check of § 13 fail together with all after it.
func TestCheckOrder(t *testing.T) {
	w := newWorld(t, `{"qps":1,"denied_ip":true,"missing_permissions":["qyapi_get_department_list"]}`)
	bad := func(token string) string {
		return w.do("POST", "/topapi/v2/department/get?access_token="+token, `{"dept_id":"x"}`).code()
	}
	steps := []struct{ name, options, token, want string }{
		{"blank token", "", "", "40000"}, {"unknown token", "", "nope", "40014"}, {"IP", "", w.token, "60020"},
		{"permission", `{"denied_ip":false}`, w.token, "60011"},
		{"platform throttle", `{"missing_permissions":[],"platform_throttle":true}`, w.token, "90002"},
		{"first within the rate: arguments", `{"platform_throttle":false}`, w.token, "41"},
		{"throttle", "", w.token, "90018"},
		{"business", `{"qps":0}`, w.token, "41"},
	}
	for _, s := range steps {
		if s.options != "" {
			w.options(s.options)
		}
		if got := bad(s.token); got != s.want {
			t.Errorf("%s answered %s, want %s", s.name, got, s.want)
		}
	}
	w.options(`{"ip_ban":"html"}`)
	if a := w.do("POST", "/topapi/v2/department/get", "{}"); a.status != 200 || a.fields != nil || !strings.HasPrefix(a.kind, "text/html") {
		t.Errorf("§10.3 ban page: %s", a.body)
	}
	w.options(`{"ip_ban":"json"}`)
	if a := w.do("GET", "/gettoken", ""); a.text("status") != "1111" || a.text("punish") != "deny" || a.text("errcode") != "" {
		t.Errorf("§10.3 ban as JSON: %s", a.body)
	}
}

func TestThrottle(t *testing.T) {
	w := newWorld(t, `{"qps":20}`)
	call := func(path string) string { return w.call(path, "{}").code() }
	for i := range 20 {
		if got := call("/v2/department/listsub"); got != "0" {
			t.Fatalf("§11 call %d answers %s", i+1, got)
		}
		w.clock.Pass(10 * time.Millisecond)
	}
	a := w.call("/v2/department/listsub", "{}")
	if a.text("errcode") != "88" || a.text("sub_code") != "90018" {
		t.Errorf("§10.1 the 21st in a second: %s", a.body)
	}
	if got := call("/user/listadmin"); got != "0" {
		t.Errorf("§13 another path has its own limit: %s", got)
	}
	w.clock.Pass(800 * time.Millisecond) // the first call is a second ago
	if got := call("/v2/department/listsub"); got != "0" {
		t.Errorf("§11 the window moves on: %s", got)
	}
	if got := call("/v2/department/listsub"); got != "90018" {
		t.Errorf("§11 only one call has left the window: %s", got)
	}
	if r := w.sim.Desk().Requests(); r.Throttled != 2 || r.Rejected != 2 {
		t.Errorf("%d throttled, %d rejected", r.Throttled, r.Rejected)
	}
	w.clock.Pass(time.Second)
	w.options(`{"qps":0,"qps_per_app":2}`)
	if got := call("/v2/department/listsub") + call("/user/listadmin") + call("/user/listadmin"); got != "0090018" {
		t.Errorf("§11 all paths together: %s", got)
	}
}

func TestThrottleAsBucket(t *testing.T) {
	w := newWorld(t, `{"qps":10,"throttle_mode":"bucket"}`)
	ok := func(n int) (got int) {
		for range n {
			if w.call("/user/listadmin", "").code() == "0" {
				got++
			}
		}
		return got
	}
	if got := ok(15); got != 10 {
		t.Errorf("§13 a full bucket lets %d pass, want 10", got)
	}
	w.clock.Pass(300 * time.Millisecond)
	if got := ok(15); got != 3 {
		t.Errorf("§13 after 0.3 s it lets %d pass, want 3", got)
	}
}

func TestPlatformThrottleNamesTheReleaseTime(t *testing.T) {
	w := newWorld(t, `{"platform_throttle":true}`)
	a := w.call("/v2/department/listsub", "{}")
	if !strings.Contains(a.text("sub_msg"), "apiPath(dingtalk.oapi.v2.department.listsub)") || !strings.Contains(a.text("sub_msg"), "限制将在 2026-03-02 10:00:01 结束") {
		t.Errorf("§10.1 %s", a.body)
	}
}

func TestScope(t *testing.T) {
	w := newWorld(t, "")
	in, out := w.dept("内", 1), w.dept("外", 1)
	below := w.dept("下", in)
	w.user("E1", 1, below)
	w.user("E2", 2, out)
	w.user("E3", 3, out+","+below)
	w.options(`{"scope_departments":[` + in + `]}`)
	for _, c := range []struct{ path, body, want string }{
		{"/v2/department/get", `{"dept_id":` + below + `}`, "0"},
		{"/v2/department/get", `{"dept_id":` + out + `}`, "50004"},
		{"/v2/department/listsub", `{}`, "50004"},
		{"/v2/department/listsubid", `{"dept_id":1}`, "0"},
		{"/v2/department/listparentbydept", `{"dept_id":` + out + `}`, "0"},
		{"/v2/department/listparentbyuser", `{"userid":"E2"}`, "0"},
		{"/v2/user/get", `{"userid":"E1"}`, "0"},
		{"/v2/user/get", `{"userid":"E2"}`, "50002"},
		{"/v2/user/get", `{"userid":"E3"}`, "0"},
		{"/v2/user/list", `{"dept_id":` + out + `,"cursor":0,"size":10}`, "50004"},
		{"/user/listid", `{"dept_id":` + out + `}`, "0"},
		{"/v2/user/update", `{"userid":"E2","title":"x"}`, "50002"},
		{"/v2/user/delete", `{"userid":"E2"}`, "50002"},
		{"/v2/department/create", `{"name":"新","parent_id":1}`, "50004"},
		{"/v2/department/create", `{"name":"新","parent_id":` + below + `}`, "0"},
	} {
		if got := w.call(c.path, c.body).code(); got != c.want {
			t.Errorf("§0 no. 16: %s %s answered %s, want %s", c.path, c.body, got, c.want)
		}
	}
	a := w.do("GET", "/auth/scopes?access_token="+w.token, "")
	if a.text("auth_org_scopes.authed_dept") != "["+in+"]" {
		t.Errorf("§2.5 %s", a.body)
	}
	w.options(`{"scope_departments":[]}`)
	if a := w.do("GET", "/auth/scopes?access_token="+w.token, ""); a.text("auth_org_scopes.authed_dept") != "[1]" {
		t.Errorf("§2.5 the whole organisation: %s", a.body)
	}
}

func TestFieldPermissions(t *testing.T) {
	w := newWorld(t, `{"missing_permissions":["企业员工手机号信息","邮箱等个人信息"]}`)
	w.must("/v2/user/create", `{"userid":"E1","name":"甲","mobile":"10000000001","dept_id_list":"1","email":"e1@example.com","remark":"r","extension":"{\"a\":\"b\"}"}`)
	a := w.must("/v2/user/get", `{"userid":"E1"}`)
	for _, f := range []string{"mobile", "email", "remark", "extension"} {
		if strings.Contains(a.body, `"`+f+`"`) {
			t.Errorf("§2.6 %s is there without its permission", f)
		}
	}
}

func TestInjectedCodesComeInTheirEnvelope(t *testing.T) {
	w := newWorld(t, "")
	if code, body := w.control("POST", "faults", `[{"path":"/topapi/v2/user/get","errcode":90018,"times":1},{"path":"/topapi/v2/user/get","errcode":-1,"times":1},
		{"path":"/topapi/v2/user/get","errcode":90002,"times":1},{"path":"/v1.0/*","errcode":90018,"times":1},{"path":"/v1.0/*","errcode":"systemError"},{"path":"/auth/scopes","errcode":40014}]`); code != 200 {
		t.Fatal(body)
	}
	for _, want := range []string{"88/90018", "-1/", "88/90002", "60121/"} {
		if a := w.call("/v2/user/get", `{"userid":"E1"}`); a.text("errcode")+"/"+a.text("sub_code") != want {
			t.Errorf("answered %s, want %s", a.body, want)
		}
	}
	if a := w.do("POST", "/v1.0/oauth2/accessToken", "{}"); a.status != 403 || !strings.Contains(a.text("code"), "QpsLimit") {
		t.Errorf("new family: %d %s", a.status, a.body)
	}
	if a := w.do("POST", "/v1.0/oauth2/accessToken", "{}"); a.status != 500 || a.text("code") != "systemError" {
		t.Errorf("new family, its own code: %d %s", a.status, a.body)
	}
	if a := w.do("GET", "/auth/scopes?access_token="+w.token, ""); a.text("errcode") != "40014" {
		t.Errorf("bare: %s", a.body)
	}
}
