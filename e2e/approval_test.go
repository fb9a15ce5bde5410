package e2e

import (
	"testing"
	"time"
)

// A hundred people gone at once are parked: nobody is deleted until a named
// person agrees, not even by a power cut, and a newer run takes over.
func TestParkedDeletesWaitForSomebody(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	p := w.serve()
	w.unlimited()
	rows := demo(t)
	w.load(rows)
	w.sync(demoJob)
	rows.Employee = rows.Employee[:200]
	w.load(rows)
	w.forget()

	first := w.waiting(w.begin(demoJob))
	if first.ParkedDeletes != 100 || len(w.ding().Users) != 300 {
		t.Fatalf("%d deletes are parked, %d people are there", first.ParkedDeletes, len(w.ding().Users))
	}
	p.kill()
	w.serve()
	w.unlimited()
	if s := w.look(first.ID); s.Status != "awaiting_approval" {
		t.Errorf("after a power cut the run is %s", s.Status)
	}

	second := w.waiting(w.begin(demoJob))
	if s := w.await(first.ID, 30*time.Second); s.Status != "superseded" {
		t.Errorf("a newer run came, and the older is %s", s.Status)
	}
	if r := w.requests("dingtalk"); r.Writes != 0 {
		t.Errorf("before anybody agreed: %v", r.writesByPath())
	}
	w.ok("runs", "approve", second.ID, "--by", "e2e", "--reason", "they left")
	w.completed(w.await(second.ID, time.Minute))
	w.inStep()
	if got := w.requests("dingtalk").writesByPath(); got[userDelete] != 100 || len(got) != 1 {
		t.Errorf("writes after the approval: %v", got)
	}
}

// waiting waits until a run waits for approval.
func (w *world) waiting(id string) summary {
	w.t.Helper()
	var s summary
	eventually(w.t, time.Minute, 50*time.Millisecond, "run "+id+" awaiting approval", func() error {
		if s = w.look(id); s.terminal() {
			w.t.Fatalf("run %s ended %s", id, s.Status)
		}
		if s.Status != "awaiting_approval" {
			return errNotYet
		}
		return nil
	})
	return s
}
