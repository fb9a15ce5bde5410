package dtsim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
)

// TestEffectsSurviveAKill cuts the journal of a small life at every byte:
// what is loaded is always the state after some prefix of the effects.
func TestEffectsSurviveAKill(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, "")
	w.options(`{"protected_mobiles":["10000000009"]}`)
	if err := w.host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	defer w.host.Close()
	states := map[string]bool{w.state(): true}
	note := func() { states[w.state()] = true }
	d := w.dept("研发部", 1)
	note()
	for i := range 3 {
		w.user(fmt.Sprint("E", i), i, d)
		note()
	}
	w.must("/v2/department/update", `{"dept_id":`+d+`,"dept_manager_userid_list":"E1,E2"}`)
	note()
	w.must("/v2/user/delete", `{"userid":"E1"}`) // a manager: two records change as one
	note()
	w.call("/v2/user/create", `{"userid":"E9","name":"新","mobile":"10000000009","dept_id_list":"1"}`)
	note()
	w.control("POST", "accept", `{"userid":"E9"}`)
	note()
	w.must("/v2/user/delete", `{"userid":"E9"}`)
	note()
	whole, err := os.ReadFile(filepath.Join(dir, "dingtalk.journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	first := strings.Index(string(whole), "\n") // the compacted beginning was renamed into place whole
	for cut := first; cut <= len(whole); cut++ {
		torn := t.TempDir()
		if err := os.WriteFile(filepath.Join(torn, "dingtalk.journal.jsonl"), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		sim := dtsim.New(dtsim.Options{Now: w.clock.Now})
		host := simctl.NewHost(sim)
		if err := host.Persist(torn); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		got := get(host, "state")
		host.Close()
		if !states[got] {
			t.Fatalf("cut at %d: no prefix of the effects gives %s", cut, got)
		}
		if cut == len(whole) && got != w.state() {
			t.Error("the whole journal does not give the last state")
		}
	}
}

func get(host *simctl.Host, path string) string {
	rec := httptest.NewRecorder()
	host.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/_sim/dingtalk/"+path, nil))
	return rec.Body.String()
}

func TestRestartKeepsTokensAndIDs(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, "")
	if err := w.host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	w.token = w.login()
	last := w.dept("末", 1)
	w.must("/v2/department/delete", `{"dept_id":`+last+`}`)
	v := *w // the same world after a kill, twice, so that the second start reads a compacted file
	for range 2 {
		v.sim = dtsim.New(dtsim.Options{Now: w.clock.Now})
		v.host = simctl.NewHost(v.sim)
		if err := v.host.Persist(dir); err != nil {
			t.Fatal(err)
		}
	}
	if id := v.dept("新", 1); id <= last {
		t.Errorf("department id %s was given out again as %s", last, id)
	}
}
