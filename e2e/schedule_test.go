package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A schedule is a file: applied, triggered, changed, taken away.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	schedule := func(cron string) {
		w.put("companies/129/schedules/e2e.json", `{"id": "e2e", "cron": "`+cron+`", "time_zone": "Asia/Shanghai", "overlap": "allow_all", "job": `+demoJob+`}`)
	}
	schedule("0 3 1 1 *") // once a year: it runs when it is triggered
	w.serve()
	w.unlimited()
	w.load(demo(t))

	want := func(action string, args ...string) {
		t.Helper()
		if got := w.scheduleActions(args...)["129-e2e"]; got != action {
			t.Errorf("schedules apply %v: %q, want %q", args, got, action)
		}
	}
	if list := w.scheduleActions("--dry-run"); list["129-nightly-departments"] != "create" || list["129-nightly-persons"] != "create" {
		t.Errorf("the shipped example: %v", list)
	}
	want("create", "--dry-run")
	if list := w.schedules(); len(list) != 0 {
		t.Errorf("a dry run made %v", list)
	}
	want("create")
	want("unchanged", "--dry-run")
	want("unchanged")

	w.ok("schedules", "trigger", "129-e2e")
	var runs []summary
	eventually(t, 30*time.Second, 50*time.Millisecond, "the triggered run", func() error {
		if runs = w.runs(); len(runs) == 0 {
			return errNotYet
		}
		return nil
	})
	w.completed(w.await(runs[0].ID, time.Minute))
	w.inStep()
	if recent := w.schedules()["129-e2e"].Recent; len(recent) != 1 || !strings.HasPrefix(recent[0].WorkflowID, "sync-129-ding_talk-e2e") {
		t.Errorf("recent runs of the schedule: %+v", recent)
	}

	w.ok("schedules", "pause", "129-e2e", "--by", "e2e", "--reason", "maintenance")
	if s := w.schedules()["129-e2e"]; !s.Paused || !strings.Contains(s.Note, "maintenance") {
		t.Errorf("paused schedule: %+v", s)
	}
	w.ok("schedules", "resume", "129-e2e")
	if w.schedules()["129-e2e"].Paused {
		t.Error("resumed, and still paused")
	}

	if next := w.schedules()["129-e2e"].Next; len(next) == 0 || next[0].UTC().Format("01-02 15:04") != "12-31 19:00" {
		t.Errorf("03:00 on New Year's day in Shanghai comes at %v", next)
	}
	w.refusedFile()
	w.overHTTP()

	schedule("0 4 1 1 *")
	want("update", "--dry-run")
	want("update")
	want("unchanged", "--dry-run")

	if err := os.Remove(filepath.Join(w.meta, "companies", "129", "schedules", "e2e.json")); err != nil {
		t.Fatal(err)
	}
	want("delete", "--dry-run")
	want("delete")
	if _, there := w.schedules()["129-e2e"]; there {
		t.Error("its file is gone, and the schedule is still there")
	}

}

// refusedFile puts a broken file beside the others: whoever applies them is
// told its place, and nothing is changed, nor deleted.
func (w *world) refusedFile() {
	w.t.Helper()
	before := len(w.schedules())
	const name = "companies/129/schedules/broken.json"
	w.put(name, `{"id": "broken", "cron": "0 25 * * *", "overlap": "skip", "job": `+demoJob+`}`)
	place := name + ":1:26: /cron: the hour of the cron line must be numbers from 0 to 23"
	if got := w.starter("schedules", "apply"); got.code != 1 || !strings.Contains(got.err, place) {
		w.t.Errorf("a broken file is applied: %d %s", got.code, got.err)
	}
	status, body, err := call("POST", "http://"+w.http+"/api/v1/schedules", "")
	if err != nil || status != 422 || !strings.Contains(body, place) {
		w.t.Errorf("a broken file is applied by HTTP: %d %s %v", status, body, err)
	}
	if after := len(w.schedules()); after != before {
		w.t.Errorf("there were %d schedules, and are %d", before, after)
	}
	if err := os.Remove(filepath.Join(w.meta, name)); err != nil {
		w.t.Fatal(err)
	}
}

// overHTTP does by HTTP what the commands do, and looks at what becomes of a
// run whose deletes wait: the next one takes its place.
func (w *world) overHTTP() {
	w.t.Helper()
	at := "http://" + w.http + "/api/v1/schedules"
	must(w.t, "POST", at+"/129-e2e/pause", `{"by": "HR", "reason": "stocktaking"}`, nil)
	var list struct{ Schedules []scheduled }
	must(w.t, "GET", at, "", &list)
	found := slices.IndexFunc(list.Schedules, func(s scheduled) bool { return s.ID == "129-e2e" })
	if found < 0 || !list.Schedules[found].Paused || list.Schedules[found].Note != "pause by HR: stocktaking" {
		w.t.Errorf("paused by HTTP: %+v", list.Schedules)
	}
	must(w.t, "POST", at+"/129-e2e/resume", "", nil)

	rows := w.source()
	rows.Employee = rows.Employee[:len(rows.Employee)-60]
	w.load(rows)
	must(w.t, "POST", at+"/129-e2e/trigger", "", nil)
	waits := w.newestWaits("")
	// From three o'clock on New Year's day in Shanghai, that time included.
	must(w.t, "POST", at+"/129-e2e/backfill", `{"from": "2025-12-31T19:00:00Z", "to": "2026-01-01T04:00:00+08:00", "by": "HR"}`, nil)
	second := w.newestWaits(waits)
	if s := w.await(waits, time.Minute); s.Status != "superseded" || !strings.HasSuffix(second, "-2025-12-31T19:00:00Z") {
		w.t.Errorf("run %s is %s beside %s", waits, s.Status, second)
	}
	if got := w.starter("schedules", "trigger", "129-nobody"); got.code != 1 || !strings.Contains(got.err, "129-nobody") {
		w.t.Errorf("an unknown schedule: %d %s", got.code, got.err)
	}
	must(w.t, "POST", "http://"+w.http+"/api/v1/sync-runs/"+second+"/reject", `{"by": "HR", "reason": "test"}`, nil)
	w.await(second, time.Minute)
	w.load(demo(w.t))
}

// newestWaits is the newest run, once it awaits approval and is not the former.
func (w *world) newestWaits(former string) (id string) {
	w.t.Helper()
	eventually(w.t, time.Minute, 50*time.Millisecond, "a run that awaits approval", func() error {
		s := w.runs()[0]
		if id = s.ID; s.Status != "awaiting_approval" || id == former {
			return fmt.Errorf("%s is %s", s.ID, s.Status)
		}
		return nil
	})
	return id
}

// ok runs a starter command that must succeed and returns what it printed.
func (w *world) ok(args ...string) string {
	w.t.Helper()
	got := w.starter(args...)
	if got.code != 0 {
		w.t.Fatalf("starter %v ended with %d:\n%s", args, got.code, got.err)
	}
	return got.out
}

func (w *world) scheduleActions(args ...string) map[string]string {
	w.t.Helper()
	var changes []struct{ ID, Action string }
	out := w.ok(append([]string{"schedules", "apply", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &changes); err != nil {
		w.t.Fatalf("%v in %s", err, out)
	}
	actions := map[string]string{}
	for _, c := range changes {
		actions[c.ID] = c.Action
	}
	return actions
}

type scheduled struct {
	ID     string
	Paused bool
	Note   string
	Next   []time.Time
	Recent []struct {
		WorkflowID string `json:"workflow_id"`
	}
}

func (w *world) schedules() map[string]scheduled {
	w.t.Helper()
	var list []scheduled
	out := w.ok("schedules", "list", "--json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		w.t.Fatalf("%v in %s", err, out)
	}
	by := map[string]scheduled{}
	for _, s := range list {
		by[s.ID] = s
	}
	return by
}
