package aghsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/connectors/simctl"
)

const common = "corpId=aghsim-corp&partnerId=aghsim-partner"

// world is a simulator with a clock of its own.
type world struct {
	t   *testing.T
	sim *aghsim.Sim
	now time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	w.sim = aghsim.New(aghsim.Options{Now: func() time.Time { return w.now }})
	return w
}

// call returns errno and the task of a call; -1 is no JSON.
func (w *world) call(method, path, query, body string) (errno int, task string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.sim.ServeHTTP(rec, httptest.NewRequest(method, "/v3/oms/"+path+"?"+query, strings.NewReader(body)))
	var out struct {
		Errno *int `json:"errno"`
		Body  struct {
			TaskID string `json:"taskId"`
		} `json:"body"`
	}
	if json.Unmarshal(rec.Body.Bytes(), &out) != nil || out.Errno == nil {
		return -1, ""
	}
	return *out.Errno, out.Body.TaskID
}

func (w *world) expect(want int, method, path, query, body string) {
	w.t.Helper()
	if got, _ := w.call(method, path, query, body); got != want {
		w.t.Errorf("%s %s: errno %d, want %d", path, body, got, want)
	}
}

func (w *world) state() aghsim.State { return w.sim.State().(aghsim.State) }

const one = `{"userId":"E1","account":"E1","realName":"测试甲","orgSource":11}`

func TestDocumentedRefusals(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]int{
		`{"type":"person","data":[` + one + `]}`:                                                    0,
		`{"type":"person","data":[` + one + `], }`:                                                  200008,
		`{"type":"person","data":[` + one + `] /* a comment */}`:                                    200008,
		`{"type":"person","data":[]}`:                                                               200009,
		`{"type":"person"}`:                                                                         200009,
		`{"type":"people","data":[` + one + `]}`:                                                    200008,
		`{"type":"person","data":[{"userId":"E2"}]}`:                                                200008,
		`{"type":"person","data":[` + strings.Replace(one, "11}", `11,"x":1}`, 1) + `]}`:            200008,
		`{"type":"person","data":[` + strings.Replace(one, "11}", `1}`, 1) + `]}`:                   200008,
		`{"type":"person","data":[` + strings.Replace(one, "11}", `11,"status":3}`, 1) + `]}`:       200008,
		`{"type":"department","data":[{"departmentId":"D1","departmentName":"甲","parentId":"D9"}]}`: 200008,
		`{"type":"department","data":[{"departmentId":"D2","departmentName":"乙"}]}`:                 0,
	} {
		w.expect(want, http.MethodPost, "update", common, body)
	}
	w.expect(200005, http.MethodPost, "update", "partnerId=aghsim-partner&corpId=x", "{}")
	w.expect(200004, http.MethodPost, "update", "corpId=aghsim-corp", "{}")
	w.expect(-1, http.MethodGet, "update", common, "")
	w.expect(200006, http.MethodGet, "add-complete", common+"&taskId=x", "")
}

// A record without a status is a leaver (reference § A.2).
func TestTheDefaultStatusIsLeft(t *testing.T) {
	w := newWorld(t)
	w.expect(0, http.MethodPost, "update", common, `{"type":"person","data":[`+one+`]}`)
	if s := w.state().Persons[0].Status; s != 11 {
		t.Errorf("status %d", s)
	}
}

func TestABatchIsTakenWholeOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	w.expect(200008, http.MethodPost, "update", common, `{"type":"person","data":[`+one+`,{"userId":"E2"}]}`)
	if n := len(w.state().Persons); n != 0 {
		t.Errorf("%d persons", n)
	}
}

func TestTasksExpireAndReplaceEachOther(t *testing.T) {
	w := newWorld(t)
	_, first := w.call(http.MethodGet, "add-prepare", common, "")
	_, second := w.call(http.MethodGet, "add-prepare", common, "")
	batch := `{"type":"person","data":[` + one + `]}`
	w.expect(200006, http.MethodPost, "add", common+"&taskId="+first, batch)
	w.expect(0, http.MethodPost, "add", common+"&taskId="+second, batch)
	w.expect(200006, http.MethodPost, "add", common+"&task_id="+second, batch)
	w.now = w.now.Add(2 * time.Hour)
	w.expect(200006, http.MethodGet, "add-complete", common+"&taskId="+second, "")
}

// A restart finds what was pushed, open tasks included.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	host := simctl.NewHost(w.sim)
	if err := host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	w.expect(0, http.MethodPost, "update", common, `{"type":"department","data":[{"departmentId":"D1","departmentName":"甲","status":1}]}`)
	_, task := w.call(http.MethodGet, "add-prepare", common, "")
	w.expect(0, http.MethodPost, "add", common+"&taskId="+task, `{"type":"person","data":[`+one+`]}`)
	before, _ := json.Marshal(w.state())
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t)
	host = simctl.NewHost(again.sim)
	if err := host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	if after, _ := json.Marshal(again.state()); string(after) != string(before) {
		t.Errorf("%s, was %s", after, before)
	}
	again.expect(0, http.MethodGet, "add-complete", common+"&taskId="+task, "")
	if s := again.state(); s.Completed != 1 || len(s.Persons) != 1 || s.Departments[0].Status != 11 {
		t.Errorf("%+v", s)
	}
}

func TestControl(t *testing.T) {
	w := newWorld(t)
	for _, bad := range []string{`{"task_seconds": 0}`, `{"task_param": "id"}`, `{"signing": {"preset": "x"}}`, `{"latency_ms": -1}`, `{"unknown": 1}`} {
		if err := w.sim.SetOptions(json.RawMessage(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if err := w.sim.PutState(json.RawMessage(`{"persons": [` + strings.Replace(one, "}", `,"status":1}`, 1) + `]}`)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`{"persons": [` + one + `,` + one + `]}`, `{"departments": [{"departmentId": "D1"}]}`, `{"users": []}`} {
		if err := w.sim.PutState(json.RawMessage(bad)); err == nil || len(w.state().Persons) != 1 {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := w.sim.Reset(); err != nil || len(w.state().Persons) != 0 {
		t.Errorf("after a reset: %+v, %v", w.state(), err)
	}
}

// No body makes the simulator panic, or takes anything that is no batch.
func FuzzUpdate(f *testing.F) {
	for _, body := range []string{`{"type":"person","data":[` + one + `]}`, `{"type":"department","data":[{}]}`, `[`, `{"data":null}`, `{"type":1}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := newWorld(t)
		errno, _ := w.call(http.MethodPost, "update", common, body)
		if s := w.state(); (errno == 0) != (len(s.Persons)+len(s.Departments) > 0) {
			t.Errorf("errno %d with %+v", errno, s)
		}
	})
}
