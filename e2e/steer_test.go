package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// slowWorld has vendors of their own, which answer slowly, and a company 129
// at a low rate: a run is stopped in the middle of many calls.
func slowWorld(t *testing.T, qps, latency int) *world {
	w := newWorld(t)
	w.company(129, func(_, ding object) { ding["qps"] = qps })
	w.vendors()
	must(t, "PUT", w.simURL("dingtalk", "options"), fmt.Sprintf(`{"qps": 0, "latency_ms": %d}`, latency), nil)
	w.load(demo(t))
	return w
}

var canceledNote = regexp.MustCompile(`^canceled by e2e \(wrong filter\): (\d+) of (\d+) changes done, (\d+) not sent$`)

// A cancelled run ends soon and between two changes, says what it has done
// and what not, and DingTalk holds exactly that.
func TestACancelledRunSaysWhatIsDone(t *testing.T) {
	t.Parallel()
	w := slowWorld(t, 12, 700)
	w.serveAlone()
	id := w.begin(demoJob)
	w.reached(points[1])
	began := time.Now()
	said := w.ok("runs", "cancel", id, "--by", "e2e", "--reason", "wrong filter")
	s := w.await(id, time.Minute)
	took := time.Since(began)
	t.Logf("ended after %s: %v", took.Round(100*time.Millisecond), s.Notes)
	if s.Status != "canceled" || took > 10*time.Second {
		t.Errorf("%s after %s, want canceled within 10 s", s.Status, took)
	}
	writes := w.requests("dingtalk").Writes
	var done, total, unsent int
	if len(s.Notes) > 0 {
		if m := canceledNote.FindStringSubmatch(s.Notes[0]); m != nil {
			done, _ = strconv.Atoi(m[1])
			total, _ = strconv.Atoi(m[2])
			unsent, _ = strconv.Atoi(m[3])
		}
	}
	if total == 0 || done+unsent != total || total != s.Progress.Total || done != s.Progress.Done || !strings.Contains(said, s.Notes[0]) {
		t.Errorf("notes %q, progress %+v, said %q", s.Notes, s.Progress, said)
	}
	people, orgs, state := s.Applied["person"]["insert"], s.Applied["org"]["insert"], w.ding()
	if people.Done+people.Pending != 300 || people.Done != len(state.Users) || orgs.Done != len(state.Departments)-1 {
		t.Errorf("applied %+v; DingTalk holds %d people and %d departments", s.Applied, len(state.Users), len(state.Departments)-1)
	}
	// While another run reads and plans, nothing more of this one arrives.
	w.sync(strings.Replace(demoJob, `"params": {}`, `"params": {"dry_run": true}`, 1))
	if now := w.requests("dingtalk").Writes; now != writes {
		t.Errorf("%d writes when the run had ended, %d later", writes, now)
	}
	must(t, "PUT", w.simURL("dingtalk", "options"), `{"latency_ms": 0}`, nil)
	w.sync(demoJob) // the rest
	w.inStep()
	createdOnce(t, w.requests("dingtalk"))
}

// A paused run stands still with its target, whatever is killed meanwhile,
// and goes on with the rest.
func TestAPausedRunStandsStill(t *testing.T) {
	t.Parallel()
	w := slowWorld(t, 40, 100)
	p := w.serveAlone()
	id := w.begin(demoJob)
	w.reached(points[1])
	w.ok("runs", "pause", id, "--by", "e2e", "--reason", "maintenance")
	s := w.status(id, "paused", 10*time.Second)
	writes := w.requests("dingtalk").Writes
	if s.Paused == nil || s.Paused.By != "e2e" || s.Paused.Reason != "maintenance" {
		t.Errorf("paused %+v", s.Paused)
	}
	if shown := w.ok("runs", "list", "--status", "paused"); !strings.Contains(shown, id) {
		t.Errorf("the list of paused runs: %s", shown)
	}
	if status, body, _ := call("POST", "http://"+w.http+"/api/v1/sync-runs/"+id+"/pause", `{"by": "E2"}`); status != 409 || !strings.Contains(body, "paused already, by e2e: maintenance") {
		t.Errorf("a second pause: %d %s", status, body)
	}
	refused := w.await(w.begin(demoJob), time.Minute)
	if refused.Error == nil || refused.Error.Code != "target_busy" || !strings.Contains(refused.Error.Message, id) || !strings.Contains(refused.Error.Advice, "starter runs resume "+id) {
		t.Errorf("another run of the target: %+v", refused.Error)
	}
	p.kill()
	w.serveAlone()
	if s := w.look(id); s.Status != "paused" {
		t.Errorf("after a kill the run is %s", s.Status)
	}
	if now := w.requests("dingtalk").Writes; now != writes {
		t.Errorf("%d writes when the run was paused, %d later", writes, now)
	}
	must(t, "POST", "http://"+w.http+"/api/v1/sync-runs/"+id+"/resume", `{"by": "e2e"}`, nil)
	end := w.await(id, 2*time.Minute)
	w.completed(end)
	if !slices.ContainsFunc(end.Notes, func(n string) bool { return strings.HasPrefix(n, "paused by e2e: maintenance, from ") }) {
		t.Errorf("notes %q", end.Notes)
	}
	if people := end.Applied["person"]["insert"]; people.Done != 300 {
		t.Errorf("applied %+v", people)
	}
	w.inStep()
	createdOnce(t, w.requests("dingtalk"))
}

// status waits until a run has a status.
func (w *world) status(id, want string, within time.Duration) summary {
	w.t.Helper()
	var s summary
	eventually(w.t, within, 20*time.Millisecond, "run "+id+" "+want, func() error {
		if s = w.look(id); s.Status != want {
			return fmt.Errorf("it is %s", s.Status)
		}
		return nil
	})
	return s
}

// A run for single records goes first: the run of everything stops between
// two changes, lets it through and goes on; never do both send.
func TestASingleRecordGoesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.company(129, func(_, ding object) { ding["qps"] = 18 })
	w.serve()
	w.unlimited()
	rows := demo(t)
	w.load(rows)
	bulk := w.begin(demoJob)
	w.reached(points[1])
	var ids []string
	for _, row := range rows.Employee[:5] {
		row["position"] = object{"name": "首席"}
		ids = append(ids, fmt.Sprintf("person:%d", number(row["id"])))
	}
	w.load(rows)
	began := time.Now()
	urgent := w.begin(encode(t, object{
		"services": []string{"org_new", "person_new"}, "consumer": "ding_talk", "company_id": 129, "params": object{"source_ids": ids},
	}))
	var first time.Duration
	eventually(t, time.Minute, 50*time.Millisecond, "the first of the single records", func() error {
		if w.requests("dingtalk").writesByPath()[userUpdate] == 0 {
			return errNotYet
		}
		first = time.Since(began)
		return nil
	})
	s := w.await(urgent, time.Minute)
	meanwhile := w.look(bulk)
	t.Logf("first write after %s; the run of everything was %s with %d of %d", first.Round(100*time.Millisecond), meanwhile.Status, meanwhile.Progress.Done, meanwhile.Progress.Total)
	w.completed(s)
	if got := s.Applied["person"]["update"].Done; got != len(ids) || meanwhile.Status != "running" || first > 15*time.Second {
		t.Errorf("%d updates after %s, the run of everything is %s", got, first, meanwhile.Status)
	}
	w.completed(w.await(bulk, 2*time.Minute))
	w.inStep()
	r := w.requests("dingtalk")
	createdOnce(t, r)
	if paths := writesWhileUpdating(r); len(paths) != len(ids) {
		t.Errorf("writes from the first single record to the last: %v", paths)
	}
}

// writesWhileUpdating are the writes from the first update of a person to the
// last one before the run of everything sets managers.
func writesWhileUpdating(r requests) []string {
	var paths []string
	for _, e := range r.Log {
		if e.Outcome == "ok" && isWrite(e.Path) && (e.Path == userUpdate || len(paths) > 0) {
			paths = append(paths, e.Path)
		}
	}
	for i, path := range paths {
		if path != userUpdate {
			return paths[:i]
		}
	}
	return paths
}
