package e2e

import (
	"strings"
	"testing"
	"time"
)

// The first thing anybody does: the demo, twice, and then a look at it.
func TestDemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.standalone("--exit")
	if code := first.exit(2 * time.Minute); code != 0 {
		t.Fatalf("standalone --exit ended with %d", code)
	}
	if out := first.out.String(); !strings.Contains(out, "completed") || !strings.Contains(out, "sync-129-ding_talk-") {
		t.Errorf("the summary names neither the run nor its status:\n%s", out)
	}

	// The second run of the same data changes nothing.
	second := w.standalone()
	w.up(second)
	eventually(t, time.Minute, 50*time.Millisecond, "the second summary", func() error {
		if !strings.Contains(second.out.String(), "Look here:") {
			return errNotYet
		}
		return nil
	})
	if r := w.requests("dingtalk"); r.Writes != 0 || len(r.writesByPath()) != 0 {
		t.Errorf("the second run wrote %d times: %v", r.Writes, r.writesByPath())
	}
	w.demoIsThere()
	second.kill()

	// Everything survives a restart.
	w.serve()
	runs := w.runs()
	if len(runs) != 2 || runs[0].Status != "completed" || runs[1].Status != "completed" {
		t.Fatalf("runs after the restart: %+v", runs)
	}
	old, young := runs[1], runs[0]
	if p := old.Plan["person"]; p.Insert != 300 || old.Plan["org"].Insert != 40 {
		t.Errorf("the first run planned %+v", old.Plan)
	}
	if p := young.Plan["person"]; p.Unchanged != 300 || p.Insert+p.Update+p.Delete+p.Held != 0 || young.Plan["org"].Unchanged != 40 {
		t.Errorf("the second run planned %+v", young.Plan)
	}
	w.demoIsThere()
}

// demoIsThere compares DingTalk with the source, and the source with the demo.
func (w *world) demoIsThere() {
	w.t.Helper()
	s := w.ding()
	if len(s.Departments) != 41 || len(s.Users) != 300 {
		w.t.Errorf("DingTalk holds %d departments and %d people, want 41 and 300", len(s.Departments), len(s.Users))
	}
	doubles := 0
	for _, u := range s.Users {
		if len(u.DeptIDs) > 1 {
			doubles++
		}
	}
	if doubles == 0 {
		w.t.Error("nobody of the demo is in two departments: the comparison shows less than it should")
	}
	w.inStep()
}
