package activities

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func TestApplyPageRecordsStateBindingLogAndCalls(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		run, wave := w.peopleWave(3)
		page, err := w.apply(task{}, run, wave)
		if err != nil {
			t.Fatal(err)
		}
		want := PageResult{Settled: 3, Calls: 3, Done: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{orgflow.Person: {orgflow.Insert: {Done: 3}}}}
		if d := cmp.Diff(want, page); d != "" {
			t.Error(d)
		}
		change := w.changes(run)["person:1001"]
		if change.State != orgflow.Done || change.ConsumerID != "E1001" || change.Attempts != 1 || change.Error != nil {
			t.Errorf("change = %+v", change)
		}
		bound := w.bindings()["person:1001"]
		if bound.ConsumerID != "E1001" || bound.State != orgflow.BindingActive || bound.Scope != "default" || bound.Hash != orgflow.Hash(bound.Payload) || bound.Hash != change.Hash {
			t.Errorf("binding = %+v, planned hash %s", bound, change.Hash)
		}
		log, _, err := w.db.RecordLog(context.Background(), target, change.Key(), "", 10)
		if err != nil || len(log) != 1 || log[0].Outcome != orgflow.Done || log[0].Calls != 1 || log[0].ChangeID != change.ID {
			t.Errorf("log = %+v, %v", log, err)
		}
		if s, err := w.db.Summary(context.Background(), run); err != nil || s.Calls != 2+2+3 || s.Phase != "person_insert" {
			t.Errorf("the run counts %d calls in phase %s, %v; want 2 pages, 2 departments, 3 persons", s.Calls, s.Phase, err)
		}
	})
}

func TestARepeatedApplyPageSendsNothingAndCountsTheSame(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(5)
	first, err := w.apply(task{}, run, wave)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.apply(task{attempt: 2}, run, wave)
	if err != nil || len(w.remote.calls) != 5 {
		t.Fatalf("%d calls, %v", len(w.remote.calls), err)
	}
	first.Calls = 0 // spent by the first attempt
	if d := cmp.Diff(first, again); d != "" {
		t.Error(d)
	}
}

func TestOnlyChangesThatWereClaimedBeforeArriveInDoubt(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(3)
	// A worker that died right after claiming the first two.
	if _, err := w.db.ClaimPage(context.Background(), run, wave.From, wave.From+1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.apply(task{attempt: 2}, run, wave); err != nil {
		t.Fatal(err)
	}
	for record, want := range map[string]bool{"person:1001": true, "person:1002": true, "person:1003": false} {
		if calls := w.remote.callsAbout(record); len(calls) != 1 || calls[0].InDoubt != want {
			t.Errorf("%s arrived as %+v, want in doubt %v", record, calls, want)
		}
	}
}

func TestAtMostTheAllowedNumberOfRecordsIsInFlight(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(30)
	// The first ones wait until as many are inside as may be.
	full := make(chan struct{})
	arrived := make(chan struct{}, recordsInFlight)
	for i := range recordsInFlight {
		w.remote.on(recordName(i), reply{meet: func() {
			arrived <- struct{}{}
			if len(arrived) == recordsInFlight {
				close(full)
			}
			<-full
		}})
	}
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if w.remote.crowd != recordsInFlight {
		t.Errorf("%d calls at a time, want %d", w.remote.crowd, recordsInFlight)
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 32})
}

func TestAReferenceToSomebodyWhoIsNotThereYetIsSetByALaterRun(t *testing.T) {
	w := newWorld(t)
	orgs, people := team(2)
	orgs[1].Manager, people[0].Manager = 1099, 1099
	people = append(people, person{ID: 1099, Dept: 12, Title: "经理"})
	w.source.hold(orgs, people)
	w.remote.on("person:1099", reply{fault: &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: "60103", Message: "手机号码不合法"}})
	run, planned := w.planned(bothKinds(""))
	summary := w.rest(run, planned)
	changes := w.changes(run)
	if c := changes["person:1001"]; c.State != orgflow.Done || c.Reason != "new in the source; manager_userid names somebody who is not at the consumer yet; a later run sets it" {
		t.Errorf("the person is %s: %s", c.State, c.Reason)
	}
	if c := changes["org:11/references"]; c.State != orgflow.Blocked {
		t.Errorf("the second pass, which has nothing to send, is %s", c.State)
	}
	if _, there := w.accepted("person:1001")["manager_userid"]; there || summary.Status != orgflow.StatusCompletedWithFailures {
		t.Errorf("manager accepted: %v, status %s", there, summary.Status)
	}
	if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("second run: %s, %+v", s.Status, s.Applied)
	}
	if got := w.remote.people["E1001"].fields["manager_userid"]; got != "E1099" {
		t.Errorf("manager at the consumer = %v", got)
	}
	if got := w.remote.picture()["org:11"]["dept_manager_userid_list"]; got != "E1099" {
		t.Errorf("leader at the consumer = %v", got)
	}
	if _, third := w.planned(bothKinds("")); third.Total != 0 {
		t.Errorf("a third run still wants %d changes", third.Total)
	}
}

func TestAnInvitedPersonIsBoundAsPending(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(2)
	w.remote.on("person:1001", reply{pending: true})
	page, err := w.apply(task{}, run, wave)
	if err != nil {
		t.Fatal(err)
	}
	if got := page.Done[orgflow.Person][orgflow.Insert]; got != (orgflow.Applied{Done: 1, Pending: 1}) || page.Settled != 2 {
		t.Errorf("page = %+v", page)
	}
	if c := w.changes(run)["person:1001"]; c.State != orgflow.PendingInvite {
		t.Errorf("state = %s", c.State)
	}
	if b := w.bindings()["person:1001"]; b.State != orgflow.BindingPending || b.ConsumerID != "E1001" {
		t.Errorf("binding = %+v", b)
	}
	if s := w.finish(FinishParams{RunID: run}); s.Status != orgflow.StatusCompleted {
		t.Errorf("an invitation is no failure, the run ends %s", s.Status)
	}
}

func TestAFieldTheConsumerDroppedIsNotTakenForAccepted(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(1)
	w.remote.on("person:1001", reply{dropped: []string{"title"}})
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if _, there := w.accepted("person:1001")["title"]; there {
		t.Error("the binding claims that the title was accepted")
	}
	if c := w.changes(run)["person:1001"]; c.State != orgflow.Done || c.Reason != "new in the source; title was refused by the consumer and left out" {
		t.Errorf("%s: %s", c.State, c.Reason)
	}
	w.finish(FinishParams{RunID: run})
	next, planned := w.planned(bothKinds(""))
	if c := w.changes(next)["person:1001"]; planned.Total != 1 || len(c.Fields) != 1 || c.Fields["title"].After != "工程师" {
		t.Errorf("the next plan = %+v, %+v", planned, c)
	}
}

func TestASensitiveValueIsMaskedInTheLogAndSentInClear(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(1)
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if sent := w.remote.people["E1001"].ext["测试自定义字段"]; sent != "TEST-1001" {
		t.Errorf("sent %v", sent)
	}
	log, _, err := w.db.RecordLog(context.Background(), target, orgflow.RecordKey{Kind: orgflow.Person, ID: "1001"}, "", 10)
	if err != nil || len(log) != 1 {
		t.Fatal(log, err)
	}
	var shown map[string]any
	decode(t, log[0].Request, &shown)
	if shown["ext.测试自定义字段"] != "***" || shown["name"] != "员工1001" {
		t.Errorf("logged %v", shown)
	}
}
