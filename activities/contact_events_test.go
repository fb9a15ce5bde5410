package activities

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// talker is a consumer that shows single records, too.
type talker struct{ *window }

func (v talker) ReadRecord(ctx context.Context, kind orgflow.Kind, id string) (connectors.RemoteRecord, int, error) {
	if err := v.meet(string(kind) + " " + id + " alone"); err != nil {
		return connectors.RemoteRecord{}, 1, err
	}
	side := v.people
	if kind == orgflow.Org {
		side = v.orgs
	}
	at := side[id]
	if at == nil {
		return connectors.RemoteRecord{}, 1, orgflow.Faultf(orgflow.CodeNotFound, "no %s %s", kind, id)
	}
	return connectors.RemoteRecord{Kind: kind, ConsumerID: id, Key: at.key, Fields: at.fields, Ext: at.ext}, 1, ctx.Err()
}

// teller is a world whose consumer holds a team of n, pushed a while ago, and
// tells what is changed.
func teller(t *testing.T, w *world, act orgflow.OnChange) talker {
	t.Helper()
	w.write("company.json", strings.Replace(companyJSON, `"qps": 18`, `"qps": 18, "events": {"token": "abc", "aes_key": "k", "on_change": "`+string(act)+`"}`, 1))
	v := talker{&window{directory: w.remote, fail: map[string][]error{}}}
	w.run(team(5))
	w.sync = w.worker(w.db, v)
	w.pass(time.Hour)
	return v
}

// tell delivers an event about persons.
func (w *world) tell(id string, at time.Time, people ...string) (open bool) {
	w.t.Helper()
	n := connectors.Notice{ID: id, Type: "user_modify_org", At: at, Act: orgflow.ChangeRepair}
	for _, p := range people {
		n.Records = append(n.Records, orgflow.RemoteKey{Kind: orgflow.Person, ID: p})
	}
	open, err := w.sync.Receive(context.Background(), target, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return open
}

func (w *world) takeEvents(p TakeParams) (out TakenEvents) {
	w.t.Helper()
	p.Target = target
	w.do(orgflow.ActivityTakeContactEvents, p, &out)
	return out
}

// selected is what a job is about.
func selected(t *testing.T, job EventJob) orgflow.Params {
	t.Helper()
	var j orgflow.Job
	if err := json.Unmarshal(job.Job, &j); err != nil {
		t.Fatal(err)
	}
	return j.Params
}

func TestABurstOfEventsIsOneRunForTheRecordsConcerned(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		teller(t, w, orgflow.ChangeRepair)
		for i, id := range []string{"ev-1", "ev-2", "ev-3"} {
			if !w.tell(id, w.now(), "E1001", []string{"E1002", "E1003", "stranger"}[i]) {
				t.Error("nobody is asked to look")
			}
		}
		got := w.takeEvents(TakeParams{RunID: "events-1"})
		if want := (EventCounts{Records: 3, Unbound: 1, Runs: 1}); got.Count != want || got.Taken != 6 || len(got.Jobs) != 1 || got.Jobs[0].ID != "events-1" {
			t.Fatalf("taken %+v", got)
		}
		p := selected(t, got.Jobs[0])
		if d := cmp.Diff([]string{"person:1001", "person:1002", "person:1003"}, p.SourceIDs); d != "" {
			t.Error(d)
		}
		if p.Mode != orgflow.Reconcile || p.DryRun || p.Approval != orgflow.ApprovalNever || p.OnRunning != orgflow.RunningWait ||
			!slices.Equal(p.Stages, []orgflow.Stage{orgflow.StageSend}) || slices.Contains(p.Operations, orgflow.Delete) {
			t.Errorf("the job is %+v", p)
		}
		if _, err := w.files.DecodeJob(got.Jobs[0].Job); err != nil {
			t.Errorf("the job is refused: %v", err)
		}
		again := w.takeEvents(TakeParams{RunID: "events-1"}) // its answer was lost
		if d := cmp.Diff(got, again); d != "" {
			t.Errorf("the second attempt takes something else: %s", d)
		}
		if next := w.takeEvents(TakeParams{RunID: "events-2"}); next.Taken != 0 || len(next.Jobs) != 0 {
			t.Errorf("taken twice: %+v", next)
		}
	})
}

func TestAnEventDeliveredTwiceStartsNothingTwice(t *testing.T) {
	w := newWorld(t)
	teller(t, w, orgflow.ChangeRepair)
	at := w.now()
	for range 2 {
		if !w.tell("ev-1", at, "E1001") {
			t.Error("what nobody has looked at is open, however often it was told")
		}
	}
	if got := w.takeEvents(TakeParams{RunID: "events-1"}); got.Count.Records != 1 {
		t.Errorf("taken %+v", got)
	}
	if w.tell("ev-1", at, "E1001") {
		t.Error("it is open again")
	}
}

func TestNothingIsTakenWhileARunOfBeforeGoesOn(t *testing.T) {
	w := newWorld(t)
	teller(t, w, orgflow.ChangeRepair)
	w.tell("ev-1", w.now(), "E1001")
	before := []StartedRun{{ID: "old", FirstRunID: "f"}, {ID: "older", FirstRunID: "f"}}
	w.alive["old"] = true
	got := w.takeEvents(TakeParams{RunID: "events-1", Runs: before})
	if len(got.Jobs) != 0 || !slices.Equal(got.Running, before[:1]) {
		t.Errorf("taken %+v", got)
	}
	delete(w.alive, "old")
	if got := w.takeEvents(TakeParams{RunID: "events-1", Runs: before}); len(got.Jobs) != 1 || len(got.Running) != 0 {
		t.Errorf("afterwards %+v", got)
	}
}

// Our own writes cause events: those that are known by then are not even
// kept, those that become known before somebody looks start no run.
func TestEventsOfOurOwnWritesStartNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		teller(t, w, orgflow.ChangeRepair)
		orgs, people := team(6)
		people[0].Title = "主管"
		w.run(orgs, people)
		if w.tell("ev-1", w.now(), "E1001", "E1006") {
			t.Error("a write that is in the log is somebody's")
		}
		w.pass(ownWithin + time.Second)
		if !w.tell("ev-2", w.now(), "E1001") {
			t.Error("a later change is taken for ours")
		}
		if w.tell("ev-3", w.now().Add(-ownWithin-time.Second), "E1006") {
			t.Error("a late repetition is not known by the time it tells")
		}
		w.takeEvents(TakeParams{RunID: "events-1"})

		w.pass(time.Hour)
		people = append(people, person{ID: 1007, Dept: 11, Title: "工程师"})
		w.source.hold(orgs, people)
		run, planned := w.planned(bothKinds(""))
		if !w.tell("ev-4", w.now(), "E1007") {
			t.Error("what is not yet known to be ours has to be kept")
		}
		w.rest(run, planned)
		if got := w.takeEvents(TakeParams{RunID: "events-2"}); got.Count != (EventCounts{Own: 1}) || len(got.Jobs) != 0 {
			t.Errorf("taken %+v", got)
		}
	})
}

func TestEventsThatAreSwitchedOffOrReported(t *testing.T) {
	w := newWorld(t)
	teller(t, w, orgflow.ChangeReport)
	w.tell("ev-1", w.now(), "E1001")
	if got := w.takeEvents(TakeParams{RunID: "events-1"}); len(got.Jobs) != 1 || !selected(t, got.Jobs[0]).DryRun {
		t.Errorf("a report %+v", got)
	}
	w.tell("ev-2", w.now(), "E1001")
	w.write("company.json", companyJSON)
	if got := w.takeEvents(TakeParams{RunID: "events-2"}); len(got.Jobs) != 0 || got.Count.Off != 1 {
		t.Errorf("switched off since: %+v", got)
	}
	n := connectors.Notice{ID: "ev-3", Records: []orgflow.RemoteKey{{Kind: orgflow.Person, ID: "E1001"}}, Act: orgflow.ChangeOff}
	if open, err := w.sync.Receive(context.Background(), target, n); err != nil || open {
		t.Errorf("switched off: %v, %v", open, err)
	}
	if events, err := w.db.ContactEvents(context.Background(), target, "", 10); err != nil || slices.ContainsFunc(events, func(e store.ContactEvent) bool { return e.EventID == "ev-3" }) {
		t.Errorf("kept %v, %v", events, err)
	}
}

// A run for few records asks for these and for nobody else.
func TestAReconcileRunForFewRecordsReadsOnlyThose(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		v := teller(t, w, orgflow.ChangeRepair)
		v.people["E1002"].fields["title"] = "临时工"
		delete(v.people, "E1003")
		v.people["E1004"].fields["title"] = "临时工" // nobody asks about them
		w.tell("ev-1", w.now(), "E1001", "E1002", "E1003")
		job := w.takeEvents(TakeParams{RunID: "events-1"}).Jobs[0]
		v.calls, v.asked = nil, nil
		p := w.begin(job.Job)
		if got, err := w.readRemote(task{}, p.RunID); err != nil || got != (RemoteCount{Persons: 2, Calls: 3, Done: true, Complete: true}) {
			t.Fatalf("read %+v, %v", got, err)
		}
		slices.Sort(v.asked)
		if d := cmp.Diff([]string{"person E1001 alone", "person E1002 alone", "person E1003 alone"}, v.asked); d != "" {
			t.Error(d)
		}
		s := w.rest(p.RunID, w.plan(p.RunID))
		if s.Status != orgflow.StatusCompleted {
			t.Errorf("the run is %s: %v", s.Status, s.Error)
		}
		if d := cmp.Diff([]string{"person:1002", "person:1003"}, sorted(w.remote.sent())); d != "" {
			t.Error(d)
		}
		if v.people["E1002"].fields["title"] != "工程师" || v.people["E1003"] == nil {
			t.Errorf("repaired %v", v.people["E1002"].fields)
		}
	})
}

func sorted(list []string) []string { slices.Sort(list); return list }

func TestARecordThatCannotBeSeenIsNotGone(t *testing.T) {
	w := newWorld(t)
	v := teller(t, w, orgflow.ChangeRepair)
	w.tell("ev-1", w.now(), "E1001", "E1002")
	job := w.takeEvents(TakeParams{RunID: "events-1"}).Jobs[0]
	v.fail["person E1002 alone"] = []error{&orgflow.Fault{Code: orgflow.CodePartialRead, VendorCode: "50002", Message: "cannot be seen"}}
	p := w.begin(job.Job)
	if got, err := w.readRemote(task{}, p.RunID); err != nil || got.Complete || !got.Done {
		t.Errorf("read %+v, %v", got, err)
	}
	err := w.perform(task{}, orgflow.ActivityPlanRun, RunParams{RunID: p.RunID}, nil)
	wantFault(t, err, orgflow.CodePartialRead, false)
}

func TestManyOrUnboundRecordsAreReadWithTheWhole(t *testing.T) {
	for name, ids := range map[string]string{
		"nobody is bound": `["person:1001", "person:4711"]`, "of either kind": `["1001"]`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			v := teller(t, w, orgflow.ChangeRepair)
			p := w.begin(bothKinds(`{"mode": "reconcile", "source_ids": ` + ids + `}`))
			if got, err := w.readRemote(task{}, p.RunID); err != nil || !got.Complete || got.Persons != 5 || slices.ContainsFunc(v.asked, func(s string) bool { return strings.HasSuffix(s, "alone") }) {
				t.Errorf("read %+v, %v: %v", got, err, v.asked)
			}
		})
	}
}
