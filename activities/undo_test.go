package activities

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// undoOf is the job that takes a run back; more is further params.
func undoOf(run, more string) json.RawMessage {
	if more == "" {
		more = `"delete_limit": {"percent": 100, "count": 1000}`
	}
	return bothKinds(fmt.Sprintf(`{"undo": %q, %s}`, run, more))
}

// run carries a state of the source to the consumer and returns the run's id.
func (w *world) run(orgs []org, people []person) string {
	w.t.Helper()
	w.source.hold(orgs, people)
	s := w.syncOnce(bothKinds(""))
	if s.Status != orgflow.StatusCompleted {
		w.t.Fatalf("the run ends %s: %+v", s.Status, s.Applied)
	}
	return s.ID
}

func TestAnUndoPutsTheConsumerBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		w.run(before())
		was, bound := w.remote.picture(), w.bindings()
		run := w.run(later())
		is := w.remote.picture()
		w.source.rows, w.remote.calls = nil, nil // no undo reads the source

		undo := w.syncOnce(undoOf(run, ""))
		if undo.Status != orgflow.StatusCompleted || undo.Undoes != run || len(undo.Fetch) != 0 || len(undo.Files) != 0 {
			t.Errorf("the undo ends %s: %+v", undo.Status, undo)
		}
		if d := cmp.Diff(was, w.remote.picture()); d != "" {
			t.Errorf("not as before the run (-want +has):\n%s", d)
		}
		for record, b := range w.bindings() {
			if b.Scope != bound[record].Scope || b.State != bound[record].State {
				t.Errorf("%s is bound as %+v", record, b)
			}
		}
		if again := w.syncOnce(undoOf(run, "")); again.Status != orgflow.StatusCompleted || again.Progress.Total != 0 {
			t.Errorf("a second undo: %s, %+v", again.Status, again.Progress)
		}
		forth, planned := w.planned(undoOf(undo.ID, "")) // with what was deleted before, more than the limit
		if err := w.perform(task{}, orgflow.ActivityReleaseParked, SettleParams{RunID: forth, Note: "approved"}, &planned); err != nil {
			t.Fatal(err)
		}
		w.rest(forth, planned)
		if d := cmp.Diff(is, w.remote.picture()); d != "" {
			t.Errorf("the undo of the undo (-want +has):\n%s", d)
		}
		w.nothingTwice(t)
	})
}

func TestAWorkerMayBeKilledAtAnyPointOfAnUndo(t *testing.T) {
	begin := newScene(t, later)
	killAnywhere(t, begin, undoOf(fmt.Sprintf("run-%d", begin.number), ""), func(w *world) {
		w.source.hold(before())
		if s := w.syncOnce(bothKinds("")); s.Progress.Total != 0 {
			t.Fatalf("a run for what was before still wants %d changes", s.Progress.Total)
		}
	})
}

func TestAnUndoLeavesWhatALaterRunChanged(t *testing.T) {
	w := newWorld(t)
	w.run(team(4))
	orgs, people := team(4)
	people[0].Title, people[1].Title = "主管", "主管"
	run := w.run(orgs, append(people, person{ID: 1050, Dept: 11}))
	people[0].Title = "经理"
	later := w.run(orgs, append(people, person{ID: 1050, Dept: 12}))

	s := w.syncOnce(undoOf(run, ""))
	changes := w.changes(s.ID)
	for _, record := range []string{"person:1001", "person:1050"} {
		if c := changes[record]; c.State != orgflow.Skipped || c.Reason != "not undone: changed again by run "+later {
			t.Errorf("%s is %s: %s", record, c.State, c.Reason)
		}
	}
	if s.Status != orgflow.StatusCompleted || w.remote.people["E1001"].fields["title"] != "经理" || w.remote.people["E1002"].fields["title"] != "工程师" || w.remote.people["E1050"] == nil {
		t.Errorf("%s: %+v", s.Status, w.remote.picture())
	}
	if !strings.Contains(strings.Join(s.Notes, "\n"), "2 records are not undone") {
		t.Errorf("notes = %q", s.Notes)
	}
}

// Between plan and approval of an undo others go on: what they send is newer,
// and what only the source says is not.
func TestAnApprovedUndoDeletesWhatTheSourceStillHas(t *testing.T) {
	w := newWorld(t)
	w.run(team(4))
	orgs, people := team(8)
	run := w.run(orgs, people)
	waiting, planned := w.planned(undoOf(run, `"delete_limit": {"count": 3}`))
	if planned.Parked != 4 || planned.ParkedDeletes != 4 {
		t.Fatalf("plan = %+v", planned)
	}
	if len(planned.Irreversible) != 1 || planned.Irreversible[0].Count != 4 {
		t.Errorf("irreversible = %+v", planned.Irreversible)
	}
	if err := w.perform(task{}, orgflow.ActivityParkRun, RunParams{RunID: waiting}, nil); err != nil {
		t.Fatal(err)
	}
	people[7].Title = "主管" // of 1008, whom the undo would delete
	w.run(orgs, people)
	if s, err := w.db.Summary(t.Context(), waiting); err != nil || s.Status != orgflow.StatusAwaitingApproval || !w.alive[waiting] {
		t.Fatalf("an ordinary run has replaced the undo: %s, %v", s.Status, err)
	}
	var approved Planned
	if err := w.perform(task{}, orgflow.ActivityReleaseParked, SettleParams{RunID: waiting, Note: "approved"}, &approved); err != nil {
		t.Fatal(err)
	}
	if err := w.holdTarget(waiting, true); err != nil {
		t.Fatal(err)
	}
	s := w.rest(waiting, approved)
	w.wantStates(waiting, map[orgflow.State]int{orgflow.Done: 3, orgflow.Skipped: 1})
	if s.Status != orgflow.StatusCompleted || len(w.remote.people) != 5 || w.remote.people["E1008"] == nil {
		t.Errorf("%s, %d persons", s.Status, len(w.remote.people))
	}
}

// An undo judges nobody else's deletes: a run that waits goes on waiting.
func TestAnUndoSupersedesNobody(t *testing.T) {
	w := newWorld(t)
	w.run(team(10))
	orgs, people := team(10)
	people[0].Title = "主管"
	run := w.run(orgs, people)
	w.source.hold(team(2))
	waiting, _ := w.planned(bothKinds(`{}`))
	if err := w.perform(task{}, orgflow.ActivityParkRun, RunParams{RunID: waiting}, nil); err != nil {
		t.Fatal(err)
	}
	w.syncOnce(undoOf(run, ""))
	if s, err := w.db.Summary(t.Context(), waiting); err != nil || s.Status != orgflow.StatusAwaitingApproval {
		t.Errorf("%s, %v", s.Status, err)
	}
}

func TestOnlyARunWithEffectsIsUndone(t *testing.T) {
	w := newWorld(t)
	done := w.run(team(4))
	unchanged := w.run(team(4))
	w.source.hold(team(5))
	dry := w.syncOnce(bothKinds(`{"dry_run": true}`)).ID
	open, _ := w.planned(bothKinds(""))
	gone := "run-gone"
	if _, _, err := w.db.CreateRun(t.Context(), store.NewRun{WorkflowID: gone, FirstRunID: gone, Job: mustJob(t, w, "")}); err != nil {
		t.Fatal(err)
	}
	counts := map[orgflow.Kind]orgflow.PlanCount{orgflow.Person: {Insert: 3}}
	if err := w.db.SavePlan(t.Context(), gone, store.PlanMeta{Hash: "h", Counts: counts}, func(func(orgflow.Change) bool) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.FinishRun(t.Context(), gone, orgflow.StatusCompleted, nil, nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		job  json.RawMessage
		code orgflow.Code
		says string
	}{
		"unknown":      {undoOf("nobody", ""), orgflow.CodeNotFound, `there is no run "nobody" to undo`},
		"goes on":      {undoOf(open, ""), orgflow.CodeConflict, "has not ended: running"},
		"dry":          {undoOf(dry, ""), orgflow.CodeConflict, "was a dry run"},
		"no effect":    {undoOf(unchanged, ""), orgflow.CodeConflict, "changed nothing"},
		"removed":      {undoOf(gone, ""), orgflow.CodeConflict, "have been removed"},
		"other scope":  {undoOf(done, `"scope": "b"`), orgflow.CodeInvalidJob, "/params/scope: must be as in run run-1: default"},
		"other kinds":  {json.RawMessage(strings.Replace(string(undoOf(done, "")), `"org_new",`, "", 1)), orgflow.CodeInvalidJob, "/services: must be as in run run-1: org_new, person_new"},
		"with a mode":  {undoOf(done, `"mode": "full"`), orgflow.CodeInvalidJob, `/params/mode: cannot stand beside "undo"`},
		"with records": {undoOf(done, `"source_ids": ["1"]`), orgflow.CodeInvalidJob, `/params/source_ids: cannot stand beside "undo"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare(c.job, w.newWorkflow())
			if app := wantFault(t, err, c.code, false); !strings.Contains(app.Message(), c.says) {
				t.Errorf("%s, want %q", app.Message(), c.says)
			}
		})
	}
}

func mustJob(t *testing.T, w *world, params string) orgflow.Job {
	t.Helper()
	job, err := w.files.DecodeJob(bothKinds(params))
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// The first run of a company takes over who is there already: an undo gives
// them back what is known of them, and deletes nobody it has not inserted.
func TestAnUndoOfTheFirstRunDeletesNobodyWhoWasThere(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(2))
	was := map[string]any{"userid": "E1001", "name": "员工1001", "mobile": "10000001001", "job_number": "E1001", "dept_id_list": "1"}
	w.remote.people["E1001"] = &entry{key: "person:1001", fields: was}

	p := w.begin(bothKinds(""))
	w.fetch(p)
	step := store.RemoteStep{Department: "1", Done: true, Records: []store.RemoteRecord{{Kind: orgflow.Person, ConsumerID: "E1001", Fields: was}}}
	for _, err := range []error{
		w.db.BeginRemote(t.Context(), p.RunID, "1"), w.db.SaveRemotePage(t.Context(), p.RunID, step), w.db.FinishRemote(t.Context(), p.RunID, ""),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	planned := w.plan(p.RunID)
	first := w.rest(p.RunID, planned)
	if !strings.Contains(fmt.Sprint(planned.Irreversible), "title: what the consumer holds now is not known") {
		t.Errorf("irreversible: %+v", planned.Irreversible)
	}
	if w.remote.people["E1001"].fields["title"] != "工程师" || len(w.remote.people) != 2 {
		t.Fatalf("the first run ends %s: %+v", first.Status, w.remote.picture())
	}

	undo := w.syncOnce(undoOf(p.RunID, ""))
	now := w.remote.people["E1001"]
	if undo.Status != orgflow.StatusCompleted || len(w.remote.people) != 1 || len(w.remote.orgs) != 1 || now == nil {
		t.Fatalf("%s: %+v", undo.Status, w.remote.picture())
	}
	if now.fields["dept_id_list"] != "1" || now.fields["title"] != "工程师" {
		t.Errorf("%v", now.fields)
	}
	if notes := strings.Join(undo.Notes, "\n"); !strings.Contains(notes, "1 person records keep title as the run left it: what the consumer held before is not known") {
		t.Errorf("notes = %q", notes)
	}
}
