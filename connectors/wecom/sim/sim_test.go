package wcsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/connectors/simctl"
)

type object = map[string]any

// caller speaks the vendor's wire format to a simulator.
type caller struct {
	t     *testing.T
	sim   *Sim
	mu    sync.Mutex
	at    time.Time
	token string
	last  http.Header
}

func newCaller(t *testing.T, options string) *caller {
	t.Helper()
	c := &caller{t: t, at: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)}
	c.sim = New(Options{Now: c.now})
	if options != "" {
		c.options(options)
	}
	c.login(DefaultSettings().Secrets[0].Secret)
	return c
}

func (c *caller) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *caller) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *caller) options(raw string) {
	c.t.Helper()
	if err := c.sim.SetOptions(json.RawMessage(raw)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) login(secret string) object {
	c.t.Helper()
	res := c.send(httptest.NewRequest(http.MethodGet, "/cgi-bin/gettoken?corpid=wwsim0000000000001&corpsecret="+secret, nil))
	c.token, _ = res["access_token"].(string)
	return res
}

func (c *caller) send(r *http.Request) object {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	c.last = w.Result().Header
	var out object
	if err := json.Unmarshal(body, &out); err != nil || w.Code != http.StatusOK {
		c.t.Fatalf("%s answers %d %s", r.URL.Path, w.Code, body)
	}
	return out
}

func (c *caller) get(path, query string) object {
	c.t.Helper()
	return c.send(httptest.NewRequest(http.MethodGet, "/cgi-bin/"+path+"?access_token="+url.QueryEscape(c.token)+"&"+query, nil))
}

func (c *caller) post(path, body string) object {
	c.t.Helper()
	return c.send(httptest.NewRequest(http.MethodPost, "/cgi-bin/"+path+"?access_token="+url.QueryEscape(c.token), strings.NewReader(body)))
}

// code is the errcode of an answer.
func code(o object) int {
	n, _ := o["errcode"].(float64)
	return int(n)
}

// expect makes calls in order; each is "GET|POST path what" with its errcode.
func (c *caller) expect(calls ...any) {
	c.t.Helper()
	for i := 0; i < len(calls); i += 2 {
		method, rest, _ := strings.Cut(calls[i].(string), " ")
		path, what, _ := strings.Cut(rest, " ")
		call := c.post
		if method == "GET" {
			call = c.get
		}
		if got := call(path, what); code(got) != calls[i+1].(int) {
			c.t.Errorf("%s answers %v, want %d", calls[i], got, calls[i+1])
		}
	}
}

func TestTransportRules(t *testing.T) {
	c := newCaller(t, "")
	got := c.get("user/get", "userid=nobody")
	msg := got["errmsg"].(string)
	if code(got) != 60111 || !strings.Contains(msg, "hint: [") || !strings.Contains(msg, "query?e=60111") || c.last.Get("Error-Code") != "60111" || c.last.Get("Error-Msg") != msg {
		t.Errorf("%v, headers %v", got, c.last)
	}
	if _, there := got["department"]; !there {
		t.Error("a failed user/get carries empty arrays")
	}
	good := c.token
	c.token = ""
	c.expect("POST user/create {}", 41001)
	c.token = "nobody's"
	c.expect("POST user/create {}", 40014)
	c.token = good
	c.options(`{"denied_ip": true}`)
	c.expect("POST user/create nonsense", 60020) // before the parameters
	c.options(`{"denied_ip": false, "details": "closed"}`)
	c.expect("GET user/get userid=x", 48009, "GET department/get id=1", 48009, "GET department/simplelist id=1", 0,
		"POST user/list_id {}", 0, "POST user/create nonsense", 40035, "GET user/create x=1", 40063)
	c.login("wecomsim-app")
	c.expect("POST user/create {}", 48002, "POST user/list_id {}", 48002, "GET department/simplelist id=1", 0, "GET user/get userid=x", 60111)
}

func TestTokens(t *testing.T) {
	c := newCaller(t, "")
	first := c.token
	if again := c.login("wecomsim-contacts"); c.token != first || again["expires_in"] != 7200.0 {
		t.Errorf("inside its validity: %v", again)
	}
	c.pass(7201 * time.Second)
	c.expect("GET department/simplelist id=1", 42001)
	c.options(`{"expired_code": 40014, "token_mode": "rotate"}`)
	c.login("wecomsim-contacts")
	old := c.token
	c.login("wecomsim-contacts")
	c.expect("GET department/simplelist id=1", 0)
	c.token = old
	c.expect("GET department/simplelist id=1", 40014)
	if err := c.sim.ExpireTokens(); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"": 41002, "corpid=x": 41004, "corpid=x&corpsecret=y": 40013, "corpid=wwsim0000000000001&corpsecret=y": 40001} {
		if got := c.send(httptest.NewRequest(http.MethodGet, "/cgi-bin/gettoken?"+query, nil)); code(got) != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestLimits(t *testing.T) {
	c := newCaller(t, `{"per_minute": 2, "per_hour": 3}`)
	const list = "GET department/simplelist id=1"
	c.expect(list, 0, list, 0, list, 45009, "POST user/list_id {}", 0) // per API
	c.pass(59 * time.Second)
	c.expect(list, 45009)
	c.pass(2 * time.Second)
	c.expect(list, 0, list, 45009) // the hour's
	c.pass(59 * time.Minute)
	c.expect(list, 45009)
	c.login("wecomsim-contacts")
	c.pass(time.Minute)
	c.expect(list, 0)
	if r := c.sim.Desk().Requests(); r.Throttled != 4 {
		t.Errorf("%d throttled", r.Throttled)
	}
}

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
	c.pass(10 * time.Second)
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
