package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// point is a moment of the demo sync: so many of the whole are done.
type point struct {
	name  string
	of    int
	count func(dingState) int
}

// points are the moments at which a run is interrupted.
var points = []point{
	{"departments", 40, func(s dingState) int { return len(s.Departments) - 1 }},
	{"people", 300, func(s dingState) int { return len(s.Users) }},
	{"references", 40, func(s dingState) (n int) {
		for _, d := range s.Departments {
			if len(d.Managers) > 0 {
				n++
			}
		}
		return n
	}},
}

// reached waits until 30 % of the point are done and returns how many.
func (w *world) reached(p point) int {
	w.t.Helper()
	var n int
	eventually(w.t, time.Minute, 5*time.Millisecond, "30 % of the "+p.name, func() error {
		status, body, err := call("GET", w.simURL("dingtalk", "state"), "")
		if err != nil || status != 200 {
			return errNotYet // it is starting
		}
		var s dingState
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			return err
		}
		if n = p.count(s); n*100 < p.of*30 {
			return errNotYet
		}
		return nil
	})
	return n
}

// pacedWorld has a company 129 at a rate that leaves time to hit the middle of a
// phase, with a simulator that allows it.
func pacedWorld(t *testing.T) *world { return pacedWorldOf(t, "v2") }

// pacedWorldOf has one that speaks a contact interface.
func pacedWorldOf(t *testing.T, api string) *world {
	w := newWorld(t)
	w.api = api
	w.company(129, func(_, ding object) { ding["qps"] = 80 })
	return w
}

// demoStarts starts the demo and lifts the simulator's limit as soon as it answers.
func (w *world) demoStarts() *process {
	w.t.Helper()
	p := w.standalone()
	eventually(w.t, time.Minute, 5*time.Millisecond, "the simulator", func() error {
		status, answer, err := call("PUT", w.simURL("dingtalk", "options"), `{"qps": 0}`)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d %s", status, answer)
		}
		return err
	})
	return p
}

// A power cut in the middle of the demo takes everything down at once:
// Temporal, database, worker and simulators. Started again, the run goes on.
//
// The server notices only after a heartbeat timeout that a worker is gone, so
// all runs are interrupted and started again before the first is waited for.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	type resumed struct {
		w      *world
		p      *process
		before map[string]bool
	}
	var again []resumed
	for _, at := range points {
		w := pacedWorld(t)
		first := w.demoStarts()
		n := w.reached(at)
		first.kill()
		r := resumed{w: w, before: w.journalled()}
		t.Logf("killed at %d of %d %s; %d records were at DingTalk", n, at.of, at.name, len(r.before))
		r.p = w.demoStarts()
		again = append(again, r)
	}
	for i, r := range again {
		t.Run(points[i].name, func(t *testing.T) {
			r.w.t = t
			r.w.resumed(r.p)
			for _, e := range r.w.requests("dingtalk").Log {
				if e.Outcome == "ok" && r.before[e.Path+" "+e.Key] {
					if e.Path == userCreate || e.Path == deptCreate {
						t.Errorf("%s of %s was sent again", e.Path, e.Key)
					}
				}
			}
		})
	}
}

// resumed wants the one interrupted run completed, nobody doubled or missing.
func (w *world) resumed(p *process) {
	w.t.Helper()
	began := time.Now()
	w.up(p)
	var runs []summary
	eventually(w.t, 2*time.Minute, 50*time.Millisecond, "the interrupted run's end", func() error {
		if runs = w.runs(); len(runs) == 0 || !runs[0].terminal() {
			return errNotYet
		}
		return nil
	})
	w.t.Logf("waited %s for the end", time.Since(began).Round(100*time.Millisecond))
	if len(runs) != 1 {
		w.t.Errorf("%d runs: the second start began another one", len(runs))
	}
	w.completed(runs[len(runs)-1])
	if !strings.Contains(p.out.String(), "interrupted") {
		w.t.Errorf("it does not say that it goes on with a run:\n%s", p.out.String())
	}
	w.inStep()
	createdOnce(w.t, w.requests("dingtalk"))
}

// journalled are the records that the simulator had committed when it was
// killed, as path and key of the call that creates them.
func (w *world) journalled() map[string]bool {
	w.t.Helper()
	f, err := os.Open(filepath.Join(w.data, "simulators", "dingtalk.journal.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	out := map[string]bool{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<22)
	for sc.Scan() {
		for _, key := range journalKeys(sc.Bytes()) {
			out[key] = true
		}
	}
	if len(out) == 0 {
		w.t.Fatal("nothing found in the simulator's journal")
	}
	return out
}

// The program alone is killed and the vendors live on: their log shows both
// lives of the run.
func TestKilledWhileVendorsLiveOn(t *testing.T) {
	t.Parallel()
	eachAPI(t, func(t *testing.T, api string) {
		w := pacedWorldOf(t, api)
		w.vendors()
		w.unlimited()
		w.load(demo(t))
		first := w.serveAlone()
		id := w.begin(demoJob)
		t.Logf("killed at %d of 300 people", w.reached(points[1]))
		first.kill()
		w.serveAlone()
		w.completed(w.await(id, 2*time.Minute))
		w.inStep()
		createdOnce(t, w.requests("dingtalk"))
	})
}

// Ctrl-C ends the program soon and in order, whatever it is doing.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const patience = 30 * time.Second
	t.Run("while it serves", func(t *testing.T) {
		w := newFastWorld(t)
		p := w.serve()
		p.signal(syscall.SIGINT)
		if code := p.exit(patience); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("in the middle of the demo", func(t *testing.T) {
		w := pacedWorld(t)
		p := w.demoStarts()
		n := w.reached(points[1])
		began := time.Now()
		p.signal(syscall.SIGINT)
		if code := p.exit(patience); code != 0 {
			t.Errorf("exit code %d", code)
		}
		t.Logf("interrupted at %d people, ended after %s", n, time.Since(began).Round(100*time.Millisecond))
		w.resumed(w.demoStarts())
	})
}

// journalKeys reads one line of a journal: the list of what an effect changed.
func journalKeys(line []byte) []string {
	var entries []struct {
		Kind  string `json:"t"`
		ID    string `json:"id"`
		Value *struct {
			Source string `json:"source_identifier"`
		} `json:"v"`
	}
	if json.Unmarshal(line, &entries) != nil {
		return nil // torn by the kill
	}
	var keys []string
	for _, e := range entries {
		switch {
		case e.Kind == "user" && e.Value != nil:
			keys = append(keys, userCreate+" "+e.ID)
		case e.Kind == "dept" && e.Value != nil && e.Value.Source != "":
			keys = append(keys, deptCreate+" "+e.Value.Source)
		}
	}
	return keys
}
