package activities

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/meta"
)

// before and later are the company before the run that is killed and at it:
// the run inserts, renames, moves and deletes departments, and inserts,
// updates, moves, re-creates and deletes persons, leaders and managers included.
func before() ([]org, []person) {
	orgs, people := team(8)
	orgs = append(orgs, org{ID: 13, Name: "旧部", Parent: 10}, org{ID: 131, Name: "旧组", Parent: 13})
	people[6].Dept, people[7].Dept = 13, 131
	return orgs, people
}

func later() ([]org, []person) {
	orgs, people := team(6)
	orgs[1].Name, orgs[1].Manager = "研发中心", 1003
	orgs = append(orgs, org{ID: 14, Name: "新部", Parent: 10, Manager: 1020}, org{ID: 141, Name: "新组", Parent: 14})
	people[0].Title, people[1].Dept, people[2].Dept, people[3].Mobile = "主管", 141, 12, "10099999999"
	for i := range 10 {
		people = append(people, person{ID: 1020 + i, Dept: []int{14, 141, 11}[i%3], Title: "顾问", Manager: []int{0, 1020, 1021, 1001}[i%4]})
	}
	people[10].Manager, people[11].Manager = 1025, 1024 // each other's: one needs a second pass
	return orgs, people
}

// scene is a moment all killed runs begin at: after a run for before, and one
// for each further state.
type scene struct {
	moment
	remote *directory
	files  *meta.Store // compiled once
}

func newScene(t *testing.T, states ...staffing) scene {
	t.Helper()
	w := newWorld(t)
	for _, state := range append([]staffing{before}, states...) {
		w.run(state())
	}
	return scene{w.freeze(), w.remote, w.files}
}

// again opens the scene.
func (s scene) again(t *testing.T) *world {
	t.Helper()
	w := openWorld(t, s.open(t))
	w.remote, w.files, w.number, w.at = s.remote.clone(), s.files, s.number, s.at
	w.sync = w.worker(w.db, w.remote)
	return w
}

// world opens the scene with a worker that the reaper watches.
func (s scene) world(t *testing.T, r *reaper) *world {
	t.Helper()
	w := s.again(t)
	w.source.hold(later())
	w.source.perPage = 7
	w.restart(r)
	return w
}

// restart starts the worker after one that was killed.
func (w *world) restart(r *reaper) {
	if w.revive != nil {
		w.sync = w.revive()
		return
	}
	w.sync = w.worker(mortal{w.db, r}, mortalLink{w.remote, r})
}

// survive carries out a run as Temporal would: an activity that fails is
// attempted again, by another worker where the first was killed.
func (w *world) survive(r *reaper, job json.RawMessage, keepBeats bool) orgflow.Summary {
	w.t.Helper()
	workflow := w.newWorkflow()
	do := func(name string, params, result any) {
		w.t.Helper()
		delete(w.beats, name)
		var beat any
		for attempt := int32(1); ; attempt++ {
			err := w.perform(task{attempt: attempt, heartbeat: beat}, name, params, result)
			if err == nil && !r.restart() {
				return
			}
			if err != nil && !r.restart() || attempt > 3 {
				w.t.Fatalf("%s, attempt %d: %v", name, attempt, err)
			}
			if beat = nil; keepBeats {
				beat = w.beats[name]
			}
			w.restart(r)
		}
	}
	var p Prepared
	do(orgflow.ActivityPrepareRun, PrepareParams{Job: job, WorkflowID: workflow, FirstRunID: "first-" + workflow}, &p)
	do(orgflow.ActivityHoldTarget, RunParams{RunID: p.RunID}, nil)
	for _, kind := range p.Kinds {
		var got Fetched
		for !got.Cursor.Done {
			do(orgflow.ActivityFetchPages, FetchParams{RunID: p.RunID, Kind: kind, From: got.Cursor}, &got)
		}
	}
	var planned Planned
	do(orgflow.ActivityPlanRun, RunParams{RunID: p.RunID}, &planned)
	if planned.Push && pushAll(do, p.RunID) == "" {
		planned.Waves = nil
	}
	for _, wave := range planned.Waves {
		do(orgflow.ActivityApplyPage, ApplyParams{RunID: p.RunID, Phase: wave.Phase, From: wave.From, To: wave.To, Import: wave.Import > 0}, nil)
	}
	var summary orgflow.Summary
	do(orgflow.ActivityFinishRun, FinishParams{RunID: p.RunID}, &summary)
	return summary
}

// ending is what must be the same however often a worker was killed.
type ending struct {
	Status  orgflow.Status
	Applied map[orgflow.Kind]map[orgflow.Op]orgflow.Applied
	Fetch   map[orgflow.Kind]orgflow.FetchCount
	Remote  map[string]map[string]any
	Bound   map[string]string // record → hash of what was accepted
}

func (w *world) ending(s orgflow.Summary) ending {
	e := ending{Status: s.Status, Applied: s.Applied, Remote: w.remote.picture(), Bound: map[string]string{}}
	e.Fetch = map[orgflow.Kind]orgflow.FetchCount{}
	for kind, count := range s.Fetch {
		count.Read = 0 // rows read twice count twice
		e.Fetch[kind] = count
	}
	for record, b := range w.bindings() {
		e.Bound[record] = b.Hash
	}
	return e
}

func TestAWorkerMayBeKilledAtAnyPoint(t *testing.T) {
	killAnywhere(t, newScene(t), bothKinds(""), func(w *world) {
		if s := w.syncOnce(bothKinds("")); s.Progress.Total != 0 {
			t.Fatalf("a run after it still wants %d changes", s.Progress.Total)
		}
	})
}

// killAnywhere carries a job out once undisturbed, then once for every point
// at which the worker may be killed: the end must be the same.
func killAnywhere(t *testing.T, begin scene, job json.RawMessage, check func(*world)) {
	calm := &reaper{}
	w := begin.world(t, calm)
	want := w.ending(w.survive(calm, job, true))
	if want.Status != orgflow.StatusCompleted || len(calm.seen) < 60 {
		t.Fatalf("the undisturbed run ends %s after %d points: %+v", want.Status, len(calm.seen), want.Applied)
	}
	check(w)
	var ends []death
	for i, point := range calm.seen[:slices.Index(calm.seen, "DropSnapshotsBefore no. 1")+1] {
		if i%killEvery != 0 {
			continue
		}
		if i == 0 || strings.HasPrefix(point, "consumer") || strings.HasPrefix(point, "RecordOutcomes") {
			ends = append(ends, death{point, false}) // else nothing has happened since the point before it
		}
		ends = append(ends, death{point, true})
	}
	eachDeath(t, ends, func(t *testing.T, r *reaper) {
		w := begin.world(t, r)
		got := w.ending(w.survive(r, job, len(r.at)%2 == 0))
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		w.nothingTwice(t)
	})
}
