package activities

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/internal/testpg"
)

// completed counts the pushes the simulator has seen completed.
func (w *guanHuai) completed() int { return w.sim.State().(aghsim.State).Completed }

// A company is pushed whole, changed and pushed again; a run without news
// pushes nothing, unless the job asks for it.
func TestACompanyIsPushedWhole(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { pushedWhole(t, newGuanHuai(t, "full")) })
	t.Run("postgres", func(t *testing.T) {
		pushedWhole(t, guanHuaiAt(openSite(t, aiGuanHuaiVendor("full", ""), testpg.URL(t), nil)))
	})
}

func pushedWhole(t *testing.T, w *guanHuai) {
	for i, rows := range []func() ([]org, []person){before, later} {
		w.source.hold(rows())
		s := w.syncOnce(w.job(""))
		if s.Status != orgflow.StatusCompleted || w.completed() != i+1 || w.calls("update") != 0 {
			t.Fatalf("run %d ends %s after %d pushes: %+v %s", i, s.Status, w.completed(), s.Applied, w.troubles(s.ID))
		}
		if d := cmp.Diff(wanted(rows()), w.picture()); d != "" {
			t.Errorf("after run %d: %s", i, d)
		}
		if again := w.syncOnce(w.job("")); again.Progress.Total != 0 || w.completed() != i+1 {
			t.Fatalf("the run after run %d plans %+v", i, again.Plan)
		}
	}
	s := w.syncOnce(w.job(`{"mode": "full"}`))
	if s.Status != orgflow.StatusCompleted || w.completed() != 3 || s.Applied[orgflow.Person][orgflow.Update].Done != 16 {
		t.Errorf("mode full ends %s after %d pushes: %+v", s.Status, w.completed(), s.Applied)
	}
}

// mode full pushes whole whatever the consumer's setting is.
func TestModeFullPushesWhole(t *testing.T) {
	w := newGuanHuai(t, "incremental")
	w.source.hold(team(3))
	if s := w.syncOnce(w.job(`{"mode": "full"}`)); s.Status != orgflow.StatusCompleted || w.completed() != 1 {
		t.Errorf("ends %s after %d pushes", s.Status, w.completed())
	}
}

// One person less than a batch takes, as many, and one more; departments
// level by level before them.
func TestSizesOfAPush(t *testing.T) {
	for n, adds := range map[int]int{wholeBatch - 1: 2, wholeBatch: 2, wholeBatch + 1: 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newBatched(t, "full")
			w.source.hold(team(n))
			s := w.syncOnce(w.job(""))
			if s.Status != orgflow.StatusCompleted || w.calls("add") != adds || len(w.picture()) != n+2 {
				t.Errorf("ends %s after %d calls, %d records", s.Status, w.calls("add"), len(w.picture()))
			}
			if bound := len(w.boundAt("ai_guan_huai")); bound != n+3 {
				t.Errorf("%d bound", bound)
			}
		})
	}
}

// Who is held, refused or parked but known goes along as last accepted:
// absence never disables them.
func TestWhoIsKnownGoesAlong(t *testing.T) {
	w := newGuanHuai(t, "full")
	orgs, people := team(8)
	orgs = append(orgs, org{ID: 13, Name: "支部", Parent: 11})
	people[4].Dept = 13
	w.source.hold(orgs, people)
	w.syncOnce(w.job(""))
	want := w.picture()

	people[0].Name = "-"   // set aside: has no name
	people[1].Title = "总监" // goes through
	people[2].Title = "经理" // refused, below
	people[3].Dept = 14    // moves to a department that is refused: blocked
	people[5].Dept = 12    // goes through
	orgs = append(orgs, org{ID: 14, Name: "新部", Parent: 10})
	newcomer := person{ID: 1030, Dept: 12, Title: "新人"}             // refused and unknown: absent
	w.source.hold(orgs, append(slices.Clone(people[:6]), newcomer)) // 1007 and 1008 have left: parked
	w.options(`{"refuse": ["14", "E1030"]}`)
	w.sync = w.process(w.db, refusing(func(body string) bool { return strings.Contains(body, `"E1003"`) && strings.Contains(body, "经理") }))
	run, planned := w.planned(w.job(`{"delete_limit": {"count": 1}}`))
	if planned.Parked != 2 || !planned.Push {
		t.Fatalf("plan %+v", planned)
	}
	s := w.rest(run, planned)
	want["person E1002"] = strings.Replace(want["person E1002"], "工程师", "总监", 1)
	want["person E1006"] = strings.Replace(want["person E1006"], "[11]", "[12]", 1)
	if d := cmp.Diff(want, w.picture()); d != "" || w.completed() != 2 {
		t.Errorf("after %d pushes, %s: %s", w.completed(), w.troubles(run), d)
	}
	states := map[string]orgflow.State{}
	for name, c := range w.changes(run) {
		states[name] = c.State
	}
	wantStates := map[string]orgflow.State{
		"org:14": orgflow.Failed, "person:1002": orgflow.Done, "person:1003": orgflow.Failed,
		"person:1004": orgflow.Blocked, "person:1006": orgflow.Done, "person:1007": orgflow.Parked, "person:1008": orgflow.Parked, "person:1030": orgflow.Failed,
	}
	if d := cmp.Diff(wantStates, states); d != "" || s.Status != orgflow.StatusCompletedWithFailures {
		t.Errorf("%s: %s", s.Status, d)
	}
}

// What the vendor holds and refuses even as it was last accepted would be
// disabled by completing: the push is given up, and the changes go by
// themselves.
func TestAPushThatWouldDisableSomebodyIsNotCompleted(t *testing.T) {
	w := newGuanHuai(t, "full")
	_, people := team(5)
	w.source.hold(team(5))
	w.syncOnce(w.job(""))
	people[0].Title = "总监"
	orgs, _ := team(0)
	w.source.hold(orgs, people)
	w.options(`{"refuse": ["E1004"]}`) // unchanged, and refused now
	s := w.syncOnce(w.job(""))
	want := wanted(orgs, people)
	if d := cmp.Diff(want, w.picture()); d != "" || w.completed() != 1 || w.calls("update") != 1 {
		t.Errorf("after %d pushes and %d updates: %s", w.completed(), w.calls("update"), d)
	}
	if s.Status != orgflow.StatusCompleted || !strings.Contains(fmt.Sprint(s.Notes), "no full push: person 1004 was refused even as it was last accepted") {
		t.Errorf("%s %v", s.Status, s.Notes)
	}
}

// No push is made of what might not be everybody.
func TestWhatIsNotPushedWhole(t *testing.T) {
	for name, c := range map[string]struct {
		job  string
		then func(w *guanHuai)
		note string
	}{
		"a partial read": {`{"delete_limit": {"percent": 100, "count": 1000}}`, func(w *guanHuai) {
			w.source.declared = func(_ string, n int) int { return n + 1 }
		}, "records were not read whole"},
		"single records": {`{"source_ids": ["person:1001"]}`, func(*guanHuai) {}, "the job is for single records"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newGuanHuai(t, "full")
			w.source.hold(team(5))
			w.syncOnce(w.job(""))
			orgs, people := team(5)
			people[0].Title = "总监"
			w.source.hold(orgs, people[:4])
			c.then(w)
			s := w.syncOnce(w.job(c.job))
			if w.completed() != 1 || w.calls("update") != 1 || !strings.Contains(fmt.Sprint(s.Notes), c.note) {
				t.Errorf("%d pushes, %d updates, notes %v", w.completed(), w.calls("update"), s.Notes)
			}
			if d := cmp.Diff(wanted(orgs, people), w.picture()); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("departments alone, persons unknown", func(t *testing.T) {
		w := newGuanHuai(t, "full")
		w.source.hold(team(2))
		job := json.RawMessage(strings.Replace(string(w.job("")), `"person_new"`, `"org_sync"`, 1))
		w.syncOnce(job)
		if w.completed() != 0 {
			t.Error("departments alone were pushed whole, which disables everybody")
		}
	})
}

// A task the vendor does not know any more is begun again, with everything,
// once.
func TestALostTask(t *testing.T) {
	for path, adds := range map[string]int{"add": 3, "add-complete": 4} {
		t.Run(path, func(t *testing.T) {
			w := newGuanHuai(t, "full")
			w.source.hold(team(3))
			w.fault(`{"path": "/v3/oms/` + path + `", "times": 1, "errcode": 200006}`)
			s := w.syncOnce(w.job(""))
			if d := cmp.Diff(wanted(team(3)), w.picture()); d != "" || s.Status != orgflow.StatusCompleted || w.completed() != 1 {
				t.Errorf("%s after %d pushes: %s", s.Status, w.completed(), d)
			}
			if w.calls("add-prepare") != 2 || w.calls("add") != adds {
				t.Errorf("%d prepares, %d adds", w.calls("add-prepare"), w.calls("add"))
			}
		})
	}
	w := newGuanHuai(t, "full")
	w.source.hold(team(3))
	w.fault(`{"path": "/v3/oms/add", "errcode": 200006}`)
	run, _ := w.planned(w.job(""))
	for range 2 {
		var at Pushing
		if err := w.perform(task{}, orgflow.ActivityPreparePush, RunParams{RunID: run}, &at); err != nil {
			t.Fatal(err)
		}
		if err := w.perform(task{}, orgflow.ActivityAddToPush, PushParams{RunID: run, Round: at.Round}, &at); err != nil || !at.Lost {
			t.Fatalf("%+v, %v", at, err)
		}
	}
	err := w.perform(task{}, orgflow.ActivityPreparePush, RunParams{RunID: run}, nil)
	wantFault(t, err, orgflow.CodeTooManyFailures, false)
}

// The same batch is sent three times at most where the vendor says "system
// error"; then the run ends, and nothing was changed.
func TestAFailedBatchIsNeverCompleted(t *testing.T) {
	for _, path := range []string{"add", "add-prepare", "add-complete"} {
		t.Run(path, func(t *testing.T) {
			w := newGuanHuai(t, "full")
			w.source.hold(team(3))
			w.fault(`{"path": "/v3/oms/` + path + `", "times": 3, "errcode": 200007}`)
			run, _ := w.planned(w.job(""))
			var failed error
			func() {
				defer func() { _ = recover() }()
				pushAll(func(activity string, params, result any) {
					if err := w.perform(task{}, activity, params, result); err != nil {
						failed = err
						panic(activity) // the workflow ends here
					}
				}, run)
			}()
			wantFault(t, failed, orgflow.CodeTooManyFailures, false)
			if w.calls(path) != 3 || w.completed() != 0 || len(w.picture()) != 0 {
				t.Errorf("%d calls, %d pushes", w.calls(path), w.completed())
			}
		})
	}
}

// A completion that was not answered is settled by pushing once more.
func TestACompletionInDoubt(t *testing.T) {
	w := newGuanHuai(t, "full")
	w.source.hold(team(3))
	// Of the first task and of the second one the answer is lost.
	w.fault(`[{"path": "/v3/oms/add-complete", "times": 1, "after_commit": true}, {"path": "/v3/oms/add-complete", "times": 1, "every": 2, "after_commit": true}]`)
	run, _ := w.planned(w.job(""))
	attempts := 0
	declined := pushAll(func(name string, params, result any) {
		for { // as Temporal does with what may be tried again
			attempts++
			err := w.perform(task{}, name, params, result)
			if err == nil || attempts > 50 {
				return
			}
			wantFault(t, err, orgflow.CodeUnknownOutcome, true)
		}
	}, run)
	if d := cmp.Diff(wanted(team(3)), w.picture()); d != "" || declined != "" || w.calls("add-prepare") != 3 {
		t.Errorf("%q after %d tasks: %s", declined, w.calls("add-prepare"), d)
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 5})
}

// Killed between any two steps, before a write or after it with the answer
// lost: it ends with one complete, correct push, and the next run finds
// nothing to do.
func TestAPushMayBeKilledAtAnyPoint(t *testing.T) {
	first := newGuanHuai(t, "full")
	first.source.hold(before())
	first.completes("the first run")
	moment := first.freeze()
	moment.vendor = aiGuanHuaiVendor("full", `, "batch_size": 5`) // several pages
	survives := func(t *testing.T, r *reaper) {
		w := guanHuaiAt(moment.again(t))
		w.source.hold(later())
		w.endanger(r)
		if d := w.outcome(w.survive(r, w.job(""), true), later); d != "" || w.completed() == 0 {
			t.Errorf("after %d pushes: %s", w.completed(), d)
		}
		r.retire()
		w.quiet()
	}
	calm := &reaper{}
	survives(t, calm)
	from := slices.Index(calm.seen, "CreatePush no. 1")
	to := slices.Index(calm.seen, "FinishRun no. 1")
	if from < 0 || to-from < 20 {
		t.Fatalf("points %v", calm.seen)
	}
	eachDeath(t, deaths(calm.seen[from:to+1], killEvery), survives)
}
