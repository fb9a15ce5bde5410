package dtsim_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
)

func TestStateRoundTrip(t *testing.T) {
	w := newWorld(t, `{"protected_mobiles":["10000000009"]}`)
	d := w.dept("研发部", 1)
	w.dept("组", d)
	w.must("/v2/user/create", `{"userid":"E2","name":"乙","mobile":"10000000002","dept_id_list":"`+d+`,1","extension":"{\"k\":\"v\"}","title":"工程师"}`)
	w.user("E1", 1, d)
	w.must("/v2/user/update", `{"userid":"E1","manager_userid":"E2"}`)
	w.must("/v2/department/update", `{"dept_id":`+d+`,"dept_manager_userid_list":"E2"}`)
	w.call("/v2/user/create", `{"userid":"E9","name":"新","mobile":"10000000009","dept_id_list":"1"}`)
	before := w.state()
	if w.state() != before {
		t.Fatal("two looks at one state differ")
	}
	if strings.Index(before, `"userid":"E1"`) > strings.Index(before, `"userid":"E2"`) || !strings.Contains(before, `"extension":{"k":"v"}`) {
		t.Errorf("state %s", before)
	}
	if code, body := w.control("PUT", "state", before); code != 200 {
		t.Fatal(body)
	}
	if after := w.state(); after != before {
		t.Errorf("put back, the state is\n%s\nwas\n%s", after, before)
	}
	if next := w.dept("新", 1); next <= d {
		t.Errorf("department id %s after %s", next, d)
	}
	if code, _ := w.control("POST", "reset", ""); code != 200 || strings.Contains(w.state(), "研发部") {
		t.Error("reset left something")
	}
}

func TestPutStateRefusesTheImpossible(t *testing.T) {
	w := newWorld(t, "")
	w.dept("A", 1)
	before := w.state()
	user := func(more string) string {
		return `{"users":[{"userid":"E1","name":"甲","mobile":"10000000001","dept_id_list":[1]},` + more + `]}`
	}
	for name, bad := range map[string]string{
		"unknown key":       `{"people":[]}`,
		"not an object":     `[]`,
		"id twice":          `{"departments":[{"dept_id":5,"name":"A","parent_id":1},{"dept_id":5,"name":"B","parent_id":1}]}`,
		"id 0":              `{"departments":[{"name":"A","parent_id":1}]}`,
		"parent missing":    `{"departments":[{"dept_id":5,"name":"A","parent_id":4}]}`,
		"circle":            `{"departments":[{"dept_id":5,"name":"A","parent_id":6},{"dept_id":6,"name":"A","parent_id":5}]}`,
		"siblings":          `{"departments":[{"dept_id":5,"name":"A","parent_id":1},{"dept_id":6,"name":"A","parent_id":1}]}`,
		"manager elsewhere": `{"departments":[{"dept_id":5,"name":"A","parent_id":1,"dept_manager_userid_list":["E1"]}]}`,
		"userid twice":      user(`{"userid":"E1","name":"乙","mobile":"10000000002","dept_id_list":[1]}`),
		"mobile twice":      user(`{"userid":"E2","name":"乙","mobile":"10000000001","dept_id_list":[1]}`),
		"no department":     user(`{"userid":"E2","name":"乙","mobile":"10000000002"}`),
		"strange place":     user(`{"userid":"E2","name":"乙","mobile":"10000000002","dept_id_list":[7]}`),
		"bad mobile":        user(`{"userid":"E2","name":"乙","mobile":"12","dept_id_list":[1]}`),
	} {
		if code, body := w.control("PUT", "state", bad); code != 400 || w.state() != before {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	w := newWorld(t, "")
	for _, bad := range []string{
		`{"qps":-1}`, `{"qps":"20"}`, `{"expired_code":1}`, `{"duplicate_dept_code":0}`, `{"delete_missing_code":1}`, `{"ip_ban":"x"}`,
		`{"token_seconds":0}`, `{"protected_mobiles":["("]}`, `{"throttle_mode":"x"}`, `{"no_such":1}`, `[]`, ``,
	} {
		_, before := w.control("GET", "options", "")
		code, body := w.control("PUT", "options", bad)
		if _, after := w.control("GET", "options", ""); code != 400 || after != before {
			t.Errorf("options %s: %d %s", bad, code, body)
		}
	}
	if code, body := w.control("PUT", "options", `{"qps":5}`); code != 200 || !strings.Contains(body, `"qps":5`) || !strings.Contains(body, `"token_seconds":7200`) {
		t.Errorf("a good option: %d %s", code, body)
	}
}

func FuzzOptions(f *testing.F) {
	f.Add(`{"qps":1,"protected_mobiles":["1.*"],"apps":[{"appkey":"a","appsecret":"b"}]}`)
	f.Add(`{"scope_departments":[2]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		s := dtsim.New(dtsim.Options{})
		before, _ := json.Marshal(s.Options())
		if err := s.SetOptions(json.RawMessage(raw)); err != nil {
			if after, _ := json.Marshal(s.Options()); string(after) != string(before) {
				t.Errorf("refused options changed %s to %s", before, after)
			}
			return
		}
		out, err := json.Marshal(s.Options())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetOptions(out); err != nil {
			t.Errorf("options in force are refused when put back: %v", err)
		}
	})
}

// FuzzCalls throws bodies at every end point: each answers one JSON object
// and leaves a state that could be put back.
func FuzzCalls(f *testing.F) {
	paths := []string{"v2/department/create", "v2/department/update", "v2/department/delete", "v2/department/get", "v2/department/listsub",
		"v2/user/create", "v2/user/update", "v2/user/delete", "v2/user/get", "v2/user/list", "user/listsimple", "user/count", "v2/user/getbymobile"}
	for i := range paths {
		f.Add(i, `{"name":"a","parent_id":1,"dept_id":"561000001","userid":"E1","mobile":"10000000001","dept_id_list":"1","cursor":0,"size":1,"extension":"{}"}`)
	}
	f.Add(5, `{"name":"a\u0000","mobile":10000000001,"dept_id_list":"1,1","dept_order_list":[{"dept_id":1,"order":1e9}]}`)
	s := dtsim.New(dtsim.Options{})
	if err := s.SetOptions(json.RawMessage(`{"qps":0}`)); err != nil {
		f.Fatal(err)
	}
	post := func(path, body string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
		return rec
	}
	var token struct{ AccessToken string }
	if err := json.Unmarshal(post("/v1.0/oauth2/accessToken", `{"appKey":"dingsim-app","appSecret":"dingsim-secret"}`).Body.Bytes(), &token); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, i int, body string) {
		rec := post("/topapi/"+paths[uint(i)%uint(len(paths))]+"?access_token="+token.AccessToken, body)
		var m map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &m); err != nil || m["errcode"] == nil {
			t.Errorf("answered %q", rec.Body.String())
		}
		state, err := json.Marshal(s.State())
		if err != nil {
			t.Fatal(err)
		}
		if err := dtsim.New(dtsim.Options{}).PutState(state); err != nil {
			t.Fatalf("the state after %s cannot be put back: %v", body, err)
		}
	})
}

func TestConcurrentCallersKeepTheRules(t *testing.T) {
	w := newWorld(t, "")
	if err := w.host.Persist(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer w.host.Close()
	depts := []string{"1", w.dept("A", 1), w.dept("B", 1), w.dept("C", 1)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	created := map[string]int{}
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 300 {
				n, d := r.IntN(40), depts[r.IntN(len(depts))]
				id := fmt.Sprint("E", n)
				switch r.IntN(6) {
				case 0, 1:
					if w.call("/v2/user/create", fmt.Sprintf(`{"userid":%q,"name":"甲","mobile":"%s","dept_id_list":%q}`, id, mobile(n/2), d)).code() == "0" {
						mu.Lock()
						created[id]++
						mu.Unlock()
					}
				case 2:
					if w.call("/v2/user/delete", fmt.Sprintf(`{"userid":%q}`, id)).code() == "0" {
						mu.Lock()
						created[id]--
						mu.Unlock()
					}
				case 3:
					w.call("/v2/user/update", fmt.Sprintf(`{"userid":%q,"dept_id_list":%q}`, id, d))
				case 4:
					w.call("/v2/department/update", fmt.Sprintf(`{"dept_id":%s,"dept_manager_userid_list":%q}`, d, id))
				default:
					w.call("/v2/user/list", `{"dept_id":`+d+`,"cursor":0,"size":100}`)
					w.state()
				}
			}
		})
	}
	wg.Wait()
	state := w.state()
	if err := dtsim.New(dtsim.Options{}).PutState(json.RawMessage(state)); err != nil {
		t.Errorf("the state breaks a rule: %v", err)
	}
	for id, n := range created {
		if n != strings.Count(state, `"userid":"`+id+`"`) {
			t.Errorf("%s: %d creations beyond deletions", id, n)
		}
	}
}

func BenchmarkCreateUser(b *testing.B) {
	s := dtsim.New(dtsim.Options{})
	if err := s.SetOptions(json.RawMessage(`{"qps":0}`)); err != nil {
		b.Fatal(err)
	}
	host := simctl.NewHost(s)
	if err := host.Persist(b.TempDir()); err != nil {
		b.Fatal(err)
	}
	defer host.Close()
	post := func(path, body string) string {
		rec := httptest.NewRecorder()
		host.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/dingtalk"+path, strings.NewReader(body)))
		return rec.Body.String()
	}
	var token struct{ AccessToken string }
	if err := json.Unmarshal([]byte(post("/v1.0/oauth2/accessToken", `{"appKey":"dingsim-app","appSecret":"dingsim-secret"}`)), &token); err != nil {
		b.Fatal(err)
	}
	dept := 1
	n := 0
	for b.Loop() {
		if n%900 == 0 {
			post("/topapi/v2/department/create?access_token="+token.AccessToken, fmt.Sprintf(`{"name":"D%d","parent_id":1}`, n))
			dept = 561_000_001 + n/900
		}
		n++
		body := fmt.Sprintf(`{"userid":"E%d","name":"测试","mobile":"%s","dept_id_list":"%d","title":"工程师","email":"e%d@example.com","job_number":"E%d","hired_date":1700000000000,"extension":"{\"a\":\"b\"}"}`, n, mobile(n), dept, n, n)
		if out := post("/topapi/v2/user/create?access_token="+token.AccessToken, body); !strings.Contains(out, `"errcode":0`) {
			b.Fatal(out)
		}
	}
}
