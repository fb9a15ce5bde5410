package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A reorganisation with hires, moves, swaps and leavers is taken back by one
// command: the vendor refuses nothing and holds what it held before, and a
// run for the source as it was finds nothing to do.
func TestAnUndoGivesTheVendorBackWhatItHeld(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	w.serve()
	w.unlimited()
	rows := demo(t)
	w.load(rows)
	w.sync(demoJob)
	was := drawn(t, 129, w.ding())

	changed := demo(t)
	change(t, &changed)
	reorganise(t, &changed)
	w.load(changed)
	run := w.sync(demoJob)
	w.completed(run)
	w.inStep()

	w.forget()
	dry := w.undo(run.ID, "--dry-run")
	if r := w.requests("dingtalk"); r.Writes != 0 || dry.Plan["person"].Delete == 0 || dry.Plan["person"].Insert == 0 || dry.Plan["org"].Update == 0 {
		t.Errorf("the dry run wrote %v and planned %+v", r.writesByPath(), dry.Plan)
	}
	w.completed(w.undo(run.ID, "--reason", "wrong template"))
	if d := cmp.Diff(was, drawn(t, 129, w.ding())); d != "" {
		t.Errorf("not what was there before the run (-want +got):\n%s", d)
	}
	if r := w.requests("dingtalk"); r.Rejected != 0 {
		t.Errorf("%d calls were refused: %v", r.Rejected, r.Paths)
	}
	w.load(rows)
	w.forget()
	w.completed(w.sync(demoJob))
	if r := w.requests("dingtalk"); r.Writes != 0 {
		t.Errorf("a run for the source as it was wrote %v", r.writesByPath())
	}
}

// Taking the first run back would delete everybody: the deletes wait for
// somebody, who is told what cannot be brought back, and a retry finds
// nothing left to do.
func TestAnUndoAboveTheLimitWaitsForSomebody(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	w.serve()
	w.unlimited()
	w.load(demo(t))
	first := w.sync(demoJob)

	var started struct{ ID, URL string }
	must(t, "POST", "http://"+w.http+"/api/v1/sync-runs/"+first.ID+"/undo", `{"by":"e2e","reason":"wrong company"}`, &started)
	waits := w.waiting(started.ID)
	if waits.ParkedDeletes != 340 || len(w.ding().Users) != 300 {
		t.Fatalf("%d deletes are parked, %d people are there", waits.ParkedDeletes, len(w.ding().Users))
	}
	shown := w.ok("runs", "show", started.ID)
	for _, want := range []string{"undo of " + first.ID, "No undo brings back 300 deletes of persons", "No undo brings back 40 deletes of departments"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown:\n%s", want, shown)
		}
	}
	if status, body, err := call("POST", "http://"+w.http+"/api/v1/sync-runs/"+started.ID+"/undo", "{}"); status != 409 || err != nil {
		t.Errorf("undo of a run that waits: %d %s %v", status, body, err)
	}
	w.ok("runs", "approve", started.ID, "--by", "e2e", "--reason", "checked")
	w.completed(w.await(started.ID, time.Minute))
	if s := w.ding(); len(s.Users) != 0 || len(s.Departments) != 1 {
		t.Errorf("%d people and %d departments are left", len(s.Users), len(s.Departments))
	}
	if got := w.starter("runs", "retry", started.ID); got.code == 0 || !strings.Contains(got.err, "nothing failed") {
		t.Errorf("retry of a whole undo: %d\n%s", got.code, got.err)
	}
}

// undo takes a run back by the CLI and returns the summary of the undo.
func (w *world) undo(id string, flags ...string) summary {
	w.t.Helper()
	got := w.starter(append([]string{"runs", "undo", id, "--wait", "--json"}, flags...)...)
	var s summary
	if err := json.Unmarshal([]byte(got.out), &s); err != nil || got.code != 0 {
		w.t.Fatalf("starter runs undo ended with %d (%v):\n%s%s", got.code, err, got.out, got.err)
	}
	return s
}
