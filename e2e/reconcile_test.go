package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const reconcileJob = `{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":129,"params":{"mode":"reconcile"}}`

// Somebody edits the directory by hand: a usual run, which compares with what
// was accepted last, does not notice; a reconcile run shows it, and repairs
// it when it is no dry run.
func TestReconcileFindsAndRepairsWhatWasChangedByHand(t *testing.T) {
	t.Parallel()
	eachAPI(t, func(t *testing.T, api string) {
		w := newFastWorldOf(t, api)
		w.serve()
		w.unlimited()
		w.load(demo(t))
		w.completed(w.sync(demoJob))

		var state object
		must(t, "GET", w.simURL("dingtalk", "state"), "", &state)
		users := state["users"].([]any)
		users[7].(object)["title"] = "临时工"
		last := users[len(users)-1].(object) // a person who leads nobody
		state["users"] = users[:len(users)-1]
		delete(state, "tokens_issued")
		must(t, "PUT", w.simURL("dingtalk", "state"), encode(t, state), nil)

		w.forget()
		w.completed(w.sync(demoJob))
		if r := w.requests("dingtalk"); r.Writes != 0 {
			t.Errorf("a usual run wrote %v", r.writesByPath())
		}
		dry := w.sync(`{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":129,"params":{"mode":"reconcile","dry_run":true}}`)
		if p := dry.Plan["person"]; p.Update != 1 || p.Insert != 1 || p.Delete != 0 {
			t.Errorf("the dry run plans %+v", dry.Plan)
		}
		if r := w.requests("dingtalk"); r.Writes != 0 {
			t.Errorf("a dry run wrote %v", r.writesByPath())
		}
		w.completed(w.sync(reconcileJob))
		if d := cmp.Diff(map[string]int{userUpdate: 1, userCreate: 1}, w.requests("dingtalk").writesByPath()); d != "" {
			t.Errorf("repaired %s with (-want +got):\n%s", last["userid"], d)
		}
		w.inStep()
	})
}

// The database is lost and the directory is full: the first run afterwards
// recognises everybody and creates nobody. What a listing does not show,
// the managers, is set again; the run after that has nothing to do.
func TestAFirstRunAdoptsAFilledDirectory(t *testing.T) {
	t.Parallel()
	eachAPI(t, func(t *testing.T, api string) {
		w := newFastWorldOf(t, api)
		p := w.serve()
		w.unlimited()
		w.load(demo(t))
		w.completed(w.sync(demoJob))
		p.signal(syscall.SIGINT)
		if code := p.exit(30 * time.Second); code != 0 {
			t.Fatalf("standalone ended with %d", code)
		}
		files, err := filepath.Glob(filepath.Join(w.data, "orgflow.db*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no database to lose: %v", err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		w.serve()
		w.unlimited()
		w.forget()
		s := w.sync(demoJob)
		w.completed(s)
		if by := w.requests("dingtalk").writesByPath(); by[userCreate]+by[deptCreate]+by[userDelete]+by[deptDelete]+by[deptUpdate] != 0 {
			t.Errorf("wrote %v", by)
		}
		if p := s.Plan["person"]; p.Insert != 0 || p.Update+p.Unchanged != 300 || s.Plan["org"].Unchanged != 40 {
			t.Errorf("plan %+v", s.Plan)
		}
		w.inStep()
		w.forget()
		w.completed(w.sync(demoJob))
		if r := w.requests("dingtalk"); r.Writes != 0 {
			t.Errorf("the run after that wrote %v", r.writesByPath())
		}
	})
}
