package dtsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
	"orgflow/internal/testclock"
)

// world is a simulator behind a host, called in process.
type world struct {
	t     *testing.T
	clock *testclock.Clock
	sim   *dtsim.Sim
	host  *simctl.Host
	token string
}

func newWorld(t *testing.T, options string) *world {
	t.Helper()
	w := &world{t: t, clock: testclock.At(time.Date(2026, 3, 2, 10, 0, 0, 0, time.FixedZone("CST", 8*3600)))}
	w.sim = dtsim.New(dtsim.Options{Now: w.clock.Now})
	w.host = simctl.NewHost(w.sim)
	w.options(`{"qps": 0}`)
	if options != "" {
		w.options(options)
	}
	w.token = w.login()
	return w
}

func (w *world) options(o string) {
	w.t.Helper()
	if err := w.sim.SetOptions(json.RawMessage(o)); err != nil {
		w.t.Fatalf("options %s: %v", o, err)
	}
}

func (w *world) login() string {
	w.t.Helper()
	a := w.do("GET", "/gettoken?appkey=dingsim-app&appsecret=dingsim-secret", "")
	if a.text("access_token") == "" {
		w.t.Fatalf("no token: %s", a.body)
	}
	return a.text("access_token")
}

// answer is an HTTP answer with its body decoded.
type answer struct {
	status int
	kind   string
	body   string
	fields map[string]any
}

func (a answer) text(path string) string {
	var v any = a.fields
	for _, p := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			var i int
			if _, err := fmt.Sscan(p, &i); err != nil || i >= len(x) {
				return ""
			}
			v = x[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// code is the effective code: sub_code if present, else errcode (§ 10).
func (a answer) code() string {
	if s := a.text("sub_code"); s != "" {
		return s
	}
	return a.text("errcode")
}

func (w *world) do(method, path, body string, header ...string) answer {
	w.t.Helper()
	r := httptest.NewRequest(method, "/dingtalk"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.host.ServeHTTP(rec, r)
	a := answer{status: rec.Code, kind: rec.Header().Get("Content-Type"), body: rec.Body.String()}
	dec := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
	dec.UseNumber()
	_ = dec.Decode(&a.fields) // not every answer is JSON
	return a
}

// call makes an authorised /topapi call.
func (w *world) call(path, body string) answer {
	w.t.Helper()
	return w.do("POST", "/topapi"+path+"?access_token="+w.token, body)
}

// must makes a call that has to succeed.
func (w *world) must(path, body string) answer {
	w.t.Helper()
	a := w.call(path, body)
	if a.code() != "0" {
		w.t.Fatalf("%s %s: %s", path, body, a.body)
	}
	return a
}

// dept creates a department and returns its id.
func (w *world) dept(name string, parent any) string {
	w.t.Helper()
	return w.must("/v2/department/create", fmt.Sprintf(`{"name":%q,"parent_id":%v}`, name, parent)).text("result.dept_id")
}

// user creates a person in departments and returns their userid. n makes the number.
func (w *world) user(id string, n int, depts string) {
	w.t.Helper()
	w.must("/v2/user/create", fmt.Sprintf(`{"userid":%q,"name":"测试","mobile":"%s","dept_id_list":%q}`, id, mobile(n), depts))
}

func mobile(n int) string { return fmt.Sprintf("100%08d", n) }

func (w *world) control(method, path, body string) (int, string) {
	r := httptest.NewRequest(method, "/_sim/dingtalk/"+path, strings.NewReader(body))
	rec := httptest.NewRecorder()
	w.host.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

func (w *world) state() string {
	w.t.Helper()
	code, body := w.control(http.MethodGet, "state", "")
	if code != 200 {
		w.t.Fatalf("state: %d %s", code, body)
	}
	return body
}

// newHost is a host whose simulator keeps its effects in a directory.
func newHost(t *testing.T, sim *dtsim.Sim, dir string) *simctl.Host {
	t.Helper()
	host := simctl.NewHost(sim)
	if err := host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	return host
}
