package wcsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/connectors/simctl"
)

func TestDepartmentRules(t *testing.T) {
	c := newCaller(t, "")
	c.expect(
		`POST department/create {"name":"甲","parentid":1,"id":10}`, 0,
		`POST department/create {"name":"乙","parentid":1,"id":10}`, 60008,
		`POST department/create {"name":"甲","parentid":1}`, 60008,
		`POST department/create {"name":"丙","parentid":99}`, 60004,
		`POST department/create {"name":"a|b","parentid":1}`, 60009,
		`POST department/create {"name":"","parentid":1}`, 60001,
		`POST department/create {"name":"`+strings.Repeat("长", 65)+`","parentid":1}`, 60001,
		`POST department/create {"name":"丁","parentid":1,"id":1}`, 60123,
		`POST department/create {"name":"子","parentid":10,"id":11}`, 0,
		`POST department/update {"id":10,"parentid":11}`, 60010,
		`POST department/update {"id":99,"name":"x"}`, 60003,
		`POST department/update {"id":11,"parentid":1,"name":"甲"}`, 60008,
		`GET department/delete id=1`, 60007, `GET department/delete id=10`, 60006, `GET department/delete id=99`, 60003,
		`POST user/create {"userid":"e1","name":"x","mobile":"10000000001","department":[11]}`, 0,
		`GET department/delete id=11`, 60005, `GET user/delete userid=E1`, 0, `GET department/delete id=11`, 0,
	)
	parent := 10
	for level := 3; level <= 16; level++ {
		want := 0
		if level > 15 {
			want = 81002
		}
		c.expect(fmt.Sprintf(`POST department/create {"name":"层","parentid":%d,"id":%d}`, parent, 100+level), want)
		parent = 100 + level
	}
	if got := c.post("department/create", `{"name":"自动","parentid":1}`); got["id"] != 116.0 || got["errmsg"] != "created" {
		t.Errorf("an id that WeCom chose: %v", got)
	}
}

func TestMemberRules(t *testing.T) {
	c := newCaller(t, `{"ext_attrs": ["工号"], "account_cap": 2, "creator": "BOSS"}`)
	c.expect(
		`POST user/create {"userid":"E1","name":"甲","mobile":"10000000001","department":[1],"extattr":{"attrs":[{"type":0,"name":"工号","text":{"value":"1"}},{"type":0,"name":"别","text":{"value":"2"}}]}}`, 0,
		`POST user/create {"userid":"e1","name":"甲","mobile":"10000000002","department":[1]}`, 60102,
		`POST user/create {"userid":"_1","name":"甲","mobile":"10000000002","department":[1]}`, 40003,
		`POST user/create {"userid":"E2","name":"甲","mobile":"10000000001","department":[1]}`, 60104,
		`POST user/create {"userid":"E2","name":"甲","mobile":"+86 1","department":[1]}`, 60103,
		`POST user/create {"userid":"E2","name":"甲","department":[1]}`, 60129,
		`POST user/create {"userid":"E2","name":"甲","mobile":"10000000002"}`, 60127,
		`POST user/create {"userid":"E2","name":"甲","mobile":"10000000002","department":"1"}`, 41019,
		`POST user/create {"userid":"E2","name":"甲","mobile":"10000000002","department":[9]}`, 60003,
		`POST user/create {"userid":"E2","name":"甲","mobile":"10000000002","department":[1],"is_leader_in_dept":[1,0]}`, 60132,
		`POST user/create {"userid":"BOSS","name":"甲","email":"boss@example.com","department":[1]}`, 0,
		`POST user/create {"userid":"E3","name":"甲","mobile":"10000000003","department":[1]}`, 45024,
		`POST user/update {"userid":"E1","email":"BOSS@example.com"}`, 60106,
		`POST user/update {"userid":"E1","position":"`+strings.Repeat("x", 129)+`"}`, 301012,
		`POST user/update {"userid":"E1","telephone":"x"}`, 301013,
		`POST user/update {"userid":"E1","new_userid":"E9"}`, 301036,
		`POST user/update {"userid":"E9","name":"x"}`, 60111,
		`GET user/delete userid=BOSS`, 301005,
		`POST user/batchdelete {"useridlist":["E1","E9"]}`, 60111,
		`POST user/batchdelete {"useridlist":[]}`, 40031,
	)
	got := c.post("user/update", `{"userid":"e1","department":"1","position":"工程师"}`)
	u := c.get("user/get", "userid=E1")
	if !strings.Contains(got["errmsg"].(string), "Warning") || u["position"] != "工程师" {
		t.Errorf("a wrong type: %v, %v", got, u)
	}
	if d := cmp.Diff(object{"attrs": []any{object{"name": "工号", "text": object{"value": "1"}, "type": 0.0}}}, u["extattr"]); d != "" {
		t.Error(d)
	}
	if _, err := c.sim.Actions()["activate"](json.RawMessage(`{"userid":"E1"}`)); err != nil {
		t.Fatal(err)
	}
	c.expect(`POST user/update {"userid":"E1","mobile":"10000000009"}`, 0)
	if u := c.get("user/get", "userid=E1"); u["mobile"] != "10000000001" || u["status"] != 1.0 {
		t.Errorf("activated: %v", u)
	}
}

func TestMembershipsByPage(t *testing.T) {
	c := newCaller(t, `{"list_id_page": 2}`)
	c.expect(`POST department/create {"name":"甲","parentid":1,"id":2}`, 0,
		`POST user/create {"userid":"E1","name":"甲","mobile":"10000000001","department":[1,2]}`, 0,
		`POST user/create {"userid":"E2","name":"甲","mobile":"10000000002","department":[1]}`, 0)
	var rows []any
	for cursor := ""; ; {
		got := c.post("user/list_id", `{"cursor":"`+cursor+`","limit":10000}`)
		rows = append(rows, got["dept_user"].([]any)...)
		if cursor = got["next_cursor"].(string); cursor == "" {
			break
		}
	}
	want := []any{object{"userid": "E1", "department": 1.0}, object{"userid": "E2", "department": 1.0}, object{"userid": "E1", "department": 2.0}}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
	c.options(`{"list_max": 1}`)
	c.expect("GET user/list department_id=1", 45029, "GET user/list department_id=2", 0)
}

func TestImportRules(t *testing.T) {
	c := newCaller(t, `{"job_seconds": 10}`)
	upload := func(csv string) string {
		var body bytes.Buffer
		fmt.Fprintf(&body, "--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"x.csv\"; filelength=%d\r\n\r\n%s\r\n--b--\r\n", len(csv), csv)
		r := httptest.NewRequest(http.MethodPost, "/cgi-bin/media/upload?type=file&access_token="+url.QueryEscape(c.token), &body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		got := c.send(r)
		if _, isText := got["created_at"].(string); !isText {
			t.Errorf("upload: %v", got)
		}
		return got["media_id"].(string)
	}
	people := upload("\ufeff姓名,帐号,手机号,邮箱,所在部门,职位,性别,是否部门内领导,排序,别名,地址,座机,禁用,禁用项说明：(0-启用;1-禁用)\n甲,E1,10000000001,,77,,,,,,,,1,\n乙,E2,1,,1,,,,,,,,,\n")
	job := c.post("batch/syncuser", `{"media_id":"`+people+`"}`)["jobid"].(string)
	c.expect(`POST batch/replaceparty {"media_id":"`+people+`"}`, 302008, "GET user/get userid=E1", 60111)
	if got := c.get("batch/getresult", "jobid="+job); got["status"] != 2.0 || len(got["result"].([]any)) != 0 {
		t.Errorf("running: %v", got)
	}
	c.clock.Pass(10 * time.Second)
	got := c.get("batch/getresult", "jobid="+job)
	lines := got["result"].([]any)
	if got["status"] != 3.0 || got["type"] != "sync_user" || len(lines) != 2 || lines[0].(object)["errcode"] != 0.0 || lines[1].(object)["errcode"] != 60129.0 && lines[1].(object)["errcode"] != 0.0 {
		t.Errorf("done: %v", got)
	}
	u := c.get("user/get", "userid=E1")
	if place := c.get("department/get", "id=77"); u["status"] != 2.0 || code(place) != 0 {
		t.Errorf("%v; an unknown department is created: %v", u, place)
	}
	c.expect(`POST batch/replaceuser {"media_id":"`+upload("姓名,帐号\n丙,E9\n")+`"}`, 45026, `POST batch/syncuser {"media_id":"nobody's"}`, 40092)
}

// A restart finds everything, tokens and jobs included.
func TestStateSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	c := newCaller(t, "")
	host := simctl.NewHost(c.sim)
	if err := host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	c.login("wecomsim-contacts")
	c.expect(`POST department/create {"name":"甲","parentid":1,"id":2}`, 0,
		`POST department/create {"name":"乙","parentid":1,"id":3}`, 0, `GET department/delete id=3`, 0,
		`POST user/create {"userid":"E1","name":"甲","mobile":"10000000001","department":[1,2]}`, 0)
	want := c.sim.State()
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	next := newCaller(t, "")
	again := simctl.NewHost(next.sim)
	if err := again.Persist(dir); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if d := cmp.Diff(want, next.sim.State()); d != "" {
		t.Error(d)
	}
	next.token = c.token
	next.expect("GET user/get userid=E1", 0)
	if files, _ := filepath.Glob(filepath.Join(dir, "wecom*")); len(files) != 1 {
		t.Errorf("files %v", files)
	}
	raw, err := json.Marshal(next.sim.State())
	if err != nil {
		t.Fatal(err)
	}
	fresh := New(Options{})
	if err := fresh.PutState(raw); err == nil {
		if d := cmp.Diff(next.sim.State().(State).Users, fresh.State().(State).Users); d != "" {
			t.Error(d)
		}
	} else {
		t.Error(err)
	}
	for _, bad := range []string{`{"departments":[{"id":5,"name":"x","parentid":9}]}`, `{"users":[{"userid":"E1","department":[9]}]}`, `{"x":1}`,
		`{"departments":[{"id":5,"name":"x","parentid":6},{"id":6,"name":"x","parentid":5}]}`} {
		if err := fresh.PutState(json.RawMessage(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if err := fresh.SetOptions(json.RawMessage(`{"details": "some"}`)); err == nil {
		t.Error("an unknown mode was taken")
	}
	if err := fresh.Reset(); err != nil || len(fresh.State().(State).Users) != 0 {
		t.Error("a reset leaves people")
	}
}
