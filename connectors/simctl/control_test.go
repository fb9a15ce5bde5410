package simctl_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow/connectors/simctl"
)

func TestBadControl(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "counter/faults", `[{"path":"/add"}]`, 400, "it has no effect"},
		{"POST", "counter/faults", `[{"errcode":1}]`, 400, "path is missing"},
		{"POST", "counter/faults", `[{"path":"add","errcode":1}]`, 400, "must begin with /"},
		{"POST", "counter/faults", `[{"path":"/a*b","errcode":1}]`, 400, "at the end only"},
		{"POST", "counter/faults", `[{"path":"/add","errcode":1,"time":1}]`, 400, `unknown field \"time\"`},
		{"POST", "counter/faults", `[{"path":"/add","errcode":1,"times":-1}]`, 400, "negative"},
		{"POST", "counter/faults", `[{"path":"/add","http_status":99}]`, 400, "200..599"},
		{"POST", "counter/faults", `[{"path":"/add","errcode":[1]}]`, 400, "errcode: a text, number or boolean"},
		{"POST", "counter/faults", ``, 400, "empty"},
		{"PUT", "counter/state", `{"a":"x"}`, 400, "string found, int expected"},
		{"PUT", "counter/state", `{} {}`, 400, "more than one"},
		{"PUT", "counter/options", `{"x":1}`, 400, `unknown field \"x\"`},
		{"POST", "counter/double", ``, 400, "cannot double"},
		{"POST", "counter/nothing", ``, 404, "no control call nothing"},
		{"GET", "other/state", ``, 404, "no simulator other; simulators here: counter"},
	} {
		b := newBench(t)
		status, body, err := b.do(c.method, "/_sim/"+c.path, c.body)
		if err != nil || status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %s answered %d %s, want %d … %s", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
}

func TestRequestLog(t *testing.T) {
	b := newBench(t)
	for i, step := range []int{0, 400, 400, 150, 60, 2000} {
		b.now = b.now.Add(time.Duration(step) * time.Millisecond)
		b.call("POST", "/counter/add", fmt.Sprintf(`{"id":"%c"}`, 'a'+i))
	}
	b.call("POST", "/counter/other", `{"id":"z"}`)
	r := b.sim.Desk().Requests()
	// In any one second: 0, 400, 800, 950 are four; at 1010 the first has left.
	if r.MaxRate != 4 || r.MaxRateByPath["/add"] != 4 || r.MaxRateByPath["/other"] != 1 {
		t.Errorf("rates %d %v", r.MaxRate, r.MaxRateByPath)
	}
	if r.Total != 7 || r.Writes != 6 || r.Rejected != 1 || r.Paths["/add"]["ok"] != 6 || r.Paths["/other"]["404"] != 1 {
		t.Errorf("counts %+v", r)
	}
	if last := r.Log[6]; last != (simctl.LogEntry{Seq: 7, At: b.now, Path: "/other", Outcome: "404", Key: "z"}) {
		t.Errorf("last entry %+v", last)
	}
	b.call("DELETE", "/_sim/counter/requests", "")
	if r := b.sim.Desk().Requests(); r.Total != 0 || len(r.Log) != 0 || len(r.Paths) != 0 {
		t.Errorf("after clearing: %+v", r)
	}
}

func TestRequestLogIsBounded(t *testing.T) {
	b := newBench(t)
	for i := range 20_050 {
		rec := httptest.NewRecorder()
		b.sim.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, fmt.Sprintf("/p%d", i%2000), strings.NewReader(`{}`)))
	}
	r := b.sim.Desk().Requests()
	if len(r.Log) != 20_000 || r.Log[0].Seq != 51 || r.Log[19_999].Seq != 20_050 || len(r.Paths) > 1_001 || r.Total != 20_050 {
		t.Errorf("%d entries from %d, %d paths", len(r.Log), r.Log[0].Seq, len(r.Paths))
	}
}

func TestConcurrentCallsLoseNothing(t *testing.T) {
	b := newBench(t)
	b.sim.desk = simctl.NewDesk(nil, nil)
	if err := b.host.Persist(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer b.host.Close()
	b.faults(`[{"path":"/add","every":5,"http_status":500,"after_commit":true}]`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				rec := httptest.NewRecorder()
				b.sim.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add", strings.NewReader(`{"id":"a"}`)))
				b.sim.Desk().Requests()
			}
		})
	}
	wg.Wait()
	if r := b.sim.Desk().Requests(); b.count("a") != 800 || r.Writes != 800 || r.Faulted != 160 {
		t.Errorf("%d effects, log %d writes %d faulted", b.count("a"), r.Writes, r.Faulted)
	}
}

func TestResetClearsAll(t *testing.T) {
	b := newBench(t)
	b.call("POST", "/counter/add", `{"id":"a"}`)
	b.faults(`[{"path":"/add","errcode":1}]`)
	if code, body, _ := b.do("POST", "/_sim/counter/reset", ""); code != 200 || body != `{"ok":true}` {
		t.Fatalf("%d %s", code, body)
	}
	if b.count("a") != 0 || len(b.sim.Desk().Faults()) != 0 || b.sim.Desk().Requests().Total != 0 {
		t.Error("something is left")
	}
}
