package activities

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// storedPlan returns the head of a run's plan.
func (w *world) storedPlan(run string) store.PlanMeta {
	w.t.Helper()
	plan, err := w.db.Plan(context.Background(), run)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

func TestPlanningAgainFindsTheSamePlan(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		w.source.hold(team(3))
		run, first := w.planned(bothKinds(""))
		head, changes := w.storedPlan(run), w.changes(run)
		w.source.hold(team(5)) // the plan is made of what was staged
		if d := cmp.Diff(first, w.plan(run)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(head, w.storedPlan(run)); d != "" || head.Hash == "" {
			t.Errorf("hash %q: %s", head.Hash, d)
		}
		if d := cmp.Diff(changes, w.changes(run)); d != "" {
			t.Error(d)
		}
		if len(w.remote.calls) != 0 {
			t.Errorf("planning called the consumer: %v", w.remote.sent())
		}
	})
}

func TestAPlanThatWasLostBeforeItWasMarkedIsMadeAgain(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(3))
	p := w.begin(bothKinds(""))
	w.fetch(p)
	r := &reaper{death: death{"SavePlan no. 1", true}}
	w.sync = w.worker(mortal{w.db, r}, w.remote)
	if err := w.perform(task{}, orgflow.ActivityPlanRun, RunParams{RunID: p.RunID}, nil); err == nil || !r.restart() {
		t.Fatalf("err = %v, want the worker killed", err)
	}
	hash := w.storedPlan(p.RunID).Hash
	w.sync = w.worker(w.db, w.remote)
	if planned := w.plan(p.RunID); planned.Total != 5 || w.storedPlan(p.RunID).Hash != hash {
		t.Errorf("plan = %+v", planned)
	}
	if s := w.rest(p.RunID, w.plan(p.RunID)); s.Status != orgflow.StatusCompleted {
		t.Errorf("status = %s", s.Status)
	}
}

func TestAPlanThatIsBeingAppliedIsNotMadeAgain(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(3)
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if planned := w.plan(run); planned.Total != 5 || planned.Settled != 5 || len(planned.Waves) != 0 {
		t.Errorf("plan = %+v", planned)
	}
}

func TestTheSecondOfTwoRunsHasNothingToDo(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		w.source.hold(later())
		if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted {
			t.Fatalf("the first run ends %s: %+v", s.Status, s.Applied)
		}
		w.remote.calls = nil
		run, planned := w.planned(bothKinds(""))
		if planned.Total != 0 || planned.Counts[orgflow.Person].Unchanged != 16 || planned.Counts[orgflow.Org].Unchanged != 4 {
			t.Errorf("plan = %+v, changes %+v", planned.Counts, w.changes(run))
		}
		if s := w.rest(run, planned); s.Status != orgflow.StatusCompleted || len(w.remote.calls) != 0 {
			t.Errorf("it ends %s after %d calls", s.Status, len(w.remote.calls))
		}
	})
}

func TestTheSourceRootIsBoundToTheConsumersRootAndNeverSent(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(1))
	w.syncOnce(bothKinds(""))
	root := w.bindings()["org:10"]
	if root.State != orgflow.BindingRoot || root.ConsumerID != "1" {
		t.Errorf("binding of the root = %+v", root)
	}
	if calls := w.remote.callsAbout("org:10"); len(calls) != 0 {
		t.Errorf("the root was sent: %+v", calls)
	}
	if got := w.remote.picture()["org:11"]["parent_id"]; got != "root" {
		t.Errorf("departments hang below %v", got)
	}
}

func TestDeletesBeyondTheLimitAreParkedAndTheRestRuns(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(6))
	w.syncOnce(bothKinds(""))
	orgs, people := team(1)
	people = append(people, person{ID: 1050, Dept: 12, Title: "顾问"})
	w.source.hold(orgs, people)
	run, planned := w.planned(bothKinds(`{"delete_limit": {"count": 2}}`))
	if planned.Parked != 5 || planned.Counts[orgflow.Person].Delete != 5 || len(planned.Waves) != 1 {
		t.Fatalf("plan = %+v", planned)
	}
	s := w.rest(run, planned)
	if s.ParkedDeletes != 5 || len(w.remote.people) != 7 || s.Status != orgflow.StatusCompletedWithFailures {
		t.Errorf("%d parked, %d persons at the consumer, status %s", s.ParkedDeletes, len(w.remote.people), s.Status)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "a safeguard held the deletes") {
		t.Errorf("notes = %q", s.Notes)
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 1, orgflow.Parked: 5})
}

func TestAChangedFilterParksDeletesUntilARunWithItIsApproved(t *testing.T) {
	w := newWorld(t)
	const wide, narrow = `{}`, `{"filter_dict": {"person_new": {"position_status_id": 3}}}`
	w.source.hold(team(40))
	w.syncOnce(bothKinds(wide))
	w.source.hold(team(39)) // what the narrower filter leaves
	for range 2 {           // repeating it is no approval
		run, planned := w.planned(bothKinds(narrow))
		if planned.Parked != 1 || !strings.Contains(w.changes(run)["person:1040"].Reason, "filter") {
			t.Fatalf("plan = %+v", planned)
		}
		w.rest(run, planned)
	}
	run, _ := w.planned(bothKinds(narrow))
	var approved Planned
	for range 2 { // the first answer was lost
		if err := w.perform(task{}, orgflow.ActivityReleaseParked, SettleParams{RunID: run, Note: "approved by E1: they left"}, &approved); err != nil {
			t.Fatal(err)
		}
	}
	s := w.rest(run, approved)
	if s.Status != orgflow.StatusCompleted || len(w.remote.people) != 39 {
		t.Fatalf("the approved run ends %s with %d persons", s.Status, len(w.remote.people))
	}
	if len(s.Notes) == 0 || s.Notes[0] != "approved by E1: they left" || slices.Contains(s.Notes[1:], s.Notes[0]) {
		t.Errorf("the run's notes are %q", s.Notes)
	}
	w.source.hold(team(38))
	if _, planned := w.planned(bothKinds(narrow)); planned.Parked != 0 || planned.Counts[orgflow.Person].Delete != 1 {
		t.Errorf("after the approval: %+v", planned)
	}
}

func TestARunSaysWhoRejectedItsParkedChangesAndWhy(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(6))
	w.syncOnce(bothKinds(""))
	w.source.hold(team(5))
	run, planned := w.planned(bothKinds(`{"approval": "always"}`))
	if planned.Parked != 1 {
		t.Fatalf("plan = %+v", planned)
	}
	for range 2 { // the first answer was lost
		if err := w.perform(task{}, orgflow.ActivitySettleParked, SettleParams{RunID: run, Note: "rejected by E1: they are on leave"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.db.Summary(context.Background(), run) // at once, not only when it has ended
	if err != nil || len(s.Notes) != 1 || s.Notes[0] != "rejected by E1: they are on leave" {
		t.Errorf("notes = %q, %v", s.Notes, err)
	}
	s = w.finish(FinishParams{RunID: run, Status: orgflow.StatusRejected})
	if len(s.Notes) == 0 || s.Notes[0] != "rejected by E1: they are on leave" {
		t.Errorf("the rejected run's notes are %q", s.Notes)
	}
}

func TestAJobThatOnlySendsUsesTheNewestReadOfItsScope(t *testing.T) {
	w := newWorld(t)
	for _, n := range []int{2, 4} {
		w.source.hold(team(n))
		p := w.begin(bothKinds(`{"stages": ["fetch"]}`))
		w.fetch(p)
		if s := w.finish(FinishParams{RunID: p.RunID}); s.Status != orgflow.StatusCompleted {
			t.Fatalf("status = %s", s.Status)
		}
	}
	asked := len(w.source.asked)
	p := w.begin(bothKinds(`{"stages": ["send"]}`))
	if !p.Fetched || !p.Send {
		t.Errorf("prepared = %+v", p)
	}
	if s := w.rest(p.RunID, w.plan(p.RunID)); s.Status != orgflow.StatusCompleted || len(w.remote.people) != 4 || len(w.source.asked) != asked {
		t.Errorf("status %s, %d persons, %d pages read", s.Status, len(w.remote.people), len(w.source.asked)-asked)
	}
}

func TestAJobThatSendsWhatNobodyFetchedSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	for _, params := range []string{`{"stages": ["send"]}`, `{"stages": ["send"], "scope": "other"}`} {
		p := w.begin(bothKinds(params))
		err := w.perform(task{}, orgflow.ActivityPlanRun, RunParams{RunID: p.RunID}, nil)
		app := wantFault(t, err, orgflow.CodeInvalidJob, false)
		if !strings.Contains(app.Message(), "nothing has been fetched yet") || !strings.Contains(app.Message(), "/params/stages") {
			t.Errorf("message = %s", app.Message())
		}
		w.finish(FinishParams{RunID: p.RunID, Canceled: true})
		w.source.hold(team(1)) // the default scope has a read now, the other one has none
		w.syncOnce(bothKinds(""))
	}
}

func TestANewPlanSupersedesTheRunThatWaits(t *testing.T) {
	for _, terminated := range []bool{false, true} {
		w := newWorld(t)
		w.source.hold(team(6))
		w.syncOnce(bothKinds(""))
		w.source.hold(team(1))
		limited := bothKinds(`{"delete_limit": {"count": 2}}`)
		waiting, _ := w.planned(limited)
		if err := w.perform(task{}, orgflow.ActivityParkRun, RunParams{RunID: waiting}, nil); err != nil {
			t.Fatal(err)
		}
		w.alive[waiting] = !terminated
		next, _ := w.planned(limited) // the target was free
		if told := w.alive["superseded "+waiting+" by "+next]; !told {
			t.Error("the waiting run was not told")
		}
		run, err := w.db.GetRun(context.Background(), waiting)
		want := map[bool]orgflow.Status{false: orgflow.StatusAwaitingApproval, true: orgflow.StatusSuperseded}[terminated]
		if err != nil || run.Status != want {
			t.Errorf("terminated %v: the waiting run is %s, %v", terminated, run.Status, err)
		}
	}
}
