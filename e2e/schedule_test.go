package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A schedule is a file: applied, triggered, changed, taken away.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	schedule := func(cron string) {
		w.put("companies/129/schedules/e2e.json", `{"id": "e2e", "cron": "`+cron+`", "time_zone": "Asia/Shanghai", "job": `+demoJob+`}`)
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

	if got := w.starter("schedules", "trigger", "129-nobody"); got.code != 1 || !strings.Contains(got.err, "129-nobody") {
		t.Errorf("an unknown schedule: %d %s", got.code, got.err)
	}
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
